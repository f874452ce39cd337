"""Things that stand about: each is a few boxes, cylinders and ellipsoids at a place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spinepose.synth.backdrops.materials import Material, hsv, neutral, strong, tinted, wood
from spinepose.synth.backdrops.scene import CLEARANCE, Parts

__all__ = ["INDOORS", "Maker", "Place", "abstract", "add_part", "bench", "bin_", "paint", "scatter"]

Place = tuple[float, float]
Maker = Callable[[Parts, np.random.Generator, Place, float], None]


def paint(parts: Parts, rng: np.random.Generator) -> int:
    """Add a material of painted things."""
    color = strong(rng) if rng.uniform() < 0.4 else neutral(rng, 0.1, 0.95)
    return parts.material(Material("plain", color, noise=0.06, scale=9.0, stains=0.08))


def _timber(parts: Parts, rng: np.random.Generator) -> int:
    """Add a material of wood."""
    seed = int(rng.integers(1000))
    grain = rng.uniform(0.15, 0.4)
    return parts.material(
        Material("plain", wood(rng), noise=grain, scale=40, stretch=14, seed=seed)
    )


def _cloth(parts: Parts, rng: np.random.Generator) -> int:
    """Add a material of upholstery."""
    return parts.material(Material("plain", tinted(rng), noise=0.15, scale=60, stains=0.12))


def _turned(at: Place, turn: float, x: float, y: float) -> Place:
    """Return a point given beside a thing's middle and along its front."""
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    return at[0] + cos * x - sin * y, at[1] + sin * x + cos * y


def add_part(
    parts: Parts,
    at: Place,
    turn: float,
    offset: tuple[float, float, float],
    half: tuple[float, float, float],
    material: int,
) -> None:
    """Add a box of a thing: its middle from the thing's foot and its half size."""
    x, y = _turned(at, turn, offset[0], offset[1])
    parts.box((x, y, offset[2]), half, material, turn)


