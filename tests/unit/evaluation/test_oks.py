import numpy as np
import pytest

from spinepose.evaluation.oks import oks, oks_share

SIGMAS = np.array([0.05, 0.1])
LABELS = np.array([[[10.0, 10.0], [50.0, 80.0]]])
AREA = np.array([100.0 * 100.0])


def test_a_perfect_prediction_scores_one() -> None:
    assert oks(LABELS, LABELS, AREA, SIGMAS) == pytest.approx([1.0])


def test_the_falloff_is_twice_sigma_times_the_root_of_the_area() -> None:
    off = LABELS.copy()
    off[0, 0, 0] += 100 * 2 * 0.05  # one standard deviation of the first keypoint
    expected = (np.exp(-0.5) + 1) / 2
    assert oks(off, LABELS, AREA, SIGMAS) == pytest.approx([expected])


def test_unlabelled_keypoints_do_not_count_and_missing_ones_miss() -> None:
    labelled = LABELS.copy()
    labelled[0, 1] = np.nan
    assert oks(LABELS, labelled, AREA, SIGMAS) == pytest.approx([1.0])
    predicted = LABELS.copy()
    predicted[0, 1] = np.nan
    assert oks(predicted, LABELS, AREA, SIGMAS) == pytest.approx([0.5])


def test_people_without_labels_are_left_out_of_the_share() -> None:
    nobody = np.full((1, 2, 2), np.nan)
    similarity = oks(LABELS, nobody, AREA, SIGMAS)
    assert np.isnan(similarity).all()
    assert oks_share(np.array([np.nan, 1.0])) == pytest.approx(100.0)


def test_the_share_is_the_mean_over_ten_thresholds() -> None:
    assert oks_share(np.array([0.52, 1.0])) == pytest.approx(100 * (1 + 10) / 20)
