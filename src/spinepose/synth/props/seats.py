"""Things to sit or lie on: the origin on the floor below the middle of the seat or the bed.

A sitter faces -y and the backrest stands at +y; a bed lies along y. Heights are of the upper side
that bears the person, before it gives way.
"""

from __future__ import annotations

import numpy as np

from spinepose.synth.mesh import Mesh, joined
from spinepose.synth.props import palette
from spinepose.synth.props.shapes import (
    box,
    capsule,
    grounded,
    lathe,
    prism,
    rod,
    rounded_box,
    rounded_rectangle,
    tube,
    turned,
)

__all__ = [
    "armchair",
    "bed",
    "bench",
    "chair",
    "gym_mat",
    "kitchen_chair",
    "massage_table",
    "office_chair",
    "plyo_box",
    "sofa",
    "stool",
    "weight_bench",
]


def _or(value: float | None, drawn: float) -> float:
    """Return a given value, or else the drawn one."""
    return drawn if value is None else value


def _legs(
    wide: float, deep: float, high: float, radius: float, paint: palette.Color, spread: float = 0.0
) -> list[Mesh]:
    """Return four legs whose tops stand ``wide`` and ``deep`` apart (m), the feet spread out."""
    return [
        rod(
            (sx * (wide / 2 + spread), sy * (deep / 2 + spread), 0),
            (sx * wide / 2, sy * deep / 2, high),
            radius,
            paint,
        )
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]


