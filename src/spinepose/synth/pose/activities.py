"""What people do: parametric activities, each a motion that can be stopped at any moment.

An activity draws its parameters once (how deep, how fast, which side) and then gives a pose for
every phase 0..1 of one repetition. Cyclic ones end where they began. Angles follow common
descriptions of the movements; where a source gives numbers, it is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from spinepose.synth.pose.pose import Arm, Leg, Pose, Vector, limited, mirrored

__all__ = ["ACTIVITIES", "Activity", "Motion", "draw_motion"]

Rng = np.random.Generator
Track = Callable[[float], Pose]
Support = Literal["none", "chair", "bar-above"]


@dataclass(frozen=True, slots=True)
class Motion:
    """One person's way to do something.

    Attributes
    ----------
    activity
        Its name.
    at
        Pose at a phase 0..1.
    seconds
        Length of one repetition.
    cyclic
        Whether phase 1 is phase 0 again; otherwise a clip plays it there and back.
    held
        What the hands hold: ``none``, ``one`` (a thing in the right or left hand), ``both``
        (a bar across), ``box``.
    support
        What carries the person besides the ground.
    """

    activity: str
    at: Track
    seconds: float = 2.0
    cyclic: bool = False
    held: Literal["none", "one", "both", "box"] = "none"
    support: Support = "none"


@dataclass(frozen=True, slots=True)
class Activity:
    """A named kind of motion, and how often it is drawn."""

    name: str
    draw: Callable[[Rng], Motion]
    share: float = 1.0


def draw_motion(rng: Rng, names: tuple[str, ...] | None = None) -> Motion:
    """Return a random motion, of the named activities only if there are any.

    Half of the motions are mirrored, and every joint gets a small constant error, so that no two
    people do a thing alike.
    """
    pool = [activity for activity in ACTIVITIES if names is None or activity.name in names]
    shares = np.array([activity.share for activity in pool])
    activity = pool[int(rng.choice(len(pool), p=shares / shares.sum()))]
    motion = activity.draw(rng)
    flip = rng.uniform() < 0.5
    habit = _Habit.drawn(rng)

    def at(phase: float) -> Pose:
        pose = habit.applied(motion.at(phase))
        return limited(mirrored(pose) if flip else pose)

    return replace(motion, at=at)


@dataclass(frozen=True, slots=True)
class _Habit:
    """A person's constant deviations from the ideal movement, degrees."""

    trunk: Vector
    neck: Vector
    legs: tuple[Vector, Vector]
    arms: tuple[Vector, Vector]

    @classmethod
    def drawn(cls, rng: Rng) -> _Habit:
        def three(a: float, b: float, c: float) -> Vector:
            drawn = rng.normal(0, 1, 3) * (a, b, c)
            return (float(drawn[0]), float(drawn[1]), float(drawn[2]))

        return cls(
            three(4, 3, 4),
            three(7, 5, 12),
            (three(3, 2, 4), three(3, 2, 4)),
            (three(6, 0.08, 6), three(6, 0.08, 6)),
        )

    def applied(self, pose: Pose) -> Pose:
        def plus(a: Vector, b: Vector) -> Vector:
            return (a[0] + b[0], a[1] + b[1], a[2] + b[2])

        def leg(limb: Leg, off: Vector) -> Leg:
            return replace(
                limb,
                flexion=limb.flexion + off[0],
                abduction=limb.abduction + abs(off[1]),
                rotation=limb.rotation + off[2],
                knee=max(limb.knee, limb.knee + off[0]),
            )

        def arm(limb: Arm, off: Vector) -> Arm:
            out, forward, up = limb.direction
            return replace(
                limb,
                elbow=max(0.0, limb.elbow + off[0]),
                direction=(out + abs(off[1]), forward + off[1], up),
                roll=limb.roll + off[2],
            )

        return replace(
            pose,
            trunk=plus(pose.trunk, self.trunk),
            neck=plus(pose.neck, self.neck),
            left_leg=leg(pose.left_leg, self.legs[0]),
            right_leg=leg(pose.right_leg, self.legs[1]),
            left_arm=arm(pose.left_arm, self.arms[0]),
            right_arm=arm(pose.right_arm, self.arms[1]),
        )


# -- building blocks ----------------------------------------------------------------------------


def _mix(a: float, b: float, t: float) -> float:
    return a + (b - a) * t


def _ease(t: float) -> float:
    """Return a smooth course from 0 to 1 (minimum jerk, Flash and Hogan 1985, eq. 9)."""
    t = min(1.0, max(0.0, t))
    return t**3 * (10 - 15 * t + 6 * t * t)


def _blend_legs(a: Leg, b: Leg, t: float) -> Leg:
    return Leg(
        _mix(a.flexion, b.flexion, t),
        _mix(a.abduction, b.abduction, t),
        _mix(a.rotation, b.rotation, t),
        _mix(a.knee, b.knee, t),
        _mix(a.ankle, b.ankle, t),
    )


