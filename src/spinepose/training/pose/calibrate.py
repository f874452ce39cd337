"""Map a SimCC peak to the chance that the keypoint is right.

Right means within the distance where COCO's similarity of one keypoint is 0.5:
``exp(-d^2 / (2 A (2 sigma)^2)) >= 0.5``. The map is logistic in the logarithm of the smaller of
the two peak probabilities (Platt, 1999), two numbers for all keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from spinepose.evaluation.oks import AREA_PER_BOX
from spinepose.geometry import area_of
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.people import Person

__all__ = ["Logistic", "calibration_table", "fit_logistic", "hits"]

FloatArray = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Logistic:
    """``score = 1 / (1 + exp(-(a ln p + b)))``."""

    a: float
    b: float

    def __call__(self, peaks: FloatArray) -> Float64:
        """Return scores in 0..1 for peak probabilities of the same shape."""
        z = self.a * np.log(np.clip(peaks.astype(np.float64), 1e-9, 1)) + self.b
        return np.asarray(1 / (1 + np.exp(-z)))

    def describe(self) -> str:
        """Return the formula in words, for the card."""
        return (
            "score = 1 / (1 + exp(-(a ln p + b))), p = min(max softmax(simcc_x), max "
            "softmax(simcc_y)): the chance that the keypoint lies where its COCO similarity is "
            "at least 0.5"
        )


def hits(points: FloatArray, people: Sequence[Person]) -> tuple[npt.NDArray[np.bool_], Float64]:
    """Return which predictions (N, 37, 2) are right, and weights (N, 37), 0 = unlabelled."""
    truth = np.stack([p.keypoints for p in people]).astype(np.float64)
    weights = np.stack([p.trust for p in people]).astype(np.float64)
    areas = AREA_PER_BOX * area_of(np.stack([p.box for p in people]))
    reach = 2 * areas[:, None] * (2 * SPINETRACK.sigma_array[None]) ** 2 * np.log(2)
    squared = ((points - truth) ** 2).sum(axis=-1)
    return np.nan_to_num(squared, nan=np.inf) <= reach, weights


def fit_logistic(peaks: FloatArray, right: npt.NDArray[np.bool_], weights: Float64) -> Logistic:
    """Return the most likely map; all arguments of one shape."""
    used = weights > 0
    x = np.log(np.clip(peaks[used].astype(np.float64), 1e-9, 1))
    y, w = right[used].astype(np.float64), weights[used]

    def cost(ab: Float64) -> float:
        z = ab[0] * x + ab[1]
        return float((w * (np.logaddexp(0, z) - y * z)).sum() / w.sum())

    found = minimize(cost, np.array([2.0, 6.0]), method="Nelder-Mead").x
    return Logistic(float(found[0]), float(found[1]))


def calibration_table(
    scores: Float64, right: npt.NDArray[np.bool_], weights: Float64, bins: int = 10
) -> list[tuple[float, float, float]]:
    """Return (mean score, share right, share of all) for scores in equal bins of 0..1."""
    used = weights > 0
    s, r, w = scores[used], right[used].astype(np.float64), weights[used]
    place = np.minimum((s * bins).astype(int), bins - 1)
    rows = []
    for i in range(bins):
        here = place == i
        total = w[here].sum()
        if total > 0:
            mean, share = (float((v[here] * w[here]).sum() / total) for v in (s, r))
            rows.append((mean, share, float(total / w.sum())))
    return rows
