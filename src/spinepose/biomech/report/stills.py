"""The fitted body as a picture that stands still: for paper, and where no script runs.

M markers, S points along the spine, at places of a drawing.
"""

from __future__ import annotations

import math
from html import escape

import numpy as np
import numpy.typing as npt

from spinepose.biomech.report.scene import (
    BONES,
    STATES,
    Scene,
    heading,
    scene_of,
    typical_frame,
    worst_frame,
)
from spinepose.biomech.validation import Validation
from spinepose.draw.charts import drawing, figure
from spinepose.skeleton import SPINETRACK

__all__ = ["body_parts", "named", "stills"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_TALL, _MIDDLE, _MARGIN = 420, 215, 24
"""Of a picture, in its own units."""
_NAMED = 3
"""Flagged keypoints that have a name beside them."""
_PITCH = math.radians(8.0)
_WAYS = {"from the right": 0.0, "from the front": -math.pi / 2}
"""Radians to the right as seen from above, from the person's right side."""


def stills(validation: Validation) -> list[str]:
    """Return the worst and the typical frame, each from the person's right and from the front."""
    chosen = {"Worst": worst_frame(validation), "Typical": typical_frame(validation)}
    scene = scene_of(validation, list(chosen.values()))
    return [
        _still(scene, place, turn, f"{word}: frame {frame}, {way}")
        for place, (word, frame) in enumerate(chosen.items())
        for way, turn in _WAYS.items()
    ]


def _still(scene: Scene, index: int, turn: float, title: str) -> str:
    """Return one frame of a scene, seen from a way that turns with the person."""
    yaw = heading(scene.model[index]) + turn
    spine, model, measured = (
        _project(points[index], yaw) for points in (scene.spine, scene.model, scene.measured)
    )
    body = np.concatenate([spine, model])
    low, high = body.min(axis=0), body.max(axis=0)
    scale = 2 * (min(_MIDDLE, _TALL / 2) - _MARGIN) / float((high - low).max())

    def place(points: Float64) -> Float64:
        return np.asarray((points - (low + high) / 2) * [scale, -scale] + [_MIDDLE, _TALL / 2])

    parts = body_parts(place(spine), place(model))
    parts += _marks(place(model), place(measured), scene.states[index], scene.distances[index])
    return figure(title, drawing(title, _TALL, parts))


def _project(points: Float64, yaw: float) -> Float64:
    """Return points (..., 3) as seen without perspective, (..., 2) m to the right and up."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    depth = -x * math.sin(yaw) + z * math.cos(yaw)
    across = x * math.cos(yaw) + z * math.sin(yaw)
    up = y * math.cos(_PITCH) - depth * math.sin(_PITCH)
    return np.stack([across, up], axis=-1)


def body_parts(spine: Float64, model: Float64) -> list[str]:
    """Return a body at places (S, 2) and (M, 2) of a drawing: bones, spine, its nine keypoints."""
    bones = [(model[a], model[b]) for a, b in BONES]
    parts = [
        f'<path class="bone" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>'
        for (x0, y0), (x1, y1) in bones
        if np.isfinite([x0, y0, x1, y1]).all()
    ]
    known = spine[np.isfinite(spine).all(axis=1)]
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
    parts.append(f'<polyline class="spine" points="{curve}"/>')
    nine = model[SPINETRACK.spine_indices]
    parts += [
        f'<circle class="vertebra" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        for x, y in nine[np.isfinite(nine).all(axis=1)]
    ]
    return parts


def _marks(model: Float64, measured: Float64, states: Int64, distances: Float64) -> list[str]:
    """Return measured markers, those in doubt joined to the model's, and the worst ones named.

    Parameters
    ----------
    model, measured
        (M, 2) places of the drawing.
    states
        (M,) places in :data:`.STATES`.
    distances
        (M,) mm.
    """
    parts = []
    for i, (x, y) in enumerate(measured):
        state = STATES[int(states[i])]
        if state in ("warn", "flag"):
            a, b = model[i]
            parts.append(f'<path class="{state}" d="M{x:.1f} {y:.1f}L{a:.1f} {b:.1f}"/>')
        if state != "missing":
            radius = 8 if state == "flag" else 5
            parts.append(f'<circle class="{state}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>')
    flagged = np.flatnonzero(states == STATES.index("flag"))
    for i in flagged[np.argsort(-distances[flagged])][:_NAMED]:
        said = f"{SPINETRACK.keypoints[i]} {distances[i]:.0f} mm"
        parts.append(named(measured[i], said, (2 * _MIDDLE, _TALL)))
    return parts


def named(place: Float64, name: str, size: tuple[float, float]) -> str:
    """Return a name beside a place (2,), towards the middle of a drawing of some width and height.

    What lies outside is named at the rim.
    """
    width, height = size
    left = place[0] < width / 2
    x = float(np.clip(place[0] + (12 if left else -12), 4, width - 4))
    y = float(np.clip(place[1] + 6, 16, height - 4))
    look = "" if left else ' class="n"'
    return f'<text{look} x="{x:.1f}" y="{y:.1f}">{escape(name)}</text>'
