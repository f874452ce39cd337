from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinepose.dataset.people import AREA_PER_BOX, Person, held_out
from spinepose.skeleton import SPINETRACK

K = len(SPINETRACK)


@pytest.fixture
def standing() -> Person:
    points = np.zeros((K, 2), np.float32)
    points[:, 0] = np.linspace(60, 140, K)
    points[:, 1] = np.linspace(30, 170, K)
    box = np.array([50, 20, 150, 180], np.float32)
    return Person(Path("000011.jpg"), "synthetic", box, points, np.ones(K, np.float32))


def test_one_picture_in_ten_is_held_out_by_its_number(standing: Person) -> None:
    assert not held_out(standing)
    assert held_out(replace(standing, path=Path("im00120.jpg")))
    assert not held_out(replace(standing, path=Path("im00120.jpg"), scene=11))
    assert held_out(replace(standing, scene=14), 7)


def test_flags_are_those_of_coco(standing: Person) -> None:
    assert set(standing.flags) == {2}
    trust, hidden = np.ones(K, np.float32), np.zeros(K, bool)
    trust[:3], hidden[2:5] = 0, True
    flags = replace(standing, trust=trust, hidden=hidden).flags
    assert flags[:6].tolist() == [0, 0, 0, 1, 1, 2]


def test_an_area_is_labelled_or_a_share_of_the_box(standing: Person) -> None:
    assert standing.known_area == AREA_PER_BOX * 100 * 160
    assert replace(standing, area=7.0).known_area == 7
    inverted = np.array([50, 20, 40, 180], np.float32)
    assert replace(standing, box=inverted).known_area == 0
