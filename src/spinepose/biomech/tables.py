"""Motions and other tables over time, as OpenSim's ``.mot`` and ``.sto`` files.

Both have the same layout (opensim-core, Common/Storage.cpp, version 1 of the header, checked with
OpenSim 4.6): lines of ``key=value``, a line ``endheader``, the names of the columns and the
numbers, cut at tabs. The first column is the time. ``inDegrees`` tells the unit of rotations;
lengths are metres whatever it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.biomech.spec import ModelSpec
from spinepose.errors import DataError, UsageError
from spinepose.files import atomic_write, read_lines

__all__ = ["Table", "read_motion", "read_table", "write_motion", "write_table"]

Float64 = npt.NDArray[np.float64]

_DIGITS = 12
_YES, _NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of numbers over time.

    Attributes
    ----------
    values
        (T, N), in the file's units.
    names
        Of the N columns, without the time.
    times
        (T,) s, rising.
    in_degrees
        Whether rotations are in degrees.
    title
        The first line of the file.
    """

    values: Float64
    names: tuple[str, ...]
    times: Float64
    in_degrees: bool = False
    title: str = "table"


def write_table(path: str | Path, table: Table) -> None:
    """Write a ``.mot`` or ``.sto`` file.

    Raises
    ------
    OutputError
        If the file cannot be written.
    UsageError
        If shapes or names do not fit, times do not rise, or a number is not finite.
    """
    values = np.asarray(table.values, dtype=np.float64)
    times = np.asarray(table.times, dtype=np.float64)
    _check(values, times, table.names, table.title)
    rows = np.column_stack([times, values])
    header = [
        table.title,
        "version=1",
        f"nRows={len(rows)}",
        f"nColumns={rows.shape[1]}",
        f"inDegrees={_YES if table.in_degrees else _NO}",
        "endheader",
        "\t".join(["time", *table.names]),
    ]
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.write("\n".join(header) + "\n")
        for row in rows:
            file.write("\t".join(f"{value:.{_DIGITS}g}" for value in row) + "\n")


def _check(values: Float64, times: Float64, names: Sequence[str], title: str) -> None:
    """Refuse what makes no file that OpenSim reads."""
    if values.shape != (len(times), len(names)) or not values.size:
        raise UsageError(
            f"values have shape {values.shape}, expected ({len(times)}, {len(names)}), not empty"
        )
    if not (np.isfinite(values).all() and np.isfinite(times).all()):
        raise UsageError("a number is not finite: fill the gaps, or leave those frames out")
    if (np.diff(times) <= 0).any():
        raise UsageError("times must rise")
    for name in (*names, title):
        if not name or not name.isprintable() or name != name.strip() or "=" in name:
            raise UsageError(f"{name!r} is no name: empty, or with a tab, line end or '='")
    if len({"time", *names}) != len(names) + 1:
        raise UsageError("names of columns must differ, and none be time")


def read_table(path: str | Path) -> Table:
    """Read a ``.mot`` or ``.sto`` file, of this package or of OpenSim 3 and 4.

    Raises
    ------
    DataError
        If the file is missing, cut off, or no such file.
    """
    path = Path(path)
    lines = read_lines(path)
    try:
        return _table(lines)
    except ValueError as error:
        raise DataError(f"{path} is not a sound .mot or .sto file: {error}") from error


def _table(lines: list[str]) -> Table:
    """Return what the lines of a file hold; `ValueError` says what is wrong."""
    stripped = [line.strip() for line in lines]
    if "endheader" not in stripped:
        raise ValueError("it has no line 'endheader'")
    end = stripped.index("endheader")
    head = [line for line in stripped[:end] if line]
    pairs = dict(_pair(line) for line in head if "=" in line)
    body = [line.split() for line in stripped[end + 1 :] if line]
    if not body or body[0][0].lower() != "time":
        raise ValueError("its first column is not the time")
    names, rows = body[0], body[1:]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise ValueError(f"row {number} has {len(row)} cells instead of {len(names)}")
    for key, count in (("nrows", len(rows)), ("ncolumns", len(names))):
        if int(pairs.get(key, count)) != count:
            raise ValueError(f"{key} is {pairs[key]}, but there are {count}")
    numbers = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    return Table(
        values=numbers[:, 1:],
        names=tuple(names[1:]),
        times=numbers[:, 0],
        in_degrees=pairs.get("indegrees", _NO).lower() == _YES,
        title=pairs.get("name", head[0] if head and "=" not in head[0] else "table"),
    )


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition("=")
    return key.strip().lower(), value.strip()


def _rotations(spec: ModelSpec) -> npt.NDArray[np.bool_]:
    return np.array([not item.translation for item in spec.coordinates])


def write_motion(
    path: str | Path,
    spec: ModelSpec,
    q: npt.ArrayLike,
    times: npt.ArrayLike,
    *,
    degrees: bool = True,
) -> None:
    """Write poses as a ``.mot`` file that OpenSim plays on the model of :func:`.write_osim`.

    Parameters
    ----------
    path
        The file.
    spec
        The model.
    q
        (T, Q) poses, radians and metres.
    times
        (T,) s, rising.
    degrees
        Whether rotations are degrees in the file, as OpenSim's own tools write them.

    Raises
    ------
    OutputError
        If the file cannot be written.
    UsageError
        As in :func:`write_table`.
    """
    values = np.array(q, dtype=np.float64)
    names = tuple(item.name for item in spec.coordinates)
    if values.ndim != 2 or values.shape[1] != len(names):
        raise UsageError(f"poses have shape {values.shape}, expected (T, {len(names)})")
    if degrees:
        values[:, _rotations(spec)] = np.degrees(values[:, _rotations(spec)])
    write_table(path, Table(values, names, np.asarray(times), degrees, "Coordinates"))


def read_motion(path: str | Path, spec: ModelSpec) -> tuple[Float64, Float64]:
    """Read poses; columns that the model does not have, such as dependent ones, are left out.

    Names may be whole paths, ``/jointset/hip_r/hip_flexion_r/value``, as OpenSim 4 writes states.

    Returns
    -------
    q, times : (T, Q) and (T,)
        Radians, metres and seconds. Coordinates that the file does not have are zero.

    Raises
    ------
    DataError
        If the file is broken or has none of the model's coordinates.
    """
    table = read_table(path)
    q = np.zeros((len(table.times), len(spec.coordinates)))
    rotations = _rotations(spec)
    found = False
    for name, column in zip(table.names, table.values.T, strict=True):
        own = name.split("/")[-2] if name.startswith("/") and name.endswith("/value") else name
        place = spec.coordinate_index.get(own)
        if place is None:
            continue
        found = True
        q[:, place] = np.radians(column) if table.in_degrees and rotations[place] else column
    if not found:
        raise DataError(f"{path} has no coordinate of the model {spec.name!r}")
    return q, table.times
