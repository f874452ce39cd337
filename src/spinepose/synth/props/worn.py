"""Things worn: each about the spot of the body that it is worn at. The wearer faces -y, z is up."""

from __future__ import annotations

import numpy as np

from spinepose.synth.mesh import Mesh, joined
from spinepose.synth.props import palette
from spinepose.synth.props.shapes import (
    ball,
    box,
    capsule,
    curve,
    ellipsoid,
    hull,
    lathe,
    prism,
    rod,
    rounded_box,
    rounded_rectangle,
    sheet,
    sweep,
    torus,
    tube,
    turned,
)

__all__ = [
    "HEAD",
    "backpack",
    "beanie",
    "bracelet",
    "cap",
    "glasses",
    "hat",
    "headphones",
    "scarf",
    "shoulder_bag",
    "sunglasses",
]

HEAD = (0.077, 0.097, 0.115)
"""A grown-up head's half axes along x, y and z (m), as an ellipsoid from chin to crown."""


def backpack(rng: np.random.Generator, straps: bool = True) -> Mesh:
    """Return a backpack: 28 to 34 cm wide, 40 to 52 cm high, 14 to 24 cm deep.

    Parameters
    ----------
    rng
        Source of the sizes and colours.
    straps
        Whether the straps round the shoulders are there; they fit a chest about 22 cm deep.

    Returns
    -------
    The origin is the skin at the middle of the back; the bag is at +y.
    """
    wide, high, deep = rng.uniform(0.28, 0.34), rng.uniform(0.40, 0.52), rng.uniform(0.14, 0.24)
    paint, black = palette.cloth(rng), palette.dark(rng)
    second = palette.shade(paint, 0.6) if rng.uniform() < 0.6 else palette.cloth(rng)
    low, y = -0.5 * high, 0.012
    outline = rounded_rectangle(wide, high, 0.4 * wide, 4)
    scale = [
        (y, 0.86),
        (y + 0.03, 0.98),
        (y + 0.6 * deep, 1.0),
        (y + 0.88 * deep, 0.9),
        (y + deep, 0.7),
    ]
    body = hull(
        np.concatenate(
            [
                np.column_stack([outline[:, 0] * k, np.full(len(outline), d), outline[:, 1] * k])
                for d, k in scale
            ]
        ),
        paint,
    )
    pocket = rounded_box(
        (0.72 * wide, 0.08, 0.42 * high), 0.035, (0, y + deep - 0.005, low + 0.3 * high), second
    )
    flap = rounded_box(
        (0.8 * wide, 0.5 * deep, 0.05), 0.02, (0, y + 0.55 * deep, 0.42 * high), second
    )
    zip_line = box((0.42 * wide, 0.004, 0.008), (0, y + deep + 0.035, low + 0.45 * high), black)
    loop = tube(
        [
            (-0.04, y + 0.03, 0.46 * high),
            (-0.03, y + 0.03, 0.56 * high),
            (0.03, y + 0.03, 0.56 * high),
            (0.04, y + 0.03, 0.46 * high),
        ],
        0.007,
        black,
    )
    parts = [body, pocket, flap, zip_line, loop]
    if straps:
        section = np.array([(-0.03, -0.006), (0.03, -0.006), (0.03, 0.006), (-0.03, 0.006)])
        for side in (-1, 1):
            x = side * 0.105
            line = np.array(
                [
                    (0.75 * x, 0.02, 0.19),
                    (x, -0.03, 0.235),
                    (1.1 * x, -0.13, 0.235),
                    (1.1 * x, -0.225, 0.13),
                    (1.15 * x, -0.235, -0.02),
                    (1.45 * x, -0.17, -0.14),
                    (1.3 * x, 0.03, -0.17),
                ]
            )
            line = curve(line, 14)
            outward = line - (1.1 * x, -0.1, 0.0)
            parts.append(sweep(line, section, black, up=outward * (0.2, 1, 1)))
    return joined(parts)


