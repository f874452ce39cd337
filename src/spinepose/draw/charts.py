"""Small charts as inline SVG: every number is printed, for paper and for dark screens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

__all__ = ["PAGE_STYLE", "bars", "drawing", "figure", "histogram", "round_edges", "stacked"]

Float64 = npt.NDArray[np.float64]

PAGE_STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --muted: #5d6874; --paper: #fff; --soft: #e9eff5;
  --line: #8a949e; --c0: #0072b2; --c1: #e69f00; --c2: #b4bbc2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7ea; --muted: #9aa6b1; --paper: #15191d;
  --soft: #26303a; --line: #6b7681; --c0: #56b4e9; --c1: #e69f00; --c2: #59636d; } }
body { font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h3 { font-size: .95rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 1.6rem 0 .8rem; border-bottom: 1px solid var(--line);
  break-after: avoid; } p { margin: .3rem 0; color: var(--muted); }
ul { display: flex; flex-wrap: wrap; gap: .6rem; list-style: none; padding: 0; margin: 1rem 0; }
li { background: var(--soft); border-radius: 6px; padding: .5rem .9rem; }
li b { display: block; font-size: 1.3rem; } section > div { columns: 2 330px; column-gap: 2rem; }
code { white-space: pre-wrap; overflow-wrap: anywhere; color: var(--ink); }
figure { break-inside: avoid; margin: 0 0 1.5rem; } svg { width: 100%; display: block; }
svg text { font-size: 11px; fill: var(--ink); } svg text.n { text-anchor: end; }
svg text.m { text-anchor: middle; font-size: 10px; } svg text.b { font-weight: 700; }
svg .g0 { fill: var(--c0); } svg .g1 { fill: var(--c1); } svg .g2 { fill: var(--c2); }
svg .soft { fill: var(--soft); } svg path { stroke: var(--line); }
svg polyline { fill: none; stroke-width: 1.3; stroke-linejoin: round; }
svg .s0 { stroke: var(--c0); } svg .s1 { stroke: var(--c1); } svg .s2 { stroke: var(--c2); }
svg .grid { stroke: var(--soft); } svg .limit { stroke: var(--line); stroke-dasharray: 4 3; }
.none { color: var(--muted); font-style: italic; }
@page { margin: 12mm; } @media print { :root { color-scheme: light; font-size: 12px; --ink: #000;
  --muted: #444; --paper: #fff; --soft: #e9eff5; --line: #8a949e; --c0: #0072b2; --c1: #e69f00;
  --c2: #b4bbc2; }
  body { max-width: none; margin: 0; padding: 0; font-size: 11px; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; } }
"""
"""CSS of a page of charts, for light and dark screens and for paper."""

_WIDTH, _NAME, _ROW = 430, 150, 18
_NUMBERS = 96
"""Room right of a bar for its numbers."""
_LONGEST_NAME = 24
_BINS = 12
_TALL = 64
"""Height of the highest column."""
_HEAD = 42
"""Room between two panels: line of text, number on the highest column."""
_WIDEST = 60
_LOOKS = 3
"""Number of colours."""


def bars(
    title: str,
    counts: Mapping[str, int],
    *,
    most: int = 40,
    whole: int | None = None,
    empty: str = "not recorded",
) -> str:
    """Return horizontal bars in the order given, each with its number and its share.

    Parameters
    ----------
    title
        Above the chart.
    counts
        Name -> count; those after the first `most` become a note.
    most
        Bars.
    whole
        What shares refer to; the sum of all counts when not given.
    empty
        What to say when there are no counts.
    """
    if not counts:
        return figure(title, f'<p class="none">{escape(empty)}</p>')
    rows = list(counts.items())[:most]
    top = max(max(count for _, count in rows), 1)
    whole = sum(counts.values()) if whole is None else whole
    parts = []
    for index, (name, count) in enumerate(rows):
        y, length = index * _ROW, (_WIDTH - _NAME - _NUMBERS) * count / top
        share = f" ({100 * count / whole:.1f} %)" if whole > 0 else ""
        parts.append(
            f'{_name(name, y)}<rect class="g0" x="{_NAME}" y="{y + 3}" width="{length:.1f}" '
            f'height="12"/><text x="{_NAME + length + 5:.1f}" y="{y + 13}">{count:,}{share}</text>'
        )
    note = f'<p class="none">and {len(counts) - most} more</p>' if len(counts) > most else ""
    return figure(title, drawing(title, len(rows) * _ROW, parts) + note)


