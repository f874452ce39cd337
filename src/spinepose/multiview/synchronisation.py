"""How many frames apart cameras started, from what people do in front of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import correlate

from spinepose.errors import UsageError

__all__ = ["Synchronisation", "synchronise"]

Float64 = npt.NDArray[np.float64]

logger = logging.getLogger(__name__)

_SURE_PEAK = 0.5
_SURE_LEAD = 0.05
_NEIGHBOURS = 0.25
"""s around a peak that belong to it, at `rate`."""


@dataclass(frozen=True, slots=True, eq=False)
class Synchronisation:
    """Offsets between recordings.

    Attributes
    ----------
    offsets
        (C,) frames: frame f of the first camera and frame ``f + offsets[c]`` of camera c show
        the same moment.
    peaks
        (C,) correlation at the offset, at most 1; 1 for the first camera.
    leads
        (C,) how much higher that is than at the next best offset that is not beside it.
    certain
        (C,) whether peak and lead are high enough (.5 and .05) to rely on the offset.
    """

    offsets: npt.NDArray[np.int64]
    peaks: Float64
    leads: Float64
    certain: npt.NDArray[np.bool_]


def synchronise(
    signals: Sequence[npt.ArrayLike], *, rate: float = 30.0, longest: float | None = None
) -> Synchronisation:
    """Estimate by how many frames cameras are apart.

    The vertical speeds of the same keypoints are correlated, camera by camera with the first:
    cameras that stand upright see people move up and down alike, wherever they stand. Each
    keypoint counts by how much it moves; the correlation of an offset is normalised by what both
    cameras see in the frames that overlap (masked normalised correlation: Padfield, IEEE
    Transactions on Image Processing 2012, without the mean, which speeds lack). At least a third
    of the shorter recording must overlap. Recordings must have the same frame rate.

    Parameters
    ----------
    signals
        For each camera (F_c, K) the vertical pixel coordinate of the keypoints of one person;
        NaN = missing. Lengths may differ.
    rate
        Frames per second.
    longest
        Largest offset to think of, in seconds; any that overlaps enough by default.

    Returns
    -------
    synchronisation : Synchronisation
        A warning is logged for each camera whose offset is not certain: people who stand still,
        or repeat the same movement, do not tell.

    Raises
    ------
    UsageError
        If there are fewer than two cameras, shapes do not fit, or a recording has under 3 frames.
    """
    arrays = [np.asarray(signal, np.float64) for signal in signals]
    _check(arrays, rate)
    speeds = [np.diff(array, axis=0) for array in arrays]
    found = [(0, 1.0, 1.0)]
    for speed in speeds[1:]:
        lags, heights = _correlation(speeds[0], speed)
        if longest is not None:
            near = np.abs(lags) <= round(longest * rate)
            lags, heights = lags[near], heights[near]
        found.append(_peak(lags, heights, max(round(_NEIGHBOURS * rate), 1)))
    peaks = np.array([peak for _, peak, _ in found])
    leads = np.array([lead for _, _, lead in found])
    certain = (peaks >= _SURE_PEAK) & (leads >= _SURE_LEAD)
    for number in np.flatnonzero(~certain):
        logger.warning(
            "the offset of camera %d is not certain (correlation %.2f, lead %.2f): "
            "check it by eye, or film a clap or a jump",
            number,
            peaks[number],
            leads[number],
        )
    return Synchronisation(np.array([lag for lag, _, _ in found]), peaks, leads, certain)


def _check(arrays: Sequence[Float64], rate: float) -> None:
    if len(arrays) < 2:
        raise UsageError(f"synchronisation needs two cameras or more, not {len(arrays)}")
    if any(a.ndim != 2 or a.shape[1:] != arrays[0].shape[1:] or len(a) < 3 for a in arrays):
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise UsageError(f"signals have shapes {shapes}; expected (F, K), 3 frames or more each")
    if not rate > 0:
        raise UsageError(f"rate must be positive, not {rate}")


def _correlation(a: Float64, b: Float64) -> tuple[npt.NDArray[np.int64], Float64]:
    """Return the offsets of b against a, in frames, and the correlation at each, -1 to 1."""
    seen_a, seen_b = np.isfinite(a), np.isfinite(b)
    a, b = np.where(seen_a, a, 0.0), np.where(seen_b, b, 0.0)

    def over(x: npt.NDArray[np.generic], y: npt.NDArray[np.generic]) -> Float64:
        columns = zip(x.T.astype(np.float64), y.T.astype(np.float64), strict=True)
        return np.asarray(sum(correlate(v, u, mode="full", method="fft") for u, v in columns))

    lags = np.arange(-(len(a) - 1), len(b))
    shared = np.minimum(len(a), len(b) - lags) - np.maximum(0, -lags)
    power = np.maximum(over(a**2, seen_b), 0) * np.maximum(over(seen_a, b**2), 0)
    # Where nearly nothing moves in both, the quotient is noise.
    floor = 1e-3 * power.max(initial=0.0)
    heights = over(a, b) / np.sqrt(np.where(power > floor, power, np.inf))
    enough = shared >= min(len(a), len(b)) / 3
    return lags[enough], np.clip(heights[enough], -1, 1)


def _peak(lags: npt.NDArray[np.int64], heights: Float64, beside: int) -> tuple[int, float, float]:
    """Return the offset of the highest value, its height, and its lead over the rest."""
    top = int(np.argmax(heights))
    others = heights[np.abs(lags - lags[top]) > beside]
    second = float(others.max(initial=0.0))
    return int(lags[top]), float(heights[top]), float(heights[top]) - second
