"""Points in space from other programs' files, as markers of our model.

Names of keypoints are ours, or those that Pose2Sim gives to the keypoints of Halpe26 (Pose2Sim,
``skeletons.py``). Two of the latter are not where ours are and are left out: its ``Hip`` lies
between the hip joints, ours on the sacrum; its ``Neck`` lies between the shoulders, ours is C7.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.biomech.c3d import read_c3d
from spinepose.biomech.ik import LEAST_MARKERS, from_world
from spinepose.errors import DataError, InputError, UsageError
from spinepose.export.trc import read_trc
from spinepose.skeleton import SPINETRACK

__all__ = ["Points", "read_points"]

Float64 = npt.NDArray[np.float64]

_SIDES = {"R": "right", "L": "left"}
_PARTS = {
    "Eye": "eye", "Ear": "ear", "Shoulder": "shoulder", "Elbow": "elbow", "Wrist": "wrist",
    "Hip": "hip", "Knee": "knee", "Ankle": "ankle", "BigToe": "big_toe", "SmallToe": "small_toe",
    "Heel": "heel",
}  # fmt: skip
_OTHER_NAMES = {
    "Nose": "nose",
    "Head": "head",
    **{f"{s}{part}": f"{_SIDES[s]}_{ours}" for s in _SIDES for part, ours in _PARTS.items()},
}
_LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
_SHORTEST, _LONGEST = 0.08, 0.8
"""Metres: half of a small child's forearm, and more than any thigh."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Markers of a file, in the order of :data:`.SPINETRACK`.

    Attributes
    ----------
    markers
        (F, M, 3) m, y up; NaN where missing.
    rate
        Frames per second.
    """

    markers: Float64
    rate: float


def read_points(path: str | Path, *, up: str = "y") -> Points:
    """Read a ``.trc`` or ``.c3d`` file.

    Parameters
    ----------
    path
        The file.
    up
        The axis of the file that points up, ``y`` as OpenSim has it, or ``z``.

    Raises
    ------
    DataError
        If the file is broken, knows too few of our keypoints, or its units cannot be right.
    InputError
        If it is of another kind.
    MissingExtraError
        If it is a ``.c3d`` and `ezc3d` is not installed.
    UsageError
        If `up` is something else.
    """
    path = Path(path)
    readers = {".trc": read_trc, ".c3d": read_c3d}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path} is neither a .trc nor a .c3d file")
    if up not in ("y", "z"):
        raise UsageError(f"the axis that points up must be y or z, not {up!r}")
    found = readers[path.suffix.lower()](path)
    columns = {_OTHER_NAMES.get(name, name): i for i, name in enumerate(found.names)}
    markers = np.full((len(found.positions), len(SPINETRACK), 3), np.nan)
    known = [name for name in SPINETRACK.keypoints if name in columns]
    if len(known) < LEAST_MARKERS:
        raise DataError(
            f"{path} has {len(known)} of our keypoints among its {len(found.names)} markers "
            f"({', '.join(found.names[:6])} ...); {LEAST_MARKERS} are needed: name them as "
            f"{', '.join(SPINETRACK.keypoints[5:8])} ..."
        )
    for name in known:
        markers[:, SPINETRACK.index(name)] = found.positions[:, columns[name]]
    if not np.isfinite(markers).any():
        raise DataError(f"{path} has no number in any frame for our keypoints")
    _check_units(path, markers)
    return Points(from_world(markers) if up == "z" else markers, found.rate)


def _check_units(path: Path, markers: Float64) -> None:
    """Refuse lengths of limbs that no person has."""
    lengths = []
    for side in ("left", "right"):
        for start, end in _LIMBS:
            i, j = (SPINETRACK.index(f"{side}_{name}") for name in (start, end))
            between = np.linalg.norm(markers[:, i] - markers[:, j], axis=1)
            if np.isfinite(between).any():
                lengths.append(float(np.nanmedian(between)))
    if lengths and not _SHORTEST < np.median(lengths) < _LONGEST:
        raise DataError(
            f"{path}: limbs are {np.median(lengths):.3g} m long; its units are not what it says, "
            "write it anew in metres or millimetres"
        )
