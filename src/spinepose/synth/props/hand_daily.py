"""Everyday things held in one hand.

The grip's centre is the origin and the fist closes about the z axis, thumb side up (+z). The palm
faces +x; a right hand's outstretched fingers point to -y (for a left hand mirror y).
"""

from __future__ import annotations

import numpy as np

from spinepose.synth.mesh import Mesh, joined
from spinepose.synth.props import palette
from spinepose.synth.props.shapes import (
    box,
    frustum,
    lathe,
    rod,
    rods,
    rounded_box,
    sheet,
    tube,
)

__all__ = [
    "bottle",
    "cup",
    "phone",
    "shopping_bag",
    "tablet",
    "tray",
    "umbrella",
    "walking_stick",
]


def bottle(rng: np.random.Generator) -> Mesh:
    """Return a bottle with a label: 20 to 30 cm high, 6 to 8 cm thick (0.5 to 1 l)."""
    height, radius = rng.uniform(0.20, 0.30), rng.uniform(0.030, 0.040)
    body = palette.pick(rng, bright=0.4, pale=0.2, metal=0.2, dark=0.2)
    label, lid = palette.pick(rng, bright=0.6, pale=0.4), palette.pick(rng, bright=0.6, dark=0.4)
    low, neck = -0.42 * height, rng.uniform(0.35, 0.6) * radius
    rise = (
        np.array([0.0, 0.02, 0.25, 0.25, 0.6, 0.6, 0.68, 0.84, 0.9, 0.9, 0.9, 1.0]) * height + low
    )
    wide = (
        np.array([0.85, 1, 1, 1.01, 1.01, 1, 1, neck / radius, neck / radius, 0.0, 0.0, 0.0])
        * radius
    )
    wide[9:] = neck + 0.003
    colors = [body] * 3 + [label] * 2 + [body] * 4 + [lid] * 3
    return lathe(np.column_stack([wide, rise]), colors, 14)


def cup(rng: np.random.Generator) -> Mesh:
    """Return a paper cup or a mug without handle: 9 to 15 cm high, 7 to 9 cm wide."""
    height, top = rng.uniform(0.09, 0.15), rng.uniform(0.035, 0.045)
    low, base = -height / 2.0, top * rng.uniform(0.65, 0.95)
    outside, band = palette.pick(rng, pale=0.6, bright=0.4), palette.pick(rng, bright=0.4, wood=0.6)
    inside = palette.hsv(0.07, 0.6, rng.uniform(0.2, 0.9))
    part = [base + k * (top - base) for k in (0.0, 0.25, 0.75, 1.0)]
    profile = [
        (part[0], low),
        (part[1], low + 0.25 * height),
        (part[1] + 0.001, low + 0.25 * height),
    ]
    profile += [(part[2] + 0.001, low + 0.75 * height), (part[2], low + 0.75 * height)]
    profile += [
        (top, -low),
        (top - 0.003, -low),
        (top - 0.004, -low - 0.012),
        (top - 0.004, -low - 0.012),
    ]
    profile += [(0.0, -low - 0.012)]
    colors = [outside] * 2 + [band] * 2 + [outside] * 4 + [inside] * 2
    return lathe(profile, colors, 14)


def phone(rng: np.random.Generator) -> Mesh:
    """Return a phone, its screen toward +x: 14 to 17 cm by 6.7 to 7.8 cm by 8 to 11 mm."""
    size = np.array([rng.uniform(0.008, 0.011), rng.uniform(0.067, 0.078), rng.uniform(0.14, 0.17)])
    center = (0.0, 0.0, 0.25 * size[2])
    case = rounded_box(size, 0.004, center, palette.pick(rng, dark=0.5, bright=0.3, pale=0.2))
    lit = palette.hsv(rng.uniform(), rng.uniform(0.1, 0.5), rng.uniform(0.05, 0.95))
    screen = box((0.001, size[1] - 0.01, size[2] - 0.012), (size[0] / 2, 0, center[2]), lit)
    lens = box(
        (0.003, 0.026, 0.03),
        (-size[0] / 2, 0.3 * size[1], center[2] + 0.36 * size[2]),
        palette.dark(rng),
    )
    return joined([case, screen, lens])


