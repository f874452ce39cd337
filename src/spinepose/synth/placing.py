"""Where people, cameras and things in the way stand."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from spinepose.synth.cameras import Camera, look_at
from spinepose.synth.mesh import Mesh
from spinepose.synth.props.catalogue import OCCLUDERS

__all__ = ["cameras_around", "occluder_before", "places_apart"]

Float64 = npt.NDArray[np.float64]

_OCCLUDER_WAY = 0.6
"""Share of the way to the camera within which things in front of a person stand."""


def places_apart(reaches: list[float], rng: np.random.Generator) -> list[Float64]:
    """Return a place (3,) m on the ground for each person, so that they do not run into others.

    Parameters
    ----------
    reaches
        How far each person reaches on the ground, m.
    rng
        Draws the places, nearer ones first.
    """
    places: list[Float64] = []
    for index, reach in enumerate(reaches):
        spread = 0.5
        while True:
            spot = np.append(rng.normal(0, spread, 2), 0.0) if index else np.zeros(3)
            gaps = [
                np.linalg.norm(spot - other) - 0.72 * (reach + reaches[k])
                for k, other in enumerate(places)
            ]
            if all(gap > 0 for gap in gaps):
                break
            spread *= 1.06
        places.append(spot)
    return list(places - np.mean(places, axis=0))


def cameras_around(
    boxes: list[npt.NDArray[np.floating]],
    count: int,
    size: int,
    rng: np.random.Generator,
    *,
    distortion: bool = False,
) -> list[Camera]:
    """Return cameras around the people, each looking at all of them or at one.

    Parameters
    ----------
    boxes
        (2, 3) m, lowest and highest corner of each person.
    count, size
        Of the cameras and their square pictures in pixels.
    rng
        Draws distance, height, field of view, aim, roll and lens.
    distortion
        Whether the lens bends straight lines.
    """
    everybody = np.stack(
        [np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)]
    )
    start = rng.uniform(0, 360)
    cameras = []
    for index in range(count):
        one = boxes[int(rng.integers(len(boxes)))]
        focus = everybody if rng.uniform() < 0.55 else one
        middle, radius = focus.mean(axis=0), float(np.linalg.norm(focus[1] - focus[0])) / 2
        angle = start + 360 * index / count + rng.normal(0, 14)
        field_of_view = rng.uniform(24, 62)
        # 1 fills the picture; beyond, the people are smaller; below, cut by its edges.
        room = rng.uniform(0.62, 0.9) if rng.uniform() < 0.12 else rng.uniform(0.82, 1.5)
        distance = radius * room / np.tan(np.radians(field_of_view / 2))
        distance = max(distance, 1.2)
        kind: Literal["low", "eye", "high"] = rng.choice(
            ["low", "eye", "high"], p=[0.18, 0.66, 0.16]
        )
        elevation = {
            "low": rng.uniform(-14, -2),
            "eye": rng.normal(7, 7),
            "high": rng.uniform(24, 62),
        }[str(kind)]
        height = middle[2] + distance * np.sin(np.radians(elevation))
        height = max(height, 0.15)
        flat = distance * np.cos(np.radians(min(elevation, 80.0)))
        way = np.radians(angle)
        eye = np.array([middle[0] + flat * np.sin(way), middle[1] - flat * np.cos(way), height])
        target = middle + rng.normal(0, 0.10, 3) * radius
        rotation, translation = look_at(eye, target, float(rng.normal(0, 4)))
        focal = size / 2 / np.tan(np.radians(field_of_view / 2))
        bend = np.zeros(5)
        lens = rng.normal(0, 1, 5)
        if distortion:
            bend = np.clip(lens, -2, 2) * (0.09, 0.03, 0.0015, 0.0015, 0.0)
        cameras.append(Camera(size, size, float(focal), rotation, translation, bend))
    return cameras


def occluder_before(
    camera: Camera, boxes: list[npt.NDArray[np.floating]], rng: np.random.Generator
) -> tuple[str, Mesh] | None:
    """Return a thing on the ground that hides a part of somebody from the first camera.

    It stands nearer to the person than to the camera, and aside, so that somebody can still be
    seen; None where there is no room for it.
    """
    box = boxes[int(rng.integers(len(boxes)))]
    target = box.mean(axis=0) * (1, 1, 0)
    way = (camera.position - target) * (1, 1, 0)
    away = float(np.linalg.norm(way))
    way = way / max(away, 1e-6)
    names = sorted(OCCLUDERS)
    name = names[int(rng.integers(len(names)))]
    mesh = OCCLUDERS[name](rng)
    yaw = np.arctan2(way[0], -way[1]) + rng.choice([0, np.pi / 2]) + rng.normal(0, 0.3)
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1.0]])
    mesh = mesh.moved(turn, np.zeros(3))
    side = np.array([-way[1], way[0], 0.0])
    own = float(np.abs(mesh.vertices @ way).max())
    wide = float(np.abs(mesh.vertices @ side).max())
    reach = float(np.linalg.norm((box[1] - box[0])[:2])) / 2
    near = reach + own + rng.uniform(0.05, 0.35)
    aside = float(rng.choice([-1, 1])) * (wide * rng.uniform(0.55, 1.0) + rng.uniform(0, 0.1))
    if near + own > _OCCLUDER_WAY * away:
        return None
    return name.replace("_", " "), mesh.moved(np.eye(3), target + way * near + side * aside)
