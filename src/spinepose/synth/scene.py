"""A scene: people in a place, with what they hold, in front of calibrated cameras."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.synth.anatomy import Anatomy
from spinepose.synth.backdrops import open_backdrops
from spinepose.synth.backdrops.base import Backdrop
from spinepose.synth.body.asset import load_asset
from spinepose.synth.body.model import Body, draw_shape
from spinepose.synth.cameras import Camera
from spinepose.synth.looks.layers import Layer
from spinepose.synth.looks.regions import Regions
from spinepose.synth.looks.wardrobe import Wardrobe, draw_wardrobe
from spinepose.synth.mesh import Mesh
from spinepose.synth.mocap import find_motions
from spinepose.synth.placing import cameras_around, occluder_before, places_apart
from spinepose.synth.pose.activities import Motion, draw_motion
from spinepose.synth.pose.clearance import Clearance
from spinepose.synth.pose.curvature import Variant, draw_target, fit_curvature
from spinepose.synth.pose.pose import Pose
from spinepose.synth.pose.retarget import recorded_motion
from spinepose.synth.pose.solve import Posed, Poser
from spinepose.synth.render.geometry import (
    ambient,
    ground_shade,
    joined_geometry,
    sun_map,
)
from spinepose.synth.render.materials import Material
from spinepose.synth.render.photo import Lit
from spinepose.synth.staging import Belongings, belongings_of
from spinepose.synth.streams import stream

__all__ = ["Moment", "Person", "Recipe", "Scene", "Studio"]

Float64 = npt.NDArray[np.float64]

_CROWD = (0.64, 0.19, 0.08, 0.05, 0.025, 0.015)
"""Shares of scenes with 1, 2, ... 6 people."""
_RECORDED = 0.25
"""Share of recorded motions when there are some."""
_TRIES = 4
_DEEPEST = 0.03
"""Penetration beyond which a pose is drawn again, m."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What scenes are made of.

    Attributes
    ----------
    seed
        Of the whole data set.
    size
        Width and height of the pictures in pixels.
    cameras
        Pictures of each scene, from as many calibrated cameras.
    frames, fps
        Moments of each scene, and how many there are in a second; 1 = single pictures.
    people
        Largest number of people in a scene, 1 to 6.
    activities
        Names of activities; all when empty.
    backdrops
        Folder or file of photos and panoramas; computed places only when None.
    procedural
        Share of computed places when there are photos.
    kyphotic, scoliotic
        Shares of people with a hyperkyphosis and with a scoliosis.
    occluders
        Share of scenes with a thing between a camera and the people.
    distortion
        Whether lenses bend straight lines.
    motion
        Folder or file of motion capture that poses are taken from, besides the activities.
    """

    seed: int = 0
    size: int = 512
    cameras: int = 1
    frames: int = 1
    fps: float = 25.0
    people: int = 6
    activities: tuple[str, ...] = ()
    backdrops: Path | None = None
    procedural: float = 0.5
    kyphotic: float = 0.0
    scoliotic: float = 0.0
    occluders: float = 0.14
    distortion: bool = False
    motion: Path | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One person of a scene, through all its moments.

    Attributes
    ----------
    poser, motion, wardrobe
        The body, what it does, and what it wears.
    turn, place
        Rotation (3, 3) about the vertical axis and shift (3,) m on the ground.
    start
        Phase of the motion at the first moment, 0..1.
    opening
        Body and pose at the first moment, at the origin.
    keys
        Words of this person's random streams.
    """

    poser: Poser
    motion: Motion
    wardrobe: Wardrobe
    turn: Float64
    place: Float64
    start: float
    opening: tuple[Posed, Pose]
    keys: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A scene at one time, lit.

    Attributes
    ----------
    time
        s since the first moment.
    posed
        Each person in the world.
    poses
        The joint angles asked for.
    belongings
        What each person has.
    lit
        The geometry with its light; objects 0, 1, ... are the people with what they wear, the
        others are things.
    """

    time: float
    posed: list[Posed]
    poses: list[Pose]
    belongings: list[Belongings]
    lit: Lit


@dataclass(frozen=True, slots=True)
class Scene:
    """People, a place and cameras."""

    number: int
    people: list[Person]
    backdrop: Backdrop
    cameras: list[Camera]
    occluder: tuple[str, Mesh] | None = None
    first: Moment | None = field(default=None, repr=False)


class Studio:
    """Makes scenes. Holds the body model and the backdrops, and nothing of any scene.

    Parameters
    ----------
    recipe
        What scenes are made of.

    Raises
    ------
    MissingExtraError
        If the extra ``synth`` is not installed.
    InputError
        If the backdrops or the motion capture cannot be read.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.body = Body(load_asset())
        self.anatomy = Anatomy(self.body)
        self.regions = Regions(self.anatomy)
        self.clearance = Clearance(self.body)
        self.backdrops = open_backdrops(recipe.backdrops, recipe.procedural)
        self.motions = [] if recipe.motion is None else find_motions(recipe.motion)
        self._marks = _face_marks(self.regions)

    def scene(self, number: int) -> Scene:
        """Return one scene, which depends on the recipe and its number only."""
        recipe = self.recipe
        draw = partial(stream, recipe.seed, number)
        crowd = np.array(_CROWD[: recipe.people])
        count = 1 + int(draw("people").choice(len(crowd), p=crowd / crowd.sum()))
        people = [self._person(number, index) for index in range(count)]
        if count > 1:
            places = places_apart([self._extent(person) for person in people], draw("places"))
            people = [
                replace(person, place=place) for person, place in zip(people, places, strict=True)
            ]
        backdrop = self.backdrops.pick(draw("backdrop"))
        scene = Scene(number, people, backdrop, [])
        skin = self.body.skin_vertices
        bodies = [self._posed(person, 0.0)[0].vertices[skin] for person in people]
        boxes = [np.stack([body.min(axis=0), body.max(axis=0)]) for body in bodies]
        cameras = cameras_around(
            boxes, recipe.cameras, recipe.size, draw("cameras"), distortion=recipe.distortion
        )
        occluder = None
        if draw("occluder").uniform() < recipe.occluders:
            occluder = occluder_before(cameras[0], boxes, draw("occluder", "thing"))
        scene = replace(scene, cameras=cameras, occluder=occluder)
        return replace(scene, first=self.moment(scene, 0.0))

    def moment(self, scene: Scene, time: float) -> Moment:
        """Return a scene at a time in s."""
        posed: list[Posed] = []
        poses: list[Pose] = []
        belongings: list[Belongings] = []
        dressed: list[tuple[list[Layer], dict[str, Material]]] = []
        for person in scene.people:
            body, pose = self._posed(person, time)
            own = belongings_of(
                person.poser, body, person.motion, stream(self.recipe.seed, *person.keys, "things")
            )
            posed.append(body)
            poses.append(pose)
            belongings.append(own)
            dressed.append((person.wardrobe.put_on(self.regions, body), person.wardrobe.materials))
        things = [mesh for own in belongings for mesh in own.things]
        if scene.occluder is not None:
            things.append(scene.occluder[1])
        geometry = joined_geometry(dressed, [own.worn for own in belongings], things)
        light = scene.backdrop.light
        lit = Lit(
            geometry,
            light,
            ambient(geometry, light),
            sun_map(geometry, light),
            ground_shade(geometry),
            self._marks,
        )
        return Moment(time, posed, poses, belongings, lit)

    def _person(self, number: int, index: int) -> Person:
        """Return one person, dressed, in a motion whose first pose is free of penetration."""
        recipe = self.recipe
        keys = (number, "person", index)
        draw = partial(stream, recipe.seed, *keys)
        shape = draw_shape(self.body, draw("shape"))
        subject = self.anatomy.subject(shape)
        spine = draw("spine")
        target = draw_target(spine, shape.gender, _variant(recipe, spine))
        poser = Poser(self.body, subject, fit_curvature(self.body, subject, target))
        wardrobe = draw_wardrobe(self.regions, subject, draw("clothes"))
        best: tuple[float, Motion, float, tuple[Posed, Pose]] | None = None
        for attempt in range(_TRIES):
            rng = draw("motion", attempt)
            motion = self._motion(rng)
            start = float(rng.uniform())
            pose = motion.at(start)
            posed, depth = self.clearance.pose(poser, pose)
            if best is None or depth < best[0]:
                best = (depth, motion, start, (posed, pose))
            if depth <= _DEEPEST:
                break
        if best is None:  # pragma: no cover - _TRIES is positive
            raise AssertionError
        yaw = float(draw("yaw").uniform(-np.pi, np.pi))
        turn = np.array(
            [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1.0]]
        )
        return Person(poser, best[1], wardrobe, turn, np.zeros(3), best[2], best[3], keys)

    def _motion(self, rng: np.random.Generator) -> Motion:
        """Return a recorded motion or one of the activities."""
        if self.motions and rng.uniform() < _RECORDED:
            path = self.motions[int(rng.integers(len(self.motions)))]
            return recorded_motion(path, rng)
        return draw_motion(rng, self.recipe.activities or None)

    def _posed(self, person: Person, time: float) -> tuple[Posed, Pose]:
        """Return a person at a time: in the world, on the soles of the shoes."""
        posed, pose = person.opening
        if time > 0:
            motion = person.motion
            phase = person.start + time / motion.seconds
            # Cyclic motions go round, others there and back again.
            phase = phase % 1.0 if motion.cyclic else 1 - abs(phase % 2.0 - 1)
            pose = motion.at(phase)
            posed, _ = self.clearance.pose(person.poser, pose)
        sole = person.wardrobe.sole if pose.base in ("feet", "seat") else 0.0
        return posed.moved(person.turn, person.place + np.array([0.0, 0.0, sole])), pose

    def _extent(self, person: Person) -> float:
        """Return how far a person reaches from the root on the ground, m."""
        posed, _ = self._posed(person, 0.0)
        flat = posed.vertices[self.body.skin_vertices, :2] - person.place[:2]
        return float(np.percentile(np.linalg.norm(flat, axis=1), 96))


def _variant(recipe: Recipe, rng: np.random.Generator) -> Variant:
    draw = rng.uniform()
    if draw < recipe.kyphotic:
        return "kyphotic"
    return "scoliotic" if draw < recipe.kyphotic + recipe.scoliotic else "healthy"


def _face_marks(regions: Regions) -> npt.NDArray[np.float32]:
    """Return where a face is painted, on the reference body (`render.shade.shade`)."""
    marks = np.zeros((8, 3), np.float32)
    marks[0] = regions.point("nose")
    marks[1] = regions.point("left_eye")
    # The line between the lips lies this far under the tip of the nose.
    marks[2] = regions.point("nose") + np.array([0.0, 0.005, -0.047])
    marks[3] = regions.point("left_ear")
    for vertices in regions.eyes.values():
        eye = regions.rest[vertices]
        front = eye[eye[:, 1].argmin()]
        marks[4 if front[0] > 0 else 5] = front
    return marks
