import copy

import pytest

torch = pytest.importorskip("torch")

from spinepose.errors import UsageError  # noqa: E402
from spinepose.training.pose.networks.base import Outputs  # noqa: E402
from spinepose.training.pose.networks.cspnext import CSPNeXt, Pyramid  # noqa: E402
from spinepose.training.pose.networks.rtmcc import (  # noqa: E402
    SIZES,
    GatedAttention,
    RTMPose,
    ScaleNorm,
    rtmpose,
)

# Convolutions with norm of the published small backbone: name, output, input channels, kernel.
SMALL_UNITS = """
stem.0 16 3 3
stem.1 16 16 3
stem.2 32 16 3
stage1.0 64 32 3
stage1.1.main_conv 32 64 1
stage1.1.short_conv 32 64 1
stage1.1.final_conv 64 64 1
stage1.1.blocks.0.conv1 32 32 3
stage1.1.blocks.0.conv2.depthwise_conv 32 1 5
stage1.1.blocks.0.conv2.pointwise_conv 32 32 1
stage2.0 128 64 3
stage2.1.main_conv 64 128 1
stage2.1.short_conv 64 128 1
stage2.1.final_conv 128 128 1
stage2.1.blocks.0.conv1 64 64 3
stage2.1.blocks.0.conv2.depthwise_conv 64 1 5
stage2.1.blocks.0.conv2.pointwise_conv 64 64 1
stage2.1.blocks.1.conv1 64 64 3
stage2.1.blocks.1.conv2.depthwise_conv 64 1 5
stage2.1.blocks.1.conv2.pointwise_conv 64 64 1
stage3.0 256 128 3
stage3.1.main_conv 128 256 1
stage3.1.short_conv 128 256 1
stage3.1.final_conv 256 256 1
stage3.1.blocks.0.conv1 128 128 3
stage3.1.blocks.0.conv2.depthwise_conv 128 1 5
stage3.1.blocks.0.conv2.pointwise_conv 128 128 1
stage3.1.blocks.1.conv1 128 128 3
stage3.1.blocks.1.conv2.depthwise_conv 128 1 5
stage3.1.blocks.1.conv2.pointwise_conv 128 128 1
stage4.0 512 256 3
stage4.1.conv1 256 512 1
stage4.1.conv2 512 1024 1
stage4.2.main_conv 256 512 1
stage4.2.short_conv 256 512 1
stage4.2.final_conv 512 512 1
stage4.2.blocks.0.conv1 256 256 3
stage4.2.blocks.0.conv2.depthwise_conv 256 1 5
stage4.2.blocks.0.conv2.pointwise_conv 256 256 1
"""
SMALL_ATTENTION = {"stage1.1": 64, "stage2.1": 128, "stage3.1": 256, "stage4.2": 512}
SMALL_HEAD = {
    "head.final_layer.weight": (37, 512, 7, 7),
    "head.final_layer.bias": (37,),
    "head.mlp.0.g": (1,),
    "head.mlp.1.weight": (256, 48),
    "head.gau.ln.g": (1,),
    "head.gau.uv.weight": (1152, 256),
    "head.gau.o.weight": (256, 512),
    "head.gau.gamma": (2, 128),
    "head.gau.beta": (2, 128),
    "head.gau.res_scale.scale": (256,),
    "head.cls_x.weight": (384, 256),
    "head.cls_y.weight": (512, 256),
}


def official_small() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = dict(SMALL_HEAD)
    for line in SMALL_UNITS.split("\n")[1:-1]:
        name, *numbers = line.split()
        outputs, inputs, kernel = map(int, numbers)
        shapes[f"backbone.{name}.conv.weight"] = (outputs, inputs, kernel, kernel)
        for kind in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"backbone.{name}.bn.{kind}"] = (outputs,)
        shapes[f"backbone.{name}.bn.num_batches_tracked"] = ()
    for name, channels in SMALL_ATTENTION.items():
        shapes[f"backbone.{name}.attention.fc.weight"] = (channels, channels, 1, 1)
        shapes[f"backbone.{name}.attention.fc.bias"] = (channels,)
    return shapes


@pytest.fixture(scope="module")
def small() -> RTMPose:
    torch.manual_seed(0)
    return settled(rtmpose("small"))


