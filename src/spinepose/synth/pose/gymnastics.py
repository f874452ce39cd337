"""Motions of dance, yoga and gymnastics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from spinepose.synth.pose.blocks import (
    Motion,
    Rng,
    between,
    both_arms,
    both_legs,
)
from spinepose.synth.pose.pose import Arm, Leg, Pose

__all__ = ["cartwheel", "dance", "handstand", "somersault", "yoga"]


def dance(rng: Rng) -> Motion:
    """Ballet-like figures: arabesque, attitude, passe."""
    u = rng.uniform
    kind = rng.choice(["arabesque", "passe", "second"])
    arms = {
        "left_arm": Arm((u(0.4, 1), u(-0.2, 0.9), u(-0.2, 1)), 0, u(4, 40)),
        "right_arm": Arm((u(0.4, 1), u(-0.3, 0.6), u(-0.2, 0.8)), 0, u(4, 40)),
    }
    standing: Literal["flat", "toes"] = "toes" if u(0, 1) < 0.4 else "flat"
    if kind == "arabesque":
        pitch = u(14, 62)
        end = Pose(
            pelvis=(pitch, 0, 0),
            trunk=(-u(8, 34), 0, u(-8, 8)),
            neck=(-u(0, 20), 0, 0),
            left_leg=Leg(pitch - 2, 0, 12, 3),
            right_leg=Leg(-u(12, 28), 4, 14, u(0, 22), -42),
            feet=(standing, "free"),
            **arms,
        )
    elif kind == "passe":
        end = Pose(
            trunk=(-u(0, 6), 0, 0),
            left_leg=Leg(2, 0, 20, 2),
            right_leg=Leg(u(55, 88), u(15, 55), 30, u(100, 128), -42),
            feet=(standing, "free"),
            **arms,
        )
    else:
        end = Pose(
            trunk=(u(-4, 4), -u(0, 14), 0),
            left_leg=Leg(0, 0, 22, 2),
            right_leg=Leg(u(20, 80), u(38, 70), 30, u(0, 10), -42),
            feet=(standing, "free"),
            **arms,
        )
    return Motion("dance", between(Pose(feet=end.feet), end), 2.4)


def yoga(rng: Rng) -> Motion:
    u = rng.uniform
    kind = str(
        rng.choice(
            [
                "dog",
                "warrior",
                "warrior3",
                "tree",
                "triangle",
                "bridge",
                "cobra",
                "boat",
                "child",
                "wheel",
            ]
        )
    )
    makers: dict[str, Callable[[], Pose]] = {
        "dog": lambda: Pose(
            pelvis=(u(112, 130), 0, 0), trunk=(u(-4, 16), 0, 0), neck=(u(0, 12), 0, 0),
            **both_legs(Leg(u(82, 100), 4, 2, u(0, 14), 18)),
            **both_arms(Arm((0.14, 0.3, 1), 0, 3, -60, 0)),
            feet=("free", "free"), hands=("floor", "floor"), base="floor"),
        "warrior": lambda: Pose(
            trunk=(u(-6, 4), 0, 0), neck=(0, 0, u(-20, 60)),
            left_leg=Leg(u(60, 88), u(4, 30), 10, u(62, 92)),
            right_leg=Leg(-u(12, 24), u(14, 30), 20, 3),
            **both_arms(Arm((1, 0, u(-0.05, 0.08)) if u(0, 1) < 0.6 else (0.1, 0, 1), 0, 3))),
        "warrior3": lambda: Pose(
            pelvis=(u(62, 86), 0, 0), trunk=(-u(0, 14), 0, 0), neck=(-12, 0, 0),
            left_leg=Leg(u(64, 84), 0, 4, 3), right_leg=Leg(-u(0, 10), 0, 4, 3, -20),
            **both_arms(Arm((0.12, 0.1, 1), 0, 4)), feet=("flat", "free")),
        "tree": lambda: Pose(
            left_leg=Leg(0, 0, 4, 1), right_leg=Leg(u(40, 62), u(38, 55), 30, u(108, 132), -25),
            **both_arms(Arm((u(0.05, 0.2), 0.05, 1), 0, 18) if u(0, 1) < 0.6
                         else Arm((0.3, 0.45, -0.9), 45, 118)),
            feet=("flat", "free")),
        "triangle": lambda: Pose(
            pelvis=(0, u(18, 34), 0), trunk=(u(0, 10), u(28, 44), u(-10, 14)),
            neck=(0, 0, -u(0, 50)), **both_legs(Leg(4, u(24, 34), 14, 2)),
            left_arm=Arm((1, 0, u(-0.2, 0.3)), 0, 3), right_arm=Arm((1, 0, u(-0.2, 0.3)), 0, 3)),
        "bridge": lambda: Pose(
            pelvis=(-u(108, 124), 0, 0), trunk=(-u(4, 20), 0, 0), neck=(u(25, 40), 0, 0),
            **both_legs(Leg(-u(0, 12), 6, 4, u(88, 104))),
            **both_arms(Arm((0.25, -0.2, -1), 0, 3)), feet=("free", "free"), base="floor"),
        "cobra": lambda: Pose(
            pelvis=(u(74, 86), 0, 0), trunk=(-u(24, 42), 0, 0), neck=(-u(10, 38), 0, 0),
            **both_legs(Leg(-u(2, 12), 3, 4, 2, -42)),
            **both_arms(Arm((0.2, 0.65, -0.8), 0, u(6, 40), -80, 0)),
            feet=("free", "free"), hands=("floor", "floor"), base="floor"),
        "boat": lambda: Pose(
            pelvis=(-u(34, 50), 0, 0), trunk=(u(4, 20), 0, 0),
            **both_legs(Leg(u(84, 104), 2, 2, u(0, 50), -20)),
            **both_arms(Arm((0.2, 0.9, -0.5), 0, 8)), feet=("free", "free"), base="floor"),
        "child": lambda: Pose(
            pelvis=(u(74, 88), 0, 0), trunk=(u(34, 60), 0, 0), neck=(u(10, 30), 0, 0),
            **both_legs(Leg(u(118, 132), 8, 4, 148, -45)),
            **both_arms(Arm((0.15, 0.35, 1) if u(0, 1) < 0.6 else (0.2, -0.2, -1), 0, 8)),
            feet=("free", "free"), base="floor"),
        "wheel": lambda: Pose(
            pelvis=(-u(118, 140), 0, 0), trunk=(-u(30, 44), 0, 0), neck=(-u(20, 45), 0, 0),
            **both_legs(Leg(-u(16, 28), 6, 4, u(66, 88))),
            **both_arms(Arm((0.2, -0.15, 1), 0, u(0, 20), -75, 0)),
            feet=("free", "free"), base="floor"),
    }  # fmt: skip
    end = makers[kind]()
    soft = replace(
        end,
        trunk=(end.trunk[0] * 0.85, end.trunk[1] * 0.85, end.trunk[2]),
        neck=(end.neck[0] * 0.6, end.neck[1], end.neck[2]),
    )
    return Motion(f"yoga-{kind}", between(soft, end), 3.0)


def handstand(rng: Rng) -> Motion:
    """A handstand: legs together, split, stag or tucked."""
    u = rng.uniform
    left = Leg(u(-12, 40), u(0, 25), 5, u(0, 30), -42)
    right = Leg(u(-28, 12), u(0, 25), 5, u(0, 60), -42)
    if u(0, 1) < 0.4:
        left = right = Leg(u(-8, 6), 1, 4, u(0, 6), -42)
    pose = Pose(
        pelvis=(180 + u(-14, 14), u(-6, 6), 0),
        trunk=(-u(0, 28), u(-4, 4), u(-8, 8)),
        neck=(-u(5, 45), 0, 0),
        left_leg=left,
        right_leg=right,
        **both_arms(Arm((0.10, 0.04, 1), 0, u(0, 6), -80, 0)),
        feet=("free", "free"),
        hands=("floor", "floor"),
        base="hands",
    )
    tucked = replace(pose, left_leg=Leg(70, 4, 4, 80, -35), right_leg=Leg(60, 4, 4, 90, -35))
    return Motion(
        "handstand",
        between(
            tucked
            if u(0, 1) < 0.3
            else replace(pose, left_leg=replace(left, flexion=left.flexion + 30)),
            pose,
        ),
        2.0,
    )


def cartwheel(rng: Rng) -> Motion:
    """A cartwheel: the whole body turns about the front-back axis, legs wide."""
    u = rng.uniform
    wide = u(28, 48)
    down = u(0, 1) < 0.75

    def at(phase: float) -> Pose:
        roll = 100 + 160 * phase
        reach = "floor" if down and 120 < roll < 240 else "free"
        hands: tuple[Literal["floor", "free"], Literal["floor", "free"]] = (
            ("floor", "floor") if reach == "floor" else ("free", "free")
        )
        return Pose(
            pelvis=(u(0, 1e-9), roll, 0),
            trunk=(0, (180 - roll) * 0.12, 0),
            neck=(-20, 0, 0),
            **both_legs(Leg(4, wide, 10, 4, -40)),
            **both_arms(Arm((0.4, 0.02, 1), 0, 3, -60, 0)),
            feet=("free", "free"),
            hands=hands,
            base="hands",
        )

    return Motion("cartwheel", at, 1.0)


def somersault(rng: Rng) -> Motion:
    """Salto, dive or vault: a body in the air at any turn, tucked, piked or stretched."""
    u = rng.uniform
    kind = rng.choice(["tuck", "pike", "layout", "arch"])
    legs, trunk, arms = {
        "tuck": (
            Leg(u(100, 125), 6, 4, u(110, 140), -35),
            u(24, 48),
            Arm((0.15, 0.8, -0.7), 0, 60),
        ),
        "pike": (Leg(u(70, 118), 3, 3, u(0, 8), -42), u(18, 48), Arm((0.15, 1, -0.5), 0, 8)),
        "layout": (Leg(u(-8, 8), 2, 4, 2, -42), u(-10, 8), Arm((0.2, 0.2, u(-1, 1)), 0, 12)),
        "arch": (Leg(-u(8, 26), 8, 6, u(0, 40), -42), -u(16, 40), Arm((0.4, 0.1, 1), 0, 14)),
    }[str(kind)]
    start, yaw, tilt = u(-180, 180), u(-180, 180), u(-30, 30)
    turn = float(rng.choice([-1, 1])) * u(90, 200)
    lift = u(0.25, 1.2)

    def at(phase: float) -> Pose:
        return Pose(
            pelvis=(start + turn * phase, tilt, yaw),
            trunk=(trunk, 0, 0),
            neck=(trunk * 0.4, 0, 0),
            **both_legs(legs),
            **both_arms(arms),
            feet=("free", "free"),
            base="air",
            lift=lift,
        )

    return Motion("somersault", at, 0.7)
