"""Simulated people whose skeletons walk, sway and disappear: small physical scenes."""

from __future__ import annotations

import numpy as np

from spinepose.geometry import boxes_from_keypoints
from spinepose.poses import Poses
from spinepose.skeleton import SPINETRACK

K = len(SPINETRACK)

_HEIGHTS = {
    "head": 1.0,
    "nose": 0.93,
    "eye": 0.94,
    "ear": 0.93,
    "neck_03": 0.88,
    "neck_02": 0.86,
    "neck": 0.84,
    "shoulder": 0.82,
    "clavicle": 0.83,
    "latissimus": 0.72,
    "spine_05": 0.8,
    "spine_04": 0.75,
    "spine_03": 0.7,
    "spine_02": 0.65,
    "spine_01": 0.6,
    "hip": 0.53,
    "elbow": 0.65,
    "wrist": 0.5,
    "knee": 0.28,
    "ankle": 0.04,
    "big_toe": 0.0,
    "small_toe": 0.0,
    "heel": 0.0,
}
"""Heights of joints above the floor as a share of body height."""

_SWING = {
    "elbow": 0.04,
    "wrist": 0.09,
    "knee": 0.07,
    "ankle": 0.14,
    "toe": 0.14,
    "heel": 0.14,
}


def walker(
    feet: tuple[float, float], height: float, time_s: float, stride_hz: float = 0.9
) -> np.ndarray:
    """Return keypoints (K, 2) of a person of `height` px standing at `feet` px."""
    points = np.empty((K, 2))
    swing = np.sin(2 * np.pi * stride_hz * time_s)
    for i, name in enumerate(SPINETRACK.keypoints):
        side = -1 if name.startswith("left") else 1 if name.startswith("right") else 0
        joint = name.removeprefix("left_").removeprefix("right_")
        wide = 0.02 if joint in ("eye", "ear", "heel", "big_toe") else 0.1
        moves = next((v for k, v in _SWING.items() if joint.endswith(k)), 0.0)
        opposite = -1 if joint in ("elbow", "wrist") else 1
        points[i] = (side * (wide + opposite * moves * swing), -_HEIGHTS[joint])
    return np.asarray(feet) + height * points


def scene(
    people: list[np.ndarray],
    time_s: float,
    *,
    frame: int = 0,
    scores: float = 0.9,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
    detected: bool = True,
    size: tuple[int, int] = (1920, 1080),
) -> Poses:
    """Return the poses of keypoints (K, 2) each, with boxes as a detector draws them.

    `noise` is the standard deviation in px of keypoints and boxes.
    """
    points = np.array(people, dtype=float).reshape(-1, K, 2)
    boxes = boxes_from_keypoints(points, np.ones(points.shape[:2]), 0.5, margin=0.06)
    if noise:
        assert rng is not None
        points = points + rng.normal(0, noise, points.shape)
        boxes = boxes + rng.normal(0, noise, boxes.shape)
    n = len(points)
    return Poses.build(
        points,
        np.full((n, K), scores),
        boxes,
        box_scores=np.full(n, 0.9 if detected else np.nan),
        frame=frame,
        time_s=time_s,
        size=size,
    )
