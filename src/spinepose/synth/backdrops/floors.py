"""Materials and markings of floors and grounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spinepose.synth.backdrops import markings
from spinepose.synth.backdrops.materials import (
    Material,
    hsv,
    neutral,
    painted,
    strong,
    tinted,
    wood,
)
from spinepose.synth.backdrops.scene import Parts

__all__ = ["INDOOR_FLOORS", "OUTDOOR_GROUNDS"]

Floor = Callable[[Parts, np.random.Generator], Material]

_WHITE = (0.75, 0.75, 0.73)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1000))


def _polish(rng: np.random.Generator) -> float:
    """Return how much a floor mirrors; half of all floors do not."""
    return max(0.0, rng.uniform(-0.06, 0.06))


def _shifted(rng: np.random.Generator, reach: float = 2.0) -> tuple[float, float]:
    """Return a random point of the ground, so that lines are anywhere under the people."""
    x, y = rng.uniform(-reach, reach, 2)
    return float(x), float(y)


def planks(parts: Parts, rng: np.random.Generator) -> Material:
    """Return parquet or boards, sometimes with a rug."""
    color = wood(rng)
    if rng.uniform() < 0.5:
        middle, half = _shifted(rng), (rng.uniform(0.8, 2.0), rng.uniform(0.6, 1.5))
        outer, turn = tinted(rng), rng.uniform(0, 3)
        parts.marks.append(markings.area(middle, half, outer, 1.0, turn))
        inner = (half[0] - 0.15, half[1] - 0.15)
        parts.marks.append(markings.area(middle, inner, tinted(rng), 0.9, turn))
    size = (rng.uniform(0.5, 2.0), rng.uniform(0.06, 0.2))
    tone = rng.uniform(0.55, 0.85)
    return Material(
        "grid", color, color * tone, color * 0.3, size, 0.004, -1.0, rng.uniform(0.4, 1.0),
        rng.uniform(0.15, 0.4), 45.0, 16.0, _seed(rng), _polish(rng), stains=0.08,
    )  # fmt: skip


def tiles(parts: Parts, rng: np.random.Generator) -> Material:
    """Return square tiles or slabs."""
    color = neutral(rng, 0.35, 0.95)
    size = rng.uniform(0.15, 0.8)
    joint = color * rng.choice([0.35, 0.6, 1.3])
    return Material(
        "grid", color, color * rng.uniform(0.7, 1.0), joint, (size, size),
        rng.uniform(0.004, 0.015), 0.0, rng.uniform(0.1, 0.7), 0.12, 6.0, 1.0, _seed(rng),
        _polish(rng), stains=0.12,
    )  # fmt: skip


def chess(parts: Parts, rng: np.random.Generator) -> Material:
    """Return a chessboard of stone or linoleum."""
    size = rng.uniform(0.4, 1.2)
    return Material(
        "checker", neutral(rng, 0.6, 0.95), neutral(rng, 0.08, 0.5), size=(size, size), noise=0.15,
        scale=5.0, seed=_seed(rng), gloss=rng.uniform(0.0, 0.06), stains=0.1,
    )  # fmt: skip


def carpet(parts: Parts, rng: np.random.Generator) -> Material:
    """Return carpet."""
    color = tinted(rng) * rng.uniform(0.5, 1.0)
    return Material(
        "mottle", color, color * rng.uniform(0.4, 0.8), size=(rng.uniform(0.1, 1.5), 1.0),
        variation=rng.uniform(0.1, 0.7), noise=rng.uniform(0.1, 0.4), scale=90.0, seed=_seed(rng),
    )  # fmt: skip


def concrete(parts: Parts, rng: np.random.Generator) -> Material:
    """Return smooth concrete or screed."""
    color = neutral(rng, 0.4, 0.8)
    return Material(
        "mottle", color, color * 0.65, size=(rng.uniform(0.7, 2.5), 1.0), variation=0.45,
        noise=0.12, scale=25.0, seed=_seed(rng), gloss=_polish(rng), stains=0.2,
    )  # fmt: skip


def gym(parts: Parts, rng: np.random.Generator) -> Material:
    """Return a sports hall: boards or coloured flooring with the lines of several courts."""
    board = rng.uniform() < 0.6
    color = wood(rng) if board else painted(rng)
    if rng.uniform() < 0.6:
        half = (rng.uniform(2, 5), rng.uniform(2, 6))
        parts.marks.append(markings.area(_shifted(rng, 4), half, painted(rng), 0.9))
    for _ in range(int(rng.integers(1, 4))):
        paint = np.asarray(_WHITE) if rng.uniform() < 0.4 else strong(rng)
        x, y = _shifted(rng, 3)
        wide, long = rng.uniform(2.5, 7.5), rng.uniform(4, 12)
        corners = [(x - wide, y - long), (x + wide, y - long), (x + wide, y + long)]
        corners = [*corners, (x - wide, y + long)]
        for k in range(4):
            parts.marks.append(markings.line(corners[k], corners[(k + 1) % 4], 0.05, paint))
        parts.marks.append(markings.line((x - wide, y), (x + wide, y), 0.05, paint))
        if rng.uniform() < 0.7:
            parts.marks.append(markings.ring((x, y), rng.uniform(1.2, 3), 0.05, paint))
    return Material(
        "grid", color, color * 0.8, color * 0.6, (2.0, 0.09) if board else (40.0, 40.0), 0.003,
        -1.0, 0.5, 0.12, 40.0, 14.0, _seed(rng), rng.uniform(0.02, 0.09), stains=0.06,
    )  # fmt: skip


def mats(parts: Parts, rng: np.random.Generator) -> Material:
    """Return mats of a dojo or of gymnastics."""
    a, b = painted(rng), painted(rng)
    if rng.uniform() < 0.5:
        b = a * rng.uniform(0.5, 0.9)
    joint = a * 0.25
    size = (rng.choice([1.0, 1.0, 2.0]), 1.0)
    return Material("grid", a, b, joint, size, 0.012, 0.5, 1.4, 0.1, 30.0, 1.0, _seed(rng))


def grass(parts: Parts, rng: np.random.Generator) -> Material:
    """Return grass, wild or mown, sometimes with the lines of a pitch."""
    hue = rng.uniform(0.17, 0.31)
    color = hsv(hue, rng.uniform(0.45, 0.75), rng.uniform(0.35, 0.6))
    other = hsv(hue - rng.uniform(0.0, 0.08), rng.uniform(0.35, 0.6), rng.uniform(0.25, 0.6))
    if rng.uniform() < 0.4:
        x, y = _shifted(rng, 2)
        parts.marks.append(markings.line((x, y - 40), (x, y + 40), 0.11, _WHITE))
        parts.marks.append(markings.line((x, y), (x + 60, y), 0.11, _WHITE))
        parts.marks.append(markings.ring((x, y + 2), rng.uniform(4, 9), 0.11, _WHITE))
        return Material(
            "mottle", color, color * 0.75, size=(0.6, 1.0), variation=1.0, noise=0.7, scale=14.0,
            seed=_seed(rng), stains=0.25,
        )  # fmt: skip
    return Material(
        "mottle", color, other, size=(rng.uniform(0.5, 3.0), 1.0), variation=rng.uniform(0.9, 1.8),
        noise=rng.uniform(0.6, 1.0), scale=rng.uniform(7, 22), seed=_seed(rng), stains=0.4,
    )  # fmt: skip


def sand(parts: Parts, rng: np.random.Generator) -> Material:
    """Return sand, earth or gravel."""
    color = hsv(rng.uniform(0.05, 0.12), rng.uniform(0.15, 0.5), rng.uniform(0.45, 0.85))
    return Material(
        "mottle", color, color * rng.uniform(0.5, 0.8), size=(rng.uniform(0.4, 2.0), 1.0),
        variation=1.3, noise=rng.uniform(0.3, 0.8), scale=rng.uniform(6, 30), seed=_seed(rng),
        stains=0.35,
    )  # fmt: skip


def snow(parts: Parts, rng: np.random.Generator) -> Material:
    """Return snow."""
    return Material(
        "mottle", hsv(0.6, 0.03, 0.95), hsv(0.6, 0.12, 0.85), size=(rng.uniform(0.5, 2.5), 1.0),
        variation=1.0, noise=0.16, scale=7.0, seed=_seed(rng), stains=0.18,
    )  # fmt: skip


def asphalt(parts: Parts, rng: np.random.Generator) -> Material:
    """Return a road or a car park."""
    color = neutral(rng, 0.28, 0.55)
    x, y = _shifted(rng)
    paint = np.asarray(_WHITE) if rng.uniform() < 0.75 else hsv(0.13, 0.8, 0.8)
    if rng.uniform() < 0.5:
        dash = rng.choice([0.0, 2.0, 3.0])
        parts.marks.append(markings.line((x, -90), (x, 90), 0.13, paint, dash))
        parts.marks.append(markings.line((x + 3.4, -90), (x + 3.4, 90), 0.15, paint))
    elif rng.uniform() < 0.7:
        for k in range(6):
            begin = (x + 2.5 * k - 6, y)
            parts.marks.append(markings.line(begin, (begin[0], y + 5), 0.11, paint))
    return Material(
        "mottle", color, color * 0.7, size=(rng.uniform(0.8, 3), 1.0), variation=1.0, noise=0.6,
        scale=30.0, seed=_seed(rng), stains=0.4,
    )  # fmt: skip


def track(parts: Parts, rng: np.random.Generator) -> Material:
    """Return the lanes of a running track, with grass beside them."""
    hue = rng.choice([0.02, 0.03, 0.58])
    color = hsv(hue, rng.uniform(0.5, 0.7), rng.uniform(0.45, 0.65))
    begin = rng.uniform(-5.5, -1.0)
    green = hsv(0.26, 0.55, 0.42)
    parts.marks.append(markings.area((0, begin - 50), (200, 50), green, 0.85))
    parts.marks.append(markings.lanes(begin, 1.22, 0.05, _WHITE, 9))
    if rng.uniform() < 0.5:
        x = rng.uniform(-3, 3)
        parts.marks.append(markings.line((x, begin), (x, begin + 9.8), 0.08, _WHITE))
    return Material(
        "mottle", color, color * 0.8, size=(1.5, 1.0), variation=0.3, noise=0.22, scale=70.0,
        seed=_seed(rng), stains=0.12,
    )  # fmt: skip


def paving(parts: Parts, rng: np.random.Generator) -> Material:
    """Return paving stones, a deck or setts."""
    color = neutral(rng, 0.35, 0.75) if rng.uniform() < 0.7 else wood(rng)
    size = [(0.2, 0.1), (0.4, 0.4), (0.6, 0.3), (3.0, 0.14), (0.12, 0.12)][int(rng.integers(5))]
    return Material(
        "grid", color, color * 0.65, color * 0.3, size, 0.008, 0.5, 1.0, 0.25, 25.0, 1.0,
        _seed(rng), stains=0.2,
    )  # fmt: skip


def court(parts: Parts, rng: np.random.Generator) -> Material:
    """Return an outdoor court of one or two colours with lines."""
    gym(parts, rng)
    color = painted(rng)
    return Material(
        "mottle", color, color * 0.85, size=(2.0, 1.0), variation=0.3, noise=0.2, scale=60.0,
        seed=_seed(rng), stains=0.12,
    )  # fmt: skip


INDOOR_FLOORS: dict[str, Floor] = {
    "planks": planks,
    "tiles": tiles,
    "chess": chess,
    "carpet": carpet,
    "concrete": concrete,
    "gym": gym,
    "mats": mats,
}
OUTDOOR_GROUNDS: dict[str, Floor] = {
    "grass": grass,
    "meadow": grass,
    "sand": sand,
    "snow": snow,
    "asphalt": asphalt,
    "track": track,
    "paving": paving,
    "court": court,
}
