from pathlib import Path

import numpy as np
import pytest

from spinepose.dataset.people import Person
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose import labels
from spinepose.training.pose.blazepose import BlazePoseTeacher
from spinepose.training.pose.labels import LabelWeights, labelled_people, merge_labels, unswapped
from spinepose.training.pose.teachers import no_answers

K = len(SPINETRACK)
BOX = np.array([0, 0, 100, 200], np.float32)
W = LabelWeights()

PLACES = {
    "left_shoulder": (65, 40),
    "right_shoulder": (35, 40),
    "left_elbow": (75, 70),
    "right_elbow": (25, 70),
    "left_wrist": (80, 100),
    "right_wrist": (20, 100),
    "left_hip": (58, 100),
    "right_hip": (42, 100),
    "left_knee": (60, 145),
    "right_knee": (40, 145),
    "left_ankle": (62, 185),
    "right_ankle": (38, 185),
}
FEET = {
    "left_heel": (60, 192),
    "right_heel": (36, 192),
    "left_big_toe": (72, 195),
    "right_big_toe": (48, 195),
}
ARMS = [n for n in PLACES if "hip" not in n and "knee" not in n and "ankle" not in n]
LEGS = [n for n in PLACES if n not in ARMS]


def at(name):
    return int(SPINETRACK.indices([name])[0])


def person(places, source="lspe", trust=1.0):
    points, weight = np.full((K, 2), np.nan, np.float32), np.zeros(K, np.float32)
    for name, place in places.items():
        points[at(name)], weight[at(name)] = place, trust
    return Person(Path("a.jpg"), source, BOX, points, weight)


def answer(places, score=0.9):
    answers = no_answers(1)
    for name, place in places.items():
        answers[0, at(name)] = (*place, score)
    return answers


def moved(places, names, by):
    return {n: (x + by, y) if n in names else (x, y) for n, (x, y) in places.items()}


def mirrored(places, names):
    def other(name):
        swap = {"left": "right", "right": "left"}
        side, rest = name.split("_", 1)
        return f"{swap[side]}_{rest}" if name in names else name

    return {other(n): p for n, p in places.items()}


def merge(one, answers, *blaze, weights=None):
    points, trust = merge_labels([one], answers, blaze, weights)
    assert points.shape == (1, K, 2)
    assert trust.shape == (1, K)
    np.testing.assert_array_equal(np.isnan(points).any(axis=-1), trust == 0)
    return points[0], trust[0]


def test_a_crowds_joint_moves_towards_a_teacher_that_agrees():
    points, trust = merge(person(PLACES), answer(moved(PLACES, ["left_wrist"], 10)))
    np.testing.assert_allclose(points[at("left_wrist")], (88, 100), atol=1e-4)
    assert trust[at("left_wrist")] == 1


def test_a_sure_teacher_overrules_a_crowd_but_an_unsure_one_does_not():
    far = moved(PLACES, ["left_wrist"], 40)
    points, trust = merge(person(PLACES), answer(far))
    np.testing.assert_allclose(points[at("left_wrist")], (120, 100))
    assert trust[at("left_wrist")] == pytest.approx(0.9 * W.teacher)
    points, trust = merge(person(PLACES), answer(far, score=0.25))
    np.testing.assert_allclose(points[at("left_wrist")], (80, 100))
    assert trust[at("left_wrist")] == 1


def test_other_people_keep_what_they_clicked():
    far = moved(PLACES, PLACES, 40) | {"nose": (50, 10)}
    points, trust = merge(person(PLACES, "coco"), answer(far))
    for name, place in PLACES.items():
        np.testing.assert_allclose(points[at(name)], place)
        assert trust[at(name)] == 1
    np.testing.assert_allclose(points[at("nose")], (50, 10))
    assert trust[at("nose")] == pytest.approx(0.9 * W.teacher)
    assert trust[at("hip")] == 0


def test_rendered_people_learn_nothing_from_teachers():
    one = person({"left_hip": (58, 100)}, "synthetic", trust=0.5)
    everything = answer(PLACES | FEET | {"nose": (50, 10)})
    points, trust = merge(one, everything, everything)
    assert np.flatnonzero(trust).tolist() == [at("left_hip")]
    assert trust[at("left_hip")] == 0.5
    np.testing.assert_allclose(points[at("left_hip")], (58, 100))


