"""Things that stand about: each is a few boxes, cylinders and ellipsoids at a place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spinepose.synth.backdrops.materials import Material, hsv, neutral, strong, tinted, wood
from spinepose.synth.backdrops.scene import CLEARANCE, Parts

__all__ = ["INDOORS", "OUTDOORS", "WILD", "Maker", "abstract", "scatter"]

Place = tuple[float, float]
Maker = Callable[[Parts, np.random.Generator, Place, float], None]


def _paint(parts: Parts, rng: np.random.Generator) -> int:
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


def _part(
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
    top, leg = _timber(parts, rng), _paint(parts, rng)
    _part(parts, at, turn, (0, 0, high), (wide, deep, 0.02), top)
    for x in (-1, 1):
        for y in (-1, 1):
            foot = (x * (wide - 0.05), y * (deep - 0.05), high / 2)
            _part(parts, at, turn, foot, (0.025, 0.025, high / 2 - 0.02), leg)


def chair(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a chair."""
    seat = _cloth(parts, rng) if rng.uniform() < 0.5 else _timber(parts, rng)
    leg = _paint(parts, rng)
    _part(parts, at, turn, (0, 0, 0.45), (0.22, 0.22, 0.025), seat)
    _part(parts, at, turn, (0, 0.21, 0.72), (0.2, 0.015, 0.16), seat)
    for x in (-0.2, 0.2):
        _part(parts, at, turn, (x, 0.2, 0.42), (0.015, 0.015, 0.42), leg)
        _part(parts, at, turn, (x, -0.2, 0.21), (0.015, 0.015, 0.21), leg)


