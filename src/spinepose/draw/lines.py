"""Lines over time, or over any other number, as inline SVG, beside the other charts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

import numpy as np
import numpy.typing as npt

from spinepose.draw.charts import drawing, figure, round_edges

__all__ = ["lines"]

Float64 = npt.NDArray[np.float64]

_LEFT, _RIGHT, _TOP, _PLOT = 38, 376, 18, 110
"""Where the lines of a chart over time begin and end, and how tall it is."""
_TICKS = 5
_POINTS = 600
"""Of one line; more would not be seen."""
_STROKE = np.array([[-1.0, 0.0], [1.0, 0.0]])


def lines(
    title: str,
    times: npt.ArrayLike,
    series: Mapping[str, npt.ArrayLike],
    unit: str,
    *,
    limits: Mapping[str, float] | None = None,
    ceiling: float = math.inf,
    over: str = "seconds",
) -> str:
    """Return lines over time on one axis; they break where values are not finite.

    The picture says in ``data-plot`` where the axis of time begins and ends in its own units, and
    in ``data-time`` at which times, and has a mark ``.cursor`` at its beginning: what a script
    needs to show a time.

    Parameters
    ----------
    title
        Above the chart.
    times
        (T,) s, rising.
    series
        At most three: name -> (T,) values.
    unit
        Of the values.
    limits
        Name -> value of horizontal lines.
    ceiling
        Larger values are drawn at it, and the legend says how large they are.
    over
        What `times` are, if they are no times.
    """
    seconds = np.asarray(times, np.float64)
    arrays = {name: np.asarray(values, np.float64) for name, values in series.items()}
    known = np.concatenate([v[np.isfinite(v)] for v in arrays.values()] or [np.empty(0)])
    if not len(known):
        return figure(title, '<p class="none">not recorded</p>')
    limits = limits or {}
    levels = round_edges(np.minimum([*known, 0.0, *limits.values()], ceiling), _TICKS)
    first, last = float(seconds[0]), max(float(seconds[-1]), float(seconds[0]) + 1e-9)
    foot = _TOP + _PLOT

    def across(time: npt.ArrayLike) -> Float64:
        return _LEFT + (np.asarray(time) - first) / (last - first) * (_RIGHT - _LEFT)

    def down(value: npt.ArrayLike) -> Float64:
        share = (np.asarray(value) - levels[0]) / (levels[-1] - levels[0])
        return np.asarray(foot - share * _PLOT)

    parts = [_level(float(down(level)), f"{level:.6g}") for level in levels]
    ticks = round_edges(seconds, _TICKS) if len(seconds) > 1 else seconds
    parts += [
        f'<text class="m" x="{across(tick):.1f}" y="{foot + 12}">{tick:.6g}</text>'
        for tick in ticks
        if first - 1e-9 <= tick <= last + 1e-9
    ]
    for name, limit in limits.items():
        parts.append(_limit(float(down(limit)), name))
    for look, (name, values) in enumerate(arrays.items()):
        chosen = _thinned(values)
        y = down(np.minimum(values[chosen], ceiling))
        parts += _polylines(np.column_stack([across(seconds[chosen]), y]), look)
        parts.append(_legend(name, values, ceiling, look, len(arrays)))
    parts.append(f'<path class="cursor" d="M{_LEFT} {_TOP}V{foot}"/>')
    more = f' data-plot="{_LEFT} {_RIGHT}" data-time="{first:.6g} {last:.6g}"'
    return figure(f"{title}, {unit}, over {over}", drawing(title, foot + 16, parts, more))


def _level(y: float, text: str) -> str:
    """Return a line of the grid with its number."""
    return (
        f'<path class="grid" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>'
        f'<text class="n" x="{_LEFT - 4}" y="{y + 4:.1f}">{text}</text>'
    )


def _limit(y: float, name: str) -> str:
    return (
        f'<path class="limit" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>'
        f'<text x="{_RIGHT + 4}" y="{y + 4:.1f}">{escape(name)}</text>'
    )


def _legend(name: str, values: Float64, ceiling: float, look: int, count: int) -> str:
    """Return the name of a line, and how large it gets if that is not seen."""
    x = _LEFT + look * (_RIGHT - _LEFT) / count
    most = float(np.max(values, initial=-math.inf, where=np.isfinite(values)))
    beyond = f" (up to {most:,.0f})" if most > ceiling else ""
    return (
        f'<rect class="g{look}" x="{x:.0f}" y="5" width="14" height="3"/>'
        f'<text x="{x + 18:.0f}" y="11">{escape(name)}{beyond}</text>'
    )


def _thinned(values: Float64) -> npt.NDArray[np.int64]:
    """Return which values to draw: of many, the lowest and the highest of each stretch."""
    count = len(values)
    if count <= _POINTS:
        return np.arange(count)
    edges = np.linspace(0, count, _POINTS // 2 + 1).round().astype(np.int64)
    chosen = [
        start + index
        for start, part in zip(edges, np.split(values, edges[1:-1]), strict=False)
        for index in (
            int(np.where(np.isfinite(part), part, np.inf).argmin()),
            int(np.where(np.isfinite(part), part, -np.inf).argmax()),
        )
    ]
    return np.unique([0, *chosen, count - 1])


def _polylines(points: Float64, look: int) -> list[str]:
    """Return the runs of finite points (T, 2); a point alone becomes a short stroke."""
    known = np.isfinite(points).all(axis=1)
    cuts = np.flatnonzero(np.diff(known.astype(np.int8))) + 1
    runs = [run for run in np.split(points, cuts) if np.isfinite(run).all()]
    strokes = [run if len(run) > 1 else run + _STROKE for run in runs]
    return [
        f'<polyline class="s{look}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in stroke)}"/>'
        for stroke in strokes
    ]
