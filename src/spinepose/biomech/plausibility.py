"""Could a body look like these keypoints? What one camera can tell about a pose.

This is plausibility and no measurement. One picture does not show how far away a joint is, so that
the body model meets small errors, and errors toward the camera, by another pose. A keypoint far
from every pose is wrong; a keypoint near one may be right. N people, M keypoints.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spinepose.biomech.ik import LEAST_MARKERS
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.reprojection import fit_views
from spinepose.biomech.statistics import rms
from spinepose.errors import UsageError
from spinepose.plain import markdown_table, plain

__all__ = [
    "FLAG",
    "FOCAL",
    "NOTE",
    "WARN",
    "KeypointPlausibility",
    "Level",
    "Plausibility",
    "judge_pose",
    "judge_poses",
]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Level = Literal["ok", "warn", "flag", "missing"]

WARN, FLAG = 0.04, 0.06
"""Shares of the body height: 7 and 10.5 cm of a person of 1.75 m."""
FOCAL = 1.2
"""Focal length of an unknown camera in longer sides of its picture: a field of view of 45 degrees,
as phones have it."""
NOTE = (
    "Plausibility, not a measurement: a body could stand like this, or could not. "
    "How far a keypoint is from the truth, one camera cannot tell."
)

_LEAST_SPREAD = 4.0
"""Pixels of the median distance from the middle: a body of about 20 px, 4 % of which are one."""
_FARTHEST = 100.0
"""Longer sides of the picture, beyond which no keypoint is meant to be."""


@dataclass(frozen=True, slots=True)
class KeypointPlausibility:
    """How one keypoint fits the body.

    Attributes
    ----------
    name
        Of the keypoint.
    level
        ``ok``, ``warn`` or ``flag`` by its share, or ``missing``; then all numbers are NaN.
    distance_px
        From the keypoint to the model's.
    share
        The distance by the body height.
    model
        Where the model has it, px of the picture: a place to put it.
    """

    name: str
    level: Level
    distance_px: float
    share: float
    model: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings, for JSON; what is not known is None."""
        return {
            "name": self.name,
            "level": self.level,
            "distance_px": plain(self.distance_px),
            "share": plain(self.share),
            "model": None if self.level == "missing" else list(self.model),
        }


@dataclass(frozen=True, slots=True)
class Plausibility:
    """Whether a body could look like the keypoints of one person.

    Attributes
    ----------
    reason
        Why the person cannot be judged, empty if it can.
    height_px
        Height of the fitted body, as if it stood upright at the same distance; NaN if not fitted.
    share
        Root mean square of the keypoints' shares; NaN if not fitted.
    focal_px
        Focal length that was given or assumed.
    warn, flag
        The limits, shares of the body height.
    keypoints
        All M; none if not fitted.
    """

    reason: str
    height_px: float
    share: float
    focal_px: float
    warn: float
    flag: float
    keypoints: tuple[KeypointPlausibility, ...]

    @property
    def fitted(self) -> bool:
        """Whether the person could be judged."""
        return not self.reason

    @property
    def plausible(self) -> bool:
        """Whether the person could be judged and nothing was flagged."""
        return self.fitted and not self.at("flag")

    def at(self, level: Level) -> tuple[str, ...]:
        """Return the names of the keypoints of one level."""
        return tuple(item.name for item in self.keypoints if item.level == level)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings, for JSON; what is not known is None."""
        return {
            "note": NOTE,
            "fitted": self.fitted,
            "plausible": self.plausible,
            "reason": self.reason,
            "height_px": plain(self.height_px),
            "share": plain(self.share),
            "focal_px": self.focal_px,
            "warn": self.warn,
            "flag": self.flag,
            "keypoints": [item.to_dict() for item in self.keypoints],
        }

    def to_markdown(self) -> str:
        """Return a report: what was found, and a table of the keypoints, the worst first."""
        return "\n".join(_report(self)) + "\n"


def judge_pose(
    keypoints: npt.ArrayLike,
    scores: npt.ArrayLike,
    size: tuple[int, int],
    body: Kinematics,
    *,
    focal: float | None = None,
    warn: float = WARN,
    flag: float = FLAG,
) -> Plausibility:
    """Judge the keypoints (M, 2) with scores (M,) of one person, as :func:`judge_poses` does."""
    points, trust = np.asarray(keypoints, np.float64), np.asarray(scores, np.float64)
    return judge_poses(points[None], trust[None], size, body, focal=focal, warn=warn, flag=flag)[0]


def judge_poses(
    keypoints: npt.ArrayLike,
    scores: npt.ArrayLike,
    size: npt.ArrayLike,
    body: Kinematics,
    *,
    focal: float | None = None,
    warn: float = WARN,
    flag: float = FLAG,
) -> tuple[Plausibility, ...]:
    """Judge the keypoints of N people, or of one person in N frames, each by itself.

    The body model is put before a camera that looks through the middle of the picture, so that its
    markers meet the keypoints (see :func:`.fit_views`). What stays far from it is no body's.

    Parameters
    ----------
    keypoints
        (N, M, 2) px, the model's markers in their order, the right side of the body being right.
        (0, 0) is the centre of the top left pixel. A keypoint that is not finite is missing.
    scores
        (N, M) in 0..1: how much each keypoint counts beside the others of the person. It is missing
        where the score is 0 or NaN.
    size
        Width and height px, of one picture or of all (N, 2).
    body
        The model.
    focal
        Px; :data:`FOCAL` longer sides of the picture when not given. The verdict changes little
        with it, for the model goes nearer or farther.
    warn, flag
        Limits, shares of the body height.

    Returns
    -------
    tuple of Plausibility
        N of them. People with fewer than eight keypoints, or with keypoints that are all in one
        place, cannot be judged, and their `reason` says so.

    Raises
    ------
    UsageError
        If shapes do not fit, a score is not in 0..1, a keypoint is a hundred pictures away, or a
        setting makes no sense.
    """
    if not 0 < warn <= flag < math.inf:
        raise UsageError(f"limits must be 0 < warn <= flag, not {warn} and {flag}")
    if focal is not None and not 0 < focal < math.inf:
        raise UsageError(f"the focal length must be positive, not {focal} px")
    points, trust, sizes = _inputs(keypoints, scores, size, body)
    longer = sizes.max(axis=1)
    focals = FOCAL * longer if focal is None else np.full(len(points), float(focal))
    present = trust > 0
    reasons = [_reason(*person) for person in zip(points, present, strict=True)]
    chosen = np.flatnonzero([not reason for reason in reasons])
    model, stature = np.full(points.shape, np.nan), np.full(len(points), np.nan)
    if len(chosen):
        centre = (sizes[chosen] - 1) / 2
        fit = fit_views(points[chosen], trust[chosen], centre, focals[chosen], body)
        model[chosen], stature[chosen] = fit.markers, fit.stature
    distances = np.linalg.norm(points - model, axis=2)
    distances[~present] = np.nan
    found = []
    for i, reason in enumerate(reasons):
        judged = () if reason else _keypoints(body, model[i], distances[i], stature[i], warn, flag)
        share = rms(distances[i] / stature[i])
        height, used = float(stature[i]), float(focals[i])
        found.append(Plausibility(reason, height, share, used, warn, flag, judged))
    return tuple(found)


def _keypoints(
    body: Kinematics, model: Float64, distances: Float64, height: float, warn: float, flag: float
) -> tuple[KeypointPlausibility, ...]:
    """Return verdicts of one person from the model's places (M, 2) and distances (M,), px."""
    found = []
    for marker, place, distance in zip(
        body.spec.markers, model.tolist(), distances.tolist(), strict=True
    ):
        share = distance / float(height)
        level = _level(share, warn, flag)
        x, y = (math.nan, math.nan) if level == "missing" else place
        found.append(KeypointPlausibility(marker.name, level, distance, share, (x, y)))
    return tuple(found)


