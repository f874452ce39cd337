"""Which people to correct next: those that the network doubts, and no two alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from spinepose.annotation.doubts import describe, total_doubt
from spinepose.annotation.project import Project
from spinepose.annotation.queue import Choice, Queue, write_queue
from spinepose.annotation.records import Guess
from spinepose.errors import DataError, UsageError

__all__ = ["STRATEGIES", "select"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PER_GROUP = 5
"""People of one video in a queue, while there are others."""

_REACH = 0.15
"""Standard deviation within which items are alike, in median distances between two of them."""
_ALIKE = 0.5
"""Likeness of items of which it is told that they are alike."""
_MANY = 0.01
"""Share of all items from which on it is told how many are like one."""
_LOOKED_AT = 1000
"""Items that the others are compared with: time and memory stay bounded."""


@dataclass(frozen=True, slots=True)
class _Strategy:
    """What counts: a weight of each guess, and whether the chosen ones stand for the others."""

    weight: Callable[[Guess], float] | None = None
    diverse: bool = False


def _teaches(guess: Guess) -> float:
    """Return how much there is to learn from an item: most where the network is half sure."""
    doubt = total_doubt(guess.doubts)
    return 4 * doubt * (1 - doubt)


STRATEGIES: Mapping[str, _Strategy] = MappingProxyType(
    {
        "doubt+diversity": _Strategy(_teaches, True),
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

    One after the other, the item is taken that adds most to the sum over all items of their doubt
    times their likeness to the nearest one that is corrected or taken (greedy facility location:
    Wei, Iyer and Bilmes 2015, "Submodularity in data subset selection and active learning", ICML).
    An item counts for those around it: the one odd picture that nothing is like is not worth much,
    however doubtful. The doubt d counts as ``4 d (1 - d)``: where everything is doubtful the
    network mostly did not find the person at all, and learns little from the correction
    (Karamcheti et al. 2021, "Mind your outliers!", ACL). What anybody corrected or rejected is left
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
        Decides what is drawn for ``random``, and between equals.

    Raises
    ------
    UsageError
        The strategy is unknown, or a number makes no sense.
    DataError
        The round has no guesses, or everybody in it is corrected.
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
    rng = np.random.default_rng(seed)
    # In another order each time: equals are taken as they come.
    order = [order[i] for i in rng.permutation(len(order))]
    found = [guesses[item] for item in order]
    done = np.array([item in corrected for item in order], bool)
    if done.all():
        raise DataError(
            f"everybody in round {number} of {project.root} is corrected: train, or add more people"
        )
    groups = [items[item].group for item in order]
    picked = _pick(found, done, groups, count, STRATEGIES[strategy], per_group, rng)
    choices = tuple(Choice(order[i], reason, priority) for i, reason, priority in picked)
    queue = Queue(number, strategy, seed, choices)
    write_queue(project, queue)
    return queue


def _pick(
    guesses: Sequence[Guess],
    done: Bools,
    groups: Sequence[str],
    count: int,
    strategy: _Strategy,
    per_group: int,
    rng: np.random.Generator,
) -> list[tuple[int, str, float]]:
    """Return indices, reasons and priorities of the chosen ones of N guesses."""
    weight = strategy.weight
    weights = np.ones(len(guesses)) if weight is None else np.array([weight(g) for g in guesses])
    coverage = _Coverage(guesses, weights, rng) if strategy.diverse else None
    if coverage is not None:
        for i in np.flatnonzero(done).tolist():
            coverage.take(i)
    free, crowds = ~done, dict.fromkeys(groups, 0)
    picked: list[tuple[int, str, float]] = []
    while free.any() and len(picked) < count:
        allowed = free & np.array([crowds[group] < per_group for group in groups])
        allowed = allowed if allowed.any() else free
        value = weights if coverage is None else coverage.gains()
        best = int(np.where(allowed, value, -np.inf).argmax())
        stands_for = 0.0 if coverage is None else coverage.take(best)
        picked.append((best, _reason(guesses[best], strategy, stands_for), float(value[best])))
        free[best] = False
        crowds[groups[best]] += 1
    return picked


class _Coverage:
    """How well what was taken stands for all N items: the facility location of their features.

    Parameters
    ----------
    guesses
        All items.
    weights
        (N,) what it is worth to have something like each.
    rng
        Draws those that are looked at where there are very many.
    """

    def __init__(
        self, guesses: Sequence[Guess], weights: Float64, rng: np.random.Generator
    ) -> None:
        features = _features(guesses)
        some = np.sort(rng.permutation(len(features))[:_LOOKED_AT])
        squared = (features**2).sum(axis=1)
        apart = squared[:, None] + squared[some] - 2 * features @ features[some].T
        apart = np.sqrt(np.maximum(apart, 0))
        middle = float(np.median(apart[some]))
        reach = _REACH * middle if middle > 0 else 1.0
        self._alike = np.exp(-0.5 * (apart / reach) ** 2)
        self._weights = weights[some]
        self._covered = np.zeros(len(some))

    def gains(self) -> Float64:
        """Return what taking each item (N,) would add, per item."""
        more = np.maximum(self._alike - self._covered, 0)
        return np.asarray(more @ self._weights / len(self._weights))

    def take(self, item: int) -> float:
        """Take an item; return the share of all that it is nearer to than what was taken before."""
        alike = self._alike[item]
        share = float((alike > np.maximum(self._covered, _ALIKE)).mean())
        self._covered = np.maximum(self._covered, alike)
        return share


def _features(guesses: Sequence[Guess]) -> Float64:
    """Return the features (N, D); zeros where one has none."""
    width = max(len(guess.feature) for guess in guesses)
    features = np.zeros((len(guesses), width))
    for row, guess in zip(features, guesses, strict=True):
        row[: len(guess.feature)] = guess.feature
    return features


def _reason(guess: Guess, strategy: _Strategy, stands_for: float) -> str:
    """Return why a guess is chosen, in words."""
    if strategy.weight is None and not strategy.diverse:
        return "drawn at random"
    words = describe(guess.doubts)[:2] if strategy.weight is not None else []
    if strategy.diverse:
        many = stands_for >= _MANY
        alike = f"{100 * stands_for:.0f} % of all are like it and like nothing chosen before"
        words.append(alike if many else "unlike anything chosen before")
    return "; ".join(words) or "nothing is known of it"
