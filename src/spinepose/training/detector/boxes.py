"""Arithmetic of boxes, numpy only: overlap, suppression, one-to-one matching, letterbox.

Boxes are ``(N, 4)`` arrays ``x1, y1, x2, y2`` in pixels, x to the right, y down.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Image: TypeAlias = NDArray[np.uint8]

PAD_VALUE = 114


def iou_matrix(first: Floats, second: Floats) -> Floats:
    """Intersection over union of every pair.

    Parameters
    ----------
    first, second
        Boxes ``(N, 4)`` and ``(M, 4)``.

    Returns
    -------
    Floats
        ``(N, M)`` in 0..1; 0 where both boxes are empty.
    """
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inter = np.prod(np.clip(bottom_right - top_left, 0, None), axis=2)
    union = area(first)[:, None] + area(second)[None, :] - inter
    return np.asarray(inter / np.maximum(union, 1e-9), dtype=np.float32)


def area(boxes: Floats) -> Floats:
    """Areas ``(N,)`` of boxes in square pixels; inverted boxes count 0."""
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return np.asarray(sides[:, 0] * sides[:, 1], dtype=np.float32)


def nms(boxes: Floats, scores: Floats, iou: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression.

    Returns
    -------
    NDArray[np.int64]
        Indices of the boxes kept, best score first.
    """
    order = np.argsort(-scores, kind="stable")
    overlap = iou_matrix(boxes, boxes)
    alive = np.ones(len(boxes), dtype=bool)
    keep: list[int] = []
    for i in order:
        if alive[i]:
            keep.append(int(i))
            alive &= overlap[i] <= iou
    return np.asarray(keep, dtype=np.int64)


def match(first: Floats, second: Floats, iou: float) -> list[tuple[int, int]]:
    """Match boxes one to one, the best overlaps first, down to an overlap of `iou`."""
    overlap = iou_matrix(first, second)
    pairs: list[tuple[int, int]] = []
    while overlap.size and float(overlap.max()) >= iou:
        i, j = np.unravel_index(int(overlap.argmax()), overlap.shape)
        pairs.append((int(i), int(j)))
        overlap[i, :] = -1.0
        overlap[:, j] = -1.0
    return pairs


def letterbox(image: Image, height: int, width: int) -> tuple[Image, float]:
    """Scale an image into the top left corner of a padded frame.

    Returns
    -------
    tuple[Image, float]
        The frame ``(height, width, 3)`` and the scale: frame px = scale x image px.
    """
    scale = min(height / image.shape[0], width / image.shape[1])
    size = (
        max(1, min(width, round(image.shape[1] * scale))),
        max(1, min(height, round(image.shape[0] * scale))),
    )
    frame = np.full((height, width, 3), PAD_VALUE, dtype=np.uint8)
    frame[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return frame, scale


def clip_boxes(boxes: Floats, height: int, width: int) -> Floats:
    """Cut boxes at the borders of an image of the given size."""
    limit = np.array([width, height, width, height], dtype=np.float32)
    return np.asarray(np.clip(boxes, 0, limit), dtype=np.float32)
