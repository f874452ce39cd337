"""RTMPose: CSPNeXt and a head that classifies coordinates with attention over keypoints.

After Jiang et al., "RTMPose: Real-Time Multi-Person Pose Estimation based on MMPose", 2023 (arXiv
2303.07399); SimCC of Li et al., ECCV 2022 (arXiv 2107.03332); the sizes of SpinePose from Khan,
Krauß and Stricker, CVPR Workshops 2025 (arXiv 2504.08110). Modules are named as in the published
weights, so that those load by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spinepose.errors import UsageError
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.networks.base import CropSpec, Outputs, PoseNetwork
from spinepose.training.pose.networks.cspnext import CSPNeXt

__all__ = ["SIZES", "RTMPose", "Size", "rtmpose"]

HIDDEN = 256  # length of a keypoint's token
KEY = 128  # length of the queries and keys
STRIDE = 32  # crop pixels per cell of the backbone's last map


@dataclass(frozen=True)
class Size:
    """One member of the family.

    Parameters
    ----------
    name
        As on the command line.
    deepen, widen
        Factors on the backbone's blocks and channels.
    crop
        What it reads.
    """

    name: str
    deepen: float
    widen: float
    crop: CropSpec = field(default_factory=CropSpec)


SIZES: Mapping[str, Size] = MappingProxyType(
    {
        size.name: size
        for size in (
            Size("tiny", 0.167, 0.375),
            Size("small", 0.33, 0.5),
            Size("medium", 0.67, 0.75),
            Size("large", 1.0, 1.0),
            Size("xlarge", 1.33, 1.25, CropSpec(width=288, height=384)),
        )
    }
)
"""All sizes by name, smallest first; ``tiny`` is RTMPose's, the others are also SpinePose's."""


class ScaleNorm(nn.Module):
    """Scale each vector to one learned length (Nguyen and Salazar, 2019, arXiv 1910.05895)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1))
        self.scale = size**-0.5

    def forward(self, x: Tensor) -> Tensor:
        """Return vectors (..., size) with a root mean square of `g`."""
        # Not sqrt(sum(x^2)), whose gradient is not a number where a vector is zero.
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True) * self.scale
        y: Tensor = x / length.clamp(min=1e-5) * self.g
        return y


class ChannelScale(nn.Module):
    """Multiply each channel by a learned factor."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """Return vectors (..., size)."""
        return x * self.scale


class GatedAttention(nn.Module):
    """Gated attention unit (Hua et al., ICML 2022) over keypoints, with squared-ReLU weights."""

    def __init__(self, size: int = HIDDEN, key: int = KEY) -> None:
        super().__init__()
        self.widths = [2 * size, 2 * size, key]
        self.ln = ScaleNorm(size)
        self.uv = nn.Linear(size, sum(self.widths), bias=False)
        self.gamma = nn.Parameter(torch.rand(2, key))
        self.beta = nn.Parameter(torch.zeros(2, key))
        self.o = nn.Linear(2 * size, size, bias=False)
        self.res_scale = ChannelScale(size)
        self.sharpness = 1 / math.sqrt(key)

    def forward(self, x: Tensor) -> Tensor:
        """Return refined tokens (N, K, size)."""
        gate, value, base = torch.split(F.silu(self.uv(self.ln(x))), self.widths, dim=-1)
        query = base * self.gamma[0] + self.beta[0]
        key = base * self.gamma[1] + self.beta[1]
        weights = F.relu(query @ key.transpose(1, 2) * self.sharpness).square()
        y: Tensor = self.res_scale(x) + self.o(gate * (weights @ value))
        return y


class RTMCCHead(nn.Module):
    """A map of cells to SimCC logits: one token per keypoint, attention, two classifiers.

    Parameters
    ----------
    inputs
        Channels of the map.
    keypoints
        K.
    crop
        Gives the number of cells and of bins.

    Notes
    -----
    Official networks start with tiny weights (standard deviations of 0.001 and 0.01) and random
    offsets of queries and keys, so that attention adds as much as there is in the tokens. Here
    tokens and everything in the unit have a scale of about one at first, attention adds a fifth
    to the tokens, and logits are near zero, which learns faster from scratch.
    """

    def __init__(self, inputs: int, keypoints: int, crop: CropSpec) -> None:
        super().__init__()
        cells = (crop.width // STRIDE) * (crop.height // STRIDE)
        columns, rows = crop.bins
        self.final_layer = nn.Conv2d(inputs, keypoints, 7, padding=3)
        to_token = nn.Linear(cells, HIDDEN, bias=False)
        self.mlp = nn.Sequential(ScaleNorm(cells), to_token)
        self.gau = GatedAttention()
        self.cls_x = nn.Linear(HIDDEN, columns, bias=False)
        self.cls_y = nn.Linear(HIDDEN, rows, bias=False)
        for layer in (self.final_layer, to_token, self.gau.uv):
            fan_in = layer.weight[0].numel()
            nn.init.normal_(layer.weight, std=fan_in**-0.5)
        for layer in (self.gau.o, self.cls_x, self.cls_y):
            nn.init.normal_(layer.weight, std=0.01)
        assert self.final_layer.bias is not None
        nn.init.zeros_(self.final_layer.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return SimCC logits (N, K, bins) along x and y for a map (N, inputs, rows, columns)."""
        tokens = self.gau(self.mlp(self.final_layer(x).flatten(2)))
        return self.cls_x(tokens), self.cls_y(tokens)


