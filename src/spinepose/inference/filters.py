"""Smoothing of tracked people over time: live with little lag, in recordings with none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spinepose.inference.zero_phase import butterworth
from spinepose.poses import NO_TRACK, Poses

__all__ = ["OfflineSmoother", "OneEuro", "OneEuroBank", "butterworth", "smooth_offline"]

Float64 = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.floating]

MIN_CUTOFF_HZ = 1.5
BETA = 25.0
SPEED_CUTOFF_HZ = 2.0
SURE_SCORE = 0.5
"""Keypoints scored lower count for less, in proportion."""

_LEAST_SHARE = 0.05
_SCALE_S = 1.0
"""Time constant in s over which a person's height is averaged."""


class OneEuro:
    """One-Euro filter of one person's keypoints, for live use.

    A first-order low-pass filter whose cut-off rises with speed: steady points are held still,
    fast ones are not held back (Casiez, Roussel and Vogel, CHI 2012). Speeds are measured in
    person heights per second, so that neither the resolution nor the distance to the camera
    changes the result, and with the frames' own times, so that the frame rate does not either.

    Parameters
    ----------
    min_cutoff_hz
        Cut-off at rest: less is steadier and lags more.
    beta
        Hz added to the cut-off at a speed of one person height per second.
    speed_cutoff_hz
        Cut-off of the speed itself.
    max_gap_s
        A keypoint missing for longer starts afresh: nothing is carried over the gap.

    Notes
    -----
    Measured with the defaults at 30 Hz, noise of 0.3 % of a person's height:

    ===============================  =====  =======
    motion, amplitude                gain   lag
    ===============================  =====  =======
    sway of 0.3 Hz, 0.6 % of height  0.99   44 ms
    sway of 2 Hz, 0.2 %              0.83   43 ms
    sway of 2 Hz, 2 %                0.96   25 ms
    limb at 1 Hz, 15 %               1.01    9 ms
    ===============================  =====  =======

    A still person's noise falls to 0.49 of its standard deviation, that of a moving limb to
    0.81. The defaults were chosen among 32 so that slow sway lags by little more than a frame
    while noise is halved.
    """

    def __init__(
        self,
        min_cutoff_hz: float = MIN_CUTOFF_HZ,
        beta: float = BETA,
        speed_cutoff_hz: float = SPEED_CUTOFF_HZ,
        max_gap_s: float = 0.25,
    ) -> None:
        self.min_cutoff_hz = min_cutoff_hz
        self.beta = beta
        self.speed_cutoff_hz = speed_cutoff_hz
        self.max_gap_s = max_gap_s
        self.reset()

    def reset(self) -> None:
        """Forget the past."""
        self._points: Float64 | None = None
        self._speeds = np.zeros((0, 2))
        self._seen_s = np.zeros(0)
        self._height = np.nan
        self._time_s = -np.inf

    @property
    def time_s(self) -> float:
        """Time of the last frame; minus infinity before the first."""
        return self._time_s

    def filter(
        self, points: FloatArray, scores: FloatArray, time_s: float, height: float
    ) -> FloatArray:
        """Smooth the keypoints of one frame.

        Parameters
        ----------
        points
            (K, 2) px; NaN = missing.
        scores
            (K,) in 0..1; below 0.5 a keypoint moves the result less, in proportion.
        time_s
            Time of the frame. A time before the last one starts anew.
        height
            The person's size in px, such as the longer side of the box; averaged over a second.

        Returns
        -------
        points : (K, 2)
            Same dtype; NaN where the input is.
        """
        if self._points is None or time_s < self._time_s:
            self.reset()
            self._points = np.full(points.shape, np.nan)
            self._speeds = np.zeros(points.shape)
            self._seen_s = np.full(len(points), -np.inf)
        self._follow_height(height, time_s)
        raw = points.astype(np.float64)
        known = np.asarray(np.isfinite(raw).all(axis=1))
        old = known & (time_s - self._seen_s <= self.max_gap_s + 1e-9)
        new = known & ~old
        self._points[new], self._speeds[new] = raw[new], 0.0
        self._step(old, raw, scores, time_s)
        self._seen_s[known] = time_s
        self._time_s = time_s
        return np.where(known[:, None], self._points, np.nan).astype(points.dtype)

    def _step(
        self, old: npt.NDArray[np.bool_], raw: Float64, scores: FloatArray, time_s: float
    ) -> None:
        """Advance the keypoints (K,) that have a past."""
        elapsed = time_s - self._seen_s[old]
        moving = elapsed > 0
        if self._points is None or not moving.any():
            return
        rows, elapsed = np.flatnonzero(old)[moving], elapsed[moving, None]
        share = np.clip(scores[rows, None].astype(np.float64) / SURE_SCORE, _LEAST_SHARE, 1.0)
        velocity = (raw[rows] - self._points[rows]) / elapsed
        gain = share * _gain(elapsed, self.speed_cutoff_hz)
        self._speeds[rows] += gain * (velocity - self._speeds[rows])
        speed = np.linalg.norm(self._speeds[rows], axis=1, keepdims=True) / self._height
        gain = share * _gain(elapsed, self.min_cutoff_hz + self.beta * speed)
        self._points[rows] += gain * (raw[rows] - self._points[rows])

    def _follow_height(self, height: float, time_s: float) -> None:
        height = max(height, 1.0) if np.isfinite(height) else np.nan
        if np.isnan(self._height) or np.isnan(height):
            self._height = height if np.isnan(self._height) else self._height
        else:
            gain = 1 - np.exp(-(time_s - self._time_s) / _SCALE_S)
            self._height += gain * (height - self._height)


