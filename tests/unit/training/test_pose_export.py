from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from torch import nn  # noqa: E402

from spinepose.training.pose.export import expected_points, export_onnx, parity  # noqa: E402
from spinepose.training.pose.networks.base import CropSpec, Outputs, PoseNetwork  # noqa: E402
from spinepose.training.pose.networks.movenet import MoveNetPose  # noqa: E402
from spinepose.training.pose.networks.rtmcc import rtmpose  # noqa: E402

LIMIT = 1e-3  # pixels


class Tiny(PoseNetwork):
    """Lopsided padding, convolution and norm, a head for training only."""

    def __init__(self, keypoints: int = 5) -> None:
        super().__init__()
        self.crop, self.keypoints = CropSpec(width=24, height=32), keypoints
        self.conv = nn.Conv2d(3, 128, 3, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(128)
        self.read = nn.Conv2d(128, keypoints, 1)
        self.auxiliary = nn.Conv2d(128, keypoints, 1)
        cells = 12 * 16
        self.x, self.y = nn.Linear(cells, 48), nn.Linear(cells, 64)

    def outputs(self, crops: torch.Tensor) -> Outputs:
        fine = torch.relu(self.norm(self.conv(nn.functional.pad(crops, (0, 1, 0, 1)))))
        tokens = self.read(fine).flatten(2)
        return Outputs(self.x(tokens), self.y(tokens), heat=self.auxiliary(fine))


def crops_for(network: PoseNetwork, number: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(number, 3, network.crop.height, network.crop.width, generator=generator)


def settled(network: PoseNetwork) -> PoseNetwork:
    """Give batch norms statistics of their own."""
    with torch.no_grad():
        network.train()(crops_for(network, 4))
    return network.eval()


@pytest.fixture(scope="module")
def tiny() -> PoseNetwork:
    torch.manual_seed(0)
    return settled(Tiny())


@pytest.mark.parametrize(
    "make", [Tiny, lambda: MoveNetPose(side=64), lambda: rtmpose("small", auxiliary=True)]
)
def test_the_file_answers_like_the_network(make, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = settled(make())
    path = tmp_path / "pose.onnx"
    export_onnx(network, path, half=False)
    found = parity(network, path, crops_for(network, 3))
    assert found.pixels < LIMIT
    assert found.same_bins > 0.99


def test_padding_norm_and_training_head_leave_the_graph(tiny: PoseNetwork, tmp_path: Path) -> None:
    path = tmp_path / "new" / "pose.onnx"
    export_onnx(tiny, path, half=False)
    model = onnx.load(str(path))
    kinds = [node.op_type for node in model.graph.node]
    assert "Pad" not in kinds
    assert "BatchNormalization" not in kinds
    assert kinds.count("Conv") == 2
    assert not any("auxiliary" in tensor.name for tensor in model.graph.initializer)
    assert [(s.domain, s.version) for s in model.opset_import] == [("", 17)]
    assert [p.name for p in path.parent.iterdir()] == ["pose.onnx"]


def test_the_network_stays_as_it_was(tiny: PoseNetwork, tmp_path: Path) -> None:
    tiny.train()
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    export_onnx(tiny, tmp_path / "pose.onnx")
    assert tiny.training
    assert all(torch.equal(value, before[name]) for name, value in tiny.state_dict().items())
    tiny.eval()


def test_halves_make_the_file_half_as_large(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = MoveNetPose(side=64).eval()
    sizes = {}
    for half in (True, False):
        path = tmp_path / f"{half}.onnx"
        export_onnx(network, path, half=half)
        sizes[half] = path.stat().st_size
        assert parity(network, path, crops_for(network, 2)).pixels < 0.1
    assert sizes[True] < 0.55 * sizes[False]


def test_parity_tells_another_network(tiny: PoseNetwork, tmp_path: Path) -> None:
    path = tmp_path / "pose.onnx"
    torch.manual_seed(3)
    export_onnx(settled(Tiny()), path)
    found = parity(tiny, path, crops_for(tiny, 2))
    assert found.pixels > 10 * LIMIT
    assert found.same_bins < 0.9


def test_a_norm_that_follows_no_convolution_is_refused(tmp_path: Path) -> None:
    class NormFirst(Tiny):
        def outputs(self, crops: torch.Tensor) -> Outputs:
            found = super().outputs(crops)
            return Outputs(self.last(found.simcc_x), found.simcc_y)

        def __init__(self) -> None:
            super().__init__()
            self.last = nn.BatchNorm1d(self.keypoints)

    with pytest.raises(ValueError, match="batch norm"):
        export_onnx(settled(NormFirst()), tmp_path / "pose.onnx")
    assert not list(tmp_path.iterdir())


def test_expected_points_of_a_sharp_peak_lie_there() -> None:
    x, y = torch.zeros(1, 1, 48), torch.zeros(1, 1, 64)
    x[..., 30], y[..., 7] = 100.0, 100.0
    assert expected_points(x, y, 2.0)[0, 0] == pytest.approx([15.0, 3.5])
