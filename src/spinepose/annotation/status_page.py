"""Where a project stands, as a page: one HTML file without scripts or anything from outside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby, zip_longest
from pathlib import Path

from spinepose.annotation.agreement import Agreement, agreement
from spinepose.annotation.merge import Conflict, merge
from spinepose.annotation.project import Project
from spinepose.annotation.records import Item
from spinepose.annotation.status import ANNOTATORS, ROUNDS, RoundStatus, Status, status
from spinepose.annotation.thumbnails import thumbnail
from spinepose.draw.lines import lines
from spinepose.draw.page import page
from spinepose.errors import DataError, InputError
from spinepose.files import atomic_write
from spinepose.media import read_image
from spinepose.plain import shown

__all__ = ["write_status"]

_STYLE = """
svg.cut { width: 150px; } svg.cut circle { fill: none; stroke-width: 2; }
svg.cut text { fill: #fff; stroke: #000; stroke-width: 3px; paint-order: stroke; }
table { border-collapse: collapse; margin: .5rem 0; } th { font-weight: 400; text-align: left; }
th, td { padding: .15rem .8rem .15rem 0; border-bottom: 1px solid var(--soft);
  vertical-align: top; } td { text-align: right; } td.text { text-align: left; }
thead th { color: var(--muted); }
"""
_MOST = 100
"""Conflicts on the page."""


def write_status(project: Project, path: str | Path) -> Status:
    """Write a page about a project: its learning curve, annotators and open conflicts.

    Parameters
    ----------
    project
        Any.
    path
        The ``.html`` file.

    Returns
    -------
    Status
        The numbers on it.

    Raises
    ------
    DataError
        A file of the project is broken.
    OutputError
        The page cannot be written.
    """
    found = status(project)
    sections = {
        "Learning curve": _curve(found.rounds),
        "Rounds": _table(ROUNDS, [r.cells() for r in found.rounds], words=(1,)),
        "Annotators": _annotators(found) + _agreement(project),
        "Open conflicts": _conflicts(project, merge(project).open_conflicts),
    }
    title = f"Annotation of {project.root.resolve().name}"
    cards = "".join(f"<li><b>{count}</b> {name}</li>" for name, count in _cards(found))
    head = f"<h1>{escape(title)}</h1><ul>{cards}</ul>"
    with atomic_write(path) as temporary:
        text = page(title, head, sections.items(), style=_STYLE)
        temporary.write_text(text, encoding="utf-8")
    return found


def _cards(found: Status) -> Iterator[tuple[str, int]]:
    yield "people", found.items
    yield "labelled", found.labelled
    yield "rejected", found.rejected
    yield "open conflicts", found.conflicts
    yield "waiting in the queue", found.waiting


def _curve(rounds: Sequence[RoundStatus]) -> str:
    """Return what guesses were like after so many people."""
    order = sorted(rounds, key=lambda r: r.learned)
    people = [r.learned for r in order]
    error = {"mean error": [100 * r.spine_error for r in order]}
    moved = {"moved by annotators": [100 * r.moved for r in order]}
    over = "corrected people learned from"
    return (
        "<div>"
        + lines("Error of the guessed spine", people, error, "% of the trunk", over=over)
        + lines("Keypoints that annotators moved", people, moved, "%", over=over)
        + "</div><p>Measured on the same corrected people in every round, whom none learned from. "
        "A keypoint that was left where it was shown has no error in that round.</p>"
    )


def _annotators(found: Status) -> str:
    rows = [
        (name, str(count), shown(seconds)) for name, (count, seconds) in found.annotators.items()
    ]
    return _table(ANNOTATORS, rows)


def _agreement(project: Project) -> str:
    """Return how well annotators agree, if any two corrected the same people."""
    try:
        pairs = agreement(project)
    except DataError:
        return "<p>No two annotators corrected the same people yet.</p>"
    head = ("agreement", "people", "OKS", "OKS of the spine", "same rejections", "farthest apart")
    return _table(head, [_pair(pair) for pair in pairs], words=(5,))


def _pair(pair: Agreement) -> tuple[str, ...]:
    worst = sorted((k for k in pair.keypoints if k.people), key=lambda k: -k.median_share)[:3]
    return (
        f"{pair.first} and {pair.second}",
        str(pair.people),
        shown(pair.oks, 3),
        shown(pair.spine_oks, 3),
        f"{pair.rejected:.0%}",
        ", ".join(f"{k.name} {k.median_px:.1f} px" for k in worst),
    )


def _conflicts(project: Project, conflicts: Sequence[Conflict]) -> str:
    """Return the conflicts, those about whole people first, then the farthest apart."""

    def rank(conflict: Conflict) -> tuple[bool, float]:
        return bool(conflict.keypoint), math.inf if math.isnan(conflict.apart) else -conflict.apart

    items = project.items()
    chosen = sorted(conflicts, key=rank)[:_MOST]
    cuts = _thumbnails(project, items, chosen)
    rows = [
        (
            conflict.item,
            items[conflict.item].picture,
            conflict.keypoint or "whole person",
            "; ".join(f"{name}: {_said(word)}" for name, word in conflict.said.items()),
            shown(conflict.apart),
        )
        for conflict in chosen
    ]
    more = len(conflicts) - len(rows)
    note = f'<p class="none">and {more} more</p>' if more else ""
    head = ("item", "picture", "keypoint", "said", "apart, spreads")
    return _table(head, rows, words=(1, 2, 3), cuts=cuts) + note


def _thumbnails(
    project: Project, items: Mapping[str, Item], conflicts: Sequence[Conflict]
) -> list[str]:
    """Return what each conflict looks like; each picture is read once, empty if it is gone."""
    found = [""] * len(conflicts)
    order = sorted(range(len(conflicts)), key=lambda i: items[conflicts[i].item].picture)
    for _, rows in groupby(order, key=lambda i: items[conflicts[i].item].picture):
        image = None
        for row in rows:
            item = items[conflicts[row].item]
            try:
                image = read_image(project.picture(item)) if image is None else image
            except InputError:
                break
            found[row] = thumbnail(image, item, conflicts[row])
    return found


def _said(word: str | list[float]) -> str:
    if isinstance(word, str):
        return word
    return f"{word[0]:.1f}, {word[1]:.1f}{'' if word[2] == 2 else ' hidden'}"


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    words: Sequence[int] = (),
    cuts: Sequence[str] = (),
) -> str:
    """Return a table of text; `words` are columns that hold no numbers, `cuts` the last column."""
    if not rows:
        return '<p class="none">none</p>'
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    looks = ['<td class="text">' if column in words else "<td>" for column in range(len(head))]
    lines = []
    for row, cut in zip_longest(rows, cuts, fillvalue=""):
        cells = zip(looks[1:], row[1:], strict=True)
        lines.append(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f"{look}{escape(cell)}</td>" for look, cell in cells)
            + (f"<td>{cut}</td></tr>" if cuts else "</tr>")
        )
    extra = "<th></th>" if cuts else ""
    return f"<table><thead><tr>{titles}{extra}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
