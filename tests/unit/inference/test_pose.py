import cv2
import numpy as np
import pytest

from spinepose.geometry import crop_transforms
from spinepose.inference.pose import PoseModel
from spinepose.models import create_session
from tests.unit.conftest import MakeModel, pose_card


def _logits(places: np.ndarray, width: int) -> np.ndarray:
    gap = np.arange(width) - 2 * places[..., None]
    return (-(gap**2) / (2 * 3.0**2)).astype(np.float32)


@pytest.fixture
def model(make_model: MakeModel) -> PoseModel:
    """A network that always sees keypoint k at crop pixel (10 + k, 90 - 2 k)."""
    k = np.arange(37.0)[None]
    outputs = [("simcc_x", _logits(10 + k, 128)), ("simcc_y", _logits(90 - 2 * k, 192))]
    made = make_model(pose_card(), outputs)
    return PoseModel(made.card, create_session(made, "cpu", 1))


def test_crop_pixels_come_back_as_frame_pixels(model: PoseModel) -> None:
    frame = np.zeros((300, 400, 3), np.uint8)
    # 64 x 96 after padding by 1.25 and doubling: the crop is this part of the frame, one to two.
    box = np.array([[100.0, 50.0, 100 + 128 / 1.25, 50 + 192 / 1.25]])
    keypoints, scores = model.estimate(frame, box)
    centre = (box[0, :2] + box[0, 2:]) / 2
    crop = np.stack([10 + np.arange(37), 90 - 2 * np.arange(37)], axis=1)
    expected = centre - 0.5 + 2 * (crop - (np.array([64, 96]) - 1) / 2)
    np.testing.assert_allclose(keypoints[0], expected, atol=0.05)
    assert keypoints.dtype == scores.dtype == np.float32


def test_rows_follow_the_boxes_over_several_batches(model: PoseModel) -> None:
    frame = np.zeros((300, 400, 3), np.uint8)
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 200, (50, 2))
    boxes = np.hstack([corners, corners + rng.uniform(20, 80, (50, 2))])
    boxes[7] = np.nan
    together, scores = model.estimate(frame, boxes)
    assert np.isnan(together[7]).all()
    assert (scores[7] == 0).all()
    for i in (0, 17, 49):
        alone, _ = model.estimate(frame, boxes[i])
        np.testing.assert_allclose(together[i], alone[0], atol=1e-3)


def test_nobody_is_an_empty_answer(model: PoseModel) -> None:
    keypoints, scores = model.estimate(np.zeros((30, 40, 3), np.uint8), np.zeros((0, 4)))
    assert keypoints.shape == (0, 37, 2)
    assert scores.shape == (0, 37)


def test_what_is_not_there_is_missing(make_model: MakeModel) -> None:
    flat = np.zeros((1, 37, 128), np.float32)
    made = make_model(
        pose_card(score={"kind": "logistic", "a": 2.0, "b": 6.0}),
        [("simcc_x", flat), ("simcc_y", np.zeros((1, 37, 192), np.float32))],
    )
    model = PoseModel(made.card, create_session(made, "cpu", 1))
    keypoints, scores = model.estimate(np.zeros((30, 40, 3), np.uint8), [[0, 0, 20, 20]])
    assert np.isnan(keypoints).all()
    assert (scores == 0).all()


@pytest.mark.parametrize("score", [None, {"kind": "logistic", "a": 2.0, "b": 6.0}])
def test_what_is_not_a_number_is_missing(score: object, make_model: MakeModel) -> None:
    broken = np.full((1, 37, 128), np.nan, np.float32)
    made = make_model(pose_card(score=score), [("simcc_x", broken), ("simcc_y", broken)])
    model = PoseModel(made.card, create_session(made, "cpu", 1))
    keypoints, scores = model.estimate(np.zeros((30, 40, 3), np.uint8), [[0, 0, 20, 20]])
    assert np.isnan(keypoints).all()
    assert (scores == 0).all()


@pytest.mark.parametrize("color", ["rgb", "bgr"])
def test_the_network_gets_the_card_s_colours_and_scale(color: str, make_model: MakeModel) -> None:
    card = pose_card(
        input={
            "width": 64,
            "height": 96,
            "color": color,
            "mean": [10, 20, 30],
            "std": [2, 4, 8],
        }
    )
    flat = np.zeros((1, 37, 128), np.float32)
    made = make_model(card, [("simcc_x", flat), ("simcc_y", flat)])
    model = PoseModel(made.card, create_session(made, "cpu", 1))
    seen: list[np.ndarray] = []
    run = model.session.run_batch

    def spy(values: np.ndarray) -> list[np.ndarray]:
        seen.append(values.copy())
        return run(values)

    model.session.run_batch = spy  # type: ignore[method-assign, assignment]
    frame = np.tile(np.array([200, 100, 50], np.uint8), (300, 300, 1))
    model.estimate(frame, [[100, 100, 200, 200]])
    order = [200, 100, 50] if color == "rgb" else [50, 100, 200]
    expected = (np.array(order) - [10, 20, 30]) / [2, 4, 8]
    np.testing.assert_allclose(seen[0][0, :, 48, 32], expected, rtol=1e-5)


@pytest.mark.parametrize("factor", [3, 8])
def test_a_large_person_is_averaged_down_in_place(factor: int, model: PoseModel) -> None:
    """What the network sees of a picture does not depend on its resolution, nor on its noise."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(40, 215, (48, 64, 3)).astype(np.uint8)
    crops = []
    for zoom in (8, 8 * factor):
        image = cv2.resize(coarse, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
        if zoom > 8:
            noise = rng.normal(0, 25, image.shape)
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
        box = np.array([[16, 4, 48, 40]]) * zoom
        transforms = crop_transforms(box, (64, 96))
        crops.append(model._cut(image, transforms).copy() * 127.5)
    inner = np.s_[:, :, 4:-4, 4:-4]
    gap = crops[0][inner] - crops[1][inner]
    assert abs(gap.mean()) < 2
    assert np.abs(gap).mean() < 12
