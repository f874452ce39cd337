"""A pose in the terms of the clinic: joint angles, and what touches the ground.

Angles are in degrees and zero in the anatomical position (upright, legs parallel, arms hanging).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

__all__ = ["LIMITS", "Arm", "Leg", "Pose", "limited", "mirrored"]

Vector = tuple[float, float, float]
FootContact = Literal["flat", "toes", "heel", "free"]
HandContact = Literal["floor", "free", "bar", "shoulders", "box", "together"]
Base = Literal["feet", "seat", "floor", "hands", "hang", "air"]

LIMITS: dict[str, tuple[float, float]] = {
    "trunk_flexion": (-45.0, 85.0),
    "trunk_lateral": (-45.0, 45.0),
    "trunk_twist": (-50.0, 50.0),
    "neck_flexion": (-60.0, 55.0),
    "neck_lateral": (-45.0, 45.0),
    "neck_twist": (-75.0, 75.0),
    "hip_flexion": (-45.0, 135.0),
    "hip_abduction": (-25.0, 70.0),
    "hip_rotation": (-50.0, 55.0),
    "knee": (0.0, 150.0),
    "ankle": (-70.0, 32.0),
    "elbow": (0.0, 150.0),
    "wrist": (-75.0, 80.0),
}
"""Range of each angle in degrees: means of healthy adults plus two standard deviations.

Limbs: Boone and Azen 1979 (J Bone Joint Surg Am 61:756) and Soucie et al. 2011 (Haemophilia
17:500); the ankle's dorsiflexion under load: Hemmerich et al. 2006 (J Orthop Res 24:770); the
hip's abduction and extension and the pointed foot are a dancer's. Trunk and neck: ranges of the
American Academy of Orthopaedic Surgeons (1965), widened alike.
"""


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg.

    Attributes
    ----------
    flexion, abduction, rotation
        Hip: thigh forward, thigh outward, knee turned outward.
    knee
        Flexion.
    ankle
        Toes up, from a right angle.
    """

    flexion: float = 0.0
    abduction: float = 2.0
    rotation: float = 6.0
    knee: float = 3.0
    ankle: float = 0.0


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm.

    Attributes
    ----------
    direction
        Of the upper arm in the frame of the thorax: outward, forward, up; any length.
    roll
        Turn of the upper arm about itself, positive inward: at zero the elbow flexes the way it
        does when the hanging arm is lifted to where it is.
    elbow
        Flexion.
    wrist
        Flexion towards the palm.
    grip
        0 open hand, 1 fist.
    """

    direction: Vector = (0.12, 0.03, -1.0)
    roll: float = 12.0
    elbow: float = 12.0
    wrist: float = 0.0
    grip: float = 0.25


@dataclass(frozen=True, slots=True)
class Pose:
    """A whole body.

    Attributes
    ----------
    pelvis
        Turn of the pelvis: pitch (forward), roll (to the left), yaw (to the left); degrees.
    trunk, neck
        Flexion (forward), lateral bending (to the left), twist (to the left), degrees.
    left_leg, right_leg, left_arm, right_arm
        The limbs.
    feet, hands
        What the left and the right one touch: contacts are reached exactly by inverse kinematics.
        Both hands hold a ``bar`` across the body or over the ``shoulders``, a ``box`` between the
        palms, or one handle ``together``.
    base
        What carries the body: its feet, a seat, the floor under any part (the body comes to rest
        there), the hands in balance, a bar above, or nothing.
    lift
        m: height over the ground when nothing carries the body; of the seat or the bar when
        that does.
    balance
        0 to 1: how far the legs incline, when the feet carry, to bring the centre of mass over
        them.
    """

    pelvis: Vector = (0.0, 0.0, 0.0)
    trunk: Vector = (0.0, 0.0, 0.0)
    neck: Vector = (0.0, 0.0, 0.0)
    left_leg: Leg = field(default_factory=Leg)
    right_leg: Leg = field(default_factory=Leg)
    left_arm: Arm = field(default_factory=Arm)
    right_arm: Arm = field(default_factory=Arm)
    feet: tuple[FootContact, FootContact] = ("flat", "flat")
    hands: tuple[HandContact, HandContact] = ("free", "free")
    base: Base = "feet"
    lift: float = 0.0
    balance: float = 0.0


def mirrored(pose: Pose) -> Pose:
    """Return the pose seen in a mirror: left and right swapped."""

    def across(turn: Vector) -> Vector:
        return (turn[0], -turn[1], -turn[2])

    return replace(
        pose,
        pelvis=across(pose.pelvis),
        trunk=across(pose.trunk),
        neck=across(pose.neck),
        left_leg=pose.right_leg,
        right_leg=pose.left_leg,
        left_arm=pose.right_arm,
        right_arm=pose.left_arm,
        feet=(pose.feet[1], pose.feet[0]),
        hands=(pose.hands[1], pose.hands[0]),
    )


def limited(pose: Pose) -> Pose:
    """Return the pose with every joint inside `LIMITS`."""

    def clip(name: str, value: float) -> float:
        return float(np.clip(value, *LIMITS[name]))

    def turns(part: str, turn: Vector) -> Vector:
        names = ("flexion", "lateral", "twist")
        values = [clip(f"{part}_{name}", v) for name, v in zip(names, turn, strict=True)]
        return (values[0], values[1], values[2])

    def leg(limb: Leg) -> Leg:
        return Leg(
            clip("hip_flexion", limb.flexion),
            clip("hip_abduction", limb.abduction),
            clip("hip_rotation", limb.rotation),
            clip("knee", limb.knee),
            clip("ankle", limb.ankle),
        )

    def arm(limb: Arm) -> Arm:
        return replace(limb, elbow=clip("elbow", limb.elbow), wrist=clip("wrist", limb.wrist))

    return replace(
        pose,
        trunk=turns("trunk", pose.trunk),
        neck=turns("neck", pose.neck),
        left_leg=leg(pose.left_leg),
        right_leg=leg(pose.right_leg),
        left_arm=arm(pose.left_arm),
        right_arm=arm(pose.right_arm),
    )
