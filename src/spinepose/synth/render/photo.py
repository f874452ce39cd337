"""Take the picture: people and things before a backdrop, through a camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numba
import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.base import Backdrop
from spinepose.synth.cameras import Camera
from spinepose.synth.light import Light, irradiance
from spinepose.synth.render.geometry import Geometry, GroundShade, SunMap
from spinepose.synth.render.raster import rasterise
from spinepose.synth.render.shade import lit_share, shade

__all__ = ["SUPERSAMPLING", "Lit", "View", "photograph"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

SUPERSAMPLING = 2
_NEAR = 0.15
"""Nothing nearer than this is drawn, m."""


@dataclass(frozen=True, slots=True)
class Lit:
    """A scene with its light, ready for any number of cameras."""

    geometry: Geometry
    light: Light
    ambient: Float32
    sun: SunMap
    ground: GroundShade
    marks: Float32


@dataclass(frozen=True, slots=True)
class View:
    """What a camera sees.

    Attributes
    ----------
    image
        (H, W, 3) linear RGB.
    objects
        (H, W) number of the object in the middle of each pixel, -1 for the backdrop.
    points
        (V, 3) of the geometry: x and y in pixels of a perfect lens, 1 / z in 1/m (0 behind).
    """

    image: Float32
    objects: Int32
    points: npt.NDArray[np.float64]


def photograph(scene: Lit, backdrop: Backdrop, camera: Camera) -> View:
    """Return what a camera sees of a scene in a place."""
    many = SUPERSAMPLING
    height, width = camera.height * many, camera.width * many
    geometry = scene.geometry
    local = camera.to_camera(geometry.positions.astype(np.float64))
    z = local[:, 2]
    inverse_z = np.where(z > _NEAR, 1 / np.maximum(z, _NEAR), 0.0)
    cx, cy = (camera.width - 1) / 2, (camera.height - 1) / 2
    x = camera.focal * local[:, 0] * inverse_z + cx
    y = camera.focal * local[:, 1] * inverse_z + cy
    points = np.column_stack([x, y, inverse_z])
    fine = points.copy()
    fine[:, :2] = (points[:, :2] + 0.5) * many - 0.5
    inverse = np.zeros((height, width), np.float32)
    seen = np.full((height, width), -1, np.int32)
    shares = np.zeros((height, width, 2), np.float32)
    rasterise(fine.astype(np.float32), geometry.faces, geometry.cover, inverse, seen, shares)
    colors = np.zeros((height, width, 4), np.float32)
    light = scene.light
    shade(
        seen, shares, inverse, geometry.faces, geometry.materials, geometry.material_of,
        geometry.positions, geometry.normals, scene.ambient, geometry.rest, geometry.colors,
        geometry.cover, camera.position.astype(np.float32), light.sun.astype(np.float32),
        light.sun_color.astype(np.float32), scene.sun.frame, scene.sun.heights, scene.marks,
        float(camera.focal * many), colors,
    )  # fmt: skip
    size = camera.width, camera.height
    before = np.asarray(cv2.resize(colors, size, interpolation=cv2.INTER_AREA), np.float32)
    # Everything is drawn as a perfect lens sees it, and bent together.
    perfect = replace(camera, distortion=np.zeros(5))
    behind = np.ascontiguousarray(backdrop.render(perfect), np.float32)
    if backdrop.shadow_plane:
        _shadow_on_ground(scene, perfect, behind)
    image = before[..., :3] + behind * (1 - before[..., 3:])
    objects = np.full((height, width), -1, np.int32)
    objects[seen >= 0] = geometry.object_of[seen[seen >= 0]]
    middle = np.ascontiguousarray(objects[many // 2 :: many, many // 2 :: many])
    if np.any(camera.distortion):
        bent = camera.ideal_pixels()
        x_map, y_map = bent[..., 0], bent[..., 1]
        image = np.asarray(
            cv2.remap(image, x_map, y_map, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101),
            np.float32,
        )
        nearest = cv2.remap(
            middle.astype(np.int16), x_map, y_map, cv2.INTER_NEAREST, borderValue=-1
        )
        middle = np.asarray(nearest, np.int32)
    return View(image, middle, points)


def _shadow_on_ground(scene: Lit, camera: Camera, image: Float32) -> None:
    """Darken the ground where the scene keeps light from it, in place."""
    up = np.array([[0.0, 0.0, 1.0]], np.float32)
    soft = float(irradiance(scene.light, up).mean())
    hard = float(scene.light.sun_color.mean() * max(scene.light.sun[2], 0.0))
    share = hard / max(hard + soft, 1e-6)
    _darken(
        image,
        camera.rotation.astype(np.float32),
        camera.position.astype(np.float32),
        np.array([camera.focal, (camera.width - 1) / 2, (camera.height - 1) / 2], np.float32),
        scene.sun.frame,
        scene.sun.heights,
        scene.ground.origin,
        scene.ground.step,
        scene.ground.shade,
        share,
    )


@numba.njit(cache=True, fastmath=True)
def _darken(
    image: Float32,
    rotation: Float32,
    eye: Float32,
    lens: Float32,
    frame: Float32,
    shadow: Float32,
    origin: Float32,
    step: float,
    contact: Float32,
    share: float,
) -> None:  # pragma: no cover - compiled
    height, width = image.shape[:2]
    rows, columns = contact.shape
    for j in range(height):
        for i in range(width):
            a, b = (i - lens[1]) / lens[0], (j - lens[2]) / lens[0]
            dx = rotation[0, 0] * a + rotation[1, 0] * b + rotation[2, 0]
            dy = rotation[0, 1] * a + rotation[1, 1] * b + rotation[2, 1]
            dz = rotation[0, 2] * a + rotation[1, 2] * b + rotation[2, 2]
            if dz > -1e-3:
                continue
            t = -eye[2] / dz
            if t <= 0 or t > 40:
                continue
            x, y = eye[0] + t * dx, eye[1] + t * dy
            keep = 1.0
            if share > 0.01:
                keep -= share * 0.92 * (1 - lit_share(x, y, 0.0, frame, shadow, 0.002))
            u, v = (x - origin[0]) / step, (y - origin[1]) / step
            c, r = int(np.floor(u)), int(np.floor(v))
            if 0 <= c < columns - 1 and 0 <= r < rows - 1:
                fu, fv = u - c, v - r
                dark = (contact[r, c] * (1 - fu) + contact[r, c + 1] * fu) * (1 - fv)
                dark += (contact[r + 1, c] * (1 - fu) + contact[r + 1, c + 1] * fu) * fv
                keep *= 1 - dark * (1 - share)
            for k in range(3):
                image[j, i, k] *= keep
