"""Every loss against numbers worked out by hand, its gradient, and what must not matter to it."""

import math
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from spinepose.skeleton import HALPE26, SPINETRACK  # noqa: E402
from spinepose.training.pose.networks.base import CropSpec, Outputs  # noqa: E402
from spinepose.training.pose.objectives import (  # noqa: E402
    DIVERGENCE_CAP,
    JOINT_WEIGHTS,
    LossWeights,
    Targets,
    coarse_loss,
    distillation_loss,
    expected_points,
    heat_loss,
    position_loss,
    reach_loss,
    spine_loss,
    structure_loss,
    total_loss,
)

Tensor = torch.Tensor
K = len(SPINETRACK)
SPEC = CropSpec()
NAN = float("nan")


def gaussians(
    points: Tensor, spec: CropSpec = SPEC, targets: Targets | None = None
) -> list[Tensor]:
    """Return logits whose softmax is the target."""
    targets = targets or Targets()
    found = []
    for axis, bins in enumerate(spec.bins):
        places = torch.arange(bins, dtype=points.dtype) / spec.split_ratio
        gap = (places - points[..., axis, None]) / targets.sigma[axis]
        found.append(-0.5 * gap.square())
    return [x.exp() for x in found] if targets.label_softmax else found


@pytest.fixture
def points() -> Tensor:
    dice = torch.Generator().manual_seed(0)
    return torch.rand(2, K, 2, generator=dice) * torch.tensor([140, 200]) + 25


@pytest.fixture
def trust() -> Tensor:
    return torch.ones(2, K)


def at(name: str) -> int:
    return SPINETRACK.index(name)


# Weights of joints


def test_joint_weights_are_those_of_the_paper() -> None:
    expected = {
        **{n: 1.0 for n in ("nose", "head", "left_hip", "right_shoulder", "left_latissimus")},
        **{n: 1.2 for n in ("left_elbow", "right_knee", "left_big_toe", "right_heel")},
        **{n: 1.2 for n in ("spine_01", "spine_05", "left_clavicle")},
        **{n: 1.5 for n in ("left_wrist", "right_ankle", "neck", "hip", "neck_02", "neck_03")},
    }
    for name, weight in expected.items():
        assert JOINT_WEIGHTS[at(name)].item() == pytest.approx(weight), name


# Position


@pytest.mark.parametrize("targets", [Targets(), Targets.rtmpose(SPEC)])
def test_position_loss_is_zero_at_its_target(points, trust, targets) -> None:
    x, y = gaussians(points, targets=targets)
    loss = position_loss(x, y, points, trust, SPEC, targets)
    assert loss.item() == pytest.approx(0, abs=1e-4)


def test_position_loss_of_a_shifted_gaussian(points, trust) -> None:
    # KL between two Gaussians of one width: gap^2 / (2 sigma^2).
    x, y = gaussians(points + torch.tensor([3.0, -2.0]))
    expected = (3**2 + 2**2) / (2 * 2.5**2)
    assert position_loss(x, y, points, trust, SPEC).item() == pytest.approx(expected, rel=1e-3)


def test_position_loss_weighs_keypoints(points) -> None:
    moved = points.clone()
    moved[:, at("left_wrist"), 0] += 3
    trust = torch.zeros(2, K)
    trust[:, at("left_wrist")], trust[:, at("nose")] = 1.0, 0.5
    share = 1.5 / (1.5 + 0.5)
    loss = position_loss(*gaussians(moved), points, trust, SPEC)
    assert loss.item() == pytest.approx(share * 9 / 12.5, rel=1e-3)


def test_one_lost_keypoint_grows_only_logarithmically(points) -> None:
    trust = torch.zeros(2, K)
    trust[:, 0] = 1
    losses = []
    for gap in (20.0, 40.0):
        moved = points.clone()
        moved[:, 0, 1] = 60
        labels = moved.clone()
        labels[:, 0, 1] = 60 + gap
        losses.append(position_loss(*gaussians(moved), labels, trust, SPEC).item())
        raw = gap**2 / 12.5
        assert losses[-1] == pytest.approx(DIVERGENCE_CAP * (1 + math.log(raw / DIVERGENCE_CAP)))
    assert losses[1] - losses[0] == pytest.approx(DIVERGENCE_CAP * math.log(4), rel=1e-3)


