"""Network, assignment, loss, start and export on tiny cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
import torch

from spinepose.training.detector.export import count, export_onnx, parity, write_card
from spinepose.training.detector.loss import assign, detection_loss, giou
from spinepose.training.detector.network import (
    NetworkConfig,
    PersonDetector,
    cell_centres,
    decode,
    joint_logit,
)
from spinepose.training.detector.start import convolutions_in_order, stem_kernel
from spinepose.training.detector.teachers import decode_grid, open_session
from spinepose.training.detector.train import (
    Average,
    TrainConfig,
    blend,
    scale_convolutions,
    schedule,
)

TINY = NetworkConfig(width=4, depth=1, head=8)


@pytest.fixture
def tiny() -> PersonDetector:
    torch.manual_seed(0)
    return PersonDetector(TINY).eval()


def all_cells(height: int, width: int) -> torch.Tensor:
    maps = [torch.zeros(1, 1, height // s, width // s) for s in (8, 16, 32)]
    return torch.cat([cell_centres(m, s) for m, s in zip(maps, (8, 16, 32), strict=True)])


def test_our_decoding_equals_the_teachers() -> None:
    raw = torch.randn(84, 4)
    ours = decode(raw, all_cells(64, 64)).numpy()
    assert np.abs(ours - decode_grid(raw.numpy(), 64, 64)).max() < 1e-4


def test_cells_run_row_by_row() -> None:
    cells = cell_centres(torch.zeros(1, 1, 2, 3), 8)
    assert cells.tolist()[:4] == [[4, 4, 8], [12, 4, 8], [20, 4, 8], [4, 12, 8]]


def test_logit_of_a_product() -> None:
    a, b = torch.tensor([0.3, -2.0, 30.0]), torch.tensor([1.0, -1.0, 25.0])
    product = a.double().sigmoid() * b.double().sigmoid()
    assert joint_logit(a, b).double().sigmoid().tolist() == pytest.approx(product.tolist())


def test_stem_kernel_equals_the_focus_slices_in_the_other_colour_order() -> None:
    focus = np.random.default_rng(0).normal(size=(5, 12, 3, 3)).astype(np.float32)
    rgb = torch.randn(1, 3, 32, 32)
    bgr = rgb.flip(1)
    slices = [bgr[..., r::2, c::2] for r, c in ((0, 0), (1, 0), (0, 1), (1, 1))]
    expected = torch.nn.functional.conv2d(torch.cat(slices, 1), torch.from_numpy(focus), padding=1)
    kernel = torch.from_numpy(stem_kernel(focus))
    ours = torch.nn.functional.conv2d(rgb, kernel, stride=2, padding=2)
    assert (ours - expected).abs().max() < 1e-4


def test_the_published_network_has_as_many_convolutions() -> None:
    assert len(convolutions_in_order(PersonDetector())) == 113


def test_cells_near_the_middle_answer_for_a_person() -> None:
    cells = all_cells(64, 64)
    truth = torch.tensor([[8.0, 8.0, 40.0, 56.0]])
    boxes = truth.expand(len(cells), 4).clone()
    boxes[::2] = torch.tensor([0.0, 0.0, 4.0, 4.0])  # every other cell is off
    index, owner = assign(boxes, torch.zeros(len(cells)), cells, truth)
    assert set(owner.tolist()) == {0}
    assert all(i % 2 == 1 for i in index.tolist())
    away = (cells[index, :2] - torch.tensor([24.0, 32.0])).abs().amax(dim=1)
    assert bool((away < 2.5 * cells[index, 2]).all())


def test_two_people_share_no_cell_and_a_tiny_one_gets_one() -> None:
    cells = all_cells(64, 64)
    truth = torch.tensor([[0.0, 0.0, 30.0, 60.0], [34.0, 0.0, 64.0, 60.0], [1.0, 1.0, 3.0, 3.0]])
    boxes = torch.cat([cells[:, :2] - 8, cells[:, :2] + 8], dim=1)
    index, owner = assign(boxes, torch.zeros(len(cells)), cells, truth)
    assert len(set(index.tolist())) == len(index)
    assert set(owner.tolist()) == {0, 1, 2}


def test_giou_of_apart_boxes_is_negative() -> None:
    first, second = torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[20.0, 0, 30, 10]])
    iou, general = giou(first, second)
    assert iou.item() == 0
    assert general.item() == pytest.approx(-1 / 3)


def test_doubtful_boxes_cost_nothing_below_their_ceiling() -> None:
    cells = all_cells(32, 32)
    boxes = torch.tensor([0.0, 0.0, 20.0, 30.0]).expand(1, len(cells), 4).clone()
    doubt = [torch.tensor([[0.0, 0.0, 20.0, 30.0, 0.5]])]
    none = [torch.zeros(0, 4)]
    low = torch.full((1, len(cells)), -1.0)
    assert detection_loss(boxes, low, cells, none, doubt).score == 0
    high = torch.full((1, len(cells)), 2.0)
    assert detection_loss(boxes, high, cells, none, doubt).score > 0
    clear = [torch.zeros(0, 5)]
    assert detection_loss(boxes, low, cells, none, clear).score > 0


def test_a_few_steps_learn_one_person(tiny: PersonDetector) -> None:
    image = torch.zeros(1, 3, 64, 64)
    image[:, :, 12:52, 20:40] = 200.0
    truth, doubt = [torch.tensor([[20.0, 12.0, 40.0, 52.0]])], [torch.zeros(0, 5)]
    for head in tiny.heads:
        torch.nn.init.constant_(head.object.bias, -4.0)
    scale_convolutions(tiny)
    optimiser = torch.optim.AdamW(tiny.parameters(), lr=0.05)
    losses = []
    for _ in range(80):
        loss = detection_loss(*tiny.predict(image), truth, doubt)
        optimiser.zero_grad()
        loss.total.backward()
        torch.nn.utils.clip_grad_norm_(tiny.parameters(), 10.0)
        optimiser.step()
        losses.append(float(loss.total.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_average_follows_the_scaled_network(tiny: PersonDetector) -> None:
    average = Average(tiny, decay=0.9)
    before = average.network.backbone.stem.weight.detach().clone()
    scale_convolutions(tiny)
    assert torch.allclose(tiny.backbone.stem.weight, before)
    with torch.no_grad():
        tiny.backbone.stem.parametrizations.weight.original.mul_(2)
    for _ in range(200):
        average.update(tiny)
    assert torch.allclose(average.network.backbone.stem.weight, 2 * before, atol=1e-5)


def test_learning_rate_warms_up_and_falls() -> None:
    config = TrainConfig(rate=1.0, warmup=10)
    assert schedule(0.0, 0, config) == pytest.approx(0.1)
    assert schedule(0.0, 50, config) == pytest.approx(1.0)
    assert schedule(1.0, 50, config) == pytest.approx(0.02)


def test_file_equals_network_for_other_sizes_and_batches(
    tiny: PersonDetector, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.onnx"
    export_onnx(tiny, path)
    assert parity(tiny, path, 64, 160) < 1e-4
    boxes, scores = open_session(path).run(None, {"input": np.zeros((3, 3, 96, 32), np.float32)})
    assert boxes.shape == (3, (12 * 4 + 6 * 2 + 3), 4)
    assert scores.shape == boxes.shape[:2]
    kinds = {i.data_type for i in onnx.load(str(path)).graph.initializer if len(i.dims) == 4}
    assert onnx.TensorProto.FLOAT16 in kinds


def test_card_counts_and_signs_the_file(tiny: PersonDetector, tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"weights")
    card = write_card(tiny, path, 0.4, {}, [], []).read_text()
    parameters, gflops = count(PersonDetector())
    assert parameters == 889_058
    assert 1.0 < gflops < 1.1
    assert '"score_threshold": 0.4' in card
    assert "sha256" in card


def test_blend_lies_between_start_and_tuned(tiny: PersonDetector) -> None:
    torch.manual_seed(1)
    tuned = PersonDetector(TINY)
    mixed = blend(tiny, tuned, 0.25)
    a, b, c = (net.heads[0].box.weight for net in (tiny, tuned, mixed))
    assert torch.allclose(c, 0.75 * a + 0.25 * b)
