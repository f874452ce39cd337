import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from spinepose.training.pose.network import (  # noqa: E402
    BINS,
    CELLS,
    PoseNetwork,
    cubic_upsampling,
    decode,
)


@pytest.fixture(scope="module")
def network() -> PoseNetwork:
    torch.manual_seed(0)
    return PoseNetwork().eval()


def test_outputs_are_simcc_logits_of_all_keypoints(network: PoseNetwork) -> None:
    with torch.no_grad():
        x, y = network(torch.zeros(2, 3, 256, 256))
    assert x.shape == y.shape == (2, 37, BINS)
    assert torch.isfinite(x).all()
    assert torch.isfinite(y).all()


@pytest.mark.parametrize("at", [40.0, 101.3, 200.75])
def test_a_gaussian_between_cells_is_found_again(at: float) -> None:
    middles = (torch.arange(CELLS) + 0.5) * 4 - 0.5
    log_chance = -0.5 * ((middles - at) / 5) ** 2
    fine = cubic_upsampling(CELLS, BINS) @ log_chance
    found = decode(fine[None, None], fine[None, None])
    assert found[0, 0, 0].item() == pytest.approx(at, abs=0.26)


def test_the_prior_keeps_the_person_in_the_middle(network: PoseNetwork) -> None:
    """With two equal peaks in a heatmap, the one near the rough joint wins."""
    coarse = torch.full((1, 37, 2), 20.0)
    fine = torch.zeros(1, 24, CELLS, CELLS)
    with torch.no_grad():
        columns, rows = network.marginals(fine, coarse)  # a heatmap without any peak
    assert columns[0, 0].argmax().item() == 20
    assert rows[0, 0].argmax().item() == 20


def test_the_graph_gives_what_the_module_gives(network: PoseNetwork, tmp_path) -> None:
    np = pytest.importorskip("numpy")
    ort = pytest.importorskip("onnxruntime")
    from spinepose.training.pose.export import export_onnx

    path = tmp_path / "pose.onnx"
    export_onnx(network, path)
    assert path.stat().st_size < 15e6
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    crops = torch.rand(3, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 2 - 1
    outputs = session.run(["simcc_x", "simcc_y"], {"input": crops.numpy()})
    with torch.no_grad():
        expected = network(crops)
    for a, b in zip(outputs, expected, strict=True):
        assert np.abs(a - b.numpy()).max() < 0.05


def test_a_foot_stays_near_its_own_ankle(network: PoseNetwork) -> None:
    from spinepose.skeleton import SPINETRACK

    bins = torch.arange(BINS) / 2
    at = torch.full((37, 2), 60.0)
    for name, y in (("left_hip", 60), ("left_knee", 110), ("left_ankle", 160)):
        at[SPINETRACK.index(name), 1] = y
    heel, ankle = SPINETRACK.index("left_heel"), SPINETRACK.index("left_ankle")
    at[heel] = 220.0  # on another person
    x, y = (-0.5 * ((bins - at[None, :, i : i + 1]) / 5) ** 2 for i in (0, 1))
    held = decode(*network.hold_feet(x, y))[0]
    assert (held[heel] - at[ankle]).abs().max() < 0.42 * 50 + 6 + 12
    assert torch.equal(held[ankle], decode(x, y)[0, ankle])
