from pathlib import Path

import numpy as np
import pytest

from spinepose.errors import InputError
from spinepose.evaluation import predict as module
from spinepose.evaluation.peers import no_answers
from spinepose.evaluation.predict import Found, match_boxes, number_to_read, predict
from spinepose.evaluation.sets import read_set
from spinepose.skeleton import SPINETRACK
from tests.unit.evaluation.conftest import annotation, standing


class Grey:
    """Says in x how bright the picture is, in y the left side of the box, as the score .5."""

    name, sha256 = "grey", "0" * 64
    keypoints = np.arange(len(SPINETRACK))

    def __init__(self):
        self.flips = []

    def read(self, image, boxes, *, flip=False):
        self.flips.append(flip)
        answers = no_answers(len(boxes))
        answers[..., 0], answers[..., 2] = image[0, 0, 0], 0.5
        answers[..., 1] = np.asarray(boxes).reshape(-1, 4)[:, :1]
        return answers


class FakeDetector:
    """Finds one labelled person a little off, and one that is nobody."""

    def detect(self, image):
        boxes = np.array([[85, 52, 141, 150], [0, 0, 30, 30]], np.float32)
        return boxes, np.array([0.9, 0.3], np.float32)


def people(make_set):
    """Three people on pictures 3, 1 and 3 of four."""
    return read_set(
        make_set(
            [
                annotation(1, 3, standing()),
                annotation(2, 1, standing(), bbox=[70, 50, 60, 100]),
                annotation(3, 3, standing(), bbox=[60, 50, 60, 100]),
            ],
            pictures=4,
        )
    )


def test_every_picture_with_people_is_read_once(make_set, monkeypatch):
    paths = []
    read = module.read_image
    monkeypatch.setattr(module, "read_image", lambda path: (paths.append(path), read(path))[1])
    seen = []
    labelled = people(make_set)
    readers = [Grey(), Grey()]
    found = predict(readers, labelled, flip=True, on_picture=lambda: seen.append(1))
    assert [Path(p).stem for p in paths] == ["1", "3"]
    assert len(seen) == number_to_read(labelled, detected=False) == 2
    assert number_to_read(labelled, detected=True) == 4
    assert readers[1].flips == [True, True]
    for answers in found:
        mine = answers.for_people(3)
        np.testing.assert_array_equal(mine[:, 0, 0], [30, 10, 30])
        np.testing.assert_array_equal(mine[:, 0, 1], [80, 70, 60])
        assert answers.pictures.tolist() == [0, 2, 2]
        assert (answers.boxes == 1).all()


def test_detected_boxes_are_looked_for_everywhere(make_set):
    labelled = people(make_set)
    [found] = predict([Grey()], labelled, detector=FakeDetector())
    assert found.pictures.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert found.owners.tolist() == [1, -1, -1, -1, 0, -1, -1, -1]
    np.testing.assert_allclose(found.boxes[:2], [0.9, 0.3])
    mine = found.for_people(3)
    np.testing.assert_array_equal(mine[:, 0, 0], [30, 10, np.nan])
    assert mine[2, 0, 2] == 0


def test_a_broken_picture_is_named(make_set):
    labelled = people(make_set)
    labelled.pictures[2].write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"3\.png"):
        predict([Grey()], labelled)


def test_the_best_pairs_of_boxes_come_first():
    person = np.array([[0.0, 0, 10, 10], [4, 0, 14, 10], [50, 50, 60, 60]])
    boxes = np.array([[3.0, 0, 13, 10], [1, 0, 11, 10], [0, 0, 10, 10.0], [90, 90, 99, 99]])
    assert match_boxes(boxes, person).tolist() == [1, -1, 0, -1]
    assert match_boxes(boxes, person[:0]).tolist() == [-1] * 4
    assert match_boxes(boxes[:0], person).tolist() == []


def test_nobody_found_is_nothing():
    empty = np.zeros(0, np.int64)
    found = Found(no_answers(0), empty, np.zeros(0), empty).for_people(2)
    assert np.isnan(found[..., :2]).all()
