"""Read a label file that may be wrong: what is sound becomes arrays, the rest is told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from spinepose.curation.problems import Problem
from spinepose.dataset.conversion import canonical
from spinepose.dataset.formats.vocabularies import rows_of
from spinepose.errors import DataError
from spinepose.skeleton import SKELETONS, SPINETRACK

__all__ = ["Group", "check_schema", "is_id", "is_size"]

Float64 = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Entry = Mapping[str, Any]

_LARGEST = 1 << 53
"""JSON has whole numbers of any length; beyond this one arrays would round them."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """N people with the same number of keypoints K.

    Parameters
    ----------
    file
        The label file.
    places
        (N,) positions in its ``annotations``.
    annotations, images
        N ids of the people and of their pictures.
    sizes
        (N, 2) width and height of the pictures, px; NaN where they are in doubt.
    boxes
        (N, 4) x1 y1 x2 y2 px.
    areas
        (N,) square pixels; NaN where there is none.
    keypoints
        (N, K, 3) x px, y px, visibility.
    counts
        (N,) ``num_keypoints``; -1 where there is none.
    crowds
        (N,) whether several are labelled as one.
    sigmas
        (K,) falloffs of the keypoints.
    """

    file: Path
    places: IntArray
    annotations: tuple[Any, ...]
    images: tuple[Any, ...]
    sizes: Float64
    boxes: Float64
    areas: Float64
    keypoints: Float64
    counts: IntArray
    crowds: Bools
    sigmas: Float64


def check_schema(
    path: Path, content: Any, doubtful: frozenset[Any] = frozenset()
) -> tuple[list[Group], list[Problem]]:
    """Return the people that can be judged, and what is wrong with the form of the others.

    Parameters
    ----------
    path
        The label file.
    content
        What it holds.
    doubtful
        Ids of pictures whose size is not what the file says.
    """
    problems = list(_check_lists(path, content))
    if problems:
        return [], problems
    problems += _check_images(path, content["images"])
    names = {
        entry["id"]: tuple(entry.get("keypoints") or ())
        for entry in content["categories"]
        if isinstance(entry, dict) and is_id(entry.get("id"))
    }
    problems += _check_categories(path, content["categories"])
    images = {e["id"]: e for e in content["images"] if isinstance(e, dict) and is_id(e.get("id"))}
    kept: dict[int, list[int]] = {}
    ids: dict[Any, int] = {}
    for place, entry in enumerate(content["annotations"]):
        found = list(_check_person(path, place, entry, images, names, ids))
        problems += found
        if not any(problem.kind != "annotation-id" for problem in found):
            kept.setdefault(len(entry["keypoints"]) // 3, []).append(place)
    groups = [
        _group(path, content["annotations"], images, places, count, names, doubtful)
        for count, places in kept.items()
    ]
    return groups, problems


def is_id(value: Any) -> bool:
    """Tell whether a value can be an id: a whole number, or a text as some tools write it."""
    return isinstance(value, int | str) and not isinstance(value, bool)


def is_size(entry: Entry) -> bool:
    """Tell whether a picture's entry has a width and a height."""
    sides = (entry.get("width"), entry.get("height"))
    return all(_is_number(side) and isinstance(side, int) and side > 0 for side in sides)


def _is_number(value: Any) -> TypeGuard[float]:
    """Tell whether a value is a number, NaN included, that arrays can hold."""
    # Not isinstance: true and false are whole numbers too.
    return type(value) is float or (type(value) is int and abs(value) <= _LARGEST)


def _check_lists(path: Path, content: Any) -> Iterator[Problem]:
    if not isinstance(content, dict):
        yield Problem("schema", path, f"the file holds a {type(content).__name__}, not an object")
        return
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key), list):
            yield Problem("schema", path, f"{key} is no list")


def _check_images(path: Path, images: Sequence[Any]) -> Iterator[Problem]:
    ids: set[Any] = set()
    names: dict[str, Any] = {}
    for place, entry in enumerate(images):
        if not isinstance(entry, dict) or not is_id(entry.get("id")):
            yield Problem("schema", path, f"images[{place}] is no object with an id")
            continue
        number, name = entry["id"], entry.get("file_name")
        if number in ids:
            yield Problem("image-id", path, f"id {number} is taken: images[{place}]", number)
        ids.add(number)
        if not isinstance(name, str) or not name:
            yield Problem("schema", path, "file_name is no text", number)
        elif names.setdefault(name, number) is not number:
            text = f"{name} is also picture {names[name]}"
            yield Problem("picture-named-twice", path, text, number)
        if not is_size(entry):
            yield Problem("schema", path, "width and height are no positive numbers", number)


def _check_categories(path: Path, categories: Sequence[Any]) -> Iterator[Problem]:
    for place, entry in enumerate(categories):
        if not isinstance(entry, dict) or not is_id(entry.get("id")):
            yield Problem("schema", path, f"categories[{place}] is no object with an id")
            continue
        names = entry.get("keypoints") or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            yield Problem("schema", path, f"keypoints of category {entry['id']} are no names")
        elif names:
            yield from _check_names(path, tuple(canonical(name) or name for name in names))


