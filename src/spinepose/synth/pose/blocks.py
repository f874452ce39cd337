"""What activities are made of: motions, their habits, and ways between two poses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spinepose.synth.pose.pose import Arm, Leg, Pose, Vector

__all__ = [
    "Activity", "Habit", "Motion", "between", "blend", "both_arms", "both_legs", "ease", "mix",
    "relaxed_arm",
]  # fmt: skip

Rng = np.random.Generator
Track = Callable[[float], Pose]
Support = Literal["none", "chair", "bar-above"]


@dataclass(frozen=True, slots=True)
class Motion:
    """One person's way to do something.

    Attributes
    ----------
    activity
        Its name.
    at
        Pose at a phase 0..1.
    seconds
        Length of one repetition.
    cyclic
        Whether phase 1 is phase 0 again; otherwise a clip plays it there and back.
    held
        What the hands hold: ``none``, ``one`` (a thing in the right or left hand), ``both``
        (a bar across), ``box``.
    support
        What carries the person besides the ground.
    """

    activity: str
    at: Track
    seconds: float = 2.0
    cyclic: bool = False
    held: Literal["none", "one", "both", "box"] = "none"
    support: Support = "none"


@dataclass(frozen=True, slots=True)
class Activity:
    """A named kind of motion, and how often it is drawn."""

    name: str
    draw: Callable[[Rng], Motion]
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Habit:
    """A person's constant deviations from the ideal movement, degrees."""

    trunk: Vector
    neck: Vector
    legs: tuple[Vector, Vector]
    arms: tuple[Vector, Vector]

    @classmethod
    def drawn(cls, rng: Rng) -> Habit:
        """Return the habits of a random person."""

        def three(a: float, b: float, c: float) -> Vector:
            drawn = rng.normal(0, 1, 3) * (a, b, c)
            return (float(drawn[0]), float(drawn[1]), float(drawn[2]))

        return cls(
            three(4, 3, 4),
            three(7, 5, 12),
            (three(3, 2, 4), three(3, 2, 4)),
            (three(6, 0.08, 6), three(6, 0.08, 6)),
        )

    def applied(self, pose: Pose) -> Pose:
        """Return a pose as this person takes it."""

        def plus(a: Vector, b: Vector) -> Vector:
            return (a[0] + b[0], a[1] + b[1], a[2] + b[2])

        def leg(limb: Leg, off: Vector) -> Leg:
            return replace(
                limb,
                flexion=limb.flexion + off[0],
                abduction=limb.abduction + abs(off[1]),
                rotation=limb.rotation + off[2],
                knee=max(limb.knee, limb.knee + off[0]),
            )

        def arm(limb: Arm, off: Vector) -> Arm:
            out, forward, up = limb.direction
            return replace(
                limb,
                elbow=max(0.0, limb.elbow + off[0]),
                direction=(out + abs(off[1]), forward + off[1], up),
                roll=limb.roll + off[2],
            )

        return replace(
            pose,
            trunk=plus(pose.trunk, self.trunk),
            neck=plus(pose.neck, self.neck),
            left_leg=leg(pose.left_leg, self.legs[0]),
            right_leg=leg(pose.right_leg, self.legs[1]),
            left_arm=arm(pose.left_arm, self.arms[0]),
            right_arm=arm(pose.right_arm, self.arms[1]),
        )


_AHEAD, _FAR = np.array([0.55, 0.75, 0.0]), -0.1
"""Outward and forward; cosine of the angle from which on an arm goes a long way."""


def mix(a: float, b: float, t: float) -> float:
    """Return the value between two."""
    return a + (b - a) * t


def ease(t: float) -> float:
    """Return a smooth course from 0 to 1 (minimum jerk, Flash and Hogan 1985, eq. 9)."""
    t = min(1.0, max(0.0, t))
    return t**3 * (10 - 15 * t + 6 * t * t)


