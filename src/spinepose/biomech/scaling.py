"""The size of a person: scale factors of the model's parts, from a few dozen frames.

Poses and factors are sought together. In each round the poses of the chosen frames are improved,
and then all factors by one Gauss-Newton step from which the poses are eliminated (variable
projection: Golub and Pereyra 1973, SIAM J Numer Anal 10:413): a factor is moved only by what no
pose can explain. F frames, M markers, Q coordinates, G scale groups.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spinepose.biomech.descent import Problem, descend, huber_weights
from spinepose.biomech.ik import HUBER, LEAST_MARKERS, PRIOR, Fit, make_problem, solve
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.starts import solve_cold
from spinepose.errors import DataError, UsageError

__all__ = ["choose_frames", "estimate_scale", "scale_and_solve"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_FRAMES = 48
_ROUNDS = 20
_STEPS = 6
"""Of the poses, in each round."""
_STILL = 2e-4
"""A smaller change of all factors is the last."""
_POSE_PRIOR = 0.002
"""Metres per spread: a pose is not to be strained for the sake of a factor."""
_SIZE_SPREAD, _PART_SPREAD = 0.12, 0.08
"""How people differ: in their whole size from the model's, and in parts from their own size."""
_PLACING = 0.01
"""Metres: errors that stay the same in all frames, such as a keypoint beside its place."""
_LARGEST_CHANGE = 0.1
_NARROWEST, _WIDEST = 0.4, 2.0

_CHAINS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))


def choose_frames(present: npt.NDArray[np.bool_], count: int = _FRAMES) -> Int64:
    """Return the frames to measure a person by, from where markers (F, M) are present.

    The recording is cut into `count` equal parts; each gives its frame with the most markers, if
    that has enough to be solved.
    """
    markers = present.sum(axis=1)
    edges = np.unique(np.linspace(0, len(markers), count + 1).round().astype(np.int64))
    chosen = [int(a + markers[a:b].argmax()) for a, b in pairwise(edges)]
    return np.array([i for i in chosen if markers[i] >= LEAST_MARKERS], dtype=np.int64)


def estimate_scale(
    markers: npt.ArrayLike,
    body: Kinematics,
    *,
    weights: npt.ArrayLike | None = None,
    huber: float = HUBER,
    frames: int = _FRAMES,
) -> Float64:
    """Return the scale factors (G,) of a person.

    A prior holds the whole size near the model's (spread 12 %) and the parts near the whole size
    (spread 8 %); it weighs as much as an error of 10 mm in one marker of each frame, so that more
    frames of the same person do not outvote it.

    Parameters
    ----------
    markers
        (F, M, 3) m, y up; a marker that is not finite is missing. Left and right share a factor.
    body
        The model.
    weights
        (M,) or (F, M); :func:`.marker_weights` when not given.
    huber
        Metres up to which a distance counts squared.
    frames
        Most frames to look at; 30 to 60 are enough if the person moves in them.

    Raises
    ------
    DataError
        If no frame has enough markers.
    UsageError
        If shapes do not fit or a setting makes no sense.
    """
    if frames < 1:
        raise UsageError(f"frames must be positive, not {frames}")
    whole = make_problem(markers, body, None, weights, huber, _POSE_PRIOR)
    chosen = choose_frames(whole.weights > 0, frames)
    if not len(chosen):
        raise DataError(f"no frame has {LEAST_MARKERS} markers of {len(body.spec.markers)}")
    problem = whole.part(chosen)
    scale = np.full(len(body.spec.groups), _first_size(problem))
    problem = replace(problem, scale=scale)
    q, _ = solve_cold(problem)
    for _ in range(_ROUNDS):
        change = _factor_step(problem, q)
        scale = np.clip(problem.scale + change, _NARROWEST, _WIDEST)
        problem = replace(problem, scale=scale)
        q, _ = descend(problem, q, steps=_STEPS)
        if np.abs(change).max() < _STILL:
            break
    return problem.scale


def scale_and_solve(
    markers: npt.ArrayLike,
    body: Kinematics,
    *,
    weights: npt.ArrayLike | None = None,
    huber: float = HUBER,
    prior: float = PRIOR,
    frames: int = _FRAMES,
) -> Fit:
    """Measure a person with :func:`estimate_scale` and find the poses with :func:`.solve`."""
    scale = estimate_scale(markers, body, weights=weights, huber=huber, frames=frames)
    return solve(markers, body, scale=scale, weights=weights, huber=huber, prior=prior)


def _first_size(problem: Problem) -> float:
    """Return the whole size, as the median ratio of the lengths of limbs to the model's."""
    spec = problem.body.spec
    rest = problem.body.markers(np.zeros(len(spec.coordinates)))[0]
    ratios = []
    for side in ("left", "right"):
        for chain in _CHAINS:
            for start, end in pairwise(chain):
                i, j = (spec.marker_index[f"{side}_{name}"] for name in (start, end))
                both = (problem.weights[:, [i, j]] > 0).all(axis=1)
                if both.any():
                    span = problem.targets[both, i] - problem.targets[both, j]
                    length = np.median(np.linalg.norm(span, axis=1))
                    ratios.append(float(length / np.linalg.norm(rest[i] - rest[j])))
    return float(np.clip(np.median(ratios), 0.7, 1.3)) if ratios else 1.0


def _precision(groups: int) -> Float64:
    """Return the matrix (G, G) of the prior, whose mean is one.

    Deviations from the mean of all factors have the spread of parts, the mean that of sizes.
    """
    mean = np.full((groups, groups), 1.0 / groups)
    parts = (np.eye(groups) - mean) / _PART_SPREAD**2
    return np.asarray(parts + mean / groups / _SIZE_SPREAD**2)


def _factor_step(problem: Problem, q: Float64) -> Float64:
    """Return the Gauss-Newton step (G,) of the factors, the poses moving along."""
    body, frames, groups = problem.body, len(q), len(problem.scale)
    gradient, hessian = problem.derive(q)
    points, jacobian = body.jacobian(q, problem.scale, tangent=True)
    difference = points - problem.targets
    squares = (difference**2).sum(axis=2)
    weights = problem.weights * huber_weights(squares, problem.huber)
    weights = np.repeat(weights, 3, axis=1)[:, :, None]
    by_factor = body.scale_jacobian(q)
    weighted = (by_factor * weights).transpose(0, 2, 1)
    cross = weighted @ jacobian
    diagonal = np.arange(q.shape[1])
    hessian[:, diagonal, diagonal] += 1e-9
    both = np.concatenate([cross.transpose(0, 2, 1), gradient[:, :, None]], axis=2)
    solved = np.linalg.solve(hessian, both)
    own = weighted @ by_factor - cross @ solved[:, :, :groups]
    pull = weighted @ difference.reshape(frames, -1, 1) - cross @ solved[:, :, groups:]
    precision = frames * _PLACING**2 * _precision(groups)
    matrix = own.sum(axis=0) + precision
    slope = pull.sum(axis=0)[:, 0] + precision @ (problem.scale - 1.0)
    change = -np.linalg.solve(matrix, slope)
    return np.asarray(np.clip(change, -_LARGEST_CHANGE, _LARGEST_CHANGE))
