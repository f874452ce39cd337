"""Draw people on pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spinepose.draw.curves import curve_pieces
from spinepose.draw.pen import FAR, Pen
from spinepose.draw.style import DEFAULT, Color, Style
from spinepose.geometry import boxes_from_keypoints
from spinepose.poses import NO_TRACK, Poses
from spinepose.skeleton import Skeleton

__all__ = ["draw_poses"]

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

_OPACITY = (0.35, 0.65, 1.0)
"""What is hardly above the threshold is faint; few steps, since each costs a layer."""

_ORDER = ("trunk", "right", "left", "head", "spine")
"""Parts from the bottom to the top."""


@dataclass(frozen=True)
class _Line:
    """A line (M, 2) px of a part of the body."""

    path: Float32
    part: str
    width: int
    level: int


@dataclass(frozen=True)
class _Dot:
    """A dot at (2,) px."""

    point: Float32
    color: Color
    radius: float
    level: int


def draw_poses(
    image: UInt8,
    poses: Poses,
    *,
    threshold: float = 0.3,
    boxes: bool = False,
    ids: bool = True,
    style: Style = DEFAULT,
    out: UInt8 | None = None,
) -> UInt8:
    """Draw the people of a frame; the spine is one smooth curve through its points.

    Parameters
    ----------
    image
        (H, W, 3) RGB uint8 of any size; it is not changed.
    poses
        The people, small ones are drawn first.
    threshold
        Keypoints scored lower are not drawn; those scored little higher are faint.
    boxes
        Draw boxes too.
    ids
        Write the track id of people who have one.
    style
        Colours and widths.
    out
        Where to draw; may be `image` itself. By default a copy.

    Returns
    -------
    drawn : (H, W, 3)
        RGB uint8.
    """
    if out is None:
        out = image.copy()
    elif out is not image:
        out[...] = image
    canvas = np.ascontiguousarray(out)
    sizes = _person_sizes(poses, threshold)
    order = np.argsort(sizes, kind="stable")
    pens = [Pen(canvas, _width(float(size), style), style) for size in sizes]
    for person in order:
        if boxes:
            pens[person].box(poses.boxes[person])
        levels = _levels(poses.keypoints[person], poses.scores[person], threshold, style.fade)
        _draw_person(pens[person], poses.keypoints[person], levels, poses.skeleton)
    for person in order if ids else ():
        seen = _seen(poses.keypoints[person], poses.scores[person], threshold)
        if poses.track_ids[person] != NO_TRACK and seen.any():
            points = np.where(seen[:, None], poses.keypoints[person], np.nan)
            head, way = _above(points, poses.skeleton)
            taken = np.concatenate([points, points[poses.skeleton.bone_indices].mean(axis=1)])
            pens[person].label(str(poses.track_ids[person]), head, way, taken)
    if canvas is not out:
        out[...] = canvas
    return out


def _person_sizes(poses: Poses, threshold: float) -> Float32:
    """Return the size (N,) of each person in px: the diagonal of the box."""
    tight = boxes_from_keypoints(poses.keypoints, poses.scores, threshold)
    boxed = np.isfinite(poses.boxes).all(axis=1, keepdims=True)
    boxes = np.where(boxed, poses.boxes, tight)
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(np.nan_to_num(np.hypot(sides[:, 0], sides[:, 1]), nan=1.0))


def _width(size: float, style: Style) -> int:
    return int(np.clip(round(size * style.line_share), style.least_width, style.greatest_width))


def _seen(points: Float32, scores: Float32, threshold: float) -> npt.NDArray[np.bool_]:
    """Return which keypoints (K,) are sure enough and within reach."""
    near = np.isfinite(points).all(axis=-1) & (np.abs(np.nan_to_num(points)) < FAR).all(axis=-1)
    return np.asarray(near & (scores >= threshold))


def _levels(
    points: Float32, scores: Float32, threshold: float, fade: float
) -> npt.NDArray[np.int64]:
    """Return how strongly each keypoint (K,) is drawn: a place in `_OPACITY`, -1 = not at all."""
    top = len(_OPACITY) - 1
    # With a high threshold there is less room above it.
    span = max(min(fade, (1 - threshold) / 2), 1e-6)
    share = np.nan_to_num((scores - threshold) / span)
    levels = np.clip(np.floor(share * top), 0, top).astype(np.int64)
    return np.where(_seen(points, scores, threshold), levels, -1)


def _draw_person(
    pen: Pen, points: Float32, levels: npt.NDArray[np.int64], skeleton: Skeleton
) -> None:
    """Draw the limbs, and the spine above them."""
    for lines, dots in (
        (_limb_lines(pen, points, levels, skeleton), _limb_dots(pen, points, levels, skeleton)),
        _spine_marks(pen, points, levels, skeleton),
    ):
        for level, opacity in enumerate(_OPACITY):
            now = [line for line in lines if line.level == level]
            dotted = [dot for dot in dots if dot.level == level]
            if not (now or dotted):
                continue
            paths = [line.path for line in now] + [dot.point[None] for dot in dotted]
            with _faint(pen, np.concatenate(paths), opacity):
                _paint(pen, now, dotted)


def _paint(pen: Pen, lines: Sequence[_Line], dots: Sequence[_Dot]) -> None:
    """Draw lines part by part, so that those of one part join without seams, then dots."""
    for part in _ORDER:
        for width in sorted({line.width for line in lines if line.part == part}):
            paths = [line.path for line in lines if (line.part, line.width) == (part, width)]
            pen.lines(paths, pen.style.parts[part], width)
    if dots:
        points = np.stack([dot.point for dot in dots])
        pen.dots(points, [dot.color for dot in dots], [dot.radius for dot in dots])


@contextmanager
def _faint(pen: Pen, extent: Float32, opacity: float) -> Iterator[None]:
    """Let what is drawn around points (M, 2) shine through."""
    if opacity >= 1:
        yield
        return
    import cv2

    margin = 3 * pen.width + 3
    height, width = pen.picture.shape[:2]
    x1, y1 = np.clip(extent.min(axis=0) - margin, 0, [width, height]).astype(int)
    x2, y2 = np.clip(extent.max(axis=0) + margin + 1, 0, [width, height]).astype(int)
    region = pen.picture[y1:y2, x1:x2]
    before = region.copy()
    yield
    if region.size:
        region[...] = cv2.addWeighted(region, opacity, before, 1 - opacity, 0)


def _limb_lines(
    pen: Pen, points: Float32, levels: npt.NDArray[np.int64], skeleton: Skeleton
) -> list[_Line]:
    """Return every bone but the spine's."""
    chain = set(skeleton.spine)
    lines = []
    for bone, pair in zip(skeleton.bones, skeleton.bone_indices, strict=True):
        level = int(levels[pair].min())
        if level < 0 or {bone.start, bone.end} <= chain:
            continue
        part = "head" if "head" in (bone.start, bone.end) else bone.part
        width = max(1, round(0.7 * pen.width)) if part == "head" else pen.width
        lines.append(_Line(points[pair], part, width, level))
    return lines


