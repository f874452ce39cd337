"""Walls, floor and ceiling of a room, and what is on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops.jit import inlined
from spinepose.synth.backdrops.tables import Tables

__all__ = ["normal", "wall_material", "walls"]

Float32 = npt.NDArray[np.float32]
Vector = tuple[float, float, float]


@inlined
def walls(room: Float32, o: Vector, d: Vector) -> tuple[float, int]:
    """Return how far a ray inside a room goes, and to which side: 0-3 walls, 4 ceiling, 5 floor."""
    x = max(d[0], 1e-9) if d[0] >= 0.0 else min(d[0], -1e-9)
    y = max(d[1], 1e-9) if d[1] >= 0.0 else min(d[1], -1e-9)
    z = max(d[2], 1e-9) if d[2] >= 0.0 else min(d[2], -1e-9)
    t, side = (room[2] - o[0]) / x, 1
    if x < 0.0:
        t, side = (room[1] - o[0]) / x, 0
    other = (room[3] - o[1]) / y if y < 0.0 else (room[4] - o[1]) / y
    if other < t:
        t, side = other, (2 if y < 0.0 else 3)
    other = -o[2] / z if z < 0.0 else (room[5] - o[2]) / z
    if other < t:
        t, side = other, (5 if z < 0.0 else 4)
    return t, side


@inlined
def _rect(rects: Float32, side: int, u: float, v: float) -> int:
    """Return which picture, door or lamp is at a point of a wall; -1 for none."""
    found = -1
    for n in range(len(rects)):
        k = rects[n]
        if k[0] == side and k[1] <= u <= k[2] and k[3] <= v <= k[4]:
            found = n
    return found


@inlined
def wall_material(tables: Tables, side: int, u: float, v: float) -> tuple[int, int, int]:
    """Return a wall's material at a point, the number of the part, and of the rectangle or -1."""
    rect = _rect(tables.rects, side, u, v)
    if rect >= 0:
        k = tables.rects[rect]
        frame = k[6]
        inner = k[1] + frame <= u <= k[2] - frame and k[3] + frame <= v <= k[4] - frame
        if inner:
            return int(k[5]), 1000 + 2 * rect, rect
        return int(k[7]), 1001 + 2 * rect, -1
    room = tables.room
    if side == 4:
        return int(room[11]), 6, -1
    if v < room[12]:
        return int(room[13]), 20 + side, -1
    if v < room[16]:
        return int(room[17]), 30 + side, -1
    return int(room[6 + side]), 2 + side, -1


@inlined
def normal(side: int) -> Vector:
    """Return which way a side of a room faces."""
    if side == 0:
        return 1.0, 0.0, 0.0
    if side == 1:
        return -1.0, 0.0, 0.0
    if side == 2:
        return 0.0, 1.0, 0.0
    if side == 3:
        return 0.0, -1.0, 0.0
    if side == 4:
        return 0.0, 0.0, -1.0
    return 0.0, 0.0, 1.0
