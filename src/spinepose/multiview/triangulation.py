"""Points in space from keypoints in several pictures, some of which may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from spinepose.errors import UsageError
from spinepose.multiview.cameras import Camera
from spinepose.multiview.views import Views, stack_views

__all__ = ["Triangulation", "triangulate"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_CHUNK = 8192
"""Points worked on at once: bounds the memory to some 10 MB per camera."""

_ROUNDS = 2
"""How often the agreeing views are fitted and then chosen anew."""

_STEPS = 8
"""Most Gauss-Newton steps per round; each divides the way left by about 50 or more."""

_STILL = 1e-11
"""m; a shorter step is the last."""


@dataclass(frozen=True, slots=True, eq=False)
class Triangulation:
    """Points in space, and how well each view agrees with them.

    Attributes
    ----------
    points
        (F, K, 3) m, in the cameras' world; NaN where views do not tell.
    errors
        (C, F, K) distance between keypoint and projected point, px of the undistorted picture;
        NaN where there is no keypoint or no point, infinite for a point behind the camera.
    present
        (C, F, K) whether the view has a keypoint that counts.
    rejected
        (C, F, K) whether the view has a keypoint that was not used, since it disagrees with the
        point. False where there is no point: then nobody knows who is wrong.
    """

    points: Float64
    errors: Float64
    present: Bools
    rejected: Bools

    @property
    def solved(self) -> Bools:
        """(F, K) where there is a point."""
        return np.asarray(np.isfinite(self.points).all(axis=-1))

    @property
    def used(self) -> Bools:
        """(C, F, K) the views that each point rests on."""
        return np.asarray(self.present & ~self.rejected & self.solved)

    @property
    def views(self) -> npt.NDArray[np.int64]:
        """(F, K) number of views that each point rests on."""
        return np.asarray(self.used.sum(axis=0))


def triangulate(
    cameras: Sequence[Camera],
    keypoints: npt.ArrayLike,
    scores: npt.ArrayLike | None = None,
    *,
    threshold: float = 20.0,
    least_angle: float = 2.0,
    least_score: float = 0.1,
) -> Triangulation:
    """Triangulate the keypoints of one person, leaving out views that are wrong.

    Each pair of views proposes a point, weighed between its two rays by their depths (Lee and
    Civera, "Triangulation: Why Optimize?", BMVC 2019). The proposal that most of the scores
    agree with wins, where a view agrees within `threshold`, the more the nearer: it counts with
    ``score * (1 - (error / threshold)^2)`` (MSAC: Torr and Zisserman, CVIU 2000). The views that
    agree are solved linearly (DLT: Hartley and Zisserman, Multiple View Geometry, 12.2) and then
    by Gauss-Newton on the squared reprojection error, both weighted with the scores; who agrees
    is judged once more.

    Parameters
    ----------
    cameras
        C of them, two at least.
    keypoints
        (C, F, K, 2) px of the pictures as they were taken, distortion included; NaN = missing.
        Frame f of all cameras is the same moment (see :func:`synchronise`).
    scores
        (C, F, K) in 0..1; 1 by default.
    threshold
        Largest reprojection error of a view that is used, px of the undistorted picture.
    least_angle
        Degrees between two rays, at least once among the views used, for a point to be told.
        Rays that meet head on count as parallel.
    least_score
        Keypoints scored lower are missing.

    Raises
    ------
    UsageError
        If shapes do not fit or a limit makes no sense.
    """
    keypoints = np.asarray(keypoints, np.float64)
    if scores is None:
        scores = np.ones(keypoints.shape[:-1])
    scores = np.asarray(scores, np.float64)
    _check(cameras, keypoints, scores, threshold, least_angle)
    count, frames, joints = scores.shape
    views = stack_views(
        cameras,
        keypoints.reshape(count, -1, 2),
        np.where(scores >= least_score, scores, 0.0).reshape(count, -1),
    )
    total = frames * joints
    points, errors = np.full((total, 3), np.nan), np.full((count, total), np.nan)
    rejected = np.zeros((count, total), np.bool_)
    for start in range(0, total, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        parts = _solve(views.part(chunk), threshold, np.cos(np.radians(least_angle)))
        points[chunk], errors[:, chunk], rejected[:, chunk] = parts
    shape = (count, frames, joints)
    return Triangulation(
        points=points.reshape(frames, joints, 3),
        errors=errors.reshape(shape),
        present=(views.weights > 0).reshape(shape),
        rejected=rejected.reshape(shape),
    )


def _check(
    cameras: Sequence[Camera],
    keypoints: Float64,
    scores: Float64,
    threshold: float,
    least_angle: float,
) -> None:
    if len(cameras) < 2:
        raise UsageError(f"triangulation needs two cameras or more, not {len(cameras)}")
    if keypoints.ndim != 4 or keypoints.shape[0] != len(cameras) or keypoints.shape[3] != 2:
        raise UsageError(
            f"keypoints have shape {keypoints.shape}, expected ({len(cameras)}, F, K, 2)"
        )
    if scores.shape != keypoints.shape[:3]:
        raise UsageError(f"scores have shape {scores.shape}, expected {keypoints.shape[:3]}")
    if not threshold > 0:
        raise UsageError(f"threshold must be positive, not {threshold}")
    if not 0 < least_angle < 90:
        raise UsageError(f"least_angle must be between 0 and 90 degrees, not {least_angle}")


def _solve(views: Views, threshold: float, cosine: float) -> tuple[Float64, Float64, Bools]:
    """Return points (N, 3), reprojection errors (C, N) and rejected views (C, N)."""
    present = views.weights > 0
    points = _propose(views, threshold, cosine)
    used = np.zeros_like(present)
    for _ in range(_ROUNDS):
        agreeing = present & (views.distances(points) < threshold)
        changed = np.flatnonzero((agreeing != used).any(axis=0))
        used = agreeing
        weights = np.where(used, views.weights, 0.0)[:, changed]
        points[changed] = _refine(views.part(changed), points[changed], weights)
    solved = np.zeros(len(points), np.bool_)
    for a, b in combinations(range(len(used)), 2):
        solved |= used[a] & used[b] & ~_parallel(views, a, b, cosine)
    # Where there is no proposal, distances are NaN, no view is used and nothing is solved.
    points = np.where(solved[:, None], points, np.nan)
    errors = np.where(present & solved, views.distances(points), np.nan)
    return points, errors, present & ~used & solved


def _parallel(views: Views, a: int, b: int, cosine: float) -> Bools:
    """Return whether the rays (N,) of two views are parallel, or opposed, within the limit."""
    along = np.einsum("ni,ni->n", views.directions[a], views.directions[b])
    return np.asarray(np.abs(along) > cosine)


def _propose(views: Views, threshold: float, cosine: float) -> Float64:
    """Return the points (N, 3) of the pairs that most agree with; NaN where no pair agrees."""
    count, total = views.weights.shape
    best, points = np.zeros(total), np.full((total, 3), np.nan)
    for a, b in combinations(range(count), 2):
        proposed = _between(views, a, b)
        distances = views.distances(proposed)
        agreement = 1 - np.minimum(distances / threshold, 1) ** 2
        gain = np.einsum("cn,cn->n", views.weights, agreement)
        fit = (distances[[a, b]] < threshold) & (views.weights[[a, b]] > 0)
        better = fit.all(axis=0) & ~_parallel(views, a, b, cosine) & (gain > best)
        best = np.where(better, gain, best)
        points = np.where(better[:, None], proposed, points)
    return points


def _between(views: Views, a: int, b: int) -> Float64:
    """Return the points (N, 3) between the rays of two views, where they come nearest.

    Each ray's distance counts by the angle under which its camera sees it.
    """
    ray_a, ray_b = views.directions[a], views.directions[b]
    baseline = views.centres[b] - views.centres[a]
    along = np.einsum("ni,ni->n", ray_a, ray_b)
    sine = np.maximum(1 - along**2, 1e-12)
    on_a, on_b = ray_a @ baseline, ray_b @ baseline
    far_a, far_b = (on_a - along * on_b) / sine, (along * on_a - on_b) / sine
    end_a = views.centres[a] + far_a[:, None] * ray_a
    end_b = views.centres[b] + far_b[:, None] * ray_b
    spread_a, spread_b = (far_a / views.focals[a]) ** 2, (far_b / views.focals[b]) ** 2
    share = spread_a / np.maximum(spread_a + spread_b, 1e-30)
    return np.asarray(end_a + share[:, None] * (end_b - end_a))


def _refine(views: Views, points: Float64, weights: Float64) -> Float64:
    """Return the points (N, 3) that fit the weighted views (C, N) best, starting from `points`."""
    points = _step(views, points, weights, linear=True)
    cost = _cost(views, points, weights)
    for _ in range(_STEPS):
        moved = _step(views, points, weights, linear=False)
        moved_cost = _cost(views, moved, weights)
        better = moved_cost <= cost
        way = np.abs(moved - points)[better].max(initial=0.0)
        points = np.where(better[:, None], moved, points)
        cost = np.where(better, moved_cost, cost)
        if way < _STILL:
            break
    return points


def _cost(views: Views, points: Float64, weights: Float64) -> Float64:
    squared = np.where(weights > 0, views.distances(points) ** 2, 0.0)
    return np.asarray((weights * squared).sum(axis=0))


def _step(views: Views, points: Float64, weights: Float64, *, linear: bool) -> Float64:
    """Solve the weighted views once, about `points` (N, 3).

    The linear step takes a view's equations ``u p3 X - p1 X = 0``, divided by the depth so that
    they are pixels; Gauss-Newton has the projected pixel in the place of u.
    """
    residuals, depths = views.look(points)
    anchors = views.pixels if linear else views.pixels - residuals
    p = views.projections
    slopes = p[:, None, :2, :3] - anchors[..., None] * p[:, None, 2:, :3]
    slopes /= np.where(weights > 0, depths, 1.0)[..., None, None]
    count, total = weights.shape
    rows = slopes.transpose(1, 0, 2, 3).reshape(total, 2 * count, 3)
    weighted = rows * np.repeat(weights.T, 2, axis=1)[..., None]
    aims = residuals.transpose(1, 0, 2).reshape(total, 2 * count, 1)
    turned = weighted.transpose(0, 2, 1)
    normal, right = turned @ rows, (turned @ aims)[..., 0]
    # A point with fewer than two views has no solution: it stays.
    open_ = (weights > 0).sum(axis=0) >= 2
    ridge = 1e-13 * np.trace(normal, axis1=1, axis2=2)
    normal += np.where(open_, ridge, 1.0)[:, None, None] * np.eye(3)
    normal = np.where(open_[:, None, None], normal, np.eye(3))
    right = np.where(open_[:, None], right, 0.0)
    return np.asarray(points + np.linalg.solve(normal, right[..., None])[..., 0])
