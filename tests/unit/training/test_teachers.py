import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinepose.dataset.people import Person
from spinepose.errors import DataError, MissingExtraError, ModelError
from spinepose.skeleton import COCO17, HALPE26, SPINETRACK
from spinepose.training.pose import blazepose
from spinepose.training.pose.answers import cached_answers, open_teacher, upright_angle
from spinepose.training.pose.blazepose import BlazePoseTeacher, agreeing_feet
from spinepose.training.pose.teachers import MoveNetTeacher, OnnxTeacher, cut, no_answers

K = len(SPINETRACK)
BOX = np.array([20, 40, 100, 200], np.float32)


def person(path, box=BOX, source="set", **places):
    points, trust = np.full((K, 2), np.nan, np.float32), np.zeros(K, np.float32)
    for name, place in places.items():
        row = SPINETRACK.indices([name])[0]
        points[row], trust[row] = place, 1
    return Person(path, source, np.asarray(box, np.float32), points, trust)


def spots(width=160, height=240, **colours):
    """A dark picture with small squares: colour = (place, value of red)."""
    image = np.zeros((height, width, 3), np.uint8)
    for (x, y), red in colours.values():
        image[y - 2 : y + 3, x - 2 : x + 3, 0] = red
    return image


def write(path, image):
    cv2.imwrite(str(path), image[..., ::-1])
    return path


class Fake:
    """Answers the nose: the centre of what is red in the box."""

    def __init__(self, fingerprint="fake", fail_after=10**9):
        self.name, self.fingerprint, self.fail_after = "fake", fingerprint, fail_after
        self.keypoints, self.asked = np.array([0]), 0

    def answer(self, image, boxes):
        answers = no_answers(len(boxes))
        for row, box in zip(answers, np.asarray(boxes), strict=True):
            if self.asked >= self.fail_after:
                raise KeyboardInterrupt
            self.asked += 1
            x0, y0, x1, y1 = np.maximum(np.round(box), 0).astype(int)
            y, x = np.nonzero(image[y0:y1, x0:x1, 0] > 100)
            row[0] = x.mean() + x0, y.mean() + y0, 0.9
        return answers


@pytest.fixture
def people(tmp_path):
    found = []
    for n in range(6):
        image = spots(nose=((40 + 5 * n, 90), 255))
        found.append(person(write(tmp_path / f"{n}.png", image), source="ab"[n % 2]))
    return found


def noses(answers):
    return answers[:, 0, :2]


def test_answers_are_asked_once(people, tmp_path):
    teacher, counts = Fake(), []
    first = cached_answers(people, teacher, tmp_path / "kept", counts.append)
    np.testing.assert_allclose(noses(first), [[40 + 5 * n, 90] for n in range(6)], atol=0.01)
    assert np.isnan(first[:, 1:, :2]).all()
    assert not first[:, 1:, 2].any()
    assert counts == [1, 2, 3, 4, 5, 6]
    again = cached_answers(people, teacher, tmp_path / "kept")
    assert teacher.asked == 6
    np.testing.assert_array_equal(again, first)
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == [
        "a-fake-fake.npz",
        "b-fake-fake.npz",
    ]


def test_a_grown_set_in_another_order_asks_only_for_new_people(people, tmp_path):
    teacher = Fake()
    first = cached_answers(people[:4], teacher, tmp_path)
    grown = cached_answers([people[i] for i in (5, 3, 1, 0, 2, 4)], teacher, tmp_path)
    assert teacher.asked == 6
    np.testing.assert_array_equal(grown[[3, 2, 4, 1]], first)


def test_anything_that_changes_the_answer_asks_again(people, tmp_path):
    teacher = Fake()
    one = people[0]
    cached_answers([one], teacher, tmp_path)
    cached_answers([person(one.path, BOX + 1, one.source)], teacher, tmp_path)
    assert teacher.asked == 2
    lying = dict(left_hip=(30, 90), right_hip=(30, 92), neck=(70, 91))
    cached_answers([person(one.path, source=one.source, **lying)], teacher, tmp_path)
    assert teacher.asked == 3
    write(one.path, spots(nose=((60, 120), 255)))
    moved = cached_answers([one], teacher, tmp_path)
    assert teacher.asked == 4
    np.testing.assert_allclose(noses(moved), [[60, 120]], atol=0.01)
    other = Fake("other weights")
    cached_answers([one], other, tmp_path)
    assert other.asked == 1


