"""All props by what a person does with them, and random draws of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from spinepose.synth.mesh import Mesh
from spinepose.synth.props import both_hands, furniture, hand_daily, hand_sport, seats, street, worn

__all__ = [
    "BOTH_HANDS",
    "GROUPS",
    "HELD",
    "OCCLUDERS",
    "SUPPORTS",
    "WORN",
    "draw_prop",
    "draw_two_handed",
]

Maker = Callable[[np.random.Generator], Mesh]


def _carton(rng: np.random.Generator) -> Mesh:
    """Return a carton without its width."""
    return both_hands.carton(rng)[0]


HELD: Mapping[str, Maker] = MappingProxyType(
    {
        "badminton_racket": hand_sport.badminton_racket,
        "ball": hand_sport.sports_ball,
        "baseball_bat": hand_sport.baseball_bat,
        "bottle": hand_daily.bottle,
        "cricket_bat": hand_sport.cricket_bat,
        "cup": hand_daily.cup,
        "dumbbell": hand_sport.dumbbell,
        "hockey_stick": hand_sport.hockey_stick,
        "kettlebell": hand_sport.kettlebell,
        "phone": hand_daily.phone,
        "shopping_bag": hand_daily.shopping_bag,
        "sword": hand_sport.sword,
        "tablet": hand_daily.tablet,
        "tennis_racket": hand_sport.tennis_racket,
        "tray": hand_daily.tray,
        "umbrella": hand_daily.umbrella,
        "walking_stick": hand_daily.walking_stick,
    }
)
"""Held in one hand; the frame is that of `spinepose.synth.props.hand_sport`."""

BOTH_HANDS: Mapping[str, Maker] = MappingProxyType(
    {
        "barbell": both_hands.barbell,
        "carton": _carton,
        "pole": both_hands.pole,
        "rowing_handle": both_hands.rowing_handle,
        "steering_wheel": both_hands.steering_wheel,
    }
)
"""Held in both hands, along x; see `draw_two_handed` for how far apart the hands are."""

SUPPORTS: Mapping[str, Maker] = MappingProxyType(
    {
        "armchair": seats.armchair,
        "bed": seats.bed,
        "bench": seats.bench,
        "gym_mat": seats.gym_mat,
        "kitchen_chair": seats.kitchen_chair,
        "massage_table": seats.massage_table,
        "office_chair": seats.office_chair,
        "plyo_box": seats.plyo_box,
        "sofa": seats.sofa,
        "stool": seats.stool,
        "weight_bench": seats.weight_bench,
    }
)
"""To sit or lie on; every maker also takes ``seat_height`` and ``seat_depth`` (m)."""

OCCLUDERS: Mapping[str, Maker] = MappingProxyType(
    {
        "barbell_rack": street.barbell_rack,
        "bicycle": street.bicycle,
        "bollard": street.bollard,
        "bush": furniture.bush,
        "counter": furniture.counter,
        "desk": furniture.desk,
        "fence": street.fence,
        "hurdle": street.hurdle,
        "ladder": street.ladder,
        "partition": furniture.partition,
        "post": street.post,
        "potted_plant": furniture.potted_plant,
        "railing": street.railing,
        "sports_net": street.sports_net,
        "stroller": street.stroller,
        "table": furniture.table,
        "trash_bin": street.trash_bin,
        "treadmill": street.treadmill,
    }
)
"""Standing on the floor in front of a person."""

WORN: Mapping[str, Maker] = MappingProxyType(
    {
        "backpack": worn.backpack,
        "beanie": worn.beanie,
        "bracelet": worn.bracelet,
        "cap": worn.cap,
        "glasses": worn.glasses,
        "hat": worn.hat,
        "headphones": worn.headphones,
        "scarf": worn.scarf,
        "shoulder_bag": worn.shoulder_bag,
        "sunglasses": worn.sunglasses,
    }
)
"""Worn; most makers also take the size of the body part, see `spinepose.synth.props.worn`."""

GROUPS: Mapping[str, Mapping[str, Maker]] = MappingProxyType(
    {
        "held": HELD,
        "both_hands": BOTH_HANDS,
        "supports": SUPPORTS,
        "occluders": OCCLUDERS,
        "worn": WORN,
    }
)
"""The groups by the name that `draw_prop` takes."""

_HANDS_APART = MappingProxyType(
    {
        "barbell": (0.20, 0.40),
        "pole": (0.15, 0.45),
        "rowing_handle": (0.17, 0.21),
    }
)


def draw_prop(rng: np.random.Generator, group: str) -> tuple[str, Mesh]:
    """Return the name and the mesh of a prop drawn from a group, all names equally likely.

    Parameters
    ----------
    rng
        Source of the choice, the sizes and the colours.
    group
        ``held``, ``both_hands``, ``supports``, ``occluders`` or ``worn``.
    """
    makers = GROUPS[group]
    name = list(makers)[int(rng.integers(len(makers)))]
    return name, makers[name](rng)


def draw_two_handed(rng: np.random.Generator) -> tuple[str, Mesh, float]:
    """Return the name and mesh of a thing for both hands, and the hands' distance from its middle.

    The hands close about the x axis at plus and minus that distance (m); the palms lie flat on a
    carton's sides, and hold a steering wheel's rim.
    """
    name = list(BOTH_HANDS)[int(rng.integers(len(BOTH_HANDS)))]
    if name == "carton":
        return name, *both_hands.carton(rng)
    mesh = BOTH_HANDS[name](rng)
    if name == "steering_wheel":
        return name, mesh, float(mesh.vertices[:, 0].max()) - 0.015
    return name, mesh, float(rng.uniform(*_HANDS_APART[name]))