def stool(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return a stool without a back: seat 42 to 75 cm high and 30 to 40 cm wide."""
    high, wide = _or(seat_height, rng.uniform(0.42, 0.75)), _or(seat_depth, rng.uniform(0.30, 0.40))
    frame = palette.pick(rng, wood=0.5, metal=0.3, dark=0.2)
    seat_paint = palette.pick(rng, wood=0.4, cloth=0.6)
    half = wide / 2.0
    if rng.uniform() < 0.6:
        rim = [
            (half - 0.015, high - 0.045),
            (half, high - 0.03),
            (half, high - 0.015),
            (half - 0.015, high),
        ]
        seat = lathe(rim, seat_paint, 20)
    else:
        seat = rounded_box((wide * 1.05, wide, 0.045), 0.012, (0, 0, high - 0.0225), seat_paint)
    legs = _legs(0.55 * wide, 0.55 * wide, high - 0.03, 0.015, frame, 0.05)
    ring = 0.55 * wide / 2 + 0.035
    bars = [
        rod((-ring, s * ring, 0.3 * high), (ring, s * ring, 0.3 * high), 0.01, frame)
        for s in (-1, 1)
    ]
    bars += [
        rod((s * ring, -ring, 0.38 * high), (s * ring, ring, 0.38 * high), 0.01, frame)
        for s in (-1, 1)
    ]
    return grounded(joined([seat, *legs, *bars]))


def kitchen_chair(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return a kitchen chair: seat 43 to 48 cm high, 40 to 46 cm wide, back 80 to 98 cm high."""
    high, deep = _or(seat_height, rng.uniform(0.43, 0.48)), _or(seat_depth, rng.uniform(0.38, 0.45))
    wide, rise = rng.uniform(0.40, 0.46), rng.uniform(0.37, 0.50)
    frame = palette.pick(rng, wood=0.7, dark=0.15, pale=0.15)
    seat_paint = frame if rng.uniform() < 0.5 else palette.cloth(rng)
    seat = rounded_box((wide, deep, 0.04), 0.012, (0, 0, high - 0.02), seat_paint)
    x, y, lean = wide / 2 - 0.025, deep / 2 - 0.02, rng.uniform(0.04, 0.09)
    parts = [seat, rounded_box((wide - 0.03, deep - 0.03, 0.05), 0.005, (0, 0, high - 0.06), frame)]
    for side in (-1, 1):
        parts.append(rod((side * x, -y, 0), (side * x, -y, high - 0.03), 0.013, frame, 0.02))
        post = [(side * x, y + 0.03, 0), (side * x, y, high), (side * x, y + lean, high + rise)]
        parts.append(tube(post, 0.018, frame, sides=8))
        parts.append(rod((side * x, -y, 0.4 * high), (side * x, y, 0.4 * high), 0.01, frame))
    if rng.uniform() < 0.5:
        for part in (0.4, 0.68, 0.95):
            slat = (2 * x, 0.018, 0.06)
            parts.append(box(slat, (0, y + lean * part, high + rise * part), frame))
    else:
        parts.append(box((2 * x, 0.025, 0.07), (0, y + 0.94 * lean, high + 0.94 * rise), frame))
        parts.append(box((2 * x, 0.02, 0.04), (0, y + 0.25 * lean, high + 0.25 * rise), frame))
        for spot in np.linspace(-0.7, 0.7, 5) * x:
            ends = (
                (spot, y + 0.25 * lean, high + 0.25 * rise),
                (spot, y + 0.9 * lean, high + 0.9 * rise),
            )
            parts.append(rod(*ends, 0.008, frame, sides=6))
    return grounded(joined(parts))


def office_chair(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return an office chair on five castors (EN 1335: seat 40 to 51 cm high)."""
    high, deep = _or(seat_height, rng.uniform(0.42, 0.51)), _or(seat_depth, rng.uniform(0.40, 0.47))
    wide, rise = rng.uniform(0.45, 0.51), rng.uniform(0.48, 0.68)
    fabric, frame = palette.cloth(rng), palette.dark(rng)
    base = palette.pick(rng, dark=0.6, metal=0.4)
    back = rounded_box((0.92 * wide, 0.07, rise - 0.1), 0.03, (0, 0, rise / 2 + 0.05), fabric)
    lean = rng.uniform(6, 14)
    parts = [
        rounded_box((wide, deep, 0.08), 0.03, (0, 0, high - 0.04), fabric),
        rounded_box((0.5 * wide, 0.5 * deep, 0.05), 0.01, (0, 0, high - 0.1), frame),
        turned(back, "x", -lean).moved(np.eye(3), (0, deep / 2 + 0.02, high)),
        tube(
            [
                (0, 0.1, high - 0.1),
                (0, deep / 2 + 0.06, high - 0.08),
                (0, deep / 2 + 0.09, high + 0.25),
            ],
            0.025,
            frame,
        ),
        rod((0, 0, 0.1), (0, 0, high - 0.1), 0.028, base),
    ]
    for spoke in np.radians(np.arange(5) * 72.0 + 18.0):
        foot = (0.30 * np.cos(spoke), 0.30 * np.sin(spoke), 0.085)
        parts.append(rod((0, 0, 0.12), foot, 0.028, base, 0.018))
        parts.append(
            rod((foot[0], foot[1] - 0.02, 0.03), (foot[0], foot[1] + 0.02, 0.03), 0.03, frame)
        )
    if rng.uniform() < 0.6:
        for side in (-1, 1):
            x = side * (wide / 2 + 0.02)
            parts.append(
                tube(
                    [(side * 0.1, 0.03, high - 0.1), (x, 0.03, high - 0.06), (x, 0.03, high + 0.2)],
                    0.016,
                    frame,
                )
            )
            parts.append(rounded_box((0.07, 0.25, 0.03), 0.012, (x, 0.0, high + 0.215), frame))
    return grounded(joined(parts))


def armchair(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return an upholstered armchair: seat 38 to 46 cm high, 70 to 90 cm wide over the arms."""
    return _upholstered(rng, rng.uniform(0.5, 0.6), 1, seat_height, seat_depth)


def sofa(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return a sofa of two or three seats: seat 38 to 46 cm high, 1.5 to 2.2 m wide."""
    seats = int(rng.integers(2, 4))
    return _upholstered(rng, seats * rng.uniform(0.58, 0.64), seats, seat_height, seat_depth)


def _upholstered(
    rng: np.random.Generator,
    wide: float,
    seats: int,
    seat_height: float | None,
    seat_depth: float | None,
) -> Mesh:
    """Return a sofa whose seats are together ``wide`` (m)."""
    high, deep = _or(seat_height, rng.uniform(0.38, 0.46)), _or(seat_depth, rng.uniform(0.50, 0.58))
    rise, arm, side_high = rng.uniform(0.38, 0.50), rng.uniform(0.10, 0.18), rng.uniform(0.16, 0.24)
    fabric, feet = palette.cloth(rng), palette.pick(rng, wood=0.6, dark=0.4)
    cushion = palette.shade(fabric, rng.uniform(0.8, 1.25))
    back = deep / 2
    parts = [
        rounded_box(
            (wide + 2 * arm - 0.02, deep + 0.2, high - 0.19),
            0.02,
            (0, 0.09, 0.07 + (high - 0.19) / 2),
            palette.shade(fabric, 0.8),
        ),
        rounded_box(
            (wide + 2 * arm - 0.02, 0.16, high + rise - 0.12),
            0.05,
            (0, back + 0.16, 0.05 + (high + rise - 0.1) / 2),
            fabric,
        ),
    ]
    for side in (-1, 1):
        center = (side * (wide + arm) / 2, 0.10, (high + side_high + 0.07) / 2)
        parts.append(
            rounded_box((arm, deep + 0.26, high + side_high - 0.07), 0.045, center, fabric)
        )
        for y in (-deep / 2 + 0.04, back + 0.18):
            parts.append(
                rod(
                    (side * (wide / 2 + arm / 2), y, 0),
                    (side * (wide / 2 + arm / 2), y, 0.09),
                    0.02,
                    feet,
                    0.028,
                )
            )
    each = wide / seats
    for index in range(seats):
        x = (index + 0.5) * each - wide / 2
        parts.append(rounded_box((each - 0.008, deep, 0.14), 0.04, (x, 0, high - 0.07), cushion))
        pillow = rounded_box((each - 0.02, 0.15, rise), 0.06, (0, 0, rise / 2), cushion)
        parts.append(turned(pillow, "x", -10).moved(np.eye(3), (x, back - 0.01, high - 0.01)))
    return grounded(joined(parts))


def chair(
    rng: np.random.Generator,
    seat_height: float | None = None,
    seat_depth: float | None = None,
    kind: str | None = None,
) -> Mesh:
    """Return a chair.

    Parameters
    ----------
    rng
        Source of the sizes and colours that are not given.
    seat_height, seat_depth
        Of the seat's upper side above the floor and along y (m); drawn where not given.
    kind
        ``stool``, ``kitchen``, ``office`` or ``armchair``; drawn where not given.
    """
    kinds = {
        "stool": stool,
        "kitchen": kitchen_chair,
        "office": office_chair,
        "armchair": armchair,
    }
    name = str(rng.choice(list(kinds))) if kind is None else kind
    return kinds[name](rng, seat_height, seat_depth)


def bench(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return a bench of slats, with or without a back: 1.1 to 1.8 m wide, 40 to 48 cm high."""
    high, deep = _or(seat_height, rng.uniform(0.40, 0.48)), _or(seat_depth, rng.uniform(0.34, 0.45))
    wide, frame = rng.uniform(1.1, 1.8), palette.pick(rng, dark=0.5, metal=0.3, wood=0.2)
    paint = palette.pick(rng, wood=0.8, bright=0.2)
    slat = deep / 4
    parts = [
        box((wide, 0.85 * slat, 0.035), (0, -deep / 2 + (k + 0.5) * slat, high - 0.0175), paint)
        for k in range(4)
    ]
    with_back = rng.uniform() < 0.6
    for side in (-1, 1):
        x = side * 0.4 * wide
        parts.append(box((0.05, deep, 0.04), (x, 0, high - 0.055), frame))
        parts.append(
            box((0.05, 0.05, high - 0.05), (x, -deep / 2 + 0.05, (high - 0.05) / 2), frame)
        )
        parts.append(box((0.05, 0.05, high - 0.05), (x, deep / 2 - 0.05, (high - 0.05) / 2), frame))
        if with_back:
            parts.append(
                rod(
                    (x, deep / 2 + 0.02, high - 0.06),
                    (x, deep / 2 + 0.1, high + 0.42),
                    0.022,
                    frame,
                )
            )
    if with_back:
        for part in (0.16, 0.28, 0.40):
            parts.append(box((wide, 0.03, 0.09), (0, deep / 2 + part * 0.18, high + part), paint))
    return grounded(joined(parts))


def weight_bench(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return a flat weight bench along y (IPF: 42 to 45 cm high, 29 to 32 cm wide, 1.22 m long)."""
    high, long = _or(seat_height, rng.uniform(0.42, 0.45)), _or(seat_depth, rng.uniform(1.15, 1.3))
    wide, frame = rng.uniform(0.29, 0.32), palette.pick(rng, dark=0.6, bright=0.25, pale=0.15)
    pad = palette.pick(rng, dark=0.7, bright=0.3)
    parts = [
        rounded_box((wide, long, 0.08), 0.025, (0, 0, high - 0.04), pad),
        box((0.06, 0.9 * long, 0.05), (0, 0, high - 0.105), frame),
    ]
    for side, width in ((-1, 0.3), (1, 0.5)):
        y = side * 0.38 * long
        parts.append(box((0.06, 0.06, high - 0.1), (0, y, (high - 0.1) / 2), frame))
        parts.append(box((width, 0.06, 0.05), (0, y, 0.025), frame))
    return grounded(joined(parts))


def plyo_box(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return a jump box: 30 to 76 cm high (the common sizes are 20, 24 and 30 inches)."""
    high = _or(seat_height, float(rng.choice([0.30, 0.406, 0.508, 0.61, 0.762])))
    deep, wide = _or(seat_depth, rng.uniform(0.4, 0.51)), rng.uniform(0.5, 0.76)
    paint = palette.pick(rng, wood=0.6, dark=0.25, bright=0.15)
    body = rounded_box((wide, deep, high), 0.01, (0, 0, high / 2), paint)
    mark = palette.shade(paint, 0.12)
    slots = [
        rounded_box((0.12, 0.002, 0.035), 0.012, (0, s * deep / 2, 0.75 * high), mark)
        for s in (-1, 1)
    ]
    slots += [
        rounded_box((0.002, 0.12, 0.035), 0.012, (s * wide / 2, 0, 0.75 * high), mark)
        for s in (-1, 1)
    ]
    return grounded(joined([body, *slots]))


def gym_mat(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return a mat along y: 1.7 to 2 m by 60 to 100 cm, 6 to 50 mm thick."""
    long, wide = _or(seat_depth, rng.uniform(1.7, 2.0)), rng.uniform(0.6, 1.0)
    high = _or(seat_height, rng.uniform(0.006, 0.05))
    outline = rounded_rectangle(wide, long, 0.04)
    paint = palette.cloth(rng)
    mat = prism(outline, high, paint)
    if rng.uniform() < 0.5:
        band = palette.shade(paint, rng.uniform(0.6, 1.4))
        seams = [
            box((wide - 0.01, 0.02, 0.002), (0, y, high), band)
            for y in np.array((-0.25, 0, 0.25)) * long
        ]
        return grounded(joined([mat, *seams]))
    return mat


def bed(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return a bed along y with its pillow at +y: 2 m long, 0.9 to 1.6 m wide, 45 to 60 cm high."""
    high, long = _or(seat_height, rng.uniform(0.45, 0.60)), _or(seat_depth, 2.0)
    wide, frame = rng.uniform(0.9, 1.6), palette.pick(rng, wood=0.7, dark=0.15, pale=0.15)
    linen, cover = palette.pick(rng, pale=0.8, cloth=0.2), palette.cloth(rng)
    thick = 0.2
    parts = [
        box((wide + 0.06, long + 0.06, 0.16), (0, 0, high - thick - 0.04), frame),
        box((wide + 0.06, 0.05, high + 0.35), (0, long / 2 + 0.05, (high + 0.35) / 2), frame),
        rounded_box((wide, long, thick), 0.04, (0, 0, high - thick / 2 - 0.002), linen),
        rounded_box(
            (wide + 0.03, 0.55 * long, thick - 0.03),
            0.04,
            (0, -0.23 * long, high - thick / 2 + 0.015),
            cover,
        ),
        *_legs(wide - 0.08, long - 0.08, high - thick, 0.035, frame),
    ]
    pillows = 1 if wide < 1.3 else 2
    each = wide / pillows
    for index in range(pillows):
        x = (index + 0.5) * each - wide / 2
        parts.append(
            rounded_box(
                (min(each - 0.08, 0.7), 0.38, 0.11),
                0.05,
                (x, long / 2 - 0.24, high + 0.04),
                palette.pale(rng),
            )
        )
    return grounded(joined(parts))


def massage_table(
    rng: np.random.Generator, seat_height: float | None = None, seat_depth: float | None = None
) -> Mesh:
    """Return a massage table along y: 1.85 m by 60 to 75 cm, 55 to 85 cm high."""
    high, long = _or(seat_height, rng.uniform(0.55, 0.85)), _or(seat_depth, rng.uniform(1.82, 1.95))
    wide, frame = rng.uniform(0.6, 0.75), palette.pick(rng, wood=0.6, metal=0.4)
    pad = palette.pick(rng, cloth=0.7, dark=0.3)
    parts = [
        rounded_box((wide, long / 2 - 0.004, 0.08), 0.025, (0, s * long / 4, high - 0.04), pad)
        for s in (-1, 1)
    ]
    parts.append(box((wide - 0.03, long - 0.03, 0.06), (0, 0, high - 0.1), frame))
    parts += _legs(wide - 0.1, long - 0.2, high - 0.1, 0.02, frame, 0.03)
    for y in (-0.45 * long + 0.03, 0.45 * long - 0.03):
        parts.append(
            rod((-wide / 2 + 0.05, y, 0.35 * high), (wide / 2 - 0.05, y, 0.35 * high), 0.012, frame)
        )
    ring = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    cradle = np.column_stack(
        [0.1 * np.cos(ring), long / 2 + 0.16 + 0.12 * np.sin(ring), 0 * ring + high - 0.03]
    )
    parts.append(tube(cradle, 0.045, pad, closed=True))
    parts += [
        capsule(
            (s * 0.06, long / 2 - 0.1, high - 0.09),
            (s * 0.06, long / 2 + 0.1, high - 0.07),
            0.01,
            frame,
        )
        for s in (-1, 1)
    ]
    return grounded(joined(parts))
