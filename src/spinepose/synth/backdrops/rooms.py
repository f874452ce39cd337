"""Rooms: flats, offices, halls and gyms, with windows, lamps and furniture."""

from __future__ import annotations

import numpy as np

from spinepose.synth.backdrops.floors import INDOOR_FLOORS
from spinepose.synth.backdrops.furniture import INDOORS, abstract, scatter
from spinepose.synth.backdrops.materials import (
    Color,
    Material,
    hsv,
    neutral,
    one_of,
    strong,
    tinted,
    wood,
)
from spinepose.synth.backdrops.scene import Parts

__all__ = ["room"]


def room(rng: np.random.Generator, clutter: bool = False) -> Parts:
    """Return a room.

    Parameters
    ----------
    rng
        Source of random numbers.
    clutter
        Fill it with abstract solids in place of furniture.
    """
    parts = Parts("clutter" if clutter else "room")
    large = rng.uniform() < 0.35
    walls = rng.uniform(5.0, 12.0, 4) if large else rng.uniform(2.9, 6.0, 4)
    height = rng.uniform(3.8, 7.0) if large else rng.uniform(2.4, 3.4)
    limits = walls * [-1, 1, -1, 1]
    floor_kind = one_of(rng, list(INDOOR_FLOORS))
    if large and rng.uniform() < 0.5:
        floor_kind = "gym"
    floor = INDOOR_FLOORS[floor_kind](parts, rng)
    ceiling = neutral(rng, 0.75, 0.98) if rng.uniform() < 0.8 else neutral(rng, 0.05, 0.5)
    parts.room[:6] = [1, *limits, height]
    _cover_walls(parts, rng)
    parts.room[10] = parts.material(floor)
    parts.room[11] = parts.material(_ceiling(rng, ceiling))
    parts.room[15] = rng.uniform(0.2, 0.4)
    warm = hsv(rng.uniform(0.05, 0.13), rng.uniform(0.0, 0.35), 1.0)
    if rng.uniform() < 0.3:
        warm = hsv(0.58, rng.uniform(0.0, 0.15), 1.0)
    lit = rng.uniform(0.3, 1.0)
    _hang_lamps(parts, rng, warm, lit)
    _open_windows(parts, rng, 1.3 - lit)
    for side in range(4):
        _decorate(parts, rng, side)
    soft = rng.uniform(0.12, 0.35) * (0.6 * warm + 0.4)
    albedo = 0.5 * (np.asarray(floor.a) + np.asarray(floor.a if floor.b is None else floor.b))
    parts.light[6:9] = soft
    parts.light[9:12] = soft * (0.35 + 1.1 * albedo)
    reach = float(min(walls.max(), 7.5))
    count = int(rng.integers(12, 26)) if clutter else int(rng.integers(3, 12))
    scatter(parts, rng, (abstract,) if clutter else INDOORS, count, (2.9, max(3.6, reach)))
    return parts


def _ceiling(rng: np.random.Generator, color: Color) -> Material:
    """Return the material of a ceiling."""
    if rng.uniform() < 0.4:
        size = (rng.choice([0.6, 1.2]), 0.6)
        return Material("grid", color, joint=color * 0.55, size=size, gap=0.025, variation=0.1)
    return Material("plain", color, noise=0.03, scale=4.0)


def _wall(rng: np.random.Generator) -> Material:
    """Return the material of a wall."""
    seed = int(rng.integers(1000))
    chance = rng.uniform()
    if chance < 0.5:
        color = neutral(rng, 0.65, 0.97) if rng.uniform() < 0.55 else tinted(rng)
        return Material("plain", color, noise=0.05, scale=14.0, seed=seed, stains=0.06)
    if chance < 0.68:
        color = hsv(rng.uniform(0.0, 0.07), rng.uniform(0.3, 0.65), rng.uniform(0.4, 0.75))
        if rng.uniform() < 0.35:
            color = neutral(rng, 0.7, 0.95)
        joint = neutral(rng, 0.45, 0.8)
        return Material(
            "grid", color, color * 0.6, joint, (0.25, 0.075), 0.012, 0.5, 0.9, 0.2, 30, 1.0, seed
        )
    if chance < 0.82:
        color = wood(rng) if rng.uniform() < 0.6 else tinted(rng)
        size = (rng.uniform(0.1, 1.2), rng.choice([1.1, 2.4, 8.0]))
        return Material(
            "grid", color, color * 0.8, color * 0.4, size, 0.01, 0.0, 0.7, 0.2, 30, 0.1, seed
        )
    if chance < 0.92:
        color = tinted(rng)
        size = (rng.uniform(0.08, 0.5), 0.0)
        return Material("checker", color, color * rng.uniform(0.75, 0.95), size=size, noise=0.04)
    color = neutral(rng, 0.6, 0.95)
    size = (rng.uniform(0.1, 0.3), rng.uniform(0.1, 0.3))
    return Material(
        "grid", color, tinted(rng), color * 0.6, size, 0.005, 0.0, 0.6, 0.05, gloss=0.04, seed=seed
    )


