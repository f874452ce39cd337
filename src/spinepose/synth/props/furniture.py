"""Furniture that stands in the way: the origin on the floor, below the middle.

A desk or counter is used from its -y side.
"""

from __future__ import annotations

import numpy as np

from spinepose.synth.mesh import Mesh, joined
from spinepose.synth.props import palette
from spinepose.synth.props.shapes import (
    ball,
    box,
    faceted,
    frustum,
    grounded,
    lathe,
    leaves,
    rod,
    rounded_box,
    tube,
)

__all__ = ["bush", "counter", "desk", "partition", "potted_plant", "table"]


def table(rng: np.random.Generator) -> Mesh:
    """Return a table: 72 to 76 cm high, 1.1 to 1.8 m by 70 to 90 cm, or round and 70 to 110 cm."""
    high, top = rng.uniform(0.72, 0.76), palette.pick(rng, wood=0.7, pale=0.2, dark=0.1)
    frame = palette.pick(rng, wood=0.4, metal=0.2, dark=0.4)
    if rng.uniform() < 0.3:
        radius = rng.uniform(0.35, 0.55)
        foot = 0.55 * radius
        plate = lathe(
            [(radius - 0.006, high - 0.03), (radius, high - 0.02), (radius, high)], top, 28
        )
        stand = lathe(
            [(foot, 0.0), (foot, 0.015), (0.06, 0.05), (0.035, 0.12), (0.035, high - 0.03)],
            frame,
            16,
        )
        return joined([plate, stand])
    wide, deep = rng.uniform(1.1, 1.8), rng.uniform(0.7, 0.9)
    leg = rng.uniform(0.04, 0.07)
    parts = [rounded_box((wide, deep, 0.03), 0.006, (0, 0, high - 0.015), top)]
    for sx in (-1, 1):
        for sy in (-1, 1):
            base = (sx * (wide / 2 - 0.07), sy * (deep / 2 - 0.07), 0.0)
            parts.append(frustum((0.7 * leg, 0.7 * leg), (leg, leg), high - 0.03, base, frame))
    parts += [
        box((wide - 0.16, 0.02, 0.08), (0, s * (deep / 2 - 0.07), high - 0.07), frame)
        for s in (-1, 1)
    ]
    parts += [
        box((0.02, deep - 0.16, 0.08), (s * (wide / 2 - 0.07), 0, high - 0.07), frame)
        for s in (-1, 1)
    ]
    return joined(parts)


def desk(rng: np.random.Generator) -> Mesh:
    """Return a desk with a monitor and keyboard: 72 to 76 cm high, or 95 to 115 cm to stand at.

    1.2 to 1.8 m by 60 to 80 cm (EN 527); monitor of 24 to 32 inches.
    """
    high = rng.uniform(0.72, 0.76) if rng.uniform() < 0.75 else rng.uniform(0.95, 1.15)
    wide, deep = rng.uniform(1.2, 1.8), rng.uniform(0.6, 0.8)
    top, frame = (
        palette.pick(rng, wood=0.6, pale=0.4),
        palette.pick(rng, metal=0.5, dark=0.4, pale=0.1),
    )
    parts = [rounded_box((wide, deep, 0.028), 0.005, (0, 0, high - 0.014), top)]
    for side in (-1, 1):
        x = side * (wide / 2 - 0.12)
        parts.append(box((0.07, deep - 0.05, 0.03), (x, 0, 0.015), frame))
        parts.append(box((0.07, 0.07, high - 0.03), (x, 0.1, high / 2), frame))
    if rng.uniform() < 0.5:
        drawers = np.array([0.4, deep - 0.12, 0.55])
        x = -wide / 2 + 0.36
        parts.append(box(drawers, (x, 0, 0.06 + 0.275), frame))
        for z in (0.16, 0.34, 0.52):
            parts.append(
                box((0.37, 0.01, 0.15), (x, -drawers[1] / 2, z), palette.shade(frame, 0.75))
            )
            parts.append(
                box((0.12, 0.02, 0.012), (x, -drawers[1] / 2 - 0.01, z + 0.03), palette.dark(rng))
            )
    size = rng.uniform(0.53, 0.71)
    return joined(
        [*parts, _monitor(rng, size, high, 0.2 * deep), *_keyboard(rng, high, -0.2 * deep)]
    )


