"""What the readers share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.errors import UsageError
from spinepose.skeleton import SPINETRACK

__all__ = [
    "BROKEN",
    "blank",
    "box_around",
    "box_from_xywh",
    "load_json",
    "placed",
    "reason",
    "refuse",
]

Float32 = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

K = len(SPINETRACK)
SIDE_MARGIN = 0.10
"""Of the larger side: hands, feet and flesh reach beyond the joints."""

BROKEN = (OSError, ValueError, LookupError, TypeError, AttributeError)
"""What goes wrong inside a reader when a file is not what it should be."""


def load_json(path: Path) -> Any:
    """Return the content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def reason(error: Exception) -> str:
    """Return what a `BROKEN` error says, for a person."""
    return f"lacks {error}" if isinstance(error, KeyError) else str(error)


def refuse(path: Path, images: Path | None = None, use: str = "") -> None:
    """Raise `UsageError` for arguments that do not go with a format."""
    if images is not None:
        raise UsageError(f"{path} has its own folder of pictures: leave images (--images) away")
    if use:
        raise UsageError(f"{path} does not tell people apart by use: leave {use!r} away")


def blank() -> tuple[Float32, Float32]:
    """Return keypoints (37, 2) and trust (37,) of a person without labels."""
    return np.full((K, 2), np.nan, np.float32), np.zeros(K, np.float32)


def placed(joints: Float32, rows: IntArray) -> tuple[Float32, Float32, Bools]:
    """Return keypoints (37, 2), trust (37,) and hidden (37,) of labels in another order.

    Parameters
    ----------
    joints
        (M, 3) x, y and COCO's visibility.
    rows
        (M,) index of each in SpineTrack; -1 = not there.
    """
    points, trust = blank()
    hidden = np.zeros(K, bool)
    seen = (joints[:, 2] > 0) & (rows >= 0)
    points[rows[seen]], trust[rows[seen]] = joints[seen, :2], 1
    hidden[rows[seen]] = joints[seen, 2] == 1
    return points, trust, hidden


def box_around(points: Float32) -> Float32:
    """Return the box (4,) of points (M, 2) with a margin for the flesh around the joints."""
    low, high = points.min(axis=0), points.max(axis=0)
    pad = SIDE_MARGIN * float((high - low).max())
    return np.concatenate([low - pad, high + pad]).astype(np.float32)


def box_from_xywh(box: list[float]) -> Float32:
    """Return a box (4,) xyxy of its corner and sides."""
    x, y, w, h = box
    return np.array([x, y, x + w, y + h], np.float32)