def _cover_walls(parts: Parts, rng: np.random.Generator) -> None:
    """Choose the walls, one of them maybe unlike the others, skirting and a lower wall."""
    common = parts.material(_wall(rng))
    parts.room[6:10] = common
    if rng.uniform() < 0.6:
        parts.room[6 + int(rng.integers(4))] = parts.material(_wall(rng))
    board = neutral(rng, 0.8, 0.98) if rng.uniform() < 0.6 else wood(rng)
    if rng.uniform() < 0.8:
        parts.room[12] = rng.uniform(0.05, 0.15)
        parts.room[13] = parts.material(Material("plain", board))
    if rng.uniform() < 0.25:
        parts.room[16] = rng.uniform(0.8, 1.4)
        parts.room[17] = parts.material(_wall(rng))


def _rect(
    parts: Parts,
    side: int,
    span: tuple[float, float, float, float],
    material: int,
    frame: tuple[float, int] = (0.0, 0),
    mirror: float = 0.0,
    sunny: bool = False,
) -> None:
    """Add a rectangle on a wall: u, u, v, v in m."""
    parts.rects.append([side, *span, material, *frame, mirror, float(sunny)])


def _hang_lamps(parts: Parts, rng: np.random.Generator, color: Color, lit: float) -> None:
    """Add lamps on the ceiling: panels, tubes or round ones, in rows."""
    x0, x1, y0, y1, height = parts.room[1:6]
    columns, rows = (2, 2) if height > 3.6 else (int(rng.integers(1, 3)), int(rng.integers(1, 3)))
    half = [(0.3, 0.3), (0.6, 0.08), (0.15, 0.15), (0.6, 0.3)][int(rng.integers(4))]
    glow = parts.material(Material("plain", 0.4 * color + 0.6, glow=0.6 + 2.0 * lit))
    rim = parts.material(Material("plain", neutral(rng, 0.5, 0.95)))
    power = lit * 1.1 * height**2 / (columns * rows) ** 0.75
    for i in range(columns):
        for j in range(rows):
            x = x0 + (x1 - x0) * (i + 0.5) / columns
            y = y0 + (y1 - y0) * (j + 0.5) / rows
            span = (x - half[0], x + half[0], y - half[1], y + half[1])
            _rect(parts, 4, span, glow, (0.02, rim))
            strength = (power * color).tolist()
            parts.lamps.append([x, y, height, 0, 0, -1, *strength, 0.5 + half[0] * half[1]])


