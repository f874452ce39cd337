"""What to correct, in which order and why: the queue of a round.

``rounds/NNN/queue.json`` is ``{"items": [{"item": ID, "reason": TEXT}, ...]}``, the most useful
item first. Other fields, of the file or of an entry, are for others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spinepose.annotation.project import Project
from spinepose.errors import DataError, UsageError

__all__ = ["Task", "find_tasks", "read_tasks"]


@dataclass(frozen=True, slots=True)
class Task:
    """An item to correct.

    Attributes
    ----------
    item
        Its id.
    reason
        Why, for people to read; may be empty.
    """

    item: str
    reason: str = ""


def read_tasks(path: str | Path) -> list[Task]:
    """Read the queue of a round; of an item that is named twice the first counts.

    Raises
    ------
    DataError
        The file is missing or is no queue.
    """
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))["items"]
        reasons: dict[str, str] = {}
        for entry in entries:
            reasons.setdefault(str(entry["item"]), str(entry.get("reason", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise DataError(f"{path} is no queue of a round: {reason}; choose items again") from error
    return [Task(item, why) for item, why in reasons.items()]


def find_tasks(project: Project, round: int, items: Sequence[str] | None = None) -> list[Task]:
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
    path, known = project.round_folder(round) / "queue.json", project.items()
    queued = read_tasks(path) if path.exists() else [Task(item) for item in known]
    reasons = {task.item: task.reason for task in queued}
    tasks = (
        queued
        if items is None
        else [Task(item, reasons.get(item, "")) for item in dict.fromkeys(items)]
    )
    unknown = [task.item for task in tasks if task.item not in known]
    if unknown:
        raise DataError(
            f"{project.root} does not have {len(unknown)} of the items to correct "
            f"({', '.join(unknown[:3])}); choose items again"
        )
    if not tasks:
        raise UsageError(f"{project.root} has nothing to correct: add items first")
    return tasks
