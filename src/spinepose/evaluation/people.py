"""Read labelled people of the training sets into one form: a picture, a box and keypoints.

Every set is a folder with ``images/`` and, where it has labels, ``persons.json``:

- ``lspe``: Leeds Sports Pose Extended (Johnson and Everingham, CVPR 2011), 14 joints.
- ``coco``: people of COCO 2017 (Lin et al., ECCV 2014), 17 joints, `use` = train or dev.
- ``people``: whole dressed people (Clothing Co-Parsing, Yang et al., CVPR 2014), no joints.
- ``synthetic``: rendered people, all keypoints of SpineTrack.

Any COCO-format keypoint file is read by :func:`read_coco`: SpineTrack, ``spinepose synth``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.errors import DataError, UsageError
from spinepose.skeleton import COCO17, HALPE26, SPINETRACK

__all__ = [
    "READERS",
    "Person",
    "coco_file",
    "coco_people",
    "folder_people",
    "held_out",
    "read_coco",
    "read_people",
    "upright_angle",
]

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
    activity
        What the person does, where the set tells it, else empty.
    backdrop
        Name of the place, where the set tells it, else empty.
    scene
        Number of the scene or picture: people of one scene are not split.
    area
        Square pixels of the person where the set tells it, else NaN.
    crowd
        Several people labelled as one.
    """

    path: Path
    source: str
    box: FloatArray
    keypoints: FloatArray
    trust: FloatArray
    view: str = ""
    activity: str = ""
    backdrop: str = ""
    scene: int = -1
    area: float = math.nan
    crowd: bool = False


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
        if use and entry["use"] != use:
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


def folder_people(root: Path, use: str = "") -> list[Person]:
    """Read a folder with ``persons.json``, whichever set it is.

    Parameters
    ----------
    root
        The folder, with ``images/`` in it.
    use
        Only the people kept for this use, ``train`` or ``dev``, in sets that tell it.

    Raises
    ------
    UsageError
        Nobody is kept for `use`.
    DataError
        It is not such a folder.
    """
    path = root / "persons.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, list):
            people = _coco(root, use)
        elif use:
            raise UsageError(f"{path} does not tell people apart by use: leave {use!r} away")
        else:
            people = _lspe(root) if "names" in content else _synthetic(root)
    except UsageError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not labelled people: {_reason(error)}") from error
    if use and not people:
        known = ", ".join(sorted({str(entry.get("use")) for entry in content}))
        raise UsageError(f"{path} has nobody for the use {use!r}; it has {known}")
    return people


def coco_people(path: Path) -> list[Person]:
    """Read the people of a COCO-format keypoint file, see :func:`read_coco`."""
    return read_coco(path)[0]


def read_coco(path: Path, images: Path | None = None) -> tuple[list[Person], list[Path]]:
    """Read a COCO-format keypoint file with 17, 26 or 37 keypoints, or the folder of one.

    Joints of rendered people that COCO names too carry half the trust of the others: they lie a
    little off where people would click.

    Parameters
    ----------
    path
        ``annotations/person_keypoints_NAME.json`` with ``images/NAME/`` beside ``annotations``,
        or the folder above.
    images
        Folder of the pictures, where it is another one.

    Returns
    -------
    people
        In the order of the file.
    pictures
        All pictures, those without people too.

    Raises
    ------
    DataError
        If it is not such a file.
    """
    path = coco_file(path)
    name = path.stem.removeprefix("person_keypoints_")
    folder = images or path.parent.parent / "images" / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rendered = "subjects" in content
        known = {image["id"]: image for image in content["images"]}
        people = [
            _from_coco(a, known[a["image_id"]], folder, name, rendered, path)
            for a in content["annotations"]
        ]
        return people, [folder / image["file_name"] for image in content["images"]]
    except DataError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not a COCO keypoint file: {_reason(error)}") from error


def coco_file(path: Path) -> Path:
    """Return the COCO-format keypoint file that a path means: itself, or the one below it."""
    if not path.is_dir():
        return path
    found = sorted((path / "annotations").glob("person_keypoints_*.json"))
    if len(found) != 1:
        raise DataError(f"{path}: {len(found)} files annotations/person_keypoints_*.json")
    return found[0]


def _reason(error: Exception) -> str:
    return f"lacks {error}" if isinstance(error, KeyError) else str(error)


def _from_coco(
    entry: dict[str, Any],
    image: dict[str, Any],
    folder: Path,
    name: str,
    rendered: bool,
    path: Path,
) -> Person:
    flat = np.array(entry["keypoints"], np.float32)
    if flat.size // 3 not in (BODY, len(HALPE26), K) or flat.size % 3:
        raise DataError(
            f"{path}: person {entry['id']} has {flat.size / 3:g} keypoints, not 17, 26, 37"
        )
    joints = flat.reshape(-1, 3)
    seen = ~(joints[:, 2] <= 0)  # a flag that is not a number is refused too
    if not np.isfinite(joints[seen]).all():
        raise DataError(f"{path}: person {entry['id']} has a keypoint that is not a number")
    points, trust = _blank()
    rows = np.flatnonzero(seen)
    points[rows], trust[rows] = joints[seen, :2], 1
    if rendered:
        trust[:BODY] *= RENDERED_BODY
    area = float(entry.get("area") or math.nan)
    return Person(
        folder / image["file_name"],
        "synthetic" if rendered else name,
        _from_xywh(entry["bbox"]),
        points,
        trust,
        str(entry.get("view", "")),
        str(entry.get("activity", "")),
        image.get("backdrop", {}).get("name", ""),
        image.get("scene", image["id"]),
        area if area > 0 else math.nan,
        bool(entry.get("iscrowd", 0)),
    )


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
    """Tell whether a person is kept from training: one scene or picture in `every`, by number."""
    if person.scene >= 0:
        return person.scene % every == 0
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
