"""The square pose network: what it reads, where it may start, how it changes its shape."""

import copy
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from spinepose.errors import ModelError  # noqa: E402
from spinepose.geometry import apply_affine, invert_affine  # noqa: E402
from spinepose.skeleton import SPINETRACK  # noqa: E402
from spinepose.training.pose.augmentation import plain  # noqa: E402
from spinepose.training.pose.networks.base import decode  # noqa: E402
from spinepose.training.pose.networks.movenet import (  # noqa: E402
    FOOT_REACH,
    FOOT_SLACK,
    MoveNetPose,
    cubic_upsampling,
    widened,
    with_side,
)
from spinepose.training.pose.networks.thunder import (  # noqa: E402
    Thunder,
    load_thunder,
    start_from,
)

Tensor = torch.Tensor
K = len(SPINETRACK)
SIDE, CELLS, BINS = 64, 16, 128


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def crops(count: int = 2, side: int = SIDE) -> Tensor:
    return torch.rand(count, 3, side, side, generator=draws(1)) * 2 - 1


def gaussians(at: Tensor, bins: int = BINS, width: float = 4.0) -> tuple[Tensor, Tensor]:
    """Return logits (N, K, bins) twice, with peaks at pixels (N, K, 2)."""
    places = torch.arange(bins) / 2
    x, y = (-0.5 * ((places - at[..., i : i + 1]) / width) ** 2 for i in (0, 1))
    return x, y


@pytest.fixture(scope="module")
def network() -> MoveNetPose:
    torch.manual_seed(0)
    return MoveNetPose(side=SIDE).eval()


