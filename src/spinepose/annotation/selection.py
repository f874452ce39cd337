"""Which people to correct next: those that the network doubts, and no two alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.annotation.doubts import describe, total_doubt
from spinepose.annotation.project import Project
from spinepose.annotation.records import Guess
from spinepose.errors import DataError, UsageError
from spinepose.files import atomic_write

__all__ = ["STRATEGIES", "Choice", "Queue", "read_queue", "select"]

Float64 = npt.NDArray[np.float64]

PER_GROUP = 5
"""People of one video in a queue, while there are others."""

_UNLIKE = 0.75
"""Share of the items that are more alike than one of which it is told that it is not."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An item to correct.

    Attributes
    ----------
    item
        Its id.
    reason
        Why, in words.
    priority
        The higher, the more there is to learn; comparable within a queue.
    """

    item: str
    reason: str
    priority: float


@dataclass(frozen=True, slots=True)
class Queue:
    """What to correct in a round, in this order.

    Attributes
    ----------
    round
        Of the guesses to correct.
    strategy
        Key of :data:`STRATEGIES`.
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


@dataclass(frozen=True, slots=True)
class _Strategy:
    """What counts: how doubtful an item is (of its guess), and how unlike the chosen ones."""

    doubt: Callable[[Guess], float] | None = None
    diverse: bool = False


STRATEGIES: Mapping[str, _Strategy] = MappingProxyType(
    {
        "doubt+diversity": _Strategy(lambda guess: total_doubt(guess.doubts), True),
        "doubt": _Strategy(lambda guess: total_doubt(guess.doubts)),
        "score": _Strategy(lambda guess: guess.doubts.get("score", 0.0)),
        "diversity": _Strategy(diverse=True),
        "random": _Strategy(),
    }
)
"""What :func:`select` can go by."""


def select(
    project: Project,
    number: int,
    count: int,
    *,
    strategy: str = "doubt+diversity",
    per_group: int = PER_GROUP,
    seed: int = 0,
) -> Queue:
    """Choose what to correct in a round, and write it to the round's ``queue.json``.

    One after the other, the item is taken for which doubt times distance is greatest: the distance
    in feature space to the nearest item that is corrected or taken. Without doubts this is the
    greedy k-centre of Sener and Savarese 2018 (ICLR, arXiv 1708.00489), which covers all there is;
    the doubt pulls it to where the network is unsure. What anybody corrected or rejected is left
    out.

    Parameters
    ----------
    project
        With guesses in this round.
    number
        Of the round.
    count
        How many; fewer if there are no more.
    strategy
        Key of :data:`STRATEGIES`.
    per_group
        At most so many of one video, while there are others.
    seed
        Decides what is drawn: everything for ``random``, the first item for ``diversity``, and
        between equals.

    Raises
    ------
    UsageError
        The strategy is unknown, or a number makes no sense.
    DataError
        The round has no guesses.
    OutputError
        The queue cannot be written.
    """
    if strategy not in STRATEGIES:
        raise UsageError(f"unknown strategy {strategy!r}: one of {', '.join(STRATEGIES)}")
    if count < 1 or per_group < 1:
        raise UsageError(f"count and per_group must be 1 or more, not {count} and {per_group}")
    guesses, items = project.guesses(number), project.items()
    if not guesses:
        raise DataError(f"{project.root} has no guesses in round {number}: guess first")
    corrected = {item for name in project.annotators() for item in project.corrections(name)}
    order = [item for item in guesses if item in items]
    # In another order each time: equals are taken as they come.
    order = [order[i] for i in np.random.default_rng(seed).permutation(len(order))]
    found = [guesses[item] for item in order]
    done = np.array([item in corrected for item in order], bool)
    groups = [items[item].group for item in order]
    picked = _pick(found, done, groups, count, STRATEGIES[strategy], per_group)
    choices = tuple(Choice(order[i], reason, priority) for i, reason, priority in picked)
    queue = Queue(number, strategy, seed, choices)
    with atomic_write(project.round_folder(number) / "queue.json") as temporary:
        text = json.dumps(queue.to_dict(), indent=1, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8")
    return queue


def read_queue(project: Project, number: int) -> Queue:
    """Read what :func:`select` chose in a round.

    Raises
    ------
    DataError
        There is no queue, or it is broken.
    """
    path = project.round_folder(number) / "queue.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        items = tuple(
            Choice(str(c["item"]), str(c["reason"]), float(c["priority"])) for c in values["items"]
        )
        return Queue(int(values["round"]), str(values["strategy"]), int(values["seed"]), items)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: select first") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read: {error}; select again") from error


def _pick(
    guesses: Sequence[Guess],
    done: npt.NDArray[np.bool_],
    groups: Sequence[str],
    count: int,
    strategy: _Strategy,
    per_group: int,
) -> list[tuple[int, str, float]]:
    """Return indices, reasons and priorities of the chosen ones of N guesses."""
    doubt = strategy.doubt
    weight = np.ones(len(guesses)) if doubt is None else np.array([doubt(g) for g in guesses])
    features = _features(guesses) if strategy.diverse else np.zeros((len(guesses), 0))
    nearest = np.full(len(guesses), np.inf)
    for i in np.flatnonzero(done).tolist() if strategy.diverse else ():
        nearest = np.minimum(nearest, _distance(features, i))
    free, crowds = ~done, dict.fromkeys(groups, 0)
    picked: list[tuple[int, str, float]] = []
    while free.any() and len(picked) < count:
        allowed = free & np.array([crowds[group] < per_group for group in groups])
        allowed = allowed if allowed.any() else free
        # Before anything is chosen everything is equally far.
        value = weight * (nearest if np.isfinite(nearest).all() else 1.0)
        best = int(np.where(allowed, value, -np.inf).argmax())
        reason = _reason(guesses[best], strategy, nearest[best], nearest[free])
        picked.append((best, reason, float(value[best])))
        free[best] = False
        crowds[groups[best]] += 1
        if strategy.diverse:
            nearest = np.minimum(nearest, _distance(features, best))
    return picked


def _features(guesses: Sequence[Guess]) -> Float64:
    """Return the features (N, D); zeros where one has none."""
    width = max(len(guess.feature) for guess in guesses)
    features = np.zeros((len(guesses), width))
    for row, guess in zip(features, guesses, strict=True):
        row[: len(guess.feature)] = guess.feature
    return features


def _distance(features: Float64, one: int) -> Float64:
    return np.asarray(np.linalg.norm(features - features[one], axis=1))


def _reason(guess: Guess, strategy: _Strategy, distance: float, others: Float64) -> str:
    """Return why a guess is chosen, in words."""
    if strategy.doubt is None and not strategy.diverse:
        return "drawn at random"
    words = describe(guess.doubts)[:2] if strategy.doubt is not None else []
    if strategy.diverse and np.isfinite(distance) and distance >= np.quantile(others, _UNLIKE):
        words.append("unlike anything chosen before")
    return "; ".join(words) or "to cover all there is"
