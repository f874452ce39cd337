"""How well views agree, in numbers and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.errors import UsageError
from spinepose.multiview.triangulation import Triangulation
from spinepose.plain import markdown_table, plain, shown

__all__ = ["ReprojectionReport", "ViewNumbers", "reprojection_report"]

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ViewNumbers:
    """How a camera, or a keypoint over all cameras, agrees with the points.

    Attributes
    ----------
    keypoints
        How many keypoints there are for which there is a point.
    rejected
        Share of these that were rejected, 0..1; NaN if there are none.
    mean, median, p95
        Reprojection error of those that were used, px; NaN if there are none.
    """

    keypoints: int
    rejected: float
    mean: float
    median: float
    p95: float


@dataclass(frozen=True, slots=True, eq=False)
class ReprojectionReport:
    """Numbers about a triangulation.

    Attributes
    ----------
    cameras, keypoints
        Numbers by name.
    rejected
        (C, K) share of rejected views by camera and keypoint, 0..1; NaN where there is nothing.
    solved
        Share of the (frame, keypoint) pairs seen by two views or more that have a point, 0..1;
        NaN if there are none.
    views
        Mean number of views that a point rests on; NaN if there is no point.
    """

    cameras: dict[str, ViewNumbers]
    keypoints: dict[str, ViewNumbers]
    rejected: Float64
    solved: float
    views: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries and lists for JSON; `None` where a number is NaN."""
        found: dict[str, Any] = plain(
            {
                "solved": self.solved,
                "views": self.views,
                "cameras": {name: _named(numbers) for name, numbers in self.cameras.items()},
                "keypoints": {name: _named(numbers) for name, numbers in self.keypoints.items()},
                "rejected": {
                    camera: dict(zip(self.keypoints, row, strict=True))
                    for camera, row in zip(self.cameras, self.rejected.tolist(), strict=True)
                },
            }
        )
        return found

    def to_markdown(self) -> str:
        """Return two tables, of cameras and of keypoints; errors in px, shares in per cent."""
        shares = list(self.rejected.T * 100)
        keypoint_rows = [
            [*_cells(name, numbers), *(shown(share) for share in row)]
            for (name, numbers), row in zip(self.keypoints.items(), shares, strict=True)
        ]
        camera_rows = [_cells(name, numbers) for name, numbers in self.cameras.items()]
        head = ["keypoints", "mean px", "median px", "95 % px", "rejected %"]
        by_camera = [f"rejected % {name}" for name in self.cameras]
        summary = f"{shown(self.solved * 100)} % solved, {shown(self.views)} views a point"
        return "\n\n".join(
            [
                summary,
                markdown_table(["camera", *head], camera_rows, align="lr"),
                markdown_table(["keypoint", *head, *by_camera], keypoint_rows, align="lr"),
            ]
        )


def reprojection_report(
    triangulation: Triangulation, cameras: Sequence[str], keypoints: Sequence[str]
) -> ReprojectionReport:
    """Return how well the views of a triangulation agree.

    Parameters
    ----------
    triangulation
        Of C cameras and K keypoints.
    cameras, keypoints
        Their names, all different.

    Raises
    ------
    UsageError
        If the names do not fit.
    """
    count, _, joints = triangulation.errors.shape
    if len(set(cameras)) != count or len(set(keypoints)) != joints:
        raise UsageError(
            f"{len(set(cameras))} cameras and {len(set(keypoints))} keypoints are named, but there "
            f"are {count} and {joints}"
        )
    judged = triangulation.present & triangulation.solved
    rejected, used = triangulation.rejected, triangulation.used
    errors = triangulation.errors

    def numbers(which: tuple[Any, ...]) -> ViewNumbers:
        kept = errors[which][used[which]]
        total = int(judged[which].sum())
        mean, median, p95 = (np.nan, np.nan, np.nan)
        if kept.size:
            mean, median, p95 = kept.mean(), np.median(kept), np.quantile(kept, 0.95)
        share = rejected[which].sum() / total if total else np.nan
        return ViewNumbers(total, float(share), float(mean), float(median), float(p95))

    totals = judged.sum(axis=1)
    shares = np.where(totals > 0, rejected.sum(axis=1) / np.maximum(totals, 1), np.nan)
    possible = triangulation.present.sum(axis=0) >= 2
    points = triangulation.solved
    return ReprojectionReport(
        cameras={name: numbers((c,)) for c, name in enumerate(cameras)},
        keypoints={name: numbers((..., k)) for k, name in enumerate(keypoints)},
        rejected=shares,
        solved=float(points.sum() / possible.sum()) if possible.any() else np.nan,
        views=float(triangulation.views[points].mean()) if points.any() else np.nan,
    )


def _named(numbers: ViewNumbers) -> dict[str, float | int]:
    """Return numbers by names that say their units."""
    return {
        "keypoints": numbers.keypoints,
        "rejected": numbers.rejected,
        "mean_px": numbers.mean,
        "median_px": numbers.median,
        "p95_px": numbers.p95,
    }


def _cells(name: str, numbers: ViewNumbers) -> list[str]:
    values = (numbers.mean, numbers.median, numbers.p95, 100 * numbers.rejected)
    return [name, str(numbers.keypoints), *(shown(value) for value in values)]
