"""Marker trajectories as ``.c3d`` files, the binary format of motion capture systems.

Positions are millimetres in the file and metres here, float32 on the way. The axes are OpenSim's,
y up; the file says so in ``POINT:X_SCREEN`` and ``POINT:Y_SCREEN``. A missing marker has a negative
residual (C3D format, c3d.org, section "Floating point 3D data").
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.errors import DataError, MissingExtraError, UsageError
from spinepose.export.trc import Markers
from spinepose.files import atomic_write

__all__ = ["read_c3d", "require_ezc3d", "write_c3d"]

_PER_METRE = {"mm": 1000.0, "cm": 100.0, "m": 1.0}
_LONGEST = 127
"""Characters of a label: lengths are signed bytes."""
_BLOCK = 512
_INTEL = bytes([84])
"""The mark of the byte order that all software writes today."""
_MOST_MARKERS, _MOST_FRAMES = 255, 65535
"""A list of labels has a length of one byte, a recording one of two."""


def require_ezc3d() -> Any:
    """Return the library.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        return import_module("ezc3d")
    except ImportError as error:
        raise MissingExtraError("the .c3d format", "opensim") from error


def write_c3d(
    path: str | Path, positions: npt.ArrayLike, names: Sequence[str], rate: float
) -> None:
    """Write marker trajectories.

    Parameters
    ----------
    path
        The ``.c3d`` file.
    positions
        (T, M, 3) m, x forward, y up, z right; a marker that is not finite is missing.
    names
        Of the M markers, all different, ASCII.
    rate
        Frames per second.

    Raises
    ------
    MissingExtraError
        If `ezc3d` is not installed.
    OutputError
        If the file cannot be written.
    UsageError
        If shapes, names or rate do not fit.
    """
    points = np.asarray(positions, dtype=np.float64)
    _check(points, names, rate)
    ezc3d = require_ezc3d()
    content = ezc3d.c3d()
    parameters = content["parameters"]
    parameters["POINT"]["UNITS"]["value"] = ["mm"]
    parameters["POINT"]["RATE"]["value"] = [float(rate)]
    parameters["POINT"]["LABELS"]["value"] = list(names)
    content.add_parameter("POINT", "X_SCREEN", ["+X"])
    content.add_parameter("POINT", "Y_SCREEN", ["+Y"])
    missing = np.logical_not(np.isfinite(points).all(axis=2, keepdims=True))
    millimetres = np.where(missing, np.nan, points * 1000.0)
    data = np.ones((4, points.shape[1], points.shape[0]))
    data[:3] = millimetres.transpose(2, 1, 0)
    content["data"]["points"] = data
    residuals = np.where(missing.transpose(2, 1, 0), -1.0, 0.0)
    content["data"]["meta_points"]["residuals"] = residuals
    with atomic_write(path) as temporary:
        content.write(str(temporary))


def _check(points: npt.NDArray[np.float64], names: Sequence[str], rate: float) -> None:
    """Refuse what the format does not hold."""
    if points.ndim != 3 or points.shape[1:] != (len(names), 3) or not points.size:
        raise UsageError(f"positions have shape {points.shape}, expected (T, {len(names)}, 3)")
    if not (rate > 0 and math.isfinite(rate)):
        raise UsageError(f"rate must be positive, not {rate}")
    if len(names) > _MOST_MARKERS or len(points) > _MOST_FRAMES:
        raise UsageError("a .c3d file holds 255 markers and 65535 frames at most; split it")
    if len(set(names)) != len(names):
        raise UsageError("marker names must differ")
    if any(not n.isascii() or not n.isprintable() or not 0 < len(n) <= _LONGEST for n in names):
        raise UsageError("marker names must be 1 to 127 printable ASCII characters")


def read_c3d(path: str | Path) -> Markers:
    """Read marker trajectories, in the file's axes.

    Raises
    ------
    DataError
        If the file is missing or broken.
    MissingExtraError
        If `ezc3d` is not installed.
    """
    path = Path(path)
    ezc3d = require_ezc3d()
    if not path.is_file():
        raise DataError(f"cannot read {path}: no such file")
    try:
        content = ezc3d.c3d(str(path))
        point = content["parameters"]["POINT"]
        units = point["UNITS"]["value"][0].strip().lower() or "mm"
        names = tuple(name.strip() for name in point["LABELS"]["value"])
        rate = float(point["RATE"]["value"][0])
        first = int(content["header"]["points"]["first_frame"])
        data = np.asarray(content["data"]["points"], dtype=np.float64)
        residuals = np.asarray(content["data"]["meta_points"]["residuals"])[0]
        scale = _PER_METRE[units]
        if path.stat().st_size < _least(path):
            raise ValueError("it is cut off")
        if len(names) < data.shape[1]:
            raise ValueError(f"it has {data.shape[1]} markers and {len(names)} names")
    except (OSError, RuntimeError, ValueError, KeyError, IndexError) as error:
        raise DataError(f"{path} is not a sound .c3d file: {error}") from error
    positions = data[:3].transpose(2, 1, 0) / scale
    positions[residuals.T < 0] = np.nan
    positions[~np.isfinite(positions).all(axis=2)] = np.nan
    times = (first + np.arange(len(positions))) / rate
    return Markers(positions, names[: positions.shape[1]], times, rate)


def _least(path: Path) -> int:
    """Return the bytes that a file has at least, by its header (c3d.org, "Header section").

    A value is a 4-byte float when the scale is negative, else a 2-byte integer; a marker has four
    of them. Blocks have 512 bytes and are counted from one. Zero for byte orders of old machines.
    """
    with path.open("rb") as file:
        head = file.read(_BLOCK)
        file.seek((head[0] - 1) * _BLOCK + 3)
        if file.read(1) != _INTEL:
            return 0
    _, markers, analog, first, last, _, scale, start = struct.unpack_from("<6HfH", head)
    size = 4 if scale < 0 else 2
    frames = max(last - first + 1, 0)
    return int((start - 1) * _BLOCK + frames * size * (4 * markers + analog))
