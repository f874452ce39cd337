"""Colours and materials of procedural places, drawn at random."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "GREY",
    "Color",
    "Material",
    "hsv",
    "neutral",
    "one_of",
    "painted",
    "strong",
    "tinted",
    "wood",
]

Color = npt.NDArray[np.float64]

GREY = np.array([0.5, 0.5, 0.5])

KINDS = {
    "plain": 0,
    "grid": 1,
    "mottle": 2,
    "checker": 3,
    "facade": 4,
    "books": 5,
    "art": 6,
    "window": 7,
    "door": 8,
    "curtain": 9,
}


@dataclass(frozen=True, slots=True)
class Material:
    """What a surface is made of; see `textures.COLUMNS` for the meaning of the fields."""

    kind: str
    a: npt.ArrayLike
    b: npt.ArrayLike | None = None
    joint: npt.ArrayLike = (0.05, 0.05, 0.05)
    size: tuple[float, float] = (1.0, 1.0)
    gap: float = 0.0
    shift: float = 0.0
    variation: float = 0.0
    noise: float = 0.0
    scale: float = 10.0
    stretch: float = 1.0
    seed: int = 0
    gloss: float = 0.0
    glow: float = 0.0
    stains: float = 0.0

    def row(self) -> list[float]:
        """Return the material as the tracer takes it."""
        a = np.asarray(self.a, float).tolist()
        b = a if self.b is None else np.asarray(self.b, float).tolist()
        joint = np.asarray(self.joint, float).tolist()
        tail = [self.gap, self.shift, self.variation, self.noise, self.scale, self.stretch]
        last = [float(self.seed), self.gloss, self.glow, self.stains]
        return [float(KINDS[self.kind]), *a, *b, *joint, *self.size, *tail, *last]


def hsv(hue: float, saturation: float, value: float) -> Color:
    """Return a display colour (hue, saturation and value in 0..1) as linear RGB."""
    display = np.asarray(colorsys.hsv_to_rgb(hue % 1.0, saturation, value))
    return np.asarray(np.clip(display, 0.0, 1.0) ** 2.2, np.float64)


def one_of(rng: np.random.Generator, names: Sequence[str]) -> str:
    """Return one of several names."""
    return names[int(rng.integers(len(names)))]


def strong(rng: np.random.Generator) -> Color:
    """Return a strong colour of plastic or a poster."""
    return hsv(rng.uniform(), rng.uniform(0.5, 0.9), rng.uniform(0.35, 0.85))


def painted(rng: np.random.Generator) -> Color:
    """Return a colour of painted floors, mats and backgrounds: clear, but not glaring."""
    hue = rng.choice([0.0, 0.03, 0.07, 0.11, 0.28, 0.38, 0.48, 0.55, 0.6, 0.64, 0.75])
    hue += rng.normal(0.0, 0.015)
    return hsv(hue, rng.uniform(0.25, 0.7), rng.uniform(0.25, 0.75))


def tinted(rng: np.random.Generator) -> Color:
    """Return a colour of walls and cloth: mostly soft."""
    return hsv(rng.uniform(), rng.uniform(0.08, 0.5), rng.uniform(0.35, 0.9))


def neutral(rng: np.random.Generator, low: float = 0.25, high: float = 0.92) -> Color:
    """Return a grey, warm or cold, of a display value between the two."""
    hue = rng.uniform(0.05, 0.13) if rng.uniform() < 0.6 else rng.uniform(0.5, 0.66)
    return hsv(hue, rng.uniform(0.0, 0.16), rng.uniform(low, high))


def wood(rng: np.random.Generator) -> Color:
    """Return wood, from maple to walnut."""
    return hsv(rng.uniform(0.05, 0.1), rng.uniform(0.3, 0.62), rng.uniform(0.3, 0.85))
