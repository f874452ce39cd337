"""Write files so that a reader never meets half a file."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from spinepose.errors import DataError, OutputError, SpinePoseError

__all__ = [
    "atomic_write",
    "errors_for",
    "output_error",
    "prepare_target",
    "read_lines",
    "remove_leftovers",
    "temporary_beside",
]

_STEM_LENGTH = 32
"""Characters of the target's name kept in the temporary name: names end at 255 bytes."""

_LARGEST = 1 << 30
"""Bytes of a text file that is read whole."""

_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{8}\.part(\.[^.]*)?")


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which takes its place when the block ends well.

    Parent folders are created. The temporary file exists, is empty, has the mode that the umask
    asks for and the suffix of the target. On any error, an interrupt included, it is removed
    and an older file at `path` stays as it was. Symbolic links are followed; a device such as
    ``/dev/null`` is written in place, since replacing it would destroy it.

    Parameters
    ----------
    path
        The file to write.

    Yields
    ------
    temporary : pathlib.Path
        Where to write.

    Raises
    ------
    OutputError
        On any `OSError`: no permission, no space, a folder in the way.
    """
    path = Path(path)
    with errors_for(path):
        target = prepare_target(path)
        if target.exists() and not target.is_file():
            yield target
            return
        temporary = temporary_beside(target)
        try:
            yield temporary
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def errors_for(path: Path) -> Iterator[None]:
    """Turn an `OSError` into an :class:`OutputError`, but not twice."""
    try:
        yield
    except SpinePoseError:
        raise
    except OSError as error:
        raise output_error(path, error) from error


def output_error(path: str | Path, error: OSError) -> OutputError:
    """Return the one-line error for a file that could not be written."""
    reason = error.strerror or str(error)
    return OutputError(f"cannot write {path}: {reason}; choose another place or make room")


def prepare_target(path: Path) -> Path:
    """Return the file that `path` means, links followed, and create its parent folders.

    Raises
    ------
    OutputError
        If it is a folder.
    OSError
        If a parent folder cannot be created.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; add a file name")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def temporary_beside(target: Path) -> Path:
    """Create an empty file in the folder of `target`, with its suffix and the umask's mode.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    name = f".{target.stem[:_STEM_LENGTH]}.{secrets.token_hex(4)}.part{target.suffix}"
    temporary = target.with_name(name)
    # Not the tempfile module: its files are private (0600) and would stay so after the move.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return temporary


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files below `folder` that a killed process left behind.

    Call it only while nobody else writes there.
    """
    for path in folder.rglob(".*.part*"):
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that holds data; bytes that are no UTF-8 are replaced.

    Raises
    ------
    DataError
        If it is missing, cannot be read, or is larger than 1 GB.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path} is larger than 1 GB; split it")
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
