"""Things held in both hands: their length along x, the middle between the hands at the origin."""

from __future__ import annotations

import numpy as np

from spinepose.synth.mesh import Mesh, joined
from spinepose.synth.props import palette
from spinepose.synth.props.shapes import box, capsule, lathe, rod, rounded_box, tube, turned

__all__ = ["barbell", "carton", "pole", "rowing_handle", "steering_wheel"]


def _plates(rng: np.random.Generator, start: float, end: float) -> list[Mesh]:
    """Return one to three plates on a sleeve along z from ``start`` to ``end`` (m)."""
    sizes = [0.225, rng.choice([0.225, 0.16, 0.1]), rng.choice([0.16, 0.1, 0.08])]
    if rng.uniform() < 0.2:
        sizes = sizes[2:]
    found: list[Mesh] = []
    z, paint = start, palette.dark(rng)
    for radius in sizes[: int(rng.integers(1, len(sizes) + 1))]:
        thick = rng.uniform(0.025, 0.065) if radius > 0.2 else rng.uniform(0.02, 0.03)
        if z + thick > end:
            break
        paint = palette.pick(rng, dark=0.5, bright=0.5)
        found.append(rod((0, 0, z), (0, 0, z + thick), radius, paint, sides=20))
        z += thick + 0.002
    hub, face = palette.metal(rng), palette.shade(paint, 0.75)
    outer = np.array(
        [(0.85, -0.0), (0.85, 0.0), (0.8, 0.002), (0.32, 0.002), (0.32, 0.002), (0.3, 0.01)]
    )
    rise = outer * (radius, 1.0) + (0.0, z - 0.003)
    found.append(lathe(rise, [paint, face, face, face, hub, hub], 18))
    return found


def barbell(rng: np.random.Generator) -> Mesh:
    """Return a barbell along x.

    IWF: men's bar 2.20 m long and 28 mm thick, women's 2.01 m and 25 mm, both with 1.31 m between
    the collars, sleeves 50 mm thick, large plates 45 cm wide.
    """
    men = rng.uniform() < 0.6
    length, thick = (2.20, 0.014) if men else (2.01, 0.0125)
    inside, steel = 1.31 / 2.0, palette.metal(rng)
    sleeve = rod((0, 0, inside), (0, 0, length / 2.0), 0.025, palette.shade(steel, 0.9), sides=12)
    collar = rod((0, 0, inside - 0.03), (0, 0, inside), 0.04, steel, sides=12)
    end = turned(joined([sleeve, collar, *_plates(rng, inside, length / 2.0 - 0.04)]), "y", 90)
    shaft = rod((-inside, 0, 0), (inside, 0, 0), thick, palette.shade(steel, 0.75))
    return joined([shaft, end, turned(end, "z", 180)])


def pole(rng: np.random.Generator) -> Mesh:
    """Return a staff along x: 1.2 to 2.0 m long and 2.4 to 3.5 cm thick (bo staff 1.82 m)."""
    half, radius = rng.uniform(0.6, 1.0), rng.uniform(0.012, 0.0175)
    staff = capsule(
        (-half, 0, 0), (half, 0, 0), radius, palette.pick(rng, wood=0.6, bright=0.2, metal=0.2)
    )
    paint = palette.pick(rng, dark=0.6, bright=0.4)
    tips = [rod((s * half * 0.88, 0, 0), (s * half, 0, 0), radius + 0.002, paint) for s in (-1, 1)]
    return joined([staff, *tips])


def rowing_handle(rng: np.random.Generator) -> Mesh:
    """Return a rowing machine's handle along x, 45 to 51 cm wide, its chain 0.6 to 1.2 m to -y."""
    half, chain = rng.uniform(0.225, 0.255), rng.uniform(0.6, 1.2)
    core, grip = palette.dark(rng), palette.pick(rng, dark=0.5, wood=0.3, bright=0.2)
    middle = rounded_box((0.13, 0.035, 0.03), 0.008, (0, -0.012, 0), core)
    bars = []
    for side in (-1.0, 1.0):
        line = [
            (0.05 * side, -0.012, 0),
            (0.1 * side, 0, 0),
            (0.7 * half * side, 0, 0),
            (half * side, 0.025, 0),
        ]
        bars.append(tube(line, 0.016, grip, sides=8))
    line_out = rod((0, -0.02, 0), (0, -chain, 0), 0.005, palette.metal(rng), sides=6)
    return joined([middle, *bars, line_out])


def steering_wheel(rng: np.random.Generator) -> Mesh:
    """Return a steering wheel in the xz plane, facing +y: 36 to 40 cm wide."""
    radius, paint = rng.uniform(0.18, 0.20), palette.dark(rng)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rim = tube(
        np.column_stack([radius * np.cos(angle), 0 * angle, radius * np.sin(angle)]),
        0.015,
        paint,
        closed=True,
    )
    hub = rounded_box((0.15, 0.05, 0.11), 0.02, (0, -0.01, 0), palette.shade(paint, 1.5))
    ends = [(radius, 0, 0.0), (-radius, 0, 0.0), (0, 0, -radius)]
    spokes = [rod((0, -0.01, 0), end, 0.016, palette.metal(rng), sides=6) for end in ends]
    return joined([rim, hub, *spokes])


def carton(rng: np.random.Generator) -> tuple[Mesh, float]:
    """Return a carton about the origin and half the width between the palms on its sides (m).

    25 to 55 cm wide (x), 20 to 40 cm deep (y) and 15 to 40 cm high (z), with tape on its seam.
    """
    wide, deep, high = rng.uniform(0.25, 0.55), rng.uniform(0.20, 0.40), rng.uniform(0.15, 0.40)
    paper = palette.pick(rng, wood=0.85, pale=0.15)
    body = rounded_box((wide, deep, high), 0.004, color=paper)
    tape = palette.shade(paper, 0.7) if rng.uniform() < 0.6 else palette.pale(rng)
    strips = [box((wide + 0.001, 0.05, 0.001), (0, 0, s * high / 2.0), tape) for s in (-1, 1)]
    strips += [
        box((0.001, 0.05, 0.07), (s * wide / 2.0, 0, high / 2 - 0.035), tape) for s in (-1, 1)
    ]
    label = box(
        (rng.uniform(0.25, 0.45) * wide, 0.001, 0.35 * high),
        (rng.uniform(-0.2, 0.2) * wide, -deep / 2.0, 0.0),
        palette.pick(rng, pale=0.6, bright=0.4),
    )
    return joined([body, *strips, label]), wide / 2.0
