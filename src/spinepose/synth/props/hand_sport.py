"""Things for sport and exercise held in one hand.

The grip's centre is the origin and the fist closes about the z axis, thumb side up (+z). The palm
faces +x; a right hand's outstretched fingers point to -y (for a left hand mirror y).
"""

from __future__ import annotations

import numpy as np

from spinepose.synth.mesh import Mesh, joined
from spinepose.synth.props import palette
from spinepose.synth.props.shapes import (
    along,
    ball,
    box,
    capsule,
    circle,
    curve,
    ellipsoid,
    faceted,
    hull,
    lathe,
    patch,
    rod,
    rods,
    rounded_box,
    sweep,
    tube,
    turned,
)

__all__ = [
    "badminton_racket",
    "baseball_bat",
    "cricket_bat",
    "dumbbell",
    "hockey_stick",
    "kettlebell",
    "sports_ball",
    "sword",
    "tennis_racket",
]


def _strings(
    width: float, height: float, center: float, spacing: float, color: palette.Color
) -> Mesh:
    """Return strings in the yz plane within an oval of outer width and height (m)."""
    half_w, half_h = width / 2.0, height / 2.0
    across = np.arange(-half_w + spacing, half_w - spacing / 2.0, spacing)
    above = np.arange(-half_h + spacing, half_h - spacing / 2.0, spacing)
    reach_z = half_h * np.sqrt(1.0 - (across / half_w) ** 2)
    reach_y = half_w * np.sqrt(1.0 - (above / half_h) ** 2)
    mains = [((0, y, center - r), (0, y, center + r)) for y, r in zip(across, reach_z, strict=True)]
    crosses = [
        ((0, -r, center + z), (0, r, center + z)) for z, r in zip(above, reach_y, strict=True)
    ]
    return rods(mains + crosses, 0.0009, color)


def tennis_racket(rng: np.random.Generator) -> Mesh:
    """Return a tennis racket whose strings face along x.

    68.5 to 70 cm long and 25 to 28 cm wide; ITF: at most 73.7 cm by 31.7 cm, its strings at most
    39.4 cm by 29.2 cm. The grip's centre is 10 cm above the butt.
    """
    length, width = rng.uniform(0.685, 0.70), rng.uniform(0.25, 0.28)
    height = width * rng.uniform(1.28, 1.36)
    frame, second = palette.pick(rng, bright=0.6, dark=0.4), palette.pick(rng, bright=0.5, pale=0.5)
    butt, top = -0.10, length - 0.10
    center = top - height / 2.0
    angle = np.linspace(0.0, 2.0 * np.pi, 28, endpoint=False)
    oval = np.column_stack(
        [
            0.0 * angle,
            (width / 2 - 0.006) * np.sin(angle),
            center - (height / 2 - 0.006) * np.cos(angle),
        ]
    )
    hoop_color = np.where(np.abs(np.cos(angle))[:, None] > 0.8, second, frame)
    hoop = sweep(oval, circle(1.0, 6) * (0.006, 0.011), hoop_color, up=(1, 0, 0), closed=True)
    handle_top = 0.10
    shafts = [
        tube(
            [(0, 0.006 * side, handle_top - 0.02), (0, 0.014 * side, 0.15)]
            + [
                (0, side * (width / 2 - 0.008) * np.sin(t), center - (height / 2) * np.cos(t))
                for t in (0.75, 0.95)
            ],
            0.009,
            frame,
        )
        for side in (-1.0, 1.0)
    ]
    grip_color = palette.pick(rng, dark=0.6, pale=0.3, bright=0.1)
    grip = lathe(
        [(0.019, butt), (0.019, butt + 0.015), (0.0155, butt + 0.03), (0.0155, handle_top)],
        grip_color,
        8,
    )
    strings = _strings(
        width - 0.012, height - 0.012, center, 0.02, palette.pick(rng, pale=0.7, bright=0.3)
    )
    return joined([hoop, *shafts, grip, strings])