def test_a_renamed_picture_keeps_its_answer(people, tmp_path):
    teacher = Fake()
    cached_answers(people[:1], teacher, tmp_path)
    renamed = replace(people[0], path=people[0].path.rename(tmp_path / "renamed.png"))
    cached_answers([renamed], teacher, tmp_path)
    assert teacher.asked == 1


def test_an_interrupted_run_keeps_what_was_done(people, tmp_path):
    people = [replace(p, source="set") for p in people]
    killed = Fake(fail_after=3)
    with pytest.raises(KeyboardInterrupt):
        cached_answers(people, killed, tmp_path)
    teacher = Fake()
    cached_answers(people, teacher, tmp_path)
    assert teacher.asked == 3


def test_a_killed_run_keeps_all_but_the_last_few(people, tmp_path, monkeypatch):
    """Nothing is written at the end: the process is gone."""
    people = [replace(p, source="set") for p in people]
    killed = Fake(fail_after=5)
    with monkeypatch.context() as patched:
        patched.setattr("spinepose.training.pose.answers._Book.__exit__", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            cached_answers(people, killed, tmp_path, every=2)
    teacher = Fake()
    cached_answers(people, teacher, tmp_path)
    assert teacher.asked == 2  # 4 of the 5 were written


def test_an_upside_down_person_is_turned_by_half_a_turn():
    hanging = person("a.png", left_hip=(90, 50), right_hip=(110, 50), neck=(100, 150))
    assert abs(upright_angle(hanging)) == pytest.approx(180)
    hanging.trust[SPINETRACK.index("neck")] = 0
    assert upright_angle(hanging) == 0


@pytest.mark.parametrize("turn", [90, -90, 180, 45])
def test_people_who_lie_are_shown_upright_and_mapped_back(tmp_path, turn):
    centre = np.array([80.0, 120])
    way = np.radians(turn)
    up = np.array([np.sin(way), -np.cos(way)])
    nose = np.round(centre + 40 * up).astype(int)
    path = write(tmp_path / "a.png", spots(nose=(nose, 255)))
    hips, neck = centre - 20 * up, centre + 20 * up
    lying = person(path, [30, 70, 130, 170], left_hip=hips, right_hip=hips, neck=neck)
    shown = []

    class Watching(Fake):
        def answer(self, image, boxes):
            shown.append(super().answer(image, boxes)[0, 0])
            self.shape, self.box = image.shape, boxes[0]
            return super().answer(image, boxes)

    teacher = Watching()
    answer = cached_answers([lying], teacher, tmp_path / "kept")
    np.testing.assert_allclose(noses(answer)[0], nose, atol=0.6)
    middle = (np.array(teacher.shape[1::-1]) - 1) / 2
    np.testing.assert_allclose(shown[0][:2], middle - [0, 40], atol=1)
    assert teacher.box[2] - teacher.box[0] == pytest.approx(100, abs=0.5)


def test_answers_outside_the_picture_are_dropped(people, tmp_path):
    class Beyond(Fake):
        def answer(self, image, boxes):
            answers = no_answers(len(boxes))
            answers[:, 0], answers[:, 1], answers[:, 2] = (50, 240.6, 1), (-1, 5, 1), (159.4, 5, 1)
            return answers

    answer = cached_answers(people[:1], Beyond(), tmp_path)[0]
    assert answer[:3, 2].tolist() == [0, 0, 1]
    assert np.isnan(answer[:2, :2]).all()


def test_broken_files_say_what_to_do(people, tmp_path):
    teacher = Fake()
    cached_answers(people[:1], teacher, tmp_path)
    (kept,) = tmp_path.glob("*.npz")
    good = kept.read_bytes()
    for bad in (good[: len(good) // 2], b"", b"text"):
        kept.write_bytes(bad)
        with pytest.raises(DataError, match="delete it"):
            cached_answers(people[:1], teacher, tmp_path)
    np.savez(kept, keys=np.zeros((2, 32), np.uint8), answers=np.zeros((3, K, 3)))
    with pytest.raises(DataError, match="delete it"):
        cached_answers(people[:1], teacher, tmp_path)
    kept.unlink()
    for content in (b"", b"no picture"):
        people[0].path.write_bytes(content)
        with pytest.raises(DataError, match=r"0\.png.*picture"):
            cached_answers(people[:1], teacher, tmp_path)
    people[0].path.unlink()
    with pytest.raises(DataError, match=r"0\.png: cannot be read"):
        cached_answers(people[:1], teacher, tmp_path)


def test_nobody_needs_no_answers(tmp_path):
    assert cached_answers([], Fake(), tmp_path / "none").shape == (0, K, 3)
    assert not (tmp_path / "none").exists()


def test_large_people_are_averaged_down():
    rng = np.random.default_rng(0)
    noise = np.repeat(rng.integers(0, 2, (1024, 1024, 1), np.uint8) * 255, 3, axis=2)
    small = cut(noise, np.array([[0.25, 0, 0], [0, 0.25, 0]]))
    assert small.shape == (256, 256, 3)
    assert small[8:-8, 8:-8].std() < 40  # a sampled picture would have 127
    spot = np.zeros((1024, 1024, 3), np.uint8)
    spot[396:405, 596:605] = 255
    y, x, _ = np.nonzero(cut(spot, np.array([[0.25, 0, 0], [0, 0.25, 0]])) > 60)
    np.testing.assert_allclose([x.mean(), y.mean()], [150, 100], atol=0.1)


# Networks made here


def thunder(path, kind="INT32"):
    """A stand-in for MoveNet: the k-th joint is at the mean row and column of what is red."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    def constant(name, values):
        return onnx.numpy_helper.from_array(np.asarray(values, np.float32), name)

    grid = (np.arange(256, dtype=np.float32) + 0.0) / 256
    nodes = [
        helper.make_node("Cast", ["input"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["float", "zero"], ["red"], axis=3),
        helper.make_node("ReduceSum", ["red", "all"], ["total"], keepdims=1),
        helper.make_node("Mul", ["red", "rows"], ["by_y"]),
        helper.make_node("Mul", ["red", "columns"], ["by_x"]),
        helper.make_node("ReduceSum", ["by_y", "all"], ["sum_y"], keepdims=1),
        helper.make_node("ReduceSum", ["by_x", "all"], ["sum_x"], keepdims=1),
        helper.make_node("Div", ["sum_y", "total"], ["y"]),
        helper.make_node("Div", ["sum_x", "total"], ["x"]),
        helper.make_node("Concat", ["y", "x", "score"], ["one"], axis=3),
        helper.make_node("Expand", ["one", "shape"], ["output"]),
    ]
    weights = [
        onnx.numpy_helper.from_array(np.array([0], np.int64), "zero"),
        onnx.numpy_helper.from_array(np.array([1, 2, 3], np.int64), "all"),
        onnx.numpy_helper.from_array(np.array([1, 1, 17, 3], np.int64), "shape"),
        constant("rows", grid.reshape(1, 256, 1, 1)),
        constant("columns", grid.reshape(1, 1, 256, 1)),
        constant("score", [[[[0.7]]]]),
    ]
    graph = helper.make_graph(
        nodes,
        "thunder",
        [helper.make_tensor_value_info("input", getattr(TensorProto, kind), [1, 256, 256, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 17, 3])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path


def test_movenet_answers_in_pixels_of_the_picture(tmp_path):
    teacher = MoveNetTeacher(thunder(tmp_path / "thunder.onnx"))
    image = spots(joint=((70, 150), 255))
    answers = teacher.answer(image, [BOX, BOX + 10])
    assert answers.shape == (2, K, 3)
    np.testing.assert_allclose(answers[:, :17, :2], np.full((2, 17, 2), (70, 150)), atol=0.3)
    np.testing.assert_allclose(answers[:, :17, 2], 0.7)
    assert np.isnan(answers[:, 17:, :2]).all()
    assert teacher.keypoints.tolist() == list(range(len(COCO17)))
    assert teacher.answer(image, np.zeros((0, 4))).shape == (0, K, 3)


def test_movenet_names_a_wrong_file(tmp_path):
    with pytest.raises(ModelError, match=r"none\.onnx: cannot be read"):
        MoveNetTeacher(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"broken\.onnx: cannot be loaded"):
        MoveNetTeacher(broken)
    with pytest.raises(ModelError, match="int32 picture"):
        MoveNetTeacher(thunder(tmp_path / "float.onnx", "FLOAT"))


def pose_network(path, skeleton, **card):
    """Every keypoint k of this network lies at crop pixel (10 + k, 20 + k)."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    count, width, height = len(skeleton), 48, 64
    x, y = np.full((1, count, 2 * width), -9.0), np.full((1, count, 2 * height), -9.0)
    for k in range(count):
        x[0, k, 2 * (10 + k)] = y[0, k, 2 * (20 + k)] = 9
    nodes, weights = [], [onnx.numpy_helper.from_array(np.float32([0.0]), "zero")]
    for name, values in (("simcc_x", x), ("simcc_y", y)):
        weights.append(onnx.numpy_helper.from_array(values.astype(np.float32), f"{name}_at"))
        nodes.append(helper.make_node("Add", [f"{name}_at", "rest"], [name]))
    nodes.insert(0, helper.make_node("ReduceSum", ["input", "axes"], ["sum"], keepdims=0))
    nodes.insert(1, helper.make_node("Unsqueeze", ["sum", "last"], ["tall"]))
    nodes.insert(2, helper.make_node("Mul", ["tall", "zero"], ["rest"]))
    weights.append(onnx.numpy_helper.from_array(np.array([1, 2, 3]), "axes"))
    weights.append(onnx.numpy_helper.from_array(np.array([1, 2]), "last"))
    graph = helper.make_graph(
        nodes,
        "pose",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, height, width])],
        [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", count, size])
            for n, size in (("simcc_x", 2 * width), ("simcc_y", 2 * height))
        ],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    content = {
        "schema": 1,
        "id": "tiny",
        "version": "1",
        "task": "pose",
        "file": path.name,
        "input": {"width": width, "height": height, "mean": [0, 0, 0], "std": [1, 1, 1]},
        "output": {"kind": "simcc"},
        "license": "Apache-2.0",
        "summary": "made by a test",
        "skeleton": skeleton.name,
        **card,
    }
    path.with_suffix(".json").write_text(json.dumps(content))
    return path


def test_onnx_teacher_maps_keypoints_by_name(tmp_path):
    teacher = OnnxTeacher(pose_network(tmp_path / "halpe.onnx", HALPE26), flip=False)
    box = [0, 0, 48 / 1.25, 64 / 1.25]  # one crop pixel is one picture pixel, shifted
    answers = teacher.answer(spots(), [box])
    assert set(teacher.keypoints) == set(SPINETRACK.indices(HALPE26.keypoints))
    shift = answers[0, 0, :2] - (10, 20)
    for name in ("left_heel", "neck", "right_big_toe"):
        theirs, ours = HALPE26.indices([name])[0], SPINETRACK.indices([name])[0]
        expected = np.array([10 + theirs, 20 + theirs]) + shift
        np.testing.assert_allclose(answers[0, ours, :2], expected, atol=0.01)
    unknown = np.setdiff1d(np.arange(K), teacher.keypoints)
    assert np.isnan(answers[0, unknown, :2]).all()
    assert not answers[0, unknown, 2].any()


def test_the_fingerprint_follows_weights_and_settings(tmp_path):
    path = pose_network(tmp_path / "a.onnx", COCO17)
    one = OnnxTeacher(path)
    assert len(one.fingerprint) == 64
    assert one.fingerprint == OnnxTeacher(path).fingerprint
    assert one.fingerprint != OnnxTeacher(path, flip=False).fingerprint
    pose_network(path, COCO17, score={"kind": "logistic", "a": 2, "b": 1})
    assert one.fingerprint != OnnxTeacher(path).fingerprint
    pose_network(path, COCO17, summary="other words")
    assert one.fingerprint == OnnxTeacher(path).fingerprint


def test_the_right_teacher_is_opened(tmp_path, monkeypatch):
    assert isinstance(open_teacher(thunder(tmp_path / "thunder.onnx")), MoveNetTeacher)
    assert isinstance(open_teacher(pose_network(tmp_path / "net.onnx", COCO17)), OnnxTeacher)
    with pytest.raises(ModelError, match=r"none\.tflite: cannot be read"):
        open_teacher(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="unknown mode"):
        open_teacher(Path("nothing"))
    lite = tmp_path / "pose_landmark_lite.tflite"
    lite.write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert", None)
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingExtraError, match=r"spinepose\[teachers\]"):
        open_teacher(lite)


