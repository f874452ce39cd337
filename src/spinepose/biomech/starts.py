"""Poses to start from: where the trunk stands, and several ways to hold the limbs.

The trunk is laid on the markers of shoulders, hips and spine as a rigid body (Kabsch 1976, Acta
Cryst A32:922). An arm whose elbow is bent the wrong way about does not find out by small steps, so
that several are tried; of all tries, each arm and leg is taken from the one that fits it best.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.biomech.descent import Problem, descend, huber_loss
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.rotations import euler_angles
from spinepose.biomech.spec import ModelSpec
from spinepose.skeleton import SPINETRACK

__all__ = ["rigid_pose", "solve_cold", "standing_starts"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_SIDES = ("r", "l")
_LEAST_TRUNK = 3
"""Markers that fix a rigid body."""

_HELD = {"elbow_flexion": 60.0, "knee_flexion": 30.0, "hip_flexion": 15.0}
_STARTS: tuple[dict[str, float], ...] = (
    _HELD,
    _HELD | {"arm_rotation": 70.0},
    _HELD | {"arm_rotation": -60.0},
    _HELD | {"arm_flexion": 90.0, "hip_flexion": 90.0, "knee_flexion": 90.0},
)
"""Degrees, of both sides."""
_FIRST_STEPS = 15


def rigid_pose(body: Kinematics, targets: Float64, weights: Float64, scale: Float64) -> Float64:
    """Return the root's place and turn (F, Q) from the markers of the trunk; the rest is zero.

    Parameters
    ----------
    body
        The model.
    targets, weights
        (F, M, 3) m and (F, M), zero where a marker is missing.
    scale
        (G,) factors.
    """
    spec = body.spec
    rest = body.markers(np.zeros(len(spec.coordinates)), scale)[0]
    trunk = {name for name in SPINETRACK.spine if not name.startswith("neck_")}
    trunk |= {f"{side}_{part}" for side in ("left", "right") for part in ("hip", "shoulder")}
    inside = np.array([marker.name in trunk for marker in spec.markers])
    mass = weights * inside
    few = np.count_nonzero(mass, axis=1) < _LEAST_TRUNK
    mass[few] = weights[few]
    mass = mass / np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
    from_middle = mass @ rest
    to_middle = np.einsum("fm,fmi->fi", mass, targets)
    moments = np.einsum(
        "fm,fmi,fmj->fij",
        mass,
        targets - to_middle[:, None],
        rest[None] - from_middle[:, None],
        optimize=True,
    )
    left, _, right = np.linalg.svd(moments)
    signs = np.ones((len(targets), 3))
    signs[:, 2] = np.sign(np.linalg.det(left @ right))
    rotations = (left * signs[:, None, :]) @ right
    q = np.zeros((len(targets), len(spec.coordinates)))
    place = to_middle - np.einsum("fij,fj->fi", rotations, from_middle)
    for axis, item in enumerate("xyz"):
        q[:, spec.coordinate_index[f"pelvis_t{item}"]] = place[:, axis]
    q[:, body.balls[0]] = euler_angles(rotations)
    return q


def standing_starts(spec: ModelSpec, root: Float64) -> list[Float64]:
    """Return the starting poses, (F, Q) each, on a root from :func:`rigid_pose`."""
    found = []
    for held in _STARTS:
        q = root.copy()
        for name, degrees in held.items():
            for side in _SIDES:
                q[:, spec.coordinate_index[f"{name}_{side}"]] = np.radians(degrees)
        found.append(q)
    return found


def _limbs(body: Kinematics) -> list[tuple[Int64, Int64]]:
    """Return the coordinates and markers of everything that hangs on a shoulder or hip."""
    spec, found = body.spec, []
    roots = {tuple(spec.coordinates[c].name for c in row) for row in body.balls[1:]}
    for top in spec.bodies:
        if tuple(turn.coordinate for turn in top.turns) not in roots:
            continue
        inside = {top.name}
        for other in spec.bodies:
            if other.parent in inside:
                inside.add(other.name)
        turns = [t.coordinate for b in spec.bodies if b.name in inside for t in b.turns]
        markers = [i for i, m in enumerate(spec.markers) if m.body in inside]
        columns = [spec.coordinate_index[name] for name in turns]
        found.append((np.array(columns), np.array(markers)))
    return found


def solve_cold(
    problem: Problem, *, steps: int = 60, tolerance: float = 1e-4
) -> tuple[Float64, Float64]:
    """Solve frames of which nothing is known but the markers; as :func:`.descend` returns."""
    body = problem.body
    root = rigid_pose(body, problem.targets, problem.weights, problem.scale)
    tries = [
        descend(problem, start, steps=_FIRST_STEPS, tolerance=1e-3)
        for start in standing_starts(body.spec, root)
    ]
    energies = np.stack([energy for _, energy in tries])
    poses = np.stack([q for q, _ in tries])
    frames = np.arange(len(problem))
    best = energies.argmin(axis=0)
    mixed = poses[best, frames]
    losses = np.stack([_losses(problem, q) for q in poses])
    for columns, markers in _limbs(body):
        of_limb = losses[:, :, markers].sum(axis=2).argmin(axis=0)
        mixed[:, columns] = poses[of_limb, frames][:, columns]
    worse = problem.energy(mixed) > energies[best, frames]
    mixed[worse] = poses[best, frames][worse]
    return descend(problem, mixed, steps=steps, tolerance=tolerance)


def _losses(problem: Problem, q: Float64) -> Float64:
    """Return what each marker (F, M) adds to the energy."""
    squares = ((problem.body.markers(q, problem.scale) - problem.targets) ** 2).sum(axis=2)
    return np.asarray(problem.weights * huber_loss(squares, problem.huber))
