"""One annotator's sitting: what the page shows, and what it may save. Nothing of HTTP is here.

K keypoints, in the order of the project's skeleton.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import numpy as np

from spinepose.annotation.page.curve import LEVELS, curve_settings
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, Correction, Guess, Item
from spinepose.annotation.shown import is_inside, moved_keypoints, read_picture, shown_places
from spinepose.annotation.store import reason_of
from spinepose.annotation.tasks import find_tasks, shown_round
from spinepose.draw.style import DEFAULT
from spinepose.errors import SpinePoseError

__all__ = ["RefusedError", "Sitting"]

DOUBTED_SCORE = 0.5
"""Keypoints scored lower are marked, so that nobody overlooks them."""

_LONGEST_S = 86400.0

_BROWSERS_KNOW = ("jpeg", "png", "webp", "gif", "bmp")


class RefusedError(Exception):
    """What the page asked for cannot be had; it is told why.

    Attributes
    ----------
    status
        Of the answer.
    """

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Saved:
    """The last word about an item, and how many there were."""

    revision: int
    last: Correction


class Sitting:
    """What one annotator corrects, with what was saved before and what is saved meanwhile.

    Several sittings at once are no trouble: annotators write to files of their own, and of one
    annotator's two windows the later save counts. All methods may be called from many threads.

    Parameters
    ----------
    project
        Where items, guesses and corrections are.
    annotator
        Who corrects.
    round
        Whose guesses are shown; the latest if `None`.
    items
        Ids in the order wanted; the round's queue if `None`, or all items if it has none.
    blind
        Do not show what the annotator saved before this sitting, to measure how well a second pass
        repeats the first.

    Raises
    ------
    DataError
        The round has no guesses, or the queue or another file is broken.
    UsageError
        There is nothing to correct, or the annotator's name is not fit for a file name.
    """

    def __init__(
        self,
        project: Project,
        annotator: str,
        *,
        round: int | None = None,
        items: Sequence[str] | None = None,
        blind: bool = False,
    ) -> None:
        self.project, self.annotator, self.blind = project, annotator, blind
        self.round = shown_round(project, round)
        self.tasks = find_tasks(project, self.round, items)
        known = project.items()
        self._items = {task.item: known[task.item] for task in self.tasks}
        self._guesses = project.guesses(self.round)
        self._file = project.corrections_path(annotator)
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._saved: dict[str, _Saved] = {}
        self._read_anew()
        self._before = {item: s.revision for item, s in self._saved.items()} if blind else {}

    def overview(self) -> dict[str, Any]:
        """Return what the page needs once: the tasks, and how to draw and name keypoints.

        The state of a task is ``open``, ``done`` or ``rejected``.
        """
        skeleton = self.project.skeleton
        bones = zip(skeleton.bone_indices.tolist(), skeleton.bones, strict=True)
        with self._lock:
            self._read_anew()
            tasks = [
                {
                    "item": task.item,
                    "reason": task.reason,
                    "state": self._state(task.item),
                    "revision": self._revision(task.item),
                }
                for task in self.tasks
            ]
        # Work that waits in the browser must not end up in another project.
        place = f"{self.project.root.resolve()}\n{self.annotator}"
        return {
            "annotator": self.annotator,
            "project": self.project.root.resolve().name,
            "key": hashlib.sha256(place.encode()).hexdigest()[:16],
            "round": self.round,
            "blind": self.blind,
            "tasks": tasks,
            "doubted": DOUBTED_SCORE,
            "colors": {part: f"rgb{color}" for part, color in DEFAULT.parts.items()},
            "keypoints": skeleton.keypoints,
            "bones": [[start, end, bone.part] for (start, end), bone in bones],
            "flip": skeleton.flip.tolist(),
            "spine": skeleton.spine_indices.tolist(),
            "levels": LEVELS,
            "curve": curve_settings(skeleton),
        }

    def view(self, item_id: str) -> dict[str, Any]:
        """Return an item with its guess and what the annotator saved about it.

        Raises
        ------
        RefusedError
            The item is not one of the tasks.
        """
        item = self._item(item_id)
        with self._lock:
            self._read_anew()
            former, revision = self._shown(item_id), self._revision(item_id)
        guess = self._guesses.get(item_id)
        return {
            "item": item.id,
            "size": list(item.size),
            "box": item.box.tolist(),
            "group": item.group,
            "frame": item.frame,
            "guess": None if guess is None else _guess_view(guess, item),
            "correction": None if former is None else former.to_dict(),
            "revision": revision,
        }

    def picture(self, item_id: str) -> tuple[str, bytes]:
        """Return the media type and the bytes of an item's picture, as a browser can show it.

        Raises
        ------
        RefusedError
            The item is not one of the tasks, or its picture is gone or changed.
        """
        item = self._item(item_id)
        try:
            kind, data = read_picture(self.project, item, _BROWSERS_KNOW)
        except SpinePoseError as error:
            raise RefusedError(HTTPStatus.CONFLICT, str(error)) from error
        return f"image/{kind}", data

    def save(self, item_id: str, said: Any) -> dict[str, Any]:
        """Save what the page says about an item, whatever it is: the last save counts.

        Parameters
        ----------
        item_id
            One of the tasks.
        said
            ``keypoints`` (K, 2) px, None where absent; ``visibility`` (K,); ``seconds``;
            ``rejected``; ``revision``: of the item when the page got it.

        Returns
        -------
        answer
            ``revision``: the new one. ``changed``: it was saved from elsewhere meanwhile.
            ``state``: see :meth:`overview`.

        Raises
        ------
        RefusedError
            The item is not one of the tasks, or something that was said makes no sense.
        OutputError
            It cannot be written.
        """
        item = self._item(item_id)
        try:
            correction, revision = self._correction(item, said)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"not saved: {reason_of(error)}") from error
        with self._lock:
            self._read_anew()
            before = self._revision(item_id)
            self.project.add_corrections(self.annotator, [correction])
            self._saved[item_id] = _Saved(before + 1, correction)
            self._stamp = self._file_stamp()
            state = self._state(item_id)
        return {"revision": before + 1, "changed": before != revision, "state": state}

    def _correction(self, item: Item, said: Any) -> tuple[Correction, int]:
        """Return what was said and about which revision, or an error that says what is wrong."""
        if not isinstance(said, dict):
            raise TypeError("it is no object")
        seconds, revision, rejected = said["seconds"], said["revision"], said["rejected"]
        if not isinstance(rejected, bool) or not _is_whole(revision):
            raise TypeError("rejected is no truth value or revision no whole number")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_S:
            raise ValueError("seconds are not between 0 and a day")
        if not isinstance(said["visibility"], list) or not all(map(_is_whole, said["visibility"])):
            raise TypeError("visibility is no list of whole numbers")
        guess = self._guesses.get(item.id)
        correction = Correction.from_dict(
            {
                "item": item.id,
                "annotator": self.annotator,
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "round": -1 if guess is None else self.round,
                "keypoints": [point or (None, None) for point in said["keypoints"]],
                "visibility": said["visibility"],
                "moved": [0] * len(self.project.skeleton),
                "tool": "page",
                "seconds": float(seconds),
                "rejected": rejected,
            },
            len(self.project.skeleton),
        )
        labelled = correction.visibility > ABSENT
        if not is_inside(correction.keypoints[labelled], item.size).all():
            raise ValueError("a labelled keypoint is outside of the picture")
        shown = None if guess is None else shown_places(guess, item)
        correction.moved[:] = moved_keypoints(correction.keypoints, shown)
        return correction, revision

    def _item(self, item_id: str) -> Item:
        try:
            return self._items[item_id]
        except KeyError:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such item here") from None

    def _read_anew(self) -> None:
        """Read what was saved, if another program did since."""
        stamp = self._file_stamp()
        if stamp == self._stamp:
            return
        self._saved = {}
        for correction in self.project.history(self.annotator):
            revision = self._revision(correction.item) + 1
            self._saved[correction.item] = _Saved(revision, correction)
        self._stamp = stamp

    def _file_stamp(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _revision(self, item_id: str) -> int:
        return self._saved[item_id].revision if item_id in self._saved else 0

    def _shown(self, item_id: str) -> Correction | None:
        """Return the last word about an item, unless it is hidden from a second pass."""
        if self._revision(item_id) == self._before.get(item_id, 0):
            return None
        return self._saved[item_id].last

    def _state(self, item_id: str) -> str:
        shown = self._shown(item_id)
        if shown is None:
            return "open"
        return "rejected" if shown.rejected else "done"


def _guess_view(guess: Guess, item: Item) -> dict[str, Any]:
    """Return the guess as it is shown: what is outside of the picture is not."""
    places = shown_places(guess, item).tolist()
    return {
        "keypoints": [None if math.isnan(point[0]) else point for point in places],
        "scores": np.nan_to_num(guess.scores).tolist(),
    }


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
