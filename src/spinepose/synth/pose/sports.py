"""Motions of ball games, jumps, fights, and machines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from spinepose.synth.pose.blocks import (
    Motion,
    Rng,
    between,
    blend,
    both_arms,
    both_legs,
    ease,
    mix,
)
from spinepose.synth.pose.pose import Arm, Leg, Pose

__all__ = [
    "climb",
    "cycle",
    "guard",
    "hang",
    "jump",
    "kick",
    "leap",
    "row",
    "sprint_start",
    "swing",
    "throw",
]


def jump(rng: Rng) -> Motion:
    """Return a jump from both legs: crouch, flight with raised arms, landing."""
    u = rng.uniform
    depth, height = u(0.5, 1.0), u(0.1, 0.55)
    style = rng.choice(["straight", "tuck", "star", "pike"], p=[0.5, 0.2, 0.18, 0.12])
    arms = Arm((u(0.2, 0.6), u(-0.2, 0.5), 1.0), 0.0, u(0, 35))
    crouch = Pose(
        pelvis=(40 * depth, 0, 0),
        trunk=(18 * depth, 0, 0),
        neck=(-25 * depth, 0, 0),
        **both_legs(Leg(85 * depth, 6, 10, 95 * depth, 20 * depth)),
        **both_arms(Arm((0.25, -0.9, -0.8), 0.0, 15.0)),
    )
    legs = {
        "straight": Leg(u(-12, 5), u(2, 8), 5, u(2, 25), -35),
        "tuck": Leg(105, 8, 5, 120, -10),
        "star": Leg(8, u(25, 42), 12, 5, -35),
        "pike": Leg(80, 20, 10, 8, -35),
    }[str(style)]
    flight = Pose(
        trunk=(u(-16, 4) if style == "straight" else 14, 0, 0),
        neck=(-12, 0, 0),
        **both_legs(legs),
        **both_arms(arms if style != "pike" else Arm((0.3, 1, -0.2), 0, 5)),
        feet=("free", "free"),
        base="air",
        lift=height,
    )

    def at(phase: float) -> Pose:
        if phase < 0.4:
            return blend(Pose(), crouch, ease(phase / 0.4))
        return blend(replace(crouch, lift=0.0), flight, ease((phase - 0.4) / 0.4))

    return Motion("jump", at, 1.4)


def leap(rng: Rng) -> Motion:
    """Return a leap or hurdle step: one leg ahead, one behind, in the air."""
    u = rng.uniform
    ahead = Leg(u(60, 100), u(0, 12), 5, u(0, 70), -25)
    behind = Leg(-u(10, 45), u(0, 20), 15, u(5, 80), -40)
    pose = Pose(
        pelvis=(u(-4, 18), u(-5, 5), u(-15, 15)),
        trunk=(u(-10, 18), u(-8, 8), u(-20, 20)),
        neck=(-8, 0, 0),
        left_leg=ahead,
        right_leg=behind,
        left_arm=Arm((u(0.3, 1), u(-0.8, 0.6), u(-0.4, 0.8)), 0, u(0, 50)),
        right_arm=Arm((u(0.3, 1), u(0, 1), u(-0.2, 1)), 0, u(0, 50)),
        feet=("free", "free"),
        base="air",
        lift=u(0.1, 0.6),
    )
    start = replace(pose, left_leg=Leg(35, 2, 5, 40), right_leg=Leg(0, 2, 5, 15), lift=0.02)
    return Motion("leap", between(start, pose), 0.7)


def throw(rng: Rng) -> Motion:
    """Return an overhead throw, pitch or serve: cocked to follow-through (Fleisig et al. 1995)."""
    u = rng.uniform
    cocked = Pose(
        pelvis=(-4, 0, -u(20, 45)),
        trunk=(-u(5, 24), u(0, 16), -u(14, 36)),
        neck=(0, 0, 45),
        left_leg=Leg(u(15, 62), 6, 8, u(8, 70)),
        right_leg=Leg(-8, 6, 18, u(12, 34)),
        left_arm=Arm((0.5, 0.9, u(0, 0.6)), 0, u(5, 35)),
        right_arm=Arm((1, -0.2, u(0, 0.35)), -u(40, 85), 95, -10, 0.8),
        feet=("free" if u(0, 1) < 0.35 else "flat", "flat"),
    )
    done = Pose(
        pelvis=(24, 0, u(20, 45)),
        trunk=(u(14, 38), -u(0, 16), u(15, 38)),
        neck=(-20, 0, -20),
        left_leg=Leg(u(45, 72), 4, 6, u(25, 58)),
        right_leg=Leg(-18, 6, 15, u(24, 62), -20),
        left_arm=Arm((0.5, -0.3, -0.6), 0, u(40, 90)),
        right_arm=Arm((-0.2, 1, -u(0.1, 0.8)), 20, u(8, 40), 20, 0.5),
        feet=("flat", "toes"),
    )
    return Motion(
        "throw",
        lambda p: blend(cocked, replace(done, feet=("flat", "toes")), ease(p)),
        0.8,
        held="one",
    )


def kick(rng: Rng) -> Motion:
    """Return a kick at a ball or to the front, side and head."""
    u = rng.uniform
    high = u(0, 1)
    back = Pose(
        trunk=(u(-8, 12), 0, u(-20, 0)),
        left_leg=Leg(4, 3, 8, 14),
        right_leg=Leg(-24, 8, 8, u(70, 112), -30),
        left_arm=Arm((1, u(0, 0.6), u(-0.5, 0.4)), 0, u(5, 40)),
        right_arm=Arm((0.6, -0.6, -0.8), 0, u(10, 60)),
        feet=("flat", "free"),
    )
    end = Pose(
        pelvis=(-u(4, 24), u(-12, 4), u(-8, 28)),
        trunk=(u(6, 32), u(-14, 10), u(0, 22)),
        left_leg=Leg(u(-4, 12), 3, 12, u(8, 26)),
        right_leg=Leg(mix(38, 122, high), u(0, 42), 6, u(2, 28), -35),
        left_arm=Arm((0.8, u(0, 0.9), u(-0.6, 0.3)), 0, u(10, 70)),
        right_arm=Arm((0.7, -0.7, -0.6), 0, u(10, 60)),
        feet=("flat", "free"),
    )
    return Motion("kick", between(back, end), 0.9)


def swing(rng: Rng) -> Motion:
    """Return both hands on a club or bat, swung across the body."""
    u = rng.uniform
    lean = u(8, 34)
    stance = both_legs(Leg(lean * 0.8 + 10, 9, 10, u(12, 30)))
    back = Pose(
        pelvis=(lean * 0.6, 0, -u(18, 40)),
        trunk=(lean * 0.5, 0, -u(25, 45)),
        neck=(0, 0, 60),
        left_arm=Arm((-0.45, 0.9, u(-0.2, 0.3)), 0, u(0, 20), 0, 0.95),
        right_arm=Arm((0.5, 0.5, u(-0.5, 0.1)), 10, u(70, 105), 0, 0.95),
        **stance,
    )
    done = Pose(
        pelvis=(4, 0, u(20, 55)),
        trunk=(u(-12, 8), -u(0, 14), u(20, 45)),
        neck=(0, 0, -30),
        left_arm=Arm((0.6, 0.6, u(0, 0.7)), 0, u(50, 95), 0, 0.95),
        right_arm=Arm((-0.35, 0.9, u(0, 0.6)), 0, u(5, 40), 0, 0.95),
        left_leg=Leg(4, 6, 14, 6),
        right_leg=Leg(2, 4, -10, 34),
        feet=("flat", "toes"),
    )
    return Motion("swing", between(back, done), 0.9, held="one")


def guard(rng: Rng) -> Motion:
    """Return a fighter's guard and punches."""
    u = rng.uniform
    stance: dict[str, Any] = {"left_leg": Leg(26, 4, 5, 28), "right_leg": Leg(-4, 8, 18, 30)}
    ready = Pose(
        pelvis=(6, 0, -u(15, 35)),
        trunk=(u(8, 20), 0, 0),
        neck=(10, 0, 20),
        left_arm=Arm((0.15, 0.5, -0.85), 8, 128, 0, 1.0),
        right_arm=Arm((0.25, 0.25, -1), 10, 138, 0, 1.0),
        feet=("flat", "toes"),
        **stance,
    )
    punch = replace(
        ready,
        trunk=(u(8, 22), 0, u(8, 30)),
        right_arm=Arm((-0.1, 1, u(-0.1, 0.25)), 10, u(2, 24), 0, 1.0),
    )
    return Motion("guard", between(ready, punch), 0.6)


