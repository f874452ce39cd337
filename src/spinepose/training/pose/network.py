"""Names of the first pose network, for the modules that are not moved yet."""

from __future__ import annotations

from spinepose.training.pose.networks.base import Outputs as Parts
from spinepose.training.pose.networks.base import decode
from spinepose.training.pose.networks.movenet import (
    AT_32,
    HIDDEN,
    Separable,
    Trunk,
    cubic_upsampling,
)
from spinepose.training.pose.networks.movenet import MoveNetPose as PoseNetwork

__all__ = [
    "AT_32", "BINS", "CELLS", "HIDDEN", "INPUT_SIDE", "SPLIT_RATIO", "Parts", "PoseNetwork",
    "Separable", "Trunk", "cubic_upsampling", "decode",
]  # fmt: skip

INPUT_SIDE, SPLIT_RATIO, CELLS, BINS = 256, 2.0, 64, 512