def _blend_arms(a: Arm, b: Arm, t: float) -> Arm:
    first = np.array(a.direction) / np.linalg.norm(a.direction)
    second = np.array(b.direction) / np.linalg.norm(b.direction)
    way = first * (1 - t) + second * t + 1e-6
    return Arm(
        (float(way[0]), float(way[1]), float(way[2])),
        _mix(a.roll, b.roll, t),
        _mix(a.elbow, b.elbow, t),
        _mix(a.wrist, b.wrist, t),
        _mix(a.grip, b.grip, t),
    )


def _blend(a: Pose, b: Pose, t: float) -> Pose:
    """Return the pose between two with the contacts of the second."""

    def between(x: Vector, y: Vector) -> Vector:
        return (_mix(x[0], y[0], t), _mix(x[1], y[1], t), _mix(x[2], y[2], t))

    return replace(
        b,
        pelvis=between(a.pelvis, b.pelvis),
        trunk=between(a.trunk, b.trunk),
        neck=between(a.neck, b.neck),
        left_leg=_blend_legs(a.left_leg, b.left_leg, t),
        right_leg=_blend_legs(a.right_leg, b.right_leg, t),
        left_arm=_blend_arms(a.left_arm, b.left_arm, t),
        right_arm=_blend_arms(a.right_arm, b.right_arm, t),
        lift=_mix(a.lift, b.lift, t),
    )


def _between(start: Pose, end: Pose) -> Track:
    return lambda phase: _blend(start, end, _ease(phase))


def _both_legs(leg: Leg) -> dict[str, Leg]:
    return {"left_leg": leg, "right_leg": leg}


def _both_arms(arm: Arm) -> dict[str, Arm]:
    return {"left_arm": arm, "right_arm": arm}


def _relaxed_arm(rng: Rng) -> Arm:
    """Return an arm as people hold it who do nothing with it."""
    kind = rng.choice(
        ["hang", "hip", "cross", "phone", "head", "behind"], p=[0.6, 0.12, 0.08, 0.1, 0.05, 0.05]
    )
    u = rng.uniform
    if kind == "hip":
        return Arm((0.75, -0.25, -1.0), u(55, 75), u(85, 100), 30.0, 0.4)
    if kind == "cross":
        return Arm((0.2, 0.35, -1.0), u(55, 70), u(95, 110), 0.0, 0.2)
    if kind == "phone":
        return Arm((0.15, u(0.15, 0.5), -1.0), u(15, 35), u(85, 125), 10.0, 0.5)
    if kind == "head":
        return Arm((0.8, 0.3, u(0.3, 0.8)), u(30, 60), u(115, 140), 10.0, 0.3)
    if kind == "behind":
        return Arm((0.25, -0.5, -1.0), u(55, 70), u(40, 70), 0.0, 0.2)
    return Arm((u(0.05, 0.28), u(-0.15, 0.25), -1.0), u(0, 25), u(3, 45), u(-10, 15), u(0.1, 0.5))


# -- upright ------------------------------------------------------------------------------------


def _stand(rng: Rng) -> Motion:
    u = rng.uniform
    shift = u(-6, 6)
    pose = Pose(
        pelvis=(u(-4, 4), shift, u(-5, 5)),
        trunk=(u(-6, 12), -shift * u(0.3, 1.2), u(-10, 10)),
        neck=(u(-10, 30), u(-6, 6), u(-35, 35)),
        left_leg=Leg(u(-4, 8), u(-1, 9) - shift * 0.4, u(0, 18), u(0, 10)),
        right_leg=Leg(u(-4, 8), u(-1, 9) + shift * 0.4, u(0, 18), u(0, 22)),
        left_arm=_relaxed_arm(rng),
        right_arm=_relaxed_arm(rng),
    )
    swayed = replace(pose, pelvis=(pose.pelvis[0] + 2, -shift, pose.pelvis[2] + u(-8, 8)))
    return Motion("stand", _between(pose, swayed), 3.0)


