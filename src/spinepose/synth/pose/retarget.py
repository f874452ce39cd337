"""Recorded motion as joint angles: the inverse of :mod:`spinepose.synth.pose.solve`.

A recording says where joints are and how its bones are turned against the file's rest pose. Only
directions are taken over, never lengths, so that any body can repeat what one person did:

- pelvis, thorax and head: their turn against a rest pose in which the person stands upright;
- thigh, shank, upper arm, forearm and foot: the direction from joint to joint;
- the hinge of a knee or an elbow: from the plane of the two bones while it is bent, from the turn
  of the upper bone while it is straight and has no plane.

What touches the ground is read off heights and speeds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_opening, grey_opening, median_filter
from scipy.spatial.transform import Rotation

from spinepose.errors import InputError
from spinepose.synth.mocap import Recording, read_motion
from spinepose.synth.pose.activities import Motion
from spinepose.synth.pose.pose import (
    Arm,
    Base,
    FootContact,
    HandContact,
    Leg,
    Pose,
    Vector,
    limited,
)
from spinepose.synth.pose.rig import (
    FLEXION_SHARES,
    LATERAL_SHARES,
    NECK_SHARES,
    TWIST_SHARES,
)

__all__ = ["poses_of", "recorded_motion"]

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.intp]
Joints = Mapping[str, int]

_SIDES = {"left": 1.0, "right": -1.0}

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

_NOMINAL_LEG = 0.90
"""m, hip to ankle at a stature of 1.75 m (Drillis and Contini 1966, .491 of the stature): heights
over the ground are told for such a leg."""

_BENT = (np.radians(8.0), np.radians(25.0))
"""Angle between two bones from which on, and above which alone, their plane gives the hinge."""

_STILL, _STAND = 0.3, 0.1
"""m/s and s: a foot that is slower for longer stands. At the top of a jump it is slower than
that for .06 s (free fall)."""

_SUPPORT_WINDOW = 1.5
"""s: where no foot ever stands, what is left for less than this time is the ground."""

_LOW, _SLOW = 0.045, 0.6
"""m and m/s for a leg of `_NOMINAL_LEG`: a foot lower and slower than this carries weight."""

_BLIP = 0.05
"""s: a contact, or its absence, as short as this is noise."""

_TOES_FROM, _HEEL_FROM = 19.0, -14.0
"""Pitch of the sole, degrees: half of that of a foot that stands on its toes or its heel."""

_SITTING = 0.25
"""Height of the hips over the ground, in leg lengths, below which a person sits or lies."""

_RADII = {"hips": 0.09, "knees": 0.05, "elbows": 0.04, "wrists": 0.05, "head": 0.10}
"""m: from a joint to the skin, for a leg of `_NOMINAL_LEG`."""

_JUMP = 40.0
"""Degrees: angles further apart than this in neighbouring frames are not mixed."""

_FEET: tuple[FootContact, ...] = ("free", "flat", "toes", "heel")
_FREE, _FLAT, _TOES, _HEEL = range(4)
_BASES: tuple[Base, ...] = ("feet", "air", "floor")
_ON_FEET, _IN_AIR, _ON_FLOOR = range(3)


def poses_of(recording: Recording) -> list[Pose]:
    """Return the pose of each frame of a recording.

    Angles are as recorded: see :func:`spinepose.synth.pose.pose.limited`.

    Parameters
    ----------
    recording
        Of one person; in its rest pose that person stands upright, arms anywhere.

    Raises
    ------
    InputError
        When a joint is missing that a pose needs, or nobody stands in the rest pose.
    """
    track = _measured(recording, "the recording")
    return [track.pose(frame) for frame in range(len(track.pelvis))]


def recorded_motion(
    path: str | Path, rng: np.random.Generator, *, name: str | None = None
) -> Motion:
    """Return a random stretch of 1 to 4 s of a recorded motion.

    The person faces -y in the middle of the stretch. Angles are kept inside the joints' limits.

    Parameters
    ----------
    path
        An ASF/AMC or BVH file.
    rng
        Draws where the stretch begins and how long it is.
    name
        Of the activity; the file's stem by default.

    Raises
    ------
    InputError
        When the file cannot be read, or lacks joints that a pose needs.
    """
    path = Path(path)
    track = _read(path.resolve(), path.stat().st_mtime_ns if path.exists() else 0)
    whole = (len(track.pelvis) - 1) / track.fps
    seconds = min(whole, float(rng.uniform(1.0, 4.0)))
    start = float(rng.uniform(0.0, whole - seconds))
    heading = track.heading(start + seconds / 2)

    def at(phase: float) -> Pose:
        pose = track.between(start + seconds * min(1.0, max(0.0, phase)), heading)
        return limited(pose)

    return Motion(name or path.stem, at, max(seconds, 1.0 / track.fps))


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> _Track:
    """Return a file's motion; kept, for many stretches come from one file."""
    return _measured(read_motion(path), str(path))


