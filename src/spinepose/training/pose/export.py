"""Write a pose network as ONNX and compare the file with the network.

The graph is what inference needs and no more: what only losses read is left out, batch norms and
paddings are part of the convolutions, constants are computed. Weights may be stored as 16-bit
floats and cast to 32 bits inside the graph: half the file, the same arithmetic, and runtimes fold
the casts when they load it.
"""

from __future__ import annotations

import copy
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from spinepose.files import atomic_write
from spinepose.training.pose.networks.base import PoseNetwork

__all__ = [
    "OPSET",
    "Parity",
    "expected_points",
    "export_onnx",
    "move_padding",
    "parity",
    "store_as_half",
    "tidied",
]

OPSET = 17
"""Old enough for runtimes of 2022 on, and the first with everything that the networks use."""

SMALLEST = 16384  # values; biases and depthwise filters stay in 32 bits

Values = npt.NDArray[np.float64]


class Parity(NamedTuple):
    """How far a file's answers are from its network's.

    Attributes
    ----------
    pixels
        Largest difference of a coordinate of the expected keypoints, crop pixels.
    same_bins
        Share of the axes of keypoints whose likeliest bin is the same, 0..1.
    """

    pixels: float
    same_bins: float


def export_onnx(network: PoseNetwork, path: Path, *, half: bool = True) -> None:
    """Write a network to an ONNX file of opset 17 with any number of crops.

    Parameters
    ----------
    network
        Any; it stays as it is. The graph's input is ``input`` (N, 3, h, w), normalised as its
        `crop` says; outputs are the logits ``simcc_x`` and ``simcc_y`` (N, K, bins).
    path
        Of the file.
    half
        Store large weights as 16-bit floats.

    Raises
    ------
    ValueError
        A batch norm does not follow a convolution and cannot be folded.
    OutputError
        The file cannot be written.
    """
    model = tidied(_traced(network))
    if any(node.op_type == "BatchNormalization" for node in model.graph.node):
        raise ValueError("a batch norm without a convolution before it cannot be folded")
    move_padding(model)
    if half:
        store_as_half(model)
    model.producer_name = "spinepose"
    onnx.checker.check_model(model)
    with atomic_write(path) as temporary:
        onnx.save(model, str(temporary))


def _traced(network: PoseNetwork) -> onnx.ModelProto:
    """Return the graph of a network's `forward` as PyTorch writes it."""
    crop = network.crop
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        target = Path(folder) / "traced.onnx"
        # The exporter by tracing is called old, but the newer one knows no opset below 18.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            copy.deepcopy(network).cpu().float().eval(),
            (torch.zeros(1, 3, crop.height, crop.width),),
            str(target),
            input_names=["input"],
            output_names=["simcc_x", "simcc_y"],
            dynamic_axes={name: {0: "batch"} for name in ("input", "simcc_x", "simcc_y")},
            opset_version=OPSET,
            dynamo=False,
        )
        return onnx.load(str(target))


def tidied(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model with constants computed and batch norms folded, in standard operators.

    ONNX Runtime does it: the first of its levels of optimisation is meant for every runtime.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.onnx"
        options.optimized_model_filepath = str(target)
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        found = onnx.load(str(target))
    # The runtime names every operator set that it knows.
    used = {node.domain for node in found.graph.node}
    kept = [opset for opset in found.opset_import if opset.domain in used]
    del found.opset_import[:]
    found.opset_import.extend(kept)
    for number, node in enumerate(found.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    return found


def move_padding(model: onnx.ModelProto) -> None:
    """Let convolutions pad by themselves, without a node in front, in a :func:`tidied` model.

    ONNX Runtime does not fuse the lopsided padding of TensorFlow's ``SAME`` (right and bottom),
    and a separate node forces its blocked layout back and forth: a fifth of the time on a CPU.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    pads = {n.output[0]: n for n in model.graph.node if n.op_type == "Pad" and _zeros(n, constants)}
    for node in model.graph.node:
        if node.op_type != "Conv" or node.input[0] not in pads:
            continue
        pad = pads[node.input[0]]
        amounts = numpy_helper.to_array(constants[pad.input[1]])
        begin, end = amounts[: len(amounts) // 2], amounts[len(amounts) // 2 :]
        if begin[:2].any() or end[:2].any():  # of crops or channels
            continue
        attribute = next(a for a in node.attribute if a.name == "pads")
        more = np.concatenate([begin[2:], end[2:]])
        attribute.ints[:] = [int(a) for a in np.array(attribute.ints) + more]
        node.input[0] = pad.input[0]
    _drop_unused(model)


def _zeros(pad: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    """Tell whether a padding is known and made of zeros."""
    mode = next((helper.get_attribute_value(a) for a in pad.attribute if a.name == "mode"), b"")
    value = pad.input[2] if len(pad.input) > 2 else ""
    zero = not value or (value in constants and not numpy_helper.to_array(constants[value]).any())
    return mode in (b"", b"constant") and pad.input[1] in constants and zero


def _drop_unused(model: onnx.ModelProto) -> None:
    """Remove nodes and weights that nobody reads."""
    graph = model.graph
    while True:
        read = {name for node in graph.node for name in node.input}
        read |= {output.name for output in graph.output}
        unused = [n for n in graph.node if not read.intersection(n.output)]
        for node in unused:
            graph.node.remove(node)
        if not unused:
            break
    for tensor in [t for t in graph.initializer if t.name not in read]:
        graph.initializer.remove(tensor)


def store_as_half(model: onnx.ModelProto) -> None:
    """Keep large weights as float16 with a Cast to float32 in front of their users, in place."""
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


def expected_points(simcc_x: Tensor, simcc_y: Tensor, split_ratio: float) -> Values:
    """Return the mean (N, K, 2) of each keypoint's distributions, crop pixels.

    Unlike the likeliest bin it changes smoothly with the logits (N, K, bins).
    """
    means = []
    for logits in (simcc_x, simcc_y):
        places = torch.arange(logits.shape[-1], dtype=torch.float64) / split_ratio
        means.append(torch.softmax(logits.double(), dim=-1) @ places)
    return torch.stack(means, dim=-1).numpy()


@torch.no_grad()
def parity(network: PoseNetwork, path: Path, crops: Tensor) -> Parity:
    """Compare the answers of a network and of its file to normalised crops (N, 3, h, w)."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x, y = session.run(["simcc_x", "simcc_y"], {"input": crops.numpy()})
    found = torch.from_numpy(x), torch.from_numpy(y)
    # In double precision, so that the difference is the file's own rounding.
    wanted = copy.deepcopy(network).cpu().double().eval()(crops.double())
    ratio = network.crop.split_ratio
    off = np.abs(
        expected_points(found[0], found[1], ratio) - expected_points(wanted[0], wanted[1], ratio)
    ).max()
    same = torch.cat(
        [(a.argmax(-1) == b.argmax(-1)).flatten() for a, b in zip(found, wanted, strict=True)]
    )
    return Parity(float(off), float(same.double().mean()))