def _gait(rng: Rng, name: str, speed: float) -> Motion:
    """Walking to sprinting; `speed` 0..1.

    Joint courses follow the phases of Perry and Burnfield 2010 (Gait Analysis, 2nd ed.): a
    foot strikes at phase 0, leaves at .6 (walk) to .35 (run), hip and knee as sums of two waves.
    """
    u = rng.uniform
    hip_swing = _mix(21, 48, speed) * u(0.8, 1.15)
    hip_mean = _mix(9, 26, speed)
    knee_swing = _mix(58, 112, speed) * u(0.9, 1.1)
    stance = _mix(0.62, 0.33, speed)
    lean = _mix(2, 13, speed) + u(-2, 5)
    elbow = _mix(18, 92, speed) + u(-12, 12)
    arm_swing = _mix(0.38, 1.0, speed) * u(0.5, 1.2)
    twist = _mix(5, 13, speed)
    flight = speed * u(0.02, 0.09)

    def leg(t: float) -> Leg:
        t = t % 1.0
        flexion = hip_mean + hip_swing * np.cos(2 * np.pi * t)
        if t < stance:
            knee = 6 + _mix(14, 34, speed) * np.sin(np.pi * t / stance) ** 2
            ankle = _mix(-2, 12 + 6 * speed, t / stance) - 22 * _ease((t / stance - 0.8) / 0.2)
        else:
            swing = (t - stance) / (1 - stance)
            knee = 8 + knee_swing * np.sin(np.pi * min(1, swing * 1.05)) ** 1.4
            ankle = -18 * (1 - swing) + 3
        return Leg(float(flexion), 1.0, 5.0, float(knee), float(ankle))

    def contact(t: float) -> Literal["flat", "toes", "heel", "free"]:
        t = t % 1.0
        if t > stance:
            return "free"
        if t < 0.07 and speed < 0.5:
            return "heel"
        return "toes" if t > stance * 0.75 or speed > 0.85 else "flat"

    def at(phase: float) -> Pose:
        wave = float(np.cos(2 * np.pi * phase))
        left, right = leg(phase), leg(phase + 0.5)
        feet = (contact(phase), contact(phase + 0.5))
        air = feet == ("free", "free")

        def arm(side: float) -> Arm:
            return Arm(
                (0.16, -side * wave * arm_swing + 0.04, -1.0),
                18.0,
                elbow - side * wave * _mix(8, 16, speed),
                0.0,
                _mix(0.25, 0.8, speed),
            )

        return Pose(
            pelvis=(lean * 0.5, 2.5 * float(np.sin(2 * np.pi * phase)), -twist * wave * 0.5),
            trunk=(lean * 0.5, -3 * float(np.sin(2 * np.pi * phase)), twist * wave),
            neck=(-lean * 0.5, 0.0, -twist * wave * 0.4),
            left_leg=left,
            right_leg=right,
            left_arm=arm(1.0),
            right_arm=arm(-1.0),
            feet=feet,
            base="air" if air else "feet",
            lift=flight if air else 0.0,
        )

    return Motion(name, at, _mix(1.1, 0.55, speed), cyclic=True)


def _jump(rng: Rng) -> Motion:
    """A jump from both legs: crouch, flight with raised arms, landing."""
    u = rng.uniform
    depth, height = u(0.5, 1.0), u(0.1, 0.55)
    style = rng.choice(["straight", "tuck", "star", "pike"], p=[0.5, 0.2, 0.18, 0.12])
    arms = Arm((u(0.2, 0.6), u(-0.2, 0.5), 1.0), 0.0, u(0, 35))
    crouch = Pose(
        pelvis=(40 * depth, 0, 0),
        trunk=(18 * depth, 0, 0),
        neck=(-25 * depth, 0, 0),
        **_both_legs(Leg(85 * depth, 6, 10, 95 * depth, 20 * depth)),
        **_both_arms(Arm((0.25, -0.9, -0.8), 0.0, 15.0)),
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
        **_both_legs(legs),
        **_both_arms(arms if style != "pike" else Arm((0.3, 1, -0.2), 0, 5)),
        feet=("free", "free"),
        base="air",
        lift=height,
    )

    def at(phase: float) -> Pose:
        if phase < 0.4:
            return _blend(Pose(), crouch, _ease(phase / 0.4))
        return _blend(replace(crouch, lift=0.0), flight, _ease((phase - 0.4) / 0.4))

    return Motion("jump", at, 1.4)


def _leap(rng: Rng) -> Motion:
    """A leap or hurdle step: one leg ahead, one behind, in the air."""
    u = rng.uniform
    ahead = Leg(u(60, 100), u(0, 12), 5, u(0, 70), -25)
    behind = Leg(-u(10, 28), u(0, 20), 15, u(5, 80), -40)
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
    return Motion("leap", _between(start, pose), 0.7)


def _stretch(rng: Rng) -> Motion:
    """Standing stretches: reach up, bend back, quadriceps, chest, hamstring."""
    u = rng.uniform
    kind = rng.choice(["up", "back", "quad", "cross", "triceps"])
    if kind == "back":
        end = Pose(
            pelvis=(-u(0, 12), 0, 0),
            trunk=(-u(14, 38), u(-4, 4), u(-5, 5)),
            neck=(-u(5, 30), 0, 0),
            **_both_legs(Leg(-u(0, 8), 4, 6, u(0, 10))),
            **_both_arms(Arm((0.4, u(-0.2, 0.3), u(0.5, 1)), 0, 20)),
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
            **_both_arms(Arm((u(0.05, 0.3), u(-0.1, 0.3), 1), 0, u(0, 25))),
            feet=("toes", "toes") if u(0, 1) < 0.4 else ("flat", "flat"),
        )
    return Motion("stretch", _between(Pose(feet=end.feet), end), 3.0)


def _side_bend(rng: Rng) -> Motion:
    u = rng.uniform
    reach = u(18, 40)
    stance = Leg(0, u(4, 16), 8, 3)
    end = Pose(
        pelvis=(0, u(-6, 0), 0),
        trunk=(u(-5, 8), reach, u(-8, 8)),
        neck=(0, reach * 0.4, 0),
        **_both_legs(stance),
        left_arm=Arm((0.35, 0.1, -1), 10, u(5, 40)),
        right_arm=Arm((0.3 - 0.4 * reach / 40, 0.1, 1), 0, u(5, 35)),
    )
    return Motion("side-bend", _between(Pose(**_both_legs(stance)), end), 2.4)


