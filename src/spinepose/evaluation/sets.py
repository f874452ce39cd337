"""Labelled sets as evaluation sees them: checked, and as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.dataset.people import Person
from spinepose.dataset.readers import read_people
from spinepose.errors import DataError
from spinepose.models.download import file_sha256
from spinepose.skeleton import SPINETRACK

__all__ = ["SUBSETS", "LabelledSet", "read_set"]

Float64 = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SUBSETS = ("body", "feet", "spine", "all")
"""What is told apart: 17, 6, 9 and 37 keypoints of SpineTrack."""


@dataclass(frozen=True)
class LabelledSet:
    """People and the pictures that show them.

    Parameters
    ----------
    file
        Where the labels are.
    people
        N labelled people, also those without a labelled keypoint.
    pictures
        P pictures, also those without people.
    """

    file: Path
    people: list[Person]
    pictures: list[Path]

    @cached_property
    def labels(self) -> Float64:
        """Labelled places (N, 37, 2) in pixels; NaN = no label."""
        places = [np.where(p.trust[:, None] > 0, p.keypoints, np.nan) for p in self.people]
        return np.array(places, np.float64).reshape(-1, len(SPINETRACK), 2)

    @cached_property
    def boxes(self) -> Float64:
        """Labelled boxes (N, 4) xyxy in pixels."""
        return np.array([p.box for p in self.people], np.float64).reshape(-1, 4)

    @cached_property
    def areas(self) -> Float64:
        """Areas (N,) in square pixels: as labelled, else a share of the box."""
        return np.array([p.known_area for p in self.people], np.float64)

    @cached_property
    def pictures_of(self) -> IntArray:
        """Index (N,) of each person's picture."""
        number = {path: i for i, path in enumerate(self.pictures)}
        return np.array([number[p.path] for p in self.people], np.int64)

    @cached_property
    def crowds(self) -> Bools:
        """Which people (N,) are several labelled as one."""
        return np.array([p.crowd for p in self.people], bool)

    @cached_property
    def judged(self) -> Bools:
        """Which people (N,) count: single ones with a labelled keypoint."""
        return np.isfinite(self.labels).all(axis=-1).any(axis=-1) & ~self.crowds

    @cached_property
    def keypoints(self) -> IntArray:
        """Indices of the SpineTrack keypoints that are labelled for anybody who counts."""
        known = np.isfinite(self.labels[self.judged]).all(axis=-1)
        return np.flatnonzero(known.any(axis=0))

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the label file."""
        return file_sha256(self.file)

    def first(self, limit: int) -> LabelledSet:
        """Return the set with at most `limit` of its pictures, evenly spread over it."""
        if limit >= len(self.pictures):
            return self
        rows = np.linspace(0, len(self.pictures), limit, endpoint=False).astype(int)
        pictures = [self.pictures[i] for i in rows]
        kept = set(pictures)
        return LabelledSet(self.file, [p for p in self.people if p.path in kept], pictures)


def read_set(
    path: Path, use: str = "", images: Path | None = None, limit: int | None = None
) -> LabelledSet:
    """Read a labelled set and check it.

    Parameters
    ----------
    path
        A label file or the folder of one, of any format that
        :func:`~spinepose.dataset.readers.read_people` finds out.
    use
        Only the people kept for this use, in sets that tell it.
    images
        Folder of the pictures, where the format leaves it open.
    limit
        At most so many pictures, evenly spread over the set.

    Raises
    ------
    InputError
        There is no such file.
    UsageError
        `use` or `images` does not fit the set.
    DataError
        The labels are broken, pictures are missing, or nobody has a labelled keypoint.
    """
    read = read_people(path, images=images, use=use)
    found = LabelledSet(read.file, read.people, read.pictures)
    _check_labels(found)
    if limit is not None:
        found = found.first(limit)
    if not found.judged.any():
        raise DataError(f"{found.file}: no person has a labelled keypoint of any subset")
    _check_pictures(found)
    return found


def _check_labels(found: LabelledSet) -> None:
    """Raise `DataError` for labels that are not numbers and for boxes that hold nothing."""
    for number, person in enumerate(found.people):
        if not np.isfinite(person.keypoints[person.trust > 0]).all():
            raise DataError(f"{found.file}: person {number} has a keypoint that is not a number")
        empty = found.judged[number] and (person.box[2:] <= person.box[:2]).any()
        if empty or not np.isfinite(person.box).all():
            raise DataError(f"{found.file}: person {number} has no box: {person.box.tolist()}")


def _check_pictures(found: LabelledSet) -> None:
    """Raise `DataError` where pictures are missing, before anything is computed."""
    missing = [path for path in found.pictures if not path.is_file()]
    if missing:
        raise DataError(
            f"{found.file}: {len(missing)} of {len(found.pictures)} pictures are missing, the "
            f"first is {missing[0]}; --images DIR names another folder"
        )