def settled(network: RTMPose) -> RTMPose:
    """Leave the start, where every shortcut block is the identity, and fix the norms."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
    with torch.no_grad():
        network.train()
        width, height = network.crop.width, network.crop.height
        network(torch.randn(4, 3, height, width, generator=generator))
    return network.eval()


def crops_for(network: RTMPose, number: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(number, 3, network.crop.height, network.crop.width, generator=generator)


def test_names_and_shapes_are_those_of_the_published_small_network(small: RTMPose) -> None:
    assert {n: tuple(t.shape) for n, t in small.state_dict().items()} == official_small()


@pytest.mark.parametrize(
    ("size", "spinetrack", "halpe"),
    [
        # Papers and the table of MMPose, in millions: 37 keypoints, then 26.
        ("tiny", 3.71, 3.51),
        ("small", 5.98, 5.70),
        ("medium", 14.34, 13.93),
        ("large", 28.66, 28.11),
        ("xlarge", 50.69, 50.00),
    ],
)
def test_parameters_are_as_many_as_published(size: str, spinetrack: float, halpe: float) -> None:
    with torch.device("meta"):
        counts = [rtmpose(size, k, auxiliary=True).deployed_parameters for k in (37, 26)]
        plain = sum(p.numel() for p in rtmpose(size).parameters())
    assert [round(n / 1e6, 2) for n in counts] == [spinetrack, halpe]
    assert plain == counts[0]


def test_exact_counts_of_small_and_medium() -> None:
    with torch.device("meta"):
        assert rtmpose("small").deployed_parameters == 5_975_031
        assert rtmpose("medium").deployed_parameters == 14_340_271


@pytest.mark.parametrize("size", SIZES)
def test_logits_have_two_bins_a_pixel(size: str) -> None:
    network = rtmpose(size, 5).eval()
    with torch.no_grad():
        x, y = network(crops_for(network, 1))
    height, width = (384, 288) if size == "xlarge" else (256, 192)
    assert x.shape == (1, 5, 2 * width)
    assert y.shape == (1, 5, 2 * height)


def test_any_number_of_crops_each_answered_alone(small: RTMPose) -> None:
    crops = crops_for(small, 3)
    with torch.no_grad():
        together = small(crops)
        alone = [small(crop[None]) for crop in crops]
    for axis in (0, 1):
        expected = torch.cat([answer[axis] for answer in alone])
        assert torch.allclose(together[axis], expected, atol=1e-4)


def test_memory_order_does_not_matter(small: RTMPose) -> None:
    crops = crops_for(small, 2)
    other = copy.deepcopy(small).to(memory_format=torch.channels_last)
    with torch.no_grad():
        expected = small(crops)
        found = other(crops.to(memory_format=torch.channels_last))
    for a, b in zip(expected, found, strict=True):
        assert torch.allclose(a, b, atol=1e-4)
        assert a.std() > 0.01


def test_heatmaps_are_for_training_only() -> None:
    network = rtmpose("tiny", auxiliary=True)
    network.auxiliary.register_forward_hook(lambda *_: pytest.fail("computed"))
    with torch.no_grad():
        network(crops_for(network, 1))
    network.auxiliary._forward_hooks.clear()
    found = network.outputs(crops_for(network, 2))
    assert found.heat.shape == (2, 37, 16, 12)
    found.heat.sum().backward()
    assert network.backbone.stem[0].conv.weight.grad.abs().sum() > 0


def test_outputs_are_what_forward_gives(small: RTMPose) -> None:
    crops = crops_for(small, 1)
    with torch.no_grad():
        found, (x, y) = small.outputs(crops), small(crops)
    assert isinstance(found, Outputs)
    assert torch.equal(found.simcc_x, x)
    assert torch.equal(found.simcc_y, y)
    assert found.heat is None
    assert found.coarse is None


def test_the_pyramid_is_maxima_over_5_9_and_13_cells() -> None:
    pyramid = Pyramid(8).eval()
    seen = []
    pyramid.conv2.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x = torch.randn(1, 8, 16, 12)
    with torch.no_grad():
        pyramid(x)
        own = pyramid.conv1(x)
    for i, kernel in enumerate((1, 5, 9, 13)):
        expected = torch.nn.functional.max_pool2d(own, kernel, stride=1, padding=kernel // 2)
        assert torch.equal(seen[0][:, 4 * i : 4 * i + 4], expected)


def test_the_last_stage_has_no_shortcut_and_the_others_start_as_identity() -> None:
    backbone = CSPNeXt(0.33, 0.5).eval()
    x = torch.randn(1, 32, 8, 6)
    assert torch.equal(backbone.stage1[1].blocks(x), x)
    assert not backbone.stage4[2].blocks[0].shortcut
    assert backbone.stage4[2].blocks[0].conv2.pointwise_conv.bn.weight.min() == 1


def test_norms_divide_as_in_the_published_networks() -> None:
    norms = [m for m in CSPNeXt(0.33, 0.5).modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {(m.eps, m.momentum) for m in norms} == {(1e-5, 0.1)}


def test_scale_norm_gives_a_mean_square_of_one_and_bears_zero() -> None:
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    y = ScaleNorm(2)(x)
    y.sum().backward()
    assert y[0].square().mean().item() == pytest.approx(1)
    assert torch.isfinite(x.grad).all()


def test_attention_is_the_unit_of_the_paper() -> None:
    """Written out for single keypoints, as in Hua et al., equations 3 to 6."""
    torch.manual_seed(3)
    unit = GatedAttention(4, 3)
    torch.nn.init.normal_(unit.beta)
    x = torch.randn(1, 2, 4)
    with torch.no_grad():
        found = unit(x)[0]
        rows = [torch.nn.functional.silu(unit.uv.weight @ (t / t.norm() * 2)) for t in x[0]]
        for i in range(2):
            total = torch.zeros(8)
            for j in range(2):
                query = rows[i][16:] * unit.gamma[0] + unit.beta[0]
                key = rows[j][16:] * unit.gamma[1] + unit.beta[1]
                total += max(float(query @ key) / 3**0.5, 0.0) ** 2 * rows[j][8:16]
            expected = x[0, i] + unit.o.weight @ (rows[i][:8] * total)
            assert torch.allclose(found[i], expected, atol=1e-5)


def test_fresh_logits_are_small_and_a_step_lowers_the_loss() -> None:
    torch.manual_seed(4)
    network = rtmpose("tiny", 3)
    crops = crops_for(network, 4)
    at = torch.tensor([[30, 90, 150]] * 4)
    losses = []
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for _ in range(4):
        x, y = network(crops)
        assert losses or x.std() < 1
        loss = sum(torch.nn.functional.cross_entropy(a.flatten(0, 1), at.flatten()) for a in (x, y))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_an_unknown_size_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'huge'.*tiny, small, medium, large, xlarge"):
        rtmpose("huge")