def blend_legs(a: Leg, b: Leg, t: float) -> Leg:
    return Leg(
        mix(a.flexion, b.flexion, t),
        mix(a.abduction, b.abduction, t),
        mix(a.rotation, b.rotation, t),
        mix(a.knee, b.knee, t),
        mix(a.ankle, b.ankle, t),
    )


def _swung(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], t: float
) -> npt.NDArray[np.float64]:
    """Return the direction of an arm on its way between two unit vectors.

    Arms that go far swing past the front and the side, as shoulders do not turn backward.
    """
    if first @ second > _FAR:
        way = first * (1 - t) + second * t
        return np.asarray(way / np.linalg.norm(way))
    pull = _AHEAD * 4 * t * (1 - t) * (_FAR - float(first @ second) + 0.2)
    way = first * (1 - t) + second * t + pull
    return np.asarray(way / np.linalg.norm(way))


def blend_arms(a: Arm, b: Arm, t: float) -> Arm:
    first = np.array(a.direction) / np.linalg.norm(a.direction)
    second = np.array(b.direction) / np.linalg.norm(b.direction)
    way = _swung(first, second, t)
    return Arm(
        (float(way[0]), float(way[1]), float(way[2])),
        mix(a.roll, b.roll, t),
        mix(a.elbow, b.elbow, t),
        mix(a.wrist, b.wrist, t),
        mix(a.grip, b.grip, t),
    )


def blend(a: Pose, b: Pose, t: float) -> Pose:
    """Return the pose between two with the contacts of the second."""

    def between(x: Vector, y: Vector) -> Vector:
        return (mix(x[0], y[0], t), mix(x[1], y[1], t), mix(x[2], y[2], t))

    return replace(
        b,
        pelvis=between(a.pelvis, b.pelvis),
        trunk=between(a.trunk, b.trunk),
        neck=between(a.neck, b.neck),
        left_leg=blend_legs(a.left_leg, b.left_leg, t),
        right_leg=blend_legs(a.right_leg, b.right_leg, t),
        left_arm=blend_arms(a.left_arm, b.left_arm, t),
        right_arm=blend_arms(a.right_arm, b.right_arm, t),
        lift=mix(a.lift, b.lift, t),
    )


def between(start: Pose, end: Pose) -> Track:
    """Return the way from one pose to another."""
    return lambda phase: blend(start, end, ease(phase))


def both_legs(leg: Leg) -> dict[str, Any]:
    """Return a leg for both sides."""
    return {"left_leg": leg, "right_leg": leg}


def both_arms(arm: Arm) -> dict[str, Any]:
    """Return an arm for both sides."""
    return {"left_arm": arm, "right_arm": arm}


def relaxed_arm(rng: Rng) -> Arm:
    """Return an arm as people hold it who do nothing with it."""
    kind = rng.choice(
        ["hang", "hip", "cross", "phone", "head", "behind"], p=[0.6, 0.12, 0.08, 0.1, 0.05, 0.05]
    )
    u = rng.uniform
    if kind == "hip":
        return Arm((0.75, -0.25, -1.0), u(55, 75), u(85, 100), 30.0, 0.4)
    if kind == "cross":
        return Arm((0.2, 0.35, -1.0), u(55, 70), u(95, 110), 0.0, 0.2)
    if kind == "phone":
        return Arm((0.15, u(0.15, 0.5), -1.0), u(15, 35), u(85, 125), 10.0, 0.5)
    if kind == "head":
        return Arm((0.8, 0.3, u(0.3, 0.8)), u(30, 60), u(115, 140), 10.0, 0.3)
    if kind == "behind":
        return Arm((0.25, -0.5, -1.0), u(55, 70), u(40, 70), 0.0, 0.2)
    return Arm((u(0.05, 0.28), u(-0.15, 0.25), -1.0), u(0, 25), u(3, 45), u(-10, 15), u(0.1, 0.5))
