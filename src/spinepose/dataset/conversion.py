"""From one skeleton to another, by name and with every difference stated.

Three tables decide all: :data:`SYNONYMS` (other words for the same point), :data:`DEFINITIONS`
(points that share a name and are not the same) and :data:`DERIVED` (what can be guessed from
other points). A number of a keypoint is never used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from spinepose.errors import UsageError
from spinepose.skeleton import HALPE26, LSP14, SPINETRACK, Skeleton

__all__ = [
    "DEFINITIONS",
    "DERIVED",
    "SYNONYMS",
    "Relation",
    "canonical",
    "columns",
    "convert",
    "mapping_table",
    "relations",
]

Bools = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.floating]

SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "head": ("head_top", "top_head", "top_of_head"),
        "neck": ("neck_base",),
        "hip": ("pelvis", "mid_hip", "hip_center", "hip_centre", "sacrum"),
    }
)
"""Other words for keypoints of SpineTrack. Case, spaces, dots, dashes and underscores do not
count; ``left_`` may be ``l``, ``right_`` may be ``r`` (``LBigToe`` of Halpe)."""

DEFINITIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        # Khan et al. 2025 (arXiv 2504.08110) mark bones inside the body; Fang et al. 2022 (arXiv
        # 2211.03375) and Johnson and Everingham 2010 had people click what they see.
        "neck": {
            SPINETRACK.name: "centre of the body of C7",
            HALPE26.name: "base of the neck, as clicked",
            LSP14.name: "base of the neck, as clicked",
        },
        "hip": {
            SPINETRACK.name: "middle of the sacrum",
            HALPE26.name: "middle of the pelvis, between the hip joints",
        },
    }
)
"""What a name means in each skeleton, where that is not the same everywhere."""

DERIVED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"neck": ("left_shoulder", "right_shoulder"), "hip": ("left_hip", "right_hip")}
)
"""Points that may be guessed as the middle of two others, only when asked."""

Kind = Literal["same", "near", "derived", "none"]


@dataclass(frozen=True, slots=True)
class Relation:
    """Where a keypoint of the target skeleton comes from.

    Parameters
    ----------
    target
        Its name there.
    sources
        Names in the other skeleton: one, two to take the middle of, or none.
    kind
        ``same`` point; ``near``: same name, other definition; ``derived``: a guess from two
        others; ``none``.
    note
        The difference, where there is one.
    """

    target: str
    sources: tuple[str, ...] = ()
    kind: Kind = "none"
    note: str = ""


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _spellings() -> dict[str, str]:
    """Return how SpineTrack's keypoints may be written, without case and separators."""
    found = {}
    for name in SPINETRACK.keypoints:
        side, _, part = name.partition("_")
        forms = [name, *SYNONYMS.get(name, ())]
        if side in ("left", "right"):
            forms.append(side[0] + part)
        found.update({_plain(form): name for form in forms})
    return found


_SPELLINGS = MappingProxyType(_spellings())


def canonical(name: str) -> str | None:
    """Return SpineTrack's name of a keypoint that others may write otherwise, or `None`."""
    return _SPELLINGS.get(_plain(name))


def _key(name: str) -> str:
    return canonical(name) or name


def relations(start: Skeleton, target: Skeleton) -> tuple[Relation, ...]:
    """Return where each keypoint of `target` comes from in `start`, K of them."""
    known = {_key(name): name for name in start.keypoints}
    return tuple(_relation(name, start, target, known) for name in target.keypoints)


def _relation(name: str, start: Skeleton, target: Skeleton, known: Mapping[str, str]) -> Relation:
    key = _key(name)
    if key in known:
        meanings = DEFINITIONS.get(key, {})
        # A subset is called like its skeleton with a stroke: spinetrack/default.
        families = (s.name.partition("/")[0] for s in (start, target))
        here, there = (meanings.get(family, "not stated") for family in families)
        if here == there:
            return Relation(name, (known[key],), "same")
        return Relation(name, (known[key],), "near", f"{here}; wanted: {there}")
    pair = DERIVED.get(key, ())
    if pair and all(part in known for part in pair):
        sources = tuple(known[part] for part in pair)
        return Relation(name, sources, "derived", "the middle of both")
    return Relation(name)


def columns(start: Skeleton, target: Skeleton) -> IntArray:
    """Return the index in `start` of each keypoint of `target` (K',), -1 where there is none."""
    found = relations(start, target)
    named = [r.sources[0] if r.kind in ("same", "near") else None for r in found]
    return np.array([-1 if name is None else start.index(name) for name in named], np.int64)


def convert(
    keypoints: FloatArray, start: Skeleton, target: Skeleton, *, approximate: bool = False
) -> tuple[FloatArray, Bools]:
    """Return keypoints of one skeleton as those of another.

    Parameters
    ----------
    keypoints
        (..., K, D) places in any unit, K of `start`; NaN = missing.
    start, target
        From which, to which skeleton.
    approximate
        Guess points that `start` does not have from two others, see :data:`DERIVED`.

    Returns
    -------
    converted : (..., K', D)
        K' of `target`; NaN where `start` has no such point, or it is missing.
    exact : (K',) bool
        Whether both skeletons mean the same point; `False` for points that only share the name
        (:data:`DEFINITIONS`), for guessed and for missing ones.

    Raises
    ------
    UsageError
        If there are not K keypoints.
    """
    if keypoints.ndim < 2 or keypoints.shape[-2] != len(start):
        raise UsageError(f"{keypoints.shape} are not the {len(start)} keypoints of {start.name}")
    found = relations(start, target)
    converted = np.full((*keypoints.shape[:-2], len(target), keypoints.shape[-1]), np.nan)
    for row, relation in enumerate(found):
        if relation.kind != "none" and (approximate or relation.kind != "derived"):
            columns = start.indices(relation.sources)
            converted[..., row, :] = keypoints[..., columns, :].mean(axis=-2)
    exact = np.array([relation.kind == "same" for relation in found])
    return converted.astype(keypoints.dtype), exact


def mapping_table(start: Skeleton, target: Skeleton) -> str:
    """Return where each keypoint of `target` comes from in `start`, as a Markdown table."""
    lines = [f"| {target.name} | from {start.name} | how | note |", "|---|---|---|---|"]
    for relation in relations(start, target):
        sources = " + ".join(relation.sources) or "-"
        lines.append(f"| {relation.target} | {sources} | {relation.kind} | {relation.note} |")
    return "\n".join(lines) + "\n"
