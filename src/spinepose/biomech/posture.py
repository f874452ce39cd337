"""Angles and distances of posture that clinicians and coaches ask for, frame by frame.

None of this is a radiograph. Kyphosis from markers differs from that in X-rays by 8 to 21 degrees
(RMSE, PMC7524230): changes and trends can be told, a Cobb angle or a diagnosis cannot. F frames, M
markers, N measures.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.biomech.ik import LEAST_MARKERS, Fit
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.measures import MEASURES, Measure, person_of
from spinepose.biomech.tables import Table, write_table
from spinepose.errors import DataError, UsageError
from spinepose.files import atomic_write
from spinepose.plain import markdown_table, plain

__all__ = ["MeasureSummary", "Posture", "measure_posture", "write_posture"]

Float64 = npt.NDArray[np.float64]

NOTE = (
    "References are those of people who stand upright. Uncertainty is the error of one frame with "
    "10 mm of noise in each axis of each marker, after smoothing, on markers of the model itself: "
    "the best case. Where keypoints lie 10 mm per axis beside the model's places, angles between "
    "bodies of the spine are wrong by 8 to 10 degrees, most of it the same in all frames. Against "
    "X-rays, kyphosis from markers is wrong by 8 to 21 degrees (PMC7524230). Look at changes and "
    "trends; this is no diagnosis."
)

_MIDDLE = (5.0, 50.0, 95.0)
"""Percentiles of a summary."""


@dataclass(frozen=True, slots=True)
class MeasureSummary:
    """One measure over all frames; numbers are NaN where nothing is known.

    Attributes
    ----------
    name, unit, definition, source
        Of the measure.
    frames
        In which it is known.
    low, median, high
        5th, 50th and 95th percentile.
    reference_low, reference_high
        Published reference, infinite where it has no end.
    beyond
        Share of the frames outside the reference.
    uncertainty
        See :class:`Measure`.
    """

    name: str
    unit: str
    definition: str
    source: str
    frames: int
    low: float
    median: float
    high: float
    reference_low: float
    reference_high: float
    beyond: float
    uncertainty: float


@dataclass(frozen=True, slots=True, eq=False)
class Posture:
    """The measures of all frames.

    Attributes
    ----------
    values
        (F, N) degrees and millimetres, in the order of :data:`MEASURES`; NaN where unknown.
    """

    values: Float64

    def series(self, name: str) -> Float64:
        """Return one measure (F,).

        Raises
        ------
        UsageError
            If there is no measure of that name.
        """
        names = [measure.name for measure in MEASURES]
        if name not in names:
            raise UsageError(f"there is no measure {name!r}; choose one of {', '.join(names)}")
        return np.asarray(self.values[:, names.index(name)])

    @property
    def summaries(self) -> tuple[MeasureSummary, ...]:
        """Each measure over all frames."""
        columns = zip(MEASURES, self.values.T, strict=True)
        return tuple(_summary(measure, column) for measure, column in columns)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings, for JSON; what is not known is None."""
        rows = [plain(asdict(item)) for item in self.summaries]
        return {"frames": len(self.values), "note": NOTE, "measures": rows}

    def to_markdown(self) -> str:
        """Return the table of a report, and what the measures are."""
        return "\n".join(_report(self)) + "\n"


def measure_posture(markers: npt.ArrayLike, fit: Fit, body: Kinematics) -> Posture:
    """Measure the posture in each frame.

    Parameters
    ----------
    markers
        (F, M, 3) m, y up, that were solved; NaN where missing.
    fit
        Their poses, better from :func:`.smooth` than frame by frame.
    body
        The model.

    Raises
    ------
    DataError
        If no frame has a pose.
    UsageError
        If shapes do not fit.
    """
    points = np.asarray(markers, np.float64)
    if points.shape != fit.markers.shape or points.shape[1] != len(body.spec.markers):
        raise UsageError(f"markers have shape {points.shape}, the fit {fit.markers.shape}")
    if not fit.solved.any():
        raise DataError(f"no frame has a pose; each needs {LEAST_MARKERS} markers")
    person = person_of(points, fit, body)
    return Posture(np.stack([measure.compute(person) for measure in MEASURES], axis=1))