def row(rng: Rng) -> Motion:
    """Return rowing: from the catch to the finish on a sliding seat near the floor."""
    u = rng.uniform
    lay = u(10, 26)
    catch = Pose(
        pelvis=(u(8, 20), 0, 0),
        trunk=(u(24, 48), 0, 0),
        neck=(-18, 0, 0),
        **both_legs(Leg(118, 5, 4, 118, 15)),
        **both_arms(Arm((0.1, 1.1, -0.5), 0, 4, 0, 0.9)),
        feet=("free", "free"),
        base="seat",
        lift=0.3,
    )
    finish = Pose(
        pelvis=(-lay, 0, 0),
        trunk=(u(4, 24), 0, 0),
        neck=(4, 0, 0),
        **both_legs(Leg(84 - lay * 0.4, 5, 4, 8, -5)),
        **both_arms(Arm((0.45, -0.3, -1), 0, 98, 0, 0.9)),
        feet=("free", "free"),
        base="seat",
        lift=0.3,
    )
    return Motion("row", between(catch, finish), 2.2, held="both", support="chair")


def cycle(rng: Rng) -> Motion:
    """Return riding a bicycle that is not there: saddle height, crank circles, aero to upright."""
    u = rng.uniform
    lean = u(8, 48)
    rounded = u(14, 48)
    reach = Arm((0.12, mix(0.75, 1.3, lean / 48), -0.8), 0, u(8, 45), 0, 0.9)

    def leg(t: float) -> Leg:
        up = 0.5 + 0.5 * np.cos(2 * np.pi * t)
        return Leg(lean + mix(32, 78, up), 2, 2, mix(32, 110, up), float(-6 + 8 * up))

    def at(phase: float) -> Pose:
        return Pose(
            pelvis=(lean, 0, 0),
            trunk=(rounded, 2 * float(np.sin(2 * np.pi * phase)), 0),
            neck=(-(lean + rounded) * 0.55, 0, 0),
            left_leg=leg(phase),
            right_leg=leg(phase + 0.5),
            **both_arms(reach),
            feet=("free", "free"),
            base="seat",
            lift=0.92,
        )

    return Motion("cycle", at, 0.8, cyclic=True)


