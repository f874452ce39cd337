"""One door for all motion capture files."""

from __future__ import annotations

import math
from pathlib import Path

from spinepose.errors import InputError, UsageError
from spinepose.synth.mocap.acclaim import read_acclaim
from spinepose.synth.mocap.biovision import read_biovision
from spinepose.synth.mocap.recording import Recording

__all__ = ["MOTION_SUFFIXES", "find_motions", "read_motion"]

MOTION_SUFFIXES = (".amc", ".bvh")


def find_motions(source: Path) -> list[Path]:
    """Return the motion files that a path means: itself, or those in a folder, sorted by name.

    Raises
    ------
    InputError
        When there are none.
    """
    if source.is_dir():
        found = sorted(path for path in source.rglob("*") if path.suffix.lower() in MOTION_SUFFIXES)
        if not found:
            raise InputError(f"{source} holds no motion capture (.amc with .asf, or .bvh)")
        return found
    _check(source)
    return [source]


def read_motion(
    path: str | Path, *, fps: float | None = None, unit: float | None = None
) -> Recording:
    """Read a recorded motion.

    Lengths: an ``.asf`` file says how many inches its unit is. A ``.bvh`` file says nothing: of
    millimetres, centimetres, inches, CMU's units of 56.4 mm, feet and metres that one is taken
    which gives the rest pose the size of a person, about 1.7 m. That is done for an ``.asf`` file
    too, when what it says makes no person. Axes: y is up in these files, turned to z up; a
    ``.bvh`` file whose rest pose stands along z is taken as it is.

    Parameters
    ----------
    path
        A ``.bvh`` or ``.amc`` file. The skeleton of an ``.amc`` file is the ``.asf`` file in the
        same folder whose name is the beginning of its own up to a ``_``, as in ``02.asf`` and
        ``02_05.amc``, or else the only one there.
    fps
        Frames per second, against what the file says. An ``.amc`` file mostly says nothing, and
        is then taken to have 120, like nearly all of CMU's.
    unit
        Metres per unit of length, against what the file says or its size tells.

    Raises
    ------
    InputError
        When a file is missing, damaged, cut off, above 200 MB or 1e6 frames, or not one of a
        person; the message names it.
    UsageError
        When `fps` or `unit` is not positive.
    """
    for name, value in (("fps", fps), ("unit", unit)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"{name} must be above 0, not {value}")
    path = Path(path)
    _check(path)
    read = read_acclaim if path.suffix.lower() == ".amc" else read_biovision
    return read(path, fps=fps, unit=unit)


def _check(path: Path) -> None:
    """Refuse what is missing or no motion by its name."""
    if not path.is_file():
        raise InputError(f"{path} does not exist, or is no file; check its name and place")
    if path.suffix.lower() not in MOTION_SUFFIXES:
        raise InputError(
            f"{path} is no motion capture: give an .amc file with its .asf beside it, a .bvh file "
            f"or a folder of them"
        )
