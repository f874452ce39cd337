"""The settings of a training run, read from a TOML file; every key is checked."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from spinepose.errors import UsageError

__all__ = [
    "AugmentSettings",
    "Config",
    "LoopSettings",
    "LossSettings",
    "NetworkSettings",
    "SetSettings",
    "TeacherSettings",
    "find_config",
    "located",
    "read_config",
]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: unknown keys and wrong types are errors."""


class NetworkSettings(_Table, frozen=True):
    """``[network]``: what learns, and where its weights start."""

    family: Literal["rtmpose", "movenet"] = "rtmpose"
    size: Literal["tiny", "small", "medium", "large", "xlarge"] = "small"
    """Of the rtmpose family."""
    keypoints: int = 37
    side: int = 256
    """Of the square crops of the movenet family."""
    start: str = ""
    """Weights to start from: .safetensors of ours, an official .pth, the .onnx of one of our models
    with its card or of MoveNet Thunder, or the name of a model in the package such as ``small``.
    Empty = random. Missing keypoints are widened."""
    auxiliary: bool = False
    """rtmpose: coarse heatmaps as a second task while it learns from random weights."""


class SetSettings(_Table, frozen=True):
    """One ``[[sets]]``: people to learn from."""

    path: str
    """A pack, or a COCO-format JSON or its folder, or a folder of one of the other formats."""
    share: float
    """Of every batch."""
    format: Literal["pack", "coco", "lspe", "coco-train", "coco-dev", "people", "persons"] = "pack"
    name: str = ""
    skip_activities: tuple[str, ...] = ()
    """Kept back, to be measured on."""
    skip_backdrops: tuple[str, ...] = ()
    hold_out: int = 0
    """Keep one picture (scene, film) in so many back; 0 = none."""
    kept_back: bool = False
    """Take those kept back, instead of the others: to measure on."""
    part: float = 1.0
    """Share of the people to use, spread evenly: for learning curves."""


class TeacherSettings(_Table, frozen=True):
    """``[teacher]``: the network whose answers are distilled, and the models that label."""

    network: str = ""
    """Weights of a network of the same family, for the distillation loss."""
    keypoints: int = 26
    models: tuple[str, ...] = ()
    """Pose models (.onnx, .tflite, or names of models in the package) whose answers stand in where
    real people have no label."""
    spine_guess: float = 0.0
    """Trust in the spine that is fitted to the labelled joints of real people; 0 = none."""


class LossSettings(_Table, frozen=True):
    """``[losses]``: weights of the losses; the first four as in Khan et al., 2025, section 4."""

    position: float = 5.0
    distill: float = 2.5
    structure: float = 0.1
    spine: float = 0.5
    coarse: float = 0.0
    heat: float = 0.0
    reach: float = 0.0


class AugmentSettings(_Table, frozen=True):
    """``[augment]``: how hard crops are changed; see ``augmentation.Strength``."""

    scale: float = 0.15
    turn: float = 25.0
    wild: float = 0.15
    shift: float = 0.03
    colour: float = 0.7
    cover: float = 0.35
    half: float = 0.1


class LoopSettings(_Table, frozen=True):
    """``[loop]``: the optimiser and its schedule."""

    steps: int = 1000
    batch: int = 32
    chunk: int = 0
    """People computed at a time, 0 = the whole batch: gradients add up, memory is smaller, and on a
    CPU maps stay in its cache. Batch norms see one chunk."""
    rate: float = 1e-3
    """Peak learning rate."""
    relative: bool = False
    """Take rates as shares of each tensor's own size at the start (its root mean square), as
    Adafactor does: right where norms are folded and sizes differ a thousandfold."""
    rates: dict[str, float] = {}
    """Factors on the rate for parameters whose name starts so; 0 = frozen. Longest name wins."""
    warmup: int = 100
    floor: float = 0.05
    """Last learning rate, as a share of the peak."""
    decay: float = 0.05
    ema: float = 0.999
    """Share of the mean weights kept at each update."""
    clip: float = 5.0
    check_every: int = 200
    seed: int = 0
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    threads: int = 1
    """CPU threads that decode pictures."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for numbers out of range."""
        for name, low, high in (
            ("steps", 1, 10**8),
            ("batch", 1, 10**5),
            ("chunk", 0, 10**5),
            ("rate", 1e-9, 10),
            ("ema", 0, 0.99999),
            ("check_every", 1, 10**8),
            ("clip", 1e-6, 1e6),
            ("threads", 1, 256),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"`{name}` must be between {low} and {high}")


class Config(_Table, frozen=True):
    """A whole file."""

    name: str
    """Of the model that comes out."""
    sets: tuple[SetSettings, ...]
    dev: tuple[SetSettings, ...] = ()
    """People that choose the checkpoint; their share does not count."""
    network: NetworkSettings = NetworkSettings()
    teacher: TeacherSettings = TeacherSettings()
    losses: LossSettings = LossSettings()
    augment: AugmentSettings = AugmentSettings()
    loop: LoopSettings = LoopSettings()


def find_config(name: Path) -> Path:
    """Return a settings file: one that exists, or one of the package's own by its name.

    Raises
    ------
    UsageError
        There is none.
    """
    if name.is_file():
        return name
    shipped = Path(__file__).parent / "configs"
    path = (shipped / name.name).with_suffix(".toml")
    if path.is_file() and name.parent == Path():
        return path
    known = ", ".join(sorted(p.stem for p in shipped.glob("*.toml")))
    raise UsageError(f"{name}: no such file, and none of the package's own settings ({known})")


def located(config: Config, root: Path) -> Config:
    """Return settings with relative paths led from `root` where nothing is found from here.

    Paths that exist nowhere are left to those who open them.
    """

    def place(path: str) -> str:
        return path if not path or Path(path).exists() else str(root / path)

    def model(name: str) -> str:
        return place(name) if Path(name).suffix else name

    def placed(chosen: SetSettings) -> SetSettings:
        return msgspec.structs.replace(chosen, path=place(chosen.path))

    teacher = msgspec.structs.replace(
        config.teacher,
        network=model(config.teacher.network),
        models=tuple(model(name) for name in config.teacher.models),
    )
    network = msgspec.structs.replace(config.network, start=model(config.network.start))
    return msgspec.structs.replace(
        config,
        sets=tuple(placed(s) for s in config.sets),
        dev=tuple(placed(s) for s in config.dev),
        teacher=teacher,
        network=network,
    )


def read_config(path: Path) -> Config:
    """Read and check a TOML file.

    Raises
    ------
    UsageError
        It is missing, not TOML, or a key is unknown or has a wrong value.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        config = msgspec.convert(table, Config)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, msgspec.ValidationError) as error:
        # msgspec says where: "Expected `int`, got `str` - at `$.loop.steps`".
        raise UsageError(f"{path}: {str(error).replace('$.', '')}") from error
    if not config.sets or sum(s.share for s in config.sets) <= 0:
        raise UsageError(f"{path}: name at least one [[sets]] with a share above 0")
    return config
