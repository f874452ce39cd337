import json
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
pytest.importorskip("torch")
pytest.importorskip("onnx")

from spinepose.skeleton import SPINETRACK  # noqa: E402
from spinepose.training.pose.augment import Strength, augmented_crop, plain_crop  # noqa: E402
from spinepose.training.pose.people import (  # noqa: E402
    Person,
    held_out,
    read_people,
    upright_angle,
)
from spinepose.training.pose.teacher import self_taught, taught  # noqa: E402

K = len(SPINETRACK)
STILL = Strength(scale=0, turn=0, wild=0, shift=0, colour=0, cover=0, half=0)


def standing(source: str = "synthetic") -> Person:
    points = np.zeros((K, 2), np.float32)
    points[:, 0] = np.linspace(60, 140, K)
    points[:, 1] = np.linspace(30, 170, K)
    box = np.array([50, 20, 150, 180], np.float32)
    return Person(Path("000011.jpg"), source, box, points, np.ones(K, np.float32))


def dots(person: Person) -> np.ndarray:
    """Return a picture with a bright dot at the nose only."""
    image = np.zeros((200, 200, 3), np.uint8)
    x, y = person.keypoints[SPINETRACK.index("nose")]
    cv2.circle(image, (round(float(x)), round(float(y))), 3, (255, 255, 255), -1)
    return image


@pytest.mark.parametrize("seed", range(6))
def test_labels_move_with_the_picture(seed: int) -> None:
    person = standing()
    how = Strength(colour=0, cover=0, half=0, wild=0.5)
    crop, points, trust = augmented_crop(dots(person), person, np.random.default_rng(seed), how)
    nose = SPINETRACK.index("nose")
    if trust[nose] > 0 and crop.max() > 100:
        rows, columns = np.nonzero(crop[..., 0] > crop.max() / 2)
        found = np.array([columns.mean(), rows.mean()])
        assert np.abs(found - points[nose]).max() < 4


def test_mirroring_swaps_left_and_right() -> None:
    person = standing()
    seen = set()
    plain = None
    for seed in range(8):
        _, points, _ = augmented_crop(dots(person), person, np.random.default_rng(seed), STILL)
        mirrored = bool(points[0, 0] > 128)
        seen.add(mirrored)
        if not mirrored:
            plain = points
    assert seen == {True, False}
    assert plain is not None
    left, right = SPINETRACK.indices(["left_wrist", "right_wrist"])
    for seed in range(8):
        _, points, _ = augmented_crop(dots(person), person, np.random.default_rng(seed), STILL)
        if points[0, 0] > 128:
            assert points[left, 0] == pytest.approx(255 - plain[right, 0], abs=0.1)


def test_the_plain_crop_is_square_about_the_box() -> None:
    person = standing()
    crop, affine = plain_crop(dots(person), person.box)
    assert crop.shape == (256, 256, 3)
    assert affine[0, 0] == pytest.approx(256 / (160 * 1.25))


def test_an_upside_down_person_is_turned_by_half_a_turn() -> None:
    person = standing()
    for name, at in (("left_hip", (90, 50)), ("right_hip", (110, 50)), ("neck", (100, 150))):
        person.keypoints[SPINETRACK.index(name)] = at
    assert abs(upright_angle(person)) == pytest.approx(180)
    person.trust[SPINETRACK.index("neck")] = 0
    assert upright_angle(person) == 0


def test_one_picture_in_ten_is_held_out_by_its_number() -> None:
    person = standing()
    assert not held_out(person)
    person.path = Path("im00120.jpg")
    assert held_out(person)


def test_lspe_joints_arrive_under_their_names(tmp_path: Path) -> None:
    names = ["right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"]
    names += ["right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow"]
    names += ["left_wrist", "neck", "head_top"]
    joints = [[10.0 + i, 20.0 + 3 * i, 1] for i in range(14)]
    joints[0][2] = 0
    entry = {"file": "im00001.jpg", "kpts": joints, "view_by_labels": "back"}
    folder = tmp_path / "lspe"
    folder.mkdir()
    (folder / "persons.json").write_text(json.dumps({"names": names, "persons": [entry]}))
    (person,) = read_people(tmp_path, "lspe")
    assert person.trust[SPINETRACK.index("right_ankle")] == 0
    assert person.keypoints[SPINETRACK.index("head")].tolist() == [23.0, 59.0]
    assert person.view == "back"
    assert person.trust.sum() == 13


def test_dressed_people_get_the_teachers_joints_and_a_box_around_them() -> None:
    person = standing("people")
    person.keypoints[:] = np.nan
    person.trust[:] = 0
    answer = np.zeros((K, 4), np.float32)
    answer[:, :2] = standing().keypoints
    answer[:, 2] = 0.9
    learned = taught(person, answer)
    assert (learned.trust[:17] > 0.5).all()
    assert (learned.trust[17:] == 0).all()
    assert learned.box[0] < learned.keypoints[:17, 0].min()


def test_own_answers_fill_the_spine_but_not_feet_far_from_their_ankle() -> None:
    person = standing("lspe")
    person.trust[17:] = 0
    answer = np.zeros((K, 4), np.float32)
    answer[:, :2] = person.keypoints
    answer[:, 3] = 0.08
    answer[SPINETRACK.index("left_heel"), :2] = (500, 500)
    learned = self_taught(person, answer)
    assert learned.trust[SPINETRACK.spine_indices].min() > 0.5
    assert learned.trust[SPINETRACK.index("left_heel")] == 0
    assert (learned.keypoints[:17] == person.keypoints[:17]).all()
