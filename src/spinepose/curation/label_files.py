"""Which label files a set has, and where their pictures are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from spinepose.dataset.people import LabelledPeople
from spinepose.dataset.readers import read_people
from spinepose.errors import InputError

__all__ = ["LabelFile", "find_label_files", "read_sets"]

_PREFIX = "person_keypoints_"
_HELD_OUT = ("val", "test", "dev")


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One split in the COCO format.

    Parameters
    ----------
    name
        Of the split.
    path
        The label file.
    images
        The folder of its pictures.
    """

    name: str
    path: Path
    images: Path

    @property
    def held_out(self) -> bool:
        """Whether models are judged on it, by a word of its name: val2017, my-test, dev."""
        return any(word.startswith(_HELD_OUT) for word in re.split(r"[^a-z0-9]", self.name.lower()))


def find_label_files(root: str | Path, images: str | Path | None = None) -> list[LabelFile]:
    """Return the COCO-format label files of a set, by name.

    Parameters
    ----------
    root
        A label file; or a folder with ``annotations/person_keypoints_NAME.json`` and
        ``images/NAME/``, or with one such folder in it.
    images
        Folder of the pictures, where it is another one; for one label file only.

    Returns
    -------
    files
        None if the folder holds no labels.

    Raises
    ------
    InputError
        There is no such file or folder, there are several sets, or `images` is given for several
        files.
    """
    root = Path(root)
    if not root.exists():
        raise InputError(f"{root}: no such file or folder")
    paths = [root] if root.is_file() else _label_paths(root)
    if images is not None and len(paths) > 1:
        raise InputError(f"{root} has {len(paths)} label files: give one to name its pictures")
    return [_label_file(path, None if images is None else Path(images)) for path in paths]


def _label_paths(root: Path) -> list[Path]:
    """Return the label files in a folder, else in the one folder of it that has some."""
    inside = [path for path in sorted(root.iterdir()) if path.name[0] != "."]
    here, *sets = (sorted(path.glob(f"annotations/{_PREFIX}*.json")) for path in (root, *inside))
    found = [paths for paths in sets if paths]
    if here or not found:
        return here
    if len(found) > 1:
        names = ", ".join(paths[0].parent.parent.name for paths in found)
        raise InputError(f"{root} holds several sets ({names}): give one of them")
    return found[0]


def _label_file(path: Path, images: Path | None) -> LabelFile:
    name = path.stem.removeprefix(_PREFIX)
    return LabelFile(name, path, images or path.parent.parent / "images" / name)


def read_sets(root: str | Path, images: str | Path | None = None) -> dict[str, LabelledPeople]:
    """Read every split of a set, in any format that :func:`.read_people` knows.

    Parameters
    ----------
    root, images
        As in :func:`find_label_files`.

    Returns
    -------
    sets
        By the name of the split.

    Raises
    ------
    InputError
        There is no such file or folder.
    UsageError
        `images` does not go with the format.
    DataError
        The labels are broken.
    """
    root = Path(root)
    if root.is_dir() and (files := find_label_files(root, images)):
        return {f.name: read_people(f.path, format="coco", images=f.images) for f in files}
    return {root.stem.removeprefix(_PREFIX): read_people(root, images=images)}
