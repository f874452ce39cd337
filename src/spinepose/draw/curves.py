"""A smooth curve through points in order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["curve_pieces", "smooth_curve"]

Float64 = npt.NDArray[np.float64]

_SAME = 1e-9
"""Points that are closer than this count as one."""


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
    array = array[_moved(array)]
    if len(array) < 3:
        return array
    return np.concatenate([*curve_pieces(array, steps)[:, :-1], array[-1:]])


def curve_pieces(points: npt.ArrayLike, steps: int = 8) -> Float64:
    """Return the curve of :func:`smooth_curve` cut at its points.

    Parameters
    ----------
    points
        (M, 2), finite. Between repeated ones a piece stands still.
    steps
        Samples from one point to the next.

    Returns
    -------
    pieces : (M - 1, steps + 1, 2)
        From each point to the next, both included; none when there are fewer than two points.
    """
    array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    share = np.linspace(0, 1, steps + 1)[:, None]
    if len(array) < 2:
        return np.empty((0, steps + 1, 2))
    pieces = array[:-1, None] + share * (array[1:] - array[:-1])[:, None]
    moved = _moved(array)
    distinct = array[moved]
    if len(distinct) < 3:
        return pieces
    # End points are mirrored, so that the curve leaves them straight.
    first, last = 2 * distinct[0] - distinct[1], 2 * distinct[-1] - distinct[-2]
    padded = np.concatenate([first[None], distinct, last[None]])
    gaps = np.linalg.norm(np.diff(padded, axis=0), axis=1)
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(gaps))])
    pieces[moved[1:]] = _segments(padded, knots, share)
    # Exactly, whatever the rounding.
    pieces[:, 0], pieces[:, -1] = array[:-1], array[1:]
    return pieces


def _moved(points: Float64) -> npt.NDArray[np.bool_]:
    """Return which points (M,) are not repetitions of the one before."""
    moved = np.ones(len(points), dtype=bool)
    kept = 0
    for i in range(1, len(points)):
        moved[i] = np.linalg.norm(points[i] - points[kept]) > _SAME
        kept = i if moved[i] else kept
    return moved


def _segments(p: Float64, t: Float64, share: Float64) -> Float64:
    """Sample between inner points (M + 2, 2) with knots (M + 2,): Barry and Goldman's scheme."""
    ta, tb, tc, td = (t[i : len(t) - 3 + i, None, None] for i in range(4))
    pa, pb, pc, pd = (p[i : len(p) - 3 + i, None] for i in range(4))
    at = tb + share * (tc - tb)

    def mix(a: Float64, b: Float64, start: Float64, end: Float64) -> Float64:
        return np.asarray(((end - at) * a + (at - start) * b) / (end - start))

    a1, a2, a3 = mix(pa, pb, ta, tb), mix(pb, pc, tb, tc), mix(pc, pd, tc, td)
    return mix(mix(a1, a2, ta, tc), mix(a2, a3, tb, td), tb, tc)
