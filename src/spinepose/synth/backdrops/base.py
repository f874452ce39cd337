"""What every backdrop can do, and the rays of a camera's pixels."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from spinepose.synth.cameras import Camera
from spinepose.synth.light import Light

__all__ = ["Backdrop", "camera_rays", "from_display", "luminance"]

Float32 = npt.NDArray[np.float32]

_GAMMA = 2.2


class Backdrop(Protocol):
    """What is behind the people: a place with its own light.

    Attributes
    ----------
    name
        The file it came from, or the kind of place with a number.
    kind
        ``panorama``, ``photo``, ``room``, ``field``, ``studio`` or ``clutter``.
    light
        The light that people in this place stand in.
    shadow_plane
        Whether people cast shadows on the ground z = 0.
    """

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def kind(self) -> str:
        """What sort of backdrop it is."""
        ...

    @property
    def light(self) -> Light:
        """The light at the origin."""
        ...

    @property
    def shadow_plane(self) -> bool:
        """Whether the ground takes shadows."""
        ...

    def render(self, camera: Camera, floor: bool = True) -> Float32:
        """Return the picture that a camera takes of the empty place.

        Parameters
        ----------
        camera
            It should be 1 to 10 m from the origin and above the ground.
        floor
            Draw the ground as a plane at z = 0 with its texture and markings. Without it a drawn
            ground is of one plain colour, and that of a panorama is as far as the horizon.

        Returns
        -------
        picture : (H, W, 3) float32
            Linear RGB of about 0..1, before any tone mapping.
        """
        ...


def camera_rays(camera: Camera) -> Float32:
    """Return the unit directions (H, W, 3) of the world that the pixels look in."""
    if np.any(camera.distortion):
        pixels = camera.ideal_pixels()
        u, v = pixels[..., 0], pixels[..., 1]
    else:
        u, v = np.meshgrid(
            np.arange(camera.width, dtype=np.float32), np.arange(camera.height, dtype=np.float32)
        )
    x = (u - np.float32((camera.width - 1) / 2)) / np.float32(camera.focal)
    y = (v - np.float32((camera.height - 1) / 2)) / np.float32(camera.focal)
    length = 1 / np.sqrt(x * x + y * y + 1)
    turn = camera.rotation.astype(np.float32)
    rays = np.empty((camera.height, camera.width, 3), np.float32)
    for axis in range(3):
        rays[..., axis] = (x * turn[0, axis] + y * turn[1, axis] + turn[2, axis]) * length
    return rays


def from_display(picture: npt.NDArray[np.uint8]) -> Float32:
    """Return a picture of 8 bits as linear RGB of 0..1."""
    table = (np.arange(256) / 255.0) ** _GAMMA
    return np.asarray(table.astype(np.float32)[picture])


def luminance(color: npt.NDArray[np.floating]) -> Float32:
    """Return how bright linear RGB (..., 3) looks."""
    return np.asarray(color @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)
