"""Things that stand about outdoors: trees, rocks, cars, posts and fences."""

from __future__ import annotations

import numpy as np

from spinepose.synth.backdrops.furniture import Maker, Place, add_part, bench, bin_, paint
from spinepose.synth.backdrops.materials import Material, hsv, neutral, strong, wood
from spinepose.synth.backdrops.scene import Parts

__all__ = ["OUTDOORS", "WILD"]

_MORTAR = (0.3, 0.29, 0.27)


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
    coat = paint(parts, rng)
    high = rng.uniform(2.2, 5.0)
    parts.cylinder((*at, 0.0), rng.uniform(0.03, 0.07), high, coat)
    if rng.uniform() < 0.6:
        half = (rng.uniform(0.2, 0.5), 0.02, rng.uniform(0.15, 0.4))
        parts.box((*at, high), half, paint(parts, rng), turn)


def fence(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a wall, a hedge or a hoarding."""
    half = (rng.uniform(1.5, 4.0), 0.08, rng.uniform(0.4, 1.1))
    if rng.uniform() < 0.5:
        color = hsv(rng.uniform(0.0, 0.08), rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.7))
        material = Material("grid", color, color * 0.6, _MORTAR, (0.24, 0.08), 0.012, 0.5, 0.8, 0.2)
    else:
        material = Material(
            "checker", strong(rng), neutral(rng, 0.6), size=(0.0, half[2]), noise=0.1
        )
    add_part(parts, at, turn, (0, 0, half[2]), half, parts.material(material))


def car(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a parked car or van, roughly."""
    color = strong(rng) if rng.uniform() < 0.4 else neutral(rng, 0.1, 0.95)
    body = parts.material(Material("plain", color, gloss=0.06))
    glass = parts.material(Material("plain", (0.02, 0.025, 0.03), gloss=0.12))
    rubber = parts.material(Material("plain", (0.015, 0.015, 0.015)))
    add_part(parts, at, turn, (0, 0, 0.58), (2.1, 0.85, 0.3), body)
    add_part(parts, at, turn, (0.15, 0, 1.08), (1.15, 0.74, 0.22), glass)
    add_part(parts, at, turn, (0.15, 0, 1.33), (1.1, 0.74, 0.04), body)
    for x in (-1.3, 1.3):
        add_part(parts, at, turn, (x, 0, 0.3), (0.31, 0.87, 0.3), rubber)


def rock(parts: Parts, rng: np.random.Generator, at: Place, turn: float) -> None:
    """Add a boulder."""
    grey = neutral(rng, 0.35, 0.65)
    stone = parts.material(
        Material("mottle", grey, grey * 0.4, size=(0.4, 0.4), variation=0.6, noise=0.3, scale=12)
    )
    half = rng.uniform(0.2, 0.8, 3)
    parts.ellipsoid((*at, 0.35 * half[2]), half, stone, ragged=0.15)


OUTDOORS: tuple[Maker, ...] = (tree, tree, bush, post, fence, car, bench, bin_)
WILD: tuple[Maker, ...] = (tree, tree, tree, bush, bush, rock)
