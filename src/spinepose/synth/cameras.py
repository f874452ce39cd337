"""Calibrated cameras: a pinhole with OpenCV's lens distortion."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Camera", "look_at"]

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """A calibrated camera.

    A world point X is at ``R X + t`` in the camera's frame (x right, y down, z forward). Pixels
    follow OpenCV and the rest of this package: (0, 0) is the *centre* of the top left pixel.

    Attributes
    ----------
    width, height
        Size of the picture in pixels.
    focal
        Focal length in pixels, the same for both axes.
    rotation
        (3, 3) world to camera, R.
    translation
        (3,) m, t.
    distortion
        (5,) k1 k2 p1 p2 k3 of OpenCV's model (Brown 1966; `cv2.projectPoints`).
    """

    width: int
    height: int
    focal: float
    rotation: Float64
    translation: Float64
    distortion: Float64 = field(default_factory=lambda: np.zeros(5))

    @property
    def matrix(self) -> Float64:
        """(3, 3) intrinsic matrix K; the principal point is the middle of the picture."""
        cx, cy = (self.width - 1) / 2, (self.height - 1) / 2
        return np.array([[self.focal, 0, cx], [0, self.focal, cy], [0, 0, 1.0]])

    @property
    def position(self) -> Float64:
        """(3,) where the camera stands in the world, m."""
        return np.asarray(-self.rotation.T @ self.translation)

    def to_camera(self, points: npt.NDArray[np.floating]) -> Float64:
        """Return world points (..., 3) m in the camera's frame."""
        return np.asarray(points @ self.rotation.T + self.translation)

    def project(self, points: npt.NDArray[np.floating]) -> Float64:
        """Return the pixels (..., 2) of world points (..., 3) m; NaN behind the camera."""
        local = self.to_camera(np.asarray(points, np.float64))
        depth = np.where(local[..., 2] > 1e-6, local[..., 2], np.nan)
        x, y = local[..., 0] / depth, local[..., 1] / depth
        k1, k2, p1, p2, k3 = self.distortion
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        cx, cy = (self.width - 1) / 2, (self.height - 1) / 2
        return np.stack([self.focal * u + cx, self.focal * v + cy], axis=-1)

    def ideal_pixels(self) -> npt.NDArray[np.float32]:
        """Return (H, W, 2), where each pixel would lie in the picture of a perfect lens."""
        grid = np.stack(np.meshgrid(np.arange(self.width), np.arange(self.height)), axis=-1)
        pixels = grid.reshape(-1, 1, 2).astype(np.float64)
        ideal = cv2.undistortPoints(pixels, self.matrix, self.distortion, P=self.matrix)
        return ideal.reshape(self.height, self.width, 2).astype(np.float32)


def look_at(
    position: npt.ArrayLike, target: npt.ArrayLike, roll: float = 0.0
) -> tuple[Float64, Float64]:
    """Return rotation (3, 3) and translation (3,) of a camera that looks at a point.

    Parameters
    ----------
    position, target
        (3,) world points in m; the camera must not look straight up or down.
    roll
        Turn of the camera about its axis in degrees; positive turns the picture clockwise.
    """
    eye = np.asarray(position, np.float64)
    forward = np.asarray(target, np.float64) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    angle = np.radians(roll)
    x = np.cos(angle) * right - np.sin(angle) * down
    y = np.sin(angle) * right + np.cos(angle) * down
    rotation = np.stack([x, y, forward])
    return rotation, -rotation @ eye
