"""Turn an exported pose network into one that computes its convolutions with 8-bit integers.

The file is a third of the size and twice as fast on CPUs with 8-bit instructions. The head behind
the last convolutions (coordinates, attention, SimCC) always stays float: it is a small share of
the time and tells hundreds of bins apart, more than 8 bits can. The first convolutions see the
picture and the last ones draw the heatmaps: they are better left float too, see :data:`PARTS`.
Between the nodes stand pairs of QuantizeLinear and DequantizeLinear, which every runtime
understands and fast ones fuse (Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", CVPR 2018, arXiv 1712.05877).
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from spinepose.errors import UsageError
from spinepose.files import atomic_write
from spinepose.training.pose.export import store_as_half

__all__ = ["METHODS", "PARTS", "Method", "quantize"]

Float32 = npt.NDArray[np.float32]
Method = Literal["average", "minmax", "percentile", "entropy"]

METHODS: dict[str, tuple[CalibrationMethod, dict[str, Any]]] = {
    "average": (CalibrationMethod.MinMax, {"CalibMovingAverage": True}),
    "minmax": (CalibrationMethod.MinMax, {}),
    "percentile": (CalibrationMethod.Percentile, {"CalibPercentile": 99.99}),
    "entropy": (CalibrationMethod.Entropy, {}),
}
"""How the range of a tensor is found: the mean of each crop's limits, the limits over all crops,
99.99 % of the values, or what loses least information. The last two keep every tensor of every
crop in memory: about 0.1 GB a crop for the small network."""

PARTS: dict[str, tuple[str, ...]] = {
    "MoveNetPose": ("/blocks*", "/last/*", "/Clip*"),
    "RTMPose": ("/backbone/stage*",),
}
"""What to quantise, by class of network: the backbone without its stem. For MoveNetPose stem and
pyramid in 8 bits cost a point of the body's OKS share and gain nothing in time; for RTMPose it is
the same by analogy, not measured yet."""


class _Crops(CalibrationDataReader):  # type: ignore[misc]
    """Hand out crops (3, h, w) one at a time."""

    def __init__(self, crops: Iterable[Float32]) -> None:
        self._crops: Iterator[Float32] = iter(crops)

    def get_next(self) -> dict[str, Float32] | None:
        """Return the next input, None after the last."""
        crop = next(self._crops, None)
        return None if crop is None else {"input": np.asarray(crop, dtype=np.float32)[None]}


def quantize(
    path: Path,
    crops: Iterable[Float32],
    out: Path,
    *,
    method: Method = "average",
    parts: Sequence[str] = ("*",),
    small_weights: bool = True,
) -> None:
    """Write the 8-bit version of an exported network.

    Weights are signed with one scale per output channel, activations unsigned: x86 has fast
    instructions for exactly that pair (with signed activations ONNX Runtime was as slow as with
    floats), and ARM runs it too.

    Parameters
    ----------
    path
        A file of :func:`~spinepose.training.pose.export.export_onnx` with ``half=False``.
    crops
        Normalised crops (3, h, w), one after another, such as the network will see: 64 suffice.
    out
        The file to write.
    method
        How ranges are found, one of :data:`METHODS`.
    parts
        Patterns, as of file names, for the nodes to quantise, for instance one of :data:`PARTS`;
        all others stay float.
    small_weights
        Use 7 bits of each weight. x86 CPUs without VNNI (Intel's before 2019 to 2021, AMD's before
        2022) add pairs of products in 16 bits, which can overflow otherwise: the same file would
        answer worse there. It costs a little accuracy elsewhere.

    Raises
    ------
    UsageError
        The file stores weights as halves, has no convolution, or a pattern fits no node.
    OutputError
        The file cannot be written.
    """
    model = onnx.load(str(path))
    _check(model, path, parts)
    body, head = _parted(model)
    _share_no_bias(body)
    calibration, options = METHODS[method]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "body.onnx", Path(folder) / "quantized.onnx"
        onnx.save(onnx.shape_inference.infer_shapes(body), str(source))
        with _quiet():
            quantize_static(
                str(source),
                str(target),
                _Crops(crops),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=small_weights,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=[
                    n.name for n in body.graph.node if not any(fnmatch(n.name, p) for p in parts)
                ],
                calibrate_method=calibration,
                extra_options=options,
            )
        joined = _joined(onnx.load(str(target)), head, model)
    store_as_half(joined)
    joined.producer_name = "spinepose"
    onnx.checker.check_model(joined)
    with atomic_write(out) as temporary:
        onnx.save(joined, str(temporary))


def _check(model: onnx.ModelProto, path: Path, parts: Sequence[str]) -> None:
    graph = model.graph
    if any(tensor.data_type == TensorProto.FLOAT16 for tensor in graph.initializer):
        raise UsageError(f"{path}: weights are stored as halves; export with half=False")
    if not any(node.op_type == "Conv" for node in graph.node):
        raise UsageError(f"{path}: there is no convolution to quantise")
    for pattern in parts:
        if not any(fnmatch(node.name, pattern) for node in graph.node):
            raise UsageError(f"{path}: no node is named like {pattern!r}")


def _parted(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[onnx.NodeProto]]:
    """Return the model up to its last convolutions, and the nodes behind them.

    Calibration reads every tensor that it can, and the head has infinite ones (logarithms of
    zero): it must not be there.
    """
    needed: set[str] = set()
    body: list[onnx.NodeProto] = []
    head: list[onnx.NodeProto] = []
    for node in reversed(model.graph.node):
        if node.op_type == "Conv" or needed.intersection(node.output):
            needed.update(node.input)
            body.insert(0, node)
        else:
            head.insert(0, node)
    made = {name for node in body for name in node.output}
    read = [name for node in head for name in node.input]
    read += [output.name for output in model.graph.output]
    part = copy.deepcopy(model)
    _replace(part.graph.node, body)
    _replace(
        part.graph.output,
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in dict.fromkeys(read)
            if name in made
        ],
    )
    weights = [t for t in model.graph.initializer if t.name in needed]
    _replace(part.graph.initializer, weights)
    return part, head


def _share_no_bias(model: onnx.ModelProto) -> None:
    """Give every convolution a bias of its own.

    The exporter stores equal ones once, and the quantiser would convert that one for each user,
    under one name.
    """
    biases = {tensor.name: tensor for tensor in model.graph.initializer}
    seen: set[str] = set()
    for number, node in enumerate(model.graph.node):
        if node.op_type != "Conv" or len(node.input) < 3 or node.input[2] not in biases:
            continue
        if (name := node.input[2]) in seen:
            own = copy.deepcopy(biases[name])
            own.name = node.input[2] = f"{name}.{number}"
            model.graph.initializer.append(own)
        seen.add(name)


def _joined(
    body: onnx.ModelProto, head: Sequence[onnx.NodeProto], model: onnx.ModelProto
) -> onnx.ModelProto:
    """Return a body with the head and the outputs of the model that they were parted from."""
    _replace(body.graph.output, list(model.graph.output))
    read = {name for node in head for name in node.input}
    # What a convolution and the head share comes out of the body's own conversion.
    known = {tensor.name for tensor in body.graph.initializer}
    known |= {name for node in body.graph.node for name in node.output}
    body.graph.initializer.extend(
        t for t in model.graph.initializer if t.name in read and t.name not in known
    )
    body.graph.node.extend(head)
    return body


def _replace(field: Any, values: Sequence[Any]) -> None:
    """Set a repeated field of a protocol buffer."""
    values = [copy.deepcopy(value) for value in values]
    del field[:]
    field.extend(values)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the quantiser from printing and from advice that was followed already."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
