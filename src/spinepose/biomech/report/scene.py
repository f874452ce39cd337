"""The fitted body and the measured markers in space, for the viewer of a report.

N frames, M markers, S points along the spine; metres, y up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.biomech.spine import VERTEBRAE
from spinepose.biomech.validation import Validation
from spinepose.skeleton import SPINETRACK

__all__ = [
    "BONES",
    "STATES",
    "Scene",
    "heading",
    "scene_of",
    "typical_frame",
    "viewer_data",
    "worst_frame",
]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

STATES = ("missing", "ok", "warn", "flag", "unjudged")
"""Of a measured marker; the last has no pose to be judged by."""

BONES = tuple(
    (SPINETRACK.index(bone.start), SPINETRACK.index(bone.end))
    for bone in SPINETRACK.bones
    if bone.part != "spine"
)
"""Pairs of markers; the spine is a curve through its joints."""

_SPINE = (*(vertebra.name for vertebra in VERTEBRAE), "head")
_MOST = 600
"""Frames of the viewer."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The poses that frames have by themselves, and what was measured in them.

    Attributes
    ----------
    frames, times
        (N,), and (N,) s.
    spine
        (N, S, 3) the model's spine from the sacrum through all joints to the top of the head; NaN
        where there is no pose.
    model, measured
        (N, M, 3) markers.
    states
        (N, M) places in :data:`STATES`.
    """

    frames: Int64
    times: Float64
    spine: Float64
    model: Float64
    measured: Float64
    states: Int64

    @property
    def distances(self) -> Float64:
        """(N, M) mm, from the measured to the model's markers."""
        return np.asarray(np.linalg.norm(self.measured - self.model, axis=2) * 1000)


def scene_of(validation: Validation, frames: npt.ArrayLike) -> Scene:
    """Return some frames (N,) of a validation."""
    chosen = np.asarray(frames, np.int64)
    residuals, limits = validation.fit.residuals[chosen] * 1000, validation.verdict
    judged = np.isfinite(residuals)
    beyond = (residuals > limits.warn_mm).astype(np.int64) + (residuals > limits.flag_mm)
    measured = validation.markers[chosen]
    states = np.where(judged, 1 + beyond, STATES.index("unjudged"))
    return Scene(
        frames=chosen,
        times=validation.times[chosen],
        spine=_spine(validation, chosen),
        model=validation.fit.markers[chosen],
        measured=measured,
        states=np.where(np.isfinite(measured).all(axis=2), states, 0),
    )


def _spine(validation: Validation, frames: Int64) -> Float64:
    """Return the model's spine (N, S, 3) in some frames."""
    fit, spec = validation.fit, validation.body.spec
    solved = np.flatnonzero(fit.solved[frames])
    points = np.full((len(frames), len(_SPINE) + 2, 3), np.nan)
    if len(solved):
        places = validation.body.frames(fit.coordinates[frames[solved]], fit.scale).origins
        points[solved, 1:-1] = places[:, [spec.body_index[name] for name in _SPINE]]
        points[:, 0] = fit.markers[frames, SPINETRACK.index("hip")]
        points[:, -1] = fit.markers[frames, SPINETRACK.index("head")]
    return points


def heading(model: Float64) -> float:
    """Return where a body with markers (M, 3) looks, across the line between its hips.

    Radians about y: 0 is x, a quarter of a turn is z.
    """
    left, right = (model[SPINETRACK.index(f"{side}_hip")] for side in ("left", "right"))
    x, _, z = (right - left).tolist()
    return math.atan2(-x, z)


def _largest(validation: Validation) -> Float64:
    """Return the largest distance (F,) of each frame's markers, m; -1 without a pose."""
    residuals = validation.fit.residuals
    return np.asarray(np.where(np.isfinite(residuals), residuals, -1.0).max(axis=1))


def worst_frame(validation: Validation) -> int:
    """Return the frame with the largest distance of a marker to the model."""
    return int(_largest(validation).argmax())


def typical_frame(validation: Validation) -> int:
    """Return the frame whose largest distance is the middle one of all frames with a pose."""
    solved = np.flatnonzero(validation.fit.solved)
    order = np.argsort(_largest(validation)[solved], kind="stable")
    return int(solved[order[len(order) // 2]])


def viewer_data(validation: Validation, wanted: Sequence[int] = ()) -> dict[str, Any]:
    """Return at most 600 frames, evenly, and those `wanted`, as the viewer's script takes them.

    Plain lists of whole millimetres, `None` where there is nothing.
    """
    count = len(validation.markers)
    even = np.linspace(0, count - 1, min(count, _MOST)).round().astype(np.int64)
    scene = scene_of(validation, np.union1d(even, np.array(wanted, np.int64)))
    typical = typical_frame(validation)
    return {
        "frames": scene.frames.tolist(),
        "times": np.round(scene.times, 4).tolist(),
        "spine": _flat(scene.spine),
        "model": _flat(scene.model),
        "measured": _flat(scene.measured),
        "states": ["".join(map(str, row)) for row in scene.states.tolist()],
        "names": list(SPINETRACK.keypoints),
        "bones": [list(pair) for pair in BONES],
        "chain": SPINETRACK.spine_indices.tolist(),
        "heading": round(heading(validation.fit.markers[typical]), 4),
    }


def _flat(points: Float64) -> list[list[int | None]]:
    """Return points (N, P, 3) as N lists of 3 P whole millimetres."""
    rows = np.round(points.reshape(len(points), -1) * 1000).tolist()
    return [[None if math.isnan(v) else int(v) for v in row] for row in rows]
