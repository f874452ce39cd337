"""Write labelled people for other tools: COCO keypoint JSON and Ultralytics' pose format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.dataset.conversion import columns
from spinepose.dataset.people import Person
from spinepose.dataset.pictures import picture_size
from spinepose.errors import DataError
from spinepose.files import atomic_write
from spinepose.skeleton import SPINETRACK, Skeleton

__all__ = ["write_coco", "write_yolo_pose"]

Float64 = npt.NDArray[np.float64]


def write_coco(
    path: Path,
    people: Sequence[Person],
    skeleton: Skeleton = SPINETRACK,
    *,
    images: Path | None = None,
    whole_paths: bool = False,
    pictures: Sequence[Path] = (),
    info: Mapping[str, Any] | None = None,
    licences: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write people as a COCO keypoint file (cocodataset.org/#format-data).

    It loads in pycocotools and faster-coco-eval. Those know the sigmas of 17 keypoints only:
    with another skeleton set ``params.kpt_oks_sigmas`` to ``categories[0]["sigmas"]``. COCO has
    no weights: a label of any trust is a label. Where no area is known it is 0.53 of the box.

    Parameters
    ----------
    path
        ``annotations/person_keypoints_NAME.json``; it appears whole or not at all.
    people
        Of any sets.
    skeleton
        Keypoints to write; people have those that SpineTrack calls the same
        (:mod:`spinepose.dataset.conversion`).
    images
        Folder that the names of pictures start from; ``images/NAME`` beside ``annotations`` is
        where readers look first.
    whole_paths
        Name pictures by their absolute paths instead, wherever they lie: the file holds until they
        are moved.
    pictures
        Further pictures, which show nobody.
    info
        Joins the ``info`` of the file: contributor, url, year ...
    licences
        Each with ``id``, ``name`` and ``url``, as COCO has them.

    Raises
    ------
    DataError
        If a picture cannot be read or lies outside of `images`, or a number is none.
    OutputError
        If the file cannot be written.
    """
    name = path.stem.removeprefix("person_keypoints_")
    folder = None if whole_paths else images or path.parent.parent / "images" / name
    order = list(dict.fromkeys([*(person.path for person in people), *pictures]))
    numbers = {picture: number for number, picture in enumerate(order, start=1)}
    entries = {picture: _image(picture, folder, number) for picture, number in numbers.items()}
    for person in people:
        entries[person.path].update(_scene(person))
    content = {
        "info": _info(skeleton) | dict(info or {}),
        "licenses": [dict(licence) for licence in licences],
        "categories": [_category(skeleton)],
        "images": list(entries.values()),
        "annotations": [
            {"id": number, "image_id": numbers[person.path]} | _annotation(person, skeleton)
            for number, person in enumerate(people, start=1)
        ],
    }
    try:
        text = json.dumps(content, allow_nan=False)
    except ValueError as error:
        raise DataError(f"{path}: a box, a label or `info` holds what is not a number") from error
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _info(skeleton: Skeleton) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "description": f"People with the {len(skeleton)} keypoints of {skeleton.name}",
        "version": version("spinepose"),
        "pixels": "(0, 0) is the centre of the top left pixel; boxes lie on pixel borders",
    }


def _category(skeleton: Skeleton) -> dict[str, Any]:
    return {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(skeleton.keypoints),
        # COCO counts keypoints from 1 here.
        "skeleton": (skeleton.bone_indices + 1).tolist(),
        "sigmas": list(skeleton.sigmas),
    }


def _image(picture: Path, folder: Path | None, number: int) -> dict[str, Any]:
    """Return the entry of a picture: named from the folder on, or by its whole path."""
    try:
        name = (picture.relative_to(folder) if folder else picture.absolute()).as_posix()
    except ValueError:
        raise DataError(f"{picture} is not below {folder}: name the folder of pictures") from None
    width, height = picture_size(picture)
    return {"id": number, "file_name": name, "width": width, "height": height}


def _scene(person: Person) -> dict[str, Any]:
    """Return what a person knows of the picture."""
    scene = {"scene": person.scene} if person.scene >= 0 else {}
    return scene | ({"backdrop": {"name": person.backdrop}} if person.backdrop else {})


def _annotation(person: Person, skeleton: Skeleton) -> dict[str, Any]:
    labels = _labels(person, skeleton)
    corner, far = person.box[:2].astype(float), person.box[2:].astype(float)
    known = {"view": person.view, "activity": person.activity, "source": person.source}
    return {
        "category_id": 1,
        "iscrowd": int(person.crowd),
        "bbox": [*corner.tolist(), *(far - corner).tolist()],
        "area": person.known_area,
        "num_keypoints": int((labels[:, 2] > 0).sum()),
        "keypoints": [v for x, y, flag in labels.tolist() for v in (x, y, int(flag))],
    } | {key: value for key, value in known.items() if value}