def _twist(rng: Rng) -> Motion:
    u = rng.uniform
    turn = u(22, 48)
    arms = Arm((1, u(0.2, 0.7), u(-0.3, 0.1)), 0, u(0, 70))
    stance = Leg(u(0, 14), u(5, 14), 8, u(0, 24))
    start = Pose(**_both_legs(stance), **_both_arms(arms), trunk=(u(-3, 10), 0, -turn * 0.6))
    end = replace(start, trunk=(start.trunk[0], u(-6, 6), turn), neck=(0, 0, turn * 0.6))
    return Motion("twist", _between(start, end), 1.6)


def _squat(rng: Rng) -> Motion:
    """A squat with the arms ahead, or with a bar on the shoulders."""
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
    stand = Pose(**_both_legs(Leg(3, 9, turn_out, 4)), **_both_arms(arms))
    low = Pose(
        pelvis=(28 * depth + u(-4, 8), 0, 0),
        trunk=(u(2, 26) * depth, 0, 0),
        neck=(-24 * depth, 0, 0),
        **_both_legs(Leg(104 * depth, 15, turn_out + 6, 112 * depth, 28)),
        **_both_arms(arms),
    )
    return Motion("squat", _between(stand, low), 2.6, held="both" if bar else "none")


def _deadlift(rng: Rng) -> Motion:
    """A deadlift, from the stiff-legged to the deep one, back flat or rounded."""
    u = rng.uniform
    stiff = u(0, 1)
    round_back = u(-8, 42)
    low = Pose(
        pelvis=(_mix(52, 74, stiff), 0, 0),
        trunk=(round_back, 0, 0),
        neck=(-u(5, 40), 0, 0),
        **_both_legs(Leg(_mix(92, 80, stiff), 6, 8, _mix(68, 14, stiff), 12)),
        **_both_arms(Arm((0.12, _mix(0.85, 1.2, stiff), -0.75), 0, 2, 0, 0.95)),
    )
    up = Pose(**_both_arms(Arm((0.12, 0.15, -1), 0, 3, 0, 0.95)))
    return Motion("deadlift", _between(up, low), 2.6, held="both")


def _bend(rng: Rng) -> Motion:
    """Bending forward: to the toes, to pick something up, to tie a shoe."""
    u = rng.uniform
    flexion, pitch = u(28, 78), u(8, 60)
    knee = u(0, 32)
    end = Pose(
        pelvis=(pitch, u(-4, 4), u(-6, 6)),
        trunk=(flexion, u(-8, 8), u(-14, 14)),
        neck=(u(-25, 25), 0, u(-15, 15)),
        **_both_legs(Leg(pitch + knee * 0.5, 3, 6, knee)),
        left_arm=Arm((u(0, 0.3), u(0.6, 1.6), -0.6), 0, u(0, 25)),
        right_arm=Arm((u(0, 0.3), u(0.6, 1.6), -0.6), 0, u(0, 25)),
    )
    return Motion("bend", _between(Pose(), end), 2.4)


def _lift(rng: Rng) -> Motion:
    """Lifting a box from the ground with both hands, well or badly."""
    u = rng.uniform
    legs = u(0.2, 1.0)
    grasp = Arm((0.10, 1.0, -0.72), -18, 12, 0, 0.6)
    low = Pose(
        pelvis=(_mix(48, 36, legs), 0, 0),
        trunk=(_mix(62, 24, legs), u(-6, 6), u(-16, 16)),
        neck=(-u(0, 25), 0, 0),
        **_both_legs(Leg(_mix(62, 112, legs), 10, 12, _mix(22, 112, legs), 22)),
        **_both_arms(grasp),
    )
    carry = Pose(
        pelvis=(-4, 0, 0),
        trunk=(-4, 0, u(-10, 10)),
        **_both_arms(Arm((0.16, 0.32, -1), 6, 78, 0, 0.5)),
    )
    return Motion("lift", _between(carry, low), 2.4, held="box")


def _lunge(rng: Rng) -> Motion:
    u = rng.uniform
    depth = u(0.45, 1.0)
    side = u(0, 1) < 0.25
    arms = (
        _both_arms(Arm((0.12, 0.1, -1), 0, u(0, 20), 0, 0.8))
        if u(0, 1) < 0.5
        else _both_arms(Arm((u(0.3, 1), u(0, 0.5), u(-0.3, 1)), 0, u(0, 40)))
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
    return Motion("lunge", _between(Pose(feet=end.feet), end), 2.2)


def _throw(rng: Rng) -> Motion:
    """An overhead throw, pitch or serve: cocked to follow-through (Fleisig et al. 1995)."""
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
        lambda p: _blend(cocked, replace(done, feet=("flat", "toes")), _ease(p)),
        0.8,
        held="one",
    )