def table(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a table or a desk."""
    wide, deep = rng.uniform(0.5, 1.0), rng.uniform(0.3, 0.45)
    high = rng.choice([0.42, 0.74, 0.9])
    top, leg = _timber(parts, rng), paint(parts, rng)
    add_part(parts, at, turn, (0, 0, high), (wide, deep, 0.02), top)
    for x in (-1, 1):
        for y in (-1, 1):
            foot = (x * (wide - 0.05), y * (deep - 0.05), high / 2)
            add_part(parts, at, turn, foot, (0.025, 0.025, high / 2 - 0.02), leg)


def chair(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a chair."""
    seat = _cloth(parts, rng) if rng.uniform() < 0.5 else _timber(parts, rng)
    leg = paint(parts, rng)
    add_part(parts, at, turn, (0, 0, 0.45), (0.22, 0.22, 0.025), seat)
    add_part(parts, at, turn, (0, 0.21, 0.72), (0.2, 0.015, 0.16), seat)
    for x in (-0.2, 0.2):
        add_part(parts, at, turn, (x, 0.2, 0.42), (0.015, 0.015, 0.42), leg)
        add_part(parts, at, turn, (x, -0.2, 0.21), (0.015, 0.015, 0.21), leg)


def sofa(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a sofa or an armchair."""
    wide = rng.choice([0.4, 0.8, 1.05])
    cloth = _cloth(parts, rng)
    add_part(parts, at, turn, (0, 0, 0.22), (wide, 0.42, 0.16), cloth)
    add_part(parts, at, turn, (0, 0.36, 0.5), (wide, 0.1, 0.32), cloth)
    for x in (-1, 1):
        add_part(parts, at, turn, (x * (wide + 0.08), 0, 0.32), (0.09, 0.44, 0.28), cloth)
    cushion = _cloth(parts, rng)
    add_part(parts, at, turn, (wide * rng.uniform(-0.7, 0.7), 0.2, 0.5), (0.2, 0.07, 0.14), cushion)


def cabinet(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a cupboard, a locker or a chest of drawers."""
    half = (rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.3), rng.choice([0.4, 0.5, 0.95, 1.05]))
    color = wood(rng) if rng.uniform() < 0.5 else tinted(rng)
    material = Material(
        "grid",
        color,
        joint=np.asarray(color) * 0.25,
        size=(rng.uniform(0.3, 0.5), rng.choice([0.2, 0.3, 0.9])),
        gap=0.012,
        noise=0.1,
        scale=20,
        stretch=6,
    )
    add_part(parts, at, turn, (0, 0, half[2]), half, parts.material(material))
    if half[2] < 0.6 and rng.uniform() < 0.7:
        x, y = _turned(at, turn, rng.uniform(-0.2, 0.2), 0)
        parts.cylinder((x, y, 2 * half[2]), 0.08, rng.uniform(0.15, 0.35), paint(parts, rng))


def shelves(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a bookcase."""
    seed = int(rng.integers(1000))
    back = neutral(rng, 0.1, 0.4)
    size = (rng.uniform(0.03, 0.08), rng.uniform(0.28, 0.4))
    books = parts.material(Material("books", wood(rng), back, size=size, seed=seed))
    half = (rng.uniform(0.4, 1.0), 0.16, rng.uniform(0.6, 1.1))
    add_part(parts, at, turn, (0, 0, half[2]), half, books)
    frame = _timber(parts, rng)
    for x in (-1, 1):
        add_part(parts, at, turn, (x * half[0], 0, half[2]), (0.02, 0.18, half[2] + 0.01), frame)
    add_part(parts, at, turn, (0, 0, 2 * half[2]), (half[0] + 0.02, 0.18, 0.02), frame)


def plant(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a plant in a pot."""
    parts.cylinder((*at, 0.0), rng.uniform(0.13, 0.22), rng.uniform(0.25, 0.45), paint(parts, rng))
    green = hsv(rng.uniform(0.2, 0.38), rng.uniform(0.5, 0.8), rng.uniform(0.3, 0.55))
    leaf = parts.material(
        Material(
            "mottle", green, green * 0.25, size=(0.12, 0.12), variation=0.8, noise=0.4, scale=30
        )
    )
    for _ in range(3):
        x, y = at[0] + rng.uniform(-0.15, 0.15), at[1] + rng.uniform(-0.15, 0.15)
        half = (rng.uniform(0.2, 0.35), rng.uniform(0.2, 0.35), rng.uniform(0.25, 0.5))
        parts.ellipsoid((x, y, rng.uniform(0.6, 1.2)), half, leaf, ragged=0.9)


def floor_lamp(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a standing lamp."""
    high = rng.uniform(1.3, 1.7)
    parts.cylinder((*at, 0.0), 0.015, high, paint(parts, rng))
    shade = parts.material(Material("plain", hsv(0.1, 0.2, 1.0), glow=rng.uniform(0.2, 1.0)))
    parts.cylinder((*at, high), rng.uniform(0.15, 0.25), 0.3, shade)


def bench(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a bench."""
    wide = rng.uniform(0.6, 1.2)
    plank, leg = _timber(parts, rng), paint(parts, rng)
    add_part(parts, at, turn, (0, 0, 0.43), (wide, 0.17, 0.025), plank)
    for x in (-0.8, 0.8):
        add_part(parts, at, turn, (x * wide, 0, 0.2), (0.03, 0.15, 0.2), leg)
    if rng.uniform() < 0.5:
        add_part(parts, at, turn, (0, 0.2, 0.72), (wide, 0.02, 0.1), plank)


def crates(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a pile of boxes or mats."""
    foot = 0.0
    for _ in range(int(rng.integers(1, 4))):
        half = (rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.4), rng.uniform(0.06, 0.3))
        material = paint(parts, rng) if rng.uniform() < 0.6 else _timber(parts, rng)
        parts.box((*at, foot + half[2]), half, material, turn + rng.uniform(-0.2, 0.2))
        foot += 2 * half[2]


def bin_(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a bin, a barrel or a stool."""
    parts.cylinder((*at, 0.0), rng.uniform(0.15, 0.3), rng.uniform(0.4, 0.9), paint(parts, rng))


def ball(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a ball of a gym."""
    radius = rng.choice([0.12, 0.3, 0.35])
    parts.ellipsoid((*at, radius), (radius, radius, radius), paint(parts, rng))


def abstract(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a solid of any size and pattern."""
    kind = ("plain", "checker", "grid", "mottle")[int(rng.integers(4))]
    size = (float(rng.uniform(0.08, 0.5)), float(rng.uniform(0.08, 0.5)))
    material = parts.material(
        Material(
            kind,
            strong(rng) if rng.uniform() < 0.6 else neutral(rng, 0.05, 0.95),
            tinted(rng),
            neutral(rng, 0.05, 0.9),
            size,
            0.02,
            rng.uniform(0.0, 0.6),
            rng.uniform(0.2, 1.0),
            rng.uniform(0.0, 0.3),
            rng.uniform(4, 30),
            seed=int(rng.integers(1000)),
            gloss=0.05 * float(rng.uniform() < 0.3),
        )
    )
    half = rng.uniform(0.1, 0.7, 3) * [1, 1, rng.uniform(0.6, 2.2)]
    chance = rng.uniform()
    if chance < 0.6:
        parts.box((*at, half[2]), half, material, turn)
    elif chance < 0.85:
        parts.cylinder((*at, 0.0), float(half[0]), float(2 * half[2]), material)
    else:
        parts.ellipsoid((*at, half[2]), half, material)


INDOORS: tuple[Maker, ...] = (table, chair, sofa, cabinet, shelves, plant, floor_lamp)
INDOORS = (*INDOORS, bench, crates, bin_, ball, chair, cabinet, plant)


def scatter(
    parts: Parts,
    rng: np.random.Generator,
    makers: tuple[Maker, ...],
    count: int,
    reach: tuple[float, float],
) -> None:
    """Add things on a ring of the ground about the origin.

    Parameters
    ----------
    parts
        The place.
    rng
        Source of random numbers.
    makers
        What may be added.
    count
        How many things.
    reach
        Inner and outer radius of the ring in m.
    """
    begin = rng.uniform(0, 2 * np.pi)
    for n in range(count):
        angle = begin + 2 * np.pi * (n + rng.uniform(-0.4, 0.4)) / count
        away = rng.uniform(max(reach[0], CLEARANCE), reach[1])
        at = (float(away * np.cos(angle)), float(away * np.sin(angle)))
        # Most things face the middle.
        turn = angle - np.pi / 2 + rng.normal(0, 0.3)
        makers[int(rng.integers(len(makers)))](parts, rng, at, float(turn))
