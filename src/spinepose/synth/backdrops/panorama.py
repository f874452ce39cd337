"""Backdrops from panoramas that show all directions."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.base import camera_rays
from spinepose.synth.backdrops.pictures import Picture
from spinepose.synth.cameras import Camera
from spinepose.synth.light import Light, turned

__all__ = ["Panorama"]

Float32 = npt.NDArray[np.float32]

_WIDEST = 1.8
_PIXELS = 0.5
"""Pixels of the panorama that a pixel of the picture should have at least."""
_EYE = 1.6
"""m above the ground where panoramas are commonly taken."""
_STEEP = np.radians(65.0)
_SHARPEN = 0.4


class Panorama:
    """A panorama turned about the vertical; see :class:`base.Backdrop`.

    The horizon is where the camera sees it. Small panoramas look blurred in a long lens, so angles
    from the middle of the view and from the horizon are then up to 1.8 times as large as they
    should be.

    Parameters
    ----------
    picture
        The panorama.
    rng
        Source of its turn and grain.
    """

    kind = "panorama"
    shadow_plane = True

    def __init__(self, picture: Picture, rng: np.random.Generator) -> None:
        self.name = picture.name
        self._pixels = picture.pixels
        self._yaw = float(rng.uniform(0, 2 * np.pi))
        self._grain = float(rng.uniform(0.0, 0.012))
        self._seed = int(rng.integers(2**31))
        self.light: Light = turned(picture.light, self._yaw)

    def render(self, camera: Camera, floor: bool = True) -> Float32:
        """Return the picture (H, W, 3) that a camera takes in it, see `Backdrop`."""
        rays = camera_rays(camera)
        flat = np.hypot(rays[..., 0], rays[..., 1]) + np.float32(1e-9)
        slope: Float32 = rays[..., 2] / flat
        if floor:
            # Seen from lower down, the ground is nearer to the horizon.
            nearer = np.float32(np.clip(_EYE / max(camera.position[2], 0.05), 0.6, 1.7))
            slope = np.where(slope < 0, slope * nearer, slope).astype(np.float32)
        rise = np.arctan(slope)
        ahead = camera.rotation[2]
        middle = float(np.arctan2(ahead[1], ahead[0]))
        cos, sin = np.float32(np.cos(middle)), np.float32(np.sin(middle))
        aside = np.arctan2(
            rays[..., 1] * cos - rays[..., 0] * sin, rays[..., 0] * cos + rays[..., 1] * sin
        )
        wide = self._widening(camera, float(np.abs(rise).max()))
        picture = self._look(middle + wide * aside, wide * rise, wide / camera.focal)
        return self._developed(picture)

    def _widening(self, camera: Camera, steepest: float) -> float:
        """Return the factor by which angles are enlarged; none for views far up or down."""
        if steepest > _STEEP:
            return 1.0
        wanted = _PIXELS * 2 * np.pi / self._pixels.shape[1] * camera.focal
        return float(np.clip(wanted, 1.0, min(_WIDEST, np.radians(88.0) / max(steepest, 1e-3))))

    def _look(
        self, azimuth: npt.NDArray[np.floating], rise: npt.NDArray[np.floating], pixel: float
    ) -> Float32:
        """Return the panorama's display colours (H, W, 3) of 0..255 in directions of the world."""
        source = self._pixels
        shrink = pixel * source.shape[1] / (2 * np.pi)
        if shrink > 1.3:
            size = (max(8, int(source.shape[1] / shrink)), max(4, int(source.shape[0] / shrink)))
            source = np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_AREA), np.uint8)
        height, width = source.shape[:2]
        column = ((self._yaw - azimuth) / (2 * np.pi) % 1.0) * width - 0.5
        row = (0.5 - rise / np.pi) * height - 0.5
        padded = cv2.copyMakeBorder(source, 0, 0, 4, 4, cv2.BORDER_WRAP)
        seen = cv2.remap(
            padded,
            (column + 4).astype(np.float32),
            row.astype(np.float32),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return seen.astype(np.float32)

    def _developed(self, picture: Float32) -> Float32:
        """Return display colours of 0..255 sharpened, with grain, as linear RGB."""
        soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
        picture = picture + np.float32(_SHARPEN) * (picture - soft)
        noise = np.random.Generator(np.random.PCG64(self._seed))
        grain = noise.standard_normal(picture.shape[:2], np.float32)[..., None]
        picture = picture / np.float32(255.0) + np.float32(self._grain) * grain
        return np.asarray(np.clip(picture, 0.0, 1.0) ** np.float32(2.2), np.float32)