def _kick(rng: Rng) -> Motion:
    """A kick at a ball or to the front, side and head."""
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
        right_leg=Leg(_mix(38, 122, high), u(0, 42), 6, u(2, 28), -35),
        left_arm=Arm((0.8, u(0, 0.9), u(-0.6, 0.3)), 0, u(10, 70)),
        right_arm=Arm((0.7, -0.7, -0.6), 0, u(10, 60)),
        feet=("flat", "free"),
    )
    return Motion("kick", _between(back, end), 0.9)


def _swing(rng: Rng) -> Motion:
    """Both hands on a club or bat, swung across the body."""
    u = rng.uniform
    lean = u(8, 34)
    stance = _both_legs(Leg(lean * 0.8 + 10, 9, 10, u(12, 30)))
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
    return Motion("swing", _between(back, done), 0.9, held="one")


def _press(rng: Rng) -> Motion:
    """Pressing a bar or dumbbells overhead."""
    u = rng.uniform
    low = Arm((0.5, 0.45, -0.7), 10, 140, -20, 0.9)
    high = Arm((u(0.15, 0.55), 0.02, 1), 0, u(0, 14), -10, 0.9)
    stance = _both_legs(Leg(u(0, 6), u(5, 12), 10, u(0, 12)))
    start = Pose(trunk=(-u(0, 8), 0, 0), **stance, **_both_arms(low))
    end = Pose(trunk=(-u(2, 14), 0, 0), neck=(-4, 0, 0), **stance, **_both_arms(high))
    return Motion("press", _between(start, end), 2.0, held="both")


def _guard(rng: Rng) -> Motion:
    """A fighter's guard and punches."""
    u = rng.uniform
    stance = {"left_leg": Leg(26, 4, 5, 28), "right_leg": Leg(-4, 8, 18, 30)}
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
    return Motion("guard", _between(ready, punch), 0.6)


def _dance(rng: Rng) -> Motion:
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
    return Motion("dance", _between(Pose(feet=end.feet), end), 2.4)


# -- seated and low -----------------------------------------------------------------------------


def _sit(rng: Rng) -> Motion:
    """On a chair: upright, slumped, leaning on the knees, at a desk."""
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
    return Motion("sit", _between(pose, moved), 3.0, support="chair")


def _sit_floor(rng: Rng) -> Motion:
    """On the floor: legs long, crossed, or knees up."""
    u = rng.uniform
    kind = rng.choice(["long", "crossed", "knees-up", "straddle"])
    reach = u(0, 1)
    if kind == "long":
        legs = _both_legs(Leg(86 + 18 * reach, 3, 4, u(0, 10), 0))
        pelvis, trunk = (u(-10, 8) + 18 * reach, 0.0, 0.0), (u(10, 25) + 38 * reach, 0.0, 0.0)
        arms = _both_arms(Arm((0.12, 1.2 * reach + 0.2, -0.7), 0, 12))
    elif kind == "crossed":
        legs = _both_legs(Leg(88, 46, 34, 118, -10))
        pelvis, trunk = (u(-14, 2), 0.0, 0.0), (u(6, 34), 0.0, 0.0)
        arms = _both_arms(Arm((0.4, 0.35, -1), 20, u(25, 55)))
    elif kind == "straddle":
        legs = _both_legs(Leg(86, u(28, 52), 12, u(0, 8), -10))
        pelvis, trunk = (u(-6, 14), 0.0, 0.0), (u(8, 52), u(-24, 24), u(-14, 14))
        arms = _both_arms(Arm((u(0.3, 0.8), 0.9, -0.6), 0, 10))
    else:
        legs = _both_legs(Leg(112, 4, 4, u(96, 122), 0))
        pelvis, trunk = (-u(6, 18), 0.0, 0.0), (u(24, 46), 0.0, 0.0)
        arms = _both_arms(Arm((0.25, 0.85, -0.8), 30, u(22, 60)))
    pose = Pose(
        pelvis=pelvis, trunk=trunk, neck=(u(-10, 20), 0, u(-20, 20)),
        feet=("free", "free"), base="floor", **legs, **arms,
    )  # fmt: skip
    moved = replace(pose, trunk=(trunk[0] + u(-6, 14), trunk[1] + u(-8, 8), u(-12, 12)))
    return Motion("sit-floor", _between(pose, moved), 3.0)


def _kneel(rng: Rng) -> Motion:
    """On one knee or both."""
    u = rng.uniform
    arms = {"left_arm": _relaxed_arm(rng), "right_arm": _relaxed_arm(rng)}
    if u(0, 1) < 0.5:
        pose = Pose(
            pelvis=(u(-4, 10), 0, 0),
            trunk=(u(0, 28), u(-6, 6), u(-12, 12)),
            left_leg=Leg(88, 4, 6, 88),
            right_leg=Leg(u(-6, 4), 2, 4, 92, -40),
            feet=("free", "free"),
            base="floor",
            **arms,
        )
    else:
        back = u(0, 1)
        pose = Pose(
            pelvis=(_mix(0, 12, back), 0, 0),
            trunk=(u(-4, 26), u(-6, 6), u(-12, 12)),
            **_both_legs(Leg(_mix(0, 88, back), 5, 2, _mix(92, 142, back), -42)),
            feet=("free", "free"),
            base="floor",
            **arms,
        )
    moved = replace(pose, trunk=(pose.trunk[0] + u(0, 14), u(-8, 8), u(-16, 16)))
    return Motion("kneel", _between(pose, moved), 2.4)


