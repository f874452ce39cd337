"""Model cards: what a network expects, what it gives, where it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from spinepose.errors import ModelError
from spinepose.skeleton import SKELETONS, Skeleton, get_skeleton

__all__ = ["InputSpec", "ModelCard", "OutputSpec", "ScoreSpec"]

SCHEMA = 1

Task = Literal["pose", "detection"]
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OUTPUT_KINDS = {"pose": ("simcc",), "detection": ("boxes", "yolox", "rtmdet", "rfdetr")}


def _check_numbers(section: str, spec: object, limits: Mapping[str, tuple[float, float]]) -> None:
    """Raise `ValueError` unless every named field is a number, or numbers, within its limits."""
    for name, (low, high) in limits.items():
        value = getattr(spec, name)
        for number in value if isinstance(value, tuple) else (value,):
            # Booleans count as numbers in Python; not-a-number lies within no limits.
            good = isinstance(number, int | float) and not isinstance(number, bool)
            if not good or not low <= number <= high:
                raise ValueError(f"{section}.{name} is {value!r}, not within {low:g} to {high:g}")


def _check_whole(section: str, spec: object, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(spec, name), int):
            raise ValueError(f"{section}.{name} is {getattr(spec, name)!r}, not a whole number")


def _check_choice(section: str, spec: object, name: str, choices: tuple[object, ...]) -> None:
    if (value := getattr(spec, name)) not in choices:
        known = ", ".join(map(str, choices))
        raise ValueError(f"{section}.{name} is {value!r}, not one of {known}")


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

    def __post_init__(self) -> None:
        _check_numbers(
            "input",
            self,
            {
                **dict.fromkeys(("width", "height", "multiple"), (1, 8192)),
                "mean": (-1e6, 1e6),
                "std": (1e-6, 1e6),
                "padding": (0.1, 10),
                "pad_value": (0, 255),
            },
        )
        _check_whole("input", self, "width", "height", "multiple", "pad_value")
        _check_choice("input", self, "color", ("rgb", "bgr"))
        _check_choice("input", self, "letterbox", ("top-left", "center", "stretch"))
        _check_choice("input", self, "dynamic", (True, False))


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

    def __post_init__(self) -> None:
        limits = dict.fromkeys(("score_threshold", "nms_iou"), (0.0, 1.0))
        limits |= {"split_ratio": (0.1, 100), "person_class": (0, 1e6)}
        _check_numbers("output", self, limits)
        _check_whole("output", self, "person_class")


@dataclass(frozen=True)
class ScoreSpec:
    """How a SimCC peak becomes a probability: ``1 / (1 + exp(-(a log(peak) + b)))``."""

    a: float
    b: float

    def __post_init__(self) -> None:
        # A score that falls as the peak grows would be upside down.
        _check_numbers("score", self, {"a": (0, 1e6), "b": (-1e6, 1e6)})


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
        except (AttributeError, KeyError, TypeError, ValueError) as error:
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
        if score is not None and score.get("kind", "logistic") != "logistic":
            raise ValueError(f"unknown score kind {score['kind']!r}")
        sha256 = raw.get("sha256")
        if sha256 is not None and not _SHA256.fullmatch(str(sha256).lower()):
            raise ValueError(f"sha256 is {sha256!r}, not 64 hexadecimal digits")
        if not raw["file"] or Path(raw["file"]).name != raw["file"]:
            raise ValueError("file must be a plain file name")
        return cls(
            id=str(raw["id"]),
            version=str(raw["version"]),
            task=cast(Task, task),
            file=raw["file"],
            sha256=None if sha256 is None else str(sha256).lower(),
            input=InputSpec(**values),
            output=output,
            license=str(raw["license"]),
            summary=str(raw["summary"]),
            score=None if score is None else ScoreSpec(float(score["a"]), float(score["b"])),
            skeleton_name=skeleton,
            raw=raw,
        )
