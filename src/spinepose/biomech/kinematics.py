"""Forward kinematics of a body model: where its markers are, and how they move.

All frames of a recording are computed at once. For a turn by an angle about a world axis `a`
through `p`, a point `x` behind that joint moves by `a x (x - p)`; derivatives with respect to a
coordinate sum that over its joints, weighted by the shares (Murray, Li and Sastry 1994, A
Mathematical Introduction to Robotic Manipulation, section 3.4). Markers are linear in the scale
factors, so that their derivatives are the lever arms themselves.

F frames, B bodies, M markers, Q coordinates, G scale groups. Arrays are float64; metres, radians,
x forward, y up, z right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.biomech.rotations import euler_angles, near_angles, rotation_vectors
from spinepose.biomech.spec import AXES, ModelSpec
from spinepose.errors import UsageError

__all__ = ["BodyFrames", "Kinematics"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BodyFrames:
    """Where the bodies are.

    Attributes
    ----------
    origins
        (F, B, 3) m, the joints.
    axes
        (F, B, 3, 3); column i is the body's axis i in the ground: ``ground = origin + axes @ own``.
    """

    origins: Float64
    axes: Float64


@dataclass(frozen=True, slots=True)
class _Joint:
    """A body's joint, prepared for arrays."""

    parent: int
    offset: tuple[float, float, float]
    group: int
    """Scale group of the parent, which stretches the offset."""
    tilt: tuple[float, float]
    """Cosine and sine."""
    turns: tuple[tuple[int, int, float], ...]
    """Axis, coordinate and share of each."""
    ball: bool


@dataclass(slots=True)
class _Chain:
    """What a walk from the root to the leaves finds, one entry per body.

    `linear` and `moment` (F, 3, Q) are the sums over all joints up to a body of the turn's axis,
    and of its axis crossed with its place: a point x moves by ``linear x x - moment``.
    """

    axes: list[list[Float64]]
    origins: list[Float64]
    linear: list[Float64]
    moment: list[Float64]