def _monitor(rng: np.random.Generator, wide: float, base: float, y: float) -> Mesh:
    """Return a monitor of a width (m) on its foot at height ``base``, seen from -y."""
    shell, tall = palette.pick(rng, dark=0.8, metal=0.2), wide * 0.58
    lit = palette.hsv(rng.uniform(), rng.uniform(0.1, 0.6), rng.uniform(0.08, 0.95))
    middle = base + 0.1 + tall / 2
    return joined(
        [
            rounded_box((wide, 0.035, tall), 0.01, (0, y, middle), shell),
            box((wide - 0.025, 0.002, tall - 0.03), (0, y - 0.0175, middle + 0.003), lit),
            box((0.24, 0.18, 0.012), (0, y + 0.03, base + 0.006), shell),
            rod((0, y + 0.04, base), (0, y + 0.025, middle), 0.02, shell),
        ]
    )


def _keyboard(rng: np.random.Generator, base: float, y: float) -> list[Mesh]:
    """Return a keyboard, a mouse and a cup on a desk of height ``base``."""
    paint = palette.pick(rng, dark=0.7, pale=0.3)
    mug = palette.bright(rng)
    wall = [(0.035, 0.0), (0.04, 0.09), (0.036, 0.09), (0.034, 0.07), (0.0, 0.07)]
    spot = (rng.uniform(-0.5, -0.35), y + 0.05, base)
    return [
        rounded_box((0.43, 0.14, 0.02), 0.005, (-0.05, y, base + 0.01), paint),
        box((0.41, 0.12, 0.004), (-0.05, y, base + 0.02), palette.shade(paint, 0.6)),
        rounded_box((0.06, 0.1, 0.035), 0.015, (0.27, y, base + 0.017), paint),
        lathe(wall, mug, 12).moved(np.eye(3), spot),
    ]


def counter(rng: np.random.Generator) -> Mesh:
    """Return a counter with cupboard doors: 86 to 110 cm high, 1.2 to 2.6 m wide, 60 cm deep."""
    high, wide, deep = rng.uniform(0.86, 1.10), rng.uniform(1.2, 2.6), rng.uniform(0.55, 0.65)
    front, top = (
        palette.pick(rng, pale=0.4, wood=0.4, cloth=0.2),
        palette.pick(rng, dark=0.4, wood=0.4, pale=0.2),
    )
    parts = [
        box((wide, deep - 0.1, 0.1), (0, 0, 0.05), palette.dark(rng)),
        box(
            (wide, deep - 0.04, high - 0.14),
            (0, 0, 0.1 + (high - 0.14) / 2),
            palette.shade(front, 0.7),
        ),
        rounded_box((wide + 0.04, deep + 0.03, 0.04), 0.008, (0, 0, high - 0.02), top),
    ]
    doors = max(2, round(wide / 0.5))
    each, knob = wide / doors, palette.metal(rng)
    for side in (-1, 1):
        for index in range(doors):
            x, y = (index + 0.5) * each - wide / 2, side * (deep / 2 - 0.01)
            parts.append(
                rounded_box(
                    (each - 0.015, 0.02, high - 0.17), 0.005, (x, y, high / 2 + 0.03), front
                )
            )
            parts.append(box((0.12, 0.02, 0.012), (x, y + side * 0.02, high - 0.12), knob))
    return joined(parts)


def partition(rng: np.random.Generator) -> Mesh:
    """Return a screen of two to four panels in a zigzag: 1.2 to 1.9 m high, panels 45 to 60 cm."""
    high, each, count = rng.uniform(1.2, 1.9), rng.uniform(0.45, 0.60), int(rng.integers(2, 5))
    frame, fill = (
        palette.pick(rng, wood=0.5, metal=0.2, dark=0.3),
        palette.pick(rng, cloth=0.6, pale=0.4),
    )
    angle = np.radians(rng.uniform(10, 25))
    parts = []
    for index in range(count):
        turn = angle if index % 2 == 0 else -angle
        panel = joined(
            [
                box((each - 0.05, 0.015, high - 0.16), (0, 0, high / 2 + 0.04), fill),
                box((each, 0.03, 0.05), (0, 0, high - 0.025), frame),
                box((each, 0.03, 0.05), (0, 0, 0.10), frame),
                box((each, 0.03, 0.03), (0, 0, 0.55 * high), frame),
                *[
                    box((0.03, 0.03, high), (s * (each / 2 - 0.015), 0, high / 2), frame)
                    for s in (-1, 1)
                ],
            ]
        )
        matrix = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
        parts.append(panel.moved(matrix, ((index - (count - 1) / 2) * each * np.cos(angle), 0, 0)))
    return joined(parts)


