"""Who is in a recording: its joints by their role, the rest pose, and vectors of all frames."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.errors import InputError
from spinepose.synth.mocap import Recording

__all__ = [
    "SIDES",
    "Figure",
    "angle_about",
    "dots",
    "figure_of",
    "foot_of",
    "frames",
    "inside",
    "square_to",
    "units",
    "within",
    "wrapped",
]

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.intp]
Joints = Mapping[str, int]

SIDES = {"left": 1.0, "right": -1.0}

_NAMES = {
    "thigh": ("femur", "upleg", "upperleg", "thigh", "hip"),
    "shank": ("tibia", "leg", "lowleg", "lowerleg", "shin", "calf", "knee"),
    "foot": ("foot", "ankle"),
    "toes": ("toes", "toebase", "toe", "ball"),
    "upper_arm": ("humerus", "arm", "uparm", "upperarm", "shoulder"),
    "forearm": ("radius", "forearm", "lowarm", "lowerarm", "elbow"),
    "hand": ("hand", "wrist"),
}
"""Names of limb joints without side and prefix, the likeliest first."""

_OPTIONAL = ("toes",)

_PREFIX = re.compile(r"^(.*:|mixamorig\d*|bip0*1|character\d*|skeleton)[_ ]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figure:
    """A recording with its joints known.

    Attributes
    ----------
    joints
        Index of each joint by role: ``left_thigh``, ``head``, ``thorax``, ``pelvis`` ...
    positions
        (T, J, 3) m.
    turns
        (T, J, 3, 3) of the bones against the rest pose, that one facing -y: columns are the
        bone's left, back and up.
    rest
        (J, 3) m, the joints in the rest pose, facing -y; the first is at the origin.
    fps
        Frames a second.
    """

    joints: Joints
    positions: Float64
    turns: Float64
    rest: Float64
    fps: float

    def place(self, joint: str) -> Float64:
        """Return where a joint is, (T, 3) m."""
        return self.positions[:, self.joints[joint]]

    def turn(self, joint: str) -> Float64:
        """Return how a bone is turned against the person's rest, (T, 3, 3)."""
        return self.turns[:, self.joints[joint]]

    def way(self, start: str, end: str) -> Float64:
        """Return the direction from one joint to another, (T, 3)."""
        return units(self.place(end) - self.place(start))

    def rest_way(self, start: str, end: str) -> Float64:
        """Return the direction from one joint to another in the rest pose, (3,)."""
        return units(self.rest[self.joints[end]] - self.rest[self.joints[start]])

    @property
    def leg(self) -> float:
        """Length of the legs from hip to ankle, m."""
        chains = [(f"{side}_{part}" for part in ("thigh", "shank", "foot")) for side in SIDES]
        points = [self.rest[[self.joints[joint] for joint in chain]] for chain in chains]
        steps = np.diff(np.stack(points), axis=1)
        return float(np.linalg.norm(steps, axis=2).sum(axis=1).mean())


def figure_of(recording: Recording, source: str) -> Figure:
    """Return a recording with its joints found and its rest pose facing -y."""
    joints = _joints(recording.joints, recording.parents, source)
    positions = np.asarray(recording.positions, np.float64)
    rotations = np.asarray(recording.rotations, np.float64)
    rest = _rest(positions, rotations, np.asarray(recording.parents))
    frame = _facing(rest, joints, source)
    return Figure(joints, positions, rotations @ frame, rest @ frame, float(recording.fps))


def _joints(
    names: Sequence[str], parents: Sequence[int] | npt.NDArray[np.integer], source: str
) -> dict[str, int]:
    """Return the index of each joint by role."""
    plain = [re.sub(r"[^a-z0-9]", "", _PREFIX.sub("", name).lower()) for name in names]
    found = {}
    for side in SIDES:
        for role, words in _NAMES.items():
            at = _limb_joint(plain, side, words)
            if at is not None:
                found[f"{side}_{role}"] = at
    if "head" in plain:
        found["head"] = plain.index("head")
    wanted = [f"{side}_{role}" for side in SIDES for role in _NAMES if role not in _OPTIONAL]
    missing = [role for role in [*wanted, "head"] if role not in found]
    if missing:
        lacking = ", ".join(role.replace("_", " ") for role in missing)
        known = ", ".join(names[:40])
        raise InputError(
            f"{source}: no joint found for {lacking}; a person's motion needs them. "
            f"The joints are: {known}"
        )
    found["pelvis"] = _fork(found["left_thigh"], found["right_thigh"], parents)
    found["thorax"] = _fork(found["left_upper_arm"], found["right_upper_arm"], parents)
    return found


