"""The lines that garments are cut along: (V,) m inside the edge, on the reference body."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from spinepose.synth.looks.regions import Regions

__all__ = ["Neckline", "bottom_cut", "foot_cut", "hair_cut", "top_cut"]

Float64 = npt.NDArray[np.float64]
Neckline = Literal["crew", "v", "scoop", "high", "tank", "strap", "bandeau"]

_OUTSIDE = -1.0


def top_cut(
    regions: Regions,
    *,
    hem: float,
    sleeve: float,
    neckline: Neckline = "crew",
    back: float = 0.0,
    open_front: float = 0.0,
) -> Float64:
    """Return the cut of a garment of the upper body.

    Parameters
    ----------
    hem
        Height of the lower edge on the reference body, m.
    sleeve
        Length along the arm from the shoulder joint, m; 0 or less: without sleeves.
    neckline
        Shape of the upper edge.
    back
        Depth in m of a rounded cut-out of the back.
    open_front
        Half width in m of the opening of a jacket at the hem.
    """
    x, y, z = regions.rest.T
    side = np.abs(x)
    notch = regions.point("left_clavicle")[2]
    nape = regions.point("neck")
    front = y < nape[1] - 0.01
    # A tilted plane round the neck: low at the throat, high at the nape.
    slope = 0.55
    round_neck = (notch + 0.022 + slope * (y - (nape[1] - 0.06)) + 0.22 * side) - z
    cover = np.minimum(z - hem, round_neck)
    if neckline == "high":
        cover = np.minimum(z - hem, notch + 0.075 + 0.5 * (y - nape[1] + 0.05) - z)
    elif neckline == "v":
        cover = np.where(front, np.minimum(cover, (notch - 0.10) - z + 1.35 * side), cover)
    elif neckline == "scoop":
        hole = np.hypot(side / 0.085, (z - notch - 0.02) / 0.085) - 1.0
        cover = np.where(front, np.minimum(cover, 0.08 * hole), cover)
    elif neckline == "bandeau":
        cover = np.minimum(z - hem, notch - 0.115 - z)
    cover = np.minimum(cover, _sleeve(regions, sleeve, neckline))
    if back > 0:
        low = notch + 0.02 - back
        cut = np.where(z > low, 0.09 * (np.abs(side) / 0.085 - 1), low - z)
        cover = np.where(
            ~front & (z > low - 0.05), np.minimum(cover, np.maximum(cut, low - z)), cover
        )
    if open_front > 0:
        gap = open_front * np.clip((notch + 0.03 - z) / (notch - hem), 0.15, 1.0)
        cover = np.where(front & (side < 0.25), np.minimum(cover, side - gap), cover)
    cover[regions.head | ~regions.skin] = _OUTSIDE
    return np.asarray(cover, np.float64)


def _sleeve(regions: Regions, sleeve: float, neckline: Neckline) -> Float64:
    """Return the part of the cut that ends the sleeves or rounds the armholes."""
    if sleeve > 0:
        return np.asarray(sleeve - regions.arm_length)
    shoulder = regions.point("left_shoulder")
    x, y, z = regions.rest.T
    side = np.abs(x)
    radius = {"tank": 0.070, "strap": 0.098, "bandeau": 0.085}.get(neckline, 0.060)
    ball = np.sqrt(
        (side - shoulder[0] - 0.012) ** 2
        + (y - shoulder[1]) ** 2
        + (0.75 * (z - shoulder[2] - 0.01)) ** 2
    )
    cover = np.minimum(ball - radius, -regions.arm_length - 0.005)
    if neckline == "strap":
        # Two straps over the shoulders: free skin between them and beside the neck.
        top = z > regions.point("spine_05")[2] - 0.01
        strap = 0.019 - np.abs(side - 0.082)
        cover = np.where(top, np.minimum(cover, strap), cover)
    return np.asarray(cover)


def bottom_cut(regions: Regions, *, waist: float, hem: float, brief: float = 0.0) -> Float64:
    """Return the cut of trousers, shorts or briefs.

    Parameters
    ----------
    waist, hem
        Heights of the upper and the lower edge on the reference body, m.
    brief
        Rise of the leg's edge to the side, m per m, for high-cut garments.
    """
    x, y, z = regions.rest.T
    lower = z - hem - brief * np.maximum(np.abs(x) - 0.03, 0.0)
    tilt = 0.04 * (y / 0.1)
    cover = np.minimum(lower, waist + 0.2 * tilt - z)
    cover[regions.arm | regions.head | ~regions.skin] = _OUTSIDE
    return np.asarray(cover)


def foot_cut(regions: Regions, height: float) -> Float64:
    """Return the cut of socks, shoes and boots of a height in m over the sole."""
    _, y, z = regions.rest.T
    cover = height + 0.15 * y - z
    lower = regions.foot | (z < height + 0.05)
    cover[~lower | regions.arm | ~regions.skin] = _OUTSIDE
    return np.asarray(cover)


def hair_cut(regions: Regions, recede: float = 0.0) -> Float64:
    """Return the cut of the scalp along the hair line.

    Parameters
    ----------
    recede
        m that the line lies further back at the temples and the forehead.
    """
    ears = (regions.point("left_ear") + regions.point("right_ear")) / 2
    x, y, z = (regions.rest - ears).T
    ahead = -y
    # The line of a head in profile, from the nape over the ear to the forehead.
    line = np.interp(
        ahead + recede * 0.6,
        [-0.12, -0.095, -0.06, -0.03, -0.012, 0.006, 0.03, 0.06, 0.085, 0.12, 0.15],
        [-0.055, -0.052, -0.046, -0.042, 0.022, 0.018, 0.034, 0.062, 0.083, 0.098, 0.12],
    )
    cover = z - line - recede * np.clip(1 - np.abs(x) / 0.12, 0, 1) * (ahead > 0.03)
    neck = regions.point("neck")[2] + 0.05
    cover = np.minimum(cover, regions.rest[:, 2] - neck)
    cover[~regions.skin | (regions.rest[:, 2] < neck - 0.02) | regions.arm] = _OUTSIDE
    return np.asarray(cover)
