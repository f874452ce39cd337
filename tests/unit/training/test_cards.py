import hashlib
import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from torch import nn  # noqa: E402

from spinepose.errors import ModelError  # noqa: E402
from spinepose.models.registry import resolve_pose  # noqa: E402
from spinepose.models.session import create_session  # noqa: E402
from spinepose.training.pose.calibrate import Logistic  # noqa: E402
from spinepose.training.pose.cards import (  # noqa: E402
    CardText,
    Metric,
    Source,
    Training,
    cost_of,
    write_card,
)
from spinepose.training.pose.export import Parity, export_onnx  # noqa: E402
from spinepose.training.pose.networks.base import CropSpec, Outputs, PoseNetwork  # noqa: E402
from spinepose.training.pose.networks.movenet import MoveNetPose  # noqa: E402
from spinepose.training.pose.networks.rtmcc import rtmpose  # noqa: E402
from spinepose.training.pose.quantize import quantize  # noqa: E402


class Tiny(PoseNetwork):
    def __init__(self, keypoints: int = 37) -> None:
        super().__init__()
        self.crop, self.keypoints = CropSpec(width=24, height=32), keypoints
        self.conv, self.norm = nn.Conv2d(3, keypoints, 4, 4, bias=False), nn.BatchNorm2d(keypoints)
        self.x, self.y = nn.Linear(48, 48), nn.Linear(48, 64, bias=False)
        self.unused = nn.Linear(1000, 1000)

    def outputs(self, crops: torch.Tensor) -> Outputs:
        tokens = self.norm(self.conv(crops)).flatten(2)
        return Outputs(self.x(tokens), self.y(tokens))


TEXT = CardText(
    "spinepose-tiny",
    "0.1.0",
    "A test.",
    Training(["nobody"], "random", [Source("lspe", "cite", 3)], "none", "true"),
    [Metric("OKS share, body", 12.5, "3 people", "true")],
    ["Knows nothing."],
    parity=Parity(0.01, 0.99),
)


@pytest.fixture
def exported(tmp_path: Path) -> tuple[Path, PoseNetwork]:
    torch.manual_seed(0)
    network, path = Tiny().eval(), tmp_path / "spinepose-tiny.onnx"
    export_onnx(network, path)
    return path, network


def test_the_registry_serves_a_written_model(exported: tuple[Path, PoseNetwork]) -> None:
    path, network = exported
    assert write_card(path, network, Logistic(2.0, 9.0), TEXT) == path.with_suffix(".json")
    model = resolve_pose(path)
    assert (model.card.input.width, model.card.input.height) == (24, 32)
    assert model.card.input.mean == network.crop.mean
    assert model.card.score is not None
    assert model.card.score.b == 9.0
    assert len(model.card.skeleton) == 37
    session = create_session(model, "cpu", 1)  # compares the file with the card's sha256
    shapes = [a.shape for a in session.run(torch.zeros(2, 3, 32, 24).numpy())]
    assert shapes == [(2, 37, 48), (2, 37, 64)]


def test_everything_is_on_the_card(exported: tuple[Path, PoseNetwork]) -> None:
    path, network = exported
    card = json.loads(write_card(path, network, None, TEXT).read_text())
    assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["score"] is None
    assert card["license"] == "Apache-2.0"
    assert card["precision"] == "float32"  # too small for halves
    assert card["opset"] == 17
    assert card["parity"] == {"pixels": 0.01, "same_bins": 0.99}
    assert card["training"]["data"] == [{"name": "lspe", "licence": "cite", "people": 3}]
    assert card["metrics"][0]["command"] == "true"
    assert card["limits"] == ["Knows nothing."]


def test_the_precision_of_integers_is_told(exported: tuple[Path, PoseNetwork]) -> None:
    path, network = exported
    out = path.with_name("int8.onnx")
    quantize(path, torch.randn(2, 3, 32, 24).numpy(), out)
    assert json.loads(write_card(out, network, None, TEXT).read_text())["precision"].startswith(
        "int8"
    )


def test_cost_counts_what_inference_uses() -> None:
    cost = cost_of(Tiny())
    kernel, linear = 37 * 3 * 16, 48 * (48 + 64)
    assert cost.parameters == kernel + 2 * 37 + linear + 48
    assert cost.gflops == pytest.approx((48 * kernel + 37 * linear) / 1e9)


def test_cost_of_the_real_ones() -> None:
    network = rtmpose("small", auxiliary=True)
    cost = cost_of(network)
    assert cost.parameters == network.deployed_parameters
    assert cost.gflops == pytest.approx(0.72, abs=0.02)  # as its paper counts
    movenet = MoveNetPose(side=64)
    assert cost_of(movenet).parameters == sum(p.numel() for p in movenet.parameters())


def test_an_unknown_number_of_keypoints_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, path = Tiny(keypoints=5).eval(), tmp_path / "five.onnx"
    export_onnx(network, path)
    with pytest.raises(ModelError, match="5 keypoints"):
        write_card(path, network, None, TEXT)
    assert not path.with_suffix(".json").exists()
