"""How well scores are chances: keypoints that are right, and the curve of scores against them.

A keypoint is right where COCO's similarity of one keypoint is at least 0.5:
``exp(-d^2 / (2 A (2 sigma)^2)) >= 0.5``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.dataset.people import AREA_PER_BOX
from spinepose.geometry import area_of
from spinepose.skeleton import SPINETRACK

__all__ = ["calibration_error", "calibration_table", "hits", "near_enough"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating]


def near_enough(points: Floats, truth: Floats, areas: Floats, sigmas: Floats) -> Bools:
    """Return which predictions are right.

    Parameters
    ----------
    points, truth
        (N, K, 2) predictions and labels in pixels of the same picture; NaN is not right.
    areas
        (N,) areas of the people in square pixels.
    sigmas
        (K,) falloffs.

    Returns
    -------
    right : (N, K)
    """
    reach = 2 * areas[:, None] * (2 * sigmas) ** 2 * np.log(2)
    squared = ((points.astype(np.float64) - truth) ** 2).sum(axis=-1)
    return np.asarray(np.nan_to_num(squared, nan=np.inf) <= reach)


def hits(points: Floats, truth: Floats, boxes: Floats) -> Bools:
    """Return which predictions are right, for people whose area is not known.

    Parameters
    ----------
    points, truth
        (N, K, 2) predictions and labels in pixels of the same picture, the first K keypoints of
        SpineTrack; NaN is not right.
    boxes
        (N, 4) xyxy, of the people in the same pixels.

    Returns
    -------
    right : (N, K)
    """
    areas = AREA_PER_BOX * area_of(np.asarray(boxes, dtype=np.float64))
    return near_enough(points, truth, areas, SPINETRACK.sigma_array[: points.shape[1]])


def calibration_table(
    scores: Floats, right: Bools, weights: Floats, bins: int = 10
) -> list[tuple[float, float, float]]:
    """Return (mean score, share right, share of all) for scores in equal bins of 0..1.

    Parameters
    ----------
    scores, right, weights
        Of one shape, any: scores in 0..1, whether the keypoint is right, and how much it counts
        (0 = not labelled).
    bins
        Number of bins; empty ones have no row.
    """
    used = weights > 0
    s, r, w = (v[used].astype(np.float64) for v in (scores, right, weights))
    place = np.minimum((s * bins).astype(int), bins - 1)
    rows = []
    for i in range(bins):
        here = place == i
        total = w[here].sum()
        if total > 0:
            mean, share = (float((v[here] * w[here]).sum() / total) for v in (s, r))
            rows.append((mean, share, float(total / w.sum())))
    return rows


def calibration_error(scores: Floats, right: Bools, weights: Floats, bins: int = 10) -> float:
    """Return the expected calibration error in 0..1: mean distance of scores and shares right.

    Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015,
    over equal bins of 0..1.
    """
    table = calibration_table(scores, right, weights, bins)
    return sum(part * abs(mean - share) for mean, share, part in table)