def _all_fours(rng: Rng) -> Motion:
    """Hands and knees, cat and cow: the back arched and hollowed."""
    u = rng.uniform
    legs = _both_legs(Leg(u(80, 96), 4, 2, u(84, 98), -40))
    arms = _both_arms(Arm((0.06, 1, u(-0.1, 0.15)), 0, u(0, 12), -80, 0.0))
    hollow = Pose(
        pelvis=(u(76, 90), 0, 0),
        trunk=(-u(8, 32), u(-4, 4), 0),
        neck=(-u(5, 38), 0, 0),
        feet=("free", "free"),
        hands=("floor", "floor"),
        base="floor",
        **legs,
        **arms,
    )
    arched = replace(
        hollow, pelvis=(u(58, 72), 0, 0), trunk=(u(22, 52), 0, 0), neck=(u(10, 45), 0, 0)
    )
    return Motion("all-fours", _between(hollow, arched), 2.6)


def _plank(rng: Rng) -> Motion:
    """Plank to push-up."""
    u = rng.uniform
    legs = _both_legs(Leg(u(0, 14), 3, 2, 2, 25))
    high = Pose(
        pelvis=(u(70, 78), 0, 0),
        trunk=(u(-8, 12), 0, 0),
        neck=(-u(0, 22), 0, 0),
        feet=("free", "free"),
        hands=("floor", "floor"),
        base="floor",
        **legs,
        **_both_arms(Arm((0.16, 1, -0.12), 0, 4, -80, 0)),
    )
    low = replace(
        high, pelvis=(86, 0, 0), **_both_arms(Arm((0.5, 0.45, -0.75), -20, u(70, 100), -80, 0))
    )
    return Motion("push-up", _between(high, low), 1.8)


def _lie(rng: Rng) -> Motion:
    """On the back, the belly or the side."""
    u = rng.uniform
    kind = rng.choice(["back", "belly", "side", "crunch"])
    yaw = u(-180, 180)
    free: dict[str, object] = {"feet": ("free", "free"), "base": "floor"}
    if kind == "belly":
        pose = Pose(
            pelvis=(88, 0, yaw),
            trunk=(-u(0, 30), u(-6, 6), u(-6, 6)),
            neck=(-u(0, 25), 0, u(-60, 60)),
            **_both_legs(Leg(-2, u(2, 18), 8, u(0, 30), -42)),
            left_arm=Arm((u(0.3, 1), u(-0.05, 0.15), u(-1, 1)), 0, u(0, 90)),
            right_arm=Arm((u(0.3, 1), u(-0.05, 0.15), u(-1, 1)), 0, u(0, 90)),
            **free,  # type: ignore[arg-type]
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
            **free,  # type: ignore[arg-type]
        )
    else:
        sit_up = u(10, 60) if kind == "crunch" else u(-4, 8)
        bent = u(0, 1) if kind == "back" else 1.0
        pose = Pose(
            pelvis=(-88, 0, yaw),
            trunk=(sit_up, u(-6, 6), u(-8, 8)),
            neck=(sit_up * 0.5, 0, u(-30, 30)),
            **_both_legs(Leg(52 * bent, u(2, 12), 6, 98 * bent, -30 * (1 - bent))),
            left_arm=Arm((u(0.2, 1), u(-0.1, 0.1), u(-1, 1)), 0, u(0, 40)),
            right_arm=Arm((u(0.2, 1), u(-0.1, 0.1), u(-1, 1)), 0, u(0, 40)),
            **free,  # type: ignore[arg-type]
        )
        if kind == "crunch":
            pose = replace(pose, **_both_arms(Arm((0.8, 0.35, 0.35), 40, 135)))
    moved = replace(pose, trunk=(pose.trunk[0] + u(0, 10), pose.trunk[1], pose.trunk[2]))
    return Motion("lie", _between(pose, moved), 3.0)


# -- yoga and gymnastics ------------------------------------------------------------------------