# -- what is kept of a recording ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Track:
    """The angles of every frame, in the order and the terms of `Pose`.

    Attributes
    ----------
    fps
        Frames a second.
    pelvis, trunk, neck
        (T, 3) degrees.
    legs
        (2, T, 5) degrees, left and right, in the order of `Leg`.
    directions
        (2, T, 3) of the upper arms: outward, forward, up.
    arms
        (2, T, 3) degrees: roll, elbow, wrist.
    feet, hands
        (2, T) index into `_FEET`; 1 where a hand lies on the floor.
    base
        (T,) index into `_BASES`.
    lift
        (T,) m.
    """

    fps: float
    pelvis: Float64
    trunk: Float64
    neck: Float64
    legs: Float64
    directions: Float64
    arms: Float64
    feet: Int
    hands: Int
    base: Int
    lift: Float64

    def pose(self, frame: int) -> Pose:
        """Return the pose of one frame."""
        return self._pose(frame, frame, 0.0, 0.0)

    def heading(self, seconds: float) -> float:
        """Return the way the pelvis faces at a time, degrees to the left of -y."""
        frame = min(round(seconds * self.fps), len(self.pelvis) - 1)
        pitch, roll, yaw = self.pelvis[frame]
        turn = Rotation.from_euler("yxz", [roll, pitch, yaw], degrees=True).as_matrix()
        # Of somebody who lies, the way that the head or the feet point.
        ahead = -turn[:, 1] if abs(turn[2, 1]) < 0.9 else np.sign(turn[2, 1]) * turn[:, 2]
        return float(np.degrees(np.arctan2(ahead[0], -ahead[1])))

    def between(self, seconds: float, heading: float) -> Pose:
        """Return the pose at a time, the whole body turned back by a heading in degrees."""
        place = float(np.clip(seconds * self.fps, 0, len(self.pelvis) - 1))
        low = min(int(place), max(0, len(self.pelvis) - 2))
        return self._pose(low, min(low + 1, len(self.pelvis) - 1), place - low, heading)

    def _pose(self, low: int, high: int, part: float, heading: float) -> Pose:
        near = low if part < 0.5 else high

        def mixed(values: Float64) -> list[float]:
            step = (values[high] - values[low] + 180.0) % 360.0 - 180.0
            if np.abs(step).max() > _JUMP:  # an axis ran through its pole: no way between
                return [float(value) for value in values[near]]
            return [float(value) for value in values[low] + part * step]

        def three(values: Float64) -> Vector:
            first, second, third = mixed(values)
            return (first, second, third)

        def arm(side: int) -> Arm:
            way = (1 - part) * self.directions[side, low] + part * self.directions[side, high]
            roll, elbow, wrist = mixed(self.arms[side])
            return Arm((float(way[0]), float(way[1]), float(way[2])), roll, elbow, wrist)

        def hand(side: int) -> HandContact:
            return "floor" if self.hands[side, near] else "free"

        pitch, roll, yaw = three(self.pelvis)
        return Pose(
            pelvis=(pitch, roll, yaw - heading),
            trunk=three(self.trunk),
            neck=three(self.neck),
            left_leg=Leg(*mixed(self.legs[0])),
            right_leg=Leg(*mixed(self.legs[1])),
            left_arm=arm(0),
            right_arm=arm(1),
            feet=(_FEET[self.feet[0, near]], _FEET[self.feet[1, near]]),
            hands=(hand(0), hand(1)),
            base=_BASES[self.base[near]],
            lift=float((1 - part) * self.lift[low] + part * self.lift[high]),
        )


