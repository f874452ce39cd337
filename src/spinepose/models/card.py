"""Model cards: what a network expects, what it gives, where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from spinepose.errors import ModelError
from spinepose.skeleton import SKELETONS, Skeleton, get_skeleton

__all__ = ["InputSpec", "ModelCard", "OutputSpec", "ScoreSpec"]

SCHEMA = 1

Task = Literal["pose", "detection"]
_OUTPUT_KINDS = {"pose": ("simcc",), "detection": ("boxes", "yolox", "rtmdet", "rfdetr")}


@dataclass(frozen=True)
class InputSpec:
    """How pixels become the network's input."""

    width: int
    height: int
    mean: tuple[float, float, float]
    """Subtracted, in the order of `color`, from values 0..255."""
    std: tuple[float, float, float]
    """Divided by, after the mean."""
    color: Literal["rgb", "bgr"] = "rgb"
    padding: float = 1.25
    """Pose: factor on the person's box."""
    letterbox: Literal["top-left", "center", "stretch"] = "top-left"
    """Detection: where the frame lies in the input."""
    pad_value: int = 114
    multiple: int = 32
    """Detection: sides of a dynamic input are multiples of this."""
    dynamic: bool = False
    """Detection: other sizes than `width` x `height` are taken."""


@dataclass(frozen=True)
class OutputSpec:
    """What the network's answers mean."""

    kind: str
    split_ratio: float = 2.0
    """SimCC: bins per pixel."""
    score_threshold: float = 0.3
    """Detection: least score of a person."""
    nms_iou: float = 0.5
    """Detection: boxes that overlap more are one person."""
    person_class: int = 0
    """Detection: column or label of people, for networks that know other things too."""


@dataclass(frozen=True)
class ScoreSpec:
    """How a SimCC peak becomes a probability: ``1 / (1 + exp(-(a log(peak) + b)))``."""

    a: float
    b: float


@dataclass(frozen=True)
class ModelCard:
    """The card of one model, the JSON file beside its weights.

    Attributes
    ----------
    raw
        The whole file, with what only people read: training, metrics, limits.
    """

    id: str
    version: str
    task: Task
    file: str
    sha256: str | None
    input: InputSpec
    output: OutputSpec
    license: str
    summary: str
    score: ScoreSpec | None
    skeleton_name: str | None
    raw: Mapping[str, Any]

    @property
    def skeleton(self) -> Skeleton:
        """The keypoints that a pose network gives."""
        if self.skeleton_name is None:
            raise ModelError(f"{self.id} is a {self.task} model: it has no keypoints")
        return get_skeleton(self.skeleton_name)

    @classmethod
    def read(cls, path: Path) -> ModelCard:
        """Read a card.

        Raises
        ------
        ModelError
            The file is missing, no JSON, or lacks something.
        """
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(
                f"{path}: no such model card; a model needs a JSON card beside its .onnx file"
            ) from None
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: cannot be read as a model card: {error}") from error
        return cls.from_dict(raw, str(path))

    @classmethod
    def from_dict(cls, raw: Any, source: str = "model card") -> ModelCard:
        """Check and convert a card; `source` names it in errors."""
        try:
            return cls._build(raw)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise ModelError(f"{source}: not a valid model card: {reason}") from error

    @classmethod
    def _build(cls, raw: dict[str, Any]) -> ModelCard:
        if raw["schema"] != SCHEMA:
            raise ValueError(f"schema is {raw['schema']!r}, this version reads {SCHEMA}")
        task = raw["task"]
        if task not in _OUTPUT_KINDS:
            raise ValueError(f"unknown task {task!r}")
        values = dict(raw["input"])
        for name in ("mean", "std"):
            triple = tuple(float(v) for v in values[name])
            if len(triple) != 3:
                raise ValueError(f"input.{name} must have three values")
            values[name] = triple
        output = OutputSpec(**raw["output"])
        if output.kind not in _OUTPUT_KINDS[task]:
            raise ValueError(f"unknown output kind {output.kind!r} for {task}")
        skeleton = raw.get("skeleton")
        if task == "pose" and skeleton not in SKELETONS:
            raise ValueError(f"unknown skeleton {skeleton!r}")
        score = raw.get("score")
        if Path(raw["file"]).name != raw["file"]:
            raise ValueError("file must be a plain file name")
        return cls(
            id=str(raw["id"]),
            version=str(raw["version"]),
            task=cast(Task, task),
            file=raw["file"],
            sha256=raw.get("sha256"),
            input=InputSpec(**values),
            output=output,
            license=str(raw["license"]),
            summary=str(raw["summary"]),
            score=None if score is None else ScoreSpec(float(score["a"]), float(score["b"])),
            skeleton_name=skeleton,
            raw=raw,
        )