class Kinematics:
    """Computes markers and their derivatives for many poses at once.

    Parameters
    ----------
    spec
        The model.

    Attributes
    ----------
    spec
        The model.
    balls
        For each body that turns freely about all three axes (root, shoulders, hips): the three
        coordinates (N, 3), in the order of their turns.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        groups = {name: i for i, name in enumerate(spec.groups)}
        self._group = np.array([groups[body.group] for body in spec.bodies])
        self._joints = [self._joint(i) for i in range(len(spec.bodies))]
        self._moves = [
            (AXES.index(item.translation), i)
            for i, item in enumerate(spec.coordinates)
            if item.translation
        ]
        self._reach = self._columns()
        self._markers: dict[int, list[int]] = {}
        for i, marker in enumerate(spec.markers):
            self._markers.setdefault(spec.body_index[marker.body], []).append(i)
        self._places = np.array([marker.location for marker in spec.markers])
        free = [joint for joint in self._joints if joint.ball]
        self.balls: Int64 = np.array([[c for _, c, _ in joint.turns] for joint in free])
        self._ball_joints = free

    def _joint(self, i: int) -> _Joint:
        """Return the joint of body `i`."""
        spec = self.spec
        body = spec.bodies[i]
        parent = spec.body_index[body.parent] if body.parent else -1
        index = spec.coordinate_index
        turns = tuple((AXES.index(t.axis), index[t.coordinate], t.share) for t in body.turns)
        return _Joint(
            parent=parent,
            offset=body.offset,
            group=int(self._group[max(parent, 0)]),
            tilt=(float(np.cos(body.tilt)), float(np.sin(body.tilt))),
            turns=turns,
            ball=[t.axis for t in body.turns] == ["z", "x", "y"]
            and all(abs(t.share) == 1 for t in body.turns),
        )

    def _columns(self) -> list[Int64]:
        """Return, for each body, the coordinates of its joint and of those before it."""
        found: list[set[int]] = []
        for joint in self._joints:
            before = found[joint.parent] if joint.parent >= 0 else set()
            found.append(before | {coordinate for _, coordinate, _ in joint.turns})
        return [np.array(sorted(columns), dtype=np.int64) for columns in found]

    def markers(self, q: npt.ArrayLike, scale: npt.ArrayLike | None = None) -> Float64:
        """Return the markers (F, M, 3).

        Parameters
        ----------
        q
            (F, Q) poses, or one (Q,).
        scale
            (G,) or (F, G) factors of the scale groups; 1 when not given.

        Raises
        ------
        UsageError
            If the shapes do not fit.
        """
        poses, factors = self._inputs(q, scale)
        return self._points(self._walk(poses, factors), factors)

    def frames(self, q: npt.ArrayLike, scale: npt.ArrayLike | None = None) -> BodyFrames:
        """Return the bodies' frames; parameters as in :meth:`markers`."""
        poses, factors = self._inputs(q, scale)
        chain = self._walk(poses, factors)
        axes = [np.stack(columns, axis=-1) for columns in chain.axes]
        return BodyFrames(np.stack(chain.origins, axis=1), np.stack(axes, axis=1))

    def jacobian(
        self, q: npt.ArrayLike, scale: npt.ArrayLike | None = None, *, tangent: bool = False
    ) -> tuple[Float64, Float64]:
        """Return the markers and their derivatives with respect to the coordinates.

        Parameters
        ----------
        q, scale
            As in :meth:`markers`.
        tangent
            For the joints in :attr:`balls`, derive with respect to a small rotation vector in the
            frame of the resting joint instead of the three angles; :meth:`step` takes such steps.
            Angles have no derivative where two of their axes fall together, with the second turn at
            90 degrees: an arm held sideways.

        Returns
        -------
        markers : (F, M, 3)
        jacobian : (F, 3 * M, Q)
            Row ``3 * m + axis``.
        """
        poses, factors = self._inputs(q, scale)
        chain = self._walk(poses, factors, derive=True, tangent=tangent)
        points = self._points(chain, factors)
        jacobian = np.zeros((*points.shape, len(self.spec.coordinates)))
        for body, markers in self._markers.items():
            columns = self._reach[body]
            u = [chain.linear[body][:, axis, columns] for axis in range(3)]
            v = [chain.moment[body][:, axis, columns] for axis in range(3)]
            for marker in markers:
                x = [points[:, marker, axis, None] for axis in range(3)]
                for axis in range(3):
                    j, k = (axis + 1) % 3, (axis + 2) % 3
                    jacobian[:, marker, axis, columns] = u[j] * x[k] - u[k] * x[j] - v[axis]
        for axis, coordinate in self._moves:
            jacobian[:, :, axis, coordinate] = 1.0
        return points, jacobian.reshape(len(poses), -1, len(self.spec.coordinates))

    def scale_jacobian(self, q: npt.ArrayLike) -> Float64:
        """Return the derivatives (F, 3 * M, G) of the markers with respect to the scale factors.

        They do not depend on the factors: markers are ``root + jacobian @ factors``.
        """
        poses, factors = self._inputs(q, None)
        chain = self._walk(poses, factors)
        count = len(self.spec.groups)
        levers: list[Float64] = []
        for joint in self._joints:
            if joint.parent < 0:
                levers.append(np.zeros((len(poses), 3, count)))
                continue
            lever = levers[joint.parent].copy()
            lever[:, :, joint.group] += _along(chain.axes[joint.parent], joint.offset)
            levers.append(lever)
        found = np.empty((len(poses), len(self._places), 3, count))
        for body, markers in self._markers.items():
            for marker in markers:
                found[:, marker] = levers[body]
                arm = _along(chain.axes[body], self._places[marker])
                found[:, marker, :, self._group[body]] += arm
        return found.reshape(len(poses), -1, count)

    def step(self, q: npt.ArrayLike, change: npt.ArrayLike) -> Float64:
        """Return poses (F, Q) moved by `change` (F, Q), as ``jacobian(tangent=True)`` means it.

        Plain coordinates are added to; the three of a ball joint are a rotation vector that is
        applied before its turns. Of the angles that say the same, the nearest to the old are
        returned, so that a track does not jump.
        """
        old, _ = self._inputs(q, None)
        delta, _ = self._inputs(change, None)
        new = old + delta
        for joint in self._ball_joints:
            columns = [coordinate for _, coordinate, _ in joint.turns]
            shares = np.array([share for _, _, share in joint.turns])
            angles = old[:, columns] * shares
            vector = np.zeros((len(old), 3))
            vector[:, [axis for axis, _, _ in joint.turns]] = delta[:, columns] * shares
            turned = rotation_vectors(vector) @ self._turned(joint, old)
            new[:, columns] = near_angles(euler_angles(turned), angles) * shares
        return new

    def _turned(self, joint: _Joint, q: Float64) -> Float64:
        """Return the rotations (F, 3, 3) that the turns of a joint make."""
        columns = [np.broadcast_to(row, (len(q), 3)) for row in np.eye(3)]
        for axis, coordinate, share in joint.turns:
            _turn(columns, axis, q[:, coordinate] * share)
        return np.stack(columns, axis=-1)

    def _inputs(self, q: npt.ArrayLike, scale: npt.ArrayLike | None) -> tuple[Float64, Float64]:
        """Return poses (F, Q) and factors (G, F), checked."""
        poses = np.atleast_2d(np.asarray(q, dtype=np.float64))
        count = len(self.spec.groups)
        factors = np.ones(count) if scale is None else np.asarray(scale, dtype=np.float64)
        if poses.ndim != 2 or poses.shape[1] != len(self.spec.coordinates):
            raise UsageError(
                f"poses have shape {poses.shape}, expected (F, {len(self.spec.coordinates)})"
            )
        if factors.shape not in ((count,), (len(poses), count)):
            raise UsageError(
                f"scale has shape {factors.shape}, expected ({count},) or ({len(poses)}, {count})"
            )
        return poses, np.broadcast_to(factors, (len(poses), count)).T

    def _walk(
        self, q: Float64, factors: Float64, *, derive: bool = False, tangent: bool = False
    ) -> _Chain:
        """Walk from the root to the leaves; sums for derivatives only where asked."""
        chain = _Chain([], [], [], [])
        ground = [np.broadcast_to(row, (len(q), 3)) for row in np.eye(3)]
        start = np.zeros((len(q), 3))
        for axis, coordinate in self._moves:
            start[:, axis] = q[:, coordinate]
        nothing = np.zeros((len(q), 3, q.shape[1]))
        for joint in self._joints:
            root = joint.parent < 0
            above = ground if root else chain.axes[joint.parent]
            axes = _tilted(above, joint.tilt)
            if root:
                origin = start
            else:
                lever = _along(above, joint.offset) * factors[joint.group, :, None]
                origin = chain.origins[joint.parent] + lever
            if derive:
                linear = nothing if root else chain.linear[joint.parent]
                moment = nothing if root else chain.moment[joint.parent]
                sums = (linear.copy(), moment.copy()) if joint.turns else (linear, moment)
                chain.linear.append(sums[0])
                chain.moment.append(sums[1])
            resting = axes.copy()
            for axis, coordinate, share in joint.turns:
                if derive:
                    about = share * (resting if tangent and joint.ball else axes)[axis]
                    sums[0][:, :, coordinate] += about
                    sums[1][:, :, coordinate] += np.cross(about, origin)
                _turn(axes, axis, q[:, coordinate] * share)
            chain.axes.append(axes)
            chain.origins.append(origin)
        return chain

    def _points(self, chain: _Chain, factors: Float64) -> Float64:
        """Return the markers (F, M, 3) on the bodies of a walk."""
        points = np.empty((factors.shape[1], len(self._places), 3))
        for body, markers in self._markers.items():
            for marker in markers:
                arm = _along(chain.axes[body], self._places[marker])
                factor = factors[self._group[body], :, None]
                points[:, marker] = chain.origins[body] + arm * factor
        return points


def _along(axes: list[Float64], vector: npt.ArrayLike) -> Float64:
    """Return a body's own vector (3,) in the ground (F, 3)."""
    x, y, z = np.asarray(vector, dtype=np.float64)
    return np.asarray(x * axes[0] + y * axes[1] + z * axes[2])


def _tilted(axes: list[Float64], tilt: tuple[float, float]) -> list[Float64]:
    """Return axes turned about z by a fixed angle."""
    cosine, sine = tilt
    if sine == 0:
        return list(axes)
    return [cosine * axes[0] + sine * axes[1], cosine * axes[1] - sine * axes[0], axes[2]]


def _turn(axes: list[Float64], axis: int, angle: Float64) -> None:
    """Turn axes (3 of (F, 3)) about one of themselves by angles (F,), in place of the list."""
    j, k = (axis + 1) % 3, (axis + 2) % 3
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    axes[j], axes[k] = cosine * axes[j] + sine * axes[k], cosine * axes[k] - sine * axes[j]
