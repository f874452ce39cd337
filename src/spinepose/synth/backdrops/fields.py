"""Outdoors: meadows, beaches, streets, courts and tracks under many skies."""

from __future__ import annotations

import numpy as np

from spinepose.synth.backdrops.floors import OUTDOOR_GROUNDS
from spinepose.synth.backdrops.furniture import abstract, scatter
from spinepose.synth.backdrops.materials import Color, Material, hsv, neutral, one_of
from spinepose.synth.backdrops.outdoors import OUTDOORS, WILD
from spinepose.synth.backdrops.scene import Parts

__all__ = ["field"]

_WEATHER = ("clear", "clear", "fair", "fair", "overcast", "evening", "mist", "dusk")
_TOWN = ("asphalt", "paving", "court", "track")


def field(rng: np.random.Generator, clutter: bool = False) -> Parts:
    """Return a place outdoors.

    Parameters
    ----------
    rng
        Source of random numbers.
    clutter
        Put abstract solids there in place of trees and cars.
    """
    parts = Parts("clutter" if clutter else "field")
    name = one_of(rng, list(OUTDOOR_GROUNDS))
    ground = OUTDOOR_GROUNDS[name](parts, rng)
    parts.room[10] = parts.material(ground)
    _air(parts, rng, one_of(rng, _WEATHER))
    albedo = 0.5 * (np.asarray(ground.a) + np.asarray(ground.a if ground.b is None else ground.b))
    sun_on_ground = parts.light[3:6] * max(0.0, parts.light[2])
    parts.light[9:12] = albedo * (parts.light[6:9] + sun_on_ground) * 0.8
    town = rng.uniform() < (0.55 if name in _TOWN else 0.15)
    _horizon(parts, rng, town)
    if clutter:
        scatter(parts, rng, (abstract,), int(rng.integers(12, 26)), (2.9, 8.0))
        return parts
    scatter(parts, rng, OUTDOORS if town else WILD, int(rng.integers(2, 8)), (4.0, 15.0))
    if town:
        _houses(parts, rng)
    return parts


def _air(parts: Parts, rng: np.random.Generator, weather: str) -> None:
    """Choose sky, sun and the light of both."""
    azimuth = rng.uniform(0, 2 * np.pi)
    height = rng.uniform(0.35, 1.2)
    zenith = hsv(rng.uniform(0.57, 0.62), rng.uniform(0.5, 0.75), rng.uniform(0.6, 0.85))
    horizon = hsv(rng.uniform(0.53, 0.6), rng.uniform(0.05, 0.25), rng.uniform(0.9, 1.0))
    glow = hsv(0.12, 0.2, 1.0) * 0.5
    sun = hsv(rng.uniform(0.08, 0.14), rng.uniform(0.05, 0.2), 1.0) * rng.uniform(0.9, 1.6)
    cover, fog, cloud = 0.0, rng.uniform(0.002, 0.008), hsv(0.6, 0.02, 0.98)
    if weather == "fair":
        cover = rng.uniform(0.3, 0.75)
    elif weather in ("overcast", "mist"):
        grey = rng.uniform(0.7, 0.95)
        zenith, horizon = hsv(0.6, 0.08, grey * 0.85), hsv(0.6, 0.05, grey)
        sun, glow, cover = sun * rng.uniform(0.0, 0.12), glow * 0.15, rng.uniform(0.5, 0.8)
        cloud = hsv(0.6, 0.06, grey * 0.95)
        fog = rng.uniform(0.02, 0.06) if weather == "mist" else fog
    elif weather in ("evening", "dusk"):
        height = rng.uniform(0.17, 0.35)
        zenith = hsv(rng.uniform(0.58, 0.68), rng.uniform(0.35, 0.6), rng.uniform(0.4, 0.65))
        horizon = hsv(rng.uniform(0.03, 0.11), rng.uniform(0.25, 0.55), rng.uniform(0.8, 0.95))
        warm = hsv(rng.uniform(0.04, 0.1), rng.uniform(0.4, 0.65), 1.0)
        sun, glow = warm * rng.uniform(0.7, 1.2), warm * 0.7
        cover, cloud = rng.uniform(0.0, 0.6), 0.5 * warm + 0.35 * horizon
    flat = np.cos(height)
    parts.light[:3] = [flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(height)]
    parts.light[3:6] = sun
    parts.light[6:9] = 0.55 * zenith + 0.35 * horizon
    parts.sky[0:3], parts.sky[3:6], parts.sky[6:9], parts.sky[9:12] = zenith, horizon, glow, cloud
    seed = float(rng.integers(1000))
    parts.sky[12:16] = [cover, rng.uniform(0.25, 0.8), seed, rng.uniform(12, 60)]
    clear = 0.0 if weather == "mist" else rng.uniform(0.4, 0.7)
    parts.sky[16:20] = [rng.uniform(2.0, 4.5), fog, 3.0 * float(sun.max() > 0.5), clear]


