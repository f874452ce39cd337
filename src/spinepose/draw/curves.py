"""A smooth curve through points in order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["smooth_curve"]

Float64 = npt.NDArray[np.float64]


def smooth_curve(points: npt.ArrayLike, steps: int = 8) -> Float64:
    """Return a centripetal Catmull-Rom curve through points.

    The centripetal form neither overshoots nor loops between uneven distances (Yuksel, Schaefer
    and Keyser, "Parameterization and applications of Catmull-Rom curves", CAD 2011), as vertebrae
    seen along the spine have.

    Parameters
    ----------
    points
        (M, 2); points with NaN are left out, and so are repeated ones.
    steps
        Samples from one point to the next.

    Returns
    -------
    curve : (S, 2)
        Starts at the first point, ends at the last, and passes through each; the points
        themselves when there are fewer than three.
    """
    array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    array = array[np.isfinite(array).all(axis=1)]
    if len(array) > 1:
        moved = np.linalg.norm(np.diff(array, axis=0), axis=1) > 1e-9
        array = array[np.concatenate([[True], moved])]
    if len(array) < 3:
        return array
    # End points are mirrored, so that the curve leaves them straight.
    first, last = 2 * array[0] - array[1], 2 * array[-1] - array[-2]
    padded = np.concatenate([first[None], array, last[None]])
    knots = np.concatenate(
        [[0.0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(padded, axis=0), axis=1)))]
    )
    share = np.linspace(0, 1, steps, endpoint=False)
    pieces = [_segment(padded[i : i + 4], knots[i : i + 4], share) for i in range(len(padded) - 3)]
    return np.concatenate([*pieces, array[-1:]])


def _segment(p: Float64, t: Float64, share: Float64) -> Float64:
    """Sample between the middle two of four points (4, 2) with knots (4,): Barry and Goldman."""
    at = (t[1] + share * (t[2] - t[1]))[:, None]

    def mix(a: Float64, b: Float64, ta: float, tb: float) -> Float64:
        return np.asarray(((tb - at) * a + (at - ta) * b) / (tb - ta))

    a1, a2, a3 = (mix(p[i], p[i + 1], t[i], t[i + 1]) for i in range(3))
    b1, b2 = mix(a1, a2, t[0], t[2]), mix(a2, a3, t[1], t[3])
    return mix(b1, b2, t[1], t[2])