class RTMPose(PoseNetwork):
    """Normalised crops (N, 3, h, w) to SimCC logits (N, K, 2 w) and (N, K, 2 h).

    Parameters
    ----------
    size
        Depth, width and crop; one of :data:`SIZES`.
    keypoints
        K.
    auxiliary
        Whether to add a 1 x 1 convolution that reads heatmaps from the map at a 16th of the
        crop's size. Such deep supervision (Lee et al., AISTATS 2015) helps to learn from scratch.
        It exists for training only: :meth:`forward` does not compute it, weight files and
        :attr:`deployed_parameters` leave it out.
    """

    def __init__(
        self, size: Size, keypoints: int = len(SPINETRACK), auxiliary: bool = False
    ) -> None:
        super().__init__()
        self.size = size
        self.crop = size.crop
        self.keypoints = keypoints
        self.backbone = CSPNeXt(size.deepen, size.widen)
        middle, last = self.backbone.channels
        self.head = RTMCCHead(last, keypoints, size.crop)
        self.auxiliary: nn.Conv2d | None = None
        if auxiliary:
            self.auxiliary = nn.Conv2d(middle, keypoints, 1)
            nn.init.normal_(self.auxiliary.weight, std=0.01)
            assert self.auxiliary.bias is not None
            nn.init.zeros_(self.auxiliary.bias)

    @property
    def deployed_parameters(self) -> int:
        """Number of parameters that inference needs."""
        parts = (self.backbone, self.head)
        return sum(p.numel() for part in parts for p in part.parameters())

    def outputs(self, crops: Tensor) -> Outputs:
        """Return everything that losses read; `heat` is (N, K, h / 16, w / 16) or None."""
        maps = self.backbone(crops)
        heat = None if self.auxiliary is None else self.auxiliary(maps.middle)
        x, y = self.head(maps.last)
        return Outputs(x, y, heat=heat)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return SimCC logits (N, K, bins) along x and y; what is exported."""
        x, y = self.head(self.backbone(crops).last)
        return x, y


def rtmpose(size: str, keypoints: int = len(SPINETRACK), auxiliary: bool = False) -> RTMPose:
    """Return a network with fresh weights.

    Parameters
    ----------
    size
        A name in :data:`SIZES`.
    keypoints
        K.
    auxiliary
        Whether to add the heatmaps of deep supervision, see :class:`RTMPose`.

    Raises
    ------
    UsageError
        If no size has that name.
    """
    if size not in SIZES:
        raise UsageError(f"no network size {size!r}; choose one of {', '.join(SIZES)}")
    return RTMPose(SIZES[size], keypoints, auxiliary)
