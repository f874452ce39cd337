"""Materials: what a surface looks like, as rows of numbers that the shading kernel reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["Kind", "Material", "Pattern", "pack"]

Color = tuple[float, float, float]


class Kind(IntEnum):
    """How a surface is shaded."""

    SKIN = 0
    EYE = 1
    CLOTH = 2
    HAIR = 3
    PAINTED = 4


class Pattern(IntEnum):
    """What is printed or woven into a cloth."""

    PLAIN = 0
    ACROSS = 1
    ALONG = 2
    CHECK = 3
    DOTS = 4
    BLOTCHES = 5
    HEATHER = 6
    BLOCKS = 7
    PRINT = 8
    DENIM = 9
    SIDE_STRIPE = 10
    FLOWERS = 11


@dataclass(frozen=True, slots=True)
class Material:
    """A surface.

    Attributes
    ----------
    kind, pattern
        How it is shaded, and what is on it.
    first, second, third
        Linear RGB albedos: ground, pattern, trim. Of skin: skin, lips, brows and beard. Of eyes:
        white, iris, pupil.
    scale
        Repeats of the pattern per metre.
    phase
        Where the pattern starts, and its proportions, 0..1.
    bump, bump_scale
        Height of the wrinkles as a slope, and wrinkles per metre.
    gloss, power
        Strength and sharpness of highlights.
    seed
        Of its noise.
    extra
        Of skin: stubble 0..1. Of cloth: width of the trimmed edge in m.
    """

    kind: Kind
    first: Color
    second: Color = (0.5, 0.5, 0.5)
    third: Color = (0.1, 0.1, 0.1)
    pattern: Pattern = Pattern.PLAIN
    scale: float = 10.0
    phase: float = 0.5
    bump: float = 0.0
    bump_scale: float = 8.0
    gloss: float = 0.02
    power: float = 10.0
    seed: int = 0
    extra: float = 0.0


def pack(materials: list[Material]) -> npt.NDArray[np.float32]:
    """Return the materials as rows (M, 19) in the order that the kernel expects."""
    rows = [
        (
            *(float(material.kind), float(material.pattern)),
            *material.first,
            *material.second,
            *material.third,
            *(material.scale, material.phase, material.bump, material.bump_scale),
            *(material.gloss, material.power, float(material.seed), material.extra),
        )
        for material in materials
    ]
    return np.array(rows, np.float32)
