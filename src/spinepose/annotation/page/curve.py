"""How the page bends a spine as one curve: its handles, and where vertebrae lie along it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from spinepose.biomech.spine import VERTEBRAE, spine_bodies, spine_markers
from spinepose.skeleton import Skeleton

__all__ = ["LEVELS", "curve_settings", "spine_heights"]

LEVELS = {
    "neck_03": "C1",
    "neck_02": "C3/C4",
    "neck": "C7",
    "spine_05": "T3",
    "spine_04": "T8",
    "spine_03": "T12/L1",
    "spine_02": "L3",
    "spine_01": "L5",
    "hip": "sacrum",
}
"""What a keypoint is the centre of: a vertebra, or the disc between two."""

HANDLES = ("neck_03", "neck", "spine_04", "spine_02", "hip")
"""C1, C7, T8, L3 and the sacrum: two ends, the joint of neck and trunk, two apices."""

JOINT = "neck"
"""Vertebrae keep their shares of the way above it and of the way below it."""


def spine_heights() -> dict[str, float]:
    """Return how far each keypoint of the spine is up from L5/S1, mm along the spine.

    The sums of the heights of vertebrae and discs of :data:`spinepose.biomech.spine.VERTEBRAE`,
    which has the sources; the sacrum is below.
    """
    bottoms, height = {}, 0.0
    for vertebra in VERTEBRAE:
        bottoms[vertebra.name] = height
        height += vertebra.height
    markers = {marker.name: marker for marker in spine_markers()}
    heights = {
        name: bottoms[marker.body] + 1000 * marker.location[1]
        for name, marker in markers.items()
        if marker.body in bottoms
    }
    l5s1 = spine_bodies()[0].offset
    return heights | {"hip": -1000 * math.dist(markers["hip"].location, l5s1)}


def curve_settings(skeleton: Skeleton) -> Mapping[str, Any] | None:
    """Return what the page must know to bend the spine; `None` if the skeleton has no such spine.

    Returns
    -------
    settings
        ``chain``: indices (S,) of the spine's keypoints from the top down. ``handles``, ``joint``:
        which of the chain they are. ``shares``: (S,) of the way from the end above to the end
        below, of the part of the spine, above or below the joint, that the keypoint is in; the
        joint's is 0.
    """
    heights = spine_heights()
    if set(skeleton.spine) != set(heights):
        return None
    top, joint, bottom = (heights[name] for name in (HANDLES[0], JOINT, HANDLES[-1]))
    shares = [
        (top - height) / (top - joint) if height > joint else (joint - height) / (joint - bottom)
        for height in map(heights.__getitem__, skeleton.spine)
    ]
    return {
        "chain": skeleton.spine_indices.tolist(),
        "handles": [skeleton.spine.index(name) for name in HANDLES],
        "joint": skeleton.spine.index(JOINT),
        "shares": [round(share, 4) for share in shares],
    }