def test_targets_of_rtmpose() -> None:
    targets = Targets.rtmpose(SPEC)
    assert [s * SPEC.split_ratio for s in targets.sigma] == pytest.approx([4.9, 5.66], abs=0.005)
    assert targets.beta == 10
    assert targets.label_softmax


def test_walled_off_bins_give_finite_numbers(points, trust) -> None:
    x, y = gaussians(points)
    x[..., ::2] = -math.inf
    x, y = x.requires_grad_(), y.requires_grad_()
    loss = position_loss(x, y, points, trust, SPEC)
    loss.backward()
    assert loss.isfinite()
    assert x.grad.isfinite().all()
    assert y.grad.isfinite().all()


# Distillation


def test_distillation_of_two_bins_by_hand() -> None:
    # Teacher (3/4, 1/4), student (1/2, 1/2) on x; both alike on y.
    teacher_x = torch.tensor([[[math.log(3.0), 0.0]]])
    even = torch.zeros(1, 1, 2)
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert distillation_loss(even, even, teacher_x, even).item() == pytest.approx(expected)
    # At temperature 2 the teacher is (sqrt 3, 1) / (1 + sqrt 3).
    q = math.sqrt(3) / (1 + math.sqrt(3))
    soft = 4 * (q * math.log(2 * q) + (1 - q) * math.log(2 * (1 - q)))
    found = distillation_loss(even, even, teacher_x, even, temperature=2)
    assert found.item() == pytest.approx(soft, rel=1e-5)


def test_distillation_reads_the_first_keypoints_and_their_weights(points) -> None:
    x, y = gaussians(points)
    teacher = [t[:, : len(HALPE26)].clone() for t in (x, y)]
    x[:, len(HALPE26) :] = 7 * torch.rand_like(x[:, len(HALPE26) :])
    assert distillation_loss(x, y, *teacher).item() == pytest.approx(0, abs=1e-5)
    teacher[0][:, 3] = teacher[0][:, 3].roll(20, dims=-1)
    assert distillation_loss(x, y, *teacher).item() > 0.01
    weights = torch.ones(len(HALPE26))
    weights[3] = 0
    assert distillation_loss(x, y, *teacher, weights).item() == pytest.approx(0, abs=1e-5)


def test_no_gradient_flows_to_the_teacher(points) -> None:
    x, y = (t.requires_grad_() for t in gaussians(points))
    teacher = [t.requires_grad_() for t in gaussians(points + 2)]
    distillation_loss(x, y, *teacher).backward()
    assert x.grad.abs().sum() > 0
    assert all(t.grad is None for t in teacher)


# Expected places


def test_expected_points_are_where_the_peaks_are(points) -> None:
    x, y = gaussians(points)
    assert torch.allclose(expected_points(x, y, SPEC), points, atol=0.02)
    assert torch.allclose(expected_points(x / 10, y / 10, SPEC, beta=10), points, atol=0.02)


# Structure


def test_structure_loss_is_zero_for_the_truth_and_for_shift_and_size(points, trust) -> None:
    assert structure_loss(points, points, trust).item() == pytest.approx(0, abs=1e-6)
    assert structure_loss(2 * points + 5, points, trust).item() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("degrees", [10, 90, 170, 180, 190, 350, -90])
