"""Inverse kinematics by OpenSim's own tool, on the same markers as ours.

F frames, M markers, Q coordinates; metres, radians, x forward, y up, z right.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.biomech.ik import LEAST_MARKERS
from spinepose.biomech.opensim_process import ask_opensim, existing_model, require_opensim
from spinepose.biomech.tables import Table, read_table
from spinepose.errors import DataError, UsageError
from spinepose.export.trc import Markers, read_trc, write_trc

__all__ = ["ACCURACY", "OpenSimFit", "require_opensim", "solve_with_opensim"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ACCURACY = 1e-5
"""Of OpenSim's inverse kinematics. A loose one is silently wrong: 1e-3 leaves more than 20 mm of
markers that the model can meet exactly."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenSimFit:
    """Poses that OpenSim found, and how far they leave the markers.

    Attributes
    ----------
    times
        (F,) s, of the markers.
    names
        Of the M markers that were used, in the order in which they were given.
    coordinate_names
        Of the Q coordinates of the model, dependent ones too.
    rotational
        (Q,) whether a coordinate is radians; else it is metres, or what the model says it is.
    coordinates
        (F, Q) radians and metres; NaN where a frame was left out for lack of markers.
    markers
        (F, M, 3) m, of the model; NaN as before.
    residuals
        (F, M) m, distance of the measured marker from the model's; NaN where there is none.
    rms, largest
        (F,) m, of each frame as OpenSim's own report has them, which counts a missing marker as
        met; NaN as before.
    seconds
        Of processor time that the tool took: from markers on the disk to results on the disk,
        without the start of the process and the reading of the model.
    """

    times: Float64
    names: tuple[str, ...]
    coordinate_names: tuple[str, ...]
    rotational: Bools
    coordinates: Float64
    markers: Float64
    residuals: Float64
    rms: Float64
    largest: Float64
    seconds: float

    @property
    def solved(self) -> Bools:
        """(F,) whether there is a pose."""
        return np.asarray(np.isfinite(self.markers).all(axis=(1, 2)))

    @property
    def frames_per_second(self) -> float:
        """Solved frames per second of the tool's time."""
        return float(self.solved.sum() / self.seconds)


def solve_with_opensim(
    model: str | Path,
    markers: Markers | str | Path,
    weights: Mapping[str, float] | None = None,
    *,
    accuracy: float = ACCURACY,
) -> OpenSimFit:
    """Find poses by OpenSim's InverseKinematicsTool.

    It minimises, in each frame, the weighted squares of the markers' distances, from the pose of
    the frame before; the first starts from the model's default pose. The model is used as it is.

    Parameters
    ----------
    model
        The ``.osim`` file, with markers of the same names as those given, eight at least.
    markers
        A ``.trc`` file, or what it holds, y up. Markers that the model lacks are not used. A
        marker that is missing in a frame does not count there; frames with fewer than eight are
        left out, for OpenSim stops at a frame without any.
    weights
        By marker; markers that are not in it, or have zero, are not used. All 1 when not given.
    accuracy
        Of OpenSim's solver.

    Raises
    ------
    DataError
        If a file is broken, too few markers are shared, no frame has eight, or OpenSim fails.
    MissingExtraError
        If `opensim` is not installed.
    UsageError
        If a weight or the accuracy makes no sense.
    """
    if not 0 < accuracy < 1:
        raise UsageError(f"accuracy must be between 0 and 1, not {accuracy}")
    require_opensim()
    model = existing_model(model)
    given = markers if isinstance(markers, Markers) else read_trc(markers)
    chosen = _chosen(given.names, weights)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = ask_opensim("describe", model, folder)
        names = _shared(model, own["markers"], chosen)
        points = given.positions[:, [given.names.index(name) for name in names]]
        enough = np.isfinite(points).all(axis=2).sum(axis=1) >= LEAST_MARKERS
        if not enough.any():
            raise DataError(f"no frame has {LEAST_MARKERS} of the {len(names)} markers of {model}")
        # The rate says nothing to OpenSim's solver, and frames need not follow each other.
        write_trc(folder / "markers.trc", points[enough], names, 100.0, rotation=None)
        used = {name: chosen[name] for name in names}
        found = ask_opensim("solve", model, folder, weights=used, accuracy=accuracy)
        return _read_fit(folder, given.times, names, points, enough, own, found["seconds"])


def _chosen(names: Sequence[str], weights: Mapping[str, float] | None) -> dict[str, float]:
    """Return the weights of the markers that are to be used."""
    wanted = dict.fromkeys(names, 1.0) if weights is None else dict(weights)
    for name, weight in wanted.items():
        if not 0 <= weight < np.inf:
            raise UsageError(f"the weight of {name!r} is {weight}")
    return {name: float(wanted[name]) for name in names if wanted.get(name, 0.0) > 0}


def _shared(model: Path, own: Sequence[str], wanted: Mapping[str, float]) -> tuple[str, ...]:
    """Return the markers that a model shares with the wanted ones, in their order."""
    names = tuple(name for name in wanted if name in own)
    if len(names) < LEAST_MARKERS:
        raise DataError(
            f"{model} shares {len(names)} markers with the points, {LEAST_MARKERS} are needed: it "
            f"has {', '.join(own) or 'none'}; give it markers named {', '.join(wanted) or '(none)'}"
        )
    return names


def _read_fit(
    folder: Path,
    times: Float64,
    names: tuple[str, ...],
    points: Float64,
    enough: Bools,
    own: Mapping[str, Any],
    seconds: float,
) -> OpenSimFit:
    """Return what the tool wrote, for all frames."""
    motion, errors, places = (
        read_table(next(folder.glob(pattern)))
        for pattern in ("poses.mot", "*_ik_marker_errors.sto", "*_ik_model_marker_locations.sto")
    )
    rotational = np.isin(motion.names, own["rotational"])
    values = motion.values.copy()
    if motion.in_degrees:
        values[:, rotational] = np.radians(values[:, rotational])
    columns = [f"{name}_t{axis}" for name in names for axis in "xyz"]
    found = _columns(places, columns).reshape(-1, len(names), 3)

    def spread(rows: Float64) -> Float64:
        if len(rows) != enough.sum():
            raise DataError(f"OpenSim solved {len(rows)} frames of {enough.sum()}")
        full = np.full((len(enough), *rows.shape[1:]), np.nan)
        full[enough] = rows
        return full

    model_markers = spread(found)
    each = spread(_columns(errors, ["marker_error_RMS", "marker_error_max"]))
    return OpenSimFit(
        times=times,
        names=names,
        coordinate_names=motion.names,
        rotational=rotational,
        coordinates=spread(values),
        markers=model_markers,
        residuals=np.linalg.norm(points - model_markers, axis=2),
        rms=each[:, 0],
        largest=each[:, 1],
        seconds=seconds,
    )


def _columns(table: Table, names: Sequence[str]) -> Float64:
    places = {name: i for i, name in enumerate(table.names)}
    return table.values[:, [places[name] for name in names]]
