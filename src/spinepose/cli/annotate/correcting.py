"""From corrections to labels: page, merge, agreement, status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from spinepose.cli.annotate.shared import (
    FLAG,
    LIST,
    QUIET,
    WHO,
    annotate_app,
    last_round,
    open_project,
)
from spinepose.cli.console import Console

if TYPE_CHECKING:
    pass

_PORT = 8137
"""Browsers keep what is not saved for one address: it should be the same after a restart."""


@annotate_app.command
def page(
    project: Path,
    *,
    annotator: Annotated[str, WHO],
    round: int | None = None,
    blind: Annotated[bool, FLAG] = False,
    port: int = _PORT,
    no_browser: Annotated[bool, FLAG] = False,
) -> None:
    """Correct the queue in a page of your browser, by mouse and keyboard. Everything is saved.

    Parameters
    ----------
    project
        Folder of the project.
    annotator
        Your name: letters, digits, dots, - and _.
    round
        Whose queue; the last by default.
    blind
        A second pass that does not show what you corrected before.
    port
        Of the page on this machine.
    no_browser
        Only print the address.
    """
    from spinepose.annotation.page import serve

    opened = open_project(project)
    number = last_round(opened, round)
    with serve(
        opened, annotator, round=number, port=port, open_browser=not no_browser, blind=blind
    ) as server:
        Console().say(f"{server.url}\nCtrl-C ends it")
        server.wait()


@annotate_app.command
def merge(
    project: Path,
    *,
    prefer: Annotated[list[str] | None, LIST] = None,
    tolerance: float = 2.0,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Make one label of everybody's corrections; what they disagree about is listed.

    Parameters
    ----------
    project
        Folder of the project.
    prefer
        Annotators whose word counts where there is a conflict.
    tolerance
        Spreads of a keypoint that annotators may be apart.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.annotation.merge import merge as merge_all
    from spinepose.annotation.merge import write_merged

    console = Console(json_lines=json, quiet=quiet)
    opened = open_project(project)
    merged = merge_all(opened, prefer=prefer or (), tolerance=tolerance)
    written = write_merged(opened, merged)
    if json:
        console.record(
            {
                "labelled": len(merged.labels),
                "rejected": len(merged.rejected),
                "conflicts": len(merged.open_conflicts),
                "written": [str(path) for path in written],
            }
        )
    for conflict in merged.open_conflicts[:10]:
        console.say(f"conflict: {conflict.item} {conflict.keypoint or 'whole person'}")
    console.say(
        f"{len(merged.labels)} people labelled, {len(merged.rejected)} rejected, "
        f"{len(merged.open_conflicts)} open conflicts -> {written[0]}"
    )


@annotate_app.command
def agreement(
    project: Path,
    annotators: Annotated[list[str] | None, Parameter(negative=())] = None,
    *,
    json: Annotated[bool, FLAG] = False,
) -> None:
    """Tell how well annotators agree: OKS, pixels, keypoint by keypoint.

    Parameters
    ----------
    project
        Folder of the project.
    annotators
        Whom to compare; all by default.
    json
        Print one JSON object for each pair instead of tables.
    """
    from spinepose.annotation.agreement import agreement as compare

    console = Console(json_lines=json)
    for found in compare(open_project(project), tuple(annotators or ())):
        if json:
            console.record(found.to_dict())
        console.say(found.to_markdown())


@annotate_app.command
def status(project: Path, *, out: Path | None = None, json: Annotated[bool, FLAG] = False) -> None:
    """Tell where a project stands, and whether the guesses get better.

    Parameters
    ----------
    project
        Folder of the project.
    out
        Page to write, with the learning curve; status.html in the project by default.
    json
        Print one JSON object instead of text.
    """
    from spinepose.annotation.status_page import write_status

    console = Console(json_lines=json)
    opened = open_project(project)
    target = out or opened.root / "status.html"
    found = write_status(opened, target)
    if json:
        console.record(found.to_dict() | {"written": str(target)})
    console.say(f"{found.to_markdown()}\nlook at {target}")
