"""A person's size and a smooth motion, found from markers of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from spinepose.biomech.ik import Fit
from spinepose.biomech.scaling import choose_frames, estimate_scale, scale_and_solve
from spinepose.biomech.smoothing import Smoothed, smooth
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import SPINETRACK
from tests.unit.biomech.motions import BODY, SPEC, moving_person, rms

GROUPS = len(SPEC.groups)
RATE = 25.0
POSES = moving_person(60, RATE, seed=1)
SIZE = np.random.default_rng(1).uniform(0.92, 1.08, GROUPS)
TRUTH = BODY.markers(POSES, SIZE)
FAST = 50.0
FAST_POSES = moving_person(60, FAST, seed=1)
FAST_TRUTH = BODY.markers(FAST_POSES, SIZE)
FLEXION = [
    SPEC.coordinate_index[f"{region}_extension"]
    for region in ("lumbar", "lower_thoracic", "upper_thoracic")
]


def noisy(sigma: float) -> np.ndarray:
    return np.asarray(TRUTH + np.random.default_rng(2).normal(0, sigma, TRUTH.shape))


@pytest.fixture(scope="module")
def measured() -> tuple[np.ndarray, Fit, Smoothed]:
    """Markers with 10 mm of noise per axis, their fit, and what smoothing makes of it."""
    points = FAST_TRUTH + np.random.default_rng(2).normal(0, 0.01, FAST_TRUTH.shape)
    fit = scale_and_solve(points, BODY, frames=24)
    return points, fit, smooth(fit, points, BODY, FAST)


def test_clean_markers_are_met_at_an_estimated_size() -> None:
    fit = scale_and_solve(TRUTH[::3], BODY, frames=20)
    assert rms(fit.residuals) < 3e-3
    # Long bones are told well; what little moves in the neck is not.
    limbs = [SPEC.groups.index(name) for name in ("upper_arm", "forearm", "thigh", "shank")]
    np.testing.assert_allclose(fit.scale[limbs], SIZE[limbs], atol=0.02)


def test_a_mirrored_person_has_the_same_size() -> None:
    points = noisy(0.005)[::6]
    one = estimate_scale(points, BODY)
    other = estimate_scale(points[:, SPINETRACK.flip] * [1, 1, -1], BODY)
    np.testing.assert_allclose(one, other, atol=2e-3)


def test_smoothing_brings_noise_near_the_truth(
    measured: tuple[np.ndarray, Fit, Smoothed],
) -> None:
    _, fit, found = measured
    smoothed = found.fit
    assert rms(np.linalg.norm(smoothed.markers - FAST_TRUTH, axis=2)) < 6e-3
    flexion = smoothed.coordinates[:, FLEXION].sum(axis=1) - FAST_POSES[:, FLEXION].sum(axis=1)
    assert np.degrees(rms(flexion)) < 4
    assert rms(smoothed.markers - FAST_TRUTH) < 0.6 * rms(fit.markers - FAST_TRUTH)


def test_a_residual_is_no_accuracy(measured: tuple[np.ndarray, Fit, Smoothed]) -> None:
    """Smoothing makes residuals larger, and what was before is kept."""
    _, fit, found = measured
    assert rms(found.fit.residuals) > rms(fit.residuals)
    np.testing.assert_array_equal(found.before, fit.residuals)


def test_smoothing_hides_no_error() -> None:
    points = noisy(0.003)[:30]
    bad = SPEC.marker_index["spine_03"]
    points[10:20, bad] += [-0.15, 0, 0]
    fit = scale_and_solve(points, BODY, frames=15)
    found = smooth(fit, points, BODY, RATE)
    for residuals in (found.before, found.fit.residuals):
        assert residuals[10:20, bad].min() > 0.1
    assert np.delete(found.before, bad, axis=1).max() < 0.045


def test_gaps_are_bridged_and_long_ones_left() -> None:
    points = noisy(0.002)
    points[[0, 1, 58, 59]] = np.nan
    points[10:15] = np.nan
    points[25:45] = np.nan
    fit = scale_and_solve(points, BODY, frames=15)
    found = smooth(fit, points, BODY, RATE, longest_gap=0.3)
    np.testing.assert_array_equal(np.flatnonzero(found.bridged), np.arange(10, 15))
    assert not found.fit.solved[[0, 1, 30, 44, 58, 59]].any()
    gap = np.linalg.norm(found.fit.markers[10:15] - TRUTH[10:15], axis=2)
    assert rms(gap) < 0.02
    assert np.isnan(found.fit.residuals[10:15]).all()


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 6])
def test_short_recordings(frames: int) -> None:
    """The band of the second differences has ends that meet when there are few frames."""
    points = noisy(0.004)[:frames]
    fit = scale_and_solve(points, BODY)
    found = smooth(fit, points, BODY, RATE).fit
    assert found.solved.all()
    assert rms(np.linalg.norm(found.markers - TRUTH[:frames], axis=2)) < 0.02


def test_frames_with_most_markers_are_chosen() -> None:
    present = np.zeros((10, 37), np.bool_)
    present[2], present[7, :20], present[8, :30] = True, True, True
    np.testing.assert_array_equal(choose_frames(present, 2), [2, 8])


def test_what_makes_no_sense_is_refused() -> None:
    points = TRUTH[:4]
    fit = Fit(POSES[:4], points, np.zeros(points.shape[:2]), SIZE)
    with pytest.raises(UsageError):
        smooth(fit, points, BODY, 0.0)
    with pytest.raises(UsageError):
        smooth(fit, points, BODY, RATE, accelerations=[1.0])
    with pytest.raises(UsageError):
        smooth(fit, TRUTH[:5], BODY, RATE)
    with pytest.raises(UsageError):
        estimate_scale(points, BODY, frames=0)
    with pytest.raises(DataError):
        estimate_scale(np.full_like(points, np.nan), BODY)
