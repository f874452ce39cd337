"""Levenberg-Marquardt for many frames at once, with Huber's loss.

Every frame is a problem of its own with its own damping (Marquardt 1963, SIAM J Appl Math 11:431;
Nocedal and Wright 2006, Numerical Optimization, section 10.3). Huber's loss is minimised by
weighting squares anew in each step (Holland and Welsch 1977, Commun Stat A6:813). A frame that is
done is not computed again. F frames, M markers, Q coordinates, G scale groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.priors import PosePrior

__all__ = ["Objective", "Problem", "descend", "huber_loss", "huber_weights"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_CHUNK = 256
"""Frames at once: their derivatives are 10 MB."""
_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-3, 1e-9, 1e6
_LESS, _MORE = 0.2, 6.0
_FLOOR = 1e-6
"""Added to the scale of the damping, square metres."""
_LONGEST = 0.7
"""Radians or metres of one step."""
_NOTHING = 1e-14
"""Square metres: an energy that low is not worth a step."""


def huber_loss(squares: Float64, bound: float) -> Float64:
    """Return Huber's loss of squared distances: square up to `bound`, linear beyond (m^2)."""
    far = 2 * bound * np.sqrt(squares) - bound**2
    return np.asarray(np.where(squares <= bound**2, squares, far))


def huber_weights(squares: Float64, bound: float) -> Float64:
    """Return the weights with which squares have the gradient of Huber's loss."""
    distance = np.sqrt(np.maximum(squares, bound**2))
    return np.asarray(bound / distance)


class Objective(Protocol):
    """What can be minimised for F frames at once, over anything (F, Q) that says a pose."""

    def __len__(self) -> int:
        """Return F."""
        ...

    def part(self, frames: Int64 | slice) -> Self:
        """Return the same for some of the frames."""
        ...

    def energy(self, q: Float64) -> Float64:
        """Return what is minimised (F,), square metres."""
        ...

    def derive(self, q: Float64) -> tuple[Float64, Float64]:
        """Return half the gradient (F, Q) and the Gauss-Newton matrix (F, Q, Q)."""
        ...

    def step(self, q: Float64, change: Float64) -> Float64:
        """Return poses (F, Q) moved by `change`, as the derivatives mean it."""
        ...


@dataclass(frozen=True, slots=True)
class Problem:
    """Markers to be met by poses.

    Parameters
    ----------
    body, prior
        The model and its prior.
    targets
        (F, M, 3) m, finite; anything where the weight is zero.
    weights
        (F, M), zero where a marker is missing.
    scale
        (G,) factors.
    huber
        Metres up to which a distance counts squared.
    """

    body: Kinematics
    prior: PosePrior
    targets: Float64
    weights: Float64
    scale: Float64
    huber: float

    def __len__(self) -> int:
        return len(self.targets)

    def part(self, frames: Int64 | slice) -> Problem:
        """Return the problem of some frames."""
        return replace(self, targets=self.targets[frames], weights=self.weights[frames])

    def energy(self, q: Float64) -> Float64:
        """Return what is minimised (F,), square metres."""
        squares = ((self.body.markers(q, self.scale) - self.targets) ** 2).sum(axis=2)
        loss = (self.weights * huber_loss(squares, self.huber)).sum(axis=1)
        return np.asarray(loss + self.prior.energy(q))

    def derive(self, q: Float64) -> tuple[Float64, Float64]:
        """Return half the gradient (F, Q) and the Gauss-Newton matrix (F, Q, Q)."""
        points, jacobian = self.body.jacobian(q, self.scale, tangent=True)
        difference = points - self.targets
        squares = (difference**2).sum(axis=2)
        weights = np.sqrt(self.weights * huber_weights(squares, self.huber))
        weights = np.repeat(weights, 3, axis=1)
        jacobian *= weights[:, :, None]
        turned = jacobian.transpose(0, 2, 1)
        difference = difference.reshape(len(q), -1) * weights
        gradient = (turned @ difference[:, :, None])[:, :, 0]
        hessian = turned @ jacobian
        self.prior.derive(q, gradient, hessian)
        return gradient, hessian

    def step(self, q: Float64, change: Float64) -> Float64:
        """Return poses (F, Q) moved as in :meth:`.Kinematics.step`."""
        return self.body.step(q, change)


def descend(
    objective: Objective, q: Float64, *, steps: int = 40, tolerance: float = 1e-4
) -> tuple[Float64, Float64]:
    """Minimise from starting poses (F, Q).

    Parameters
    ----------
    objective
        Of F frames.
    q
        Where to start; not changed.
    steps
        Most steps of a frame.
    tolerance
        A frame is done when a step lowers its energy by a smaller part than this.

    Returns
    -------
    q, energy : (F, Q) and (F,)
    """
    parts = [
        _descend(objective.part(slice(i, i + _CHUNK)), q[i : i + _CHUNK], steps, tolerance)
        for i in range(0, len(q), _CHUNK)
    ]
    if not parts:
        return q.copy(), np.zeros(0)
    return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])


def _descend(
    objective: Objective, q: Float64, steps: int, tolerance: float
) -> tuple[Float64, Float64]:
    q = q.copy()
    energy = objective.energy(q)
    damping = np.full(len(q), _FIRST_DAMPING)
    active = np.arange(len(q))
    gradient, hessian = np.zeros_like(q), np.zeros((*q.shape, q.shape[1]))
    stale = np.ones(len(q), np.bool_)
    diagonal = np.arange(q.shape[1])
    for _ in range(steps):
        fresh = active[stale[active]]
        if len(fresh):
            gradient[fresh], hessian[fresh] = objective.part(fresh).derive(q[fresh])
        damped = hessian[active]
        damped[:, diagonal, diagonal] += damping[active, None] * (
            damped[:, diagonal, diagonal] + _FLOOR
        )
        change = np.asarray(
            -np.linalg.solve(damped, gradient[active][:, :, None])[:, :, 0], np.float64
        )
        longest = np.abs(change).max(axis=1, keepdims=True)
        change *= np.minimum(1.0, _LONGEST / np.maximum(longest, _LONGEST))
        tried = objective.step(q[active], change)
        found = objective.part(active).energy(tried)
        before = energy[active]
        better = found < before
        moved = active[better]
        q[moved], energy[moved] = tried[better], found[better]
        damping[moved] = np.maximum(damping[moved] * _LESS, _LEAST_DAMPING)
        damping[active[~better]] *= _MORE
        stale[active] = better
        gain = (before - found) / np.maximum(before, _NOTHING)
        done = (better & (gain < tolerance)) | (damping[active] > _MOST_DAMPING)
        done |= found < _NOTHING
        active = active[~done]
        if not len(active):
            break
    return q, energy
