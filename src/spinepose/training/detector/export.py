"""Write the network as ONNX with its card.

The graph takes RGB 0..255 of any batch and any size that is a multiple of 32, and gives
boxes in input pixels and scores; suppression of doubles is left to the caller. Weights are
stored as 16-bit floats and cast to 32 bits inside the graph, which runtimes fold on loading.
"""

from __future__ import annotations

import copy
import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from spinepose.training.detector.boxes import PAD_VALUE
from spinepose.training.detector.network import PersonDetector
from spinepose.training.detector.teachers import open_session

OPSET = 17
MODEL_ID = "spinepose-person"
VERSION = "0.1.0"
INPUT_SIDE = 416
NMS_IOU = 0.55
STEM = "backbone.stem.weight"


def export_onnx(network: PersonDetector, path: Path) -> None:
    """Write the network to an ONNX file (opset 17, dynamic batch, height and width)."""
    network = halved(network)
    axes = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 96, 64),),
            str(path),
            input_names=["input"],
            output_names=["boxes", "scores"],
            dynamic_axes={
                "input": axes,
                "boxes": {0: "batch", 1: "cells"},
                "scores": {0: "batch", 1: "cells"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(path))
    store_as_half(model)
    model.producer_name = MODEL_ID
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def store_as_half(model: onnx.ModelProto) -> None:
    """Store the kernels of convolutions as float16 followed by a cast, in place.

    The stem stays in 32 bits: its input is 0..255, so its weights are too small for 16.
    """
    casts = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or array.ndim != 4 or tensor.name == STEM:
            continue
        name = tensor.name
        half = numpy_helper.from_array(array.astype(np.float16), f"{name}.half")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for number, node in enumerate(casts):
        model.graph.node.insert(number, node)


def halved(network: PersonDetector) -> PersonDetector:
    """Copy the network with its kernels rounded to 16 bits, as the file holds them."""
    copied = copy.deepcopy(network).eval()
    for name, weight in copied.named_parameters():
        if weight.ndim == 4:
            kernel = weight.data.contiguous()
            weight.data = kernel if name == STEM else kernel.half().float()
    return copied


def parity(network: PersonDetector, path: Path, height: int = 288, width: int = 416) -> float:
    """Largest difference between file and `halved` network in a batch of two random pictures.

    Returns
    -------
    float
        The larger of: difference of the scores, difference of the boxes as a share of the
        width.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 3, height, width)).astype(np.float32)
    boxes, scores = open_session(path).run(["boxes", "scores"], {"input": images})
    with torch.no_grad():
        expected_boxes, expected_scores = halved(network)(torch.from_numpy(images))
    off = np.abs(boxes - expected_boxes.numpy()).max() / width
    return max(float(off), float(np.abs(scores - expected_scores.numpy()).max()))


def count(network: PersonDetector, side: int = INPUT_SIDE) -> tuple[int, float]:
    """Parameters, and GFLOP (2 x multiply-adds of the convolutions) at ``side`` x ``side``."""
    costs: list[int] = []

    def note(module: nn.Module, _: object, out: torch.Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            costs.append(2 * module.weight[0].numel() * out.numel())

    hooks = [m.register_forward_hook(note) for m in network.modules()]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    return sum(p.numel() for p in network.parameters()), round(sum(costs) / 1e9, 3)


def write_card(
    network: PersonDetector,
    path: Path,
    threshold: float,
    training: dict[str, Any],
    metrics: list[dict[str, Any]],
    limits: list[str],
) -> Path:
    """Write the card beside the ONNX file; returns its path."""
    parameters, gflops = count(network)
    card = {
        "schema": 1,
        "id": MODEL_ID,
        "version": VERSION,
        "task": "detection",
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": {
            "width": INPUT_SIDE,
            "height": INPUT_SIDE,
            "color": "rgb",
            "mean": [0, 0, 0],
            "std": [1, 1, 1],
            "letterbox": "top-left",
            "pad_value": PAD_VALUE,
            "multiple": 32,
            "dynamic": True,
        },
        "output": {"kind": "boxes", "score_threshold": threshold, "nms_iou": NMS_IOU},
        "license": "Apache-2.0",
        "summary": "Finds people in any posture, upside down too; 0.9 M weights, one class.",
        "parameters": parameters,
        "gflops": gflops,
        "training": training,
        "metrics": metrics,
        "limits": limits,
    }
    target = path.with_suffix(".json")
    target.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    return target
