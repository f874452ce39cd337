import json
from pathlib import Path

import numpy as np
import pytest

from spinepose.evaluation.people import Person, held_out, read_people, upright_angle
from spinepose.skeleton import SPINETRACK

K = len(SPINETRACK)


@pytest.fixture
def standing() -> Person:
    points = np.zeros((K, 2), np.float32)
    points[:, 0] = np.linspace(60, 140, K)
    points[:, 1] = np.linspace(30, 170, K)
    box = np.array([50, 20, 150, 180], np.float32)
    return Person(Path("000011.jpg"), "synthetic", box, points, np.ones(K, np.float32))


def test_an_upside_down_person_is_turned_by_half_a_turn(standing: Person) -> None:
    for name, at in (("left_hip", (90, 50)), ("right_hip", (110, 50)), ("neck", (100, 150))):
        standing.keypoints[SPINETRACK.index(name)] = at
    assert abs(upright_angle(standing)) == pytest.approx(180)
    standing.trust[SPINETRACK.index("neck")] = 0
    assert upright_angle(standing) == 0


def test_one_picture_in_ten_is_held_out_by_its_number(standing: Person) -> None:
    assert not held_out(standing)
    standing.path = Path("im00120.jpg")
    assert held_out(standing)
    standing.scene = 11
    assert not held_out(standing)
    standing.scene = 14
    assert held_out(standing, 7)


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
