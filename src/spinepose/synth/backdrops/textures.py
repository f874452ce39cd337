"""Textures of surfaces, computed at a point; all fade to their mean where a pixel is too coarse.

A material is a row of numbers (`Material.row`): see the names of columns below.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.jit import jit
from spinepose.synth.backdrops.noise import fbm, fraction, hash01, mix, pulse, ramp

__all__ = ["COLUMNS", "texture"]

Float32 = npt.NDArray[np.float32]
Color = tuple[float, float, float]

COLUMNS = 22
"""0 kind, 1-3 colour a, 4-6 colour b, 7-9 colour of joints, 10-11 size of a cell in m, 12 width of
joints in m, 13 shift of each row (-1: random), 14 variation between cells, 15 noise, 16 its scale
in 1/m, 17 its stretch along u, 18 seed, 19 gloss, 20 glow, 21 stains."""


@jit
def _blend(m: Float32, first: int, second: int, weight: float) -> Color:
    """Return a mixture of two colours of a material, given their first columns."""
    weight = min(1.0, max(0.0, weight))
    return (
        mix(m[first], m[second], weight),
        mix(m[first + 1], m[second + 1], weight),
        mix(m[first + 2], m[second + 2], weight),
    )


@jit
def _scaled(color: Color, factor: float) -> Color:
    """Return a colour made lighter or darker."""
    return color[0] * factor, color[1] * factor, color[2] * factor


@jit
def _toward(color: Color, m: Float32, column: int, weight: float) -> Color:
    """Return a colour mixed with one of a material."""
    return (
        mix(color[0], m[column], weight),
        mix(color[1], m[column + 1], weight),
        mix(color[2], m[column + 2], weight),
    )


@jit
def _grain(m: Float32, u: float, v: float, fu: float, fv: float) -> float:
    """Return the factor of a material's fine noise and its stains."""
    seed = int(m[18])
    factor = 1.0
    if m[15] > 0.0:
        scale = m[16]
        pixel = max(fu * scale / m[17], min(fv * scale, 3.0 * fu * scale / m[17]))
        factor += m[15] * fbm(u * scale / m[17], v * scale, 4, pixel, seed)
    if m[21] > 0.0:
        factor += m[21] * fbm(0.55 * u + 7.3, 0.55 * v, 3, 0.55 * max(fu, fv), seed + 31)
    return max(factor, 0.08)


@jit
def _grid(m: Float32, u: float, v: float, fu: float, fv: float) -> Color:
    """Return tiles, bricks, planks, panels or mats with their joints."""
    seed = int(m[18])
    y = v / m[11]
    row = math.floor(y)
    shift = m[13] * row
    if m[13] < 0.0:
        shift = hash01(row, 11, seed)
    x = u / m[10] + shift
    fade = max(0.0, 1.0 - max(fu / m[10], fv / m[11]))
    chance = hash01(math.floor(x), row, seed)
    color = _blend(m, 1, 4, 0.5 + m[14] * (chance - 0.5) * fade)
    color = _scaled(color, 1.0 + 0.25 * m[14] * fade * (fraction(chance * 7.13) - 0.5))
    grain = _grain(m, u + 13.7 * chance * fade, v + 3.1 * row * fade, fu, fv)
    color = _scaled(color, grain)
    jx, jy = m[12] / m[10], m[12] / m[11]
    cover_x = pulse(x + 0.5 * jx, jx, fu / m[10])
    cover_y = pulse(y + 0.5 * jy, jy, fv / m[11])
    return _toward(color, m, 7, 1.0 - (1.0 - cover_x) * (1.0 - cover_y))


@jit
def _checker(m: Float32, u: float, v: float, fu: float, fv: float) -> Color:
    """Return a chessboard; stripes where one of the sizes is 0."""
    x = y = 0.0
    if m[10] > 0.0:
        x = 2.0 * pulse(u / m[10], 0.5, fu / m[10]) - 1.0
    if m[11] > 0.0:
        y = 2.0 * pulse(v / m[11], 0.5, fv / m[11]) - 1.0
    both = x * y if m[10] > 0.0 and m[11] > 0.0 else x + y
    return _scaled(_blend(m, 1, 4, 0.5 + 0.5 * both), _grain(m, u, v, fu, fv))


