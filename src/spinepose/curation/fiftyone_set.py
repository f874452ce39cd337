"""Write people for FiftyOne, whose app searches and tags them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinepose.curation.entries import Entry
from spinepose.dataset.pictures import picture_size
from spinepose.errors import DataError
from spinepose.files import atomic_write
from spinepose.skeleton import SPINETRACK

__all__ = ["write_fiftyone"]


def write_fiftyone(path: str | Path, entries: Sequence[Entry]) -> None:
    """Write people as a COCO file that FiftyOne imports, with the skeleton and what is doubted.

    Pictures stay where they are; the file has their full paths. FiftyOne is not needed to write
    it, and reads it so::

        import fiftyone as fo

        people = fo.Dataset.from_dir(
            dataset_type=fo.types.COCODetectionDataset,
            labels_path="labels.json",
            label_types=["detections", "keypoints"],
        )

    Its importer takes the skeleton from ``info``, and keys of a person that COCO does not know
    (split, view, activity, OKS, flags) as attributes to filter by.

    Parameters
    ----------
    path
        ``labels.json``.
    entries
        People of any sets.

    Raises
    ------
    DataError
        There is nobody, or a picture cannot be read.
    OutputError
        It cannot be written.
    """
    if not entries:
        raise DataError("there is nobody to write")
    numbers: dict[Path, int] = {}
    for entry in entries:
        numbers.setdefault(entry.person.path.resolve(), len(numbers) + 1)
    edges = SPINETRACK.bone_indices.tolist()
    content = {
        "info": {
            "description": "SpineTrack keypoints",
            "default_skeleton": {"labels": list(SPINETRACK.keypoints), "edges": edges},
        },
        "categories": [
            {
                "id": 1,
                "name": "person",
                "supercategory": "person",
                "keypoints": list(SPINETRACK.keypoints),
                "skeleton": [[a + 1, b + 1] for a, b in edges],
            }
        ],
        "images": [_image(picture, number) for picture, number in numbers.items()],
        "annotations": [
            _annotation(entry, i, numbers[entry.person.path.resolve()])
            for i, entry in enumerate(entries, 1)
        ],
    }
    with atomic_write(path) as temporary:
        text = json.dumps(content, allow_nan=False, ensure_ascii=False)
        temporary.write_text(text, encoding="utf-8")


def _image(path: Path, number: int) -> dict[str, Any]:
    width, height = picture_size(path)
    return {"id": number, "file_name": str(path), "width": width, "height": height}


def _annotation(entry: Entry, number: int, image: int) -> dict[str, Any]:
    person, flags = entry.person, entry.person.flags
    x0, y0, x1, y1 = person.box.astype(float).tolist()
    points = np.where(flags[:, None] > 0, person.keypoints, 0).astype(float)
    told = {
        "split": entry.split,
        "source": person.source,
        "view": person.view,
        "activity": person.activity,
        "place": entry.place,
        "oks": round(entry.score, 4) if math.isfinite(entry.score) else None,
        "flags": list(entry.flags),
    }
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": person.known_area,
        "num_keypoints": int((flags > 0).sum()),
        "keypoints": np.column_stack([points, flags]).ravel().tolist(),
        **{name: value for name, value in told.items() if value not in ("", None, [])},
    }
