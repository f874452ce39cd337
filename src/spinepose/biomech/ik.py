"""Inverse kinematics: the poses of a body model that meet measured markers best.

Every thirty-second frame is solved from several starts, the others from what lies between their
solved neighbours, and frames that end badly once more from all starts. F frames, M markers, Q
coordinates, G scale groups; metres, radians, x forward, y up, z right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spinepose.biomech.descent import Problem, descend
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.priors import PosePrior, marker_weights
from spinepose.biomech.rotations import near_angles
from spinepose.biomech.spec import ModelSpec
from spinepose.biomech.starts import solve_cold
from spinepose.errors import DataError, UsageError
from spinepose.export.trc import TO_OPENSIM

__all__ = ["LEAST_MARKERS", "Fit", "between_frames", "from_world", "solve", "to_world"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LEAST_MARKERS = 8
"""A frame with fewer is not solved."""

HUBER = 0.03
"""Metres; beyond, a distance counts by its length and no longer by its square."""

PRIOR = 0.0005
"""Metres per spread of a coordinate: weak, it decides only what markers leave open."""

_STRIDES = (32, 8, 1)
_BAD = 3.0
"""Times the median energy per weight, from which a frame is solved again from all starts."""
_FAR = 4.0
"""Times a marker's median distance, from which the frame is solved again, too."""
_WRONG = 2.0
"""Times the bound of Huber's loss, from which a marker has no say in the end."""
_NEGLIGIBLE = 1e-6
"""Square metres per weight, 1 mm; no frame below is bad."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Poses of a body model, and how far they leave the markers.

    Attributes
    ----------
    coordinates
        (F, Q) radians and metres; NaN where a frame could not be solved.
    markers
        (F, M, 3) m, of the model; NaN as before.
    residuals
        (F, M) m, distance of the measured marker from the model's; NaN where there is none.
    scale
        (G,) factors of the scale groups.
    """

    coordinates: Float64
    markers: Float64
    residuals: Float64
    scale: Float64

    @property
    def solved(self) -> Bools:
        """(F,) whether there is a pose."""
        return np.asarray(np.isfinite(self.coordinates).all(axis=1))


def from_world(points: npt.ArrayLike) -> Float64:
    """Return points (..., 3) of a world with z up, as cameras are calibrated, with y up.

    The turn keeps left and right. A person who faces -y in the world looks along the model's x; any
    other direction is the root's to turn.
    """
    return np.asarray(np.asarray(points, np.float64) @ TO_OPENSIM.T)


def to_world(points: npt.ArrayLike) -> Float64:
    """Undo :func:`from_world`."""
    return np.asarray(np.asarray(points, np.float64) @ TO_OPENSIM)


def solve(
    markers: npt.ArrayLike,
    body: Kinematics,
    *,
    scale: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    huber: float = HUBER,
    prior: float = PRIOR,
) -> Fit:
    """Find the poses that meet measured markers.

    Minimises, in each frame, the weighted Huber losses of the markers' distances plus the energy of
    :class:`.PosePrior`.

    Parameters
    ----------
    markers
        (F, M, 3) m, frames in the order of time; y up (see :func:`from_world`). A marker that is
        not finite is missing.
    body
        The model.
    scale
        (G,) factors of the scale groups; 1 when not given (see :func:`.scale_and_solve`).
    weights
        (M,) or (F, M); :func:`.marker_weights` when not given.
    huber
        Metres up to which a distance counts squared.
    prior
        Metres per spread of a coordinate.

    Returns
    -------
    Fit
        Frames with fewer than eight markers are NaN.

    Raises
    ------
    DataError
        If no frame has eight markers.
    UsageError
        If shapes do not fit or a setting makes no sense.
    """
    problem = make_problem(markers, body, scale, weights, huber, prior)
    enough = np.flatnonzero(np.count_nonzero(problem.weights, axis=1) >= LEAST_MARKERS)
    if not len(enough):
        raise DataError(f"no frame has {LEAST_MARKERS} markers of {len(body.spec.markers)}")
    part = problem.part(enough)
    q = np.full((len(problem), len(body.spec.coordinates)), np.nan)
    q[enough] = _steady(body, _solve(part, enough))
    return fit_of(problem, q)


def make_problem(
    markers: npt.ArrayLike,
    body: Kinematics,
    scale: npt.ArrayLike | None,
    weights: npt.ArrayLike | None,
    huber: float,
    prior: float,
) -> Problem:
    """Return the problem of measured markers, checked; parameters as in :func:`solve`."""
    spec = body.spec
    points = np.asarray(markers, np.float64)
    if points.ndim != 3 or points.shape[1:] != (len(spec.markers), 3):
        raise UsageError(f"markers have shape {points.shape}, expected (F, {len(spec.markers)}, 3)")
    if not (0 < huber < np.inf and 0 < prior < np.inf):
        raise UsageError(f"huber and prior must be positive, not {huber} and {prior}")
    factors = np.ones(len(spec.groups)) if scale is None else np.asarray(scale, np.float64)
    if factors.shape != (len(spec.groups),) or not np.all(factors > 0):
        raise UsageError(f"scale must be {len(spec.groups)} positive factors")
    given = marker_weights(spec) if weights is None else np.asarray(weights, np.float64)
    if given.shape not in (points.shape[1:2], points.shape[:2]) or not np.all(given >= 0):
        raise UsageError(f"weights have shape {given.shape}, expected (M,) or (F, M), not negative")
    present = np.asarray(np.isfinite(points).all(axis=2))
    return Problem(
        body=body,
        prior=PosePrior(body, prior),
        targets=np.where(present[:, :, None], points, 0.0),
        weights=np.where(present, given, 0.0),
        scale=factors,
        huber=huber,
    )


