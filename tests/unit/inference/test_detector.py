from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinepose.geometry import box_iou
from spinepose.inference.detector import PersonDetector, suppress
from spinepose.models import ModelCard, Resolved, create_session
from tests.unit.conftest import MakeModel, detector_card

FRAME = np.full((100, 200, 3), 90, np.uint8)
"""Fitted into 64 x 64 it is 64 x 32, a third as large: .32."""

Output = list[tuple[str, np.ndarray]]


def _boxes() -> Output:
    boxes = [[8, 4, 24, 28], [8, 5, 24, 28], [40, 8, 60, 30], [0, 0, 9, 9]]
    scores = [0.9, 0.8, 0.6, 0.1]
    return [("boxes", np.float32([boxes])), ("scores", np.float32([scores]))]


def _yolox() -> Output:
    answer = np.zeros((1, 64 + 16 + 4, 85), np.float32)
    # Cell (column 2, row 2) of stride 8: centre (16, 16), 16 x 24.
    answer[0, 2 * 8 + 2, :6] = [0, 0, np.log(2), np.log(3), 0.9, 1.0]
    # The second of the two people, on the grid of stride 16: centre (50, 19), 20 x 22.
    answer[0, 64 + 1 * 4 + 3, :6] = [0.125, 0.1875, np.log(1.25), np.log(1.375), 0.6, 1.0]
    # A dog, sure but no person.
    answer[0, 0, [4, 5, 21]] = [0.9, 0.0, 1.0]
    return [("output", answer)]


def _rtmdet() -> Output:
    found = [[8, 4, 24, 28, 0.9], [40, 8, 60, 30, 0.6], [1, 1, 9, 9, 0.9]]
    return [("dets", np.float32([found])), ("labels", np.array([[0, 0, 5]]))]


def _rfdetr() -> Output:
    boxes = np.float32([[[16, 16, 16, 24], [50, 19, 20, 22], [5, 5, 8, 8]]]) / 64
    logits = np.full((1, 3, 91), -9, np.float32)
    logits[0, :2, 0] = [np.log(9), np.log(1.5)]
    return [("dets", boxes), ("labels", logits)]


@pytest.mark.parametrize(
    ("kind", "outputs"),
    [("boxes", _boxes()), ("yolox", _yolox()), ("rtmdet", _rtmdet()), ("rfdetr", _rfdetr())],
)
def test_every_kind_finds_the_same_two_people(
    kind: str, outputs: Output, make_model: MakeModel
) -> None:
    made = make_model(detector_card(kind), outputs)
    detector = PersonDetector(made.card, create_session(made, "cpu", 1))
    boxes, scores = detector.detect(FRAME)
    expected = np.array([[8, 4, 24, 28], [40, 8, 60, 30]]) / 0.32
    np.testing.assert_allclose(boxes, expected, rtol=1e-5)
    np.testing.assert_allclose(scores, [0.9, 0.6], rtol=1e-4)
    assert boxes.dtype == scores.dtype == np.float32


@pytest.mark.parametrize("letterbox", ["center", "stretch"])
def test_other_ways_to_fit_the_frame_in(letterbox: str, make_model: MakeModel) -> None:
    card = detector_card("boxes")
    card["input"]["letterbox"] = letterbox
    inside = [8, 4, 24, 28] if letterbox == "stretch" else [8, 20, 24, 44]
    made = make_model(card, [("boxes", np.float32([[inside]])), ("scores", np.float32([[0.9]]))])
    boxes, _ = PersonDetector(made.card, create_session(made, "cpu", 1)).detect(FRAME)
    scale = [0.32, 0.64] * 2 if letterbox == "stretch" else [0.32] * 4
    np.testing.assert_allclose(boxes[0], np.array([8, 4, 24, 28]) / scale, rtol=1e-5)


def test_a_dynamic_network_gets_the_smallest_rectangle(make_model: MakeModel) -> None:
    card = detector_card("boxes")
    card["input"] |= {"width": 416, "height": 416, "dynamic": True}
    made = make_model(card, _boxes())
    detector = PersonDetector(made.card, create_session(made, "cpu", 1))
    assert detector._fit(1920, 1080).size == (416, 256)
    assert detector._fit(1080, 1920).size == (256, 416)
    assert detector._fit(20_000, 10).size == (416, 32)
    assert detector._fit(1, 1).size == (416, 416)


def test_limits_on_score_and_number(make_model: MakeModel) -> None:
    made = make_model(detector_card("boxes"), _boxes())
    session = create_session(made, "cpu", 1)
    assert len(PersonDetector(made.card, session, score_threshold=0.7).detect(FRAME)[0]) == 1
    assert len(PersonDetector(made.card, session, score_threshold=0.05).detect(FRAME)[0]) == 3
    assert len(PersonDetector(made.card, session, max_people=1).detect(FRAME)[0]) == 1


@given(
    st.lists(st.tuples(*[st.floats(0, 100, width=32)] * 4, st.floats(0, 1, width=32)), max_size=30)
)
def test_suppression_keeps_the_sure_and_the_apart(rows: list[tuple[float, ...]]) -> None:
    array = np.array(rows, dtype=np.float32).reshape(-1, 5)
    boxes, scores = array[:, :4], array[:, 4]
    kept = suppress(boxes, scores, 0.5)
    assert (np.diff(scores[kept]) <= 0).all()
    overlap = box_iou(boxes[kept], boxes[kept])
    np.fill_diagonal(overlap, 0)
    assert (overlap <= 0.5).all()
    for i in set(range(len(boxes))) - set(kept.tolist()):
        empty = (boxes[i, 2:] <= boxes[i, :2]).any() or np.prod(boxes[i, 2:] - boxes[i, :2]) == 0
        rivals = kept[scores[kept] >= scores[i]]
        assert empty or (box_iou(boxes[i][None], boxes[rivals]) > 0.5).any()


@pytest.mark.parametrize(
    ("name", "kind", "size", "mean", "std"),
    [
        ("yolox_nano", "yolox", 416, [0, 0, 0], [1, 1, 1]),
        ("rtmdet_nano_person", "rtmdet", 320, [103.53, 116.28, 123.675], [57.375, 57.12, 58.395]),
    ],
)
def test_published_detectors_find_the_astronaut(
    name: str,
    kind: str,
    size: int,
    mean: list[float],
    std: list[float],
    shared_data: Path,
    examples: Path,
) -> None:
    from spinepose.media import read_image

    card = detector_card(kind)
    card["input"] = {"width": size, "height": size, "color": "bgr", "mean": mean, "std": std}
    found = Resolved(ModelCard.from_dict(card), shared_data / "detectors" / f"{name}.onnx")
    detector = PersonDetector(found.card, create_session(found, "cpu", 1))
    boxes, scores = detector.detect(read_image(examples / "astronaut.jpg"))
    assert len(boxes) == 1
    assert scores[0] > 0.6
    assert box_iou(boxes, np.array([[0, 0, 480, 512]], np.float32))[0, 0] > 0.6
