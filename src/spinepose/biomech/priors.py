"""What is known of a pose before a marker is seen: how much markers count, what joints do.

Weights of markers follow the inverse kinematics of SIMSPINE (arXiv 2602.20792). The energies of a
pose are in square metres, so that they can be added to squared distances of markers: a coordinate
that is one spread away from the standing person's costs as much as a marker of weight one that is
`prior` metres away.

Angles of a joint that turns about three axes have no derivative where two axes fall together. Its
energy is therefore that of the rotation as a whole, ``2 (1 - cos angle) / spread^2``, which is
``(angle / spread)^2`` for small angles. The limits of shoulders, whose angles lock, are those of
:class:`_Reach`. F frames, M markers, Q coordinates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.rotations import euler_matrices
from spinepose.biomech.spec import AXES, ModelSpec
from spinepose.skeleton import SPINETRACK

__all__ = ["PosePrior", "marker_weights", "spreads"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_LIMIT_STIFFNESS = 0.3
"""Metres per radian beyond a limit."""
_LEAST_COSINE = 0.2
"""Of the second angle of a joint with three, below which its limits are not asked for."""
_SPREADS_IN_RANGE = 4.0
"""The limits are two spreads to each side, as is usual for the middle 95 % of people."""

_STRONG, _SPINE, _LOOSE, _FACE = 2.0, 0.5, 0.3, 0.1


def marker_weights(spec: ModelSpec) -> Float64:
    """Return how much each marker (M,) counts.

    Shoulders and hips 2; limbs, feet and sacrum 1; other spine and neck .5; head top, clavicles and
    latissimus .3; the rest of the face .1.
    """
    head = set(SPINETRACK.subsets["body"][:5])
    spine = set(SPINETRACK.spine) - {"hip"}
    loose = {"head", *SPINETRACK.subsets["experimental4"]}
    strong = {f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "hip")}
    groups = ((head, _FACE), (spine, _SPINE), (loose, _LOOSE), (strong, _STRONG))
    by_name = {name: weight for names, weight in groups for name in names}
    return np.array([by_name.get(marker.name, 1.0) for marker in spec.markers])


def spreads(spec: ModelSpec) -> Float64:
    """Return the standard deviations (Q,) of the coordinates, infinite for the root.

    A quarter of the way between the limits, radians.
    """
    low, high = spec.limits
    return np.asarray((high - low) / _SPREADS_IN_RANGE)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Where the limb of a joint that locks may point, and how far it may turn about itself.

    The rotation is a twist about the limb's axis y and then a swing, which takes that axis the
    shortest way (Grassia 1998, J Graphics Tools 3:29). With the quaternion (w, x, y, z), the twist
    is ``2 atan2(y, w)``, and half the swing has the squared cosine ``w^2 + y^2``. A limb swung by
    half a turn has no twist; what the twist is beyond its limits counts times that squared cosine,
    which fades it out. The limb hangs along -y and points backward by ``asin(R[0, 1])``.

    Attributes
    ----------
    sine
        Of the angle up to which the limb may point backward.
    low, high
        Of the twist, radians.
    """

    sine: float
    low: float
    high: float

    def over(self, angles: Float64) -> Float64:
        """Return how far turns by angles (F, 3) are beyond, (F, 2): backward, and twisted."""
        w, _, y, _ = _quaternions(angles)
        back = -np.sin(angles[:, 0]) * np.cos(angles[:, 1])
        beyond = self._twisted(w, y) * (w**2 + y**2)
        return np.stack([np.maximum(back - self.sine, 0), beyond], axis=1)

    def rates(self, angles: Float64) -> Float64:
        """Return the derivatives (F, 2, 3) of :meth:`over` by the rotation vector of a step."""
        rotations = euler_matrices(angles)
        back = np.stack([np.zeros(len(angles)), rotations[:, 2, 1], -rotations[:, 1, 1]], axis=1)
        w, x, y, z = _quaternions(angles)
        by_w, by_y = -np.stack([x, y, z], axis=1) / 2, np.stack([-z, w, x], axis=1) / 2
        w, y = w[:, None], y[:, None]
        twist = 2 * (w * by_y - y * by_w)  # times the squared cosine
        fading = 2 * (w * by_w + y * by_y)
        return np.stack([back, twist + self._twisted(w, y) * fading], axis=1)

    def _twisted(self, w: Float64, y: Float64) -> Float64:
        twist = 2 * np.arctan2(np.where(w < 0, -y, y), np.abs(w))
        return np.asarray(np.maximum(twist - self.high, 0) - np.maximum(self.low - twist, 0))


@dataclass(frozen=True, slots=True)
class _Ball:
    """A joint with three turns, and its spread in radians."""

    columns: Int64
    shares: Float64
    order: Int64
    """Axis of each turn."""
    spread: float
    low: Float64
    high: Float64
    reach: _Reach | None
    """Its limits, where those of its angles mean nothing, for they lock."""