# BlazePose


class FakeInterpreter:
    """Sees a person wherever something is red: the landmarks are what is red there.

    `marks` says how landmark rows move from the red centre in crop pixels.
    """

    def __init__(self, present=1.0, heat=None, outputs=None):
        self.present, self.heat, self.crops = present, heat, []
        sizes = outputs or {"Identity": (1, 195), "Identity_1": (1, 1), "heat": (1, 64, 64, 39)}
        self.details = [
            {"name": n, "shape": np.array(s), "index": 10 + i}
            for i, (n, s) in enumerate(sizes.items())
        ]

    def allocate_tensors(self):
        self.ready = True

    def get_input_details(self):
        return [{"index": 3, "shape": np.array([1, 256, 256, 3])}]

    def get_output_details(self):
        return self.details

    def set_tensor(self, index, value):
        assert self.ready
        assert index == 3
        assert value.dtype == np.float32
        assert value.shape == (1, 256, 256, 3)
        assert value.max() <= 1
        self.crops.append(value[0])

    def invoke(self):
        y, x = np.nonzero(self.crops[-1][..., 0] > 0.5)
        marks = np.zeros((39, 5), np.float32)
        marks[:, 0], marks[:, 1] = x.mean() + 0.5, y.mean() + 0.5
        marks[:33, 0] += np.arange(33) / 10  # tell the landmarks apart
        marks[34, 1] -= 100  # the circle's rim is above
        marks[:, 3], marks[:, 4] = 2, 4
        marks[30, 3] = -3  # one heel is hidden
        heat = np.full((64, 64, 39), -20, np.float32) if self.heat is None else self.heat
        self.values = {10: marks.reshape(1, 195), 11: np.float32([[self.present]]), 12: heat[None]}

    def get_tensor(self, index):
        return self.values[index]


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "pose_landmark_heavy.tflite"
    path.write_bytes(b"weights")
    return path


