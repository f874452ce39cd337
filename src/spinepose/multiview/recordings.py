"""What was tracked in the video of each camera, brought to the same moments."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.errors import DataError, UsageError
from spinepose.export import read_poses, read_provenance
from spinepose.multiview.cameras import Camera
from spinepose.poses import NO_TRACK, Poses
from spinepose.skeleton import SPINETRACK, Skeleton

__all__ = ["Track", "View", "align_views", "fit_camera", "read_view", "view_of"]

Float64 = npt.NDArray[np.float64]

logger = logging.getLogger(__name__)

_LEAST_KEYPOINTS = 8
"""In common with SpineTrack, for a person to be recognised in another view."""

_UNEVEN = 5
"""Frames by which lengths may differ before it is worth a warning."""

_SCALE_SLACK, _CUT = 0.005, 0.01
"""Shares of a side: how far two factors may be apart, and how much may be cut off."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One tracked person of one view.

    Attributes
    ----------
    keypoints
        (F, M, 2) px, in the order of :data:`.SPINETRACK`; NaN = missing.
    scores
        (F, M) in 0..1; 0 = missing.
    """

    keypoints: Float64
    scores: Float64


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The people in the video of one camera.

    Attributes
    ----------
    name
        Of the recording.
    source
        The video, if it is known.
    size
        Width and height of the video, px.
    rate
        Frames per second.
    times
        (F,) s.
    tracks
        By track id; all are F frames long.
    """

    name: str
    source: str | None
    size: tuple[int, int]
    rate: float
    times: Float64
    tracks: Mapping[int, Track]

    def part(self, start: int, stop: int) -> View:
        """Return the frames from `start` to before `stop`, without those who are not in them."""
        parts = {
            key: Track(track.keypoints[start:stop], track.scores[start:stop])
            for key, track in self.tracks.items()
        }
        kept = {key: track for key, track in parts.items() if track.scores.any()}
        return replace(self, times=self.times[start:stop], tracks=kept)


def read_view(path: str | Path) -> View:
    """Read the ``.jsonl`` or ``.json`` file that ``spinepose`` writes for a video.

    Parameters
    ----------
    path
        The file; its stem becomes the name of the view.

    Raises
    ------
    DataError
        If the file cannot be read, or as for :func:`view_of`.
    """
    path = Path(path)
    frames = list(read_poses(path))
    try:
        return view_of(path.stem, frames, source=read_provenance(path).get("source"))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def view_of(name: str, frames: Iterable[Poses], *, source: str | None = None) -> View:
    """Make a view of the poses of a video.

    Parameters
    ----------
    name
        Of the recording.
    frames
        The people of each frame, in order and with none left out; frames without people count.
    source
        The video.

    Raises
    ------
    DataError
        If there are fewer than two frames, time does not go on evenly, the size changes, a person
        has no track id, or the skeleton has fewer than 8 keypoints of :data:`.SPINETRACK`.
    """
    poses = list(frames)
    if len(poses) < 2:
        raise DataError("it holds no video; run spinepose on a video, not on a picture")
    sizes = {p.size for p in poses}
    if len(sizes) > 1:
        raise DataError(f"the size of its frames changes ({len(sizes)} sizes); use one video")
    _check_skeleton(poses[0].skeleton)
    times = np.array([p.time_s for p in poses], np.float64)
    return View(
        name=name,
        source=source,
        size=sizes.pop(),
        rate=_rate(times),
        times=times,
        tracks=_tracks([p.arranged(SPINETRACK) for p in poses]),
    )


def _rate(times: Float64) -> float:
    """Return the frames per second of evenly spaced times (F,)."""
    step = float(times[-1] - times[0]) / (len(times) - 1)
    even = times[0] + step * np.arange(len(times))
    if not (step > 0 and np.abs(times - even).max() < step):
        raise DataError(
            "its frames do not follow each other evenly; "
            "convert the video to a constant frame rate (ffmpeg -fps_mode cfr)"
        )
    return 1 / step


def _check_skeleton(skeleton: Skeleton) -> None:
    shared = len(set(skeleton.keypoints) & set(SPINETRACK.keypoints))
    if shared < _LEAST_KEYPOINTS:
        raise DataError(
            f"its skeleton {skeleton.name} shares {shared} keypoints with SpineTrack; "
            f"{_LEAST_KEYPOINTS} are needed: run spinepose with all keypoints"
        )