def fit_of(problem: Problem, q: Float64) -> Fit:
    """Return poses (F, Q), NaN where there is none, with what they leave of a problem."""
    solved = np.isfinite(q).all(axis=1)
    points = np.full(problem.targets.shape, np.nan)
    points[solved] = problem.body.markers(q[solved], problem.scale)
    distance = np.linalg.norm(problem.targets - points, axis=2)
    return Fit(q, points, np.where(problem.weights > 0, distance, np.nan), problem.scale)


def _solve(problem: Problem, times: Int64) -> Float64:
    """Return poses (F, Q) of frames with enough markers, at rising `times` (F,)."""
    q = np.full((len(problem), len(problem.body.spec.coordinates)), np.nan)
    energy = np.full(len(problem), np.inf)
    done = np.zeros(len(problem), np.bool_)
    for stride in _STRIDES:
        frames = np.unique(np.append(np.arange(0, len(problem), stride), len(problem) - 1))
        frames = frames[~done[frames]]
        if not len(frames):
            continue
        part = problem.part(frames)
        if done.any():
            known = np.flatnonzero(done)
            start = between_frames(problem.body, times[known], q[known], times[frames])
            q[frames], energy[frames] = descend(part, start)
        else:
            q[frames], energy[frames] = solve_cold(part)
        done[frames] = True
    return _without_wrong(problem, _again(problem, q, energy))


def _again(problem: Problem, q: Float64, energy: Float64) -> Float64:
    """Solve frames that ended badly once more from all starts; keep what is better.

    A marker that is wrong in all frames raises all energies, so that an arm that was found the
    wrong way about no longer stands out. Its own markers do, against the frames where it is right.
    """
    relative = energy / np.maximum(problem.weights.sum(axis=1), 1e-12)
    bad = relative > np.maximum(_BAD * np.median(relative), _NEGLIGIBLE)
    present = problem.weights > 0
    distances = np.where(present, _distances(problem, q), np.nan)[:, present.any(axis=0)]
    usual = np.nanmedian(distances, axis=0)
    bad |= (distances > np.maximum(_FAR * usual, problem.huber)).any(axis=1)
    frames = np.flatnonzero(bad)
    if len(frames):
        again, found = solve_cold(problem.part(frames))
        better = found < energy[frames]
        q[frames[better]] = again[better]
    return q


def _without_wrong(problem: Problem, q: Float64) -> Float64:
    """Improve poses (F, Q) without the markers that they leave far away.

    Huber's loss still lets a wrong marker pull with constant force. A frame that would keep too
    few markers stays as it is.
    """
    wrong = (problem.weights > 0) & (_distances(problem, q) > _WRONG * problem.huber)
    weights = np.where(wrong, 0.0, problem.weights)
    frames = np.flatnonzero(wrong.any(axis=1) & ((weights > 0).sum(axis=1) >= LEAST_MARKERS))
    if len(frames):
        part = replace(problem.part(frames), weights=weights[frames])
        q[frames], _ = descend(part, q[frames])
    return q


def _distances(problem: Problem, q: Float64) -> Float64:
    """Return how far poses (F, Q) leave the markers (F, M), whatever these weigh."""
    points = problem.body.markers(q, problem.scale)
    return np.asarray(np.linalg.norm(points - problem.targets, axis=2))


def between_frames(body: Kinematics, times: Int64, q: Float64, wanted: Int64) -> Float64:
    """Return poses (W, Q) at `wanted` (W,), linearly between known ones (F, Q) at `times` (F,).

    Before the first and behind the last the pose stays.
    """
    right = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    right = np.minimum(right, len(times) - 1)
    left = np.maximum(right - 1, 0)
    span = np.maximum(times[right] - times[left], 1)
    share = np.clip((wanted - times[left]) / span, 0.0, 1.0)[:, None]
    ends = q[right].copy()
    for columns in body.balls:
        ends[:, columns] = nearest_angles(body.spec, columns, ends, q[left])
    return np.asarray(q[left] + share * (ends - q[left]))


def nearest_angles(spec: ModelSpec, columns: Int64, q: Float64, near: Float64) -> Float64:
    """Return the angles (F, 3) of a joint in `q` (F, Q), as close to those in `near` as can be."""
    names = {spec.coordinates[c].name for c in columns}
    turns = next(b.turns for b in spec.bodies if {t.coordinate for t in b.turns} == names)
    shares = np.array([turn.share for turn in turns])
    angles = near_angles(q[:, columns] * shares, near[:, columns] * shares)
    return np.asarray(angles * shares)


def _steady(body: Kinematics, q: Float64) -> Float64:
    """Return the same poses (F, Q) with angles that do not jump from frame to frame."""
    for columns in body.balls:
        first = nearest_angles(body.spec, columns, q[:1], np.zeros_like(q[:1]))
        q[0, columns] = first[0]
        for i in range(1, len(q)):
            jump = np.abs(q[i, columns] - q[i - 1, columns]).max()
            if jump > np.pi / 2:
                row, before = q[i : i + 1], q[i - 1 : i]
                q[i, columns] = nearest_angles(body.spec, columns, row, before)[0]
    return q
