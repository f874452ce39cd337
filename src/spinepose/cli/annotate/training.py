"""Learning from the corrections: train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from spinepose.cli.annotate.shared import (
    FLAG,
    LIST,
    QUIET,
    annotate_app,
    open_project,
)
from spinepose.cli.console import Console


@annotate_app.command
def train(
    project: Path,
    *,
    steps: int = 300,
    rate: float = 5e-4,
    batch: int = 32,
    base: str | None = None,
    others: Annotated[list[Path] | None, LIST] = None,
    prefer: Annotated[list[str] | None, LIST] = None,
    round: int | None = None,
    device: str = "auto",
    threads: int = 1,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Fine-tune on everything that was corrected; call it again to go on after a break.

    One in five pictures or videos is kept to measure on. Needs the extra: pip install
    'spinepose[train]'.

    For example:

    - `spinepose annotate train backs --others spinetrack-synth` so that nothing is forgotten

    Parameters
    ----------
    project
        Folder of the project.
    steps
        Of the optimiser.
    rate
        Peak learning rate, as a share of each weight's size.
    batch
        People in a batch.
    base
        What to start from: small, tiny, or the model of an earlier round, which is the default.
    others
        Further sets to learn from: those of `spinepose synth`, COCO files.
    prefer
        Annotators whose word counts where there is a conflict.
    round
        Number of the new round.
    device
        Where to train.
    threads
        To decode pictures.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.annotation.finetune import FineTuning
    from spinepose.cli.annotate.rounds import model_before, next_round, train_round

    console, opened = Console(json_lines=json, quiet=quiet), open_project(project)
    number = next_round(opened) if round is None else round
    plan = FineTuning(
        base=base or model_before(opened, number),
        steps=steps,
        batch=batch,
        rate=rate,
        others=tuple(others or ()),
        threads=threads,
    )
    with console.progress("training", unit="steps/s") as bar:
        bar.start(steps)
        ready = train_round(
            opened,
            plan,
            number=number,
            prefer=prefer or (),
            device=device,
            report=lambda step, _numbers: bar.reach(step),
            warn=console.warn,
        )
    if json:
        console.record({"model": str(ready.model), "learned": ready.learned, "kept": ready.kept})
    console.say(f"learned from {ready.learned} people, {ready.kept} kept -> {ready.model}")
    console.say(f"next: spinepose annotate guess {project}")
