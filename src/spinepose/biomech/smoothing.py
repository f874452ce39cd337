"""Motions that a body can make: poses of all frames at once, with accelerations that are usual.

The most probable motion minimises the squared distances of the markers in units of their noise, the
energy of the poses, and the squared second differences over time in units of usual accelerations.
All frames hang together, each with the next two, which makes the matrix a band (a Kalman smoother
in one solve: Bell 1994, SIAM J Optim 4:626). F frames, M markers, Q coordinates.

What smoothing brings nearer to the truth it takes further from the markers. A residual is not an
accuracy, and large errors must be looked for before smoothing, in what each frame leaves by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded
from scipy.spatial.transform import Rotation

from spinepose.biomech.descent import Problem
from spinepose.biomech.ik import HUBER, Fit, between_frames, fit_of, make_problem
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.rotations import euler_matrices
from spinepose.biomech.spec import AXES, ModelSpec
from spinepose.errors import UsageError

__all__ = ["Smoothed", "smooth", "usual_accelerations"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NOISE = 0.01
"""Metres per axis: the error of one triangulated keypoint."""

_ROOT_MOVE, _TRUNK_TURN, _LIMB_TURN = 4.0, 5.0, 20.0
"""m/s^2, rad/s^2, rad/s^2: by choice, the order of magnitude in walking and everyday movement."""
_LIMBS = ("arm_", "elbow_", "hip_", "knee_", "ankle_")

_HELD = 0.5
"""Seconds for which poses resemble each other: so many frames have one pose's energy together."""

_WINDOW, _OVERLAP = 512, 64
"""Frames solved at once, and how many of them their neighbours solve, too."""
_ROUNDS = 12
_ENOUGH = 1e-5
"""A smaller part of the energy is not worth a round."""
_LEAST_FRAMES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """A smooth motion.

    Attributes
    ----------
    fit
        Poses, markers, and the distances to the measured markers after smoothing.
    before
        (F, M) m, the distances that each frame by itself left: look for errors in these.
    bridged
        (F,) frames without a pose of their own, filled from their neighbours.
    """

    fit: Fit
    before: Float64
    bridged: Bools


def usual_accelerations(spec: ModelSpec) -> Float64:
    """Return the usual accelerations (Q,): 4 m/s^2 of the pelvis, 5 rad/s^2 trunk, 20 limbs."""
    return np.array(
        [
            _ROOT_MOVE
            if item.translation
            else _LIMB_TURN
            if item.name.startswith(_LIMBS)
            else _TRUNK_TURN
            for item in spec.coordinates
        ]
    )


def smooth(
    fit: Fit,
    markers: npt.ArrayLike,
    body: Kinematics,
    rate: float,
    *,
    noise: float = NOISE,
    accelerations: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    huber: float = HUBER,
    longest_gap: float = 0.5,
) -> Smoothed:
    """Smooth a motion and bridge its gaps.

    Parameters
    ----------
    fit
        From :func:`.solve` or :func:`.scale_and_solve`.
    markers
        (F, M, 3) m, that it was solved from.
    body
        The model.
    rate
        Frames per second.
    noise
        Metres per axis that a measured marker is wrong by; also the strength of the poses' energy
        per spread, once in half a second.
    accelerations
        (Q,) that are usual, m/s^2 and rad/s^2; :func:`usual_accelerations` when not given.
    weights, huber
        As in :func:`.solve`.
    longest_gap
        Seconds without a pose that are bridged; longer gaps, and what lies before the first and
        behind the last pose, stay NaN.

    Raises
    ------
    UsageError
        If shapes do not fit or a setting makes no sense.
    """
    usual = usual_accelerations(body.spec) if accelerations is None else np.asarray(accelerations)
    if not (0 < rate < np.inf and 0 < noise < np.inf and longest_gap >= 0):
        raise UsageError("rate and noise must be positive, longest_gap not negative")
    if usual.shape != (len(body.spec.coordinates),) or not (usual > 0).all():
        raise UsageError(f"accelerations must be {len(body.spec.coordinates)} positive numbers")
    prior = noise / np.sqrt(max(_HELD * rate, 1.0))
    problem = make_problem(markers, body, fit.scale, weights, huber, prior)
    if len(problem) != len(fit.coordinates):
        raise UsageError(f"{len(problem)} frames of markers, {len(fit.coordinates)} of poses")
    own = fit.solved
    kept = _kept(own, round(longest_gap * rate))
    strength = (noise * rate**2 / usual) ** 2
    q = np.full(fit.coordinates.shape, np.nan)
    for start, end in _runs(kept):
        times = np.arange(start, end)
        known = times[own[start:end]]
        whole = between_frames(body, known, fit.coordinates[known], times)
        q[start:end] = _smooth_run(problem.part(slice(start, end)), whole, strength)
    return Smoothed(fit_of(problem, q), fit.residuals.copy(), np.asarray(kept & ~own))


