"""Where a project stands: what is done, by whom, and whether the guesses get better.

The learning curve compares the guesses of each round with the corrections of the same people,
those of groups that no round learned from. It favours what annotators were shown: a keypoint that
was left where it was has no error in that round.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spinepose.annotation.merge import Label, merge, person_of
from spinepose.annotation.project import Project
from spinepose.annotation.queue import queue_path, read_queue
from spinepose.annotation.records import ABSENT, Guess
from spinepose.errors import DataError
from spinepose.evaluation.measures import trunk_lengths
from spinepose.plain import markdown_table, plain, shown

__all__ = [
    "ANNOTATORS",
    "ROUNDS",
    "RoundStatus",
    "Status",
    "learned_items",
    "spine_error",
    "status",
]

ANNOTATORS = ("annotator", "people", "median seconds")
ROUNDS = (
    "round",
    "guessed by",
    "learned from",
    "measured on",
    "spine error, % of trunk",
    "moved, %",
)
"""Titles of tables."""
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """How good the guesses of one round are, on people that no round learned from.

    Attributes
    ----------
    number
        Of the round.
    model
        What guessed the spine of most people.
    learned
        Corrected people that the model was trained on.
    people
        Whom the error is measured on.
    spine_error
        Mean of :func:`spine_error` over them; NaN if there are none.
    moved
        Share of the labelled keypoints that annotators moved, of what this round showed them.
    """

    number: int
    model: str
    learned: int
    people: int
    spine_error: float
    moved: float

    def cells(self) -> tuple[str, ...]:
        """Return the numbers as people read them, under :data:`ROUNDS`."""
        return (
            *(str(self.number), self.model, str(self.learned), str(self.people)),
            *(shown(100 * self.spine_error), shown(100 * self.moved)),
        )


@dataclass(frozen=True, slots=True)
class Status:
    """Numbers about a project.

    Attributes
    ----------
    items
        All of them.
    labelled, rejected, conflicts
        After merging: items with a label, rejected ones, and open disagreements.
    annotators
        Items and median seconds of each annotator.
    waiting
        Items in the last queue that nobody corrected.
    rounds
        The learning curve.
    """

    items: int
    labelled: int
    rejected: int
    conflicts: int
    annotators: dict[str, tuple[int, float]]
    waiting: int
    rounds: tuple[RoundStatus, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; what is not known is None."""
        found: dict[str, Any] = plain(asdict(self), _DIGITS)
        found["annotators"] = {
            name: {"items": count, "median_seconds": plain(seconds, _DIGITS)}
            for name, (count, seconds) in self.annotators.items()
        }
        return found

    def to_markdown(self) -> str:
        """Return the numbers as text and two tables."""
        people = [(name, str(n), shown(s)) for name, (n, s) in self.annotators.items()]
        rounds = [r.cells() for r in self.rounds]
        return "\n\n".join(
            (
                f"{self.labelled} of {self.items} people labelled, {self.rejected} rejected, "
                f"{self.conflicts} conflicts, {self.waiting} waiting in the queue.",
                markdown_table(ANNOTATORS, people, align="lr"),
                markdown_table(ROUNDS, rounds, align="rlr") + "\n",
            )
        )


def status(project: Project) -> Status:
    """Return where a project stands.

    Raises
    ------
    DataError
        A file of the project is broken.
    """
    merged = merge(project)
    items, rounds = project.items(), project.rounds()
    spoken = {name: project.corrections(name) for name in project.annotators()}
    done = {item for found in spoken.values() for item in found}
    learned = {number: learned_items(project, number) for number in rounds}
    taken = {items[item].group for found in learned.values() for item in found if item in items}
    unseen = [label for label in merged.labels if label.item.group not in taken]
    return Status(
        items=len(items),
        labelled=len(merged.labels),
        rejected=len(merged.rejected),
        conflicts=len(merged.open_conflicts),
        annotators={
            name: (len(found), _median([c.seconds for c in found.values()]))
            for name, found in spoken.items()
        },
        waiting=sum(item not in done for item in _queue(project)),
        rounds=tuple(_round(project, number, len(learned[number]), unseen) for number in rounds),
    )


def _round(project: Project, number: int, learned: int, unseen: list[Label]) -> RoundStatus:
    guesses = project.guesses(number)
    errors = [
        spine_error(project, guesses[label.item.id], label)
        for label in unseen
        if label.item.id in guesses
    ]
    moved = [
        float(c.moved[c.visibility > ABSENT].mean())
        for name in project.annotators()
        for c in project.corrections(name).values()
        if c.round == number and (c.visibility > ABSENT).any()
    ]
    row = project.skeleton.spine_indices[0]
    sources = Counter(guess.sources[row] for guess in guesses.values())
    return RoundStatus(
        number=number,
        model=sources.most_common(1)[0][0] if sources else "",
        learned=learned,
        people=int(np.isfinite(errors).sum()),
        spine_error=_mean(errors),
        moved=_mean(moved),
    )


def spine_error(project: Project, guess: Guess, label: Label) -> float:
    """Return the mean distance of a guessed spine from its label, in lengths of the trunk.

    Trunks are measured as in ``spinepose eval``, from the middle of the shoulders to that of the
    hips. NaN where a trunk cannot be measured, or nothing of the spine is both guessed and
    labelled.
    """
    person = person_of(project, label)
    trunk = float(trunk_lengths(person.keypoints[None], person.box[None])[0])
    rows = project.skeleton.spine_indices
    away = np.linalg.norm(guess.keypoints[rows] - label.keypoints[rows], axis=1)
    return _mean(away.tolist()) / trunk


def learned_items(project: Project, number: int) -> list[str]:
    """Return the items that the model of a round was trained on.

    Raises
    ------
    DataError
        The list is broken.
    """
    path = project.round_folder(number) / "learned.json"
    if not path.exists():
        return []
    try:
        return [str(item) for item in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} cannot be read: {error}; train the round again") from error


def _queue(project: Project) -> list[str]:
    """Return the ids in the last queue."""
    numbers = [n for n in project.rounds() if queue_path(project, n).exists()]
    return [choice.item for choice in read_queue(project, numbers[-1]).items] if numbers else []


def _mean(values: list[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def _median(values: list[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.median(known)) if known else math.nan