def shoulder_bag(rng: np.random.Generator) -> Mesh:
    """Return a bag on a strap over the shoulder, the origin: 28 to 40 by 22 to 32 by 8 to 14 cm.

    It hangs at the side, 45 to 65 cm down, flat in the yz plane.
    """
    wide, high, deep = rng.uniform(0.28, 0.40), rng.uniform(0.22, 0.32), rng.uniform(0.08, 0.14)
    drop, paint = rng.uniform(0.45, 0.65), palette.cloth(rng)
    strap, top = palette.shade(paint, 0.5), -drop
    body = rounded_box((deep, wide, high), 0.03, (0, 0, top - high / 2), paint)
    flap = rounded_box(
        (deep + 0.012, wide + 0.006, 0.55 * high),
        0.02,
        (0, 0, top - 0.26 * high),
        palette.shade(paint, 0.75),
    )
    clasp = rounded_box(
        (deep + 0.02, 0.04, 0.03), 0.008, (0, 0, top - 0.5 * high), palette.metal(rng)
    )
    section = np.array([(-0.018, -0.003), (0.018, -0.003), (0.018, 0.003), (-0.018, 0.003)])
    half = wide / 2
    line = [
        (0, -half, top - 0.04),
        (0, -0.8 * half, top + 0.06),
        (0, -0.5 * half, -0.08),
        (0, -0.25 * half, -0.015),
        (0, 0, 0),
    ]
    line += [(x, -y, z) for x, y, z in line[-2::-1]]
    band = sweep(line, section[:, ::-1], strap, up=(1, 0, 0))
    return joined([body, flap, clasp, band])


def _crown(
    half_axes: tuple[float, float, float],
    low: float,
    grow: float,
    paint: palette.Color,
    lift: float = 0.004,
    full: float = 2.0,
) -> Mesh:
    """Return a shell, 4 mm thick, over the top of an ellipsoid head whose top is the origin.

    Parameters
    ----------
    half_axes
        The head's half axes (m).
    low
        Where the shell ends, as a share of the head's upper half: 0 at its middle, 1 at its top.
    grow
        How much wider than the head the shell is.
    paint
        Linear RGB.
    lift
        How far the shell's top is above the head's (m).
    full
        2 for a round shell, more for one with a steeper side and a flatter top.
    """
    part = np.sin(np.linspace(0.0, np.pi / 2.0, 7))
    wide = grow * np.sqrt(1.0 - low**2) * (1.0 - part**full) ** (1.0 / full)
    outer = np.column_stack([wide, low + (1.0 - low) * part])
    inner = outer[::-1] * (1.0 - 0.004 / half_axes[0], 1.0)
    inner[:, 1] = low + (inner[:, 1] - low) * (1.0 - 0.004 / half_axes[2])
    profile = np.concatenate([outer, inner, outer[:1]])
    colors = np.array([*[paint] * 7, *[palette.shade(paint, 0.5)] * 8])
    shell = lathe(profile, colors, 20, lids=False)
    stretch = np.diag((half_axes[0], half_axes[1], half_axes[2] + lift / (1.0 - low)))
    return shell.moved(stretch, (0.0, 0.0, lift - float(stretch[2, 2])))


def cap(rng: np.random.Generator, half_axes: tuple[float, float, float] = HEAD) -> Mesh:
    """Return a peaked cap on a head whose top is the origin, its visor 6.5 to 7.5 cm to -y."""
    x, y, z = half_axes
    paint = palette.cloth(rng)
    peak = palette.cloth(rng) if rng.uniform() < 0.4 else palette.shade(paint, 0.8)
    logo_paint = palette.pick(rng, pale=0.6, bright=0.4)
    low, grow, reach = rng.uniform(0.12, 0.25), rng.uniform(1.05, 1.1), rng.uniform(0.065, 0.075)
    crown = _crown(half_axes, low, grow, paint, lift=0.008)
    button = ellipsoid((0.008, 0.008, 0.005), (0, 0, 0.009), peak, 8, 4)
    rim = np.sqrt(1.0 - low**2) * grow
    angle = np.radians(np.linspace(-62, 62, 9))[None]
    out = np.linspace(0.0, 1.0, 4)[:, None]
    ahead = reach * out * np.cos(angle) ** 0.5
    height = 0.008 - z + low * z
    grid = np.stack(
        [
            (rim * x * 0.985) * np.sin(angle) + 0.15 * ahead * np.sin(angle),
            -(rim * y * 0.985) * np.cos(angle) - ahead,
            height + 0.004 - 0.25 * ahead - 0.022 * np.sin(angle) ** 2 * (0.3 + out) + 0 * out,
        ],
        axis=-1,
    )
    tilt = np.radians(30.0) + np.arcsin(low)
    badge = turned(ellipsoid((0.019, 0.004, 0.014), color=logo_paint), "x", -np.degrees(tilt) * 0.9)
    spot = (0.0, -y * grow * np.cos(tilt), 0.008 - z + z * np.sin(tilt))
    visor = sheet(grid, (0, 0, 0.004), peak)
    return joined([crown, button, visor, badge.moved(np.eye(3), spot)])


