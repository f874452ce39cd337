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

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from spinepose.synth.mocap import Recording, read_motion
from spinepose.synth.pose.activities import Motion
from spinepose.synth.pose.figure import (
    SIDES,
    Figure,
    angle_about,
    dots,
    figure_of,
    foot_of,
    frames,
    inside,
    square_to,
    units,
    within,
    wrapped,
)
from spinepose.synth.pose.ground import contacts_of
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

_BENT = (np.radians(8.0), np.radians(25.0))
"""Angle between two bones from which on, and above which alone, their plane gives the hinge."""

_JUMP = 40.0
"""Degrees: angles further apart than this in neighbouring frames are not mixed."""

_FEET: tuple[FootContact, ...] = ("free", "flat", "toes", "heel")

_BASES: tuple[Base, ...] = ("feet", "air", "floor")


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


def _measured(recording: Recording, source: str) -> _Track:
    """Return the angles and contacts of a recording; `source` names it in errors."""
    figure = figure_of(recording, source)
    pelvis, thorax, head = (figure.turn(joint) for joint in ("pelvis", "thorax", "head"))
    legs = [_leg(figure, side, pelvis) for side in SIDES]
    arms = [_arm(figure, side, thorax) for side in SIDES]
    trunk_shares = np.array(
        [
            [FLEXION_SHARES[bone], LATERAL_SHARES[bone], TWIST_SHARES[bone]]
            for bone in FLEXION_SHARES
        ]
    )
    neck_shares = np.array(list(NECK_SHARES.values()))
    feet, hands, base, lift = contacts_of(figure)
    return _Track(
        fps=figure.fps,
        pelvis=_pelvis_angles(pelvis),
        trunk=_column_angles(within(pelvis, thorax), trunk_shares),
        neck=_column_angles(within(thorax, head), neck_shares),
        legs=np.stack(legs),
        directions=np.stack([direction for direction, _ in arms]),
        arms=np.stack([angles for _, angles in arms]),
        feet=feet,
        hands=hands,
        base=base,
        lift=lift,
    )


# -- joints ---------------------------------------------------------------------------------------


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


def _leg(figure: Figure, side: str, pelvis: Float64) -> Float64:
    """Return the angles (T, 5) of a leg in degrees, in the order of `Leg`."""
    sign = SIDES[side]
    thigh, shank = (
        inside(pelvis, figure.way(f"{side}_{start}", f"{side}_{end}"))
        for start, end in (("thigh", "shank"), ("shank", "foot"))
    )
    lateral = np.array([1.0, 0.0, 0.0])
    thigh0 = figure.rest_way(f"{side}_thigh", f"{side}_shank")
    shank0 = figure.rest_way(f"{side}_shank", f"{side}_foot")
    hinge0 = square_to(lateral, thigh0)
    turned = within(pelvis, figure.turn(f"{side}_thigh")) @ hinge0
    hinge = _hinge(thigh, np.cross(thigh, shank), square_to(turned, thigh))
    abduction = np.arcsin(np.clip(sign * thigh[:, 0], -1, 1))
    flexion = np.arctan2(-thigh[:, 1], -thigh[:, 2])
    hip = Rotation.from_euler("yx", np.stack([-sign * abduction, -flexion], axis=1))
    knee = angle_about(thigh, shank, hinge)
    # The foot, seen from a shank that is turned as the solver turns it.
    lower = frames(shank, hinge) @ frames(shank0, hinge0).T
    foot, foot0 = foot_of(figure, side)
    seen = inside(lower, inside(pelvis, foot))
    angles = np.stack(
        [
            flexion,
            abduction,
            -sign * angle_about(hip.apply(lateral), hinge, thigh),
            knee,
            np.arctan2(seen[:, 2], -seen[:, 1]) - np.arctan2(foot0[2], -foot0[1]),
        ],
        axis=1,
    )
    angles = np.degrees(angles)
    angles[:, 0] = wrapped(angles[:, 0], 80.0)
    angles[:, 4] = wrapped(angles[:, 4], 0.0)
    return np.asarray(angles)


def _arm(figure: Figure, side: str, thorax: Float64) -> tuple[Float64, Float64]:
    """Return the direction of an upper arm (T, 3); roll, elbow and wrist (T, 3) in degrees."""
    sign = SIDES[side]
    upper, lower = (
        inside(thorax, figure.way(f"{side}_{start}", f"{side}_{end}"))
        for start, end in (("upper_arm", "forearm"), ("forearm", "hand"))
    )
    upper0 = figure.rest_way(f"{side}_upper_arm", f"{side}_forearm")
    lower0 = figure.rest_way(f"{side}_forearm", f"{side}_hand")
    ahead, medial = np.array([0.0, -1.0, 0.0]), np.array([-sign, 0.0, 0.0])
    hinge0 = np.cross(upper0, _lifted(upper0[None], ahead)[0])
    turned = within(thorax, figure.turn(f"{side}_upper_arm")) @ hinge0
    hinge = _hinge(upper, np.cross(upper, lower), square_to(turned, upper))
    bend = np.cross(hinge, upper)
    roll = sign * angle_about(_lifted(upper, ahead), bend, upper)
    elbow = angle_about(upper, lower, hinge)
    # The palm of a hanging arm faces the thigh.
    hand = within(thorax, figure.turn(f"{side}_hand"))
    palm = square_to(_lifted(upper0[None], medial)[0], lower0)
    wrist = np.arctan2(-dots(lower, hand @ palm), dots(lower, hand @ lower0))
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
    off = np.exp(1j * angle_about(turned, plane, upper))
    mean = (off * bent * sine).sum()
    if bent.sum() >= 1 and abs(mean) > 0.5 * (bent * sine).sum():
        turn = Rotation.from_rotvec(np.angle(mean) * upper)
        turned = turn.apply(turned)
    mixed = bent[:, None] * plane + (1 - bent)[:, None] * turned
    # A joint that is bent the wrong way by little is overstretched, not turned about.
    over = (dots(plane, turned) < 0) & (bent < 0.5)
    mixed[over] = turned[over]
    return square_to(mixed, upper)


def _lifted(upper: Float64, rest: Float64) -> Float64:
    """Return where a level direction (3,) goes when the hanging arm is lifted to `upper` (T, 3)."""
    down = np.array([0.0, 0.0, -1.0])
    cosine = upper @ down
    middle = upper + down
    moved = rest - ((upper @ rest) / np.maximum(1 + cosine, 1e-12))[:, None] * middle
    overhead = 1 + cosine < 1e-12
    moved[overhead] = rest * (1.0, -1.0, -1.0)
    return units(moved)


# -- contacts -------------------------------------------------------------------------------------