@dataclass(frozen=True, slots=True)
class _Figure:
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
        return _unit(self.place(end) - self.place(start))

    def rest_way(self, start: str, end: str) -> Float64:
        """Return the direction from one joint to another in the rest pose, (3,)."""
        return _unit(self.rest[self.joints[end]] - self.rest[self.joints[start]])

    @property
    def leg(self) -> float:
        """Length of the legs from hip to ankle, m."""
        chains = [(f"{side}_{part}" for part in ("thigh", "shank", "foot")) for side in _SIDES]
        points = [self.rest[[self.joints[joint] for joint in chain]] for chain in chains]
        steps = np.diff(np.stack(points), axis=1)
        return float(np.linalg.norm(steps, axis=2).sum(axis=1).mean())


def _measured(recording: Recording, source: str) -> _Track:
    """Return the angles and contacts of a recording; `source` names it in errors."""
    figure = _figure(recording, source)
    pelvis, thorax, head = (figure.turn(joint) for joint in ("pelvis", "thorax", "head"))
    legs = [_leg(figure, side, pelvis) for side in _SIDES]
    arms = [_arm(figure, side, thorax) for side in _SIDES]
    trunk_shares = np.array(
        [
            [FLEXION_SHARES[bone], LATERAL_SHARES[bone], TWIST_SHARES[bone]]
            for bone in FLEXION_SHARES
        ]
    )
    neck_shares = np.array(list(NECK_SHARES.values()))
    feet, hands, base, lift = _contacts(figure)
    return _Track(
        fps=figure.fps,
        pelvis=_pelvis_angles(pelvis),
        trunk=_column_angles(_within(pelvis, thorax), trunk_shares),
        neck=_column_angles(_within(thorax, head), neck_shares),
        legs=np.stack(legs),
        directions=np.stack([direction for direction, _ in arms]),
        arms=np.stack([angles for _, angles in arms]),
        feet=feet,
        hands=hands,
        base=base,
        lift=lift,
    )


# -- joints ---------------------------------------------------------------------------------------


def _figure(recording: Recording, source: str) -> _Figure:
    """Return a recording with its joints found and its rest pose facing -y."""
    joints = _joints(recording.joints, recording.parents, source)
    positions = np.asarray(recording.positions, np.float64)
    rotations = np.asarray(recording.rotations, np.float64)
    rest = _rest(positions, rotations, np.asarray(recording.parents))
    frame = _facing(rest, joints, source)
    return _Figure(joints, positions, rotations @ frame, rest @ frame, float(recording.fps))


def _joints(
    names: Sequence[str], parents: Sequence[int] | npt.NDArray[np.integer], source: str
) -> dict[str, int]:
    """Return the index of each joint by role."""
    plain = [re.sub(r"[^a-z0-9]", "", _PREFIX.sub("", name).lower()) for name in names]
    found = {}
    for side in _SIDES:
        for role, words in _NAMES.items():
            at = _limb_joint(plain, side, words)
            if at is not None:
                found[f"{side}_{role}"] = at
    if "head" in plain:
        found["head"] = plain.index("head")
    wanted = [f"{side}_{role}" for side in _SIDES for role in _NAMES if role not in _OPTIONAL]
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
    if _unit(spine) @ up < 0.85:  # a file with another idea of where up is
        up = _unit(spine)
    left = across("thigh") + across("upper_arm")
    left = left - up * (left @ up)
    if _unit(spine) @ _unit(legs) < 0.8 or np.linalg.norm(left) < 0.1 * np.linalg.norm(spine):
        raise InputError(
            f"{source}: nobody stands upright in its rest pose (the legs hang not below the "
            f"spine), so its angles have no zero; export it with a T-pose at rest"
        )
    left = _unit(left)
    return np.stack([left, np.cross(up, left), up], axis=1)