def _labels(person: Person, skeleton: Skeleton) -> Float64:
    """Return x, y and COCO's visibility (K, 3); 0 0 0 where there is no label."""
    rows = columns(SPINETRACK, skeleton)
    labels = np.column_stack([person.keypoints.astype(np.float64), person.flags])[rows]
    return np.where((rows >= 0)[:, None] & (labels[:, 2:] > 0), labels, 0.0)


def write_yolo_pose(
    folder: Path,
    people: Sequence[Person],
    skeleton: Skeleton = SPINETRACK,
    *,
    part: str = "train",
    pictures: Sequence[Path] = (),
) -> Path:
    """Write people as a pose set for Ultralytics (docs.ultralytics.com/datasets/pose).

    The format demands places within the picture: boxes are cut at its borders, and keypoints
    outside are not labelled. Crowds are left out. Pictures are copied, since labels are looked
    for beside them; ``data.yaml`` comes last, so a set that has one is complete.

    Parameters
    ----------
    folder
        Of the set; ``images/PART``, ``labels/PART`` and ``data.yaml`` come into it.
    people
        Of any sets.
    skeleton
        Keypoints to write.
    part
        ``train``, ``val`` or ``test``. Others that are there already stay.
    pictures
        Further pictures, which show nobody: their files of labels are empty.

    Returns
    -------
    file : Path
        ``data.yaml``.

    Raises
    ------
    DataError
        If there is no picture, one cannot be read, or two have the same name.
    OutputError
        If something cannot be written.
    """
    groups: dict[Path, list[Person]] = {}
    for person in people:
        groups.setdefault(person.path, []).append(person)
    for picture in pictures:
        groups.setdefault(picture, [])
    if not groups:
        raise DataError(f"{folder}: a set needs a picture, and there is none to write")
    _check_names(groups)
    for picture, group in groups.items():
        size = picture_size(picture)
        lines = [_line(person, skeleton, size) for person in group if not person.crowd]
        with atomic_write(folder / "images" / part / picture.name) as temporary:
            shutil.copyfile(picture, temporary)
        target = folder / "labels" / part / f"{picture.stem}.txt"
        with atomic_write(target) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    file = folder / "data.yaml"
    with atomic_write(file) as temporary:
        temporary.write_text(_settings(folder, skeleton), encoding="utf-8")
    return file


def _check_names(pictures: Iterable[Path]) -> None:
    """Raise `DataError` where two pictures would have the same file of labels."""
    first: dict[str, Path] = {}
    for picture in pictures:
        other = first.setdefault(picture.stem, picture)
        if other != picture:
            raise DataError(f"{picture} and {other} have the same name: write two sets")


def _line(person: Person, skeleton: Skeleton, size: tuple[int, int]) -> str:
    sides = np.array(size, np.float64)
    low, high = np.clip(person.box.reshape(2, 2).astype(np.float64) / sides, 0, 1)
    labels = _labels(person, skeleton)
    labels[:, :2] /= sides
    labels[((labels[:, :2] < 0) | (labels[:, :2] > 1)).any(axis=1)] = 0
    box = [*((low + high) / 2), *(high - low)]
    # Nine digits keep a float32 as it is.
    words = [f"{v:.9g}" for v in box] + [f"{x:.9g} {y:.9g} {v:.0f}" for x, y, v in labels]
    return " ".join(["0", *words])


def _settings(folder: Path, skeleton: Skeleton) -> str:
    """Return ``data.yaml`` for the parts that are there, written by hand to keep lists short."""
    parts = [part for part in ("train", "val", "test") if (folder / "images" / part).is_dir()]
    # Training wants both; where there is one it stands for the other.
    places = {part: part if part in parts else parts[0] for part in ("train", "val")}
    places |= {part: part for part in parts}
    flip = ", ".join(str(index) for index in skeleton.flip)
    return "\n".join(
        [
            *(f"{part}: images/{place}" for part, place in places.items()),
            "names: {0: person}",
            f"kpt_shape: [{len(skeleton)}, 3]",
            f"flip_idx: [{flip}]",
            f"kpt_names: {{0: [{', '.join(skeleton.keypoints)}]}}",
            f"sigmas: {list(skeleton.sigmas)}",
            "",
        ]
    )
