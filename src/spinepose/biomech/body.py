"""The body model: one person of 1.75 m with an articulated spine and the 37 keypoints.

The ground's axes are x forward, y up, z right. The pelvis has its origin halfway between the hip
joints; it stands at the ground's origin when all coordinates are zero. Arms and legs hang down
then, palms to the thighs.

Lengths of limbs are de Leva's, between joint centres, as keypoints are; Winter's are lengths
between landmarks, and for the upper arm 15 % longer. Hands are fixed to the forearms: no keypoint
shows them. Knees and elbows are hinges, shoulders, hips and the pelvis turn about z, x and y.
"""

from __future__ import annotations

import math
from functools import cache

from spinepose.biomech.sources import SOURCES
from spinepose.biomech.spec import Body, Coordinate, Marker, ModelSpec, Turn, Vector
from spinepose.biomech.spine import (
    LIMIT_MARGIN,
    level_tilt,
    spine_bodies,
    spine_coordinates,
    spine_markers,
    upright,
)
from spinepose.skeleton import SPINETRACK

__all__ = ["GROUPS", "STATURE", "body_model"]

STATURE = 1.75
"""Metres, of the reference person."""

GROUPS = (
    "pelvis",
    "lumbar",
    "thorax",
    "neck",
    "head",
    "shoulder",
    "upper_arm",
    "forearm",
    "thigh",
    "shank",
    "foot",
)
"""Parts that are stretched as one; left and right together."""

_DE_LEVA = STATURE / 1.741
_UPPER_ARM = 0.2817 * _DE_LEVA
_FOREARM = 0.2689 * _DE_LEVA
_THIGH = 0.4222 * _DE_LEVA
_SHANK = 0.4340 * _DE_LEVA

_HALF_HIPS = 0.36 * 0.231
"""Half the distance of the hip joints: 36 % of the width of the pelvis (Bell et al. 1990), which is
231 mm between the spines of the ilium (mean of women and men in Dumas et al. 2007)."""

_CLAVICLES_ON = "T2"
_CLAVICLE: Vector = (0.055, -0.003, 0.024)
"""From the joint below T2 to the sternoclavicular joint, along upright axes."""
_SHOULDER: Vector = (-0.051, -0.014, 0.143)
"""From the sternoclavicular joint to the shoulder joint."""

_LIMBS = {
    # coordinate: (axis, low, high in degrees, sources); right side, as OpenSim has the signs
    "clavicle_elevation": ("x", -15, 40, ("inman",)),
    "clavicle_protraction": ("y", -30, 30, ("ludewig",)),
    "arm_flexion": ("z", -60, 180, ("aaos",)),
    "arm_adduction": ("x", -180, 75, ("aaos",)),
    "arm_rotation": ("y", -90, 70, ("aaos",)),
    "elbow_flexion": ("z", -5, 150, ("aaos",)),
    "hip_flexion": ("z", -30, 120, ("aaos",)),
    "hip_adduction": ("x", -45, 30, ("aaos",)),
    "hip_rotation": ("y", -45, 45, ("aaos",)),
    "knee_flexion": ("z", -10, 135, ("aaos",)),
    "ankle_flexion": ("z", -50, 20, ("aaos",)),
    "ankle_inversion": ("x", -15, 35, ("aaos",)),
}
_FOLDED, _HALF_TURN = 160.0, 180.0
"""Degrees: a hinge is stopped by flesh; what turns about three axes has no more to say."""
_HINGES = ("elbow_flexion", "knee_flexion")
_BACKWARD = ("knee_flexion", "clavicle_elevation")
"""Coordinates whose positive sense turns the right side against the axis."""

_JOINTS = {
    # body: (parent, offset of the right one, group, coordinates, sources)
    "clavicle": (
        _CLAVICLES_ON,
        upright(_CLAVICLES_ON, _CLAVICLE),
        "shoulder",
        ("clavicle_elevation", "clavicle_protraction"),
        ("mesh",),
    ),
    "upper_arm": (
        "clavicle",
        _SHOULDER,
        "upper_arm",
        ("arm_flexion", "arm_adduction", "arm_rotation"),
        ("mesh",),
    ),
    "forearm": (
        "upper_arm",
        (0.0, -_UPPER_ARM, 0.0),
        "forearm",
        ("elbow_flexion",),
        ("de-leva",),
    ),
    "hand": ("forearm", (0.0, -_FOREARM, 0.0), "forearm", (), ("de-leva",)),
    "thigh": (
        "pelvis",
        (0.0, 0.0, _HALF_HIPS),
        "thigh",
        ("hip_flexion", "hip_adduction", "hip_rotation"),
        ("bell", "dumas"),
    ),
    "shank": ("thigh", (0.0, -_THIGH, 0.0), "shank", ("knee_flexion",), ("de-leva",)),
    "foot": (
        "shank",
        (0.0, -_SHANK, 0.0),
        "foot",
        ("ankle_flexion", "ankle_inversion"),
        ("de-leva",),
    ),
}

_HERE: Vector = (0.0, 0.0, 0.0)
_C1_TO_JOINT = 0.0075
"""From the centre of C1 up to its joint with the head."""