# -- trunk ----------------------------------------------------------------------------------------


def _pelvis_angles(turn: Float64) -> Float64:
    """Return pitch, roll and yaw (T, 3) in degrees of turns (T, 3, 3): first roll, then pitch."""
    pitch = np.arcsin(np.clip(turn[:, 2, 1], -1, 1))
    upright = np.cos(pitch) > 1e-4
    roll = np.where(upright, np.arctan2(-turn[:, 2, 0], turn[:, 2, 2]), 0.0)
    yaw = np.where(
        upright,
        np.arctan2(-turn[:, 0, 1], turn[:, 1, 1]),
        np.arctan2(turn[:, 1, 0], turn[:, 0, 0]),
    )
    return np.asarray(np.degrees(np.stack([pitch, roll, yaw], axis=1)))


def _column_angles(turn: Float64, shares: Float64) -> Float64:
    """Return flexion, lateral bending and twist (T, 3), degrees, that add up to a turn.

    Each joint of the column takes its share of each angle; no closed form undoes that, but the
    turn that is left over is close to the angles that are left over.

    Parameters
    ----------
    turn
        (T, 3, 3) of the upper end against the lower.
    shares
        (N, 3) of the joints, from the lowest up.
    """
    wanted = Rotation.from_matrix(turn)
    angles = np.degrees(wanted.as_rotvec())
    for _ in range(25):
        reached = Rotation.identity(len(turn))
        for share in shares:
            reached = reached * Rotation.from_euler("xyz", angles * share, degrees=True)
        left = np.degrees((wanted * reached.inv()).as_rotvec())
        angles = angles + 0.8 * left
        if np.abs(left).max() < 1e-3:
            break
    return angles


# -- limbs ----------------------------------------------------------------------------------------


def _leg(figure: _Figure, side: str, pelvis: Float64) -> Float64:
    """Return the angles (T, 5) of a leg in degrees, in the order of `Leg`."""
    sign = _SIDES[side]
    thigh, shank = (
        _inside(pelvis, figure.way(f"{side}_{start}", f"{side}_{end}"))
        for start, end in (("thigh", "shank"), ("shank", "foot"))
    )
    lateral = np.array([1.0, 0.0, 0.0])
    thigh0 = figure.rest_way(f"{side}_thigh", f"{side}_shank")
    shank0 = figure.rest_way(f"{side}_shank", f"{side}_foot")
    hinge0 = _across(lateral, thigh0)
    turned = _within(pelvis, figure.turn(f"{side}_thigh")) @ hinge0
    hinge = _hinge(thigh, np.cross(thigh, shank), _across(turned, thigh))
    abduction = np.arcsin(np.clip(sign * thigh[:, 0], -1, 1))
    flexion = np.arctan2(-thigh[:, 1], -thigh[:, 2])
    hip = Rotation.from_euler("yx", np.stack([-sign * abduction, -flexion], axis=1))
    knee = _angle(thigh, shank, hinge)
    # The foot, seen from a shank that is turned as the solver turns it.
    lower = _frame(shank, hinge) @ _frame(shank0, hinge0).T
    foot, foot0 = _foot(figure, side)
    seen = _inside(lower, _inside(pelvis, foot))
    angles = np.stack(
        [
            flexion,
            abduction,
            -sign * _angle(hip.apply(lateral), hinge, thigh),
            knee,
            np.arctan2(seen[:, 2], -seen[:, 1]) - np.arctan2(foot0[2], -foot0[1]),
        ],
        axis=1,
    )
    angles = np.degrees(angles)
    angles[:, 0] = _wrapped(angles[:, 0], 80.0)
    angles[:, 4] = _wrapped(angles[:, 4], 0.0)
    return np.asarray(angles)


