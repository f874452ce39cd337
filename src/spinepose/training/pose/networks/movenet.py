"""The pose network: MobileNetV2 trunk, feature pyramid, person-aware heatmaps and SimCC outputs.

Trunk, pyramid and the heatmap, centre and regression heads have the shape of MoveNet Thunder
(Google, 2021; MobileNetV2 of Sandler et al., CVPR 2018, width 1.75; a pyramid after Lin et al.,
CVPR 2017; centres and regression after CenterNet, Zhou et al., 2019), so that its weights can be
the start. Batch norms are folded. What follows is new: the crop's person is found softly, each
keypoint's 64 x 64 heatmap is reduced to its two marginals, and a gated attention unit over
keypoints as in RTMPose (Jiang et al., 2023, arXiv 2303.07399) refines them to SimCC (Li et al.,
ECCV 2022).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.networks.base import CropSpec, Outputs, PoseNetwork

__all__ = [
    "HIDDEN",
    "MoveNetPose",
    "Separable",
    "Trunk",
    "cubic_upsampling",
    "widened",
    "with_side",
]

SIDE = 256
STRIDE = 4  # of the finest map
HIDDEN = 96  # channels inside each Thunder head
FOOT_REACH = 0.42  # of the longest thigh or shin: no toe or heel is farther from its ankle
FOOT_SLACK = 6.0  # crop pixels
PRIOR_RADIUS = 1.8  # cells; Thunder divides its heatmaps by (distance + 1.8)

# Inverted residuals of MobileNetV2: (input, expanded, output, stride).
BLOCKS = (
    (32, 192, 40, 2),
    (40, 240, 40, 1),
    (40, 240, 56, 2),
    (56, 336, 56, 1),
    (56, 336, 56, 1),
    (56, 336, 112, 2),
    (112, 672, 112, 1),
    (112, 672, 112, 1),
    (112, 672, 112, 1),
    (112, 672, 168, 1),
    (168, 1008, 168, 1),
    (168, 1008, 168, 1),
    (168, 1008, 280, 2),
    (280, 1680, 280, 1),
    (280, 1680, 280, 1),
    (280, 1680, 560, 1),
)
AT_64, AT_32, AT_16, DEEP_16 = 1, 4, 8, 11  # positions in BLOCKS that the pyramid reads


class SameConv(nn.Conv2d):
    """A 3 x 3 convolution that pads like TensorFlow's ``SAME``: right and bottom if strided."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=1 if stride == 1 else 0, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (N, outputs, H / stride, W / stride)."""
        x = x if self.stride[0] == 1 else F.pad(x, (0, 1, 0, 1))
        y: Tensor = super().forward(x)
        return y


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; with a shortcut where shapes agree."""

    def __init__(self, inputs: int, expanded: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(inputs, expanded, 1)
        self.filter = SameConv(expanded, expanded, stride, groups=expanded)
        self.project = nn.Conv2d(expanded, outputs, 1)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (N, outputs, H / stride, W / stride)."""
        y = F.relu6(self.filter(F.relu6(self.expand(x))))
        y = self.project(y)
        merged: Tensor = x + y if self.shortcut else y
        return merged


