"""From a pose to a posed body: kinematics, balance, rest on the ground, skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from spinepose.synth.anatomy import Subject
from spinepose.synth.body.model import Body
from spinepose.synth.pose.balance import Masses, support_point
from spinepose.synth.pose.contacts import Contacts
from spinepose.synth.pose.curvature import Curvature
from spinepose.synth.pose.pose import Pose
from spinepose.synth.pose.settle import settling_turn

__all__ = ["Posed", "Poser"]

Float64 = npt.NDArray[np.float64]

_BALANCE_STEPS, _IN_BALANCE, _MOST_INCLINED = 4, 0.012, 0.6
"""Steps, tolerance in m and largest turn in radians of the legs that bring a body into balance."""

_NEAR_GROUND, _MOST_TOPPLED = 0.06, 0.5
"""m over the lowest point: what carries an inverted body; largest turn of it in radians."""


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


class Poser(Contacts):
    """Poses one subject."""

    def __init__(self, body: Body, subject: Subject, curvature: Curvature) -> None:
        super().__init__(body, subject, curvature)
        self._some_weights = body.weights[body.skin_vertices[::4]]
        self._masses = Masses(body, subject)

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
