import numpy as np
import pytest

pytest.importorskip("scipy")

from spinepose.dataset.people import AREA_PER_BOX
from spinepose.evaluation.oks import oks
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.calibrate import (
    Logistic,
    calibration_error,
    calibration_table,
    fit_logistic,
    hits,
)


def drawn(score: Logistic, number: int = 20000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw peaks, and keypoints that are right with the chance that the map gives."""
    rng = np.random.default_rng(0)
    peaks = rng.uniform(0.005, 0.07, (number, 2)).astype(np.float32)
    return peaks, rng.random((number, 2)) < score(peaks), np.ones((number, 2))


def test_the_map_that_drew_the_keypoints_is_found_again() -> None:
    wanted = Logistic(2.4, 8.9)
    peaks, right, weights = drawn(wanted)
    found = fit_logistic(peaks, right, weights)
    assert found.a == pytest.approx(wanted.a, rel=0.05)
    assert found.b == pytest.approx(wanted.b, rel=0.05)
    assert calibration_error(found(peaks), right, weights) < 0.01


def test_keypoints_without_weight_do_not_count() -> None:
    peaks, right, weights = drawn(Logistic(2.4, 8.9), 2000)
    weights[:, 1] = 0
    wanted = fit_logistic(peaks[:, 0], right[:, 0], weights[:, 0])
    right[:, 1] = False
    assert fit_logistic(peaks, right, weights) == wanted


def test_all_right_is_refused() -> None:
    peaks = np.full(9, 0.03, np.float32)
    with pytest.raises(ValueError, match="some wrong"):
        fit_logistic(peaks, np.ones(9, bool), np.ones(9))


def test_scores_stay_finite_at_the_ends() -> None:
    peaks = np.array([0, 1e-30, 1], np.float32)
    scores = Logistic(500.0, 300.0)(peaks)
    assert scores == pytest.approx([0, 0, 1])


def test_a_keypoint_is_right_where_its_similarity_is_a_half() -> None:
    box = np.array([[10.0, 20.0, 110.0, 320.0]])
    for k in (0, 11, 26):
        truth = np.full((1, 37, 2), np.nan)
        truth[0, k] = 50.0
        area = np.array([AREA_PER_BOX * 100 * 300])
        sigma = SPINETRACK.sigma_array[k]
        far = np.sqrt(2 * area[0] * np.log(2)) * 2 * sigma
        for factor, expected in ((0.99, True), (1.01, False)):
            points = truth.copy()
            points[0, k, 0] += factor * far
            assert hits(points, truth, box)[0, k] == expected
            similarity = oks(points, truth, area, SPINETRACK.sigma_array)
            assert (similarity[0] >= 0.5) == expected


def test_fewer_keypoints_and_missing_ones() -> None:
    truth = np.full((2, 17, 2), 5.0)
    points = truth.copy()
    points[1, 3] = np.nan
    right = hits(points, truth, np.array([[0, 0, 9, 9], [0, 0, 9, 9]]))
    assert right.sum() == 33
    assert not right[1, 3]


def test_the_error_is_the_mean_distance_of_score_and_share() -> None:
    scores = np.array([0.95, 0.95, 0.15, 0.15])
    right = np.array([True, False, False, False])
    weights = np.array([1.0, 1.0, 1.0, 1.0])
    assert calibration_table(scores, right, weights) == [
        pytest.approx((0.15, 0.0, 0.5)),
        pytest.approx((0.95, 0.5, 0.5)),
    ]
    assert calibration_error(scores, right, weights) == pytest.approx(0.5 * 0.15 + 0.5 * 0.45)
