"""The label that CVAT needs to show a skeleton: its keypoints, its figure, its attributes.

CVAT draws a new skeleton after an SVG of 100 by 100: circles are keypoints, lines are bones
(docs.cvat.ai, "Annotation with skeletons"). The circle names its keypoint in ``data-label-name``,
and lines name the numbers of two circles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.annotation.exchange.said import OPEN, STATES
from spinepose.annotation.exchange.shown import keypoint_color
from spinepose.skeleton import Skeleton

__all__ = ["ITEM", "PERSON", "ROUND", "STATE", "TOOL", "cvat_labels", "figure"]

TOOL = "cvat"
"""Where corrections come from, whatever the format."""
PERSON = "person"
"""Name of the label."""
ITEM, ROUND, STATE = "item", "round", "state"
"""Names of its attributes: which item, what was shown, and whether somebody is done with it."""

_MIDDLE: Mapping[str, tuple[float, float]] = {
    "head_top": (50, 4),
    "head": (50, 4),
    "nose": (50, 11),
    "neck_03": (50, 15),
    "neck_02": (50, 18),
    "neck": (50, 21),
    "spine_05": (50, 25),
    "spine_04": (50, 30),
    "spine_03": (50, 35),
    "spine_02": (50, 40),
    "spine_01": (50, 45),
    "hip": (50, 50),
}
_LEFT: Mapping[str, tuple[float, float]] = {
    "eye": (52, 9),
    "ear": (55, 10),
    "clavicle": (56, 23),
    "shoulder": (63, 24),
    "latissimus": (58, 33),
    "elbow": (68, 37),
    "wrist": (71, 49),
    "hip": (57, 52),
    "knee": (58, 72),
    "ankle": (59, 91),
    "heel": (58, 95),
    "small_toe": (64, 96),
    "big_toe": (60, 98),
}
"""A standing person from the front, whose left is on our right; the right side is its mirror
image."""


def figure(skeleton: Skeleton) -> npt.NDArray[np.float64]:
    """Return where keypoints (K, 2) of a standing person are in a square of side 1."""
    return np.array([_place(name) for name in skeleton.keypoints]) / 100


def cvat_labels(skeleton: Skeleton) -> list[dict[str, Any]]:
    """Return what CVAT's label constructor takes in its tab "Raw", as JSON.

    Parameters
    ----------
    skeleton
        Names keypoints and bones.
    """
    return [
        {
            "name": PERSON,
            "color": "#007858",
            "type": "skeleton",
            "attributes": [
                _attribute(ITEM, "text", [""]),
                _attribute(ROUND, "text", [""]),
                _attribute(STATE, "select", list(STATES)),
            ],
            "sublabels": [
                {
                    "name": name,
                    "color": keypoint_color(skeleton, name),
                    "type": "points",
                    "attributes": [],
                }
                for name in skeleton.keypoints
            ],
            "svg": _svg(skeleton),
        }
    ]


def _place(name: str) -> tuple[float, float]:
    if name in _MIDDLE:
        return _MIDDLE[name]
    side, _, part = name.partition("_")
    x, y = _LEFT[part]
    return (x, y) if side == "left" else (100 - x, y)


def _attribute(name: str, kind: str, values: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "mutable": False,
        "input_type": kind,
        "default_value": OPEN if OPEN in values else "",
        "values": values,
    }


def _svg(skeleton: Skeleton) -> str:
    places = [f"{x:g} {y:g}".split() for x, y in 100 * figure(skeleton)]
    # CVAT reads it as HTML, where these elements do not close themselves.
    lines = [
        f'<line x1="{places[a][0]}" y1="{places[a][1]}" x2="{places[b][0]}" y2="{places[b][1]}" '
        f'data-type="edge" data-node-from="{a + 1}" data-node-to="{b + 1}"></line>'
        for a, b in skeleton.bone_indices.tolist()
    ]
    circles = [
        f'<circle r="0.75" cx="{x}" cy="{y}" data-type="element node" data-element-id="{number}" '
        f'data-node-id="{number}" data-label-name="{name}"></circle>'
        for number, (name, (x, y)) in enumerate(
            zip(skeleton.keypoints, places, strict=True), start=1
        )
    ]
    return "".join(lines + circles)