def climb(rng: Rng) -> Motion:
    """Return climbing or crawling up: one arm and the other leg high, hips near the wall."""
    u = rng.uniform
    pose = Pose(
        pelvis=(u(-8, 14), u(-14, 14), u(-18, 18)),
        trunk=(u(-16, 18), u(-20, 20), u(-20, 20)),
        neck=(-u(0, 38), 0, u(-40, 40)),
        left_leg=Leg(u(50, 105), u(10, 52), 30, u(60, 120), -10),
        right_leg=Leg(u(0, 34), u(0, 25), 20, u(0, 45), -25),
        left_arm=Arm((u(0.1, 0.7), 0.35, u(-0.4, 0.5)), 10, u(40, 110), 0, 0.8),
        right_arm=Arm((u(0.05, 0.5), 0.25, 1), 0, u(0, 50), 0, 0.8),
        feet=("free", "free"),
        base="air",
        lift=u(0.0, 1.0),
    )
    other = replace(pose, left_leg=Leg(u(10, 50), 20, 25, u(10, 60), -15), trunk=(0, 0, 0))
    return Motion("climb", between(other, pose), 2.0)


def hang(rng: Rng) -> Motion:
    """Return hanging from a bar, or pulled up to it."""
    u = rng.uniform
    hips = u(-12, 30) if u(0, 1) < 0.7 else u(60, 100)
    knee = u(0, 90)
    wide = u(0.12, 0.5)
    legs: dict[str, Any] = {
        "left_leg": Leg(hips, 3, 4, knee, -30),
        "right_leg": Leg(hips + u(-8, 8), 3, 4, knee, -30),
    }
    low = Pose(
        trunk=(u(-14, 10), u(-5, 5), u(-6, 6)),
        neck=(-u(0, 20), 0, 0),
        **both_arms(Arm((wide, 0.05, 1), 0, u(0, 8), 0, 1.0)),
        feet=("free", "free"),
        base="hang",
        lift=u(2.2, 2.9),
        **legs,
    )
    high = replace(
        low,
        trunk=(-u(4, 20), 0, 0),
        **both_arms(Arm((0.62, 0.22, -0.55), 0, u(125, 145), 0, 1.0)),
    )
    return Motion("hang", between(low, high), 2.4, held="both", support="bar-above")


def sprint_start(rng: Rng) -> Motion:
    """Return a sprinter's crouch start: from the marks to the set position."""
    u = rng.uniform
    arms = Arm((u(0.12, 0.3), 1, u(-0.15, 0.05)), 0, u(2, 10), -40, 0.1)
    tilt = u(82, 94)
    ready = Pose(
        pelvis=(tilt, 0, 0),
        trunk=(u(6, 26), 0, 0),
        neck=(-u(0, 30), 0, 0),
        left_leg=Leg(tilt + u(36, 44), 4, 4, u(84, 96), 10),
        right_leg=Leg(tilt + u(2, 14), 4, 4, u(58, 74), 0),
        **both_arms(arms),
        feet=("toes", "toes"),
        hands=("floor", "floor"),
    )
    marks = replace(
        ready,
        pelvis=(68, 0, 0),
        left_leg=Leg(120, 4, 4, 118, 10),
        right_leg=Leg(70, 4, 4, 82, 0),
    )
    return Motion("sprint-start", between(marks, ready), 1.5)