@pytest.fixture(scope="module")
def learned(network: MoveNetPose) -> MoveNetPose:
    """A network whose refinement has weights, as after training."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for head in (network.head_x, network.head_y):
            head.weight.normal_(0, 0.1, generator=draws(2))
            head.bias.normal_(0, 0.1, generator=draws(3))
    return network


# What it answers


@torch.no_grad()
def test_outputs_are_simcc_logits_of_all_keypoints(network: MoveNetPose) -> None:
    found = network.outputs(crops())
    assert found.simcc_x.shape == found.simcc_y.shape == (2, K, BINS)
    assert found.coarse.shape == (2, K, 2)
    assert all(torch.isfinite(part).all() for part in found[:3])
    x, y = network(crops())
    assert torch.equal(x, found.simcc_x)
    assert torch.equal(y, found.simcc_y)


def test_a_side_that_the_trunk_cannot_halve_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        MoveNetPose(side=100)


@pytest.mark.parametrize("at", [40.0, 101.3, 200.75])
def test_a_gaussian_between_cells_is_found_again(at: float) -> None:
    middles = (torch.arange(64) + 0.5) * 4 - 0.5
    fine = cubic_upsampling(64, 512) @ (-0.5 * ((middles - at) / 5) ** 2)
    found = decode(fine[None, None], fine[None, None])
    assert found[0, 0, 0].item() == pytest.approx(at, abs=0.26)


@torch.no_grad()
def test_an_even_heatmap_is_read_where_the_rough_place_is(network: MoveNetPose) -> None:
    """With equal peaks, the one near the person in the middle wins."""
    coarse = torch.full((1, K, 2), 5.0)
    columns, rows = network.marginals(torch.zeros(1, 24, CELLS, CELLS), coarse)
    assert (columns.argmax(-1) == 5).all()
    assert (rows.argmax(-1) == 5).all()


# Feet


@pytest.fixture
def body() -> Tensor:
    """Places (1, K, 2): everything at one point, a left leg that hangs down from it."""
    at = torch.full((1, K, 2), 20.0)
    for name, y in (("left_hip", 20), ("left_knee", 35), ("left_ankle", 50)):
        at[0, SPINETRACK.index(name), 1] = y
    return at


@pytest.mark.parametrize("part", ["big_toe", "small_toe", "heel"])
def test_a_foot_stays_near_its_own_ankle(network, body: Tensor, part: str) -> None:
    foot, ankle = SPINETRACK.index(f"left_{part}"), SPINETRACK.index("left_ankle")
    body[0, foot] = torch.tensor([60.0, 5.0])  # on another person
    x, y = gaussians(body, width=6)
    before, held = decode(x, y)[0], decode(*network.hold_feet(x, y))[0]
    assert (before[foot] - before[ankle]).abs().max() > 40
    reach = FOOT_REACH * 15 + FOOT_SLACK
    assert (held[foot] - before[ankle]).abs().max() < reach + 2
    others = [i for i, name in enumerate(SPINETRACK.keypoints) if "toe" not in name]
    others = [i for i in others if "heel" not in SPINETRACK.keypoints[i]]
    assert torch.equal(held[others], before[others])


def test_a_foot_within_reach_is_left_alone(network, body: Tensor) -> None:
    for part in ("big_toe", "small_toe", "heel"):
        for side, x in (("left", 20.0), ("right", 20.0)):
            ankle = body[0, SPINETRACK.index(f"{side}_ankle"), 1]
            body[0, SPINETRACK.index(f"{side}_{part}")] = torch.tensor([x + 8, float(ankle) + 5])
    x, y = gaussians(body)
    assert torch.equal(decode(*network.hold_feet(x, y)), decode(x, y))


# Other numbers of keypoints


@torch.no_grad()
@pytest.mark.parametrize("keypoints", [17, 26])
def test_first_keypoints_answer_as_before_when_more_come(keypoints: int) -> None:
    torch.manual_seed(0)
    small = MoveNetPose(keypoints, side=SIDE).eval()
    wide = widened(small, K, draws()).eval()
    assert wide.keypoints == K
    before, after = small.outputs(crops()), wide.outputs(crops())
    assert after.simcc_x.shape == (2, K, BINS)
    for a, b in zip(before[:3], after[:3], strict=True):
        # Feet that are new are held by the ankles; the ankles themselves are not.
        assert (b[:, :keypoints] - a).abs().max() < 1e-4
    assert torch.isfinite(after.simcc_x).all()


@torch.no_grad()
def test_heatmaps_of_a_learned_network_stay_when_more_keypoints_come(learned) -> None:
    small = widened(learned, 26, draws()).eval()
    wide = widened(small, K, draws()).eval()
    fine, _ = small.trunk.late(small.trunk.early(crops()))
    for a, b in zip(
        small.marginals(fine, small.find_person(fine)),
        wide.marginals(fine, wide.find_person(fine)),
        strict=True,
    ):
        assert (b[:, :26] - a).abs().max() < 1e-5
    # Attention sums over all tokens: refined answers change, but by little.
    moved = decode(*small(crops())) - decode(*wide(crops()))[:, :26]
    assert moved.abs().median() <= 1


@torch.no_grad()
def test_new_keypoints_are_of_the_kind_of_the_old_ones(learned) -> None:
    small = widened(learned, 17, draws())
    wide = widened(small, K, draws())
    old, new = small.heat.weight, wide.heat.weight[17:]
    assert torch.equal(wide.heat.weight[:17], old)
    assert new.std().item() == pytest.approx(old.std().item(), rel=0.1)
    middle = small.regress.weight.view(17, 2, -1).mean(0)
    assert torch.allclose(wide.regress.weight.view(K, 2, -1)[17:], middle.expand(20, -1, -1))
    again, other = widened(small, K, draws()), widened(small, K, draws(1))
    assert torch.equal(wide.heat.weight, again.heat.weight)
    assert not torch.equal(wide.heat.weight, other.heat.weight)


@torch.no_grad()
def test_fewer_keypoints_are_the_first_ones(network: MoveNetPose) -> None:
    few = widened(network, 26, draws()).eval()
    assert (few(crops())[0] - network(crops())[0][:, :26]).abs().max() < 1e-4
    assert torch.equal(widened(network, K, draws()).heat.weight, network.heat.weight)


# Other sides


@torch.no_grad()
def test_another_side_keeps_what_does_not_count_cells(learned: MoveNetPose) -> None:
    larger = with_side(learned, 96).eval()
    assert (larger.crop.width, larger.crop.height, larger.keypoints) == (96, 96, K)
    x, y = larger(crops(side=96))
    assert x.shape == y.shape == (2, K, 192)
    assert torch.isfinite(x).all()
    old, new = learned.state_dict(), larger.state_dict()
    changed = {name for name in old if old[name].shape != new[name].shape}
    assert changed == {
        "token.1.weight",
        "token_marginals.weight",
        "upsample.weight",
        *(f"head_{axis}.{part}" for axis in "xy" for part in ("weight", "bias")),
    }
    assert all(torch.equal(old[n], new[n]) for n in old if n not in changed)
    assert torch.equal(new["upsample.weight"], cubic_upsampling(24, 192))


@torch.no_grad()
def test_the_same_side_changes_nothing(learned: MoveNetPose) -> None:
    same = with_side(learned, SIDE).eval()
    for a, b in zip(learned(crops()), same(crops()), strict=True):
        assert (a - b).abs().max() < 1e-5


@torch.no_grad()
def test_places_grow_with_the_side(network: MoveNetPose) -> None:
    """A refinement that points at a quarter of the crop does so in a crop twice as large."""
    pointing = copy.deepcopy(network)
    places = torch.arange(BINS) / 2
    pointing.head_x.bias.copy_(-0.5 * ((places - SIDE / 4) / 2) ** 2)
    larger = with_side(pointing, 2 * SIDE)
    found = larger.head_x.bias.argmax().item() / 2
    assert found == pytest.approx(2 * SIDE / 4, abs=1)


@torch.no_grad()
def test_tokens_of_an_even_picture_do_not_depend_on_the_side(learned: MoveNetPose) -> None:
    larger = with_side(learned, 2 * SIDE)
    for side, network in ((SIDE, learned), (2 * SIDE, larger)):
        assert network.token_marginals.in_features == side // 2
    even = learned.token_marginals(torch.full((1, 2 * CELLS), -0.7))
    assert torch.allclose(larger.token_marginals(torch.full((1, 4 * CELLS), -0.7)), even, atol=1e-4)


# Thunder


@pytest.fixture(scope="module")
def thunder() -> Thunder:
    torch.manual_seed(1)
    return Thunder().eval()


@pytest.fixture(scope="module")
def graph(thunder: Thunder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("thunder") / "thunder.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(thunder, (crops(1),), str(path), opset_version=17, dynamo=False)
    yield path
    path.unlink()


def test_a_start_keeps_the_teachers_rows_and_draws_the_others(thunder: Thunder) -> None:
    network = start_from(thunder, K, draws())
    assert torch.equal(network.heat.weight[:17], thunder.heat.weight)
    assert torch.equal(network.trunk.stem.weight, thunder.trunk.stem.weight)
    assert network.heat.weight[17:].std().item() == pytest.approx(
        thunder.heat.weight.std().item(), rel=0.1
    )
    # Thunder's field is (y, x); ours (x, y).
    assert torch.equal(network.regress.weight[0], thunder.regress.weight[1, :, 0, 0])
    assert torch.equal(network.regress.bias[:2], thunder.regress.bias[:2].flip(0))
    assert torch.equal(network.regress.weight[34], network.regress.weight[-2])


@torch.no_grad()
def test_a_graph_is_read_back_convolution_by_convolution(thunder: Thunder, graph: Path) -> None:
    loaded = load_thunder(graph).eval()
    for a, b in zip(thunder(crops(1)), loaded(crops(1)), strict=True):
        assert (a - b).abs().max() < 1e-4


def test_other_files_are_not_thunder(graph: Path, tmp_path: Path) -> None:
    model = onnx.load(str(graph))
    first = next(node for node in model.graph.node if node.op_type == "Conv")
    tensor = next(t for t in model.graph.initializer if t.name == first.input[1])
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.zeros((5, 3, 3, 3), np.float32), tensor.name))
    other = tmp_path / "other.onnx"
    onnx.save(model, str(other))
    with pytest.raises(ModelError, match=r"other\.onnx is not MoveNet Thunder: .* 56x3x3x3"):
        load_thunder(other)
    model.graph.node.remove(first)
    onnx.save(model, str(other))
    with pytest.raises(ModelError, match=r"it has \d+ convolutions"):
        load_thunder(other)
    other.write_bytes(b"no graph at all")
    with pytest.raises(ModelError, match="broken or no ONNX file"):
        load_thunder(other)
    with pytest.raises(ModelError, match="cannot read"):
        load_thunder(tmp_path / "none.onnx")


@torch.no_grad()
def test_a_start_reads_the_body_as_thunder_does(shared_data: Path, examples: Path) -> None:
    path = shared_data / "teachers" / "movenet_thunder.onnx"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    cv2 = pytest.importorskip("cv2")
    from spinepose.training.pose.teachers import MoveNetTeacher

    image = cv2.cvtColor(cv2.imread(str(examples / "bending.jpg")), cv2.COLOR_BGR2RGB)
    height, width = image.shape[:2]
    box = np.array([[0, 0, width, height]], np.float32)
    answer = MoveNetTeacher(path).answer(image, box)[0]
    network = start_from(load_thunder(path), K, draws()).eval()
    pictures, affine = plain(
        torch.from_numpy(image).permute(2, 0, 1)[None], torch.from_numpy(box), network.crop
    )
    at = decode(*network(network.crop.normalised(pictures))).numpy().astype(np.float64)
    found = apply_affine(invert_affine(affine.numpy().astype(np.float64)), at)[0, :17]
    sure = answer[:17, 2] > 0.4
    assert sure.sum() >= 8
    off = np.linalg.norm(found - answer[:17, :2], axis=1)[sure]
    assert np.median(off) < 0.02 * max(width, height)
