"""What counts as a person."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.poses import Poses

__all__ = ["boxes_of", "is_person"]

_LEAST_PERSON_SCORE = 0.1
"""Mean keypoint score below which a box holds nobody; half-hidden people still pass."""


def is_person(poses: Poses) -> npt.NDArray[np.bool_]:
    """Tell (N,) which boxes hold somebody, by the mean score of their keypoints."""
    return np.asarray(poses.person_scores() >= _LEAST_PERSON_SCORE)


def boxes_of(keypoints: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the boxes (N, 4) around all keypoints (N, K, 2); NaN where there are none."""
    from spinepose.geometry import boxes_from_keypoints

    everything = np.asarray(np.isfinite(keypoints).all(axis=-1), dtype=np.float32)
    return np.asarray(boxes_from_keypoints(keypoints, everything, 0.5), dtype=np.float32)
