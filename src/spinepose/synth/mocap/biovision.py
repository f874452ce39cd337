"""Biovision hierarchies (.bvh)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from spinepose.errors import InputError
from spinepose.synth.mocap.recording import Bone, Recording, posed_bones

__all__ = ["read_biovision"]

Float64 = npt.NDArray[np.float64]

_UNITS = (1.0, 0.01, 0.0254, 0.001, 0.056444)
"""m for each unit that files use: metre, centimetre, inch, millimetre, CMU's (inch / .45)."""
_STATURE = (1.35, 2.15)
_ABOVE_JOINTS = 1.1
"""Stature for each metre between the lowest and the highest joint."""
_MOST_FRAMES = 1_000_000


@dataclass(slots=True)
class _Joint:
    name: str
    parent: int
    offset: Float64 = field(default_factory=lambda: np.zeros(3))
    channels: tuple[str, ...] = ()
    ends: list[Float64] = field(default_factory=list)


def read_biovision(text: str, name: str) -> Recording:
    """Return the recording of a .bvh file's text.

    The file does not tell its unit: the one is taken that makes the skeleton between 1.35 and
    2.15 m tall, metres first.

    Raises
    ------
    InputError
        If the file is broken, or has no plausible size in any unit.
    """
    try:
        words = iter(text.split())
        joints = _hierarchy(words)
        values, fps = _motion(words, sum(len(joint.channels) for joint in joints))
    except (ValueError, IndexError, StopIteration) as error:
        reason = str(error) or "it ends too early"
        raise InputError(f"{name} is not a sound .bvh file: {reason}") from error
    turns, places = _channels(joints, values)
    bones = [Bone(j.name, j.parent, j.offset, _tip(joints, i), False) for i, j in enumerate(joints)]
    unit = _unit(bones, name)
    return posed_bones(bones, turns, places, unit, fps)


def _hierarchy(words: Iterator[str]) -> list[_Joint]:
    if next(words).upper() != "HIERARCHY":
        raise ValueError("its first word is not HIERARCHY")
    joints: list[_Joint] = []
    open_joints: list[int] = []
    for word in words:
        key = word.upper()
        if key == "MOTION":
            break
        if key in ("ROOT", "JOINT"):
            joints.append(_Joint(next(words), open_joints[-1] if open_joints else -1))
            if next(words) != "{":
                raise ValueError(f"a brace is missing after {joints[-1].name}")
            open_joints.append(len(joints) - 1)
        elif key == "END":
            _end_site(words, joints[open_joints[-1]])
        elif key == "OFFSET":
            joints[open_joints[-1]].offset = np.array([float(next(words)) for _ in range(3)])
        elif key == "CHANNELS":
            count = int(next(words))
            if not 0 <= count <= 6:
                raise ValueError(f"{count} channels of one joint")
            joints[open_joints[-1]].channels = tuple(next(words).lower() for _ in range(count))
        elif key == "}":
            open_joints.pop()
        else:
            raise ValueError(f"unexpected word {word!r}")
    if not joints:
        raise ValueError("it has no joints")
    return joints


def _end_site(words: Iterator[str], joint: _Joint) -> None:
    if [next(words).upper(), next(words), next(words).upper()] != ["SITE", "{", "OFFSET"]:
        raise ValueError(f"the end site of {joint.name} is broken")
    joint.ends.append(np.array([float(next(words)) for _ in range(3)]))
    if next(words) != "}":
        raise ValueError(f"the end site of {joint.name} is not closed")


def _motion(words: Iterator[str], count: int) -> tuple[Float64, float]:
    """Return the values (T, C) and the frame rate."""
    if next(words).lower() != "frames:":
        raise ValueError("'Frames:' is missing")
    frames = int(next(words))
    if not 0 < frames <= _MOST_FRAMES:
        raise ValueError(f"{frames} frames")
    if [next(words).lower(), next(words).lower()] != ["frame", "time:"]:
        raise ValueError("'Frame Time:' is missing")
    step = float(next(words))
    if step <= 0:
        raise ValueError(f"a frame time of {step} s")
    values = np.array([float(word) for word in words])
    if len(values) != frames * count:
        raise ValueError(f"{frames} frames of {count} values expected, {len(values)} values found")
    return values.reshape(frames, count), 1 / step


def _channels(joints: list[_Joint], values: Float64) -> tuple[Float64, Float64]:
    """Return turns (T, J, 3, 3) against the parents, and places (T, 3) of the root."""
    turns = np.tile(np.eye(3), (len(values), len(joints), 1, 1))
    places = np.tile(joints[0].offset, (len(values), 1))
    column = 0
    for index, joint in enumerate(joints):
        order, angles = "", []
        for channel in joint.channels:
            if channel.endswith("rotation"):
                order += channel[0].upper()
                angles.append(values[:, column])
            elif index == 0:
                places[:, "xyz".index(channel[0])] = values[:, column]
            column += 1
        if order:
            # Upper case: turns about the axes of the moving body, as BVH multiplies them.
            own = Rotation.from_euler(order, np.stack(angles, axis=1), degrees=True)
            turns[:, index] = own.as_matrix().reshape(-1, 3, 3)
    return turns, places


def _tip(joints: list[_Joint], index: int) -> Float64:
    """Return where a bone ends: at its end site, or in the middle of its children."""
    children = [joint.offset for joint in joints if joint.parent == index]
    ends = joints[index].ends or children
    return np.asarray(np.mean(ends, axis=0)) if ends else np.zeros(3)


def _unit(bones: list[Bone], name: str) -> float:
    rest = posed_bones(bones, np.tile(np.eye(3), (1, len(bones), 1, 1)), np.zeros((1, 3)), 1.0, 1.0)
    z = np.concatenate([rest.positions[0, :, 2], rest.tips[0, :, 2]])
    height = float(np.ptp(z)) * _ABOVE_JOINTS
    for unit in _UNITS:
        if _STATURE[0] <= height * unit <= _STATURE[1]:
            return unit
    raise InputError(
        f"{name}: a skeleton {height:g} units tall is no person in metres, centimetres, "
        "millimetres or inches"
    )
