"""Where the mass of a body is, and where its feet can carry it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.synth.anatomy import Subject
from spinepose.synth.body.model import Body
from spinepose.synth.pose.pose import FootContact

__all__ = ["Masses", "support_point"]

Float64 = npt.NDArray[np.float64]

_LIMBS = (
    # upper end, lower end, share of the way to the centre, share of the mass
    ("upperarm01", "lowerarm01", 0.58, 0.026),
    ("lowerarm01", "wrist", 0.46, 0.015),
    ("wrist", "finger3-1", 0.8, 0.006),
    ("upperleg01", "lowerleg01", 0.39, 0.145),
    ("lowerleg01", "foot", 0.44, 0.046),
    ("foot", "toe2-1", 0.4, 0.013),
)
_TRUNK = (("root", 0.03, 0.12), ("spine03", 0.05, 0.155), ("spine01", 0.05, 0.155))
"""Bone, way forward from its pivot in m, share of the mass."""
_HEAD = 0.068
"""Shares of the mass and centres of the limbs: de Leva 1996 (J Biomech 29:1223), mean of women and
men."""

_LEVER: dict[FootContact, float] = {"flat": 0.055, "toes": 0.13, "heel": -0.03, "free": 0.0}
"""From the ankle forward to where a foot in contact carries, m at a stature of 1.75 m."""


class Masses:
    """Points of mass that move with the bones of one subject."""

    def __init__(self, body: Body, subject: Subject) -> None:
        pivots, index = subject.pivots, body.index
        scale = subject.rest.stature / 1.75
        rows: list[tuple[int, Float64, float]] = []
        for side in "LR":
            for upper, lower, way, mass in _LIMBS:
                start, end = pivots[index[f"{upper}.{side}"]], pivots[index[f"{lower}.{side}"]]
                rows.append((index[f"{upper}.{side}"], start + way * (end - start), mass))
        for bone, ahead, mass in _TRUNK:
            at = pivots[index[bone]] - np.array([0.0, ahead * scale, 0.0])
            rows.append((index[bone], at, mass))
        top = pivots[index["head"]] + np.array([0.0, -0.01, 0.06]) * scale
        rows.append((index["head"], top, _HEAD))
        self._bones = np.array([row[0] for row in rows])
        self._points = np.array([row[1] for row in rows])
        share = np.array([row[2] for row in rows])
        self._share = share / share.sum()

    def centre(self, transforms: Float64) -> Float64:
        """Return the centre of mass (3,) m after bone transforms (J, 3, 4)."""
        moved = transforms[self._bones]
        points = np.einsum("nij,nj->ni", moved[..., :3], self._points) + moved[..., 3]
        return np.asarray(self._share @ points)


def support_point(
    feet: list[tuple[FootContact, Float64, Float64]], centre: Float64, scale: float
) -> Float64:
    """Return the point (2,) m on the ground over which the centre of mass shall be.

    Parameters
    ----------
    feet
        Contact, ankle (3,) m and forward direction (3,) of each foot that carries.
    centre
        (3,) m, where the centre of mass is.
    scale
        Stature over 1.75 m.
    """
    spots = []
    for contact, ankle, ahead in feet:
        flat = ahead[:2] / max(float(np.linalg.norm(ahead[:2])), 1e-6)
        spots.append(ankle[:2] + _LEVER[contact] * scale * flat)
    if len(spots) == 1:
        return np.asarray(spots[0])
    across = spots[1] - spots[0]
    share = float((centre[:2] - spots[0]) @ across) / max(float(across @ across), 1e-6)
    return np.asarray(spots[0] + np.clip(share, 0.3, 0.7) * across)
