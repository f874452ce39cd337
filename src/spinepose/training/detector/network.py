"""The person detector: a one-class, anchor-free network after YOLOX-nano.

Depthwise CSPDarknet, path aggregation (PAFPN) and a decoupled head at strides 8, 16 and 32
(Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021", table 5: nano = depth 0.33, width
0.25). Two things differ from the original: batch normalisation is folded into the
convolutions from the start, and the stem is one 6 x 6 convolution instead of the equal
"focus" slicing. The network takes RGB 0..255 of any size that is a multiple of 32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class NetworkConfig:
    """Widths and depths.

    Attributes
    ----------
    width
        Channels of the stem; the stages have 2, 4, 8 and 16 times as many.
    depth
        Bottlenecks of the first stage; the second and third stage have three times as many.
    head
        Channels of the head.
    """

    width: int = 16
    depth: int = 1
    head: int = 64


class Conv(nn.Module):
    """Convolution with bias and SiLU, padded so that stride 1 keeps the size."""

    def __init__(self, cin: int, cout: int, size: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, size, stride, (size - 1) // 2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, cin, H, W)`` to ``(N, cout, H/stride, W/stride)``."""
        return functional.silu(self.conv(x))


class Separable(nn.Sequential):
    """3 x 3 convolution channel by channel, then 1 x 1 across channels."""

    def __init__(self, cin: int, cout: int, stride: int = 1) -> None:
        super().__init__(Conv(cin, cin, 3, stride, groups=cin), Conv(cin, cout, 1))


class Bottleneck(nn.Module):
    """1 x 1 and separable 3 x 3, with or without a bypass."""

    def __init__(self, channels: int, bypass: bool) -> None:
        super().__init__()
        self.squeeze = Conv(channels, channels, 1)
        self.mix = Separable(channels, channels)
        self.bypass = bypass

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape ``(N, C, H, W)``."""
        y: Tensor = self.mix(self.squeeze(x))
        return y + x if self.bypass else y


class CspLayer(nn.Module):
    """Cross stage partial layer: half the channels go through the bottlenecks."""

    def __init__(self, cin: int, cout: int, count: int, bypass: bool = True) -> None:
        super().__init__()
        self.main = Conv(cin, cout // 2, 1)
        self.short = Conv(cin, cout // 2, 1)
        self.blocks = nn.Sequential(*(Bottleneck(cout // 2, bypass) for _ in range(count)))
        self.merge = Conv(cout, cout, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, cin, H, W)`` to ``(N, cout, H, W)``."""
        main, short = self.main(x), self.short(x)
        y: Tensor = self.merge(torch.cat([self.blocks(main), short], dim=1))
        return y


