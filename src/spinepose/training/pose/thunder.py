"""Start the pose network from MoveNet Thunder's ONNX file (Google, 2021, Apache-2.0)."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from spinepose.skeleton import COCO17
from spinepose.training.pose.network import HIDDEN, PoseNetwork, Separable, Trunk

__all__ = ["Thunder", "load_thunder", "start_from"]

BODY = len(COCO17)


class Thunder(nn.Module):
    """All convolutions of MoveNet Thunder, in the order of its graph."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.regress_hidden = Separable(24, HIDDEN)
        self.regress = nn.Conv2d(HIDDEN, 2 * BODY, 1)
        self.offset_hidden = Separable(24, HIDDEN)
        self.offset = nn.Conv2d(HIDDEN, 2 * BODY, 1)
        self.heat_hidden = Separable(24, HIDDEN)
        self.heat = nn.Conv2d(HIDDEN, BODY, 1)
        self.centre_hidden = Separable(24, HIDDEN)
        self.centre = nn.Conv2d(HIDDEN, 1, 1)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return regression, offset, heat and centre maps of crops in -1..1, before sigmoids."""
        fine, _ = self.trunk.late(self.trunk.early(crops))
        return (
            self.regress(self.regress_hidden(fine)),
            self.offset(self.offset_hidden(fine)),
            self.heat(self.heat_hidden(fine)),
            self.centre(self.centre_hidden(fine)),
        )


def load_thunder(path: Path) -> Thunder:
    """Return Thunder with the weights of its ONNX file.

    The graph's convolutions and the module's are walked side by side; a difference in number or
    shape is an error.
    """
    model = onnx.load(str(path))
    arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    thunder = Thunder()
    layers = [m for m in thunder.modules() if isinstance(m, nn.Conv2d)]
    nodes = [n for n in model.graph.node if n.op_type == "Conv"]
    if len(layers) != len(nodes):
        raise ValueError(f"{path}: {len(nodes)} convolutions, {len(layers)} expected")
    with torch.no_grad():
        for layer, node in zip(layers, nodes, strict=True):
            values = [torch.from_numpy(arrays[name].copy()) for name in node.input[1:]]
            if values[0].shape != layer.weight.shape or (len(values) > 1) != (
                layer.bias is not None
            ):
                raise ValueError(f"{path}: {node.name} does not fit {tuple(layer.weight.shape)}")
            layer.weight.copy_(values[0])
            if layer.bias is not None:
                layer.bias.copy_(values[1])
    return thunder


def _widened(old: Tensor, rows: int, generator: torch.Generator) -> Tensor:
    """Return `old` (R, ...) with new rows drawn from a normal with its mean and spread."""
    shape = (rows - len(old), *old.shape[1:])
    new = old.mean() + old.std() * torch.randn(shape, generator=generator)
    return torch.cat([old, new])


def start_from(thunder: Thunder, seed: int = 0) -> PoseNetwork:
    """Return a pose network that starts where Thunder stands.

    Rows of new keypoints are drawn as in SpinePose (Khan et al., 2025, section 4); the
    regression of a new keypoint starts at the mean of the shoulders and hips.
    """
    network = PoseNetwork()
    generator = torch.Generator().manual_seed(seed)
    total = network.keypoints
    network.trunk.load_state_dict(thunder.trunk.state_dict())
    for name in ("regress_hidden", "heat_hidden", "centre_hidden", "centre"):
        getattr(network, name).load_state_dict(getattr(thunder, name).state_dict())
    with torch.no_grad():
        assert thunder.heat.bias is not None
        assert thunder.regress.bias is not None
        assert network.heat.bias is not None
        network.heat.weight.copy_(_widened(thunder.heat.weight, total, generator))
        network.heat.bias.copy_(_widened(thunder.heat.bias, total, generator))
        # Thunder's field holds (y, x) per joint.
        trunk_rows = torch.from_numpy(
            COCO17.indices(["left_shoulder", "right_shoulder", "left_hip", "right_hip"])
        )
        for values, target in (
            (thunder.regress.weight[:, :, 0, 0], network.regress.weight),
            (thunder.regress.bias, network.regress.bias),
        ):
            joints = values.view(BODY, 2, -1).flip(1)
            middle = joints[trunk_rows].mean(dim=0, keepdim=True)
            full = torch.cat([joints, middle.expand(total - BODY, -1, -1)])
            target.copy_(full.reshape(target.shape))
    return network
