"""Fit the shape of a trunk to the joints of people in pictures.

A person's joints in the picture are ``y = s P R (mean + sum_m a_m modes_m) + t``: turned by R, seen
without perspective (P drops the depth), scaled and moved. The most probable turn, scale, place and
modes are found by Gauss and Newton's method from several directions of view; joints count less the
further they are off (Student's t, Lange et al. 1989, J Am Stat Assoc 84:881). What remains
undecided is the covariance of Laplace's approximation, together with the spread between the
directions that explain the joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from spinepose.training.pose.trunk_shape import TrunkShape

__all__ = ["TrunkFit", "fit_trunk"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_TURNS = np.radians(np.arange(0, 360, 45))
_TILTS = np.radians([-50.0, 0.0, 50.0])
_FIRST, _KEPT, _LAST = 2, 4, 12
"""Steps from every start, starts that go on, and their steps."""
_FREEDOM = 4.0
"""Of Student's t."""
_DAMPING = 1e-3
_LONGEST = 0.6
"""Radians, logarithm of scale, trunks: no step is longer."""
_CHUNK = 256


@dataclass(frozen=True)
class TrunkFit:
    """The shape found in N people.

    Attributes
    ----------
    points
        (N, P, 2) in the unit of the picture.
    sigma
        (N, P) standard deviation of each point along an axis, the same unit.
    scale
        (N,) length of a trunk that is not foreshortened, the same unit.
    """

    points: Float64
    sigma: Float64
    scale: Float64


_FIELDS = ("points", "sigma", "scale")


@dataclass
class _State:
    """Unknowns of N fits: turn (N, 3, 3), log scale (N,), place (N, 2) and modes (N, M)."""

    turn: Float64
    size: Float64
    place: Float64
    modes: Float64

    def taken(self, rows: npt.NDArray[np.intp]) -> _State:
        return _State(*(v[rows] for v in vars(self).values()))


def fit_trunk(shape: TrunkShape, points: Float64, variance: Float64) -> TrunkFit:
    """Fit a shape to people.

    Parameters
    ----------
    shape
        Of P points.
    points
        (N, P, 2) in any unit; at least two different points of each person are known.
    variance
        (N, P) of the known points along an axis, in squared trunks of the shape; infinite where
        a point is not known.
    """
    if not len(points):
        none = np.zeros((0, len(shape.mean)))
        return TrunkFit(np.zeros((0, len(shape.mean), 2)), none, np.zeros(0))
    parts = [
        _fit(shape, points[i : i + _CHUNK], variance[i : i + _CHUNK])
        for i in range(0, len(points), _CHUNK)
    ]
    return TrunkFit(*(np.concatenate([getattr(p, n) for p in parts]) for n in _FIELDS))


def _fit(shape: TrunkShape, points: Float64, variance: Float64) -> TrunkFit:
    known = np.isfinite(variance)
    weights = np.where(known, 1 / (variance + shape.rest**2), 0.0)
    places = np.where(known[..., None], points, 0.0)
    turns = np.stack([_rotation(a, b) for a, b in product(_TURNS, _TILTS)])
    number, starts = len(points), len(turns)
    state = _start(shape, places, weights, turns)
    rows = np.repeat(np.arange(number), starts)
    for _ in range(_FIRST):
        state, energy, _ = _step(shape, state, places[rows], weights[rows], robust=False)
    energy = _step(shape, state, places[rows], weights[rows], robust=True)[1]
    best = np.argsort(energy.reshape(number, starts), axis=1, kind="stable")[:, :_KEPT]
    state = state.taken((best + starts * np.arange(number)[:, None]).ravel())
    rows = np.repeat(np.arange(number), _KEPT)
    for _ in range(_LAST):
        state, _, _ = _step(shape, state, places[rows], weights[rows], robust=True)
    _, energy, inverse = _step(shape, state, places[rows], weights[rows], robust=True)
    return _mixed(shape, state, energy, inverse, number)


def _mixed(
    shape: TrunkShape, state: _State, energy: Float64, inverse: Float64, number: int
) -> TrunkFit:
    """Return the mean and spread over the starts that went on."""
    seen, slopes = _seen(shape, state)
    scale = np.exp(state.size)
    spread = np.einsum("npiq,nqr,npir->np", slopes, inverse, slopes, optimize=True) / 2
    spread += (scale[:, None] * shape.rest) ** 2
    energy = energy.reshape(number, _KEPT)
    share = np.exp(-(energy - energy.min(axis=1, keepdims=True)) / 2)
    share /= share.sum(axis=1, keepdims=True)

    def mean(values: Float64) -> Float64:
        folded = values.reshape(number, _KEPT, *values.shape[1:])
        return np.asarray(np.einsum("ns,ns...->n...", share, folded))

    points = mean(seen)
    apart = ((seen - np.repeat(points, _KEPT, axis=0)) ** 2).mean(axis=-1)
    return TrunkFit(points, np.sqrt(mean(spread + apart)), mean(scale))


