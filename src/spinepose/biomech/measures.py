"""What is measured of a posture, and where a person's bodies and keypoints are for that.

Planes are the person's own: up is the ground's, right is the pelvis's right made horizontal, and
forward is square to both. That holds for people who stand, bend, and lie on back or belly; it is
not defined for those who lie on a side. Forward and to the right are positive, and turns to the
left, as in OpenSim's models.

A measured keypoint is taken at its median place in the frame of the body that carries it (the
calibrated points of Cappozzo et al. 1995, Clin Biomech 10:171): it moves as smoothly as the fitted
body does, but lies where it was measured and not where the model has it. F frames, M markers, B
bodies, G scale groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.biomech.ik import Fit
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.rotations import euler_angles
from spinepose.biomech.spec import ModelSpec, Vector
from spinepose.biomech.spine import SACRAL_SLOPE

__all__ = ["MEASURES", "Measure", "Person", "person_of"]

Float64 = npt.NDArray[np.float64]

_C7_SKIN: Vector = (-0.065, 0.0, 0.0)
"""Metres from the centre of the body of C7 to the skin behind it, in its frame, as in
`spinepose.synth.anatomy`."""
_S1_CORNER: Vector = (0.018, 0.050, 0.0)
"""Metres from the keypoint of the sacrum to the upper back corner of S1, in the pelvis's frame:
half an end plate of 34 mm (L5: Panjabi et al. 1992, Spine 17:299) behind the disc L5/S1."""
_LEAST_LEVEL = 0.5
"""Horizontal part of the pelvis's right; with less, the pelvis is over 60 degrees on its side."""


@dataclass(frozen=True, slots=True)
class Person:
    """Where the bodies and keypoints of one person are.

    Attributes
    ----------
    spec
        The model.
    axes, standing
        (F, B, 3, 3) axes of the bodies, NaN where there is no pose; and (B, 3, 3) of the person who
        stands.
    points
        (F, M, 3) m, at their median place on their bodies; NaN where not measured.
    scale
        (G,) factors.
    """

    spec: ModelSpec
    axes: Float64
    standing: Float64
    points: Float64
    scale: Float64

    def axis(self, body: str, axis: int) -> Float64:
        """Return an axis (F, 3) of a body in the ground."""
        return np.asarray(self.axes[:, self.spec.body_index[body], :, axis])

    def point(self, name: str, beside: Vector = (0.0, 0.0, 0.0)) -> Float64:
        """Return a keypoint (F, 3), or what lies `beside` it in its body: m, reference person."""
        i = self.spec.marker_index[name]
        b = self.spec.body_index[self.spec.markers[i].body]
        factor = self.scale[self.spec.groups.index(self.spec.bodies[b].group)]
        return np.asarray(self.points[:, i] + self.axes[:, b] @ (factor * np.array(beside)))

    def planar(self, vectors: Float64) -> tuple[Float64, Float64, Float64]:
        """Return the parts of vectors (F, 3) forward, up and to the right, (F,) each."""
        right = self.axis("pelvis", 2) * [1.0, 0.0, 1.0]
        length = np.linalg.norm(right, axis=1)
        right /= np.where(length > _LEAST_LEVEL, length, np.nan)[:, None]
        forward = np.cross([0.0, 1.0, 0.0], right)
        return (vectors * forward).sum(axis=1), vectors[:, 1], (vectors * right).sum(axis=1)

    def turned(self, lower: str, upper: str) -> Float64:
        """Return how a body is turned against another, (F, 3) degrees about z, x and y.

        Zero in the standing person.
        """
        i, j = self.spec.body_index[lower], self.spec.body_index[upper]
        rest = self.standing[i].T @ self.standing[j]
        return np.degrees(
            euler_angles(self.axes[:, i].transpose(0, 2, 1) @ self.axes[:, j] @ rest.T)
        )

    def inclined(self, lower: str, upper: str) -> Float64:
        """Return how far a vertebra leans back against another one or the pelvis, (F,) degrees."""
        i, j = self.spec.body_index[lower], self.spec.body_index[upper]
        return np.degrees(euler_angles(self.axes[:, i].transpose(0, 2, 1) @ self.axes[:, j])[:, 0])


