"""The rendered people of the gallery, whose true keypoints are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spinepose import SPINETRACK, SpinePoseEstimator

TRUTH = json.loads((Path(__file__).parents[2] / "examples" / "truth.json").read_text())["images"]


@pytest.fixture(scope="module")
def estimator() -> SpinePoseEstimator:
    return SpinePoseEstimator()


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_the_spine_lies_where_it_was_rendered(
    name: str, estimator: SpinePoseEstimator, examples: Path
) -> None:
    truth = np.array(TRUTH[name])
    people = estimator.poses(examples / name)
    assert len(people) == len(truth)
    gaps = np.linalg.norm(people.keypoints[:, None] - truth[None], axis=-1)
    trunk = np.linalg.norm(
        truth[:, SPINETRACK.index("neck")] - truth[:, SPINETRACK.index("hip")], axis=-1
    )
    mean_gap = np.nanmean(gaps[:, :, SPINETRACK.spine_indices], axis=-1)
    nearest = mean_gap.argmin(axis=1)
    assert sorted(nearest) == list(range(len(truth)))
    share = mean_gap[np.arange(len(people)), nearest] / trunk[nearest]
    assert (share < 0.09).all(), share.round(3)
