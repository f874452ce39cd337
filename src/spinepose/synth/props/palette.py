"""Colours of real materials, drawn at random: linear RGB (3,) in 0..1."""

from __future__ import annotations

import colorsys

import numpy as np
import numpy.typing as npt

__all__ = [
    "bright",
    "cloth",
    "dark",
    "hsv",
    "leaf",
    "metal",
    "pale",
    "pick",
    "shade",
    "varied",
    "wood",
]

Color = npt.NDArray[np.float64]


def hsv(hue: float, saturation: float, value: float) -> Color:
    """Return a display colour (hue, saturation and value in 0..1) as linear RGB."""
    display = np.asarray(colorsys.hsv_to_rgb(hue % 1.0, saturation, value))
    return np.asarray(np.clip(display, 0.0, 1.0) ** 2.2, np.float64)


def bright(rng: np.random.Generator) -> Color:
    """Return a strong colour of plastic or paint."""
    return hsv(rng.uniform(), rng.uniform(0.55, 0.9), rng.uniform(0.45, 0.88))


def dark(rng: np.random.Generator) -> Color:
    """Return near black: rubber, black plastic, leather."""
    return hsv(rng.uniform(), rng.uniform(0.0, 0.25), rng.uniform(0.1, 0.3))


def pale(rng: np.random.Generator) -> Color:
    """Return near white: paper, string, light paint."""
    return hsv(rng.uniform(0.05, 0.2), rng.uniform(0.0, 0.12), rng.uniform(0.82, 0.97))


def metal(rng: np.random.Generator) -> Color:
    """Return bare steel or aluminium."""
    return hsv(rng.uniform(0.5, 0.7), rng.uniform(0.0, 0.08), rng.uniform(0.5, 0.8))


def wood(rng: np.random.Generator) -> Color:
    """Return wood, from birch to walnut."""
    return hsv(rng.uniform(0.055, 0.1), rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.85))


def leaf(rng: np.random.Generator) -> Color:
    """Return the green of leaves."""
    return hsv(rng.uniform(0.2, 0.38), rng.uniform(0.45, 0.8), rng.uniform(0.28, 0.6))


def cloth(rng: np.random.Generator) -> Color:
    """Return a colour of cloth: mostly muted, sometimes dark or strong."""
    return pick(rng, muted=0.5, dark=0.3, bright=0.2)


def _muted(rng: np.random.Generator) -> Color:
    """Return a soft colour."""
    return hsv(rng.uniform(), rng.uniform(0.1, 0.5), rng.uniform(0.3, 0.8))


def pick(rng: np.random.Generator, **weights: float) -> Color:
    """Return a colour of one of the kinds named in this module, drawn by weight."""
    kinds = {
        "bright": bright,
        "cloth": cloth,
        "dark": dark,
        "leaf": leaf,
        "metal": metal,
        "muted": _muted,
        "pale": pale,
        "wood": wood,
    }
    chance = np.array(list(weights.values())) / sum(weights.values())
    return kinds[list(weights)[int(rng.choice(len(chance), p=chance))]](rng)


def shade(color: npt.ArrayLike, factor: float) -> Color:
    """Return a colour (3,) darker (factor below 1) or lighter (above), within 0..1."""
    return np.asarray(np.clip(np.asarray(color, np.float64) * factor, 0.0, 1.0), np.float64)


def varied(rng: np.random.Generator, color: npt.ArrayLike, count: int, spread: float) -> Color:
    """Return colours (count, 3) around one, each lighter or darker by up to ``spread``."""
    factor = rng.uniform(1.0 - spread, 1.0 + spread, (count, 1))
    return np.asarray(np.clip(np.asarray(color) * factor, 0.0, 1.0), np.float64)
