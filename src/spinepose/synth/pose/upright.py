"""Motions on the feet: standing, going, bending, lifting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

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

__all__ = [
    "bend",
    "deadlift",
    "gait",
    "lift",
    "lunge",
    "press",
    "side_bend",
    "squat",
    "stand",
    "stretch",
    "twist",
]


def stand(rng: Rng) -> Motion:
    """Return standing at ease."""
    u = rng.uniform
    shift = u(-6, 6)
    pose = Pose(
        pelvis=(u(-4, 4), shift, u(-5, 5)),
        trunk=(u(-6, 12), -shift * u(0.3, 1.2), u(-10, 10)),
        neck=(u(-10, 30), u(-6, 6), u(-35, 35)),
        left_leg=Leg(u(-4, 8), u(-1, 9) - shift * 0.4, u(0, 18), u(0, 10)),
        right_leg=Leg(u(-4, 8), u(-1, 9) + shift * 0.4, u(0, 18), u(0, 22)),
        left_arm=relaxed_arm(rng),
        right_arm=relaxed_arm(rng),
    )
    swayed = replace(pose, pelvis=(pose.pelvis[0] + 2, -shift, pose.pelvis[2] + u(-8, 8)))
    return Motion("stand", between(pose, swayed), 3.0)


def gait(rng: Rng, name: str, speed: float) -> Motion:
    """Return walking to sprinting; `speed` 0..1.

    A foot strikes at phase 0. Courses of hip, knee and ankle: for walking Perry and Burnfield
    2010 (Gait Analysis, 2nd ed.), for running and sprinting Novacheck 1998 (Gait Posture 7:77).
    """
    u = rng.uniform
    running = name == "run"
    vigour = u(0.85, 1.15)
    stance = mix(0.38, 0.26, speed) if running else 0.62
    lean = mix(4, 12, speed) + u(-1, 4) if running else u(-1, 5)
    elbow = mix(70, 100, speed) + u(-10, 10) if running else u(10, 34)
    swing_arm = mix(0.6, 1.0, speed) * u(0.7, 1.2) if running else mix(0.25, 0.5, speed) * u(0.5, 1)
    twist = 11.0 if running else mix(4, 8, speed)
    flight = u(0.02, 0.06) * mix(0.6, 1.3, speed)
    curves = _leg_courses(running, speed, vigour)

    def leg(t: float) -> Leg:
        hip, knee, ankle = curves(t % 1.0)
        return Leg(hip + lean * 0.5, 1.0, 5.0, max(knee, 1.0), ankle)

    def contact(t: float) -> FootContact:
        t = t % 1.0
        if t > stance:
            return "free"
        if t < 0.06 and not running:
            return "heel"
        return "toes" if t > stance * (0.7 if running else 0.78) or speed > 0.85 else "flat"

    def at(phase: float) -> Pose:
        wave = float(np.cos(2 * np.pi * (phase - 0.03)))
        side = float(np.sin(2 * np.pi * phase))
        feet = (contact(phase), contact(phase + 0.5))
        air = feet == ("free", "free")

        def arm(way: float) -> Arm:
            return Arm(
                (0.16, -way * wave * swing_arm + (0.1 if running else 0.02), -1.0),
                24.0 if running else 14.0,
                elbow - way * wave * (18 if running else 8),
                0.0,
                0.8 if running else 0.25,
            )

        return Pose(
            pelvis=(lean * 0.5, 2.5 * side, -twist * wave * 0.5),
            trunk=(lean * 0.5, -3 * side, twist * wave),
            neck=(-lean * 0.5, 0.0, -twist * wave * 0.4),
            left_leg=leg(phase),
            right_leg=leg(phase + 0.5),
            left_arm=arm(1.0),
            right_arm=arm(-1.0),
            feet=feet,
            base="air" if air else "feet",
            lift=flight * _flight(phase, stance) if air else 0.0,
        )

    return Motion(
        name, at, mix(0.72, 0.5, speed) if running else mix(1.2, 0.95, speed), cyclic=True
    )


_WALK = np.array([
    # phase, hip, knee, ankle
    (0.00, 26, 4, 1), (0.07, 25, 13, -5), (0.14, 20, 17, 0), (0.30, 5, 10, 6), (0.45, -10, 5, 11),
    (0.54, -14, 14, 4), (0.62, -5, 36, -16), (0.72, 14, 60, -8), (0.83, 28, 42, 1),
    (0.93, 29, 10, 1),
], np.float64)  # fmt: skip
_RUN = np.array([
    (0.00, 34, 17, 6), (0.07, 32, 33, 12), (0.14, 25, 42, 20), (0.26, 2, 28, 10),
    (0.36, -10, 18, -20), (0.46, -4, 50, -16), (0.58, 22, 88, -4), (0.68, 40, 92, 0),
    (0.80, 49, 62, 2), (0.91, 42, 20, 4),
], np.float64)  # fmt: skip
_SPRINT = np.array([
    (0.00, 42, 24, -4), (0.07, 34, 34, 6), (0.14, 18, 34, 12), (0.24, -12, 18, -14),
    (0.32, -18, 28, -26), (0.44, -2, 86, -16), (0.56, 36, 122, -4), (0.68, 66, 104, 2),
    (0.80, 76, 66, 2), (0.91, 60, 28, 0),
], np.float64)  # fmt: skip


def _leg_courses(
    running: bool, speed: float, vigour: float
) -> Callable[[float], tuple[float, float, float]]:
    """Return hip, knee and ankle (degrees) by the phase of a leg."""
    table = _mixed(_RUN, _SPRINT, speed) if running else _WALK.copy()
    table[:, 1] = (table[:, 1] - 8) * vigour + 8
    closed = np.vstack([table, table[:1] + np.array([1.0, 0, 0, 0])])
    spline = CubicSpline(closed[:, 0], closed[:, 1:], bc_type="periodic")

    def at(t: float) -> tuple[float, float, float]:
        hip, knee, ankle = spline(t)
        return float(hip), float(knee), float(ankle)

    return at


def _mixed(
    a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], t: float
) -> npt.NDArray[np.float64]:
    """Return the table between two."""
    return np.asarray(a + (b - a) * t)


def _flight(phase: float, stance: float) -> float:
    """Return the height of a flight over its peak: 0 when the feet leave and strike."""
    share = ((phase % 0.5) - stance) / (0.5 - stance)
    return float(4 * share * (1 - share)) if 0 < share < 1 else 0.0


def stretch(rng: Rng) -> Motion:
    """Return standing stretches: reach up, bend back, quadriceps, chest, hamstring."""
    u = rng.uniform
    kind = rng.choice(["up", "back", "quad", "cross", "triceps"])
    if kind == "back":
        end = Pose(
            pelvis=(-u(0, 12), 0, 0),
            trunk=(-u(14, 38), u(-4, 4), u(-5, 5)),
            neck=(-u(5, 30), 0, 0),
            **both_legs(Leg(-u(0, 8), 4, 6, u(0, 10))),
            **both_arms(Arm((0.4, u(-0.2, 0.3), u(0.5, 1)), 0, 20)),
        )
    elif kind == "quad":
        end = Pose(
            trunk=(u(0, 10), u(-4, 4), 0),
            left_leg=Leg(-u(5, 18), 2, 3, u(115, 140), -30),
            right_leg=Leg(2, 2, 5, 5),
            left_arm=Arm((0.2, -0.6, -1), -10, u(10, 30), 0, 0.9),
            right_arm=Arm((u(0.4, 1), u(0, 0.6), u(-0.3, 0.8)), 0, u(0, 40)),
            feet=("free", "flat"),
        )
    elif kind == "triceps":
        end = Pose(
            trunk=(u(-6, 4), u(-14, 14), 0),
            left_arm=Arm((0.25, 0.1, 1), 30, 140, 0, 0.3),
            right_arm=Arm((0.45, 0.3, 1), 20, 115, 0, 0.5),
        )
    elif kind == "cross":
        end = Pose(
            trunk=(u(0, 8), 0, u(-15, 15)),
            left_arm=Arm((-0.35, 1, -0.1), 10, 10),
            right_arm=Arm((0.15, 0.75, -0.45), 40, 110, 0, 0.4),
        )
    else:
        end = Pose(
            trunk=(-u(0, 14), u(-12, 12), 0),
            neck=(-u(0, 25), 0, 0),
            **both_arms(Arm((u(0.05, 0.3), u(-0.1, 0.3), 1), 0, u(0, 25))),
            feet=("toes", "toes") if u(0, 1) < 0.4 else ("flat", "flat"),
        )
    return Motion("stretch", between(Pose(feet=end.feet), end), 3.0)


def side_bend(rng: Rng) -> Motion:
    """Return a bend to the side, an arm overhead."""
    u = rng.uniform
    reach = u(18, 40)
    stance = Leg(0, u(4, 16), 8, 3)
    end = Pose(
        pelvis=(0, u(-6, 0), 0),
        trunk=(u(-5, 8), reach, u(-8, 8)),
        neck=(0, reach * 0.4, 0),
        **both_legs(stance),
        left_arm=Arm((0.35, 0.1, -1), 10, u(5, 40)),
        right_arm=Arm((0.3 - 0.4 * reach / 40, 0.1, 1), 0, u(5, 35)),
    )
    return Motion("side-bend", between(Pose(**both_legs(stance)), end), 2.4)


def twist(rng: Rng) -> Motion:
    """Return turns of the trunk with the arms out."""
    u = rng.uniform
    turn = u(22, 48)
    arms = Arm((1, u(0.2, 0.7), u(-0.3, 0.1)), 0, u(0, 70))
    stance = Leg(u(0, 14), u(5, 14), 8, u(0, 24))
    start = Pose(**both_legs(stance), **both_arms(arms), trunk=(u(-3, 10), 0, -turn * 0.6))
    end = replace(start, trunk=(start.trunk[0], u(-6, 6), turn), neck=(0, 0, turn * 0.6))
    return Motion("twist", between(start, end), 1.6)


def squat(rng: Rng) -> Motion:
    """Return a squat with the arms ahead, or with a bar on the shoulders."""
    u = rng.uniform
    depth = u(0.55, 1.05)
    bar = u(0, 1) < 0.35
    turn_out = u(6, 24)
    arms = (
        Arm((0.62, -0.28, -0.75), 35, 138, 20, 0.9)
        if bar
        else Arm((u(0.05, 0.3), 1, u(-0.3, 0.2)), 0, u(0, 25))
    )
    if not bar and u(0, 1) < 0.3:
        arms = Arm((0.2, 0.45, -0.9), 45, u(100, 130), 0, 0.4)
    stand = Pose(**both_legs(Leg(3, 9, turn_out, 4)), **both_arms(arms))
    low = Pose(
        pelvis=(28 * depth + u(-4, 8), 0, 0),
        trunk=(u(2, 26) * depth, 0, 0),
        neck=(-24 * depth, 0, 0),
        **both_legs(Leg(104 * depth, 15, turn_out + 6, 112 * depth, 28)),
        **both_arms(arms),
    )
    return Motion("squat", between(stand, low), 2.6, held="both" if bar else "none")


def deadlift(rng: Rng) -> Motion:
    """Return a deadlift, from the stiff-legged to the deep one, back flat or rounded."""
    u = rng.uniform
    stiff = u(0, 1)
    round_back = u(-8, 42)
    low = Pose(
        pelvis=(mix(52, 74, stiff), 0, 0),
        trunk=(round_back, 0, 0),
        neck=(-u(5, 40), 0, 0),
        **both_legs(Leg(mix(92, 80, stiff), 6, 8, mix(68, 14, stiff), 12)),
        **both_arms(Arm((0.12, mix(0.85, 1.2, stiff), -0.75), 0, 2, 0, 0.95)),
    )
    up = Pose(**both_arms(Arm((0.12, 0.15, -1), 0, 3, 0, 0.95)))
    return Motion("deadlift", between(up, low), 2.6, held="both")


def bend(rng: Rng) -> Motion:
    """Return bending forward: to the toes, to pick something up, to tie a shoe."""
    u = rng.uniform
    flexion, pitch = u(28, 78), u(8, 60)
    knee = u(0, 32)
    end = Pose(
        pelvis=(pitch, u(-4, 4), u(-6, 6)),
        trunk=(flexion, u(-8, 8), u(-14, 14)),
        neck=(u(-25, 25), 0, u(-15, 15)),
        **both_legs(Leg(pitch + knee * 0.5, 3, 6, knee)),
        left_arm=Arm((u(0, 0.3), u(0.6, 1.6), -0.6), 0, u(0, 25)),
        right_arm=Arm((u(0, 0.3), u(0.6, 1.6), -0.6), 0, u(0, 25)),
    )
    return Motion("bend", between(Pose(), end), 2.4)


def lift(rng: Rng) -> Motion:
    """Return lifting a box from the ground with both hands, well or badly."""
    u = rng.uniform
    legs = u(0.2, 1.0)
    grasp = Arm((0.10, 1.0, -0.72), -18, 12, 0, 0.6)
    low = Pose(
        pelvis=(mix(48, 36, legs), 0, 0),
        trunk=(mix(62, 24, legs), u(-6, 6), u(-16, 16)),
        neck=(-u(0, 25), 0, 0),
        **both_legs(Leg(mix(62, 112, legs), 10, 12, mix(22, 112, legs), 22)),
        **both_arms(grasp),
    )
    carry = Pose(
        pelvis=(-4, 0, 0),
        trunk=(-4, 0, u(-10, 10)),
        **both_arms(Arm((0.16, 0.32, -1), 6, 78, 0, 0.5)),
    )
    return Motion("lift", between(carry, low), 2.4, held="box")


def lunge(rng: Rng) -> Motion:
    """Return a lunge to the front or the side."""
    u = rng.uniform
    depth = u(0.45, 1.0)
    side = u(0, 1) < 0.25
    arms = (
        both_arms(Arm((0.12, 0.1, -1), 0, u(0, 20), 0, 0.8))
        if u(0, 1) < 0.5
        else both_arms(Arm((u(0.3, 1), u(0, 0.5), u(-0.3, 1)), 0, u(0, 40)))
    )
    if side:
        end = Pose(
            pelvis=(22 * depth, 0, 0),
            trunk=(u(0, 20), 0, u(-8, 8)),
            left_leg=Leg(80 * depth, 22, 15, 100 * depth, 20),
            right_leg=Leg(22 * depth, 38 * depth, 5, 4, 0),
            **arms,
        )
    else:
        end = Pose(
            pelvis=(u(-4, 14), 0, 0),
            trunk=(u(-6, 14), u(-6, 6), u(-14, 14)),
            left_leg=Leg(84 * depth, 2, 4, 88 * depth, 4),
            right_leg=Leg(-18 * depth, 2, 4, 66 * depth * u(0.5, 1.15), 18),
            feet=("flat", "toes"),
            **arms,
        )
    return Motion("lunge", between(Pose(feet=end.feet), end), 2.2)


def press(rng: Rng) -> Motion:
    """Return pressing a bar or dumbbells overhead."""
    u = rng.uniform
    low = Arm((0.5, 0.45, -0.7), 10, 140, -20, 0.9)
    high = Arm((u(0.15, 0.55), 0.02, 1), 0, u(0, 14), -10, 0.9)
    stance = both_legs(Leg(u(0, 6), u(5, 12), 10, u(0, 12)))
    start = Pose(trunk=(-u(0, 8), 0, 0), **stance, **both_arms(low))
    end = Pose(trunk=(-u(2, 14), 0, 0), neck=(-4, 0, 0), **stance, **both_arms(high))
    return Motion("press", between(start, end), 2.0, held="both")