class Separable(nn.Module):
    """A 3 x 3 filter per channel, then a 1 x 1 mix and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.mix = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (N, outputs, H, W)."""
        return F.relu(self.mix(self.filter(x)))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Trunk(nn.Module):
    """MobileNetV2 1.75 with a pyramid up to a quarter of the input's side.

    Children are declared in the order of the convolutions in Thunder's graph; the loader
    depends on it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 56, 2)
        self.stem_filter = SameConv(56, 56, 1, groups=56)
        self.stem_project = nn.Conv2d(56, 32, 1)
        self.blocks = nn.ModuleList(InvertedResidual(*row) for row in BLOCKS)
        self.last = nn.Conv2d(560, 1280, 1)
        self.lateral8 = nn.Conv2d(1280, 64, 1)
        self.lateral16 = nn.Conv2d(112, 64, 1)
        self.merge16 = Separable(64, 32)
        self.lateral32 = nn.Conv2d(56, 32, 1)
        self.merge32 = Separable(32, 24)
        self.lateral64 = nn.Conv2d(40, 24, 1)
        self.merge64 = Separable(24, 24)

    def early(self, x: Tensor) -> list[Tensor]:
        """Return the maps of the high-resolution blocks: [40 at 64 x 64, 56 at 32 x 32]."""
        x = F.relu6(self.stem(x))
        x = self.stem_project(F.relu6(self.stem_filter(x)))
        taps = []
        for i, block in enumerate(self.blocks[: AT_32 + 1]):
            x = block(x)
            if i in (AT_64, AT_32):
                taps.append(x)
        return taps

    def late(self, taps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the finest map (N, 24, 64, 64) and the context (N, 232, 16, 16)."""
        at64, at32 = taps
        x = at32
        kept = {}
        for i in range(AT_32 + 1, len(BLOCKS)):
            x = self.blocks[i](x)
            if i in (AT_16, DEEP_16):
                kept[i] = x
        x = self.lateral8(F.relu6(self.last(x)))
        wide = _double(x) + self.lateral16(kept[AT_16])
        context = torch.cat([kept[DEEP_16], wide], dim=1)
        x = self.merge16(wide)
        x = self.merge32(_double(x) + self.lateral32(at32))
        x = self.merge64(_double(x) + self.lateral64(at64))
        return x, context


class ScaleNorm(nn.Module):
    """Scale each vector to one learned length (Nguyen and Salazar, 2019)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))
        self.scale = size**-0.5

    def forward(self, x: Tensor) -> Tensor:
        """Return vectors (..., size) of one length."""
        length = x.pow(2).sum(dim=-1, keepdim=True).sqrt() * self.scale
        y: Tensor = x / length.clamp(min=1e-5) * self.gain
        return y


class GatedAttention(nn.Module):
    """Gated attention unit (Hua et al., ICML 2022) with squared-ReLU weights, over keypoints."""

    def __init__(self, size: int, key: int = 64) -> None:
        super().__init__()
        self.inner = 2 * size
        self.key = key
        self.norm = ScaleNorm(size)
        self.split = nn.Linear(size, 2 * self.inner + key, bias=False)
        self.gain = nn.Parameter(torch.rand(2, key))
        self.shift = nn.Parameter(torch.rand(2, key))
        self.out = nn.Linear(self.inner, size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return refined tokens (N, K, size)."""
        gate, value, base = torch.split(
            F.silu(self.split(self.norm(x))), [self.inner, self.inner, self.key], dim=-1
        )
        query = base * self.gain[0] + self.shift[0]
        key = base * self.gain[1] + self.shift[1]
        weights = F.relu(query @ key.transpose(1, 2) / math.sqrt(self.key)).square()
        y: Tensor = x + self.out(gate * (weights @ value))
        return y


def cubic_upsampling(inputs: int, outputs: int, split_ratio: float = 2.0) -> Tensor:
    """Return the matrix (outputs, inputs) that interpolates a signal with Catmull-Rom splines.

    Output bin i lies at i / `split_ratio` crop pixels; cell j's middle at (j + 0.5) cells. A
    parabola, the logarithm of a Gaussian, is kept exactly.
    """
    cell = outputs / split_ratio / inputs
    at = (torch.arange(outputs) / split_ratio + 0.5) / cell - 0.5
    first = at.floor()
    t = at - first
    weights = torch.stack(
        [
            -0.5 * t + t**2 - 0.5 * t**3,
            1 - 2.5 * t**2 + 1.5 * t**3,
            0.5 * t + 2 * t**2 - 1.5 * t**3,
            -0.5 * t**2 + 0.5 * t**3,
        ],
        dim=1,
    )
    matrix = torch.zeros(outputs, inputs)
    for k in range(4):
        index = (first.long() + k - 1).clamp(0, inputs - 1)
        matrix.scatter_add_(1, index[:, None], weights[:, k : k + 1])
    return matrix


