"""Read labelled people of the training sets into one form: a picture, a box and keypoints.

Every set is a folder with ``images/`` and, where it has labels, ``persons.json``:

- ``lspe``: Leeds Sports Pose Extended (Johnson and Everingham, CVPR 2011), 14 joints.
- ``coco``: people of COCO 2017 (Lin et al., ECCV 2014), 17 joints, `use` = train or dev.
- ``people``: whole dressed people (Clothing Co-Parsing, Yang et al., CVPR 2014), no joints.
- ``synthetic``: rendered people, all keypoints of SpineTrack.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.skeleton import COCO17, SPINETRACK

__all__ = ["READERS", "Person", "held_out", "read_people", "upright_angle"]

FloatArray = npt.NDArray[np.float32]

K = len(SPINETRACK)
BODY = len(COCO17)
HOLD_OUT_EVERY = 10
RENDERED_BODY = 0.5  # joints of rendered people lie a little off the COCO convention
SIDE_MARGIN = 0.10  # of the larger side: hands, feet and flesh reach beyond the joints


@dataclass
class Person:
    """One labelled person.

    Parameters
    ----------
    path
        The picture.
    source
        Name of the set it is from.
    box
        (4,) xyxy in picture pixels.
    keypoints
        (37, 2) picture pixels; NaN = no label.
    trust
        (37,) weight of each label in 0..1.
    view
        ``front``, ``back``, ``side`` ... where the set tells it, else empty.
    """

    path: Path
    source: str
    box: FloatArray
    keypoints: FloatArray
    trust: FloatArray
    view: str = ""


def _blank() -> tuple[FloatArray, FloatArray]:
    return np.full((K, 2), np.nan, np.float32), np.zeros(K, np.float32)


def _around(points: FloatArray) -> FloatArray:
    """Return the box (4,) of points (M, 2) with a margin for the flesh around the joints."""
    low, high = points.min(axis=0), points.max(axis=0)
    pad = SIDE_MARGIN * float((high - low).max())
    return np.concatenate([low - pad, high + pad]).astype(np.float32)


def _from_xywh(box: list[float]) -> FloatArray:
    x, y, w, h = box
    return np.array([x, y, x + w, y + h], np.float32)


def _lspe(root: Path) -> list[Person]:
    """Read Leeds Sports Pose Extended; guessed joints (v = 0) carry no trust."""
    content: dict[str, Any] = json.loads((root / "persons.json").read_text())
    names = [{"head_top": "head"}.get(n, n) for n in content["names"]]
    rows = SPINETRACK.indices(names)
    people = []
    for entry in content["persons"]:
        joints = np.array(entry["kpts"], np.float32)
        seen = joints[:, 2] > 0
        if seen.sum() < 6:
            continue
        points, trust = _blank()
        points[rows[seen]] = joints[seen, :2]
        trust[rows[seen]] = 1
        people.append(
            Person(
                root / "images" / entry["file"],
                "lspe",
                _around(joints[seen, :2]),
                points,
                trust,
                entry["view_by_labels"],
            )
        )
    return people


def _coco(root: Path, use: str) -> list[Person]:
    people = []
    for entry in json.loads((root / "persons.json").read_text()):
        if entry["use"] != use:
            continue
        joints = np.array(entry["kpts"], np.float32)
        seen = joints[:, 2] > 0
        points, trust = _blank()
        points[:BODY][seen] = joints[seen, :2]
        trust[:BODY][seen] = 1
        box = _from_xywh(entry["bbox"])
        people.append(Person(root / "images" / entry["file"], "coco", box, points, trust))
    return people


def _dressed(root: Path) -> list[Person]:
    people = []
    for path in sorted((root / "images").glob("*.jpg")):
        image = cv2.imread(str(path))
        if image is None:
            raise FileNotFoundError(path)
        height, width = image.shape[:2]
        box = np.array([0, 0.02 * height, width, 0.98 * height], np.float32)
        people.append(Person(path, "people", box, *_blank()))
    return people


def _synthetic(root: Path) -> list[Person]:
    content = json.loads((root / "persons.json").read_text())["persons"]
    people = []
    for name, entry in content.items():
        points = np.array(entry["keypoints"], np.float32)
        box = _from_xywh(entry["bbox"])
        trust = np.ones(K, np.float32)
        trust[:BODY] = RENDERED_BODY
        people.append(Person(root / "images" / name, "synthetic", box, points, trust))
    return people


READERS: dict[str, Callable[[Path], list[Person]]] = {
    "lspe": lambda data: _lspe(data / "lspe"),
    "coco-train": lambda data: _coco(data / "coco", "train"),
    "coco-dev": lambda data: _coco(data / "coco", "dev"),
    "people": lambda data: _dressed(data / "people"),
    "synthetic": lambda data: _synthetic(data / "synthetic"),
}


def read_people(data: Path, name: str) -> list[Person]:
    """Read one set by name (a key of `READERS`) below the folder `data`."""
    return READERS[name](data)


def held_out(person: Person, every: int = HOLD_OUT_EVERY) -> bool:
    """Tell whether a person is kept from training: one picture in `every`, by its number."""
    digits = "".join(c for c in person.path.stem if c.isdigit())
    return int(digits or 0) % every == 0


def upright_angle(person: Person) -> float:
    """Return the turn in degrees that brings mid-hips to neck upwards; 0 where unknown.

    Teachers trained on standing people read a handstand better after that turn. The sign is
    OpenCV's (``cv2.getRotationMatrix2D``: positive = counter-clockwise).
    """
    left, right, neck = SPINETRACK.indices(["left_hip", "right_hip", "neck"])
    known = person.trust[[left, right, neck]] > 0
    if not known.all():
        return 0.0
    hips = (person.keypoints[left] + person.keypoints[right]) / 2
    dx, dy = person.keypoints[neck] - hips
    return float(np.degrees(np.arctan2(dx, -dy)))
