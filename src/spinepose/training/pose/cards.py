"""Write the card of a pose model: what it is, where it comes from, how good it is.

The card is the JSON file beside the ONNX file. Programs read the first part
(:class:`spinepose.models.ModelCard`), people the rest:

- ``schema``, ``id``, ``version``, ``task``, ``file``, ``sha256``: which model in which file;
- ``skeleton``: the names of its keypoints, in order;
- ``input``: size in pixels, colour order, `mean` and `std` of values 0..255, and `padding`, the
  factor on a person's box;
- ``output``: SimCC with `split_ratio` bins per pixel;
- ``score``: the map from peaks to chances, or null;
- ``license``, ``summary``;
- ``parameters``, ``gflops``: the size of what inference computes;
- ``precision``, ``opset``: how the file stores its weights, and of which ONNX it is;
- ``parity``: how far the file's answers are from the trained network's, or null;
- ``training``, ``metrics``, ``limits``: see :class:`Training`, :class:`Metric`, :class:`CardText`.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto
from torch import Tensor, nn

from spinepose.errors import ModelError
from spinepose.files import atomic_write
from spinepose.models.card import SCHEMA, ModelCard
from spinepose.skeleton import SKELETONS, SPINETRACK
from spinepose.training.pose.calibrate import Logistic
from spinepose.training.pose.export import Parity
from spinepose.training.pose.networks.base import PoseNetwork

__all__ = ["CardText", "Cost", "Metric", "Source", "Training", "cost_of", "write_card"]

PADDING = 1.25  # as `geometry.crop_transforms` pads boxes


@dataclass(frozen=True)
class Source:
    """One set of people that a network learned from."""

    name: str
    licence: str
    """Of pictures and labels."""
    people: int
    """How many of them were used."""


@dataclass(frozen=True)
class Training:
    """How a network was made."""

    teachers: Sequence[str]
    """Networks whose answers it learned from, with maker and licence."""
    start: str
    """Where its first weights came from."""
    data: Sequence[Source]
    """What it was trained on."""
    recipe: str
    """Stages, losses and optimiser in a few sentences."""
    command: str
    """What was typed to train it."""


@dataclass(frozen=True)
class Metric:
    """One measured number."""

    name: str
    value: float
    data: str
    """On which people, and how many."""
    command: str
    """What to type to measure it again."""


@dataclass(frozen=True)
class CardText:
    """What a card says besides what follows from the network and its file."""

    model_id: str
    """``spinepose-`` and a name; sizes are found by theirs."""
    version: str
    """Of the weights, as in semantic versioning."""
    summary: str
    """One or two sentences for lists of models."""
    training: Training
    metrics: Sequence[Metric]
    limits: Sequence[str]
    """What it cannot do, where it was not measured."""
    licence: str = "Apache-2.0"
    """Of the weights: an SPDX expression."""
    parity: Parity | None = None
    """Of the file, from :func:`~spinepose.training.pose.export.parity`."""


@dataclass(frozen=True)
class Cost:
    """The size of a network."""

    parameters: int
    """That inference uses: batch norms count, heads for training only do not."""
    gflops: float
    """Multiply-adds of convolutions and linear layers for one crop, in units of 1e9; papers on
    pose networks call that GFLOPs."""


@torch.no_grad()
def cost_of(network: PoseNetwork) -> Cost:
    """Count on a run of one crop."""
    network = copy.deepcopy(network).cpu().eval()
    used: dict[int, int] = {}
    work = 0

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal work
        used.update({id(p): p.numel() for p in layer.parameters(recurse=False)})
        if isinstance(layer, nn.Conv2d):
            work += output[0].numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            work += output.numel() * layer.in_features

    for module in network.modules():
        module.register_forward_hook(count)
    network(torch.zeros(1, 3, network.crop.height, network.crop.width))
    return Cost(sum(used.values()), work / 1e9)


def precision_of(model: onnx.ModelProto) -> str:
    """Name the numbers that a file computes with and stores."""
    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        return "int8 convolutions, float32 head"
    halves = any(t.data_type == TensorProto.FLOAT16 for t in model.graph.initializer)
    return "float32, weights stored as float16" if halves else "float32"


def write_card(path: Path, network: PoseNetwork, score: Logistic | None, text: CardText) -> Path:
    """Write the card of an ONNX file beside it.

    Parameters
    ----------
    path
        The ONNX file.
    network
        What it was exported from.
    score
        The map from peaks to chances.
    text
        The rest.

    Returns
    -------
    card : pathlib.Path
        `path` with the suffix ``.json``.

    Raises
    ------
    ModelError
        No skeleton has the network's keypoints, or the card could not be read again.
    OutputError
        The card cannot be written.
    """
    card = _content(path, network, score, text)
    target = path.with_suffix(".json")
    ModelCard.from_dict(card, str(target))
    with atomic_write(target) as temporary:
        content = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(content + "\n", encoding="utf-8")
    return target


def _content(
    path: Path, network: PoseNetwork, score: Logistic | None, text: CardText
) -> dict[str, Any]:
    crop, cost = network.crop, cost_of(network)
    model = onnx.load(str(path))
    return {
        "schema": SCHEMA,
        "id": text.model_id,
        "version": text.version,
        "task": "pose",
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "skeleton": _skeleton_of(network),
        "input": {
            "width": crop.width,
            "height": crop.height,
            "color": "rgb",
            "mean": list(crop.mean),
            "std": list(crop.std),
            "padding": PADDING,
        },
        "output": {"kind": "simcc", "split_ratio": crop.split_ratio},
        "score": score and {"kind": "logistic", **asdict(score), "description": score.describe()},
        "license": text.licence,
        "summary": text.summary,
        "parameters": cost.parameters,
        "gflops": round(cost.gflops, 3),
        "precision": precision_of(model),
        "opset": next(s.version for s in model.opset_import if s.domain == ""),
        "parity": text.parity and text.parity._asdict(),
        "training": asdict(text.training),
        "metrics": [asdict(metric) for metric in text.metrics],
        "limits": list(text.limits),
    }


def _skeleton_of(network: PoseNetwork) -> str:
    """Name the skeleton of as many keypoints."""
    for skeleton in (SPINETRACK, *SKELETONS.values()):
        if len(skeleton) == network.keypoints:
            return skeleton.name
    raise ModelError(f"no skeleton has {network.keypoints} keypoints")
