"""Biovision's motions (``.bvh``).

Angles are in degrees and turn each joint about its own axes in the order of its channels: channels
Z, X, Y make Rz Rx Ry. Where a joint has channels of position, they replace its offset, at the root
and elsewhere, as MotionBuilder writes and Blender reads them (M. Meredith and S. Maddock, "Motion
Capture File Formats Explained", University of Sheffield, 2001, section 2.2).
"""

from __future__ import annotations

import itertools
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from spinepose.errors import InputError
from spinepose.synth.mocap.recording import Figure, Recording, recording_of
from spinepose.synth.mocap.text import (
    MAX_FRAMES,
    Line,
    broken,
    number_of,
    numbers_of,
    numbers_table,
    read_lines,
)

__all__ = ["read_biovision"]

Float64 = npt.NDArray[np.float64]

_MAX_JOINTS = 1000
_CHANNEL = re.compile(r"([xyz])(position|rotation)", re.IGNORECASE)
_FRAMES = re.compile(r"frames ?: ?(\d{1,9})", re.IGNORECASE)
_FRAME_TIME = re.compile(r"frame ?time ?: ?(\S+)", re.IGNORECASE)


@dataclass(slots=True)
class _Joint:
    """A joint as it is read; `ends` are the offsets (3,) of its end sites."""

    name: str
    parent: int
    offset: list[float] | None = None
    channels: list[str] = field(default_factory=list)
    ends: list[list[float]] = field(default_factory=list)


def read_biovision(path: Path, *, fps: float | None, unit: float | None) -> Recording:
    """Read a ``.bvh`` file: see :func:`spinepose.synth.mocap.read_motion`."""
    lines = read_lines(path, comment=False)
    joints = _Hierarchy(path, lines).read()
    figure = _figure(path, joints)
    values, frame_time = _motion(path, lines, sum(len(joint.channels) for joint in joints))
    ends = list(itertools.accumulate(len(joint.channels) for joint in joints))
    starts = figure.all_starts(len(values), path)
    turns = []
    for index, joint in enumerate(joints):
        own = values[:, ends[index] - len(joint.channels) : ends[index]]
        turns.append(_turn(joint, own))
        for column, channel in enumerate(joint.channels):
            if channel.endswith("position"):
                starts[:, index, "xyz".index(channel[0])] = own[:, column]
    return recording_of(
        figure,
        turns,
        starts,
        up=figure.up(),
        unit=unit or figure.metres_per_unit(path),
        fps=fps or 1.0 / frame_time,
    )


# -- hierarchy ------------------------------------------------------------------------------------