def badminton_racket(rng: np.random.Generator) -> Mesh:
    """Return a badminton racket whose strings face along x.

    66 to 67.5 cm long, head about 20 cm by 26 cm; BWF: at most 68 cm by 23 cm, the strings at
    most 28 cm by 22 cm. The grip's centre is 9 cm above the butt.
    """
    length, width = rng.uniform(0.66, 0.675), rng.uniform(0.19, 0.21)
    height = width * rng.uniform(1.22, 1.3)
    frame, second = palette.bright(rng), palette.pick(rng, dark=0.5, pale=0.5)
    butt, top = -0.09, length - 0.09
    center = top - height / 2.0
    angle = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    oval = np.column_stack(
        [
            0.0 * angle,
            (width / 2 - 0.004) * np.sin(angle),
            center - (height / 2 - 0.004) * np.cos(angle),
        ]
    )
    hoop_color = np.where(np.cos(angle)[:, None] < -0.5, second, frame)
    hoop = sweep(oval, circle(0.0045, 5), hoop_color, up=(1, 0, 0), closed=True)
    shaft = rod((0, 0, 0.08), (0, 0, top - height + 0.004), 0.0036, second, sides=6)
    joint = rod((0, 0, 0.08), (0, 0, 0.11), 0.011, frame, 0.005, sides=8)
    grip = lathe([(0.0145, butt), (0.0125, butt + 0.02), (0.0125, 0.08)], palette.bright(rng), 8)
    strings = _strings(width - 0.008, height - 0.008, center, 0.015, palette.pale(rng))
    return joined([hoop, shaft, joint, grip, strings])


def baseball_bat(rng: np.random.Generator) -> Mesh:
    """Return a baseball bat.

    76 to 86 cm long and 5.7 to 6.6 cm thick; MLB: at most 106.7 cm by 6.63 cm. The grip's centre
    is 12 cm above the knob's end.
    """
    length, thick = rng.uniform(0.76, 0.86), rng.uniform(0.057, 0.066) / 2.0
    barrel = palette.pick(rng, wood=0.6, metal=0.15, bright=0.15, dark=0.1)
    grip = palette.pick(rng, wood=0.3, dark=0.5, bright=0.2)
    low = -0.12
    profile = [(0.012, low), (0.024, low + 0.006), (0.024, low + 0.014), (0.0125, low + 0.025)]
    profile += [(0.0125, 0.15), (0.0125, 0.15), (0.016, 0.25), (0.8 * thick, low + 0.55 * length)]
    profile += [
        (thick, low + 0.72 * length),
        (thick, low + length - 0.015),
        (0.7 * thick, low + length),
    ]
    return lathe(profile, [grip] * 5 + [barrel] * 6, 12)


def cricket_bat(rng: np.random.Generator) -> Mesh:
    """Return a cricket bat whose flat side faces +x.

    82 to 96 cm long; MCC Law 5: at most 96.52 cm, blade 10.8 cm wide and 6.7 cm deep. The grip's
    centre is 15 cm below the handle's end; the blade is on the +z side.
    """
    length, width = rng.uniform(0.82, 0.96), rng.uniform(0.10, 0.108)
    willow = palette.hsv(rng.uniform(0.09, 0.12), rng.uniform(0.25, 0.4), rng.uniform(0.8, 0.95))
    low, half = -0.15, width / 2.0
    blade_start, top = low + 0.33 * length, low + length
    section = np.array([(0.018, -half), (0.018, half), (0.0, half), (-0.03, 0.0), (0.0, -half)])
    rings = [
        np.column_stack([section * (deep, wide), np.full(5, z)])
        for z, deep, wide in (
            (blade_start, 0.6, 0.45),
            (blade_start + 0.07, 0.8, 1.0),
            (top - 0.15, 1.1, 1.0),
            (top - 0.02, 0.5, 1.0),
            (top, 0.4, 0.8),
        )
    ]
    blade = hull(np.concatenate(rings), willow)
    sticker = box((0.001, 0.7 * width, 0.12), (0.0192, 0, top - 0.3), palette.bright(rng))
    handle = rod((0, 0, low), (0, 0, blade_start + 0.05), 0.016, palette.bright(rng), sides=10)
    return joined([blade, sticker, handle])


