"""From joint angles to bones: forward kinematics, then contacts by inverse kinematics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from spinepose.synth.anatomy import Subject
from spinepose.synth.body.model import Body
from spinepose.synth.pose.balance import Masses, support_point
from spinepose.synth.pose.curvature import Curvature
from spinepose.synth.pose.pose import Arm, FootContact, HandContact, Pose, Vector
from spinepose.synth.pose.settle import settling_turn

__all__ = ["Posed", "Poser", "two_bone"]

Float64 = npt.NDArray[np.float64]
Side = Literal["L", "R"]
_SIGN: dict[str, float] = {"L": 1.0, "R": -1.0}

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

_HEEL_RAISE, _TOE_RAISE = 38.0, 22.0
"""Pitch of a foot that stands on its toes or its heel, degrees."""

_PALM = 0.030
"""Height of the wrist over the floor when the palm lies on it, m at a stature of 1.75 m."""


_BALANCE_STEPS, _IN_BALANCE, _MOST_INCLINED = 4, 0.012, 0.6
"""Steps, tolerance in m and largest turn in radians of the legs that bring a body into balance."""

_ALMOST = 1.03
"""A hand reaches for the ground when it is not farther than this share of the arm's length."""

_GRASPS = ("bar", "shoulders", "box", "together")
_BAR_ON_BACK = np.array([0.0, 0.075, -0.03])
"""m from the joint at C7 to a bar on the shoulders, in the frame of the thorax."""
_FIST = np.array([0.0, -0.02, -0.085])
"""m from a bar on the shoulders to the wrists under it."""

_BEFORE_KNEES = 0.24
"""m from the knees to hands that hold a box before them."""

_NEAR_GROUND, _MOST_TOPPLED = 0.06, 0.5
"""m over the lowest point: what carries an inverted body; largest turn of it in radians."""

_CLEAR = 0.012
"""m: height at which a foot that carries nothing passes over the ground."""


@dataclass(frozen=True, slots=True)
class Posed:
    """A subject in a pose.

    Attributes
    ----------
    subject
        Who.
    rotations
        (J, 3, 3) turn of each bone against its parent.
    transforms
        (J, 3, 4) motion of each bone from rest.
    vertices
        (V, 3) m, the skin and its helper meshes.
    keypoints
        (37, 3) m.
    angles
        Vertebral angles in this pose, degrees (`SpineCurve.angles`).
    """

    subject: Subject
    rotations: Float64
    transforms: Float64
    vertices: Float64
    keypoints: Float64
    angles: dict[str, float]

    def moved(self, turn: Float64, shift: npt.ArrayLike) -> Posed:
        """Return the subject turned by a matrix (3, 3) about the origin, then shifted by (3,) m."""
        shift = np.asarray(shift, np.float64)
        transforms = np.einsum("ij,njk->nik", turn, self.transforms)
        transforms[..., 3] += shift
        return Posed(
            self.subject,
            self.rotations,
            transforms,
            self.vertices @ turn.T + shift,
            self.keypoints @ turn.T + shift,
            self.angles,
        )


@dataclass(frozen=True, slots=True)
class _Limb:
    """Two bones at rest: unit directions, hinge, lengths in m, and their names."""

    upper: Float64
    lower: Float64
    hinge: Float64
    lengths: tuple[float, float]
    bones: tuple[str, str, str]