def potted_plant(rng: np.random.Generator) -> Mesh:
    """Return a plant in a pot: pot 25 to 40 cm, 0.7 to 1.7 m high altogether."""
    pot_high, radius = rng.uniform(0.25, 0.40), rng.uniform(0.13, 0.2)
    clay = palette.pick(rng, wood=0.4, pale=0.3, dark=0.3)
    soil = palette.hsv(0.07, 0.5, 0.15)
    wall = [
        (0.72 * radius, 0.0),
        (0.95 * radius, 0.85 * pot_high),
        (radius, 0.85 * pot_high),
        (radius, pot_high),
    ]
    wall += [
        (0.9 * radius, pot_high),
        (0.88 * radius, 0.93 * pot_high),
        (0.88 * radius, 0.93 * pot_high),
        (0, 0.93 * pot_high),
    ]
    pot = lathe(wall, [clay] * 6 + [soil] * 2, 18)
    rise = rng.uniform(0.4, 1.3)
    tall = bool(rng.uniform() < 0.5)
    count, green = int(rng.integers(45, 90)), palette.leaf(rng)
    angle = np.arange(count) * 2.4 + rng.uniform(0, 0.5, count)
    part = np.sqrt(np.linspace(0.05, 1.0, count)) if not tall else np.linspace(0.15, 1.0, count)
    stem = np.column_stack(
        [
            0.04 * np.sin(4 * part),
            0.04 * np.cos(3 * part),
            pot_high + rise * part * (0.9 if tall else 0.2),
        ]
    )
    lift = rng.uniform(0.1, 0.6, count) if tall else (1.25 - part) * rise
    length = (
        rng.uniform(0.16, 0.3, count) * (1.3 - 0.6 * part) if tall else rise * (0.35 + 0.3 * part)
    )
    reach = np.column_stack(
        [np.cos(angle), np.sin(angle), lift / (1.0 if tall else max(rise * 0.4, 0.2))]
    )
    reach *= (length / np.linalg.norm(reach, axis=1))[:, None]
    blade = leaves(
        stem,
        stem + reach,
        length * (0.5 if tall else 0.25),
        palette.varied(rng, green, count, 0.35),
    )
    trunk = tube(
        [(0.0, 0.0, 0.9 * pot_high), *stem[:: max(1, count // 6)]],
        0.012,
        palette.wood(rng),
        sides=5,
    )
    return joined([pot, blade, trunk])


def bush(rng: np.random.Generator) -> Mesh:
    """Return a bush of dark clumps under leaves: 0.6 to 1.3 m high and 0.7 to 1.6 m wide."""
    high, wide = rng.uniform(0.5, 1.2), rng.uniform(0.28, 0.48)
    green = palette.leaf(rng)
    count, leaf_count = 5, 172
    angle = np.arange(count) * 2.4 + rng.uniform(0, 6)
    spread = np.array((0.55, 0.55, 0.5, 0.3, 0.1)) * wide
    lift = np.array((0.27, 0.3, 0.33, 0.52, 0.68)) * high
    centers = np.column_stack([spread * np.cos(angle), spread * np.sin(angle), lift])
    size = np.array((0.6 * wide, 0.6 * wide, 0.31 * high))
    parts = []
    for center in centers:
        clump = ball(1.0, splits=0)
        points = clump.vertices * rng.uniform(0.85, 1.05, (len(clump.vertices), 1)) * size + center
        paint = palette.varied(rng, palette.shade(green, 0.3), len(points), 0.3)
        parts.append(
            faceted(Mesh(points.astype(np.float32), clump.faces, paint.astype(np.float32)))
        )
    away = rng.normal(size=(leaf_count, 3)) + np.array((0.0, 0.0, 0.35))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    heart = centers[np.arange(leaf_count) % count]
    middle = np.array((0.0, 0.0, 0.4 * high))
    outward = heart + away * size - middle
    away = np.where(np.sum(outward * away, axis=1, keepdims=True) < 0.0, -away, away)
    roots = heart + 0.92 * away * size
    sideways = rng.normal(0, 0.7, (leaf_count, 3)) - (0.0, 0.0, 0.35)
    tips = roots + (0.4 * away + sideways) * rng.uniform(0.12, 0.22, (leaf_count, 1)) * (0.5 + wide)
    roots[:, 2], tips[:, 2] = np.maximum(roots[:, 2], 0.06), np.maximum(tips[:, 2], 0.06)
    colors = palette.varied(rng, green, leaf_count, 0.4)
    parts.append(leaves(roots, tips, rng.uniform(0.09, 0.13, leaf_count), colors, away))
    return grounded(joined(parts))
