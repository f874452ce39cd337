"""Colours and fabrics, drawn at random."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np

from spinepose.synth.render.materials import Color, Kind, Material, Pattern

__all__ = ["cloth", "color", "eye", "hair", "leather", "skin"]

_SKIN_TONES = (
    (0.86, 0.62, 0.50),
    (0.76, 0.52, 0.40),
    (0.66, 0.43, 0.31),
    (0.53, 0.32, 0.21),
    (0.37, 0.21, 0.13),
    (0.22, 0.12, 0.075),
    (0.12, 0.065, 0.042),
)
"""sRGB-like tones, light to dark, as linear albedos (Fitzpatrick 1988, types I to VI)."""

_HAIR_COLORS = (
    (0.012, 0.010, 0.009),
    (0.030, 0.019, 0.012),
    (0.065, 0.036, 0.018),
    (0.12, 0.07, 0.035),
    (0.33, 0.23, 0.11),
    (0.52, 0.40, 0.24),
    (0.26, 0.25, 0.24),
    (0.55, 0.54, 0.53),
    (0.20, 0.062, 0.022),
)
_HAIR_SHARES = (0.26, 0.22, 0.16, 0.10, 0.08, 0.04, 0.06, 0.03, 0.05)

_IRISES = ((0.05, 0.025, 0.012), (0.10, 0.055, 0.02), (0.09, 0.12, 0.05), (0.10, 0.17, 0.26))


def color(rng: np.random.Generator) -> Color:
    """Return a colour that clothes have: often dark, white or grey, sometimes bright."""
    draw = rng.uniform()
    if draw < 0.20:
        value = rng.uniform(0.012, 0.05)
        return (value, value, value * rng.uniform(1.0, 1.25))
    if draw < 0.34:
        value = rng.uniform(0.55, 0.85)
        return (value, value * rng.uniform(0.96, 1.0), value * rng.uniform(0.88, 1.0))
    if draw < 0.46:
        value = rng.uniform(0.08, 0.4)
        return (value, value, value)
    hue = rng.uniform()
    strength = rng.uniform(0.25, 0.95)
    value = rng.uniform(0.06, 0.75) ** 1.3
    red, green, blue = colorsys.hsv_to_rgb(hue, strength, max(value, 0.04))
    return (red, green, blue)


def _far(rng: np.random.Generator, others: Sequence[Color]) -> Color:
    """Return a colour that stands out from others."""
    best, gap = others[0], -1.0
    for _ in range(4):
        drawn = color(rng)
        away = min(float(np.abs(np.sqrt(drawn) - np.sqrt(other)).sum()) for other in others)
        if away > gap:
            best, gap = drawn, away
    return best


def cloth(
    rng: np.random.Generator, patterns: Sequence[Pattern], *, thick: float = 0.5, edge: float = 0.0
) -> Material:
    """Return a random fabric with one of the given patterns.

    Parameters
    ----------
    thick
        0 tight and smooth to 1 heavy: how deep its folds are.
    edge
        Width of a trimmed edge, m; 0 for none.
    """
    pattern = patterns[int(rng.integers(len(patterns)))]
    first = color(rng)
    second = _far(rng, [first])
    scale = {
        Pattern.ACROSS: rng.uniform(8, 40),
        Pattern.ALONG: rng.uniform(10, 50),
        Pattern.CHECK: rng.uniform(9, 30),
        Pattern.DOTS: rng.uniform(14, 40),
        Pattern.BLOTCHES: rng.uniform(5, 14),
        Pattern.FLOWERS: rng.uniform(12, 40),
    }.get(pattern, 10.0)
    if pattern is Pattern.DENIM:
        blue = rng.uniform(0.3, 1.0)
        first = (0.012 * blue, 0.022 * blue, 0.055 * blue + 0.01)
        second = (first[0] * 5 + 0.02, first[1] * 5 + 0.03, first[2] * 3.4 + 0.04)
        third = first
    else:
        third = _far(rng, [first, second])
    if pattern is Pattern.HEATHER:
        value = rng.uniform(0.5, 1.6)
        second = (
            min(first[0] * value, 0.9),
            min(first[1] * value, 0.9),
            min(first[2] * value, 0.9),
        )
    return Material(
        Kind.CLOTH,
        first,
        second,
        third,
        pattern,
        scale,
        float(rng.uniform()),
        bump=float(rng.uniform(0.10, 0.30) * (0.25 + thick)),
        bump_scale=float(rng.uniform(5.0, 11.0)),
        gloss=float(rng.choice([0.01, 0.02, 0.08])),
        power=float(rng.uniform(6, 20)),
        seed=int(rng.integers(1 << 20)),
        extra=edge,
    )


def leather(rng: np.random.Generator) -> Material:
    """Return the upper of a shoe: smooth, in one or two colours."""
    first = color(rng)
    return Material(
        Kind.CLOTH,
        first,
        _far(rng, [first]),
        color(rng),
        Pattern.BLOTCHES if rng.uniform() < 0.35 else Pattern.PLAIN,
        scale=float(rng.uniform(8, 16)),
        phase=float(rng.uniform(0.3, 0.7)),
        bump=0.05,
        bump_scale=30.0,
        gloss=float(rng.uniform(0.02, 0.12)),
        power=20.0,
        seed=int(rng.integers(1 << 20)),
        extra=float(rng.choice([0.0, 0.012])),
    )


def skin(rng: np.random.Generator, african: float, asian: float, hairs: Color) -> Material:
    """Return the skin of a person; stubble is set by the caller.

    Parameters
    ----------
    african, asian
        Shares of the features (`Shape`), which the tone loosely follows.
    hairs
        Linear RGB of brows and beard.
    """
    mean = 1.2 + 3.6 * african + 0.6 * asian
    place = float(np.clip(rng.normal(mean, 0.8), 0.0, len(_SKIN_TONES) - 1.001))
    low = int(place)
    tone = np.array(_SKIN_TONES[low]) * (1 - place + low)
    tone = tone + np.array(_SKIN_TONES[low + 1]) * (place - low)
    tone = tone * rng.uniform(0.9, 1.1)
    lips = tone * np.array([0.86, 0.55, 0.55]) * rng.uniform(0.85, 1.05)
    return Material(
        Kind.SKIN,
        (float(tone[0]), float(tone[1]), float(tone[2])),
        (float(lips[0]), float(lips[1]), float(lips[2])),
        hairs,
        gloss=float(rng.uniform(0.02, 0.09)),
        power=float(rng.uniform(9, 22)),
        bump=0.02,
        bump_scale=45.0,
        seed=int(rng.integers(1 << 20)),
    )


def hair(rng: np.random.Generator) -> Material:
    """Return hair of a natural colour."""
    tone = np.array(_HAIR_COLORS[int(rng.choice(len(_HAIR_COLORS), p=_HAIR_SHARES))])
    tone = tone * rng.uniform(0.75, 1.3)
    return Material(
        Kind.HAIR,
        (float(tone[0]), float(tone[1]), float(tone[2])),
        bump=float(rng.uniform(0.25, 0.5)),
        bump_scale=float(rng.uniform(25, 60)),
        gloss=float(rng.uniform(0.02, 0.08)),
        power=25.0,
        seed=int(rng.integers(1 << 20)),
    )


def eye(rng: np.random.Generator) -> Material:
    """Return an eye: white, iris, pupil."""
    iris = _IRISES[int(rng.choice(len(_IRISES), p=[0.45, 0.3, 0.12, 0.13]))]
    return Material(Kind.EYE, (0.62, 0.58, 0.55), iris, (0.005, 0.005, 0.005), gloss=0.3, power=60)
