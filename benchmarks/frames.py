"""Where the time of a frame goes, and the floor that the networks' arithmetic sets."""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from spinepose import Settings, SpinePoseEstimator
from spinepose.draw import draw_poses
from spinepose.inference import PoseTracker
from spinepose.inference.filters import OfflineSmoother
from spinepose.media import VideoReader, VideoWriter


def gemm_rate(threads: int) -> float:
    """Return the billions of multiply-adds per second of a large matrix product in the runtime."""
    import onnxruntime as ort
    from onnx import TensorProto, helper

    size = 1024
    shape = [size, size]
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in "abc"]
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "gemm", infos[:2], infos[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model.SerializeToString(), options)
    values = {n: np.random.default_rng(0).random(shape, dtype=np.float32) for n in "ab"}
    best = min(_seconds(lambda: session.run(None, values)) for _ in range(20))
    return size**3 / best / 1e9


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    spent: dict[str, float] = defaultdict(float)

    @contextmanager
    def clock(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        spent[name] += time.perf_counter() - start

    def watched(owner: object, method: str, name: str) -> None:
        inner = getattr(owner, method)

        def outer(*a: object, **k: object) -> object:
            with clock(name):
                return inner(*a, **k)

        setattr(owner, method, outer)

    estimator = SpinePoseEstimator(settings=Settings(threads=args.threads))
    tracker = PoseTracker(estimator, smoothing=False)
    watched(estimator.pose_model, "_cut", "cut and normalise crops")
    watched(estimator.pose_model, "_logits", "pose network")
    watched(estimator.detector, "detect", "detector")
    watched(tracker._tracks, "update", "tracks")
    smoother = OfflineSmoother()
    people = frames = 0
    with tempfile.TemporaryDirectory() as folder, VideoReader(args.video) as reader:
        source = itertools.islice(iter(reader), args.frames)
        with VideoWriter(Path(folder) / "out.mp4", reader.info) as writer:
            while True:
                with clock("decode"):
                    frame = next(source, None)
                if frame is None:
                    break
                with clock("all of the tracker"):
                    poses = tracker.step(frame.image, frame=frame.index, time_s=frame.time_s)
                with clock("filter"):
                    list(smoother.push(poses))
                with clock("draw"):
                    drawn = draw_poses(frame.image, poses, out=frame.image)
                with clock("encode"):
                    writer.write(drawn, pts=frame.pts)
                people, frames = people + len(poses), frames + 1
    inside = ("cut and normalise crops", "pose network", "detector", "tracks")
    spent["decode SimCC and the rest"] = spent.pop("all of the tracker") - sum(
        spent[name] for name in inside
    )
    print(f"{frames} frames, {people / frames:.1f} people each, {args.threads} threads, in turn\n")
    print("| step | ms a frame | share |\n|---|---|---|")
    total = sum(spent.values())
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"| {name} | {1000 * seconds / frames:.2f} | {100 * seconds / total:.0f} % |")
    print(f"| all, one after the other | {1000 * total / frames:.2f} | 100 % |")
    rate = gemm_rate(args.threads)
    work = estimator.pose_model.card.raw["gflops"] * people / frames
    print(
        f"\nMatrix products run at {rate:.0f} G multiply-adds a second; the pose network needs "
        f"{work:.2f} G a frame, so its floor is {1000 * work / rate:.1f} ms a frame."
    )


if __name__ == "__main__":
    main()
