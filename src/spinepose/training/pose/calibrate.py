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

from spinepose.evaluation.calibration import calibration_error, calibration_table, hits

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
