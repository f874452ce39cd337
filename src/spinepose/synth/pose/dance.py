"""Motions of dance and yoga."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from spinepose.synth.pose.blocks import (
    Motion,
    Rng,
    between,
    both_arms,
    both_legs,
)
from spinepose.synth.pose.pose import Arm, Leg, Pose

__all__ = ["dance", "yoga"]


def dance(rng: Rng) -> Motion:
    """Return figures of ballet and jazz: arabesque, passe, second, a jazz lunge."""
    u = rng.uniform
    kind = rng.choice(["arabesque", "passe", "second", "jazz"])
    arms: dict[str, Any] = {
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
    elif kind == "jazz":
        end = Pose(
            pelvis=(u(-12, 18), u(-10, 10), u(-15, 15)),
            trunk=(u(-28, 36), u(-32, 32), u(-30, 30)),
            neck=(u(-25, 20), u(-20, 20), u(-40, 40)),
            left_leg=Leg(u(20, 60), u(4, 25), u(5, 30), u(25, 80)),
            right_leg=Leg(-u(0, 20), u(8, 38), u(5, 25), u(2, 25), -10),
            feet=("flat", standing),
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
    """Return a figure of yoga, held and breathed in."""
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
            **both_legs(Leg(u(118, 132), 8, 4, 148, -66)),
            **both_arms(Arm((0.15, 0.35, 1) if u(0, 1) < 0.6 else (0.3, 0.55, -0.8), 0, 8)),
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
