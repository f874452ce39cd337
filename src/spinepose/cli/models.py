"""``spinepose models``: which weights there are, where they come from, under which licence."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import App, Parameter

from spinepose.cli.console import Console

__all__ = ["models_app"]

models_app = App(name="models", help="List, describe and fetch model weights.")

Json = Annotated[bool, Parameter(name="--json", negative=())]


@models_app.default
@models_app.command(name="list")
def list_(*, json_: Json = False) -> None:
    """List the models that are known.

    Parameters
    ----------
    json_
        Print JSON instead of a table.
    """
    from spinepose.models import list_models

    console = Console(json_lines=json_)
    entries = list_models()
    if json_:
        for entry in entries:
            console.record(entry.to_dict())
        return
    rows = [("name", "task", "status", "licence", "what it is")]
    rows += [(e.name, e.task, e.status, e.license, e.summary) for e in entries]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        console.say("  ".join((*cells, row[-1])).rstrip())


@models_app.command
def info(name: str) -> None:
    """Print a model's card: inputs, training data, scores, limits.

    Parameters
    ----------
    name
        As in the list, or a path to an .onnx file.
    """
    from spinepose.models import find_card

    print(json.dumps(find_card(name), indent=2, ensure_ascii=False))


@models_app.command
def download(name: str) -> None:
    """Fetch a model's weights, check them, and keep them for use without a network.

    Parameters
    ----------
    name
        As in the list.
    """
    from spinepose.models import fetch

    Console().say(f"{name}: {fetch(name)}")


@models_app.command(alias="license")
def licence(name: str) -> None:
    """Print a model's licence and what it was trained on.

    Parameters
    ----------
    name
        As in the list.
    """
    from spinepose.models import find_card

    card = find_card(name)
    print(f"{card['id']}: {card['license']}")
    training = card.get("training") or {}
    for teacher in training.get("teachers", []):
        print(f"  teacher: {teacher if isinstance(teacher, str) else ', '.join(teacher.values())}")
    for data in training.get("data", []):
        text = data if isinstance(data, str) else ", ".join(str(v) for v in data.values())
        print(f"  data: {text}")
