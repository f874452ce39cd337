"""Small charts as inline SVG: bars with their numbers, readable in print and on dark screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

__all__ = ["bars", "histogram", "stacked"]

_ROW, _NAME, _WIDTH = 18, 150, 430


def bars(title: str, counts: Mapping[str, float], *, most: int = 40) -> str:
    """Return horizontal bars in the order given, each with its number.

    Parameters
    ----------
    title
        Above the chart.
    counts
        Name -> value; more than `most` are cut off.
    """
    if not counts:
        return _figure(title, '<p class="none">not recorded</p>')
    rows = list(counts.items())[:most]
    top = max(max(value for _, value in rows), 1e-9)
    parts = []
    for index, (name, value) in enumerate(rows):
        y = index * _ROW
        length = (_WIDTH - _NAME - 60) * value / top
        parts.append(
            f'<text x="{_NAME - 6}" y="{y + 13}" class="name">{escape(str(name))}</text>'
            f'<rect x="{_NAME}" y="{y + 3}" width="{length:.1f}" height="12"/>'
            f'<text x="{_NAME + length + 5:.1f}" y="{y + 13}">{value:g}</text>'
        )
    return _figure(title, _svg(len(rows) * _ROW, parts))


def histogram(
    title: str,
    groups: Mapping[str, Sequence[float] | npt.NDArray[np.floating]],
    unit: str,
    bins: int = 24,
) -> str:
    """Return the distribution of one or two groups of values, with mean and deviation.

    Parameters
    ----------
    title
        Above the chart.
    groups
        Name -> values; not finite ones are left out.
    unit
        Of the values.
    bins
        Columns.
    """
    values = {name: np.asarray(v, float)[np.isfinite(v)] for name, v in groups.items() if len(v)}
    values = {name: v for name, v in values.items() if len(v)}
    if not values:
        return _figure(title, '<p class="none">not recorded</p>')
    together = np.concatenate(list(values.values()))
    low, high = float(together.min()), float(together.max())
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    heights = {name: np.histogram(v, edges)[0] for name, v in values.items()}
    top = max(int(h.max()) for h in heights.values())
    wide, tall = _WIDTH / bins, 90
    parts = [
        f'<rect class="g{group}" x="{i * wide + 1:.1f}" y="{tall - tall * h / top:.1f}" '
        f'width="{wide - 2:.1f}" height="{tall * h / top:.1f}"/>'
        for group, counts in enumerate(heights.values())
        for i, h in enumerate(counts)
        if h
    ]
    parts += [
        f'<text x="{at * _WIDTH:.0f}" y="{tall + 14}" text-anchor="{anchor}">'
        f"{low + (edges[-1] - low) * at:.4g}</text>"
        for at, anchor in ((0, "start"), (0.5, "middle"), (1, "end"))
    ]
    said = "; ".join(
        f'<span class="g{i}">{escape(name)}</span> {v.mean():.4g} &plusmn; {v.std():.3g} '
        f"{escape(unit)} (n {len(v)})"
        for i, (name, v) in enumerate(values.items())
    )
    return _figure(title, _svg(tall + 18, parts) + f"<p>{said}</p>")


def stacked(
    title: str, rows: Sequence[tuple[str, Sequence[float]]], parts: Sequence[str], marked: set[str]
) -> str:
    """Return one full-width bar for each row, divided into shares.

    Parameters
    ----------
    title
        Above the chart.
    rows
        Name and shares that add up to 1.
    parts
        What the shares are called.
    marked
        Names to be set in bold.
    """
    room = _WIDTH - _NAME - 40
    drawn = []
    for index, (name, shares) in enumerate(rows):
        y, x = index * _ROW, float(_NAME)
        weight = ' font-weight="700"' if name in marked else ""
        drawn.append(
            f'<text x="{_NAME - 6}" y="{y + 13}" class="name"{weight}>{escape(name)}</text>'
        )
        for part, share in enumerate(shares):
            drawn.append(
                f'<rect class="g{part}" x="{x:.1f}" y="{y + 3}" width="{room * share:.1f}" '
                'height="12"/>'
            )
            x += room * share
        drawn.append(f'<text x="{_NAME + room + 4}" y="{y + 13}">{100 * shares[0]:.0f} %</text>')
    legend = ", ".join(f'<span class="g{i}">{escape(part)}</span>' for i, part in enumerate(parts))
    return _figure(title, _svg(len(rows) * _ROW, drawn) + f"<p>{legend}</p>")


def _svg(height: int, parts: Sequence[str]) -> str:
    body = "".join(parts)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{body}</svg>'


def _figure(title: str, body: str) -> str:
    return f"<figure><h2>{escape(title)}</h2>{body}</figure>"
