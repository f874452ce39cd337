"""The charts and tables of a validation's report."""

from __future__ import annotations

import math
from html import escape

import numpy as np
import numpy.typing as npt

from spinepose.biomech.report.markup import bar, span, table
from spinepose.biomech.validation import Validation
from spinepose.biomech.verdict import KeypointVerdict, Verdict
from spinepose.draw.lines import lines
from spinepose.multiview import ReprojectionReport, ViewNumbers
from spinepose.plain import shown
from spinepose.skeleton import SPINETRACK

__all__ = [
    "angle_charts",
    "angle_table",
    "camera_tables",
    "headline",
    "keypoint_table",
    "residual_charts",
    "size_tables",
]

Float64 = npt.NDArray[np.float64]

_ENDS = ("nose", "eye", "ear", "head", "toe", "heel")
_GROUPS = {
    "Spine": tuple(SPINETRACK.spine),
    "Limbs, clavicles and latissimi": tuple(
        name
        for name in SPINETRACK.keypoints
        if name not in SPINETRACK.spine and not name.endswith(_ENDS)
    ),
    "Head and feet": tuple(name for name in SPINETRACK.keypoints if name.endswith(_ENDS)),
}
_CEILING = 2.0
"""Times the flag: larger distances are drawn at it, for the small ones to be seen."""

_REGIONS = {
    "lumbar": ("lumbar",),
    "thoracic": ("lower_thoracic", "upper_thoracic"),
    "neck": ("lower_neck", "upper_neck"),
}
_MOTIONS = {
    "extension": "Extension, backward positive",
    "bending": "Bending, to the right positive",
    "rotation": "Rotation, to the left positive",
}


def headline(found: Verdict) -> str:
    """Return the verdict in one sentence."""
    frames = {flag.frame for flag in found.flags}
    missing = found.frames - found.solved
    tail = f"{found.solved} of {found.frames} frames solved, RMSE {shown(found.rmse_mm)} mm."
    if found.passed:
        return f"Passed: no keypoint is more than {found.flag_mm:g} mm from the body; {tail}"
    reasons = []
    if found.flags:
        reasons.append(
            f"{len(found.flags)} keypoints in {len(frames)} frames are more than "
            f"{found.flag_mm:g} mm from the body"
        )
    if missing:
        reasons.append(f"{missing} frames have no pose")
    return f"Not passed: {', and '.join(reasons)}; {tail}"


def residual_charts(validation: Validation) -> list[str]:
    """Return the distances of each group of keypoints over time, before smoothing."""
    found = validation.verdict
    limits = {
        f"warn {found.warn_mm:g}": found.warn_mm,
        f"flag {found.flag_mm:g}": found.flag_mm,
    }
    charts = []
    for title, names in _GROUPS.items():
        distances = validation.fit.residuals[:, SPINETRACK.indices(names)] * 1000
        series = {"median": _of_frames(distances, 50), "maximum": _of_frames(distances, 100)}
        ceiling = _CEILING * found.flag_mm
        charts.append(lines(title, validation.times, series, "mm", limits=limits, ceiling=ceiling))
    return charts


def _of_frames(values: Float64, percentile: float) -> Float64:
    """Return a percentile (F,) of what each row of (F, M) has; NaN where it has nothing."""
    known = np.isfinite(values).any(axis=1)
    result = np.full(len(values), np.nan)
    if known.any():
        result[known] = np.nanpercentile(values[known], percentile, axis=1)
    return result


def keypoint_table(found: Verdict) -> str:
    """Return how each keypoint fits, the worst first."""
    measured = sorted((k for k in found.keypoints if k.frames), key=lambda k: -k.rmse_mm)
    head = (
        "keypoint", "RMSE mm", "", "forward", "up", "right",
        f"> {found.warn_mm:g} mm", f"> {found.flag_mm:g} mm", "frames",
    )  # fmt: skip
    rows = [
        [
            escape(item.name),
            shown(item.rmse_mm),
            bar(item.rmse_mm / found.flag_mm, _look(item, found)),
            *(shown(part) for part in item.bias_mm),
            _share(item.warned),
            f"<b>{_share(item.flagged)}</b>" if item.flagged else _share(0.0),
            str(item.frames),
        ]
        for item in measured
    ]
    return table(head, rows)


def _look(item: KeypointVerdict, found: Verdict) -> str:
    """Return the state that a keypoint's RMSE would have."""
    if item.rmse_mm > found.flag_mm:
        return "flag"
    return "warn" if item.rmse_mm > found.warn_mm else "ok"


def camera_tables(report: ReprojectionReport) -> str:
    """Return how the cameras, and the keypoints over all cameras, agree with the points."""
    head = ("keypoints", "mean px", "median px", "95 % px", "rejected")
    cameras = [_view(name, numbers) for name, numbers in report.cameras.items()]
    keypoints = [
        [*_view(name, numbers), *(_share(share) for share in shares)]
        for (name, numbers), shares in zip(
            report.keypoints.items(), report.rejected.T.tolist(), strict=True
        )
    ]
    by_camera = [f"rejected in {name}" for name in report.cameras]
    return (
        f"<p>{_share(report.solved)} of what two cameras or more saw has a point, which rests on "
        f"{shown(report.views)} views.</p>"
        + table(("camera", *head), cameras)
        + "<details><summary>keypoint by keypoint</summary>"
        + table(("keypoint", *head, *by_camera), keypoints)
        + "</details>"
    )


def _view(name: str, numbers: ViewNumbers) -> list[str]:
    errors = [shown(error) for error in (numbers.mean, numbers.median, numbers.p95)]
    return [escape(name), str(numbers.keypoints), *errors, _share(numbers.rejected)]


def size_tables(validation: Validation) -> str:
    """Return the lengths of segments, and the factors that the model was stretched by."""
    segments = [
        [
            escape(item.name),
            shown(item.measured_mm, 0),
            shown(item.spread_mm, 0),
            shown(item.model_mm, 0),
            f"{item.measured_mm - item.model_mm:+.0f}",
        ]
        for item in validation.verdict.segments
    ]
    factors = zip(validation.body.spec.groups, validation.fit.scale.tolist(), strict=True)
    return (
        table(("segment", "measured mm", "spread mm", "model mm", "difference mm"), segments)
        + "<details><summary>factors of the model's parts</summary>"
        + table(("part", "factor"), [[escape(name), f"{value:.3f}"] for name, value in factors])
        + "</details>"
    )


def angle_charts(validation: Validation) -> list[str]:
    """Return the smooth angles of the spine's regions over time."""
    index = validation.body.spec.coordinate_index
    q = np.degrees(validation.motion.fit.coordinates)
    return [
        lines(
            title,
            validation.times,
            {
                region: q[:, [index[f"{part}_{motion}"] for part in parts]].sum(axis=1)
                for region, parts in _REGIONS.items()
            },
            "degrees",
        )
        for motion, title in _MOTIONS.items()
    ]


def angle_table(found: Verdict) -> str:
    """Return how far each joint went, against what is published."""
    rows = []
    for item in found.angles:
        own, published = (item.low, item.high), (item.published_low, item.published_high)
        rows.append(
            [
                escape(item.name),
                str(item.frames),
                _range(own) if item.frames else "-",
                _range(published),
                span(own, published) if item.frames else "",
                f"<b>{_share(item.beyond)}</b>" if item.beyond else _share(0.0),
            ]
        )
    head = ("angle, degrees", "frames", "5 to 95 %", "published", "", "beyond")
    return table(head, rows)


def _range(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.0f} to {ends[1]:.0f}"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %" if math.isfinite(value) else "-"
