import numpy as np
import pytest

from spinepose.evaluation.measures import auc, distances, pck, trunk_lengths
from spinepose.skeleton import SPINETRACK

BOX = np.array([[0.0, 0.0, 100.0, 200.0]])


def person(shoulders: tuple[float, float], hips: tuple[float, float]) -> np.ndarray:
    labels = np.full((1, len(SPINETRACK), 2), np.nan)
    for joint, (x, y) in (("shoulder", shoulders), ("hip", hips)):
        labels[0, SPINETRACK.index(f"left_{joint}")] = (x - 15, y)
        labels[0, SPINETRACK.index(f"right_{joint}")] = (x + 15, y)
    return labels


def test_the_trunk_runs_from_mid_shoulders_to_mid_hips() -> None:
    assert trunk_lengths(person((50, 20), (80, 60)), BOX) == pytest.approx([50.0])


def test_a_trunk_without_all_four_ends_or_seen_end_on_has_no_length() -> None:
    labels = person((50, 20), (50, 60))
    labels[0, SPINETRACK.index("left_hip")] = np.nan
    assert np.isnan(trunk_lengths(labels, BOX)).all()
    assert np.isnan(trunk_lengths(person((50, 20), (50, 39)), BOX)).all()
    assert trunk_lengths(person((50, 20), (50, 40)), BOX) == pytest.approx([20.0])


def test_distances_are_pixels_and_missing_ones_are_infinite() -> None:
    labels = np.array([[[0.0, 0.0], [10.0, 10.0], [np.nan, np.nan]]])
    predicted = np.array([[[3.0, 4.0], [np.nan, np.nan], [1.0, 1.0]]])
    np.testing.assert_array_equal(distances(predicted, labels), [[5.0, np.inf, np.nan]])


def test_pck_and_auc_by_hand() -> None:
    relative = np.array([[0.0, 0.2, 0.21, np.inf], [0.25, 0.5, 0.6, np.nan]])
    assert pck(relative) == pytest.approx(100 * 2 / 7)
    # 1 - e / .5 for each, not below zero: 1, .6, .58, 0, .5, 0, 0.
    assert auc(relative) == pytest.approx(100 * 2.68 / 7)


def test_auc_is_the_area_under_the_curve_of_pck() -> None:
    relative = np.random.default_rng(0).gamma(2, 0.1, 500)
    limits = np.linspace(0, 0.5, 5001)
    area = np.mean([pck(relative, limit) for limit in limits])
    assert auc(relative) == pytest.approx(area, abs=0.02)


def test_nothing_labelled_has_no_number() -> None:
    nothing = np.full((2, 3), np.nan)
    assert np.isnan(pck(nothing))
    assert np.isnan(auc(nothing))