def sofa(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a sofa or an armchair."""
    wide = rng.choice([0.4, 0.8, 1.05])
    cloth = _cloth(parts, rng)
    _part(parts, at, turn, (0, 0, 0.22), (wide, 0.42, 0.16), cloth)
    _part(parts, at, turn, (0, 0.36, 0.5), (wide, 0.1, 0.32), cloth)
    for x in (-1, 1):
        _part(parts, at, turn, (x * (wide + 0.08), 0, 0.32), (0.09, 0.44, 0.28), cloth)
    cushion = _cloth(parts, rng)
    _part(parts, at, turn, (wide * rng.uniform(-0.7, 0.7), 0.2, 0.5), (0.2, 0.07, 0.14), cushion)


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
    _part(parts, at, turn, (0, 0, half[2]), half, parts.material(material))
    if half[2] < 0.6 and rng.uniform() < 0.7:
        x, y = _turned(at, turn, rng.uniform(-0.2, 0.2), 0)
        parts.cylinder((x, y, 2 * half[2]), 0.08, rng.uniform(0.15, 0.35), _paint(parts, rng))


def shelves(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a bookcase."""
    seed = int(rng.integers(1000))
    back = neutral(rng, 0.1, 0.4)
    size = (rng.uniform(0.03, 0.08), rng.uniform(0.28, 0.4))
    books = parts.material(Material("books", wood(rng), back, size=size, seed=seed))
    half = (rng.uniform(0.4, 1.0), 0.16, rng.uniform(0.6, 1.1))
    _part(parts, at, turn, (0, 0, half[2]), half, books)
    frame = _timber(parts, rng)
    for x in (-1, 1):
        _part(parts, at, turn, (x * half[0], 0, half[2]), (0.02, 0.18, half[2] + 0.01), frame)
    _part(parts, at, turn, (0, 0, 2 * half[2]), (half[0] + 0.02, 0.18, 0.02), frame)


def plant(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a plant in a pot."""
    parts.cylinder((*at, 0.0), rng.uniform(0.13, 0.22), rng.uniform(0.25, 0.45), _paint(parts, rng))
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
    parts.cylinder((*at, 0.0), 0.015, high, _paint(parts, rng))
    shade = parts.material(Material("plain", hsv(0.1, 0.2, 1.0), glow=rng.uniform(0.2, 1.0)))
    parts.cylinder((*at, high), rng.uniform(0.15, 0.25), 0.3, shade)


def bench(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a bench."""
    wide = rng.uniform(0.6, 1.2)
    plank, leg = _timber(parts, rng), _paint(parts, rng)
    _part(parts, at, turn, (0, 0, 0.43), (wide, 0.17, 0.025), plank)
    for x in (-0.8, 0.8):
        _part(parts, at, turn, (x * wide, 0, 0.2), (0.03, 0.15, 0.2), leg)
    if rng.uniform() < 0.5:
        _part(parts, at, turn, (0, 0.2, 0.72), (wide, 0.02, 0.1), plank)


def crates(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a pile of boxes or mats."""
    foot = 0.0
    for _ in range(int(rng.integers(1, 4))):
        half = (rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.4), rng.uniform(0.06, 0.3))
        material = _paint(parts, rng) if rng.uniform() < 0.6 else _timber(parts, rng)
        parts.box((*at, foot + half[2]), half, material, turn + rng.uniform(-0.2, 0.2))
        foot += 2 * half[2]


def bin_(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a bin, a barrel or a stool."""
    parts.cylinder((*at, 0.0), rng.uniform(0.15, 0.3), rng.uniform(0.4, 0.9), _paint(parts, rng))


def ball(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a ball of a gym."""
    radius = rng.choice([0.12, 0.3, 0.35])
    parts.ellipsoid((*at, radius), (radius, radius, radius), _paint(parts, rng))


def tree(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a tree."""
    trunk = rng.uniform(1.0, 2.8)
    bark = parts.material(
        Material(
            "plain", wood(rng) * 0.35, noise=0.5, scale=9, stretch=0.3, seed=int(rng.integers(99))
        )
    )
    radius = rng.uniform(0.08, 0.25)
    parts.cylinder((*at, 0.0), radius, trunk + 0.8, bark)
    hue = rng.uniform(0.19, 0.33) if rng.uniform() < 0.85 else rng.uniform(0.04, 0.12)
    green = hsv(hue, rng.uniform(0.45, 0.75), rng.uniform(0.3, 0.6))
    leaf = parts.material(
        Material("mottle", green, green * 0.2, size=(0.35, 0.35), variation=1.3, noise=0.8, scale=9)
    )
    wide = rng.uniform(0.9, 1.8)
    for _ in range(5):
        x, y = at[0] + wide * rng.uniform(-0.7, 0.7), at[1] + wide * rng.uniform(-0.7, 0.7)
        half = wide * rng.uniform(0.4, 0.85, 3)
        parts.ellipsoid((x, y, trunk + wide * rng.uniform(0.4, 1.4)), half, leaf, ragged=1.2)


def bush(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a bush."""
    green = hsv(rng.uniform(0.18, 0.36), rng.uniform(0.4, 0.75), rng.uniform(0.25, 0.55))
    leaf = parts.material(
        Material("mottle", green, green * 0.2, size=(0.3, 0.3), variation=0.9, noise=0.5, scale=14)
    )
    for _ in range(2):
        half = rng.uniform(0.35, 0.9, 3)
        x, y = at[0] + rng.uniform(-0.5, 0.5), at[1] + rng.uniform(-0.5, 0.5)
        parts.ellipsoid((x, y, 0.6 * half[2]), half, leaf, ragged=1.2)


def post(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a lamp post, a goal post or a sign."""
    paint = _paint(parts, rng)
    high = rng.uniform(2.2, 5.0)
    parts.cylinder((*at, 0.0), rng.uniform(0.03, 0.07), high, paint)
    if rng.uniform() < 0.6:
        half = (rng.uniform(0.2, 0.5), 0.02, rng.uniform(0.15, 0.4))
        parts.box((*at, high), half, _paint(parts, rng), turn)


def fence(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a wall, a hedge or a hoarding."""
    half = (rng.uniform(1.5, 4.0), 0.08, rng.uniform(0.4, 1.1))
    if rng.uniform() < 0.5:
        color = hsv(rng.uniform(0.0, 0.08), rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.7))
        material = Material("grid", color, color * 0.6, GREYISH, (0.24, 0.08), 0.012, 0.5, 0.8, 0.2)
    else:
        material = Material(
            "checker", strong(rng), neutral(rng, 0.6), size=(0.0, half[2]), noise=0.1
        )
    _part(parts, at, turn, (0, 0, half[2]), half, parts.material(material))


def car(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a parked car or van, roughly."""
    color = strong(rng) if rng.uniform() < 0.4 else neutral(rng, 0.1, 0.95)
    body = parts.material(Material("plain", color, gloss=0.06))
    glass = parts.material(Material("plain", (0.02, 0.025, 0.03), gloss=0.12))
    rubber = parts.material(Material("plain", (0.015, 0.015, 0.015)))
    _part(parts, at, turn, (0, 0, 0.58), (2.1, 0.85, 0.3), body)
    _part(parts, at, turn, (0.15, 0, 1.08), (1.15, 0.74, 0.22), glass)
    _part(parts, at, turn, (0.15, 0, 1.33), (1.1, 0.74, 0.04), body)
    for x in (-1.3, 1.3):
        _part(parts, at, turn, (x, 0, 0.3), (0.31, 0.87, 0.3), rubber)


def rock(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a boulder."""
    grey = neutral(rng, 0.35, 0.65)
    stone = parts.material(
        Material("mottle", grey, grey * 0.4, size=(0.4, 0.4), variation=0.6, noise=0.3, scale=12)
    )
    half = rng.uniform(0.2, 0.8, 3)
    parts.ellipsoid((*at, 0.35 * half[2]), half, stone, ragged=0.15)


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


GREYISH = (0.3, 0.29, 0.27)

INDOORS: tuple[Maker, ...] = (table, chair, sofa, cabinet, shelves, plant, floor_lamp)
INDOORS = (*INDOORS, bench, crates, bin_, ball, chair, cabinet, plant)
OUTDOORS: tuple[Maker, ...] = (tree, tree, bush, post, fence, car, bench, bin_)
WILD: tuple[Maker, ...] = (tree, tree, tree, bush, bush, rock)


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
