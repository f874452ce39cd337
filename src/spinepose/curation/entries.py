"""People of a set as they are looked at: with what is said of them, and in an order."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.curation.problems import Problem
from spinepose.dataset.formats.vocabularies import rows_of
from spinepose.dataset.people import LabelledPeople, Person
from spinepose.errors import DataError, UsageError
from spinepose.export.queue import QueueItem
from spinepose.geometry import box_iou, keypoint_similarity
from spinepose.skeleton import SPINETRACK

__all__ = [
    "Entry",
    "choose",
    "entries_of",
    "pick",
    "with_predictions",
    "with_problems",
    "with_queue",
]

Float64 = npt.NDArray[np.float64]

_SAME_BOX = 0.3
"""IoU from which a doubted box is of a labelled person."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A person to look at.

    Parameters
    ----------
    person
        The labels.
    split
        Where the person is from.
    file
        The label file.
    place
        Position in it, from 0.
    score
        How well a prediction agrees with the labels, OKS 0..1; NaN where nothing was predicted.
    flags
        What is doubted, for people to read.
    """

    person: Person
    split: str
    file: Path
    place: int
    score: float = math.nan
    flags: tuple[str, ...] = ()


def entries_of(sets: Mapping[str, LabelledPeople]) -> list[Entry]:
    """Return all people but crowds, in the order of their files; see :func:`.read_sets`."""
    return [
        Entry(person, split, found.file, place)
        for split, found in sets.items()
        for place, person in enumerate(found.people)
        if not person.crowd
    ]


def with_problems(entries: Sequence[Entry], problems: Sequence[Problem]) -> list[Entry]:
    """Flag the people that a check names, and those in pictures that it names.

    Parameters
    ----------
    entries
        People of the label files that were checked.
    problems
        Of :func:`.check_dataset`.
    """
    people: dict[tuple[Path, Any], list[str]] = {}
    pictures: dict[tuple[Path, Any], list[str]] = {}
    for problem in problems:
        told = f"{problem.kind}: {problem.text}"
        if problem.place is not None:
            people.setdefault((problem.file, problem.place), []).append(told)
        elif problem.image is not None:
            pictures.setdefault((problem.file, problem.image), []).append(told)
    ids = {file: _image_ids(file) for file in {file for file, _ in pictures}}
    found = []
    for entry in entries:
        picture = ids.get(entry.file, {}).get(entry.place)
        of_person = people.get((entry.file, entry.place), ())
        of_picture = pictures.get((entry.file, picture), ())
        found.append(replace(entry, flags=(*entry.flags, *of_person, *of_picture)))
    return found


def with_queue(entries: Sequence[Entry], items: Sequence[QueueItem]) -> list[Entry]:
    """Flag the people that a queue doubts, by picture and box; see :func:`.read_queue`.

    An item without a box is about everybody in its picture. A queue may be from another folder:
    pictures are the same if their names are.
    """
    by_name: dict[str, list[int]] = {}
    for number, entry in enumerate(entries):
        by_name.setdefault(entry.person.path.name, []).append(number)
    flags: dict[int, list[str]] = {}
    for item in items:
        for number in by_name.get(Path(item.source or "").name, ()):
            if item.box is None or _overlap(entries[number].person, item.box) >= _SAME_BOX:
                names = ", ".join(point.name for point in item.flagged)
                flags.setdefault(number, []).append(f"{names}: {item.reason}")
    return [replace(e, flags=(*e.flags, *flags.get(i, ()))) for i, e in enumerate(entries)]


def _overlap(person: Person, box: Sequence[float]) -> float:
    return float(box_iou(person.box[None].astype(np.float64), np.array([box]))[0, 0])


def with_predictions(entries: Sequence[Entry], path: str | Path) -> list[Entry]:
    """Score people by the best prediction in their picture.

    Parameters
    ----------
    entries
        People of COCO-format label files, which give pictures their ids.
    path
        Predictions in COCO's format of results: a list of ``image_id``, ``keypoints`` and
        ``score`` (cocodataset.org/#format-results).

    Returns
    -------
    scored
        With the OKS of the best prediction; 0 where a picture has none.

    Raises
    ------
    DataError
        It is no such file.
    """
    path = Path(path)
    try:
        found = json.loads(path.read_bytes())
        if not isinstance(found, list):
            raise ValueError("it is no list")
        predicted: dict[Any, list[Float64]] = {}
        for one in found:
            predicted.setdefault(one["image_id"], []).append(_spinetrack(one["keypoints"]))
        ids = {entry.file: _image_ids(entry.file) for entry in entries}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: no predictions in COCO's format: {error}") from error
    return [
        replace(entry, score=_best(entry, predicted.get(ids[entry.file].get(entry.place), [])))
        for entry in entries
    ]


def _spinetrack(flat: Sequence[float]) -> Float64:
    """Return predicted keypoints (37, 2) px; NaN where nothing is known."""
    points = np.array(flat, np.float64).reshape(-1, 3)
    rows = rows_of((), len(points))
    placed = np.full((len(SPINETRACK), 2), np.nan)
    placed[rows[rows >= 0]] = points[rows >= 0, :2]
    return placed


def _image_ids(file: Path) -> dict[int, Any]:
    """Return the picture's id of each person of a label file, by place."""
    annotations = json.loads(file.read_bytes())["annotations"]
    return {place: one["image_id"] for place, one in enumerate(annotations)}


def _best(entry: Entry, predicted: Sequence[Float64]) -> float:
    person = entry.person
    if not (person.trust > 0).any():
        return math.nan
    if not predicted:
        return 0.0
    labels = np.where(person.trust[:, None] > 0, person.keypoints, np.nan)[None]
    areas = np.array([person.known_area])
    found = keypoint_similarity(np.stack(predicted), labels, SPINETRACK.sigma_array, areas)
    return float(found.max())


def choose(
    entries: Sequence[Entry], count: int, *, seed: int = 0, worst: bool = False
) -> list[Entry]:
    """Return at most `count` people, in the order given or the worst first.

    Parameters
    ----------
    entries
        To choose from.
    count
        How many.
    seed
        Of the choice by chance.
    worst
        Not by chance: those with flags first, the most flags before the others, then by score.

    Raises
    ------
    UsageError
        Nobody is asked for.
    """
    if count < 1:
        raise UsageError(f"{count} people cannot be shown")
    if worst:
        scored = [1.0 if math.isnan(entry.score) else entry.score for entry in entries]
        order = sorted(range(len(entries)), key=lambda i: (-len(entries[i].flags), scored[i]))
        return [entries[i] for i in order[:count]]
    number = min(count, len(entries))
    rows = np.random.default_rng(seed).choice(len(entries), number, replace=False)
    return [entries[i] for i in np.sort(rows)]


def pick(entries: Sequence[Entry], places: Sequence[int], split: str = "") -> list[Entry]:
    """Return the people at some places of a label file, in the order asked for.

    Parameters
    ----------
    entries
        To choose from.
    places
        Positions, from 0, as sheets and pages show them.
    split
        Of which file, if there are several.

    Raises
    ------
    UsageError
        There is nobody at such a place, or it is not clear in which file.
    """
    found = []
    for place in places:
        there = [e for e in entries if e.place == place and split in ("", e.split)]
        if len(there) != 1:
            names = ", ".join(dict.fromkeys(entry.split for entry in entries))
            raise UsageError(f"{len(there)} people at place {place}; the splits are {names}")
        found += there
    return found
