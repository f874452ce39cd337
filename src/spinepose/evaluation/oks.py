"""Object keypoint similarity (OKS) of people whose box is known, and the share above thresholds.

COCO keypoint evaluation (cocodataset.org; Ronchi and Perona, ICCV 2017), without detection: each
prediction belongs to one labelled person.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["THRESHOLDS", "oks", "oks_share"]

Float64 = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.floating]

THRESHOLDS: Float64 = np.arange(0.5, 0.96, 0.05)


def oks(
    predicted: FloatArray, labelled: FloatArray, areas: FloatArray, sigmas: FloatArray
) -> Float64:
    """Return the OKS (N,) of predictions (N, K, 2) against labels (N, K, 2).

    Parameters
    ----------
    predicted, labelled
        Pixels in the same frame; NaN labels do not count, NaN predictions miss.
    areas
        (N,) person areas in square pixels.
    sigmas
        (K,) falloffs.

    Returns
    -------
    similarity : (N,)
        In 0..1; NaN for people without a label.
    """
    counted = np.isfinite(labelled).all(axis=-1)
    gap = predicted.astype(np.float64) - labelled.astype(np.float64)
    squared = (np.where(np.isfinite(gap), gap, np.inf) ** 2).sum(axis=-1)
    spread = 2 * areas.astype(np.float64)[:, None] * (2 * sigmas.astype(np.float64)) ** 2
    near = np.where(counted, np.exp(-squared / spread), 0.0)
    number = counted.sum(axis=-1)
    return np.asarray(np.where(number > 0, near.sum(axis=-1) / np.maximum(number, 1), np.nan))


def oks_share(similarity: Float64, thresholds: Float64 = THRESHOLDS) -> float:
    """Return the share of people above a threshold, mean over thresholds, in percent."""
    known = similarity[np.isfinite(similarity)]
    return float(100 * np.mean([(known > t).mean() for t in thresholds]))
