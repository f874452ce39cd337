"""Poses from markers: ours against OpenSim's inverse kinematics, same model, markers and weights.

A person of unequal proportions bends, turns and moves the limbs; the markers are the model's own,
with noise, and both engines know the true size. Without noise every marker can be met exactly. With
``--trc``, markers of a recording are used instead: there is no truth then, and the size is
estimated. Frames per second are those of processor time, without reading the model.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from spinepose.biomech import Kinematics, body_model, write_osim
from spinepose.biomech.ik import solve
from spinepose.biomech.opensim_tools import ACCURACY, solve_with_opensim
from spinepose.biomech.priors import marker_weights
from spinepose.biomech.scaling import estimate_scale
from spinepose.export.trc import Markers, read_trc

BODY = Kinematics(body_model())
SPEC = BODY.spec
NAMES = tuple(marker.name for marker in SPEC.markers)
WIDEST = np.radians(40)
RATE = 50.0


def motion(frames: int, seed: int) -> np.ndarray:
    """Return poses (F, Q): each coordinate swings at .1 to .4 Hz, at most 40 degrees to a side."""
    rng = np.random.default_rng(seed)
    low, high = np.clip(SPEC.limits, -WIDEST, WIDEST)
    frequency, phase = rng.uniform(0.1, 0.4, len(low)), rng.uniform(0, 2 * np.pi, len(low))
    turns = np.arange(frames)[:, None] / RATE * frequency + phase / (2 * np.pi)
    return (low + high) / 2 + 0.8 * (high - low) / 2 * np.sin(2 * np.pi * turns)


def recorded(path: Path, frames: int) -> np.ndarray:
    """Return the markers (F, M, 3) of a recording, NaN where the file has none of that name."""
    given = read_trc(path)
    points = np.full((min(frames, len(given.times)), len(NAMES), 3), np.nan)
    for i, name in enumerate(NAMES):
        if name in given.names:
            points[:, i] = given.positions[: len(points), given.names.index(name)]
    return points


def rms(differences: np.ndarray) -> float:
    """Return the root mean square length of vectors (F, M, 3), mm."""
    return float(np.sqrt(np.nanmean((differences**2).sum(axis=2))) * 1000)


def rows(points: np.ndarray, truth: np.ndarray, scale: np.ndarray, accuracy: float) -> list[str]:
    """Return the table rows of both engines."""
    weights = dict(zip(NAMES, marker_weights(SPEC).tolist(), strict=True))
    start = time.process_time()
    ours = solve(points, BODY, scale=scale)
    seconds = time.process_time() - start
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "person.osim"
        write_osim(model, SPEC, scale)
        given = Markers(points, NAMES, np.arange(len(points)) / RATE, RATE)
        theirs = solve_with_opensim(model, given, weights, accuracy=accuracy)
    used = [NAMES.index(name) for name in theirs.names]
    rates = int(ours.solved.sum()) / seconds, theirs.frames_per_second
    found = {"spinepose": ours.markers[:, used], "OpenSim": theirs.markers}
    return [
        f"{who} | {rate:.1f} | {rates[0] / rate:.1f} | {rms(markers - points[:, used]):.2f} | "
        f"{rms(markers - truth[:, used]):.2f}"
        for (who, markers), rate in zip(found.items(), rates, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--noise", type=float, nargs="+", default=[0, 5, 10], help="mm per axis")
    parser.add_argument("--accuracy", type=float, default=ACCURACY, help="of OpenSim's solver")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trc", type=Path, help="markers of a recording, y up")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    print(
        "| noise mm | engine | frames/s | times slower than ours | RMSE left mm | to truth mm |\n"
        "|---|---|---|---|---|---|"
    )
    if args.trc:
        points = recorded(args.trc, args.frames)
        unknown = np.full_like(points, np.nan)
        for row in rows(points, unknown, estimate_scale(points, BODY), args.accuracy):
            print(f"| recorded | {row} |".replace("nan", "unknown"))
        return
    scale = rng.uniform(0.92, 1.08, len(SPEC.groups))
    truth = BODY.markers(motion(args.frames, args.seed), scale)
    for noise in args.noise:
        points = truth + rng.normal(0, noise / 1000, truth.shape)
        for row in rows(points, truth, scale, args.accuracy):
            print(f"| {noise:g} | {row} |", flush=True)


if __name__ == "__main__":
    main()
