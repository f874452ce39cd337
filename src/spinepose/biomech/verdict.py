"""What a body model says about measured markers: which keypoints no body could have.

A keypoint that stays far from the fitted body is wrong, or the body is. Distances are those that
each frame by itself left, before smoothing. They do not tell the accuracy: a model follows small
errors, and an error along a bone or of one vertebral level (20 to 35 mm) does not show. F frames, M
markers, Q coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.biomech.ik import LEAST_MARKERS, Fit, nearest_angles
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.spec import ModelSpec
from spinepose.biomech.spine import LIMIT_MARGIN
from spinepose.biomech.statistics import rms
from spinepose.errors import DataError, UsageError
from spinepose.plain import markdown_table, plain

__all__ = [
    "FLAG",
    "WARN",
    "Flag",
    "JointRange",
    "KeypointVerdict",
    "SegmentVerdict",
    "Verdict",
    "judge_markers",
]

Float64 = npt.NDArray[np.float64]

WARN, FLAG = 0.045, 0.100
"""Metres. With a 15 cm error of one keypoint, no good keypoint of the trials was beyond the first
and the bad one was always beyond the second."""

_TOLERANCE = math.radians(5.0)
"""Angles from noisy markers are about that uncertain."""
_CUT = math.radians(160.0)
"""Limits this wide are cut at flesh or at half a turn and not widened by `LIMIT_MARGIN`."""
_LEAST_COSINE = 0.5
"""Of the second angle of three, below which errors of the others are more than doubled."""
_MIDDLE = (5.0, 95.0)
"""Percentiles of the usual range of an angle."""

_SEGMENTS = (
    ("shoulder width", "left_shoulder", "right_shoulder"),
    ("hip width", "left_hip", "right_hip"),
    ("spine", "hip", "neck"),
    ("neck", "neck", "neck_03"),
    *(
        (f"{side} {name}", f"{side}_{start}", f"{side}_{end}")
        for side in ("left", "right")
        for name, start, end in (
            ("upper arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
            ("thigh", "hip", "knee"),
            ("shank", "knee", "ankle"),
            ("foot", "heel", "big_toe"),
        )
    ),
)


@dataclass(frozen=True, slots=True)
class KeypointVerdict:
    """How one keypoint fits the body.

    Attributes
    ----------
    name, body
        The keypoint and the body of the model that carries it.
    frames
        In which it was measured.
    rmse_mm
        Root mean square of its distance to the model, NaN if never measured.
    bias_mm
        Mean of measured minus model in the body's frame: forward, up, right of it, for the
        standing person (vertebrae and head tilt along).
    warned, flagged
        Shares of the frames beyond the two limits.
    """

    name: str
    body: str
    frames: int
    rmse_mm: float
    bias_mm: tuple[float, float, float]
    warned: float
    flagged: float


@dataclass(frozen=True, slots=True)
class SegmentVerdict:
    """The length of a segment between two keypoints.

    Attributes
    ----------
    name
        Of the segment.
    frames
        In which both ends were measured.
    measured_mm, spread_mm
        Median, and half the way between the 16th and 84th percentile (a standard deviation).
    model_mm
        Median in the fitted model.
    """

    name: str
    frames: int
    measured_mm: float
    spread_mm: float
    model_mm: float


@dataclass(frozen=True, slots=True)
class JointRange:
    """How far one coordinate went, in degrees, against the range that is published.

    Attributes
    ----------
    name
        Of the coordinate.
    frames
        In which it is told. The first and third angle of a shoulder or hip turn about nearly one
        axis, and are not, where the second is within 30 degrees of a right angle.
    low, high
        5th and 95th percentile.
    published_low, published_high
        Mean ranges of adults. Hinges, and what turns half a turn, end where the model ends.
    beyond
        Share of those frames that are more than 5 degrees outside.
    """

    name: str
    frames: int
    low: float
    high: float
    published_low: float
    published_high: float
    beyond: float


@dataclass(frozen=True, slots=True)
class Flag:
    """A keypoint of one frame that someone should look at."""

    frame: int
    keypoint: str
    distance_mm: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Attributes
    ----------
    frames, solved
        Number of all frames, and of those with a pose.
    warn_mm, flag_mm
        The limits.
    rmse_mm
        Of all keypoints and frames.
    keypoints, segments, angles
        One by one; angles that are told in no frame are left out.
    flags
        Everything beyond the second limit, the worst first.
    """

    frames: int
    solved: int
    warn_mm: float
    flag_mm: float
    rmse_mm: float
    keypoints: tuple[KeypointVerdict, ...]
    segments: tuple[SegmentVerdict, ...]
    angles: tuple[JointRange, ...]
    flags: tuple[Flag, ...]

    @property
    def passed(self) -> bool:
        """Whether every frame was solved and nothing was flagged."""
        return self.solved == self.frames and not self.flags

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings, for JSON; what is not known is None."""
        found: dict[str, Any] = plain(asdict(self) | {"passed": self.passed})
        return found

    def to_markdown(self) -> str:
        """Return the tables of a report."""
        return "\n".join(_report(self)) + "\n"


def judge_markers(
    markers: npt.ArrayLike,
    fit: Fit,
    body: Kinematics,
    *,
    warn: float = WARN,
    flag: float = FLAG,
) -> Verdict:
    """Judge measured markers by what the body model leaves of them.

    Parameters
    ----------
    markers
        (F, M, 3) m, that were solved.
    fit
        From :func:`.scale_and_solve`. Not a smoothed one: smoothing mixes frames, and a distance
        is then no longer the frame's own.
    body
        The model.
    warn, flag
        Metres.

    Raises
    ------
    DataError
        If no frame has a pose.
    UsageError
        If shapes do not fit, or not 0 < warn <= flag.
    """
    spec = body.spec
    points = np.asarray(markers, np.float64)
    if points.shape != fit.markers.shape or points.shape[1] != len(spec.markers):
        raise UsageError(f"markers have shape {points.shape}, the fit {fit.markers.shape}")
    if not 0 < warn <= flag:
        raise UsageError(f"limits must be 0 < warn <= flag, not {warn} and {flag}")
    if not fit.solved.any():
        raise DataError(f"no frame has a pose; each needs {LEAST_MARKERS} markers")
    distances = np.linalg.norm(points - fit.markers, axis=2)
    keypoints = _keypoints(points, fit, body, distances, warn, flag)
    return Verdict(
        frames=len(points),
        solved=int(fit.solved.sum()),
        warn_mm=warn * 1000,
        flag_mm=flag * 1000,
        rmse_mm=rms(distances) * 1000,
        keypoints=tuple(keypoints),
        segments=tuple(_segments(spec, points, fit)),
        angles=tuple(_angles(body, fit)),
        flags=_flags(spec, distances, flag),
    )


def _keypoints(
    points: Float64, fit: Fit, body: Kinematics, distances: Float64, warn: float, flag: float
) -> Iterator[KeypointVerdict]:
    spec = body.spec
    solved = np.flatnonzero(fit.solved)
    axes = body.frames(fit.coordinates[solved], fit.scale).axes
    for i, marker in enumerate(spec.markers):
        difference = (points - fit.markers)[solved, i]
        known = np.isfinite(difference).all(axis=1)
        own = np.einsum("fij,fi->fj", axes[known, spec.body_index[marker.body]], difference[known])
        distance = distances[solved, i][known]
        count = len(distance)
        x, y, z = (own.mean(axis=0) * 1000).tolist() if count else (math.nan,) * 3
        yield KeypointVerdict(
            name=marker.name,
            body=marker.body,
            frames=count,
            rmse_mm=rms(distance) * 1000,
            bias_mm=(x, y, z),
            warned=float((distance > warn).mean()) if count else 0.0,
            flagged=float((distance > flag).mean()) if count else 0.0,
        )


def _segments(spec: ModelSpec, points: Float64, fit: Fit) -> Iterator[SegmentVerdict]:
    for name, start, end in _SEGMENTS:
        i, j = spec.marker_index[start], spec.marker_index[end]
        measured, model = (
            np.linalg.norm(array[:, i] - array[:, j], axis=1) * 1000
            for array in (points, fit.markers)
        )
        measured, model = measured[np.isfinite(measured)], model[np.isfinite(model)]
        if len(measured):
            low, middle, high = np.percentile(measured, [16, 50, 84]).tolist()
            yield SegmentVerdict(
                name, len(measured), middle, (high - low) / 2, float(np.median(model))
            )


def _angles(body: Kinematics, fit: Fit) -> Iterator[JointRange]:
    spec = body.spec
    q, told = _told_angles(body, fit)
    for i, item in enumerate(spec.coordinates):
        values = q[told[:, i], i]
        if item.translation or not math.isfinite(item.high) or not len(values):
            continue
        ends = (item.low, item.high)
        limits = [end if abs(end) > _CUT - 1e-9 else end / LIMIT_MARGIN for end in ends]
        outside = (values < limits[0] - _TOLERANCE) | (values > limits[1] + _TOLERANCE)
        low, high = np.degrees(np.percentile(values, _MIDDLE)).tolist()
        first, last = np.degrees(limits).tolist()
        yield JointRange(item.name, len(values), low, high, first, last, float(outside.mean()))


def _told_angles(body: Kinematics, fit: Fit) -> tuple[Float64, npt.NDArray[np.bool_]]:
    """Return solved poses (F, Q), near the middle of limits, and which angles mean something."""
    q = fit.coordinates[fit.solved].copy()
    told = np.ones(q.shape, np.bool_)
    middle = np.zeros_like(q)
    for columns in body.balls[1:]:
        middle[:, columns] = body.spec.limits[:, columns].mean(axis=0)
        q[:, columns] = nearest_angles(body.spec, columns, q, middle)
        first, second, third = columns
        told[:, [first, third]] = np.abs(np.cos(q[:, [second]])) >= _LEAST_COSINE
    return q, told


def _flags(spec: ModelSpec, distances: Float64, flag: float) -> tuple[Flag, ...]:
    found = [
        Flag(int(f), spec.markers[m].name, float(distances[f, m] * 1000))
        for f, m in np.argwhere(distances > flag)
    ]
    return tuple(sorted(found, key=lambda item: -item.distance_mm))


def _report(found: Verdict) -> Iterator[str]:
    """Yield the lines of a report."""
    yield "# Do the keypoints fit a body?"
    yield ""
    yield (
        f"{found.solved} of {found.frames} frames solved, RMSE {found.rmse_mm:.1f} mm, "
        f"{len(found.flags)} keypoints flagged (> {found.flag_mm:.0f} mm). A distance to the model "
        "is not an accuracy: what a body can do is not found to be wrong."
    )
    yield ""
    head = ("keypoint", "frames", "RMSE mm", "forward", "up", "right", "> warn", "> flag")
    yield markdown_table(
        head,
        [
            (
                item.name,
                str(item.frames),
                f"{item.rmse_mm:.1f}",
                *(f"{part:.1f}" for part in item.bias_mm),
                f"{item.warned:.1%}",
                f"{item.flagged:.1%}",
            )
            for item in found.keypoints
            if item.frames
        ],
    )
    yield ""
    yield markdown_table(
        ("segment", "measured mm", "spread mm", "model mm"),
        [
            (item.name, *(f"{v:.0f}" for v in (item.measured_mm, item.spread_mm, item.model_mm)))
            for item in found.segments
        ],
    )
    yield ""
    yield markdown_table(
        ("angle", "frames", "5 to 95 %", "published", "beyond"),
        [
            (
                item.name,
                str(item.frames),
                f"{item.low:.0f} to {item.high:.0f}",
                f"{item.published_low:.0f} to {item.published_high:.0f}",
                f"{item.beyond:.1%}",
            )
            for item in found.angles
        ],
    )
