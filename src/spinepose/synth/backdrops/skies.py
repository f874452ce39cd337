"""The sky of a procedural place, and what stands on its horizon."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.jit import jit
from spinepose.synth.backdrops.noise import fbm, gradient_noise, hash01, mix, pulse, ramp

__all__ = ["LAYER_COLUMNS", "SKY_COLUMNS", "sky"]

Float32 = npt.NDArray[np.float32]
Color = tuple[float, float, float]

SKY_COLUMNS = 20
"""0-2 colour of the zenith, 3-5 of the horizon, 6-8 of the sun's glow, 9-11 of clouds, 12 cover of
clouds, 13 their scale, 14 seed, 15 width of the glow, 16 how fast the horizon fades upward, 17 fog
in 1/m, 18 strength of the sun's disc, 19 how much is
seen through any fog."""

LAYER_COLUMNS = 12
"""0 kind (0 hills, 1 trees, 2 buildings), 1 height of the base and 2 of what rises from it, as
tangents, 3 how many around, 4 seed, 5-7 colour, 8-10 second colour (leaves in light, windows), 11
haze."""


@jit
def _clouds(p: Float32, x: float, y: float, z: float, pixel: float, color: Color) -> Color:
    """Return the sky's colour with clouds on it; they lie on a plane far above."""
    low = z + 0.08
    u, v = p[13] * x / low, p[13] * y / low
    fine = p[13] * pixel / (low * low)
    seed = int(p[14])
    thick = fbm(u, v, 5, fine, seed) + p[12] - 0.5
    cover = ramp(thick, 0.0, 0.45) * ramp(z, 0.0, 0.12)
    if cover <= 0.0:
        return color
    shade = 1.0 - 0.45 * ramp(thick, 0.25, 1.0)
    return (
        mix(color[0], p[9] * shade, cover),
        mix(color[1], p[10] * shade, cover),
        mix(color[2], p[11] * shade, cover),
    )


@jit
def _outline(k: Float32, x: float, y: float, pixel: float) -> tuple[float, float, float]:
    """Return a layer's height as a tangent in a unit direction, and coordinates of its texture."""
    seed = int(k[4])
    kind = int(k[0])
    if kind == 2:
        across = math.atan2(y, x) * k[3] / 6.2831853
        cell = math.floor(across)
        rise = 0.25 + 0.75 * hash01(cell, 1, seed) ** 2
        if hash01(cell, 2, seed) < 0.12:
            rise = 0.05
        return k[1] + k[2] * rise, across, float(cell)
    u, v = k[3] * x, k[3] * y
    if kind == 0:
        rise = fbm(u, v, 3, k[3] * pixel, seed)
    else:
        # Round crowns on a line that goes slowly up and down.
        crown = abs(gradient_noise(4.0 * u, 4.0 * v, seed + 1))
        rise = 0.5 * fbm(0.6 * u, 0.6 * v, 2, 0.0, seed) + 0.3 - 0.9 * crown
        rise += 0.25 * fbm(9.0 * u, 9.0 * v, 3, 9.0 * k[3] * pixel, seed + 2)
    return k[1] + k[2] * max(0.0, 0.45 + 0.7 * rise), 0.0, 0.0


@jit
def _layer_color(
    k: Float32, x: float, y: float, rise: float, pixel: float, cell: tuple[float, float]
) -> Color:
    """Return a layer's own colour in a direction."""
    seed = int(k[4])
    if int(k[0]) == 2:
        storey = 0.02
        lit = hash01(math.floor(cell[0] * 9.0), math.floor(rise / storey), seed)
        panes = pulse(cell[0] * 9.0, 0.55, pixel * k[3] * 1.43) * pulse(
            rise / storey, 0.5, pixel / storey
        )
        tone = 0.7 + 0.6 * hash01(int(cell[1]), 3, seed)
        weight = panes * (0.4 + 0.6 * lit)
    else:
        scale = k[3] * (2.5 if int(k[0]) == 1 else 1.2)
        around = math.atan2(y, x)
        leaf = fbm(scale * around, 1.4 * scale * rise, 4, 1.4 * scale * pixel, seed + 5)
        tone, weight = 1.0, 0.45 + 0.8 * leaf
    weight = min(1.0, max(0.0, weight))
    return (
        mix(k[5] * tone, k[8], weight),
        mix(k[6] * tone, k[9], weight),
        mix(k[7] * tone, k[10], weight),
    )


@jit
def sky(
    p: Float32,
    layers: Float32,
    view: tuple[float, float, float],
    sun: tuple[float, float, float],
    pixel: float,
) -> Color:
    """Return what is seen in a direction where nothing near is.

    Parameters
    ----------
    p
        (SKY_COLUMNS,) the sky.
    layers
        (N, LAYER_COLUMNS) outlines on the horizon, the farthest first.
    view, sun
        Unit vectors.
    pixel
        Angle of a pixel in radians.
    """
    x, y, z = view
    up = max(z, 0.0)
    weight = 1.0 - math.exp(-p[16] * up)
    color = (mix(p[3], p[0], weight), mix(p[4], p[1], weight), mix(p[5], p[2], weight))
    toward = max(0.0, x * sun[0] + y * sun[1] + z * sun[2])
    glow = 0.35 * toward**6 + 0.65 * toward ** p[15]
    color = (color[0] + glow * p[6], color[1] + glow * p[7], color[2] + glow * p[8])
    if p[12] > 0.0 and z > -0.02:
        color = _clouds(p, x, y, up, pixel, color)
    disc = p[18] * ramp(toward, 0.9994, 0.9998)
    color = (color[0] + disc, color[1] + disc, color[2] + disc)
    flat = math.sqrt(x * x + y * y) + 1e-9
    rise = z / flat
    for n in range(len(layers)):
        k = layers[n]
        if rise > k[1] + 1.4 * k[2]:
            continue
        top, across, cell = _outline(k, x / flat, y / flat, pixel)
        cover = min(1.0, max(0.0, 0.5 + (top - rise) / pixel))
        if cover <= 0.0:
            continue
        own = _layer_color(k, x / flat, y / flat, rise, pixel, (across, cell))
        haze = k[11]
        color = (
            mix(color[0], mix(own[0], p[3], haze), cover),
            mix(color[1], mix(own[1], p[4], haze), cover),
            mix(color[2], mix(own[2], p[5], haze), cover),
        )
    return color