def test_blazepose_reads_twice_and_maps_landmarks(weights):
    runner = FakeInterpreter()
    teacher = BlazePoseTeacher(weights, interpreter=runner)
    assert teacher.name == "blazepose-heavy"
    answers = teacher.answer(spots(all=((70, 150), 255)), [BOX])
    assert len(runner.crops) == 2
    y, x = np.nonzero(runner.crops[1][..., 0] > 0.5)
    np.testing.assert_allclose([x.mean(), y.mean()], [127.5, 127.5], atol=1)  # the circle's middle
    scale = 256 / (2 * 1.25 * 100 * 160 * 1.25 / 256)
    names = {0: "nose", 11: "left_shoulder", 29: "left_heel", 30: "right_heel", 32: "right_big_toe"}
    for mark, name in names.items():
        x, y, score = answers[0, SPINETRACK.indices([name])[0]]
        np.testing.assert_allclose([x, y], [70 + mark / 10 / scale, 150], atol=0.4)
        assert score == pytest.approx(1 / (1 + np.exp(3 if mark == 30 else -2)), abs=1e-5)
    for name in ("left_small_toe", "neck", "spine_03"):
        assert answers[0, SPINETRACK.indices([name])[0], 2] == 0


def test_blazepose_refines_with_heatmaps(weights):
    heat = np.full((64, 64, 39), -20, np.float32)
    heat[33, 33, 29] = 5  # near the landmark, which lies in cell 31 or 32
    heat[5, 5, 31] = 5  # too far away to count
    teacher = BlazePoseTeacher(weights, interpreter=FakeInterpreter(heat=heat))
    image = spots(all=((70, 150), 255))
    plain = BlazePoseTeacher(weights, interpreter=FakeInterpreter()).answer(image, [BOX])
    refined = teacher.answer(image, [BOX])
    heel, toe = SPINETRACK.indices(["left_heel", "left_big_toe"])
    scale = 256 / (2 * 1.25 * 100 * 160 * 1.25 / 256)
    np.testing.assert_allclose(refined[0, heel, 0], 70 + (132 - 128) / scale, atol=0.5)
    np.testing.assert_allclose(refined[0, toe], plain[0, toe], atol=1e-4)


