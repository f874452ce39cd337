"""How well annotators agree with each other: in OKS, pixels, and keypoint by keypoint."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, Correction, Item
from spinepose.dataset.people import AREA_PER_BOX
from spinepose.errors import DataError, UsageError
from spinepose.evaluation.oks import oks
from spinepose.geometry import area_of
from spinepose.plain import markdown_table, plain

__all__ = ["Agreement", "KeypointAgreement", "agreement"]

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KeypointAgreement:
    """How well two annotators agree about one keypoint.

    Attributes
    ----------
    name
        Of the keypoint.
    people
        Whom both labelled it on.
    median_px, p95_px
        Of their distance.
    median_share
        The same, in shares of the square root of the box's area: sizes of people differ.
    visibility
        Share of people about whom they agree whether it can be labelled at all.
    """

    name: str
    people: int
    median_px: float
    p95_px: float
    median_share: float
    visibility: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two annotators agree.

    Attributes
    ----------
    first, second
        Their names.
    people
        Whom both corrected and neither rejected.
    rejected
        Share of common items about which they agree whether to reject them.
    oks
        Mean OKS of one against the other; that of two people is what a network can reach.
    spine_oks
        The same, for the spine.
    keypoints
        One by one.
    """

    first: str
    second: str
    people: int
    rejected: float
    oks: float
    spine_oks: float
    keypoints: tuple[KeypointAgreement, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; what is not known is None."""
        found: dict[str, Any] = plain(asdict(self))
        return found

    def to_markdown(self) -> str:
        """Return the numbers as a table."""
        return "\n".join(_report(self)) + "\n"


def agreement(project: Project, annotators: tuple[str, ...] = ()) -> list[Agreement]:
    """Compare annotators two by two.

    Parameters
    ----------
    project
        With corrections.
    annotators
        Whom to compare; all by default.

    Raises
    ------
    UsageError
        If one of them corrected nothing.
    DataError
        If no two of them corrected the same item.
    """
    names = _names(project, annotators)
    items = project.items()
    said = {name: project.corrections(name) for name in names}
    found = []
    for first, second in combinations(names, 2):
        common = [item for item in said[first] if item in said[second] and item in items]
        if common:
            pairs = [(items[i], said[first][i], said[second][i]) for i in common]
            found.append(_compare(project, first, second, pairs))
    if not found:
        raise DataError(
            f"no two of {len(names)} annotators corrected the same item in {project.root}: "
            "let a second person, or a second pass under another name, do a part again"
        )
    return found


def _names(project: Project, annotators: tuple[str, ...]) -> tuple[str, ...]:
    known = project.annotators()
    unknown = [name for name in annotators if name not in known]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)} has corrected nothing in {project.root}; "
            f"there are {', '.join(known) or 'no annotators'}"
        )
    return tuple(dict.fromkeys(annotators)) or tuple(known)


def _compare(
    project: Project, first: str, second: str, pairs: list[tuple[Item, Correction, Correction]]
) -> Agreement:
    skeleton, spine = project.skeleton, project.skeleton.spine_indices
    kept = [(item, a, b) for item, a, b in pairs if not (a.rejected or b.rejected)]
    boxes = np.array([item.box for item, _, _ in kept]).reshape(-1, 4)
    box_areas = np.maximum(area_of(boxes), 1.0)
    areas, sigmas = AREA_PER_BOX * box_areas, skeleton.sigma_array
    shape = (len(kept), 2, len(skeleton))
    points = np.array([(a.keypoints, b.keypoints) for _, a, b in kept]).reshape(*shape, 2)
    seen = np.array([(a.visibility, b.visibility) for _, a, b in kept]).reshape(shape)
    placed = seen > ABSENT
    both = np.asarray(placed.all(axis=1))
    one, other = points[:, 0], np.where(both[..., None], points[:, 1], np.nan)
    away = np.linalg.norm(one - other, axis=2)
    shares = away / np.sqrt(box_areas)[:, None]
    return Agreement(
        first=first,
        second=second,
        people=len(kept),
        rejected=float(np.mean([a.rejected == b.rejected for _, a, b in pairs])),
        oks=_mean(oks(one, other, areas, sigmas)),
        spine_oks=_mean(oks(one[:, spine], other[:, spine], areas, sigmas[spine])),
        keypoints=tuple(
            KeypointAgreement(
                name=name,
                people=int(both[:, k].sum()),
                median_px=_quantile(away[both[:, k], k], 0.5),
                p95_px=_quantile(away[both[:, k], k], 0.95),
                median_share=_quantile(shares[both[:, k], k], 0.5),
                visibility=_mean(np.equal(*placed[:, :, k].T).astype(np.float64)),
            )
            for k, name in enumerate(skeleton.keypoints)
        ),
    )


def _mean(values: Float64) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _quantile(values: Float64, share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else math.nan


def _report(found: Agreement) -> Iterator[str]:
    yield f"## {found.first} and {found.second}"
    yield ""
    yield (
        f"{found.people} people, OKS {found.oks:.3f}, of the spine {found.spine_oks:.3f}; "
        f"{found.rejected:.0%} agree whether to reject."
    )
    yield ""
    yield markdown_table(
        (
            *("keypoint", "people", "median px", "95 % px"),
            *("median, % of sqrt(area)", "same visibility"),
        ),
        [
            (
                item.name,
                str(item.people),
                *(f"{v:.1f}" for v in (item.median_px, item.p95_px, 100 * item.median_share)),
                f"{item.visibility:.0%}",
            )
            for item in found.keypoints
            if item.people
        ],
        align="lr",
    )
