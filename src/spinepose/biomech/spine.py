"""The spine: 24 vertebrae and the head on 25 joints, bent by fifteen coordinates.

A joint is the centre of a disc; a vertebra reaches from the disc below it to the disc above. Five
regions take one coordinate each for extension, bending and rotation. Each joint of a region turns
by the share of the coordinate that its own range has in the range of the region.

Sources disagree about shares: in vivo studies give L4/L5 and L5/S1 less of the lumbar flexion than
White and Panjabi do. Theirs are taken, since no other table covers all levels and all three axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from spinepose.biomech.spec import Body, Coordinate, Marker, Turn, Vector

__all__ = [
    "LIMIT_MARGIN",
    "REGIONS",
    "SACRAL_SLOPE",
    "VERTEBRAE",
    "Vertebra",
    "level_tilt",
    "spine_bodies",
    "spine_coordinates",
    "spine_markers",
    "upright",
]

LIMIT_MARGIN = 1.2
"""Limits are the cited ranges times this: people differ, by about a fifth from the mean."""


@dataclass(frozen=True, slots=True)
class Vertebra:
    """One vertebra with the disc below it.

    Parameters
    ----------
    name
        L5 to C1.
    height
        Millimetres, from the middle of the disc below to the middle of the disc above.
    tilt
        Degrees of the standing body against the vertical; positive leans backward.
    ranges
        Degrees that the joint below it turns: flexion and extension together, bending and rotation
        to one side.
    """

    name: str
    height: float
    tilt: float
    ranges: tuple[float, float, float]


VERTEBRAE = (
    Vertebra("L5", 37.4, -25.0, (17, 3, 1)),
    Vertebra("L4", 38.7, -11.0, (16, 6, 2)),
    Vertebra("L3", 37.7, 1.0, (15, 8, 2)),
    Vertebra("L2", 35.7, 10.0, (14, 6, 2)),
    Vertebra("L1", 33.9, 15.5, (12, 6, 2)),
    Vertebra("T12", 32.4, 18.5, (12, 8, 2)),
    Vertebra("T11", 31.1, 19.0, (12, 9, 2)),
    Vertebra("T10", 29.1, 17.5, (9, 7, 2)),
    Vertebra("T9", 27.2, 14.5, (6, 6, 4)),
    Vertebra("T8", 25.1, 11.0, (6, 6, 6)),
    Vertebra("T7", 24.6, 6.5, (6, 6, 7)),
    Vertebra("T6", 23.9, 1.0, (5, 6, 7)),
    Vertebra("T5", 23.3, -7.0, (4, 6, 8)),
    Vertebra("T4", 22.9, -15.0, (4, 6, 8)),
    Vertebra("T3", 22.6, -21.0, (4, 5, 8)),
    Vertebra("T2", 21.9, -25.0, (4, 6, 8)),
    Vertebra("T1", 21.7, -27.0, (4, 5, 9)),
    Vertebra("C7", 21.3, -22.0, (9, 4, 2)),
    Vertebra("C6", 18.0, -16.0, (17, 7, 6)),
    Vertebra("C5", 17.0, -11.0, (20, 8, 7)),
    Vertebra("C4", 17.0, -7.0, (20, 11, 7)),
    Vertebra("C3", 17.0, -3.0, (15, 11, 7)),
    Vertebra("C2", 21.0, 0.0, (10, 10, 3)),
    Vertebra("C1", 15.0, 0.0, (20, 5, 40)),
)
"""From the sacrum up."""

_HEAD_RANGES = (25.0, 5.0, 5.0)
"""Of the joint between C1 and the head."""

REGIONS = {
    # region: (bodies above its joints, share of flexion in the sagittal range, sources)
    "lumbar": (("L5", "L4", "L3", "L2", "L1", "T12"), 0.75, ("white-panjabi", "pearcy")),
    "lower_thoracic": (("T11", "T10", "T9", "T8", "T7", "T6"), 0.5, ("white-panjabi", "model")),
    "upper_thoracic": (("T5", "T4", "T3", "T2", "T1"), 0.5, ("white-panjabi", "model")),
    "lower_neck": (("C7", "C6", "C5", "C4", "C3"), 0.5, ("white-panjabi", "model")),
    "upper_neck": (("C2", "C1", "head"), 0.5, ("white-panjabi", "model")),
}
"""Regions from the sacrum up. How much of the sagittal range is flexion is cited for the lumbar
spine only; the others have half."""

_MOTIONS = (("extension", "z"), ("bending", "x"), ("rotation", "y"))
_GROUPS = {"L": "lumbar", "T": "thorax", "C": "neck"}

_L5S1 = (-0.0235, 0.100, 0.0)
"""Of the disc L5/S1 from the middle of the hip joints: the mean of the heights of women and men in
Dumas et al. 2007, leaning back by the pelvic tilt of Vialle et al. 2005. The mean synthetic adult
has 84 mm; measured people are taken."""

SACRAL_SLOPE = 41.0
"""Degrees that the end plate of S1 falls forward in a standing person (Vialle et al. 2005)."""

_BY_LEVEL = {vertebra.name: vertebra for vertebra in VERTEBRAE}


def level_tilt(name: str) -> float:
    """Return how far a standing person's vertebra leans backward, radians."""
    return math.radians(_BY_LEVEL[name].tilt)


