"""A recorded motion, and the way from turns of joints to places in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from spinepose.errors import InputError

__all__ = ["Figure", "Recording", "Up", "recording_of"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int = npt.NDArray[np.intp]
Up: TypeAlias = Literal["y", "z"]

_MAX_PLACES = 10_000_000
"""Frames times joints: 45 minutes of 31 joints at 120 frames a second; about 2 GB at work."""

_TO_Z_UP = {
    "y": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    "z": np.eye(3),
}

_UNITS = {
    "metre": 1.0,
    "foot": 0.3048,
    "CMU's": 0.0254 / 0.45,
    "inch": 0.0254,
    "centimetre": 0.01,
    "millimetre": 0.001,
}
"""Metres per unit of length: a person is 1.4 to 2.1, 4.6 to 6.9, 25 to 37, 55 to 83, 140 to 210 or
1400 to 2100 of them tall, so that a height tells the unit."""

_PERSON = (1.0, 1.7, 2.4)
"""Least, usual and greatest size of a person in m, whose arms may be spread or raised."""

_POSSIBLE = (0.5, 3.0)
"""Least and greatest size in m that is believed of a file which says its unit: half a body, or a
tall one with raised arms, but none in a unit that it does not say."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The motion of one person.

    The world has z up and is in metres; its axes are otherwise those of the file, with y up turned
    to z up so that what faced +z faces -y and what was at +x stays there.

    Attributes
    ----------
    joints
        Names of the J bones, each of which starts at its joint; parents before children.
    parents
        (J,) index of the bone that each hangs on; -1 for the root.
    positions
        (T, J, 3) m, start of each bone.
    tips
        (T, J, 3) m, end of each bone. In a BVH file, whose joints may carry several bones: the
        mean of the starts of its children and its end sites in its rest pose.
    rotations
        (T, J, 3, 3) turn of each bone in the world against the file's own rest pose: a direction d
        on the bone in the rest pose is ``rotations @ d`` in a frame.
    fps
        Frames per second.
    """

    joints: tuple[str, ...]
    parents: Int
    positions: Float32
    tips: Float32
    rotations: Float32
    fps: float

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.positions)


@dataclass(frozen=True, slots=True)
class Figure:
    """The bones of a file in its rest pose, in its own axes and units.

    Attributes
    ----------
    joints
        Names of the J bones, parents before children.
    parents
        (J,) index of the bone that each hangs on; -1 for the root.
    starts
        (J, 3) from the start of the parent to the start of the bone.
    tips
        (J, 3) from the start of the bone to its end.
    """

    joints: tuple[str, ...]
    parents: Int
    starts: Float64
    tips: Float64

    def all_starts(self, frames: int, path: Path) -> Float64:
        """Return `starts` for a number of frames, (T, J, 3), to be changed where bones move.

        Raises
        ------
        InputError
            When there are too many frames and joints to hold; it names the file `path`.
        """
        count = len(self.joints)
        if frames * count > _MAX_PLACES:
            raise InputError(
                f"{path}: {frames} frames of {count} joints are too much at once; cut it into "
                f"shorter motions"
            )
        return np.tile(self.starts, (frames, 1, 1))

    def extent(self) -> Float64:
        """Return the size (3,) of the rest pose along the axes."""
        places = np.zeros_like(self.starts)
        for joint, parent in enumerate(self.parents[1:], start=1):
            places[joint] = places[parent] + self.starts[joint]
        return np.asarray(np.ptp(np.concatenate([places, places + self.tips]), axis=0))

    def up(self) -> Up:
        """Return which axis of a file that does not say points up: of a person who stands.

        It is y, the custom of the format, unless the rest pose is tall along z and flat along y.
        """
        _, y, z = extent = self.extent()
        return "z" if z > 0.5 * extent.max() and y < 0.5 * z else "y"

    def metres_per_unit(self, path: Path, stated: float | None = None) -> float:
        """Return the unit of length that gives the rest pose the size of a person.

        Its size is its greatest extent along an axis: the stature, or the span of spread arms,
        which is about the same.

        Parameters
        ----------
        path
            Of the file, for errors.
        stated
            What the file says; taken if it is possible.

        Raises
        ------
        InputError
            When no unit does.
        """
        low, usual, high = _PERSON
        size = float(self.extent().max())
        if stated is not None and _POSSIBLE[0] <= size * stated <= _POSSIBLE[1]:
            return stated
        if size > 0:
            unit = min(_UNITS.values(), key=lambda each: abs(np.log(size * each / usual)))
            if low <= size * unit <= high:
                return unit
        raise InputError(
            f"{path}: its rest pose measures {size:g} units, which is no person in any known "
            f"unit; give the unit in metres: read_motion(path, unit=...)"
        )


def recording_of(
    figure: Figure,
    turns: Sequence[Float64],
    starts: Float64,
    *,
    up: Up,
    unit: float,
    fps: float,
) -> Recording:
    """Return a motion in the world from the turns of joints: forward kinematics.

    Parameters
    ----------
    figure
        The J bones.
    turns
        J times (T, 3, 3), or (3, 3) for all frames: turn of each bone against its parent, beyond
        that in the rest pose, in the axes of the file.
    starts
        (T, J, 3) from the start of the parent to the start of each bone, on the parent; of the
        root in the world.
    up
        Axis of the file that points up.
    unit
        Metres per unit of length.
    fps
        Frames per second.
    """
    frames, count = starts.shape[:2]
    axes = _TO_Z_UP[up]
    places = np.empty((frames, count, 3))
    rotations = np.empty((frames, count, 3, 3))
    for joint, parent in enumerate(figure.parents):
        if parent < 0:
            places[:, joint] = starts[:, joint] @ (axes.T * unit)
            rotations[:, joint] = axes @ turns[joint] @ axes.T
            continue
        carrier = rotations[:, parent]
        step = starts[:, joint] @ (axes.T * unit)
        places[:, joint] = places[:, parent] + np.einsum("tij,tj->ti", carrier, step)
        rotations[:, joint] = carrier @ (axes @ turns[joint] @ axes.T)
    reach = np.einsum("tkij,kj->tki", rotations, figure.tips @ (axes.T * unit))
    return Recording(
        joints=figure.joints,
        parents=figure.parents,
        positions=places.astype(np.float32),
        tips=(places + reach).astype(np.float32),
        rotations=rotations.astype(np.float32),
        fps=fps,
    )