def _inputs(
    keypoints: npt.ArrayLike, scores: npt.ArrayLike, size: npt.ArrayLike, body: Kinematics
) -> tuple[Float64, Float64, Float64]:
    """Return keypoints (N, M, 2), zero where missing, scores (N, M) and sizes (N, 2), checked."""
    points, trust = np.asarray(keypoints, np.float64), np.asarray(scores, np.float64)
    count = len(body.spec.markers)
    if points.ndim != 3 or points.shape[1:] != (count, 2) or trust.shape != points.shape[:2]:
        raise UsageError(
            f"keypoints have shape {points.shape} and scores {trust.shape}, expected "
            f"(N, {count}, 2) and (N, {count})"
        )
    sizes = np.asarray(size, np.float64)
    if sizes.shape not in ((2,), (len(points), 2)) or not ((sizes > 0) & (sizes < np.inf)).all():
        raise UsageError(f"a picture's size must be width and height in px, not {sizes.tolist()}")
    trust = np.where(np.isnan(trust) | ~np.isfinite(points).all(axis=2), 0.0, trust)
    if not ((trust >= 0) & (trust <= 1)).all():
        raise UsageError("a score is not in 0..1")
    sizes = np.broadcast_to(sizes, (len(points), 2))
    points = np.where(trust[:, :, None] > 0, points, 0.0)
    if (np.abs(points).max(axis=(1, 2), initial=0.0) > _FARTHEST * sizes.max(axis=1)).any():
        raise UsageError(f"a keypoint is {_FARTHEST:.0f} pictures away: are they all in pixels?")
    best = np.maximum(trust.max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return points, trust / best, sizes


def _reason(points: Float64, present: Bools) -> str:
    """Return why a person with keypoints (M, 2) where present (M,) cannot be judged, or nothing."""
    seen = points[present]
    if len(seen) < LEAST_MARKERS:
        return f"{len(seen)} keypoints, {LEAST_MARKERS} are needed"
    spread = np.median(np.linalg.norm(seen - np.median(seen, axis=0), axis=1))
    if spread < _LEAST_SPREAD:
        return f"half of the keypoints are within {_LEAST_SPREAD:.0f} px"
    return ""


def _level(share: float, warn: float, flag: float) -> Level:
    if math.isnan(share):
        return "missing"
    return "flag" if share > flag else "warn" if share > warn else "ok"


def _report(found: Plausibility) -> Iterator[str]:
    """Yield the lines of a report."""
    yield "# Could a body look like this?"
    yield ""
    yield NOTE
    yield ""
    if not found.fitted:
        yield f"It cannot be judged: {found.reason}."
        return
    flagged, warned = found.at("flag"), found.at("warn")
    yield (
        f"{len(flagged)} keypoints are beyond {found.flag:.1%} of the body height of "
        f"{found.height_px:.0f} px, {len(warned)} more beyond {found.warn:.1%}; "
        f"all together {found.share:.1%} (root mean square)."
    )
    yield ""
    judged = [item for item in found.keypoints if item.level != "missing"]
    yield markdown_table(
        ("keypoint", "level", "px", "% of height", "model at x", "y"),
        [
            (
                item.name,
                item.level,
                *(f"{v:.1f}" for v in (item.distance_px, item.share * 100, *item.model)),
            )
            for item in sorted(judged, key=lambda item: -item.share)
        ],
        align="llr",
    )
