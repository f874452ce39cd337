import contextlib
import copy
import io

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval")

from spinepose.errors import MissingExtraError
from spinepose.evaluation.precision import (
    STATISTICS,
    coco_labels,
    coco_results,
    evaluator,
    precision_of,
)
from spinepose.skeleton import COCO17, SPINETRACK


def random_set(skeleton, seed, pictures=40):
    """People and predictions: crowds, unlabelled people, missing points, too many boxes."""
    rng = np.random.default_rng(seed)
    people = 90
    where = rng.integers(0, pictures, people)
    corners = rng.uniform(0, 300, (people, 2))
    sides = rng.uniform(15, 250, (people, 2))
    boxes = np.concatenate([corners, corners + sides], axis=1)
    count = len(skeleton)
    labels = corners[:, None] + rng.random((people, count, 2)) * sides[:, None]
    labels[rng.random((people, count)) < 0.3] = np.nan
    labels[rng.random(people) < 0.1] = np.nan
    crowds = rng.random(people) < 0.05
    areas = 0.5 * sides.prod(axis=1)
    near = np.nan_to_num(labels, nan=50.0) + rng.normal(0, 6, labels.shape)
    lost = rng.random(people) < 0.1
    extra = rng.uniform(0, 400, (60, count, 2))
    points = np.concatenate([near[~lost], extra])
    points[rng.random(points.shape[:2]) < 0.05] = np.nan
    spots = np.concatenate([where[~lost], rng.integers(0, pictures, 60)])
    spots[-25:] = 3  # more than the 20 that COCO takes
    scores = np.round(rng.random(len(points)), 2)  # with ties
    return (
        coco_labels(labels, boxes, areas, where, crowds, pictures),
        coco_results(points, scores, spots),
    )


def by_pycocotools(labels, results, sigmas):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = labels
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(results), "keypoints")
        run.params.kpt_oks_sigmas = np.asarray(sigmas, np.float64)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run.stats, run.eval["precision"][:, :, 0, 0, -1]


@pytest.mark.parametrize("skeleton", [COCO17, SPINETRACK], ids=lambda s: s.name)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_numbers_are_those_of_pycocotools(skeleton, seed, capfd):
    pytest.importorskip("pycocotools")
    labels, results = random_set(skeleton, seed)
    wanted, curves = by_pycocotools(
        copy.deepcopy(labels), copy.deepcopy(results), skeleton.sigma_array
    )
    found = precision_of(labels, results, skeleton.sigma_array)
    assert list(found.statistics) == list(STATISTICS)
    numbers = np.array(list(found.statistics.values())) / 100
    np.testing.assert_allclose(numbers, wanted, atol=1e-9)
    np.testing.assert_allclose(found.curves, curves, atol=1e-9)
    assert 0.05 < wanted[0] < 0.95
    assert capfd.readouterr().out == ""


def perfect(number=3):
    rng = np.random.default_rng(0)
    labels = rng.uniform(0, 200, (number, 17, 2))
    boxes = np.tile([0.0, 0.0, 200.0, 200.0], (number, 1))
    spots = np.arange(number)
    truth = coco_labels(labels, boxes, np.full(number, 2e4), spots, np.zeros(number, bool), number)
    return labels, spots, truth


def test_perfect_predictions_score_a_hundred():
    labels, spots, truth = perfect()
    results = coco_results(labels, np.array([0.2, 0.9, 0.5]), spots)
    found = precision_of(truth, results, COCO17.sigma_array).statistics
    assert found["AP"] == found["AR"] == found["APL"] == pytest.approx(100)
    assert np.isnan(found["APM"])  # nobody is of that size


def test_no_prediction_scores_nothing():
    _, _, truth = perfect()
    nobody = coco_results(np.zeros((0, 17, 2)), np.zeros(0), np.zeros(0, int))
    found = precision_of(truth, nobody, COCO17.sigma_array)
    assert found.statistics["AP"] == found.statistics["AR"] == 0


def test_a_surer_wrong_prediction_halves_the_precision():
    labels, spots, truth = perfect(1)
    points = np.concatenate([labels, labels + 500])
    results = coco_results(points, np.array([0.5, 0.9]), np.repeat(spots, 2))
    found = precision_of(truth, results, COCO17.sigma_array).statistics
    assert found["AP"] == pytest.approx(50)
    assert found["AR"] == pytest.approx(100)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faster_coco_eval", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'spinepose\[eval\]'"):
        evaluator()
