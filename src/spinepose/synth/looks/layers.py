"""Layers over the skin: shells cut along smooth lines, hanging loosely, never inside the body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from spinepose.synth.anatomy import Subject
from spinepose.synth.looks.regions import Regions
from spinepose.synth.mesh import vertex_normals
from spinepose.synth.pose.solve import Posed

__all__ = ["Layer", "Shell", "hanging", "make_shell"]

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

_EDGE_GAP = 0.004
"""How far a garment stands off at its edge at least, m."""
_CLOSING = 0.3
"""Share of its distance to the skin that a garment loses towards its edge."""
_WAVES = 7
"""Plane waves whose sum makes the folds of a garment."""
_ANGLES, _HEIGHTS = 32, 28


@dataclass(frozen=True, slots=True)
class Layer:
    """A posed piece of a person, ready to be drawn.

    Attributes
    ----------
    vertices
        (P, 3) m in the world.
    faces
        (F, 3).
    cover
        (P,) m inside the garment's edge; negative = cut away.
    rest
        (P, 3) m, places on the reference body, where the texture is painted.
    material
        Name of the material in the person's wardrobe.
    """

    vertices: Float64
    faces: Int32
    cover: Float64
    rest: Float64
    material: str


@dataclass(frozen=True, slots=True)
class Shell:
    """A garment at rest: the skin, moved outward.

    Attributes
    ----------
    vertices
        (V, 3) m, indexed like the skin.
    faces
        (F, 3), those that lie at least partly inside the edge.
    cover
        (V,) m inside the edge.
    gap
        (V,) m, the least distance to the skin that posing must leave.
    material
        As in `Layer`.
    ease
        Rounds of smoothing in the pose: cloth bridges what skin folds.
    """

    vertices: Float64
    faces: Int32
    cover: Float64
    gap: Float64
    material: str
    ease: int = 2

    def posed(self, posed: Posed, regions: Regions, normals: Float64) -> Layer:
        """Return the garment on the posed body.

        Parameters
        ----------
        posed
            The body, whose skin it must not enter.
        normals
            (V, 3) of the posed skin.
        """
        body = regions.body
        used = np.unique(self.faces)
        rows = body.weights[used]
        moved = body.skin(self.vertices[used], posed.transforms, rows)
        if self.ease:
            whole = posed.vertices.copy()
            whole[used] = moved
            neighbours = regions.mean_of_neighbours[used]
            for _ in range(self.ease):
                whole[used] = 0.5 * whole[used] + 0.5 * (neighbours @ whole)
            moved = whole[used]
        skin, outward = posed.vertices[used], normals[used]
        out = np.einsum("pi,pi->p", moved - skin, outward)
        moved = moved + outward * np.maximum(self.gap[used] - out, 0.0)[:, None]
        renumber = np.zeros(len(self.vertices), np.int32)
        renumber[used] = np.arange(len(used), dtype=np.int32)
        return Layer(
            moved, renumber[self.faces], self.cover[used], regions.rest[used], self.material
        )


def make_shell(
    regions: Regions,
    subject: Subject,
    normals: Float64,
    cover: Float64,
    offset: float | Float64,
    material: str,
    *,
    extra: Float64 | None = None,
    smooth: int = 6,
    ease: int = 2,
    folds: np.random.Generator | None = None,
    beneath: Float64 | None = None,
) -> Shell:
    """Return a garment cut from the skin of one body.

    Parameters
    ----------
    normals
        (V, 3) of the body's skin at rest.
    cover
        (V,) m inside the garment's edge on the reference body, negative outside.
    offset
        Distance to the skin in m, one number or (V,).
    extra
        (V, 3) m, moves the shell further, e.g. :func:`hanging`.
    smooth
        Rounds of smoothing at rest.
    ease
        As in `Shell`.
    folds
        Draws the folds; none are made without it.
    beneath
        (V,) m, distance to the skin of what is already worn there; the garment stays above it.
    """
    skin = subject.rest.vertices
    offsets = np.broadcast_to(np.asarray(offset, np.float64), (len(skin),))
    closing = np.clip(cover / 0.03, 0.0, 1.0)
    offsets = _EDGE_GAP + (offsets - _EDGE_GAP) * (1 - _CLOSING * (1 - closing))
    if folds is not None:
        offsets = offsets * (1 + 0.55 * _folded(regions.rest, folds) * (offsets > 0.006))
    faces = regions.faces[(cover[regions.faces] > -0.06).all(axis=1)]
    faces = faces[(cover[faces] > 0).any(axis=1)]
    if not len(faces):
        return Shell(skin, np.zeros((0, 3), np.int32), cover, offsets * 0.5, material, 0)
    shell = skin + normals * offsets[:, None]
    if extra is not None:
        shell = shell + extra
    used = np.unique(faces)
    neighbours = regions.mean_of_neighbours[used]
    for _ in range(smooth):
        shell[used] = 0.5 * shell[used] + 0.5 * (neighbours @ shell)
    out = np.einsum("pi,pi->p", shell - skin, normals)
    least = np.zeros(len(skin)) if beneath is None else beneath
    shell = shell + normals * np.maximum(np.maximum(0.6 * offsets, least) - out, 0.0)[:, None]
    return Shell(shell, faces, cover, np.maximum(0.5 * offsets, least), material, ease)


def _folded(rest: Float64, rng: np.random.Generator) -> Float64:
    """Return the height of folds (V,), about -1 to 1: long waves that run mostly up and down."""
    ways = rng.normal(size=(_WAVES, 3)) * (1.0, 1.0, 0.45)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    length = rng.uniform(0.05, 0.16, _WAVES)
    phases = rng.uniform(0, 2 * np.pi, _WAVES)
    waves = np.sin(rest @ (ways * (2 * np.pi / length)[:, None]).T + phases)
    return np.asarray(waves.sum(axis=1) / np.sqrt(2 * _WAVES))


def hanging(
    skin: Float64, trunk: npt.NDArray[np.bool_], top: float, bottom: float, looseness: float
) -> Float64:
    """Return how far cloth hangs off a trunk (V, 3) m that it falls from freely.

    The cloth keeps some of the girth that it had higher up: off the chest, it falls straight.

    Parameters
    ----------
    skin
        (V, 3) m at rest.
    trunk
        (V,) which vertices it hangs around.
    top, bottom
        Heights in m.
    looseness
        0 follows the skin, 1 falls straight down.
    """
    moved = np.zeros_like(skin)
    inside = trunk & (skin[:, 2] > bottom - 0.05) & (skin[:, 2] < top)
    if looseness <= 0 or not inside.any():
        return moved
    points = skin[inside]
    centre = points[:, :2].mean(axis=0)
    flat = points[:, :2] - centre
    radius = np.linalg.norm(flat, axis=1)
    angle = (np.arctan2(flat[:, 1], flat[:, 0]) / (2 * np.pi) % 1.0) * _ANGLES
    level = (top - points[:, 2]) / (top - bottom + 0.05) * (_HEIGHTS - 1)
    column, row = angle.astype(int) % _ANGLES, level.astype(int)
    girth = np.zeros((_HEIGHTS, _ANGLES))
    np.maximum.at(girth, (row, column), radius)
    fallen = np.maximum.accumulate(girth, axis=0)
    fallen = gaussian_filter(fallen, (1.5, 1.5), mode=("nearest", "wrap"))
    wanted = fallen[row, column]
    push = np.clip(wanted - radius, 0.0, 0.12) * looseness
    moved[inside, :2] = flat / np.maximum(radius, 1e-6)[:, None] * push[:, None]
    return moved


def rest_normals(regions: Regions, subject: Subject) -> Float64:
    """Return the outward normals (V, 3) of a body's skin at rest."""
    return vertex_normals(subject.rest.vertices, regions.faces).astype(np.float64)