def _summary(measure: Measure, column: Float64) -> MeasureSummary:
    known = column[np.isfinite(column)]
    low, median, high = np.percentile(known, _MIDDLE).tolist() if len(known) else (math.nan,) * 3
    outside = (known < measure.low) | (known > measure.high)
    return MeasureSummary(
        name=measure.name,
        unit=measure.unit,
        definition=measure.definition,
        source=measure.source,
        frames=len(known),
        low=low,
        median=median,
        high=high,
        reference_low=measure.low,
        reference_high=measure.high,
        beyond=float(outside.mean()) if len(known) else math.nan,
        uncertainty=measure.uncertainty,
    )


def _report(posture: Posture) -> Iterator[str]:
    """Yield the lines of a report."""
    found = posture.summaries
    yield "# Posture"
    yield ""
    yield f"{len(posture.values)} frames. {NOTE}"
    yield ""
    yield markdown_table(
        ("measure", "frames", "median", "5 to 95 %", "reference", "frames beyond", "uncertainty"),
        [_cells(item) for item in found],
    )
    yield ""
    for item in found:
        yield f"- `{item.name}`: {item.definition} ({item.source})."


def _cells(item: MeasureSummary) -> tuple[str, ...]:
    known = item.frames > 0
    reference = _reference(item.reference_low, item.reference_high)
    return (
        item.name,
        str(item.frames),
        f"{item.median:z.1f}" if known else "-",
        f"{item.low:z.1f} to {item.high:z.1f}" if known else "-",
        reference,
        f"{item.beyond:.1%}" if known and reference != "-" else "-",
        f"{item.uncertainty:.1f}",
    )


def _reference(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"{low:.0f} to {high:.0f}"
    if math.isfinite(low):
        return f"at least {low:.0f}"
    return f"at most {high:.0f}" if math.isfinite(high) else "-"


def write_posture(path: str | Path, posture: Posture, times: npt.ArrayLike) -> None:
    """Write the measures over time as a ``.csv`` or ``.sto`` table.

    In a ``.csv`` file, what is not known is empty. A ``.sto`` file has no room for that: measures
    that are never known, and frames in which another one is not, are left out.

    Parameters
    ----------
    path
        The file; its suffix chooses the format.
    posture
        F frames.
    times
        (F,) s, rising.

    Raises
    ------
    DataError
        If no frame is whole enough for a ``.sto`` file.
    OutputError
        If the file cannot be written.
    UsageError
        If the suffix is another or times do not fit.
    """
    seconds = np.asarray(times, np.float64)
    if seconds.shape != (len(posture.values),):
        raise UsageError(f"times have shape {seconds.shape}, expected ({len(posture.values)},)")
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        _write_csv(path, posture, seconds)
    elif suffix == ".sto":
        _write_sto(path, posture, seconds)
    else:
        raise UsageError(f"{path} is neither .csv nor .sto; give it one of these suffixes")


def _write_csv(path: str | Path, posture: Posture, seconds: Float64) -> None:
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["time_s", *(measure.name for measure in MEASURES)])
        for time, row in zip(seconds.tolist(), posture.values.tolist(), strict=True):
            cells = ("" if math.isnan(value) else f"{value:.3f}" for value in row)
            writer.writerow([f"{time:.6f}", *cells])


def _write_sto(path: str | Path, posture: Posture, seconds: Float64) -> None:
    known = np.isfinite(posture.values)
    columns = np.flatnonzero(known.any(axis=0))
    rows = known[:, columns].all(axis=1)
    if not len(columns) or not rows.any():
        raise DataError(
            f"{path}: no frame has all measures; write a .csv file, which can have gaps"
        )
    names = tuple(MEASURES[i].name for i in columns)
    values = posture.values[rows][:, columns]
    write_table(path, Table(values, names, seconds[rows], in_degrees=True, title="posture"))
