"""What a recorded person touches, read off heights and speeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_opening, grey_opening, median_filter

from spinepose.synth.pose.figure import SIDES, Figure

__all__ = ["contacts_of"]

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.intp]
Joints = Mapping[str, int]

_NOMINAL_LEG = 0.90
"""m, hip to ankle at a stature of 1.75 m (Drillis and Contini 1966, .491 of the stature): heights
over the ground are told for such a leg."""

_STILL, _STAND = 0.3, 0.1
"""m/s and s: a foot that is slower for longer stands. At the top of a jump it is slower than
that for .06 s (free fall)."""

_SUPPORT_WINDOW = 1.5
"""s: where no foot ever stands, what is left for less than this time is the ground."""

_LOW, _SLOW = 0.045, 0.6
"""m and m/s for a leg of `_NOMINAL_LEG`: a foot lower and slower than this carries weight."""

_BLIP = 0.05
"""s: a contact, or its absence, as short as this is noise."""

_TOES_FROM, _HEEL_FROM = 19.0, -14.0
"""Pitch of the sole, degrees: half of that of a foot that stands on its toes or its heel."""

_SITTING = 0.25
"""Height of the hips over the ground, in leg lengths, below which a person sits or lies."""

_RADII = {"hips": 0.09, "knees": 0.05, "elbows": 0.04, "wrists": 0.05, "head": 0.10}
"""m: from a joint to the skin, for a leg of `_NOMINAL_LEG`."""

_FREE, _FLAT, _TOES, _HEEL = range(4)

_ON_FEET, _IN_AIR, _ON_FLOOR = range(3)


def contacts_of(figure: Figure) -> tuple[Int, Int, Int, Float64]:
    """Return what touches the ground: feet (2, T), hands (2, T), base (T,) and lift (T,) in m."""
    scale = figure.leg / _NOMINAL_LEG
    left, right = (_sole(figure, side) for side in SIDES)
    heels, balls = np.stack([left[0], right[0]]), np.stack([left[1], right[1]])
    lowest = np.minimum(heels, balls)[..., 2].min(axis=0)
    parts = {part: heights / scale for part, heights in _heights(figure, scale).items()}
    lowest = np.minimum(lowest / scale, np.min(list(parts.values()), axis=0))
    points = np.concatenate([heels, balls])
    soles, speeds = points[..., 2] / scale, _speed(points, figure.fps) / scale
    ground = _ground(lowest, soles, speeds, figure.fps)
    carries = (soles - ground < _LOW) & (speeds < _SLOW)
    touch = carries[:2] | carries[2:]
    blip = 2 * round(_BLIP * figure.fps / 2) + 1
    touch = median_filter(touch.astype(np.uint8), size=(1, blip), mode="nearest") > 0
    # Over a step down the lower foot stands: poses know one level of ground only.
    depth = np.minimum(soles[:2], soles[2:])
    below = depth < depth[::-1] - 2 * _LOW
    touch = np.where(touch.any(axis=0) & below.any(axis=0), below, touch)
    pitch = np.stack([_pitch(figure, side) for side in SIDES])
    feet = np.select([pitch > _TOES_FROM, pitch < _HEEL_FROM], [_TOES, _HEEL], _FLAT)
    feet = np.where(touch, feet, _FREE)

    low = {part: height - ground < _LOW for part, height in parts.items()}
    sits = parts["hips"] + _RADII["hips"] - ground < _SITTING * _NOMINAL_LEG
    other = np.any([low[part] for part in low], axis=0)
    floor = sits | low["hips"] | low["knees"] | low["head"] | (~touch.any(axis=0) & other)
    base = np.select([floor, touch.any(axis=0)], [_ON_FLOOR, _ON_FEET], _IN_AIR)
    feet = np.where(base == _ON_FEET, feet, _FREE)
    wrists = np.stack([figure.place(f"{side}_hand") for side in SIDES])
    near = wrists[..., 2] / scale - ground < 1.5 * _RADII["wrists"]
    hands = near & (_speed(wrists, figure.fps) / scale < _SLOW / 2) & (base != _IN_AIR)
    lift = np.where(base == _IN_AIR, np.maximum(lowest - ground, 0.0), 0.0)
    return feet.astype(np.intp), hands.astype(np.intp), base.astype(np.intp), lift


def _heights(figure: Figure, scale: float) -> dict[str, Float64]:
    """Return the heights (T,) m of the lowest skin of the parts that may carry a body."""
    joints = {
        "hips": ("left_thigh", "right_thigh"),
        "knees": ("left_shank", "right_shank"),
        "elbows": ("left_forearm", "right_forearm"),
        "wrists": ("left_hand", "right_hand"),
        "head": ("head",),
    }
    return {
        part: np.min([figure.place(name)[:, 2] for name in names], axis=0) - _RADII[part] * scale
        for part, names in joints.items()
    }


def _sole(figure: Figure, side: str) -> tuple[Float64, Float64]:
    """Return heel and ball of a foot, each (T, 3) m; the sole is as deep as the toes at rest."""
    turn, ankle = figure.turn(f"{side}_foot"), figure.place(f"{side}_foot")
    heights = [figure.rest[figure.joints[name], 2] for name in figure.joints if "foot_of" in name]
    ankle0 = figure.rest[figure.joints[f"{side}_foot"]]
    size = figure.leg / _NOMINAL_LEG
    if f"{side}_toes" in figure.joints:
        ball0 = figure.rest[figure.joints[f"{side}_toes"]] - ankle0
    else:
        ball0 = np.array([0.0, -0.13, -0.06]) * size + (0.0, 0.0, min(heights) - ankle0[2])
    heel0 = np.array([0.0, 0.04 * size, ball0[2]])
    return ankle + turn @ heel0, ankle + turn @ ball0


def _pitch(figure: Figure, side: str) -> Float64:
    """Return how far the heel is raised over the toes, (T,) degrees; a sole is level at rest."""
    ahead = figure.turn(f"{side}_foot") @ np.array([0.0, -1.0, 0.0])
    return np.asarray(np.degrees(np.arcsin(np.clip(-ahead[:, 2], -1, 1))))


def _ground(lowest: Float64, soles: Float64, speeds: Float64, fps: float) -> Float64:
    """Return the height (T,) of what carries a body, for a leg of `_NOMINAL_LEG`.

    A foot that stands still, lower than the rest of the body, stands on the ground; between two
    such moments the ground runs straight. So it may rise and fall, as stairs do.

    Parameters
    ----------
    lowest
        (T,) m, the lowest point of the body.
    soles, speeds
        (P, T) heights in m of points of the soles, and their speeds in m/s.
    fps
        Frames a second.
    """
    enough = np.ones((1, max(1, round(_STAND * fps))), bool)
    still = np.asarray(binary_opening(speeds < _STILL, enough))
    stands = (still & (soles < lowest + _LOW)).any(axis=0)
    if stands.any():
        at = np.flatnonzero(stands)
        return np.interp(np.arange(len(lowest)), at, lowest[at])
    size = min(round(_SUPPORT_WINDOW * fps) | 1, (len(lowest) - 1) | 1)
    return np.asarray(grey_opening(lowest, size=(size,), mode="nearest"), np.float64)


def _speed(points: Float64, fps: float) -> Float64:
    """Return the speed (..., T) in m/s of points (..., T, 3), over some 50 ms."""
    step = max(1, round(0.025 * fps))
    padded = np.concatenate(
        [points[..., :1, :].repeat(step, -2), points, points[..., -1:, :].repeat(step, -2)], -2
    )
    moved = np.linalg.norm(padded[..., 2 * step :, :] - padded[..., : -2 * step, :], axis=-1)
    count = points.shape[-2]
    frames = np.arange(count)
    spans = np.minimum(frames + step, count - 1) - np.maximum(frames - step, 0)
    return np.asarray(moved * fps / np.maximum(spans, 1))


# -- vectors --------------------------------------------------------------------------------------
