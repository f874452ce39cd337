"""Things of the street, the field and the gym that stand in the way: the origin on the floor.

What is long lies along x; a machine's user faces -y.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.synth.mesh import Mesh, joined
from spinepose.synth.props import palette
from spinepose.synth.props.shapes import (
    along,
    box,
    ellipsoid,
    frustum,
    grounded,
    lathe,
    net,
    rod,
    rods,
    rounded_box,
    sheet,
    torus,
    tube,
    turned,
)

__all__ = [
    "barbell_rack",
    "bicycle",
    "bollard",
    "fence",
    "hurdle",
    "ladder",
    "post",
    "railing",
    "sports_net",
    "stroller",
    "trash_bin",
    "treadmill",
]


Point = npt.NDArray[np.float64]


def railing(rng: np.random.Generator) -> Mesh:
    """Return a metal railing: 0.9 to 1.1 m high (the usual rules for guards), 1.5 to 3 m long."""
    high, long = rng.uniform(0.9, 1.1), rng.uniform(1.5, 3.0)
    paint = palette.pick(rng, metal=0.5, dark=0.3, bright=0.2)
    half, radius = long / 2.0, rng.uniform(0.018, 0.025)
    parts = [rod((-half, 0, high), (half, 0, high), radius, paint)]
    for x in np.linspace(-half, half, 3):
        parts += [
            rod((x, 0, 0), (x, 0, high), radius, paint),
            rod((x, 0, 0), (x, 0, 0.012), 0.05, paint),
        ]
    if rng.uniform() < 0.5:
        bars = np.arange(-half + 0.11, half - 0.05, 0.11)
        parts.append(rods([((x, 0, 0.1), (x, 0, high)) for x in bars], 0.007, paint, sides=4))
        parts.append(rod((-half, 0, 0.1), (half, 0, 0.1), 0.015, paint))
    else:
        parts += [
            rod((-half, 0, high * k), (half, 0, high * k), 0.014, paint) for k in (0.25, 0.5, 0.75)
        ]
    return joined(parts)


def fence(rng: np.random.Generator) -> Mesh:
    """Return a fence of pales: 0.8 to 1.4 m high, 1.8 to 3 m long."""
    high, long, pale = rng.uniform(0.8, 1.4), rng.uniform(1.8, 3.0), rng.uniform(0.07, 0.1)
    paint = palette.pick(rng, wood=0.6, pale=0.3, dark=0.1)
    step = pale * rng.uniform(1.3, 1.8)
    outline = np.array([(-0.5, 0), (0.5, 0), (0.5, 0.94), (0, 1), (-0.5, 0.94)])
    parts = [
        box((long, 0.03, 0.09), (0, 0.02, high * k), palette.shade(paint, 0.8))
        for k in (0.25, 0.75)
    ]
    for x in np.arange(-long / 2 + pale / 2, long / 2, step):
        body = frustum(
            (pale, 0.02),
            (pale, 0.02),
            (outline[2, 1]) * high - 0.06,
            (x, -0.005, 0.06),
            paint * rng.uniform(0.85, 1.0),
        )
        tip = frustum(
            (pale, 0.02), (0.2 * pale, 0.02), 0.06 * high, (x, -0.005, 0.94 * high), paint
        )
        parts += [body, tip]
    parts += [
        box((0.09, 0.09, high), (s * (long / 2 - 0.3), 0.08, high / 2), palette.shade(paint, 0.7))
        for s in (-1, 1)
    ]
    return joined(parts)


def post(rng: np.random.Generator) -> Mesh:
    """Return a round or square post or a sign: 2 to 3 m high, 6 to 25 cm thick."""
    high, thick = rng.uniform(2.0, 3.0), rng.uniform(0.06, 0.25)
    paint = palette.pick(rng, metal=0.4, dark=0.2, wood=0.2, pale=0.2)
    if rng.uniform() < 0.35:
        face = palette.bright(rng)
        plate = lathe(
            [(0.3, 0.0), (0.3, 0.004), (0.3, 0.004), (0.27, 0.005), (0.27, 0.005), (0, 0.006)],
            [palette.pale(rng)] * 4 + [face] * 2,
            24,
        )
        sign = along(plate, (0, -0.03, high - 0.35), (0, -1.0, high - 0.35))
        return joined([rod((0, 0, 0), (0, 0, high), 0.03, palette.metal(rng), sides=10), sign])
    if rng.uniform() < 0.5:
        base = rod((0, 0, 0), (0, 0, 0.06), 0.75 * thick, palette.shade(paint, 0.7), sides=16)
        return joined([rod((0, 0, 0), (0, 0, high), thick / 2, paint, sides=16), base])
    return rounded_box((thick, thick, high), 0.008, (0, 0, high / 2), paint)


def bollard(rng: np.random.Generator) -> Mesh:
    """Return a bollard with a light band, or a traffic cone: 45 to 110 cm high."""
    paint, band = palette.pick(rng, dark=0.5, metal=0.2, bright=0.3), palette.pale(rng)
    if rng.uniform() < 0.35:
        high, orange = rng.uniform(0.45, 0.75), palette.hsv(rng.uniform(0.02, 0.06), 0.9, 0.95)
        wide = 0.2 * high + 0.03
        part = np.array([0.0, 0.45, 0.45, 0.7, 0.7, 1.0])
        cone = lathe(
            np.column_stack([wide + (0.025 - wide) * part, 0.03 + (high - 0.03) * part]),
            [orange, orange, band, band, orange, orange],
            18,
        )
        return joined(
            [cone, box((2.5 * wide, 2.5 * wide, 0.03), (0, 0, 0.015), palette.shade(orange, 0.8))]
        )
    high, radius = rng.uniform(0.8, 1.1), rng.uniform(0.05, 0.1)
    rise = np.array([0.0, 0.72, 0.72, 0.85, 0.85, 0.94, 1.0, 1.02]) * high
    reach = np.array([1, 1, 1.01, 1.01, 1, 1, 0.6, 0.0]) * radius
    body = lathe(np.column_stack([reach, rise]), [paint] * 2 + [band] * 2 + [paint] * 4, 16)
    return joined(
        [body, rod((0, 0, 0), (0, 0, 0.03), 1.4 * radius, palette.shade(paint, 0.7), sides=16)]
    )


def trash_bin(rng: np.random.Generator) -> Mesh:
    """Return a bin: a round one of 60 to 90 cm, or one on wheels (EN 840: 93 to 107 cm high)."""
    paint = palette.pick(rng, metal=0.25, dark=0.3, leaf=0.2, bright=0.25)
    if rng.uniform() < 0.5:
        high, radius = rng.uniform(0.6, 0.9), rng.uniform(0.17, 0.26)
        wall = [
            (0.85 * radius, 0),
            (radius, 0.85 * high),
            (1.03 * radius, 0.85 * high),
            (1.03 * radius, 0.93 * high),
        ]
        wall += [
            (1.03 * radius, 0.93 * high),
            (0.8 * radius, high),
            (0.35 * radius, 1.03 * high),
            (0.35 * radius, 1.03 * high),
        ]
        wall += [(0, 0.98 * high)]
        lid = palette.shade(paint, 0.6)
        return lathe(wall, [paint] * 4 + [lid] * 3 + [palette.dark(rng)] * 2, 20)
    high, wide, deep = rng.uniform(0.93, 1.07), rng.uniform(0.48, 0.58), rng.uniform(0.54, 0.72)
    lid, black = palette.pick(rng, bright=0.5, dark=0.5), palette.dark(rng)
    parts = [
        frustum((0.8 * wide, 0.7 * deep), (wide, 0.95 * deep), high - 0.12, (0, 0, 0.05), paint),
        box((1.04 * wide, deep, 0.03), (0, 0, high - 0.07), palette.shade(paint, 0.8)),
        frustum((1.04 * wide, deep), (0.9 * wide, 0.7 * deep), 0.06, (0, 0, high - 0.055), lid),
        rod(
            (-0.4 * wide, deep / 2 + 0.05, high - 0.08),
            (0.4 * wide, deep / 2 + 0.05, high - 0.08),
            0.015,
            paint,
        ),
    ]
    parts += [
        rod(
            (s * 0.38 * wide, deep / 2 - 0.05, high - 0.08),
            (s * 0.38 * wide, deep / 2 + 0.05, high - 0.08),
            0.015,
            paint,
        )
        for s in (-1, 1)
    ]
    parts += [
        rod(
            (s * 0.44 * wide, 0.34 * deep, 0.1),
            (s * 0.52 * wide, 0.34 * deep, 0.1),
            0.1,
            black,
            sides=16,
        )
        for s in (-1, 1)
    ]
    return joined(parts)


def hurdle(rng: np.random.Generator) -> Mesh:
    """Return a hurdle, run at from +y.

    World Athletics: 76.2 to 106.7 cm high, 1.18 to 1.20 m wide, top bar 7 cm high with stripes,
    base at most 70 cm.
    """
    high, wide = float(rng.choice([0.762, 0.838, 0.914, 0.991, 1.067])), rng.uniform(1.18, 1.2)
    frame, stripe, half = (
        palette.pick(rng, metal=0.5, pale=0.3, bright=0.2),
        palette.pick(rng, bright=0.6, dark=0.4),
        wide / 2.0,
    )
    edges = np.linspace(-half, half, 6)
    parts = [
        box(
            (edges[1] - edges[0], 0.02, 0.07),
            (x, 0, high - 0.035),
            stripe if k % 2 == 0 else palette.pale(rng),
        )
        for k, x in enumerate((edges[1:] + edges[:-1]) / 2)
    ]
    for side in (-1, 1):
        x = side * (half - 0.06)
        parts += [
            rod((x, 0, 0.03), (x, 0, high - 0.05), 0.016, frame),
            rod((x, -0.02, 0.02), (x, 0.65, 0.02), 0.018, frame),
        ]
    parts.append(rod((-half + 0.06, 0.65, 0.02), (half - 0.06, 0.65, 0.02), 0.018, frame))
    return joined(parts)


def sports_net(rng: np.random.Generator) -> Mesh:
    """Return a piece of a net between posts along x, 2.5 to 4.5 m.

    Tennis (ITF: 91.4 cm high in the middle, 1.07 m at the posts), badminton (BWF: 1.55 m, net
    76 cm) or volleyball (FIVB: 2.43 or 2.24 m, net 1 m); the mesh is coarser than the real one.
    """
    long = rng.uniform(2.5, 4.5)
    high, deep = [(0.95, 0.9), (1.55, 0.76), (2.24, 1.0), (2.43, 1.0)][int(rng.integers(4))]
    cord = palette.pick(rng, dark=0.7, pale=0.3)
    web = net(long, deep, 0.1, 0.0035, cord).moved(np.eye(3), (0, 0, high - deep))
    tape = box((long, 0.012, 0.06), (0, 0, high - 0.03), palette.pale(rng))
    paint = palette.pick(rng, metal=0.4, leaf=0.3, bright=0.3)
    posts = [
        rod(
            (s * (long / 2 + 0.04), 0, 0),
            (s * (long / 2 + 0.04), 0, high + 0.03),
            0.04,
            paint,
            sides=10,
        )
        for s in (-1, 1)
    ]
    return joined([web, tape, *posts])


def barbell_rack(rng: np.random.Generator) -> Mesh:
    """Return a power rack: 2.0 to 2.3 m high, 1.2 m wide inside, bar on hooks at 1.0 to 1.5 m."""
    high, wide, deep = rng.uniform(2.0, 2.3), rng.uniform(1.18, 1.25), rng.uniform(0.7, 1.2)
    paint, thick = palette.pick(rng, dark=0.6, bright=0.4), rng.uniform(0.05, 0.075)
    parts = []
    for sx in (-1, 1):
        x = sx * wide / 2
        for y in (-deep / 2, deep / 2):
            parts.append(box((thick, thick, high), (x, y, high / 2), paint))
            holes = [
                box((0.02, 0.002, 0.02), (x, y - thick / 2, z), palette.shade(paint, 0.15))
                for z in np.arange(0.4, high - 0.2, 0.2)
            ]
            parts += holes
        parts += [
            box((thick, deep, thick), (x, 0, z), paint) for z in (thick / 2, high - thick / 2)
        ]
    parts += [
        box((wide, thick, thick), (0, deep / 2, z), paint) for z in (thick / 2, high - thick / 2)
    ]
    parts.append(
        rod(
            (-wide / 2, -deep / 2, high - thick / 2),
            (wide / 2, -deep / 2, high - thick / 2),
            0.017,
            palette.metal(rng),
        )
    )
    bar, steel, y = rng.uniform(1.0, 1.5), palette.metal(rng), -deep / 2 - thick / 2 - 0.03
    parts += [
        box((thick, 0.08, 0.03), (s * wide / 2, y, bar - 0.03), palette.bright(rng))
        for s in (-1, 1)
    ]
    parts.append(rod((-1.1, y, bar), (1.1, y, bar), 0.014, steel))
    for side in (-1, 1):
        parts.append(rod((side * 0.68, y, bar), (side * 1.1, y, bar), 0.025, steel))
        if rng.uniform() < 0.7:
            parts.append(
                rod(
                    (side * 0.7, y, bar),
                    (side * 0.75, y, bar),
                    0.225,
                    palette.pick(rng, dark=0.6, bright=0.4),
                    sides=20,
                )
            )
    return joined(parts)


def ladder(rng: np.random.Generator) -> Mesh:
    """Return a stepladder climbed from -y: 1.2 to 2.2 m high, steps about 25 cm apart (EN 131)."""
    high, wide = rng.uniform(1.2, 2.2), rng.uniform(0.36, 0.45)
    paint, step_paint = palette.pick(rng, metal=0.6, wood=0.2, bright=0.2), palette.metal(rng)
    spread, parts = 0.27 * high, []
    for side in (-1, 1):
        low, top = side * (wide / 2 + 0.04), side * (wide / 2 - 0.03)
        parts.append(rod((low, -spread, 0), (top, 0, high), 0.022, paint, sides=4))
        parts.append(rod((low, spread, 0), (top, 0.03, high - 0.03), 0.018, paint, sides=4))
        parts.append(
            rod(
                (low * 0.95, -0.55 * spread, 0.45 * high),
                (low * 0.95, 0.55 * spread, 0.45 * high),
                0.006,
                paint,
                sides=4,
            )
        )
    for z in np.arange(0.25, high - 0.1, 0.25):
        part = z / high
        across = wide + 0.08 - 0.14 * part
        parts.append(box((across, 0.08, 0.025), (0, -spread * (1 - part), z), step_paint))
    parts.append(box((wide - 0.02, 0.22, 0.03), (0, 0.02, high), palette.dark(rng)))
    parts += [
        rod(
            (-wide / 2, spread * k, high * (1 - k)),
            (wide / 2, spread * k, high * (1 - k)),
            0.012,
            paint,
            sides=6,
        )
        for k in (0.35, 0.8)
    ]
    return grounded(joined(parts))


def treadmill(rng: np.random.Generator) -> Mesh:
    """Return a treadmill: deck 1.6 to 2 m by 75 to 90 cm, belt 15 to 20 cm high, panel at 1.2 m.

    The origin is on the floor below the middle of the belt.
    """
    long, wide, deck = rng.uniform(1.6, 2.0), rng.uniform(0.75, 0.9), rng.uniform(0.15, 0.20)
    shell, trim = (
        palette.pick(rng, dark=0.6, metal=0.25, pale=0.15),
        palette.pick(rng, dark=0.4, metal=0.3, bright=0.3),
    )
    front, panel = -long / 2, rng.uniform(1.15, 1.3)
    parts = [
        rounded_box((wide, long, deck - 0.04), 0.02, (0, 0, deck / 2), trim),
        box((wide - 0.26, long - 0.08, 0.01), (0, 0.03, deck - 0.005), palette.hsv(0, 0, 0.12)),
        rounded_box((wide, 0.4, deck + 0.08), 0.05, (0, front + 0.15, (deck + 0.08) / 2), shell),
    ]
    for side in (-1, 1):
        x = side * (wide / 2 - 0.04)
        parts.append(
            box((0.1, long - 0.35, 0.02), (x, 0.15, deck - 0.01), palette.shade(trim, 1.6))
        )
        parts.append(rod((x, front + 0.15, 0.05), (x, front + 0.3, panel), 0.035, shell))
        parts.append(
            tube(
                [
                    (x, front + 0.28, panel - 0.2),
                    (x, front + 0.4, panel - 0.16),
                    (x, front + 0.85, panel - 0.18),
                ],
                0.022,
                palette.dark(rng),
            )
        )
    console = rounded_box((wide - 0.06, 0.06, 0.32), 0.025, (0, 0, 0), shell)
    screen = box(
        (0.35, 0.004, 0.2), (0, 0.03, 0.02), palette.hsv(rng.uniform(), 0.4, rng.uniform(0.1, 0.9))
    )
    parts.append(
        turned(joined([console, screen]), "x", -rng.uniform(-45, -20)).moved(
            np.eye(3), (0, front + 0.28, panel + 0.05)
        )
    )
    parts.append(
        rod(
            (-wide / 2 + 0.05, front + 0.4, panel - 0.14),
            (wide / 2 - 0.05, front + 0.4, panel - 0.14),
            0.02,
            palette.dark(rng),
        )
    )
    return joined(parts)


def _wheel(rng: np.random.Generator, radius: float, thick: float) -> Mesh:
    """Return a spoked wheel about the y axis with its middle at the origin."""
    tyre = torus(
        radius - thick, thick, palette.hsv(0, 0, rng.uniform(0.1, 0.25)), around=21, sides=4
    )
    rim = torus(radius - 2.2 * thick, 0.5 * thick, palette.metal(rng), around=21, sides=3)
    steel = palette.metal(rng)
    angle = np.arange(10) * (np.pi / 5)
    reach = radius - 2.2 * thick
    spokes = rods(
        [
            ((0, 0, 0.02 * (-1) ** k), (reach * np.cos(a), reach * np.sin(a), 0))
            for k, a in enumerate(angle)
        ],
        0.0014,
        steel,
    )
    hub = rod((0, 0, -0.035), (0, 0, 0.035), 0.02, steel, sides=6)
    return turned(joined([tyre, rim, spokes, hub]), "x", 90)


def bicycle(rng: np.random.Generator) -> Mesh:
    """Return a bicycle along x that rides toward +x: wheels of 66 to 71 cm, about 1.7 m long."""
    radius = rng.uniform(0.33, 0.355)
    paint, black, steel = (
        palette.pick(rng, bright=0.7, dark=0.3),
        palette.dark(rng),
        palette.metal(rng),
    )
    thick = rng.uniform(0.012, 0.025)
    rear, front = np.array((-0.52, 0, radius)), np.array((0.53, 0, radius))
    crank, seat_top = np.array((-0.09, 0, 0.28)), np.array((-0.26, 0, rng.uniform(0.80, 0.86)))
    head_low, head_top = np.array((0.36, 0, 0.68)), np.array((0.325, 0, 0.86))
    wheel = _wheel(rng, radius, thick)
    saddle = np.add(seat_top, (-0.03, 0, 0.14))
    parts = [wheel.moved(np.eye(3), rear), wheel.moved(np.eye(3), front)]
    for start, end, width in (
        (crank, seat_top, 0.016),
        (crank, head_low, 0.020),
        (seat_top - (-0.01, 0, 0.03), head_top - (0, 0, 0.03), 0.016),
        (head_low, head_top, 0.02),
        (seat_top, saddle, 0.013),
    ):
        parts.append(rod(start, end, width, steel if width == 0.013 else paint, sides=6))
    for side in (-0.05, 0.05):
        spot = np.array((0, side, 0))
        parts += [
            rod(rear + spot, crank + 0.5 * spot, 0.009, paint, sides=6),
            rod(rear + spot, seat_top - (0, 0, 0.05), 0.008, paint, sides=6),
        ]
        parts.append(
            tube([front + spot, head_low + spot * 0.9 + (0.02, 0, -0.07), head_low], 0.011, paint)
        )
    parts += _controls(rng, head_top, crank, rear, saddle, black, steel)
    return joined(parts)


def _controls(
    rng: np.random.Generator,
    head: Point,
    crank: Point,
    rear: Point,
    saddle: Point,
    black: palette.Color,
    steel: palette.Color,
) -> list[Mesh]:
    """Return a bicycle's handlebar, saddle, cranks, pedals and chain about given points (3,)."""
    half, top = rng.uniform(0.25, 0.33), np.add(head, (0.0, 0, 0.1))
    bar = tube(
        [
            np.add(top, (-0.1, -half, 0.02)),
            np.add(top, (0.03, -0.55 * half, 0.03)),
            top,
            np.add(top, (0.03, 0.55 * half, 0.03)),
            np.add(top, (-0.1, half, 0.02)),
        ],
        0.012,
        steel,
    )
    grips = [
        rod(
            np.add(top, (-0.1, s * half, 0.02)),
            np.add(top, (-0.035, s * 0.78 * half, 0.025)),
            0.017,
            black,
        )
        for s in (-1, 1)
    ]
    seat = ellipsoid((0.14, 0.075, 0.03), np.add(saddle, (-0.01, 0, 0.02)), black, 8, 5)
    nose = ellipsoid((0.09, 0.025, 0.022), np.add(saddle, (0.13, 0, 0.02)), black, 8, 4)
    ring = rod(np.add(crank, (0, -0.06, 0)), np.add(crank, (0, -0.05, 0)), 0.095, steel, sides=14)
    chain = [
        rod(
            np.add(rear, (0, -0.055, z)), np.add(crank, (0, -0.055, 2.2 * z)), 0.005, black, sides=4
        )
        for z in (-0.04, 0.04)
    ]
    angle = rng.uniform(0, 2 * np.pi)
    parts = [bar, *grips, seat, nose, ring, *chain, rod(head, top, 0.014, steel)]
    for side in (-1, 1):
        end = np.add(
            crank, (side * 0.17 * np.cos(angle), side * 0.075, side * 0.17 * np.sin(angle))
        )
        parts.append(rod(np.add(crank, (0, side * 0.06, 0)), end, 0.01, steel, sides=6))
        parts.append(box((0.09, 0.09, 0.02), np.add(end, (0, side * 0.05, 0)), black))
    return parts


