"""Lines and coloured areas on the ground: courts, lanes, roads, rugs and mats."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.jit import jit

__all__ = ["COLUMNS", "area", "disc", "lanes", "line", "mark", "ring"]

Float32 = npt.NDArray[np.float32]
Row = list[float]

COLUMNS = 12
"""0 kind, 1-2 middle or begin, 3-4 half size or end, 5 width, 6-8 colour, 9 strength, 10 dash,
11 turn."""


def line(
    begin: tuple[float, float],
    end: tuple[float, float],
    width: float,
    color: npt.ArrayLike,
    dash: float = 0.0,
) -> Row:
    """Return a painted line between two points of the ground, m; `dash`: length of dashes, m."""
    return [0.0, *begin, *end, width, *np.asarray(color, float).tolist(), 0.9, dash, 0.0]


def ring(middle: tuple[float, float], radius: float, width: float, color: npt.ArrayLike) -> Row:
    """Return a painted circle."""
    paint = np.asarray(color, float).tolist()
    return [1.0, *middle, radius, radius, width, *paint, 0.9, 0.0, 0.0]


def area(
    middle: tuple[float, float],
    half: tuple[float, float],
    color: npt.ArrayLike,
    strength: float = 1.0,
    turn: float = 0.0,
) -> Row:
    """Return a coloured rectangle: a rug, a mat or a painted zone; `turn` in radians."""
    paint = np.asarray(color, float).tolist()
    return [2.0, *middle, *half, 0.0, *paint, strength, 0.0, turn]


def disc(
    middle: tuple[float, float], radius: float, color: npt.ArrayLike, strength: float = 1.0
) -> Row:
    """Return a coloured disc."""
    paint = np.asarray(color, float).tolist()
    return [3.0, *middle, radius, radius, 0.0, *paint, strength, 0.0, 0.0]


def lanes(offset: float, spacing: float, width: float, color: npt.ArrayLike, count: int) -> Row:
    """Return parallel lines along x, `count` of them from y = offset up."""
    paint = np.asarray(color, float).tolist()
    return [4.0, 0.0, offset, float(count), spacing, width, *paint, 0.9, 0.0, 0.0]


@jit
def _spread(nx: float, ny: float, pixel: float, dx: float, dy: float, slant: float) -> float:
    """Return the width of a pixel on the ground along a unit direction."""
    along = nx * dx + ny * dy
    return pixel * math.sqrt(1.0 + along * along / (slant * slant))


@jit
def _line(k: Float32, x: float, y: float, pixel: float, dx: float, dy: float, dz: float) -> float:
    """Return how much of a pixel a line covers."""
    ex, ey = k[3] - k[1], k[4] - k[2]
    length = math.sqrt(ex * ex + ey * ey)
    ex, ey = ex / length, ey / length
    px, py = x - k[1], y - k[2]
    across = abs(px * ey - py * ex)
    wide = _spread(ey, -ex, pixel, dx, dy, dz)
    cover = min(1.0, k[5] / wide, max(0.0, 0.5 + (0.5 * k[5] - across) / wide))
    if cover <= 0.0:
        return 0.0
    along = px * ex + py * ey
    long = _spread(ex, ey, pixel, dx, dy, dz)
    cover *= min(1.0, max(0.0, 0.5 + (0.5 * length - abs(along - 0.5 * length)) / long))
    if k[10] > 0.0:
        phase = along / k[10] - 2.0 * math.floor(0.5 * along / k[10])
        gap = (0.5 - abs(phase - 0.5)) * k[10]
        fade = min(1.0, 2.0 * long / k[10])
        cover *= min(1.0, max(0.0, 0.5 + gap / long)) * (1.0 - fade) + 0.5 * fade
    return float(cover)


@jit
def _round(k: Float32, x: float, y: float, pixel: float, dx: float, dy: float, dz: float) -> float:
    """Return how much of a pixel a circle or a disc covers."""
    px, py = x - k[1], y - k[2]
    gap = math.sqrt(px * px + py * py) + 1e-9
    wide = _spread(px / gap, py / gap, pixel, dx, dy, dz)
    if k[0] == 1.0:
        return float(min(1.0, k[5] / wide, max(0.0, 0.5 + (0.5 * k[5] - abs(gap - k[3])) / wide)))
    return float(min(1.0, max(0.0, 0.5 + (k[3] - gap) / wide)))


@jit
def _area(k: Float32, x: float, y: float, pixel: float, dx: float, dy: float, dz: float) -> float:
    """Return how much of a pixel a rectangle covers."""
    cos, sin = math.cos(k[11]), math.sin(k[11])
    px, py = x - k[1], y - k[2]
    u, v = abs(px * cos + py * sin), abs(py * cos - px * sin)
    fu = _spread(cos, sin, pixel, dx, dy, dz)
    fv = _spread(-sin, cos, pixel, dx, dy, dz)
    cover = min(1.0, max(0.0, 0.5 + (k[3] - u) / fu))
    return float(cover * min(1.0, max(0.0, 0.5 + (k[4] - v) / fv)))


@jit
def _lanes(k: Float32, y: float, pixel: float, dy: float, dz: float) -> float:
    """Return how much of a pixel parallel lines cover."""
    index = min(k[3] - 1.0, max(0.0, math.floor((y - k[2]) / k[4] + 0.5)))
    across = abs(y - k[2] - index * k[4])
    wide = _spread(0.0, 1.0, pixel, 0.0, dy, dz)
    fade = min(1.0, wide / k[4])
    cover = min(1.0, k[5] / wide, max(0.0, 0.5 + (0.5 * k[5] - across) / wide))
    inside = 0.0 < y - k[2] < (k[3] - 1.0) * k[4]
    return float(cover * (1.0 - fade) + (fade * k[5] / k[4] if inside else 0.0))


@jit
def mark(
    marks: Float32,
    at: tuple[float, float],
    color: tuple[float, float, float],
    pixel: float,
    view: tuple[float, float, float],
) -> tuple[float, float, float]:
    """Return the colour of the ground with the markings on it.

    Parameters
    ----------
    marks
        (N, COLUMNS), painted in this order.
    at
        Point of the ground, m.
    color
        Of the bare ground.
    pixel
        Width of a pixel across the view, m.
    view
        Unit direction of the ray; its z is not 0.
    """
    r, g, b = color
    dx, dy, dz = view
    for n in range(len(marks)):
        k = marks[n]
        if k[0] == 0.0:
            cover = _line(k, at[0], at[1], pixel, dx, dy, dz)
        elif k[0] == 2.0:
            cover = _area(k, at[0], at[1], pixel, dx, dy, dz)
        elif k[0] == 4.0:
            cover = _lanes(k, at[1], pixel, dy, dz)
        else:
            cover = _round(k, at[0], at[1], pixel, dx, dy, dz)
        if cover > 0.0:
            cover *= k[9]
            # Paint keeps some of the grain below it.
            tone = 0.75 + 0.25 * min(2.0, (r + g + b) / (color[0] + color[1] + color[2] + 1e-6))
            r += (k[6] * tone - r) * cover
            g += (k[7] * tone - g) * cover
            b += (k[8] * tone - b) * cover
    return r, g, b