def _foot(figure: _Figure, side: str) -> tuple[Float64, Float64]:
    """Return the direction of a foot, (T, 3), and at rest, (3,): to the toes if they are known."""
    if f"{side}_toes" in figure.joints:
        ends = (f"{side}_foot", f"{side}_toes")
        return figure.way(*ends), figure.rest_way(*ends)
    ahead = np.array([0.0, -1.0, 0.0])
    return figure.turn(f"{side}_foot") @ ahead, ahead


def _arm(figure: _Figure, side: str, thorax: Float64) -> tuple[Float64, Float64]:
    """Return the direction of an upper arm (T, 3); roll, elbow and wrist (T, 3) in degrees."""
    sign = _SIDES[side]
    upper, lower = (
        _inside(thorax, figure.way(f"{side}_{start}", f"{side}_{end}"))
        for start, end in (("upper_arm", "forearm"), ("forearm", "hand"))
    )
    upper0 = figure.rest_way(f"{side}_upper_arm", f"{side}_forearm")
    lower0 = figure.rest_way(f"{side}_forearm", f"{side}_hand")
    ahead, medial = np.array([0.0, -1.0, 0.0]), np.array([-sign, 0.0, 0.0])
    hinge0 = np.cross(upper0, _lifted(upper0[None], ahead)[0])
    turned = _within(thorax, figure.turn(f"{side}_upper_arm")) @ hinge0
    hinge = _hinge(upper, np.cross(upper, lower), _across(turned, upper))
    bend = np.cross(hinge, upper)
    roll = sign * _angle(_lifted(upper, ahead), bend, upper)
    elbow = _angle(upper, lower, hinge)
    # The palm of a hanging arm faces the thigh.
    hand = _within(thorax, figure.turn(f"{side}_hand"))
    palm = _across(_lifted(upper0[None], medial)[0], lower0)
    wrist = np.arctan2(-_dot(lower, hand @ palm), _dot(lower, hand @ lower0))
    direction = upper * (sign, -1.0, 1.0)
    return direction, np.degrees(np.stack([roll, elbow, wrist], axis=1))


def _hinge(upper: Float64, normal: Float64, turned: Float64) -> Float64:
    """Return the axis (T, 3) about which the lower bone of a limb turns away from the upper.

    Parameters
    ----------
    upper
        (T, 3) direction of the upper bone.
    normal
        (T, 3) upper x lower: its length is the sine of the joint's angle.
    turned
        (T, 3) the axis at rest, carried along by the upper bone. It is off by a constant turn
        about the bone in files whose rest pose twists the limb; bent frames tell that turn.
    """
    sine = np.linalg.norm(normal, axis=1)
    plane = normal / np.maximum(sine, 1e-9)[:, None]
    bent = np.clip((sine - np.sin(_BENT[0])) / (np.sin(_BENT[1]) - np.sin(_BENT[0])), 0, 1)
    bent = bent**2 * (3 - 2 * bent)
    off = np.exp(1j * _angle(turned, plane, upper))
    mean = (off * bent * sine).sum()
    if bent.sum() >= 1 and abs(mean) > 0.5 * (bent * sine).sum():
        turn = Rotation.from_rotvec(np.angle(mean) * upper)
        turned = turn.apply(turned)
    mixed = bent[:, None] * plane + (1 - bent)[:, None] * turned
    # A joint that is bent the wrong way by little is overstretched, not turned about.
    over = (_dot(plane, turned) < 0) & (bent < 0.5)
    mixed[over] = turned[over]
    return _across(mixed, upper)


def _lifted(upper: Float64, rest: Float64) -> Float64:
    """Return where a level direction (3,) goes when the hanging arm is lifted to `upper` (T, 3)."""
    down = np.array([0.0, 0.0, -1.0])
    cosine = upper @ down
    middle = upper + down
    moved = rest - ((upper @ rest) / np.maximum(1 + cosine, 1e-12))[:, None] * middle
    overhead = 1 + cosine < 1e-12
    moved[overhead] = rest * (1.0, -1.0, -1.0)
    return _unit(moved)


