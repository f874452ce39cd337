"""Map a SimCC peak to the chance that the keypoint is right.

Right means within the distance where COCO's similarity of one keypoint is 0.5:
``exp(-d^2 / (2 A (2 sigma)^2)) >= 0.5``. The map is logistic in the logarithm of the smaller of
the two peak probabilities (Platt, 1999), two numbers for all keypoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from spinepose.evaluation.oks import AREA_PER_BOX
from spinepose.geometry import area_of
from spinepose.skeleton import SPINETRACK

__all__ = ["Logistic", "calibration_error", "calibration_table", "fit_logistic", "hits"]

Bools = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Logistic:
    """``score = 1 / (1 + exp(-(a ln p + b)))``."""

    a: float
    b: float

    def __call__(self, peaks: Float32) -> Float64:
        """Return scores in 0..1 for peak probabilities of the same shape."""
        return np.asarray(expit(self.a * _log(peaks) + self.b))

    def describe(self) -> str:
        """Return the formula in words, for the card."""
        return (
            "score = 1 / (1 + exp(-(a ln p + b))), p = min(max softmax(simcc_x), max "
            "softmax(simcc_y)): the chance that the keypoint lies where its COCO similarity is "
            "at least 0.5"
        )


def _log(peaks: Float32) -> Float64:
    return np.asarray(np.log(np.clip(peaks.astype(np.float64), 1e-9, 1)))


def hits(points: Floats, truth: Floats, boxes: Floats) -> Bools:
    """Return which predictions are right.

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
    sigmas = SPINETRACK.sigma_array[: points.shape[1]]
    reach = 2 * areas[:, None] * (2 * sigmas) ** 2 * np.log(2)
    squared = ((points.astype(np.float64) - truth) ** 2).sum(axis=-1)
    return np.asarray(np.nan_to_num(squared, nan=np.inf) <= reach)


def fit_logistic(peaks: Float32, right: Bools, weights: Floats) -> Logistic:
    """Return the most likely map.

    Parameters
    ----------
    peaks, right, weights
        Of one shape, any: peak probabilities, whether the keypoint is right, and how much it
        counts (0 = not labelled).

    Raises
    ------
    ValueError
        If there are not both right and wrong keypoints: any steep map would do.
    """
    used = weights > 0
    x, y = _log(peaks[used]), right[used].astype(np.float64)
    w = weights[used].astype(np.float64)
    if not 0 < y.sum() < len(y):
        raise ValueError("to fit the score, some labelled keypoints must be right and some wrong")

    def cost(ab: Float64) -> float:
        z = ab[0] * x + ab[1]
        return float((w * (np.logaddexp(0, z) - y * z)).sum() / w.sum())

    found = minimize(cost, np.array([2.0, 6.0]), method="Nelder-Mead").x
    return Logistic(float(found[0]), float(found[1]))


def calibration_table(
    scores: Floats, right: Bools, weights: Floats, bins: int = 10
) -> list[tuple[float, float, float]]:
    """Return (mean score, share right, share of all) for scores in equal bins of 0..1."""
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
