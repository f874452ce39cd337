"""The numbers in docs/biomechanics.md: ``python -m tests.unit.biomech.trials``, some minutes."""

from __future__ import annotations

import sys
import time

import numpy as np

from spinepose.biomech.ik import solve
from spinepose.biomech.scaling import scale_and_solve
from spinepose.biomech.smoothing import smooth
from spinepose.biomech.verdict import WARN, judge_markers
from tests.unit.biomech.motions import BODY, SPEC, moving_person, rms, wrong_spine

_TRUNK = [
    SPEC.coordinate_index[f"{region}_extension"]
    for region in ("lumbar", "lower_thoracic", "upper_thoracic")
]
_SPINE = [
    i
    for i, item in enumerate(SPEC.coordinates)
    if item.name.startswith(("lumbar", "lower", "upper"))
]
_WRONG_RATE = 4.0
"""Frames per second of the motions with a wrong keypoint."""


def speed(frames: int = 1500) -> None:
    """Print frames per second of processor time."""
    truth = BODY.markers(moving_person(frames, 50, seed=2))
    for noise in (0.0, 0.005, 0.01):
        points = truth + np.random.default_rng(3).normal(0, noise, truth.shape)
        start = time.process_time()
        fit = solve(points, BODY)
        rate = frames / (time.process_time() - start)
        print(
            f"{noise * 1000:.0f} mm: {rate:.0f} frames/s, {rms(fit.residuals) * 1000:.2f} mm left"
        )


def accuracy(people: int = 4) -> None:
    """Print distances to the truth of people whose size is estimated, 100 frames at 50 Hz."""
    for noise in (0.01, 0.0, 0.005, 0.02):
        for seed in range(people):
            rng = np.random.default_rng(100 + seed)
            q = moving_person(100, 50, seed)
            truth = BODY.markers(q, rng.uniform(0.92, 1.08, len(SPEC.groups)))
            points = truth + rng.normal(0, noise, truth.shape)
            fit = scale_and_solve(points, BODY)
            smoothed = smooth(fit, points, BODY, 50.0).fit
            away = [rms(np.linalg.norm(f.markers - truth, axis=2)) * 1000 for f in (fit, smoothed)]
            flexion = (smoothed.coordinates - q)[:, _TRUNK].sum(axis=1)
            each = np.sqrt(((smoothed.coordinates - q)[:, _SPINE] ** 2).mean(axis=0))
            print(
                f"{noise * 1000:.0f} mm, person {seed}: left {rms(fit.residuals) * 1000:.1f} and "
                f"{rms(smoothed.residuals) * 1000:.1f}, from truth {away[0]:.1f} and {away[1]:.1f} "
                f"mm, trunk flexion {np.degrees(rms(flexion)):.1f}, angles of the spine "
                f"{np.degrees(each.mean()):.1f} (worst {np.degrees(each.max()):.1f}) degrees",
                flush=True,
            )


def errors(trials: int = 200, frames: int = 10, noises: tuple[float, ...] = (0.003, 0.005)) -> None:
    """Print how many 15 cm errors of a spine keypoint are found, and the worst good keypoint.

    The size is estimated from the wrong markers, too. Found means that exactly the wrong keypoint
    is flagged, in exactly the frames in which it is wrong; smoothing is not to hide it.
    """
    for noise in noises:
        least, smoothed, most, found, clear = np.inf, np.inf, 0.0, 0, 0
        for trial in range(trials):
            points, name, wrong = wrong_spine(trial, frames, noise)
            bad = SPEC.marker_index[name]
            fit = scale_and_solve(points, BODY, frames=frames)
            flags = judge_markers(points, fit, BODY).flags
            found += {(f.frame, f.keypoint) for f in flags} == {(f, name) for f in wrong}
            good = fit.residuals.copy()
            good[wrong, bad] = 0
            after = smooth(fit, points, BODY, _WRONG_RATE).fit.residuals
            least = min(least, fit.residuals[wrong, bad].min())
            smoothed = min(smoothed, after[wrong, bad].min())
            most, clear = max(most, good.max()), clear + (good.max() <= WARN)
        print(
            f"{noise * 1000:.0f} mm, {trials} trials: {found} found, {clear} without a good "
            f"keypoint warned of; bad at least {least * 1000:.0f} mm, {smoothed * 1000:.0f} when "
            f"smoothed; good at most {most * 1000:.0f} mm",
            flush=True,
        )


if __name__ == "__main__":
    for name in sys.argv[1:] or ("speed", "accuracy", "errors"):
        {"speed": speed, "accuracy": accuracy, "errors": errors}[name]()
