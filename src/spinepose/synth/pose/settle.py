"""Let a body that lies, sits or kneels come to rest on the ground."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

__all__ = ["settling_turn"]

Float64 = npt.NDArray[np.float64]

_STEPS = (8.0, 4.0, 2.0, 1.0, 0.5)


def settling_turn(points: Float64, centre: Float64, most: float = 28.0) -> Float64:
    """Return the turn (3, 3) after which a rigid body stands still on the ground.

    A body at rest has its centre of mass as low as it can be: the turn about the horizontal axes
    that lowers it most, within limits, is searched in shrinking steps.

    Parameters
    ----------
    points
        (N, 3) m, of the skin.
    centre
        (3,) m, the centre of mass.
    most
        Largest turn about each axis, degrees.
    """
    hull = points[ConvexHull(points).vertices] - centre

    def height(angles: Float64) -> float:
        rows = Rotation.from_euler("xy", angles, degrees=True).as_matrix()[2]
        return float(-(hull @ rows).min())

    best = np.zeros(2)
    low = height(best)
    for step in _STEPS:
        moved = True
        while moved:
            moved = False
            for way in ((step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)):
                tried = best + way
                if np.abs(tried).max() <= most and (level := height(tried)) < low - 1e-6:
                    best, low, moved = tried, level, True
    return np.asarray(Rotation.from_euler("xy", best, degrees=True).as_matrix())
