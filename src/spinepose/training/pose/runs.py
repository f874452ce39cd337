"""A training run as a folder: everything that says what was done, and that lets it go on.

====================== =================================================================
file                   what
====================== =================================================================
``config.toml``        the settings, as given
``run.json``           versions, git commit, sha256 of the data and of the start, device,
                       seconds, last scores
``metrics.jsonl``      losses and scores, one object a line
``curves.png``         the same as a picture
``tensorboard/``       the same for TensorBoard, if it is installed
``best.safetensors``   mean weights with the best score on the people kept from training
``last.pt``            all that a resume needs
``packs/``             people made ready, if the config names other formats than packs
====================== =================================================================
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import distributed

from spinepose.errors import DataError, ProviderError, UsageError
from spinepose.files import atomic_write
from spinepose.models import resolve_pose
from spinepose.models.download import file_sha256
from spinepose.training.pose.augmentation import Strength
from spinepose.training.pose.config import (
    Config,
    SetSettings,
    TeacherSettings,
    located,
    read_config,
)
from spinepose.training.pose.curves import draw_curves, read_notes
from spinepose.training.pose.loop import METRICS, Report, Trainer
from spinepose.training.pose.networks.base import PoseNetwork
from spinepose.training.pose.networks.start import build_network
from spinepose.training.pose.objectives import LossWeights
from spinepose.training.pose.prepare import prepared
from spinepose.training.pose.shards import Mixture, Pack, read_pack

__all__ = ["Opened", "open_run", "train"]

CONFIG = "config.toml"
RECORD = "run.json"
BOARD = "tensorboard"

Packing = Callable[[str, int], None]


@dataclass(frozen=True)
class Opened:
    """A run that is ready to go on."""

    config: Config
    trainer: Trainer
    record: dict[str, Any]


def train(
    config_path: Path,
    out: Path,
    *,
    data: Path = Path(),
    packs: Path | None = None,
    device: str = "auto",
    report: Report | None = None,
    packing: Packing | None = None,
) -> dict[str, float]:
    """Train as a config says, from where the folder `out` stands, and keep a record.

    Started by ``torchrun`` it is one of several processes that share every batch.

    Parameters
    ----------
    config_path
        TOML file; see :mod:`~spinepose.training.pose.config`.
    out
        Folder of the run. Files as in this module's table.
    data
        Folder that the config's relative paths lead from, if they do not exist here.
    packs
        Folder of the people made ready; several runs may share one. Default ``OUT/packs``.
    device
        ``cpu``, ``cuda``, ``cuda:1`` ..., or ``auto``.
    report
        Called with the step and what was measured.
    packing
        Called with the path of a set and the number of people made ready.

    Returns
    -------
    scores : dict
        OKS shares ``SET/SUBSET`` of the mean weights at the end, percent.

    Raises
    ------
    SpinePoseError
        Settings, data or start are wrong; memory does not suffice; the loss is not a number.
    """
    with _processes(device) as place, ExitStack() as stack:
        opened = open_run(config_path, out, data=data, packs=packs, place=place, packing=packing)
        trainer, record = opened.trainer, opened.record
        board = stack.enter_context(_tensorboard(out / BOARD)) if trainer.rank == 0 else None

        def noted(step: int, numbers: Mapping[str, float]) -> None:
            if board is not None:
                for name, value in numbers.items():
                    board(name, value, step)
            if report is not None:
                report(step, numbers)

        try:
            record["scores"] = trainer.run(noted)
        finally:
            if trainer.rank == 0:
                record |= {"step": trainer.step, "seconds": round(trainer.seconds, 1)}
                _write_json(out / RECORD, record)
                if (out / METRICS).exists():
                    draw_curves(read_notes(out / METRICS), out / "curves.png")
        return dict(record["scores"])


def open_run(
    config_path: Path,
    out: Path,
    *,
    data: Path = Path(),
    packs: Path | None = None,
    place: torch.device | None = None,
    packing: Packing | None = None,
) -> Opened:
    """Read settings, people and weights, and note what they are; see :func:`train`."""
    place = place or torch.device("cpu")
    config = located(read_config(config_path), data)
    text = config_path.read_text(encoding="utf-8")
    out.mkdir(parents=True, exist_ok=True)
    _same_config(out / CONFIG, text)
    folder = packs or out / "packs"
    learned, sources = _packs(config.sets, config.teacher, folder, packing)
    # People to measure on keep the labels that people gave them.
    dev, dev_sources = _packs(config.dev, TeacherSettings(), folder, packing)
    network = build_network(config.network, config.loop.seed).to(place)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    record: dict[str, Any] = {
        "config": config_path.name,
        "model": config.name,
        "command": f"spinepose train --config {config_path.name} --out {out.name}",
        "versions": {n: version(n) for n in ("spinepose", "torch", "numpy")},
        "python": platform.python_version(),
        "commit": _commit(),
        "device": torch.cuda.get_device_name(place) if place.type == "cuda" else "CPU",
        "data": sources,
        "dev": dev_sources,
        "start": _hashed(config.network.start),
        "teacher": _hashed(config.teacher.network),
    }
    trainer = Trainer(
        network,
        config.loop,
        LossWeights(**msgspec.structs.asdict(config.losses)),
        Strength(**msgspec.structs.asdict(config.augment)),
        Mixture(learned, [s.share for s in config.sets], config.loop.seed, config.loop.threads),
        dev,
        out,
        _teacher(config, place),
        {"model": config.name, "family": config.network.family},
    )
    record["processes"] = trainer.world
    if trainer.rank == 0:
        with atomic_write(out / CONFIG) as temporary:
            temporary.write_text(text, encoding="utf-8")
        _write_json(out / RECORD, record)
    return Opened(config, trainer, record)


def _same_config(path: Path, text: str) -> None:
    """Raise unless the folder is new or was begun with the same settings."""
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"{path.parent}: holds a run with other settings; choose another --out, or go on with "
            f"--config {path}"
        )


def _packs(
    sets: Sequence[SetSettings],
    teacher: TeacherSettings,
    folder: Path,
    packing: Packing | None,
) -> tuple[list[Pack], list[dict[str, Any]]]:
    """Return the people of some sets, and what to write down about them."""
    packs, sources = [], []
    for chosen in sets:
        path = _made_once(chosen, teacher, folder, packing)
        pack = read_pack(path, chosen.name)
        if chosen.part < 1:
            pack = pack.first(chosen.part)
        if len(pack) == 0:
            raise DataError(f"{chosen.path}: nobody is left to learn from")
        packs.append(pack)
        sources.append(
            {
                "name": pack.name,
                "path": chosen.path,
                "people": len(pack),
                "share": chosen.share,
                "sha256": file_sha256(path),
            }
        )
    return packs, sources


def _teacher(config: Config, place: torch.device) -> PoseNetwork | None:
    settings = config.teacher
    if not settings.network or config.losses.distill <= 0:
        return None
    same = msgspec.structs.replace(
        config.network, start=settings.network, keypoints=settings.keypoints
    )
    return build_network(same, config.loop.seed).to(place)


def _made_once(
    chosen: SetSettings, teacher: TeacherSettings, folder: Path, packing: Packing | None
) -> Path:
    """Return the pack of a set; of several processes the first makes it and the others wait."""

    def made() -> Path:
        shown = None if packing is None else partial(packing, chosen.path)
        return prepared(chosen, teacher, folder, shown)

    if not distributed.is_initialized():
        return made()
    if distributed.get_rank() == 0:
        made()
    distributed.barrier()
    return made()


@contextmanager
def _processes(device: str) -> Iterator[torch.device]:
    """Join the other processes of ``torchrun``, if there are any, and give the own device."""
    place = _device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield place
        return
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield place
    finally:
        distributed.destroy_process_group()


@contextmanager
def _tensorboard(folder: Path) -> Iterator[Callable[[str, float, int], None] | None]:
    """Give what writes a number for TensorBoard, None where that is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        yield None
        return
    with SummaryWriter(str(folder)) as writer:
        yield lambda name, value, step: writer.add_scalar(name, value, step)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"--device {name}: choose auto, cpu, cuda or cuda:N") from error
    if place.type == "cuda" and not torch.cuda.is_available():
        raise ProviderError("--device cuda: this PyTorch sees no CUDA device; use --device cpu")
    return place


def _commit() -> str | None:
    """Return the git commit that the code runs from, with a mark if it was changed since."""
    here = Path(__file__).parent
    commands = (["git", "rev-parse", "HEAD"], ["git", "status", "--porcelain", "-uno"])
    try:
        head, changed = (
            subprocess.run(c, cwd=here, capture_output=True, text=True, check=True).stdout.strip()
            for c in commands
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}+changes" if changed else head


def _hashed(name: str) -> dict[str, str] | None:
    """Say which weights a name or path meant."""
    if not name:
        return None
    path = Path(name) if Path(name).suffix else resolve_pose(name).path
    return {"path": name, "sha256": file_sha256(path)}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
