"""Pictures of the scores, drawn by matplotlib without a window."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spinepose.errors import MissingExtraError
from spinepose.evaluation.judge import ModelScores
from spinepose.evaluation.oks import THRESHOLDS
from spinepose.evaluation.sets import SUBSETS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DRAWN", "draw_plots", "plotter"]

_COLOURS = ("#2a6fbb", "#d9730d", "#2e8b57", "#a8327d", "#6b6b6b", "#b8961b")
_DPI = 120
DRAWN = (0, 5)
"""Rows of the thresholds whose precision is drawn: .50 and .75."""


def draw_plots(scores: Sequence[ModelScores]) -> dict[str, bytes]:
    """Return PNG files by name: thresholds, precision and recall, errors, calibration.

    Parameters
    ----------
    scores
        Of each network.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    subsets = [name for name in SUBSETS if any(name in s.subsets for s in scores)]
    return {
        "oks.png": _png(_thresholds(scores, subsets)),
        "precision.png": _png(_precisions(scores, subsets)),
        "errors.png": _png(_errors(scores)),
        "calibration.png": _png(_calibration(scores)),
    }


def plotter() -> type[Figure]:
    """Return matplotlib's figure.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("a report with plots", "eval") from error
    return Figure


def _figure(width: float, height: float) -> Figure:
    return plotter()(figsize=(width, height), dpi=_DPI, layout="constrained")


def _png(figure: Figure) -> bytes:
    target = io.BytesIO()
    # Without the version of matplotlib in it: the same scores give the same bytes.
    figure.savefig(target, format="png", metadata={"Software": ""})
    return target.getvalue()


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _panels(subsets: Sequence[str]) -> tuple[Figure, list[Axes]]:
    figure = _figure(3.4 * max(len(subsets), 1), 3.4)
    axes = figure.subplots(1, max(len(subsets), 1), sharey=True, squeeze=False)[0]
    return figure, list(axes)


def _dress(axes: Axes, title: str, x: str, y: str = "") -> None:
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _legend(figure: Figure, axes: Axes, columns: int = 4) -> None:
    """Name the lines below the panels, where they hide nothing."""
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=min(len(labels), columns),
            fontsize=8,
            frameon=False,
        )


def _thresholds(scores: Sequence[ModelScores], subsets: Sequence[str]) -> Figure:
    figure, panels = _panels(subsets)
    for axes, name in zip(panels, subsets, strict=False):
        for i, model in enumerate(scores):
            above = model.subsets[name].above if name in model.subsets else (np.nan,) * 10
            axes.plot(THRESHOLDS, above, "o-", color=_colour(i), markersize=3, label=model.name)
        _dress(axes, name, "OKS threshold", "people above, %" if axes is panels[0] else "")
        axes.set_ylim(0, 101)
    _legend(figure, panels[0])
    return figure


def _precisions(scores: Sequence[ModelScores], subsets: Sequence[str]) -> Figure:
    figure, panels = _panels(subsets)
    recall = np.linspace(0, 100, 101)
    for axes, name in zip(panels, subsets, strict=False):
        for i, model in enumerate(scores):
            for row, style in zip(DRAWN, ("-", "--"), strict=True):
                line = np.full(101, np.nan)
                if name in model.subsets:
                    line = 100 * model.subsets[name].precision.curves[row]
                label = f"{model.name}, OKS {THRESHOLDS[row]:.2f}"
                axes.plot(recall, line, style, color=_colour(i), linewidth=1.4, label=label)
        _dress(axes, name, "recall, %", "precision, %" if axes is panels[0] else "")
        axes.set_ylim(0, 101)
    _legend(figure, panels[0])
    return figure


def _errors(scores: Sequence[ModelScores]) -> Figure:
    names = list(dict.fromkeys(error.name for model in scores for error in model.errors))
    figure = _figure(max(5.0, 0.28 * len(names) + 1.5), 4.2)
    axes = figure.subplots()
    width = 0.8 / max(len(scores), 1)
    for i, model in enumerate(scores):
        at = [names.index(e.name) + (i - (len(scores) - 1) / 2) * width for e in model.errors]
        heights = [e.median_trunk for e in model.errors]
        axes.bar(at, heights, width * 0.92, color=_colour(i), label=model.name)
    _dress(axes, "median error of each keypoint", "", "% of the trunk length")
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="x", labelsize=7, length=0)
    axes.set_xlim(-0.8, len(names) - 0.2)
    axes.grid(visible=False, axis="x")
    _legend(figure, axes)
    return figure


def _calibration(scores: Sequence[ModelScores]) -> Figure:
    figure = _figure(4.2, 4.6 + 0.2 * len(scores))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 100], color="#999999", linewidth=1, linestyle=":", label="ideal")
    for i, model in enumerate(scores):
        table = np.array(model.calibration.table).reshape(-1, 3)
        label = f"{model.name} (error {model.calibration.error:.3f})"
        axes.plot(table[:, 0], 100 * table[:, 1], "-", color=_colour(i), label=label)
        axes.scatter(table[:, 0], 100 * table[:, 1], 6 + 150 * table[:, 2], color=_colour(i))
    _dress(axes, "calibration; dots: share of keypoints", "score", "right, %")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 101)
    _legend(figure, axes, columns=1)
    return figure