def _layer(
    kind: int, heights: tuple[float, float], around: float, seed: float, colors: tuple[Color, Color]
) -> list[float]:
    """Return an outline on the horizon without its haze."""
    return [float(kind), *heights, around, seed, *colors[0].tolist(), *colors[1].tolist()]


def _horizon(parts: Parts, rng: np.random.Generator, town: bool) -> None:
    """Add hills, trees and buildings on the horizon."""
    light = float(np.mean(parts.light[6:9]) + 0.5 * np.mean(parts.light[3:6]))
    if rng.uniform() < 0.6:
        green = hsv(rng.uniform(0.2, 0.6), rng.uniform(0.1, 0.4), 0.45) * light
        heights = (0.0, rng.uniform(0.04, 0.25))
        row = _layer(0, heights, rng.uniform(1, 4), float(rng.integers(999)), (green, green * 0.7))
        parts.layers.append([*row, rng.uniform(0.35, 0.75)])
    if town:
        for haze in (0.45, 0.2):
            wall = neutral(rng, 0.35, 0.8) * light
            heights = (0.02, rng.uniform(0.06, 0.25))
            colors = (wall, neutral(rng, 0.15, 0.5) * light)
            row = _layer(2, heights, rng.uniform(25, 70), float(rng.integers(999)), colors)
            parts.layers.append([*row, haze])
    if rng.uniform() < 0.75:
        green = hsv(rng.uniform(0.18, 0.36), rng.uniform(0.35, 0.65), rng.uniform(0.25, 0.5))
        heights = (0.005, rng.uniform(0.03, 0.28))
        colors = (green * 0.2 * light, green * light)
        row = _layer(1, heights, rng.uniform(6, 20), float(rng.integers(999)), colors)
        parts.layers.append([*row, rng.uniform(0.02, 0.3)])


def _houses(parts: Parts, rng: np.random.Generator) -> None:
    """Add houses at some distance, with windows."""
    for _ in range(int(rng.integers(0, 5))):
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(18, 50)
        wall = neutral(rng, 0.4, 0.95)
        if rng.uniform() < 0.4:
            wall = hsv(rng.uniform(0.0, 0.14), rng.uniform(0.2, 0.55), rng.uniform(0.5, 0.85))
        facade = Material(
            "facade", wall, neutral(rng, 0.1, 0.45), hsv(0.12, 0.4, 0.9),
            (rng.uniform(1.6, 3.2), rng.uniform(2.7, 3.4)), 0.0, rng.uniform(0.3, 0.7), 0.6,
            0.1, 1.5, 1.0, int(rng.integers(1000)), stains=0.1,
        )  # fmt: skip
        half = (rng.uniform(3, 9), rng.uniform(3, 8), rng.uniform(2.5, 9))
        middle = (away * np.cos(angle), away * np.sin(angle), half[2])
        parts.box(middle, half, parts.material(facade), angle + rng.normal(0, 0.3), casts=False)
