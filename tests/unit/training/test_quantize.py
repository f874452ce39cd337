import copy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from torch import nn  # noqa: E402

from spinepose.errors import UsageError  # noqa: E402
from spinepose.training.pose.export import export_onnx, parity  # noqa: E402
from spinepose.training.pose.networks.base import CropSpec, Outputs, PoseNetwork  # noqa: E402
from spinepose.training.pose.networks.movenet import MoveNetPose  # noqa: E402
from spinepose.training.pose.networks.rtmcc import rtmpose  # noqa: E402
from spinepose.training.pose.quantize import METHODS, PARTS, quantize  # noqa: E402


class Tiny(PoseNetwork):
    """Three convolutions, and a head whose tensors reach infinity."""

    def __init__(self) -> None:
        super().__init__()
        self.crop, self.keypoints = CropSpec(width=24, height=32), 5
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, 2, padding=1), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU())
        self.read = nn.Conv2d(64, 5, 1)
        self.shift = nn.Parameter(torch.rand(64))

    def outputs(self, crops: torch.Tensor) -> Outputs:
        heat = self.read(self.body(self.stem(crops)))
        x, y = heat.sum(2), heat.sum(3)
        wall = torch.log(torch.relu(y[..., :1]).clamp(max=0))  # of zero: minus infinity
        x = x + torch.exp(wall)
        return Outputs(x.repeat_interleave(4, -1), y.repeat_interleave(4, -1) + self.shift)


def crops_for(network: PoseNetwork, number: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(number, 3, network.crop.height, network.crop.width, generator=generator)


@pytest.fixture(scope="module")
def network() -> PoseNetwork:
    torch.manual_seed(0)
    return Tiny().eval()


@pytest.fixture
def source(network: PoseNetwork, tmp_path: Path) -> Path:
    path = tmp_path / "float.onnx"
    export_onnx(network, path, half=False)
    return path


def integer_convolutions(path: Path) -> list[str]:
    """Name the convolutions whose input and weights come from integers."""
    graph = onnx.load(str(path)).graph
    maker = {name: node.op_type for node in graph.node for name in node.output}
    return [
        node.name
        for node in graph.node
        if node.op_type == "Conv"
        and all(maker.get(name) == "DequantizeLinear" for name in node.input[:2])
    ]


@pytest.mark.parametrize("method", METHODS)
def test_answers_stay_near(network: PoseNetwork, source: Path, tmp_path: Path, method) -> None:
    out = tmp_path / "int8.onnx"
    crops = crops_for(network, 8)
    quantize(source, crops.numpy(), out, method=method)
    assert len(integer_convolutions(out)) == 3
    assert 0 < parity(network, out, crops).pixels < 0.5
    assert out.stat().st_size < 0.5 * source.stat().st_size
    assert sorted(p.name for p in tmp_path.iterdir()) == ["float.onnx", "int8.onnx"]


def test_crops_may_come_one_by_one(network: PoseNetwork, source: Path, tmp_path: Path) -> None:
    crops = crops_for(network, 4).numpy()
    quantize(source, crops, tmp_path / "a.onnx")
    quantize(source, (crop for crop in crops), tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_only_named_parts_become_integers(network, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "int8.onnx"
    quantize(source, crops_for(network, 4).numpy(), out, parts=("/body/*",))
    assert integer_convolutions(out) == ["/body/body.0/Conv"]


def test_the_head_is_kept_as_it_was(network: PoseNetwork, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "int8.onnx"
    quantize(source, crops_for(network, 4).numpy(), out)
    before, after = (
        Counter(n.op_type for n in onnx.load(str(p)).graph.node) for p in (source, out)
    )
    for kind in ("Log", "Exp", "ReduceSum"):
        assert before[kind] == after[kind] > 0


@pytest.mark.parametrize(("small", "limit"), [(True, 64), (False, 127)])
def test_weights_fill_seven_or_eight_bits(network, source, tmp_path: Path, small, limit) -> None:
    out = tmp_path / "int8.onnx"
    quantize(source, crops_for(network, 4).numpy(), out, small_weights=small)
    weights = [
        onnx.numpy_helper.to_array(t)
        for t in onnx.load(str(out)).graph.initializer
        if t.data_type == onnx.TensorProto.INT8 and len(t.dims) == 4
    ]
    assert len(weights) == 3
    assert all(np.abs(w.astype(int)).max() == limit for w in weights)


@pytest.mark.parametrize("make", [lambda: MoveNetPose(side=64), lambda: rtmpose("tiny")])
def test_parts_of_our_networks_are_found(make, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = make().eval()
    source, out = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    export_onnx(network, source, half=False)
    quantize(source, crops_for(network, 2).numpy(), out, parts=PARTS[type(network).__name__])
    found = integer_convolutions(out)
    assert len(found) > 25
    assert not any("stem" in name or "head" in name for name in found)
    assert np.isfinite(parity(network, out, crops_for(network, 1)).pixels)


def test_equal_biases_do_not_hinder(network: PoseNetwork, tmp_path: Path) -> None:
    network = copy.deepcopy(network)
    for bias in (network.stem[0].bias, network.body[0].bias, network.shift):
        nn.init.zeros_(bias)
    source, out = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    export_onnx(network, source, half=False)
    crops = crops_for(network, 4)
    quantize(source, crops.numpy(), out)
    assert len(integer_convolutions(out)) == 3
    assert parity(network, out, crops).pixels < 0.5


def test_a_wrong_source_is_named(network: PoseNetwork, source: Path, tmp_path: Path) -> None:
    crops = crops_for(network, 1).numpy()
    with pytest.raises(UsageError, match="no node is named like '/trunk/"):
        quantize(source, crops, tmp_path / "int8.onnx", parts=("/trunk/*",))
    halves = tmp_path / "half.onnx"
    export_onnx(network, halves)
    with pytest.raises(UsageError, match="half=False"):
        quantize(halves, crops, tmp_path / "int8.onnx")
