"""Lists on disk that grow by whole lines, so that a killed program loses nothing that was done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from spinepose.errors import DataError
from spinepose.files import errors_for

__all__ = ["NONSENSE", "append_lines", "read_lines_as", "reason_of"]

NONSENSE = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What reading values raises that are not what they should be."""

T = TypeVar("T")


def append_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Append records, one line of JSON each, and see them onto the disk.

    A line that an earlier program left unfinished is ended first; readers pass over it.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    lines = [json.dumps(record, allow_nan=False, ensure_ascii=False) + "\n" for record in records]
    if not lines:
        return
    with errors_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    lines.insert(0, "\n")
            # One write: what two programs append does not get mixed.
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())


def read_lines_as(path: Path, build: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
    """Yield what `build` makes of each line; nothing if there is no file.

    A line that is not JSON was cut off by a kill and is passed over.

    Raises
    ------
    DataError
        A whole line is not what it should be.
    """
    if not path.exists():
        return
    try:
        # Not `splitlines`: names may hold what that takes for the end of a line. And bytes: a line
        # that was cut off may end within a character.
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
        except ValueError:
            continue
        try:
            yield build(values)
        except NONSENSE as error:
            raise DataError(
                f"{path}, line {number}: {reason_of(error)}; mend or remove the line"
            ) from error


def reason_of(error: Exception) -> str:
    """Return what is wrong with values, after an error of :data:`NONSENSE`, in words."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
