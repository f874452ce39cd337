"""Small pictures of what annotators disagree about."""

from __future__ import annotations

from base64 import b64encode
from html import escape

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.annotation.merge import Conflict
from spinepose.annotation.records import Item
from spinepose.media import encode_image

__all__ = ["thumbnail"]

UInt8 = npt.NDArray[np.uint8]
Float64 = npt.NDArray[np.float64]

_SIDE = 150
"""Of the picture, px."""
_AROUND, _LEAST = 1.5, 0.2
"""Half of what is shown: in distances between the places; in sides of the box, at least."""
_LOOKS = 3
"""Colours of charts."""


def thumbnail(image: UInt8, item: Item, conflict: Conflict) -> str:
    """Return a cut of a picture with the place that each annotator gave a keypoint, as SVG.

    Parameters
    ----------
    image
        (H, W, 3) RGB.
    item
        Whose box is shown if it is not about places.
    conflict
        About this item.
    """
    places = {name: np.array(w[:2]) for name, w in conflict.said.items() if not isinstance(w, str)}
    low, high = item.box[:2], item.box[2:]
    middle, half = (low + high) / 2, float((high - low).max()) / 2
    if places:
        given = np.array(list(places.values()))
        middle = given.mean(axis=0)
        half = max(_AROUND * float(np.ptp(given, axis=0).max()), 2 * _LEAST * half)
    scale, corner = _SIDE / (2 * half), middle - half
    # Places count from the middle of the first pixel, an SVG from its border.
    affine = np.column_stack([scale * np.eye(2), -scale * corner - 0.5])
    cut = np.asarray(cv2.warpAffine(image, affine, (_SIDE, _SIDE), flags=cv2.INTER_AREA), np.uint8)
    data = b64encode(encode_image(cut, ".jpg")).decode()
    marks = "".join(
        _mark(name, scale * (place - corner), look % _LOOKS)
        for look, (name, place) in enumerate(places.items())
    )
    return (
        f'<svg class="cut" viewBox="0 0 {_SIDE} {_SIDE}" role="img" '
        f'aria-label="{escape(conflict.keypoint or "person")}">'
        f'<image href="data:image/jpeg;base64,{data}" width="{_SIDE}" height="{_SIDE}"/>'
        f"{marks}</svg>"
    )


def _mark(name: str, at: Float64, look: int) -> str:
    x, y = at.tolist()
    return (
        f'<circle class="s{look}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        f'<text x="{x + 7:.1f}" y="{y + 4:.1f}">{escape(name)}</text>'
    )
