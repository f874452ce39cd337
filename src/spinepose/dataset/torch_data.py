"""Labelled people as samples to learn from, for ``torch.utils.data.DataLoader``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spinepose.dataset.conversion import columns
from spinepose.dataset.people import Person
from spinepose.dataset.pictures import read_picture
from spinepose.errors import UsageError
from spinepose.geometry import apply_affine, crop_transforms
from spinepose.skeleton import SPINETRACK, Skeleton

__all__ = ["PeopleDataset", "Sample"]


class Sample(NamedTuple):
    """One person cut out, as arrays that a loader stacks to tensors.

    Attributes
    ----------
    crop
        (3, H, W) uint8 RGB.
    keypoints
        (K, 2) float32 in pixels of the crop, (0, 0) = centre of the top left one; NaN = no label.
        They may lie outside.
    trust
        (K,) float32 weight of each label in 0..1; 0 = no label.
    flags
        (K,) int64 COCO's visibility: 0 no label, 1 labelled but hidden, 2 labelled.
    meta
        ``index`` of the person, ``path``, ``source``, ``view``, ``activity`` and ``transform``
        (2, 3) float64 from the picture to the crop.
    """

    crop: npt.NDArray[np.uint8]
    keypoints: npt.NDArray[np.float32]
    trust: npt.NDArray[np.float32]
    flags: npt.NDArray[np.int64]
    meta: dict[str, Any]


class PeopleDataset:
    """People as samples by number: a map-style data set, as PyTorch calls it.

    PyTorch asks for a length and items and no base class, so that this needs no PyTorch. It holds
    no open files and can be sent to the workers of a loader.

    Parameters
    ----------
    people
        Of any sets.
    input_size
        Width and height of the crops in pixels.
    skeleton
        Keypoints wanted; what SpineTrack does not call so has no label.
    transform
        Changes each sample, for instance to augment it; to be sent to workers it has to be a
        function of a module.
    padding
        Factor on the sides of the box, see :func:`~spinepose.geometry.crop_transforms`.

    Raises
    ------
    UsageError
        If `input_size` is not two positive numbers.
    """

    def __init__(
        self,
        people: Sequence[Person],
        input_size: tuple[int, int],
        skeleton: Skeleton = SPINETRACK,
        transform: Callable[[Sample], Sample] | None = None,
        padding: float = 1.25,
    ) -> None:
        if len(input_size) != 2 or min(input_size) < 1:
            raise UsageError(f"input_size is width and height in pixels, not {input_size}")
        self.people = list(people)
        self.input_size = input_size
        self.skeleton = skeleton
        self.transform = transform
        self.padding = padding
        self._rows = columns(SPINETRACK, skeleton)

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: int) -> Sample:
        """Return a person's sample; `DataError` where the picture cannot be read."""
        import cv2

        person = self.people[index]
        affine = crop_transforms(person.box[None], self.input_size, self.padding)
        picture = read_picture(person.path)
        crop = cv2.warpAffine(picture, affine[0], self.input_size, flags=cv2.INTER_LINEAR)
        points = apply_affine(affine, person.keypoints[None].astype(np.float64))[0]
        unknown = (self._rows < 0) | ~(person.trust[self._rows] > 0)
        sample = Sample(
            np.ascontiguousarray(crop.transpose(2, 0, 1), np.uint8),
            np.where(unknown[:, None], np.nan, points[self._rows]).astype(np.float32),
            np.where(unknown, 0, person.trust[self._rows]).astype(np.float32),
            np.where(unknown, 0, person.flags[self._rows]),
            {
                "index": index % len(self.people),
                "path": str(person.path),
                "source": person.source,
                "view": person.view,
                "activity": person.activity,
                "transform": affine[0],
            },
        )
        return sample if self.transform is None else self.transform(sample)
