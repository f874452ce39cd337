"""Take a network of MoveNet's shape back out of its ONNX file, to learn on from what ships.

Export renames what is not a convolution, turns matrices round and folds norms. The constants come
in the order of the computation, though, so each has its place; that the network then answers as
the file does is checked, and anything else refused.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from spinepose.errors import ModelError
from spinepose.training.pose.export import parity
from spinepose.training.pose.networks.movenet import MoveNetPose

__all__ = ["load_shipped"]

_HALF = ".half"
_PIXELS = 0.5
"""Crop pixels that file and network may differ by: files may keep their weights as halves."""
_ANONYMOUS = (
    ("prior_strength", 2.0),  # the graph multiplies by half of it
    ("sharpness", 1.0),
    ("token.1.weight", None),
    ("token_marginals.weight", None),
    ("attention.split.weight", None),
    ("attention.gain.0", 1.0),
    ("attention.shift.0", 1.0),
    ("attention.gain.1", 1.0),
    ("attention.shift.1", 1.0),
    ("attention.out.weight", None),
    ("upsample.weight", None),
    ("head_x.weight", None),
    ("head_y.weight", None),
)
"""Weights in the order in which the graph reads them, and a factor; None = turned round."""

Float32 = npt.NDArray[np.float32]


def load_shipped(path: Path) -> MoveNetPose:
    """Return the network that an ONNX file of ours was exported from.

    Batch norms stay folded: they begin as the identity.

    Parameters
    ----------
    path
        A file of :func:`~spinepose.training.pose.export.export_onnx` of a
        :class:`~spinepose.training.pose.networks.movenet.MoveNetPose`.

    Raises
    ------
    ModelError
        It is missing, broken, or of another network.
    """
    try:
        graph = onnx.load(str(path)).graph
        found = {t.name.removesuffix(_HALF): _array(t) for t in graph.initializer}
        keypoints = len(found["heat.weight"])
        side = len(found["head_x.bias"]) // 2
        network = MoveNetPose(keypoints, len(found["token_person"][0]), side)
    except (
        OSError,
        KeyError,
        ValueError,
        IndexError,
        onnx.shape_inference.InferenceError,
    ) as error:
        raise _refused(path, str(error)) from error
    except Exception as error:  # a broken protocol buffer has an error of its own
        raise _refused(path, "not an ONNX file") from error
    try:
        with torch.no_grad():
            _fill(network, found, _unnamed(found, "Mul", "Add", "MatMul"))
    except (KeyError, ValueError, RuntimeError) as error:
        raise _refused(path, str(error)) from error
    crops = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    if (off := parity(network, path, crops).pixels) > _PIXELS:
        raise _refused(path, f"the network answers {off:.1f} pixels apart from the file")
    return network


def _refused(path: Path, reason: str) -> ModelError:
    text = " ".join(reason.split())
    return ModelError(f"{path}: holds no network of the movenet family to start from ({text})")


def _array(tensor: onnx.TensorProto) -> Float32:
    return np.asarray(numpy_helper.to_array(tensor), np.float32)


def _unnamed(found: dict[str, Float32], *kinds: str) -> list[Float32]:
    """Return the constants that export named after kinds of nodes, in their order."""
    pattern = re.compile(rf"onnx::(?:{'|'.join(kinds)})_(\d+)")
    matches = (pattern.fullmatch(name) for name in found)
    numbers = {int(match[1]): match[0] for match in matches if match}
    return [found[numbers[number]] for number in sorted(numbers)]


def _context(found: dict[str, Float32]) -> dict[str, Float32]:
    """Return the weights of the context, whose norm is folded into the convolution before it."""
    second = "context.3" if "context.3.weight" in found else "context.2"
    weight, bias = _unnamed(found, "Conv") or (
        found["context.0.weight"], found["context.0.bias"],
    )  # fmt: skip
    return {
        "context.0.weight": weight,
        "context.1.bias": bias,
        "context.3.weight": found[f"{second}.weight"],
        "context.3.bias": found[f"{second}.bias"],
    }


def _fill(network: MoveNetPose, found: dict[str, Float32], unnamed: list[Float32]) -> None:
    """Write the file's constants into a network, in place."""
    if len(unnamed) != len(_ANONYMOUS):
        raise ValueError(f"{len(unnamed)} constants, {len(_ANONYMOUS)} expected")
    state = network.state_dict()
    named = {n: found[n] for n in state if n in found and not n.startswith("context.")}
    named |= _context(found)
    for (name, factor), values in zip(_ANONYMOUS, unnamed, strict=True):
        named[name] = values.T if factor is None else values.reshape(-1) * np.float32(factor)
    for part in ("gain", "shift"):
        rows = [named.pop(f"attention.{part}.{i}") for i in (0, 1)]
        named[f"attention.{part}"] = np.stack(rows)
    norm = network.context[1]
    assert isinstance(norm, torch.nn.BatchNorm2d)
    # With this mean and variance the norm does nothing: x / sqrt(var + eps).
    named["context.1.running_var"] = np.full(norm.num_features, 1 - norm.eps, np.float32)
    missing = [n for n in state if n not in named and not n.startswith("context.1.")]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    for name, values in named.items():
        target: Tensor = state[name]
        if target.numel() != values.size:
            raise ValueError(f"{name} has another shape")
        target.copy_(torch.from_numpy(np.array(values)).view(target.shape))
