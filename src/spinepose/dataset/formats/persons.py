"""Folders with ``images/`` and ``persons.json``: crops of one person each, in three forms.

- A list: people of COCO 2017 (Lin et al., ECCV 2014), 17 joints, `use` = train or dev.
- ``names`` and ``persons``: Leeds Sports Pose Extended (Johnson and Everingham, CVPR 2011), 14
  joints clicked by a crowd.
- ``persons`` alone: rendered people, all keypoints of SpineTrack.

And folders of pictures of one person each, without labels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spinepose.dataset.formats.parts import (
    BROKEN,
    K,
    blank,
    box_around,
    box_from_xywh,
    load_json,
    placed,
    reason,
    refuse,
)
from spinepose.dataset.formats.vocabularies import rows_of
from spinepose.dataset.people import LabelledPeople, Person
from spinepose.dataset.pictures import picture_size
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import COCO17, SPINETRACK

__all__ = ["read_persons", "read_pictures"]

_LEAST_JOINTS = 6
"""Of Leeds Sports Pose Extended: people with fewer give no box."""
_CENTRAL = 0.02
"""Share of the height above and below a person in a picture of one person."""


def read_persons(path: Path, images: Path | None = None, use: str = "") -> LabelledPeople:
    """Read a folder with ``persons.json``, whichever of the three forms it is.

    Parameters
    ----------
    path
        The folder, with ``images/`` in it, or the file.
    images
        Not known here.
    use
        Only the people kept for this use, ``train`` or ``dev``, in sets that tell it.

    Raises
    ------
    UsageError
        Nobody is kept for `use`, or the set does not tell it; `images` is given.
    DataError
        It is not such a folder.
    """
    refuse(path, images)
    root = path if path.is_dir() else path.parent
    file = root / "persons.json"
    try:
        content = load_json(file)
        if isinstance(content, list):
            kept = [entry for entry in content if not use or entry["use"] == use]
            people = _coco(root, kept)
        else:
            refuse(file, use=use)
            people = _lspe(root, content) if "names" in content else _rendered(root, content)
    except UsageError:
        raise
    except BROKEN as error:
        raise DataError(f"{file}: not labelled people: {reason(error)}") from error
    if use and not people:
        known = ", ".join(sorted({str(entry.get("use")) for entry in content}))
        raise UsageError(f"{file} has nobody for the use {use!r}; it has {known}")
    return LabelledPeople(file, people, list(dict.fromkeys(p.path for p in people)))


def _coco(root: Path, entries: list[dict[str, Any]]) -> list[Person]:
    rows = rows_of((), len(COCO17))
    people = []
    for entry in entries:
        labels = placed(np.array(entry["kpts"], np.float32), rows)
        box, path = box_from_xywh(entry["bbox"]), root / "images" / entry["file"]
        people.append(Person(path, "coco", box, *labels[:2], hidden=labels[2]))
    return people


def _lspe(root: Path, content: dict[str, Any]) -> list[Person]:
    """Read Leeds Sports Pose Extended; guessed joints (v = 0) carry no trust."""
    rows = rows_of(content["names"], len(content["names"]))
    people = []
    for entry in content["persons"]:
        joints = np.array(entry["kpts"], np.float32)
        seen = joints[:, 2] > 0
        if seen.sum() < _LEAST_JOINTS:
            continue
        joints[seen, 2] = 2
        points, trust, _ = placed(joints, rows)
        path, box = root / "images" / entry["file"], box_around(joints[seen, :2])
        people.append(Person(path, "lspe", box, points, trust, entry["view_by_labels"]))
    return people


def _rendered(root: Path, content: dict[str, Any]) -> list[Person]:
    people = []
    for name, entry in content["persons"].items():
        points = np.array(entry["keypoints"], np.float32).reshape(len(SPINETRACK), 2)
        box, path = box_from_xywh(entry["bbox"]), root / "images" / name
        people.append(Person(path, "synthetic", box, points, np.ones(K, np.float32)))
    return people


def read_pictures(path: Path, images: Path | None = None, use: str = "") -> LabelledPeople:
    """Read a folder of pictures, each of one whole person and without labels.

    Clothing Co-Parsing (Yang et al., CVPR 2014) is such a set.

    Parameters
    ----------
    path
        The folder, with ``images/*.jpg`` in it.
    images, use
        Not known here.

    Raises
    ------
    UsageError
        If `images` or `use` is given.
    DataError
        If there are no pictures, or one cannot be read.
    """
    refuse(path, images, use)
    pictures = sorted((path / "images").glob("*.jpg"))
    if not pictures:
        raise DataError(f"{path / 'images'}: no pictures *.jpg")
    people = []
    for picture in pictures:
        width, height = picture_size(picture)
        box = np.array([0, _CENTRAL * height, width, (1 - _CENTRAL) * height], np.float32)
        people.append(Person(picture, "people", box, *blank()))
    return LabelledPeople(path, people, pictures)
