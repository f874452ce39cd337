"""Judge the pictures of a set: are they there, of the size that is told, and each there once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinepose.curation.fingerprints import Fingerprint, fingerprint, near_pairs
from spinepose.curation.label_files import LabelFile
from spinepose.curation.problems import Problem
from spinepose.curation.schema import is_id, is_size
from spinepose.errors import InputError
from spinepose.media.sources import IMAGE_SUFFIXES

__all__ = ["Picture", "check_folders", "check_pictures", "named_pictures"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a label file names it.

    Parameters
    ----------
    labels
        The label file.
    path
        Of the picture.
    number
        Its id.
    size
        Width and height in px as labelled; `None` where it is not told.
    scene
        Pictures of one scene are alike by intent; `None` where it is not told.
    """

    labels: LabelFile
    path: Path
    number: Any
    size: tuple[int, int] | None
    scene: Any

    def problem(self, kind: str, text: str) -> Problem:
        """Return a problem of this picture."""
        return Problem(kind, self.labels.path, f"{self.path.name}: {text}", self.number)


def named_pictures(labels: LabelFile, content: Any) -> list[Picture]:
    """Return the pictures that a label file names; those without a name are left out."""
    entries = content.get("images") if isinstance(content, dict) else None
    found = []
    for entry in entries if isinstance(entries, list) else []:
        named = isinstance(entry, dict) and is_id(entry.get("id"))
        if named and isinstance(name := entry.get("file_name"), str) and name:
            size = (entry["width"], entry["height"]) if is_size(entry) else None
            scene = entry.get("scene")
            found.append(Picture(labels, labels.images / name, entry["id"], size, scene))
    return found


def check_pictures(
    pictures: Sequence[Picture],
    *,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Problem]:
    """Return what is wrong with pictures; every file is read once, by several threads.

    Parameters
    ----------
    pictures
        Of all splits together, so that a leak from one to the other is found.
    workers
        Threads; by default as many as Python finds right.
    on_progress
        Gets how many files were read, and how many there are.
    """
    there = [picture for picture in pictures if picture.path.is_file()]
    missing = {id(picture) for picture in pictures} - {id(picture) for picture in there}
    problems = [
        picture.problem("picture-missing", f"not in {picture.path.parent}")
        for picture in pictures
        if id(picture) in missing and picture.labels.images.is_dir()
    ]
    known: list[tuple[Picture, Fingerprint]] = []
    with ThreadPoolExecutor(workers, thread_name_prefix="spinepose-check") as pool:
        for done, (picture, found) in enumerate(zip(there, pool.map(_try, there), strict=True), 1):
            on_progress(done, len(there))
            if isinstance(found, str):
                problems.append(picture.problem("picture-unreadable", found))
                continue
            known.append((picture, found))
            if picture.size is not None and picture.size != found.size:
                real, told = (f"{w} x {h}" for w, h in (found.size, picture.size))
                problems.append(picture.problem("picture-size", f"{real} px, in the labels {told}"))
    return [*problems, *_copies(known), *_alike(known)]


def _try(picture: Picture) -> Fingerprint | str:
    """Return what a picture is known by, or why it cannot be read."""
    try:
        return fingerprint(picture.path)
    except InputError as error:
        return str(error)


def _copies(known: Sequence[tuple[Picture, Fingerprint]]) -> Iterator[Problem]:
    """Return pictures whose bytes are those of another one, which is named."""
    groups: dict[bytes, list[Picture]] = {}
    for picture, found in known:
        groups.setdefault(found.digest, []).append(picture)
    for group in groups.values():
        learnt = [picture for picture in group if not picture.labels.held_out]
        judged = [picture for picture in group if picture.labels.held_out]
        if learnt:
            yield from (one.problem("leak", _also(learnt[0])) for one in judged)
        for same in (learnt, judged):
            first = same[0] if same else None
            for one in same[1:]:
                if first is not None and one.path != first.path:
                    yield one.problem("picture-copied", _also(first))


def _alike(known: Sequence[tuple[Picture, Fingerprint]]) -> Iterator[Problem]:
    """Return pictures that show nearly what another one shows, each once."""
    # One for all copies in the same use: the others are told already.
    unique = {(found.digest, p.labels.held_out): (p, found) for p, found in reversed(known)}
    kept = [*unique.values()][::-1]
    told: set[int] = set()
    for a, b in near_pairs([found for _, found in kept]).tolist():
        (one, print_), (other, print_2) = kept[a], kept[b]
        leaks = one.labels.held_out != other.labels.held_out
        staged = one.labels == other.labels and one.scene is not None and one.scene == other.scene
        if one.labels.held_out and leaks:
            one, other = other, one
        if not staged and print_.digest != print_2.digest and id(other) not in told:
            told.add(id(other))
            yield other.problem("leak-near" if leaks else "picture-near", _also(one))


def _also(picture: Picture) -> str:
    return f"also {picture.path.name} of {picture.labels.name}"


def check_folders(pictures: Sequence[Picture], files: Sequence[LabelFile]) -> Iterator[Problem]:
    """Return folders that are missing or hold pictures that no label file names.

    A file that names its pictures by whole paths needs no folder.
    """
    named = {picture.path for picture in pictures}
    for folder, labels in {labels.images: labels for labels in files}.items():
        needed = any(path.is_relative_to(folder) for path in named)
        if not folder.is_dir() and (needed or not named):
            yield Problem("layout", labels.path, f"no folder of pictures {folder}")
        found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
        unused = sorted(path for path in found if path not in named and path.name[0] != ".")
        if unused:
            text = f"{len(unused):,} in {folder}, such as {unused[0].name}"
            yield Problem("picture-unused", labels.path, text)
