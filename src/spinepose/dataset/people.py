"""Labelled people in one form, whichever set they are from: a picture, a box and keypoints."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.geometry import area_of

__all__ = ["AREA_PER_BOX", "HOLD_OUT_EVERY", "LabelledPeople", "Person", "held_out"]

Float32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

AREA_PER_BOX = 0.53
"""Person area over box area where no mask is known, as in the evaluation of CrowdPose."""

HOLD_OUT_EVERY = 10
"""One scene or picture in so many is kept from training."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One labelled person.

    Parameters
    ----------
    path
        The picture.
    source
        Name of the set it is from.
    box
        (4,) xyxy in picture pixels.
    keypoints
        (37, 2) picture pixels, in the order of SpineTrack; NaN = no label.
    trust
        (37,) weight of each label in 0..1; 0 = no label.
    view
        ``front``, ``back``, ``side`` ... where the set tells it, else empty.
    activity
        What the person does, where the set tells it, else empty.
    backdrop
        Name of the place, where the set tells it, else empty.
    scene
        Number of the scene or picture: people of one scene are not split.
    area
        Square pixels of the person where the set tells it, else NaN.
    crowd
        Several people labelled as one.
    hidden
        (37,) labelled keypoints that cannot be seen in the picture; `None` where the set does
        not tell.
    """

    path: Path
    source: str
    box: Float32
    keypoints: Float32
    trust: Float32
    view: str = ""
    activity: str = ""
    backdrop: str = ""
    scene: int = -1
    area: float = math.nan
    crowd: bool = False
    hidden: Bools | None = None

    @property
    def flags(self) -> npt.NDArray[np.int64]:
        """COCO's visibility (37,): 0 no label, 1 labelled but hidden, 2 labelled."""
        hidden = np.zeros(len(self.trust), bool) if self.hidden is None else self.hidden
        return np.where(self.trust > 0, np.where(hidden, 1, 2), 0)

    @property
    def known_area(self) -> float:
        """Square pixels of the person: as labelled, else the usual share of the box."""
        if math.isfinite(self.area):
            return self.area
        return AREA_PER_BOX * float(area_of(self.box.astype(np.float64)))


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPeople:
    """What a label file holds.

    Parameters
    ----------
    file
        Where the labels are.
    people
        In the order of the file.
    pictures
        All pictures, those without people too.
    """

    file: Path
    people: list[Person]
    pictures: list[Path]


def held_out(person: Person, every: int = HOLD_OUT_EVERY) -> bool:
    """Tell whether a person is kept from training: one scene or picture in `every`, by number."""
    if person.scene >= 0:
        return person.scene % every == 0
    digits = "".join(c for c in person.path.stem if c.isdigit())
    return int(digits or 0) % every == 0
