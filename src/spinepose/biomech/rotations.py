"""Rotations of joints: angles about z, then x, then y, rotation vectors, and matrices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["euler_angles", "euler_matrices", "near_angles", "rotation_vectors"]

Float64 = npt.NDArray[np.float64]

_LOCKED = 1 - 1e-14
_SMALL = 1e-8


def euler_matrices(angles: Float64) -> Float64:
    """Return rotations (F, 3, 3) by angles (F, 3) about z, x and y, each about the turned axis."""
    (cz, cx, cy), (sz, sx, sy) = np.cos(angles).T, np.sin(angles).T
    rows = [
        [cz * cy - sz * sx * sy, -sz * cx, cz * sy + sz * sx * cy],
        [sz * cy + cz * sx * sy, cz * cx, sz * sy - cz * sx * cy],
        [-cx * sy, sx, cx * cy],
    ]
    return np.asarray(np.moveaxis(np.array(rows), 2, 0))


def euler_angles(rotations: Float64) -> Float64:
    """Return the angles (F, 3) about z, x and y of rotations (F, 3, 3).

    The second lies in -pi/2 to pi/2. At its ends only the sum of the others is known, and the third
    is zero.
    """
    sine = np.clip(rotations[:, 2, 1], -1.0, 1.0)
    locked = np.abs(sine) > _LOCKED
    z = np.where(
        locked,
        np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0]),
        np.arctan2(-rotations[:, 0, 1], rotations[:, 1, 1]),
    )
    y = np.where(locked, 0.0, np.arctan2(-rotations[:, 2, 0], rotations[:, 2, 2]))
    x = np.arctan2(sine, np.hypot(rotations[:, 2, 0], rotations[:, 2, 2]))
    return np.stack([z, x, y], axis=1)


def near_angles(angles: Float64, near: Float64) -> Float64:
    """Return angles (F, 3) of the same rotations as `angles`, as close to `near` (F, 3) as can be.

    Every rotation has two sets of angles, ``z, x, y`` and ``z + pi, pi - x, y + pi``, and each
    angle may be a whole turn away.
    """
    flipped = np.stack([angles[:, 0] + np.pi, np.pi - angles[:, 1], angles[:, 2] + np.pi], axis=1)
    both = np.stack([angles, flipped])
    both = near + (both - near + np.pi) % (2 * np.pi) - np.pi
    better = np.abs(both - near).sum(axis=2).argmin(axis=0)
    return np.asarray(both[better, np.arange(len(angles))])


def rotation_vectors(vectors: Float64) -> Float64:
    """Return the rotations (F, 3, 3) of rotation vectors (F, 3), by Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    cross = np.zeros((len(vectors), 3, 3))
    x, y, z = vectors.T
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -z, y, -x
    cross[:, 1, 0], cross[:, 2, 0], cross[:, 2, 1] = z, -y, x
    small = angle < _SMALL
    safe = np.where(small, 1.0, angle)
    first = np.where(small, 1.0, np.sin(safe) / safe)
    second = np.where(small, 0.5, (1 - np.cos(safe)) / safe**2)
    return np.asarray(np.eye(3) + first * cross + second * (cross @ cross))
