"""What people said in another tool, checked and turned into corrections.

All or nothing: one thing that makes no sense, and none of a file is taken over; it can be mended in
the tool, where nothing is lost, and read again. K keypoints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from spinepose.annotation.exchange.shown import Shown
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, Correction
from spinepose.annotation.shown import is_inside, moved_keypoints
from spinepose.annotation.store import NONSENSE, reason_of
from spinepose.errors import DataError
from spinepose.skeleton import Skeleton

__all__ = [
    "DONE",
    "OPEN",
    "REJECTED",
    "STATES",
    "Place",
    "Said",
    "Taken",
    "all_or_nothing",
    "check_names",
    "corrections_from",
    "take_over",
    "utc",
]

OPEN, DONE, REJECTED = STATES = ("open", "done", "no person")
"""Of an item in a tool; `OPEN` until somebody says otherwise."""

_SHOWN_NAMES = 3
"""How many names an error lists."""


class Place(NamedTuple):
    """Where a keypoint is, px from the middle of the first pixel, and its visibility."""

    x: float
    y: float
    visibility: int


@dataclass(frozen=True, slots=True)
class Said:
    """What one person said about one item.

    Attributes
    ----------
    item
        Its id, as the tool gave it back.
    annotator
        Who.
    time
        When, ISO 8601, UTC.
    round
        Of the guess that was shown; -1 if none was.
    places
        By the names of keypoints; those not in it are absent.
    state
        One of :data:`STATES`.
    seconds
        How long it took; NaN if not known.
    """

    item: str
    annotator: str
    time: str
    round: int
    places: Mapping[str, Place]
    state: str = DONE
    seconds: float = float("nan")


class Taken(NamedTuple):
    """How many corrections were added, were there already, or are older than the last word."""

    added: int
    known: int
    older: int


@contextmanager
def all_or_nothing(source: str) -> Iterator[None]:
    """Name the file or server in the error of whatever in it makes no sense.

    Raises
    ------
    DataError
        It is not what it should be; nothing was taken over.
    """
    try:
        yield
    except DataError:
        raise
    except NONSENSE as error:
        raise DataError(f"{source}: {reason_of(error)}; nothing was taken over") from error


def corrections_from(
    project: Project, said: Sequence[Said], tool: str, source: str
) -> list[Correction]:
    """Return corrections.

    Items that are open still and as they were shown have not been looked at: they are left out.
    Keypoints outside of the picture are absent.

    Parameters
    ----------
    project
        Knows the items and what was shown.
    said
        Of any number of people.
    tool
        Where they said it.
    source
        Names the file or server in errors.

    Raises
    ------
    DataError
        An item or keypoint is unknown, a number is none, or somebody said two things about one
        item.
    """
    with all_or_nothing(source):
        _check_items(project, said)
        shown = _ShownBefore(project)
        found = [_correction(one, shown.of(one), project.skeleton, tool) for one in said]
    states = [one.state for one in said]
    return [
        correction
        for correction, state in zip(found, states, strict=True)
        if state != OPEN or correction.moved.any() or (correction.visibility == HIDDEN).any()
    ]


def check_names(names: Sequence[str], skeleton: Skeleton, whose: str) -> None:
    """Refuse keypoints that are not those of a skeleton, in whatever order.

    Raises
    ------
    ValueError
        One is missing, unknown, or there twice.
    """
    problems = {
        "lacks": [name for name in skeleton.keypoints if name not in names],
        f"has what {skeleton.name} does not": [n for n in names if n not in skeleton.keypoints],
        "has twice": [name for name, count in Counter(names).items() if count > 1],
    }
    for problem, found in problems.items():
        if found:
            raise ValueError(f"{whose} {problem}: {_listed(found)}")


def take_over(project: Project, corrections: Iterable[Correction]) -> Taken:
    """Add corrections to a project, each to its annotator's own; calling it again adds nothing.

    What the annotator's last word says already, or is newer than, is not added; nor is what was
    taken over from the same tool before: files of a tool tell its time and not that of each word.

    Raises
    ------
    DataError
        One is about an item that the project does not have.
    UsageError
        An annotator's name is not fit for a file name; nothing is written.
    OutputError
        It cannot be written.
    """
    by_annotator: dict[str, list[Correction]] = {}
    for correction in sorted(corrections, key=lambda one: datetime.fromisoformat(one.time)):
        by_annotator.setdefault(correction.annotator, []).append(correction)
    last: dict[str, dict[str, Correction]] = {name: {} for name in by_annotator}
    of_tool: dict[tuple[str, str, str], Correction] = {}
    for annotator, words in last.items():
        for word in project.history(annotator):
            words[word.item] = of_tool[annotator, word.item, word.tool] = word
    known = older = 0
    new: dict[str, list[Correction]] = {}
    for annotator, said in by_annotator.items():
        for one in said:
            former = last[annotator].get(one.item)
            before = of_tool.get((annotator, one.item, one.tool))
            if any(word is not None and _says_the_same(one, word) for word in (former, before)):
                known += 1
            elif former is not None and _when(one) < _when(former):
                older += 1
            else:
                new.setdefault(annotator, []).append(one)
                last[annotator][one.item] = of_tool[annotator, one.item, one.tool] = one
    for annotator, said in new.items():
        project.add_corrections(annotator, said)
    return Taken(sum(map(len, new.values())), known, older)


def utc(text: str | None) -> str:
    """Return a time of a tool as corrections have it; now if it cannot be read."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        time = datetime.now(UTC)
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time.astimezone(UTC).isoformat(timespec="seconds")


