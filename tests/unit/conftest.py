"""Tiny networks, made on the spot, that answer what a test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinepose.models import ModelCard, Resolved
from spinepose.models.download import file_sha256

MakeModel = Callable[..., Resolved]


def pose_card(**changes: Any) -> dict[str, Any]:
    """Return a valid pose card."""
    card = {
        "schema": 1,
        "id": "test-pose",
        "version": "1",
        "task": "pose",
        "file": "pose.onnx",
        "sha256": None,
        "skeleton": "spinetrack",
        "input": {"width": 64, "height": 96, "mean": [127.5] * 3, "std": [127.5] * 3},
        "output": {"kind": "simcc", "split_ratio": 2.0},
        "license": "Apache-2.0",
        "summary": "for tests",
    }
    return card | changes


def detector_card(kind: str, **changes: Any) -> dict[str, Any]:
    """Return a valid detector card."""
    card = {
        "schema": 1,
        "id": "test-detector",
        "version": "1",
        "task": "detection",
        "file": "detector.onnx",
        "sha256": None,
        "input": {"width": 64, "height": 64, "mean": [0] * 3, "std": [1] * 3},
        "output": {"kind": kind, "score_threshold": 0.4, "nms_iou": 0.5},
        "license": "Apache-2.0",
        "summary": "for tests",
    }
    return card | changes


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Return a maker of networks that give fixed arrays, whatever comes in."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def make(card: dict[str, Any], outputs: Sequence[tuple[str, np.ndarray]]) -> Resolved:
        nodes, constants, infos = [], [], []
        for name, value in outputs:
            array = np.asarray(value)
            constants.append(numpy_helper.from_array(array, f"{name}_value"))
            if card["task"] == "pose":
                # One copy for each crop of the batch.
                nodes.append(helper.make_node("Shape", ["input"], [f"{name}_s"], start=0, end=1))
                tail = np.array(array.shape[1:], dtype=np.int64)
                constants.append(numpy_helper.from_array(tail, f"{name}_tail"))
                shape = [f"{name}_s", f"{name}_tail"]
                nodes.append(helper.make_node("Concat", shape, [f"{name}_shape"], axis=0))
                nodes.append(helper.make_node("Expand", [f"{name}_value", f"{name}_shape"], [name]))
            else:
                nodes.append(helper.make_node("Identity", [f"{name}_value"], [name]))
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            infos.append(helper.make_tensor_value_info(name, kind, None))
        given = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, "h", "w"])
        graph = helper.make_graph(nodes, "test", [given], infos, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path = tmp_path / card["file"]
        onnx.save(model, str(path))
        card = card | {"sha256": file_sha256(path)}
        path.with_suffix(".json").write_text(json.dumps(card))
        return Resolved(ModelCard.from_dict(card), path)

    return make
