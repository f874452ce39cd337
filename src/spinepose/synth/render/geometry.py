"""Everything in a scene as one set of triangles, and the light that reaches its vertices."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.synth.light import Light, irradiance
from spinepose.synth.looks.layers import Layer
from spinepose.synth.mesh import Mesh, vertex_normals
from spinepose.synth.render.materials import Kind, Material, pack
from spinepose.synth.render.raster import heights

__all__ = [
    "Geometry",
    "GroundShade",
    "SunMap",
    "ambient",
    "ground_shade",
    "joined_geometry",
    "sun_map",
]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

_PAINT = Material(Kind.PAINTED, (1.0, 1.0, 1.0), bump=0.0, gloss=0.05, power=18)
_OCCLUSION_DIRECTIONS = 14
_OCCLUSION_SIZE = 112
_OCCLUSION_BIAS = 0.022
_SUN_SIZE = 640
_GROUND_SIZE = 96


@dataclass(frozen=True, slots=True)
class Geometry:
    """The triangles of a scene.

    Attributes
    ----------
    positions, normals, rest, colors
        (V, 3) float32: world m, unit, m on the reference body, albedo of painted things.
    cover
        (V,) m inside the edge of the garment.
    faces
        (F, 3).
    material_of, object_of
        (F,) row of the material; number of the person or the thing.
    materials
        (M, 19) of :func:`spinepose.synth.render.materials.pack`.
    """

    positions: Float32
    normals: Float32
    rest: Float32
    colors: Float32
    cover: Float32
    faces: Int32
    material_of: Int32
    object_of: Int32
    materials: Float32


def joined_geometry(
    people: list[tuple[list[Layer], dict[str, Material]]],
    worn: list[list[Mesh]],
    things: list[Mesh],
) -> Geometry:
    """Return people (objects 0, 1, ...) and things (the objects after them) as one geometry.

    Parameters
    ----------
    people
        Layers and materials of each person.
    worn
        What else is part of each person: caps, glasses.
    things
        Everything else.
    """
    parts: list[tuple[npt.NDArray[np.floating], ...]] = []
    rows: list[Material] = [_PAINT]
    material_of: list[Int32] = []
    object_of: list[Int32] = []
    start = 0
    faces: list[Int32] = []

    def add(
        vertices: npt.NDArray[np.floating],
        triangles: Int32,
        cover: npt.NDArray[np.floating],
        rest: npt.NDArray[np.floating],
        colors: npt.NDArray[np.floating],
        material: int,
        number: int,
    ) -> None:
        nonlocal start
        used, inverse = np.unique(triangles, return_inverse=True)
        corners: Int32 = np.asarray(inverse, np.int32).reshape(triangles.shape)
        normals = vertex_normals(vertices[used], corners)
        parts.append((vertices[used], normals, rest[used], colors[used], cover[used]))
        faces.append(corners + np.int32(start))
        material_of.append(np.full(len(triangles), material, np.int32))
        object_of.append(np.full(len(triangles), number, np.int32))
        start += len(used)

    for number, (layers, materials) in enumerate(people):
        at = {name: len(rows) + i for i, name in enumerate(materials)}
        rows += list(materials.values())
        for layer in layers:
            if len(layer.faces):
                white = np.zeros_like(layer.vertices)
                add(
                    layer.vertices, layer.faces, layer.cover, layer.rest, white,
                    at[layer.material], number,
                )  # fmt: skip
    numbered = [(number, thing) for number, own in enumerate(worn) for thing in own]
    numbered += list(enumerate(things, start=len(people)))
    for number, thing in numbered:
        ones = np.ones(len(thing.vertices))
        add(thing.vertices, thing.faces, ones, thing.vertices, thing.colors, 0, number)
    stacked = [np.concatenate(arrays).astype(np.float32) for arrays in zip(*parts, strict=True)]
    return Geometry(
        stacked[0],
        stacked[1],
        stacked[2],
        stacked[3],
        stacked[4],
        np.concatenate(faces),
        np.concatenate(material_of),
        np.concatenate(object_of),
        pack(rows),
    )


def ambient(geometry: Geometry, light: Light) -> Float32:
    """Return the soft light (V, 3) at each vertex, after what the scene itself shuts out.

    Openness is sampled with parallel depth maps from directions spread over the sphere above the
    horizon; the ground takes away half of what comes from below.
    """
    normals = geometry.normals
    lower, upper = geometry.positions.min(axis=0), geometry.positions.max(axis=0)
    open_weight = np.full(len(normals), 1e-3, np.float32)
    weight = np.full(len(normals), 1e-3, np.float32)
    for direction in _directions(_OCCLUSION_DIRECTIONS):
        facing = normals @ direction
        share = np.maximum(facing, 0.0) + 0.15
        frame = _parallel(direction, lower, upper, _OCCLUSION_SIZE)
        points = _seen_from(frame, geometry.positions)
        depth = np.full((_OCCLUSION_SIZE, _OCCLUSION_SIZE), -1e9, np.float32)
        heights(points, geometry.faces, geometry.cover, depth)
        open_weight += share * _compared(depth, points, _OCCLUSION_BIAS)
        weight += share
    openness = open_weight / weight
    soft = np.maximum(irradiance(light, normals), 0.0)
    # Occluded places still get what their neighbours reflect.
    return np.asarray(soft * (0.12 + 0.88 * openness)[:, None], np.float32)


@dataclass(frozen=True, slots=True)
class SunMap:
    """The picture that the sun takes of a scene: what it does not see is in shadow.

    Attributes
    ----------
    frame
        (4, 3) of :func:`spinepose.synth.render.shade.lit_share`.
    heights
        (H, W) m.
    """

    frame: Float32
    heights: Float32


def sun_map(geometry: Geometry, light: Light) -> SunMap:
    """Return the sun's picture of the scene."""
    lower, upper = geometry.positions.min(axis=0), geometry.positions.max(axis=0)
    frame = _parallel(np.asarray(light.sun, np.float32), lower, upper, _SUN_SIZE)
    depth = np.full((_SUN_SIZE, _SUN_SIZE), -1e9, np.float32)
    heights(_seen_from(frame, geometry.positions), geometry.faces, geometry.cover, depth)
    return SunMap(frame, depth)


