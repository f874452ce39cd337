"""A project of annotation: one folder that holds everything about it.

=============================  ==================================================================
``project.json``               what it is: skeleton, where pictures came from, settings
``pictures/``                  frames taken out of videos; photos stay where they are
``items.jsonl``                the people to label
``rounds/NNN/guesses.jsonl``   what a model thinks about them
``rounds/NNN/queue.json``      which ones to correct next, and why
``rounds/NNN/model/``          what was trained from the corrections before
``corrections/WHO.jsonl``      everything that WHO ever saved; the last line about an item counts
``merged.json``                the labels, with who and when
=============================  ==================================================================

Lists only grow (see :mod:`.store`). Any step can be killed and called again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinepose.annotation.records import Correction, Guess, Item
from spinepose.annotation.store import append_lines, read_lines_as
from spinepose.errors import DataError, UsageError
from spinepose.files import atomic_write
from spinepose.skeleton import SKELETONS, SPINETRACK, Skeleton

__all__ = ["Project"]

FORMAT, VERSION = "spinepose-annotation", 1

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Of annotators: it becomes the name of a file."""


@dataclass(frozen=True)
class Project:
    """A folder of annotation; make one with :meth:`create`, open one with :meth:`open`.

    Attributes
    ----------
    root
        The folder.
    skeleton
        Names the keypoints of everything in it.
    settings
        Where pictures came from, and what else was asked for when it was made.
    """

    root: Path
    skeleton: Skeleton
    settings: Mapping[str, Any]

    @classmethod
    def create(
        cls, root: str | Path, settings: Mapping[str, Any], skeleton: Skeleton = SPINETRACK
    ) -> Project:
        """Make a project, or open the one that is there.

        Raises
        ------
        DataError
            There is one with another skeleton.
        OutputError
            The folder cannot be written.
        """
        root = Path(root)
        if (root / "project.json").exists():
            found = cls.open(root)
            if found.skeleton.name != skeleton.name:
                raise DataError(f"{root} is a project with the skeleton {found.skeleton.name}")
            return found
        document = {
            "format": FORMAT,
            "version": VERSION,
            "skeleton": skeleton.name,
            "keypoints": list(skeleton.keypoints),
            "settings": dict(settings),
        }
        with atomic_write(root / "project.json") as temporary:
            temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        return cls(root, skeleton, dict(settings))

    @classmethod
    def open(cls, root: str | Path) -> Project:
        """Open a project.

        Raises
        ------
        DataError
            The folder holds none, or one of a newer version or of another skeleton.
        """
        root = Path(root)
        path = root / "project.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["format"] != FORMAT or document["version"] > VERSION:
                raise ValueError("it is of another format or a newer version")
            skeleton = SKELETONS[document["skeleton"]]
            if tuple(document["keypoints"]) != skeleton.keypoints:
                raise ValueError(f"its keypoints are not those of {skeleton.name}, in its order")
        except FileNotFoundError as error:
            raise DataError(
                f"{root} is no project: make one with spinepose annotate init"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} cannot be read: {error}") from error
        return cls(root, skeleton, document["settings"])

    def picture(self, item: Item) -> Path:
        """Return where an item's picture lies."""
        return self.root / item.picture

    def items(self) -> dict[str, Item]:
        """Return the items by id, in the order they were added."""
        path = self.root / "items.jsonl"
        return {item.id: item for item in read_lines_as(path, Item.from_dict)}

    def add_items(self, items: Iterable[Item]) -> None:
        """Append items."""
        append_lines(self.root / "items.jsonl", (item.to_dict() for item in items))

    def round_folder(self, number: int) -> Path:
        """Return the folder of a round."""
        return self.root / "rounds" / f"{number:03d}"

    def rounds(self) -> list[int]:
        """Return the numbers of the rounds that have guesses."""
        found = (self.root / "rounds").glob("[0-9][0-9][0-9]/guesses.jsonl")
        return sorted(int(path.parent.name) for path in found)

    def guesses(self, number: int) -> dict[str, Guess]:
        """Return the guesses of a round by item."""
        path = self.round_folder(number) / "guesses.jsonl"
        count = len(self.skeleton)
        return {
            guess.item: guess
            for guess in read_lines_as(path, lambda values: Guess.from_dict(values, count))
        }

    def add_guesses(self, number: int, guesses: Iterable[Guess]) -> None:
        """Append guesses to a round."""
        path = self.round_folder(number) / "guesses.jsonl"
        append_lines(path, (guess.to_dict() for guess in guesses))

    def annotators(self) -> list[str]:
        """Return who corrected anything."""
        return sorted(path.stem for path in (self.root / "corrections").glob("*.jsonl"))

    def history(self, annotator: str) -> Iterator[Correction]:
        """Yield everything that an annotator saved, in that order."""
        path = self.corrections_path(annotator)
        count = len(self.skeleton)
        yield from read_lines_as(path, lambda values: Correction.from_dict(values, count))

    def corrections(self, annotator: str) -> dict[str, Correction]:
        """Return the last word of an annotator about each item."""
        return {correction.item: correction for correction in self.history(annotator)}

    def add_corrections(self, annotator: str, corrections: Iterable[Correction]) -> None:
        """Append corrections.

        Raises
        ------
        DataError
            One is about an item that the project does not have; nothing is written.
        UsageError
            The annotator's name is not fit for a file name.
        """
        path, known = self.corrections_path(annotator), self.items()
        corrections = list(corrections)
        unknown = [c.item for c in corrections if c.item not in known]
        if unknown:
            raise DataError(
                f"{len(unknown)} corrections are about items that {self.root} does not have "
                f"({', '.join(unknown[:3])}); nothing was taken over"
            )
        append_lines(path, (correction.to_dict() for correction in corrections))

    def corrections_path(self, annotator: str) -> Path:
        """Return the file that an annotator's corrections are appended to.

        Raises
        ------
        UsageError
            The annotator's name is not fit for a file name.
        """
        if not _NAME.fullmatch(annotator):
            raise UsageError(
                f"{annotator!r} is no annotator's name: letters, digits, dots, - and _, 64 at most"
            )
        return self.root / "corrections" / f"{annotator}.jsonl"
