"""Write the pose network as ONNX with its card.

Weights are stored as 16-bit floats and cast to 32 bits inside the graph: half the file, the same
arithmetic, and runtimes fold the casts when they load it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.calibrate import Logistic
from spinepose.training.pose.network import INPUT_SIDE, SPLIT_RATIO, PoseNetwork

__all__ = ["CardText", "export_onnx", "gflops_of", "move_padding", "write_card"]

OPSET = 17
SMALLEST = 16384  # values; biases and depthwise filters stay in 32 bits


@dataclass(frozen=True)
class CardText:
    """What a card says besides what follows from the network."""

    model_id: str
    version: str
    summary: str
    training: dict[str, Any]
    metrics: list[dict[str, Any]]
    limits: list[str]


def _folded(network: PoseNetwork) -> PoseNetwork:
    """Return a copy for inference, its one batch norm folded into the convolution before."""
    network = copy.deepcopy(network).eval()
    conv, norm, *rest = network.context
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    network.context = nn.Sequential(fuse_conv_bn_eval(conv, norm), *rest)
    return network


def export_onnx(network: PoseNetwork, path: Path) -> None:
    """Write the network to an ONNX file: opset 17, dynamic batch, weights in half precision."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _folded(network),
            (torch.zeros(1, 3, INPUT_SIDE, INPUT_SIDE),),
            str(path),
            input_names=["input"],
            output_names=["simcc_x", "simcc_y"],
            dynamic_axes={n: {0: "batch"} for n in ("input", "simcc_x", "simcc_y")},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(path))
    move_padding(model)
    _store_as_half(model)
    model.producer_name = "spinepose"
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def move_padding(model: onnx.ModelProto) -> None:
    """Let strided convolutions pad by themselves (right and bottom), without a node in front.

    ONNX Runtime does not fuse the lopsided padding of TensorFlow's ``SAME``, and a separate node
    forces its blocked layout back and forth: a fifth of the time on a CPU.
    """
    pads = {node.output[0]: node for node in model.graph.node if node.op_type == "Pad"}
    for node in model.graph.node:
        if node.op_type != "Conv" or node.input[0] not in pads:
            continue
        pad = pads[node.input[0]]
        attribute = next(a for a in node.attribute if a.name == "pads")
        attribute.ints[:] = [0, 0, 1, 1]
        node.input[0] = pad.input[0]
        model.graph.node.remove(pad)
    _drop_unused(model)


def _drop_unused(model: onnx.ModelProto) -> None:
    """Remove nodes whose output nobody reads."""
    while True:
        read = {name for node in model.graph.node for name in node.input}
        read |= {output.name for output in model.graph.output}
        unused = [n for n in model.graph.node if not read.intersection(n.output)]
        if not unused:
            return
        for node in unused:
            model.graph.node.remove(node)


def _store_as_half(model: onnx.ModelProto) -> None:
    """Keep large weights as float16 with a Cast to float32 in front of their users."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALLEST:
            continue
        limit = float(np.finfo(np.float16).max)
        half = np.clip(values, -limit, limit).astype(np.float16)
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for node in reversed(casts):
        model.graph.node.insert(0, node)


def gflops_of(network: PoseNetwork) -> float:
    """Return multiply-adds in units of 1e9 of convolutions and linear layers for one crop."""
    total = 0

    def count(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += output[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            total += output[0].numel() * layer.in_features

    network = copy.deepcopy(network).eval()
    hooks = [m.register_forward_hook(count) for m in network.modules()]
    with torch.no_grad():
        network(torch.zeros(1, 3, INPUT_SIDE, INPUT_SIDE))
    for hook in hooks:
        hook.remove()
    return total / 1e9


def write_card(path: Path, network: PoseNetwork, score: Logistic, text: CardText) -> Path:
    """Write the card of the ONNX file at `path` beside it and return where it is."""
    card = {
        "schema": 1,
        "id": text.model_id,
        "version": text.version,
        "task": "pose",
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "skeleton": SPINETRACK.name,
        "input": {
            "width": INPUT_SIDE,
            "height": INPUT_SIDE,
            "color": "rgb",
            "mean": [127.5] * 3,
            "std": [127.5] * 3,
            "padding": 1.25,
        },
        "output": {"kind": "simcc", "split_ratio": SPLIT_RATIO},
        "score": {"kind": "logistic", **asdict(score), "description": score.describe()},
        "license": "Apache-2.0",
        "summary": text.summary,
        "parameters": sum(p.numel() for p in network.parameters()),
        "gflops": round(gflops_of(network), 3),
        "training": text.training,
        "metrics": text.metrics,
        "limits": text.limits,
    }
    target = path.with_suffix(".json")
    target.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    return target
