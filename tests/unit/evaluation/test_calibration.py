import numpy as np
import pytest

from spinepose.dataset.people import AREA_PER_BOX
from spinepose.evaluation.calibration import (
    calibration_error,
    calibration_table,
    hits,
    near_enough,
)
from spinepose.evaluation.oks import oks
from spinepose.skeleton import SPINETRACK


def test_right_is_where_the_similarity_is_a_half() -> None:
    truth = np.zeros((1, 1, 2))
    areas, sigmas = np.array([10000.0]), np.array([0.05])
    edge = 2 * 0.05 * 100 * np.sqrt(2 * np.log(2))
    for factor, wanted in ((0.999, True), (1.001, False)):
        points = np.array([[[edge * factor, 0.0]]])
        assert near_enough(points, truth, areas, sigmas)[0, 0] == wanted
        assert (oks(points, truth, areas, sigmas)[0] >= 0.5) == wanted


def test_what_is_missing_is_not_right() -> None:
    truth = np.array([[[1.0, 1.0], [np.nan, np.nan]]])
    points = np.array([[[np.nan, np.nan], [1.0, 1.0]]])
    assert not near_enough(points, truth, np.array([1e4]), np.array([0.1, 0.1])).any()


def test_unknown_areas_are_a_share_of_the_box() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 100, (20, 17, 2))
    points = truth + rng.normal(0, 8, truth.shape)
    boxes = np.tile([0.0, 0.0, 100.0, 100.0], (20, 1))
    areas = np.full(20, AREA_PER_BOX * 1e4)
    np.testing.assert_array_equal(
        hits(points, truth, boxes), near_enough(points, truth, areas, SPINETRACK.sigma_array[:17])
    )


def test_table_and_error_by_hand() -> None:
    scores = np.array([0.15, 0.15, 0.95, 0.95, 0.5])
    right = np.array([False, True, True, True, True])
    weights = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    table = calibration_table(scores, right, weights)
    np.testing.assert_allclose(table, [(0.15, 0.5, 0.5), (0.95, 1.0, 0.5)])
    assert calibration_error(scores, right, weights) == pytest.approx(0.5 * 0.35 + 0.5 * 0.05)