def histogram(
    title: str, groups: Mapping[str, Sequence[float] | npt.NDArray[np.floating]], unit: str
) -> str:
    """Return the distribution of each group of values, one below the other on the same axis.

    Parameters
    ----------
    title
        Above the chart.
    groups
        Name -> values; those that are not finite and groups without values are left out.
    unit
        Of the values.
    """
    arrays = {name: np.asarray(values, float) for name, values in groups.items()}
    kept = {name: v[np.isfinite(v)] for name, v in arrays.items()}
    kept = {name: v for name, v in kept.items() if len(v)}
    if not kept:
        return figure(title, '<p class="none">not recorded</p>')
    edges = round_edges(np.concatenate(list(kept.values())))
    heights = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] for v in kept.values()]
    top = max(int(h.max()) for h in heights)
    wide = min((_WIDTH - 20) / (len(edges) - 1), _WIDEST)
    parts: list[str] = []
    for panel, ((name, v), columns) in enumerate(zip(kept.items(), heights, strict=True)):
        y = panel * (_TALL + _HEAD)
        said = f"{name}: {_mean_and_deviation(v)} {unit}".rstrip() + f", n = {len(v):,}"
        parts.append(f'<text x="10" y="{y + 11}">{escape(said)}</text>')
        parts += _columns(columns, top, wide, y + 31 + _TALL, panel % _LOOKS)
    foot = len(kept) * (_TALL + _HEAD)
    every = 1 if len(edges) <= _BINS // 2 + 1 else 2
    parts += [
        f'<text class="m" x="{10 + i * wide:.1f}" y="{foot + 5}">{edge:.6g}</text>'
        for i, edge in enumerate(edges)
        if i % every == 0
    ]
    return figure(f"{title}, {unit}" if unit else title, drawing(title, foot + 10, parts))


def stacked(
    title: str, rows: Sequence[tuple[str, Sequence[float]]], parts: Sequence[str], marked: set[str]
) -> str:
    """Return one full-width bar for each row, divided into shares, with the shares in per cent.

    Parameters
    ----------
    title
        Above the chart.
    rows
        Name and shares that add up to 1.
    parts
        What the shares are called, at most three.
    marked
        Names to be set in bold on a band.
    """
    if not rows:
        return figure(title, '<p class="none">not recorded</p>')
    room, step = _WIDTH - _NAME - _NUMBERS, _NUMBERS / len(parts)
    drawn = []
    for part, word in enumerate(parts):
        x = _NAME + part * (_WIDTH - _NAME) / len(parts)
        drawn.append(f'<rect class="g{part}" x="{x:.0f}" y="4" width="10" height="10"/>')
        drawn.append(f'<text x="{x + 14:.0f}" y="13">{escape(word)}, %</text>')
    for index, (name, shares) in enumerate(rows, start=1):
        y, x = index * _ROW, float(_NAME)
        if name in marked:
            drawn.append(f'<rect class="soft" y="{y}" width="{_WIDTH}" height="{_ROW}"/>')
        drawn.append(_name(name, y, " b" if name in marked else ""))
        for part, share in enumerate(shares):
            drawn.append(
                f'<rect class="g{part}" x="{x:.1f}" y="{y + 3}" width="{room * share:.1f}" '
                f'height="12"/><text class="n" x="{_NAME + room + (part + 1) * step - 4:.0f}" '
                f'y="{y + 13}">{100 * share:.0f}</text>'
            )
            x += room * share
    return figure(title, drawing(title, (len(rows) + 1) * _ROW, drawn))


def _columns(
    counts: npt.NDArray[np.integer], top: int, wide: float, foot: float, look: int
) -> list[str]:
    """Return the columns of one panel on the line y = `foot`, with their counts on top."""
    parts = [f'<path d="M10 {foot}.5H{_WIDTH - 10}"/>']
    for index, count in enumerate(counts):
        if not count:
            continue
        x, tall = 10 + index * wide, _TALL * count / top
        parts.append(
            f'<rect class="g{look}" x="{x + 1:.1f}" y="{foot - tall:.1f}" width="{wide - 2:.1f}" '
            f'height="{tall:.1f}"/><text class="m" x="{x + wide / 2:.1f}" '
            f'y="{foot - tall - 3:.1f}">{_short(int(count))}</text>'
        )
    return parts


def round_edges(values: npt.NDArray[np.floating], bins: int = _BINS) -> Float64:
    """Return the edges (E,) of about so many bins at most, at round numbers around all values."""
    low, high = float(values.min()), float(values.max())
    span = high - low if high - low > 1e-9 else max(abs(high), 1.0)
    power = 10.0 ** math.floor(math.log10(span / bins))
    step = next(power * k for k in (1, 2, 2.5, 5, 10, 20) if span <= power * k * bins)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return np.asarray(np.round(step * np.arange(first, last + 1), 9) + 0.0)


def _mean_and_deviation(values: npt.NDArray[np.floating]) -> str:
    """Return both with as many decimals as the deviation has in two digits."""
    mean, deviation = float(values.mean()), float(values.std())
    if deviation < 1e-9:
        return f"{mean:.4g} \u00b1 0"
    decimals = max(0, 1 - math.floor(math.log10(deviation)))
    return f"{mean:.{decimals}f} \u00b1 {deviation:.{decimals}f}"


def _short(count: int) -> str:
    """Return a count in at most five characters."""
    for limit, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= 10 * limit or (unit == "M" and count >= limit):
            return f"{count / limit:.3g}{unit}"
    return str(count)


def _name(name: str, y: float, more: str = "") -> str:
    """Return a picture as wide as a chart; `more` are attributes."""
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "\u2026"
    return f'<text class="n{more}" x="{_NAME - 6}" y="{y + 13}">{escape(short)}</text>'


def drawing(title: str, height: float, parts: Sequence[str], more: str = "") -> str:
    """Return a picture as wide as a chart; `more` are attributes."""
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}"{more}>'
        f"{''.join(parts)}</svg>"
    )


def figure(title: str, body: str) -> str:
    """Return a chart under its title."""
    return f"<figure><h3>{escape(title)}</h3>{body}</figure>"