class MoveNetPose(PoseNetwork):
    """Square crops, RGB scaled to -1..1, to SimCC logits.

    Parameters
    ----------
    keypoints
        K: the first K of SpineTrack, at least its legs.
    size
        Width of a keypoint's token.
    side
        Of the crop in pixels, a multiple of 32.
    """

    def __init__(self, keypoints: int = len(SPINETRACK), size: int = 192, side: int = SIDE) -> None:
        super().__init__()
        if side % 32:
            raise ValueError(f"the crop's side must be a multiple of 32, not {side}")
        self.keypoints = keypoints
        self.crop = CropSpec(side, side, mean=(127.5,) * 3, std=(127.5,) * 3)
        self.cells = side // STRIDE
        bins, _ = self.crop.bins
        self.trunk = Trunk()
        self.regress_hidden = Separable(24, HIDDEN)
        self.regress = nn.Linear(HIDDEN, 2 * keypoints)
        self.heat_hidden = Separable(24, HIDDEN)
        self.heat = nn.Conv2d(HIDDEN, keypoints, 1)
        self.centre_hidden = Separable(24, HIDDEN)
        self.centre = nn.Conv2d(HIDDEN, 1, 1)
        self.centre_sharpness = nn.Parameter(torch.tensor(4.0))
        self.prior_strength = nn.Parameter(torch.ones(keypoints))
        self.sharpness = nn.Parameter(torch.full((keypoints,), 3.0))

        self.context = nn.Sequential(
            nn.Conv2d(168 + 64 + 24, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.Hardswish(),
            nn.Conv2d(128, keypoints, 3, padding=1),
        )
        cells = (self.cells // 4) ** 2
        self.token = nn.Sequential(ScaleNorm(cells), nn.Linear(cells, size, bias=False))
        self.token_marginals = nn.Linear(2 * self.cells, size)
        self.token_person = nn.Parameter(torch.randn(keypoints, size) * 0.02)
        self.attention = GatedAttention(size)
        self.upsample = nn.Linear(self.cells, bins, bias=False)
        self.head_x = nn.Linear(size, bins)
        self.head_y = nn.Linear(size, bins)
        self._reset()

        grid = torch.arange(self.cells, dtype=torch.float32)
        y, x = torch.meshgrid(grid, grid, indexing="ij")
        self.register_buffer("grid", grid, persistent=False)
        self.register_buffer("places", torch.stack([x.flatten(), y.flatten()], 1), persistent=False)
        # The crop's person is near its middle.
        middle = (self.cells - 1) / 2
        away = ((x - middle) ** 2 + (y - middle) ** 2).sqrt()
        self.register_buffer("window", -torch.log(away + PRIOR_RADIUS), persistent=False)

        self._know_feet()

    bins: Tensor
    legs: Tensor
    foot_side: Tensor
    foot: Tensor
    grid: Tensor
    places: Tensor
    window: Tensor

    def _reset(self) -> None:
        """Start as plain interpolation of the marginals; the refinement adds nothing yet."""
        with torch.no_grad():
            self.upsample.weight.copy_(cubic_upsampling(*reversed(self.upsample.weight.shape)))
            for head in (self.head_x, self.head_y):
                head.weight.zero_()
                head.bias.zero_()
            self.token_marginals.weight.mul_(0.1)

    def _know_feet(self) -> None:
        """Remember which keypoints are legs and feet, and of which side."""
        names = SPINETRACK.keypoints[: self.keypoints]
        legs = [f"{s}_{j}" for s in ("left", "right") for j in ("hip", "knee", "ankle")]
        feet = set(SPINETRACK.subsets["feet"])
        side = torch.tensor([int(n.startswith("right")) for n in names])
        foot = torch.tensor([float(n in feet) for n in names])[:, None]
        bins = torch.arange(self.crop.bins[0]) / self.crop.split_ratio
        for name, value in (
            ("bins", bins),
            ("legs", torch.from_numpy(SPINETRACK.indices(legs))),
            ("foot_side", side),
            ("foot", foot),
        ):
            self.register_buffer(name, value, persistent=False)

    def hold_feet(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return SimCC logits (N, K, bins) twice, feet kept within reach of their ankle.

        A foot on somebody else, or on the other leg, is the commonest mistake in gymnastics.
        Logits fall off with the square of the pixels beyond the reach, per axis.
        """
        places = torch.stack([s[:, self.legs].argmax(dim=-1) for s in (x, y)], dim=-1)
        chains = (places.float() / self.crop.split_ratio).view(-1, 2, 3, 2)
        limbs = (chains[:, :, 1:] - chains[:, :, :2]).square().sum(dim=-1).sqrt()
        reach = FOOT_REACH * limbs.flatten(1).amax(dim=1) + FOOT_SLACK
        ankles = chains[:, :, 2]
        held = []
        for axis, logits in enumerate((x, y)):
            away = (self.bins - ankles[:, :, axis, None]).abs() - reach[:, None, None]
            wall = F.relu(away).square()
            held.append(logits - self.foot * wall[:, self.foot_side])
        return held[0], held[1]

    def find_person(self, fine: Tensor) -> Tensor:
        """Return the rough places (N, K, 2), in cells, of the person in the middle.

        Thunder reads its regression field at the best centre; here it is averaged over likely
        centres, which is smooth, and read from pooled features, which is cheap.
        """
        likely = F.logsigmoid(self.centre(self.centre_hidden(fine))[:, 0]) + self.window
        weights = torch.softmax((self.centre_sharpness * likely).flatten(1), dim=1)
        hidden = self.regress_hidden(fine).flatten(2) @ weights[:, :, None]
        offsets = self.regress(hidden[:, :, 0]).view(-1, self.keypoints, 2)
        coarse: Tensor = offsets + (weights @ self.places)[:, None]
        return coarse

    def marginals(self, fine: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """Return log marginals (N, K, cells) over columns and rows of the person's heatmaps."""
        heat = F.logsigmoid(self.heat(self.heat_hidden(fine)))
        dx = (self.grid - coarse[:, :, 0:1]).square() / PRIOR_RADIUS**2
        dy = (self.grid - coarse[:, :, 1:2]).square() / PRIOR_RADIUS**2
        far = torch.log1p(dy[:, :, :, None] + dx[:, :, None, :])
        strength = (0.5 * self.prior_strength)[:, None, None]
        chance = torch.exp(self.sharpness[:, None, None] * (heat - strength * far))
        return (chance.sum(dim=2) + 1e-8).log(), (chance.sum(dim=3) + 1e-8).log()

    def head(self, fine: Tensor, context: Tensor) -> Outputs:
        """Return the outputs from the trunk's maps, of a quarter and a sixteenth of the side."""
        coarse = self.find_person(fine)
        columns, rows = self.marginals(fine, coarse)
        near = torch.cat([context, F.avg_pool2d(fine, 4)], dim=1)
        token = self.token(self.context(near).flatten(2))
        token = token + self.token_marginals(torch.cat([columns, rows], dim=2)) + self.token_person
        token = self.attention(token)
        x = self.upsample(columns) + self.head_x(token)
        y = self.upsample(rows) + self.head_y(token)
        return Outputs(*self.hold_feet(x, y), coarse=(coarse + 0.5) * STRIDE - 0.5)

    def outputs(self, crops: Tensor) -> Outputs:
        """Return logits and rough places of the keypoints of crops (N, 3, side, side).

        Under autocast only the trunk runs in reduced precision: positions of a bin among hundreds
        need more than the eight bits of bfloat16.
        """
        return self.finish(self.begin(crops))

    def beginning(self) -> list[nn.Parameter]:
        """Return the parameters of the high-resolution blocks."""
        trunk = self.trunk
        parts = (trunk.stem, trunk.stem_filter, trunk.stem_project, *trunk.blocks[: AT_32 + 1])
        return [parameter for part in parts for parameter in part.parameters()]

    def begin(self, crops: Tensor) -> list[Tensor]:
        """Return the maps of the high-resolution blocks, half of the work."""
        return self.trunk.early(crops)

    def finish(self, begun: list[Tensor]) -> Outputs:
        """Return the outputs from these maps; see :meth:`outputs`."""
        fine, context = self.trunk.late(begun)
        with torch.autocast(fine.device.type, enabled=False):
            wide = torch.promote_types(fine.dtype, torch.float32)
            return self.head(fine.to(wide), context.to(wide))


@torch.no_grad()
def with_side(network: MoveNetPose, side: int) -> MoveNetPose:
    """Return the network for crops of another side; it needs to learn on.

    The trunk is convolutional and stays. What counts cells or bins is stretched linearly.
    """
    size = network.head_x.in_features
    other = MoveNetPose(network.keypoints, size, side)
    state, shapes = network.state_dict(), other.state_dict()
    for name, values in state.items():
        if values.shape == shapes[name].shape:
            shapes[name] = values
    old, new = network.cells, other.cells
    for axis in ("x", "y"):
        for part in ("weight", "bias"):
            rows = state[f"head_{axis}.{part}"].reshape(len(state[f"head_{axis}.{part}"]), -1).T
            shapes[f"head_{axis}.{part}"] = _stretched(rows, len(other.bins)).T.reshape(
                shapes[f"head_{axis}.{part}"].shape
            )
    halves = state["token_marginals.weight"].view(size, 2, old)
    shapes["token_marginals.weight"] = torch.cat(
        [_stretched(halves[:, i], new) * (old / new) for i in (0, 1)], dim=1
    )
    cells = state["token.1.weight"].view(size, 1, old // 4, old // 4)
    spread = F.interpolate(cells, size=(new // 4, new // 4), mode="bilinear", align_corners=False)
    shapes["token.1.weight"] = spread.reshape(size, -1) * (old / new) ** 2
    other.load_state_dict(shapes)
    return other


@torch.no_grad()
def widened(network: MoveNetPose, keypoints: int, generator: torch.Generator) -> MoveNetPose:
    """Return the network with another number of keypoints: the first ones stay.

    What is new is drawn from a normal distribution with mean and spread of what is there (Khan et
    al., 2025, section 4), keypoint by keypoint; rough places start at the mean of all.
    """
    other = MoveNetPose(keypoints, network.head_x.in_features, network.crop.width)
    old = network.keypoints
    state, target = network.state_dict(), other.state_dict()
    for name, values in state.items():
        if name.startswith("regress."):
            rows = values.view(old, -1)
            more = rows.mean(dim=0, keepdim=True).expand(max(keypoints - old, 0), -1)
            target[name] = torch.cat([rows[:keypoints], more]).reshape(target[name].shape)
        elif values.shape == target[name].shape:
            target[name] = values
        else:
            shape = (max(keypoints - old, 0), *values.shape[1:])
            spread = values.std() if values.numel() > 1 else values.new_zeros(())
            more = values.mean() + spread * torch.randn(shape, generator=generator)
            target[name] = torch.cat([values[:keypoints], more])
    other.load_state_dict(target)
    return other


def _stretched(signals: Tensor, length: int) -> Tensor:
    """Return signals (M, L) resampled to (M, `length`)."""
    return F.interpolate(signals[:, None], size=length, mode="linear", align_corners=False)[:, 0]
