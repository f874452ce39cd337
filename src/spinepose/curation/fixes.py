"""Mend what needs no decision of a person; everything else stays as it is."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.curation.check import check_labels, doubtful_sizes, load_labels
from spinepose.curation.people_checks import labelled, outside, unplaced
from spinepose.curation.problems import KINDS, Problem
from spinepose.curation.schema import is_id, is_size
from spinepose.dataset.people import AREA_PER_BOX
from spinepose.errors import DataError, UsageError
from spinepose.files import atomic_write

__all__ = ["FIXABLE", "Fixed", "fix", "mend"]

Entry = dict[str, Any]
Size = tuple[float, float]

FIXABLE = tuple(name for name, kind in KINDS.items() if kind.remedy)
"""The kinds that can be mended."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was changed.

    Parameters
    ----------
    mended
        The problems that are no more.
    backups
        Label files that were written anew -> where the first of their old versions is.
    """

    mended: tuple[Problem, ...]
    backups: Mapping[Path, Path]

    def to_markdown(self) -> str:
        """Return how many problems of each kind were mended, and how."""
        if not self.mended:
            return "nothing to mend\n"
        counts = Counter(problem.kind for problem in self.mended)
        lines = ["| kind | number | what was done |", "|---|---:|---|"]
        lines += [f"| {k} | {n:,} | {KINDS[k].remedy} |" for k, n in sorted(counts.items())]
        lines += ["", *(f"- {path}; before: {old}" for path, old in self.backups.items())]
        return "\n".join(lines) + "\n"


def fix(problems: Sequence[Problem], kinds: Collection[str] = FIXABLE) -> Fixed:
    """Mend label files, and keep what they were.

    Mending may bring forth another fixable problem (labels that were different become the same),
    so each file is checked again until there is none. The old file becomes ``NAME.json.bak``;
    one that is there already is older, and stays.

    Parameters
    ----------
    problems
        Of :func:`.check_dataset`: they tell which files to mend, and which pictures have another
        size than the labels say, in which nothing is cut off.
    kinds
        What to mend, some of :data:`FIXABLE`.

    Raises
    ------
    UsageError
        A kind cannot be mended.
    DataError
        A label file cannot be read any more.
    OutputError
        A file cannot be written.
    """
    unknown = sorted(set(kinds) - set(FIXABLE))
    if unknown:
        raise UsageError(f"{unknown[0]!r} cannot be mended; {', '.join(FIXABLE)} can")
    mended: list[Problem] = []
    backups = {}
    for path in dict.fromkeys(problem.file for problem in problems if problem.kind in kinds):
        content = _load(path)
        done = mend(path, content, kinds, doubtful_sizes(problems, path))
        if done:
            backups[path] = _replace(path, content)
            mended += done
    return Fixed(tuple(mended), MappingProxyType(backups))


def _load(path: Path) -> Any:
    try:
        return load_labels(path)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read any more: {error}") from error


def mend(
    path: Path,
    content: Any,
    kinds: Collection[str] = FIXABLE,
    doubtful: frozenset[Any] = frozenset(),
) -> list[Problem]:
    """Mend the content of a label file in place and return what was wrong, and is no more.

    Parameters
    ----------
    path
        The file, to name it.
    content
        What it holds.
    kinds
        What to mend.
    doubtful
        As in :func:`.check_labels`.
    """
    mended: list[Problem] = []
    stuck: list[Problem] = []
    while found := [p for p in check_labels(path, content, doubtful) if p.kind in kinds]:
        if found == stuck:
            break
        images = [e for e in content["images"] if isinstance(e, dict) and is_id(e.get("id"))]
        sizes = {e["id"]: (e["width"], e["height"]) for e in images if is_size(e)}
        people = content["annotations"]
        for problem in found:
            if problem.place is not None and problem.kind in _MENDS:
                known = problem.image in sizes and problem.image not in doubtful
                size = sizes[problem.image] if known else (np.nan, np.nan)
                _MENDS[problem.kind](people[problem.place], size)
        gone = {p.place for p in found if p.kind not in _MENDS}
        content["annotations"] = [one for i, one in enumerate(people) if i not in gone]
        mended += found
        # Where people went, others take their places, and may have the same problems.
        stuck = found if len(content["annotations"]) == len(people) else []
    return [problem for problem in mended if problem not in found]


def _keypoints(entry: Entry) -> npt.NDArray[np.float64]:
    return np.array(entry["keypoints"], np.float64).reshape(-1, 3)


def _forget(entry: Entry, which: npt.NDArray[np.bool_]) -> None:
    """Make some keypoints (K,) unlabelled; the others keep their numbers to the last digit."""
    flat = entry["keypoints"]
    for row in np.flatnonzero(which).tolist():
        flat[3 * row : 3 * row + 3] = [0, 0, 0]
    _count(entry)


def _count(entry: Entry, size: Size = (np.nan, np.nan)) -> None:
    """Count the labelled keypoints, where their number is told."""
    if "num_keypoints" in entry:
        entry["num_keypoints"] = int(labelled(_keypoints(entry)).sum())


def _place(entry: Entry, size: Size) -> None:
    _forget(entry, unplaced(_keypoints(entry)))


def _stay_inside(entry: Entry, size: Size) -> None:
    _forget(entry, outside(_keypoints(entry), np.array(size, np.float64)))


def _clip(entry: Entry, size: Size) -> None:
    """End a box at the border of its picture."""
    x, y, width, height = entry["bbox"]
    low = max(x, 0), max(y, 0)
    high = min(x + width, size[0]), min(y + height, size[1])
    entry["bbox"] = [*low, high[0] - low[0], high[1] - low[1]]


def _guess_area(entry: Entry, size: Size) -> None:
    entry["area"] = AREA_PER_BOX * entry["bbox"][2] * entry["bbox"][3]


_MENDS: Mapping[str, Callable[[Entry, Size], None]] = MappingProxyType(
    {
        "keypoint-number": _place,
        "keypoint-outside": _stay_inside,
        "num-keypoints": _count,
        "box-outside": _clip,
        "area-missing": _guess_area,
    }
)
"""How to mend a person in a picture of some size; people with other fixable problems go."""


def _replace(path: Path, content: Any) -> Path:
    """Write a label file anew and return where its first version is."""
    backup = path.with_name(path.name + ".bak")
    if not backup.exists():
        with atomic_write(backup) as temporary:
            shutil.copy2(path, temporary)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return backup