class _ShownBefore:
    """What was shown of items, by round."""

    def __init__(self, project: Project) -> None:
        self._project, self._items = project, project.items()
        self._rounds = {number: project.guesses(number) for number in project.rounds()}

    def of(self, said: Said) -> Shown:
        if said.round >= 0 and said.round not in self._rounds:
            raise ValueError(f"item {said.item} is of round {said.round}, which has no guesses")
        guess = self._rounds.get(said.round, {}).get(said.item)
        return Shown(self._items[said.item], guess, -1 if guess is None else said.round)


def _check_items(project: Project, said: Sequence[Said]) -> None:
    known = project.items()
    unknown = [one.item for one in said if one.item not in known]
    if unknown:
        raise ValueError(
            f"{len(unknown)} of {len(said)} items are not in {project.root} ({_listed(unknown)})"
        )
    twice = [
        key for key, count in Counter((s.item, s.annotator) for s in said).items() if count > 1
    ]
    for item, annotator in twice:
        raise ValueError(f"item {item} is there twice by {annotator}: remove one in the tool")


def _correction(said: Said, shown: Shown, skeleton: Skeleton, tool: str) -> Correction:
    unknown = [name for name in said.places if name not in skeleton.keypoints]
    if unknown:
        raise ValueError(f"{skeleton.name} does not have {_listed(unknown)} of item {said.item}")
    if said.state not in STATES:
        raise ValueError(f"item {said.item} is {said.state!r}, none of {', '.join(STATES)}")
    points = np.full((len(skeleton), 2), np.nan)
    visibility = np.zeros(len(skeleton), np.int64)
    for name, place in said.places.items():
        points[skeleton.index(name)] = place.x, place.y
        visibility[skeleton.index(name)] = place.visibility
    wrong = [name for name, p in said.places.items() if p.visibility and not _is_point(p)]
    if wrong:
        raise ValueError(f"{_listed(wrong)} of item {said.item} is no place")
    visibility[~is_inside(points, shown.item.size)] = ABSENT
    points[visibility == ABSENT] = np.nan
    return Correction(
        item=said.item,
        annotator=said.annotator,
        time=said.time,
        round=shown.round,
        keypoints=points,
        visibility=visibility,
        moved=moved_keypoints(points, shown.places(len(skeleton))),
        tool=tool,
        seconds=said.seconds,
        rejected=said.state == REJECTED,
    )


def _says_the_same(one: Correction, other: Correction) -> bool:
    # Places in files are rounded.
    return (
        one.rejected == other.rejected
        and bool((one.visibility == other.visibility).all())
        and np.allclose(one.keypoints, other.keypoints, atol=0.02, rtol=0, equal_nan=True)
    )


def _when(correction: Correction) -> datetime:
    time = datetime.fromisoformat(correction.time)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _is_point(place: Place) -> bool:
    return bool(np.isfinite(place[:2]).all())


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {rest} more" if rest > 0 else "")
