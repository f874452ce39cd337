"""Boxes, the teachers' consensus, labels of athletes, the measure."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from spinepose.training.detector.boxes import iou_matrix, letterbox, match, nms
from spinepose.training.detector.evaluate import tally_photo, turned_box
from spinepose.training.detector.human import locate_crop
from spinepose.training.detector.labels import (
    Consensus,
    body_box,
    consensus,
    held_out_athletes,
    label_athlete,
    rotate_box_back,
    split_photos,
)
from spinepose.training.detector.teachers import Detections, decode_grid


def found(*rows: tuple[float, ...]) -> Detections:
    """Detections from rows x1, y1, x2, y2, score."""
    table = np.asarray(rows, dtype=np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4])


def test_overlap_of_shifted_squares() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], dtype=np.float32)
    assert iou_matrix(boxes[:1], boxes)[0] == pytest.approx([1, 1 / 3, 0], abs=1e-6)


def test_suppression_keeps_the_best_and_the_distant() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [30, 0, 40, 10]], dtype=np.float32)
    kept = nms(boxes, np.array([0.6, 0.9, 0.5], dtype=np.float32), 0.5)
    assert kept.tolist() == [1, 2]


def test_matching_is_one_to_one_and_best_first() -> None:
    first = np.array([[0, 0, 10, 10], [2, 0, 12, 10]], dtype=np.float32)
    second = np.array([[2, 0, 12, 10]], dtype=np.float32)
    assert match(first, second, 0.5) == [(1, 0)]


def test_letterbox_scales_into_the_top_left_corner() -> None:
    image = np.full((100, 200, 3), 7, dtype=np.uint8)
    frame, scale = letterbox(image, 416, 416)
    assert scale == pytest.approx(2.08)
    assert frame[207, 415, 0] == 7
    assert frame[209, 0, 0] == 114


def test_teachers_grid_against_a_cell_computed_by_hand() -> None:
    raw = np.zeros((64 * 64 // 64 + 16 + 4, 4), dtype=np.float32)
    row = 8 * 3 + 5  # stride 8, row 3, column 5 of a 64 x 64 px input
    raw[row] = [0.25, 0.5, np.log(2), np.log(4)]
    box = decode_grid(raw, 64, 64)[row]
    assert box == pytest.approx([42 - 8, 28 - 16, 42 + 8, 28 + 16])


def test_consensus_averages_agreement_and_doubts_the_rest() -> None:
    first = found((0, 0, 10, 20, 0.9), (50, 0, 60, 20, 0.8), (90, 0, 95, 20, 0.1))
    second = found((0, 0, 12, 20, 0.5), (50, 0, 60, 20, 0.2))
    label = consensus(first, second, sure=0.35, doubt=0.15)
    assert label.agreed.tolist() == [[0, 0, 11, 20]]
    assert label.doubtful[:, :4].tolist() == [[50, 0, 60, 20]]
    assert label.doubtful[0, 4] == pytest.approx(0.4)  # sqrt(0.8 x 0.2)


def test_a_box_of_one_teacher_has_a_low_ceiling() -> None:
    label = consensus(found((0, 0, 10, 20, 0.8)), found(), sure=0.3, doubt=0.1)
    assert not len(label.agreed)
    assert label.doubtful[0, 4] == pytest.approx(0.2)


def test_turning_a_box_and_back_gives_the_box() -> None:
    box = np.array([3, 5, 30, 22], dtype=np.float32)
    for quarter in range(4):
        turned = turned_box(box, quarter, height=60, width=80)
        sides = (60, 80) if quarter % 2 == 0 else (80, 60)
        picture = np.zeros((60, 80), dtype=np.uint8)
        picture[5:22, 3:30] = 1
        rows, columns = np.nonzero(np.rot90(picture, quarter))
        assert np.rot90(picture, quarter).shape == sides
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert turned.tolist() == seen
        assert rotate_box_back(turned[None], quarter, 60, 80)[0].tolist() == box.tolist()


def joints_of_a_standing_person() -> np.ndarray:
    points = [(40, 180), (42, 140), (44, 100), (56, 100), (58, 140), (60, 180), (30, 100)]
    points += [(32, 80), (40, 50), (60, 50), (68, 80), (70, 100), (50, 42), (50, 20)]
    return np.array([(x, y, 1) for x, y in points], dtype=np.float32)


def test_box_of_joints_has_a_margin_and_needs_enough_of_them() -> None:
    joints = joints_of_a_standing_person()
    assert body_box(joints) == pytest.approx([20.4, 10.4, 79.6, 189.6])
    joints[3:, 2] = 0
    assert np.isnan(body_box(joints)).all()


def test_athlete_is_labelled_from_the_turn_in_which_a_teacher_sees_him() -> None:
    image = np.zeros((200, 100, 3), dtype=np.uint8)
    image[0, 0] = 255  # a mark that tells the turn

    def sees_upside_down(turned: np.ndarray) -> Detections:
        return found((22, 12, 78, 186, 0.9)) if turned[-1, -1, 0] else found()

    def sees_nothing(_: np.ndarray) -> Detections:
        return found()

    label = label_athlete(image, joints_of_a_standing_person(), [sees_upside_down, sees_nothing])
    assert label.agreed.tolist() == [[22, 14, 78, 188]]
    alone = label_athlete(image, joints_of_a_standing_person(), [sees_nothing, sees_nothing])
    assert alone.agreed[0] == pytest.approx([20.4, 10.4, 79.6, 189.6])


def test_tally_counts_doubles_as_false_and_doubtful_apart() -> None:
    truth = Consensus(
        np.array([[0, 0, 40, 90]], dtype=np.float32),
        np.array([[60, 0, 80, 40, 0.3]], dtype=np.float32),
    )
    detections = found(
        (0, 0, 40, 88, 0.9), (2, 0, 40, 90, 0.8), (60, 0, 80, 41, 0.7), (0, 95, 9, 99, 0.6)
    )
    tally = tally_photo(detections, truth, height=100)
    assert (tally.hits, tally.false, tally.doubtful) == (1, 2, 1)
    assert (tally.singles, tally.single_hits) == (1, 1)
    assert tally.rates()["precision_strict"] == 0.25
    assert tally.rates()["precision_ignoring"] == pytest.approx(0.3333)


def test_a_shrunken_crop_is_found_again_in_its_photo() -> None:
    rng = np.random.default_rng(2)
    coarse = rng.integers(0, 256, (25, 30, 3)).astype(np.uint8)
    original = cv2.resize(coarse, (300, 250), interpolation=cv2.INTER_CUBIC)
    photo = cv2.resize(original, (240, 200), interpolation=cv2.INTER_AREA)
    spot = locate_crop(photo, original[50:150, 75:200])
    assert spot is not None
    assert spot == pytest.approx((60, 40, 0.8), abs=1)
    assert locate_crop(photo, rng.integers(0, 256, (90, 90, 3)).astype(np.uint8)) is None


def test_half_of_the_held_out_athletes_is_for_tuning(tmp_path: Path) -> None:
    joints = joints_of_a_standing_person().tolist()
    persons = [{"file": f"{i}.jpg", "kpts": joints} for i in range(81)]
    (tmp_path / "lspe").mkdir()
    (tmp_path / "lspe" / "persons.json").write_text(json.dumps({"persons": persons}))
    measured = {path.stem for path, _ in held_out_athletes(tmp_path)}
    tuned = {path.stem for path, _ in held_out_athletes(tmp_path, tuning=True)}
    assert measured == {"0", "40", "80"}
    assert tuned == {"20", "60"}


def test_split_keeps_photos_of_development_people_apart(tmp_path: Path) -> None:
    full = tmp_path / "coco" / "full"
    full.mkdir(parents=True)
    for number in range(9):
        (full / f"{number:012d}.jpg").touch()
    persons = [{"coco_id": 2, "use": "train"}, {"coco_id": 2, "use": "dev"}]
    (tmp_path / "coco" / "persons.json").write_text(json.dumps(persons))
    split = split_photos(tmp_path)
    assert [int(p.stem) for p in split.dev] == [2]
    assert [int(p.stem) for p in split.tune] == [4, 8]
    assert [int(p.stem) for p in split.train] == [0, 1, 3, 5, 6, 7]
