"""What is in a set, and what is wrong with it: check, info, show, browse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from spinepose.cli.console import Console
from spinepose.cli.data.shared import FLAG, LIST, QUIET, data_app
from spinepose.errors import UsageError

if TYPE_CHECKING:
    from spinepose.curation import Entry, Problem

__all__ = ["browse", "check", "info", "show"]

_BROKEN = 7
"""Exit code of a set with errors."""


@data_app.command
def check(
    root: Path,
    *,
    images: Path | None = None,
    fix: Annotated[bool, FLAG] = False,
    no_pictures: Annotated[bool, FLAG] = False,
    workers: int | None = None,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> int:
    """Look for everything that is wrong with a set: labels, pictures, copies, leaks.

    For example:

    - `spinepose data check spinetrack` a table of problems
    - `spinepose data check spinetrack --fix` mends what needs no decision, keeps NAME.json.bak

    Exit codes: 0 no errors (there may be warnings), 7 errors, 3 no such set, 6 cannot be written.

    Parameters
    ----------
    root
        Folder in SpineTrack's layout or of `spinepose synth`, or a COCO keypoint file.
    images
        Where the pictures of a single file are.
    fix
        Mend the safe ones.
    no_pictures
        Look at the labels only.
    workers
        Threads that read pictures.
    json
        Print one JSON object instead of tables.
    quiet
        Print nothing but errors.
    """
    from spinepose.curation import check_dataset, to_markdown
    from spinepose.curation import fix as mend

    console = Console(json_lines=json, quiet=quiet)

    def look() -> list[Problem]:
        with console.progress("pictures", unit="pictures/s") as bar:
            bar.start(None)
            return check_dataset(
                root,
                images=images,
                pictures=not no_pictures,
                workers=workers,
                on_progress=lambda done, _all: bar.reach(done),
            )

    problems, backups = look(), []
    if fix:
        fixed = mend(problems)
        console.say(fixed.to_markdown())
        backups = [str(path) for path in fixed.backups.values()]
        problems = look() if fixed.mended else problems
    if json:
        console.record({"problems": [p.to_dict() for p in problems], "backups": backups})
    console.say(to_markdown(problems))
    return _BROKEN if any(p.severity == "error" for p in problems) else 0


@data_app.command
def info(
    root: Path,
    *,
    images: Path | None = None,
    html: Path | None = None,
    json: Annotated[bool, FLAG] = False,
) -> None:
    """Count what is in a set: pictures, people, keypoints, views, sizes.

    Parameters
    ----------
    root
        Folder or label file.
    images
        Where the pictures of a single file are.
    html
        Page with charts to write.
    json
        Print one JSON object instead of tables.
    """
    from spinepose.curation import count_people, info_markdown, read_sets, write_info_page

    console = Console(json_lines=json)
    splits = count_people(read_sets(root, images))
    if html is not None:
        write_info_page(html, splits)
    if json:
        console.record({"splits": [split.to_dict() for split in splits]})
    console.say(info_markdown(splits))


@data_app.command
def show(
    root: Path,
    *,
    out: Path = Path("people.png"),
    people: int = 64,
    pick: Annotated[list[int] | None, LIST] = None,
    split: str = "",
    worst: Annotated[bool, FLAG] = False,
    columns: int = 8,
    seed: int = 0,
    images: Path | None = None,
) -> None:
    """Draw people of a set with their skeletons on one sheet.

    Parameters
    ----------
    root
        Folder or label file.
    out
        Picture to write.
    people
        How many.
    pick
        These people, by their place in the label file, from 0.
    split
        Only of this split.
    worst
        Those with problems first, as `spinepose data check` finds them.
    columns
        People in a row.
    seed
        Of the choice.
    images
        Where the pictures of a single file are.
    """
    from spinepose.curation import choose, write_sheet
    from spinepose.curation import pick as pick_people

    entries = _entries(root, images, split, worst)
    if pick:
        entries = pick_people(entries, pick, split)
    else:
        entries = choose(entries, people, seed=seed, worst=worst)
    write_sheet(out, entries, columns=columns)
    Console().say(f"{len(entries)} people -> {out}")


@data_app.command
def browse(
    root: Path,
    *,
    out: Path = Path("people.html"),
    people: int = 300,
    split: str = "",
    worst: Annotated[bool, FLAG] = False,
    predictions: Path | None = None,
    queue: Path | None = None,
    fiftyone: Path | None = None,
    seed: int = 0,
    images: Path | None = None,
) -> None:
    """Write a page to look through a set: filters, orders, skeletons to switch on and off.

    For example:

    - `spinepose data browse people --worst`
    - `spinepose data browse people --predictions results.json` with the OKS of each
    - `spinepose data browse people --queue validation/queue.json` with what is doubted

    Parameters
    ----------
    root
        Folder or label file.
    out
        Page to write.
    people
        How many, 2000 at most.
    split
        Only of this split.
    worst
        Those with problems first, as `spinepose data check` finds them.
    predictions
        COCO's results of a network.
    queue
        Of `spinepose validate`.
    fiftyone
        Also write all people for FiftyOne's COCO importer.
    seed
        Of the choice.
    images
        Where the pictures of a single file are.
    """
    from spinepose.curation import (
        choose,
        with_predictions,
        with_queue,
        write_browser,
        write_fiftyone,
    )
    from spinepose.export.queue import read_queue

    entries = _entries(root, images, split, worst)
    if predictions is not None:
        entries = with_predictions(entries, predictions)
    if queue is not None:
        entries = with_queue(entries, read_queue(queue)[0])
    console = Console()
    if fiftyone is not None:
        write_fiftyone(fiftyone, entries)
        console.say(f"{len(entries)} people -> {fiftyone}")
    chosen = choose(entries, people, seed=seed, worst=worst or queue is not None)
    write_browser(out, chosen, title=str(root))
    console.say(f"{len(chosen)} people -> {out}")


def _entries(root: Path, images: Path | None, split: str, worst: bool) -> list[Entry]:
    """Return the people of a set, or of one split, with their problems if these are wanted."""
    from spinepose.curation import check_dataset, entries_of, read_sets, with_problems

    sets = read_sets(root, images)
    if split and split not in sets:
        raise UsageError(f"{root} has no split {split}; it has {', '.join(sets)}")
    found: Sequence[Entry] = entries_of({split: sets[split]} if split else sets)
    if worst:
        found = with_problems(found, check_dataset(root, images=images))
    return list(found)
