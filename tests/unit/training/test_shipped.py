"""A network taken back out of its ONNX file answers as the file does."""

import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from spinepose.errors import ModelError  # noqa: E402
from spinepose.models import resolve_pose  # noqa: E402
from spinepose.training.pose.config import NetworkSettings  # noqa: E402
from spinepose.training.pose.export import export_onnx, parity  # noqa: E402
from spinepose.training.pose.networks.movenet import MoveNetPose  # noqa: E402
from spinepose.training.pose.networks.rtmcc import rtmpose  # noqa: E402
from spinepose.training.pose.networks.shipped import load_shipped  # noqa: E402
from spinepose.training.pose.networks.start import build_network  # noqa: E402


def _network(keypoints: int, side: int) -> MoveNetPose:
    """Return a network that has learned something, norms included."""
    torch.manual_seed(2)
    network = MoveNetPose(keypoints, side=side)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    norm = network.context[1]
    norm.running_mean.uniform_(-0.3, 0.3)
    norm.running_var.uniform_(0.5, 2)
    return network.eval()


@pytest.mark.parametrize(("keypoints", "side", "half"), [(37, 64, False), (26, 96, True)])
def test_what_was_exported_comes_back(
    tmp_path: Path, keypoints: int, side: int, half: bool
) -> None:
    network = _network(keypoints, side)
    path = tmp_path / "made.onnx"
    export_onnx(network, path, half=half)
    back = load_shipped(path)
    assert (back.keypoints, back.crop) == (keypoints, network.crop)
    crops = torch.randn(2, 3, side, side)
    assert parity(back, path, crops).pixels < 0.02
    # It learns on: everything has a gradient.
    back.train()
    sum(logits.square().mean() for logits in back(crops)).backward()
    assert all(p.grad is not None for p in back.parameters())


def test_the_model_in_the_package_is_a_start() -> None:
    path = resolve_pose("small").path
    network = build_network(NetworkSettings(family="movenet", start="small"))
    side = network.crop.width
    crops = torch.rand(1, 3, side, side) * 2 - 1
    assert parity(network, path, crops).pixels < 0.05


def test_others_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"onnx?" * 50)
    other = tmp_path / "other.onnx"
    export_onnx(rtmpose("tiny", 37), other)
    cut = tmp_path / "cut.onnx"
    model = onnx.load(str(resolve_pose("small").path))
    del model.graph.initializer[10]
    cut.write_bytes(model.SerializeToString())
    for path in (broken, other, cut, tmp_path / "missing.onnx"):
        with pytest.raises(ModelError, match=path.name) as caught:
            load_shipped(path)
        assert "\n" not in str(caught.value)


def test_a_file_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "changed.onnx"
    shutil.copy(resolve_pose("small").path, path)
    model = onnx.load(str(path))
    for node in model.graph.node:
        if node.op_type == "Clip" and "blocks" in node.name:
            node.op_type = "Identity"
            del node.input[1:]
            break
    last = model.graph.node[-1]
    last.op_type = "Neg" if len(last.input) == 1 else "Add"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"apart from the file|holds no network"):
        load_shipped(path)