def person_of(points: Float64, fit: Fit, body: Kinematics) -> Person:
    """Return where the bodies and keypoints are, from markers (F, M, 3) and their poses."""
    spec, solved = body.spec, fit.solved
    frames = body.frames(fit.coordinates[solved], fit.scale)
    axes = np.full((len(points), *frames.axes.shape[1:]), np.nan)
    axes[solved] = frames.axes
    own = [spec.body_index[marker.body] for marker in spec.markers]
    turned, origins = frames.axes[:, own], frames.origins[:, own]
    places = np.einsum("fmij,fmi->fmj", turned, points[solved] - origins)
    known = np.isfinite(points).all(axis=2) & solved[:, None]
    middle = np.array(
        [
            np.median(place[seen], axis=0) if seen.any() else np.full(3, np.nan)
            for place, seen in zip(places.swapaxes(0, 1), known[solved].T, strict=True)
        ]
    )
    found = np.full(points.shape, np.nan)
    found[solved] = origins + np.einsum("fmij,mj->fmi", turned, middle)
    found[~known] = np.nan
    standing = body.frames(np.zeros(len(spec.coordinates))).axes[0]
    return Person(spec, axes, standing, found, fit.scale)


def _craniovertebral(person: Person) -> Float64:
    ears = (person.point("left_ear") + person.point("right_ear")) / 2
    forward, up, _ = person.planar(ears - person.point("neck", _C7_SKIN))
    return np.degrees(np.arctan2(up, forward))


def _trunk(person: Person) -> tuple[Float64, Float64, Float64]:
    return person.planar(person.point("neck") - person.point("hip"))


def _lean_forward(person: Person) -> Float64:
    forward, up, _ = _trunk(person)
    return np.degrees(np.arctan2(forward, up))


def _lean_right(person: Person) -> Float64:
    forward, up, right = _trunk(person)
    return np.degrees(np.arctan2(right, np.hypot(forward, up)))


def _over_sacrum(person: Person) -> tuple[Float64, Float64, Float64]:
    return person.planar((person.point("neck") - person.point("hip", _S1_CORNER)) * 1000)


def _kyphosis(person: Person) -> Float64:
    # An end plate is taken to lie half way between the bodies beside its disc.
    below, above = person.inclined("L1", "T12"), person.inclined("T1", "C7")
    return -(below / 2 + person.inclined("T12", "T1") + above / 2)


def _lordosis(person: Person) -> Float64:
    return SACRAL_SLOPE + person.inclined("pelvis", "L1") + person.inclined("L1", "T12") / 2


def _pelvic_tilt(person: Person) -> Float64:
    forward, up, _ = person.planar(person.axis("pelvis", 1))
    return np.degrees(np.arctan2(forward, up))


def _fall(person: Person, name: str) -> Float64:
    """Return how far the line from a left to a right keypoint falls, (F,) degrees."""
    line = person.point(f"right_{name}") - person.point(f"left_{name}")
    return np.degrees(np.arctan2(-line[:, 1], np.hypot(line[:, 0], line[:, 2])))


@dataclass(frozen=True, slots=True)
class Measure:
    """One angle or distance.

    Parameters
    ----------
    name
        With its unit at the end: ``_deg`` or ``_mm``.
    definition
        What it is, and what is positive.
    uncertainty
        Root mean square error of one frame, in its unit, with 10 mm of noise in each axis of each
        marker, smoothed, and the size of the person estimated: ``python -m
        tests.unit.biomech.posture_trials``.
    compute
        Returns the series (F,).
    source
        Of the definition and the reference.
    low, high
        Published reference of standing adults, infinite where it has no end.
    """

    name: str
    definition: str
    uncertainty: float
    compute: Callable[[Person], Float64]
    source: str = "this model"
    low: float = -math.inf
    high: float = math.inf

    @property
    def unit(self) -> str:
        """``deg`` or ``mm``."""
        return self.name.rpartition("_")[2]


