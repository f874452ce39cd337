"""What a validation gives to people who annotate: flagged keypoints, picture by picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.biomech.ik import to_world
from spinepose.biomech.validation import Sight, Validation
from spinepose.biomech.verdict import Flag
from spinepose.errors import UsageError
from spinepose.export.queue import QueueItem, QueueKeypoint
from spinepose.geometry import boxes_from_keypoints
from spinepose.skeleton import SPINETRACK

__all__ = ["describe", "match_videos", "model_pixels", "queue_of", "widest_gap"]

Float64 = npt.NDArray[np.float64]


def queue_of(
    validation: Validation, videos: Sequence[Path | None] = (), *, offsets: Sequence[int] = ()
) -> list[QueueItem]:
    """Return what to correct in the cameras' pictures, the worst first.

    A flagged keypoint of a frame goes to every camera that saw it, whether its view was used or
    rejected: who is wrong, people see in the pictures. All flagged keypoints of one picture are
    one item. Its priority is the largest distance, mm; of the pictures of one moment the first is
    the one in which keypoint and model are furthest apart.

    Parameters
    ----------
    validation
        Without :attr:`.Validation.sight` nothing can be corrected: the list is empty.
    videos
        C paths, `None` where there is none; nothing is opened.
    offsets
        C, as :func:`.align_views` took them: frame f of the validation is frame ``f + offset -
        min(offsets)`` of that camera's video; 0 when not given. Items have the video's frames.

    Raises
    ------
    UsageError
        If there are not as many videos or offsets as cameras.
    """
    sight = validation.sight
    paths, shifts = match_videos(sight, videos, offsets)
    if sight is None:
        return []
    by_frame: dict[int, list[Flag]] = {}
    for flag in validation.verdict.flags:
        by_frame.setdefault(flag.frame, []).append(flag)
    found = []
    for (frame, flags), camera in product(by_frame.items(), range(len(sight.cameras))):
        seen = [f for f in flags if sight.triangulation.present[camera, frame, _index(f)]]
        pixels = model_pixels(validation, camera, frame)
        if seen:
            gap = widest_gap(sight, camera, seen, pixels)
            item = _item(validation, sight, camera, seen, pixels, paths[camera], shifts[camera])
            found.append((-item.priority, frame, -gap, item))
    return [item for *_, item in sorted(found, key=lambda entry: entry[:3])]


def match_videos(
    sight: Sight | None, videos: Sequence[Path | None], offsets: Sequence[int]
) -> tuple[list[Path | None], list[int]]:
    """Return each camera's path and the frames that its video is behind, as :func:`queue_of`."""
    count = len(sight.cameras) if sight else 0
    for name, given in (("videos", videos), ("offsets", offsets)):
        if len(given) not in (0, count):
            raise UsageError(f"there are {count} cameras, but {len(given)} {name}")
    shifts = [int(offset) - min(offsets) for offset in offsets]
    return list(videos) or [None] * count, shifts or [0] * count


def model_pixels(validation: Validation, camera: int, frame: int) -> Float64:
    """Return where the fitted model's markers (M, 2) px are in a picture; NaN if not in sight."""
    assert validation.sight is not None
    return validation.sight.cameras[camera].project(to_world(validation.fit.markers[frame]))


def widest_gap(sight: Sight, camera: int, flags: Sequence[Flag], pixels: Float64) -> float:
    """Return how far a camera saw keypoints from the model at most, px; 0 if that is not known.

    Parameters
    ----------
    sight, camera
        Who saw what.
    flags
        The keypoints, of one frame.
    pixels
        (M, 2) from :func:`model_pixels`.
    """
    frame, columns = flags[0].frame, [_index(flag) for flag in flags]
    away = np.linalg.norm(sight.keypoints[camera, frame] - pixels, axis=1)
    away[~sight.triangulation.present[camera, frame]] = np.nan
    return float(np.nan_to_num(away[columns]).max())


def describe(sight: Sight, camera: int, flags: Sequence[Flag]) -> str:
    """Return how far flagged keypoints are away, and whether the camera's view was used."""
    rejected = sight.triangulation.rejected[camera]
    return ", ".join(
        f"{flag.keypoint} {flag.distance_mm:.0f} mm"
        + (" (view rejected)" if rejected[flag.frame, _index(flag)] else "")
        for flag in flags
    )


def _index(flag: Flag) -> int:
    return SPINETRACK.index(flag.keypoint)


def _item(
    validation: Validation,
    sight: Sight,
    camera: int,
    flags: Sequence[Flag],
    pixels: Float64,
    path: Path | None,
    shift: int,
) -> QueueItem:
    """Return what is doubted in one picture."""
    frame = flags[0].frame
    points, scores = sight.keypoints[camera, frame], _scores(sight, camera, frame)
    present = sight.triangulation.present[camera, frame]
    said = describe(sight, camera, flags)
    box = boxes_from_keypoints(points[None], np.where(present, scores, -1.0)[None], 0.0)[0]
    return QueueItem(
        source=None if path is None else str(path),
        frame=frame + shift,
        time_s=round((frame + shift) / validation.rate, 6),
        camera=sight.cameras[camera].name,
        track_id=None,
        box=_rounded(box) if np.isfinite(box).all() else None,
        priority=round(max(flag.distance_mm for flag in flags), 2),
        reason=f"more than {validation.verdict.flag_mm:g} mm from the body: {said}",
        skeleton=SPINETRACK.name,
        keypoints=tuple(
            _rounded([*point, score]) if known else None
            for point, score, known in zip(points, scores, present, strict=True)
        ),
        flagged=tuple(
            _doubted(flag, points, scores, pixels, sight.cameras[camera].size) for flag in flags
        ),
    )


def _scores(sight: Sight, camera: int, frame: int) -> Float64:
    return np.asarray(np.clip(sight.scores[camera, frame], 0.0, 1.0))


def _doubted(
    flag: Flag, points: Float64, scores: Float64, pixels: Float64, size: tuple[int, int]
) -> QueueKeypoint:
    """Return one flagged keypoint; a suggestion outside of the picture is none."""
    i = _index(flag)
    x, y = _rounded(points[i])
    inside = bool(((pixels[i] >= -0.5) & (pixels[i] <= np.array(size) - 0.5)).all())
    return QueueKeypoint(
        name=flag.keypoint,
        x=x,
        y=y,
        score=round(float(scores[i]), 4),
        suggested=_rounded(pixels[i]) if inside else None,
        amount=round(flag.distance_mm, 2),
        unit="mm",
    )


def _rounded(values: npt.ArrayLike) -> tuple[float, ...]:
    return tuple(np.round(np.asarray(values, np.float64), 4).tolist())
