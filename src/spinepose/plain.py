"""Findings as plain values for JSON, and as numbers and tables for people to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["markdown_table", "plain", "shown"]

_RULES = {"l": " --- ", "r": " ---: "}
"""Below the titles of columns that are as wide as their cells happen to be."""


def plain(value: Any, digits: int | None = None) -> Any:
    """Return a value as JSON has it; what is not finite, and so not known, is None.

    Parameters
    ----------
    value
        Dictionaries, sequences and arrays of numbers and strings, in each other as deep as wanted;
        numbers may be numpy's. Anything else is returned as it is.
    digits
        Decimal places of the numbers; all when not given.

    Returns
    -------
    value
        Dictionaries by strings, lists, strings, and Python's numbers.
    """
    if isinstance(value, dict):
        return {str(key): plain(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, digits) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist(), digits)
    if isinstance(value, float):
        return _plain_number(value, digits)
    return value


def _plain_number(value: float, digits: int | None) -> float | None:
    if not math.isfinite(value):
        return None
    return value if digits is None else round(value, digits)


def shown(value: float, digits: int = 1) -> str:
    """Return a number with its decimal places for people; a dash where it is not finite."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def markdown_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, align: str = "l", padded: bool = False
) -> str:
    """Return a Markdown table without a line break at its end.

    Parameters
    ----------
    head
        Titles of the columns, one or more.
    rows
        As many cells in each.
    align
        ``l`` or ``r`` for each column, to the left or to the right; the last letter holds for all
        columns behind it.
    padded
        Whether the columns line up in the text, too, for whoever reads it as it is.
    """
    lines = [head, *rows]
    sides = align.ljust(len(head), align[-1])
    widths = [max(len(line[i]) for line in lines) if padded else 0 for i in range(len(head))]
    rule = [_rule(side, width) for side, width in zip(sides, widths, strict=True)]
    texts = [
        " | ".join(
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, side, width in zip(line, sides, widths, strict=True)
        )
        for line in lines
    ]
    first, *rest = (f"| {text} |" for text in texts)
    return "\n".join([first, f"|{'|'.join(rule)}|", *rest])


def _rule(side: str, width: int) -> str:
    """Return what stands below a title and says where the column's cells are aligned."""
    if not width:
        return _RULES[side]
    return "-" * (width + 1) + (":" if side == "r" else "-")
