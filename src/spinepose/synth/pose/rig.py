"""Forward kinematics: from joint angles to the turns of the bones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from spinepose.synth.anatomy import Subject
from spinepose.synth.body.model import Body
from spinepose.synth.pose.curvature import Curvature
from spinepose.synth.pose.frames import SIGN, about, across, aimed, frame, turned, unit
from spinepose.synth.pose.pose import Arm, Pose

__all__ = [
    "FLEXION_SHARES",
    "LATERAL_SHARES",
    "NECK_SHARES",
    "SEGMENTS",
    "TWIST_SHARES",
    "Limb",
    "Rig",
]

Float64 = npt.NDArray[np.float64]

FLEXION_SHARES = {"spine04": 0.31, "spine03": 0.28, "spine02": 0.19, "spine01": 0.22}
LATERAL_SHARES = {"spine04": 0.15, "spine03": 0.23, "spine02": 0.23, "spine01": 0.39}
TWIST_SHARES = {"spine04": 0.08, "spine03": 0.09, "spine02": 0.17, "spine01": 0.66}
"""Share of each spinal joint of the rig in the motion of the trunk.

The joints stand at about L4/5, L2/3, T11/12 and T7/8; each carries the levels nearest to it. Mean
of the ranges in vitro (White and Panjabi 1990, Clinical Biomechanics of the Spine, 2nd ed.) and in
vivo (Pearcy et al. 1984, Spine 9:294, and Pearcy and Tibrewal 1984, Spine 9:582; Morita et al.
2014, Eur Spine J 23:673; Fujii et al. 2007, Eur Spine J 16:1867).
"""

NECK_SHARES = {
    "neck01": (0.37, 0.40, 0.20),
    "neck02": (0.20, 0.24, 0.12),
    "neck03": (0.13, 0.20, 0.10),
    "head": (0.30, 0.16, 0.58),
}
"""Share of each joint of the neck in flexion, lateral bending and twist; C0 to C2, which the head
stands for, carry .33, .16 and .58 of it (White and Panjabi 1990, Table 2-5)."""

_SCAPULAR_RHYTHM = 0.22
"""Elevation of the shoulder girdle for each degree of the arm's above 30: of 180 degrees the
scapulothoracic joint gives 60 (Inman et al. 1944, J Bone Joint Surg 26:1), half of it seen at the
clavicle."""

SEGMENTS = {
    "pelvis": "root",
    "L4": "spine04",
    "L1": "spine03",
    "T10": "spine02",
    "T1": "spine01",
    "C3": "neck03",
    "head": "head",
}
"""Rigid parts of the trunk: a vertebra that each carries, and its bone. The rig has no joint
between T7 and T1."""

_ANATOMICAL = {"leg": (1.0, 0.0, 0.0), "arm": (-1.0, 0.0, 0.0)}
"""Axes about which a positive turn flexes a hanging knee and elbow of a person facing -y."""


@dataclass(frozen=True, slots=True)
class Limb:
    """Two bones at rest: unit directions, hinge, lengths in m, and their names."""

    upper: Float64
    lower: Float64
    hinge: Float64
    lengths: tuple[float, float]
    bones: tuple[str, str, str]


class Rig:
    """The bones of one subject, turned by joint angles.

    Parameters
    ----------
    body, subject
        The body model and the person.
    curvature
        The turns that give the person its neutral spine.
    """

    def __init__(self, body: Body, subject: Subject, curvature: Curvature) -> None:
        self.body = body
        self.subject = subject
        self.curvature = curvature
        self._neutral = self._neutral_turns()
        self._scale = subject.rest.stature / 1.75
        self._legs = {
            side: self._limb(f"upperleg01.{side}", f"lowerleg01.{side}", f"foot.{side}", (1, 0, 0))
            for side in "LR"
        }
        self._arms = {
            side: self._limb(f"upperarm01.{side}", f"lowerarm01.{side}", f"wrist.{side}", None)
            for side in "LR"
        }

    def _limb(self, upper: str, lower: str, end: str, hinge: tuple[int, int, int] | None) -> Limb:
        at = [self.subject.pivots[self.body.index[bone]] for bone in (upper, lower, end)]
        first, second = at[1] - at[0], at[2] - at[1]
        lengths = float(np.linalg.norm(first)), float(np.linalg.norm(second))
        first, second = first / lengths[0], second / lengths[1]
        axis = np.cross(first, second) if hinge is None else np.array(hinge, np.float64)
        return Limb(first, second, across(axis, first), lengths, (upper, lower, end))

    def _neutral_turns(self) -> dict[str, Float64]:
        """Return how far a person's own curves turn the pelvis and the thorax.

        Limbs are measured against the pelvis and the thorax of the mean body: whose pelvis is
        tilted for more lordosis still stands with legs upright.
        """
        rotations = np.tile(np.eye(3), (len(self.body.index), 1, 1))
        for bone, neutral in self.curvature.rotations.items():
            rotations[self.body.index[bone]] = neutral
        return {bone: self._world(rotations, bone) for bone in ("root", "spine01")}

    def _trunk(self, pose: Pose) -> Float64:
        """Return the bone rotations of pelvis, spine and neck, the limbs still at rest."""
        rotations = np.tile(np.eye(3), (len(self.body.index), 1, 1))
        index = self.body.index
        for bone, flexion in FLEXION_SHARES.items():
            angles = np.array(pose.trunk) * (flexion, LATERAL_SHARES[bone], TWIST_SHARES[bone])
            rotations[index[bone]] = turned(angles)
        for bone, share in NECK_SHARES.items():
            rotations[index[bone]] = turned(np.array(pose.neck) * np.array(share))
        for bone, neutral in self.curvature.rotations.items():
            rotations[index[bone]] = rotations[index[bone]] @ neutral
        pitch, roll, yaw = pose.pelvis
        pelvis = Rotation.from_euler("yxz", [roll, pitch, yaw], degrees=True).as_matrix()
        rotations[index["root"]] = pelvis @ rotations[index["root"]]
        return rotations

    def _limbs(self, rotations: Float64, pose: Pose) -> None:
        """Turn the limbs by their joint angles."""
        index = self.body.index
        for side, leg in (("L", pose.left_leg), ("R", pose.right_leg)):
            sign = SIGN[side]
            pelvis = self._world(rotations, f"pelvis.{side}") @ self._neutral["root"].T
            # Abducted first, then flexed: a thigh that points forward opens to the side.
            hip = Rotation.from_euler(
                "yx", [-sign * leg.abduction, -leg.flexion], degrees=True
            ).as_matrix()
            thigh = hip @ np.array([0.0, 0.0, -1.0])
            spin = Rotation.from_rotvec(-sign * np.radians(leg.rotation) * thigh).as_matrix()
            hinge = spin @ hip @ np.array([1.0, 0.0, 0.0])
            shank = Rotation.from_rotvec(np.radians(leg.knee) * hinge).as_matrix() @ thigh
            self._set_limb(rotations, self._legs[side], pelvis @ np.stack([thigh, shank, hinge], 1))
            rotations[index[f"foot.{side}"]] = Rotation.from_euler(
                "x", -leg.ankle, degrees=True
            ).as_matrix()
        for side, arm in (("L", pose.left_arm), ("R", pose.right_arm)):
            self._arm(rotations, side, arm)

    def _arm(self, rotations: Float64, side: str, arm: Arm) -> None:
        index, sign = self.body.index, SIGN[side]
        out, forward, up = np.array(arm.direction) / np.linalg.norm(arm.direction)
        upper = np.array([sign * out, -forward, up])
        elevation = np.degrees(np.arccos(np.clip(-up, -1, 1)))
        girdle = -sign * max(0.0, elevation - 30) * _SCAPULAR_RHYTHM
        rotations[index[f"clavicle.{side}"]] = Rotation.from_euler(
            "y", girdle, degrees=True
        ).as_matrix()
        lifted = aimed(np.array([0.0, 0.0, -1.0]), upper) @ np.array([0.0, -1.0, 0.0])
        spin = Rotation.from_rotvec(sign * np.radians(arm.roll) * upper).as_matrix()
        bend = spin @ lifted
        hinge = np.cross(upper, bend)
        angle = np.radians(arm.elbow)
        lower = np.cos(angle) * upper + np.sin(angle) * bend
        thorax = self._world(rotations, "spine01") @ self._neutral["spine01"].T
        self._set_limb(rotations, self._arms[side], thorax @ np.stack([upper, lower, hinge], 1))
        self._hand(rotations, side, arm)

    def _hand(self, rotations: Float64, side: str, arm: Arm) -> None:
        """Flex the wrist and the fingers about the palm's own axes."""
        index, pivots = self.body.index, self.subject.pivots
        wrist = pivots[index[f"wrist.{side}"]]
        along = unit(pivots[index[f"finger3-1.{side}"]] - wrist)
        knuckles = pivots[index[f"finger2-1.{side}"]] - pivots[index[f"finger5-1.{side}"]]
        axis = unit(np.cross(along, np.cross(knuckles, along))) * -SIGN[side]
        rotations[index[f"wrist.{side}"]] = about(axis, arm.wrist)
        for finger in range(2, 6):
            for joint, most in ((1, 70.0), (2, 95.0), (3, 60.0)):
                bone = f"finger{finger}-{joint}.{side}"
                rotations[index[bone]] = about(axis, most * arm.grip)
        for joint, most in ((2, 35.0), (3, 50.0)):
            rotations[index[f"finger1-{joint}.{side}"]] = about(axis, most * arm.grip)

    def _set_limb(self, rotations: Float64, limb: Limb, target: Float64) -> None:
        """Turn a limb so that its bones point along world directions.

        Parameters
        ----------
        target
            (3, 3), columns: upper bone, lower bone, hinge.
        """
        index = self.body.index
        upper, lower, hinge = target.T
        first = frame(upper, hinge) @ frame(limb.upper, limb.hinge).T
        second = frame(lower, hinge) @ frame(limb.lower, limb.hinge).T
        parent = self.body.asset.parents[index[limb.bones[0]]]
        before = self._world(rotations, self.body.asset.bones[parent])
        rotations[index[limb.bones[0]]] = before.T @ first
        # Between the two lies a bone that shares the twist of the upper one.
        rotations[index[limb.bones[1]]] = first.T @ second

    def _world(self, rotations: Float64, bone: str) -> Float64:
        """Return the turn (3, 3) of a bone against the world."""
        parents = self.body.asset.parents
        at = self.body.index[bone]
        turn = np.asarray(rotations[at])
        while parents[at] >= 0:
            at = int(parents[at])
            turn = rotations[at] @ turn
        return turn

    def segments(self, transforms: Float64) -> dict[str, Float64]:
        """Return how each segment of the body is turned, (3, 3) against the anatomical position.

        In that position a person stands upright and faces -y, arms and legs hang straight down,
        elbows and knees flex forward and backward, and soles are flat. The trunk has the curves of
        the rig at rest: those that a person differs by are turns. The turn of a joint is
        ``proximal.T @ distal``.

        Parameters
        ----------
        transforms
            (J, 3, 4) of the bones (`Posed.transforms`).

        Returns
        -------
        turns
            `SEGMENTS`, and ``left_`` and ``right_`` thigh, shank, foot, clavicle, upper_arm and
            forearm.
        """
        turns = transforms[..., :3]
        index = self.body.index
        found = {name: turns[index[bone]] for name, bone in SEGMENTS.items()}
        for side, word in (("L", "left"), ("R", "right")):
            leg, arm = self._legs[side], self._arms[side]
            thigh, shank = _hanging(leg, _ANATOMICAL["leg"])
            upper_arm, forearm = _hanging(arm, _ANATOMICAL["arm"])
            found |= {
                f"{word}_thigh": turns[index[leg.bones[0]]] @ thigh,
                f"{word}_shank": turns[index[leg.bones[1]]] @ shank,
                f"{word}_foot": turns[index[leg.bones[2]]],
                f"{word}_clavicle": turns[index[f"clavicle.{side}"]],
                f"{word}_upper_arm": turns[index[arm.bones[0]]] @ upper_arm,
                f"{word}_forearm": turns[index[arm.bones[1]]] @ forearm,
            }
        return found

    def _joint(self, transforms: Float64, bone: str) -> Float64:
        """Return where a bone begins, (3,) m in the world."""
        at = self.body.index[bone]
        return np.asarray(transforms[at, :, :3] @ self.subject.pivots[at] + transforms[at, :, 3])


def _hanging(limb: Limb, hinge: tuple[float, float, float]) -> tuple[Float64, Float64]:
    """Return the turns (3, 3) that bring the hanging bones of a limb to their rest.

    Parameters
    ----------
    hinge
        (3,) about which the hanging limb flexes.
    """
    down = frame(np.array([0.0, 0.0, -1.0]), np.array(hinge))
    return frame(limb.upper, limb.hinge) @ down.T, frame(limb.lower, limb.hinge) @ down.T
