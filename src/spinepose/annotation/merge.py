"""One label from the corrections of several people, with the whole story of each keypoint.

Nothing is decided silently: where annotators disagree about a keypoint, it has no label until one
of them is preferred, and the disagreement is listed either way. A annotators, K keypoints.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.annotation.lineage import lineage_of, said_of
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN, Correction, Guess, Item
from spinepose.dataset.conversion import columns
from spinepose.dataset.people import AREA_PER_BOX, Person
from spinepose.dataset.writers import write_coco
from spinepose.errors import UsageError
from spinepose.files import atomic_write
from spinepose.geometry import area_of
from spinepose.plain import plain
from spinepose.skeleton import SPINETRACK

__all__ = ["TOLERANCE", "Conflict", "Label", "Merged", "merge", "person_of", "write_merged"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

TOLERANCE = 2.0
"""Spreads of a keypoint, ``2 sigma sqrt(area)`` as in OKS, that annotators may be apart.

Beyond, the OKS of the keypoint alone is below .14."""

_FIRST_SCENE = 4
"""Number of a project's first group. One in five is kept from training, those whose number five
divides: so the second group is, and a project of one group has people to learn from."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something annotators disagree about.

    Attributes
    ----------
    item
        Its id.
    keypoint
        Name; empty if it is the whole item, which some reject.
    said
        What each annotator says: x, y and visibility, ``absent``, ``rejected`` or ``kept``.
    apart
        Largest distance between two of them, in spreads of the keypoint; NaN if it is not about
        the place.
    settled
        Whose word was taken; empty while it is open.
    """

    item: str
    keypoint: str
    said: Mapping[str, Any]
    apart: float
    settled: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; what is not known is None."""
        return {
            "item": self.item,
            "keypoint": self.keypoint,
            "said": dict(self.said),
            "apart": plain(self.apart, 3),
            "settled": self.settled,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """The merged label of an item.

    Attributes
    ----------
    item
        What is labelled.
    keypoints
        (K, 2) px; NaN where there is no label.
    visibility
        (K,) as in :class:`.Correction`.
    annotators
        Who corrected it.
    lineage
        For each of K keypoints its story, see :func:`.lineage_of`.
    """

    item: Item
    keypoints: Float64
    visibility: Int64
    annotators: tuple[str, ...]
    lineage: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """All labels of a project.

    Attributes
    ----------
    labels
        In the order of the items.
    conflicts
        What annotators disagree about, settled or not.
    rejected
        Items that nobody wants.
    """

    labels: tuple[Label, ...]
    conflicts: tuple[Conflict, ...]
    rejected: tuple[str, ...]

    @property
    def open_conflicts(self) -> tuple[Conflict, ...]:
        """Those that nobody settled: what they are about has no label."""
        return tuple(conflict for conflict in self.conflicts if not conflict.settled)


def merge(
    project: Project,
    *,
    prefer: Sequence[str] = (),
    tolerance: float = TOLERANCE,
    only: Sequence[str] | None = None,
) -> Merged:
    """Merge the last word of all annotators about each item.

    A keypoint that all place within the tolerance of each other gets the mean place, and is hidden
    if most say so. One that they do not agree about gets no label, unless somebody is preferred.

    Parameters
    ----------
    project
        With corrections.
    prefer
        Annotators whose word counts where there is a conflict, the first of them who spoke.
    tolerance
        See :data:`TOLERANCE`.
    only
        Annotators to look at; all of them by default.

    Raises
    ------
    UsageError
        If an annotator is unknown or the tolerance makes no sense.
    """
    if not 0 < tolerance < math.inf:
        raise UsageError(f"the tolerance must be a number above 0, not {tolerance}")
    spoken = {name: project.corrections(name) for name in _names(project, prefer, only)}
    guesses = {number: project.guesses(number) for number in project.rounds()}
    labels: list[Label] = []
    conflicts: list[Conflict] = []
    rejected: list[str] = []
    for item in project.items().values():
        said = {name: found[item.id] for name, found in spoken.items() if item.id in found}
        kept = {name: c for name, c in said.items() if not c.rejected}
        judge = next((name for name in prefer if name in said), "")
        if 0 < len(kept) < len(said):
            words = {name: "rejected" if c.rejected else "kept" for name, c in said.items()}
            conflicts.append(Conflict(item.id, "", words, math.nan, judge))
            if not judge:
                continue
        if kept and (not judge or judge in kept):
            label, found = _label(project, item, kept, judge, tolerance, guesses)
            labels.append(label)
            conflicts += found
        elif said:
            rejected.append(item.id)
    return Merged(tuple(labels), tuple(conflicts), tuple(rejected))


def _names(project: Project, prefer: Sequence[str], only: Sequence[str] | None) -> list[str]:
    """Return whom to look at, always in the same order."""
    known = project.annotators()
    chosen = known if only is None else sorted(set(only))
    unknown = [n for n in chosen if n not in known] + [n for n in prefer if n not in chosen]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)} has corrected nothing that is looked at in {project.root}; "
            f"there are {', '.join(known) or 'no annotators'}"
        )
    return chosen