def test_structure_loss_of_a_turn_is_its_share_of_half_a_turn(points, trust, degrees) -> None:
    a = math.radians(degrees)
    turn = torch.tensor([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    shortest = min(degrees % 360, 360 - degrees % 360)
    loss = structure_loss(points @ turn, points, trust)
    assert loss.item() == pytest.approx(shortest / 180, abs=1e-4)


def test_angles_wrap_around() -> None:
    # A forearm at +170 degrees, found at -170: 20 degrees apart, not 340.
    points = torch.zeros(1, K, 2)
    found = points.clone()
    for target, degrees in ((points, 170), (found, -170)):
        a = math.radians(degrees)
        target[0, at("left_wrist")] = 30 * torch.tensor([math.cos(a), math.sin(a)])
    trust = torch.zeros(1, K)
    trust[0, [at("left_elbow"), at("left_wrist")]] = 1
    assert structure_loss(found, points, trust).item() == pytest.approx(20 / 180, rel=1e-4)


def test_bones_count_with_the_lesser_trust() -> None:
    points = torch.zeros(1, K, 2)
    points[0, at("left_wrist"), 0] = points[0, at("right_wrist"), 0] = 30
    found = points.clone()
    found[0, at("right_wrist")] = torch.tensor([0.0, 30.0])
    trust = torch.zeros(1, K)
    trust[0, [at("left_elbow"), at("left_wrist"), at("right_elbow")]] = 1
    trust[0, at("right_wrist")] = 0.5
    # (1 * 0 + 0.5 * 1/2) / 1.5
    assert structure_loss(found, points, trust).item() == pytest.approx(0.25 / 1.5)


def test_bones_without_length_are_left_out() -> None:
    for gap in (0.0, 1.9):
        predicted = torch.zeros(1, K, 2, requires_grad=True)
        points = torch.zeros(1, K, 2)
        points[..., 0] = gap * torch.arange(K) / K
        loss = structure_loss(predicted, points, torch.ones(1, K))
        loss.backward()
        assert loss.item() == 0
        assert predicted.grad.isfinite().all()


# Spine


def spine_along(places: Tensor) -> Tensor:
    points = torch.zeros(1, K, 2)
    points[0, SPINETRACK.spine_indices] = places
    return points


def test_spine_loss_by_hand() -> None:
    # All points at the first one but the last, a tenth of the crop's height lower: there the
    # sigmoid is 1/2, the damping 3/4, and a quarter of the step remains as error.
    places = torch.zeros(9, 2)
    places[8, 1] = 25.6
    loss = spine_loss(spine_along(places), torch.ones(1, K), SPEC)
    assert loss.item() == pytest.approx(0.025**2 / 2 / 9, rel=1e-3)


def test_an_even_spine_costs_less_than_one_with_a_jump() -> None:
    even = torch.zeros(9, 2)
    even[:, 1] = torch.linspace(60, 140, 9)
    torn = even.clone()
    torn[4:, 0] += 60
    costs = [spine_loss(spine_along(p), torch.ones(1, K), SPEC).item() for p in (even, torn)]
    assert costs[0] < 0.2 * costs[1]


def test_spine_loss_does_not_depend_on_place_or_size_of_the_crop(points, trust) -> None:
    loss = spine_loss(points, trust, SPEC).item()
    assert spine_loss(points + 11, trust, SPEC).item() == pytest.approx(loss, rel=1e-4)
    large = CropSpec(288, 384)
    assert spine_loss(1.5 * points, trust, large).item() == pytest.approx(loss, rel=1e-4)


def test_a_spine_counts_down_to_its_first_gap(points, trust) -> None:
    trust[:, SPINETRACK.spine_indices[4]] = 0
    points.requires_grad_()
    spine_loss(points, trust, SPEC).backward()
    moved = points.grad.abs().sum(-1)[:, SPINETRACK.spine_indices] > 0
    assert moved.tolist() == [[True] * 4 + [False] * 5] * 2


# Ours


def test_coarse_loss_by_hand(points, trust) -> None:
    assert coarse_loss(points, points, trust).item() == 0
    # 2 pixels = half a cell: 1/8; 8 pixels = two cells: 1.5.
    loss = coarse_loss(points + torch.tensor([2.0, 8.0]), points, trust)
    assert loss.item() == pytest.approx(0.125 + 1.5, rel=1e-4)


def test_heat_loss_is_zero_at_its_target_and_knows_pixels(trust) -> None:
    spec, sigma = CropSpec(192, 256), 0.75
    # The middle of the cell in row 2, column 3 of 8 x 6 cells of 32 pixels.
    points = torch.tensor([3.5 * 32 - 0.5, 2.5 * 32 - 0.5]).expand(2, K, 2)
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(6.0), indexing="ij")
    heat = -((rows - 2) ** 2 + (columns - 3) ** 2) / (2 * sigma**2)
    heat = heat.expand(2, K, 8, 6)
    assert heat_loss(heat, points, trust, spec, sigma).item() == pytest.approx(0, abs=1e-5)
    flat = heat_loss(torch.zeros(2, K, 8, 6), points, trust, spec, sigma).item()
    chance = heat[0, 0].flatten().softmax(0)
    assert flat == pytest.approx(math.log(48) + (chance * chance.log()).sum().item(), rel=1e-4)


def test_reach_loss_by_hand() -> None:
    points = torch.zeros(1, K, 2)
    points[0, at("left_knee"), 1] = points[0, at("right_knee"), 1] = -80  # shins of 80 pixels
    assert reach_loss(points, SPEC).item() == 0
    points[0, at("left_heel"), 0] = 0.45 * 80 + 6 + 10  # ten pixels too far
    assert reach_loss(points, SPEC).item() == pytest.approx(10 / 256 / 14, rel=1e-3)


def test_reach_loss_moves_only_the_new_points(points) -> None:
    points = (4 * points).requires_grad_()
    reach_loss(points, SPEC).backward()
    moved = {SPINETRACK.keypoints[i] for i in points.grad.abs().sum((0, 2)).nonzero().flatten()}
    feet_and_spine = set(SPINETRACK.subsets["feet"]) | set(SPINETRACK.spine)
    assert moved
    assert moved <= feet_and_spine


# All of them


def on_points(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, y, p, t: loss(expected_points(x, y, SPEC), p, t)


LABELLED = {
    "position": lambda x, y, p, t: position_loss(x, y, p, t, SPEC),
    "position as rtmpose": lambda x, y, p, t: position_loss(
        x, y, p, t, SPEC, Targets.rtmpose(SPEC)
    ),
    "distill": lambda x, y, p, t: distillation_loss(x, y, *gaussians(p.nan_to_num()), t),
    "structure": on_points(structure_loss),
    "spine": on_points(lambda e, p, t: spine_loss(e, t, SPEC)),
    "coarse": on_points(coarse_loss),
    "heat": lambda x, y, p, t: heat_loss(
        x[..., :48].unflatten(-1, (8, 6)) + y[..., :48].unflatten(-1, (8, 6)), p, t, SPEC
    ),
}


@pytest.mark.parametrize("name", LABELLED)
def test_points_without_trust_do_nothing_even_as_nan(name, points, trust) -> None:
    lost = [at("left_knee"), at("spine_03"), at("nose")]
    trust[:, lost] = 0
    results = []
    for label in (5.0, NAN):
        points[:, lost] = label
        x, y = (t.requires_grad_() for t in gaussians(points.nan_to_num(5.0) + 1))
        loss = LABELLED[name](x, y, points, trust)
        loss.backward()
        results.append((loss.item(), x.grad, y.grad))
    (first, *gradients), (second, *others) = results
    assert math.isfinite(first)
    assert first == second
    for a, b in zip(gradients, others, strict=True):
        assert a.isfinite().all()
        assert torch.equal(a, b)
        if name != "spine":  # where a gap ends the chain, points below it do not move
            assert a.abs().sum() > 0
    if name.startswith(("position", "distill", "coarse", "heat")):
        assert not gradients[0][:, lost].any()


@pytest.mark.parametrize("name", LABELLED)
def test_nobody_labelled_costs_nothing(name, points, trust) -> None:
    x, y = (t.requires_grad_() for t in gaussians(points + 1))
    loss = LABELLED[name](x, y, torch.full_like(points, NAN), 0 * trust)
    loss.backward()
    assert loss.item() == 0
    assert not x.grad.any()
    assert not y.grad.any()


@pytest.mark.parametrize("name", [n for n in LABELLED if n != "distill"])
def test_gradients_are_those_of_the_numbers(name) -> None:
    spec = CropSpec(16, 24, split_ratio=1)
    dice = torch.Generator().manual_seed(3)
    x, y = (
        (0.3 * torch.randn(1, K, n, generator=dice, dtype=torch.float64)).requires_grad_()
        for n in spec.bins
    )
    share = torch.rand(1, K, 2, generator=dice, dtype=torch.float64)
    points = share * torch.tensor([15.0, 23.0])
    trust = torch.rand(1, K, generator=dice, dtype=torch.float64)

    def spread(x: Tensor, y: Tensor) -> Tensor:
        # Sharp outputs, so that bones are longer than the shortest that count.
        return 3 * expected_points(x, y, spec, beta=9)

    cases: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "position": lambda x, y: position_loss(x, y, points, trust, spec, Targets((1.5, 1.5))),
        "position as rtmpose": lambda x, y: position_loss(
            x, y, points, trust, spec, Targets.rtmpose(spec)
        ),
        "structure": lambda x, y: structure_loss(spread(x, y), points, trust),
        "spine": lambda x, y: spine_loss(spread(x, y), trust, spec),
        "coarse": lambda x, y: coarse_loss(spread(x, y), points, trust),
        "heat": lambda x, y: heat_loss(x.unflatten(-1, (4, 4)) * y.sum(), points, trust, spec),
    }
    assert torch.autograd.gradcheck(cases[name], (x, y), atol=1e-6)


def test_reach_gradient_where_the_body_is_fixed() -> None:
    dice = torch.Generator().manual_seed(5)
    points = 400 * torch.rand(2, K, 2, generator=dice, dtype=torch.float64)
    feet = SPINETRACK.indices("feet").tolist()
    spine = SPINETRACK.spine_indices.tolist()

    def loss(free: Tensor) -> Tensor:
        rows = torch.tensor(feet + spine)
        return reach_loss(points.index_copy(1, rows, free), SPEC)

    free = points[:, feet + spine].clone().requires_grad_()
    assert loss(free) > 0
    assert torch.autograd.gradcheck(loss, (free,))


def test_distillation_gradient_for_a_fixed_teacher() -> None:
    dice = torch.Generator().manual_seed(4)
    x, y, a, b = (torch.randn(2, 5, 12, generator=dice, dtype=torch.float64) for _ in range(4))
    x.requires_grad_()
    y.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, y: distillation_loss(x, y, a[:, :3], b[:, :3], temperature=2), (x, y)
    )