def upright(body: str, vector: Vector) -> Vector:
    """Return a vector (3,) given along the axes of a standing person in a vertebra's frame."""
    angle = level_tilt(body)
    cosine, sine = math.cos(angle), math.sin(angle)
    x, y, z = vector
    return (cosine * x + sine * y, cosine * y - sine * x, z)


def _ranges(name: str) -> tuple[float, float, float]:
    return _HEAD_RANGES if name == "head" else _BY_LEVEL[name].ranges


def spine_coordinates() -> tuple[Coordinate, ...]:
    """Return extension, bending and rotation of each region, with limits in radians.

    Bending is positive to the right, rotation to the left, as OpenSim's models have it.
    """
    found = []
    for region, (names, flexion, sources) in REGIONS.items():
        totals = [math.radians(sum(_ranges(name)[k] for name in names)) for k in range(3)]
        for (motion, _), total, low, high in zip(
            _MOTIONS, totals, (flexion, 1, 1), (1 - flexion, 1, 1), strict=True
        ):
            limits = (-low * total * LIMIT_MARGIN, high * total * LIMIT_MARGIN)
            found.append(Coordinate(f"{region}_{motion}", *limits, sources))
    return tuple(found)


def spine_bodies() -> tuple[Body, ...]:
    """Return the vertebrae and the head, each the child of the one below; L5 is the pelvis's."""
    turns = {
        name: _turns(region, name, names)
        for region, (names, *_) in REGIONS.items()
        for name in names
    }
    found, parent, offset, tilt = [], "pelvis", _L5S1, 0.0
    for vertebra in VERTEBRAE:
        name = vertebra.name
        found.append(
            Body(
                name,
                parent,
                offset,
                _GROUPS[name[0]],
                _sources(name),
                math.radians(vertebra.tilt - tilt),
                turns[name],
            )
        )
        parent, offset, tilt = name, (0.0, vertebra.height / 1000, 0.0), vertebra.tilt
    found.append(Body("head", parent, offset, "head", ("cervical",), 0.0, turns["head"]))
    return tuple(found)


def _turns(region: str, name: str, names: tuple[str, ...]) -> tuple[Turn, ...]:
    """Return the turns of one joint: about z, x and y, each by its share of the region's range."""
    return tuple(
        Turn(axis, f"{region}_{motion}", _ranges(name)[k] / sum(_ranges(n)[k] for n in names))
        for k, (motion, axis) in enumerate(_MOTIONS)
    )


def _sources(name: str) -> tuple[str, ...]:
    if name == "L5":
        return ("dumas", "vialle", "white-panjabi")
    return ("cervical" if name[0] == "C" else "heights", "vialle", "white-panjabi")


def spine_markers() -> tuple[Marker, ...]:
    """Return the nine keypoints of the spine, which are centres of vertebral bodies and discs.

    The sacrum's is 50 mm down and back from L5/S1, as in `spinepose.synth.anatomy`.
    """

    def centre(name: str, body: str) -> Marker:
        return Marker(name, body, (0.0, _BY_LEVEL[body].height / 2000, 0.0), ("heights",))

    x, y, z = _L5S1
    return (
        Marker("hip", "pelvis", (x - 0.050 * 0.62, y - 0.050 * 0.78, z), ("mesh",)),
        centre("spine_01", "L5"),
        centre("spine_02", "L3"),
        Marker("spine_03", "L1", (0.0, _BY_LEVEL["L1"].height / 1000, 0.0), ("heights",)),
        centre("spine_04", "T8"),
        centre("spine_05", "T3"),
        centre("neck", "C7"),
        Marker("neck_02", "C4", (0.0, _BY_LEVEL["C4"].height / 1000, 0.0), ("cervical",)),
        centre("neck_03", "C1"),
    )
