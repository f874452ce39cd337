"""What every pose network has in common: its crop, its outputs and the way they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "CropSpec", "Outputs", "PoseNetwork", "decode"]

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class CropSpec:
    """The crop of one person that a network reads.

    Parameters
    ----------
    width, height
        Of the input, pixels.
    mean, std
        Subtracted from and divided by, RGB values 0..255.
    split_ratio
        SimCC bins per pixel (Li et al., ECCV 2022).
    """

    width: int = 192
    height: int = 256
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    split_ratio: float = 2.0

    @property
    def bins(self) -> tuple[int, int]:
        """Number of SimCC bins along x and along y."""
        return round(self.width * self.split_ratio), round(self.height * self.split_ratio)

    def normalised(self, crops: Tensor) -> Tensor:
        """Return crops (N, 3, h, w) RGB 0..255 as the network's input, float32."""
        mean, std = (
            torch.tensor(v, device=crops.device).view(1, 3, 1, 1) for v in (self.mean, self.std)
        )
        return (crops.float() - mean) / std


class Outputs(NamedTuple):
    """Answers of a network to a batch of crops, for losses.

    Attributes
    ----------
    simcc_x, simcc_y
        (N, K, bins) logits along x and y.
    coarse
        (N, K, 2) rough places of the keypoints in crop pixels, where a network has them.
    heat
        (N, K, rows, columns) logits of coarse heatmaps, where a network has them; cells divide
        the crop evenly.
    """

    simcc_x: Tensor
    simcc_y: Tensor
    coarse: Tensor | None = None
    heat: Tensor | None = None


class PoseNetwork(nn.Module):
    """Normalised crops (N, 3, h, w) to SimCC logits; the base of all pose networks.

    Attributes
    ----------
    crop
        What goes in.
    keypoints
        K.
    """

    crop: CropSpec
    keypoints: int

    def outputs(self, crops: Tensor) -> Outputs:
        """Return everything that losses read, for normalised crops (N, 3, h, w)."""
        raise NotImplementedError

    def beginning(self) -> list[nn.Parameter]:
        """Return the parameters of :meth:`begin`; networks with the same can share its work."""
        return []

    def begin(self, crops: Tensor) -> Any:
        """Return what the first layers make of normalised crops, for :meth:`finish`."""
        return crops

    def finish(self, begun: Any) -> Outputs:
        """Return the outputs from what :meth:`begin` gave."""
        return self.outputs(begun)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return SimCC logits (N, K, bins) along x and y; what is exported."""
        found = self.outputs(crops)
        return found.simcc_x, found.simcc_y


def decode(simcc_x: Tensor, simcc_y: Tensor, split_ratio: float = 2.0) -> Tensor:
    """Return keypoints (N, K, 2) in crop pixels: the likeliest bin of each axis."""
    return torch.stack([simcc_x.argmax(-1), simcc_y.argmax(-1)], dim=-1) / split_ratio
