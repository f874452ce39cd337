"""Correcting in other programs: push, pull, export, import."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from spinepose.cli.annotate.shared import (
    FLAG,
    QUIET,
    WHO,
    annotate_app,
    open_project,
)
from spinepose.cli.console import Console
from spinepose.errors import UsageError

if TYPE_CHECKING:
    from spinepose.annotation.project import Project
    from spinepose.annotation.records import Correction

_TOKENS = {"cvat": "CVAT_TOKEN", "label-studio": "LABEL_STUDIO_TOKEN"}
"""Where tokens come from: a command line is seen by everybody on the machine."""

Tool = Literal["cvat", "label-studio"]


def _token(tool: Tool) -> str:
    name = _TOKENS[tool]
    if not os.environ.get(name):
        raise UsageError(f"no token: put that of your account into the variable {name}")
    return os.environ[name]


@annotate_app.command
def push(
    project: Path,
    tool: Tool,
    *,
    url: str,
    title: str,
    round: int | None = None,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Send the queue with its guesses to a server of CVAT or Label Studio.

    The token of your account is taken from the variable CVAT_TOKEN or LABEL_STUDIO_TOKEN. Call it
    again to go on after a break: what is there is not sent again.

    For example:

    - `spinepose annotate push backs label-studio --url http://localhost:8080 --title "round 1"`

    Parameters
    ----------
    project
        Folder of the project.
    tool
        Where to.
    url
        Address of the server.
    title
        Of the task or project there: one for each round.
    round
        Whose queue; the last by default.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    console = Console(json_lines=json, quiet=quiet)
    opened, token = open_project(project), _token(tool)
    if tool == "cvat":
        from spinepose.annotation.exchange.cvat_server import push_cvat

        number = push_cvat(url, token, opened, title, round=round)
        told, said = {"task": number}, f"look at {url}/tasks/{number}"
    else:
        from spinepose.annotation.exchange.label_studio_server import LabelStudio
        from spinepose.annotation.exchange.label_studio_server import push as push_tasks

        with console.progress("people", unit="people/s") as bar:
            bar.start(None)
            added = push_tasks(
                LabelStudio(url, token),
                opened,
                title,
                round=round,
                on_progress=lambda done, _all: bar.reach(done),
            )
        told, said = {"added": added}, f"{added} tasks added to {title!r} on {url}"
    if json:
        console.record({"project": str(project), "tool": tool, **told})
    console.say(said)


@annotate_app.command
def pull(
    project: Path,
    tool: Tool,
    *,
    url: str,
    title: str,
    annotator: Annotated[str, WHO] = "",
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Fetch what people corrected on a server of CVAT or Label Studio.

    Parameters
    ----------
    project
        Folder of the project.
    tool
        Where from.
    url
        Address of the server.
    title
        Of the task or project there.
    annotator
        Who corrected in CVAT, which does not note it.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    console = Console(json_lines=json, quiet=quiet)
    opened, token = open_project(project), _token(tool)
    if tool == "cvat":
        from spinepose.annotation.exchange.cvat_server import pull_cvat

        if not annotator:
            raise UsageError("CVAT does not note who corrected: say so with --as NAME")
        found = pull_cvat(url, token, opened, title, annotator)
    else:
        from spinepose.annotation.exchange.label_studio_server import LabelStudio
        from spinepose.annotation.exchange.label_studio_server import pull as pull_tasks

        found = pull_tasks(LabelStudio(url, token), opened, title)
    _take_over(opened, found, console)


def _take_over(project: Project, found: Sequence[Correction], console: Console) -> None:
    from spinepose.annotation.exchange.said import take_over

    taken = take_over(project, found)
    if console.json_lines:
        console.record({"project": str(project.root), **taken._asdict()})
    console.say(
        f"{taken.added} corrections taken over, {taken.known} were known, "
        f"{taken.older} are older than what is here"
    )
    console.say(f"next: spinepose annotate merge {project.root}")


@annotate_app.command
def export(
    project: Path,
    out: Path,
    *,
    form: Literal["cvat", "coco", "cvat-labels"] = "cvat",
    round: int | None = None,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Write the queue with its guesses as a file for CVAT or other tools.

    Parameters
    ----------
    project
        Folder of the project.
    out
        File to write: .xml or .json, or .zip with the pictures in it.
    form
        CVAT for images, COCO keypoints, or the labels that CVAT's "Raw" tab takes.
    round
        Whose queue; the last by default.
    quiet
        Print nothing but errors.
    """
    import json as json_module

    from spinepose.annotation.exchange.coco import write_coco_keypoints
    from spinepose.annotation.exchange.cvat_labels import cvat_labels
    from spinepose.annotation.exchange.cvat_xml import write_cvat
    from spinepose.files import atomic_write

    console, opened = Console(quiet=quiet), open_project(project)
    if form == "cvat-labels":
        with atomic_write(out) as temporary:
            labels = json_module.dumps(cvat_labels(opened.skeleton), indent=1)
            temporary.write_text(labels + "\n", encoding="utf-8")
        console.say(f"{out}: paste it into the Raw tab of a new project's labels")
        return
    write = write_cvat if form == "cvat" else write_coco_keypoints
    console.say(f"{write(out, opened, round=round)} people -> {out}")


@annotate_app.command(name="import")
def import_(
    project: Path,
    source: Path,
    *,
    annotator: Annotated[str, WHO],
    form: Literal["cvat", "coco"] = "cvat",
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Take over what CVAT or another tool exported.

    Parameters
    ----------
    project
        Folder of the project.
    source
        The exported file.
    annotator
        Who corrected.
    form
        "CVAT for images 1.1" or "COCO Keypoints 1.0".
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.annotation.exchange.coco import read_coco_keypoints
    from spinepose.annotation.exchange.cvat_xml import read_cvat

    console, opened = Console(json_lines=json, quiet=quiet), open_project(project)
    read = read_cvat if form == "cvat" else read_coco_keypoints
    _take_over(opened, read(source, opened, annotator), console)
