"""What ``spinepose annotate train`` does: prepare, train, export; each step can be called again.

It stands here because annotation and training know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from spinepose.annotation.finetune import FineTuning, Prepared, prepare_round, write_card_text
from spinepose.annotation.project import Project
from spinepose.errors import DataError, MissingExtraError


def next_round(project: Project) -> int:
    """Return the round after the last one with guesses; one that was trained for goes on."""
    return max(project.rounds(), default=-1) + 1


def model_before(project: Project, number: int) -> str:
    """Return the model of the last round before this one that is whole, or the shipped one."""
    whole = [
        path
        for path in sorted(project.root.glob("rounds/[0-9][0-9][0-9]/model/*.onnx"))
        if int(path.parent.parent.name) < number and path.with_suffix(".json").exists()
    ]
    return str(whole[-1]) if whole else "small"


def train_round(
    project: Project,
    plan: FineTuning,
    *,
    number: int,
    prefer: Sequence[str] = (),
    device: str = "auto",
    report: Callable[[int, Mapping[str, float]], None] | None = None,
    packing: Callable[[str, int], None] | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Prepared:
    """Train a round from the corrections so far, and export its model.

    A round that has begun goes on. Afterwards `prepared.model` is the .onnx file, with its card
    beside it.

    Raises
    ------
    DataError
        Nobody is labelled, or there is nobody to learn from.
    MissingExtraError
        The extra ``train`` is not installed.
    """
    try:
        from spinepose.training.pose.config import TeacherSettings, located, read_config
        from spinepose.training.pose.prepare import prepared as pack_of
        from spinepose.training.pose.release import Order, release
        from spinepose.training.pose.runs import train
    except ImportError as error:
        raise MissingExtraError("training", "train") from error

    ready = prepare_round(project, number, plan, prefer=prefer)
    if ready.model.with_suffix(".json").exists():  # the card is moved into place last
        return ready
    train(ready.settings, ready.run, device=device, report=report, packing=packing)
    write_card_text(project, number, plan)
    # The score is fitted on people that were kept from training; their pack is there already.
    kept = located(read_config(ready.settings), Path()).dev
    fit = tuple(pack_of(chosen, TeacherSettings(), ready.run / "packs") for chosen in kept)
    order = Order((ready.run / "best.safetensors",), ready.model, ready.card, fit)
    try:
        release(order)
    except DataError as error:
        if not fit:
            raise
        warn(f"{error}; the model is exported without a fitted score")
        release(Order(order.weights, order.out, order.card))
    return ready
