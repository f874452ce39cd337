"""Turns and frames of bones, and the inverse kinematics of two of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

__all__ = ["SIGN", "about", "across", "aimed", "frame", "turned", "two_bone", "unit"]

Float64 = npt.NDArray[np.float64]

SIGN: dict[str, float] = {"L": 1.0, "R": -1.0}
"""The side of the body on which x is positive."""


def two_bone(reach: Float64, lengths: tuple[float, float], pole: Float64) -> Float64:
    """Return the directions of two bones that together reach a point.

    Parameters
    ----------
    reach
        (3,) m, from the first joint to the wanted place of the last; beyond the limb's length it
        is shortened.
    lengths
        Of the two bones, m.
    pole
        (3,) the side to which the middle joint points.

    Returns
    -------
    bones : (3, 3)
        Columns: unit vectors of the upper bone, the lower bone and the hinge about which the
        lower one turned away from the upper.
    """
    first, second = lengths
    distance = float(np.linalg.norm(reach))
    length = float(np.clip(distance, abs(first - second) + 1e-3, (first + second) * 0.9995))
    ahead = reach / max(distance, 1e-9)
    aside = pole - ahead * (pole @ ahead)
    size = np.linalg.norm(aside)
    aside = aside / size if size > 1e-6 else across(np.array([0.0, -1.0, 0.3]), ahead)
    cosine = (first**2 + length**2 - second**2) / (2 * first * length)
    sine = np.sqrt(max(0.0, 1 - cosine**2))
    upper = cosine * ahead + sine * aside
    lower = unit(ahead * length - first * upper)
    return np.stack([upper, lower, np.cross(aside, ahead)], axis=1)


def turned(angles: tuple[float, float, float] | Float64) -> Float64:
    """Return the matrix of flexion, lateral bending and twist in degrees."""
    return np.asarray(Rotation.from_euler("xyz", angles, degrees=True).as_matrix())


def about(axis: Float64, angle: float) -> Float64:
    """Return the turn (3, 3) about a unit axis by an angle in degrees."""
    return np.asarray(Rotation.from_rotvec(np.radians(angle) * axis).as_matrix())


def aimed(start: Float64, end: Float64) -> Float64:
    """Return the smallest turn (3, 3) from one unit vector to another."""
    axis = np.cross(start, end)
    sine, cosine = float(np.linalg.norm(axis)), float(start @ end)
    if sine < 1e-8:
        return np.eye(3) if cosine > 0 else np.diag([1.0, -1.0, -1.0])
    return about(axis / sine, float(np.degrees(np.arctan2(sine, cosine))))


def frame(along: Float64, hinge: Float64) -> Float64:
    """Return the matrix whose columns are a bone, its hinge made square to it, and the third."""
    square = across(hinge, along)
    return np.stack([along, square, np.cross(along, square)], axis=1)


def across(vector: Float64, along: Float64) -> Float64:
    """Return the unit vector of the part of a vector that is square to a unit vector."""
    return unit(vector - along * (vector @ along))


def unit(vector: Float64) -> Float64:
    """Return a vector (3,) at length 1."""
    return np.asarray(vector / np.linalg.norm(vector))
