"""Whole videos, ours against the peers: same weights, same threads, same run."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JOB = Path(__file__).parent / "peers" / "job.py"


def ours(video: str, threads: int, frames: int | None, out: Path | None) -> dict[str, float]:
    """Run our road over a video; models are loaded before the clock starts, as for the peers."""
    from spinepose import Settings, SpinePoseEstimator
    from spinepose.inference import Outputs, process_video

    settings = Settings(threads=threads)
    estimator = SpinePoseEstimator(settings=settings)
    _ = estimator.detector
    outputs = Outputs()
    if out is not None:
        outputs = Outputs(visual=out / "ours.mp4", data=out / "ours.jsonl")
    seen = 0

    def stop(_: float) -> bool:
        nonlocal seen
        seen += 1
        return frames is not None and seen > frames

    start = time.perf_counter()
    summary = process_video(video, outputs, estimator, settings, stop=stop)
    seconds = time.perf_counter() - start
    people = summary.people_sum / max(summary.frames, 1)
    return {"seconds": seconds, "frames": summary.frames, "people": people}


def peer(
    name: str, python: str, video: str, threads: int, frames: int | None, out: Path | None
) -> dict[str, float]:
    """Run a peer's job in its own environment."""
    from spinepose.models import resolve_detector, resolve_pose

    detector = resolve_detector("person")
    words = [python, str(JOB), name, video, "--threads", str(threads)]
    words += ["--pose", str(resolve_pose("small").path), "--detector", str(detector.path)]
    words += ["--threshold", str(detector.card.output.score_threshold)]
    words += ["--iou", str(detector.card.output.nms_iou)]
    words += ["--frames", str(frames)] if frames else []
    words += ["--out", str(out)] if out else []
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--rtmlib", help="python of an environment with rtmlib")
    parser.add_argument("--spinepose2", help="python of an environment with spinepose 2.1.0")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, help="only the first so many frames")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    runners = {"ours": lambda *a: ours(*a)}
    for name in ("rtmlib", "spinepose2"):
        python = getattr(args, name)
        if python:
            runners[name] = lambda *a, n=name, p=python: peer(n, p, *a)
    rows = []
    for video in args.videos:
        for what in ("keypoints", "video and JSON"):
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in runners}
            for _ in range(args.repeat):
                # In turns, so that a slow spell of the machine meets everybody.
                for name, run in runners.items():
                    with tempfile.TemporaryDirectory() as folder:
                        out = Path(folder) if what != "keypoints" else None
                        runs[name].append(run(video, args.threads, args.frames, out))
            base = statistics.median(r["seconds"] / r["frames"] for r in runs["ours"])
            for name, results in runs.items():
                each = statistics.median(r["seconds"] / r["frames"] for r in results)
                rows.append(
                    {
                        "video": Path(video).name,
                        "job": what,
                        "who": name,
                        "frames": int(results[0]["frames"]),
                        "people": round(results[0]["people"], 1),
                        "fps": round(1 / each, 1),
                        "times slower than ours": round(each / base, 2),
                    }
                )
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    names = list(rows[0])
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names))
    for row in rows:
        print("| " + " | ".join(str(v) for v in row.values()) + " |")


if __name__ == "__main__":
    main()