class PyramidPooling(nn.Module):
    """Maxima over 5, 9 and 13 cells beside the cell itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = Conv(channels, channels // 2, 1)
        self.merge = Conv(channels * 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape ``(N, C, H, W)``."""
        x = self.squeeze(x)
        pools = [functional.max_pool2d(x, k, 1, k // 2) for k in (5, 9, 13)]
        y: Tensor = self.merge(torch.cat([x, *pools], dim=1))
        return y


class Backbone(nn.Module):
    """Depthwise CSPDarknet: features at strides 8, 16, 32."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        w, d = config.width, config.depth
        self.stem = nn.Conv2d(3, w, 6, stride=2, padding=2)
        self.dark2 = nn.Sequential(Separable(w, 2 * w, 2), CspLayer(2 * w, 2 * w, d))
        self.dark3 = nn.Sequential(Separable(2 * w, 4 * w, 2), CspLayer(4 * w, 4 * w, 3 * d))
        self.dark4 = nn.Sequential(Separable(4 * w, 8 * w, 2), CspLayer(8 * w, 8 * w, 3 * d))
        self.dark5 = nn.Sequential(
            Separable(8 * w, 16 * w, 2),
            PyramidPooling(16 * w),
            CspLayer(16 * w, 16 * w, d, bypass=False),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(N, 3, H, W)`` to maps of 4, 8 and 16 widths at strides 8, 16, 32."""
        c3 = self.dark3(self.dark2(functional.silu(self.stem(x))))
        c4 = self.dark4(c3)
        return c3, c4, self.dark5(c4)


class Neck(nn.Module):
    """Path aggregation: coarse features up to the fine ones, and back down."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        w, d = config.width, config.depth
        self.lateral5 = Conv(16 * w, 8 * w, 1)
        self.top4 = CspLayer(16 * w, 8 * w, d, bypass=False)
        self.lateral4 = Conv(8 * w, 4 * w, 1)
        self.top3 = CspLayer(8 * w, 4 * w, d, bypass=False)
        self.down3 = Separable(4 * w, 4 * w, 2)
        self.bottom4 = CspLayer(8 * w, 8 * w, d, bypass=False)
        self.down4 = Separable(8 * w, 8 * w, 2)
        self.bottom5 = CspLayer(16 * w, 16 * w, d, bypass=False)

    def forward(self, maps: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Three maps to three maps of the same shapes."""
        c3, c4, c5 = maps
        p5 = self.lateral5(c5)
        p4 = self.lateral4(self.top4(torch.cat([_twice(p5), c4], dim=1)))
        out3 = self.top3(torch.cat([_twice(p4), c3], dim=1))
        out4 = self.bottom4(torch.cat([self.down3(out3), p4], dim=1))
        out5 = self.bottom5(torch.cat([self.down4(out4), p5], dim=1))
        return out3, out4, out5


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


class LevelHead(nn.Module):
    """Decoupled head of one level: person, box and object."""

    def __init__(self, cin: int, channels: int) -> None:
        super().__init__()
        self.stem = Conv(cin, channels, 1)
        self.class_convs = nn.Sequential(*(Separable(channels, channels) for _ in range(2)))
        self.person = nn.Conv2d(channels, 1, 1)
        self.box_convs = nn.Sequential(*(Separable(channels, channels) for _ in range(2)))
        self.box = nn.Conv2d(channels, 4, 1)
        self.object = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, cin, H, W)`` to ``(N, 6, H, W)``: person, box (4), object."""
        x = self.stem(x)
        person = self.person(self.class_convs(x))
        boxes = self.box_convs(x)
        return torch.cat([person, self.box(boxes), self.object(boxes)], dim=1)


class PersonDetector(nn.Module):
    """The whole network.

    `forward` gives what export needs (boxes in px, scores 0..1); `predict` gives logits for
    the loss.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        config = config or NetworkConfig()
        self.config = config
        self.backbone = Backbone(config)
        self.neck = Neck(config)
        self.heads = nn.ModuleList(LevelHead(config.width * k, config.head) for k in (4, 8, 16))

    def predict(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Find people.

        Parameters
        ----------
        images
            ``(N, 3, H, W)`` RGB 0..255, H and W multiples of 32.

        Returns
        -------
        tuple[Tensor, Tensor, Tensor]
            Boxes ``(N, M, 4)`` x1 y1 x2 y2 in input px; logits ``(N, M)`` of the score;
            cells ``(M, 3)``: centre x, centre y, stride, all in px.
        """
        return self.read(self.neck(self.backbone(images)))

    def read(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Run the heads on the neck's three maps; as `predict`."""
        raw, cells = [], []
        for head, stride, features in zip(self.heads, STRIDES, maps, strict=True):
            out = head(features)
            raw.append(out.flatten(2).transpose(1, 2))
            cells.append(cell_centres(out, stride))
        values, grid = torch.cat(raw, dim=1), torch.cat(cells)
        boxes = decode(values[..., 1:5], grid)
        return boxes, joint_logit(values[..., 0], values[..., 5]), grid

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes ``(N, M, 4)`` in input px and scores ``(N, M)`` in 0..1."""
        boxes, logits, _ = self.predict(images)
        return boxes, logits.sigmoid()


def cell_centres(features: Tensor, stride: int) -> Tensor:
    """Centres and stride ``(H W, 3)`` in px of the cells of a map ``(N, C, H, W)``."""
    height, width = features.shape[-2:]
    ys = torch.arange(height, device=features.device, dtype=torch.float32)
    xs = torch.arange(width, device=features.device, dtype=torch.float32)
    rows = (ys[:, None] + 0.5).expand(height, width)
    columns = (xs[None, :] + 0.5).expand(height, width)
    ones = torch.ones_like(rows)
    return torch.stack([columns, rows, ones], dim=-1).reshape(-1, 3) * stride


def decode(raw: Tensor, cells: Tensor) -> Tensor:
    """Bring the head's box values to pixels (YOLOX: the origin is the cell's corner).

    Parameters
    ----------
    raw
        ``(..., M, 4)``: centre from the cell's top left corner in cells, log size in cells.
    cells
        ``(M, 3)``: centre x, centre y, stride in px.

    Returns
    -------
    Tensor
        ``(..., M, 4)`` x1 y1 x2 y2 in px.
    """
    stride = cells[:, 2:]
    centre = cells[:, :2] + (raw[..., :2] - 0.5) * stride
    half = raw[..., 2:].clamp(max=8.0).exp() * stride / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def joint_logit(first: Tensor, second: Tensor) -> Tensor:
    """Logit of the product of two probabilities given by their logits.

    From p = 1 / ((1 + e^-a)(1 + e^-b)) follows logit p = -log(e^-a + e^-b + e^-(a+b)).
    """
    terms = torch.stack([-first, -second, -first - second])
    return -torch.logsumexp(terms, dim=0)