def hockey_stick(rng: np.random.Generator) -> Mesh:
    """Return a field or ice hockey stick, its blade at the -z end turned to +y.

    Field: 89 to 97 cm (FIH: at most 105 cm, and through a ring of 5.1 cm). Ice: shaft 1.3 to
    1.55 m (IIHF: at most 1.63 m), blade 28 to 32 cm. The grip's centre is 10 cm from the top, so
    the stick points down from a fist with its thumb up.
    """
    paint, second = (
        palette.pick(rng, bright=0.5, dark=0.3, wood=0.2),
        palette.pick(rng, dark=0.6, pale=0.4),
    )
    if rng.uniform() < 0.5:
        length, blade = rng.uniform(1.3, 1.55), rng.uniform(0.28, 0.32)
        low, lie = 0.10 - length, np.radians(rng.uniform(55, 65))
        shaft = box((0.020, 0.030, length), (0, 0, 0.10 - length / 2), paint)
        reach = np.array((-0.02, 0.03, 0.35 * blade, 0.7 * blade, blade))
        line = np.column_stack(
            [0.15 * np.maximum(reach, 0) ** 2, reach * np.sin(lie), low - reach * np.cos(lie)]
        )
        section = np.array([(0.006, 0.036), (-0.006, 0.036), (-0.006, -0.036), (0.006, -0.036)])
        foot = sweep(line, section, second, up=(0, 0.5, 1), scale=[0.5, 0.9, 1, 1, 0.7])
    else:
        length = rng.uniform(0.89, 0.97)
        low = 0.10 - length
        shaft = lathe(
            [(0.0155, low), (0.02, low + 0.3), (0.016, low + 0.55), (0.0155, 0.10)], paint, 8
        )
        bend = np.radians(np.linspace(0, 165, 8))
        hook = np.column_stack([0 * bend, 0.055 * (1 - np.cos(bend)), low - 0.055 * np.sin(bend)])
        foot = tube(hook, 0.019, second, sides=8)
    wrap = rod((0, 0, -0.08), (0, 0, 0.101), 0.0185, second, sides=8)
    return joined([shaft, foot, wrap])


def dumbbell(rng: np.random.Generator) -> Mesh:
    """Return a dumbbell along z: handle 12 to 14 cm, heads 8 to 18 cm thick (2 to 25 kg)."""
    grip, size = rng.uniform(0.12, 0.14), rng.uniform(0.04, 0.09)
    depth = size * rng.uniform(1.0, 1.5)
    sides = int(rng.choice([6, 14]))
    paint = palette.pick(rng, dark=0.7, bright=0.3)
    head = lathe(
        [(0.8 * size, 0.0), (size, 0.12 * depth), (size, 0.88 * depth), (0.8 * size, depth)],
        paint,
        sides,
        crease=50.0 if sides > 6 else 20.0,
    )
    ring = rod((0, 0, depth), (0, 0, depth + 0.002), 0.5 * size, palette.metal(rng), sides=10)
    end = joined([head, ring]).moved(np.eye(3), (0, 0, grip / 2.0))
    return joined(
        [
            rod((0, 0, -grip / 2), (0, 0, grip / 2), 0.015, palette.metal(rng)),
            end,
            turned(end, "x", 180),
        ]
    )


def kettlebell(rng: np.random.Generator) -> Mesh:
    """Return a kettlebell: handle along z through the origin, its weight toward -y.

    Ball 14 to 22 cm thick, 22 to 29 cm high, handle 3.3 to 3.8 cm thick (IUKL competition bells:
    21 cm, 28 cm high, handle 3.5 cm).
    """
    radius, thick = rng.uniform(0.07, 0.11), rng.uniform(0.033, 0.038) / 2.0
    paint = palette.pick(rng, dark=0.6, bright=0.4)
    window, half = 0.055, 0.065
    drop = -(thick + window + radius)
    body = ellipsoid((radius, radius, radius), (0, drop, 0), paint, 14, 10)
    foot = rod(
        (0, drop - 0.78 * radius, 0),
        (0, drop - 0.99 * radius, 0),
        0.62 * radius,
        palette.shade(paint, 0.6),
        0.58 * radius,
        sides=12,
    )
    line = [
        (0, drop + 0.45 * radius, -0.9 * half),
        (0, -0.04, -1.15 * half),
        (0, -0.008, -0.85 * half),
    ]
    line += [(0, 0, -0.4 * half), (0, 0, 0.4 * half)] + [(x, y, -z) for x, y, z in line[::-1]]
    handle = tube(
        curve(line, 15), thick, palette.metal(rng) if rng.uniform() < 0.4 else paint, sides=8
    )
    return joined([body, foot, handle])


def _football(rng: np.random.Generator) -> Mesh:
    """Return a white ball with twelve dark patches: FIFA size 5, radius 10.8 to 11.1 cm."""
    mesh = faceted(ball(1.0, splits=3))
    centers = ball(1.0, splits=0).vertices
    near = (mesh.vertices @ centers.T).reshape(-1, 3, 12).min(axis=1)
    patch = np.repeat(near.max(axis=1) > np.cos(np.radians(24.7)), 3)
    colors = np.where(patch[:, None], palette.pick(rng, dark=0.7, bright=0.3), palette.pale(rng))
    radius = np.float32(rng.uniform(0.108, 0.111))
    return Mesh(mesh.vertices * radius, mesh.faces, colors.astype(np.float32))