def _yoga(rng: Rng) -> Motion:
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
            **_both_legs(Leg(u(82, 100), 4, 2, u(0, 14), 18)),
            **_both_arms(Arm((0.14, 0.3, 1), 0, 3, -60, 0)),
            feet=("free", "free"), hands=("floor", "floor"), base="floor"),
        "warrior": lambda: Pose(
            trunk=(u(-6, 4), 0, 0), neck=(0, 0, u(-20, 60)),
            left_leg=Leg(u(60, 88), u(4, 30), 10, u(62, 92)),
            right_leg=Leg(-u(12, 24), u(14, 30), 20, 3),
            **_both_arms(Arm((1, 0, u(-0.05, 0.08)) if u(0, 1) < 0.6 else (0.1, 0, 1), 0, 3))),
        "warrior3": lambda: Pose(
            pelvis=(u(62, 86), 0, 0), trunk=(-u(0, 14), 0, 0), neck=(-12, 0, 0),
            left_leg=Leg(u(64, 84), 0, 4, 3), right_leg=Leg(-u(0, 10), 0, 4, 3, -20),
            **_both_arms(Arm((0.12, 0.1, 1), 0, 4)), feet=("flat", "free")),
        "tree": lambda: Pose(
            left_leg=Leg(0, 0, 4, 1), right_leg=Leg(u(40, 62), u(38, 55), 30, u(108, 132), -25),
            **_both_arms(Arm((u(0.05, 0.2), 0.05, 1), 0, 18) if u(0, 1) < 0.6
                         else Arm((0.3, 0.45, -0.9), 45, 118)),
            feet=("flat", "free")),
        "triangle": lambda: Pose(
            pelvis=(0, u(18, 34), 0), trunk=(u(0, 10), u(28, 44), u(-10, 14)),
            neck=(0, 0, -u(0, 50)), **_both_legs(Leg(4, u(24, 34), 14, 2)),
            left_arm=Arm((1, 0, u(-0.2, 0.3)), 0, 3), right_arm=Arm((1, 0, u(-0.2, 0.3)), 0, 3)),
        "bridge": lambda: Pose(
            pelvis=(-u(108, 124), 0, 0), trunk=(-u(4, 20), 0, 0), neck=(u(25, 40), 0, 0),
            **_both_legs(Leg(-u(0, 12), 6, 4, u(88, 104))),
            **_both_arms(Arm((0.25, -0.2, -1), 0, 3)), feet=("free", "free"), base="floor"),
        "cobra": lambda: Pose(
            pelvis=(u(74, 86), 0, 0), trunk=(-u(24, 42), 0, 0), neck=(-u(10, 38), 0, 0),
            **_both_legs(Leg(-u(2, 12), 3, 4, 2, -42)),
            **_both_arms(Arm((0.2, 0.65, -0.8), 0, u(6, 40), -80, 0)),
            feet=("free", "free"), hands=("floor", "floor"), base="floor"),
        "boat": lambda: Pose(
            pelvis=(-u(34, 50), 0, 0), trunk=(u(4, 20), 0, 0),
            **_both_legs(Leg(u(84, 104), 2, 2, u(0, 50), -20)),
            **_both_arms(Arm((0.2, 0.9, -0.5), 0, 8)), feet=("free", "free"), base="floor"),
        "child": lambda: Pose(
            pelvis=(u(74, 88), 0, 0), trunk=(u(34, 60), 0, 0), neck=(u(10, 30), 0, 0),
            **_both_legs(Leg(u(118, 132), 8, 4, 148, -45)),
            **_both_arms(Arm((0.15, 0.35, 1) if u(0, 1) < 0.6 else (0.2, -0.2, -1), 0, 8)),
            feet=("free", "free"), base="floor"),
        "wheel": lambda: Pose(
            pelvis=(-u(118, 140), 0, 0), trunk=(-u(30, 44), 0, 0), neck=(-u(20, 45), 0, 0),
            **_both_legs(Leg(-u(16, 28), 6, 4, u(66, 88))),
            **_both_arms(Arm((0.2, -0.15, 1), 0, u(0, 20), -75, 0)),
            feet=("free", "free"), base="floor"),
    }  # fmt: skip
    end = makers[kind]()
    soft = replace(
        end,
        trunk=(end.trunk[0] * 0.85, end.trunk[1] * 0.85, end.trunk[2]),
        neck=(end.neck[0] * 0.6, end.neck[1], end.neck[2]),
    )
    return Motion(f"yoga-{kind}", _between(soft, end), 3.0)


def _handstand(rng: Rng) -> Motion:
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
        **_both_arms(Arm((0.10, 0.04, 1), 0, u(0, 6), -80, 0)),
        feet=("free", "free"),
        hands=("floor", "floor"),
        base="hands",
    )
    tucked = replace(pose, left_leg=Leg(70, 4, 4, 80, -35), right_leg=Leg(60, 4, 4, 90, -35))
    return Motion(
        "handstand",
        _between(
            tucked
            if u(0, 1) < 0.3
            else replace(pose, left_leg=replace(left, flexion=left.flexion + 30)),
            pose,
        ),
        2.0,
    )


def _cartwheel(rng: Rng) -> Motion:
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
            **_both_legs(Leg(4, wide, 10, 4, -40)),
            **_both_arms(Arm((0.4, 0.02, 1), 0, 3, -60, 0)),
            feet=("free", "free"),
            hands=hands,
            base="hands",
        )

    return Motion("cartwheel", at, 1.0)


def _somersault(rng: Rng) -> Motion:
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
            **_both_legs(legs),
            **_both_arms(arms),
            feet=("free", "free"),
            base="air",
            lift=lift,
        )

    return Motion("somersault", at, 0.7)