def hat(rng: np.random.Generator, half_axes: tuple[float, float, float] = HEAD) -> Mesh:
    """Return a hat on a head whose top is the origin: brim 4 to 9 cm wide, crown to 4 cm above."""
    x, _, z = half_axes
    paint = palette.pick(rng, wood=0.4, cloth=0.6)
    band = palette.pick(rng, dark=0.6, bright=0.4)
    low, brim, over = rng.uniform(0.25, 0.4), rng.uniform(0.04, 0.09), rng.uniform(0.015, 0.04)
    wide = np.sqrt(1.0 - low**2) * 1.1
    edge, base, top = wide + brim / x, low, 1.0 + over / z
    droop = rng.uniform(-0.1, 0.12)
    profile = [
        (0.0, base - 0.02),
        (wide - 0.02, base - 0.02),
        (edge, base - 0.04 - droop),
        (edge, base - droop),
    ]
    profile += [
        (wide + 0.06, base + 0.02),
        (wide, base + 0.05),
        (wide, base + 0.05),
        (wide * 0.99, base + 0.25),
    ]
    profile += [
        (wide * 0.99, base + 0.25),
        (wide * 0.86, top - 0.08),
        (wide * 0.7, top),
        (0.0, top - 0.06),
    ]
    colors = np.array([palette.shade(paint, 0.6)] * 3 + [paint] * 3 + [band] * 2 + [paint] * 4)
    solid = lathe(profile, colors, 24, crease=60.0)
    return solid.moved(np.diag(half_axes), (0.0, 0.0, -z))


def beanie(rng: np.random.Generator, half_axes: tuple[float, float, float] = HEAD) -> Mesh:
    """Return a knitted cap with a turned-up edge on a head whose top is the origin."""
    x, y, z = half_axes
    paint = palette.cloth(rng)
    low = rng.uniform(0.0, 0.15)
    lift = rng.uniform(0.01, 0.03)
    crown = _crown(half_axes, low, 1.07, paint, lift, full=3.0)
    rim = np.sqrt(1.0 - low**2) * 1.06
    angle = np.arange(24) * (2 * np.pi / 24)
    rib = 1.0 + 0.012 * (-1.0) ** np.arange(24)
    line = np.column_stack(
        [
            rim * x * rib * np.cos(angle),
            rim * y * rib * np.sin(angle),
            0 * angle + (low - 1.0) * z + 0.02,
        ]
    )
    section = rounded_rectangle(0.010, 0.045, 0.0045, 2)
    second = palette.shade(paint, 0.7) if rng.uniform() < 0.6 else palette.cloth(rng)
    parts = [crown, sweep(line, section, second, up=(0, 0, 1), closed=True)]
    if rng.uniform() < 0.4:
        bobble = ball(rng.uniform(0.025, 0.035), palette.pick(rng, pale=0.5, bright=0.5), 1)
        rough = bobble.vertices * rng.uniform(0.9, 1.1, (len(bobble.vertices), 1)).astype(
            np.float32
        )
        parts.append(Mesh(rough, bobble.faces, bobble.colors).moved(np.eye(3), (0, 0, lift + 0.02)))
    return joined(parts)


def glasses(rng: np.random.Generator, width: float = 0.14) -> Mesh:
    """Return glasses: the origin between the eyes, ``width`` (m) over the frame, temples to +y."""
    return _spectacles(rng, width, None)