_PAIRED_MARKERS: dict[str, tuple[str, Vector, tuple[str, ...]]] = {
    # keypoint: (body, location of the right one, sources)
    "eye": ("head", (0.095, 0.052 - _C1_TO_JOINT, 0.030), ("mesh",)),
    "ear": ("head", (0.012, 0.032 - _C1_TO_JOINT, 0.074), ("mesh",)),
    "clavicle": ("clavicle", _HERE, ("mesh",)),
    "shoulder": ("upper_arm", _HERE, ("mesh",)),
    "elbow": ("forearm", _HERE, ("de-leva",)),
    "wrist": ("hand", _HERE, ("de-leva",)),
    "latissimus": ("T8", upright("T8", (-0.014, -0.021, 0.146)), ("mesh",)),
    "hip": ("thigh", _HERE, ("bell", "dumas")),
    "knee": ("shank", _HERE, ("de-leva",)),
    "ankle": ("foot", _HERE, ("de-leva",)),
    "big_toe": ("foot", (0.195, -0.066, -0.019), ("mesh", "de-leva")),
    "small_toe": ("foot", (0.158, -0.068, 0.041), ("mesh", "de-leva")),
    "heel": ("foot", (-0.045, -0.059, 0.004), ("mesh", "de-leva")),
}
_HEAD_MARKERS: dict[str, tuple[Vector, tuple[str, ...]]] = {
    "nose": ((0.117, 0.020 - _C1_TO_JOINT, 0.0), ("mesh",)),
    "head": ((0.015, 0.160 - _C1_TO_JOINT, 0.0), ("mesh",)),
}


def _root() -> tuple[Body, tuple[Coordinate, ...]]:
    """Return the pelvis and the six coordinates that place it on the ground."""
    names = (("pelvis_tilt", "z"), ("pelvis_list", "x"), ("pelvis_rotation", "y"))
    moves = tuple(
        Coordinate(f"pelvis_t{axis}", -math.inf, math.inf, ("model",), axis) for axis in "xyz"
    )
    turned = tuple(Coordinate(name, -math.inf, math.inf, ("model",)) for name, _ in names)
    turns = tuple(Turn(axis, name) for name, axis in names)
    return Body("pelvis", "", _HERE, "pelvis", ("model",), 0.0, turns), (*moves, *turned)


def _on_side(point: Vector, side: str) -> Vector:
    return point if side == "r" else (point[0], point[1], -point[2])


def _limb_bodies(side: str) -> tuple[Body, ...]:
    """Return the limbs of one side, ``r`` or ``l``, from the trunk outward."""
    found = []
    for name, (parent, offset, group, coordinates, sources) in _JOINTS.items():
        turns = []
        for coordinate in coordinates:
            axis = _LIMBS[coordinate][0]
            share = -1.0 if coordinate in _BACKWARD else 1.0
            if side == "l" and axis != "z":
                share = -share
            turns.append(Turn(axis, f"{coordinate}_{side}", share))
        above = f"{parent}_{side}" if parent in _JOINTS else parent
        where = _on_side(offset, side)
        # What hangs on a leaning vertebra stands upright again.
        tilt = -level_tilt(parent) if parent == _CLAVICLES_ON else 0.0
        found.append(Body(f"{name}_{side}", above, where, group, sources, tilt, tuple(turns)))
    return tuple(found)


def _limb_coordinates(side: str) -> tuple[Coordinate, ...]:
    """Return the coordinates of the limbs of one side, with limits in radians."""
    found = []
    for name, (_, low, high, sources) in _LIMBS.items():
        most = _FOLDED if name in _HINGES else _HALF_TURN
        least, most = max(low * LIMIT_MARGIN, -most), min(high * LIMIT_MARGIN, most)
        limits = math.radians(least), math.radians(most)
        found.append(Coordinate(f"{name}_{side}", *limits, sources))
    return tuple(found)


def _markers() -> tuple[Marker, ...]:
    """Return the 37 keypoints in the order of the skeleton."""
    found = {marker.name: marker for marker in spine_markers()}
    for name, (location, sources) in _HEAD_MARKERS.items():
        found[name] = Marker(name, "head", location, sources)
    for side in ("left", "right"):
        for name, (body, location, sources) in _PAIRED_MARKERS.items():
            where = f"{body}_{side[0]}" if body in _JOINTS else body
            point = _on_side(location, side[0])
            found[f"{side}_{name}"] = Marker(f"{side}_{name}", where, point, sources)
    return tuple(found[name] for name in SPINETRACK.keypoints)


@cache
def body_model() -> ModelSpec:
    """Return the body model: 40 bodies, 45 coordinates, 37 markers, 11 scale groups.

    The markers are the keypoints of `spinepose.skeleton.SPINETRACK`, in that order.
    """
    pelvis, root = _root()
    return ModelSpec(
        name="spinepose",
        stature=STATURE,
        bodies=(pelvis, *spine_bodies(), *_limb_bodies("r"), *_limb_bodies("l")),
        coordinates=(
            *root,
            *spine_coordinates(),
            *_limb_coordinates("r"),
            *_limb_coordinates("l"),
        ),
        markers=_markers(),
        groups=GROUPS,
        sources=SOURCES,
    )
