"""Flagged keypoints in the cameras' pictures: as they were found, and as the body has them."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.biomech.ik import to_world
from spinepose.biomech.report.queue import describe, model_pixels, widest_gap
from spinepose.biomech.report.scene import scene_of
from spinepose.biomech.report.stills import body_parts, named
from spinepose.biomech.validation import Sight, Validation
from spinepose.biomech.verdict import Flag
from spinepose.errors import InputError
from spinepose.media import Frame, encode_image, frames_at
from spinepose.skeleton import SPINETRACK

__all__ = ["MARKS", "chosen_moments", "marked_picture", "pictures"]

UInt8 = npt.NDArray[np.uint8]
Float64 = npt.NDArray[np.float64]

MARKS = "Rings: as the keypoint was found. Crosses: where the fitted body has it."
"""What is seen in a picture."""

logger = logging.getLogger(__name__)

_MOST, _APART, _VIEWS = 12, 0.2, 2
"""Moments, seconds between two of them, and views of each."""
_SIDE, _QUALITY = 480, 80
"""Longest side of a picture, px, and quality of its JPEG."""
_MARGIN = 0.12
_NAMED = 3
"""Flagged keypoints that are named in a picture; the caption names all."""


@dataclass(frozen=True, slots=True)
class _View:
    """A picture to be cut out: a moment, as one camera saw it."""

    frame: int
    camera: int
    flags: tuple[Flag, ...]


def chosen_moments(validation: Validation) -> dict[int, tuple[Flag, ...]]:
    """Return the frames to look at, at most 12 and at least .2 s apart, and what is flagged there.

    The worst flag comes first, then the worst that is not close to it in time, and so on.
    """
    chosen: list[int] = []
    for flag in validation.verdict.flags:
        if len(chosen) < _MOST and all(
            abs(flag.frame - other) >= _APART * validation.rate for other in chosen
        ):
            chosen.append(flag.frame)
    return {
        frame: tuple(flag for flag in validation.verdict.flags if flag.frame == frame)
        for frame in chosen
    }


def pictures(
    validation: Validation, videos: Sequence[Path | None], shifts: Sequence[int]
) -> list[tuple[int, str]]:
    """Return the frame and the HTML of each picture, the worst moment first.

    Of each moment the two views are shown in which flagged keypoints and the body differ most.

    Parameters
    ----------
    validation
        What was found.
    videos, shifts
        One for each camera, from :func:`.match_videos`.

    A video that cannot be read, or is not the one that was validated, is warned of and left out.
    """
    sight = validation.sight
    if sight is None:
        return []
    views = [
        view
        for frame, flags in chosen_moments(validation).items()
        for view in _views(validation, sight, frame, flags, videos)
    ]
    found: dict[tuple[int, int], str] = {}
    for camera, path in enumerate(videos):
        wanted = {view.frame + shifts[camera]: view for view in views if view.camera == camera}
        if path is None or not wanted:
            continue
        try:
            for image in _frames(path, wanted, sight.cameras[camera].size):
                view = wanted[image.index]
                shift = shifts[camera]
                found[view.frame, camera] = _figure(validation, sight, view, image.image, shift)
        except InputError as error:
            logger.warning("%s; there are no pictures of it", error)
    order = [(view.frame, view.camera) for view in views]
    return [(key[0], found[key]) for key in order if found.get(key)]


def _frames(path: Path, wanted: Collection[int], size: tuple[int, int]) -> Iterator[Frame]:
    """Yield wanted frames of a video that has the size of its camera."""
    for frame in frames_at(path, wanted):
        height, width = frame.image.shape[:2]
        if (width, height) != tuple(size):
            raise InputError(
                f"{path} has {width} x {height} px and not {size[0]} x {size[1]}: it is another "
                "video"
            )
        yield frame


def _views(
    validation: Validation,
    sight: Sight,
    frame: int,
    flags: Sequence[Flag],
    videos: Sequence[Path | None],
) -> list[_View]:
    """Return the views of a moment that matter most."""
    gaps = {
        camera: widest_gap(sight, camera, flags, model_pixels(validation, camera, frame))
        for camera, path in enumerate(videos)
        if path is not None
    }
    widest = sorted(gaps, key=lambda camera: -gaps[camera])[:_VIEWS]
    return [_View(frame, camera, tuple(flags)) for camera in widest if gaps[camera] > 0]


def _figure(validation: Validation, sight: Sight, view: _View, image: UInt8, shift: int) -> str:
    """Return one picture with its marks; empty if the person is not in it."""
    of_video = f" ({view.frame + shift} of its video)" if shift else ""
    points = np.where(
        sight.triangulation.present[view.camera, view.frame, :, None],
        sight.keypoints[view.camera, view.frame],
        np.nan,
    )
    camera = sight.cameras[view.camera]
    return marked_picture(
        image,
        points,
        model_pixels(validation, view.camera, view.frame),
        camera.project(to_world(scene_of(validation, [view.frame]).spine[0])),
        [flag.keypoint for flag in view.flags],
        title=f"{camera.name}, frame {view.frame}{of_video}, {view.frame / validation.rate:.2f} s",
        said=describe(sight, view.camera, view.flags),
        button=f'<button type="button" data-frame="{view.frame}">show in the figure</button>',
    )


def marked_picture(
    image: UInt8,
    points: Float64,
    model: Float64,
    spine: Float64,
    flagged: Sequence[str],
    *,
    title: str,
    said: str,
    button: str = "",
) -> str:
    """Return the HTML of a picture around a person: what was found, and where the body has it.

    Parameters
    ----------
    image
        (H, W, 3) RGB.
    points, model
        (M, 2) px, in the order of :data:`.SPINETRACK`; NaN = missing.
    spine
        (J, 2) px, the model's spine.
    flagged
        Names of the keypoints to mark, the worst first.
    title, said
        Text above and below.
    button
        HTML behind the text.

    Returns
    -------
    figure : str
        Empty if the person is not in the picture.
    """
    cut = _cut(np.concatenate([points, model]), (image.shape[1], image.shape[0]))
    if cut is None:
        return ""
    x0, y0, x1, y1 = cut
    scale = min(_SIDE / max(x1 - x0, y1 - y0), 1.0)
    width, height = round((x1 - x0) * scale), round((y1 - y0) * scale)

    def place(pixels: Float64) -> Float64:
        return (pixels + 0.5 - [x0, y0]) * scale

    parts = [
        f'<image width="{width}" height="{height}" href="{_jpeg(image, cut, width, height)}"/>'
    ]
    parts += body_parts(place(spine), place(model))
    for rank, name in enumerate(flagged):
        i = SPINETRACK.index(name)
        parts += _mark(place(points[i]), place(model[i]))
        if rank < _NAMED and np.isfinite(points[i]).all():
            parts.append(named(place(points[i]), name, (width, height)))
    return (
        f'<figure class="photo"><h3>{escape(title)}</h3><svg viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{escape(f"{title}: {said}")}">{"".join(parts)}</svg>'
        f"<figcaption>{escape(said)} {button}</figcaption></figure>"
    )


def _cut(points: Float64, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the part of a picture around points (P, 2): x1, y1, x2, y2 on pixel borders."""
    known = points[np.isfinite(points).all(axis=1)]
    low, high = known.min(axis=0), known.max(axis=0)
    margin = _MARGIN * float((high - low).max()) + 10
    x0, y0 = np.clip(np.floor(low - margin), 0, size).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(high + margin), 0, size).astype(int).tolist()
    return (x0, y0, x1, y1) if x1 - x0 > 1 and y1 - y0 > 1 else None


def _jpeg(image: UInt8, cut: tuple[int, int, int, int], width: int, height: int) -> str:
    """Return a part of an RGB picture as the address of a JPEG in the page."""
    import cv2

    x0, y0, x1, y1 = cut
    small = cv2.resize(image[y0:y1, x0:x1], (width, height), interpolation=cv2.INTER_AREA)
    data = encode_image(np.asarray(small, np.uint8), ".jpg", quality=_QUALITY)
    return "data:image/jpeg;base64," + b64encode(data).decode()


def _mark(found: Float64, model: Float64) -> list[str]:
    """Return a ring where a keypoint was found, a cross where the body has it, and their line."""
    parts = []
    known, fitted = bool(np.isfinite(found).all()), bool(np.isfinite(model).all())
    if known and fitted:
        parts.append(
            f'<path class="flag" d="M{found[0]:.1f} {found[1]:.1f}L{model[0]:.1f} {model[1]:.1f}"/>'
        )
    if fitted:
        x, y = model
        parts.append(f'<path class="cross" d="M{x - 7:.1f} {y:.1f}h14M{x:.1f} {y - 7:.1f}v14"/>')
    if known:
        x, y = found
        parts.append(f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="7"/>')
    return parts
