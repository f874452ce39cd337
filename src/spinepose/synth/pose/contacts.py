"""Inverse kinematics: feet and hands reach what they touch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from spinepose.synth.anatomy import Subject
from spinepose.synth.body.model import Body
from spinepose.synth.pose.curvature import Curvature
from spinepose.synth.pose.frames import SIGN, about, across, frame, two_bone, unit
from spinepose.synth.pose.pose import FootContact, HandContact, Pose
from spinepose.synth.pose.rig import Rig

__all__ = ["Contacts"]

Float64 = npt.NDArray[np.float64]

_HEEL_RAISE, _TOE_RAISE = 38.0, 22.0
"""Pitch of a foot that stands on its toes or its heel, degrees."""

_PALM = 0.030
"""Height of the wrist over the floor when the palm lies on it, m at a stature of 1.75 m."""


_ALMOST = 1.03
"""A hand reaches for the ground when it is not farther than this share of the arm's length."""

_GRASPS = ("bar", "shoulders", "box", "together")
_BAR_ON_BACK = np.array([0.0, 0.075, -0.03])
"""m from the joint at C7 to a bar on the shoulders, in the frame of the thorax."""
_FIST = np.array([0.0, -0.02, -0.085])
"""m from a bar on the shoulders to the wrists under it."""

_BEFORE_KNEES = 0.24
"""m from the knees to hands that hold a box before them."""

_CLEAR = 0.012
"""m: height at which a foot that carries nothing passes over the ground."""


class Contacts(Rig):
    """A rig whose feet and hands can be brought to the ground, to bars and boxes."""

    def __init__(self, body: Body, subject: Subject, curvature: Curvature) -> None:
        super().__init__(body, subject, curvature)
        skin = subject.rest.vertices[body.skin_vertices]
        low = skin[:, 2] < skin[:, 2].min() + 0.035 * subject.rest.stature
        self._soles = {
            side: body.skin_vertices[low & (sign * skin[:, 0] > 0)][::3]
            for side, sign in SIGN.items()
        }

    def _foot_pitch(self, contact: FootContact) -> float:
        return {"toes": _HEEL_RAISE, "heel": -_TOE_RAISE}.get(contact, 0.0)

    def _foot_height(self, contact: FootContact, side: str = "L") -> float:
        """Return the height of the ankle over the ground that a contact asks for, m."""
        pivots, index = self.subject.pivots, self.body.index
        ankle = pivots[index[f"foot.{side}"]]
        ball = pivots[index[f"toe2-1.{side}"]]
        heel = self.subject.keypoints[24] * (1, 1, 0)
        pivot = ball if contact == "toes" else heel
        lever = about(np.array([1.0, 0.0, 0.0]), self._foot_pitch(contact)) @ (pivot - ankle)
        return float(pivot[2] - lever[2])

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
                rotations[index[f"toe{toe}-1.{side}"]] = about(np.array([1.0, 0, 0]), -pitch)

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
        ahead = unit(ahead)
        inward = np.cross([0.0, 0.0, 1.0], ahead) * SIGN[side]
        self._turn_hand(rotations, side, ahead, inward)

    def _turn_hand(self, rotations: Float64, side: str, fingers: Float64, thumb: Float64) -> None:
        """Turn a hand in the world: where the fingers point, and the thumb's side."""
        index, pivots = self.body.index, self.subject.pivots
        wrist = pivots[index[f"wrist.{side}"]]
        along = unit(pivots[index[f"finger3-1.{side}"]] - wrist)
        knuckles = pivots[index[f"finger2-1.{side}"]] - pivots[index[f"finger5-1.{side}"]]
        hand = frame(fingers, thumb) @ frame(along, across(knuckles, along)).T
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
        sideways = thorax[:, 0]
        half = max(0.12, float(np.linalg.norm(wrists["L"] - wrists["R"])) / 2)
        middle = (wrists["L"] + wrists["R"]) / 2
        pole = None
        if hold == "shoulders":
            neck = self._joint(transforms, "neck01")
            middle = neck + thorax @ (_BAR_ON_BACK + _FIST) * self._scale
            half = 0.37 * self._scale
        elif np.linalg.norm(sideways[:2]) > 0.6:
            sideways = unit(sideways * (1, 1, 0))
        if hold == "box":
            middle = middle + self._past_knees(transforms, middle)
        for side, sign in SIGN.items():
            if hold == "shoulders":
                pole = thorax @ np.array([sign * 0.3, 0.5, -1.0])
            forearm = self._reach(
                rotations, transforms, side, middle + sign * half * sideways, pole
            )
            if hold == "shoulders":
                forearm = unit(forearm + thorax @ np.array([0.0, 0.2, 1.0]))
            thumb = -sign * sideways
            if hold == "box":
                thumb = thorax @ np.array([0.0, -0.7, 0.7])
            elif abs(float(forearm @ thumb)) < 0.8:
                forearm = across(forearm, thumb)
            self._turn_hand(rotations, side, forearm, thumb)

    def _past_knees(self, transforms: Float64, middle: Float64) -> Float64:
        """Return the shift (3,) m that brings low hands ahead of the knees and the shins."""
        ahead = unit(-transforms[self.body.index["root"], :, 1] * (1, 1, 0))
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
        handle = unit(knuckles)
        chest = -transforms[index["spine01"], :, 1]
        middle = (wrists["L"] + wrists["R"]) / 2 + 0.04 * self._scale * chest
        for side, sign in SIGN.items():
            target = middle - sign * 0.045 * self._scale * handle
            forearm = self._reach(rotations, transforms, side, target)
            if abs(float(forearm @ handle)) < 0.9:
                forearm = across(forearm, handle)
            self._turn_hand(rotations, side, forearm, handle)
