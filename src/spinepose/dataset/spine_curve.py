"""Draw the spine of people of whom only body joints are labelled, as SpineTrack was begun.

Khan, Krauß and Stricker, "Towards Unconstrained 2D Pose Estimation of the Human Spine", CVPR
Workshops 2025 (arXiv 2504.08110), put the vertebrae at fixed shares of a curve through head,
shoulders and hips. It knows nothing of depth: a vertebra of a person seen from the side lies behind
the line from shoulders to hips, and the curve on it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.skeleton import SPINETRACK

__all__ = ["checked_joints", "curve_spine", "known_only"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

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
    joints, weights = checked_joints(points, trust)
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
    return known_only(spine, sure)


def checked_joints(points: npt.ArrayLike, trust: npt.ArrayLike) -> tuple[Float64, Float64]:
    """Return points (N, 37, 2), 0 where not known, and trust (N, 37), 0 where not a number.

    Raises
    ------
    ValueError
        Shapes do not fit.
    """
    joints, weights = np.asarray(points, np.float64), np.asarray(trust, np.float64)
    if joints.shape[1:] != (len(SPINETRACK), 2) or weights.shape != joints.shape[:2]:
        raise ValueError(
            f"points {joints.shape} and trust {weights.shape} are not (N, 37, 2) and (N, 37)"
        )
    known = np.isfinite(joints).all(axis=-1) & (weights > 0)
    return np.where(known[..., None], joints, 0.0), np.where(known, weights, 0.0)


def known_only(spine: Float64, trust: Float64) -> tuple[Float32, Float32]:
    """Return points (N, 9, 2), NaN where the trust (N, 9) is 0, and the trust."""
    known = np.where(trust[..., None] > 0, spine, np.nan)
    return known.astype(np.float32), trust.astype(np.float32)


def _middle(points: Float64, trust: Float64, names: tuple[str, str]) -> tuple[Float64, Float64]:
    """Return the middle (N, 2) of two points and the lower trust (N,)."""
    rows = SPINETRACK.indices(names)
    return points[:, rows].mean(axis=1), trust[:, rows].min(axis=1)


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
