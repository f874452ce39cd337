"""Acclaim's skeletons (``.asf``) and motions (``.amc``).

A bone starts where its parent ends. Its motion turns it about its own axes, which the skeleton
gives as a rotation C from the world's: a bone whose angles make the rotation M is turned by
C M C^T against its parent (M. Schafer, "Acclaim Skeleton File Definition V1.10", 1994; J. Lander,
"Working with Motion Capture File Formats", Game Developer, January 1998). All rotations are about
fixed axes, in the order in which the axes are listed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
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

__all__ = ["find_skeleton", "read_acclaim"]

Float64 = npt.NDArray[np.float64]

_ROOT = "root"
_INCH = 0.0254
_USUAL_FPS = 120.0
_BLANKS = ",()"
_TURNS = {"rx": "x", "ry": "y", "rz": "z"}
_SHIFTS = {"tx": 0, "ty": 1, "tz": 2}


@dataclass(slots=True)
class _Bone:
    """One bone: its tip (3,) in the file's units, its own axes C (3, 3), its channels."""

    tip: Float64
    axes: Float64
    channels: tuple[str, ...]
    children: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Skeleton:
    """What an ``.asf`` file says.

    Attributes
    ----------
    path
        Of the file.
    unit
        Metres per unit of length.
    degrees
        Whether angles are in degrees.
    bones
        By name; the root is one of them.
    position
        (3,) of the root, to which its motion adds.
    """

    path: Path
    unit: float
    degrees: bool
    bones: dict[str, _Bone]
    position: Float64


def read_acclaim(path: Path, *, fps: float | None, unit: float | None) -> Recording:
    """Read an ``.amc`` file with its skeleton: see :func:`spinepose.synth.mocap.read_motion`."""
    lines = _lines(path)
    skeleton = _read_skeleton(find_skeleton(path))
    figure = _figure(skeleton)
    motion = _read_motion(path, lines, skeleton)
    starts = figure.all_starts(motion.frames, path)
    turns = []
    for joint in figure.joints:
        bone, values = skeleton.bones[joint], motion.values.get(joint)
        turns.append(np.eye(3) if values is None else _turn(bone, values, motion.degrees))
    starts[:, 0] = skeleton.position + _shift(skeleton.bones[_ROOT], motion.values[_ROOT])
    return recording_of(
        figure,
        turns,
        starts,
        up="y",
        unit=unit or figure.metres_per_unit(skeleton.path, skeleton.unit),
        fps=fps or motion.fps or _USUAL_FPS,
    )


def find_skeleton(path: Path) -> Path:
    """Return the ``.asf`` file of an ``.amc`` file.

    Raises
    ------
    InputError
        When there is none, or none of several goes with it by its name.
    """
    try:
        found = sorted(each for each in path.parent.iterdir() if each.suffix.lower() == ".asf")
    except OSError as error:
        raise InputError(f"cannot read {path.parent}: {error.strerror or error}") from error
    named = [each for each in found if f"{path.stem}_".startswith(f"{each.stem}_")]
    if named:
        return max(named, key=lambda each: len(each.stem))
    if len(found) == 1:
        return found[0]
    stem = path.stem.partition("_")[0]
    others = f", which holds {len(found)} others" if found else ""
    raise InputError(
        f"{path} needs its skeleton: put the .asf file beside it, named {stem}.asf, "
        f"into {path.parent}{others}"
    )


def _lines(path: Path) -> Iterator[Line]:
    return read_lines(path, blanks=_BLANKS)


# -- skeleton -------------------------------------------------------------------------------------


def _read_skeleton(path: Path) -> _Skeleton:
    """Return what an ``.asf`` file says."""
    sections: dict[str, list[Line]] = {}
    section: list[Line] = []
    for number, words in _lines(path):
        if words[0].startswith(":"):
            section = sections.setdefault(words[0][1:].lower(), [])
        else:
            section.append((number, words))
    for name in (_ROOT, "bonedata", "hierarchy"):
        if not sections.get(name):
            raise broken(path, f"it has no section :{name}")
    units = _keyed(sections.get("units", []))
    degrees = _word(units, "angle", "deg").lower().startswith("deg")
    line = units.get("length", (None,))[0]
    length = number_of(path, _word(units, "length", "1"), line, low=1e-6)
    root = _keyed(sections[_ROOT])
    bones = {_ROOT: _root_bone(path, root, degrees)}
    for block in _blocks(sections["bonedata"]):
        name = _word(block, "name", "")
        if not name or name in bones:
            reason = f"two bones are named {name}" if name else "a bone has no name"
            raise broken(path, reason, min(line for line, _ in block.values()))
        bones[name] = _bone(path, name, block, degrees)
    _hang(path, bones, sections["hierarchy"])
    position = _vector(path, root, "position", (0.0, 0.0, 0.0))
    return _Skeleton(path, _INCH / length, degrees, bones, position)


