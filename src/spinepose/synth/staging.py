"""Things that belong to a pose: what hands hold, what carries the body, what is worn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from spinepose.skeleton import SPINETRACK
from spinepose.synth.mesh import Mesh, joined
from spinepose.synth.pose.activities import Motion
from spinepose.synth.pose.solve import Posed, Poser
from spinepose.synth.props import shapes, worn
from spinepose.synth.props.both_hands import barbell, carton, pole, rowing_handle
from spinepose.synth.props.catalogue import HELD, SUPPORTS

__all__ = ["Belongings", "belongings_of"]

Float64 = npt.NDArray[np.float64]

_ONE_HAND = {
    "throw": ("ball", "tennis_racket", "badminton_racket"),
    "swing": ("baseball_bat", "hockey_stick", "tennis_racket", "cricket_bat"),
    "stand": ("bottle", "phone", "shopping_bag", "umbrella", "ball", "tennis_racket"),
    "walk": ("bottle", "phone", "shopping_bag", "umbrella", "walking_stick"),
    "sit": ("phone", "bottle", "tablet"),
    "lunge": ("dumbbell", "tennis_racket", "badminton_racket"),
    "kick": (),
}
"""What is likely in one hand during an activity."""

_CHAIRS = ("kitchen_chair", "office_chair", "stool", "armchair", "bench", "sofa", "plyo_box")
_CLOSED = ("armchair", "sofa", "plyo_box")
_SHANK = ("knee", "ankle", "heel")
_UPRIGHT = ("stand", "walk", "run", "climb", "bend", "lift", "squat", "lunge", "jump", "stretch")
"""Activities in which somebody may have a backpack on."""
_STEEL = (0.35, 0.36, 0.38)


@dataclass(frozen=True, slots=True)
class Belongings:
    """Meshes in the world around one posed person.

    Attributes
    ----------
    worn
        Parts of the person: they never hide their wearer's keypoints.
    things
        Objects of their own, which may.
    names
        What they are.
    """

    worn: list[Mesh]
    things: list[Mesh]
    names: tuple[str, ...]


def belongings_of(
    poser: Poser, posed: Posed, motion: Motion, rng: np.random.Generator
) -> Belongings:
    """Return what a person wears, holds and is carried by.

    The draws depend on the motion, not on the moment: in a clip, a person keeps the same things.
    """
    place = _Places(poser, posed)
    carried: list[tuple[str, Mesh]] = []
    dressed: list[tuple[str, Mesh]] = []
    if motion.support == "chair":
        carried.append(_seat(place, motion, rng))
    elif motion.support == "bar-above":
        carried.append(("high bar", _high_bar(place, rng)))
    if motion.held == "both":
        carried += _held_by_both(place, motion, rng)
    elif motion.held == "box":
        carried.append(("box", _box(place, rng)))
    elif rng.uniform() < (0.75 if motion.held == "one" else 0.22):
        carried += _held_by_one(place, motion, rng)
    if motion.activity == "cycle":
        carried.append(("ergometer", _ergometer(place, rng)))
    if motion.activity == "climb":
        carried.append(("holds", _climbing_holds(place, rng)))
    for name, chance, maker in _WORN:
        drawn = rng.uniform() < chance
        if drawn and (name != "backpack" or motion.activity in _UPRIGHT):
            dressed.append((name, maker(place, rng)))
    return Belongings(
        [mesh for _, mesh in dressed],
        [mesh for _, mesh in carried],
        tuple(name for name, _ in carried + dressed),
    )


class _Places:
    """Frames on a posed body."""

    def __init__(self, poser: Poser, posed: Posed) -> None:
        self.body = poser.body
        self.subject = posed.subject
        self.posed = posed
        self.scale = posed.subject.rest.stature / 1.75

    def point(self, name: str) -> Float64:
        return np.asarray(self.posed.keypoints[SPINETRACK.index(name)])

    def turn(self, bone: str) -> Float64:
        return np.asarray(self.posed.transforms[self.body.index[bone], :, :3])

    def joint(self, bone: str) -> Float64:
        at = self.body.index[bone]
        transform = self.posed.transforms[at]
        return np.asarray(transform[:, :3] @ self.subject.pivots[at] + transform[:, 3])

    def grip(self, side: str) -> tuple[Float64, Float64]:
        """Return the frame (3, 3) and the centre (3,) m of a fist.

        Columns: out of the palm, away from the finger tips (a right hand; towards them for a
        left one), to the thumb.
        """
        wrist, middle = self.joint(f"wrist.{side}"), self.joint(f"finger3-1.{side}")
        along = _unit(middle - wrist)
        knuckles = self.joint(f"finger2-1.{side}") - self.joint(f"finger5-1.{side}")
        thumb = _unit(knuckles - along * (along @ knuckles))
        second = along if side == "L" else -along
        palm = np.cross(second, thumb)
        centre = wrist + 0.085 * self.scale * along + 0.028 * self.scale * palm
        return np.stack([palm, second, thumb], axis=1), centre

    def across_hands(self) -> Float64:
        """Return the frame (3, 3) whose x runs from the right hand to the left one."""
        across = self.grip("L")[1] - self.grip("R")[1]
        if np.linalg.norm(across) < 0.08:
            across = self.turn("spine01")[:, 0]
        x = _unit(across)
        ahead = self.turn("spine01")[:, 1]
        z = _unit(np.cross(x, ahead))
        return np.stack([x, np.cross(z, x), z], axis=1)

    def between_hands(self, ahead: float = 0.0) -> Float64:
        """Return the middle (3,) m between the fists, shifted away from the body."""
        middle = (self.grip("L")[1] + self.grip("R")[1]) / 2
        return np.asarray(middle - self.across_hands()[:, 1] * ahead)

    def head(self) -> Float64:
        return self.turn("head")


def _held_by_one(
    place: _Places, motion: Motion, rng: np.random.Generator
) -> list[tuple[str, Mesh]]:
    likely = _ONE_HAND.get(
        motion.activity, ("ball", "bottle", "phone") if motion.held == "one" else ()
    )
    if not likely:
        return []
    name = likely[int(rng.integers(len(likely)))]
    side = "L" if rng.uniform() < 0.3 and motion.held != "one" else "R"
    frame, centre = place.grip(side)
    mesh = HELD[name](rng)
    if side == "L":
        mesh = shapes.mirrored(mesh, 1)
    if name in ("shopping_bag",):
        # It hangs straight down from the fist.
        x = _unit(frame[:, 2] * (1, 1, 0) + 1e-6)
        frame = np.stack([np.cross([0.0, 0.0, -1.0], x), [0.0, 0.0, 1.0], x], axis=1)
        frame[:, 0] = np.cross(frame[:, 1], frame[:, 2])
    if name == "ball":
        reach = float(np.abs(mesh.vertices[:, 0]).max())
        centre = centre + frame[:, 0] * (reach - 0.01)
    return [(name.replace("_", " "), mesh.moved(frame, centre))]


def _held_by_both(
    place: _Places, motion: Motion, rng: np.random.Generator
) -> list[tuple[str, Mesh]]:
    if motion.support == "bar-above":
        return []
    if motion.activity == "row":
        handle = rowing_handle(rng)
        return [("rowing handle", handle.moved(place.across_hands(), place.between_hands()))]
    if motion.activity == "press" and rng.uniform() < 0.4:
        things = []
        for side in "LR":
            frame, centre = place.grip(side)
            bell = HELD["dumbbell"](rng)
            things.append(("dumbbell", bell.moved(frame, centre)))
        return things
    name, mesh = ("barbell", barbell(rng)) if rng.uniform() < 0.8 else ("pole", pole(rng))
    return [(name, mesh.moved(place.across_hands(), place.between_hands()))]


def _box(place: _Places, rng: np.random.Generator) -> Mesh:
    """Return a carton as wide as the palms are apart."""
    mesh, half = carton(rng)
    left, right = place.grip("L")[1], place.grip("R")[1]
    # It stays level, whatever the trunk does.
    across = _unit((left - right) * (1, 1, 0))
    frame = np.stack([across, np.cross([0.0, 0.0, 1.0], across), [0.0, 0.0, 1.0]], axis=1)
    wide = float(np.linalg.norm(left - right)) / 2 + 0.024 * place.scale
    low = float(mesh.vertices[:, 2].min())
    centre = (left + right) / 2 - 0.03 * frame[:, 1]
    centre[2] = max(centre[2], 0.005 - low)
    slim = min(1.0, 0.15 * place.scale / float(mesh.vertices[:, 1].max()))
    return mesh.moved(frame * np.array([wide / half, slim, 1.0]), centre)


def _seat(place: _Places, motion: Motion, rng: np.random.Generator) -> tuple[str, Mesh]:
    """Return a seat whose upper side touches the thighs."""
    root = place.turn("root")
    ahead = _unit(-root[:, 1] * (1, 1, 0))
    yaw = np.stack([np.cross([0.0, 0.0, 1.0], ahead), -ahead, [0.0, 0.0, 1.0]], axis=1)
    seat = place.posed.vertices[place.body.seat_vertices, 2]
    height = float(np.percentile(seat, 2.0))
    name = "plyo_box" if motion.activity == "row" else _CHAIRS[int(rng.integers(len(_CHAIRS)))]
    hips = (place.point("left_hip") + place.point("right_hip")) / 2
    # The front edge lies behind the knees, and behind the heels where the seat is closed below.
    legs = [place.point(f"{side}_{part}") for side in ("left", "right") for part in _SHANK]
    reach = np.array([float((point - hips) @ ahead) for point in legs]).reshape(2, -1)
    front = float(reach[:, 0].min()) - 0.13 * place.scale
    if name in _CLOSED:
        front = min(front, float(reach.min()) - 0.05 * place.scale)
    front = max(front, 0.10)
    depth = front + (0.13 if name in ("stool", "plyo_box") else 0.18) * place.scale
    maker = cast("Callable[..., Mesh]", SUPPORTS[name])
    mesh = maker(rng, seat_height=max(height, 0.15), seat_depth=depth)
    floor = np.array([hips[0], hips[1], 0.0]) + ahead * (front - depth / 2)
    return name.replace("_", " "), mesh.moved(yaw, floor)


def _high_bar(place: _Places, rng: np.random.Generator) -> Mesh:
    """Return a bar through both fists, on two posts."""
    frame, middle = place.across_hands(), place.between_hands()
    half = rng.uniform(0.6, 1.2)
    ends = [middle + frame[:, 0] * half * way for way in (1, -1)]
    for end in ends:
        end[2] = middle[2]
    bar = shapes.capsule(ends[0], ends[1], 0.016, _STEEL)
    posts = [shapes.capsule(np.array([end[0], end[1], 0.0]), end, 0.03, _STEEL) for end in ends]
    return joined([bar, *posts])


def _ergometer(place: _Places, rng: np.random.Generator) -> Mesh:
    """Return a stationary bicycle made to measure: saddle, cranks at the feet, handlebar."""
    root = place.turn("root")
    ahead = _unit(-root[:, 1] * (1, 1, 0))
    left = np.cross([0.0, 0.0, 1.0], ahead)
    hips = (place.point("left_hip") + place.point("right_hip")) / 2
    saddle = hips.copy()
    saddle[2] = float(np.percentile(place.posed.vertices[place.body.seat_vertices, 2], 2)) - 0.02
    balls = [
        (place.point(f"{side}_big_toe") + place.point(f"{side}_ankle")) / 2
        - np.array([0, 0, 0.05 * place.scale])
        for side in ("left", "right")
    ]
    crank = (balls[0] + balls[1]) / 2
    hands = place.between_hands()
    tone = tuple(float(v) for v in rng.uniform(0.02, 0.5, 3))
    front = np.array([crank[0], crank[1], 0.08]) + ahead * 0.55
    back = np.array([crank[0], crank[1], 0.08]) - ahead * 0.5
    stem = np.array([hands[0], hands[1], hands[2] - 0.25]) - ahead * 0.05
    tube = shapes.capsule
    parts = [
        tube(saddle - ahead * 0.12, saddle + ahead * 0.14, 0.05, (0.02, 0.02, 0.02)),
        tube(saddle, crank, 0.028, tone),
        tube(crank, stem, 0.03, tone),
        tube(stem, hands, 0.022, _STEEL),
        tube(hands - left * 0.24, hands + left * 0.24, 0.017, (0.02, 0.02, 0.02)),
        shapes.rod(crank - left * 0.03, crank + left * 0.03, 0.13, tone, sides=24),
        tube(crank, np.array([crank[0], crank[1], 0.08]), 0.04, tone),
        tube(back, front, 0.035, tone),
        tube(front - left * 0.25, front + left * 0.25, 0.03, _STEEL),
        tube(back - left * 0.25, back + left * 0.25, 0.03, _STEEL),
    ]
    for ball, way in zip(balls, (1, -1), strict=True):
        parts.append(tube(crank + left * 0.09 * way, ball, 0.013, _STEEL))
        parts.append(tube(ball - left * 0.05, ball + left * 0.05, 0.018, (0.03, 0.03, 0.03)))
    return joined(parts)


def _climbing_holds(place: _Places, rng: np.random.Generator) -> Mesh:
    """Return coloured holds under the hands and the feet."""
    parts = []
    for name in ("left_wrist", "right_wrist", "left_big_toe", "right_big_toe"):
        tone = tuple(float(v) for v in rng.uniform(0.03, 0.8, 3))
        centre = place.point(name) + np.array([0.0, 0.0, 0.06 if "wrist" in name else -0.05])
        ahead = _unit(-place.turn("spine01")[:, 1]) * 0.05
        parts.append(shapes.ellipsoid(rng.uniform(0.03, 0.08, 3), centre + ahead, tone))
    return joined(parts)


def _cap(place: _Places, rng: np.random.Generator) -> Mesh:
    maker = (worn.cap, worn.cap, worn.hat, worn.beanie)[int(rng.integers(4))]
    return maker(rng, (0.088, 0.108, 0.13)).moved(
        place.head() * place.scale, place.point("head") + place.head()[:, 2] * 0.012
    )


def _glasses(place: _Places, rng: np.random.Generator) -> Mesh:
    maker = worn.sunglasses if rng.uniform() < 0.4 else worn.glasses
    eyes = (place.point("left_eye") + place.point("right_eye")) / 2
    return maker(rng).moved(place.head() * place.scale, eyes)


def _backpack(place: _Places, rng: np.random.Generator) -> Mesh:
    thorax = place.turn("spine01")
    back = place.body.skin_vertices
    points = place.posed.vertices[back]
    local = (points - place.point("spine_04")) @ thorax
    near = (np.abs(local[:, 0]) < 0.03) & (np.abs(local[:, 2]) < 0.03) & (local[:, 1] > 0)
    reach = min(float(local[near, 1].max()), 0.13 * place.scale) if near.any() else 0.08
    origin = place.point("spine_04") + thorax[:, 1] * (reach + 0.012)
    return worn.backpack(rng, straps=False).moved(thorax, origin)


_WORN = (
    ("headwear", 0.13, _cap),
    ("glasses", 0.14, _glasses),
    ("backpack", 0.05, _backpack),
)


def _unit(vector: Float64) -> Float64:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
