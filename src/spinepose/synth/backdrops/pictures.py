"""Picture files as backdrops need them: decoded, not too large, with a guess of their light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.media.images import read_image
from spinepose.synth.backdrops.base import from_display, luminance
from spinepose.synth.light import Light, irradiance, sh_of_radiance

__all__ = ["Picture", "directions", "load_picture", "panorama_light", "photo_light"]

Float32 = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

_ASPECTS = (1.9, 2.1)
_LONGEST = 4096
_LIGHT_SIZE = (192, 96)
_GROUND_ALBEDO = 0.3
"""What ground commonly reflects: tells how much light there was from how bright the ground is."""
_MOST_LIGHT = 1.5
_LOWEST_SUN = 0.16
_SUN_RADIUS = np.cos(np.radians(25.0))


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded file.

    Attributes
    ----------
    name
        Name of the file.
    pixels
        (H, W, 3) display RGB.
    panorama
        Whether it shows all directions (equirectangular), by its shape.
    light
        Its light; that of a panorama before it is turned, see :func:`directions`.
    """

    name: str
    pixels: Image
    panorama: bool
    light: Light


def load_picture(path: Path) -> Picture:
    """Read a background file.

    Raises
    ------
    InputError
        If it cannot be read; the message names it.
    """
    pixels = read_image(path)
    height, width = pixels.shape[:2]
    panorama = _ASPECTS[0] <= width / height <= _ASPECTS[1]
    if max(height, width) > _LONGEST:
        scale = _LONGEST / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    light = panorama_light(pixels) if panorama else photo_light(pixels)
    return Picture(path.name, pixels, panorama, light)


def directions(width: int, height: int) -> Float32:
    """Return the unit vectors (H, W, 3) of an equirectangular picture's pixels.

    The left edge is +x, a quarter to the right is -y: seen from within, right is clockwise from
    above. The upper edge is +z.
    """
    azimuth = -2 * np.pi * (np.arange(width) + 0.5) / width
    height_angle = np.pi * (0.5 - (np.arange(height) + 0.5) / height)
    flat = np.cos(height_angle)[:, None]
    z = np.broadcast_to(np.sin(height_angle)[:, None], (height, width))
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), z], axis=-1).astype(np.float32)


def panorama_light(pixels: Image) -> Light:
    """Return the light in an equirectangular picture of 8 bits.

    Such pictures are clipped where the sun or lamps are. How much light was lost is told by the
    ground: it is as bright as all light together makes it. What the sky does not account for is
    given to the sun if something small is by far the brightest, else to the sky.

    Parameters
    ----------
    pixels
        (H, W, 3) display RGB.
    """
    small = from_display(
        np.asarray(cv2.resize(pixels, _LIGHT_SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    )
    rays = directions(*_LIGHT_SIZE)
    weight = np.sqrt(np.maximum(0.0, 1 - rays[..., 2] ** 2))
    sh = sh_of_radiance(rays.reshape(-1, 3), small.reshape(-1, 3), weight.ravel())
    sun, color, sharpness = _find_sun(small, rays, weight)
    up = Light(sh, sun, np.zeros(3, np.float32))
    sky = float(luminance(irradiance(up, np.array([[0.0, 0.0, 1.0]])))[0])
    below = (rays[..., 2] < -0.25) & (rays[..., 2] > -0.9)
    ground = float(np.average(luminance(small)[below], weights=weight[below]))
    lost = max(0.0, min(ground / _GROUND_ALBEDO, _MOST_LIGHT) - sky)
    lost = max(lost, 0.35 * sharpness * sky)
    strength = min(sharpness * lost / max(float(sun[2]), 0.35), _MOST_LIGHT)
    gain = 1.0 + (1.0 - sharpness) * lost / max(sky, 0.05)
    sh = sh * np.float32(min(gain, 2.5))
    return Light(sh, sun, (color * strength).astype(np.float32))


def _find_sun(small: Float32, rays: Float32, weight: Float32) -> tuple[Float32, Float32, float]:
    """Return direction (3,) and colour (3,) of the brightest lamp, and 0..1 how small it is."""
    bright = cv2.GaussianBlur(luminance(small), (0, 0), 1.5, borderType=cv2.BORDER_REPLICATE)
    bright = np.where(rays[..., 2] > 0.02, bright, 0.0)
    sun = rays.reshape(-1, 3)[int(np.argmax(bright))].astype(np.float64)
    floor = 0.85 * float(bright.max())
    for _ in range(4):
        near = (rays @ sun > _SUN_RADIUS) & (bright > floor)
        mass = np.where(near, bright - floor, 0.0) * weight
        total = float(mass.sum())
        if total <= 0:
            break
        sun = (rays * (mass / total)[..., None]).sum(axis=(0, 1))
        sun /= np.linalg.norm(sun)
    upper = rays[..., 2] > 0
    share = float(weight[upper & (bright > floor)].sum() / weight[upper].sum())
    mean = float(np.average(bright[upper], weights=weight[upper]))
    contrast = float(np.clip((float(bright.max()) / max(mean, 1e-3) - 1.3) / 2.0, 0.0, 1.0))
    sharpness = contrast / (1.0 + (share / 0.1) ** 2)
    ring = (rays @ sun > 0.9) & upper
    tint = small[ring].mean(axis=0) if ring.any() else np.ones(3)
    tint = tint / max(float(luminance(tint)), 1e-3)
    color = 0.5 * tint + 0.5
    z = max(float(sun[2]), _LOWEST_SUN)
    flat = sun[:2] / max(float(np.linalg.norm(sun[:2])), 1e-9) * np.sqrt(1 - z * z)
    return np.array([*flat, z], np.float32), np.asarray(color, np.float32), sharpness


def photo_light(pixels: Image) -> Light:
    """Return a light that fits a flat photo: the colours of its upper and lower third.

    Where the sun is cannot be seen; it is put behind the photographer's shoulder and made strong
    where the photo has much contrast. :class:`photo.Photo` turns it.

    Parameters
    ----------
    pixels
        (H, W, 3) display RGB.
    """
    small = from_display(np.asarray(cv2.resize(pixels, (48, 48), interpolation=cv2.INTER_AREA)))
    top, bottom = small[:16].mean(axis=(0, 1)), small[32:].mean(axis=(0, 1))
    rays = directions(48, 24)
    part = 0.5 + 0.5 * rays[..., 2:]
    weight = np.sqrt(np.maximum(0.0, 1 - rays[..., 2] ** 2))
    # Things in photos reflect less than half of the light that falls on them.
    level = np.clip(float(luminance(small).mean()) / 0.35, 0.3, 1.0)
    radiance = bottom + (top - bottom) * part
    radiance = radiance * (0.75 * level / max(float(luminance(radiance).mean()), 1e-3))
    sh = sh_of_radiance(rays.reshape(-1, 3), radiance.reshape(-1, 3), weight.ravel())
    contrast = float(np.clip(luminance(small).std() / 0.25, 0.0, 1.0))
    sun = np.array([0.5, -0.6, 0.62])
    tint = 0.5 + 0.5 * top / max(float(luminance(top)), 1e-3)
    color = np.clip(tint, 0.5, 1.5) * (0.6 * contrast * level)
    return Light(sh, (sun / np.linalg.norm(sun)).astype(np.float32), color.astype(np.float32))
