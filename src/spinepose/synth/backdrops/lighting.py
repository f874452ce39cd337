"""How much light reaches a point of a procedural place."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.enclosure import walls
from spinepose.synth.backdrops.jit import inlined
from spinepose.synth.backdrops.noise import ramp
from spinepose.synth.backdrops.solids import contact, occlusion
from spinepose.synth.backdrops.tables import Tables

__all__ = ["lighting"]

Float32 = npt.NDArray[np.float32]
Vector = tuple[float, float, float]


@inlined
def _through_window(tables: Tables, p: Vector) -> float:
    """Return how much sun comes through windows to a point in a room."""
    light = tables.light
    t, side = walls(tables.room, p, (light[0], light[1], light[2]))
    if side > 3:
        return 0.0
    u = p[1] + t * light[1] if side < 2 else p[0] + t * light[0]
    v = p[2] + t * light[2]
    total = 0.0
    soft = 0.02 + 0.012 * t
    for n in range(len(tables.rects)):
        k = tables.rects[n]
        if k[9] == 0.0 or k[0] != side:
            continue
        x = min(u - k[1], k[2] - u)
        y = min(v - k[3], k[4] - v)
        if x < -soft or y < -soft:
            continue
        bar = abs(u - 0.5 * (k[1] + k[2])) - 0.03
        total += ramp(x, -soft, soft) * ramp(y, -soft, soft) * (0.3 + 0.7 * ramp(bar, -soft, soft))
    return total


@inlined
def _sun(tables: Tables, p: Vector, n: Vector, skip: int) -> float:
    """Return how strongly the sun lights a point."""
    light = tables.light
    facing = n[0] * light[0] + n[1] * light[1] + n[2] * light[2]
    if facing <= 0.0 or light[3] + light[4] + light[5] <= 0.0:
        return 0.0
    if light[13] > 0.0:
        facing *= _through_window(tables, p)
    if facing > 0.0:
        facing *= 1.0 - occlusion(tables.solids, p, (light[0], light[1], light[2]), skip)
    return float(facing)


@inlined
def _corners(room: Float32, p: Vector, n: Vector) -> float:
    """Return how much soft light reaches a point past the corners of a room, 0..1."""
    light = 1.0
    for axis in range(3):
        if abs(n[axis]) > 0.5:
            continue
        low = p[2] if axis == 2 else p[axis] - room[1 + 2 * axis]
        high = room[5] - p[2] if axis == 2 else room[2 + 2 * axis] - p[axis]
        low, high = abs(low), abs(high)
        low, high = 1.0 + low * (1.2 + 4.0 * low), 1.0 + high * (1.2 + 4.0 * high)
        light *= 1.0 - room[15] * (1.0 / low + 1.0 / high)
    return light


@inlined
def lighting(tables: Tables, p: Vector, n: Vector, skip: int) -> tuple[float, float, float, float]:
    """Return what a white surface reflects at a point, and how much of it is the sun's."""
    light = tables.light
    up = 0.5 + 0.5 * n[2]
    soft = 1.0
    if tables.room[0] > 0.0:
        soft = _corners(tables.room, p, n)
    if p[2] < 0.02:
        soft *= contact(tables.solids, p[0], p[1])
    sun = _sun(tables, p, n, skip)
    r = soft * (light[9] + (light[6] - light[9]) * up) + sun * light[3]
    g = soft * (light[10] + (light[7] - light[10]) * up) + sun * light[4]
    b = soft * (light[11] + (light[8] - light[11]) * up) + sun * light[5]
    for k in range(len(tables.lamps)):
        lamp = tables.lamps[k]
        x, y, z = lamp[0] - p[0], lamp[1] - p[1], lamp[2] - p[2]
        square = x * x + y * y + z * z + 1e-6
        away = 1.0 / math.sqrt(square)
        facing = (x * n[0] + y * n[1] + z * n[2]) * away
        leaving = -(x * lamp[3] + y * lamp[4] + z * lamp[5]) * away
        weight = max(0.0, 0.12 + 0.88 * facing) * max(0.0, leaving) / (square + lamp[9])
        weight *= 0.4 + 0.6 * soft
        r += weight * lamp[6]
        g += weight * lamp[7]
        b += weight * lamp[8]
    return r, g, b, sun
