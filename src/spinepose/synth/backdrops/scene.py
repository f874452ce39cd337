"""A procedural place: what it is built of, and how it is photographed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spinepose.synth.backdrops import kernel, markings, skies, solids, textures
from spinepose.synth.backdrops.base import camera_rays, luminance
from spinepose.synth.backdrops.materials import Material
from spinepose.synth.backdrops.tables import (
    LAMP_COLUMNS,
    LIGHT_COLUMNS,
    RECT_COLUMNS,
    ROOM_COLUMNS,
    Tables,
)
from spinepose.synth.cameras import Camera
from spinepose.synth.light import Light, directional_sh, irradiance, sh_of_radiance, turned

__all__ = ["CLEARANCE", "Parts", "Procedural"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

CLEARANCE = 2.5
"""m around the origin where people may be, and nothing else."""

_CEILING_ROOM = 0.35
_WALL_ROOM = 0.4
_BRIGHTEST = 4.0
_EYE = np.array([0.0, 0.0, 1.2], np.float32)
_AMBIENT_RAYS = (20, 40)
_LOWEST_SUN = 0.16
_WHITEST_SKY = 1.1


@dataclass
class Parts:
    """A place while it is built; lengths in m, colours linear RGB.

    The frame is the world's but for a turn about z, which :class:`Procedural` adds.
    """

    kind: str
    materials: list[list[float]] = field(default_factory=list)
    solids: list[list[float]] = field(default_factory=list)
    rects: list[list[float]] = field(default_factory=list)
    marks: list[list[float]] = field(default_factory=list)
    lamps: list[list[float]] = field(default_factory=list)
    layers: list[list[float]] = field(default_factory=list)
    room: Float64 = field(default_factory=lambda: np.zeros(ROOM_COLUMNS))
    sky: Float64 = field(default_factory=lambda: np.zeros(skies.SKY_COLUMNS))
    light: Float64 = field(default_factory=lambda: np.zeros(LIGHT_COLUMNS))

    def material(self, material: Material) -> int:
        """Add a material and return its number."""
        self.materials.append(material.row())
        return len(self.materials) - 1

    def box(
        self,
        middle: npt.ArrayLike,
        half: npt.ArrayLike,
        material: int,
        turn: float = 0.0,
        casts: bool = True,
    ) -> None:
        """Add an upright box: middle (3,), half size (3,), turned about z by radians."""
        self._solid(0.0, middle, half, material, turn, casts)

    def cylinder(
        self, foot: npt.ArrayLike, radius: float, height: float, material: int, casts: bool = True
    ) -> None:
        """Add an upright cylinder that begins at a point (3,)."""
        x, y, z = np.asarray(foot, float)
        middle = (x, y, z + 0.5 * height)
        self._solid(1.0, middle, (radius, radius, 0.5 * height), material, 0.0, casts)

    def ellipsoid(
        self, middle: npt.ArrayLike, half: npt.ArrayLike, material: int, ragged: float = 0.0
    ) -> None:
        """Add an ellipsoid; `ragged` 0..1 for leaves."""
        self._solid(2.0, middle, half, material, 0.0, True)
        self.solids[-1][12] = ragged

    def _solid(
        self,
        shape: float,
        middle: npt.ArrayLike,
        half: npt.ArrayLike,
        material: int,
        turn: float,
        casts: bool,
    ) -> None:
        size = np.asarray(half, float)
        reach = float(np.linalg.norm(size)) if shape < 2 else float(size.max())
        if shape == 1:
            reach = float(np.hypot(size[0], size[2]))
        place = [*np.asarray(middle, float).tolist(), *size.tolist(), np.cos(turn), np.sin(turn)]
        self.solids.append([shape, *place, float(material), float(casts), reach, 0.0, 1.0])

    def tables(self) -> Tables:
        """Return the place as the tracer takes it."""

        def table(rows: list[list[float]], columns: int) -> Float32:
            return np.asarray(rows, np.float32).reshape(-1, columns)

        return Tables(
            self.room.astype(np.float32),
            table(self.rects, RECT_COLUMNS),
            table(self.solids, solids.COLUMNS),
            table(self.marks, markings.COLUMNS),
            table(self.materials, textures.COLUMNS),
            table(self.lamps, LAMP_COLUMNS),
            self.sky.astype(np.float32),
            table(self.layers, skies.LAYER_COLUMNS),
            self.light.astype(np.float32),
        )


class Procedural:
    """A place that is computed, sharp at any size; see :class:`base.Backdrop`.

    Parameters
    ----------
    parts
        What it is built of.
    name
        What it is called.
    turn
        Turn of the whole place about z in radians.
    exposure
        How bright a white surface at the origin is on average.
    """

    shadow_plane = True

    def __init__(self, parts: Parts, name: str, turn: float, exposure: float) -> None:
        self.name = name
        self.kind = parts.kind
        cos, sin = np.cos(turn), np.sin(turn)
        self._turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float32)
        tables = parts.tables()
        tables.light[12] = 1.0
        light = _light(tables)
        gain = exposure / max(_brightness(light), 1e-3)
        if not tables.room[0]:
            gain = min(gain, _WHITEST_SKY / max(float(luminance(tables.sky[3:6])), 0.1))
        tables.light[12] = gain
        self._tables = tables
        scale = np.float32(gain)
        self.light = turned(Light(light.sh * scale, light.sun, light.sun_color * scale), turn)

    def render(self, camera: Camera, floor: bool = True) -> Float32:
        """Return the picture (H, W, 3) that a camera takes of the place, see `Backdrop`."""
        origin = (camera.position @ self._turn).astype(np.float32)
        origin[2] = max(origin[2], 0.05)
        rays = camera_rays(camera) @ self._turn
        tables = self._tables._replace(
            room=_around(self._tables.room, origin, floor),
            solids=_behind(self._tables.solids, origin),
        )
        picture = kernel.trace(tables, origin, np.ascontiguousarray(rays), 1.0 / camera.focal, True)
        return np.clip(picture, 0.0, _BRIGHTEST, out=picture)


def _around(room: Float32, origin: Float32, floor: bool) -> Float32:
    """Return a room that holds the camera: walls and ceiling move away from it."""
    room = room.copy()
    for axis in range(2):
        room[1 + 2 * axis] = min(room[1 + 2 * axis], origin[axis] - _WALL_ROOM)
        room[2 + 2 * axis] = max(room[2 + 2 * axis], origin[axis] + _WALL_ROOM)
    room[5] = max(room[5], origin[2] + _CEILING_ROOM)
    room[14] = 0.0 if floor else 1.0
    return room


def _behind(rows: Float32, origin: Float32) -> Float32:
    """Return the solids that are behind where people may be, seen from a camera."""
    flat = origin[:2].astype(np.float64)
    distance = max(float(np.linalg.norm(flat)), 1e-6)
    forward = -flat / distance
    reach = np.hypot(rows[:, 4], rows[:, 5])
    depth = (rows[:, 1:3] - flat) @ forward - reach
    away = np.linalg.norm(rows[:, 1:3], axis=1) - reach
    keep = (rows[:, 13] == 0) | ((depth > distance) & (away > CLEARANCE))
    return np.ascontiguousarray(rows[keep])


def _light(tables: Tables) -> Light:
    """Return the light at the origin, without the place's turn."""
    rows, columns = _AMBIENT_RAYS
    height = np.pi * (0.5 - (np.arange(rows) + 0.5) / rows)
    around = 2 * np.pi * (np.arange(columns) + 0.5) / columns
    z = np.repeat(np.sin(height)[:, None], columns, axis=1)
    flat = np.cos(height)[:, None]
    rays = np.stack([flat * np.cos(around), flat * np.sin(around), z], axis=-1).astype(np.float32)
    seen = tables._replace(room=_around(tables.room, _EYE, True))
    picture = kernel.trace(seen, _EYE, rays, np.pi / rows, False)
    weight = np.repeat(flat, columns, axis=1)
    picture = np.minimum(picture, 2.0)
    sh = sh_of_radiance(rays.reshape(-1, 3), picture.reshape(-1, 3), weight.ravel())
    direct = [(_toward(lamp), _reach(lamp)) for lamp in tables.lamps.astype(np.float64)]
    sun, color = tables.light[:3].astype(np.float64), tables.light[3:6].astype(np.float64)
    if tables.light[13] > 0 or not color.any():
        color = np.zeros(3)
        if direct:
            best = max(range(len(direct)), key=lambda k: float(direct[k][1].sum()))
            sun, color = direct.pop(best)
    for toward, strength in direct:
        sh = sh + directional_sh(toward, strength)
    return Light(sh, _raised(sun), color.astype(np.float32))