@dataclass(frozen=True, slots=True)
class GroundShade:
    """How much soft light the scene takes from the ground around it.

    Attributes
    ----------
    origin, step
        (2,) m of the first sample, and m between samples.
    shade
        (H, W) 0..1, 1 = no soft light.
    """

    origin: Float32
    step: float
    shade: Float32


def ground_shade(geometry: Geometry) -> GroundShade:
    """Return the contact shadow: the lower something hangs over the ground, the darker it is."""
    lower, upper = geometry.positions.min(axis=0) - 0.8, geometry.positions.max(axis=0) + 0.8
    step = float(max(upper[0] - lower[0], upper[1] - lower[1]) / (_GROUND_SIZE - 1))
    points = np.empty_like(geometry.positions)
    points[:, :2] = (geometry.positions[:, :2] - lower[:2]) / step
    points[:, 2] = -geometry.positions[:, 2]
    below = np.full((_GROUND_SIZE, _GROUND_SIZE), -1e9, np.float32)
    heights(points, geometry.faces, geometry.cover, below)
    height = np.where(below > -1e8, np.maximum(-below, 0.0), 1e3).astype(np.float32)
    near = cv2.GaussianBlur(np.exp(-height / 0.06), (0, 0), max(0.035 / step, 0.4))
    far = cv2.GaussianBlur(np.exp(-height / 0.45), (0, 0), max(0.16 / step, 0.6))
    shade = np.clip(0.75 * near + 0.75 * far, 0.0, 0.92).astype(np.float32)
    return GroundShade(lower[:2].astype(np.float32), step, shade)


def _directions(count: int) -> Float32:
    """Return unit vectors (N, 3) spread over the sphere from a little below the horizon up."""
    k = np.arange(count) + 0.5
    z = 1 - 1.25 * k / count
    turn = np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1).astype(np.float32)


def _parallel(direction: Float32, lower: Float32, upper: Float32, size: int) -> Float32:
    """Return the frame (4, 3) of a parallel projection that holds a box of the world."""
    aside = np.array([1.0, 0, 0]) if abs(direction[0]) < 0.8 else np.array([0, 1.0, 0])
    first = np.cross(direction, aside)
    first /= np.linalg.norm(first)
    second = np.cross(direction, first)
    corners = np.array(np.meshgrid(*zip(lower, upper, strict=True))).reshape(3, -1).T
    flat = corners @ np.stack([first, second], axis=1)
    low, high = flat.min(axis=0) - 0.03, flat.max(axis=0) + 0.03
    scale = (size - 6) / float((high - low).max())
    shift = np.array([3 - low[0] * scale, 3 - low[1] * scale, 0.0])
    return np.stack([first * scale, second * scale, direction, shift]).astype(np.float32)


def _seen_from(frame: Float32, points: Float32) -> Float32:
    return np.asarray(points @ frame[:3].T + frame[3], np.float32)


def _compared(depth: Float32, points: Float32, bias: float) -> Float32:
    """Return the share 0..1 of the four nearest samples whose surface is not above a point."""
    x, y = np.floor(points[:, 0]).astype(np.intp), np.floor(points[:, 1]).astype(np.intp)
    u, v = points[:, 0] - x, points[:, 1] - y
    flat = depth.ravel()
    at = y * depth.shape[1] + x
    level = points[:, 2] + bias

    def open_at(offset: int) -> npt.NDArray[np.bool_]:
        return np.asarray(flat[at + offset] <= level)

    row = depth.shape[1]
    upper = open_at(0) * (1 - u) + open_at(1) * u
    lower = open_at(row) * (1 - u) + open_at(row + 1) * u
    return np.asarray(upper * (1 - v) + lower * v, np.float32)