@pytest.mark.parametrize("present", [0.2, float("nan")])
def test_blazepose_without_a_person_knows_nothing(weights, present):
    teacher = BlazePoseTeacher(weights, interpreter=FakeInterpreter(present))
    answers = teacher.answer(spots(all=((70, 150), 255)), [BOX])
    assert not answers[..., 2].any()
    assert np.isnan(answers[..., :2]).all()


def test_blazepose_names_another_network(weights):
    other = FakeInterpreter(outputs={"boxes": (1, 100, 4)})
    with pytest.raises(ModelError, match=r"heavy\.tflite: outputs of \[400\] numbers"):
        BlazePoseTeacher(weights, interpreter=other)


@pytest.mark.skipif(importlib.util.find_spec("ai_edge_litert") is None, reason="needs LiteRT")
def test_litert_names_a_broken_file(weights):
    with pytest.raises(ModelError, match=r"heavy\.tflite: cannot be loaded"):
        BlazePoseTeacher(weights)


def test_the_real_blazepose_finds_feet(shared_data):
    """The network is found by SPINEPOSE_BLAZEPOSE, a path to pose_landmark_*.tflite."""
    pytest.importorskip("ai_edge_litert")
    path = Path(os.environ.get("SPINEPOSE_BLAZEPOSE", "none"))
    if not path.is_file():
        pytest.skip("needs a network that is not part of the repository: SPINEPOSE_BLAZEPOSE")
    picture = sorted((shared_data / "data/people/images").glob("*.jpg"))[0]
    image = cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
    height, width = image.shape[:2]
    (answer,) = BlazePoseTeacher(path).answer(image, [[0, 0.02 * height, width, 0.98 * height]])
    for side in ("left", "right"):
        names = ("shoulder", "hip", "knee", "ankle", "big_toe")
        down = answer[SPINETRACK.indices([f"{side}_{n}" for n in names]), 1]
        assert (np.diff(down) > 0).all()
        assert answer[at(f"{side}_heel"), 2] > 0
    assert answer[at("left_hip"), 0] > answer[at("right_hip"), 0]  # she faces the camera


