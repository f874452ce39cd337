"""Tables of a page, from rows or from Markdown as the reports of this package write it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

__all__ = ["bar", "from_markdown", "grid", "span", "table"]

_BAR = 90
"""Width of a bar in a table, px."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table.

    Parameters
    ----------
    head
        Text.
    rows
        HTML: text in it must be escaped already.
    """
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    lines = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def grid(figures: Sequence[str], kind: str = "figures") -> str:
    """Return figures side by side; `kind` is a class of the page's style."""
    return f'<div class="{kind}">{"".join(figures)}</div>'


def bar(share: float, look: str) -> str:
    """Return a bar of a share 0..1, in the colour of a class."""
    length = _BAR * min(max(share, 0.0), 1.0)
    return (
        f'<svg class="bar" viewBox="0 0 {_BAR} 10" aria-hidden="true">'
        f'<rect class="{look}" width="{length:.1f}" height="10"/></svg>'
    )


def span(inner: tuple[float, float], outer: tuple[float, float]) -> str:
    """Return a range as a line on the band of another one; both are low and high."""
    low, high = min(*inner, *outer), max(*inner, *outer)
    size = _BAR / max(high - low, 1e-9)
    (a, b), (c, d) = (((x - low) * size, (y - low) * size) for x, y in (inner, outer))
    return (
        f'<svg class="bar" viewBox="0 0 {_BAR} 10" aria-hidden="true">'
        f'<rect class="band" x="{c:.1f}" width="{d - c:.1f}" height="10"/>'
        f'<rect class="g0" x="{a:.1f}" y="3" width="{max(b - a, 1.5):.1f}" height="4"/></svg>'
    )


def from_markdown(text: str) -> str:
    """Return headings, tables, lists and paragraphs of Markdown; all text is escaped."""
    return "".join(_blocks(text))


def _blocks(text: str) -> Iterator[str]:
    for kind, group in groupby(text.splitlines(), key=_kind):
        lines = list(group)
        if kind == "|":
            cells = [_cells(line) for line in lines]
            yield table([_words(cell) for cell in cells[0]], [_inline(row) for row in cells[2:]])
        elif kind == "-":
            entries = "".join(f"<li>{_inline([line[2:]])[0]}</li>" for line in lines)
            yield f'<ul class="plain">{entries}</ul>'
        elif kind == "#":
            yield from (f"<h3>{escape(line.lstrip('# '))}</h3>" for line in lines)
        elif kind:
            yield f"<p>{_inline([' '.join(lines)])[0]}</p>"


def _kind(line: str) -> str:
    """Return what a line belongs to: ``|``, ``-``, ``#``, text, or nothing."""
    if not line.strip():
        return ""
    return line[0] if line[0] in "|#" or line.startswith("- ") else "text"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _words(cell: str) -> str:
    return cell.replace("`", "")


def _inline(cells: Sequence[str]) -> list[str]:
    return [re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(cell)) for cell in cells]
