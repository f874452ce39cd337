"""How far the rays of two cameras miss each other, without looking for a point."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.multiview.cameras import Camera

__all__ = ["across_baseline", "meet_behind", "miss_angles", "world_rays"]

Float64 = npt.NDArray[np.float64]

_PARALLEL = np.sin(np.radians(2.0))
"""Where rays that are nearer to parallel meet is noise: it is not asked on which side."""


def world_rays(camera: Camera, keypoints: npt.ArrayLike) -> Float64:
    """Return unit vectors (..., 3) in the world, towards keypoints (..., 2) px; NaN if missing."""
    rays = camera.undistort(keypoints)
    lifted = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)
    return np.asarray(lifted / np.linalg.norm(lifted, axis=-1, keepdims=True) @ camera.rotation)


def across_baseline(a: Camera, b: Camera, rays: Float64) -> Float64:
    """Return the parts (..., 2) of rays (..., 3) that are across the line between two cameras."""
    baseline = b.centre - a.centre
    return np.asarray(rays @ np.linalg.svd(baseline[None])[2][1:].T)


def miss_angles(across_a: Float64, across_b: Float64) -> Float64:
    """Return the signed angles (...), rad, by which the rays of two cameras miss each other.

    It is the error of each ray, were both equally wrong, times sqrt(2): the Sampson distance
    (Hartley and Zisserman, Multiple View Geometry, 11.4.3) of unit vectors. With c the direction
    from camera to camera, ``c . (a x b) / sqrt(|c x a|^2 + |c x b|^2)``.

    Parameters
    ----------
    across_a, across_b
        (..., 2) from :func:`across_baseline`.
    """
    (xa, ya), (xb, yb) = (np.moveaxis(across, -1, 0) for across in (across_a, across_b))
    squares = xa * xa + ya * ya + xb * xb + yb * yb
    return np.asarray((xa * yb - ya * xb) / np.sqrt(np.maximum(squares, 1e-12)))


def meet_behind(a: Camera, b: Camera, rays_a: Float64, rays_b: Float64) -> npt.NDArray[np.bool_]:
    """Return whether rays (..., 3) of two cameras come nearest behind one of the cameras (...)."""
    baseline = b.centre - a.centre
    along = np.einsum("...i,...i->...", rays_a, rays_b)
    on_a, on_b = rays_a @ baseline, rays_b @ baseline
    ahead = (on_a > along * on_b) & (along * on_a > on_b)
    return np.asarray((1 - along**2 > _PARALLEL**2) & ~ahead)
