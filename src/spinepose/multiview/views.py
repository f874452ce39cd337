"""Keypoints of several cameras, stacked for work on many points at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.multiview.cameras import Camera

__all__ = ["Views", "stack_views"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_WIDEST = 1e3
"""Largest x/z or y/z of a keypoint that counts: beyond it no camera sees."""


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Keypoints of N points, stacked over C cameras.

    Attributes
    ----------
    projections
        (C, 3, 4).
    centres
        (C, 3) m.
    focals
        (C,) px.
    pixels
        (C, N, 2) undistorted px; the principal point where missing.
    directions
        (C, N, 3) unit vectors in the world; along z of the camera where missing.
    weights
        (C, N); 0 where missing.
    """

    projections: Float64
    centres: Float64
    focals: Float64
    pixels: Float64
    directions: Float64
    weights: Float64

    def part(self, chunk: slice | npt.NDArray[np.int64]) -> Views:
        """Return some of the points."""
        pixels, directions = self.pixels[:, chunk], self.directions[:, chunk]
        weights = self.weights[:, chunk]
        return Views(self.projections, self.centres, self.focals, pixels, directions, weights)

    def look(self, points: Float64) -> tuple[Float64, Float64]:
        """Return residuals (C, N, 2) px, keypoint less projection, and depths (C, N) m."""
        seen = points @ self.projections[:, :, :3].transpose(0, 2, 1)
        seen += self.projections[:, None, :, 3]
        depths = seen[..., 2]
        safe = np.where(np.abs(depths) > 1e-12, depths, 1e-12)
        return self.pixels - seen[..., :2] / safe[..., None], depths

    def distances(self, points: Float64) -> Float64:
        """Return reprojection errors (C, N) px; infinite behind a camera."""
        residuals, depths = self.look(points)
        return np.where(depths > 0, np.linalg.norm(residuals, axis=-1), np.inf)


def stack_views(cameras: Sequence[Camera], keypoints: Float64, scores: Float64) -> Views:
    """Take the distortion out of keypoints (C, N, 2) and stack what the cameras know."""
    rays = np.stack([c.undistort(k) for c, k in zip(cameras, keypoints, strict=True)])
    known: Bools = np.asarray((np.abs(rays) < _WIDEST).all(axis=-1))  # NaN is not
    rays = np.where(known[..., None], rays, 0.0)
    lifted = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)
    lifted /= np.linalg.norm(lifted, axis=-1, keepdims=True)
    return Views(
        projections=np.stack([c.projection for c in cameras]),
        centres=np.stack([c.centre for c in cameras]),
        focals=np.array([np.sqrt(c.matrix[0, 0] * c.matrix[1, 1]) for c in cameras]),
        pixels=np.stack([c.to_pixels(r) for c, r in zip(cameras, rays, strict=True)]),
        directions=lifted @ np.stack([c.rotation for c in cameras]),
        weights=np.where(known & np.isfinite(scores), scores, 0.0),
    )
