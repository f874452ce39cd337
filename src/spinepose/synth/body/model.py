"""Shape a body, pose its bones and skin it: plain arrays, a few milliseconds a person."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from spinepose.synth.body.asset import BodyAsset

__all__ = ["Body", "RestBody", "Shape", "draw_shape"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

SKIN_VERTICES = 13380
"""Vertices of the skin come first in the hm08 mesh; the rest are eyes and helpers."""

MEAN_STATURE = (1.755, 1.628)
STATURE_DEVIATION = (0.069, 0.064)
"""m, of men and women: ANSUR II (Gordon et al. 2014, NATICK/TR-15/007, "Stature")."""

_NEGLIGIBLE = 1e-4
"""Blend shapes below this weight move no vertex by more than .1 mm."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a body looks like, on MakeHuman's axes, each in 0..1.

    Attributes
    ----------
    gender
        0 male, 1 female, any value between.
    age
        0 child, 1/3 youth, 2/3 adult of about 25-40, 1 old.
    muscle, weight, height, proportions, cupsize, firmness
        From little to much; .5 is the mean.
    african, asian, caucasian
        Shares of three groups of features; only their ratio matters.
    """

    gender: float = 0.5
    age: float = 2 / 3
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5
    cupsize: float = 0.5
    firmness: float = 0.5
    african: float = 1 / 3
    asian: float = 1 / 3
    caucasian: float = 1 / 3

    def as_dict(self) -> dict[str, float]:
        """Return the values by name, rounded to three digits."""
        return {item.name: round(float(getattr(self, item.name)), 3) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class RestBody:
    """A body in its rest pose (arms held off the sides), feet on the ground, facing -y.

    Attributes
    ----------
    vertices
        (V, 3) m.
    heads
        (J, 3) m, where each bone begins.
    stature
        Height in m.
    """

    vertices: Float64
    heads: Float64
    stature: float


class Body:
    """The body model: shapes, bones and skin weights, ready for many people."""

    def __init__(self, asset: BodyAsset) -> None:
        self.asset = asset
        self.index = {bone: i for i, bone in enumerate(asset.bones)}
        count = len(asset.template)
        self.weights = sparse.csr_matrix(
            (asset.weight_values.astype(np.float64), asset.weight_bones, asset.weight_starts),
            shape=(count, len(asset.bones)),
        )
        """(V, J) sparse skin weights, rows summing to 1."""
        skin = (np.arange(count) < SKIN_VERTICES) & ~asset.hidden
        self.skin_faces = asset.faces[skin[asset.faces].all(axis=1)]
        """(F, 3) triangles of the outer skin, without the inside of the mouth and the sockets."""
        self.skin_vertices = np.unique(self.skin_faces)
        self.seat_vertices = self._seat()
        """Vertices of the buttocks and the upper half of the thighs: what one sits on."""
        skin_z = asset.template[:SKIN_VERTICES, 2]
        self._extremes = (int(skin_z.argmax()), int(skin_z.argmin()))
        self._levels = _levels_of(asset.parents)
        self._shapes = asset.shapes.reshape(len(asset.shapes), -1)
        self._head_shapes = asset.head_shapes.reshape(len(asset.shapes), -1)

    def _seat(self) -> npt.NDArray[np.intp]:
        bones = ["root", "pelvis.L", "pelvis.R", "upperleg01.L", "upperleg01.R"]
        columns = [self.index[bone] for bone in bones]
        share = np.asarray(self.weights[:, columns].sum(axis=1)).ravel()
        skin = np.zeros(len(share), bool)
        skin[self.skin_vertices] = True
        return np.flatnonzero((share > 0.5) & skin)

    def at_rest(self, shape: Shape) -> RestBody:
        """Return the body of one shape in its rest pose."""
        coefficients = self._coefficients(shape)
        used = np.flatnonzero(np.abs(coefficients) > _NEGLIGIBLE)
        share = coefficients[used].astype(np.float32)
        moved = share @ self._shapes[used].astype(np.float32)
        vertices = (self.asset.template + moved.reshape(-1, 3)).astype(np.float64)
        heads = self.asset.heads + (share @ self._head_shapes[used]).reshape(-1, 3)
        skin = vertices[:SKIN_VERTICES, 2]
        low = float(skin.min())
        shift = np.array([0.0, 0.0, -low])
        return RestBody(vertices + shift, heads + shift, float(skin.max()) - low)

    def with_stature(self, shape: Shape, stature: float) -> Shape:
        """Return the shape with the height axis set for a stature in m, as far as it goes.

        The blend is linear along that axis, so two bodies tell where it has to be.
        """
        low, high = (
            self._height_between(replace(shape, height=value), *self._extremes)
            for value in (0.25, 0.75)
        )
        height = 0.25 + 0.5 * (stature - low) / (high - low)
        return replace(shape, height=float(np.clip(height, 0.0, 1.0)))

    def _height_between(self, shape: Shape, top: int, sole: int) -> float:
        """Return the height in m of one vertex over another, without shaping the others."""
        coefficients = self._coefficients(shape)
        ends = [top, sole]
        z = self.asset.template[ends, 2] + coefficients @ self.asset.shapes[:, ends, 2]
        return float(z[0] - z[1])

    def _coefficients(self, shape: Shape) -> Float64:
        """Return the weight (S,) of each blend shape: the product of its anchors' weights."""
        columns: list[npt.NDArray[np.float64]] = []
        for axis, anchors in self.asset.axes.items():
            if axis == "race":
                race = np.array([shape.african, shape.asian, shape.caucasian])
                columns.append(race / race.sum() if race.sum() > 0 else np.full(3, 1 / 3))
            else:
                hats = np.eye(len(anchors))
                value = getattr(shape, axis)
                columns.append(np.array([np.interp(value, anchors, hat) for hat in hats]))
        weights = np.concatenate(columns)
        return np.asarray(np.where(self.asset.shape_factors, weights, 1.0).prod(axis=1))

    def transforms(
        self, heads: Float64, rotations: Float64, shift: npt.ArrayLike = (0.0, 0.0, 0.0)
    ) -> Float64:
        """Return the motion of each bone from rest to pose.

        Parameters
        ----------
        heads
            (J, 3) m, the bones' pivots at rest.
        rotations
            (J, 3, 3) turn of each bone against its parent, in world axes of the rest pose.
        shift
            (3,) m, added to the root.

        Returns
        -------
        transforms : (J, 3, 4)
            ``[R | t]``: a point x at rest, fixed to the bone, is at ``R x + t``.
        """
        parents = self.asset.parents
        turned = np.empty_like(rotations)
        moved = np.empty_like(heads)
        for level in self._levels:
            parent = parents[level]
            if parent[0] < 0:
                turned[level] = rotations[level]
                at = heads[level] + np.asarray(shift, np.float64)
            else:
                turned[level] = turned[parent] @ rotations[level]
                at = np.einsum("nij,nj->ni", turned[parent], heads[level]) + moved[parent]
            moved[level] = at - np.einsum("nij,nj->ni", turned[level], heads[level])
        return np.concatenate([turned, moved[..., None]], axis=2)

    def skin(
        self, points: Float64, transforms: Float64, weights: sparse.csr_matrix | None = None
    ) -> Float64:
        """Return rest points (P, 3) moved by the bones, with linear blend skinning.

        Parameters
        ----------
        points
            (P, 3) m at rest.
        transforms
            (J, 3, 4) of :meth:`transforms`.
        weights
            (P, J); the weights of the mesh by default.
        """
        rows = self.weights if weights is None else weights
        blended = np.asarray(rows @ transforms.reshape(len(transforms), 12))
        blended = blended.reshape(-1, 3, 4)
        return np.asarray(
            np.einsum("pij,pj->pi", blended[..., :3], points) + blended[..., 3], np.float64
        )


