"""Cut people out of their pictures, each picture opened once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.curation.entries import Entry
from spinepose.dataset.pictures import iterate_people
from spinepose.geometry import apply_affine, crop_transforms

__all__ = ["Crop", "crop_people"]

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

_GROUND = (24, 24, 24)


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A person, cut out.

    Parameters
    ----------
    entry
        The person.
    picture
        (S, S, 3) RGB; dark where it is beyond the photo.
    keypoints
        (37, 2) px of the crop; NaN = no label.
    """

    entry: Entry
    picture: UInt8
    keypoints: Float32


def crop_people(entries: Sequence[Entry], side: int) -> Iterator[Crop]:
    """Give people cut out as squares of `side` px, in the order of their pictures.

    Parameters
    ----------
    entries
        Of any sets.
    side
        px.

    Raises
    ------
    DataError
        A picture cannot be read.
    """
    import cv2

    waiting: dict[int, list[Entry]] = {}
    for entry in entries:
        waiting.setdefault(id(entry.person), []).append(entry)
    for picture, person in iterate_people([entry.person for entry in entries]):
        (way,) = crop_transforms(person.box[None], (side, side))
        # Shrinking by less than one pixel for each needs the mean of those in between.
        shrink = min(1.0, float(np.hypot(*way[:, 0])))
        source: npt.NDArray[Any] = picture
        move = way
        if shrink < 0.5:
            source = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            move = way.copy()
            move[:, :2] /= shrink
            move[:, 2] += (0.5 / shrink - 0.5) * way[:, :2].sum(axis=1)
        crop = cv2.warpAffine(source, move, (side, side), borderValue=_GROUND)
        labels = np.where(person.trust[:, None] > 0, person.keypoints, np.nan)
        points = apply_affine(way[None], labels[None].astype(np.float32))[0]
        yield Crop(waiting[id(person)].pop(0), np.asarray(crop, np.uint8), points)