def _basketball(rng: np.random.Generator) -> Mesh:
    """Return an orange ball with dark seams: FIBA size 5 to 7, radius 11 to 12.2 cm."""
    radius = rng.uniform(0.110, 0.122)
    paint = palette.hsv(rng.uniform(0.04, 0.075), rng.uniform(0.7, 0.85), rng.uniform(0.6, 0.85))
    seam = palette.dark(rng)
    ring = tube(
        np.column_stack([circle(radius, 24), np.zeros(24)]), 0.0025, seam, sides=4, closed=True
    )
    side = turned(ring.moved(np.eye(3), (0, 0, 0)), "x", 90)
    bow = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    line = np.column_stack([np.cos(bow), 0.75 * np.sin(bow), 0.75 * np.cos(2 * bow)])
    line *= radius / np.linalg.norm(line, axis=1, keepdims=True)
    curl = tube(line, 0.0025, seam, sides=4, closed=True)
    return joined([ball(radius, paint), ring, side, curl])


def _striped(rng: np.random.Generator) -> Mesh:
    """Return a ball of six panels of three strips, as for volleyball: radius 9.2 to 10.7 cm."""
    first, second = palette.bright(rng), palette.pick(rng, pale=0.7, bright=0.3)
    third = palette.bright(rng) if rng.uniform() < 0.4 else first
    steps = np.tan(np.linspace(-np.pi / 4.0, np.pi / 4.0, 7))
    strips = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            for start, color in ((0, first), (2, second), (4, third)):
                across, along_it = np.meshgrid(steps[start : start + 3], steps, indexing="ij")
                grid = np.stack([sign + 0.0 * across, -across, sign * along_it], axis=-1)
                grid = np.roll(grid, axis, axis=-1)
                grid /= np.linalg.norm(grid, axis=-1, keepdims=True)
                strips.append(patch(grid, color))
    mesh = joined(strips)
    radius = np.float32(rng.uniform(0.092, 0.107))
    return Mesh(mesh.vertices * radius, mesh.faces, mesh.colors)


def sports_ball(rng: np.random.Generator) -> Mesh:
    """Return a ball about the origin (the caller lays it before the palm, toward +x).

    Football (FIFA: circumference 68 to 70 cm), basketball (FIBA: 69 to 77 cm), volleyball and
    handball (58 to 67 cm), tennis ball (ITF: 6.54 to 6.86 cm thick) or a gym ball of one colour
    (radius 7 to 14 cm).
    """
    kind = rng.uniform()
    if kind < 0.25:
        return _football(rng)
    if kind < 0.5:
        return _basketball(rng)
    if kind < 0.7:
        return _striped(rng)
    if kind < 0.85:
        yellow = palette.hsv(rng.uniform(0.17, 0.21), rng.uniform(0.6, 0.8), rng.uniform(0.8, 0.95))
        return ball(rng.uniform(0.0327, 0.0343), yellow)
    return ball(rng.uniform(0.07, 0.14), palette.cloth(rng))


def sword(rng: np.random.Generator) -> Mesh:
    """Return a sword with its edge in the yz plane, or a plain stick: 70 to 105 cm beyond the fist.

    A wooden sword (bokken) is about 1.02 m long, an arming sword 0.9 to 1.1 m.
    """
    reach = rng.uniform(0.7, 0.9)
    if rng.uniform() < 0.4:
        return capsule((0, 0, -0.12), (0, 0, reach), rng.uniform(0.010, 0.016), palette.wood(rng))
    steel, guard = palette.metal(rng), palette.pick(rng, dark=0.5, metal=0.5)
    wide = rng.uniform(0.016, 0.024)
    outline = np.array([(0.003, 0), (0, wide), (-0.003, 0), (0, -wide)])
    rings = [
        np.column_stack([outline * (1, k), np.full(4, z)])
        for k, z in ((1, 0.05), (0.75, reach - 0.07), (0.03, reach))
    ]
    blade = hull(np.concatenate(rings), steel)
    cross = rounded_box((0.02, rng.uniform(0.13, 0.2), 0.016), 0.005, (0, 0, 0.055), guard)
    grip = along(
        lathe([(0.013, 0), (0.016, 0.06), (0.012, 0.13)], palette.dark(rng), 8),
        (0, 0, -0.08),
        (0, 0, 1),
    )
    knob = ellipsoid((0.022, 0.022, 0.022), (0, 0, -0.09), guard, 8, 6)
    return joined([blade, cross, grip, knob])
