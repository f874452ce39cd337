"""Boxes of people who are followed by their keypoints, on frames without a detector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.geometry import boxes_from_keypoints
from spinepose.poses import Poses

__all__ = [
    "DEFAULT_MARGIN",
    "approach",
    "is_sound",
    "keypoint_box",
    "known_boxes",
    "learn_margins",
]

Float64 = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.floating]

DEFAULT_MARGIN = 0.08
"""Share of the keypoints' box added on each side before a detector's box has been seen."""

_LEAST_MARGIN, _MOST_MARGIN = -0.1, 0.35
_FEWEST_POINTS = 4

_FOLLOW_S = 0.2
"""Time constant in s with which the sides of a box follow the keypoints."""

_SHRINK_S = 0.6
"""The same for a side that moves in by much: joints that are hidden for a moment must not cost
the crop in which they come back."""

_MUCH = 0.06
"""Share of the box's longer side."""

_OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])


def known_boxes(poses: Poses) -> Float64:
    """Return the boxes (N, 4) px; those that are NaN from all keypoints there are."""
    tight = boxes_from_keypoints(
        poses.keypoints.astype(np.float64), np.ones_like(poses.scores), 0.5, margin=DEFAULT_MARGIN
    )
    given = poses.boxes.astype(np.float64)
    return np.where(np.isfinite(given).all(axis=1, keepdims=True), given, tight)


def _sides(box: FloatArray) -> Float64:
    """Return width, height, width, height of a box (4,), none a line."""
    sides = box[2:] - box[:2]
    return np.tile(np.maximum(sides, max(0.2 * float(sides.max()), 1.0)), 2)


def keypoint_box(
    points: FloatArray, scores: FloatArray, box: FloatArray, margins: FloatArray, threshold: float
) -> Float64:
    """Return what a detector would draw around one person, from the keypoints.

    Parameters
    ----------
    points, scores
        (K, 2) px and (K,) in 0..1.
    box
        (4,) px, where the person is thought to be; returned when too few keypoints are sure.
    margins
        (4,) shares of the keypoints' box added on the left, top, right and bottom.
    threshold
        Least score of a keypoint that counts.

    Returns
    -------
    box : (4,)
        A keypoint that is both far from the others (four times their median distance from
        their median) and outside `box` by a quarter of its size does not count.
    """
    trusted = _trusted(points, scores, box, threshold)
    if trusted.sum() < _FEWEST_POINTS:
        return np.array(box, dtype=np.float64)
    tight = _tight(points, trusted)
    return np.asarray(tight + margins * _sides(tight) * _OUTWARDS)


def _trusted(
    points: FloatArray, scores: FloatArray, box: FloatArray, threshold: float
) -> npt.NDArray[np.bool_]:
    """Tell (K,) which keypoints shape a box; see :func:`keypoint_box`."""
    trusted = np.asarray((scores >= threshold) & np.isfinite(points).all(axis=1))
    if not trusted.any():
        return trusted
    away = np.linalg.norm(points - np.median(points[trusted], axis=0), axis=1)
    allowed = box + 0.25 * _sides(box) * _OUTWARDS
    outside = ((points < allowed[:2]) | (points > allowed[2:])).any(axis=1)
    return np.asarray(trusted & ~(outside & (away > 4 * np.median(away[trusted]))))


def _tight(points: FloatArray, trusted: npt.NDArray[np.bool_]) -> Float64:
    """Return the box (4,) around some of the points."""
    chosen = trusted[None].astype(np.float64)
    tight = boxes_from_keypoints(points[None].astype(np.float64), chosen, 0.5)[0]
    return np.asarray(tight, dtype=np.float64)


def learn_margins(
    margins: Float64, poses: Poses, person: int, share: float, threshold: float
) -> Float64:
    """Note how much a detector's box is wider than the keypoints.

    Parameters
    ----------
    margins
        (4,) what is known so far: shares of the keypoints' box on the left, top, right, bottom.
    poses, person
        Whose box to take; one without a box score does not come from a detector.
    share
        Weight of this frame, 0..1.
    threshold
        Least score of a keypoint that counts.

    Returns
    -------
    margins : (4,)
        Each -0.1..0.35.
    """
    box, points = poses.boxes[person], poses.keypoints[person]
    if not (np.isfinite(poses.box_scores[person]) and np.isfinite(box).all()):
        return margins
    trusted = _trusted(points, poses.scores[person], box, threshold)
    if trusted.sum() < _FEWEST_POINTS:
        return margins
    tight = _tight(points, trusted)
    wider = np.clip((box - tight) * _OUTWARDS / _sides(tight), _LEAST_MARGIN, _MOST_MARGIN)
    return np.asarray(margins + share * (wider - margins))


def approach(box: Float64, target: Float64, elapsed: float) -> Float64:
    """Move the sides of a box (4,) px towards a target for some seconds; inwards slowly."""
    inwards = (box - target) * _OUTWARDS
    collapses = inwards > _MUCH * float((box[2:] - box[:2]).max())
    gain = 1 - np.exp(-elapsed / np.where(collapses, _SHRINK_S, _FOLLOW_S))
    return np.asarray(box + gain * (target - box))


def is_sound(poses: Poses, person: int, box: Float64, threshold: float) -> bool:
    """Tell whether a person is well seen: sure, not collapsed, and inside the frame."""
    if poses.scores[person].mean() < threshold:
        return False
    points = poses.keypoints[person]
    trusted = _trusted(points, poses.scores[person], box, threshold)
    if trusted.sum() < 2:
        return False
    tight = _tight(points, trusted)
    if (tight[2:] - tight[:2]).max() < 0.5 * (box[2:] - box[:2]).max():
        return False
    centre = np.median(points[trusted], axis=0)
    return min(poses.size) <= 0 or bool(((centre >= 0) & (centre <= poses.size)).all())
