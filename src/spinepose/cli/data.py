"""``spinepose data``: get, look at, check and convert data sets of labelled people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from spinepose.cli.console import Console, ProgressBar
from spinepose.errors import DataError, UsageError

if TYPE_CHECKING:
    from spinepose.dataset.download import Progress

__all__ = ["data_app"]

data_app = App(name="data", help="Get, look at, check and convert sets of labelled people.")

_Flag = Parameter(negative=())
_List = Parameter(consume_multiple=True, negative=())
_Quiet = Parameter(name=["--quiet", "-q"], negative=())
_MEGABYTE = 1_000_000


@data_app.command
def download(
    out: Path,
    *,
    split: Annotated[list[str] | None, _List] = None,
    annotations_only: Annotated[bool, _Flag] = False,
    mirror: Annotated[list[str] | None, _List] = None,
    revision: str | None = None,
    keep_archives: Annotated[bool, _Flag] = False,
    json: Annotated[bool, _Flag] = False,
    quiet: Annotated[bool, _Quiet] = False,
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
        self._done = 0
        self._bar: ProgressBar | None = None

    def __call__(self, progress: Progress) -> None:
        if progress.step != self._step or self._bar is None:
            self._stack.close()
            self._step, self._done = progress.step, 0
            self._bar = self._stack.enter_context(
                self._console.progress(progress.step, unit="MB/s")
            )
            self._bar.start(progress.total // _MEGABYTE)
        done = progress.done // _MEGABYTE
        if done > self._done:
            self._bar.advance(done - self._done)
            self._done = done


@data_app.command
def convert(
    source: Path,
    out: Path,
    *,
    to: Literal["coco", "yolo"] = "coco",
    skeleton: str = "spinetrack",
    images: Path | None = None,
    use: str = "",
    json: Annotated[bool, _Flag] = False,
    quiet: Annotated[bool, _Quiet] = False,
) -> None:
    """Write labelled people in another form, or with another skeleton.

    Reads COCO (17, 26, 37, WholeBody, Halpe), LSP, YOLO and our own sets. A keypoint goes where the
    other skeleton calls the same place; places that only lie near each other are left out, and
    `spinepose data mapping` shows what becomes of each.

    For example:

    - `spinepose data convert lspe people/annotations/person_keypoints_lspe.json`
    - `spinepose data convert coco_wholebody_val.json out.json --images val2017 --skeleton halpe26`
    - `spinepose data convert people yolo-people --to yolo`

    Parameters
    ----------
    source
        Label file, or folder of a set.
    out
        The COCO file, or the folder for YOLO.
    to
        The form.
    skeleton
        Keypoints to write: spinetrack, coco, halpe26, wholebody23, lsp.
    images
        Where the pictures are, if not where the set usually has them.
    use
        Only people kept for this use, in a set that tells it.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.dataset.readers import read_people
    from spinepose.dataset.writers import write_coco, write_yolo_pose

    console = Console(json_lines=json, quiet=quiet)
    target = _skeleton(skeleton)
    found = read_people(source, images=images, use=use)
    if not found.pictures:
        raise DataError(f"{source} has no pictures")
    if to == "coco":
        # Names in the file start where the pictures lie: they are not copied.
        folder = Path(os.path.commonpath([path.parent for path in found.pictures]))
        write_coco(out, found.people, target, images=folder, pictures=found.pictures)
    else:
        write_yolo_pose(out, found.people, target)
    if json:
        console.record(
            {"out": str(out), "people": len(found.people), "pictures": len(found.pictures)}
        )
    where = f", of pictures in {folder}" if to == "coco" else ""
    console.say(f"{len(found.people)} people -> {out}{where}")


@data_app.command
def mapping(start: str, target: str) -> None:
    """Print what becomes of each keypoint from one skeleton to another.

    Parameters
    ----------
    start, target
        Names of skeletons: spinetrack, coco17, halpe26, lsp ...
    """
    from spinepose.dataset.conversion import mapping_table

    Console().say(mapping_table(_skeleton(start), _skeleton(target)))


if TYPE_CHECKING:
    from spinepose.skeleton import Skeleton


def _skeleton(name: str) -> Skeleton:
    from spinepose.skeleton import SKELETONS

    if name not in SKELETONS:
        raise UsageError(f"{name} is no skeleton: choose one of {', '.join(SKELETONS)}")
    return SKELETONS[name]
