"""``spinepose train``: make a pose network as a settings file says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spinepose.cli.console import Console
from spinepose.errors import MissingExtraError

__all__ = ["train"]

_Flag = Parameter(negative=())


def train(
    *,
    config: Path,
    out: Path,
    data: Path = Path(),
    packs: Path | None = None,
    device: str = "auto",
    json: Annotated[bool, _Flag] = False,
    quiet: Annotated[bool, _Flag] = False,
) -> None:
    """Train a pose network: data, teacher, losses and schedule stand in a TOML file.

    Writes a folder with the settings, what was measured (metrics.jsonl, curves.png, tensorboard/),
    the best weights (best.safetensors) and the last checkpoint. Run the same command again to go on
    after an interrupt: it ends with the same numbers. Several processes share the work with
    `torchrun --nproc-per-node 4 -m spinepose train ...`. Needs the extra:
    pip install 'spinepose[train]'.

    For example:

    - `spinepose train --config small.toml --data data --out runs/small`
    - `spinepose train --config mine.toml --out runs/mine --device cuda`

    Parameters
    ----------
    config
        A settings file, or the name of one of the package's own.
    out
        Folder of the run.
    data
        Folder that relative paths in the settings lead from, where they do not exist here.
    packs
        Folder for the people made ready for training, which several runs can share.
    device
        `auto`, `cpu`, `cuda` or `cuda:N`.
    json
        Print what is measured as JSON, one object a line.
    quiet
        Print nothing but errors.
    """
    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started
    json, quiet = json and first, quiet or not first
    console = Console(json_lines=json, quiet=quiet)
    try:
        from spinepose.training.pose.config import find_config, read_config
        from spinepose.training.pose.runs import train as run
    except ImportError as error:
        raise MissingExtraError("training", "train") from error
    path = find_config(config)
    steps = read_config(path).loop.steps

    def packing(name: str, people: int) -> None:
        if people % 1000 == 0:
            console.say(f"{name}: {people} people made ready")

    with console.progress(out.name, unit="steps/s") as bar:
        bar.start(steps)

        def report(step: int, numbers: Mapping[str, float]) -> None:
            bar.reach(step)
            scores = {name: value for name, value in numbers.items() if "/" in name}
            if json:
                console.record({"step": step, **{k: round(v, 5) for k, v in numbers.items()}})
            elif scores:
                shown = "  ".join(f"{name} {value:.1f}" for name, value in scores.items())
                console.say(f"step {step}: {shown}")

        scores = run(
            path, out, data=data, packs=packs, device=device, report=report, packing=packing
        )
    shown = ", ".join(f"{name} {value:.1f}" for name, value in scores.items())
    console.say(
        f"done: {shown or 'no people to measure on'}; weights in {out / 'best.safetensors'}"
    )