def _runs(kept: Bools) -> list[tuple[int, int]]:
    """Return where runs of true begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _kept(own: Bools, longest: int) -> Bools:
    """Return the frames that have a pose or lie in a gap that is short enough."""
    kept = own.copy()
    for start, end in _runs(~own):
        if start > 0 and end < len(own) and end - start <= longest:
            kept[start:end] = True
    return kept


def _smooth_run(problem: Problem, q: Float64, strength: Float64) -> Float64:
    """Return the smooth poses (F, Q) of a run of frames without long gaps, by windows."""
    if len(q) < _LEAST_FRAMES:
        return q
    found = q.copy()
    for start in range(0, len(q), _WINDOW):
        low, high = max(start - _OVERLAP, 0), min(start + _WINDOW + _OVERLAP, len(q))
        inside = _smooth_window(problem.part(slice(low, high)), q[low:high], strength)
        end = min(start + _WINDOW, len(q))
        found[start:end] = inside[start - low : end - low]
    return found


def _smooth_window(problem: Problem, q: Float64, strength: Float64) -> Float64:
    """Minimise over all frames of a window, with steps damped until they help."""
    if len(q) < _LEAST_FRAMES:
        return q
    energy, damping = _energy(problem, q, strength), 1e-6
    derived = _derive(problem, q, strength)
    for _ in range(_ROUNDS):
        tried = problem.body.step(q, _band_step(*derived, strength, damping))
        found = _energy(problem, tried, strength)
        if found >= energy:
            damping *= 30.0
            continue
        gain, q, energy = (energy - found) / energy, tried, found
        damping = max(damping / 10.0, 1e-9)
        if gain < _ENOUGH:
            break
        derived = _derive(problem, q, strength)
    return q


def _changes(body: Kinematics, q: Float64) -> Float64:
    """Return the steps (F - 1, Q) from each frame to the next, as `Kinematics.step` takes them."""
    spec = body.spec
    change = np.diff(q, axis=0)
    for columns in body.balls:
        names = {spec.coordinates[c].name for c in columns}
        turns = next(b.turns for b in spec.bodies if {t.coordinate for t in b.turns} == names)
        shares = np.array([turn.share for turn in turns])
        order = [AXES.index(turn.axis) for turn in turns]
        rotations = euler_matrices(q[:, columns] * shares)
        between = rotations[1:] @ rotations[:-1].transpose(0, 2, 1)
        change[:, columns] = Rotation.from_matrix(between).as_rotvec()[:, order] * shares
    return change


def _energy(problem: Problem, q: Float64, strength: Float64) -> float:
    second = np.diff(_changes(problem.body, q), axis=0)
    return float(problem.energy(q).sum() + (strength * second**2).sum())


def _derive(problem: Problem, q: Float64, strength: Float64) -> tuple[Float64, Float64]:
    """Return half the gradient (F, Q) and the blocks (F, Q, Q) without the second differences.

    Rotations from frame to frame are small, and are taken to add up like vectors here.
    """
    gradient, hessian = problem.derive(q)
    pull = np.diff(_changes(problem.body, q), axis=0) * strength
    gradient[2:] += pull
    gradient[1:-1] -= 2 * pull
    gradient[:-2] += pull
    return gradient, hessian


def _band_step(gradient: Float64, hessian: Float64, strength: Float64, damping: float) -> Float64:
    """Solve for the step (F, Q) of all frames.

    The band's row k holds what couples a number with the one k places later; numbers of one frame
    are Q apart from those of the next.
    """
    frames, count = gradient.shape
    second = np.diff(np.eye(frames), n=2, axis=0) if frames <= 5 else None
    band = np.zeros((2 * count + 1, frames, count))
    for k in range(count):
        band[k, :, : count - k] = np.diagonal(hessian, offset=-k, axis1=1, axis2=2)
    if second is not None:
        full = second.T @ second
        weights = [np.append(np.diagonal(full, k), np.zeros(k)) for k in range(3)]
    else:
        own, first = np.full(frames, 6.0), np.full(frames, -4.0)
        own[[0, -1]], own[[1, -2]] = 1.0, 5.0
        first[[0, -2]], first[-1] = -2.0, 0.0
        weights = [own, first, np.append(np.ones(frames - 2), [0.0, 0.0])]
    for k, weight in enumerate(weights):
        band[k * count] += weight[:, None] * strength
    band[0] *= 1.0 + damping
    band[0] += 1e-9
    flat = band.reshape(2 * count + 1, frames * count)
    step = solveh_banded(flat, -gradient.ravel(), lower=True, overwrite_ab=True, check_finite=False)
    return np.asarray(step).reshape(frames, count)