def stroller(rng: np.random.Generator) -> Mesh:
    """Return a stroller pushed from +y toward -y: 55 to 60 cm wide, handle 0.95 to 1.1 m high."""
    wide, handle = rng.uniform(0.55, 0.60), rng.uniform(0.95, 1.1)
    frame, fabric = palette.pick(rng, metal=0.5, dark=0.5), palette.cloth(rng)
    black, half = palette.dark(rng), wide / 2 - 0.04
    parts = []
    for side in (-1, 1):
        x = side * half
        parts.append(
            tube(
                [
                    (x, -0.38, 0.12),
                    (x, 0.05, 0.58),
                    (x, 0.42, handle - 0.06),
                    (0.8 * x, 0.5, handle),
                ],
                0.014,
                frame,
            )
        )
        parts.append(rod((x, 0.36, 0.13), (x, 0.0, 0.53), 0.013, frame))
        parts.append(rod((x, -0.3, 0.2), (x, 0.36, 0.16), 0.01, frame))
        for y, radius in ((-0.38, 0.10), (0.36, 0.13)):
            parts.append(rod((x - 0.02, y, radius), (x + 0.02, y, radius), radius, black, sides=16))
            parts.append(
                rod((x - 0.025, y, radius), (x + 0.025, y, radius), 0.6 * radius, frame, sides=12)
            )
    parts.append(rod((-0.8 * half, 0.5, handle), (0.8 * half, 0.5, handle), 0.018, black))
    parts.append(rounded_box((2 * half - 0.04, 0.4, 0.06), 0.02, (0, -0.05, 0.5), fabric))
    back = rounded_box((2 * half - 0.04, 0.06, 0.5), 0.02, (0, 0, 0.25), palette.shade(fabric, 0.7))
    parts.append(turned(back, "x", -25).moved(np.eye(3), (0, 0.13, 0.48)))
    parts.append(
        rounded_box((2 * half - 0.06, 0.3, 0.14), 0.03, (0, 0.08, 0.24), palette.shade(fabric, 0.5))
    )
    parts.append(rounded_box((2 * half - 0.04, 0.04, 0.24), 0.015, (0, -0.27, 0.38), fabric))
    angle = np.radians(np.linspace(-15, 95, 7))[:, None]
    across = np.linspace(-1, 1, 5)[None]
    arch = 0.36 - 0.05 * across**2
    hood = np.stack(
        [
            half * across + 0 * angle,
            0.24 - arch * np.sin(angle) * 0.95,
            0.58 + arch * np.cos(angle),
        ],
        axis=-1,
    )
    outward = np.stack(
        [0 * arch * angle, -0.9 * np.sin(angle) + 0 * across, np.cos(angle) + 0 * across], axis=-1
    )
    parts.append(sheet(hood, 0.012 * outward, fabric))
    return joined(parts)
