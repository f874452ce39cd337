"""Guess the spine of people in photos of whom only body joints are labelled.

For the nine points of ``SPINETRACK.spine``, from the top down. :func:`guess_spine` fits a
statistical shape of the trunk in 3D (:mod:`~spinepose.training.pose.trunk_shape`) to all joints,
and tells how sure it is. A teacher's answers for the spine join in where the shape agrees with
them. The simpler way is a curve: :func:`~spinepose.dataset.spine_curve.curve_spine`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.dataset.spine_curve import checked_joints, known_only
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.trunk_fit import TrunkFit, fit_trunk
from spinepose.training.pose.trunk_shape import TRUNK_POINTS, TrunkShape, built_in_shape

__all__ = ["guess_spine"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_CORNERS = tuple(f"{s}_{j}" for j in ("shoulder", "hip") for s in ("left", "right"))
_ENOUGH_CORNERS, _ENOUGH = 3, 5
"""Shoulders and hips, and points of the trunk in all, without which nothing is guessed."""
_NOISE = 0.4
"""Of the OKS falloffs: how far joints lie off, in trunks. The falloffs tell how people who click
joints differ (Ronchi and Perona, ICCV 2017); a trunk is about as long as the root of the area."""
_LEAST_NOISE = 0.025
_SURE = 0.5
"""Score from which a teacher's answer may count."""
_ANSWER_NOISE = 0.12
"""Of a teacher's answer with score 1, in trunks. Sure answers lie off by a third of that, but those
of one person err together: each counts for a ninth."""
_AGREES = 2.0
"""Standard deviations within which an answer and the fit agree."""
_HALF = 0.1
"""Standard deviation, in trunks, that halves the trust."""


def guess_spine(
    points: npt.ArrayLike,
    trust: npt.ArrayLike,
    answers: npt.ArrayLike | None = None,
    shape: TrunkShape | None = None,
) -> tuple[Float32, Float32]:
    """Return vertebrae where the shape of a trunk, fitted to the known joints, has them.

    Parameters
    ----------
    points
        (N, 37, 2) in any unit; x to the right, y down.
    trust
        (N, 37) in 0..1; 0 = not known. The spread of a joint grows as its trust falls.
    answers
        (N, 37, 3) of a teacher, best averaged with the mirror image: x, y and score. Sure answers
        for the spine that the fit agrees with are fitted too; the others are left out.
    shape
        Instead of the one that is part of the package.

    Returns
    -------
    points, trust : (N, 9, 2) and (N, 9)
        ``trust = 1 / (1 + (sigma / 0.1 trunks)^2)``, sigma being the standard deviation along an
        axis that the fit leaves. NaN and 0 where fewer than three of shoulders and hips, or five
        points of the trunk, are known.
    """
    shape = shape or built_in_shape()
    joints, weights = checked_joints(points, trust)
    rows = SPINETRACK.indices(TRUNK_POINTS)
    noise = np.maximum(_LEAST_NOISE, _NOISE * SPINETRACK.sigma_array[rows].astype(np.float64))
    seen, sure = joints[:, rows], weights[:, rows]
    corners = np.array([TRUNK_POINTS.index(n) for n in _CORNERS])
    enough = (sure[:, corners] > 0).sum(axis=1) >= _ENOUGH_CORNERS
    enough &= ((sure > 0).sum(axis=1) >= _ENOUGH) & (_extent(seen, sure) > 0)
    seen, variance = seen[enough], _inverse(sure[enough]) * noise**2
    fit = fit_trunk(shape, seen, variance)
    if answers is not None:
        found = np.asarray(answers, np.float64)
        if found.shape != (*joints.shape[:2], 3):
            raise ValueError(f"answers are {found.shape}, not {(*joints.shape[:2], 3)}")
        seen, variance = _joined(seen, variance, fit, found[enough][:, rows])
        fit = fit_trunk(shape, seen, variance)
    inside = [TRUNK_POINTS.index(n) for n in SPINETRACK.spine]
    spine = np.zeros((len(joints), len(inside), 2))
    certain = np.zeros(spine.shape[:2])
    spine[enough] = fit.points[:, inside]
    certain[enough] = 1 / (1 + (fit.sigma[:, inside] / (_HALF * fit.scale[:, None])) ** 2)
    return known_only(spine, certain)


def _joined(
    seen: Float64, variance: Float64, fit: TrunkFit, answers: Float64
) -> tuple[Float64, Float64]:
    """Return points (N, P, 2) and variances (N, P) with the answers (N, P, 3) that agree."""
    spine = np.isin(TRUNK_POINTS, SPINETRACK.spine)
    places, score = answers[..., :2], np.nan_to_num(answers[..., 2])
    scale = fit.scale[:, None]
    spread = _inverse(score) * _ANSWER_NOISE**2
    away = ((places - fit.points) ** 2).sum(axis=-1)
    agrees = away < _AGREES**2 * (fit.sigma**2 + scale**2 * spread)
    taken = spine & (score > _SURE) & agrees & (spread < variance)
    return np.where(taken[..., None], places, seen), np.where(taken, spread, variance)


def _extent(points: Float64, trust: Float64) -> Float64:
    """Return the longer side (N,) of the box around the known points (N, P, 2)."""
    known = trust[..., None] > 0
    high = np.where(known, points, -np.inf).max(axis=1)
    return np.asarray((high - np.where(known, points, np.inf).min(axis=1)).max(axis=1))


def _inverse(trust: Float64) -> Float64:
    return np.asarray(np.divide(1, trust, out=np.full_like(trust, np.inf), where=trust > 0))