def _open_windows(parts: Parts, rng: np.random.Generator, strength: float) -> None:
    """Add windows to one or two walls, with daylight and maybe sun."""
    height = parts.room[5]
    sides = rng.permutation(4)[: int(rng.choice([0, 1, 1, 2]))]
    for n, side in enumerate(sides):
        low, high = parts.room[3:5] if side < 2 else parts.room[1:3]
        wide = rng.uniform(0.8, 2.4)
        count = int(np.clip((high - low) // (wide + rng.uniform(0.4, 1.2)), 1, 4))
        sill = float(rng.choice([0.05, 0.5, 0.9, 0.9]))
        top = min(height - 0.15, sill + rng.uniform(1.2, 2.6))
        sky = hsv(rng.uniform(0.52, 0.6), rng.uniform(0.05, 0.35), 1.0)
        glow = 1.0 + 1.6 * strength
        blinds = rng.uniform(0.04, 0.08) if rng.uniform() < 0.25 else 0.0
        pane = Material(
            "window", 0.3 * sky + 0.7, sky, neutral(rng, 0.5, 0.95), (blinds, 1.0), 0.05,
            variation=rng.uniform(0, 1), seed=int(rng.integers(1000)), glow=glow,
        )  # fmt: skip
        glass = parts.material(pane)
        frame = parts.material(Material("plain", neutral(rng, 0.3, 0.97)))
        curtain = parts.material(Material("curtain", tinted(rng), size=(rng.uniform(0.1, 0.2), 1)))
        draped = rng.uniform() < 0.4
        for k in range(count):
            middle = low + (high - low) * (k + 0.5) / count
            span = (middle - wide / 2, middle + wide / 2, sill, top)
            _rect(parts, int(side), span, glass, (0.07, frame), sunny=n == 0)
            if draped:
                for edge in (-1, 1):
                    u = middle + edge * wide / 2
                    _rect(parts, int(side), (u - 0.2, u + 0.2, 0.03, top + 0.15), curtain)
        middle = 0.5 * (low + high)
        span = (middle - 0.5 * wide * count, middle + 0.5 * wide * count, sill, top)
        _daylight(parts, int(side), span, sky * glow)
        if n == 0 and rng.uniform() < 0.6:
            _let_sun_in(parts, rng, int(side), strength)


def _daylight(
    parts: Parts, side: int, span: tuple[float, float, float, float], color: Color
) -> None:
    """Add the light that the windows of a wall give, as if they were one."""
    limit = parts.room[1 + side]
    middle, level = 0.5 * (span[0] + span[1]), 0.5 * (span[2] + span[3])
    size = (span[1] - span[0]) * (span[3] - span[2]) / np.pi
    inward = 1.0 if side in (0, 2) else -1.0
    where = [limit, middle, level] if side < 2 else [middle, limit, level]
    normal = [inward, 0.0, 0.0] if side < 2 else [0.0, inward, 0.0]
    # Through the glass comes more light than the clipped picture of it shows.
    parts.lamps.append([*where, *normal, *(2.2 * size * color).tolist(), size + 0.3])


def _let_sun_in(parts: Parts, rng: np.random.Generator, side: int, strength: float) -> None:
    """Let the sun shine through the windows of a wall."""
    outward = (np.pi, 0.0, -np.pi / 2, np.pi / 2)[side]
    azimuth = outward + rng.uniform(-0.6, 0.6)
    height = rng.uniform(0.3, 0.8)
    flat = np.cos(height)
    parts.light[:3] = [flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(height)]
    warm = hsv(rng.uniform(0.07, 0.13), rng.uniform(0.05, 0.3), 1.0)
    parts.light[3:6] = warm * rng.uniform(0.8, 2.2) * (0.4 + strength)
    parts.light[13] = 1


def _decorate(parts: Parts, rng: np.random.Generator, side: int) -> None:
    """Add doors, pictures, mirrors, shelves and wall bars to a wall, where no window is."""
    low, high = parts.room[3:5] if side < 2 else parts.room[1:3]
    taken = [(row[1], row[2]) for row in parts.rects if row[0] == side]
    kinds = ["door", "art", "art", "art", "books", "mirror", "board", "bars", "panel"]
    for _ in range(int(rng.integers(1, 6))):
        kind = one_of(rng, kinds)
        wide = {"door": 0.9, "mirror": rng.uniform(0.6, 3.0), "bars": 0.9}.get(kind)
        wide = wide or rng.uniform(0.35, 1.6)
        u = rng.uniform(low + 0.2, max(low + 0.3, high - wide - 0.2))
        if any(u < end + 0.1 and begin < u + wide + 0.1 for begin, end in taken):
            continue
        taken.append((u, u + wide))
        _fixture(parts, rng, side, kind, (u, u + wide))


def _fixture(
    parts: Parts, rng: np.random.Generator, side: int, kind: str, span: tuple[float, float]
) -> None:
    """Add one thing to a wall, between two places along it."""
    wide, seed = span[1] - span[0], int(rng.integers(1000))
    frame = (rng.uniform(0.02, 0.06), parts.material(Material("plain", neutral(rng, 0.05, 0.95))))
    level = rng.uniform(1.0, 1.5)
    if kind == "door":
        color = wood(rng) if rng.uniform() < 0.5 else neutral(rng, 0.3, 0.97)
        leaf = Material(
            "door", color, joint=neutral(rng, 0.1, 0.8), variation=float(rng.uniform() < 0.6),
            noise=0.15, scale=30, stretch=0.1, seed=seed,
        )  # fmt: skip
        _rect(parts, side, (*span, 0.0, 2.08), parts.material(leaf), (0.07, frame[1]))
    elif kind == "art":
        paint = Material("art", strong(rng), tinted(rng), neutral(rng, 0.05, 0.95), seed=seed)
        high = wide * rng.uniform(0.6, 1.5)
        _rect(parts, side, (*span, level, level + high), parts.material(paint), frame)
    elif kind == "books":
        size = (rng.uniform(0.03, 0.09), rng.uniform(0.28, 0.4))
        books = Material("books", wood(rng), neutral(rng, 0.1, 0.5), size=size, seed=seed)
        low = float(rng.choice([0.0, 1.0]))
        _rect(parts, side, (*span, low, low + 4 * size[1]), parts.material(books), frame)
    elif kind == "mirror":
        glass = parts.material(Material("plain", (0.02, 0.02, 0.02)))
        _rect(parts, side, (*span, rng.uniform(0.1, 0.6), 2.1), glass, frame, mirror=0.85)
    elif kind == "bars":
        size = (0.0, rng.uniform(0.1, 0.2))
        bars = Material("checker", wood(rng), neutral(rng, 0.1, 0.4), size=size)
        _rect(parts, side, (*span, 0.15, 2.5), parts.material(bars), (0.06, frame[1]))
    else:
        color = strong(rng) if kind == "panel" else neutral(rng, 0.1, 0.95)
        sheet = parts.material(Material("plain", color, noise=0.1, scale=5.0, gloss=0.03))
        _rect(parts, side, (*span, level - 0.1, level + rng.uniform(0.4, 1.0)), sheet, frame)
