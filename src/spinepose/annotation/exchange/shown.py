"""What another tool shows to people: items, and the places of keypoints to start from.

Pixels: here (0, 0) is the middle of a picture's first pixel; in CVAT and Label Studio it is the
picture's corner. What goes out is half a pixel more, what comes in half a pixel less. K keypoints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from spinepose.annotation.project import Project
from spinepose.annotation.records import Guess, Item
from spinepose.annotation.shown import read_picture, shown_places
from spinepose.annotation.tasks import find_tasks, shown_round
from spinepose.draw.style import DEFAULT
from spinepose.skeleton import Skeleton

__all__ = [
    "HALF",
    "Shown",
    "alone_in_picture",
    "keypoint_color",
    "picture_bytes",
    "picture_name",
    "shown_items",
]

Float64 = npt.NDArray[np.float64]

HALF = 0.5
"""Pixels from the corner of a picture to the middle of its first pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An item as a tool shows it.

    Attributes
    ----------
    item
        The person.
    guess
        What is thought about them; `None` if nothing.
    round
        Of the guess; -1 if there is none.
    """

    item: Item
    guess: Guess | None
    round: int

    def places(self, keypoints: int) -> Float64:
        """Return where so many keypoints (K, 2) are shown, px; NaN where they are not."""
        if self.guess is None:
            return np.full((keypoints, 2), np.nan)
        return shown_places(self.guess, self.item)


def shown_items(
    project: Project, round: int | None = None, items: Sequence[str] | None = None
) -> list[Shown]:
    """Return what a tool shows.

    Parameters
    ----------
    project
        Where items and guesses are.
    round
        Whose guesses are shown; the latest if `None`.
    items
        Ids in the order wanted; the round's queue if `None`, or all items if it has none.

    Raises
    ------
    DataError
        The round has no guesses, an item is unknown, or a file of the project is broken.
    UsageError
        There is nothing to correct.
    """
    number = shown_round(project, round)
    known, guesses = project.items(), project.guesses(number)
    found = [
        (known[task.item], guesses.get(task.item)) for task in find_tasks(project, number, items)
    ]
    return [Shown(item, guess, -1 if guess is None else number) for item, guess in found]


def keypoint_color(skeleton: Skeleton, name: str) -> str:
    """Return the colour of a keypoint, ``#rrggbb``: of the spine, of its side, or of the head."""
    part = "spine" if name in skeleton.spine else name.partition("_")[0]
    rgb = DEFAULT.parts.get(part, DEFAULT.parts["head"])
    return "#" + "".join(f"{value:02x}" for value in rgb)


def picture_name(item: Item) -> str:
    """Return the name that an item's picture has in other tools: the same for the same content."""
    kept = PurePath(item.picture).suffix.lower()
    return item.sha256[:16] + (kept if kept in (".jpg", ".jpeg", ".png") else ".png")


def alone_in_picture(project: Project) -> dict[str, str]:
    """Return the items that are the only ones of their pictures, by :func:`picture_name`."""
    names = {item.id: picture_name(item) for item in project.items().values()}
    counts = Counter(names.values())
    return {name: item for item, name in names.items() if counts[name] == 1}


def picture_bytes(project: Project, item: Item) -> bytes:
    """Return the file of an item's picture as other tools can show it.

    The file itself if it is a JPEG, or a PNG that nothing turns, and :func:`picture_name` says so;
    a file of it as the name says otherwise.

    Raises
    ------
    DataError
        It is gone or was changed.
    InputError
        It cannot be decoded.
    """
    kind = "png" if picture_name(item).endswith(".png") else "jpeg"
    return read_picture(project, item, (kind,), otherwise=kind)[1]