@jit
def _mottle(m: Float32, u: float, v: float, fu: float, fv: float) -> Color:
    """Return grass, sand, snow, carpet or asphalt: blotches and grain."""
    seed = int(m[18])
    pixel = math.sqrt(fu * fv)
    wide = fbm(u / m[10], v / m[10], 4, pixel / m[10], seed + 7)
    scale = m[16]
    fine = fbm(u * scale, v * scale, 3, pixel * scale, seed)
    color = _blend(m, 1, 4, 0.5 + m[14] * wide + 0.6 * m[15] * fine)
    return _scaled(color, max(0.1, 1.0 + m[15] * fine + m[21] * wide))


@jit
def _facade(m: Float32, u: float, v: float, fu: float, fv: float) -> Color:
    """Return a wall of many windows."""
    seed = int(m[18])
    x, y = u / m[10], v / m[11]
    cover = pulse(x + 0.5 * m[13], m[13], fu / m[10]) * pulse(y + 0.3, 0.6, fv / m[11])
    fade = max(0.0, 1.0 - max(fu / m[10], fv / m[11]))
    chance = hash01(math.floor(x + 0.5 * m[13]), math.floor(y + 0.3), seed)
    glass = _scaled((m[4], m[5], m[6]), 1.0 + 1.6 * m[14] * fade * (chance - 0.45))
    if chance > 0.93:
        glass = _toward(glass, m, 7, fade)
    wall = _scaled((m[1], m[2], m[3]), _grain(m, u, v, fu, fv))
    return (
        mix(wall[0], glass[0], cover),
        mix(wall[1], glass[1], cover),
        mix(wall[2], glass[2], cover),
    )


@jit
def _books(m: Float32, u: float, v: float, fu: float, fv: float) -> Color:
    """Return shelves with books and boxes."""
    seed = int(m[18])
    y = v / m[11]
    row = math.floor(y)
    x = u / m[10] + 0.35 * math.sin(u / m[10] * 1.3 + row)
    cell = math.floor(x)
    tone, high = hash01(cell, row, seed), 0.5 + 0.42 * hash01(cell, row, seed + 1)
    fade = max(0.0, 1.0 - fu / m[10])
    third = hash01(cell, row, seed + 2)
    light = 0.12 + 0.75 * third * third * fade
    color = (
        light * (1.0 + fade * math.sin(6.28 * tone)),
        light * (1.0 + 0.8 * fade * math.sin(6.28 * tone + 2.1)),
        light * (1.0 + 0.9 * fade * math.sin(6.28 * tone + 4.2)),
    )
    edge = 0.5 * fv / m[11] + 0.01
    empty = ramp(fraction(y), high - edge, high + edge)
    if tone > 0.86:
        empty = 1.0
    color = _toward(color, m, 4, empty * (0.6 + 0.4 * fade))
    board = pulse(y, 0.09, fv / m[11])
    return _toward(color, m, 1, board)


@jit
def _art(m: Float32, u: float, v: float, pixel: float, size: tuple[float, float]) -> Color:
    """Return a poster or a painting: a gradient, discs and bands in the material's colours."""
    seed = int(m[18])
    wide, high = size
    span = min(wide, high)
    x, y = u / wide, v / high
    color = _blend(m, 1, 4, y + 0.5 * fbm(2.0 * x, 2.0 * y, 3, 2.0 * pixel / span, seed))
    for k in range(4):
        cx, cy = hash01(k, 1, seed) * wide, hash01(k, 2, seed) * high
        radius = span * (0.1 + 0.3 * hash01(k, 3, seed))
        if hash01(k, 4, seed) < 0.5:
            gap = math.hypot(u - cx, v - cy) - radius
        else:
            gap = max(abs(u - cx) - radius, abs(v - cy) - 0.5 * radius)
        cover = min(1.0, max(0.0, 0.5 - gap / pixel)) * (0.4 + 0.6 * hash01(k, 5, seed))
        color = _toward(color, m, 1 + 3 * (k % 3), cover)
    return color


