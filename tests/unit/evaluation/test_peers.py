import numpy as np
import pytest

from spinepose.errors import ModelError
from spinepose.evaluation.peers import MoveNet, Network, open_reader
from spinepose.skeleton import COCO17, HALPE26, SPINETRACK
from tests.unit.conftest import pose_card

onnx = pytest.importorskip("onnx")

BOX = [20.0, 40.0, 100.0, 200.0]


def simcc(count, width, height):
    """Keypoint k is at crop pixel (10 + k, 20 + k), the last one hardly there."""
    x, y = np.full((1, count, 2 * width), -9.0), np.full((1, count, 2 * height), -9.0)
    for k in range(count - 1):
        x[0, k, 2 * (10 + k)] = y[0, k, 2 * (20 + k)] = 9
    x[0, -1, 40] = y[0, -1, 40] = -8.9
    return [("simcc_x", x.astype(np.float32)), ("simcc_y", y.astype(np.float32))]


def test_every_keypoint_is_placed_under_its_name(make_model):
    card = pose_card(skeleton="halpe26", score={"kind": "logistic", "a": 2, "b": 5})
    found = make_model(card, simcc(26, 64, 96))
    reader = open_reader(found.path)
    assert isinstance(reader, Network)
    assert reader.name == "test-pose"
    assert reader.sha256 == found.card.sha256
    assert set(reader.keypoints) == set(SPINETRACK.indices(HALPE26.keypoints))
    answers = reader.read(np.zeros((240, 160, 3), np.uint8), np.tile(BOX, (20, 1)))
    assert answers.shape == (20, len(SPINETRACK), 3)
    assert np.isfinite(answers[:, reader.keypoints]).all()  # the unsure one too
    weak = SPINETRACK.index("right_heel")
    assert answers[0, weak, 2] < 0.05
    assert answers[0, 0, 2] > 0.9
    unknown = np.setdiff1d(np.arange(len(SPINETRACK)), reader.keypoints)
    assert np.isnan(answers[:, unknown, :2]).all()
    assert not answers[:, unknown, 2].any()
    assert reader.read(np.zeros((240, 160, 3), np.uint8), np.zeros((0, 4))).shape[0] == 0


def thunder(path):
    """All joints lie where the square's red is; the score is the share of the square in red."""
    from onnx import TensorProto, helper, numpy_helper

    grid = (np.arange(256, dtype=np.float32) / 256).reshape(1, 256, 1)
    weights = [
        numpy_helper.from_array(grid, "rows"),
        numpy_helper.from_array(grid.reshape(1, 1, 256), "columns"),
        numpy_helper.from_array(np.array([[0.8]], np.float32), "score"),
        numpy_helper.from_array(np.array(0), "first"),
        numpy_helper.from_array(np.array([1, 2]), "axes"),
        numpy_helper.from_array(np.array([1, 1, 1, 3]), "one"),
        numpy_helper.from_array(np.array([1, 1, 17, 1]), "many"),
    ]
    node = helper.make_node
    nodes = [
        node("Gather", ["input", "first"], ["red_int"], axis=3),
        node("Cast", ["red_int"], ["red"], to=TensorProto.FLOAT),
        node("ReduceSum", ["red", "axes"], ["total"], keepdims=0),
        node("Mul", ["red", "rows"], ["by_row"]),
        node("Mul", ["red", "columns"], ["by_column"]),
        node("ReduceSum", ["by_row", "axes"], ["row_sum"], keepdims=0),
        node("ReduceSum", ["by_column", "axes"], ["column_sum"], keepdims=0),
        node("Div", ["row_sum", "total"], ["y"]),
        node("Div", ["column_sum", "total"], ["x"]),
        node("Flatten", ["y"], ["y2"]),
        node("Flatten", ["x"], ["x2"]),
        node("Concat", ["y2", "x2", "score"], ["row"], axis=1),
        node("Reshape", ["row", "one"], ["single"]),
        node("Tile", ["single", "many"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "thunder",
        [helper.make_tensor_value_info("input", TensorProto.INT32, [1, 256, 256, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 17, 3])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("flip", [False, True])
def test_movenet_needs_no_card_and_may_be_mirrored(tmp_path, flip):
    reader = open_reader(thunder(tmp_path / "thunder.onnx"))
    assert isinstance(reader, MoveNet)
    assert len(reader.sha256) == 64
    image = np.zeros((240, 160, 3), np.uint8)
    image[148:153, 68:73, 0] = 255
    answers = reader.read(image, [BOX, BOX], flip=flip)
    rows = SPINETRACK.indices(COCO17.keypoints)
    np.testing.assert_allclose(answers[:, rows, :2], np.full((2, 17, 2), (70, 150)), atol=0.3)
    np.testing.assert_allclose(answers[:, rows, 2], 0.8, rtol=1e-6)
    assert not answers[:, 17:, 2].any()
    assert reader.read(image, np.zeros((0, 4)), flip=flip).shape == (0, len(SPINETRACK), 3)


def test_another_network_needs_a_card(tmp_path, make_model):
    path = make_model(pose_card(), simcc(37, 64, 96)).path
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"not MoveNet.*needs a JSON card"):
        open_reader(path)
    with pytest.raises(ModelError, match="no such model file"):
        open_reader(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="unknown mode"):
        open_reader("gigantic")
