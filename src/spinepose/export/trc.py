"""Marker trajectories as ``.trc`` files, which OpenSim and most motion capture software read.

The layout is the one that OpenSim writes and reads (opensim-core, Common/TRCFileAdapter.cpp, and
checked with OpenSim 4.6): a tab behind every number, for a line whose last marker is blank is
refused without it, and an empty line between header and numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.errors import DataError, UsageError
from spinepose.files import atomic_write, read_lines

__all__ = ["TO_OPENSIM", "Markers", "read_trc", "write_trc"]

Float64 = npt.NDArray[np.float64]

TO_OPENSIM = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
"""(3, 3) from a world with z up, where people face -y and their left is +x, to OpenSim's: x
forward, y up, z to the right."""

_UNITS = {"m": 1.0, "mm": 1000.0}
_KEYS = [
    "DataRate",
    "CameraRate",
    "NumFrames",
    "NumMarkers",
    "Units",
    "OrigDataRate",
    "OrigDataStartFrame",
    "OrigNumFrames",
]
_HEADER_LINES = 5


@dataclass(frozen=True, slots=True)
class Markers:
    """What a .trc file holds.

    Attributes
    ----------
    positions
        (T, M, 3) m, in the file's axes; NaN where a marker is missing.
    names
        Of the M markers.
    times
        (T,) s.
    rate
        Frames per second.
    """

    positions: Float64
    names: tuple[str, ...]
    times: Float64
    rate: float


def write_trc(
    path: str | Path,
    positions: npt.ArrayLike,
    names: Sequence[str],
    rate: float,
    *,
    units: str = "m",
    rotation: npt.ArrayLike | None = TO_OPENSIM,
) -> None:
    """Write marker trajectories.

    Parameters
    ----------
    path
        The ``.trc`` file.
    positions
        (T, M, 3) m; a marker that is not finite is left blank in that frame.
    names
        Of the M markers, all different, without tabs.
    rate
        Frames per second.
    units
        ``m`` or ``mm``, of the numbers in the file.
    rotation
        (3, 3) applied to all positions; by default from the world of synthetic people to
        OpenSim's axes. `None` writes them as they are.

    Raises
    ------
    OutputError
        If the file cannot be written.
    UsageError
        If shapes, names, units or rate do not fit, or there is nothing to write.
    """
    points = np.asarray(positions, np.float64)
    _check(points, names, rate, units)
    points = np.where(np.isfinite(points).all(axis=2, keepdims=True), points, np.nan)
    if rotation is not None:
        points = np.einsum("ij,tmj->tmi", np.asarray(rotation, np.float64), points)
    points = points * _UNITS[units]
    path = Path(path)
    digits = 6 if units == "m" else 3
    # Line ends of one kind everywhere: OpenSim counts a carriage return as an empty cell.
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.write(_header(path.name, len(points), names, rate, units))
        for number, frame in enumerate(points):
            cells = ["" if np.isnan(value) else f"{value:.{digits}f}" for value in frame.ravel()]
            file.write("\t".join([str(number + 1), f"{number / rate:.6f}", *cells, "\n"]))


def _check(points: Float64, names: Sequence[str], rate: float, units: str) -> None:
    """Refuse what makes no file that OpenSim reads."""
    if points.ndim != 3 or points.shape[1:] != (len(names), 3):
        raise UsageError(f"positions have shape {points.shape}, expected (T, {len(names)}, 3)")
    if not points.size:
        raise UsageError(f"positions have shape {points.shape}: a frame and a marker are needed")
    if units not in _UNITS:
        raise UsageError(f"units must be m or mm, not {units!r}")
    if not (rate > 0 and math.isfinite(rate)):
        raise UsageError(f"rate must be positive, not {rate}")
    if any(not name or name != name.strip() or not name.isprintable() for name in names):
        raise UsageError("marker names must not be empty nor hold tabs, line ends or outer blanks")
    if len(set(names)) != len(names):
        raise UsageError("marker names must differ")


def _header(name: str, frames: int, names: Sequence[str], rate: float, units: str) -> str:
    """Return what stands above the numbers."""
    markers, shown = len(names), f"{rate:.10g}"
    values = [shown, shown, frames, markers, units, shown, 1, frames]
    axes = [f"{axis}{marker + 1}" for marker in range(markers) for axis in "XYZ"]
    lines = [
        ["PathFileType", "4", "(X/Y/Z)", name],
        _KEYS,
        [str(value) for value in values],
        ["Frame#", "Time", *(cell for name in names for cell in (name, "", "")), ""],
        ["", "", *axes, ""],
        [],
    ]
    return "".join("\t".join(line) + "\n" for line in lines)


def read_trc(path: str | Path) -> Markers:
    """Read marker trajectories.

    Raises
    ------
    DataError
        If the file is missing, cut off or not a .trc file.
    """
    path = Path(path)
    lines = read_lines(path)
    if len(lines) < _HEADER_LINES or not lines[0].startswith("PathFileType"):
        raise DataError(f"{path} is not a .trc file: its first word is not PathFileType")
    try:
        return _markers(lines)
    except (KeyError, ValueError) as error:
        raise DataError(f"{path} is not a sound .trc file: {error}; write it anew") from error


def _markers(lines: list[str]) -> Markers:
    """Return what the lines of a file hold.

    Raises
    ------
    KeyError, ValueError
        Something is missing or wrong.
    """
    values = dict(zip(lines[1].split("\t"), map(str.strip, lines[2].split("\t")), strict=False))
    rate, scale = float(values["DataRate"]), 1 / _UNITS[values["Units"]]
    if not (rate > 0 and math.isfinite(rate)):
        raise ValueError(f"its rate is {rate}")
    names = tuple(name.strip() for name in lines[3].split("\t")[2:] if name.strip())
    rows = [
        _cells(line, 2 + 3 * len(names), number)
        for number, line in enumerate(lines[_HEADER_LINES:], start=_HEADER_LINES + 1)
        if line.strip()
    ]
    for key, count in (("NumFrames", len(rows)), ("NumMarkers", len(names))):
        if int(values.get(key, count)) != count:
            raise ValueError(f"{key} is {values[key]}, but there are {count}")
    table = np.array(rows, np.float64).reshape(len(rows), 2 + 3 * len(names))
    positions = table[:, 2:].reshape(len(rows), len(names), 3) * scale
    positions[~np.isfinite(positions).all(axis=2)] = np.nan
    return Markers(positions, names, table[:, 1], rate)


def _cells(row: str, count: int, number: int) -> list[float]:
    """Return the numbers of a line; blank cells as NaN."""
    cells = row.split("\t")
    if len(cells) < count or any(cell.strip() for cell in cells[count:]):
        raise ValueError(f"line {number} has {len(cells)} cells instead of {count}")
    return [float(cell) if cell.strip() else np.nan for cell in cells[:count]]
