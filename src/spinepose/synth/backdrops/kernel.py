"""The ray tracer of procedural places: one ray per pixel, four along the outlines."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.enclosure import normal, wall_material, walls
from spinepose.synth.backdrops.jit import inlined, jit
from spinepose.synth.backdrops.lighting import lighting
from spinepose.synth.backdrops.markings import mark
from spinepose.synth.backdrops.skies import sky
from spinepose.synth.backdrops.solids import FAR, nearest
from spinepose.synth.backdrops.tables import Tables
from spinepose.synth.backdrops.textures import texture

__all__ = ["trace"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Vector = tuple[float, float, float]


@inlined
def _pixel(n: Vector, d: Vector, wide: float) -> tuple[float, float]:
    """Return width and height of a pixel on a surface, given its width across the ray."""
    slant = max(0.02, abs(n[0] * d[0] + n[1] * d[1] + n[2] * d[2]))
    if abs(n[2]) > 0.7:
        along_u, along_v = d[0], d[1]
    else:
        flat = math.sqrt(n[0] * n[0] + n[1] * n[1])
        along_u, along_v = (d[1] * n[0] - d[0] * n[1]) / flat, d[2]
    return (
        wide * math.sqrt(1.0 + (along_u / slant) ** 2),
        wide * math.sqrt(1.0 + (along_v / slant) ** 2),
    )


@inlined
def _ground(
    tables: Tables, p: Vector, d: Vector, pixel: tuple[float, float], wide: float
) -> Vector:
    """Return the colour of the ground with its markings."""
    m = tables.materials[int(tables.room[10])]
    if tables.room[14] > 0.0:
        return 0.5 * (m[1] + m[4]), 0.5 * (m[2] + m[5]), 0.5 * (m[3] + m[6])
    color = texture(m, (p[0], p[1]), pixel, (1.0, 1.0))
    if len(tables.marks) > 0:
        color = mark(tables.marks, (p[0], p[1]), color, wide, d)
    return color


@inlined
def _surface(
    tables: Tables, o: Vector, d: Vector, angle: float
) -> tuple[float, int, Vector, Vector, int, float]:
    """Return what a ray meets.

    Returns
    -------
    t, part, normal, color, material, mirror
        Distance in m (`FAR` for the sky), a number for each part of the place, and the rest.
    """
    room = tables.room
    side = 5
    if room[0] > 0.0:
        t, side = walls(room, o, d)
    else:
        t = -o[2] / d[2] if d[2] < -1e-5 else FAR
    index, near, nx, ny, nz, u, v = nearest(tables.solids, o, d, t)
    n = normal(side)
    if index >= 0:
        n = (nx, ny, nz)
        material = int(tables.solids[index, 9])
        color = texture(tables.materials[material], (u, v), _pixel(n, d, near * angle), (1.0, 1.0))
        face = int(2.0 + 1.4 * nx) + 4 * int(2.0 + 1.4 * ny) if tables.solids[index, 0] < 0.5 else 0
        return near, 10000 + 32 * index + face, n, color, material, 0.0
    if t >= FAR:
        return FAR, 0, n, (0.0, 0.0, 0.0), -1, 0.0
    pixel = _pixel(n, d, t * angle)
    p = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
    if side == 5:
        return t, 1, n, _ground(tables, p, d, pixel, t * angle), int(room[10]), 0.0
    u, v = (p[1] if side < 2 else p[0]), (p[1] if side == 4 else p[2])
    material, part, rect = wall_material(tables, side, u, v)
    mirror = 0.0
    size = (1.0, 1.0)
    if rect >= 0:
        k = tables.rects[rect]
        mirror = k[8]
        u, v = u - k[1] - k[6], v - k[3] - k[6]
        size = (k[2] - k[1] - 2.0 * k[6], k[4] - k[3] - 2.0 * k[6])
    return t, part, n, texture(tables.materials[material], (u, v), pixel, size), material, mirror


@inlined
def _skipped(solids: Float32, part: int) -> int:
    """Return the ellipsoid that a point is on, for it must not shade itself; -1 for none."""
    index = (part - 10000) // 32
    return index if index >= 0 and solids[index, 0] > 1.5 else -1


@jit
def _shaded(
    tables: Tables, o: Vector, d: Vector, angle: float
) -> tuple[Vector, float, int, Vector, float]:
    """Return the colour seen along a ray, distance, part, normal and how much it mirrors."""
    light = tables.light
    t, part, n, color, material, mirror = _surface(tables, o, d, angle)
    if part == 0:
        sun = (light[0], light[1], light[2])
        return sky(tables.sky, tables.layers, d, sun, angle), t, part, n, 0.0
    m = tables.materials[material]
    sun_part = 0.0
    if m[0] == 7.0:
        color = (color[0] * m[20], color[1] * m[20], color[2] * m[20])
    else:
        p = (
            o[0] + t * d[0] + 1e-3 * n[0],
            o[1] + t * d[1] + 1e-3 * n[1],
            o[2] + t * d[2] + 1e-3 * n[2],
        )
        r, g, b, sun_part = lighting(tables, p, n, _skipped(tables.solids, part))
        color = (color[0] * (r + m[20]), color[1] * (g + m[20]), color[2] * (b + m[20]))
    if tables.sky[17] > 0.0:
        clear = max(math.exp(-tables.sky[17] * t), tables.sky[19])
        color = (
            color[0] * clear + tables.sky[3] * (1.0 - clear),
            color[1] * clear + tables.sky[4] * (1.0 - clear),
            color[2] * clear + tables.sky[5] * (1.0 - clear),
        )
    if m[19] > 0.0 and n[2] > -0.5:
        slant = 1.0 - abs(n[0] * d[0] + n[1] * d[1] + n[2] * d[2])
        square = slant * slant
        mirror = max(mirror, m[19] * (1.0 + 9.0 * square * square * slant))
    if sun_part > 0.1:
        part += 1 << 20
    return color, t, part, n, mirror


@jit
def _seen(tables: Tables, o: Vector, d: Vector, angle: float) -> tuple[float, float, float, int]:
    """Return the colour seen along a ray with one reflection, and the part that is met."""
    color, t, part, n, mirror = _shaded(tables, o, d, angle)
    r, g, b = color
    if mirror > 0.025:
        back = 2.0 * (n[0] * d[0] + n[1] * d[1] + n[2] * d[2])
        turned = (d[0] - back * n[0], d[1] - back * n[1], d[2] - back * n[2])
        start = (
            o[0] + t * d[0] + 2e-3 * n[0],
            o[1] + t * d[1] + 2e-3 * n[1],
            o[2] + t * d[2] + 2e-3 * n[2],
        )
        blur = 1.0 if mirror > 0.5 else 12.0
        other = _shaded(tables, start, turned, angle * blur)[0]
        keep = 1.0 - min(mirror, 0.9)
        r = r * keep + mirror * min(other[0], 3.0)
        g = g * keep + mirror * min(other[1], 3.0)
        b = b * keep + mirror * min(other[2], 3.0)
    gain = tables.light[12]
    return r * gain, g * gain, b * gain, part


@jit
def _smooth_pixel(tables: Tables, o: Vector, rays: Float32, y: int, x: int, angle: float) -> Vector:
    """Return the mean colour of four rays of one pixel."""
    height, width = rays.shape[:2]
    xn = x + 1 if x + 1 < width else x - 1
    yn = y + 1 if y + 1 < height else y - 1
    r = g = b = 0.0
    for k in range(4):
        # A turned square, so that steps in rows and in columns are both split in four.
        fx = (-0.125, 0.375, 0.125, -0.375)[k]
        fy = (-0.375, -0.125, 0.375, 0.125)[k]
        dx = rays[y, x, 0] + fx * (rays[y, xn, 0] - rays[y, x, 0])
        dy = rays[y, x, 1] + fx * (rays[y, xn, 1] - rays[y, x, 1])
        dz = rays[y, x, 2] + fx * (rays[y, xn, 2] - rays[y, x, 2])
        dx += fy * (rays[yn, x, 0] - rays[y, x, 0])
        dy += fy * (rays[yn, x, 1] - rays[y, x, 1])
        dz += fy * (rays[yn, x, 2] - rays[y, x, 2])
        scale = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
        red, green, blue, _ = _seen(tables, o, (dx * scale, dy * scale, dz * scale), angle)
        r += 0.25 * min(red, 4.0)
        g += 0.25 * min(green, 4.0)
        b += 0.25 * min(blue, 4.0)
    return r, g, b


@jit
def _fill(
    tables: Tables,
    origin: Float32,
    rays: Float32,
    angle: float,
    smooth: bool,
    picture: Float32,
    parts: Int32,
) -> None:
    """Write what is seen along rays, see :func:`trace`, and the parts that are met (H, W)."""
    height, width = rays.shape[:2]
    o = (float(origin[0]), float(origin[1]), float(origin[2]))
    for y in range(height):
        for x in range(width):
            d = (float(rays[y, x, 0]), float(rays[y, x, 1]), float(rays[y, x, 2]))
            r, g, b, part = _seen(tables, o, d, angle)
            picture[y, x, 0] = r
            picture[y, x, 1] = g
            picture[y, x, 2] = b
            parts[y, x] = part
    if not smooth:
        return
    for y in range(height):
        for x in range(width):
            part = parts[y, x]
            same = x == 0 or parts[y, x - 1] == part
            same = same and (x + 1 == width or parts[y, x + 1] == part)
            same = same and (y == 0 or parts[y - 1, x] == part)
            same = same and (y + 1 == height or parts[y + 1, x] == part)
            if not same:
                r, g, b = _smooth_pixel(tables, o, rays, y, x, angle)
                picture[y, x, 0] = r
                picture[y, x, 1] = g
                picture[y, x, 2] = b


def trace(tables: Tables, origin: Float32, rays: Float32, angle: float, smooth: bool) -> Float32:
    """Return the colours seen along rays.

    Parameters
    ----------
    tables
        The place.
    origin
        (3,) m, where the rays begin.
    rays
        (H, W, 3) unit vectors.
    angle
        Angle of a pixel in radians.
    smooth
        Smooth outlines, with four rays per pixel there.

    Returns
    -------
    picture : (H, W, 3) float32
        Linear RGB.
    """
    picture = np.empty(rays.shape, np.float32)
    parts = np.empty(rays.shape[:2], np.int32)
    _fill(tables, origin, rays, angle, smooth, picture, parts)
    return picture
