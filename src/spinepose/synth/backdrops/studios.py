"""Studios: seamless paper and cycloramas, softly lit, in any colour."""

from __future__ import annotations

import numpy as np

from spinepose.synth.backdrops.materials import Material, hsv, neutral, painted, tinted
from spinepose.synth.backdrops.scene import Parts

__all__ = ["studio"]


def studio(rng: np.random.Generator) -> Parts:
    """Return a studio whose floor runs into its wall without an edge."""
    parts = Parts("studio")
    chance = rng.uniform()
    color = neutral(rng, 0.08, 0.98)
    if chance < 0.25:
        color = painted(rng)
    elif chance < 0.5:
        color = tinted(rng)
    seed = int(rng.integers(1000))
    mottled = rng.uniform(0.0, 0.25) if rng.uniform() < 0.4 else 0.02
    sheet = Material(
        "mottle", color, color * 0.75, size=(rng.uniform(0.5, 2.0), 1.0), variation=2 * mottled,
        noise=0.03, scale=40.0, seed=seed, gloss=rng.uniform(0, 0.05), stains=mottled,
    )  # fmt: skip
    parts.room[10] = parts.material(sheet)
    level = rng.uniform(0.5, 1.0)
    tint = hsv(rng.uniform(), rng.uniform(0.0, 0.12), 1.0)
    parts.sky[0:3] = color * level * rng.uniform(0.2, 0.9)
    parts.sky[3:6] = color * level
    if rng.uniform() < 0.3:
        parts.sky[0:3] = tinted(rng) * level
    parts.sky[6:9] = color * rng.uniform(0.0, 0.8) * tint
    parts.sky[15:18] = [rng.uniform(2, 12), rng.uniform(0.8, 3.0), rng.uniform(0.15, 0.35)]
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 1.1)
    flat = np.cos(height)
    parts.light[:3] = [flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(height)]
    parts.light[3:6] = tint * rng.uniform(0.15, 0.7)
    parts.light[6:9] = tint * rng.uniform(0.4, 0.9)
    parts.light[9:12] = color * 0.4
    if rng.uniform() < 0.5:
        _equipment(parts, rng)
    return parts


def _equipment(parts: Parts, rng: np.random.Generator) -> None:
    """Add softboxes on stands and boxes to sit on."""
    black = parts.material(Material("plain", neutral(rng, 0.05, 0.2)))
    glow = parts.material(Material("plain", (1.0, 1.0, 1.0), glow=2.0))
    for _ in range(int(rng.integers(1, 4))):
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(3.2, 4.5)
        x, y = away * np.cos(angle), away * np.sin(angle)
        high = rng.uniform(1.5, 2.4)
        parts.cylinder((x, y, 0.0), 0.02, high, black)
        half = np.array([0.08, rng.uniform(0.25, 0.5), rng.uniform(0.3, 0.7)])
        parts.box((x, y, high + 0.2), half, black, angle)
        inner = np.array([x, y]) * (1 - 0.085 / away)
        parts.box((*inner, high + 0.2), half * [0.05, 0.92, 0.92], glow, angle)
