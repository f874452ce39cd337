import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spinepose.geometry import (
    apply_affine,
    area_of,
    box_iou,
    boxes_from_keypoints,
    clip_boxes,
    crop_transforms,
    invert_affine,
    keypoint_similarity,
)

corner = st.floats(-500, 500)
side = st.floats(1, 900)
boxes_1 = st.tuples(corner, corner, side, side).map(
    lambda b: np.array([[b[0], b[1], b[0] + b[2], b[1] + b[3]]])
)
people = hnp.arrays(np.float64, (3, 17, 2), elements=st.floats(0, 300))
SIGMAS = np.full(17, 0.05)


@given(boxes_1, st.sampled_from([(192, 256), (256, 256), (288, 384)]), st.floats(1, 1.5))
def test_a_crop_holds_the_padded_box_and_touches_it(
    box: np.ndarray, size: tuple[int, int], padding: float
) -> None:
    transform = crop_transforms(box, size, padding)
    middle, half = (box[0, :2] + box[0, 2:]) / 2, padding * (box[0, 2:] - box[0, :2]) / 2
    # Borders of pixels lie half a pixel before their centres.
    corners = np.array([[middle - half, middle + half]]) - 0.5
    mapped = apply_affine(transform, corners)[0] + 0.5
    assert (mapped > -1e-6).all()
    assert (mapped < np.array(size) + 1e-6).all()
    gaps = np.abs(np.concatenate([mapped[0], np.array(size) - mapped[1]]))
    assert gaps.min() < 1e-6


@given(boxes_1, hnp.arrays(np.float64, (1, 5, 2), elements=st.floats(-500, 500)))
def test_there_and_back(box: np.ndarray, points: np.ndarray) -> None:
    transform = crop_transforms(box, (256, 256))
    back = apply_affine(invert_affine(transform), apply_affine(transform, points))
    np.testing.assert_allclose(back, points, atol=1e-6)


def test_the_transform_is_what_warp_affine_takes() -> None:
    image = np.zeros((200, 200), np.float32)
    image[70, 120] = 1  # the pixel whose centre is (120, 70)
    transform = crop_transforms(np.array([[100, 50, 140, 90]]), (256, 256), 1.25)
    crop = cv2.warpAffine(image, transform[0], (256, 256))
    rows, columns = np.mgrid[:256, :256]
    centre = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
    expected = apply_affine(transform, np.array([[[120.0, 70.0]]]))[0, 0]
    np.testing.assert_allclose(centre, expected, atol=0.05)


def test_an_empty_box_still_gives_a_crop() -> None:
    assert np.isfinite(crop_transforms(np.array([[5, 5, 5, 5]]), (256, 256))).all()
    assert crop_transforms(np.zeros((0, 4)), (256, 256)).shape == (0, 2, 3)


@given(boxes_1, boxes_1)
def test_overlap_is_a_symmetric_share(a: np.ndarray, b: np.ndarray) -> None:
    iou = box_iou(a, b)[0, 0]
    assert 0 <= iou <= 1 + 1e-12
    assert iou == pytest.approx(box_iou(b, a)[0, 0])
    assert box_iou(a, a)[0, 0] == pytest.approx(1)


def test_overlap_by_hand() -> None:
    a = np.array([[0.0, 0, 2, 2]])
    b = np.array([[1.0, 1, 3, 3], [2, 2, 3, 3], [0, 0, 2, 2], [1, 1, 0, 0]])
    np.testing.assert_allclose(box_iou(a, b)[0], [1 / 7, 0, 1, 0])
    assert area_of(np.array([3.0, 3, 1, 9])) == 0
    np.testing.assert_array_equal(clip_boxes(np.array([[-1.0, 2, 9, 99]]), (5, 6)), [[0, 2, 5, 6]])


def test_boxes_forget_what_is_unsure_or_missing() -> None:
    points = np.array([[[10.0, 20], [30, 60], [0, 0], [np.nan, np.nan]], [[1, 1]] + [[5, 5]] * 3])
    scores = np.array([[0.9, 0.8, 0.1, 0.9], [0.9, 0.1, 0.1, 0.1]])
    boxes = boxes_from_keypoints(points, scores, 0.3)
    np.testing.assert_array_equal(boxes[0], [10, 20, 30, 60])
    assert np.isnan(boxes[1]).all()
    wider = boxes_from_keypoints(points, scores, 0.3, margin=0.1)
    np.testing.assert_allclose(wider[0], [8, 16, 32, 64])
    assert boxes_from_keypoints(points[:0], scores[:0], 0.3).shape == (0, 4)


@given(people, st.floats(10, 1e5))
def test_everybody_is_most_like_themselves(keypoints: np.ndarray, area: float) -> None:
    similarity = keypoint_similarity(keypoints, keypoints, SIGMAS, np.full(3, area))
    np.testing.assert_allclose(np.diag(similarity), 1)
    assert (similarity <= 1 + 1e-12).all()
    np.testing.assert_allclose(similarity, similarity.T, atol=1e-12)
    order = [2, 0, 1]
    shuffled = keypoint_similarity(keypoints[order], keypoints, SIGMAS, np.full(3, area))
    np.testing.assert_allclose(shuffled, similarity[order], atol=1e-12)


def test_similarity_by_hand_and_with_missing_points() -> None:
    a = np.zeros((1, 3, 2))
    b = np.array([[[3.0, 4], [np.nan, np.nan], [0, 0]]])
    sigmas, area = np.array([0.1, 0.1, 0.2]), np.array([100.0])
    expected = (np.exp(-25 / (2 * 100 * 0.2**2)) + 1) / 2
    assert keypoint_similarity(a, b, sigmas, area)[0, 0] == pytest.approx(expected)
    weights = np.array([[1.0, 1.0, 0.0]])
    only_first = keypoint_similarity(a, b, sigmas, area, weights_a=weights)[0, 0]
    assert only_first == pytest.approx(np.exp(-25 / (2 * 100 * 0.2**2)))
    nothing = np.full((1, 3, 2), np.nan)
    assert keypoint_similarity(a, nothing, sigmas, area)[0, 0] == 0


def test_similarity_agrees_with_the_evaluation() -> None:
    """The same formula stands in the evaluation room, which has ground truth and flags."""
    from spinepose.evaluation.oks import oks

    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 100, (4, 17, 2)), rng.uniform(0, 100, (4, 17, 2))
    areas = rng.uniform(100, 9000, 4)
    ours = np.diag(keypoint_similarity(a, b, SIGMAS, areas))
    theirs = oks(a, b, areas, SIGMAS)
    np.testing.assert_allclose(ours, theirs)
