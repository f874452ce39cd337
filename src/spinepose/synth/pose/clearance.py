"""Keep limbs out of the trunk, the head and each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from spinepose.synth.body.model import Body
from spinepose.synth.mesh import vertex_normals
from spinepose.synth.pose.pose import Arm, Leg, Pose
from spinepose.synth.pose.solve import Posed, Poser

__all__ = ["Clearance"]

Float64 = npt.NDArray[np.float64]

_ARM = ("lowerarm", "wrist", "metacarpal", "finger")
_LEG = ("lowerleg", "foot", "toe", "upperleg02")
_TRUNK = ("root", "pelvis", "spine", "neck", "head", "clavicle", "shoulder", "upperleg")
_TORSO = ("spine02", "spine01", "neck01", "neck02", "neck03", "head", "breast.L", "breast.R")
_THIGH = "upperleg02"
_TOUCH = 0.012
"""Skin that sinks into skin this far is touch, not penetration, m."""
_FOLD = 0.03
"""The belly and the breast give way to the thighs this far, m."""
_ATTEMPTS = 5


class Clearance:
    """Finds and removes penetrations of a body's limbs.

    Some vertices of each forearm and shank are compared with the nearest skin of the other parts:
    one that lies behind the tangent plane there is inside.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        parts = np.array(_part_of(body))
        owner = np.array(body.weights.argmax(axis=1), dtype=np.intp).reshape(-1)
        bones = np.array(list(body.index))[owner]
        skin = np.zeros(len(owner), bool)
        skin[body.skin_vertices] = True
        part = np.where(skin, parts[owner], "")
        self._limbs = {name: np.flatnonzero(part == name)[::5] for name in _NAMES}
        self._others = {
            "arm.L": np.flatnonzero(np.isin(part, ["trunk", "leg.L", "leg.R", "arm.R"]))[::2],
            "arm.R": np.flatnonzero(np.isin(part, ["trunk", "leg.L", "leg.R"]))[::2],
            "leg.L": np.flatnonzero(part == "leg.R")[::2],
            "torso": np.flatnonzero(skin & np.char.startswith(bones, _THIGH))[::2],
        }
        self._limbs["torso"] = np.flatnonzero(skin & np.isin(bones, _TORSO))[::6]

    def depths(self, posed: Posed) -> dict[str, float]:
        """Return how deep each limb is inside another part, m.

        Parts are ``arm.L``, ``arm.R``, ``leg.L``, and ``torso``: chest and head in the thighs.
        """
        normals = vertex_normals(posed.vertices, self._body.skin_faces)
        result = {}
        for limb, others in self._others.items():
            points = posed.vertices[self._limbs[limb]]
            away, nearest = cKDTree(posed.vertices[others]).query(points, distance_upper_bound=0.10)
            near = np.isfinite(away)
            if not near.any():
                result[limb] = 0.0
                continue
            at = others[np.asarray(nearest)[near]]
            out = np.einsum("pi,pi->p", points[near] - posed.vertices[at], normals[at])
            result[limb] = float(max(0.0, -out.min()))
        return result

    def pose(self, poser: Poser, pose: Pose) -> tuple[Posed, float]:
        """Return a subject in a pose, its limbs moved out of the body where they were in it.

        Returns
        -------
        posed : Posed
            The subject.
        depth : float
            What penetration is left, m.
        """
        posed = poser.pose(pose)
        depths = self.depths(posed)
        for attempt in range(_ATTEMPTS):
            if _free(depths):
                break
            pose = _apart(pose, depths, attempt)
            posed = poser.pose(pose)
            depths = self.depths(posed)
        return posed, max(depths.values())


_NAMES = ("arm.L", "arm.R", "leg.L", "leg.R", "trunk")


def _part_of(body: Body) -> list[str]:
    """Return the part of the body that each bone belongs to; some belong to none."""
    parts = []
    for bone in body.index:
        side = bone[-2:]
        if bone.startswith(_ARM):
            parts.append(f"arm{side}")
        elif bone.startswith(_LEG):
            parts.append(f"leg{side}")
        else:
            parts.append("trunk" if bone.startswith(_TRUNK) else "")
    return parts


def _free(depths: dict[str, float]) -> bool:
    """Return whether nothing is deeper than a touch or a fold of soft skin."""
    return all(depth <= (_FOLD if part == "torso" else _TOUCH) for part, depth in depths.items())


def _apart(pose: Pose, depths: dict[str, float], attempt: int) -> Pose:
    """Return the pose with the penetrating limbs opened a little."""

    def arm(limb: Arm) -> Arm:
        out, forward, up = np.array(limb.direction) / np.linalg.norm(limb.direction)
        return replace(
            limb,
            direction=(float(out + 0.16), float(forward + 0.07), float(up)),
            elbow=limb.elbow - 9 if attempt % 2 else limb.elbow,
            roll=limb.roll - 7,
        )

    def leg(limb: Leg) -> Leg:
        return replace(limb, abduction=limb.abduction + 5, rotation=limb.rotation + 2)

    if depths["torso"] > _FOLD:
        flexion, lateral, twist = pose.trunk
        pose = replace(
            pose,
            trunk=(flexion - 4, lateral, twist),
            left_leg=replace(leg(pose.left_leg), flexion=pose.left_leg.flexion - 3),
            right_leg=replace(leg(pose.right_leg), flexion=pose.right_leg.flexion - 3),
        )

    if depths["arm.L"] > _TOUCH:
        pose = replace(pose, left_arm=arm(pose.left_arm))
    if depths["arm.R"] > _TOUCH:
        pose = replace(pose, right_arm=arm(pose.right_arm))
    if depths["leg.L"] > _TOUCH:
        pose = replace(pose, left_leg=leg(pose.left_leg), right_leg=leg(pose.right_leg))
    return pose
