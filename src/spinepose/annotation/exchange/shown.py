"""What another tool shows to people: items, and the places of keypoints to start from.

Pixels: here (0, 0) is the middle of a picture's first pixel; in CVAT and Label Studio it is the
picture's corner. What goes out is half a pixel more, what comes in half a pixel less. K keypoints.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from spinepose.annotation.page.tasks import find_tasks
from spinepose.annotation.project import Project
from spinepose.annotation.records import Guess, Item
from spinepose.draw.style import DEFAULT
from spinepose.errors import DataError
from spinepose.media import encode_image, read_image
from spinepose.media.headers import exif_orientation, image_kind
from spinepose.skeleton import Skeleton

__all__ = [
    "HALF",
    "Shown",
    "is_inside",
    "keypoint_color",
    "picture_name",
    "read_picture",
    "shown_items",
]

Float64 = npt.NDArray[np.float64]

HALF = 0.5
"""Pixels from the corner of a picture to the middle of its first pixel."""

_ROUNDING_PX = 0.01
"""Of what tools write; a place on the rim may be that far out."""

_SUFFIXES = {"jpeg": ".jpg", "png": ".png"}
"""Of the kinds of pictures that every tool shows as they are."""


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
        """Return where so many keypoints (K, 2) are shown, px; NaN where they are not.

        What lies outside of the picture is not shown.
        """
        if self.guess is None:
            return np.full((keypoints, 2), np.nan)
        points = self.guess.keypoints
        return np.where(is_inside(points, self.item.size)[:, None], points, np.nan)


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
    rounds = project.rounds()
    if round is not None and round not in rounds:
        raise DataError(f"{project.root} has no guesses in round {round}; make them first")
    number = round if round is not None else max(rounds, default=-1)
    known, guesses = project.items(), project.guesses(number)
    found = [
        (known[task.item], guesses.get(task.item)) for task in find_tasks(project, number, items)
    ]
    return [Shown(item, guess, -1 if guess is None else number) for item, guess in found]


def is_inside(points: Float64, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return which points (M, 2), px, are in a picture of that width and height."""
    least, most = -HALF - _ROUNDING_PX, np.array(size) - HALF + _ROUNDING_PX
    return np.asarray(((points >= least) & (points <= most)).all(axis=1))


def keypoint_color(skeleton: Skeleton, name: str) -> str:
    """Return the colour of a keypoint, ``#rrggbb``: of the spine, of its side, or of the head."""
    part = "spine" if name in skeleton.spine else name.partition("_")[0]
    rgb = DEFAULT.parts.get(part, DEFAULT.parts["head"])
    return "#" + "".join(f"{value:02x}" for value in rgb)


def picture_name(item: Item) -> str:
    """Return the name that an item's picture has in other tools: the same for the same content."""
    kept = PurePath(item.picture).suffix.lower()
    return item.sha256[:16] + (kept if kept in (".jpg", ".jpeg", ".png") else ".png")


def read_picture(project: Project, item: Item) -> bytes:
    """Return the file of an item's picture as other tools can show it.

    The file itself if it is a JPEG, or a PNG that nothing turns, and is called so; a PNG of it
    otherwise.

    Raises
    ------
    DataError
        It is gone or was changed.
    InputError
        It cannot be decoded.
    """
    path = project.picture(item)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if hashlib.sha256(data).hexdigest() != item.sha256:
        raise DataError(f"{path} has changed since it was added to {project.root}; put it back")
    kind, suffix = image_kind(data), PurePath(picture_name(item)).suffix.replace("jpeg", "jpg")
    # Of JPEG every browser obeys the orientation, of the others not.
    if _SUFFIXES.get(kind or "") == suffix and (kind == "jpeg" or exif_orientation(data) == 1):
        return data
    return encode_image(read_image(path), suffix)
