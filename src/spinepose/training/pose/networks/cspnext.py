"""CSPNeXt, the backbone of RTMPose: cross-stage partial blocks with large depthwise filters.

After Lyu et al., "RTMDet: An Empirical Study of Designing Real-Time Object Detectors", 2022
(arXiv 2212.07784), the P5 arrangement as RTMPose uses it (Jiang et al., 2023, arXiv 2303.07399).
Modules are named as in the published weights, so that those load by name.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CSPNeXt"]

# Before widening and deepening: (input channels, output channels, blocks). The last stage, on the
# coarsest map, pools over neighbourhoods of several sizes and has blocks without shortcut.
STAGES = ((64, 128, 3), (128, 256, 6), (256, 512, 6), (512, 1024, 3))


class Maps(NamedTuple):
    """What the backbone gives for a picture h x w.

    Attributes
    ----------
    middle
        (N, 512 x widen, h / 16, w / 16).
    last
        (N, 1024 x widen, h / 32, w / 32).
    """

    middle: Tensor
    last: Tensor


class ConvUnit(nn.Module):
    """A convolution without bias, batch norm, SiLU; the size stays unless it is strided."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False
        )
        # PyTorch's eps 1e-5 and momentum 0.1, not RTMDet's 1e-3 and 0.03: the published pose
        # networks were trained with a norm that has these defaults, and eps acts in inference.
        self.bn = nn.BatchNorm2d(outputs)
        # He et al., 2015: keeps the scale through ReLU, and nearly so through SiLU.
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (N, outputs, H / stride, W / stride)."""
        return F.silu(self.bn(self.conv(x)))


class SeparableUnit(nn.Module):
    """A filter for each channel, then a 1 x 1 mix, each with norm and SiLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.depthwise_conv = ConvUnit(inputs, inputs, kernel, groups=inputs)
        self.pointwise_conv = ConvUnit(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (N, outputs, H, W)."""
        y: Tensor = self.pointwise_conv(self.depthwise_conv(x))
        return y


class Block(nn.Module):
    """3 x 3 convolution, then a separable 5 x 5 one; with a shortcut except in the last stage."""

    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.conv1 = ConvUnit(channels, channels, 3)
        self.conv2 = SeparableUnit(channels, channels, 5)
        self.shortcut = shortcut
        if shortcut:
            # The block starts as identity, so that depth does not hinder learning from scratch
            # (Goyal et al., 2017, section 5.1); SiLU of zero is zero but has a slope.
            nn.init.zeros_(self.conv2.pointwise_conv.bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (N, channels, H, W)."""
        y: Tensor = self.conv2(self.conv1(x))
        return x + y if self.shortcut else y


class ChannelAttention(nn.Module):
    """Weigh each channel by a linear function of all channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)
        # All weights near a half at first; the norm that follows makes up for the scale.
        nn.init.normal_(self.fc.weight, std=channels**-0.5)
        assert self.fc.bias is not None
        nn.init.zeros_(self.fc.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (N, channels, H, W)."""
        return x * F.hardsigmoid(self.fc(F.adaptive_avg_pool2d(x, 1)))


class Pyramid(nn.Module):
    """Join a map with its maxima over 5 x 5, 9 x 9 and 13 x 13 cells (SPP, He et al., 2014)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvUnit(channels, channels // 2, 1)
        self.conv2 = ConvUnit(channels // 2 * 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (N, channels, H, W)."""
        levels = [self.conv1(x)]
        for _ in range(3):  # the maximum over 5 x 5 of maxima over 5 x 5 is that over 9 x 9
            levels.append(F.max_pool2d(levels[-1], 5, stride=1, padding=2))
        y: Tensor = self.conv2(torch.cat(levels, dim=1))
        return y


class Partial(nn.Module):
    """Cross-stage partial layer: half of the channels pass the blocks, half go around them."""

    def __init__(self, channels: int, blocks: int, shortcut: bool) -> None:
        super().__init__()
        half = channels // 2
        self.main_conv = ConvUnit(channels, half, 1)
        self.short_conv = ConvUnit(channels, half, 1)
        self.final_conv = ConvUnit(2 * half, channels, 1)
        self.blocks = nn.Sequential(*(Block(half, shortcut) for _ in range(blocks)))
        self.attention = ChannelAttention(2 * half)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (N, channels, H, W)."""
        both = torch.cat([self.blocks(self.main_conv(x)), self.short_conv(x)], dim=1)
        y: Tensor = self.final_conv(self.attention(both))
        return y


def _stage(inputs: int, outputs: int, blocks: int, last: bool) -> nn.Sequential:
    """Halve the map, then refine it."""
    pyramid = [Pyramid(outputs)] if last else []
    partial = Partial(outputs, blocks, shortcut=not last)
    return nn.Sequential(ConvUnit(inputs, outputs, 3, stride=2), *pyramid, partial)


class CSPNeXt(nn.Module):
    """Pictures (N, 3, h, w) to maps at a 16th and a 32nd of their size.

    Parameters
    ----------
    deepen
        Factor on the number of blocks in each stage, of which at least one stays.
    widen
        Factor on the number of channels.
    """

    def __init__(self, deepen: float = 1.0, widen: float = 1.0) -> None:
        super().__init__()
        wide = int(STAGES[0][0] * widen)
        self.stem = nn.Sequential(
            ConvUnit(3, wide // 2, 3, stride=2),
            ConvUnit(wide // 2, wide // 2, 3),
            ConvUnit(wide // 2, wide, 3),
        )
        self.stage1, self.stage2, self.stage3, self.stage4 = (
            _stage(
                int(inputs * widen),
                int(outputs * widen),
                max(round(blocks * deepen), 1),
                last=outputs == STAGES[-1][1],
            )
            for inputs, outputs, blocks in STAGES
        )
        self.channels = (int(STAGES[-2][1] * widen), int(STAGES[-1][1] * widen))

    def forward(self, x: Tensor) -> Maps:
        """Return the maps of the last two stages."""
        middle = self.stage3(self.stage2(self.stage1(self.stem(x))))
        return Maps(middle, self.stage4(middle))