def sunglasses(rng: np.random.Generator, width: float = 0.145) -> Mesh:
    """Return sunglasses: the origin between the eyes, ``width`` (m) over the frame."""
    return _spectacles(rng, width, palette.pick(rng, dark=0.8, bright=0.2))


def _spectacles(rng: np.random.Generator, width: float, lens: palette.Color | None) -> Mesh:
    """Return glasses, the frames empty where the lenses have no colour; 2 cm before the eyes."""
    frame = palette.pick(rng, dark=0.6, metal=0.2, bright=0.2)
    bridge, y = 0.016, -0.02
    wide, high = (width - bridge) / 2.0 - 0.004, rng.uniform(0.032, 0.046)
    thick = rng.uniform(0.0013, 0.0028)
    outline = rounded_rectangle(wide, high, rng.uniform(0.3, 0.49) * high, 4)
    parts = [
        rod((-bridge / 2, y - 0.003, 0.004), (bridge / 2, y - 0.003, 0.004), thick, frame, sides=6)
    ]
    for side in (-1, 1):
        x = side * (bridge + wide) / 2.0
        back = 0.10 * np.abs(outline[:, 0] + x) ** 2 / width
        line = np.column_stack([outline[:, 0] + x, y + back, outline[:, 1]])
        parts.append(tube(line, thick, frame, sides=5, closed=True))
        if lens is not None:
            flat = prism(outline, 0.002, lens)
            parts.append(flat.moved([[1, 0, 0], [0, 0, 1], [0, -1, 0]], (x, y + 0.001, 0)))
        temple = [
            (side * (width / 2 - 0.003), y + 0.006, 0.006),
            (side * width / 2, y + 0.015, 0.007),
        ]
        temple += [
            (side * (width / 2 + 0.003), y + 0.105, 0.005),
            (side * (width / 2), y + 0.135, -0.025),
        ]
        parts.append(tube(temple, max(thick, 0.0018), frame, sides=5))
    return joined(parts)


def bracelet(rng: np.random.Generator, half_axes: tuple[float, float] = (0.021, 0.029)) -> Mesh:
    """Return a watch or a bracelet round a wrist.

    Parameters
    ----------
    rng
        Source of the sizes and colours.
    half_axes
        The wrist's half axes along x and y (m).

    Returns
    -------
    The forearm's axis is z through the origin; the watch's face, 3.6 to 4.6 cm, looks to -x.
    """
    x, y = half_axes
    angle = np.arange(20) * (2 * np.pi / 20)
    line = np.column_stack([(x + 0.002) * np.cos(angle), (y + 0.002) * np.sin(angle), 0 * angle])
    if rng.uniform() < 0.35:
        return sweep(
            line,
            rounded_rectangle(0.006, rng.uniform(0.005, 0.02), 0.0025, 2),
            palette.pick(rng, metal=0.4, bright=0.4, dark=0.2),
            up=(0, 0, 1),
            closed=True,
        )
    strap = sweep(
        line,
        rounded_rectangle(0.004, rng.uniform(0.018, 0.024), 0.0015, 2),
        palette.pick(rng, dark=0.6, metal=0.2, bright=0.2),
        up=(0, 0, 1),
        closed=True,
    )
    size, shell = rng.uniform(0.018, 0.023), palette.pick(rng, metal=0.6, dark=0.4)
    face = palette.pick(rng, pale=0.5, dark=0.5)
    if rng.uniform() < 0.6:
        dial = lathe(
            [
                (size, 0),
                (size, 0.008),
                (size, 0.008),
                (0.85 * size, 0.01),
                (0.85 * size, 0.01),
                (0, 0.01),
            ],
            [shell] * 4 + [face] * 2,
            18,
        )
    else:
        dial = joined(
            [
                rounded_box((2 * size, 1.7 * size, 0.01), 0.003, (0, 0, 0.005), shell),
                box((1.7 * size, 1.4 * size, 0.001), (0, 0, 0.01), face),
            ]
        )
    return joined([strap, turned(dial, "y", -90).moved(np.eye(3), (-x - 0.001, 0, 0))])