def _gain(elapsed: Float64, cutoff_hz: Float64 | float) -> Float64:
    """Return the share of the new sample in a first-order low-pass filter."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * cutoff_hz * elapsed)))


class OneEuroBank:
    """One One-Euro filter a track, for live use.

    Parameters
    ----------
    min_cutoff_hz, beta, speed_cutoff_hz, max_gap_s
        As for :class:`OneEuro`.
    """

    def __init__(
        self,
        min_cutoff_hz: float = MIN_CUTOFF_HZ,
        beta: float = BETA,
        speed_cutoff_hz: float = SPEED_CUTOFF_HZ,
        max_gap_s: float = 0.25,
    ) -> None:
        self._options = (min_cutoff_hz, beta, speed_cutoff_hz, max_gap_s)
        self._filters: dict[int, OneEuro] = {}

    def reset(self) -> None:
        """Forget everybody, as before a new video."""
        self._filters = {}

    def filter(self, poses: Poses) -> Poses:
        """Smooth the people of the next frame, each with the past of the own track.

        People without a track pass unchanged, and so do boxes, scores and 3-D points: lift to
        3-D after filtering, never before.
        """
        keypoints = poses.keypoints.copy()
        heights = (poses.boxes[:, 2:] - poses.boxes[:, :2]).max(axis=1)
        for person, track in enumerate(poses.track_ids.tolist()):
            if track == NO_TRACK:
                continue
            one = self._filters.setdefault(track, OneEuro(*self._options))
            keypoints[person] = one.filter(
                poses.keypoints[person], poses.scores[person], poses.time_s, float(heights[person])
            )
        # What would start afresh anyway need not be kept.
        oldest = poses.time_s - self._options[3]
        self._filters = {i: f for i, f in self._filters.items() if f.time_s >= oldest - 1e-9}
        return replace(poses, keypoints=keypoints)


def smooth_offline(
    frames: Iterable[Poses],
    *,
    cutoff_hz: float = 6.0,
    order: int = 4,
    max_gap_s: float = 0.2,
) -> list[Poses]:
    """Smooth all tracks of a whole clip without lag; see :func:`butterworth`.

    Parameters
    ----------
    frames
        The people of each frame, with track ids and times.
    cutoff_hz, order, max_gap_s
        As for :func:`butterworth`.

    Returns
    -------
    frames : list of Poses
        With new keypoints only: ids, scores, boxes, 3-D points and people without a track stay
        as they are. Lift to 3-D after filtering, never before.
    """
    clip = list(frames)
    return _smooth(clip, 0, len(clip), cutoff_hz, order, max_gap_s)


class OfflineSmoother:
    """Smooth a recording of any length without lag, in bounded memory.

    Frames come out a little later than they go in, because the filter looks ahead: the effect of
    a sample on its neighbours dies away within a few periods of the cut-off, so that a window of
    context gives what the whole clip would give (to 0.05 px; tests).

    Parameters
    ----------
    cutoff_hz, order, max_gap_s
        As for :func:`butterworth`.
    context_s
        How much is looked at before and after each frame. By default what the cut-off and the
        gaps need: 0.63 s at 6 Hz.
    """

    _BLOCK_S = 0.2
    """Frames come out in blocks of this length, so that not every frame costs a filter run."""

    def __init__(
        self,
        cutoff_hz: float = 6.0,
        *,
        order: int = 4,
        max_gap_s: float = 0.2,
        context_s: float | None = None,
    ) -> None:
        self._options = (cutoff_hz, order, max_gap_s)
        self.context_s = 2 / cutoff_hz + max_gap_s + 0.1 if context_s is None else context_s
        self._frames: list[Poses] = []
        self._done = 0

    def push(self, poses: Poses) -> Iterator[Poses]:
        """Take in the next frame and return those that are finished, in order.

        Where time stands still or runs back a new clip begins, and the old one is flushed.
        """
        finished: list[Poses] = []
        if self._frames and poses.time_s <= self._frames[-1].time_s:
            finished.extend(self.flush())
        self._frames.append(poses)
        ready = poses.time_s - self.context_s
        if self._frames[self._done].time_s <= ready - self._BLOCK_S:
            stop = self._done
            while self._frames[stop].time_s <= ready:
                stop += 1
            finished.extend(self._emit(stop))
        return iter(finished)

    def flush(self) -> Iterator[Poses]:
        """Return the frames that still wait, at the end of the recording."""
        finished = self._emit(len(self._frames))
        self._frames, self._done = [], 0
        return iter(finished)

    def _emit(self, stop: int) -> list[Poses]:
        """Smooth the waiting frames before `stop` and drop the context no longer needed."""
        finished = _smooth(self._frames, self._done, stop, *self._options)
        if stop < len(self._frames):
            oldest = self._frames[stop].time_s - self.context_s
            first = next(i for i, f in enumerate(self._frames) if f.time_s >= oldest)
            first = min(first, stop)
            self._frames, stop = self._frames[first:], stop - first
        self._done = stop
        return finished


def _smooth(
    frames: Sequence[Poses],
    start: int,
    stop: int,
    cutoff_hz: float,
    order: int,
    max_gap_s: float,
) -> list[Poses]:
    """Return frames from `start` to `stop` smoothed, with the others as context."""
    places: dict[int, list[tuple[int, int]]] = {}
    for i, poses in enumerate(frames):
        for person, track in enumerate(poses.track_ids.tolist()):
            places.setdefault(track, []).append((i, person))
    keypoints = [poses.keypoints.copy() for poses in frames[start:stop]]
    for track, seen in places.items():
        if track == NO_TRACK or not any(start <= i < stop for i, _ in seen):
            continue
        smooth = butterworth(
            np.array([frames[i].keypoints[person] for i, person in seen]),
            np.array([frames[i].time_s for i, _ in seen]),
            np.array([frames[i].scores[person] for i, person in seen]),
            cutoff_hz=cutoff_hz,
            order=order,
            max_gap_s=max_gap_s,
        )
        for (i, person), points in zip(seen, smooth, strict=True):
            if start <= i < stop:
                keypoints[i - start][person] = points
    return [
        replace(poses, keypoints=points)
        for poses, points in zip(frames[start:stop], keypoints, strict=True)
    ]
