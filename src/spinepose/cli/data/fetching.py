"""Getting SpineTrack: download."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from spinepose.cli.console import Console, ProgressBar
from spinepose.cli.data.shared import FLAG, LIST, QUIET, data_app

if TYPE_CHECKING:
    from spinepose.dataset.download import Progress

__all__ = ["download"]

_MEGABYTE = 1_000_000


@data_app.command
def download(
    out: Path,
    *,
    split: Annotated[list[str] | None, LIST] = None,
    annotations_only: Annotated[bool, FLAG] = False,
    mirror: Annotated[list[str] | None, LIST] = None,
    revision: str | None = None,
    keep_archives: Annotated[bool, FLAG] = False,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Fetch SpineTrack, or a part of it; go on where an earlier call stopped.

    Needs the extra: pip install 'spinepose[data]'.

    For example:

    - `spinepose data download spinetrack --annotations-only` 25 MB
    - `spinepose data download spinetrack --split val2017` only these pictures are fetched
    - `spinepose data download spinetrack` everything, 19.4 GB

    Parameters
    ----------
    out
        Folder of the data set.
    split
        Pictures of these splits only: train-real-coco, train-real-yoga, train-unreal, val2017.
    annotations_only
        No pictures.
    mirror
        Addresses of hubs to try, in this order.
    revision
        Branch, tag or commit.
    keep_archives
        Fetch whole archives and leave them in the folder.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.dataset.download import download as fetch

    console = Console(json_lines=json, quiet=quiet)
    with _steps(console) as told:
        found = fetch(
            out,
            splits=split,
            annotations_only=annotations_only,
            endpoints=mirror,
            revision=revision,
            keep_archives=keep_archives,
            on_progress=told,
        )
    if json:
        console.record(
            {
                "out": str(out),
                "revision": found.revision,
                "new": list(found.new),
                "kept": list(found.kept),
            }
        )
    kept = f", {len(found.kept)} were there already" if found.kept else ""
    console.say(f"{out}: {', '.join(found.new) or 'nothing'} fetched{kept}")


@contextmanager
def _steps(console: Console) -> Iterator[_Steps]:
    with ExitStack() as stack:
        yield _Steps(console, stack)


class _Steps:
    """A progress bar in megabytes for each step of a download."""

    def __init__(self, console: Console, stack: ExitStack) -> None:
        self._console = console
        self._stack = stack
        self._step = ""
        self._bar: ProgressBar | None = None

    def __call__(self, progress: Progress) -> None:
        if progress.step != self._step or self._bar is None:
            self._stack.close()
            self._step = progress.step
            self._bar = self._stack.enter_context(
                self._console.progress(progress.step, unit="MB/s")
            )
            self._bar.start(progress.total // _MEGABYTE)
        self._bar.reach(progress.done // _MEGABYTE)
