"""Rays against upright boxes, upright cylinders and ellipsoids."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.jit import jit
from spinepose.synth.backdrops.noise import gradient_noise

__all__ = ["COLUMNS", "FAR", "contact", "nearest", "occlusion"]

Float32 = npt.NDArray[np.float32]
Vector = tuple[float, float, float]

COLUMNS = 14
"""0 shape (0 box, 1 cylinder, 2 ellipsoid), 1-3 middle, 4-6 half size, 7-8 cosine and sine of its
turn about z, 9 material, 10 whether it casts shadows, 11 radius of the sphere about it, 12 how
ragged its outline is, 13 whether it may be left out."""

FAR = 1e9
_NONE = (FAR, 0.0, 0.0, 1.0, 0.0, 0.0)


@jit
def _box(s: Float32, o: Vector, d: Vector) -> tuple[float, float, float, float, float, float]:
    """Return distance, normal and texture coordinates of a ray (in the box's frame) on a box."""
    near, far, axis = -FAR, FAR, 0
    for k in range(3):
        speed = d[k] if abs(d[k]) > 1e-9 else 1e-9
        first, last = (-s[4 + k] - o[k]) / speed, (s[4 + k] - o[k]) / speed
        if first > last:
            first, last = last, first
        if first > near:
            near, axis = first, k
        far = min(far, last)
    if near > far or near < 1e-4:
        return FAR, 0.0, 0.0, 1.0, 0.0, 0.0
    x, y, z = o[0] + near * d[0], o[1] + near * d[1], o[2] + near * d[2]
    sign = -1.0 if d[axis] > 0.0 else 1.0
    if axis == 0:
        return near, sign, 0.0, 0.0, y, z + s[6]
    if axis == 1:
        return near, 0.0, sign, 0.0, x, z + s[6]
    return near, 0.0, 0.0, sign, x, y


@jit
def _cylinder(s: Float32, o: Vector, d: Vector) -> tuple[float, float, float, float, float, float]:
    """Return distance, normal and texture coordinates of a ray on an upright cylinder."""
    radius, half = s[4], s[6]
    a = d[0] * d[0] + d[1] * d[1] + 1e-12
    b = o[0] * d[0] + o[1] * d[1]
    root = b * b - a * (o[0] * o[0] + o[1] * o[1] - radius * radius)
    if root < 0.0:
        return FAR, 0.0, 0.0, 1.0, 0.0, 0.0
    t = (-b - math.sqrt(root)) / a
    z = o[2] + t * d[2]
    if t > 1e-4 and abs(z) <= half:
        nx, ny = (o[0] + t * d[0]) / radius, (o[1] + t * d[1]) / radius
        return t, nx, ny, 0.0, math.atan2(ny, nx) * radius, z + half
    top = (half - o[2]) / d[2] if d[2] < 0.0 else -1.0
    x, y = o[0] + top * d[0], o[1] + top * d[1]
    if top > 1e-4 and x * x + y * y <= radius * radius:
        return top, 0.0, 0.0, 1.0, x, y
    return FAR, 0.0, 0.0, 1.0, 0.0, 0.0


@jit
def _flat(x: float, y: float, z: float, a: float, b: float, c: float) -> tuple[float, float]:
    """Return texture coordinates of a point of the unit sphere stretched by a, b, c."""
    if abs(z) > max(abs(x), abs(y)):
        return a * x, b * y
    if abs(x) > abs(y):
        return b * y + 3.7, c * z
    return a * x - 5.3, c * z


@jit
def _ellipsoid(s: Float32, o: Vector, d: Vector) -> tuple[float, float, float, float, float, float]:
    """Return distance, normal and texture coordinates of a ray on an ellipsoid, maybe ragged."""
    ox, oy, oz = o[0] / s[4], o[1] / s[5], o[2] / s[6]
    dx, dy, dz = d[0] / s[4], d[1] / s[5], d[2] / s[6]
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    root = b * b - a * (ox * ox + oy * oy + oz * oz - 1.0)
    if root < 0.0:
        return FAR, 0.0, 0.0, 1.0, 0.0, 0.0
    t = (-b - math.sqrt(root)) / a
    if t < 1e-4:
        return FAR, 0.0, 0.0, 1.0, 0.0, 0.0
    x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
    if s[12] > 0.0:
        rim = math.sqrt(root / a)
        u, v = _flat(x, y, z, 4.0, 4.0, 4.0)
        leaf = gradient_noise(u, v, 3) + 0.6 * gradient_noise(2.3 * u, 2.3 * v, 4)
        if rim < s[12] * (0.45 + 0.6 * leaf):
            return FAR, 0.0, 0.0, 1.0, 0.0, 0.0
    nx, ny, nz = x / s[4], y / s[5], z / s[6]
    length = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
    u, v = _flat(x, y, z, s[4], s[5], s[6])
    return t, nx * length, ny * length, nz * length, u, v


@jit
def _hit(s: Float32, o: Vector, d: Vector) -> tuple[float, float, float, float, float, float]:
    """Return distance, normal and texture coordinates of a ray on one solid."""
    cos, sin = s[7], s[8]
    x, y, z = o[0] - s[1], o[1] - s[2], o[2] - s[3]
    lo = (x * cos + y * sin, y * cos - x * sin, z)
    ld = (d[0] * cos + d[1] * sin, d[1] * cos - d[0] * sin, d[2])
    if s[0] == 0.0:
        t, nx, ny, nz, u, v = _box(s, lo, ld)
    elif s[0] == 1.0:
        t, nx, ny, nz, u, v = _cylinder(s, lo, ld)
    else:
        t, nx, ny, nz, u, v = _ellipsoid(s, lo, ld)
    return t, nx * cos - ny * sin, nx * sin + ny * cos, nz, u, v


@jit
def nearest(
    solids: Float32, o: Vector, d: Vector, limit: float
) -> tuple[int, float, float, float, float, float, float]:
    """Return what a ray meets first.

    Parameters
    ----------
    solids
        (N, COLUMNS).
    o, d
        Begin and unit direction of the ray.
    limit
        What is farther is not met, m.

    Returns
    -------
    index : int
        Row of the solid, -1 for none; then distance, normal (3) and texture coordinates (2).
    """
    index = -1
    t, nx, ny, nz, u, v = limit, 0.0, 0.0, 1.0, 0.0, 0.0
    for n in range(len(solids)):
        s = solids[n]
        x, y, z = s[1] - o[0], s[2] - o[1], s[3] - o[2]
        along = x * d[0] + y * d[1] + z * d[2]
        reach = s[11]
        off = x * x + y * y + z * z - along * along
        if off > reach * reach or along < -reach or along - reach > t:
            continue
        found = _hit(s, o, d)
        if found[0] < t:
            index = n
            t, nx, ny, nz, u, v = found
    return index, t, nx, ny, nz, u, v


@jit
def occlusion(solids: Float32, p: Vector, toward: Vector, skip: int) -> float:
    """Return 1 if a solid is between a point and the sun, else 0."""
    for n in range(len(solids)):
        s = solids[n]
        if s[10] == 0.0 or n == skip:
            continue
        x, y, z = s[1] - p[0], s[2] - p[1], s[3] - p[2]
        along = x * toward[0] + y * toward[1] + z * toward[2]
        reach = s[11]
        if along < -reach or x * x + y * y + z * z - along * along > reach * reach:
            continue
        if _hit(s, p, toward)[0] < FAR:
            return 1.0
    return 0.0


@jit
def contact(solids: Float32, x: float, y: float) -> float:
    """Return how much soft light reaches a point of the ground past what stands on it, 0..1."""
    light = 1.0
    for n in range(len(solids)):
        s = solids[n]
        low = s[3] - s[6]
        high = s[3] + s[6]
        px, py = x - s[1], y - s[2]
        reach = s[11] + 0.8
        if s[10] == 0.0 or low > 0.8 or px * px + py * py > reach * reach:
            continue
        if s[0] == 0.0:
            u = max(0.0, abs(px * s[7] + py * s[8]) - s[4])
            v = max(0.0, abs(py * s[7] - px * s[8]) - s[5])
            gap = math.sqrt(u * u + v * v)
        else:
            gap = max(0.0, math.sqrt(px * px + py * py) - s[4])
        wide = 0.05 + 0.3 * min(1.0, high)
        light *= 1.0 - 0.6 * math.exp(-gap / wide) * math.exp(-2.5 * max(0.0, low))
    return max(light, 0.2)
