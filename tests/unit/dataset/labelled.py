"""Labelled people made by hand, and their pictures of nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spinepose.dataset.people import Person
from spinepose.skeleton import SPINETRACK, Skeleton

K = len(SPINETRACK)
WIDTH, HEIGHT = 220, 200


def picture(path: Path, value: int = 90) -> Path:
    """Write a grey picture of 220 x 200 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), value, np.uint8))
    return path


def places(names: tuple[str, ...] = SPINETRACK.keypoints) -> np.ndarray:
    """Return a place (M, 2) for each name, the same for a name wherever it stands."""
    rows = SPINETRACK.indices(names)
    return np.stack([60.0 + 2 * rows, 40.0 + 3 * rows], axis=1)


def person(path: Path, skeleton: Skeleton = SPINETRACK, **changes: Any) -> Person:
    """Return a person with labels for the keypoints of a skeleton, every third hidden."""
    rows = SPINETRACK.indices([n for n in skeleton.keypoints if n in SPINETRACK.keypoints])
    points, trust = np.full((K, 2), np.nan, np.float32), np.zeros(K, np.float32)
    points[rows], trust[rows] = places()[rows], 1
    box = np.array([50, 30, 150, 170], np.float32)
    values = {"scene": 4, "area": 5000.0, "hidden": (np.arange(K) % 3 == 0) & (trust > 0)}
    return Person(path, "made", box, points, trust, **(values | changes))


def flat(points: np.ndarray, flag: float = 2) -> list[float]:
    """Return x, y, v of keypoints (M, 2) in a row, as COCO has them."""
    return np.column_stack([points, np.full(len(points), flag)]).ravel().tolist()


def coco(folder: Path, keypoints: list[float], names: Any = None, **more: Any) -> Path:
    """Write a COCO-format file of one person in one picture; return the folder of the set."""
    picture(folder / "images" / "some" / "a.png")
    category = {"id": 7, "name": "person"} | ({} if names is None else {"keypoints": list(names)})
    entry = {"id": 3, "image_id": 1, "category_id": 7, "bbox": [50, 30, 100, 140]}
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [entry | {"keypoints": keypoints} | more],
        "categories": [category],
    }
    path = folder / "annotations" / "person_keypoints_some.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return folder
