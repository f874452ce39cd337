"""The queue of keypoints to correct: what a check hands to people who annotate.

A file of JSON, ``{"format": "spinepose-queue", "version": 1, "provenance": {...}, "items":
[...]}``. An item is one person in one picture, with all keypoints as they were found, and what is
doubted about them. Paths in it are data: nothing here opens them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from spinepose.errors import DataError, UsageError
from spinepose.export.provenance import Provenance
from spinepose.files import atomic_write
from spinepose.skeleton import SKELETONS, Skeleton

__all__ = ["UNITS", "QueueItem", "QueueKeypoint", "read_queue", "write_queue"]

FORMAT, VERSION = "spinepose-queue", 1

UNITS = ("mm", "body height")
"""What an amount is measured in: millimetres in space, or a share of the body height in the
picture."""

_LARGEST = 1 << 28
"""Bytes of a queue that is read whole."""

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class QueueKeypoint:
    """A keypoint that someone should look at.

    Attributes
    ----------
    name
        Of the skeleton.
    x, y
        px, as it was found.
    score
        0..1.
    suggested
        (2,) px, where it may rather be; `None` if nothing can be said.
    amount
        How far it is from there.
    unit
        One of :data:`UNITS`.
    """

    name: str
    x: float
    y: float
    score: float
    suggested: Numbers | None
    amount: float
    unit: str

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, self.score, self.amount, *(self.suggested or ()))
        if not all(map(math.isfinite, numbers)):
            raise UsageError(f"{self.name}: a number is not finite")
        if self.suggested is not None and len(self.suggested) != 2:
            raise UsageError(f"{self.name}: a suggestion is x and y")
        if not 0 <= self.score <= 1 or self.amount < 0:
            raise UsageError(f"{self.name}: a score is 0 to 1 and an amount not negative")
        if self.unit not in UNITS:
            raise UsageError(f"{self.name}: the unit is {' or '.join(UNITS)}, not {self.unit!r}")


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One person in one picture, to be corrected.

    Attributes
    ----------
    source
        Path of the picture or video; `None` if only the camera is known.
    frame, time_s
        Of the video, from 0; a picture has 0.
    camera
        Its name, if there are several.
    track_id
        Of the person, if there are several.
    box
        (4,) x1 y1 x2 y2 px, on pixel borders; `None` if there is none.
    priority
        The larger, the sooner.
    reason
        Why, for people to read.
    skeleton
        Name of a known skeleton, or of a subset as in ``spinetrack/default``.
    keypoints
        (K, 3) x px, y px and score of all keypoints of the person; `None` where missing.
    flagged
        What is doubted.
    """

    source: str | None
    frame: int
    time_s: float
    camera: str | None
    track_id: int | None
    box: Numbers | None
    priority: float
    reason: str
    skeleton: str
    keypoints: tuple[Numbers | None, ...]
    flagged: tuple[QueueKeypoint, ...]

    def __post_init__(self) -> None:
        names = _skeleton(self.skeleton).keypoints
        if len(self.keypoints) != len(names):
            raise UsageError(
                f"{self.skeleton} has {len(names)} keypoints, the person {len(self.keypoints)}"
            )
        unknown = [point.name for point in self.flagged if point.name not in names]
        if unknown:
            raise UsageError(f"{self.skeleton} has no keypoint {unknown[0]!r}")
        rows = [point for point in self.keypoints if point is not None]
        if any(len(row) != 3 for row in rows) or len(self.box or (0,) * 4) != 4:
            raise UsageError("a keypoint is x, y and score, a box x1, y1, x2 and y2")
        numbers = [self.time_s, self.priority, *(self.box or ()), *(v for row in rows for v in row)]
        if not all(map(math.isfinite, numbers)):
            raise UsageError("a number is not finite")
        if self.frame < 0 or not self.flagged:
            raise UsageError("an item has a frame, from 0, and a flagged keypoint")


def write_queue(path: str | Path, items: Sequence[QueueItem], provenance: Provenance) -> None:
    """Write a queue in the order given.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "provenance": provenance.to_dict(),
        "items": [asdict(item) for item in items],
    }
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, default=str)
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_queue(path: str | Path) -> tuple[list[QueueItem], dict[str, Any]]:
    """Read a queue.

    Returns
    -------
    items, provenance : list of QueueItem, and dict
        In the order of the file, and who made it.

    Raises
    ------
    DataError
        If the file is missing, of another kind or version, or anything in it is missing, unknown
        or makes no sense.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is larger than 256 MB")
        text = path.read_text(encoding="utf-8")
        return _queue(json.loads(text, parse_constant=_refuse))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise DataError(f"{path} is not a usable queue: {reason}; write it anew") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _queue(document: Any) -> tuple[list[QueueItem], dict[str, Any]]:
    """Return what a document holds; `ValueError` says what is wrong."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError("it has no format 'spinepose-queue'")
    if document.get("version") != VERSION:
        raise ValueError(f"version {document.get('version')!r} is unknown; this reads {VERSION}")
    raw, provenance = document.get("items"), document.get("provenance")
    if not isinstance(raw, list) or not isinstance(provenance, dict):
        raise ValueError("items or provenance is missing")
    items = []
    for number, entry in enumerate(raw):
        try:
            items.append(QueueItem(**_checked(QueueItem, entry, _ITEM)))
        except ValueError as error:
            raise ValueError(f"item {number}: {error}") from error
    return items, provenance


def _checked(kind: type, entry: Any, readers: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Return the fields of an entry, each of its type; none is missing and none is unknown."""
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r:.40} is no object")
    names = {field.name for field in fields(kind)}
    if names != set(entry):
        wrong = sorted(names ^ set(entry))
        raise ValueError(f"{wrong[0]!r:.40} is {'missing' if wrong[0] in names else 'unknown'}")
    found = {}
    for name, value in entry.items():
        try:
            found[name] = readers[name](value)
        except (TypeError, OverflowError) as error:
            raise ValueError(f"{name} cannot be {value!r:.40}") from error
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError
    return float(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _numbers(value: Any) -> Numbers:
    return tuple(map(_number, _list(value)))


def _maybe(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


_KEYPOINT = {
    "name": _text,
    "x": _number,
    "y": _number,
    "score": _number,
    "suggested": _maybe(_numbers),
    "amount": _number,
    "unit": _text,
}
_ITEM = {
    "source": _maybe(_text),
    "frame": _whole,
    "time_s": _number,
    "camera": _maybe(_text),
    "track_id": _maybe(_whole),
    "box": _maybe(_numbers),
    "priority": _number,
    "reason": _text,
    "skeleton": _text,
    "keypoints": lambda value: tuple(map(_maybe(_numbers), _list(value))),
    "flagged": lambda value: tuple(
        QueueKeypoint(**_checked(QueueKeypoint, entry, _KEYPOINT)) for entry in _list(value)
    ),
}


def _skeleton(name: str) -> Skeleton:
    base, _, subset = name.partition("/")
    known = SKELETONS.get(base)
    if known is None or (subset and subset not in known.subsets):
        raise UsageError(f"unknown skeleton {name!r:.40}; known: {', '.join(SKELETONS)}")
    return known.subset(subset) if subset else known