class Poser:
    """Poses one subject."""

    def __init__(self, body: Body, subject: Subject, curvature: Curvature) -> None:
        self.body = body
        self.subject = subject
        self.curvature = curvature
        self._neutral = self._neutral_turns()
        self._some_weights = body.weights[body.skin_vertices[::4]]
        self._scale = subject.rest.stature / 1.75
        self._masses = Masses(body, subject)
        skin = subject.rest.vertices[body.skin_vertices]
        low = skin[:, 2] < skin[:, 2].min() + 0.035 * subject.rest.stature
        self._soles = {
            side: body.skin_vertices[low & (sign * skin[:, 0] > 0)][::3]
            for side, sign in _SIGN.items()
        }
        self._legs = {
            side: self._limb(f"upperleg01.{side}", f"lowerleg01.{side}", f"foot.{side}", (1, 0, 0))
            for side in "LR"
        }
        self._arms = {
            side: self._limb(f"upperarm01.{side}", f"lowerarm01.{side}", f"wrist.{side}", None)
            for side in "LR"
        }

    def pose(self, pose: Pose) -> Posed:
        """Return the subject in a pose, standing, sitting or lying on the ground z = 0.

        The root's horizontal place is the origin. Angles outside the joints' limits are taken as
        they are: see :func:`spinepose.synth.pose.pose.limited`.
        """
        rotations = self._trunk(pose)
        self._limbs(rotations, pose)
        if pose.base == "floor":
            self._settle(rotations)
        elif pose.base == "feet" and pose.balance > 0:
            self._balance(rotations, pose)
        elif pose.base == "hands" and pose.balance > 0:
            self._topple(rotations, pose.balance)
        shift = np.array([0.0, 0.0, self._root_height(rotations, pose)])
        self._contacts(rotations, pose, shift)
        return self._finish(rotations, shift, pose)

    def _settle(self, rotations: Float64) -> None:
        """Turn the root so that the body rests on the ground instead of standing on one point."""
        transforms = self.body.transforms(self.subject.pivots, rotations)
        some = self.body.skin_vertices[::4]
        points = self.body.skin(self.subject.rest.vertices[some], transforms, self._some_weights)
        turn = settling_turn(points, self._masses.centre(transforms))
        root = self.body.index["root"]
        rotations[root] = turn @ rotations[root]

    def _balance(self, rotations: Float64, pose: Pose) -> None:
        """Incline the legs that carry so that the centre of mass comes over the feet."""
        index = self.body.index
        sides = [s for s, c in zip("LR", pose.feet, strict=True) if c != "free"]
        inclined = np.zeros(3)
        for _ in range(_BALANCE_STEPS if sides else 0):
            transforms = self.body.transforms(self.subject.pivots, rotations)
            ankles = {side: self._joint(transforms, f"foot.{side}") for side in sides}
            feet = [
                (contact, ankles[side], -transforms[index[f"foot.{side}"], :, 1])
                for side, contact in zip("LR", pose.feet, strict=True)
                if side in ankles
            ]
            centre = self._masses.centre(transforms)
            off = (centre[:2] - support_point(feet, centre, self._scale)) * pose.balance
            if np.linalg.norm(off) < _IN_BALANCE:
                return
            hips = np.mean([self._joint(transforms, f"upperleg01.{s}")[2] for s in sides])
            high = max(0.25, float(hips - np.mean([ankle[2] for ankle in ankles.values()])))
            wanted = inclined + np.array([off[1], -off[0], 0.0]) / high
            size = float(np.linalg.norm(wanted))
            wanted *= min(1.0, _MOST_INCLINED / max(size, 1e-9))
            turn = Rotation.from_rotvec(wanted - inclined).as_matrix()
            inclined = wanted
            for side in sides:
                before = self._world(rotations, f"pelvis.{side}")
                bone = index[f"upperleg01.{side}"]
                rotations[bone] = before.T @ turn @ before @ rotations[bone]

    def _topple(self, rotations: Float64, balance: float) -> None:
        """Turn the root so that the centre of mass comes over what touches the ground."""
        root = self.body.index["root"]
        rest = self.subject.rest.vertices[self.body.skin_vertices[::4]]
        turned = 0.0
        for _ in range(_BALANCE_STEPS):
            transforms = self.body.transforms(self.subject.pivots, rotations)
            points = self.body.skin(rest, transforms, self._some_weights)
            lowest = points[:, 2].min()
            low = points[points[:, 2] < lowest + _NEAR_GROUND * self._scale, :2]
            centre = self._masses.centre(transforms)
            off = (low.min(axis=0) + low.max(axis=0)) / 2 - centre[:2]
            angle = float(np.linalg.norm(off)) / float(centre[2] - lowest) * balance
            angle = min(angle, _MOST_TOPPLED - turned)
            if angle < 0.01:
                return
            turned += angle
            axis = np.array([-off[1], off[0], 0.0]) / np.linalg.norm(off)
            rotations[root] = Rotation.from_rotvec(angle * axis).as_matrix() @ rotations[root]

    def _finish(self, rotations: Float64, shift: Float64, pose: Pose) -> Posed:
        """Skin the body and settle it on the ground."""
        subject = self.subject
        transforms = self.body.transforms(subject.pivots, rotations, shift)
        vertices = self.body.skin(subject.rest.vertices, transforms)
        low = float(vertices[self.body.skin_vertices, 2].min())
        move = np.array([0.0, 0.0, (pose.lift if pose.base == "air" else 0.0) - low])
        if pose.base == "seat":
            move[2] = max(0.0, -low)
        elif pose.base == "hang":
            # The bar stays where it is: the body moves under it.
            hands = [self._joint(transforms, f"finger3-1.{side}") for side in "LR"]
            move = np.array([0.0, 0.0, pose.lift]) - np.mean(hands, axis=0)
            move[2] = max(move[2], 0.05 - low)
        vertices += move
        transforms[..., 3] += move
        up, lateral = transforms[0, :, 2], transforms[0, :, 0]
        return Posed(
            subject,
            rotations,
            transforms,
            vertices,
            subject.posed_keypoints(transforms),
            subject.curve.angles(subject.curve.posed(transforms), lateral, up),
        )

    def _limb(self, upper: str, lower: str, end: str, hinge: tuple[int, int, int] | None) -> _Limb:
        at = [self.subject.pivots[self.body.index[bone]] for bone in (upper, lower, end)]
        first, second = at[1] - at[0], at[2] - at[1]
        lengths = float(np.linalg.norm(first)), float(np.linalg.norm(second))
        first, second = first / lengths[0], second / lengths[1]
        axis = np.cross(first, second) if hinge is None else np.array(hinge, np.float64)
        return _Limb(first, second, _across(axis, first), lengths, (upper, lower, end))

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
            rotations[index[bone]] = _turn(angles)
        for bone, share in NECK_SHARES.items():
            rotations[index[bone]] = _turn(np.array(pose.neck) * np.array(share))
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
            sign = _SIGN[side]
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
        index, sign = self.body.index, _SIGN[side]
        out, forward, up = np.array(arm.direction) / np.linalg.norm(arm.direction)
        upper = np.array([sign * out, -forward, up])
        elevation = np.degrees(np.arccos(np.clip(-up, -1, 1)))
        girdle = -sign * max(0.0, elevation - 30) * _SCAPULAR_RHYTHM
        rotations[index[f"clavicle.{side}"]] = Rotation.from_euler(
            "y", girdle, degrees=True
        ).as_matrix()
        lifted = _aim(np.array([0.0, 0.0, -1.0]), upper) @ np.array([0.0, -1.0, 0.0])
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
        along = _unit(pivots[index[f"finger3-1.{side}"]] - wrist)
        knuckles = pivots[index[f"finger2-1.{side}"]] - pivots[index[f"finger5-1.{side}"]]
        axis = _unit(np.cross(along, np.cross(knuckles, along))) * -_SIGN[side]
        rotations[index[f"wrist.{side}"]] = _about(axis, arm.wrist)
        for finger in range(2, 6):
            for joint, most in ((1, 70.0), (2, 95.0), (3, 60.0)):
                bone = f"finger{finger}-{joint}.{side}"
                rotations[index[bone]] = _about(axis, most * arm.grip)
        for joint, most in ((2, 35.0), (3, 50.0)):
            rotations[index[f"finger1-{joint}.{side}"]] = _about(axis, most * arm.grip)

    def _set_limb(self, rotations: Float64, limb: _Limb, target: Float64) -> None:
        """Turn a limb so that its bones point along world directions.

        Parameters
        ----------
        target
            (3, 3), columns: upper bone, lower bone, hinge.
        """
        index = self.body.index
        upper, lower, hinge = target.T
        first = _frame(upper, hinge) @ _frame(limb.upper, limb.hinge).T
        second = _frame(lower, hinge) @ _frame(limb.lower, limb.hinge).T
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

    def _joint(self, transforms: Float64, bone: str) -> Float64:
        """Return where a bone begins, (3,) m in the world."""
        at = self.body.index[bone]
        return np.asarray(transforms[at, :, :3] @ self.subject.pivots[at] + transforms[at, :, 3])

    def _root_height(self, rotations: Float64, pose: Pose) -> float:
        """Return how far the root moves up so that every foot in contact can reach the ground."""
        if pose.base == "seat":
            seat = self._seat_clearance(rotations)
            return pose.lift - seat
        if pose.base != "feet":
            return 0.0
        transforms = self.body.transforms(self.subject.pivots, rotations)
        needed = [
            self._foot_height(contact) - self._joint(transforms, f"foot.{side}")[2]
            for side, contact in zip("LR", pose.feet, strict=True)
            if contact != "free"
        ]
        return min(needed) if needed else 0.0

    def _seat_clearance(self, rotations: Float64) -> float:
        """Return the height of the lowest skin of the pelvis and the thighs' upper half."""
        transforms = self.body.transforms(self.subject.pivots, rotations)
        rest = self.subject.rest.vertices
        roots = self.body.seat_vertices
        points = self.body.skin(rest[roots], transforms, self.body.weights[roots])
        return float(np.percentile(points[:, 2], 2.0))

    def _foot_pitch(self, contact: FootContact) -> float:
        return {"toes": _HEEL_RAISE, "heel": -_TOE_RAISE}.get(contact, 0.0)

    def _foot_height(self, contact: FootContact, side: str = "L") -> float:
        """Return the height of the ankle over the ground that a contact asks for, m."""
        pivots, index = self.subject.pivots, self.body.index
        ankle = pivots[index[f"foot.{side}"]]
        ball = pivots[index[f"toe2-1.{side}"]]
        heel = self.subject.keypoints[24] * (1, 1, 0)
        about = ball if contact == "toes" else heel
        lever = _about(np.array([1.0, 0.0, 0.0]), self._foot_pitch(contact)) @ (about - ankle)
        return float(about[2] - lever[2])

    def _contacts(self, rotations: Float64, pose: Pose, shift: Float64) -> None:
        """Bring feet and hands to the ground."""
        transforms = self.body.transforms(self.subject.pivots, rotations, shift)
        if pose.hands[0] in _GRASPS:
            self._grasp(rotations, transforms, pose.hands[0])
        if pose.base in ("air", "hang"):
            return
        for side, contact in zip("LR", pose.feet, strict=True):
            if contact != "free":
                self._plant_foot(rotations, transforms, side, contact)
            elif pose.base == "feet":
                self._lift_foot(rotations, transforms, side)
        if "floor" in pose.hands:
            ground = 0.0 if pose.base in ("feet", "seat") else self._lowest(transforms)
            for side, hand in zip("LR", pose.hands, strict=True):
                if hand == "floor":
                    self._plant_hand(rotations, transforms, side, ground)

    def _lowest(self, transforms: Float64) -> float:
        vertices = self.body.skin(self.subject.rest.vertices, transforms)
        return float(vertices[self.body.skin_vertices, 2].min())

    def _plant_foot(
        self, rotations: Float64, transforms: Float64, side: str, contact: FootContact
    ) -> None:
        index, limb = self.body.index, self._legs[side]
        hip = self._joint(transforms, limb.bones[0])
        knee = self._joint(transforms, limb.bones[1])
        ankle = self._joint(transforms, limb.bones[2])
        target = np.array([ankle[0], ankle[1], self._foot_height(contact, side)])
        pole = knee - (hip + ankle) / 2
        hinge = transforms[index[limb.bones[1]], :, :3] @ limb.hinge
        if np.linalg.norm(pole) < 0.02:
            pole = np.cross(target - hip, hinge)
        bones = two_bone(target - hip, limb.lengths, pole)
        self._set_limb(rotations, limb, bones)
        ahead = np.cross(bones[:, 2], [0.0, 0.0, 1.0])
        yaw = np.degrees(np.arctan2(ahead[0], -ahead[1]))
        pitch = self._foot_pitch(contact)
        flat = Rotation.from_euler("xz", [pitch, yaw], degrees=True).as_matrix()
        shank = self._world(rotations, f"lowerleg02.{side}")
        rotations[index[f"foot.{side}"]] = shank.T @ flat
        if contact == "toes":
            for toe in range(1, 6):
                rotations[index[f"toe{toe}-1.{side}"]] = _about(np.array([1.0, 0, 0]), -pitch)

    def _lift_foot(self, rotations: Float64, transforms: Float64, side: str) -> None:
        """Bend a leg that carries nothing where its foot would reach into the ground."""
        index, limb = self.body.index, self._legs[side]
        soles = self._soles[side]
        points = self.body.skin(
            self.subject.rest.vertices[soles], transforms, self.body.weights[soles]
        )
        deep = _CLEAR * self._scale - float(points[:, 2].min())
        if deep <= 0:
            return
        hip = self._joint(transforms, limb.bones[0])
        knee = self._joint(transforms, limb.bones[1])
        ankle = self._joint(transforms, limb.bones[2])
        pole = knee - (hip + ankle) / 2
        if np.linalg.norm(pole) < 0.02:
            hinge = transforms[index[limb.bones[1]], :, :3] @ limb.hinge
            pole = np.cross(ankle - hip, hinge)
        foot = self._world(rotations, f"foot.{side}")
        target = ankle + np.array([0.0, 0.0, deep]) - hip
        self._set_limb(rotations, limb, two_bone(target, limb.lengths, pole))
        # The foot keeps its direction, so that it clears the ground by what it was raised.
        rotations[index[limb.bones[2]]] = self._world(rotations, f"lowerleg02.{side}").T @ foot

    def _plant_hand(
        self, rotations: Float64, transforms: Float64, side: str, ground: float
    ) -> None:
        limb = self._arms[side]
        shoulder = self._joint(transforms, limb.bones[0])
        wrist = self._joint(transforms, limb.bones[2])
        target = np.array([wrist[0], wrist[1], ground + _PALM * self._scale])
        if np.linalg.norm(target - shoulder) > _ALMOST * sum(limb.lengths):
            return
        self._reach(rotations, transforms, side, target)
        # Fingers point up the trunk of a prone body and to the back of one upside down.
        ahead = self._world(rotations, "spine01") @ np.array([0.0, 1.0, 1.0]) * (1, 1, 0)
        if np.linalg.norm(ahead) < 0.2:
            ahead = self._world(rotations, "root") @ np.array([0.0, -1.0, 0.0]) * (1, 1, 0)
        ahead = _unit(ahead)
        inward = np.cross([0.0, 0.0, 1.0], ahead) * _SIGN[side]
        self._turn_hand(rotations, side, ahead, inward)

    def _turn_hand(self, rotations: Float64, side: str, fingers: Float64, thumb: Float64) -> None:
        """Turn a hand in the world: where the fingers point, and the thumb's side."""
        index, pivots = self.body.index, self.subject.pivots
        wrist = pivots[index[f"wrist.{side}"]]
        along = _unit(pivots[index[f"finger3-1.{side}"]] - wrist)
        knuckles = pivots[index[f"finger2-1.{side}"]] - pivots[index[f"finger5-1.{side}"]]
        hand = _frame(fingers, thumb) @ _frame(along, _across(knuckles, along)).T
        rotations[index[f"wrist.{side}"]] = self._world(rotations, f"lowerarm02.{side}").T @ hand

    def _reach(
        self,
        rotations: Float64,
        transforms: Float64,
        side: str,
        target: Float64,
        pole: Float64 | None = None,
    ) -> Float64:
        """Bring a wrist to a point (3,) m; return the direction of the forearm."""
        limb = self._arms[side]
        at = [self._joint(transforms, bone) for bone in limb.bones]
        if pole is None:
            pole = at[1] - (at[0] + at[2]) / 2
            if np.linalg.norm(pole) < 0.02:
                hinge = transforms[self.body.index[limb.bones[1]], :, :3] @ limb.hinge
                pole = np.cross(target - at[0], hinge)
        bones = two_bone(target - at[0], limb.lengths, pole)
        self._set_limb(rotations, limb, bones)
        return np.asarray(bones[:, 1])

    def _grasp(self, rotations: Float64, transforms: Float64, hold: HandContact) -> None:
        """Bring both hands to what they hold together."""
        if hold == "together":
            self._grasp_handle(rotations, transforms)
            return
        thorax = transforms[self.body.index["spine01"], :, :3]
        wrists = {side: self._joint(transforms, f"wrist.{side}") for side in "LR"}
        across = thorax[:, 0]
        half = max(0.12, float(np.linalg.norm(wrists["L"] - wrists["R"])) / 2)
        middle = (wrists["L"] + wrists["R"]) / 2
        pole = None
        if hold == "shoulders":
            neck = self._joint(transforms, "neck01")
            middle = neck + thorax @ (_BAR_ON_BACK + _FIST) * self._scale
            half = 0.37 * self._scale
        elif np.linalg.norm(across[:2]) > 0.6:
            across = _unit(across * (1, 1, 0))
        if hold == "box":
            middle = middle + self._past_knees(transforms, middle)
        for side, sign in _SIGN.items():
            if hold == "shoulders":
                pole = thorax @ np.array([sign * 0.3, 0.5, -1.0])
            forearm = self._reach(rotations, transforms, side, middle + sign * half * across, pole)
            if hold == "shoulders":
                forearm = _unit(forearm + thorax @ np.array([0.0, 0.2, 1.0]))
            thumb = -sign * across
            if hold == "box":
                thumb = thorax @ np.array([0.0, -0.7, 0.7])
            elif abs(float(forearm @ thumb)) < 0.8:
                forearm = _across(forearm, thumb)
            self._turn_hand(rotations, side, forearm, thumb)

    def _past_knees(self, transforms: Float64, middle: Float64) -> Float64:
        """Return the shift (3,) m that brings low hands ahead of the knees and the shins."""
        ahead = _unit(-transforms[self.body.index["root"], :, 1] * (1, 1, 0))
        knees = [self._joint(transforms, f"lowerleg01.{side}") for side in "LR"]
        front = max(float(knee @ ahead) for knee in knees) + _BEFORE_KNEES * self._scale
        high = max(float(knee[2]) for knee in knees)
        share = np.clip((high + 0.35 - middle[2]) / 0.25, 0.0, 1.0)
        return np.asarray(ahead * share * max(0.0, front - float(middle @ ahead)))

    def _grasp_handle(self, rotations: Float64, transforms: Float64) -> None:
        """Bring both fists together, one over the other along a handle."""
        index = self.body.index
        wrists = {side: self._joint(transforms, f"wrist.{side}") for side in "LR"}
        knuckles = self._joint(transforms, "finger2-1.R") - self._joint(transforms, "finger5-1.R")
        handle = _unit(knuckles)
        chest = -transforms[index["spine01"], :, 1]
        middle = (wrists["L"] + wrists["R"]) / 2 + 0.04 * self._scale * chest
        for side, sign in _SIGN.items():
            target = middle - sign * 0.045 * self._scale * handle
            forearm = self._reach(rotations, transforms, side, target)
            if abs(float(forearm @ handle)) < 0.9:
                forearm = _across(forearm, handle)
            self._turn_hand(rotations, side, forearm, handle)


