"""What the command line says, to people or to programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Console", "ProgressBar"]


class ProgressBar:
    """Counts things on a bar with rate and remaining time; silent when it has no bar."""

    def __init__(self, name: str, progress: Progress | None, unit: str = "fps") -> None:
        self._name = name
        self._progress = progress
        self._unit = unit
        self._task: TaskID | None = None
        self._count = 0
        self._start = time.perf_counter()

    def start(self, total: int | None) -> None:
        """Begin; `total` is an estimate, or `None` for a live source."""
        self._start = time.perf_counter()
        if self._progress is not None:
            self._task = self._progress.add_task(self._name, total=total, fps="")

    def advance(self, count: int = 1) -> None:
        """Count some things."""
        self._count += count
        if self._progress is not None and self._task is not None:
            rate = self._count / max(time.perf_counter() - self._start, 1e-6)
            self._progress.update(self._task, advance=count, fps=f"{rate:.1f} {self._unit}")

    def reach(self, count: int) -> None:
        """Count up to so many things in all; never back."""
        if count > self._count:
            self.advance(count - self._count)


class Console:
    """Talks to people (text, progress) or to programs (one JSON object a line).

    Parameters
    ----------
    json_lines
        Print JSON objects only.
    quiet
        Print nothing but warnings and errors.
    """

    def __init__(self, *, json_lines: bool = False, quiet: bool = False) -> None:
        self.json_lines = json_lines
        self.quiet = quiet

    def say(self, text: str) -> None:
        """Print a line for people."""
        if not (self.quiet or self.json_lines):
            print(text, flush=True)

    def record(self, values: dict[str, Any]) -> None:
        """Print a JSON object for programs."""
        print(json.dumps(values, allow_nan=False, ensure_ascii=False), flush=True)

    def warn(self, text: str) -> None:
        """Print a warning to standard error."""
        print(f"spinepose: warning: {text}", file=sys.stderr)

    def error(self, text: str) -> None:
        """Print an error to standard error."""
        print(f"spinepose: error: {' '.join(text.split())}", file=sys.stderr)

    @contextmanager
    def progress(self, name: str, unit: str = "fps") -> Iterator[ProgressBar]:
        """Show a progress bar on standard error, when a person is looking."""
        if self.quiet or self.json_lines or not sys.stderr.isatty():
            yield ProgressBar(name, None, unit)
            return
        from rich.console import Console as RichConsole
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[fps]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=RichConsole(stderr=True),
            transient=True,
        ) as bar:
            yield ProgressBar(name, bar)
