"""Whether calibrated cameras are in step, and by how many frames they are not.

:func:`.synchronise` needs no calibration and finds offsets of any size, but is unsure on short
recordings; this needs the cameras and finds small offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from spinepose.errors import UsageError
from spinepose.multiview.cameras import Camera
from spinepose.multiview.epipolar import across_baseline, miss_angles, world_rays

__all__ = ["Step", "check_step"]

Float64 = npt.NDArray[np.float64]

_WORST = 0.03
"""rad; a larger miss is a wrong keypoint, and counts as this."""

_FRAMES = 300
"""At most compared of a longer recording, evenly spread."""

_LEAST_SCORE = 0.3
_LEAST_FALL = 0.03
"""Share by which the miss must fall, for an offset to be believed."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Whether calibrated cameras are in step.

    Attributes
    ----------
    offsets
        (C,) frames: frame ``f + offsets[c]`` of all cameras c is the same moment. Most cameras
        have 0; a camera with a positive offset is late.
    before, after
        (C,) px by which the rays of a camera and of the others miss each other, on average, after
        what is the same in all frames is taken away: without and with the offset of this camera,
        while the others have theirs. NaN for a camera that has nothing in common with another.
    """

    offsets: npt.NDArray[np.int64]
    before: Float64
    after: Float64

    @property
    def out(self) -> npt.NDArray[np.bool_]:
        """(C,) which cameras are out of step: the miss falls by 3 % or more with their offset."""
        fall = self.after <= (1 - _LEAST_FALL) * self.before
        return np.asarray((self.offsets != 0) & fall)

    def warnings(self, names: Sequence[str]) -> list[str]:
        """Return a line for each camera that is out of step."""
        return [
            f"camera {names[c]} seems to be {abs(self.offsets[c])} frames "
            f"{'late' if self.offsets[c] > 0 else 'early'}: with an offset of "
            f"{self.offsets[c]} its rays miss the others by {self.after[c]:.1f} instead of "
            f"{self.before[c]:.1f} px"
            for c in np.flatnonzero(self.out).tolist()
        ]


def check_step(
    cameras: Sequence[Camera],
    keypoints: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    longest: int = 20,
) -> Step:
    """Find by how many frames calibrated cameras are out of step.

    The offsets are sought at which the rays of two cameras miss each other least. What a keypoint
    misses by in all frames is taken away first: that is the calibration's error, or a keypoint that
    two views see in different places, and would be taken for time while a person walks. Pairs of
    cameras are measured at each offset; then one camera after the other moves to where the sum over
    its pairs is least, until none moves (coordinate descent).

    Parameters
    ----------
    cameras
        C of them.
    keypoints, scores
        (C, F, K, 2) px and (C, F, K) of one person; those of several may follow each other along K.
    longest
        Frames that two cameras may be apart; a quarter of all frames at most.

    Raises
    ------
    UsageError
        If shapes do not fit, there are fewer than 4 frames, or `longest` is not positive.
    """
    points, trust = np.asarray(keypoints, np.float64), np.asarray(scores, np.float64)
    _check_step(cameras, points, trust, longest)
    rays = np.stack([world_rays(c, k) for c, k in zip(cameras, points, strict=True)])
    known = np.isfinite(rays).all(axis=-1) & (trust >= _LEAST_SCORE)
    weights = np.where(known, trust, 0.0)
    rays = np.where(known[..., None], rays, 0.0)
    count, reach = len(cameras), min(longest, points.shape[1] // 4)
    misses = np.zeros((count, count, 2 * reach + 1))
    for a, b in combinations(range(count), 2):
        across = across_baseline(cameras[a], cameras[b], rays[[a, b]])
        row = [_typical_miss(across, weights[[a, b]], lag) for lag in range(-reach, reach + 1)]
        misses[a, b], misses[b, a] = row, row[::-1]
    shared = np.isfinite(misses).all(axis=-1) & ~np.eye(count, dtype=np.bool_)
    offsets = _best_offsets(np.where(shared[..., None], misses, _WORST))
    focals = np.array([np.sqrt(c.matrix[0, 0] * c.matrix[1, 1]) for c in cameras])
    pixels = np.where(shared[..., None], misses, np.nan) * focals[:, None, None]
    before, after = (_per_camera(pixels, offsets, own) for own in (np.zeros_like(offsets), offsets))
    return Step(offsets, before, after)


def _check_step(
    cameras: Sequence[Camera], keypoints: Float64, scores: Float64, longest: int
) -> None:
    if len(cameras) < 2 or scores.ndim != 3 or len(scores) != len(cameras):
        raise UsageError(f"scores have shape {scores.shape}, with {len(cameras)} cameras")
    if keypoints.shape != (*scores.shape, 2):
        raise UsageError(f"keypoints have shape {keypoints.shape}, scores {scores.shape}")
    if longest < 1 or scores.shape[1] < 4:
        raise UsageError(
            f"offsets up to {longest} frames cannot be sought in {scores.shape[1]} frames; "
            "1 and 4 are the least"
        )


def _typical_miss(across: Float64, weights: Float64, lag: int) -> float:
    """Return by how much, rad, frame f of one view and f + lag of another miss each other.

    Parts of rays across the baseline are (2, F, K, 2), weights (2, F, K).
    """
    frames = across.shape[1]
    first = np.arange(max(0, -lag), min(frames, frames - lag), -(-frames // _FRAMES))
    angles = miss_angles(across[0, first], across[1, first + lag])
    trust = np.minimum(weights[0, first], weights[1, first + lag])
    if not trust.any():
        return np.nan
    angles = np.clip(angles, -_WORST, _WORST)
    lasting = (trust * angles).sum(axis=0) / np.maximum(trust.sum(axis=0), 1e-9)
    return float((trust * np.abs(angles - lasting)).sum() / trust.sum())


def _best_offsets(misses: Float64) -> npt.NDArray[np.int64]:
    """Return the offsets (C,), most of them 0, at which misses (C, C, lags) sum up to least."""
    # Start in step, or where each camera fits the one best that fits all best.
    anchor = int(misses.min(axis=2).sum(axis=1).argmin())
    fitting = misses[anchor].argmin(axis=1) - misses.shape[2] // 2
    fitting[anchor] = 0
    found = [_descend(misses, start) for start in (np.zeros_like(fitting), fitting)]
    offsets, _ = min(found, key=lambda pair: pair[1])
    return offsets - int(np.percentile(offsets, 50, method="lower"))


def _descend(misses: Float64, start: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], float]:
    """Move one camera after the other; return where (C,) they end, and the sum of misses there."""
    count, reach = len(misses), misses.shape[2] // 2
    offsets, total = np.clip(start, start.max() - reach, None), np.inf
    while True:
        for c in range(count):
            others = np.delete(offsets, c)
            lags = np.arange(others.max() - reach, others.min() + reach + 1)
            lags = lags[np.argsort(np.abs(lags), kind="stable")]  # of equals, the nearest to 0
            table = np.delete(misses[:, c], c, axis=0)
            places = lags[None] - others[:, None] + reach
            offsets[c] = lags[np.take_along_axis(table, places, axis=1).sum(axis=0).argmin()]
        reached = float(_at(misses, offsets, offsets).sum())
        if reached >= total - 1e-12:
            return offsets, reached
        total = reached


def _at(misses: Float64, rows: npt.NDArray[np.int64], own: npt.NDArray[np.int64]) -> Float64:
    """Return the misses (C, C) of cameras at offsets `own` against others at offsets `rows`."""
    lags = misses.shape[2] // 2 + own[None] - rows[:, None]
    return np.asarray(np.take_along_axis(misses, lags[..., None], axis=2)[..., 0])


def _per_camera(
    pixels: Float64, rows: npt.NDArray[np.int64], own: npt.NDArray[np.int64]
) -> Float64:
    """Return the mean (C,) of :func:`_at` over the others."""
    taken = _at(pixels, rows, own)
    known = np.isfinite(taken)
    means = np.where(known, taken, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known.any(axis=0), means, np.nan)
