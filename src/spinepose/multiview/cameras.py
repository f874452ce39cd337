"""Calibrated cameras: where world points fall in pictures, and which rays pixels belong to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spinepose.errors import UsageError

__all__ = ["Camera"]

Float64 = npt.NDArray[np.float64]

_COUNTS = (4, 5, 8)
"""How many coefficients OpenCV's models without thin prism and tilt have."""

_STEPS = 30
"""Most Newton steps in taking the distortion out; a sound lens needs about five."""

_ROTATION_SLACK = 0.01
"""How far `R R^T` may be from the identity: files hold rotations with few digits."""


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A calibrated camera: a pinhole with OpenCV's lens distortion.

    A world point X (m) is at ``R X + t`` in the camera's frame (x right, y down, z forward).
    Pixel (0, 0) is the centre of the top left pixel.

    Attributes
    ----------
    name
        As in the calibration file.
    size
        Width and height of the picture, px.
    matrix
        (3, 3) intrinsic matrix K, px.
    rotation
        (3, 3) world to camera, R; brought to the nearest rotation.
    translation
        (3,) m, t.
    distortion
        k1 k2 p1 p2 [k3 [k4 k5 k6]] of OpenCV's model (Brown 1966; rational with k4 to k6:
        `cv2.projectPoints`), kept as (8,).

    Raises
    ------
    UsageError
        If a shape or a value makes no camera.
    """

    name: str
    size: tuple[int, int]
    matrix: Float64
    rotation: Float64
    translation: Float64
    distortion: Float64 = field(default_factory=lambda: np.zeros(8))

    def __post_init__(self) -> None:
        shapes = {"matrix": (3, 3), "rotation": (3, 3), "translation": (3,)}
        for key, shape in shapes.items():
            object.__setattr__(self, key, self._checked(key, shape))
        object.__setattr__(self, "distortion", self._coefficients())
        if min(self.size) < 1:
            raise UsageError(f"camera {self.name}: its size {self.size} is not positive")
        k = self.matrix
        if not (k[0, 0] > 0 and k[1, 1] > 0 and k[1, 0] == 0 and (k[2] == [0, 0, 1]).all()):
            raise UsageError(f"camera {self.name}: K must be [[fx, s, cx], [0, fy, cy], [0, 0, 1]]")
        r = self.rotation
        if np.abs(r @ r.T - np.eye(3)).max() > _ROTATION_SLACK or np.linalg.det(r) < 0:
            raise UsageError(f"camera {self.name}: R is not a rotation")
        left, _, right = np.linalg.svd(r)
        object.__setattr__(self, "rotation", left @ right)

    def _checked(self, key: str, shape: tuple[int, ...]) -> Float64:
        array = np.array(getattr(self, key), np.float64)
        if array.shape != shape:
            raise UsageError(f"camera {self.name}: {key} has shape {array.shape}, not {shape}")
        if not np.isfinite(array).all():
            raise UsageError(f"camera {self.name}: {key} is not finite")
        return array

    def _coefficients(self) -> Float64:
        given = np.array(self.distortion, np.float64).ravel()
        if given.size not in _COUNTS or not np.isfinite(given).all():
            raise UsageError(
                f"camera {self.name}: distortion needs 4, 5 or 8 finite numbers, not {given.size}"
            )
        return np.pad(given, (0, 8 - given.size))

    @property
    def centre(self) -> Float64:
        """(3,) where the camera stands in the world, m."""
        return np.asarray(-self.rotation.T @ self.translation)

    @property
    def projection(self) -> Float64:
        """(3, 4) P = K [R | t]: world points to undistorted pixels, in homogeneous coordinates."""
        return self.matrix @ np.column_stack([self.rotation, self.translation])

    def to_camera(self, points: npt.ArrayLike) -> Float64:
        """Return world points (..., 3) m in the camera's frame."""
        return np.asarray(np.asarray(points, np.float64) @ self.rotation.T + self.translation)

    def project(self, points: npt.ArrayLike) -> Float64:
        """Return the pixels (..., 2) of world points (..., 3) m; NaN behind the camera."""
        local = self.to_camera(points)
        depth = np.where(local[..., 2:] > 0, local[..., 2:], np.nan)
        with np.errstate(over="ignore", invalid="ignore"):
            rays, _ = self._distort(local[..., :2] / depth)
        return self.to_pixels(rays)

    def to_pixels(self, rays: npt.ArrayLike) -> Float64:
        """Return K applied to normalised coordinates (..., 2): pixels of a perfect lens."""
        return np.asarray(np.asarray(rays) @ self.matrix[:2, :2].T + self.matrix[:2, 2])

    def undistort(self, pixels: npt.ArrayLike) -> Float64:
        """Return the normalised rays (..., 2), x/z and y/z in the camera's frame, of pixels.

        Solved with Newton's method to 1e-12. Pixels (..., 2) that no ray reaches, as where a
        polynomial folds the picture over far outside of it, give NaN, as do missing ones.
        """
        shifted = np.asarray(pixels, np.float64) - self.matrix[:2, 2]
        solved = np.linalg.solve(self.matrix[:2, :2], shifted.reshape(-1, 2).T)
        aim = np.asarray(solved.T, np.float64)
        if not self.distortion.any():
            return aim.reshape(shifted.shape)
        with np.errstate(all="ignore"):
            return self._newton(aim).reshape(shifted.shape)

    def _newton(self, aim: Float64) -> Float64:
        """Return the rays (N, 2) that the lens bends to `aim` (N, 2)."""
        rays = aim.copy()
        for _ in range(_STEPS):
            bent, slope = self._distort(rays)
            rest = bent - aim
            if not (np.abs(rest) > 1e-13).any():
                break
            (xx, xy), (yx, yy) = slope[..., 0, :].T, slope[..., 1, :].T
            turned = np.stack(
                [yy * rest[:, 0] - xy * rest[:, 1], xx * rest[:, 1] - yx * rest[:, 0]], axis=-1
            )
            rays = rays - turned / (xx * yy - xy * yx)[:, None]
        bent, slope = self._distort(rays)
        # Beyond the fold the map turns inside out: its slope is not positive there.
        sound = np.linalg.det(slope) > 0
        sound &= (np.trace(slope, axis1=-2, axis2=-1) > 0) & (
            np.abs(bent - aim).max(axis=-1) < 1e-9
        )
        return np.where(sound[:, None], rays, np.nan)

    def _distort(self, rays: Float64) -> tuple[Float64, Float64]:
        """Return bent normalised coordinates (..., 2) and their Jacobian (..., 2, 2)."""
        k1, k2, p1, p2, k3, k4, k5, k6 = self.distortion
        x, y = rays[..., 0], rays[..., 1]
        r2 = x * x + y * y
        above = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        below = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
        radial = above / below
        # d radial / d r2
        growth = k1 + r2 * (2 * k2 + 3 * r2 * k3) - radial * (k4 + r2 * (2 * k5 + 3 * r2 * k6))
        growth = growth / below
        bent = np.stack(
            [
                x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            ],
            axis=-1,
        )
        mixed = 2 * x * y * growth + 2 * p1 * x + 2 * p2 * y
        slope = np.stack(
            [
                np.stack([radial + 2 * x * x * growth + 2 * p1 * y + 6 * p2 * x, mixed], axis=-1),
                np.stack([mixed, radial + 2 * y * y * growth + 6 * p1 * y + 2 * p2 * x], axis=-1),
            ],
            axis=-2,
        )
        return bent, slope