def _label(
    project: Project,
    item: Item,
    said: Mapping[str, Correction],
    judge: str,
    tolerance: float,
    guesses: Mapping[int, Mapping[str, Guess]],
) -> tuple[Label, list[Conflict]]:
    """Return the label of one item, and what was not agreed about."""
    skeleton = project.skeleton
    places = np.array([c.keypoints for c in said.values()])
    seen = np.array([c.visibility for c in said.values()])
    placed = seen > ABSENT
    apart = _apart(places) / (2 * skeleton.sigma_array * math.sqrt(_area(item)))
    disputed = (placed.any(axis=0) & ~placed.all(axis=0)) | (apart > tolerance)
    most = np.where(2 * (seen == SEEN).sum(axis=0) >= len(said), SEEN, HIDDEN)
    points = places.mean(axis=0)
    visibility = np.where(placed.all(axis=0), most, ABSENT)
    if judge:
        row = list(said).index(judge)
        points[disputed], visibility[disputed] = places[row, disputed], seen[row, disputed]
    else:
        points[disputed], visibility[disputed] = np.nan, ABSENT
    conflicts = [
        Conflict(
            item.id,
            skeleton.keypoints[k],
            {name: said_of(c, k) for name, c in said.items()},
            float(apart[k]),
            judge,
        )
        for k in np.flatnonzero(disputed).tolist()
    ]
    lineage = lineage_of(said, disputed, judge, guesses)
    return Label(item, points, visibility, tuple(said), lineage), conflicts


def _area(item: Item) -> float:
    """Return the person's area, px², as evaluation takes it from a box."""
    return AREA_PER_BOX * max(float(area_of(item.box)), 1.0)


def _apart(places: Float64) -> Float64:
    """Return the largest distance (K,) between two of the places (A, K, 2); NaN if one has none."""
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
    return np.asarray(gaps.max(axis=(0, 1)))


def write_merged(project: Project, merged: Merged, path: str | Path | None = None) -> list[Path]:
    """Write the labels as a COCO file, and their story and the conflicts beside it.

    ``merged.json`` can be read by ``spinepose train``, ``spinepose eval`` and COCO tools. Pictures
    stay where they are and are named by their whole paths, which readers take as they are: merge
    again after moving them. The group of an item is the ``scene`` of its picture.
    ``merged.lineage.json`` has one entry for each annotation id.

    Parameters
    ----------
    project, merged
        What to write.
    path
        Of the COCO file; ``merged.json`` in the project by default.

    Returns
    -------
    list of Path
        The two files.

    Raises
    ------
    DataError
        If a picture cannot be read.
    OutputError
        If a file cannot be written.
    """
    target = project.root / "merged.json" if path is None else Path(path)
    scenes = _scenes(project.items().values())
    people = [person_of(project, label, scenes[label.item.group]) for label in merged.labels]
    write_coco(target, people, project.skeleton, whole_paths=True)
    story = {
        "conflicts": [conflict.to_dict() for conflict in merged.conflicts],
        "rejected": list(merged.rejected),
        "annotations": [
            {
                "id": number,
                "item": label.item.id,
                "annotators": list(label.annotators),
                "keypoints": dict(zip(project.skeleton.keypoints, label.lineage, strict=True)),
            }
            for number, label in enumerate(merged.labels, start=1)
        ],
    }
    beside = target.with_suffix(".lineage.json")
    with atomic_write(beside) as temporary:
        text = json.dumps(story, allow_nan=False, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    return [target, beside]


def person_of(project: Project, label: Label, scene: int = -1) -> Person:
    """Return a label as the data sets have it, in the order of SpineTrack."""
    rows = columns(project.skeleton, SPINETRACK)
    known = rows >= 0
    visibility = np.where(known, label.visibility[rows], ABSENT)
    return Person(
        path=project.picture(label.item).resolve(),
        source="annotated",
        box=label.item.box.astype(np.float32),
        keypoints=np.where(known[:, None], label.keypoints[rows], np.nan).astype(np.float32),
        trust=(visibility > ABSENT).astype(np.float32),
        scene=scene,
        hidden=visibility == HIDDEN,
    )


def _scenes(items: Iterable[Item]) -> dict[str, int]:
    """Return the number of each group; it stays, since items are only added."""
    groups = dict.fromkeys(item.group for item in items)
    return {group: number for number, group in enumerate(groups, start=_FIRST_SCENE)}
