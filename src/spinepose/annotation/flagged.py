"""Take what ``spinepose validate`` flagged into a project: a round of its own, ready to correct."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.annotation.gather import item_id, relative_path, source_content
from spinepose.annotation.project import Project
from spinepose.annotation.queue import Choice, Queue, write_queue
from spinepose.annotation.records import Guess, Item
from spinepose.annotation.shown import is_inside
from spinepose.errors import DataError, InputError
from spinepose.export.queue import QueueItem
from spinepose.media import IMAGE_SUFFIXES, frames_at, read_image, write_image
from spinepose.models.download import file_sha256

__all__ = ["Flagged", "take_flagged"]

UInt8 = npt.NDArray[np.uint8]

SOURCE, MODEL = "validated", "body model"
"""What guessed keypoints: the network whose results were validated, and the fitted body."""
_SURE = 0.3
"""Score of a flagged keypoint at most: the page marks it as doubted."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Flagged:
    """What was taken.

    Attributes
    ----------
    round
        Number of the new round.
    items
        People with something to correct.
    missing
        Entries without a picture that can be read.
    """

    round: int
    items: int
    missing: int


def take_flagged(project: Project, queue: Sequence[QueueItem]) -> Flagged:
    """Add flagged people as items, with guesses and a queue, the worst first.

    A flagged keypoint is shown where the fitted body has it, if that is in the picture; all others
    where they were found. Called again with the same queue, it makes another round of the same
    people.

    Parameters
    ----------
    project
        Grows by a round.
    queue
        From :func:`~spinepose.export.queue.read_queue`.

    Raises
    ------
    DataError
        Nothing of the queue can be shown, or it is of other keypoints.
    OutputError
        The project cannot be written.
    """
    number = max(project.rounds(), default=-1) + 1
    known, guesses = project.items(), {}
    added: dict[str, Item] = {}
    choices: dict[str, Choice] = {}
    for entry, picture, size in _pictures(project, queue):
        item = _item(project, entry, picture, size)
        if item.id not in known:
            added[item.id] = item
        guesses[item.id] = _guess(project, entry, item)
        choices[item.id] = Choice(item.id, entry.reason, entry.priority)
    if not guesses:
        raise DataError(
            f"none of the {len(queue)} entries names a picture or video that can be read here"
        )
    project.add_items(added.values())
    project.add_guesses(number, guesses.values())
    worst_first = tuple(sorted(choices.values(), key=lambda choice: -choice.priority))
    write_queue(project, Queue(number, "flagged", 0, worst_first))
    return Flagged(number, len(guesses), len(queue) - len(guesses))


def _pictures(
    project: Project, queue: Sequence[QueueItem]
) -> Iterator[tuple[QueueItem, Path, tuple[int, int]]]:
    """Yield entries with the file and size of their pictures; each video is read once."""
    by_source: dict[str, list[QueueItem]] = {}
    for entry in queue:
        if entry.source is not None and entry.box is not None:
            by_source.setdefault(entry.source, []).append(entry)
    for source, entries in by_source.items():
        path = Path(source)
        try:
            if path.suffix.lower() in IMAGE_SUFFIXES:
                image = read_image(path)
                yield from ((entry, path, (image.shape[1], image.shape[0])) for entry in entries)
            else:
                yield from _frames(project, path, entries)
        except InputError as error:
            logger.warning("%s; what is flagged in it is passed over", error)


def _frames(
    project: Project, path: Path, entries: Sequence[QueueItem]
) -> Iterator[tuple[QueueItem, Path, tuple[int, int]]]:
    """Yield entries with a picture of their frame, written into the project."""
    wanted: dict[int, list[QueueItem]] = {}
    for entry in entries:
        wanted.setdefault(entry.frame, []).append(entry)
    group = _group(path)
    for frame in frames_at(path, wanted):
        target = project.root / "pictures" / f"{group}-{frame.index:06d}.jpg"
        if not target.exists():
            write_image(target, frame.image)
        size = (frame.image.shape[1], frame.image.shape[0])
        yield from ((entry, target, size) for entry in wanted[frame.index])


@cache
def _group(path: Path) -> str:
    """Return the group of a photo or video, as :func:`.gather` names it."""
    content = source_content(path)
    photo = path.suffix.lower() in IMAGE_SUFFIXES
    return content[:16] if photo else f"{path.stem}-{content[:8]}"


def _item(project: Project, entry: QueueItem, picture: Path, size: tuple[int, int]) -> Item:
    sha256 = file_sha256(picture)
    assert entry.box is not None
    box = np.clip(np.array(entry.box, np.float64), 0, [*size, *size])
    return Item(
        id=item_id(sha256, box),
        picture=relative_path(picture, project.root),
        sha256=sha256,
        size=size,
        box=box,
        group=_group(Path(entry.source or "")),
        frame=entry.frame,
        time_s=entry.time_s,
    )


def _guess(project: Project, entry: QueueItem, item: Item) -> Guess:
    """Return what is shown of an entry."""
    skeleton = project.skeleton
    if len(entry.keypoints) != len(skeleton):
        raise DataError(f"the queue has {len(entry.keypoints)} keypoints, not {len(skeleton)}")
    rows = [(math.nan, math.nan, 0.0) if row is None else row for row in entry.keypoints]
    points, scores = np.array(rows)[:, :2], np.array(rows)[:, 2]
    spread = np.full(len(skeleton), math.nan)
    sources = [SOURCE if score > 0 else "" for score in scores]
    for doubted in entry.flagged:
        k = skeleton.index(doubted.name)
        scores[k] = min(scores[k], _SURE)
        place = np.array(doubted.suggested or (math.nan, math.nan))
        if is_inside(place[None], item.size).all():
            spread[k] = float(np.linalg.norm(place - points[k]))
            points[k], sources[k] = place, MODEL
    return Guess(
        item=item.id,
        keypoints=points,
        scores=scores,
        spread=spread,
        sources=tuple(sources),
        doubts={"implausible": 1.0},
        feature=np.empty(0),
    )