def draw_shape(body: Body, rng: np.random.Generator) -> Shape:
    """Return the shape of a random adult.

    Men and women are as likely, with a few in between; age runs from 18 to old, weight and
    muscle over their whole range with the mean most likely. Statures are drawn around
    `MEAN_STATURE`.
    """
    gender = float(np.clip(rng.choice([0.08, 0.92]) + rng.normal(0, 0.08), 0, 1))
    groups = rng.dirichlet([0.5, 0.5, 0.5])

    def around(mean: float, deviation: float, low: float = 0.0, high: float = 1.0) -> float:
        return float(np.clip(rng.normal(mean, deviation), low, high))

    shape = Shape(
        gender=gender,
        age=around(0.66, 0.13, 0.5, 0.98),
        muscle=around(0.52, 0.2),
        weight=around(0.5, 0.2),
        proportions=around(0.55, 0.2),
        cupsize=around(0.45, 0.18),
        firmness=around(0.55, 0.2),
        african=float(groups[0]),
        asian=float(groups[1]),
        caucasian=float(groups[2]),
    )
    mean = np.interp(gender, [0, 1], MEAN_STATURE)
    deviation = np.interp(gender, [0, 1], STATURE_DEVIATION)
    return body.with_stature(shape, float(rng.normal(mean, deviation)))


def _levels_of(parents: npt.NDArray[np.int32]) -> list[npt.NDArray[np.intp]]:
    """Return the bones of each generation, parents before children."""
    depth = np.zeros(len(parents), np.intp)
    for bone, parent in enumerate(parents):
        depth[bone] = 0 if parent < 0 else depth[parent] + 1
    return [np.flatnonzero(depth == level) for level in range(int(depth.max()) + 1)]