@jit
def _window(m: Float32, u: float, v: float, pixel: float, size: tuple[float, float]) -> Color:
    """Return the bright outside seen through panes: sky, leaves below, mullions."""
    seed = int(m[18])
    wide, high = size
    y = v / high
    leaves = fbm(2.3 * u, 2.3 * v, 4, 2.3 * pixel, seed)
    line = 0.25 + 0.3 * m[14] + 0.22 * fbm(1.1 * u, 0.5, 3, 0.0, seed + 3)
    cover = ramp(y - 0.12 * leaves, line + 0.04, line - 0.04)
    color = _scaled(_blend(m, 1, 4, 0.7 * y), 1.0 + 0.12 * fbm(u, 2.5 * v, 3, pixel, seed + 9))
    green = 0.45 + 0.5 * leaves
    color = (
        mix(color[0], 0.55 * green * m[1], cover),
        mix(color[1], 0.7 * green * m[2], cover),
        mix(color[2], 0.4 * green * m[3], cover),
    )
    if m[10] > 0.0:
        color = _scaled(color, mix(1.0, 0.72, pulse(u / m[10], 0.5, pixel / m[10])))
    panes = max(1.0, round(wide / 0.8))
    rows = max(1.0, round(high / 1.1))
    bar_x, bar_y = m[12] * panes / wide, m[12] * rows / high
    bars = pulse(u * panes / wide + 0.5 * bar_x, bar_x, pixel * panes / wide)
    bars = max(bars, pulse(y * rows + 0.5 * bar_y, bar_y, pixel * rows / high))
    bars = min(1.0, bars) / max(m[20], 1e-3)
    dark = 1.0 - bars * m[20]
    color = _scaled(color, max(dark, 0.0))
    return color[0] + bars * m[7], color[1] + bars * m[8], color[2] + bars * m[9]


@jit
def _door(m: Float32, u: float, v: float, pixel: float, size: tuple[float, float]) -> Color:
    """Return a door leaf with panels and a handle."""
    wide, high = size
    color = _scaled((m[1], m[2], m[3]), _grain(m, u, v, pixel, pixel))
    if m[14] > 0.0:
        for k in range(2):
            middle = high * (0.28 + 0.46 * k)
            gap = max(abs(u - 0.5 * wide) - 0.3 * wide, abs(v - middle) - 0.17 * high)
            inside = min(1.0, max(0.0, 0.5 - gap / pixel))
            rim = min(1.0, max(0.0, 0.5 + (0.012 - abs(gap)) / max(pixel, 0.012)))
            color = _scaled(color, (1.0 - 0.1 * inside) * (1.0 - 0.3 * rim))
    gap = max(abs(u - 0.1 * wide - 0.05) - 0.06, abs(v - 1.02) - 0.014)
    return _toward(color, m, 7, min(1.0, max(0.0, 0.5 - gap / max(pixel, 0.01))))


@jit
def _curtain(m: Float32, u: float, v: float, fu: float) -> Color:
    """Return cloth that hangs in folds."""
    sway = 0.5 * math.sin(1.3 * u + 0.2 * v + m[18])
    fold = math.sin(6.28 * u / m[10] + sway) + 0.5 * math.sin(10.7 * u / m[10] + 2.0)
    fade = max(0.0, 1.0 - 2.0 * fu / m[10])
    return _scaled((m[1], m[2], m[3]), 0.75 + 0.28 * fold * fade)


@jit
def _tiled(m: Float32, u: float, v: float, fu: float, fv: float) -> Color:
    """Return a material that covers a surface of any size."""
    kind = int(m[0])
    if kind == 1:
        return _grid(m, u, v, fu, fv)
    if kind == 2:
        return _mottle(m, u, v, fu, fv)
    if kind == 3:
        return _checker(m, u, v, fu, fv)
    if kind == 4:
        return _facade(m, u, v, fu, fv)
    if kind == 5:
        return _books(m, u, v, fu, fv)
    grain = _grain(m, u, v, fu, fv)
    return m[1] * grain, m[2] * grain, m[3] * grain


@jit
def texture(
    m: Float32, at: tuple[float, float], pixel: tuple[float, float], size: tuple[float, float]
) -> Color:
    """Return the colour of a material at a point.

    Parameters
    ----------
    m
        (COLUMNS,) the material.
    at
        Where on the surface, m; for doors, windows and pictures from their lower left corner.
    pixel
        Width and height of a pixel on the surface, m.
    size
        Width and height of the surface in m, for doors, windows and pictures.

    Returns
    -------
    color : r, g, b
        Linear albedo, or radiance for what glows.
    """
    kind = int(m[0])
    if kind < 6:
        return _tiled(m, at[0], at[1], pixel[0], pixel[1])
    wide = max(1e-4, math.sqrt(pixel[0] * pixel[1]))
    if kind == 6:
        return _art(m, at[0], at[1], wide, size)
    if kind == 7:
        return _window(m, at[0], at[1], wide, size)
    if kind == 8:
        return _door(m, at[0], at[1], wide, size)
    return _curtain(m, at[0], at[1], pixel[0])