def _hang(rng: Rng) -> Motion:
    """Hanging from a bar, or pulled up to it."""
    u = rng.uniform
    hips = u(-12, 30) if u(0, 1) < 0.7 else u(60, 100)
    knee = u(0, 90)
    wide = u(0.12, 0.5)
    legs = {
        "left_leg": Leg(hips, 3, 4, knee, -30),
        "right_leg": Leg(hips + u(-8, 8), 3, 4, knee, -30),
    }
    low = Pose(
        trunk=(u(-14, 10), u(-5, 5), u(-6, 6)),
        neck=(-u(0, 20), 0, 0),
        **_both_arms(Arm((wide, 0.05, 1), 0, u(0, 8), 0, 1.0)),
        feet=("free", "free"),
        base="hang",
        lift=u(0.15, 0.8),
        **legs,
    )
    high = replace(
        low,
        trunk=(-u(4, 20), 0, 0),
        **_both_arms(Arm((0.62, 0.22, -0.55), 0, u(125, 145), 0, 1.0)),
        lift=low.lift + 0.3,
    )
    return Motion("hang", _between(low, high), 2.4, held="both", support="bar-above")


def _row(rng: Rng) -> Motion:
    """Rowing: from the catch to the finish on a sliding seat near the floor."""
    u = rng.uniform
    lay = u(10, 26)
    catch = Pose(
        pelvis=(u(8, 20), 0, 0),
        trunk=(u(24, 48), 0, 0),
        neck=(-18, 0, 0),
        **_both_legs(Leg(118, 5, 4, 118, 15)),
        **_both_arms(Arm((0.1, 1.1, -0.5), 0, 4, 0, 0.9)),
        feet=("free", "free"),
        base="seat",
        lift=0.3,
    )
    finish = Pose(
        pelvis=(-lay, 0, 0),
        trunk=(u(4, 24), 0, 0),
        neck=(4, 0, 0),
        **_both_legs(Leg(84 - lay * 0.4, 5, 4, 8, -5)),
        **_both_arms(Arm((0.45, -0.3, -1), 0, 98, 0, 0.9)),
        feet=("free", "free"),
        base="seat",
        lift=0.3,
    )
    return Motion("row", _between(catch, finish), 2.2, held="both", support="chair")


def _cycle(rng: Rng) -> Motion:
    """Riding a bicycle that is not there: saddle height, crank circles, aero to upright."""
    u = rng.uniform
    lean = u(8, 48)
    rounded = u(14, 48)
    reach = Arm((0.12, _mix(0.75, 1.3, lean / 48), -0.8), 0, u(8, 45), 0, 0.9)

    def leg(t: float) -> Leg:
        up = 0.5 + 0.5 * np.cos(2 * np.pi * t)
        return Leg(lean + _mix(32, 78, up), 2, 2, _mix(32, 110, up), float(-6 + 8 * up))

    def at(phase: float) -> Pose:
        return Pose(
            pelvis=(lean, 0, 0),
            trunk=(rounded, 2 * float(np.sin(2 * np.pi * phase)), 0),
            neck=(-(lean + rounded) * 0.55, 0, 0),
            left_leg=leg(phase),
            right_leg=leg(phase + 0.5),
            **_both_arms(reach),
            feet=("free", "free"),
            base="air",
            lift=0.12,
        )

    return Motion("cycle", at, 0.8, cyclic=True)


def _climb(rng: Rng) -> Motion:
    """Climbing or crawling up: one arm and the other leg high, hips near the wall."""
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
    return Motion("climb", _between(other, pose), 2.0)


ACTIVITIES: tuple[Activity, ...] = (
    Activity("stand", _stand, 2.4),
    Activity("walk", lambda rng: _gait(rng, "walk", rng.uniform(0.0, 0.3)), 2.0),
    Activity("run", lambda rng: _gait(rng, "run", rng.uniform(0.55, 1.0)), 1.6),
    Activity("jump", _jump, 1.2),
    Activity("leap", _leap, 1.0),
    Activity("stretch", _stretch, 1.2),
    Activity("side-bend", _side_bend, 0.9),
    Activity("twist", _twist, 0.9),
    Activity("squat", _squat, 1.2),
    Activity("deadlift", _deadlift, 1.2),
    Activity("bend", _bend, 1.6),
    Activity("lift", _lift, 1.1),
    Activity("lunge", _lunge, 1.2),
    Activity("throw", _throw, 1.2),
    Activity("kick", _kick, 1.2),
    Activity("swing", _swing, 0.9),
    Activity("press", _press, 0.6),
    Activity("guard", _guard, 0.7),
    Activity("dance", _dance, 1.1),
    Activity("sit", _sit, 1.7),
    Activity("sit-floor", _sit_floor, 1.0),
    Activity("kneel", _kneel, 0.8),
    Activity("all-fours", _all_fours, 0.8),
    Activity("push-up", _plank, 0.6),
    Activity("lie", _lie, 1.0),
    Activity("yoga", _yoga, 2.2),
    Activity("handstand", _handstand, 1.1),
    Activity("cartwheel", _cartwheel, 0.8),
    Activity("somersault", _somersault, 1.1),
    Activity("hang", _hang, 0.7),
    Activity("row", _row, 0.5),
    Activity("cycle", _cycle, 0.6),
    Activity("climb", _climb, 0.7),
)
"""All activities and their shares."""
