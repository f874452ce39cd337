"""Start the pose network from MoveNet Thunder's ONNX file (Google, 2021, Apache-2.0)."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from spinepose.errors import ModelError
from spinepose.skeleton import COCO17
from spinepose.training.pose.networks.movenet import HIDDEN, MoveNetPose, Separable, Trunk

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

    Raises
    ------
    ModelError
        The file cannot be read, or holds another network.
    """
    nodes = _convolutions(path)
    thunder = Thunder()
    layers = [m for m in thunder.modules() if isinstance(m, nn.Conv2d)]
    if len(layers) != len(nodes):
        raise ModelError(
            f"{path} is not MoveNet Thunder: it has {len(nodes)} convolutions with constant "
            f"weights, not {len(layers)}; give the float32 ONNX file"
        )
    with torch.no_grad():
        for layer, (name, values) in zip(layers, nodes, strict=True):
            wanted = [p for p in (layer.weight, layer.bias) if p is not None]
            if [v.shape for v in values] != [p.shape for p in wanted]:
                raise ModelError(
                    f"{path} is not MoveNet Thunder: {name} does not fit a convolution of "
                    f"{'x'.join(map(str, layer.weight.shape))}; give the float32 ONNX file"
                )
            for parameter, value in zip(wanted, values, strict=True):
                parameter.copy_(value)
    return thunder


def _convolutions(path: Path) -> list[tuple[str, list[Tensor]]]:
    """Return name, weights and bias of a graph's convolutions, where those are constants."""
    try:
        graph = onnx.load(str(path)).graph
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise ModelError(f"cannot read {path}: {reason}; check the path") from error
    except Exception as error:  # protobuf has its own, which differ between versions
        raise ModelError(f"{path} is broken or no ONNX file; fetch it again") from error
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    return [
        (node.name, [torch.tensor(numpy_helper.to_array(arrays[n])) for n in node.input[1:]])
        for node in graph.node
        if node.op_type == "Conv" and all(n in arrays for n in node.input[1:])
    ]


def _widened(old: Tensor, rows: int, generator: torch.Generator) -> Tensor:
    """Return `old` (R, ...) with new rows drawn from a normal with its mean and spread."""
    shape = (rows - len(old), *old.shape[1:])
    new = old.mean() + old.std() * torch.randn(shape, generator=generator)
    return torch.cat([old, new])


def start_from(thunder: Thunder, keypoints: int, generator: torch.Generator) -> MoveNetPose:
    """Return a pose network that starts where Thunder stands.

    Rows of new keypoints are drawn as in SpinePose (Khan et al., 2025, section 4); the
    regression of a new keypoint starts at the mean of the shoulders and hips.

    Parameters
    ----------
    thunder
        With its weights.
    keypoints
        K, at least Thunder's 17.
    generator
        Of the new rows.
    """
    network = MoveNetPose(keypoints)
    network.trunk.load_state_dict(thunder.trunk.state_dict())
    for name in ("regress_hidden", "heat_hidden", "centre_hidden", "centre"):
        getattr(network, name).load_state_dict(getattr(thunder, name).state_dict())
    with torch.no_grad():
        assert thunder.heat.bias is not None
        assert thunder.regress.bias is not None
        assert network.heat.bias is not None
        network.heat.weight.copy_(_widened(thunder.heat.weight, keypoints, generator))
        network.heat.bias.copy_(_widened(thunder.heat.bias, keypoints, generator))
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
            full = torch.cat([joints, middle.expand(keypoints - BODY, -1, -1)])
            target.copy_(full.reshape(target.shape))
    return network
