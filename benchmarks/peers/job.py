"""Run a video through a peer, the way its own examples do; prints one JSON line.

Runs in the peer's environment: it must not import anything of ours.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np


class Detector:
    """Our detector's network, called as rtmlib calls its YOLOX: every frame, square, float."""

    det_mode = "human"

    def __init__(self, path: str, threshold: float, iou: float, threads: int) -> None:
        self.session = make_session(path, threads)
        self.threshold, self.iou = threshold, iou

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return boxes (N, 4) in pixels of a BGR frame."""
        side = 416
        padded = np.full((side, side, 3), 114, dtype=np.uint8)
        ratio = min(side / image.shape[0], side / image.shape[1])
        size = (int(image.shape[1] * ratio), int(image.shape[0] * ratio))
        padded[: size[1], : size[0]] = cv2.resize(image, size)
        values = np.ascontiguousarray(padded[:, :, ::-1].transpose(2, 0, 1), dtype=np.float32)
        boxes, scores = self.session.run(None, {"input": values[None]})
        keep = scores[0] > self.threshold
        boxes, scores = boxes[0][keep] / ratio, scores[0][keep]
        wide = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
        kept = cv2.dnn.NMSBoxes(wide.tolist(), scores.tolist(), self.threshold, self.iou)
        return boxes[np.array(kept, dtype=int)] if len(kept) else np.zeros((0, 4))


def make_session(path: str, threads: int):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def rtmlib_tracker(args: argparse.Namespace):
    """Return rtmlib's PoseTracker around our weights, and its way to draw."""
    from rtmlib import PoseTracker, RTMPose, draw_skeleton

    class Solution:
        def __init__(self, **_: object) -> None:
            self.det_model = Detector(args.detector, args.threshold, args.iou, args.threads)
            self.pose_model = RTMPose(
                args.pose, (256, 256), (127.5,) * 3, (127.5,) * 3, backend="onnxruntime"
            )
            self.pose_model.session = make_session(args.pose, args.threads)

    tracker = PoseTracker(Solution, det_frequency=args.det_frequency)

    def draw(frame: np.ndarray, keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
        # Its skeletons end at 26 body keypoints, which are the first 26 of ours.
        return draw_skeleton(frame, keypoints[:, :26], scores[:, :26], kpt_thr=0.3)

    return tracker, draw


def spinepose2_tracker(args: argparse.Namespace):
    """Return version 2's PoseTracker around our weights, and its way to draw."""
    from spinepose.tools import base_solution

    import spinepose

    class Pose(base_solution.RTMPose):
        def __init__(self, *_: object, **__: object) -> None:
            super().__init__(args.pose, model_input_size=(256, 256))
            self.mean, self.std = (127.5,) * 3, (127.5,) * 3
            self.session = make_session(args.pose, args.threads)

    class Found:
        def __init__(self, *_: object, **__: object) -> None:
            self.find = Detector(args.detector, args.threshold, args.iou, args.threads)

        def __call__(self, image: np.ndarray) -> np.ndarray:
            """Return boxes (N, 4) in pixels of a BGR frame."""
            return self.find(image)

    base_solution.RTMPose, base_solution.RFDETR = Pose, Found
    tracker = spinepose.PoseTracker(
        spinepose.SpinePoseEstimator, mode="medium", smoothing=True, det_frequency=1
    )
    return tracker, tracker.visualize


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=["rtmlib", "spinepose2"])
    parser.add_argument("video")
    parser.add_argument("--pose", required=True)
    parser.add_argument("--detector", required=True)
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--iou", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--det-frequency", type=int, default=1)
    parser.add_argument("--frames", type=int)
    parser.add_argument("--out", help="folder for the drawn video and the JSON")
    args = parser.parse_args()
    make = rtmlib_tracker if args.peer == "rtmlib" else spinepose2_tracker
    tracker, draw = make(args)
    start = time.perf_counter()
    capture = cv2.VideoCapture(args.video)
    size = tuple(int(capture.get(k)) for k in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    writer = None
    if args.out:
        path = str(Path(args.out) / f"{args.peer}.mp4")
        code = cv2.VideoWriter_fourcc(*"mp4v")
        writer = cv2.VideoWriter(path, code, capture.get(cv2.CAP_PROP_FPS), size)
    results, count, people = [], 0, 0
    while args.frames is None or count < args.frames:
        ok, frame = capture.read()
        if not ok:
            break
        keypoints, scores = (np.asarray(v) for v in tracker(frame)[:2])
        count, people = count + 1, people + len(keypoints)
        if writer is not None:
            results.append({"keypoints": keypoints.tolist(), "scores": scores.tolist()})
            writer.write(draw(frame, keypoints, scores) if len(keypoints) else frame)
    if writer is not None:
        writer.release()
        (Path(args.out) / f"{args.peer}.json").write_text(json.dumps(results))
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "frames": count, "people": people / max(count, 1)}))


if __name__ == "__main__":
    main()