def two_bone(reach: Float64, lengths: tuple[float, float], pole: Float64) -> Float64:
    """Return the directions of two bones that together reach a point.

    Parameters
    ----------
    reach
        (3,) m, from the first joint to the wanted place of the last; beyond the limb's length it
        is shortened.
    lengths
        Of the two bones, m.
    pole
        (3,) the side to which the middle joint points.

    Returns
    -------
    bones : (3, 3)
        Columns: unit vectors of the upper bone, the lower bone and the hinge about which the
        lower one turned away from the upper.
    """
    first, second = lengths
    distance = float(np.linalg.norm(reach))
    length = float(np.clip(distance, abs(first - second) + 1e-3, (first + second) * 0.9995))
    ahead = reach / max(distance, 1e-9)
    aside = pole - ahead * (pole @ ahead)
    size = np.linalg.norm(aside)
    aside = aside / size if size > 1e-6 else _across(np.array([0.0, -1.0, 0.3]), ahead)
    cosine = (first**2 + length**2 - second**2) / (2 * first * length)
    sine = np.sqrt(max(0.0, 1 - cosine**2))
    upper = cosine * ahead + sine * aside
    lower = _unit(ahead * length - first * upper)
    return np.stack([upper, lower, np.cross(aside, ahead)], axis=1)


