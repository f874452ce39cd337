"""What somebody is given to correct, on the page or in another tool."""

from __future__ import annotations

from collections.abc import Sequence

from spinepose.annotation.project import Project
from spinepose.annotation.queue import Choice, queue_path, read_queue
from spinepose.errors import DataError, UsageError

__all__ = ["find_tasks", "shown_round"]


def shown_round(project: Project, round: int | None = None) -> int:
    """Return the round whose guesses are shown: the latest if `None`, -1 if there is none.

    Raises
    ------
    DataError
        The round that is asked for has no guesses.
    """
    rounds = project.rounds()
    if round is None:
        return max(rounds, default=-1)
    if round not in rounds:
        raise DataError(f"{project.root} has no guesses in round {round}; make them first")
    return round


def find_tasks(project: Project, round: int, items: Sequence[str] | None = None) -> list[Choice]:
    """Return what to correct: the items asked for, or else the round's queue, or else all items.

    Parameters
    ----------
    project
        Where the items are.
    round
        Its queue gives order and reasons.
    items
        Ids, in the order wanted.

    Raises
    ------
    UsageError
        There is nothing to correct.
    DataError
        The queue is broken, or an item is not in the project.
    """
    known = project.items()
    queued = (
        list(read_queue(project, round).items)
        if queue_path(project, round).exists()
        else [Choice(item) for item in known]
    )
    tasks = queued
    if items is not None:
        by_item = {task.item: task for task in queued}
        tasks = [by_item.get(item, Choice(item)) for item in dict.fromkeys(items)]
    unknown = [task.item for task in tasks if task.item not in known]
    if unknown:
        raise DataError(
            f"{project.root} does not have {len(unknown)} of the items to correct "
            f"({', '.join(unknown[:3])}); choose items again"
        )
    if not tasks:
        raise UsageError(f"{project.root} has nothing to correct: add items first")
    return tasks
