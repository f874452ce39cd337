"""Small labelled sets on disk, with pictures that can be told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spinepose.skeleton import SPINETRACK
from tests.unit.dataset.labelled import HEIGHT, WIDTH, flat, places


def photo(path: Path, seed: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """Write a picture of soft patches, another one for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    patches = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    cv2.imwrite(str(path), cv2.resize(patches, size, interpolation=cv2.INTER_CUBIC))
    return path


def image(number: int, **changes: Any) -> dict[str, Any]:
    name = f"{number:03d}.png"
    return {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT, **changes}


def annotation(number: int, picture: int | None = None, **changes: Any) -> dict[str, Any]:
    """Return a person with all 37 labels, inside the box and the picture."""
    return {
        "id": number,
        "image_id": number if picture is None else picture,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [50, 30, 100, 140],
        "area": 7000.0,
        "num_keypoints": len(SPINETRACK),
        "keypoints": flat(places()),
        **changes,
    }


def content(people: int = 3, first: int = 1) -> dict[str, Any]:
    """Return labels without a fault: one person in each picture."""
    names = list(SPINETRACK.keypoints)
    numbers = range(first, first + people)
    return {
        "images": [image(number) for number in numbers],
        "annotations": [annotation(number) for number in numbers],
        "categories": [{"id": 1, "name": "person", "keypoints": names}],
    }


def write_set(root: Path, **splits: dict[str, Any]) -> Path:
    """Write label files and, for each name in them, a picture; return the folder."""
    for split, labels in splits.items():
        path = root / "annotations" / f"person_keypoints_{split}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(labels))
        for entry in labels["images"]:
            photo(root / "images" / split / entry["file_name"], seed=entry["id"])
    return root
