"""Keypoint files in COCO's format: COCO, COCO-WholeBody, Halpe, SpineTrack, ``spinepose synth``.

Format: cocodataset.org/#format-data. COCO-WholeBody keeps its feet in ``foot_kpts`` beside
``keypoints`` (Jin et al., ECCV 2020); Halpe has 136 numbers in a row, body and feet first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.dataset.formats.parts import (
    BROKEN,
    box_from_xywh,
    load_json,
    placed,
    reason,
    refuse,
)
from spinepose.dataset.formats.vocabularies import rows_of
from spinepose.dataset.people import LabelledPeople, Person
from spinepose.errors import DataError
from spinepose.skeleton import WHOLEBODY23

__all__ = ["coco_file", "read_coco"]

IntArray = npt.NDArray[np.int64]

_PREFIX = "person_keypoints_"


def coco_file(path: Path) -> Path:
    """Return the COCO-format keypoint file that a path means: itself, or the one below it.

    Raises
    ------
    DataError
        If there is none, or more than one.
    """
    if not path.is_dir():
        return path
    found = sorted((path / "annotations").glob(f"{_PREFIX}*.json"))
    if len(found) != 1:
        raise DataError(f"{path}: {len(found)} files annotations/{_PREFIX}*.json; name one")
    return found[0]


def read_coco(path: Path, images: Path | None = None, use: str = "") -> LabelledPeople:
    """Read a COCO-format keypoint file, or the folder of one.

    Keypoints are found by the names in ``categories``, in whatever order; without names the
    number of keypoints tells the set, see :data:`~.vocabularies.VOCABULARIES`. What SpineTrack
    does not have (faces, hands) is left out.

    Parameters
    ----------
    path
        ``annotations/person_keypoints_NAME.json`` with ``images/NAME/`` beside ``annotations``,
        or the folder above.
    images
        Folder of the pictures, where it is another one.
    use
        Not known here.

    Raises
    ------
    DataError
        If it is not such a file.
    UsageError
        If `use` is given.
    """
    refuse(path, use=use)
    path = coco_file(path)
    name = path.stem.removeprefix(_PREFIX)
    folder = images or path.parent.parent / "images" / name
    try:
        content = load_json(path)
        source = "synthetic" if "subjects" in content else name
        categories = content.get("categories", [])
        names = {c.get("id"): tuple(c.get("keypoints", ())) for c in categories}
        known = {
            image["id"]: image | {"scene": _scene(image, place)}
            for place, image in enumerate(content["images"])
        }
        people = [
            _person(entry, known[entry["image_id"]], folder, names, source)
            for entry in content["annotations"]
        ]
        return LabelledPeople(path, people, [folder / i["file_name"] for i in content["images"]])
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except BROKEN as error:
        raise DataError(f"{path}: not a COCO keypoint file: {reason(error)}") from error


def _scene(image: Mapping[str, Any], place: int) -> int:
    """Return the number of a scene or picture: ids may be text, its place in the file is none."""
    numbers = (image.get("scene"), image["id"], place)
    return next(number for number in numbers if isinstance(number, int))


def _person(
    entry: Mapping[str, Any],
    image: Mapping[str, Any],
    folder: Path,
    names: Mapping[Any, tuple[str, ...]],
    source: str,
) -> Person:
    try:
        flat, named = _labels(entry, names.get(entry.get("category_id"), ()))
        rows = _rows(named, flat.size // 3)
    except DataError as error:
        raise DataError(f"person {entry['id']} {error}") from None
    joints = flat.reshape(-1, 3)
    joints[joints[:, 2] <= 0] = 0  # so a flag that is not a number is refused too
    if not np.isfinite(joints).all():
        raise DataError(f"person {entry['id']} has a keypoint that is not a number")
    points, trust, hidden = placed(joints, rows)
    area = float(entry.get("area") or 0)
    return Person(
        folder / image["file_name"],
        str(entry.get("source", source)),
        box_from_xywh(entry["bbox"]),
        points,
        trust,
        str(entry.get("view", "")),
        str(entry.get("activity", "")),
        image.get("backdrop", {}).get("name", ""),
        image["scene"],
        area if area > 0 else np.nan,
        bool(entry.get("iscrowd", 0)),
        hidden,
    )


def _labels(
    entry: Mapping[str, Any], names: tuple[str, ...]
) -> tuple[npt.NDArray[np.float32], tuple[str, ...]]:
    """Return x, y, v of all keypoints of body and feet in a row, and their names."""
    flat = np.array(entry["keypoints"], np.float32)
    if flat.size % 3:
        raise DataError(f"has {flat.size / 3:g} keypoints")
    if "foot_kpts" in entry:
        feet = WHOLEBODY23.subsets["feet"]
        names = (names or WHOLEBODY23.subsets["body"]) + feet
        flat = np.concatenate([flat, np.array(entry["foot_kpts"], np.float32)])
    return flat, names


@lru_cache
def _rows(names: tuple[str, ...], count: int) -> IntArray:
    return rows_of(names, count)
