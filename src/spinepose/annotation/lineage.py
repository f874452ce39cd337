"""The story of a label: what was guessed, who made what of it, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.annotation.records import ABSENT, Correction, Guess

__all__ = ["lineage_of", "said_of"]


def said_of(correction: Correction, k: int) -> list[float] | str:
    """Return what a correction says of a keypoint: x, y and visibility, or ``absent``."""
    if correction.visibility[k] == ABSENT:
        return "absent"
    return [*correction.keypoints[k].round(2).tolist(), int(correction.visibility[k])]


def lineage_of(
    said: Mapping[str, Correction],
    disputed: npt.NDArray[np.bool_],
    judge: str,
    guesses: Mapping[int, Mapping[str, Guess]],
) -> tuple[Mapping[str, Any], ...]:
    """Return where the label of each keypoint of an item comes from.

    Parameters
    ----------
    said
        What each annotator says.
    disputed
        (K,) whether they disagree.
    judge
        Whose word counts then; empty if nobody's does.
    guesses
        Of each round, by item.

    Returns
    -------
    tuple
        K dictionaries. ``state`` is ``corrected`` by one person, ``agreed`` by several,
        ``preferred`` (in conflict, the judge is believed) or ``conflict``. ``steps`` has of each
        annotator what was guessed where, by what, and what was made of it, when, with what.
    """
    agreed = "agreed" if len(said) > 1 else "corrected"
    shown = {name: guesses.get(c.round, {}).get(c.item) for name, c in said.items()}
    return tuple(
        {
            "state": ("preferred" if judge else "conflict") if disputed[k] else agreed,
            "steps": [_step(name, c, shown[name], k) for name, c in said.items()],
        }
        for k in range(len(disputed))
    )


def _step(name: str, correction: Correction, guess: Guess | None, k: int) -> dict[str, Any]:
    """Return what an annotator was shown of a keypoint, and made of it."""
    known = guess is not None and bool(np.isfinite(guess.keypoints[k]).all())
    return {
        "by": name,
        "time": correction.time,
        "tool": correction.tool,
        "round": correction.round,
        "guessed_by": guess.sources[k] if guess is not None and known else "",
        "from": guess.keypoints[k].round(2).tolist() if guess is not None and known else None,
        "moved": bool(correction.moved[k]),
        "to": said_of(correction, k),
    }
