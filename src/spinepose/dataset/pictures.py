"""Open the pictures of labelled people, each of them once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.dataset.people import Person
from spinepose.errors import DataError

__all__ = ["iterate_people", "picture_size", "read_picture"]

Image = npt.NDArray[np.uint8]


def read_picture(path: Path) -> Image:
    """Return a picture (H, W, 3) uint8 RGB, turned upright as its EXIF data says.

    Raises
    ------
    DataError
        If it is missing or no picture.
    """
    import cv2

    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise DataError(f"{path}: cannot be read as a picture")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def picture_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture in pixels, turned upright.

    Raises
    ------
    DataError
        If it is missing or no picture.
    """
    height, width = read_picture(path).shape[:2]
    return width, height


def iterate_people(people: Sequence[Person]) -> Iterator[tuple[Image, Person]]:
    """Give people with their pictures; each picture is opened once and then forgotten.

    Pictures come in the order of their first person, people of a picture in theirs.

    Parameters
    ----------
    people
        Of any sets.

    Yields
    ------
    picture : (H, W, 3) uint8
        RGB, the same array for all people in it, not to be written to.
    person : Person
        With places in its pixels.

    Raises
    ------
    DataError
        If a picture cannot be read.
    """
    by_picture: dict[Path, list[Person]] = {}
    for person in people:
        by_picture.setdefault(person.path, []).append(person)
    for path, group in by_picture.items():
        picture = read_picture(path)
        picture.flags.writeable = False
        for person in group:
            yield picture, person
