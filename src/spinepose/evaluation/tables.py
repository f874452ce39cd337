"""Scores as Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from spinepose.evaluation.judge import GroupScores, ModelScores, SubsetScores
from spinepose.evaluation.sets import SUBSETS
from spinepose.plain import markdown_table, shown
from spinepose.skeleton import SPINETRACK

__all__ = ["main_tables", "model_tables"]

_ORDER = (*SUBSETS, "shared")

_COLUMNS: tuple[tuple[str, Callable[[SubsetScores], float]], ...] = (
    ("OKS share", lambda s: s.share),
    ("AP", lambda s: s.precision.statistics["AP"]),
    ("AP .50", lambda s: s.precision.statistics["AP50"]),
    ("AP .75", lambda s: s.precision.statistics["AP75"]),
    ("AP M", lambda s: s.precision.statistics["APM"]),
    ("AP L", lambda s: s.precision.statistics["APL"]),
    ("AR", lambda s: s.precision.statistics["AR"]),
    ("PCK@.2", lambda s: s.pck),
    ("AUC", lambda s: s.auc),
)


def main_tables(scores: Sequence[ModelScores]) -> str:
    """Return one table a subset, with a row for each network.

    A subset with the very keypoints of an earlier one is only named.
    """
    shared = any("shared" in s.subsets for s in scores)
    return "\n\n".join(_part(name, scores) for name in _ORDER if name != "shared" or shared)


def _part(name: str, scores: Sequence[ModelScores]) -> str:
    judged = [s.subsets.get(name) for s in scores]
    known = [s for s in judged if s is not None]
    if not known:
        return f"**{name}**: not labelled, or not known to any model"
    for other in _ORDER[: _ORDER.index(name)]:
        if _keypoints(scores, other) == _keypoints(scores, name):
            return f"**{name}**: the same keypoints as {other}"
    rows = [_row(s.name, subset) for s, subset in zip(scores, judged, strict=True)]
    head = ["model", "keypoints", "people", *(title for title, _ in _COLUMNS)]
    return f"**{name}**{_explained(name, known)}\n\n{_table(head, rows)}"


def _keypoints(scores: Sequence[ModelScores], name: str) -> list[tuple[str, ...]]:
    """Return what counts for each network in a subset."""
    return [s.subsets[name].keypoints if name in s.subsets else () for s in scores]


def _explained(name: str, known: Sequence[SubsetScores]) -> str:
    if name == "shared":
        return f": the {len(known[0].keypoints)} keypoints that the set and all models have"
    whole = len(SPINETRACK.indices(name))
    most = max(len(s.keypoints) for s in known)
    return "" if most == whole else f": {most} of {whole} keypoints labelled and known"


def _row(name: str, subset: SubsetScores | None) -> list[str]:
    if subset is None:
        return [name, "0", "0", *("-" for _ in _COLUMNS)]
    numbers = (shown(read(subset)) for _, read in _COLUMNS)
    return [name, str(len(subset.keypoints)), str(subset.people), *numbers]


def model_tables(scores: ModelScores) -> str:
    """Return what the report tells of one network: keypoints, views, activities, calibration."""
    errors = [
        [e.name, str(e.labels), str(e.found)]
        + [shown(v) for v in (e.mean_px, e.median_px, e.mean_trunk, e.median_trunk, e.pck)]
        for e in scores.errors
    ]
    head = ["keypoint", "labels", "found", "mean px", "median px"]
    head += ["mean % trunk", "median % trunk", "PCK@.2"]
    parts = ["### Errors of each keypoint", _table(head, errors)]
    for title, groups in (("view", scores.views), ("activity", scores.activities)):
        if groups:
            parts += [f"### OKS share by {title}", _group_table(title, groups)]
    calibration = [
        [shown(score, 3), shown(100 * right), shown(100 * part)]
        for score, right, part in scores.calibration.table
    ]
    parts += [
        "### Calibration of the scores",
        f"Expected calibration error {shown(scores.calibration.error, 3)}.",
        _table(["mean score", "right %", "of all %"], calibration),
    ]
    return "\n\n".join(parts)


def _group_table(title: str, groups: dict[str, GroupScores]) -> str:
    parts = [name for name in _ORDER if any(name in g.shares for g in groups.values())]
    rows = [
        [name, str(g.people)]
        + [shown(g.shares.get(part, math.nan)) for part in parts]
        + [shown(g.pck)]
        for name, g in groups.items()
    ]
    return _table([title, "people", *parts, "PCK@.2"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of names and numbers that lines up in a terminal, too."""
    return markdown_table(head, rows, align="lr", padded=True)
