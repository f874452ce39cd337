"""Backdrops from flat photos."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.base import from_display
from spinepose.synth.backdrops.pictures import Picture
from spinepose.synth.cameras import Camera
from spinepose.synth.light import Light, turned

__all__ = ["Photo"]

Float32 = npt.NDArray[np.float32]


class Photo:
    """A flat photo that fills the picture, whatever the camera; see :class:`base.Backdrop`.

    Its horizon and its sun are not known.

    Parameters
    ----------
    picture
        The photo.
    rng
        Source of which part of it is shown, whether it is mirrored, and of the sun's direction.
    """

    kind = "photo"
    shadow_plane = True

    def __init__(self, picture: Picture, rng: np.random.Generator) -> None:
        self.name = picture.name
        self._pixels = picture.pixels
        self._zoom = float(rng.uniform(1.0, 1.3))
        self._shift = rng.uniform(0.0, 1.0, 2)
        self._mirrored = bool(rng.uniform() < 0.5)
        self.light: Light = turned(picture.light, float(rng.uniform(0, 2 * np.pi)))

    def render(self, camera: Camera, floor: bool = True) -> Float32:
        """Return the photo (H, W, 3) cut to the camera's shape, see `Backdrop`."""
        height, width = self._pixels.shape[:2]
        scale = min(width / camera.width, height / camera.height) / self._zoom
        size = (max(1, int(camera.width * scale)), max(1, int(camera.height * scale)))
        x = int(self._shift[0] * (width - size[0]))
        y = int(self._shift[1] * (height - size[1]))
        part = self._pixels[y : y + size[1], x : x + size[0]]
        if self._mirrored:
            part = part[:, ::-1]
        way = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
        full = cv2.resize(
            np.ascontiguousarray(part), (camera.width, camera.height), interpolation=way
        )
        return from_display(np.asarray(full, np.uint8))
