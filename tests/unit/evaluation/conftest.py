"""Labelled people made by hand, on pictures of nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from spinepose.evaluation.sets import LabelledSet, read_set
from spinepose.skeleton import SPINETRACK

K = len(SPINETRACK)
MakeSet = Callable[..., Path]


def standing(x: float = 100.0, y: float = 60.0, scale: float = 1.0) -> np.ndarray:
    """Return 37 places (37, 2): a column of points, the trunk 40 pixels long."""
    rows = np.arange(K)
    points = np.stack([x + 3.0 * (rows % 7), y + 2.0 * rows], axis=1)
    for side, dx in (("left", 10), ("right", -10)):
        for joint, dy in (("shoulder", 20), ("hip", 60)):
            points[SPINETRACK.index(f"{side}_{joint}")] = (x + dx, y + dy)
    return (points - (x, y)) * scale + (x, y)


def annotation(number: int, picture: int, points: np.ndarray, **changes: Any) -> dict[str, Any]:
    """Return a person as COCO writes them; NaN = no label."""
    known = np.isfinite(points).all(axis=1)
    flat = np.concatenate([np.where(known[:, None], points, 0), 2.0 * known[:, None]], axis=1)
    entry = {
        "id": number,
        "image_id": picture,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [80.0, 50.0, 60.0, 100.0],
        "area": 4000.0,
        "keypoints": flat.ravel().tolist(),
        "num_keypoints": int(known.sum()),
    }
    return entry | changes


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """Return a writer of COCO-format sets."""

    def make(people: list[dict[str, Any]], pictures: int = 2, **changes: Any) -> Path:
        folder = tmp_path / "set" / "images" / "test"
        folder.mkdir(parents=True, exist_ok=True)
        images = []
        for i in range(1, pictures + 1):
            cv2.imwrite(str(folder / f"{i}.png"), np.full((200, 220, 3), 10 * i, np.uint8))
            images.append({"id": i, "file_name": f"{i}.png", "width": 220, "height": 200})
        content = {"images": images, "annotations": people, "categories": [{"id": 1}], **changes}
        path = tmp_path / "set" / "annotations" / "person_keypoints_test.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
        return path

    return make


@pytest.fixture
def two_people(make_set: MakeSet) -> LabelledSet:
    """Two people on two pictures; the second has no feet labelled."""
    footless = standing(120)
    footless[SPINETRACK.indices("feet")] = np.nan
    people = [
        annotation(1, 1, standing(), view="front", activity="stand"),
        annotation(2, 2, footless, view="back", activity="stand", bbox=[90, 50, 70, 100]),
    ]
    return read_set(make_set(people))