def _keyed(lines: list[Line]) -> dict[str, Line]:
    """Return the words after the first of each line, and its number, by the first."""
    return {words[0].lower(): (number, words[1:]) for number, words in lines}


def _blocks(lines: list[Line]) -> Iterator[dict[str, Line]]:
    """Yield what stands between ``begin`` and ``end``, each by key."""
    block: list[Line] = []
    for number, words in lines:
        key = words[0].lower()
        if key in ("begin", "end"):
            if block:
                yield _keyed(block)
            block = []
        else:
            block.append((number, words))
    if block:
        yield _keyed(block)


def _word(block: Mapping[str, Line], key: str, default: str) -> str:
    words = block.get(key, (0, []))[1]
    return words[0] if words else default


def _vector(path: Path, block: Mapping[str, Line], key: str, default: tuple[float, ...]) -> Float64:
    """Return three numbers (3,) of a block."""
    number, words = block.get(key, (None, [str(value) for value in default]))
    return np.array(numbers_of(path, words[:3], 3, number))


def _axes(path: Path, block: Mapping[str, Line], key: str, order: str, degrees: bool) -> Float64:
    """Return the rotation (3, 3) of three angles about fixed axes in an order such as ``XYZ``."""
    angles = _vector(path, block, key, (0.0, 0.0, 0.0))
    order = order.lower()
    if sorted(order) != ["x", "y", "z"]:
        raise broken(path, f"'{order}' is no order of axes", block.get(key, (None,))[0])
    return np.asarray(Rotation.from_euler(order, angles, degrees=degrees).as_matrix())


def _root_bone(path: Path, block: Mapping[str, Line], degrees: bool) -> _Bone:
    """Return the root, which has no length."""
    axes = _axes(path, block, "orientation", _word(block, "axis", "xyz"), degrees)
    number, words = block.get("order", (None, ["tx", "ty", "tz", "rx", "ry", "rz"]))
    return _Bone(np.zeros(3), axes, _channels(path, words, {**_TURNS, **_SHIFTS}, number))


def _bone(path: Path, name: str, block: Mapping[str, Line], degrees: bool) -> _Bone:
    """Return one bone."""
    for key in ("direction", "length"):
        if key not in block:
            raise broken(path, f"the bone {name} has no {key}", min(n for n, _ in block.values()))
    number, words = block["length"]
    length = number_of(path, words[0] if words else "", number, low=0.0)
    direction = _vector(path, block, "direction", ())
    norm = float(np.linalg.norm(direction))
    if norm == 0 and length > 0:
        raise broken(path, f"the bone {name} has no direction", number)
    axis = block.get("axis", (None, []))[1]
    dof_line, dof = block.get("dof", (None, []))
    return _Bone(
        tip=direction * (length / norm if norm else 0.0),
        axes=_axes(path, block, "axis", axis[3] if len(axis) > 3 else "xyz", degrees),
        channels=_channels(path, dof, _TURNS, dof_line),
    )


def _channels(
    path: Path, words: list[str], known: Mapping[str, object], number: int | None
) -> tuple[str, ...]:
    """Return the names of channels in small letters."""
    channels = tuple(word.lower() for word in words)
    odd = [channel for channel in channels if channel not in known]
    if odd or len(set(channels)) != len(channels):
        raise InputError(
            f"{path}, line {number}: the channels '{' '.join(words)}' cannot be read; export the "
            f"skeleton with each of {' '.join(known)} once at most"
        )
    return channels


def _hang(path: Path, bones: dict[str, _Bone], lines: list[Line]) -> None:
    """Hang the bones on each other."""
    hung = {_ROOT}
    for number, words in lines:
        if words[0].lower() in ("begin", "end") and len(words) == 1:
            continue
        for name in words:
            if name not in bones:
                raise broken(path, f"the bone {name} is not among its :bonedata", number)
        for name in words[1:]:
            if name in hung:
                raise broken(path, f"the bone {name} has two parents", number)
            hung.add(name)
            bones[words[0]].children.append(name)


