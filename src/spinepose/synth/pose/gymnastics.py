"""Motions of gymnastics: on the hands, the head, the floor, in the air and on the bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from spinepose.synth.pose.blocks import (
    Motion,
    Rng,
    between,
    both_arms,
    both_legs,
    mix,
)
from spinepose.synth.pose.pose import Arm, HandContact, Leg, Pose

__all__ = [
    "bar",
    "cartwheel",
    "floor_exercise",
    "handstand",
    "headstand",
    "roll",
    "shoulder_stand",
    "somersault",
    "walkover",
]


def handstand(rng: Rng) -> Motion:
    """Return a handstand: legs together, split, straddled, stag or tucked."""
    u = rng.uniform
    kind = rng.choice(["straight", "split", "straddle", "stag", "free"])
    legs = {
        "straight": (Leg(u(-8, 6), 1, 4, u(0, 6), -42),) * 2,
        "split": (Leg(u(45, 95), 3, 6, u(0, 6), -42), Leg(-u(25, 45), 3, 6, u(0, 20), -42)),
        "straddle": (Leg(u(0, 35), u(35, 62), 15, 2, -42),) * 2,
        "stag": (Leg(u(50, 90), 5, 6, u(80, 120), -42), Leg(-u(15, 40), 4, 6, u(0, 30), -42)),
        "free": (
            Leg(u(-12, 40), u(0, 25), 5, u(0, 30), -42),
            Leg(u(-28, 12), u(0, 25), 5, u(0, 60), -42),
        ),
    }[str(kind)]
    pose = Pose(
        pelvis=(180 + u(-14, 14), u(-6, 6), 0),
        trunk=(u(-32, 4), u(-5, 5), u(-10, 10)),
        neck=(-u(5, 45), 0, u(-8, 8)),
        left_leg=legs[0],
        right_leg=legs[1],
        **both_arms(Arm((0.10, u(-0.05, 0.12), 1), 0, u(0, 6), -80, 0)),
        feet=("free", "free"),
        hands=("floor", "floor"),
        base="hands",
    )
    tucked = replace(pose, left_leg=Leg(70, 4, 4, 80, -35), right_leg=Leg(60, 4, 4, 90, -35))
    raised = replace(pose, left_leg=replace(legs[0], flexion=legs[0].flexion + 30))
    return Motion("handstand", between(tucked if u(0, 1) < 0.3 else raised, pose), 2.0)


def headstand(rng: Rng) -> Motion:
    """Return a headstand on head and hands, or a stand on the forearms."""
    u = rng.uniform
    legs = {
        "straight": (Leg(u(-10, 12), u(0, 6), 4, u(0, 8), -40),) * 2,
        "split": (Leg(u(30, 80), 4, 6, u(0, 20), -40), Leg(-u(10, 40), 4, 6, u(0, 40), -40)),
        "tuck": (Leg(u(70, 115), u(4, 12), 4, u(90, 135), -30),) * 2,
    }[str(rng.choice(["straight", "split", "tuck"]))]
    forearms = u(0, 1) < 0.4
    pose = Pose(
        pelvis=(180 + u(-10, 10), u(-5, 5), 0),
        trunk=(-u(5, 30) if forearms else u(-12, 12), u(-4, 4), u(-5, 5)),
        neck=(-u(40, 55) if forearms else u(-10, 6), 0, 0),
        left_leg=legs[0],
        right_leg=legs[1],
        **both_arms(
            Arm((0.14, 0.12, 1), 0, u(84, 96), 0, 0.1)
            if forearms
            else Arm((u(0.3, 0.5), 0.85, 0.05), 0, 92, -70, 0)
        ),
        feet=("free", "free"),
        hands=("free", "free") if forearms else ("floor", "floor"),
        base="hands",
    )
    tucked = replace(pose, **both_legs(Leg(95, 6, 4, 120, -30)))
    return Motion("headstand", between(tucked if u(0, 1) < 0.4 else pose, pose), 2.4)


def shoulder_stand(rng: Rng) -> Motion:
    """Return a candle on the shoulders, or the plough with the feet behind the head."""
    u = rng.uniform
    over = u(0, 1)
    hips = u(75, 125) if over < 0.4 else u(-8, 35)
    pitch, rounded = u(156, 170), u(18, 32)
    # The upper arms lie on the ground, a little downward from the shoulders.
    thorax, down = np.radians(pitch - rounded), np.radians(9)
    ground = (0.3, float(np.cos(thorax - down)), -float(np.sin(thorax - down)))
    pose = Pose(
        pelvis=(-pitch, u(-4, 4), 0),
        trunk=(rounded, u(-4, 4), 0),
        neck=(u(46, 55), 0, 0),
        left_leg=Leg(hips, u(0, 12), 4, u(0, 14), -30),
        right_leg=Leg(hips + u(-20, 6), u(0, 12), 4, u(0, 30), -30),
        **both_arms(
            Arm(ground, u(5, 20), u(84, 104), 0, 0.1)
            if u(0, 1) < 0.6
            else Arm(ground, 0, u(0, 8), 0, 0.0)
        ),
        feet=("free", "free"),
        base="hands",
    )
    start = replace(pose, **both_legs(Leg(hips + 20, 4, 4, u(0, 60), -30)))
    return Motion("shoulder-stand", between(start, pose), 2.6)


def roll(rng: Rng) -> Motion:
    """Return a roll over the back, forward or backward, tucked."""
    u = rng.uniform
    way = 1.0 if u(0, 1) < 0.7 else -1.0
    tuck = Leg(u(110, 130), u(3, 12), 4, u(115, 140), -25)
    rounded, open_up = u(44, 66), u(0, 40)
    arms = Arm((u(0.2, 0.4), 0.9, -0.6), 10, u(40, 75))

    def at(phase: float) -> Pose:
        # From the neck to the feet: the back meets the floor at pitches of -180 to -20.
        pitch = -185 + 160 * phase if way > 0 else -25 - 160 * phase
        loose = open_up * abs(2 * phase - 1)
        return Pose(
            pelvis=(pitch, 0, 0),
            trunk=(rounded, 0, 0),
            neck=(50, 0, 0),
            **both_legs(replace(tuck, flexion=tuck.flexion - loose * 0.5, knee=tuck.knee - loose)),
            **both_arms(arms),
            feet=("free", "free"),
            base="hands",
        )

    return Motion("roll", at, 1.0)


def floor_exercise(rng: Rng) -> Motion:
    """Return a figure of floor exercise: splits, bow, arch, backbend, straddle, scale, fold."""
    u = rng.uniform
    makers: dict[str, Callable[[], Pose]] = {
        "splits": lambda: Pose(
            pelvis=(u(20, 36), 0, u(-8, 8)), trunk=(-u(5, 36), u(-12, 12), u(-14, 14)),
            left_leg=Leg(u(108, 122), 0, 4, u(0, 4), -40), right_leg=Leg(-45, 0, 4, u(0, 8), -42),
            **both_arms(Arm((u(0.2, 1), u(-0.1, 0.5), u(-0.4, 1)), 0, u(0, 25))),
            feet=("free", "free"), base="floor"),
        "bow": lambda: Pose(
            pelvis=(u(78, 92), 0, 0), trunk=(-u(28, 45), 0, 0), neck=(-u(10, 45), 0, 0),
            **both_legs(Leg(-u(14, 30), 10, 4, u(88, 115), -30)),
            **both_arms(Arm((0.3, -0.85, -0.45), 0, u(0, 8), 0, 0.8)),
            feet=("free", "free"), base="floor"),
        "arch": lambda: Pose(
            pelvis=(u(82, 92), 0, 0), trunk=(-u(18, 42), 0, 0), neck=(-u(0, 30), 0, 0),
            **both_legs(Leg(-u(8, 28), u(2, 14), 4, u(0, 8), -42)),
            **both_arms(Arm((u(0.1, 0.9), 0.1, u(-0.2, 1)), 0, u(0, 12))),
            feet=("free", "free"), base="floor"),
        "hollow": lambda: Pose(
            pelvis=(-u(76, 96), 0, 0), trunk=(u(14, 40), 0, 0), neck=(u(10, 35), 0, 0),
            **both_legs(Leg(u(18, 50), 2, 4, u(0, 6), -42)),
            **both_arms(Arm((0.15, 0.2, 1) if u(0, 1) < 0.6 else (0.2, 0.6, -1), 0, 4)),
            feet=("free", "free"), base="floor"),
        "backbend": lambda: Pose(
            pelvis=(-u(4, 22), 0, 0), trunk=(-u(28, 45), u(-5, 5), u(-5, 5)),
            neck=(-u(20, 50), 0, 0), **both_legs(Leg(-u(8, 24), 8, 8, u(8, 40))),
            **both_arms(Arm((u(0.1, 0.4), u(-0.3, 0.1), 1), 0, u(0, 20)))),
        "camel": lambda: Pose(
            pelvis=(-u(4, 18), 0, 0), trunk=(-u(26, 44), 0, 0), neck=(-u(15, 45), 0, 0),
            **both_legs(Leg(-u(8, 22), 8, 2, u(82, 90), -66)),
            **both_arms(Arm((0.25, -0.5, -1), 0, u(0, 10), 0, 0.2)),
            feet=("free", "free"), base="floor"),
        "straddle": lambda: Pose(
            pelvis=(u(62, 98), 0, 0), trunk=(u(10, 50), u(-14, 14), u(-12, 12)),
            neck=(-u(0, 30), 0, 0), **both_legs(Leg(u(66, 90), u(24, 42), 12, 2)),
            **both_arms(Arm((0.25, 1, 0.3), 0, u(4, 20), -60, 0)), hands=("floor", "floor")),
        "fold": lambda: Pose(
            pelvis=(u(66, 92), 0, 0), trunk=(u(34, 72), u(-4, 4), 0), neck=(u(0, 30), 0, 0),
            **both_legs(Leg(u(74, 92), 2, 4, u(0, 10))),
            **both_arms(Arm((0.15, 1, 0.45), 0, u(4, 25), -60, 0)), hands=("floor", "floor")),
        "scale": lambda: Pose(
            pelvis=(u(55, 82), 0, 0), trunk=(-u(10, 40), u(-6, 6), u(-12, 12)),
            neck=(-u(0, 25), 0, 0), left_leg=Leg(u(56, 78), 0, 6, 2),
            right_leg=Leg(-u(25, 45), 4, 10, u(0, 40), -42),
            **both_arms(Arm((u(0.5, 1), u(-0.5, 0.6), u(-0.3, 0.6)), 0, u(0, 14))),
            feet=("flat", "free")),
    }  # fmt: skip
    kind = str(rng.choice(list(makers)))
    end = makers[kind]()
    soft = replace(
        end,
        trunk=(end.trunk[0] * 0.75, end.trunk[1], end.trunk[2] * 0.4),
        neck=(end.neck[0] * 0.5, 0, 0),
    )
    return Motion(f"floor-{kind}", between(soft, end), 2.6)


def walkover(rng: Rng) -> Motion:
    """Return a walkover or handspring: over the hands with an arched back and split legs."""
    u = rng.uniform
    way = 1.0 if u(0, 1) < 0.5 else -1.0
    arch, split = u(18, 42), u(20, 75)

    def at(phase: float) -> Pose:
        pitch = mix(138, 240, phase) if way > 0 else -mix(120, 222, phase)
        lead, trail = Leg(split, 2, 5, 4, -42), Leg(-mix(15, 42, split / 75), 2, 5, 8, -42)
        over = float(np.sin(np.pi * phase))
        low: HandContact = "floor"
        return Pose(
            pelvis=(pitch, 0, 0),
            trunk=(-arch * mix(0.5, 1.0, over), 0, 0),
            neck=(-u_neck, 0, 0),
            left_leg=trail if way > 0 else lead,
            right_leg=lead if way > 0 else trail,
            **both_arms(Arm((0.14, 0.05, 1), 0, 3, -70, 0)),
            feet=("free", "free"),
            hands=(low, low),
            base="hands",
        )

    u_neck = u(5, 45)
    return Motion("walkover", at, 1.3)


def cartwheel(rng: Rng) -> Motion:
    """Return a cartwheel: the body turns about the front-back axis, legs wide."""
    u = rng.uniform
    wide, bend, turned = u(30, 58), u(0.15, 0.32), u(-12, 12)
    handed = u(0, 1) < 0.8

    def at(phase: float) -> Pose:
        rolled = mix(48, 312, phase)

        def hand(first: float, last: float) -> HandContact:
            return "floor" if handed and first < rolled < last else "free"

        return Pose(
            pelvis=(turned * 0.5, rolled, 0),
            trunk=(-6, float(np.clip((180 - rolled) * bend, -22, 22)), turned),
            neck=(-22, 0, 0),
            **both_legs(Leg(4, wide, 14, 3, -40)),
            **both_arms(Arm((0.42, 0.04, 1), 0, 3, -50, 0)),
            feet=("free", "free"),
            hands=(hand(110, 205), hand(155, 250)),
            base="hands",
        )

    return Motion("cartwheel", at, 1.2)


def bar(rng: Rng) -> Motion:
    """Return a swing about a high bar: giant circles, kips, a body above or below the bar."""
    u = rng.uniform
    start, way = u(-180, 180), float(rng.choice([-1, 1])) * u(40, 140)
    hips, arch = (u(40, 110), u(5, 35)) if u(0, 1) < 0.3 else (u(-15, 20), u(-25, 10))
    leg = Leg(hips, u(1, 35) if u(0, 1) < 0.3 else 2, 5, u(0, 8), -42)
    wide = u(0.12, 0.3)

    def at(phase: float) -> Pose:
        return Pose(
            pelvis=(start + way * phase, 0, 0),
            trunk=(arch, 0, 0),
            neck=(-12, 0, 0),
            **both_legs(leg),
            **both_arms(Arm((wide, 0.05, 1), 0, 3, 0, 1.0)),
            feet=("free", "free"),
            base="hang",
            lift=2.5,
        )

    return Motion("bar", at, 1.0, held="both", support="bar-above")


def somersault(rng: Rng) -> Motion:
    """Return a salto, dive or vault: a body in the air at any turn."""
    u = rng.uniform
    kind = rng.choice(["tuck", "pike", "layout", "arch", "straddle"])
    legs, trunk, arms = {
        "tuck": (
            Leg(u(100, 125), 6, 4, u(110, 140), -35),
            u(24, 48),
            Arm((0.15, 0.8, -0.7), 0, 60),
        ),
        "pike": (Leg(u(70, 118), 3, 3, u(0, 8), -42), u(18, 48), Arm((0.15, 1, -0.5), 0, 8)),
        "layout": (Leg(u(-8, 8), 2, 4, 2, -42), u(-10, 8), Arm((0.2, 0.2, u(-1, 1)), 0, 12)),
        "arch": (Leg(-u(8, 26), 8, 6, u(0, 40), -42), -u(16, 40), Arm((0.4, 0.1, 1), 0, 14)),
        "straddle": (Leg(u(10, 100), u(40, 65), 15, 3, -42), u(0, 35), Arm((0.7, 0.6, 0.3), 0, 8)),
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
