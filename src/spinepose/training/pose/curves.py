"""The curves of a run as one picture, from its notes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spinepose.files import atomic_write

__all__ = ["draw_curves", "read_notes"]


def read_notes(path: Path) -> list[dict[str, Any]]:
    """Return the lines of ``metrics.jsonl``; a last line cut off by a kill is left out."""
    notes = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            notes.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return notes


def draw_curves(notes: list[dict[str, Any]], path: Path) -> None:
    """Draw losses and scores over the steps.

    Parameters
    ----------
    notes
        Of :func:`read_notes`: ``step`` and numbers; names with a slash are scores in percent.
    path
        A .png file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    losses, scores = figure.subplots(1, 2)
    for name in _names(notes, slash=False):
        x, y = _series(notes, name)
        losses.plot(x, _smoothed(y), label=name, linewidth=1.2)
    for name in _names(notes, slash=True):
        x, y = _series(notes, name)
        scores.plot(x, y, marker=".", label=name, linewidth=1.2)
    losses.set(title="losses, unweighted (running mean)", xlabel="step", yscale="log")
    scores.set(title="OKS share of people kept from training, %", xlabel="step")
    for axes in (losses, scores):
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=7, ncols=2)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def _names(notes: list[dict[str, Any]], slash: bool) -> list[str]:
    names = dict.fromkeys(key for note in notes for key in note)
    return [n for n in names if n not in ("step", "seconds", "gradient") and ("/" in n) == slash]


def _series(notes: list[dict[str, Any]], name: str) -> tuple[list[float], list[float]]:
    pairs = [(note["step"], note[name]) for note in notes if note.get(name) is not None]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def _smoothed(values: list[float], keep: float = 0.9) -> list[float]:
    """Return the running mean of a noisy series, without a slow start."""
    mean, weight, out = 0.0, 0.0, []
    for value in values:
        mean, weight = keep * mean + (1 - keep) * value, keep * weight + (1 - keep)
        out.append(mean / weight)
    return out
