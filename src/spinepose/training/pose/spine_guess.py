"""Guess the spine of people in photos of whom only body joints are labelled.

Two ways, both for the nine points of ``SPINETRACK.spine``, from the top down:

- :func:`curve_spine` draws a curve through head, shoulders and hips and puts the vertebrae on it
  at fixed shares of its length, as SpineTrack's first labels were made (Khan et al. 2025, arXiv
  2504.08110). It knows nothing of depth: a vertebra of a person seen from the side lies behind
  the line from shoulders to hips, and the curve on it.
- :func:`guess_spine` fits a statistical shape of the trunk in 3D
  (:mod:`~spinepose.training.pose.trunk_shape`) to all joints, and tells how sure it is. A
  teacher's answers for the spine join in where the shape agrees with them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.trunk_fit import TrunkFit, fit_trunk
from spinepose.training.pose.trunk_shape import TRUNK_POINTS, TrunkShape, built_in_shape

__all__ = ["curve_spine", "guess_spine"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_SACRUM = 0.1
"""Of the way from the middle of the sacrum to C7: L5/S1, 50 mm up of 0.5 m."""
_ABOVE_SACRUM = {
    "neck": 1.0,
    "spine_05": 0.869,
    "spine_04": 0.632,
    "spine_03": 0.367,
    "spine_02": 0.190,
    "spine_01": 0.0375,
}
"""Shares of the way from L5/S1 to C7: sums of the heights of vertebral bodies and discs, thoracic
ones of Kunkel et al. 2011 (J Anat 219:375), lumbar ones of Gilad and Nissan 1985 (J Anat 143:115)
and Bach et al. 2019 (World Neurosurg 124:e106); the same as of rendered people."""
_NECK_02 = 0.58
"""C3/C4 on the way from C7 to C1 (Yukawa et al. 2012, Eur Spine J 21:1492)."""
_C1_BELOW_TOP = 0.45
"""C1 on the way from the top of the head down to C7, where no ear is known."""

_SAMPLES = 32
"""Of each half of the curve."""

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


def curve_spine(points: npt.ArrayLike, trust: npt.ArrayLike) -> tuple[Float32, Float32]:
    """Return vertebrae at fixed shares of a curve through hips, shoulders and head.

    The parabola through the middle of the hips, the lower end of the neck (or the middle of the
    shoulders) and the middle of the ears (or a place below the top of the head).

    Parameters
    ----------
    points
        (N, 37, 2) in any unit.
    trust
        (N, 37); 0 = not known.

    Returns
    -------
    points, trust : (N, 9, 2) and (N, 9)
        Trust is that of the least trusted joint used. NaN and 0 where hips or shoulders are not
        known, for the two points of the neck also where the head is not.
    """
    joints, weights = _checked(points, trust)
    hips, sure_hips = _middle(joints, weights, ("left_hip", "right_hip"))
    shoulders, sure_shoulders = _middle(joints, weights, ("left_shoulder", "right_shoulder"))
    (neck, head), (sure_neck, sure_head) = (
        np.moveaxis(v[:, SPINETRACK.indices(["neck", "head"])], 1, 0) for v in (joints, weights)
    )
    base = np.where(sure_neck[:, None] > 0, neck, shoulders)
    sure_base = np.where(sure_neck > 0, sure_neck, sure_shoulders)
    ears, sure_ears = _middle(joints, weights, ("left_ear", "right_ear"))
    below = head + _C1_BELOW_TOP * (base - head)
    top = np.where(sure_ears[:, None] > 0, ears, below)
    sure_top = np.where(sure_ears > 0, sure_ears, sure_head)

    trunk = np.minimum(sure_hips, sure_base)
    with_head = np.minimum(trunk, sure_top)
    top = np.where(with_head[:, None] > 0, top, 2 * base - hips)
    lower = [_SACRUM + (1 - _SACRUM) * share for share in _ABOVE_SACRUM.values()]
    spine = _along_parabola(hips, base, top, np.array([2.0, 1 + _NECK_02, *lower, 0.0]))
    sure = np.stack([with_head] * 2 + [trunk] * (len(lower) + 1), axis=1)
    return _known_only(spine, sure)


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
    joints, weights = _checked(points, trust)
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
    return _known_only(spine, certain)


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


def _checked(points: npt.ArrayLike, trust: npt.ArrayLike) -> tuple[Float64, Float64]:
    """Return points, 0 where not known, and trust, 0 where a point is not a number."""
    joints, weights = np.asarray(points, np.float64), np.asarray(trust, np.float64)
    if joints.shape[1:] != (len(SPINETRACK), 2) or weights.shape != joints.shape[:2]:
        raise ValueError(
            f"points {joints.shape} and trust {weights.shape} are not (N, 37, 2) and (N, 37)"
        )
    known = np.isfinite(joints).all(axis=-1) & (weights > 0)
    return np.where(known[..., None], joints, 0.0), np.where(known, weights, 0.0)


def _middle(points: Float64, trust: Float64, names: tuple[str, str]) -> tuple[Float64, Float64]:
    """Return the middle (N, 2) of two points and the lower trust (N,)."""
    rows = SPINETRACK.indices(names)
    return points[:, rows].mean(axis=1), trust[:, rows].min(axis=1)


def _known_only(spine: Float64, trust: Float64) -> tuple[Float32, Float32]:
    known = np.where(trust[..., None] > 0, spine, np.nan)
    return known.astype(np.float32), trust.astype(np.float32)


def _along_parabola(first: Float64, second: Float64, third: Float64, shares: Float64) -> Float64:
    """Return points (N, S, 2) on the parabolas through three points (N, 2).

    Shares (S,) of the length: 0 is the first point, 1 the second, 2 the third. The parabola's
    parameter runs with the two chords.
    """
    one, two = (
        np.maximum(np.linalg.norm(b - a, axis=1), 1e-9)[:, None, None]
        for a, b in ((first, second), (second, third))
    )
    steps = np.linspace(0, 2, 2 * _SAMPLES + 1)[:, None]
    at = one * np.minimum(steps, 1) + two * np.maximum(steps - 1, 0)
    curve = (
        first[:, None] * (at - one) * (at - one - two) / (one * (one + two))
        - second[:, None] * at * (at - one - two) / (one * two)
        + third[:, None] * at * (at - one) / ((one + two) * two)
    )
    pieces = np.linalg.norm(np.diff(curve, axis=1), axis=2)
    parts = [pieces[:, :_SAMPLES], pieces[:, _SAMPLES:]]
    along = np.concatenate([p / np.maximum(p.sum(axis=1), 1e-9)[:, None] for p in parts], axis=1)
    along = np.pad(np.cumsum(along, axis=1), ((0, 0), (1, 0)))
    rows = [
        np.stack([np.interp(shares, share, points[:, axis]) for axis in range(2)], axis=1)
        for share, points in zip(along, curve, strict=True)
    ]
    return np.array(rows).reshape(-1, len(shares), 2)
