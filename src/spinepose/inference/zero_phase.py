"""Low-pass filtering without lag, for recordings with gaps, doubtful samples and uneven times."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["butterworth"]

Float64 = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.floating]

_FEWEST_SAMPLES = 4
"""Shorter stretches are left as they are."""

_UNEVEN = 0.15
"""Share of the frame interval by which times may deviate and still count as even: what rounding
to milliseconds does at 120 Hz."""

_KERNEL_S = 0.05
"""Standard deviation in s of the window in which doubtful samples are estimated anew."""

_DOUBTFUL = 0.5
"""Samples scored below this share of their neighbourhood are doubtful."""


def butterworth(
    keypoints: FloatArray,
    times: FloatArray,
    scores: FloatArray | None = None,
    *,
    cutoff_hz: float = 6.0,
    order: int = 4,
    max_gap_s: float = 0.2,
    fill: bool = False,
) -> FloatArray:
    """Smooth one person's keypoints over time, without lag.

    A Butterworth low-pass filter run forwards and backwards, its cut-off corrected for the two
    passes so that the gain is 0.707 at `cutoff_hz` (Winter, Biomechanics and Motor Control of
    Human Movement, section 3.4.4.2; Robertson and Dowling, J. Electromyogr. Kinesiol. 2003).

    Parameters
    ----------
    keypoints
        (F, K, D), or (F, ...) when no scores are given; NaN = missing.
    times
        (F,) s. Uneven times are resampled to even ones at the median rate and back. Where time
        stands still or runs back, a new stretch begins.
    scores
        (F, K) in 0..1. A sample scored lower than half of its neighbourhood is replaced, the
        more the lower, by a local line through its neighbours weighted by their squared scores
        (Cleveland, JASA 1979) before the filter sees it. Steady scores change nothing, however
        low.
    cutoff_hz
        Frequency with a gain of 0.707. At or above half the frame rate nothing is filtered.
    order
        Of both passes together, even: 4 is a second-order filter run twice, as usual in
        biomechanics.
    max_gap_s
        Samples further apart (and more than one frame) belong to separate stretches; the filter
        sees straight lines across shorter gaps. Stretches of fewer than four samples are not
        filtered.
    fill
        Return the bridged gaps instead of leaving them NaN.

    Returns
    -------
    keypoints
        Same shape and dtype.

    Notes
    -----
    Measured at 30 Hz with a cut-off of 6 Hz: no lag; gain 0.9998 at 1 Hz, 0.997 at 2 Hz, 0.94 at
    4 Hz, 0.16 at 9 Hz; white noise falls to 0.63 of its standard deviation, at 120 Hz to 0.32.

    Examples
    --------
    >>> import numpy as np
    >>> times = np.arange(90) / 30
    >>> sway = np.sin(2 * np.pi * times)
    >>> bool(np.abs(butterworth(sway, times) - sway).max() < 0.05)
    True
    """
    if order < 2 or order % 2:
        raise ValueError(f"order is {order}, it must be even: the filter runs twice")
    if len(times) != len(keypoints):
        raise ValueError(f"{len(times)} times for {len(keypoints)} frames")
    if cutoff_hz <= 0:
        raise ValueError(f"cutoff_hz is {cutoff_hz}, it must be positive")
    seconds = times.astype(np.float64)
    rate = _median_rate(seconds)
    if not cutoff_hz < rate / 2 < np.inf:
        return keypoints.copy()
    sos = _two_pass_design(cutoff_hz, rate, order)
    pad = int(np.ceil(2 * rate / cutoff_hz))
    longest = max(max_gap_s, 1.5 / rate)
    values = keypoints.reshape(len(times), _channels(keypoints), -1).astype(np.float64)
    known = np.asarray(np.isfinite(values).all(axis=2))
    result = values.copy()
    for (first, last), columns in _stretches(known, seconds, longest).items():
        part = np.ix_(np.arange(first, last), np.array(columns))
        samples = _bridged(seconds[first:last], values[part])
        weights = None if scores is None else np.where(known[part], scores[part], 0.0)
        smooth = _filter_stretch(seconds[first:last], samples, weights, rate, sos, pad)
        unfiltered = known[part].sum(axis=0) < _FEWEST_SAMPLES
        smooth[:, unfiltered] = samples[:, unfiltered]
        keep = np.ones_like(known[part]) if fill else known[part]
        result[part] = np.where(keep[..., None], smooth, result[part])
    return result.reshape(keypoints.shape).astype(keypoints.dtype)


def _channels(keypoints: FloatArray) -> int:
    """Return how many columns may have gaps of their own."""
    return keypoints.shape[1] if keypoints.ndim > 1 else 1


def _median_rate(times: Float64) -> float:
    """Return the frame rate in Hz; infinite where times do not tell."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    return float(1 / np.median(steps)) if len(steps) else np.inf


