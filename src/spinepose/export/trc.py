"""Marker trajectories as ``.trc`` files, which OpenSim and most motion capture software read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.errors import DataError
from spinepose.files import atomic_write

__all__ = ["TO_OPENSIM", "Markers", "read_trc", "write_trc"]

Float64 = npt.NDArray[np.float64]

TO_OPENSIM = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
"""(3, 3) from a world with z up, where people face -y and their left is +x, to OpenSim's: x
forward, y up, z to the right."""

_UNITS = {"m": 1.0, "mm": 1000.0}
_HEADER_LINES = 5
_LARGEST = 1 << 30


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
        (T, M, 3) m; a marker with a NaN is left blank in that frame.
    names
        Of the M markers, without tabs.
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
    ValueError
        If shapes, names, units or rate do not fit.
    """
    points = np.asarray(positions, np.float64)
    if points.ndim != 3 or points.shape[1:] != (len(names), 3):
        raise ValueError(f"positions have shape {points.shape}, expected (T, {len(names)}, 3)")
    if units not in _UNITS:
        raise ValueError(f"units must be m or mm, not {units!r}")
    if not rate > 0:
        raise ValueError(f"rate must be positive, not {rate}")
    if any(not name or set(name) & set("\t\r\n") for name in names):
        raise ValueError("marker names must not be empty nor hold tabs or line ends")
    if rotation is not None:
        points = points @ np.asarray(rotation, np.float64).T
    points = points * _UNITS[units]
    frames, markers = points.shape[:2]
    path = Path(path)
    head = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame"
        "\tOrigNumFrames",
        f"{rate:g}\t{rate:g}\t{frames}\t{markers}\t{units}\t{rate:g}\t1\t{frames}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{i + 1}" for i in range(markers) for axis in "XYZ"),
        "",
    ]
    digits = 6 if units == "m" else 3
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write("\n".join(head) + "\n")
        for number, frame in enumerate(points):
            cells = [
                "\t\t" if np.isnan(marker).any() else "\t".join(f"{v:.{digits}f}" for v in marker)
                for marker in frame
            ]
            file.write(f"{number + 1}\t{number / rate:.6f}\t" + "\t".join(cells) + "\n")


def read_trc(path: str | Path) -> Markers:
    """Read marker trajectories.

    Raises
    ------
    DataError
        If the file is missing or is not a .trc file.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path} is larger than 1 GB; split it")
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if len(lines) < _HEADER_LINES or not lines[0].startswith("PathFileType"):
        raise DataError(f"{path} is not a .trc file: its first word is not PathFileType")
    try:
        values = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
        rate, scale = float(values["DataRate"]), 1 / _UNITS[values["Units"].strip()]
        names = tuple(name.strip() for name in lines[3].split("\t")[2:] if name.strip())
        rows = [line for line in lines[_HEADER_LINES:] if line.strip()]
        table = np.array([_cells(row, 2 + 3 * len(names)) for row in rows], np.float64)
    except (KeyError, ValueError) as error:
        raise DataError(f"{path} is not a sound .trc file: {error}") from error
    table = table.reshape(len(rows), 2 + 3 * len(names))
    positions = table[:, 2:].reshape(len(rows), len(names), 3) * scale
    return Markers(positions, names, table[:, 1], rate)


def _cells(row: str, count: int) -> list[float]:
    """Return the numbers of a line; blank cells, and those missing at its end, as NaN."""
    cells = [float(cell) if cell.strip() else np.nan for cell in row.split("\t")]
    if len(cells) > count and not np.isnan(cells[count:]).all():
        raise ValueError(f"a line has {len(cells)} cells instead of {count}")
    return list(itertools.islice(itertools.chain(cells, itertools.repeat(np.nan)), count))