# -- contacts -------------------------------------------------------------------------------------


def _contacts(figure: _Figure) -> tuple[Int, Int, Int, Float64]:
    """Return what touches the ground: feet (2, T), hands (2, T), base (T,) and lift (T,) in m."""
    scale = figure.leg / _NOMINAL_LEG
    left, right = (_sole(figure, side) for side in _SIDES)
    heels, balls = np.stack([left[0], right[0]]), np.stack([left[1], right[1]])
    lowest = np.minimum(heels, balls)[..., 2].min(axis=0)
    parts = {part: heights / scale for part, heights in _heights(figure, scale).items()}
    lowest = np.minimum(lowest / scale, np.min(list(parts.values()), axis=0))
    points = np.concatenate([heels, balls])
    soles, speeds = points[..., 2] / scale, _speed(points, figure.fps) / scale
    ground = _ground(lowest, soles, speeds, figure.fps)
    carries = (soles - ground < _LOW) & (speeds < _SLOW)
    touch = carries[:2] | carries[2:]
    blip = 2 * round(_BLIP * figure.fps / 2) + 1
    touch = median_filter(touch.astype(np.uint8), size=(1, blip), mode="nearest") > 0
    # Over a step down the lower foot stands: poses know one level of ground only.
    depth = np.minimum(soles[:2], soles[2:])
    below = depth < depth[::-1] - 2 * _LOW
    touch = np.where(touch.any(axis=0) & below.any(axis=0), below, touch)
    pitch = np.stack([_pitch(figure, side) for side in _SIDES])
    feet = np.select([pitch > _TOES_FROM, pitch < _HEEL_FROM], [_TOES, _HEEL], _FLAT)
    feet = np.where(touch, feet, _FREE)

    low = {part: height - ground < _LOW for part, height in parts.items()}
    sits = parts["hips"] + _RADII["hips"] - ground < _SITTING * _NOMINAL_LEG
    other = np.any([low[part] for part in low], axis=0)
    floor = sits | low["hips"] | low["knees"] | low["head"] | (~touch.any(axis=0) & other)
    base = np.select([floor, touch.any(axis=0)], [_ON_FLOOR, _ON_FEET], _IN_AIR)
    feet = np.where(base == _ON_FEET, feet, _FREE)
    wrists = np.stack([figure.place(f"{side}_hand") for side in _SIDES])
    near = wrists[..., 2] / scale - ground < 1.5 * _RADII["wrists"]
    hands = near & (_speed(wrists, figure.fps) / scale < _SLOW / 2) & (base != _IN_AIR)
    lift = np.where(base == _IN_AIR, np.maximum(lowest - ground, 0.0), 0.0)
    return feet.astype(np.intp), hands.astype(np.intp), base.astype(np.intp), lift


def _heights(figure: _Figure, scale: float) -> dict[str, Float64]:
    """Return the heights (T,) m of the lowest skin of the parts that may carry a body."""
    joints = {
        "hips": ("left_thigh", "right_thigh"),
        "knees": ("left_shank", "right_shank"),
        "elbows": ("left_forearm", "right_forearm"),
        "wrists": ("left_hand", "right_hand"),
        "head": ("head",),
    }
    return {
        part: np.min([figure.place(name)[:, 2] for name in names], axis=0) - _RADII[part] * scale
        for part, names in joints.items()
    }


def _sole(figure: _Figure, side: str) -> tuple[Float64, Float64]:
    """Return heel and ball of a foot, each (T, 3) m; the sole is as deep as the toes at rest."""
    turn, ankle = figure.turn(f"{side}_foot"), figure.place(f"{side}_foot")
    heights = [figure.rest[figure.joints[name], 2] for name in figure.joints if "_foot" in name]
    ankle0 = figure.rest[figure.joints[f"{side}_foot"]]
    size = figure.leg / _NOMINAL_LEG
    if f"{side}_toes" in figure.joints:
        ball0 = figure.rest[figure.joints[f"{side}_toes"]] - ankle0
    else:
        ball0 = np.array([0.0, -0.13, -0.06]) * size + (0.0, 0.0, min(heights) - ankle0[2])
    heel0 = np.array([0.0, 0.04 * size, ball0[2]])
    return ankle + turn @ heel0, ankle + turn @ ball0


