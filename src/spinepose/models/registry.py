"""Which models there are, and where each one's weights lie."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from spinepose.errors import ModelError
from spinepose.models.card import ModelCard
from spinepose.models.download import cache_folder, fetch_file

__all__ = [
    "Listing",
    "Resolved",
    "fetch",
    "find_card",
    "list_models",
    "resolve_detector",
    "resolve_pose",
]

logger = logging.getLogger(__name__)

_SIZES = ("tiny", "small", "medium", "large", "xlarge")
_DEFAULT_LIMIT = "large"
"""The size that version 2 ran by default: `auto` takes nothing bigger."""

_COCO_CLASSES = "knows the 80 classes of COCO; only people are used"


@dataclass(frozen=True)
class Resolved:
    """A model that can be loaded."""

    card: ModelCard
    path: Path


@dataclass(frozen=True)
class Listing:
    """One line of ``spinepose models``."""

    name: str
    task: str
    status: str
    license: str
    summary: str

    def to_dict(self) -> dict[str, str]:
        """Return the fields by name."""
        return asdict(self)


def _remote(name: str, urls: list[str], licence: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return the card of a detector that others publish, with its addresses."""
    return {
        "schema": 1,
        "id": name,
        "version": "as published",
        "task": "detection",
        "file": urls[0].rsplit("/", 1)[-1],
        # Not published by their hosts: the first download is recorded and trusted from then on.
        "sha256": None,
        "license": licence,
        "urls": urls,
        **spec,
    }


_REMOTE = {
    "yolox": _remote(
        "yolox",
        [
            "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_s.onnx",
        ],
        "Apache-2.0",
        {
            "summary": f"YOLOX-s (Megvii), {_COCO_CLASSES}",
            "input": {
                "width": 640,
                "height": 640,
                "color": "bgr",
                "mean": [0, 0, 0],
                "std": [1, 1, 1],
            },
            "output": {"kind": "yolox", "score_threshold": 0.4, "nms_iou": 0.5},
        },
    ),
    "rtmdet": _remote(
        "rtmdet",
        [
            "https://huggingface.co/Tau-J/rtmlib/resolve/main/rtmdet-nano-person.onnx",
        ],
        "Apache-2.0",
        {
            "summary": "RTMDet-nano for people (OpenMMLab)",
            "input": {
                "width": 320,
                "height": 320,
                "color": "bgr",
                "mean": [103.53, 116.28, 123.675],
                "std": [57.375, 57.12, 58.395],
            },
            "output": {"kind": "rtmdet", "score_threshold": 0.4, "nms_iou": 0.6},
        },
    ),
    "rfdetr": _remote(
        "rfdetr",
        [
            "https://huggingface.co/saifkhichi96/opendetect/resolve/main/rfdetr-nano.onnx",
        ],
        "Apache-2.0",
        {
            "summary": "RF-DETR-nano (Roboflow), knows the classes of COCO; only people are used",
            "input": {
                "width": 384,
                "height": 384,
                "color": "rgb",
                "mean": [123.675, 116.28, 103.53],
                "std": [58.395, 57.12, 57.375],
                "letterbox": "stretch",
            },
            "output": {
                "kind": "rfdetr",
                "score_threshold": 0.5,
                "nms_iou": 0.8,
                "person_class": 1,
            },
        },
    ),
}


def _weights_folder() -> Path:
    return Path(str(files("spinepose.models") / "weights"))


@cache
def _embedded() -> dict[str, Resolved]:
    """Return the models inside the package by name."""
    folder = _weights_folder()
    found = {}
    for path in sorted(folder.glob("*.json")):
        card = ModelCard.read(path)
        found[card.id.removeprefix("spinepose-")] = Resolved(card, folder / card.file)
    return found


def resolve_pose(mode: str) -> Resolved:
    """Return the pose network of a mode, or of a path to an .onnx file.

    Parameters
    ----------
    mode
        A size; ``auto`` for the best size at hand, up to large; or a path. A size that has not
        been trained yet is served by the nearest smaller one, with one warning.

    Raises
    ------
    ModelError
        The mode is unknown, or there is no such file.
    """
    if mode.endswith(".onnx"):
        return _from_path(mode, "pose")
    if mode not in ("auto", *_SIZES):
        raise ModelError(
            f"unknown mode {mode!r}: choose one of auto, {', '.join(_SIZES)}, or name an .onnx file"
        )
    models = _embedded()
    wanted = _SIZES.index(_DEFAULT_LIMIT if mode == "auto" else mode)
    smaller = [size for size in reversed(_SIZES[: wanted + 1]) if size in models]
    choice = next(iter(smaller or (size for size in _SIZES if size in models)), None)
    if choice is None:
        raise ModelError("no pose weights in the package: install spinepose again")
    if mode not in ("auto", choice):
        _warn_once(f"there is no {mode} model yet: {choice} is used instead")
    return models[choice]


def resolve_detector(name: str) -> Resolved:
    """Return a person detector by name, or by a path to an .onnx file, fetching it if need be.

    Raises
    ------
    ModelError
        The name is unknown, there is no such file, or it cannot be fetched.
    """
    if name.endswith(".onnx"):
        return _from_path(name, "detection")
    if name in _REMOTE:
        raw = _REMOTE[name]
        card = ModelCard.from_dict({k: v for k, v in raw.items() if k != "urls"}, name)
        return Resolved(card, fetch_file(card.file, raw["urls"], card.sha256))
    found = _embedded().get(name)
    if found is None or found.card.task != "detection":
        known = [n for n, model in _embedded().items() if model.card.task == "detection"]
        raise ModelError(
            f"unknown detector {name!r}: choose one of {', '.join((*known, *_REMOTE))}, or name "
            "an .onnx file"
        )
    return found


def list_models() -> list[Listing]:
    """Return every model that is known, ours first."""
    rows = [
        Listing(name, m.card.task, "built in", m.card.license, m.card.summary)
        for name, m in sorted(_embedded().items(), key=lambda item: item[1].card.task != "pose")
    ]
    missing = [size for size in _SIZES if size not in _embedded()]
    rows += [
        Listing(size, "pose", "not trained yet", "Apache-2.0", "a smaller size is used instead")
        for size in missing
    ]
    for name, raw in _REMOTE.items():
        here = (cache_folder() / raw["file"]).is_file()
        status = "downloaded" if here else "to download"
        rows.append(Listing(name, raw["task"], status, raw["license"], raw["summary"]))
    return rows


def find_card(name: str) -> dict[str, Any]:
    """Return a model's whole card, by name or by a path to an .onnx file."""
    if name in _REMOTE:
        return dict(_REMOTE[name])
    if name.endswith(".onnx"):
        return dict(ModelCard.read(Path(name).with_suffix(".json")).raw)
    found = _embedded().get(name.removeprefix("spinepose-"))
    if found is None:
        known = ", ".join(row.name for row in list_models())
        raise ModelError(f"unknown model {name!r}; known: {known}")
    return dict(found.card.raw)


def fetch(name: str) -> Path:
    """Return the path of a model's weights, fetching them if need be."""
    if name in _REMOTE:
        return resolve_detector(name).path
    find_card(name)
    return _embedded()[name.removeprefix("spinepose-")].path


def _from_path(name: str, task: str) -> Resolved:
    path = Path(name)
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    card = ModelCard.read(path.with_suffix(".json"))
    if card.task != task:
        raise ModelError(f"{path} is a {card.task} model, a {task} model is wanted")
    return Resolved(card, path)


@cache
def _warn_once(text: str) -> None:
    logger.warning(text)
