"""Which keypoints the public sets have, in which order, and who says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.dataset.conversion import canonical
from spinepose.errors import DataError
from spinepose.skeleton import COCO17, HALPE26, LSP14, SPINETRACK, WHOLEBODY23, Skeleton

__all__ = ["VOCABULARIES", "Vocabulary", "by_count", "rows_of"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The keypoints of a set.

    Parameters
    ----------
    name
        Of the set.
    count
        Keypoints of a person in its files.
    skeleton
        Names the first of them; the others are of face and hands and are not read.
    citation
        Where names and order are from.
    telling
        Whether the number alone tells the set: CrowdPose and AI Challenger have 14 too.
    """

    name: str
    count: int
    skeleton: Skeleton
    citation: str
    telling: bool = True


_HALPE = "Fang et al., TPAMI 2022: github.com/Fang-Haoshu/Halpe-FullBody"
_WHOLEBODY = "Jin et al., ECCV 2020: github.com/jin-s13/COCO-WholeBody"

VOCABULARIES = (
    Vocabulary("lsp", 14, LSP14, "Johnson and Everingham, BMVC 2010: its README.txt", False),
    Vocabulary("coco", 17, COCO17, "Lin et al., ECCV 2014: cocodataset.org/#format-data"),
    Vocabulary("halpe26", 26, HALPE26, _HALPE),
    Vocabulary("spinetrack", 37, SPINETRACK, "Khan et al., CVPR Workshops 2025: arXiv 2504.08110"),
    Vocabulary("wholebody", 133, WHOLEBODY23, _WHOLEBODY),
    Vocabulary("halpe136", 136, HALPE26, _HALPE),
)
"""What the public sets label, by the number of keypoints."""


def by_count(count: int) -> Vocabulary | None:
    """Return the vocabulary that has so many keypoints, or `None` where that does not tell."""
    return next((v for v in VOCABULARIES if v.telling and v.count == count), None)


def rows_of(names: Sequence[str], count: int) -> IntArray:
    """Return the index in SpineTrack of each keypoint of a file (count,), -1 where it has none.

    Parameters
    ----------
    names
        As the file gives them, in any order; empty = the order of the set with so many.
    count
        Keypoints of a person.

    Raises
    ------
    DataError
        If names are missing and the number says nothing, or names do not fit the number, are
        all unknown, or two mean the same point. The message begins with a verb: "has ...".
    """
    vocabulary = by_count(count)
    if len(names) != count:
        # COCO-WholeBody names only the 17 of COCO in its categories.
        if vocabulary is None or not _begins(vocabulary.skeleton, names):
            known = ", ".join(str(v.count) for v in VOCABULARIES if v.telling)
            named = f"{len(names)} names" if names else "no names"
            raise DataError(f"has {count} keypoints and {named}; only {known} are known without")
        names = vocabulary.skeleton.keypoints
    meant = [canonical(name) for name in names]
    rows = [-1 if name is None else SPINETRACK.index(name) for name in meant]
    used = [row for row in rows if row >= 0]
    if not used:
        raise DataError(f"has keypoints of unknown names: {', '.join(names[:3])} ...")
    twice = next((row for row in used if used.count(row) > 1), None)
    if twice is not None:
        both = " and ".join(name for name, row in zip(names, rows, strict=True) if row == twice)
        raise DataError(f"has two keypoints for {SPINETRACK.keypoints[twice]}: {both}")
    return np.array(rows + [-1] * (count - len(rows)), np.int64)


def _begins(skeleton: Skeleton, names: Sequence[str]) -> bool:
    """Tell whether the names are the first ones of a skeleton."""
    first = skeleton.keypoints[: len(names)]
    return [canonical(n) for n in names] == [canonical(n) for n in first]
