"""Where the vertebrae are: the 37 keypoints of a body, and the shape of its spine.

The vertebral bodies are placed from the dorsal midline of the skin: at their share of the way
from L5/S1 to C7, inward along the normal of the smoothed midline by

    d = (d0 * stature / 1.75 m + k * t) / 2

where t is the local thickness of the trunk from back to front. Half of the depth follows the
skeleton, half the soft tissue.

Shares of the way add up the heights of vertebral bodies and discs: thoracic ones of Kunkel et al.
2011 (J Anat 219:375, Table 2), lumbar ones of Gilad and Nissan 1985 (J Anat 143:115) and Bach et
al. 2019 (World Neurosurg 124:e106), cervical ones of Yukawa et al. 2012 (Eur Spine J 21:1492).
Depths are the way from the skin to the epidural space (Cha et al. 2011, Anesth Pain Med 6:16, at
L2 to S1; Br J Anaesth 2004;92:271, at T10/11; Aldrete et al. 1998, J Clin Anesth 10:309, at C7 to
T3), plus the depth of the canal (Panjabi et al. 1991, 1992, Spine 16:861 and 17:299), plus half a
vertebral body: 77, 79, 71, 68, 66 and 65 mm at L5, L3, T12/L1, T8, T3 and C7 of a person of
1.75 m, each +- 8 mm. No source gives the depth of the bodies of T8 and T3 directly.

The rig's own spine bones lie up to 48 mm behind these points and
are moved onto the vertebral curve, so that bending keeps the distance between vertebrae.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import make_smoothing_spline
from scipy.spatial.distance import cdist

from spinepose.skeleton import SPINETRACK
from spinepose.synth.body.model import SKIN_VERTICES, Body, RestBody, Shape

__all__ = ["Anatomy", "SpineCurve", "Subject"]

Float64 = npt.NDArray[np.float64]

# The dorsal midline, tail to head (vertex ids of the hm08 mesh, all on the plane of symmetry).
_MIDLINE = (
    4387, 4195, 4188, 4181, 4060, 4148, 4045, 4030, 4016, 4002, 3988, 3974, 3960, 3946, 3932, 1600,
    1599, 1598, 3843, 3780, 1597, 1596, 1595, 1550, 1539, 1467, 1491, 1496, 858, 857, 856, 855,
    854, 853, 934, 5284,
)  # fmt: skip
_C7_BETWEEN = (858, 857)
_C7_SHARE = 0.55
"""The C7 spinous process lies this share of the way between the two vertices of `_C7_BETWEEN`."""

_LEVELS = {
    # keypoint: (share of the way from L5/S1 = 0 to C7 = 1, d0 mm, k)
    "spine_01": (0.0375, 74.0, 0.36),  # L5
    "spine_02": (0.190, 76.0, 0.37),  # L3
    "spine_03": (0.367, 69.0, 0.345),  # T12/L1
    "spine_04": (0.632, 69.0, 0.335),  # T8
    "spine_05": (0.869, 67.0, 0.42),  # T3
    "neck": (1.0, 62.0, 0.495),  # C7
}
_L5S1 = (0.0, 72.0, 0.36)
_T12L1, _T1 = 0.367, 0.957
"""Shares of the end levels of lordosis (T12/L1 to L5/S1) and kyphosis (T1 to T12/L1)."""

_L5_PELVIC, _SACRUM_PELVIC = 0.48, 0.72
"""Share of the pelvis in the motion of L5 and the sacrum. The skin over them slides with the
lumbar spine; at these shares neither the distance between the two (<= 1.9 %) nor their depth
(<= 4.8 mm) changes much over 60 degrees of flexion."""

_PIVOTS = ("spine04", "spine03", "spine02", "spine01", "neck01")
"""Bones of the rig that bend the spine, tail to head; their pivots go onto the curve."""

_LATISSIMUS = {
    "left_latissimus": (8305, 8294, 8306, 8295, 8362, 8296),
    "right_latissimus": (1633, 1622, 1634, 1623, 1690, 1624),
}
_CLAVICLE = {"left_clavicle": (8161, 8198), "right_clavicle": (1475, 1514)}
_HEAD_TOP = 881

_CURVE_POINTS = 60
_REFERENCE_STATURE = 1.75
_SMOOTHING = 3e-6
"""Penalty of the smoothing spline through the midline: flattens the 3 mm steps of the mesh."""


@dataclass(frozen=True, slots=True)
class SpineCurve:
    """The vertebral curve of one body at rest, from L5/S1 to C7.

    Attributes
    ----------
    shares
        (P,) 0 at L5/S1 to 1 at C7.
    points
        (P, 3) m at rest.
    weights
        (P, J) skin weights, those of the skin over each point.
    """

    shares: Float64
    points: Float64
    weights: Float64

    def posed(self, transforms: Float64) -> Float64:
        """Return the curve (P, 3) m after bone transforms (J, 3, 4)."""
        return _blend(self.points, self.weights, transforms)

    def angles(self, points: Float64, lateral: Float64, up: Float64) -> dict[str, float]:
        """Return the angles of a posed curve in degrees.

        Tangents of the curve are compared, seen from the side and from behind:

        - ``lordosis``: T12/L1 against L5/S1, positive when the lumbar spine is hollow;
        - ``kyphosis``: T1 against T12/L1, positive when the thoracic spine is round;
        - ``scoliosis``: the largest difference between two tangents in the frontal plane, as the
          Cobb angle takes end plates.

        Parameters
        ----------
        points
            (P, 3) m.
        lateral, up
            (3,) unit vectors of the pelvis: to the left, and up along the trunk.
        """
        forward = np.cross(up, lateral)  # z x x = y points backward: the body faces -y
        tangent = np.gradient(points, self.shares, axis=0)
        side = np.degrees(np.arctan2(-(tangent @ forward), tangent @ up))
        front = np.degrees(np.arctan2(tangent @ lateral, tangent @ up))

        def at(share: float) -> float:
            return float(np.interp(share, self.shares, side))

        inner = (self.shares > 0.02) & (self.shares < 0.98)
        return {
            "lordosis": at(0.02) - at(_T12L1),
            "kyphosis": at(_T1) - at(_T12L1),
            "scoliosis": float(np.ptp(front[inner])),
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """One body with its skeleton: what a pose needs to know about a person.

    Attributes
    ----------
    shape
        The shape that made it.
    rest
        The mesh at rest.
    pivots
        (J, 3) m, the bones' pivots with those of the spine moved onto the vertebral curve.
    keypoints
        (37, 3) m at rest, in the order of `SPINETRACK`.
    keypoint_weights
        (37, J) bone weights of the keypoints.
    depths
        (37,) m, from each keypoint to the nearest skin.
    curve
        The vertebral curve.
    """

    shape: Shape
    rest: RestBody
    pivots: Float64
    keypoints: Float64
    keypoint_weights: Float64
    depths: Float64
    curve: SpineCurve

    def posed_keypoints(self, transforms: Float64) -> Float64:
        """Return the keypoints (37, 3) m after bone transforms (J, 3, 4)."""
        return _blend(self.keypoints, self.keypoint_weights, transforms)


class Anatomy:
    """Finds the skeleton in any shape of the body.

    Places on the mesh are found once, on a mean adult, and kept as vertex ids and weights: every
    body then has its landmarks at the same places of the same skin.
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        mean = body.at_rest(Shape())
        self._weights = np.asarray(body.weights.todense())
        line = mean.vertices[list(_MIDLINE)]
        arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        below, above = (arc[_MIDLINE.index(vertex)] for vertex in _C7_BETWEEN)
        self._midline_shares = arc / (below + _C7_SHARE * (above - below))
        self._midline_weights = self._weights[list(_MIDLINE)]
        self._front = _ventral_midline(body, mean)
        self._regressors = {
            name: (weights @ self._weights, weights)
            for name, weights in body.asset.keypoints.items()
        }

    def subject(self, shape: Shape) -> Subject:
        """Return the body of one shape with its skeleton."""
        rest = self.body.at_rest(shape)
        curve = self._curve(rest)
        names = list(SPINETRACK.keypoints)
        points, weights = self._landmarks(rest)
        keypoints = np.stack([points[name] for name in names])
        gaps = cdist(keypoints, rest.vertices[self.body.skin_vertices])
        return Subject(
            shape=shape,
            rest=rest,
            pivots=self._pivots(rest, curve),
            keypoints=keypoints,
            keypoint_weights=np.stack([weights[name] for name in names]),
            depths=gaps.min(axis=1),
            curve=curve,
        )

    def _centres(self, rest: RestBody, shares: Float64, d0: Float64, k: Float64) -> Float64:
        """Return vertebral centres (N, 3) m at `shares`, by the module's formula."""
        line = rest.vertices[list(_MIDLINE)]
        order = np.argsort(line[:, 2])
        profile = make_smoothing_spline(line[order, 2], line[order, 1], lam=_SMOOTHING)
        z = np.interp(shares, self._midline_shares, line[:, 2])
        y = profile(z)
        slope = profile.derivative()(z)
        front = rest.vertices[self._front]
        upward = np.argsort(front[:, 2])
        thickness = y - np.interp(z, front[upward, 2], front[upward, 1])
        depth = 0.5 * d0 / 1000 * rest.stature / _REFERENCE_STATURE + 0.5 * k * thickness
        # The tangent is (dy/dz, 1); the inward normal of the back points to the front, -y.
        length = np.sqrt(1 + slope**2)
        return np.stack([np.zeros_like(z), y - depth / length, z + depth * slope / length], axis=1)

    def _curve(self, rest: RestBody) -> SpineCurve:
        shares = np.linspace(0.0, 1.0, _CURVE_POINTS)
        table = np.array([_L5S1, *_LEVELS.values()])
        d0 = np.interp(shares, table[:, 0], table[:, 1])
        k = np.interp(shares, table[:, 0], table[:, 2])
        return SpineCurve(shares, self._centres(rest, shares, d0, k), self._weights_at(shares))

    def _weights_at(self, shares: Float64) -> Float64:
        """Return the skin weights (N, J) of the midline at `shares`."""
        place = np.interp(shares, self._midline_shares, np.arange(len(_MIDLINE)))
        low = np.minimum(place.astype(int), len(_MIDLINE) - 2)
        part = (place - low)[:, None]
        rows = self._midline_weights
        return np.asarray((1 - part) * rows[low] + part * rows[low + 1])

    def _pivots(self, rest: RestBody, curve: SpineCurve) -> Float64:
        """Return the bones' pivots with those of the spine on the vertebral curve."""
        pivots = rest.heads.copy()
        order = np.argsort(curve.points[:, 2])
        for bone in _PIVOTS:
            at = self.body.index[bone]
            pivots[at, 0] = 0.0
            pivots[at, 1] = np.interp(pivots[at, 2], curve.points[order, 2], curve.points[order, 1])
        return pivots

    def _landmarks(self, rest: RestBody) -> tuple[dict[str, Float64], dict[str, Float64]]:
        """Return all keypoints (3,) m and their bone weights (J,) by name."""
        vertices = rest.vertices
        scale = rest.stature / _REFERENCE_STATURE
        points: dict[str, Float64] = {}
        weights: dict[str, Float64] = {}
        for name, (bones, corners) in self._regressors.items():
            points[name], weights[name] = corners @ vertices, bones
        table = np.array(list(_LEVELS.values()))
        centres = self._centres(rest, table[:, 0], table[:, 1], table[:, 2])
        for name, centre, row in zip(_LEVELS, centres, self._weights_at(table[:, 0]), strict=True):
            points[name], weights[name] = centre, row
        # L5 lies below the rig's lowest joint of the spine: it goes with the pelvis more than its
        # skin does.
        weights["spine_01"] = self._with_pelvis(weights["spine_01"], _L5_PELVIC)
        self._neck_and_head(vertices, scale, points, weights)
        sacrum = self._centres(rest, *(np.array([value]) for value in _L5S1))[0]
        points["hip"] = sacrum + 0.050 * scale * np.array([0.0, 0.62, -0.78])
        weights["hip"] = self._with_pelvis(self._midline_weights[0], _SACRUM_PELVIC)
        for name, ids in _LATISSIMUS.items():
            inward = np.array([-0.012 if name.startswith("left") else 0.012, 0.0, 0.0])
            points[name] = vertices[list(ids)].mean(axis=0) + inward * scale
            weights[name] = self._weights[list(ids)].mean(axis=0)
        for name, pair in _CLAVICLE.items():
            points[name] = vertices[list(pair)].mean(axis=0) + np.array([0.0, 0.012 * scale, 0.0])
            weights[name] = self._weights[list(pair)].mean(axis=0)
        return points, weights

    def _neck_and_head(
        self,
        vertices: Float64,
        scale: float,
        points: dict[str, Float64],
        weights: dict[str, Float64],
    ) -> None:
        """Add C1, C3/C4 and the top of the head."""
        ears = (points["left_ear"] + points["right_ear"]) / 2
        points["neck_03"] = ears + np.array([0.0, 0.012, -0.032]) * scale
        weights["neck_03"] = 0.75 * self._rigid("head") + 0.25 * self._rigid("neck03")
        # C3/C4 lies 58 % of the way from C7 to C1, forward of the chord: cervical lordosis.
        chord = points["neck_03"] - points["neck"]
        points["neck_02"] = points["neck"] + 0.58 * chord + np.array([0.0, -0.007, 0.0]) * scale
        weights["neck_02"] = (self._weights[855] + self._weights[854]) / 2
        points["head"] = vertices[_HEAD_TOP]
        weights["head"] = self._weights[_HEAD_TOP]

    def _with_pelvis(self, weights: Float64, share: float) -> Float64:
        """Return bone weights (J,) of which the pelvis takes a share."""
        return np.asarray((1 - share) * weights + share * self._rigid("root"))

    def _rigid(self, bone: str) -> Float64:
        row = np.zeros(len(self.body.index))
        row[self.body.index[bone]] = 1.0
        return row


def _ventral_midline(body: Body, mean: RestBody) -> npt.NDArray[np.intp]:
    """Return the vertices on the front of the trunk in the plane of symmetry, top and bottom."""
    from spinepose.synth.mesh import vertex_normals

    skin = mean.vertices[:SKIN_VERTICES]
    normals = vertex_normals(mean.vertices, body.skin_faces)[:SKIN_VERTICES]
    height = skin[:, 2] / mean.stature
    back = mean.vertices[3946, 1]
    found = (
        (np.abs(skin[:, 0]) < 1e-4)
        & (normals[:, 1] < -0.35)
        & (height > 0.50)
        & (height < 0.872)
        & (skin[:, 1] < back - 0.06)
    )
    return np.flatnonzero(found)


def _blend(points: Float64, weights: Float64, transforms: Float64) -> Float64:
    blended = (weights @ transforms.reshape(len(transforms), 12)).reshape(-1, 3, 4)
    return np.asarray(np.einsum("pij,pj->pi", blended[..., :3], points) + blended[..., 3])