def scarf(rng: np.random.Generator, half_axes: tuple[float, float] = (0.062, 0.065)) -> Mesh:
    """Return a scarf wound round a neck whose middle is the origin, one or two ends hanging at -y.

    Parameters
    ----------
    rng
        Source of the sizes and colours.
    half_axes
        The neck's half axes along x and y (m).
    """
    x, y = half_axes
    paint = palette.cloth(rng)
    stripe = palette.cloth(rng) if rng.uniform() < 0.5 else palette.shade(paint, 0.8)
    thick = rng.uniform(0.022, 0.032)
    parts = []
    for turn in range(2):
        angle = np.arange(22) * (2 * np.pi / 22)
        reach = thick * (0.9 + 0.25 * turn) * (1.0 + 0.08 * np.sin(3 * angle + turn))
        height = (
            0.03 * (turn - 0.6)
            + 0.012 * np.sin(2 * angle + 2 * turn)
            - 0.02 * (1 - np.sin(angle)) * turn
        )
        line = np.column_stack([(x + reach) * np.cos(angle), (y + reach) * np.sin(angle), height])
        section = (
            0.85
            * thick
            * np.column_stack(
                [np.cos(np.arange(7) * 2 * np.pi / 7), 1.35 * np.sin(np.arange(7) * 2 * np.pi / 7)]
            )
        )
        colors = np.where((np.arange(22) % 4 < 1)[:, None], stripe, paint)
        parts.append(sweep(line, section, colors, up=(0, 0, 1), closed=True))
    knot = -(y + 1.8 * thick)
    parts.append(ellipsoid((0.035, 0.03, 0.035), (0, knot, -0.03), paint, 10, 6))
    for side in (-1, 1)[: int(rng.integers(1, 3))]:
        long = rng.uniform(0.25, 0.5)
        part = np.linspace(0, 1, 9)
        line = np.column_stack(
            [
                side * (0.015 + 0.03 * part),
                knot - 0.02 - 0.03 * np.sin(2.5 * part),
                -0.04 - long * part,
            ]
        )
        section = rounded_rectangle(0.10, 0.016, 0.007, 2)
        colors = np.where(
            (np.arange(9) >= 6)[:, None] & (np.arange(9) % 2 == 0)[:, None], stripe, paint
        )
        parts.append(
            sweep(line, section, colors, up=(0, -1, 0), scale=0.55 + 0.45 * np.minimum(1, 3 * part))
        )
    return joined(parts)


def headphones(rng: np.random.Generator, half_axes: tuple[float, float, float] = HEAD) -> Mesh:
    """Return headphones: the origin is the head's top, the cups on the ears at its middle."""
    x, _, z = half_axes
    shell, pad = palette.pick(rng, dark=0.5, pale=0.2, bright=0.3), palette.dark(rng)
    angle = np.radians(np.linspace(-8, 188, 15))
    line = np.column_stack(
        [(x + 0.013) * np.cos(angle), 0 * angle, (z + 0.012) * np.sin(angle) - z]
    )
    parts = [sweep(line, rounded_rectangle(0.008, 0.028, 0.0035, 2), shell, up=(0, 1, 0))]
    size = rng.uniform(0.034, 0.044)
    for side in (-1, 1):
        cushion = torus(0.75 * size, 0.011, pad, around=16, sides=6)
        cushion = turned(cushion, "y", 90).moved(
            np.diag((1, 0.85, 1.1)), (side * (x + 0.008), 0, -z)
        )
        parts.append(cushion)
        cup = lathe(
            [(size, 0), (size, 0.012), (0.7 * size, 0.026), (0, 0.028)],
            [shell] * 2 + [palette.shade(shell, 0.6)] * 2,
            16,
            crease=70,
        )
        parts.append(
            turned(cup, "y", 90 * side).moved(np.diag((1, 0.85, 1.1)), (side * (x + 0.011), 0, -z))
        )
    if rng.uniform() < 0.3:
        parts.append(capsule((x + 0.02, -0.03, -z - 0.02), (0.03, -0.13, -z - 0.075), 0.005, pad))
    return joined(parts)
