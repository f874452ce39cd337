"""What to correct in a round, in which order and why.

``rounds/NNN/queue.json`` is ``{"items": [{"item": ID, "reason": TEXT}, ...]}``, the most useful
item first. Whoever chose them adds how; other fields, of the file or of an entry, are for others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinepose.annotation.project import Project
from spinepose.annotation.store import NONSENSE, reason_of
from spinepose.errors import DataError
from spinepose.files import atomic_write

__all__ = ["Choice", "Queue", "queue_path", "read_queue", "write_queue"]


@dataclass(frozen=True, slots=True)
class Choice:
    """An item to correct.

    Attributes
    ----------
    item
        Its id.
    reason
        Why, in words; may be empty.
    priority
        The higher, the more there is to learn; comparable within a queue.
    """

    item: str
    reason: str = ""
    priority: float = 0.0


@dataclass(frozen=True, slots=True)
class Queue:
    """What to correct in a round, in this order.

    Attributes
    ----------
    round
        Of the guesses to correct.
    strategy
        How the items were chosen: key of :data:`.STRATEGIES`, or ``flagged``; empty if the file
        does not say.
    seed
        Of what was drawn.
    items
        The choices.
    """

    round: int
    strategy: str
    seed: int
    items: tuple[Choice, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        items = [
            {"item": c.item, "reason": c.reason, "priority": round(c.priority, 4)}
            for c in self.items
        ]
        return {
            "round": self.round,
            "strategy": self.strategy,
            "seed": self.seed,
            "items": items,
        }


def queue_path(project: Project, number: int) -> Path:
    """Return the file of a round's queue; it need not be there."""
    return project.round_folder(number) / "queue.json"


def write_queue(project: Project, queue: Queue) -> None:
    """Write the queue of its round.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    with atomic_write(queue_path(project, queue.round)) as temporary:
        text = json.dumps(queue.to_dict(), indent=1, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8")


def read_queue(project: Project, number: int) -> Queue:
    """Read the queue of a round; of an item that is named twice the first counts.

    Raises
    ------
    DataError
        There is none, or it is broken.
    """
    path = queue_path(project, number)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        choices: dict[str, Choice] = {}
        for choice in map(_choice, values["items"]):
            choices.setdefault(choice.item, choice)
        strategy, seed = str(values.get("strategy", "")), int(values.get("seed", 0))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: select first") from error
    except (OSError, *NONSENSE) as error:
        reason = reason_of(error)
        raise DataError(f"{path} is no queue of a round: {reason}; select again") from error
    return Queue(number, strategy, seed, tuple(choices.values()))


def _choice(entry: Any) -> Choice:
    priority = float(entry.get("priority", 0.0))
    return Choice(str(entry["item"]), str(entry.get("reason", "")), priority)
