"""Acclaim skeletons and motions (.asf, .amc), as the CMU motion capture database has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from spinepose.errors import InputError
from spinepose.synth.mocap.recording import Bone, Recording, posed_bones

__all__ = ["read_acclaim"]

Float64 = npt.NDArray[np.float64]

_INCH = 0.0254
_FPS = 120.0
"""CMU's frame rate; the files do not tell."""
_MOST_FRAMES = 1_000_000
_AXES = {"rx": "x", "ry": "y", "rz": "z"}


@dataclass(slots=True)
class _Segment:
    """A bone as the file has it."""

    name: str
    direction: Float64 = field(default_factory=lambda: np.zeros(3))
    length: float = 0.0
    axis: Float64 = field(default_factory=lambda: np.eye(3))
    freedoms: tuple[str, ...] = ()


def read_acclaim(skeleton: str, motion: str, names: tuple[str, str]) -> Recording:
    """Return the recording of an .amc file's text on its .asf file's.

    Every turn of the motion is about the bone's own axes: with the axes C of the skeleton,
    ``L = C M inv(C)`` (CMU's "acclaim" notes). Lengths are inches divided by the unit ``length``.

    Parameters
    ----------
    skeleton, motion
        What the files hold.
    names
        Of the files, for messages.

    Raises
    ------
    InputError
        If either is broken.
    """
    try:
        segments, parents, unit, degrees = _skeleton(skeleton)
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(f"{names[0]} is not a sound .asf skeleton: {error}") from error
    try:
        frames = _frames(motion)
        values = _values(frames, segments)
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(f"{names[1]} is not a sound .amc motion: {error}") from error
    turns = np.tile(np.eye(3), (len(frames), len(segments), 1, 1))
    for index, segment in enumerate(segments):
        order = "".join(_AXES[name] for name in segment.freedoms if name in _AXES)
        if order:
            angles = values[segment.name][:, [n in _AXES for n in segment.freedoms]]
            own = Rotation.from_euler(order, angles, degrees=degrees).as_matrix().reshape(-1, 3, 3)
            turns[:, index] = segment.axis @ own @ segment.axis.T
    root = segments[0]
    columns = [root.freedoms.index(name) for name in ("tx", "ty", "tz")]
    bones = [
        Bone(s.name, parents[s.name], np.zeros(3), s.direction * s.length, True) for s in segments
    ]
    return posed_bones(bones, turns, values[root.name][:, columns], _INCH / unit, _FPS)


def _lines(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if words:
            yield words


def _skeleton(text: str) -> tuple[list[_Segment], dict[str, int], float, bool]:
    """Return bones with parents before children, their parents, the unit, and whether degrees."""
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for words in _lines(text):
        if words[0].startswith(":"):
            current = sections.setdefault(words[0][1:].lower(), [])
        else:
            current.append(words)
    units = {words[0].lower(): words[1] for words in sections.get("units", []) if len(words) > 1}
    degrees = units.get("angle", "deg").lower().startswith("deg")
    known = {"root": _root(sections["root"], degrees)}
    for segment in _segments(sections["bonedata"], degrees):
        known[segment.name] = segment
    order, parents = ["root"], {"root": -1}
    for words in sections["hierarchy"]:
        if words[0].lower() in ("begin", "end"):
            continue
        for child in words[1:]:
            if child in parents:
                raise ValueError(f"bone {child} has two parents")
            parents[child] = order.index(words[0])
            order.append(child)
    return [known[name] for name in order], parents, float(units.get("length", 1.0)), degrees


def _root(lines: list[list[str]], degrees: bool) -> _Segment:
    entries = {words[0].lower(): words[1:] for words in lines}
    freedoms = tuple(word.lower() for word in entries["order"])
    angles = np.array([float(word) for word in entries.get("orientation", ["0", "0", "0"])[:3]])
    order = entries.get("axis", ["XYZ"])[0].lower()
    axis = Rotation.from_euler(order, angles, degrees=degrees).as_matrix()
    return _Segment("root", axis=axis, freedoms=freedoms)


def _segments(lines: list[list[str]], degrees: bool) -> Iterator[_Segment]:
    segment: _Segment | None = None
    for words in lines:
        key = words[0].lower()
        if key == "begin":
            segment = _Segment("")
        elif key == "end" and segment is not None:
            yield segment
            segment = None
        elif segment is not None:
            _read_entry(segment, key, words[1:], degrees)


def _read_entry(segment: _Segment, key: str, words: list[str], degrees: bool) -> None:
    if key == "name":
        segment.name = words[0]
    elif key == "direction":
        segment.direction = np.array([float(word) for word in words[:3]])
    elif key == "length":
        segment.length = float(words[0])
    elif key == "axis":
        order = words[3].lower() if len(words) > 3 else "xyz"
        angles = [float(word) for word in words[:3]]
        segment.axis = Rotation.from_euler(order, angles, degrees=degrees).as_matrix()
    elif key == "dof":
        segment.freedoms = tuple(word.lower() for word in words)


def _frames(text: str) -> list[dict[str, list[float]]]:
    frames: list[dict[str, list[float]]] = []
    for words in _lines(text):
        if words[0].startswith(":"):
            continue
        if len(words) == 1 and words[0].isdigit():
            if len(frames) >= _MOST_FRAMES:
                raise ValueError("it has more than a million frames")
            frames.append({})
        elif not frames:
            raise ValueError(f"{words[0]!r} comes before the first frame")
        else:
            frames[-1][words[0]] = [float(word) for word in words[1:]]
    if not frames:
        raise ValueError("it has no frames")
    return frames


def _values(
    frames: list[dict[str, list[float]]], segments: list[_Segment]
) -> dict[str, Float64]:
    """Return the values (T, D) of each bone that moves."""
    values = {}
    for segment in segments:
        if not segment.freedoms:
            continue
        count = len(segment.freedoms)
        for number, frame in enumerate(frames, start=1):
            if len(frame.get(segment.name, ())) != count:
                raise ValueError(f"frame {number} needs {count} values for {segment.name}")
        values[segment.name] = np.array([frame[segment.name] for frame in frames])
    return values