# Feet


def standing(score=0.9):
    """One upright person (1, 37, 3) and box: legs of 100 pixels, toes to the front."""
    answers = no_answers(1)
    for side, x in (("left", 60), ("right", 40)):
        for name, place in dict(
            hip=(x, 100), knee=(x, 150), ankle=(x, 200), heel=(x - 3, 210), big_toe=(x + 15, 208)
        ).items():
            answers[0, SPINETRACK.indices([f"{side}_{name}"])[0]] = (*place, score)
    return answers, np.array([[0, 0, 100, 220]], float)


FEET = ("left_heel", "left_big_toe", "right_heel", "right_big_toe")


def known(feet):
    return {n for n in FEET if feet[0, SPINETRACK.indices([n])[0], 2] > 0}


def at(name):
    return SPINETRACK.indices([name])[0]


def test_feet_are_taken_where_the_legs_agree():
    blaze, box = standing()
    body = blaze.copy()
    body[0, SPINETRACK.indices(list(FEET))] = (np.nan, np.nan, 0)
    feet = agreeing_feet(blaze, body, box)
    assert known(feet) == set(FEET)
    rows = SPINETRACK.indices(list(FEET))
    np.testing.assert_array_equal(feet[0, rows], blaze[0, rows])
    rest = np.setdiff1d(np.arange(K), rows)
    assert not feet[0, rest, 2].any()


@pytest.mark.parametrize(
    ("name", "change", "kept"),
    [
        ("left_ankle", (23, 0, 0), {"right_heel", "right_big_toe"}),  # elsewhere
        ("left_knee", (0, 23, 0), {"right_heel", "right_big_toe"}),
        ("right_hip", (23, 0, 0), set()),  # hips count for both legs
        ("left_ankle", (0, 0, -0.6), {"right_heel", "right_big_toe"}),  # unsure
        ("left_ankle", (-15, 0, 0), set()),  # each is nearer to the other one
        ("left_hip", (np.nan, 0, 0), set()),
    ],
)
def test_legs_that_disagree_have_no_feet(name, change, kept):
    blaze, box = standing()
    body = blaze.copy()
    body[0, at(name)] += change
    if name == "left_ankle" and change[0] == -15:
        body[0, at("right_ankle"), 0] = 61
    assert known(agreeing_feet(blaze, body, box)) == kept


def test_feet_that_cannot_be_are_dropped():
    blaze, box = standing()
    body = blaze.copy()
    blaze[0, at("left_big_toe"), 0] += 40
    blaze[0, at("right_heel"), 2] = 0.3
    assert known(agreeing_feet(blaze, body, box)) == {"left_heel", "right_big_toe"}


def test_other_sizes_must_confirm_feet():
    blaze, box = standing()
    second = blaze.copy()
    second[0, at("left_big_toe"), 0] += blazepose.CONFIRMS * 220 + 1
    second[0, at("right_heel"), 0] += blazepose.CONFIRMS * 220 - 1
    assert known(agreeing_feet(blaze, blaze, box, [second])) == {"right_heel", "right_big_toe"}
    assert known(agreeing_feet(blaze, blaze, box, [no_answers(1)])) == set()


def test_nobody_has_no_feet():
    assert agreeing_feet(no_answers(0), no_answers(0), np.zeros((0, 4))).shape == (0, K, 3)