def tablet(rng: np.random.Generator) -> Mesh:
    """Return a tablet or clipboard held at the middle of one edge, its face toward +x.

    20 to 29 cm (along z) by 13 to 21.5 cm (toward -y).
    """
    size = np.array([0.008, rng.uniform(0.13, 0.215), rng.uniform(0.20, 0.29)])
    center = (0.0, 0.03 - size[1] / 2.0, 0.0)
    case = rounded_box(size, 0.003, center, palette.pick(rng, dark=0.5, bright=0.2, wood=0.3))
    paper = palette.pick(rng, pale=0.6, dark=0.2, bright=0.2)
    face = box((0.001, size[1] - 0.025, size[2] - 0.03), (0.004, center[1], 0.0), paper)
    lines = [
        box(
            (0.001, size[1] * rng.uniform(0.4, 0.75), 0.004),
            (0.0045, center[1], z),
            palette.shade(paper, 0.3),
        )
        for z in np.linspace(-0.35, 0.35, 7) * size[2]
    ]
    return joined([case, face, *lines])


def tray(rng: np.random.Generator) -> Mesh:
    """Return a tray lying on the palm, its upper side toward +x, with cups on it.

    Round, 32 to 42 cm wide, or 45 by 32 cm; the palm's centre is the origin.
    """
    paint = palette.pick(rng, metal=0.4, wood=0.3, dark=0.3)
    wide = rng.uniform(0.16, 0.21)
    if rng.uniform() < 0.5:
        rim = [
            (0.9 * wide, 0.0),
            (wide, 0.025),
            (wide - 0.004, 0.025),
            (0.88 * wide, 0.006),
            (0.0, 0.006),
        ]
        board = lathe(rim, paint, 24)
    else:
        long, deep = 2.1 * wide, 1.55 * wide
        board = rounded_box((deep, long, 0.008), 0.003, (0, 0, 0.004), paint)
        edges = [
            box((deep, 0.008, 0.03), (0, s * long / 2, 0.015), palette.shade(paint, 0.8))
            for s in (-1, 1)
        ]
        edges += [
            box((0.008, long, 0.03), (s * deep / 2, 0, 0.015), palette.shade(paint, 0.8))
            for s in (-1, 1)
        ]
        board = joined([board, *edges])
    angle = rng.uniform(0, 2 * np.pi)
    things = []
    for index in range(int(rng.integers(0, 4))):
        spot = 0.5 * wide * np.array((np.cos(angle + 2.1 * index), np.sin(angle + 2.1 * index)))
        things.append(cup(rng))
        lift = 0.006 - float(things[-1].vertices[:, 2].min())
        things[-1] = things[-1].moved(np.eye(3), (*spot, lift))
    flat = joined([board, *things])
    return flat.moved([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], (0.0, 0.0, 0.0))


def umbrella(rng: np.random.Generator) -> Mesh:
    """Return an open umbrella of 8 panels over the fist: 85 to 120 cm wide, 80 to 95 cm long."""
    reach, radius = rng.uniform(0.62, 0.75), rng.uniform(0.43, 0.60)
    depth = radius * rng.uniform(0.38, 0.5)
    first = palette.cloth(rng)
    second = palette.cloth(rng) if rng.uniform() < 0.4 else first
    angle = np.arange(16) * (np.pi / 8)
    bow = np.array([0.0, 0.4, 0.75, 1.0])
    sag = np.where(np.arange(16) % 2 == 0, 1.0, 0.93)
    panels = []
    for start in range(0, 16, 2):
        spokes = [start, start + 1, (start + 2) % 16]
        flat = radius * bow[:, None] * sag[spokes]
        drop = reach - depth * bow[:, None] ** 2 * np.array([1.0, 0.9, 1.0])
        grid = np.stack([flat * np.cos(angle[spokes]), flat * np.sin(angle[spokes]), drop], axis=-1)
        panels.append(sheet(grid, (0.0, 0.0, -0.002), first if start % 4 == 0 else second))
    steel = palette.metal(rng)
    ribs = rods(
        [
            (
                (0, 0, reach - 0.28 * depth - 0.1),
                (0.62 * radius * np.cos(a), 0.62 * radius * np.sin(a), reach - 0.42 * depth),
            )
            for a in angle[::2]
        ],
        0.002,
        steel,
    )
    shaft = rod((0, 0, -0.02), (0, 0, reach + 0.06), 0.005, steel, sides=6)
    return joined([*panels, ribs, shaft, _crook(rng, -0.06)])


