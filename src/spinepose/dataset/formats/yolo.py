"""Pose sets as Ultralytics keeps them: ``data.yaml``, ``images/`` and ``labels/``.

Format: docs.ultralytics.com/datasets/pose. A text file beside each picture (the last ``images``
in its path being ``labels``) has a line for each person: class, middle and sides of the box, then
x, y and COCO's visibility of the keypoints, all as shares of the picture's sides.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.dataset.formats.parts import BROKEN, placed, reason, refuse
from spinepose.dataset.formats.vocabularies import rows_of
from spinepose.dataset.people import LabelledPeople, Person
from spinepose.dataset.pictures import picture_size
from spinepose.errors import DataError, MissingExtraError, UsageError
from spinepose.files import read_lines

__all__ = ["read_yolo", "yolo_file"]

IntArray = npt.NDArray[np.int64]

SPLITS = ("train", "val", "test")
_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_BEFORE = 5
"""Numbers of a line before the keypoints: class and box."""


def yolo_file(path: Path) -> Path:
    """Return the settings file of a set: itself, or the one in the folder."""
    return path / "data.yaml" if path.is_dir() else path


def read_yolo(path: Path, images: Path | None = None, use: str = "") -> LabelledPeople:
    """Read a pose set in Ultralytics' format; its class ``person``, or the only one.

    Parameters
    ----------
    path
        ``data.yaml`` or its folder.
    images
        Not known here.
    use
        Only this part: ``train``, ``val`` or ``test``.

    Raises
    ------
    DataError
        If it is not such a set, or a picture or a line of labels is broken.
    UsageError
        If `images` is given, or the set has no part `use`.
    MissingExtraError
        If PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("reading data.yaml", "train") from error
    refuse(path, images)
    file = yolo_file(path)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        parts = [part for part in SPLITS if content.get(part)]
        if use and use not in parts:
            raise UsageError(f"{file} has no {use!r}; it has {', '.join(parts) or 'nothing'}")
        number, rows, width = _keypoints(content)
        root = file.parent / content.get("path", ".")
        wanted = [use] if use else parts
        found = [p for part in wanted for p in _pictures(root, content[part])]
    except UsageError:
        raise
    except (*BROKEN, yaml.YAMLError) as error:
        raise DataError(f"{file}: not a YOLO pose set: {reason(error)}".split("\n")[0]) from error
    pictures = list(dict.fromkeys(found))  # parts may share them
    people = [p for picture in pictures for p in _people(picture, number, rows, width)]
    return LabelledPeople(file, people, pictures)


def _keypoints(content: dict[str, Any]) -> tuple[int, IntArray, int]:
    """Return the class of people, the index in SpineTrack of its keypoints, numbers for each."""
    count, width = content["kpt_shape"]
    names = content["names"]
    classes = dict(names if isinstance(names, dict) else enumerate(names))
    number = next((k for k, name in classes.items() if name == "person"), min(classes))
    if width not in (2, 3):
        raise DataError(f"kpt_shape says {width} numbers for a keypoint, not 2 or 3")
    return number, rows_of(content.get("kpt_names", {}).get(number, ()), count), width


def _pictures(root: Path, where: str | list[str]) -> list[Path]:
    """Return the pictures of folders, or of text files that list them."""
    found = []
    for place in [where] if isinstance(where, str) else where:
        path = root / place
        if path.is_file():
            found += [path.parent / line.strip() for line in read_lines(path) if line.strip()]
        elif path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES)
        else:
            raise DataError(f"lacks {path}")
    return found


def _label_file(picture: Path) -> Path:
    """Return where the labels of a picture are: the last ``images`` of its path is ``labels``."""
    parts = list(picture.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def _people(picture: Path, number: int, rows: IntArray, width: int) -> list[Person]:
    """Return the people in a picture; one without a file of labels shows nobody."""
    file = _label_file(picture)
    lines = [line for line in read_lines(file) if line.strip()] if file.is_file() else []
    if not lines:
        return []
    size = picture_size(picture)
    try:
        values = np.array([line.split() for line in lines], np.float64)
        values = values[values[:, 0] == number]
        joints = values[:, _BEFORE:].reshape(len(values), len(rows), width)
    except ValueError as error:
        raise DataError(f"{file}: not lines of people with {len(rows)} keypoints") from error
    if not np.isfinite(values).all():
        raise DataError(f"{file}: has a value that is not a number")
    return [
        _person(picture, box, labels, size, rows)
        for box, labels in zip(values[:, 1:_BEFORE], joints, strict=True)
    ]


def _person(
    picture: Path,
    box: npt.NDArray[np.float64],
    labels: npt.NDArray[np.float64],
    size: tuple[int, int],
    rows: IntArray,
) -> Person:
    middle, half = box[:2] * size, box[2:] * size / 2
    places = labels[:, :2] * size
    # Without flags, what is not labelled lies at 0, 0.
    flags = labels[:, 2] if labels.shape[1] == 3 else 2 * labels.any(axis=1)
    points, trust, hidden = placed(np.column_stack([places, flags]).astype(np.float32), rows)
    corners = np.concatenate([middle - half, middle + half]).astype(np.float32)
    return Person(picture, picture.parent.name, corners, points, trust, hidden=hidden)
