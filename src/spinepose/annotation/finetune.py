"""What a round needs to learn from corrections: frozen labels, settings, and a card.

============================  ====================================================================
``rounds/NNN/labels.json``    the merged labels, as they were when the training began
``rounds/NNN/learned.json``   the items among them that are learned from
``rounds/NNN/train.toml``     settings of ``spinepose train``
``rounds/NNN/card.toml``      what ``spinepose export`` writes into the model's card
============================  ====================================================================

One group (video, or picture) in five is kept from training, in all rounds the same ones, to measure
on. A round that has begun keeps its labels, so that a killed training goes on with what it had.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinepose.annotation.merge import merge, write_merged
from spinepose.annotation.project import Project
from spinepose.annotation.toml import to_toml
from spinepose.dataset.people import held_out
from spinepose.dataset.readers import read_people
from spinepose.errors import DataError, UsageError
from spinepose.files import atomic_write
from spinepose.models import resolve_pose

__all__ = ["FineTuning", "Prepared", "prepare_round", "settings_for", "write_card_text"]

HOLD_OUT = 5
"""One group in so many is kept from training."""

_FROZEN = ("trunk.stem", *(f"trunk.blocks.{index}." for index in range(6)))
"""The high-resolution blocks, which the shipped networks did not change either."""
_BODY = 26
"""Keypoints that the base model teaches: body and feet, but not the spine that is corrected."""


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How to train.

    Attributes
    ----------
    base
        What to start from, a model in the package or an ``.onnx`` of an earlier round. It is the
        teacher too: it holds body and feet where they are, and answers where nobody labelled.
    steps, batch
        Of the optimiser; people in a batch.
    rate
        Peak learning rate, as a share of each tensor's size.
    others
        Further sets to learn from, so that nothing is forgotten: packs (``.npz``), or COCO files
        or their folders, such as those of ``spinepose synth``.
    share
        Of every batch that is corrected people, if there are other sets.
    seed, threads
        Of what is drawn; of the CPU, to decode pictures.
    """

    base: str = "small"
    steps: int = 300
    batch: int = 32
    rate: float = 5e-4
    others: tuple[Path, ...] = ()
    share: float = 0.5
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise UsageError(f"the share of corrected people must be in 0..1, not {self.share}")
        if self.steps < 1 or self.batch < 1 or not self.rate > 0:
            raise UsageError("steps, batch and rate must be above 0")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A round that is ready to be trained.

    Attributes
    ----------
    settings
        For ``spinepose train``.
    run
        Folder of the training.
    card
        For ``spinepose export``; :func:`write_card_text` writes it after the training.
    model
        The ``.onnx`` file to export.
    learned, kept
        Labelled people to learn from, and to measure on.
    """

    settings: Path
    run: Path
    card: Path
    model: Path
    learned: int
    kept: int


def prepare_round(
    project: Project, number: int, plan: FineTuning, *, prefer: Sequence[str] = ()
) -> Prepared:
    """Merge the corrections, split them by group, and write the settings of a round's training.

    Called again for a round that has begun, it finds what is there and merges nothing.

    Parameters
    ----------
    project
        With corrections.
    number
        Of the round that the model will guess in.
    plan
        How to train.
    prefer
        See :func:`.merge`.

    Raises
    ------
    DataError
        Nobody is labelled, all labelled people are kept to measure on, or a picture is missing.
    UsageError
        The round has begun with other settings.
    OutputError
        A file cannot be written.
    """
    folder = project.round_folder(number)
    labels, settings = folder / "labels.json", folder / "train.toml"
    if not (folder / "learned.json").exists():
        write_merged(project, merge(project, prefer=prefer), labels)
    kept = [held_out(person, HOLD_OUT) for person in read_people(labels).people]
    if all(kept):
        raise DataError(
            f"{project.root}: none of {len(kept)} labelled people is of the videos and pictures to "
            "learn from (one in five is kept to measure on); correct more"
        )
    learned = [i for i, away in zip(_labelled(labels), kept, strict=True) if not away]
    _write(folder / "learned.json", json.dumps(learned, indent=1) + "\n")
    text = to_toml(settings_for(project, number, plan, measured=any(kept)))
    if settings.exists() and settings.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"{settings}: the round has begun with other settings; go on with the same ones, or "
            f"remove {folder} to begin anew"
        )
    _write(settings, text)
    name = _name(project, number)
    return Prepared(
        settings,
        folder / "run",
        folder / "card.toml",
        folder / "model" / f"{name}.onnx",
        len(learned),
        sum(kept),
    )


def settings_for(
    project: Project, number: int, plan: FineTuning, *, measured: bool = True
) -> dict[str, Any]:
    """Return the settings of a round's training, see ``spinepose.training.pose.config``.

    Parameters
    ----------
    project, number, plan
        As for :func:`prepare_round`.
    measured
        Whether there are people to measure on.
    """
    corrected = {
        "name": "corrected",
        "path": str((project.round_folder(number) / "labels.json").resolve()),
        "format": "coco",
        "hold_out": HOLD_OUT,
    }
    part = (1 - plan.share) / max(len(plan.others), 1)
    base = str(Path(plan.base).resolve()) if plan.base.endswith(".onnx") else plan.base
    others = [
        {
            "path": str(path.resolve()),
            "format": "pack" if path.suffix == ".npz" else "coco",
            "share": part,
        }
        for path in plan.others
    ]
    settings: dict[str, Any] = {
        "name": _name(project, number),
        "network": {
            "family": "movenet",
            "keypoints": len(project.skeleton),
            "side": resolve_pose(base).card.input.width,
            "start": base,
        },
        "teacher": {"network": base, "keypoints": _BODY, "models": [base]},
        "losses": {"position": 5.0, "distill": 2.5, "structure": 0.1, "spine": 0.5, "reach": 2.0},
        "loop": {
            "steps": plan.steps,
            "batch": plan.batch,
            "chunk": min(plan.batch, 8),  # maps stay in the cache of a CPU
            "rate": plan.rate,
            "relative": True,
            "rates": {**dict.fromkeys(_FROZEN, 0.0), "trunk": 0.3, "centre": 0.3},
            "warmup": max(plan.steps // 10, 1),
            "ema": round(max(1 - 5 / plan.steps, 0.5), 4),  # the mean of about the last fifth
            "check_every": max(plan.steps // 3, 1),
            "seed": plan.seed,
            "threads": plan.threads,
        },
        "sets": [corrected | {"share": plan.share if others else 1.0}, *others],
    }
    if measured:
        settings["dev"] = [corrected | {"kept_back": True, "share": 1.0}]
    return settings


def write_card_text(project: Project, number: int, plan: FineTuning) -> Path:
    """Write what the card of a trained round says, with the numbers of people from its record.

    Raises
    ------
    DataError
        The round is not trained.
    OutputError
        The file cannot be written.
    """
    folder = project.round_folder(number)
    try:
        record = json.loads((folder / "run" / "run.json").read_text(encoding="utf-8"))
        sets, step = [(str(s["name"]), int(s["people"])) for s in record["data"]], record["step"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder / 'run'} holds no training: train the round first") from error
    card = resolve_pose(plan.base).card
    base = card.id
    text = {
        "id": _name(project, number),
        "version": f"{number}.0.0",
        "licence": card.license,
        "summary": f"{base}, tuned to {sets[0][1]} corrected people of {_slug(project)}.",
        "limits": [
            f"Tuned to the pictures of {_slug(project)}; elsewhere it may be worse than {base}.",
            "Not a medical device.",
        ],
        "training": {
            "teachers": [f"{base}: body and feet, and keypoints that nobody labelled"],
            "start": base,
            "recipe": f"{step} steps from {base} with position, distillation, structure, spine and "
            "reach losses; high-resolution blocks frozen; mean of the last weights.",
            "command": f"spinepose annotate train {_slug(project)}",
            "data": [
                {"name": name, "licence": "not stated", "people": people} for name, people in sets
            ],
        },
    }
    _write(folder / "card.toml", to_toml(text))
    return folder / "card.toml"


def _labelled(labels: Path) -> list[str]:
    """Return the item of each annotation in a file of :func:`.write_merged`, in its order."""
    beside = labels.with_suffix(".lineage.json")
    try:
        story = json.loads(beside.read_text(encoding="utf-8"))
        return [str(entry["item"]) for entry in story["annotations"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{beside} cannot be read: {error}; remove {labels.parent}") from error


def _name(project: Project, number: int) -> str:
    return f"{_slug(project)}-{number:03d}"


def _slug(project: Project) -> str:
    """Return the name of a project's folder, fit for ids and file names."""
    return re.sub(r"[^A-Za-z0-9]+", "-", project.root.resolve().name).strip("-") or "project"


def _write(path: Path, text: str) -> None:
    """Write a file unless it says the same already: what was made of it stays fresh."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
