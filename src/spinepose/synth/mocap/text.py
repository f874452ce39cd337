"""Lines, words and numbers of the text files of motion capture, within bounds."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spinepose.errors import InputError

__all__ = [
    "MAX_BYTES",
    "MAX_FRAMES",
    "Line",
    "broken",
    "number_of",
    "numbers_of",
    "numbers_table",
    "read_lines",
]

Float64 = npt.NDArray[np.float64]
Line: TypeAlias = tuple[int, list[str]]
"""Number of a line, from 1, and its words."""

MAX_BYTES = 200_000_000
MAX_FRAMES = 1_000_000
_BEYOND_MEASURE = 1e9


def broken(path: Path, reason: str, line: int | None = None) -> InputError:
    """Return the error for a damaged file: where, what, and what to do."""
    place = f"{path}" if line is None else f"{path}, line {line}"
    return InputError(f"{place}: {reason}; the file is damaged or cut off, get it again")


def read_lines(path: Path, *, blanks: str = "", comment: bool = True) -> Iterator[Line]:
    """Yield the lines of a file that hold words.

    Parameters
    ----------
    path
        A text file, of any line ends.
    blanks
        Characters that separate words, besides white space.
    comment
        Whether what follows a ``#`` counts as a comment everywhere, or at the start of a line only.

    Raises
    ------
    InputError
        When the file is missing, unreadable or larger than `MAX_BYTES`.
    """
    table = str.maketrans(dict.fromkeys(blanks, " "))
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                f"{path} has {size / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB of a "
                f"motion that can be read; cut it into shorter ones"
            )
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                text = line.partition("#")[0] if comment or line.lstrip()[:1] == "#" else line
                words = text.translate(table).split()
                if words:
                    yield number, words
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"cannot read {path}: {reason}; check its name and place") from error


def number_of(path: Path, word: str, line: int | None = None, *, low: float) -> float:
    """Return a number that is not below another.

    Raises
    ------
    InputError
        When the word is none.
    """
    (value,) = numbers_of(path, [word], 1, line)
    if value < low:
        raise broken(path, f"{word} is too small here", line)
    return value


def numbers_of(
    path: Path, words: Iterable[str], count: int | None = None, line: int | None = None
) -> list[float]:
    """Return numbers.

    Raises
    ------
    InputError
        When a word is none, not finite or beyond all measure, or there are not `count`.
    """
    words = list(words)
    if count is not None and len(words) != count:
        raise broken(path, f"{len(words)} numbers instead of {count}", line)
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = [math.nan]
    if not all(abs(value) < _BEYOND_MEASURE for value in values):  # so is NaN
        raise broken(path, f"'{' '.join(words)[:40]}' where numbers belong", line)
    return values


def numbers_table(values: array[float], columns: int) -> Float64:
    """Return numbers read row by row as (rows, columns)."""
    table = np.array(values, np.float64)
    return table.reshape(-1, columns) if columns else np.empty((0, 0))