MEASURES = (
    Measure(
        "craniovertebral_deg",
        "line from the skin behind C7 to the middle of both ears, against the horizontal, seen "
        "from the side: less is a head further forward. The skin is 65 mm behind the keypoint "
        "`neck`; the ears stand for the tragus",
        1.4,
        _craniovertebral,
        "Yip, Chiu and Poon 2008, Man Ther 13:148",
        low=50.0,
    ),
    Measure(
        "sagittal_vertical_axis_mm",
        "C7 in front of the upper back corner of S1, horizontally: a stand-in for that of X-rays. "
        "C7 is the keypoint `neck`; the corner is 18 mm in front of and 50 mm above `hip`",
        3.7,
        lambda person: _over_sacrum(person)[0],
        "Schwab et al. 2010, Spine 35:2224",
        high=50.0,
    ),
    Measure(
        "coronal_balance_mm",
        "C7 to the right of the middle of the sacrum, horizontally",
        3.8,
        lambda person: _over_sacrum(person)[2],
        "O'Brien et al. 2004, Spinal Deformity Study Group Radiographic Measurement Manual",
        -20.0,
        20.0,
    ),
    Measure(
        "trunk_lean_forward_deg",
        "line from the sacrum to C7 against the vertical, seen from the side; positive forward",
        0.5,
        _lean_forward,
    ),
    Measure(
        "trunk_lean_right_deg",
        "line from the sacrum to C7 out of the sagittal plane; positive to the right",
        0.4,
        _lean_right,
    ),
    Measure(
        "trunk_flexion_deg",
        "T1 against the pelvis about the axis to the right; forward is positive, standing is 0",
        1.9,
        lambda person: -person.turned("pelvis", "T1")[:, 0],
    ),
    Measure(
        "trunk_bending_deg",
        "T1 against the pelvis to the side; positive to the right",
        1.8,
        lambda person: person.turned("pelvis", "T1")[:, 1],
    ),
    Measure(
        "trunk_rotation_deg",
        "T1 against the pelvis about the long axis; positive to the left",
        2.6,
        lambda person: person.turned("pelvis", "T1")[:, 2],
    ),
    Measure(
        "kyphosis_deg",
        "upper end plate of T1 against the lower one of T12, both of the fitted model",
        2.3,
        _kyphosis,
        "after Bernhardt and Bridwell 1989, Spine 14:717",
        20.0,
        50.0,
    ),
    Measure(
        "lordosis_deg",
        "upper end plate of L1 against that of S1, both of the fitted model, whose sacrum is that "
        "of the mean adult",
        1.8,
        _lordosis,
        "after Bernhardt and Bridwell 1989, Spine 14:717; Vialle et al. 2005, J Bone Joint Surg Am "
        "87:260",
        20.0,
        70.0,
    ),
    Measure(
        "neck_flexion_deg",
        "head against T1 about the axis to the right; forward is positive, standing is 0",
        2.0,
        lambda person: -person.turned("T1", "head")[:, 0],
    ),
    Measure(
        "pelvic_tilt_deg",
        "pelvis against the vertical, seen from the side; forward is positive, standing is 0. Not "
        "the pelvic tilt of X-rays",
        1.0,
        _pelvic_tilt,
    ),
    Measure(
        "shoulder_tilt_deg",
        "line through the shoulders against the horizontal; positive when the right one is lower",
        0.7,
        lambda person: _fall(person, "shoulder"),
    ),
)
"""All measures, in the order of :attr:`Posture.values`."""
