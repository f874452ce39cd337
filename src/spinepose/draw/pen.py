"""Lines, dots and labels of one thickness on one picture, by OpenCV."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spinepose.draw.style import Color, Style

__all__ = ["FAR", "Pen"]

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

FAR = 1 << 14
"""Coordinates beyond this many pixels would overflow OpenCV's fixed-point arithmetic."""

_SHIFT = 4
"""OpenCV draws at a sixteenth of a pixel: coordinates are integers times 2 ** 4."""


class Pen:
    """Draws on one picture, everything with a dark rim.

    Parameters
    ----------
    picture
        (H, W, 3) RGB uint8, C-contiguous; it is drawn on.
    width
        Width of a limb in px; the rest follows from it.
    style
        Colours.
    """

    def __init__(self, picture: UInt8, width: int, style: Style) -> None:
        self.picture = picture
        self.width = width
        self.style = style
        # Limbs of one pixel have no room for a rim.
        self.rim = max(1, round(width / 3)) if width > 1 else 0

    def lines(self, paths: Sequence[Float32], color: Color, width: int) -> None:
        """Draw open lines, each (M, 2) px; their rims lie below all of them."""
        import cv2

        fixed = [_fixed(path) for path in paths if len(path) > 1]
        if not fixed:
            return
        if width > 1:
            full, dark = width + 2 * max(1, self.rim), self.style.outline
            cv2.polylines(self.picture, fixed, False, dark, full, cv2.LINE_AA, _SHIFT)
        cv2.polylines(self.picture, fixed, False, color, width, cv2.LINE_AA, _SHIFT)

    def dots(self, points: Float32, colors: Sequence[Color], radii: Sequence[float]) -> None:
        """Draw filled dots at points (D, 2) px, each with its rim."""
        import cv2

        # A thin rim, lest dots hide what lies between them.
        rim = max(0.8, 0.6 * self.rim) if self.rim else 0.0
        # Not cv2.circle, whose circles are squares on end below a radius of 3 px.
        reach = np.array(radii)[:, None, None] * _CIRCLE
        inner = _fixed(points[:, None] + reach)
        outer = _fixed(points[:, None] + reach + rim * _CIRCLE)
        for low, high, color in zip(outer, inner, colors, strict=True):
            if rim:
                cv2.fillConvexPoly(self.picture, low, self.style.outline, cv2.LINE_AA, _SHIFT)
            cv2.fillConvexPoly(self.picture, high, color, cv2.LINE_AA, _SHIFT)

    def box(self, box: Float32) -> None:
        """Draw a box x1 y1 x2 y2 on pixel borders; what leaves the picture lies on its edge."""
        import cv2

        if not np.isfinite(box).all():
            return
        height, width = self.picture.shape[:2]
        low = np.clip(np.round(box[:2]), 0, [width - 1, height - 1]).astype(int)
        high = np.clip(np.round(box[2:]) - 1, 0, [width - 1, height - 1]).astype(int)
        corners = (int(low[0]), int(low[1])), (int(high[0]), int(high[1]))
        thickness = max(1, self.width // 2)
        if self.rim:
            cv2.rectangle(self.picture, *corners, self.style.outline, thickness + 2)
        cv2.rectangle(self.picture, *corners, self.style.text, thickness)

    def label(self, text: str, head: Float32, way: Float32, avoid: Float32) -> None:
        """Write a short text near a point, inside the picture or not at all.

        Parameters
        ----------
        text
            A few characters.
        head
            (2,) px, what the text belongs to.
        way
            (2,) unit vector from `head` to where the text belongs.
        avoid
            (M, 2) px, what it does not cover if there is another place.
        """
        import cv2

        scale = float(np.clip(self.width / 8, 0.4, 3))
        weight = max(1, round(scale * 1.7))
        font = cv2.FONT_HERSHEY_SIMPLEX
        (w, h), _ = cv2.getTextSize(text, font, scale, weight)
        pad = 2 + round(3 * scale)
        size = np.array([w + 2 * pad, h + 2 * pad])
        room = np.array(self.picture.shape[1::-1]) - size
        if (room < 0).any():
            return
        low = _place(size, room, _spots(head, way, size, 2.5 * self.width + 2), avoid)
        x, y = (int(v) for v in low)
        high = (x + int(size[0]) - 1, y + int(size[1]) - 1)
        cv2.rectangle(self.picture, (x, y), high, self.style.outline, -1)
        at = (x + pad, y + pad + h)
        cv2.putText(self.picture, text, at, font, scale, self.style.text, weight, cv2.LINE_AA)


def _spots(head: Float32, way: Float32, size: Int64, gap: float) -> Float64:
    """Return centres (S, 2) for a box near a point, the best first."""
    ways = np.array([way, [0, -1], [1, 0], [-1, 0]], dtype=np.float64)
    # The box touches a circle about the head, whichever way it lies.
    near = head + ways * ((np.abs(ways) * size).sum(axis=1, keepdims=True) / 2 + gap)
    return np.concatenate([head + far * (near - head) for far in (1, 2, 3)])


def _place(size: Int64, room: Int64, centres: Float64, avoid: Float32) -> Int64:
    """Return the upper left corner (2,) of the first box in the picture that covers nothing."""
    corners = np.clip(np.round(centres - size / 2), 0, room)
    within = (avoid >= corners[:, None] - 2) & (avoid <= corners[:, None] + size + 2)
    covers = np.any(np.all(within, axis=2), axis=1)
    return np.asarray(corners[np.argmin(covers)], dtype=np.int64)


_TURN = np.arange(24) * (2 * np.pi / 24)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


def _fixed(points: Float32 | Float64) -> npt.NDArray[np.int32]:
    return np.asarray(np.round(points * 2**_SHIFT), dtype=np.int32)