def _check_names(path: Path, names: tuple[str, ...]) -> Iterator[Problem]:
    """Compare names, as SpineTrack spells them, with the known skeletons."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    strange = [name for name in names if name not in SPINETRACK.keypoints]
    if repeated or len(strange) == len(names):
        text = f"named twice: {', '.join(repeated)}" if repeated else "all names are unknown"
        yield Problem("skeleton", path, text)
        return
    if strange:
        more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        yield Problem("names-unknown", path, ", ".join(strange[:5]) + more)
    known = {s.name: tuple(canonical(n) or n for n in s.keypoints) for s in SKELETONS.values()}
    if names not in known.values():
        same = (name for name, keypoints in known.items() if set(keypoints) == set(names))
        yield from (Problem("order", path, f"the keypoints of {name}") for name in same)


def _check_person(
    path: Path,
    place: int,
    entry: Any,
    images: Mapping[Any, Entry],
    names: Mapping[Any, tuple[str, ...]],
    ids: dict[Any, int],
) -> Iterator[Problem]:
    """Return what is wrong with the form of one person; `ids` remembers who had which id."""
    if not isinstance(entry, dict):
        yield Problem("schema", path, f"annotations[{place}] is no object", place=place)
        return
    number, image = entry.get("id"), entry.get("image_id")
    at: dict[str, Any] = {"image": image if is_id(image) else None, "place": place}
    at["annotation"] = number if is_id(number) else None
    if not is_id(number):
        yield Problem("schema", path, f"annotations[{place}] has no id", **at)
    elif ids.setdefault(number, place) != place:
        text = f"annotations[{ids[number]}] has the id {number} too"
        yield Problem("annotation-id", path, text, **at)
    if not is_id(image):
        yield Problem("schema", path, f"annotations[{place}] has no image_id", **at)
    elif image not in images:
        yield Problem("image-unknown", path, f"there is no picture {image}", **at)
    elif not is_size(images[image]):
        yield Problem("schema", path, "its picture has no size", **at)
    for kind, text in _check_values(entry, names):
        yield Problem(kind, path, text, **at)


def _check_values(entry: Entry, names: Mapping[Any, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Return kind and text of what is wrong with a person's category, box and keypoints."""
    category, box = entry.get("category_id"), entry.get("bbox")
    keypoints = entry.get("keypoints")
    if not is_id(category) or category not in names:
        yield "category-unknown", f"there is no category {category!r:.40}"
        return
    if not _numbers(box) or len(box) != 4:
        yield "schema", "bbox is no list of four numbers"
    if not _numbers(keypoints):
        yield "schema", "keypoints is no list of numbers"
        return
    count = len(keypoints)
    if count % 3 or not count:
        yield "keypoint-count", f"{count} numbers, not three for each keypoint"
    elif _rows(names[category], count // 3) is None and len(names[category]) != count // 3:
        yield "keypoint-count", f"{count // 3} keypoints, {len(names[category]) or 'no'} names"


@lru_cache
def _rows(names: tuple[str, ...], count: int) -> IntArray | None:
    """Return the index in SpineTrack of each keypoint (count,), or `None` if nobody knows it."""
    try:
        return rows_of(names, count)
    except DataError:
        return None


def _numbers(value: Any) -> TypeGuard[list[float]]:
    """Tell whether a value is a list of numbers, NaN included."""
    return isinstance(value, list) and all(map(_is_number, value))


def _group(
    path: Path,
    entries: Sequence[Entry],
    images: Mapping[Any, Entry],
    places: Sequence[int],
    count: int,
    names: Mapping[Any, tuple[str, ...]],
    doubtful: frozenset[Any],
) -> Group:
    people = [entries[place] for place in places]
    pictures = [images[person["image_id"]] for person in people]
    sizes = np.array([(e["width"], e["height"]) for e in pictures], np.float64)
    sizes[[person["image_id"] in doubtful for person in people]] = np.nan
    corners = np.array([person["bbox"] for person in people], np.float64)
    return Group(
        file=path,
        places=np.array(places, np.int64),
        annotations=tuple(person["id"] for person in people),
        images=tuple(person["image_id"] for person in people),
        sizes=sizes,
        boxes=np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], axis=1),
        areas=np.array([_number(person.get("area")) for person in people]),
        keypoints=np.array([p["keypoints"] for p in people], np.float64).reshape(-1, count, 3),
        counts=np.array([_count(person.get("num_keypoints")) for person in people], np.int64),
        crowds=np.array([bool(person.get("iscrowd")) for person in people]),
        sigmas=_sigmas(names[people[0]["category_id"]], count),
    )


def _number(value: Any) -> float:
    return float(value) if _is_number(value) and math.isfinite(value) else math.nan


def _count(value: Any) -> int:
    return value if _is_number(value) and isinstance(value, int) else -1


def _sigmas(names: tuple[str, ...], count: int) -> Float64:
    """Return the falloff of each keypoint (K,); the mean of SpineTrack for unknown ones."""
    known = SPINETRACK.sigma_array.astype(np.float64)
    rows = _rows(names, count)
    if rows is None:
        rows = np.full(count, -1)
    return np.where(rows >= 0, known[rows], known.mean())
