"""Our inverse kinematics and OpenSim's on the same markers, side by side.

Neither is the truth. Both minimise weighted distances of markers; ours bounds the pull of a far
marker (Huber) and holds what markers leave open near the standing person, OpenSim's does neither.
F frames, M markers, Q coordinates.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.biomech.differences import (
    Comparison,
    Comparisons,
    CoordinateDifference,
    EngineNumbers,
    MarkerDifference,
    ScaleDifference,
)
from spinepose.biomech.ik import Fit, nearest_angles, solve
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.opensim_scaling import body_measurements, scale_with_opensim
from spinepose.biomech.opensim_tools import (
    ACCURACY,
    OpenSimFit,
    require_opensim,
    solve_with_opensim,
)
from spinepose.biomech.osim import write_osim
from spinepose.biomech.priors import marker_weights
from spinepose.biomech.rotations import euler_matrices
from spinepose.biomech.scaling import estimate_scale
from spinepose.biomech.spec import ModelSpec
from spinepose.biomech.statistics import rms
from spinepose.errors import DataError, UsageError
from spinepose.export.trc import Markers

__all__ = ["Comparison", "Comparisons", "ScaleDifference", "compare", "compare_with_opensim"]

Float64 = npt.NDArray[np.float64]


def compare(
    markers: npt.ArrayLike,
    ours: Fit,
    theirs: OpenSimFit,
    body: Kinematics,
    *,
    seconds: float,
    title: str = "the same size",
    scale: Sequence[ScaleDifference] = (),
) -> Comparison:
    """Compare two solutions of the same markers.

    Parameters
    ----------
    markers
        (F, M, 3) m, that were solved, in the order of the model.
    ours, theirs
        The solutions. OpenSim's may be of another model with some markers of the same names.
    body
        Our model.
    seconds
        Of processor time that our poses took.
    title
        What is compared.
    scale
        The factors of both, to be reported.

    Raises
    ------
    DataError
        If they share no frame or no marker.
    UsageError
        If shapes do not fit.
    """
    points, spec = np.asarray(markers, np.float64), body.spec
    if points.shape != ours.markers.shape or len(points) != len(theirs.markers):
        raise UsageError(
            f"markers have shape {points.shape}, the fits {ours.markers.shape} and "
            f"{len(theirs.markers)} frames"
        )
    names = [name for name in theirs.names if name in spec.marker_index]
    frames = np.flatnonzero(ours.solved & theirs.solved)
    if not names or not len(frames):
        raise DataError("the two solutions share no marker or no frame")
    own = [spec.marker_index[name] for name in names]
    other = [theirs.names.index(name) for name in names]
    first, second = ours.markers[frames][:, own], theirs.markers[frames][:, other]
    measured = points[frames][:, own]
    left = [np.linalg.norm(found - measured, axis=2) * 1000 for found in (first, second)]
    between = np.linalg.norm(first - second, axis=2) * 1000
    return Comparison(
        title=title,
        frames=len(points),
        common=len(frames),
        ours=_engine("spinepose", int(ours.solved.sum()), left[0], seconds),
        theirs=_engine("OpenSim", int(theirs.solved.sum()), left[1], theirs.seconds),
        between_mm=rms(between),
        markers=tuple(
            MarkerDifference(name, *(rms(values[:, i]) for values in (*left, between)))
            for i, name in enumerate(names)
        ),
        coordinates=tuple(_coordinates(body, ours.coordinates[frames], theirs, frames)),
        scale=tuple(scale),
    )


def compare_with_opensim(
    markers: npt.ArrayLike,
    body: Kinematics,
    rate: float,
    *,
    model: str | Path | None = None,
    accuracy: float = ACCURACY,
) -> Comparisons:
    """Solve markers by both engines and compare.

    Ours estimates the size and solves. OpenSim solves our model twice: with our size, so that only
    the poses differ, and with the size that its ScaleTool measures by distances of markers, in all
    frames. A model of the user's is solved instead of these, as it is, without scaling.

    Parameters
    ----------
    markers
        (F, M, 3) m, y up, in the order of the model; NaN where missing.
    body
        Our model.
    rate
        Frames per second.
    model
        A user's ``.osim`` file, with eight markers named as ours.
    accuracy
        Of OpenSim's solver.

    Returns
    -------
    comparisons : Comparisons
        Seconds are processor time, of the poses alone.

    Raises
    ------
    DataError
        If too few markers are there, or OpenSim fails.
    MissingExtraError
        If `opensim` is not installed.
    """
    require_opensim()
    points, spec = np.asarray(markers, np.float64), body.spec
    size = estimate_scale(points, body)
    start = time.process_time()
    ours = solve(points, body, scale=size)
    seconds = time.process_time() - start
    names = tuple(marker.name for marker in spec.markers)
    given = Markers(points, names, np.arange(len(points)) / rate, rate)
    weights = dict(zip(names, marker_weights(spec).tolist(), strict=True))

    def against(path: Path, title: str, scale: Sequence[ScaleDifference] = ()) -> Comparison:
        theirs = solve_with_opensim(path, given, weights, accuracy=accuracy)
        return compare(points, ours, theirs, body, seconds=seconds, title=title, scale=scale)

    if model is not None:
        return Comparisons((against(Path(model), f"{Path(model).name} as it is"),))
    with tempfile.TemporaryDirectory() as folder:
        sized, scaled = Path(folder) / "sized.osim", Path(folder) / "scaled.osim"
        write_osim(sized, spec, size)
        scale = _scaled_by_opensim(scaled, spec, size, given)
        return Comparisons(
            (against(sized, "the same size"), against(scaled, "each its own size", scale))
        )


def _scaled_by_opensim(
    output: Path, spec: ModelSpec, size: Float64, given: Markers
) -> list[ScaleDifference]:
    """Write our model as ScaleTool scales it, and return its factors beside ours (G,)."""
    generic = output.with_name("generic.osim")
    write_osim(generic, spec)
    factors = scale_with_opensim(generic, output, body_measurements(spec), given)
    by_group = {item.group: factors[item.name][0] for item in spec.bodies}
    return [
        ScaleDifference(group, factor, by_group[group])
        for group, factor in zip(spec.groups, size.tolist(), strict=True)
    ]


def _engine(name: str, solved: int, left: Float64, seconds: float) -> EngineNumbers:
    return EngineNumbers(name, solved, rms(left), seconds, solved / seconds)


def _coordinates(
    body: Kinematics, ours: Float64, theirs: OpenSimFit, frames: npt.NDArray[np.int64]
) -> Iterator[CoordinateDifference]:
    """Yield the differences of poses (F, Q) of ours and theirs, if the model is the same."""
    spec = body.spec
    places = {name: i for i, name in enumerate(theirs.coordinate_names)}
    if not set(spec.coordinate_index) <= set(places):
        return
    found = theirs.coordinates[frames][:, [places[name] for name in spec.coordinate_index]]
    for columns in body.balls:
        found[:, columns] = nearest_angles(spec, columns, found, ours)
    for i, item in enumerate(spec.coordinates):
        change = found[:, i] - ours[:, i]
        if item.translation:
            yield _difference(item.name, "mm", change * 1000)
        else:
            turned = (change + np.pi) % (2 * np.pi) - np.pi
            yield _difference(item.name, "degrees", np.degrees(turned))
    for name, columns, shares in _free_joints(spec, body):
        first, second = (euler_matrices(q[:, columns] * shares) for q in (ours, found))
        cosine = (np.einsum("fij,fij->f", first, second) - 1) / 2
        yield _difference(name, "degrees", np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _difference(name: str, unit: str, values: Float64) -> CoordinateDifference:
    return CoordinateDifference(
        name, unit, float(values.mean()), rms(values), float(np.abs(values).max())
    )


def _free_joints(
    spec: ModelSpec, body: Kinematics
) -> Iterator[tuple[str, npt.NDArray[np.int64], Float64]]:
    """Yield body, coordinates (3,) and their shares (3,) of the joints that turn freely."""
    by_columns = {
        tuple(spec.coordinate_index[turn.coordinate] for turn in item.turns): item
        for item in spec.bodies
    }
    for columns in body.balls:
        item = by_columns[tuple(columns.tolist())]
        yield item.name, columns, np.array([turn.share for turn in item.turns])
