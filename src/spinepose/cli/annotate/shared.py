"""What the commands of ``spinepose annotate`` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App, Parameter

from spinepose.errors import DataError

if TYPE_CHECKING:
    from spinepose.annotation.project import Project

__all__ = ["FLAG", "LIST", "QUIET", "WHO", "annotate_app", "last_round", "open_project"]

annotate_app = App(
    name="annotate",
    help="Grow a labelled set: a network guesses, people correct what is worth it, and it learns.",
)

FLAG = Parameter(negative=())
LIST = Parameter(consume_multiple=True, negative=())
QUIET = Parameter(name=["--quiet", "-q"], negative=())
WHO = Parameter(name=["--as"])


def open_project(folder: Path) -> Project:
    """Open a project."""
    from spinepose.annotation.project import Project

    return Project.open(folder)


def last_round(project: Project, number: int | None) -> int:
    """Return a round that was named, or the last one that has guesses."""
    rounds = project.rounds()
    if number is not None:
        return number
    if not rounds:
        raise DataError(f"{project.root} has no guesses yet: spinepose annotate guess")
    return rounds[-1]