def _two_pass_design(cutoff_hz: float, rate: float, order: int) -> Float64:
    """Return second-order sections of one pass, so that two have the asked cut-off."""
    from scipy.signal import butter

    # Two passes square the gain: each may lose only the root of 0.707 at the cut-off. The
    # correction belongs to the analogue frequency, hence the tangent (bilinear transform).
    correction = (2**0.5 - 1) ** (1 / order)
    analogue = np.tan(np.pi * cutoff_hz / rate) / correction
    corrected = np.arctan(analogue) * rate / np.pi
    return np.asarray(butter(order // 2, corrected, fs=rate, output="sos"), dtype=np.float64)


def _stretches(
    known: npt.NDArray[np.bool_], times: Float64, longest: float
) -> dict[tuple[int, int], list[int]]:
    """Return the stretches of frames without long gaps, each with its columns of (F, K)."""
    clip = np.cumsum(np.diff(times, prepend=-np.inf) <= 0)
    bounds: dict[tuple[int, int], list[int]] = {}
    patterns, group = np.unique(known, axis=1, return_inverse=True)
    for i, pattern in enumerate(patterns.T):
        rows = np.flatnonzero(pattern)
        if not len(rows):
            continue
        gaps = (np.diff(times[rows]) > longest + 1e-9) | (np.diff(clip[rows]) > 0)
        cuts = np.flatnonzero(gaps) + 1
        columns = np.flatnonzero(group.reshape(-1) == i).tolist()
        for run in np.split(rows, cuts):
            bounds.setdefault((int(run[0]), int(run[-1]) + 1), []).extend(columns)
    return bounds


def _bridged(times: Float64, samples: Float64) -> Float64:
    """Return samples (n, K, D) with straight lines across what is missing."""
    missing = np.isnan(samples)
    for column, dimension in np.argwhere(missing.any(axis=0)):
        line, holes = samples[:, column, dimension], missing[:, column, dimension]
        line[holes] = np.interp(times[holes], times[~holes], line[~holes])
    return samples


def _filter_stretch(
    times: Float64, samples: Float64, weights: Float64 | None, rate: float, sos: Float64, pad: int
) -> Float64:
    """Filter samples (n, K, D) taken at times (n,)."""
    from scipy.interpolate import PchipInterpolator
    from scipy.signal import sosfiltfilt

    if len(times) < _FEWEST_SAMPLES:
        return samples
    if weights is not None:
        samples = _without_doubts(times, samples, weights)
    places = _grid_places(times, rate)
    grid = np.arange(round(float(places[-1])) + 1.0)
    even = bool((places == np.rint(places)).all())
    if not even:
        samples = PchipInterpolator(places, samples, axis=0)(grid)
    elif len(grid) > len(places):
        samples = _interpolate(grid, places, samples)
    smooth = sosfiltfilt(sos, samples, axis=0, padlen=min(pad, len(grid) - 1))
    if even:
        return np.asarray(smooth[places.astype(np.intp)])
    return np.asarray(PchipInterpolator(grid, smooth, axis=0)(places))


def _grid_places(times: Float64, rate: float) -> Float64:
    """Return where the samples (n,) lie on an even grid, in frames from the first.

    Whole numbers where the times are even but for rounding and dropped frames.
    """
    steps = np.diff(times) * rate
    whole = np.rint(steps)
    if (whole >= 1).all() and (np.abs(steps - whole) < _UNEVEN).all():
        return np.concatenate([[0.0], np.cumsum(whole)])
    places = (times - times[0]) * rate
    # The last sample lies on the grid as well, so that nothing is extrapolated.
    return np.asarray(places * (max(round(float(places[-1])), 1) / places[-1]))


def _interpolate(at: Float64, times: Float64, samples: Float64) -> Float64:
    """Interpolate samples (n, K, D) linearly along the first axis."""
    left = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    share = ((at - times[left]) / (times[left + 1] - times[left]))[:, None, None]
    return np.asarray(samples[left] * (1 - share) + samples[left + 1] * share)


def _without_doubts(times: Float64, samples: Float64, weights: Float64) -> Float64:
    """Replace samples (n, K, D) scored (n, K) far below their neighbours by a local line."""
    ends = np.searchsorted(times, times + 3 * _KERNEL_S, side="right")
    reach = int((ends - np.arange(len(times))).max())
    level, total = np.zeros_like(weights), np.zeros_like(weights)
    for near, window, _ in _neighbours(times, reach):
        level += window * weights[near] ** 2
        total += window * weights[near]
    level = level / np.where(total > 0, total, 1.0)
    trust = weights / np.where(level > 0, level, 1.0) / _DOUBTFUL
    trust = np.where(level > 0, np.minimum(trust, 1.0) ** 2, 1.0)[..., None]
    if (trust >= 1).all():
        return samples
    line = _local_line(times, samples, weights**2, reach)
    return np.asarray(trust * samples + (1 - trust) * line)


def _neighbours(
    times: Float64, reach: int
) -> Iterator[tuple[npt.NDArray[np.intp], Float64, Float64]]:
    """Yield, step by step, a neighbour (n,) of every sample, its weight and distance (n, 1)."""
    places = np.arange(len(times))
    for step in range(-reach, reach + 1):
        near = np.clip(places + step, 0, len(times) - 1)
        apart = (times[near] - times)[:, None]
        window = np.exp(-0.5 * (apart / _KERNEL_S) ** 2)
        yield near, np.where((near == places + step)[:, None], window, 0.0), apart


def _local_line(times: Float64, samples: Float64, weights: Float64, reach: int) -> Float64:
    """Return weighted lines through the neighbours of each sample, at the sample (n, K, D)."""
    s0, s1, s2 = (np.zeros_like(weights) for _ in range(3))
    y0, y1 = np.zeros_like(samples), np.zeros_like(samples)
    for near, window, apart in _neighbours(times, reach):
        w = window * weights[near]
        s0, s1, s2 = s0 + w, s1 + w * apart, s2 + w * apart**2
        y0 += w[..., None] * samples[near]
        y1 += (w * apart)[..., None] * samples[near]
    # A little ridge: with all the weight on one side the line turns into the mean.
    s2 = s2 + 0.01 * _KERNEL_S**2 * s0
    scale = s0 * s2 - s1 * s1
    scale = np.where(scale > 0, scale, 1.0)
    return np.asarray((s2[..., None] * y0 - s1[..., None] * y1) / scale[..., None])