ALL = LossWeights(coarse=0.3, heat=0.2, reach=0.4)


def outputs_for(points: Tensor) -> Outputs:
    x, y = gaussians(points)
    return Outputs(x, y, coarse=points, heat=torch.zeros(len(points), points.shape[1], 8, 6))


def test_total_loss_is_the_weighted_sum(points, trust) -> None:
    outputs = outputs_for(points + 2)
    teacher = tuple(t[:, :26] for t in gaussians(points))
    loss, parts = total_loss(outputs, teacher, points, trust, SPEC, ALL)
    assert set(parts) == {"position", "distill", "structure", "spine", "coarse", "heat", "reach"}
    expected = sum(getattr(ALL, name) * float(value) for name, value in parts.items())
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert not any(v.requires_grad for v in parts.values())


def test_weights_of_the_paper_are_the_default() -> None:
    weights = LossWeights()
    assert (weights.position, weights.distill, weights.structure, weights.spine) == (
        5,
        2.5,
        0.1,
        0.5,
    )
    assert weights.coarse == weights.heat == weights.reach == 0


def test_losses_with_weight_zero_are_skipped(points, trust) -> None:
    outputs = Outputs(*gaussians(points))
    only = LossWeights(position=0, distill=0, structure=1, spine=0)
    loss, parts = total_loss(outputs, tuple(gaussians(points)), points, trust, SPEC, only)
    assert set(parts) == {"structure"}
    assert loss.item() == pytest.approx(parts["structure"].item())
    _, parts = total_loss(outputs, None, points, trust, SPEC, LossWeights())
    assert "distill" not in parts


