"""A person who bends, turns, reaches and squats: poses that the tests know the truth of."""

from __future__ import annotations

import numpy as np

from spinepose.biomech.body import body_model
from spinepose.biomech.kinematics import Kinematics
from spinepose.skeleton import SPINETRACK

__all__ = ["BODY", "SPEC", "moving_person", "rms", "wrong_spine"]

SPEC = body_model()
BODY = Kinematics(SPEC)

_LIMBS = {
    # coordinate: how far it swings and around what, degrees
    "clavicle_protraction": (8, 0),
    "clavicle_elevation": (6, 0),
    "arm_flexion": (50, 30),
    "arm_adduction": (30, -35),
    "arm_rotation": (30, 0),
    "elbow_flexion": (40, 60),
    "hip_flexion": (35, 40),
    "hip_adduction": (10, -5),
    "hip_rotation": (10, 0),
    "knee_flexion": (40, 55),
    "ankle_flexion": (12, -5),
    "ankle_inversion": (6, 0),
}
_ROOT = {
    # coordinate: how far, around what, metres and radians
    "pelvis_tx": (0.4, 0),
    "pelvis_ty": (0.1, 0.9),
    "pelvis_tz": (0.4, 0),
    "pelvis_tilt": (0.35, 0),
    "pelvis_list": (0.14, 0),
    "pelvis_rotation": (1.0, 0),
}


def moving_person(frames: int, rate: float, seed: int) -> np.ndarray:
    """Return poses (F, Q): each coordinate swings at .1 to .4 Hz, half as far as its limits."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / rate
    low, high = SPEC.limits
    q = np.zeros((frames, len(SPEC.coordinates)))
    for i, item in enumerate(SPEC.coordinates):
        wave = np.sin(2 * np.pi * rng.uniform(0.1, 0.4) * times + rng.uniform(0, 2 * np.pi))
        limb = item.name[:-2]
        if item.name in _ROOT:
            swing, middle = _ROOT[item.name]
        elif limb in _LIMBS:
            swing, middle = np.radians(_LIMBS[limb])
        else:
            swing, middle = 0.27 * (high[i] - low[i]), 0.25 * (low[i] + high[i])
        q[:, i] = middle + swing * wave
    return np.clip(q, low, high)


def rms(values: np.ndarray) -> float:
    """Return the root mean square of what is finite."""
    return float(np.sqrt(np.nanmean(np.square(values))))


def wrong_spine(trial: int, frames: int, noise: float) -> tuple[np.ndarray, str, np.ndarray]:
    """Return markers (F, M, 3) of which one of the spine is 15 cm beside its place.

    The person's size, the direction (fixed in the vertebra) and the keypoint differ from trial to
    trial; in odd trials all frames are wrong, in even ones three. Also returns the keypoint's name
    and the wrong frames.
    """
    rng = np.random.default_rng(trial)
    size = rng.uniform(0.92, 1.08, len(SPEC.groups))
    q = moving_person(frames, 4, seed=trial)
    points = BODY.markers(q, size)
    points += rng.normal(0, noise, points.shape)
    name = SPINETRACK.spine[trial % len(SPINETRACK.spine)]
    bad, direction = SPEC.marker_index[name], rng.normal(size=3)
    body = SPEC.body_index[SPEC.markers[bad].body]
    turned = BODY.frames(q, size).axes[:, body] @ (direction / np.linalg.norm(direction))
    wrong = np.arange(frames) if trial % 2 else np.arange(4, 7)
    points[wrong, bad] += 0.15 * turned[wrong]
    return points, name, wrong
