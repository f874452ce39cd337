"""The pose of the body model that one camera may have seen: keypoints in a picture, no depth.

The model is put before a pinhole camera so that its markers meet the keypoints. One picture leaves
much open, which priors of pose and size decide: what is found is a body that could look like this,
and not where the person's joints were. Of many views of the standing model the likeliest are
starts, each with limbs straight and folded; they are improved side by side, and the best further.

The camera is at the origin of the model's ground and looks along -z: x is to the right, y up.
F people, M markers, Q coordinates, G scale groups, V views; metres, radians, pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spinepose.biomech.descent import descend, huber_loss, huber_weights
from spinepose.biomech.ik import LEAST_MARKERS
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.priors import PosePrior, marker_weights
from spinepose.biomech.rotations import euler_matrices
from spinepose.biomech.starts import standing_starts

__all__ = ["Sighting", "ViewFit", "fit_views"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_HUBER, _WRONG = 0.010, 0.040
"""Metres up to which a distance counts squared, and from which a keypoint has no say in the end.
Less than with depth: the model has more ways to give in to a wrong keypoint."""
_EVEN = 0.5
"""Of the weights of `marker_weights`, above which all count the same. A shoulder or hip that counts
double draws the body along and is not found wrong."""
_POSE_PRIOR = 0.012
"""Metres per spread of a coordinate: more than with depth, for a picture leaves more open."""
_SIZE_PRIOR, _SIZE_SPREAD = 0.01, 0.08
"""Metres per spread of a scale factor, and how parts of people differ from the model's. It holds
the whole size too, which no picture tells from the depth."""
_SIZE_STIFFNESS = (_SIZE_PRIOR / _SIZE_SPREAD) ** 2
_NEAREST = 0.1
"""Metres: nothing is projected from nearer."""

_LOOKS = np.array(
    [
        (0.0, pitch, yaw)
        for pitch in np.radians([-50, 0, 50])
        for yaw in np.radians(range(0, 360, 45))
    ]
)
"""Angles (V, 3) of the root: turned about its long axis, then toward or away from the camera."""
_VIEWS = 6
"""Of them, that are looked at more closely."""
_HOLDS = (0, 3)
"""Of `standing_starts`: arms and legs nearly straight, and folded forward."""
_LIMBS = ("forearm", "shank", "foot")
"""Groups whose markers do not tell the view."""
_LEAST_TRUNK = 5
_FAR_OFF = 5.0
"""Times the median distance from the middle, from which a keypoint does not tell the view."""
_FIRST_STEPS, _STEPS = 12, 40


@dataclass(frozen=True, slots=True)
class Sighting:
    """Keypoints of pictures to be met by bodies: an :class:`.Objective`.

    A body is a pose with its scale factors behind it (F, Q + G).

    Attributes
    ----------
    body, prior
        The model and the prior of its poses.
    targets
        (F, M, 2) px to the right of the principal point and up; anything where the weight is zero.
    weights
        (F, M), zero where a keypoint is missing.
    huber
        Metres up to which a distance counts squared.
    focal
        (F,) px.
    per_metre
        (F,) px at the person's depth, so that distances count in metres.
    """

    body: Kinematics
    prior: PosePrior
    targets: Float64
    weights: Float64
    huber: float
    focal: Float64
    per_metre: Float64

    def __len__(self) -> int:
        return len(self.targets)

    def part(self, frames: Int64 | slice) -> Sighting:
        """Return the same for some of the people."""
        return replace(
            self,
            targets=self.targets[frames],
            weights=self.weights[frames],
            focal=self.focal[frames],
            per_metre=self.per_metre[frames],
        )

    def split(self, q: Float64) -> tuple[Float64, Float64]:
        """Return the poses (F, Q) and the scale factors (F, G) of bodies."""
        count = len(self.body.spec.coordinates)
        return q[:, :count], q[:, count:]

    def step(self, q: Float64, change: Float64) -> Float64:
        """Return bodies moved by `change` (F, Q + G), poses as in :meth:`.Kinematics.step`."""
        (pose, sizes), (turned, stretched) = self.split(q), self.split(change)
        return np.concatenate([self.body.step(pose, turned), sizes + stretched], axis=1)

    def seen(self, q: Float64) -> Float64:
        """Return where the camera sees the markers (F, M, 2), px as in `targets`."""
        return _project(self.body.markers(*self.split(q)), self.focal)[0]

    def squares(self, q: Float64) -> Float64:
        """Return the squared distances (F, M) between keypoints and model, square metres."""
        difference = (self.seen(q) - self.targets) / self.per_metre[:, None, None]
        return np.asarray((difference**2).sum(axis=2))

    def energy(self, q: Float64) -> Float64:
        """Return what is minimised (F,), square metres."""
        pose, sizes = self.split(q)
        loss = (self.weights * huber_loss(self.squares(q), self.huber)).sum(axis=1)
        strained = _SIZE_STIFFNESS * ((sizes - 1) ** 2).sum(axis=1)
        return np.asarray(loss + self.prior.energy(pose) + strained)

    def derive(self, q: Float64) -> tuple[Float64, Float64]:
        """Return half the gradient (F, Q + G) and the Gauss-Newton matrix."""
        pose, sizes = self.split(q)
        points, by_pose = self.body.jacobian(pose, sizes, tangent=True)
        by_both = np.concatenate([by_pose, self.body.scale_jacobian(pose)], axis=2)
        seen, magnified = _project(points, self.focal)
        moved = by_both.reshape(*points.shape, -1)
        # A point (x, y) at depth d is seen at f / d (x, y), and d falls as z rises.
        depth = (self.focal[:, None] / magnified)[:, :, None]
        jacobian = magnified[:, :, None, None] * moved[:, :, :2]
        jacobian += (seen / depth)[:, :, :, None] * moved[:, :, 2:]
        difference = (seen - self.targets) / self.per_metre[:, None, None]
        squares = (difference**2).sum(axis=2)
        weights = np.sqrt(self.weights * huber_weights(squares, self.huber))
        jacobian *= (weights / self.per_metre[:, None])[:, :, None, None]
        jacobian = jacobian.reshape(len(q), -1, q.shape[1])
        turned = jacobian.transpose(0, 2, 1)
        weighted = (difference * weights[:, :, None]).reshape(len(q), -1, 1)
        gradient, hessian = (turned @ weighted)[:, :, 0], turned @ jacobian
        count = pose.shape[1]
        self.prior.derive(pose, gradient[:, :count], hessian[:, :count, :count])
        gradient[:, count:] += _SIZE_STIFFNESS * (sizes - 1)
        diagonal = np.arange(count, q.shape[1])
        hessian[:, diagonal, diagonal] += _SIZE_STIFFNESS
        return gradient, hessian


@dataclass(frozen=True, slots=True, eq=False)
class ViewFit:
    """Bodies that could look like the keypoints.

    Attributes
    ----------
    coordinates
        (F, Q) radians and metres, before the camera.
    scale
        (F, G) factors of the scale groups.
    markers
        (F, M, 2) px of the picture, where the camera sees the model's.
    stature
        (F,) px, that the fitted body has when it stands upright at the depth of its pelvis. It does
        not depend on the pose, nor on what the picture's edge cuts off.
    """

    coordinates: Float64
    scale: Float64
    markers: Float64
    stature: Float64


def fit_views(
    keypoints: Float64, weights: Float64, centre: Float64, focal: Float64, body: Kinematics
) -> ViewFit:
    """Fit the body model to keypoints of pictures, each person by itself.

    Minimises Huber's losses of the distances at the person's depth plus the energies of pose and
    sizes; in the end without the keypoints that stay far away.

    Parameters
    ----------
    keypoints, weights
        (F, M, 2) px, finite, and (F, M) how much each is trusted, zero where it is missing. Each
        person has eight or more that are not all in one place.
    centre, focal
        (F, 2) and (F,) px of the camera.
    body
        The model.
    """
    problem = Sighting(
        body=body,
        prior=PosePrior(body, _POSE_PRIOR),
        targets=(keypoints - centre[:, None]) * (1, -1),
        weights=weights * np.minimum(marker_weights(body.spec) / _EVEN, 1.0),
        huber=_HUBER,
        focal=focal,
        per_metre=np.ones(len(focal)),
    )
    q = _first(problem)
    problem = replace(problem, per_metre=_per_metre(problem, q))
    q, _ = descend(problem, q, steps=_STEPS)
    q = _without_wrong(problem, q)
    pose, sizes = problem.split(q)
    return ViewFit(
        coordinates=pose,
        scale=sizes,
        markers=problem.seen(q) * (1, -1) + centre[:, None],
        stature=_stature(body, sizes) * _per_metre(problem, q),
    )


def _project(points: Float64, focal: Float64) -> tuple[Float64, Float64]:
    """Return where points (F, M, 3) are seen (F, M, 2), and the px of a metre there (F, M)."""
    magnified = focal[:, None] / np.maximum(-points[:, :, 2], _NEAREST)
    return points[:, :, :2] * magnified[:, :, None], magnified


def _per_metre(problem: Sighting, q: Float64) -> Float64:
    """Return the px of a metre (F,) at the depth of the pelvis."""
    depth = -q[:, problem.body.spec.coordinate_index["pelvis_tz"]]
    return np.asarray(problem.focal / np.maximum(depth, _NEAREST))


def _stature(body: Kinematics, sizes: Float64) -> Float64:
    """Return the height (F,) of standing bodies with scale factors (F, G), metres."""
    pose = np.zeros((len(sizes), len(body.spec.coordinates)))
    tall, usual = (
        np.ptp(body.markers(pose, sizes)[:, :, 1], axis=1),
        np.ptp(body.markers(pose[0])[0, :, 1]),
    )
    return np.asarray(body.spec.stature * tall / usual)


def _first(problem: Sighting) -> Float64:
    """Return the best poses with sizes (F, Q + G) of all starts after some steps."""
    spec = problem.body.spec
    roots, per_metre = _roots(problem)
    holds = standing_starts(spec, roots)
    starts = np.concatenate([holds[i] for i in _HOLDS])
    sizes = np.ones((len(starts), len(spec.groups)))
    people = np.arange(len(problem))
    each = replace(problem, per_metre=per_metre).part(np.resize(people, len(starts)))
    found = descend(each, np.concatenate([starts, sizes], axis=1), steps=_FIRST_STEPS)
    q, energy = (part.reshape(-1, len(problem), *part.shape[1:]) for part in found)
    return np.asarray(q[energy.argmin(axis=0), people])


def _roots(problem: Sighting) -> tuple[Float64, Float64]:
    """Return the likeliest places and turns of a standing body, and the px of a metre (F,).

    Each view is laid on the keypoints by a shift and a turn in the picture and the ratio of the
    spreads (Horn 1987, J Opt Soc Am A 4:629, for points in a plane); as complex numbers, a turn and
    a scale are one factor. The places and turns are (S * F, Q), S views of all people.
    """
    spec = problem.body.spec
    rest = problem.body.markers(np.zeros(len(spec.coordinates)))[0]
    views = rest @ euler_matrices(_LOOKS).transpose(0, 2, 1)
    mass = _telling(problem)
    mass = mass / mass.sum(axis=1, keepdims=True)
    model, seen = views[:, :, 0] + 1j * views[:, :, 1], problem.targets @ (1, 1j)
    middle, place = mass @ model.T, (mass * seen).sum(axis=1)[:, None]
    model_off, seen_off = model - middle[:, :, None], seen - place
    spread = np.sqrt(np.einsum("fm,fvm->fv", mass, np.abs(model_off) ** 2))
    seen_spread = np.sqrt((mass * np.abs(seen_off) ** 2).sum(axis=1, keepdims=True))
    product = np.einsum("fm,fvm,fm->fv", mass, model_off.conj(), seen_off)
    likely = np.argsort(-np.abs(product) / spread, axis=1)[:, :_VIEWS]
    people = np.arange(len(problem))
    view, person = likely.T.ravel(), np.resize(people, likely.size)
    turn = np.angle(product)[person, view]
    scale = (seen_spread / spread)[person, view]
    root = place[person, 0] - scale * np.exp(1j * turn) * middle[person, view]
    q = np.zeros((likely.size, len(spec.coordinates)))
    where = np.stack([root.real, root.imag, -problem.focal[person]], axis=1) / scale[:, None]
    q[:, [spec.coordinate_index[f"pelvis_t{axis}"] for axis in "xyz"]] = where
    q[:, problem.body.balls[0]] = _LOOKS[view] + turn[:, None] * (1, 0, 0)
    return q, scale[: len(people)]


def _telling(problem: Sighting) -> Float64:
    """Return how much keypoints (F, M) say about the view: trunk and head, or all if too few."""
    spec, present = problem.body.spec, problem.weights > 0
    limbs = [spec.bodies[spec.body_index[m.body]].group in _LIMBS for m in spec.markers]
    places = np.where(present[:, :, None], problem.targets, np.nan)
    away = np.linalg.norm(places - np.nanmedian(places, axis=1, keepdims=True), axis=2)
    near = present & (away <= _FAR_OFF * np.nanmedian(away, axis=1, keepdims=True))
    trunk = near & ~np.array(limbs)
    enough = trunk.sum(axis=1, keepdims=True) >= _LEAST_TRUNK
    return np.where(np.where(enough, trunk, near), problem.weights, 0.0)


def _without_wrong(problem: Sighting, q: Float64) -> Float64:
    """Improve poses with sizes without the keypoints that they leave far away."""
    wrong = np.sqrt(problem.squares(q)) > _WRONG
    weights = np.where(wrong, 0.0, problem.weights)
    wrong &= problem.weights > 0
    people = np.flatnonzero(wrong.any(axis=1) & ((weights > 0).sum(axis=1) >= LEAST_MARKERS))
    if len(people):
        part = replace(problem.part(people), weights=weights[people])
        q[people], _ = descend(part, q[people])
    return q
