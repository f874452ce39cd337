"""From one form to another: convert, mapping."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from spinepose.cli.console import Console
from spinepose.cli.data.shared import FLAG, QUIET, data_app
from spinepose.errors import DataError, UsageError

if TYPE_CHECKING:
    from spinepose.skeleton import Skeleton

__all__ = ["convert", "mapping"]


@data_app.command
def convert(
    source: Path,
    out: Path,
    *,
    to: Literal["coco", "yolo"] = "coco",
    skeleton: str = "spinetrack",
    images: Path | None = None,
    use: str = "",
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
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
        write_yolo_pose(out, found.people, target, pictures=found.pictures)
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
    start
        Skeleton: spinetrack, coco, halpe26, wholebody23, lsp.
    target
        Skeleton, one of these too.
    """
    from spinepose.dataset.conversion import mapping_table

    Console().say(mapping_table(_skeleton(start), _skeleton(target)))


def _skeleton(name: str) -> Skeleton:
    from spinepose.skeleton import SKELETONS

    if name not in SKELETONS:
        raise UsageError(f"{name} is no skeleton: choose one of {', '.join(SKELETONS)}")
    return SKELETONS[name]