def _tracks(frames: Sequence[Poses]) -> dict[int, Track]:
    tracks: dict[int, Track] = {}
    shape = (len(frames), len(SPINETRACK))
    for number, poses in enumerate(frames):
        ids = poses.track_ids.tolist()
        if NO_TRACK in ids:
            raise DataError(
                f"a person in frame {number} has no track id; "
                "run spinepose on the video, not on its pictures"
            )
        if len(set(ids)) < len(ids):
            raise DataError(f"two people in frame {number} have one track id; write it anew")
        for person, key in enumerate(ids):
            if key not in tracks:
                tracks[key] = Track(np.full((*shape, 2), np.nan), np.zeros(shape))
            points, scores = poses.keypoints[person], poses.scores[person]
            seen = np.isfinite(points).all(axis=-1)
            tracks[key].keypoints[number] = points
            tracks[key].scores[number] = np.where(seen, np.nan_to_num(scores), 0)
    return tracks


def align_views(views: Sequence[View], offsets: Sequence[int] | None = None) -> tuple[View, ...]:
    """Cut views so that frame f of all is the same moment.

    Parameters
    ----------
    views
        One for each camera.
    offsets
        Frames: frame ``f + offsets[c]`` of all views c is the same moment (as in
        :class:`.Synchronisation`); 0 by default. A view with a positive offset is late.

    Returns
    -------
    views : tuple of View
        Of equal length; a warning is logged if frames at an end, more than a few, have no
        counterpart.

    Raises
    ------
    UsageError
        If frame rates differ so much that views drift apart by half a frame, there are not as many
        offsets as views, or no two frames are common to all.
    """
    shifts = [0] * len(views) if offsets is None else [int(offset) for offset in offsets]
    if not views or len(shifts) != len(views):
        raise UsageError(f"{len(shifts)} offsets are given for {len(views)} views")
    starts = [shift - min(shifts) for shift in shifts]
    left = [len(view.times) - start for view, start in zip(views, starts, strict=True)]
    frames = min(left)
    if frames < 2:
        raise UsageError("the recordings have no frames in common; check the offsets")
    _check_rates(views, frames)
    if max(left) - frames > _UNEVEN:
        lengths = ", ".join(f"{v.name} {n}" for v, n in zip(views, left, strict=True))
        logger.warning("recordings differ in length (%s frames): %d are used", lengths, frames)
    return tuple(
        view.part(start, start + frames) for view, start in zip(views, starts, strict=True)
    )


def _check_rates(views: Sequence[View], frames: int) -> None:
    first = views[0]
    for view in views[1:]:
        if abs(view.rate / first.rate - 1) * frames > 0.5:
            raise UsageError(
                f"{view.name} has {view.rate:.3f} frames per second and {first.name} "
                f"{first.rate:.3f}; convert the videos to one frame rate"
            )


def fit_camera(camera: Camera, size: tuple[int, int]) -> Camera:
    """Return a calibrated camera for a video of another size.

    A video of the calibration's size times one factor (within .5 %) was scaled, and so are the
    intrinsics. One whose sides differ by 1 % at most is taken as cut, or padded, on the right and
    below, where encoders do it to sides that are no multiple of 16: pixels stay what they are, and
    a warning is logged, since a cut on the left cannot be told from that.

    Parameters
    ----------
    camera
        As calibrated.
    size
        Width and height of the video, px.

    Raises
    ------
    UsageError
        If it is neither.
    """
    factors = np.divide(size, camera.size)
    factor = float(factors.mean())
    if size == camera.size:
        return camera
    if abs(factor - 1) > _CUT and np.abs(factors / factor - 1).max() < _SCALE_SLACK / 2:
        matrix = camera.matrix.copy()
        matrix[:2] *= factors[:, None]
        # Pixel (0, 0) is the centre of a pixel, but it is corners that scale.
        matrix[:2, 2] += (factors - 1) / 2
        return replace(camera, size=size, matrix=matrix)
    was, now = (f"{w} x {h}" for w, h in (camera.size, size))
    if np.abs(factors - 1).max() > _CUT:
        raise UsageError(
            f"camera {camera.name} is calibrated for {was} px and its video has {now}; "
            "calibrate at the size of the video, or film the whole picture"
        )
    logger.warning(
        "camera %s is calibrated for %s px and its video has %s: taken as cut on the right and "
        "below",
        camera.name,
        was,
        now,
    )
    return replace(camera, size=size)