def _limb_dots(
    pen: Pen, points: Float32, levels: npt.NDArray[np.int64], skeleton: Skeleton
) -> list[_Dot]:
    """Return every joint but the spine's; those of face and feet are small, as they are many."""
    chain = set(skeleton.spine)
    dots = []
    for name, point, level in zip(skeleton.keypoints, points, levels, strict=True):
        if level >= 0 and name not in chain:
            part = _part_of(name)
            small = part == "head" or name.endswith(("_toe", "_heel"))
            radius = (0.65 if small else 0.85) * pen.width + 0.3
            dots.append(_Dot(point, pen.style.parts[part], radius, int(level)))
    return dots


def _spine_marks(
    pen: Pen, points: Float32, levels: npt.NDArray[np.int64], skeleton: Skeleton
) -> tuple[list[_Line], list[_Dot]]:
    """Return the curve of the spine, piece by piece, and a dot for each vertebra."""
    chain = [int(i) for i in skeleton.spine_indices if levels[i] >= 0] if skeleton.spine else []
    if not chain:
        return [], []
    width = pen.width + max(1, pen.width // 2)
    pieces = curve_pieces(points[chain]).astype(np.float32)
    lines = [
        _Line(piece, "spine", width, int(min(levels[a], levels[b])))
        for piece, (a, b) in zip(pieces, pairwise(chain), strict=True)
    ]
    # Seen from above or below, vertebrae are close together; the line shall stay visible.
    gaps = np.linalg.norm(np.diff(points[chain], axis=0), axis=1)
    room = 0.3 * float(np.median(gaps)) if len(gaps) else np.inf
    radius = float(np.clip(room, 0.35 * width, (0.35 if pen.rim == 0 else 0.6) * width))
    dots = [_Dot(points[i], pen.style.vertebra, radius, int(levels[i])) for i in chain]
    return lines, dots


def _part_of(name: str) -> str:
    """Return the part whose colour a joint has."""
    if name in ("nose", "head") or name.endswith(("_eye", "_ear")):
        return "head"
    side = name.partition("_")[0]
    return side if side in ("left", "right") else "trunk"


def _above(points: Float32, skeleton: Skeleton) -> tuple[Float32, Float32]:
    """Return where a person's label belongs: the top of the head, and the way out of it."""
    up = np.array([0, -1], dtype=np.float32)
    if "head" in skeleton.keypoints:
        head = points[skeleton.index("head")]
        below = points[skeleton.index("neck")] if "neck" in skeleton.keypoints else head
        length = float(np.linalg.norm(head - below))
        if np.isfinite(head).all():
            return head, np.asarray((head - below) / length) if length > 1 else up
    return points[np.nanargmin(points[:, 1])], up