def _pitch(figure: _Figure, side: str) -> Float64:
    """Return how far the heel is raised over the toes, (T,) degrees; a sole is level at rest."""
    ahead = figure.turn(f"{side}_foot") @ np.array([0.0, -1.0, 0.0])
    return np.asarray(np.degrees(np.arcsin(np.clip(-ahead[:, 2], -1, 1))))


def _ground(lowest: Float64, soles: Float64, speeds: Float64, fps: float) -> Float64:
    """Return the height (T,) of what carries a body, for a leg of `_NOMINAL_LEG`.

    A foot that stands still, lower than the rest of the body, stands on the ground; between two
    such moments the ground runs straight. So it may rise and fall, as stairs do.

    Parameters
    ----------
    lowest
        (T,) m, the lowest point of the body.
    soles, speeds
        (P, T) heights in m of points of the soles, and their speeds in m/s.
    fps
        Frames a second.
    """
    enough = np.ones((1, max(1, round(_STAND * fps))), bool)
    still = np.asarray(binary_opening(speeds < _STILL, enough))
    stands = (still & (soles < lowest + _LOW)).any(axis=0)
    if stands.any():
        at = np.flatnonzero(stands)
        return np.interp(np.arange(len(lowest)), at, lowest[at])
    size = min(round(_SUPPORT_WINDOW * fps) | 1, (len(lowest) - 1) | 1)
    return np.asarray(grey_opening(lowest, size=(size,), mode="nearest"), np.float64)


def _speed(points: Float64, fps: float) -> Float64:
    """Return the speed (..., T) in m/s of points (..., T, 3), over some 50 ms."""
    step = max(1, round(0.025 * fps))
    padded = np.concatenate(
        [points[..., :1, :].repeat(step, -2), points, points[..., -1:, :].repeat(step, -2)], -2
    )
    moved = np.linalg.norm(padded[..., 2 * step :, :] - padded[..., : -2 * step, :], axis=-1)
    count = points.shape[-2]
    frames = np.arange(count)
    spans = np.minimum(frames + step, count - 1) - np.maximum(frames - step, 0)
    return np.asarray(moved * fps / np.maximum(spans, 1))


# -- vectors --------------------------------------------------------------------------------------


def _within(outer: Float64, inner: Float64) -> Float64:
    """Return turns (T, 3, 3) seen from other turned frames."""
    return np.asarray(np.swapaxes(outer, -1, -2) @ inner)


def _inside(frame: Float64, vectors: Float64) -> Float64:
    """Return vectors (T, 3) of the world in turned frames (T, 3, 3)."""
    return np.asarray(np.einsum("tji,tj->ti", frame, vectors))


def _angle(start: Float64, end: Float64, axis: Float64) -> Float64:
    """Return the turn about axes (T, 3) that brings vectors to others, radians."""
    return np.arctan2(_dot(np.cross(start, end), axis), _dot(start, end))


def _wrapped(degrees: Float64, middle: float) -> Float64:
    """Return angles within half a turn of one."""
    return (degrees - middle + 180.0) % 360.0 - 180.0 + middle


def _frame(along: Float64, hinge: Float64) -> Float64:
    """Return matrices whose columns are a bone, its hinge made square to it, and the third."""
    across = _across(hinge, along)
    return np.stack([along, across, np.cross(along, across)], axis=-1)


def _across(vector: Float64, along: Float64) -> Float64:
    """Return unit vectors square to others."""
    return _unit(vector - along * _dot(vector, along)[..., None])


def _dot(first: Float64, second: Float64) -> Float64:
    return np.asarray((first * second).sum(axis=-1))


def _unit(vector: Float64) -> Float64:
    size = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.maximum(size, 1e-12))
