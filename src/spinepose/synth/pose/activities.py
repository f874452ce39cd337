"""What people do: parametric activities, each a motion that can be stopped at any moment.

An activity draws its parameters once (how deep, how fast, which side) and then gives a pose for
every phase 0..1 of one repetition. Cyclic ones end where they began. Angles follow common
descriptions of the movements; where a source gives numbers, it is named.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinepose.synth.pose import dance, gymnastics, seated, sports, upright
from spinepose.synth.pose.blocks import Activity, Habit, Motion, Rng
from spinepose.synth.pose.pose import HandContact, Pose, limited, mirrored

__all__ = ["ACTIVITIES", "Activity", "Motion", "draw_motion"]


_DYNAMIC = (
    "walk", "run", "leap", "jump", "sprint-start", "roll", "walkover", "cartwheel",
    "shoulder-stand",
)  # fmt: skip
"""Motions in which the centre of mass travels instead of staying over the feet."""


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
    habit = Habit.drawn(rng)

    balance = 0.0 if activity.name in _DYNAMIC else 1.0

    grip = _grip(motion)

    def at(phase: float) -> Pose:
        pose = habit.applied(motion.at(phase))
        pose = limited(mirrored(pose) if flip else pose)
        return replace(pose, balance=balance, hands=(grip, grip) if grip else pose.hands)

    return replace(motion, at=at)


def _grip(motion: Motion) -> HandContact | None:
    """Return how both hands hold what a motion has in both."""
    if motion.held == "box":
        return "box"
    if motion.held == "both":
        return "shoulders" if motion.activity == "squat" else "bar"
    return "together" if motion.activity == "swing" else None


ACTIVITIES: tuple[Activity, ...] = (
    Activity("stand", upright.stand, 2.4),
    Activity("walk", lambda rng: upright.gait(rng, "walk", rng.uniform(0.0, 0.3)), 2.0),
    Activity("run", lambda rng: upright.gait(rng, "run", rng.uniform(0.55, 1.0)), 1.6),
    Activity("jump", sports.jump, 1.2),
    Activity("leap", sports.leap, 1.0),
    Activity("stretch", upright.stretch, 1.2),
    Activity("side-bend", upright.side_bend, 0.9),
    Activity("twist", upright.twist, 0.9),
    Activity("squat", upright.squat, 1.2),
    Activity("deadlift", upright.deadlift, 1.2),
    Activity("bend", upright.bend, 1.6),
    Activity("lift", upright.lift, 1.1),
    Activity("lunge", upright.lunge, 1.2),
    Activity("throw", sports.throw, 1.2),
    Activity("kick", sports.kick, 1.2),
    Activity("swing", sports.swing, 0.9),
    Activity("press", upright.press, 0.6),
    Activity("guard", sports.guard, 0.7),
    Activity("dance", dance.dance, 1.1),
    Activity("sit", seated.sit, 1.7),
    Activity("sit-floor", seated.sit_floor, 1.0),
    Activity("kneel", seated.kneel, 0.8),
    Activity("all-fours", seated.all_fours, 0.8),
    Activity("push-up", seated.plank, 0.6),
    Activity("lie", seated.lie, 1.0),
    Activity("yoga", dance.yoga, 2.2),
    Activity("handstand", gymnastics.handstand, 1.5),
    Activity("headstand", gymnastics.headstand, 0.8),
    Activity("shoulder-stand", gymnastics.shoulder_stand, 0.6),
    Activity("roll", gymnastics.roll, 0.6),
    Activity("walkover", gymnastics.walkover, 0.8),
    Activity("cartwheel", gymnastics.cartwheel, 1.0),
    Activity("somersault", gymnastics.somersault, 1.3),
    Activity("floor-exercise", gymnastics.floor_exercise, 1.9),
    Activity("bar", gymnastics.bar, 0.7),
    Activity("crouch", seated.crouch, 0.8),
    Activity("crawl", seated.crawl, 0.6),
    Activity("sprint-start", sports.sprint_start, 0.4),
    Activity("hang", sports.hang, 0.7),
    Activity("row", sports.row, 0.5),
    Activity("cycle", sports.cycle, 0.6),
    Activity("climb", sports.climb, 0.7),
)
"""All activities and their shares."""