def _start(shape: TrunkShape, points: Float64, weights: Float64, turns: Float64) -> _State:
    """Return the mean shape in every direction, laid on the points in the plane."""
    number, starts = len(points), len(turns)
    total = weights.sum(axis=1)
    middle = np.einsum("np,npi->ni", weights, points) / total[:, None]
    plain = np.einsum("sij,pj->spi", turns[:, :2], shape.mean)
    centre = np.einsum("np,spi->nsi", weights, plain) / total[:, None, None]
    away = ((points - middle[:, None]) @ [1, 1j])[:, None]
    mine = (plain[None] - centre[:, :, None]) @ [1, 1j]
    power = np.einsum("np,nsp->ns", weights, np.abs(mine) ** 2)
    factor = np.einsum("np,nsp->ns", weights, away * mine.conj()) / power
    # A direction that leaves nothing in common starts unturned at a fair size.
    size = np.sqrt(np.einsum("np,nsp->ns", weights, np.abs(away) ** 2) / power)
    spin = factor / np.maximum(np.abs(factor), 1e-12)
    spin = np.where(np.abs(factor) > 1e-9 * size, spin, 1.0)
    size = np.maximum(np.abs(factor), 0.3 * size)
    in_plane = np.zeros((number, starts, 3, 3))
    in_plane[..., 0, 0] = in_plane[..., 1, 1] = spin.real
    in_plane[..., 1, 0], in_plane[..., 0, 1] = spin.imag, -spin.imag
    in_plane[..., 2, 2] = 1
    moved = centre @ [1, 1j] * spin * size
    place = middle[:, None] - np.stack([moved.real, moved.imag], axis=-1)
    return _State(
        (in_plane @ turns).reshape(-1, 3, 3),
        np.log(size).ravel(),
        place.reshape(-1, 2),
        np.zeros((number * starts, len(shape.modes))),
    )


def _seen(shape: TrunkShape, state: _State) -> tuple[Float64, Float64]:
    """Return the points (N, P, 2) seen and their slopes (N, P, 2, 6 + M) by turn, size, ..."""
    solid = shape.mean + np.einsum("nm,mpi->npi", state.modes, shape.modes)
    scale = np.exp(state.size)[:, None, None]
    at = scale * (solid @ state.turn.transpose(0, 2, 1))
    slopes = np.zeros((*at.shape[:2], 2, 6 + len(shape.modes)))
    # A small turn w from the left moves a point x by w cross x.
    slopes[:, :, 0, 1], slopes[:, :, 0, 2] = at[..., 2], -at[..., 1]
    slopes[:, :, 1, 0], slopes[:, :, 1, 2] = -at[..., 2], at[..., 0]
    slopes[..., 3] = at[..., :2]
    slopes[:, :, 0, 4] = slopes[:, :, 1, 5] = 1
    ways = np.einsum("nij,mpj->npim", state.turn[:, :2], shape.modes, optimize=True)
    slopes[..., 6:] = scale[..., None] * ways
    return at[..., :2] + state.place[:, None], slopes


def _step(
    shape: TrunkShape, state: _State, points: Float64, weights: Float64, *, robust: bool
) -> tuple[_State, Float64, Float64]:
    """Return the next state, the energy (N,) of this one, and its covariance (N, Q, Q)."""
    seen, slopes = _seen(shape, state)
    per = weights / np.exp(2 * state.size)[:, None]
    left = points - seen
    far = per * (left**2).sum(axis=-1)
    if robust:
        energy = ((_FREEDOM + 2) * np.log1p(far / _FREEDOM)).sum(axis=1)
        per = per * (_FREEDOM + 2) / (_FREEDOM + far)
    else:
        energy = far.sum(axis=1)
    energy = energy + (state.modes**2).sum(axis=1)
    number, width = len(points), slopes.shape[-1]
    flat = slopes.reshape(number, -1, width)
    weighted = flat * np.repeat(per, 2, axis=1)[..., None]
    slope = np.einsum("nkq,nk->nq", weighted, left.reshape(number, -1))
    slope[:, 6:] -= state.modes
    bend = weighted.transpose(0, 2, 1) @ flat
    diagonal = np.arange(width)
    bend[:, diagonal[6:], diagonal[6:]] += 1
    size = np.exp(-2 * state.size)
    bend[:, diagonal[:4], diagonal[:4]] += _DAMPING
    bend[:, diagonal[4:6], diagonal[4:6]] += _DAMPING * size[:, None]
    inverse = np.linalg.inv(bend)
    move = np.einsum("nqr,nr->nq", inverse, slope)
    scale = np.exp(state.size)
    longest = np.abs(move[:, :4]).max(axis=1)
    longest = np.maximum(longest, np.abs(move[:, 4:6]).max(axis=1) / scale)
    move *= np.minimum(1, _LONGEST / np.maximum(longest, 1e-12))[:, None]
    turned = _small_turns(move[:, :3]) @ state.turn
    following = _State(
        turned, state.size + move[:, 3], state.place + move[:, 4:6], state.modes + move[:, 6:]
    )
    return following, np.asarray(energy), np.asarray(inverse)


def _rotation(turn: float, tilt: float) -> Float64:
    """Return the matrix (3, 3) of a turn about the trunk, then a tilt towards the camera."""
    c, s = np.cos(turn), np.sin(turn)
    about = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = np.cos(tilt), np.sin(tilt)
    return np.asarray(np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ about)


def _small_turns(vectors: Float64) -> Float64:
    """Return matrices (N, 3, 3) of rotation vectors (N, 3), by Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=1)
    x, y, z = (vectors / np.maximum(angle, 1e-12)[:, None]).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    c, s = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    return np.asarray(np.eye(3) + s * cross + (1 - c) * (cross @ cross))
