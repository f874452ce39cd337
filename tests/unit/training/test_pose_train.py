import warnings

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

from spinepose.skeleton import SPINETRACK  # noqa: E402
from spinepose.training.pose import train as training  # noqa: E402
from spinepose.training.pose.network import PoseNetwork  # noqa: E402
from spinepose.training.pose.thunder import Thunder, load_thunder, start_from  # noqa: E402

K = len(SPINETRACK)


def maps(_: int) -> Iterator[tuple["torch.Tensor", ...]]:
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        yield (
            torch.rand(2, 24, 64, 64, generator=generator),
            torch.randn(2, 232, 16, 16, generator=generator),
            torch.rand(2, K, 2, generator=generator) * 255,
            torch.ones(2, K),
        )


def test_a_start_keeps_the_teachers_rows_and_draws_the_others() -> None:
    torch.manual_seed(0)
    thunder = Thunder()
    network = start_from(thunder)
    assert torch.equal(network.heat.weight[:17], thunder.heat.weight)
    assert network.heat.weight[17:].std().item() == pytest.approx(
        thunder.heat.weight.std().item(), rel=0.1
    )
    # Thunder's field is (y, x); ours (x, y).
    assert torch.equal(network.regress.weight[0], thunder.regress.weight[1, :, 0, 0])


def test_a_graph_is_read_back_convolution_by_convolution(tmp_path: Path) -> None:
    torch.manual_seed(1)
    thunder = Thunder().eval()
    crops = torch.rand(1, 3, 256, 256) * 2 - 1
    path = tmp_path / "thunder.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(thunder, (crops,), str(path), opset_version=17, dynamo=False)
    loaded = load_thunder(path).eval()
    with torch.no_grad():
        for a, b in zip(thunder(crops), loaded(crops), strict=True):
            assert (a - b).abs().max() < 1e-4


def test_training_goes_on_where_it_stopped(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(training, "body_share", lambda *_: 50.0)
    monkeypatch.setattr(training, "predict", lambda *_: type("Nothing", (), {"points": None})())
    torch.manual_seed(0)
    recipe = training.Recipe(steps=2, batch=2, check_every=2)
    training.train(PoseNetwork(), maps, [], [], tmp_path, recipe)
    first = torch.load(tmp_path / "last.pt", weights_only=True)
    assert first["step"] == 2
    recipe = training.Recipe(steps=3, batch=2, check_every=2)
    training.train(PoseNetwork(), maps, [], [], tmp_path, recipe)
    second = torch.load(tmp_path / "last.pt", weights_only=True)
    assert second["step"] == 3
    moved = (second["network"]["heat.weight"] - first["network"]["heat.weight"]).abs().max()
    assert 0 < moved < 0.01


def test_the_trunk_stays_frozen_until_it_has_a_rate() -> None:
    network = PoseNetwork()
    training._groups(network, training.Recipe())
    assert not any(p.requires_grad for p in network.trunk.parameters())
    training._groups(network, training.Recipe(trunk_rate=1e-4))
    assert not network.trunk.blocks[4].expand.weight.requires_grad
    assert network.trunk.blocks[5].expand.weight.requires_grad


def test_an_empty_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="source"):
        training.train(PoseNetwork(), lambda _: iter(()), [], [], tmp_path, training.Recipe())
