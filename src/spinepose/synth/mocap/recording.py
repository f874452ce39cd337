"""A recorded motion: where each bone was and how it was turned, in every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Y_UP", "Bone", "Recording", "posed_bones"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""(3, 3) from axes with y up and z to the front to ours: z up and -y to the front."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Motion of a skeleton. z is up; a person whose file faces +z faces -y; metres.

    Attributes
    ----------
    joints
        Names of the J bones, parents before children.
    parents
        (J,) index of the parent, -1 at the root.
    positions
        (T, J, 3) m, where each bone begins.
    tips
        (T, J, 3) m, where it ends.
    rotations
        (T, J, 3, 3) turn of each bone against its direction in the file's rest pose.
    fps
        Frames per second.
    """

    joints: tuple[str, ...]
    parents: npt.NDArray[np.int64]
    positions: Float32
    tips: Float32
    rotations: Float32
    fps: float

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True, slots=True)
class Bone:
    """A bone of a file's skeleton, in the file's axes and units.

    Attributes
    ----------
    name
        As in the file.
    parent
        Index of the parent, -1 at the root.
    offset
        (3,) from the beginning of the parent to its own, or from the parent's tip where
        `from_tip` holds.
    tip
        (3,) from its beginning to its end.
    from_tip
        See `offset`.
    """

    name: str
    parent: int
    offset: Float64
    tip: Float64
    from_tip: bool


def posed_bones(
    bones: list[Bone], turns: Float64, places: Float64, scale: float, fps: float
) -> Recording:
    """Return the recording of a skeleton: forward kinematics, all frames at once.

    Parameters
    ----------
    bones
        Parents before children.
    turns
        (T, J, 3, 3) of each bone against its parent.
    places
        (T, 3) of the root in the file's units.
    scale
        m for each unit.
    fps
        Frames per second.
    """
    frames, count = turns.shape[:2]
    world = np.empty_like(turns)
    start = np.empty((frames, count, 3))
    end = np.empty((frames, count, 3))
    for index, bone in enumerate(bones):
        if bone.parent < 0:
            world[:, index] = turns[:, index]
            start[:, index] = places
        else:
            world[:, index] = world[:, bone.parent] @ turns[:, index]
            origin = end if bone.from_tip else start
            start[:, index] = origin[:, bone.parent] + world[:, bone.parent] @ bone.offset
        end[:, index] = start[:, index] + world[:, index] @ bone.tip
    return Recording(
        tuple(bone.name for bone in bones),
        np.array([bone.parent for bone in bones], np.int64),
        (start @ Y_UP.T * scale).astype(np.float32),
        (end @ Y_UP.T * scale).astype(np.float32),
        (Y_UP @ world @ Y_UP.T).astype(np.float32),
        fps,
    )
