"""The neutral curves of a spine: drawn per person, reached by small turns, measured again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from spinepose.synth.anatomy import Subject
from spinepose.synth.body.model import Body

__all__ = ["Curvature", "Target", "draw_target", "fit_curvature"]

Float64 = npt.NDArray[np.float64]
Variant = Literal["healthy", "kyphotic", "scoliotic"]

LORDOSIS = {"men": (39.0, 9.0), "women": (43.0, 9.0)}
"""Mean and standard deviation of the standing lordosis between the tangents at T12/L1 and L5.

Vialle et al. 2005 (J Bone Joint Surg Am 87:260): L1 to L5 43 +- 11 degrees; Hasegawa et al. 2017:
men, L1 to S1, 56 +- 13, of which the disc L5/S1 takes 13. Women have more (Yukawa et al. 2018,
Eur Spine J 27:426; Zhu et al. 2014, Spine 39:E1); that they have 4 degrees more is our reading.
"""

KYPHOSIS = (34.0, 8.0)
"""Mean and standard deviation of the standing kyphosis between the tangents at T1 and T12/L1.

T1 to T12 by end plates: 36 +- 10 degrees (Yukawa et al. 2018), 44 (Harrison et al. 2002, J Spinal
Disord Tech 15:213); tangents of the curve give about .82 of that.
"""

HYPERKYPHOSIS = (48.0, 6.0, 42.0, 62.0)
"""Mean, deviation and range of hyperkyphosis: 50 degrees and more by end plates (Koele et al.
2020), 41 between tangents."""

COBB = (12.0, 50.0)
"""Range of scoliosis: from 10 degrees on (the convention of the Scoliosis Research Society)."""

_RIGHT_THORACIC = 0.9
"""Share of thoracic curves that are convex to the right."""
_FLATTER = 8.0
"""Degrees by which scoliosis flattens the thoracic kyphosis (direction: Konieczny et al. 2013)."""

_LUMBAR = {"spine04": 0.35, "spine03": 0.35, "spine02": 0.30}
_THORACIC = {"spine02": 0.30, "spine01": 0.70}
_S_CURVE = {"spine04": -0.5, "spine03": -0.5, "spine02": 0.95, "spine01": 0.75, "neck01": -0.7}
"""Lateral turns of a right thoracic, left lumbar curve, the commonest pattern (Lenke 1)."""
_COUPLED_TWIST = 0.35
"""Axial rotation of the vertebrae towards the convexity for each degree of lateral turn: they go
together linearly; the slope is our assumption."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the neutral spine of one person shall be, in degrees (`SpineCurve.angles`)."""

    variant: Variant
    lordosis: float
    kyphosis: float
    scoliosis: float = 0.0


@dataclass(frozen=True, slots=True)
class Curvature:
    """The turns that give a body its neutral spine.

    Attributes
    ----------
    target
        What was asked for.
    reached
        The angles measured on the turned body.
    rotations
        Turn (3, 3) of each bone, to be applied before the pose's own.
    """

    target: Target
    reached: dict[str, float]
    rotations: dict[str, Float64]


def draw_target(
    rng: np.random.Generator, gender: float = 0.5, variant: Variant = "healthy"
) -> Target:
    """Return the neutral spine of a random adult.

    Parameters
    ----------
    gender
        0 male to 1 female, as in `Shape`.
    variant
        Healthy, with a hyperkyphosis, or with a scoliosis (its sign: positive = convex to the
        right in the thorax).
    """

    def within(mean: float, deviation: float) -> float:
        return float(mean + deviation * np.clip(rng.normal(), -2, 2))

    lordosis = within(
        float(np.interp(gender, [0, 1], [LORDOSIS["men"][0], LORDOSIS["women"][0]])),
        LORDOSIS["men"][1],
    )
    kyphosis = within(*KYPHOSIS)
    cobb = 0.0
    if variant == "kyphotic":
        mean, deviation, low, high = HYPERKYPHOSIS
        kyphosis = float(np.clip(rng.normal(mean, deviation), low, high))
        lordosis += 4.0
    elif variant == "scoliotic":
        cobb = float(rng.uniform(*COBB)) * (1.0 if rng.uniform() < _RIGHT_THORACIC else -1.0)
        kyphosis = max(kyphosis - _FLATTER, 8.0)
    return Target(variant, lordosis, kyphosis, cobb)


def fit_curvature(body: Body, subject: Subject, target: Target) -> Curvature:
    """Return the turns that bring a body's neutral spine to a target.

    Three Newton steps on the measured angles; head and feet keep their direction, the pelvis
    takes half of the change of lordosis.
    """
    state = np.zeros(3)
    wanted = np.array([target.lordosis, target.kyphosis, abs(target.scoliosis)])
    for _ in range(3):
        here = _measure(body, subject, state, target)
        slope = np.empty((2, 2))
        for i in range(2):
            nudged = state.copy()
            nudged[i] += 1.0
            slope[:, i] = (_measure(body, subject, nudged, target) - here)[:2]
        state[:2] += np.linalg.solve(slope, (wanted - here)[:2])
        if target.scoliosis:
            state[2] *= wanted[2] / max(here[2], 1e-3) if state[2] else 0.0
            state[2] = state[2] or wanted[2] / 1.7
    rotations = _rotations(state, target)
    lordosis, kyphosis, scoliosis = _measure(body, subject, state, target)
    reached = {"lordosis": lordosis, "kyphosis": kyphosis, "scoliosis": scoliosis}
    return Curvature(target, {name: float(value) for name, value in reached.items()}, rotations)


def _rotations(state: Float64, target: Target) -> dict[str, Float64]:
    """Return the turn of each bone for (lumbar, thoracic, lateral) corrections in degrees."""
    lumbar, thoracic, lateral = state
    side = -1.0 if target.scoliosis < 0 else 1.0
    angles = {bone: np.zeros(3) for bone in ("root", "spine04", "spine03", "spine02", "spine01")}
    angles["neck01"] = np.zeros(3)
    for bone, share in _LUMBAR.items():
        angles[bone][0] -= lumbar * share
    for bone, share in _THORACIC.items():
        angles[bone][0] += thoracic * share
    for bone, share in _S_CURVE.items():
        angles[bone] += np.array([0.0, 1.0, _COUPLED_TWIST]) * lateral * share * side
    angles["root"][0] += 0.5 * lumbar
    # What remains is taken back at the neck, so that the eyes look ahead.
    for bone in ("neck01",):
        angles[bone][0] += 0.5 * lumbar - thoracic
    return {
        bone: np.asarray(Rotation.from_euler("xyz", turn, degrees=True).as_matrix())
        for bone, turn in angles.items()
    }


def _measure(body: Body, subject: Subject, state: Float64, target: Target) -> Float64:
    """Return lordosis, kyphosis and scoliosis of the body with corrections."""
    rotations = np.tile(np.eye(3), (len(body.index), 1, 1))
    for bone, turn in _rotations(state, target).items():
        rotations[body.index[bone]] = turn
    transforms = body.transforms(subject.pivots, rotations)
    found = subject.curve.angles(
        subject.curve.posed(transforms), transforms[0, :, 0], transforms[0, :, 2]
    )
    return np.array([found["lordosis"], found["kyphosis"], found["scoliosis"]])