class _Hierarchy:
    """Reads the joints of a file, up to the line ``MOTION``.

    Parameters
    ----------
    path
        Of the file, for errors.
    lines
        Of the file; what follows ``MOTION`` is left in it.
    """

    def __init__(self, path: Path, lines: Iterator[Line]) -> None:
        self._path = path
        self._line: int | None = None
        self._words = self._split(lines)
        self._joints: list[_Joint] = []
        self._open: list[int | None] = []  # joints not yet closed; None is an end site

    def _split(self, lines: Iterator[Line]) -> Iterator[str]:
        for self._line, words in lines:
            yield from re.sub(r"([{}])", r" \1 ", " ".join(words)).split()

    def read(self) -> list[_Joint]:
        """Return the joints, parents first."""
        steps = {
            "root": self._joint,
            "joint": self._joint,
            "end": self._end,
            "offset": self._offset,
            "channels": self._channels,
            "}": self._close,
        }
        if self._next().lower() != "hierarchy":
            raise self._error("it does not begin with HIERARCHY")
        while (word := self._next().lower()) != "motion":
            if word not in steps:
                raise self._error(f"'{word[:40]}' among its joints")
            steps[word]()
        if self._open or not self._joints:
            raise self._error("MOTION before the joints have ended")
        return self._joints

    def _error(self, reason: str) -> InputError:
        return broken(self._path, reason, self._line)

    def _next(self) -> str:
        word = next(self._words, None)
        if word is None:
            raise self._error("it ends among its joints")
        return word

    def _numbers(self, count: int) -> list[float]:
        return numbers_of(self._path, [self._next() for _ in range(count)], count, self._line)

    def _name(self) -> str:
        """Return the words up to a brace, which is taken as well."""
        return " ".join(iter(self._next, "{"))

    def _joint(self) -> None:
        parent = -1
        if self._open:
            top = self._open[-1]
            if top is None:
                raise self._error("a joint inside an end site")
            parent = top
        elif self._joints:
            raise self._error("a second root; files of two people cannot be read")
        if len(self._joints) == _MAX_JOINTS:
            raise self._error(f"more than {_MAX_JOINTS} joints")
        self._open.append(len(self._joints))
        self._joints.append(_Joint(self._name(), parent))

    def _end(self) -> None:
        if not self._open or self._open[-1] is None:
            raise self._error("an end site outside a joint")
        self._name()
        self._open.append(None)

    def _offset(self) -> None:
        offset = self._numbers(3)
        if not self._open:
            raise self._error("OFFSET outside a joint")
        top = self._open[-1]
        if top is not None:
            self._joints[top].offset = offset
        elif self._open[-2] is not None:
            self._joints[self._open[-2]].ends.append(offset)

    def _channels(self) -> None:
        top = self._open[-1] if self._open else None
        (count,) = self._numbers(1)
        names = [self._next().lower() for _ in range(int(min(max(count, 0), 7)))]
        sound = len(names) == count and len(set(names)) == len(names)
        if top is None or not sound or not all(map(_CHANNEL.fullmatch, names)):
            raise self._error(f"the channels '{' '.join(names)[:80]}' cannot be read")
        self._joints[top].channels = names

    def _close(self) -> None:
        if not self._open:
            raise self._error("a } too much")
        self._open.pop()


def _figure(path: Path, joints: list[_Joint]) -> Figure:
    """Return the rest pose."""
    starts = np.zeros((len(joints), 3))
    carried: list[list[list[float]]] = [list(joint.ends) for joint in joints]
    for index, joint in enumerate(joints):
        if joint.offset is None:
            raise broken(path, f"the joint '{joint.name}' has no OFFSET")
        starts[index] = joint.offset
        if joint.parent >= 0:
            carried[joint.parent].append(joint.offset)
    tips = np.array([np.mean(ends, axis=0) if ends else np.zeros(3) for ends in carried])
    parents = np.array([joint.parent for joint in joints], np.intp)
    return Figure(tuple(joint.name for joint in joints), parents, starts, tips)


# -- motion ---------------------------------------------------------------------------------------


def _motion(path: Path, lines: Iterator[Line], columns: int) -> tuple[Float64, float]:
    """Return the numbers (T, columns) of the frames and the seconds from one to the next."""
    frames = int(_stated(path, lines, _FRAMES, "Frames:")[1])
    number, word = _stated(path, lines, _FRAME_TIME, "Frame Time:")
    frame_time = number_of(path, word, number, low=1e-6)
    if frames > MAX_FRAMES:
        raise InputError(f"{path} has more than {MAX_FRAMES} frames; cut it into shorter motions")
    values, count = array("d"), 0
    for count, (line, words) in enumerate(lines, start=1):
        if count > frames:
            raise broken(path, f"more than the {frames} frames that it says to have", line)
        values.extend(numbers_of(path, words, columns, line))
    if count < frames or not frames or not columns:
        raise broken(path, f"{count} frames of {columns} numbers, and it says to have {frames}")
    return numbers_table(values, columns), frame_time


def _stated(
    path: Path, lines: Iterator[Line], pattern: re.Pattern[str], name: str
) -> tuple[int | None, str]:
    """Return what the next line states, and its number."""
    number, words = next(lines, (None, []))
    match = pattern.fullmatch(" ".join(words))
    if match is None:
        raise broken(path, f"no '{name}' where it belongs", number)
    return number, match[1]


def _turn(joint: _Joint, values: Float64) -> Float64:
    """Return how a joint is turned, (T, 3, 3), or (3, 3) if it never is."""
    columns = [i for i, name in enumerate(joint.channels) if name.endswith("rotation")]
    if not columns:
        return np.eye(3)
    order = "".join(joint.channels[i][0] for i in columns).upper()
    return np.asarray(Rotation.from_euler(order, values[:, columns], degrees=True).as_matrix())