def _turn(angles: Vector | Float64) -> Float64:
    """Return the matrix of flexion, lateral bending and twist in degrees."""
    return np.asarray(Rotation.from_euler("xyz", angles, degrees=True).as_matrix())


def _about(axis: Float64, angle: float) -> Float64:
    return np.asarray(Rotation.from_rotvec(np.radians(angle) * axis).as_matrix())


def _aim(start: Float64, end: Float64) -> Float64:
    """Return the smallest turn (3, 3) from one unit vector to another."""
    axis = np.cross(start, end)
    sine, cosine = float(np.linalg.norm(axis)), float(start @ end)
    if sine < 1e-8:
        return np.eye(3) if cosine > 0 else np.diag([1.0, -1.0, -1.0])
    return _about(axis / sine, float(np.degrees(np.arctan2(sine, cosine))))


def _frame(along: Float64, hinge: Float64) -> Float64:
    """Return the matrix whose columns are a bone, its hinge made square to it, and the third."""
    across = _across(hinge, along)
    return np.stack([along, across, np.cross(along, across)], axis=1)


def _across(vector: Float64, along: Float64) -> Float64:
    return _unit(vector - along * (vector @ along))


def _unit(vector: Float64) -> Float64:
    return np.asarray(vector / np.linalg.norm(vector))
