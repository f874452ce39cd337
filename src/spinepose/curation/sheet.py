"""Contact sheets: many people with their labels on one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.curation.crops import Crop, crop_people
from spinepose.curation.entries import Entry
from spinepose.draw import contact_sheet, draw_poses
from spinepose.errors import DataError, UsageError
from spinepose.media import write_image
from spinepose.poses import Poses

__all__ = ["people_sheet", "write_sheet"]

UInt8 = npt.NDArray[np.uint8]

_LETTERS = 0.135
"""Letters of a caption that fit into a pixel of a tile's width."""
_HIDDEN = 0.4
"""Score as which a hidden keypoint is drawn: it is faint."""


def people_sheet(entries: Sequence[Entry], *, columns: int = 8, side: int = 256) -> UInt8:
    """Draw people side by side; hidden keypoints are faint.

    Parameters
    ----------
    entries
        At least one, in the order in which they are shown.
    columns
        Tiles in a row.
    side
        Of a tile, px.

    Returns
    -------
    sheet : (H, W, 3)
        RGB; below each person the file, the place in it and what is said about the person.

    Raises
    ------
    DataError
        There is nobody to show, or a picture cannot be read.
    UsageError
        `columns` or `side` is below 1.
    """
    if columns < 1:
        raise UsageError(f"{columns} columns: a sheet has at least one")
    if side < 1:
        raise UsageError(f"a side of {side} px: a tile has at least one")
    if not entries:
        raise DataError("there is nobody to show")
    crops = {id(crop.entry): crop for crop in crop_people(entries, side)}
    tiles = [_drawn(crops[id(entry)]) for entry in entries]
    captions = [_caption(entry)[: int(side * _LETTERS)] for entry in entries]
    return contact_sheet(tiles, min(columns, len(tiles)), (side, side), captions)


def write_sheet(
    path: str | Path, entries: Sequence[Entry], *, columns: int = 8, side: int = 256
) -> None:
    """Write a sheet as a picture; see :func:`people_sheet`.

    Raises
    ------
    DataError
        There is nobody to show, or a picture cannot be read.
    UsageError
        `columns` or `side` is below 1.
    OutputError
        It cannot be written.
    """
    write_image(path, people_sheet(entries, columns=columns, side=side))


def _drawn(crop: Crop) -> UInt8:
    person = crop.entry.person
    scores = np.array([0.0, _HIDDEN, 1.0])[person.flags]
    box = np.array([[0, 0, *crop.picture.shape[1::-1]]])
    return draw_poses(crop.picture, Poses.build(crop.keypoints[None], scores[None], box))


def _caption(entry: Entry) -> str:
    """Return the place in the file and the worst that is said, in letters that OpenCV has."""
    person = entry.person
    parts = [f"{entry.place}"]
    parts += [f"OKS {entry.score:.2f}"] if math.isfinite(entry.score) else []
    parts += [entry.flags[0]] if entry.flags else [person.view, person.activity, person.path.name]
    text = " ".join(part for part in parts if part)
    return text.encode("ascii", "replace").decode()
