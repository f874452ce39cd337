"""Errors of keypoints in pixels and trunk lengths, PCK and AUC."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.skeleton import SPINETRACK

__all__ = ["AUC_LIMIT", "END_ON", "PCK_LIMIT", "auc", "distances", "pck", "trunk_lengths"]

Float64 = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]

PCK_LIMIT = 0.2
"""A keypoint is right within this many trunk lengths (after Sapp and Taskar, CVPR 2013, whose
torso runs from the left shoulder to the right hip)."""
AUC_LIMIT = 0.5
"""The PCK curve is integrated up to this many trunk lengths, as for the MPII benchmark."""
END_ON = 0.1
"""A trunk shorter than this share of the box's longer side is seen end-on: no measure."""


def trunk_lengths(labels: Floats, boxes: Floats) -> Float64:
    """Return the trunk lengths (N,) of labelled people, in pixels.

    The length is that from the middle of the shoulders to the middle of the hips. It is NaN where
    one of the four is not labelled, and where the trunk points at the camera (:data:`END_ON`).

    Parameters
    ----------
    labels
        (N, 37, 2) pixels; NaN = no label.
    boxes
        (N, 4) xyxy pixels.
    """
    ends = [SPINETRACK.indices([f"left_{j}", f"right_{j}"]) for j in ("shoulder", "hip")]
    shoulders, hips = (labels[:, rows].astype(np.float64).mean(axis=1) for rows in ends)
    length = np.linalg.norm(shoulders - hips, axis=-1)
    least = END_ON * (boxes[:, 2:] - boxes[:, :2]).max(axis=-1, initial=0)
    return np.where(length >= least, length, np.nan)


def distances(predicted: Floats, labels: Floats) -> Float64:
    """Return the errors (N, K) in pixels: NaN = no label, infinite = not found."""
    gap = np.linalg.norm(predicted.astype(np.float64) - labels.astype(np.float64), axis=-1)
    known = np.isfinite(labels).all(axis=-1)
    return np.where(known, np.where(np.isfinite(gap), gap, np.inf), np.nan)


def pck(relative: Floats, limit: float = PCK_LIMIT) -> float:
    """Return the percentage of correct keypoints: errors of at most `limit` trunk lengths.

    Parameters
    ----------
    relative
        Errors in trunk lengths, any shape; NaN does not count, infinite is wrong.
    limit
        In trunk lengths.
    """
    known = relative[~np.isnan(relative)]
    return float(100 * (known <= limit).mean()) if len(known) else float("nan")


def auc(relative: Floats, limit: float = AUC_LIMIT) -> float:
    """Return the mean in percent of the PCK over all limits from 0 to `limit`.

    That area under the PCK curve is, exactly, the mean of ``max(0, 1 - error / limit)``.
    """
    known = relative[~np.isnan(relative)]
    return float(100 * np.clip(1 - known / limit, 0, 1).mean()) if len(known) else float("nan")
