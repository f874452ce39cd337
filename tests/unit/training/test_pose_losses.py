import numpy as np
import pytest

torch = pytest.importorskip("torch")

from spinepose.skeleton import SPINETRACK  # noqa: E402
from spinepose.training.pose.data import merge_answers, mirrored_outputs  # noqa: E402
from spinepose.training.pose.losses import (  # noqa: E402
    expected_points,
    position_loss,
    reach_loss,
    spine_loss,
    structure_loss,
)

K = len(SPINETRACK)


def peaks(points: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
    bins = torch.arange(512) / 2
    x, y = (-0.5 * ((bins - points[..., i : i + 1]) / 2.5) ** 2 for i in (0, 1))
    return x, y


@pytest.fixture
def points() -> "torch.Tensor":
    return torch.rand(2, K, 2, generator=torch.Generator().manual_seed(0)) * 200 + 20


def test_position_loss_is_zero_at_the_target_and_ignores_missing_labels(points) -> None:
    trust = torch.ones(2, K)
    assert position_loss(*peaks(points), points, trust).item() == pytest.approx(0, abs=1e-4)
    wrong = points.clone()
    wrong[:, 3] += 30
    assert position_loss(*peaks(points), wrong, trust).item() > 0.5
    trust[:, 3] = 0
    assert position_loss(*peaks(points), wrong, trust).item() == pytest.approx(0, abs=1e-4)


def test_expected_points_are_where_the_peaks_are(points) -> None:
    assert torch.allclose(expected_points(*peaks(points)), points, atol=0.05)


def test_structure_loss_of_a_quarter_turn_is_a_half(points) -> None:
    turned = torch.stack([-points[..., 1], points[..., 0]], dim=-1)
    loss = structure_loss(turned, points, torch.ones(2, K))
    assert loss.item() == pytest.approx(0.5, abs=1e-3)


def test_an_even_spine_costs_less_than_one_with_a_jump() -> None:
    even = torch.zeros(1, K, 2)
    even[0, SPINETRACK.spine_indices, 1] = torch.linspace(60, 140, 9)
    torn = even.clone()
    torn[0, SPINETRACK.spine_indices[4:], 0] += 60
    assert spine_loss(even).item() < 0.2 * spine_loss(torn).item()


def test_mirroring_outputs_twice_gives_them_back(points) -> None:
    mirrored = points[:, SPINETRACK.flip.tolist()].clone()
    mirrored[..., 0] = 255 - mirrored[..., 0]
    x, _ = mirrored_outputs(*peaks(mirrored))
    assert torch.equal(x.argmax(-1), peaks(points)[0].argmax(-1)) or (
        (x.argmax(-1) - peaks(points)[0].argmax(-1)).abs().max() <= 1
    )


def test_crowd_labels_yield_to_a_sure_teacher_that_disagrees() -> None:
    points = np.full((3, K, 2), 100, np.float32)
    trust = np.ones((3, K), np.float32)
    answers = np.zeros((3, K, 3), np.float32)
    answers[..., :2] = 160
    answers[0, :, 2], answers[1, :, 2], answers[2, :, 2] = 0.9, 0.1, 0.9
    merged, weights = merge_answers(points, trust, ["lspe", "lspe", "synthetic"], answers)
    assert (merged[0, :17] == 160).all()
    assert (merged[1, :17] == 100).all()
    assert (merged[2] == 100).all()
    assert weights[0, 0] < 1


def test_feet_within_reach_cost_nothing_and_far_ones_are_pulled_to_the_ankle() -> None:
    body = torch.zeros(1, K, 2)
    body[0, SPINETRACK.indices(["left_shoulder", "right_shoulder"]).tolist(), 1] = -100.0
    body[0, SPINETRACK.spine_indices, 1] = torch.linspace(-110, 0, 9)
    body[0, SPINETRACK.indices(["left_knee", "right_knee"]).tolist(), 1] = 50.0
    low = ["left_ankle", "right_ankle", "left_heel", "right_heel"]
    low += [f"{s}_{p}" for s in ("left", "right") for p in ("big_toe", "small_toe")]
    body[0, SPINETRACK.indices(low).tolist(), 1] = 100.0
    assert reach_loss(body).item() == pytest.approx(0)
    toe = SPINETRACK.index("left_big_toe")
    body[0, toe, 1] = 190.0
    body.requires_grad_(True)
    reach_loss(body).backward()
    assert body.grad is not None
    assert body.grad[0, toe, 1] > 0
    assert body.grad[0, SPINETRACK.index("left_ankle")].abs().sum() == 0