def _figure(skeleton: _Skeleton) -> Figure:
    """Return the bones in their order, parents first."""
    joints: list[str] = []
    parents: list[int] = []
    waiting = [(_ROOT, -1)]
    while waiting:
        name, parent = waiting.pop()
        waiting += [(child, len(joints)) for child in reversed(skeleton.bones[name].children)]
        joints.append(name)
        parents.append(parent)
    loose = [name for name in skeleton.bones if name not in set(joints)]
    if loose:
        raise broken(skeleton.path, f"its :hierarchy does not hang the bone {loose[0]} on the root")
    tips = np.stack([skeleton.bones[name].tip for name in joints])
    starts = tips[parents]
    starts[0] = 0.0
    return Figure(tuple(joints), np.array(parents, np.intp), starts, tips)


# -- motion ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Motion:
    """Numbers (T, channels) of each bone that moves, in degrees or not; frames per second."""

    frames: int
    values: dict[str, Float64]
    degrees: bool
    fps: float | None


def _read_motion(path: Path, lines: Iterator[Line], skeleton: _Skeleton) -> _Motion:
    """Return the motion of an ``.amc`` file; bones that it leaves out stay at rest."""
    degrees, fps, started = skeleton.degrees, None, False
    values: dict[str, array[float]] = {}
    seen: set[str] = set()
    frames = number = 0
    for number, words in lines:
        if words[0].startswith(":"):
            key = words[0].lower()
            degrees = {":degrees": True, ":radians": False}.get(key, degrees)
            if key == ":samples-per-second":
                fps = number_of(path, " ".join(words[1:]), number, low=0.001)
        elif len(words) == 1 and words[0].isdecimal():
            _check_frame(path, frames, seen, values, number)
            started, frames, seen = True, frames + 1, set()
        elif started:
            _take(path, words, skeleton.bones, values, seen, first=frames == 1, number=number)
        else:
            raise broken(path, f"'{words[0][:40]}' before the first frame", number)
    if not started:
        raise broken(path, "it has no frames")
    _check_frame(path, frames, seen, values, number)
    tables = {
        name: numbers_table(numbers, len(skeleton.bones[name].channels))
        for name, numbers in values.items()
    }
    return _Motion(frames, tables, degrees, fps)


def _check_frame(
    path: Path, frame: int, seen: set[str], values: Mapping[str, object], number: int
) -> None:
    """Refuse a frame that has ended without all its bones, and too many frames."""
    if frame == 0:
        return
    missing = ({_ROOT, *values}) - seen
    if missing:
        raise broken(path, f"the {frame}. frame has no numbers for {min(missing)}", number)
    if frame > MAX_FRAMES:
        raise InputError(f"{path} has more than {MAX_FRAMES} frames; cut it into shorter motions")


def _take(
    path: Path,
    words: list[str],
    bones: Mapping[str, _Bone],
    values: dict[str, array[float]],
    seen: set[str],
    *,
    first: bool,
    number: int,
) -> None:
    """Add the numbers of one bone in one frame."""
    name = words[0]
    if name not in bones:
        raise broken(path, f"its skeleton has no bone named '{name[:40]}'", number)
    if name in seen or (name not in values and not first):
        reason = "is there twice" if name in seen else "was not there before"
        raise broken(path, f"the bone {name} {reason}", number)
    seen.add(name)
    numbers = numbers_of(path, words[1:], len(bones[name].channels), number)
    values.setdefault(name, array("d")).extend(numbers)


def _turn(bone: _Bone, values: Float64, degrees: bool) -> Float64:
    """Return how a bone is turned against its parent, (T, 3, 3), or (3, 3) if it never is."""
    columns = [i for i, channel in enumerate(bone.channels) if channel in _TURNS]
    if not columns:
        return np.eye(3)
    order = "".join(_TURNS[bone.channels[i]] for i in columns)
    own = Rotation.from_euler(order, values[:, columns], degrees=degrees).as_matrix()
    return np.asarray(bone.axes @ own @ bone.axes.T)


def _shift(root: _Bone, values: Float64) -> Float64:
    """Return how far the root is moved, (T, 3)."""
    moved = np.zeros((len(values), 3))
    for column, channel in enumerate(root.channels):
        if channel in _SHIFTS:
            moved[:, _SHIFTS[channel]] = values[:, column]
    return moved