def test_guessed_joints_carry_no_trust():
    one = person(PLACES)
    one.trust[at("left_knee")] = 0  # guessed: v = 0
    _, trust = merge(one, no_answers(1))
    assert trust[at("left_knee")] == 0
    points, trust = merge(one, answer(moved(PLACES, ["left_knee"], 50)))
    np.testing.assert_allclose(points[at("left_knee")], (110, 145))
    assert 0 < trust[at("left_knee")] < 1


@pytest.mark.parametrize("limb", [ARMS, LEGS])
def test_swapped_limbs_change_sides(limb):
    points, trust = merge(person(mirrored(PLACES, limb)), answer(moved(PLACES, PLACES, 2)))
    for name, (x, y) in PLACES.items():
        np.testing.assert_allclose(points[at(name)], (x + 2 * labels.EXACTER, y), atol=1e-4)
        assert trust[at(name)] == 1


def swaps(places, answers, asked=True):
    one = person(places)
    return unswapped(one.keypoints[None], one.trust[None], answers, BOX[None], np.array([asked]))[
        2
    ][0].tolist()


def test_only_clear_swaps_of_crowds_count():
    good = answer(PLACES)
    both = mirrored(PLACES, PLACES)
    assert swaps(PLACES, good) == [False, False]
    assert swaps(both, good) == [True, True]
    assert swaps(both, good, asked=False) == [False, False]
    assert swaps(both, answer(PLACES, score=0.2)) == [False, False]
    assert swaps(mirrored(PLACES, ["left_wrist", "right_wrist"]), good) == [False, False]
    side_view = {n: (50 + (x - 50) / 20, y) for n, (x, y) in PLACES.items()}
    assert swaps(mirrored(side_view, PLACES), answer(side_view)) == [False, False]
    # Neither order fits: nothing is known about sides.
    assert swaps({n: (300 - x, y) for n, (x, y) in PLACES.items()}, good) == [False, False]


def test_swaps_need_enough_joints():
    few = {n: p for n, p in mirrored(PLACES, LEGS).items() if n.endswith("ankle")}
    assert swaps(few, answer(PLACES)) == [False, False]
    four = {n: p for n, p in mirrored(PLACES, LEGS).items() if not n.endswith("hip")}
    assert swaps(four, answer(PLACES)) == [False, True]


def test_labels_without_a_partner_move_with_their_limb():
    most = {n: p for n, p in PLACES.items() if n != "left_ankle"}
    points, trust = merge(person(mirrored(most, LEGS)), answer(most))
    np.testing.assert_allclose(points[at("right_ankle")], PLACES["right_ankle"])
    assert trust[at("left_ankle")] == 0


def test_the_ends_of_a_crowds_spine_are_weak():
    points, trust = merge(person(PLACES | {"neck": (50, 30)}), no_answers(1))
    np.testing.assert_allclose(points[at("hip")], (50, 100))
    assert trust[at("hip")] == trust[at("neck")] == pytest.approx(W.spine_end)
    spine = answer({"neck": (51, 33), "hip": (50, 96), "spine_03": (50, 70)})
    points, trust = merge(person(PLACES | {"neck": (50, 30)}), spine)
    np.testing.assert_allclose(points[at("neck")], (51, 33))
    np.testing.assert_allclose(points[at("hip")], (50, 96))
    assert trust[at("spine_03")] == trust[at("hip")] == pytest.approx(0.9 * W.teacher)
    _, trust = merge(person({"neck": (50, 30), "left_hip": (58, 100)}), no_answers(1))
    assert trust[at("hip")] == 0


