"""Motions near the ground: on a chair, on the floor, on the knees, lying."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from spinepose.synth.pose.blocks import (
    Motion,
    Rng,
    between,
    both_arms,
    both_legs,
    mix,
    relaxed_arm,
)
from spinepose.synth.pose.pose import Arm, FootContact, Leg, Pose

__all__ = ["all_fours", "crawl", "crouch", "kneel", "lie", "plank", "sit", "sit_floor"]


def sit(rng: Rng) -> Motion:
    """Return sitting on a chair: upright, slumped, leaning on the knees, at a desk."""
    u = rng.uniform
    style = rng.choice(["upright", "slump", "forward", "desk"])
    pitch, flexion = {
        "upright": (u(-6, 6), u(0, 14)),
        "slump": (-u(14, 28), u(24, 48)),
        "forward": (u(8, 26), u(18, 44)),
        "desk": (u(-8, 6), u(8, 30)),
    }[str(style)]
    arms = {
        "upright": Arm((0.2, 0.35, -1), 12, u(30, 80)),
        "slump": Arm((0.25, 0.3, -1), 14, u(20, 60)),
        "forward": Arm((0.2, 0.7, -0.9), 18, u(50, 85)),
        "desk": Arm((0.22, 0.6, -0.9), 24, u(70, 95), 0, 0.3),
    }[str(style)]
    leg = Leg(82 + pitch, u(4, 16), 6, u(70, 100), 0)
    other = replace(leg, knee=u(60, 105), flexion=leg.flexion + u(-4, 4))
    pose = Pose(
        pelvis=(pitch, 0, 0),
        trunk=(flexion, u(-7, 7), u(-14, 14)),
        neck=(u(-14, 30), 0, u(-30, 30)),
        left_leg=leg,
        right_leg=other,
        left_arm=arms,
        right_arm=replace(arms, elbow=arms.elbow + u(-10, 30)),
        base="seat",
        lift=u(0.40, 0.50),
    )
    moved = replace(pose, trunk=(flexion + u(-8, 16), u(-10, 10), u(-20, 20)))
    return Motion("sit", between(pose, moved), 3.0, support="chair")


def sit_floor(rng: Rng) -> Motion:
    """Return sitting on the floor: legs long, crossed, or knees up."""
    u = rng.uniform
    kind = rng.choice(["long", "crossed", "knees-up", "straddle"])
    reach = u(0, 1)
    if kind == "long":
        legs = both_legs(Leg(86 + 18 * reach, 3, 4, u(0, 10), 0))
        pelvis, trunk = (u(-10, 8) + 18 * reach, 0.0, 0.0), (u(10, 25) + 38 * reach, 0.0, 0.0)
        arms = both_arms(Arm((0.12, 1.2 * reach + 0.2, -0.7), 0, 12))
    elif kind == "crossed":
        legs = both_legs(Leg(88, 46, 34, 118, -10))
        pelvis, trunk = (u(-14, 2), 0.0, 0.0), (u(6, 34), 0.0, 0.0)
        arms = both_arms(Arm((0.4, 0.35, -1), 20, u(25, 55)))
    elif kind == "straddle":
        legs = both_legs(Leg(86, u(28, 52), 12, u(0, 8), -10))
        pelvis, trunk = (u(-6, 14), 0.0, 0.0), (u(8, 52), u(-24, 24), u(-14, 14))
        arms = both_arms(Arm((u(0.3, 0.8), 0.9, -0.6), 0, 10))
    else:
        legs = both_legs(Leg(112, 4, 4, u(96, 122), 0))
        pelvis, trunk = (-u(6, 18), 0.0, 0.0), (u(24, 46), 0.0, 0.0)
        arms = both_arms(Arm((0.25, 0.85, -0.8), 30, u(22, 60)))
    pose = Pose(
        pelvis=pelvis, trunk=trunk, neck=(u(-10, 20), 0, u(-20, 20)),
        feet=("free", "free"), base="floor", **legs, **arms,
    )  # fmt: skip
    moved = replace(pose, trunk=(trunk[0] + u(-6, 14), trunk[1] + u(-8, 8), u(-12, 12)))
    return Motion("sit-floor", between(pose, moved), 3.0)


def kneel(rng: Rng) -> Motion:
    """Return kneeling on one knee or both."""
    u = rng.uniform
    arms: dict[str, Any] = {"left_arm": relaxed_arm(rng), "right_arm": relaxed_arm(rng)}
    pitch, bent = u(-4, 10), u(0, 28)
    if u(0, 1) < 0.5:
        # The shank of the knee on the ground lies flat; the hips stay behind that knee.
        front, back = u(80, 96), u(-8, 4)
        legs: dict[str, Any] = {
            "left_leg": Leg(front + pitch, 5, 6, front, 0),
            "right_leg": Leg(back + pitch, 3, 4, 85 + back, -40),
        }
    else:
        # From upright to sitting on the heels; a bent trunk takes the hips back.
        back = mix(14 + bent * 0.8, 62, max(0.0, u(-0.6, 1)))
        legs = both_legs(Leg(back + pitch, 5, 2, 87 + back, -66))
    pose = Pose(
        pelvis=(pitch, 0, 0),
        trunk=(bent, u(-6, 6), u(-12, 12)),
        feet=("free", "free"),
        base="floor",
        **legs,
        **arms,
    )
    moved = replace(pose, trunk=(pose.trunk[0] * u(0.4, 1), u(-8, 8), u(-16, 16)))
    return Motion("kneel", between(pose, moved), 2.4)


def all_fours(rng: Rng) -> Motion:
    """Return hands and knees, cat and cow: the back arched and hollowed."""
    u = rng.uniform
    hollowed, rounded = u(8, 32), u(22, 52)
    # The pelvis turns against the trunk, so that hands and knees stay on the ground.
    tilts = 84 + 0.55 * hollowed + u(-4, 4), 84 - 0.5 * rounded + u(-4, 4)
    arms = both_arms(Arm((0.06, 1, u(-0.1, 0.15)), 0, u(0, 12), -80, 0.0))
    hollow = Pose(
        pelvis=(tilts[0], 0, 0),
        trunk=(-hollowed, u(-4, 4), 0),
        neck=(-u(5, 38), 0, 0),
        feet=("free", "free"),
        hands=("floor", "floor"),
        base="floor",
        **both_legs(Leg(tilts[0], 4, 2, 88, -64)),
        **arms,
    )
    arched = replace(
        hollow,
        **both_legs(Leg(tilts[1], 4, 2, 88, -64)),
        pelvis=(tilts[1], 0, 0),
        trunk=(rounded, 0, 0),
        neck=(u(10, 45), 0, 0),
    )
    return Motion("all-fours", between(hollow, arched), 2.6)


def plank(rng: Rng) -> Motion:
    """Return a push-up, from the plank down."""
    u = rng.uniform
    legs = both_legs(Leg(u(0, 14), 3, 2, 2, 25))
    high = Pose(
        pelvis=(u(70, 78), 0, 0),
        trunk=(u(-8, 12), 0, 0),
        neck=(-u(0, 22), 0, 0),
        feet=("free", "free"),
        hands=("floor", "floor"),
        base="floor",
        **legs,
        **both_arms(Arm((0.16, 1, -0.12), 0, 4, -80, 0)),
    )
    low = replace(
        high, pelvis=(86, 0, 0), **both_arms(Arm((0.5, 0.0, -0.8), 0, u(75, 105), -80, 0))
    )
    return Motion("push-up", between(high, low), 1.8)


def lie(rng: Rng) -> Motion:
    """Return lying on the back, the belly or the side."""
    u = rng.uniform
    kind = rng.choice(["back", "belly", "side", "crunch"])
    yaw = u(-180, 180)
    free: dict[str, Any] = {"feet": ("free", "free"), "base": "floor"}
    if kind == "belly":
        pose = Pose(
            pelvis=(88, 0, yaw),
            trunk=(-u(0, 30), u(-6, 6), u(-6, 6)),
            neck=(-u(0, 25), 0, u(-60, 60)),
            **both_legs(Leg(-2, u(2, 18), 8, u(0, 30), -42)),
            left_arm=Arm((1, u(-0.05, 0.1), u(-0.9, 0.7)), -u(78, 95), u(0, 100)),
            right_arm=Arm((1, u(-0.05, 0.1), u(-0.9, 0.7)), -u(78, 95), u(0, 100)),
            **free,
        )
    elif kind == "side":
        pose = Pose(
            pelvis=(0, 88, yaw),
            trunk=(u(0, 26), u(-8, 8), u(-8, 8)),
            neck=(u(0, 20), -u(0, 16), 0),
            left_leg=Leg(u(5, 60), 0, 2, u(10, 90), -20),
            right_leg=Leg(u(5, 80), u(0, 18), 2, u(10, 90), -20),
            left_arm=Arm((0.05, 1, u(-0.6, 0.8)), 0, u(20, 100)),
            right_arm=Arm((0.1, 0.8, -0.8), 0, u(10, 70)),
            **free,
        )
    else:
        sit_up = u(10, 60) if kind == "crunch" else u(-4, 8)
        bent = u(0, 1) if kind == "back" else 1.0
        pose = Pose(
            pelvis=(-88, 0, yaw),
            trunk=(sit_up, u(-6, 6), u(-8, 8)),
            neck=(sit_up * 0.5, 0, u(-30, 30)),
            **both_legs(Leg(52 * bent, u(2, 12), 6, 98 * bent, -30 * (1 - bent))),
            left_arm=Arm((u(0.2, 1), u(-0.1, 0.1), u(-1, 1)), 0, u(0, 40)),
            right_arm=Arm((u(0.2, 1), u(-0.1, 0.1), u(-1, 1)), 0, u(0, 40)),
            **free,
        )
        if kind == "crunch":
            pose = replace(pose, **both_arms(Arm((0.8, 0.35, 0.35), 40, 135)))
    moved = replace(pose, trunk=(pose.trunk[0] + u(0, 10), pose.trunk[1], pose.trunk[2]))
    return Motion("lie", between(pose, moved), 3.0)


def crouch(rng: Rng) -> Motion:
    """Return a deep crouch on the soles or the balls of the feet, and half the way up."""
    u = rng.uniform
    feet: tuple[FootContact, FootContact] = ("toes", "toes") if u(0, 1) < 0.5 else ("flat", "toes")
    if u(0, 1) < 0.4:
        feet = ("flat", "flat")
    arms: dict[str, Any] = {
        "knees": both_arms(Arm((0.25, 0.75, -0.7), 20, u(35, 70))),
        "ahead": both_arms(Arm((0.1, 1, u(-0.7, 0.1)), 0, u(5, 40))),
        "ground": both_arms(Arm((0.05, 1, -0.25), 0, u(4, 20), -40, 0.1)),
    }[str(rng.choice(["knees", "ahead", "ground"]))]
    low = Pose(
        pelvis=(u(16, 40), u(-4, 4), u(-6, 6)),
        trunk=(u(14, 50), u(-8, 8), u(-14, 14)),
        neck=(-u(0, 35), 0, u(-25, 25)),
        left_leg=Leg(u(116, 130), u(8, 22), 10, u(128, 146), 28),
        right_leg=Leg(u(100, 125), u(8, 22), 10, u(124, 146), 20),
        feet=feet,
        **arms,
    )
    half = replace(
        low,
        pelvis=(36, 0, 0),
        **both_legs(Leg(95, 12, 10, 95, 25)),
    )
    return Motion("crouch", between(half, low), 2.0)


def crawl(rng: Rng) -> Motion:
    """Return crawling on hands and knees: one arm and the other knee ahead."""
    u = rng.uniform
    rounded, look = u(-12, 24), u(-40, 5)
    pitch, reach, step = 86 - 0.5 * rounded + u(-4, 4), u(0.12, 0.3), u(10, 22)

    def at(phase: float) -> Pose:
        wave = float(np.sin(2 * np.pi * phase))

        def leg(way: float) -> Leg:
            flexion = pitch + way * wave * step
            return Leg(flexion, 5, 2, 87 + flexion - pitch, -64)

        return Pose(
            pelvis=(pitch, 0, 4 * wave),
            trunk=(rounded, 6 * wave, -5 * wave),
            neck=(look, 0, 0),
            left_leg=leg(1.0),
            right_leg=leg(-1.0),
            left_arm=Arm((0.08, 1, -wave * reach), 0, 8, -80, 0),
            right_arm=Arm((0.08, 1, wave * reach), 0, 8, -80, 0),
            feet=("free", "free"),
            hands=("floor", "floor"),
            base="floor",
        )

    return Motion("crawl", at, 1.4, cyclic=True)
