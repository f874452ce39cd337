"""Start from YOLOX-nano: take its weights (ONNX, Apache-2.0, Megvii) into our network.

The published graph lists its convolutions in the order in which they run, with batch
normalisation already folded in; ours run in the same order. Of the 80 classes the row of
*person* is kept, the input goes from BGR to RGB, and the "focus" stem (four slices of the
image, then 3 x 3) becomes the equal 6 x 6 convolution of stride 2.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from spinepose.training.detector.network import PersonDetector

PERSON_CLASS = 0
# focus: top left, bottom left, top right, bottom right, as (row, column) in the 2 x 2 block
_FOCUS = ((0, 0), (1, 0), (0, 1), (1, 1))
_SLOTS = 3


def convolutions_in_order(network: PersonDetector) -> list[nn.Conv2d]:
    """Return the convolutions of the network in the order in which they run."""
    ran: list[nn.Conv2d] = []

    def note(module: nn.Module, *_: object) -> None:
        if isinstance(module, nn.Conv2d):
            ran.append(module)

    hooks = [m.register_forward_hook(note) for m in network.modules()]
    with torch.no_grad():
        network(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    return ran


def stem_kernel(focus: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the focus kernel ``(O, 12, 3, 3)`` for BGR into ``(O, 3, 6, 6)`` for RGB."""
    kernel = np.zeros((focus.shape[0], 3, 6, 6), dtype=np.float32)
    for slot, (row, column) in enumerate(_FOCUS):
        slot_bgr = focus[:, _SLOTS * slot : _SLOTS * (slot + 1)]
        kernel[:, :, row::2, column::2] = slot_bgr[:, ::-1]
    return kernel


def load_yolox_nano(network: PersonDetector, path: Path) -> None:
    """Copy the weights of the published ONNX file into the network, in place.

    Raises
    ------
    ValueError
        If the file's convolutions do not fit the network's one by one.
    """
    graph = onnx.load(str(path)).graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    nodes = [node for node in graph.node if node.op_type == "Conv"]
    ours = convolutions_in_order(network)
    if len(nodes) != len(ours):
        raise ValueError(f"{path} has {len(nodes)} convolutions, the network {len(ours)}")
    for number, (node, conv) in enumerate(zip(nodes, ours, strict=True)):
        weight, bias = values[node.input[1]], values[node.input[2]]
        if number == 0:
            weight = stem_kernel(weight)
        elif weight.shape[0] == 80 and conv.out_channels == 1:
            row = slice(PERSON_CLASS, PERSON_CLASS + 1)
            weight, bias = weight[row], bias[row]
        if tuple(weight.shape) != tuple(conv.weight.shape):
            raise ValueError(
                f"{path}: convolution {number} is {weight.shape}, expected "
                f"{tuple(conv.weight.shape)}"
            )
        conv.weight.data.copy_(torch.from_numpy(weight.copy()))
        if conv.bias is not None:
            conv.bias.data.copy_(torch.from_numpy(bias.copy()))