def test_feet_come_from_blazepose_where_it_agrees():
    blaze = answer(moved(PLACES | FEET, [], 0), score=0.8)
    points, trust = merge(person(PLACES), answer(PLACES), blaze)
    for name, place in FEET.items():
        np.testing.assert_allclose(points[at(name)], place)
        expected = 0.8 * (W.heel if "heel" in name else W.toe)
        assert trust[at(name)] == pytest.approx(expected)
    elsewhere = answer(moved(PLACES | FEET, ["left_ankle"], 30), score=0.8)
    _, trust = merge(person(PLACES), answer(PLACES), elsewhere)
    assert trust[at("left_heel")] == trust[at("left_big_toe")] == 0
    assert trust[at("right_heel")] > 0
    _, trust = merge(person(PLACES), answer(PLACES), blaze, no_answers(1))
    assert not trust[[at(n) for n in FEET]].any()


def test_feet_that_people_clicked_stay():
    one = person(PLACES | {"left_heel": (55, 190)}, "train")
    points, trust = merge(one, answer(PLACES), answer(PLACES | FEET))
    np.testing.assert_allclose(points[at("left_heel")], (55, 190))
    assert trust[at("left_heel")] == 1


def test_weights_of_each_origin():
    weights = LabelWeights(human=0.9, synthetic=0.4, teacher=0.5, toe=0.1, heel=0.05)
    body = {n: p for n, p in PLACES.items() if n != "left_wrist"}
    blaze = answer(PLACES | FEET, score=1)
    _, trust = merge(person(body), answer(PLACES, 1), blaze, weights=weights)
    assert trust[at("right_wrist")] == pytest.approx(0.9)
    assert trust[at("left_wrist")] == pytest.approx(0.5)
    assert trust[at("left_big_toe")] == pytest.approx(0.1)
    assert trust[at("left_heel")] == pytest.approx(0.05)
    _, trust = merge(person(body, "synthetic", 0.5), no_answers(1), weights=weights)
    assert trust[at("left_hip")] == pytest.approx(0.2)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_weights_lie_between_0_and_1(value):
    with pytest.raises(ValueError, match="weight of teacher"):
        LabelWeights(teacher=value)


def test_inputs_stay_as_they_are():
    one, answers = person(mirrored(PLACES, PLACES)), answer(PLACES)
    before = one.keypoints.copy(), one.trust.copy(), answers.copy()
    merge(one, answers, answers)
    for a, b in zip(before, (one.keypoints, one.trust, answers), strict=True):
        np.testing.assert_array_equal(a, b)


# Whole sets


class FakeBlaze(BlazePoseTeacher):
    def __init__(self, path):
        self.path = path


class FakeBody:
    def __init__(self, path):
        self.path = path


def test_people_get_the_labels_of_all_teachers(tmp_path, monkeypatch):
    said = {
        "first.onnx": answer({"nose": (50, 10)}),
        "second.onnx": answer(PLACES | {"nose": (90, 90)}),
        "heavy.tflite": answer(PLACES | FEET),
        "full.tflite": answer(PLACES | moved(FEET, ["left_big_toe"], 30)),
    }

    def opened(path):
        return FakeBlaze(path) if path.suffix == ".tflite" else FakeBody(path)

    def kept(people, teacher, folder, progress):
        return np.repeat(said[teacher.path.name], len(people), axis=0)

    monkeypatch.setattr(labels, "open_teacher", opened)
    monkeypatch.setattr(labels, "cached_answers", kept)
    unboxed = person({}, "people")
    people = [person(PLACES, "coco"), unboxed]
    found = labelled_people(people, [Path(n) for n in said], tmp_path)
    for one in found:
        np.testing.assert_allclose(one.keypoints[at("nose")], (50, 10))  # the first is believed
        assert one.trust[at("left_heel")] == one.trust[at("left_big_toe")] == 0  # not confirmed
        assert one.trust[at("right_heel")] > 0
    np.testing.assert_array_equal(found[0].box, BOX)
    x0, y0, x1, y1 = found[1].box
    pad = labels.AROUND * (195 - 10)
    np.testing.assert_allclose([x0, y0, x1, y1], [20 - pad, 10 - pad, 80 + pad, 195 + pad], 1e-5)
    assert unboxed.trust.sum() == 0
    assert labelled_people([], [Path("none.onnx")], tmp_path) == []


def test_pictures_without_boxes_keep_theirs_when_little_is_known(tmp_path):
    (one,) = labelled_people([person({}, "people")], [], tmp_path)
    np.testing.assert_array_equal(one.box, BOX)
