"""COCO keypoint files as CVAT knows them: "COCO Keypoints 1.0".

Keypoints are known by the names in ``categories``, in whatever order. What COCO has no place for
is in ``attributes`` of an annotation, where CVAT writes its own too. K keypoints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from spinepose.annotation.exchange.cvat_labels import ITEM, PERSON, ROUND, STATE, TOOL
from spinepose.annotation.exchange.files import read_text, write_text
from spinepose.annotation.exchange.said import (
    DONE,
    OPEN,
    Place,
    Said,
    all_or_nothing,
    check_names,
    corrections_from,
    utc,
)
from spinepose.annotation.exchange.shown import (
    HALF,
    Shown,
    alone_in_picture,
    picture_name,
    shown_items,
)
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN, Correction
from spinepose.errors import DataError
from spinepose.skeleton import Skeleton

__all__ = ["read_coco_keypoints", "write_coco_keypoints"]

_MEMBER = "annotations/person_keypoints_default.json"
_ANY_MEMBER = "annotations/person_keypoints_*.json"


def write_coco_keypoints(
    path: str | Path,
    project: Project,
    *,
    round: int | None = None,
    items: Sequence[str] | None = None,
) -> int:
    """Write guesses as COCO keypoints; see :func:`~.cvat_xml.write_cvat`, which loses less.

    Parameters
    ----------
    path
        ``.json``, or ``.zip`` with the pictures.
    project, round, items
        As there.

    Returns
    -------
    int
        How many items were written.

    Raises
    ------
    DataError, UsageError, OutputError
        As there.
    """
    path, shown = Path(path), shown_items(project, round, items)
    pictures = {picture_name(one.item): one.item.size for one in shown}
    numbers = {name: number for number, name in enumerate(pictures, start=1)}
    content = {
        "licenses": [],
        "info": {"description": f"Guesses of {len(shown)} people, to be corrected"},
        "categories": [_category(project.skeleton)],
        "images": [
            {"id": numbers[name], "file_name": name, "width": width, "height": height}
            for name, (width, height) in pictures.items()
        ],
        "annotations": [
            {"id": number, "image_id": numbers[picture_name(one.item)]}
            | _annotation(one, project.skeleton)
            for number, one in enumerate(shown, start=1)
        ],
    }
    write_text(path, json.dumps(content), _MEMBER, project, shown)
    return len(shown)


def read_coco_keypoints(path: str | Path, project: Project, annotator: str) -> list[Correction]:
    """Read what CVAT, or another tool, exported as COCO keypoints.

    Who is meant says the attribute ``item``, or the picture if it shows but one item. Who has no
    attribute ``state`` counts as corrected.

    Parameters
    ----------
    path
        ``.json``, or the ``.zip`` that CVAT makes.
    project
        Where the guesses came from.
    annotator
        Who corrected: the file does not say.

    Raises
    ------
    DataError
        It is no such file; an item, a picture or a keypoint is unknown or missing.
    """
    path = Path(path)
    with all_or_nothing(str(path)):
        content = json.loads(read_text(path, _ANY_MEMBER))
        said = list(_people(content, project, annotator))
    if not said:
        raise DataError(f"{path} has nobody in it: export it as 'COCO Keypoints 1.0'")
    return corrections_from(project, said, TOOL, str(path))


def _category(skeleton: Skeleton) -> dict[str, Any]:
    return {
        "id": 1,
        "name": PERSON,
        "supercategory": "",
        "keypoints": list(skeleton.keypoints),
        # COCO counts keypoints from 1 here.
        "skeleton": (skeleton.bone_indices + 1).tolist(),
    }


def _annotation(shown: Shown, skeleton: Skeleton) -> dict[str, Any]:
    labels = np.zeros((len(skeleton), 3))
    places = shown.places(len(skeleton))
    known = np.isfinite(places).all(axis=1)
    labels[known] = np.column_stack([places[known] + HALF, np.full(known.sum(), SEEN)])
    x1, y1, x2, y2 = shown.item.box.tolist()
    return {
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "segmentation": [],
        "num_keypoints": int((labels[:, 2] > 0).sum()),
        "keypoints": [value for x, y, v in labels.round(2).tolist() for value in (x, y, int(v))],
        "attributes": {ITEM: shown.item.id, ROUND: str(shown.round), STATE: OPEN},
    }


def _people(content: Mapping[str, Any], project: Project, annotator: str) -> Iterator[Said]:
    names = {one["id"]: list(one.get("keypoints", [])) for one in content["categories"]}
    pictures = {one["id"]: PurePath(one["file_name"]).name for one in content["images"]}
    alone, time = alone_in_picture(project), utc(content.get("info", {}).get("date_created"))
    for entry in content["annotations"]:
        attributes = entry.get("attributes", {})
        picture = pictures[entry["image_id"]]
        item = str(attributes.get(ITEM) or alone.get(picture) or "")
        if not item:
            raise ValueError(f"person {entry['id']} in {picture} has no attribute {ITEM!r}")
        keypoints = names[entry["category_id"]]
        check_names(keypoints, project.skeleton, f"the category of item {item}")
        labels = np.array(entry["keypoints"], np.float64)
        if labels.shape != (3 * len(keypoints),):
            raise ValueError(
                f"item {item} has not 3 numbers for each of {len(keypoints)} keypoints"
            )
        yield Said(
            item=item,
            annotator=annotator,
            time=time,
            round=-1 if attributes.get(ROUND) in (None, "") else int(attributes[ROUND]),
            places={
                name: _place(*row)
                for name, row in zip(keypoints, labels.reshape(-1, 3).tolist(), strict=True)
            },
            state=str(attributes.get(STATE) or DONE),
        )


def _place(x: float, y: float, flag: float) -> Place:
    if flag not in (ABSENT, HIDDEN, SEEN):
        raise ValueError(f"a keypoint's flag is {flag:g}, not 0, 1 or 2")
    return Place(x - HALF, y - HALF, int(flag))