def _toward(lamp: Float64) -> Float64:
    """Return the unit vector (3,) from the eye to a lamp."""
    offset = lamp[:3] - _EYE
    return np.asarray(offset / np.linalg.norm(offset))


def _reach(lamp: Float64) -> Float64:
    """Return what a white surface at the eye reflects (3,) that faces a lamp."""
    offset = lamp[:3] - _EYE
    square = float(offset @ offset)
    leaving = max(0.0, -float(offset @ lamp[3:6]) / np.sqrt(square))
    return np.asarray(lamp[6:9] * leaving / (square + lamp[9]))


def _raised(sun: Float64) -> Float32:
    """Return a unit vector (3,) that is not lower than people's shadows allow."""
    flat = sun[:2] / max(float(np.linalg.norm(sun[:2])), 1e-9)
    z = max(float(sun[2]) / max(float(np.linalg.norm(sun)), 1e-9), _LOWEST_SUN)
    return np.array([*(flat * np.sqrt(max(0.0, 1 - z * z))), z], np.float32)


def _brightness(light: Light) -> float:
    """Return how bright a white body at the origin is on average."""
    angle = np.arange(8) * np.pi / 4
    sides = np.stack([np.cos(angle), np.sin(angle), np.zeros(8)], axis=1)
    soft = float(luminance(irradiance(light, sides)).mean())
    return soft + 0.4 * float(luminance(light.sun_color))