def test_a_network_of_26_keypoints_learns_from_labels_of_37(points, trust) -> None:
    outputs = Outputs(*gaussians(points[:, : len(HALPE26)] + 1))
    _, parts = total_loss(outputs, None, points, trust, SPEC, LossWeights(spine=0))
    assert set(parts) == {"position", "structure"}
    with pytest.raises(ValueError, match="37 keypoints"):
        total_loss(outputs, None, points, trust, SPEC, LossWeights())


@pytest.mark.parametrize("name", ["coarse", "heat"])
def test_a_missing_output_is_named(points, trust, name) -> None:
    weights = LossWeights(**{name: 1.0})
    with pytest.raises(ValueError, match=f"no {name} output"):
        total_loss(Outputs(*gaussians(points)), None, points, trust, SPEC, weights)


def test_half_precision_gives_float32_losses(points, trust) -> None:
    outputs = outputs_for(points + 2)
    half = Outputs(*(t.bfloat16() for t in outputs))
    teacher = tuple(t[:, :26].bfloat16() for t in gaussians(points))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, _ = total_loss(half, teacher, points, trust, SPEC, ALL)
    full, _ = total_loss(outputs, teacher, points, trust, SPEC, ALL)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(full.item(), rel=0.05)


def test_a_network_of_free_logits_learns_the_labels(points, trust) -> None:
    x, y = (torch.zeros(2, K, n, requires_grad=True) for n in SPEC.bins)
    optimizer = torch.optim.Adam([x, y], lr=0.5)
    for _ in range(60):
        loss, _ = total_loss(Outputs(x, y), None, points, trust, SPEC, LossWeights())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = expected_points(x, y, SPEC).detach()
    assert np.abs((found - points).numpy()).max() < 1