class PosePrior:
    """Energy of poses: weak springs to the standing person, and stiff ones beyond the limits.

    Parameters
    ----------
    body
        The model.
    prior
        Metres per spread.
    """

    def __init__(self, body: Kinematics, prior: float) -> None:
        spec = body.spec
        self._low, self._high = spec.limits
        self._stiff = _LIMIT_STIFFNESS**2
        self._prior = prior**2
        spread = spreads(spec)
        self._balls = [ball for row in body.balls if (ball := _ball(spec, row, spread))]
        free = np.isinf(spread)
        for ball in self._balls:
            free[ball.columns] = True
        self._low = np.where(free, -np.inf, self._low)
        self._high = np.where(free, np.inf, self._high)
        self._springs = np.where(free, 0.0, self._prior / spread**2)

    def energy(self, q: Float64) -> Float64:
        """Return the energy (F,) of poses (F, Q), square metres."""
        beyond = self._beyond(q)
        total = (self._springs * q**2 + self._stiff * beyond**2).sum(axis=1)
        for ball in self._balls:
            rotations = _rotations(ball, q)
            strength = self._prior / ball.spread**2
            total += strength * (3.0 - np.trace(rotations, axis1=1, axis2=2))
            total += self._stiff * (_over(ball, q) ** 2).sum(axis=1)
        return np.asarray(total)

    def derive(self, q: Float64, gradient: Float64, hessian: Float64) -> None:
        """Add half the derivatives, in the steps of `Kinematics.step`, to (F, Q) and (F, Q, Q)."""
        beyond = self._beyond(q)
        gradient += self._springs * q + self._stiff * beyond
        diagonal = np.arange(q.shape[1])
        hessian[:, diagonal, diagonal] += self._springs + self._stiff * (beyond != 0)
        for ball in self._balls:
            self._derive_ball(ball, q, gradient, hessian)

    def _derive_ball(self, ball: _Ball, q: Float64, gradient: Float64, hessian: Float64) -> None:
        rotations = _rotations(ball, q)
        strength = self._prior / ball.spread**2
        skew = rotations - rotations.transpose(0, 2, 1)
        # For R = exp(v): the vector of the skew part of R is v sin|v| / |v|.
        vector = 0.5 * np.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], axis=1)
        gradient[:, ball.columns] += strength * vector[:, ball.order] * ball.shares
        hessian[:, ball.columns, ball.columns] += strength
        over = _over(ball, q)
        if not over.any():
            return
        rates = _rates(ball, q)
        gradient[:, ball.columns] += self._stiff * np.einsum("fij,fi->fj", rates, over)
        active = rates * (over != 0)[:, :, None]
        block = self._stiff * active.transpose(0, 2, 1) @ active
        hessian[:, ball.columns[:, None], ball.columns] += block

    def _beyond(self, q: Float64) -> Float64:
        return np.asarray(np.maximum(q - self._high, 0) - np.maximum(self._low - q, 0))


def _ball(spec: ModelSpec, columns: Int64, spread: Float64) -> _Ball | None:
    """Return a joint with three turns, or nothing for the root, which has no prior."""
    if np.isinf(spread[columns]).any():
        return None
    names = {spec.coordinates[c].name for c in columns}
    turns = next(b.turns for b in spec.bodies if {t.coordinate for t in b.turns} == names)
    low, high = spec.limits[:, columns]
    shares = np.array([turn.share for turn in turns])
    reach = None
    if max(-low[1], high[1]) >= np.pi / 2 - _LEAST_COSINE:
        twist = sorted((float(low[2] * shares[2]), float(high[2] * shares[2])))
        reach = _Reach(math.sin(min(-low[0], math.pi / 2)), *twist)
    return _Ball(
        columns=columns,
        shares=shares,
        order=np.array([AXES.index(turn.axis) for turn in turns]),
        spread=float(spread[columns].mean()),
        low=low,
        high=high,
        reach=reach,
    )


def _rotations(ball: _Ball, q: Float64) -> Float64:
    """Return the rotations (F, 3, 3) that a joint makes."""
    return euler_matrices(q[:, ball.columns] * ball.shares)


def _quaternions(angles: Float64) -> tuple[Float64, Float64, Float64, Float64]:
    """Return w, x, y and z (F,) of turns by angles (F, 3) about z, x and y."""
    (cz, cx, cy), (sz, sx, sy) = np.cos(angles / 2).T, np.sin(angles / 2).T
    return (
        cz * cx * cy - sz * sx * sy,
        cz * sx * cy - sz * cx * sy,
        cz * cx * sy + sz * sx * cy,
        sz * cx * cy + cz * sx * sy,
    )


def _over(ball: _Ball, q: Float64) -> Float64:
    """Return how far a joint is beyond its limits (F, 2 or 3); angles near a lock are not."""
    angles = q[:, ball.columns]
    if ball.reach:
        return ball.reach.over(angles * ball.shares)
    over = np.maximum(angles - ball.high, 0) - np.maximum(ball.low - angles, 0)
    return np.asarray(np.where(np.abs(np.cos(angles[:, 1:2])) < _LEAST_COSINE, 0.0, over))


def _rates(ball: _Ball, q: Float64) -> Float64:
    """Return the derivatives (F, 2 or 3, 3) of what is beyond by the step, both with their shares.

    A step turns the rotation about axes of the resting joint: the first turn's axis is fixed, the
    second is turned by the first, the third by both.
    """
    angles = q[:, ball.columns] * ball.shares
    if ball.reach:
        return np.asarray(ball.reach.rates(angles)[:, :, ball.order] * ball.shares)
    rotations = euler_matrices(angles)
    zeros, ones = np.zeros(len(q)), np.ones(len(q))
    first = np.stack([zeros, zeros, ones], axis=1)
    second = np.stack([np.cos(angles[:, 0]), np.sin(angles[:, 0]), zeros], axis=1)
    axes = np.stack([first, second, rotations[:, :, 1]], axis=2)  # rotation vector per angle
    safe = np.abs(np.cos(angles[:, 1])) >= _LEAST_COSINE
    rates = np.zeros_like(axes)
    rates[safe] = np.linalg.inv(axes[safe])
    return np.asarray(rates[:, :, ball.order] * ball.shares[:, None] * ball.shares)
