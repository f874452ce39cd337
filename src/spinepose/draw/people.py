"""Draw people on pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.draw.curves import smooth_curve
from spinepose.draw.style import DEFAULT, Color, Style
from spinepose.poses import NO_TRACK, Poses
from spinepose.skeleton import Skeleton

__all__ = ["draw_poses"]

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

_SHIFT = 4
"""OpenCV draws at a sixteenth of a pixel: coordinates are integers times 2 ** 4."""

_FAR = 1 << 14
"""Coordinates beyond this many pixels would overflow OpenCV's fixed-point arithmetic."""


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
        Keypoints scored lower are not drawn.
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
    sizes = _person_sizes(poses)
    for person in np.argsort(sizes, kind="stable"):
        seen = (poses.scores[person] >= threshold) & np.isfinite(poses.keypoints[person]).all(-1)
        seen &= (np.abs(np.nan_to_num(poses.keypoints[person])) < _FAR).all(-1)
        pen = _Pen(out, _width(float(sizes[person]), style), style)
        points = np.where(seen[:, None], poses.keypoints[person], np.nan)
        _draw_limbs(pen, points, poses.skeleton)
        _draw_spine(pen, points, poses.skeleton)
        if boxes:
            pen.box(poses.boxes[person])
        if ids and poses.track_ids[person] != NO_TRACK and seen.any():
            pen.label(str(poses.track_ids[person]), points[seen].min(axis=0))
    return out


def _person_sizes(poses: Poses) -> Float32:
    """Return the size (N,) of each person in px: the diagonal of the box."""
    sides = poses.boxes[:, 2:] - poses.boxes[:, :2]
    return np.asarray(np.nan_to_num(np.hypot(sides[:, 0], sides[:, 1]), nan=1.0))


def _width(size: float, style: Style) -> int:
    return int(np.clip(round(size * style.line_share), style.least_width, style.greatest_width))


class _Pen:
    """Draws with one width on one picture."""

    def __init__(self, picture: UInt8, width: int, style: Style) -> None:
        self.picture = picture
        self.width = width
        self.style = style
        # A dark rim makes light lines readable on light ground; thin lines have no room for it.
        self.rim = max(1, width // 3) if width > 1 else 0

    def curve(self, points: Float32, color: Color, width: int) -> None:
        """Draw an open line (M, 2) with its dark rim."""
        import cv2

        if len(points) < 2:
            return
        fixed = [_fixed(points)]
        if self.rim:
            cv2.polylines(
                self.picture,
                fixed,
                False,
                self.style.outline,
                width + 2 * self.rim,
                cv2.LINE_AA,
                _SHIFT,
            )
        cv2.polylines(self.picture, fixed, False, color, width, cv2.LINE_AA, _SHIFT)

    def dot(self, point: Float32, color: Color, radius: float) -> None:
        """Draw a filled dot with its dark rim."""
        import cv2

        x, y = (int(v) for v in _fixed(point[None])[0])
        for r, c in ((radius + self.rim, self.style.outline), (radius, color)):
            cv2.circle(self.picture, (x, y), round(r * 2**_SHIFT), c, -1, cv2.LINE_AA, _SHIFT)

    def box(self, box: Float32) -> None:
        """Draw a box x1 y1 x2 y2."""
        import cv2

        if np.isfinite(box).all():
            (x1, y1), (x2, y2) = np.clip(box.reshape(2, 2), -_FAR, _FAR).round().astype(int)
            color = self.style.parts["spine"]
            cv2.rectangle(self.picture, (int(x1), int(y1)), (int(x2), int(y2)), color, self.width)

    def label(self, text: str, corner: Float32) -> None:
        """Write a short text beside a corner, inside the picture."""
        import cv2

        scale = np.clip(self.width / 5, 0.4, 1.6)
        weight = max(1, round(scale * 1.6))
        font = cv2.FONT_HERSHEY_SIMPLEX
        (w, h), base = cv2.getTextSize(text, font, scale, weight)
        height, width = self.picture.shape[:2]
        pad = base // 2 + 1
        if w + 2 * pad > width or h + 2 * pad > height:
            return
        x = int(np.clip(corner[0] - w - 2 * pad, 0, width - w - 2 * pad))
        y = int(np.clip(corner[1] - h, 0, height - h - 2 * pad))
        cv2.rectangle(
            self.picture, (x, y), (x + w + 2 * pad, y + h + 2 * pad), self.style.outline, -1
        )
        at = (x + pad, y + h + pad)
        cv2.putText(self.picture, text, at, font, scale, self.style.text, weight, cv2.LINE_AA)


def _fixed(points: Float32) -> npt.NDArray[np.int32]:
    return np.asarray(np.round(points * 2**_SHIFT), dtype=np.int32)


def _draw_limbs(pen: _Pen, points: Float32, skeleton: Skeleton) -> None:
    """Draw every bone but the spine's, then the joints."""
    chain = set(skeleton.spine)
    for bone, pair in zip(skeleton.bones, skeleton.bone_indices, strict=True):
        if bone.start in chain and bone.end in chain:
            continue
        ends = points[pair]
        if np.isfinite(ends).all():
            part = "head" if "head" in (bone.start, bone.end) else bone.part
            pen.curve(ends, pen.style.parts[part], pen.width)
    for name, point in zip(skeleton.keypoints, points, strict=True):
        if name not in chain and np.isfinite(point).all():
            pen.dot(point, pen.style.parts[_part_of(name)], pen.width)


def _draw_spine(pen: _Pen, points: Float32, skeleton: Skeleton) -> None:
    """Draw the spine as a curve, with a dot for each vertebra."""
    if not skeleton.spine:
        return
    chain = points[skeleton.spine_indices]
    curve = smooth_curve(chain).astype(np.float32)
    pen.curve(curve, pen.style.parts["spine"], pen.width + max(1, pen.width // 2))
    for point in chain[np.isfinite(chain).all(axis=1)]:
        pen.dot(point, pen.style.vertebra, 0.9 * pen.width)


def _part_of(name: str) -> str:
    """Return the part whose colour a joint has."""
    if name in ("nose", "head") or name.endswith(("_eye", "_ear")):
        return "head"
    side = name.partition("_")[0]
    return side if side in ("left", "right") else "trunk"