def _crook(rng: np.random.Generator, low: float) -> Mesh:
    """Return an umbrella's handle round the origin, straight or bent to a hook below ``low``."""
    paint = palette.pick(rng, wood=0.6, dark=0.4)
    if rng.uniform() < 0.5:
        return lathe([(0.012, -0.07), (0.015, -0.06), (0.013, 0.06), (0.008, 0.07)], paint, 8)
    bend = np.radians(np.linspace(0, 180, 7))
    hook = np.column_stack([0 * bend, 0.035 * (1 - np.cos(bend)), low - 0.035 * np.sin(bend)])
    return tube([(0, 0, 0.07), *hook, (0, 0.07, low + 0.02)], 0.011, paint)


def walking_stick(rng: np.random.Generator) -> Mesh:
    """Return a walking stick below the fist: a pole for hiking or a cane with its handle on top.

    Canes 86 to 97 cm, poles 1.05 to 1.35 m; the tip is at -z.
    """
    if rng.uniform() < 0.5:
        length = rng.uniform(1.05, 1.35)
        grip = lathe(
            [(0.017, -0.08), (0.013, -0.03), (0.014, 0.04), (0.019, 0.07), (0.012, 0.085)],
            palette.dark(rng),
            8,
        )
        paint = palette.pick(rng, bright=0.6, metal=0.4)
        low = 0.08 - length
        upper = rod((0, 0, -0.07), (0, 0, low / 2), 0.009, paint)
        lower = rod((0, 0, low / 2), (0, 0, low), 0.007, palette.metal(rng), 0.004)
        basket = rod((0, 0, low + 0.06), (0, 0, low + 0.07), 0.03, palette.dark(rng), sides=10)
        return joined([grip, upper, lower, basket])
    length, paint = rng.uniform(0.86, 0.97), palette.pick(rng, wood=0.7, dark=0.3)
    bend = np.radians(np.linspace(0, 180, 7))
    hook = np.column_stack([0 * bend, 0.05 * (1 - np.cos(bend)), 0.03 + 0.05 * np.sin(bend)])
    cane = tube([(0, 0, 0.05 - length), (0, 0, -0.1), *hook, (0, 0.1, 0.0)], 0.0105, paint, sides=8)
    foot = rod((0, 0, 0.03 - length), (0, 0, 0.07 - length), 0.015, palette.dark(rng))
    return joined([cane, foot])


def shopping_bag(rng: np.random.Generator) -> Mesh:
    """Return a shopping bag: handles through the fist along z, the bag hanging toward -y.

    30 to 42 cm wide, 28 to 42 cm high, 10 to 20 cm deep, handles 10 to 25 cm long.
    """
    wide, high, deep = rng.uniform(0.30, 0.42), rng.uniform(0.28, 0.42), rng.uniform(0.10, 0.20)
    drop = rng.uniform(0.10, 0.25)
    paint, strap = (
        palette.pick(rng, pale=0.3, wood=0.3, cloth=0.4),
        palette.pick(rng, dark=0.5, pale=0.5),
    )
    low, flare = -drop - high, rng.uniform(0.85, 1.0)
    body = frustum((wide, deep), (flare * wide, 0.75 * deep), high, (0, 0, low), paint)
    mouth = frustum(
        (0.97 * flare * wide, 0.66 * deep),
        (0.97 * flare * wide, 0.66 * deep),
        0.002,
        (0, 0, -drop),
        palette.shade(paint, 0.25),
    )
    across = [wide * (1.0 - part * (1.0 - flare)) + 0.004 for part in (0.3, 0.6)]
    through = [deep * (1.0 - 0.25 * part) + 0.004 for part in (0.3, 0.6)]
    band = frustum(
        (across[0], through[0]),
        (across[1], through[1]),
        0.3 * high,
        (0, 0, low + 0.3 * high),
        palette.cloth(rng),
    )
    handles = []
    for side in (-1, 1):
        arc = np.linspace(0, np.pi, 9)
        line = np.column_stack(
            [
                0.2 * wide * np.cos(arc),
                side * 0.33 * deep * (1 - np.sin(arc)),
                (drop + 0.01) * np.sin(arc) ** 0.7 - drop - 0.01,
            ]
        )
        handles.append(tube(line, 0.006, strap))
    upright = joined([body, mouth, band, *handles])
    return upright.moved([[0, 1, 0], [0, 0, 1], [1, 0, 0]], (0.0, 0.0, 0.0))