def _limb_joint(plain: Sequence[str], side: str, words: Sequence[str]) -> int | None:
    """Return the first joint of one side that bears the likeliest of some words."""
    for word in words:
        for spelling in (f"{side}{word}", f"{side[0]}{word}", f"{word}{side}", f"{word}{side[0]}"):
            if spelling in plain:
                return plain.index(spelling)
    return None


def _fork(left: int, right: int, parents: Sequence[int] | npt.NDArray[np.integer]) -> int:
    """Return the joint from which two joints branch off."""
    line = set()
    while left >= 0:
        line.add(left)
        left = int(parents[left])
    while right >= 0 and right not in line:
        right = int(parents[right])
    return max(right, 0)


def _rest(positions: Float64, rotations: Float64, parents: npt.NDArray[np.integer]) -> Float64:
    """Return the joints (J, 3) m in the rest pose, from how they lie on their parents' bones."""
    rest = np.zeros(positions.shape[1:])
    for joint, parent in enumerate(parents):
        if parent >= 0:
            step = positions[:, joint] - positions[:, parent]
            local = np.einsum("tji,tj->ti", rotations[:, parent], step)
            rest[joint] = rest[parent] + np.median(local, axis=0)
    return rest


def _facing(rest: Float64, joints: Joints, source: str) -> Float64:
    """Return the frame (3, 3) of the rest pose: columns left, back, up of a person who stands."""

    def middle(role: str) -> Float64:
        return np.asarray((rest[joints[f"left_{role}"]] + rest[joints[f"right_{role}"]]) / 2)

    def across(role: str) -> Float64:
        return np.asarray(rest[joints[f"left_{role}"]] - rest[joints[f"right_{role}"]])

    up = np.array([0.0, 0.0, 1.0])
    spine = rest[joints["head"]] - middle("thigh")
    legs = middle("thigh") - middle("foot")
    if units(spine) @ up < 0.85:  # a file with another idea of where up is
        up = units(spine)
    left = across("thigh") + across("upper_arm")
    left = left - up * (left @ up)
    if units(spine) @ units(legs) < 0.8 or np.linalg.norm(left) < 0.1 * np.linalg.norm(spine):
        raise InputError(
            f"{source}: nobody stands upright in its rest pose (the legs hang not below the "
            f"spine), so its angles have no zero; export it with a T-pose at rest"
        )
    left = units(left)
    return np.stack([left, np.cross(up, left), up], axis=1)


# -- trunk ----------------------------------------------------------------------------------------


def foot_of(figure: Figure, side: str) -> tuple[Float64, Float64]:
    """Return the direction of a foot, (T, 3), and at rest, (3,): to the toes if they are known."""
    if f"{side}_toes" in figure.joints:
        ends = (f"{side}_foot", f"{side}_toes")
        return figure.way(*ends), figure.rest_way(*ends)
    ahead = np.array([0.0, -1.0, 0.0])
    return figure.turn(f"{side}_foot") @ ahead, ahead


def within(outer: Float64, inner: Float64) -> Float64:
    """Return turns (T, 3, 3) seen from other turned frames."""
    return np.asarray(np.swapaxes(outer, -1, -2) @ inner)


def inside(frame: Float64, vectors: Float64) -> Float64:
    """Return vectors (T, 3) of the world in turned frames (T, 3, 3)."""
    return np.asarray(np.einsum("tji,tj->ti", frame, vectors))


def angle_about(start: Float64, end: Float64, axis: Float64) -> Float64:
    """Return the turn about axes (T, 3) that brings vectors to others, radians."""
    return np.arctan2(dots(np.cross(start, end), axis), dots(start, end))


def wrapped(degrees: Float64, middle: float) -> Float64:
    """Return angles within half a turn of one."""
    return (degrees - middle + 180.0) % 360.0 - 180.0 + middle


def frames(along: Float64, hinge: Float64) -> Float64:
    """Return matrices whose columns are a bone, its hinge made square to it, and the third."""
    across = square_to(hinge, along)
    return np.stack([along, across, np.cross(along, across)], axis=-1)


def square_to(vector: Float64, along: Float64) -> Float64:
    """Return unit vectors square to others."""
    return units(vector - along * dots(vector, along)[..., None])


def dots(first: Float64, second: Float64) -> Float64:
    """Return the inner products (...) of vectors (..., 3)."""
    return np.asarray((first * second).sum(axis=-1))


def units(vector: Float64) -> Float64:
    """Return vectors (..., 3) at length 1."""
    size = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.maximum(size, 1e-12))
