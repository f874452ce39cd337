"""Read labelled people of any known set with one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from spinepose.dataset.formats.coco import read_coco
from spinepose.dataset.formats.lsp import read_lsp
from spinepose.dataset.formats.persons import read_persons, read_pictures
from spinepose.dataset.formats.yolo import read_yolo
from spinepose.dataset.people import LabelledPeople
from spinepose.errors import InputError, UsageError

__all__ = ["FORMATS", "Reader", "format_of", "read_people"]


class Reader(Protocol):
    """Reads one format; refuses `images` or `use` where they mean nothing."""

    def __call__(self, path: Path, images: Path | None = None, use: str = "") -> LabelledPeople:
        """Return what the labels at `path` hold."""


FORMATS: Mapping[str, Reader] = MappingProxyType(
    {
        "coco": read_coco,
        "lsp": read_lsp,
        "persons": read_persons,
        "pictures": read_pictures,
        "yolo": read_yolo,
    }
)
"""All formats by name."""

_MATLAB = b"MATLAB"
_FOLDERS = {"persons.json": "persons", "joints.mat": "lsp", "data.yaml": "yolo"}
"""The file that tells what a folder is."""


def read_people(
    path: str | Path, *, format: str = "auto", images: str | Path | None = None, use: str = ""
) -> LabelledPeople:
    """Read labelled people.

    Parameters
    ----------
    path
        A label file, or the folder of one.
    format
        A key of :data:`FORMATS`, or ``auto``: found out, see :func:`format_of`.
    images
        Folder of the pictures, where the format leaves it open (``coco``, ``lsp``).
    use
        Only the people kept for this use, where the format tells it: ``train`` or ``dev``
        (``persons``), ``train``, ``val`` or ``test`` (``yolo``).

    Returns
    -------
    LabelledPeople
        With keypoints in the order of SpineTrack.

    Raises
    ------
    InputError
        There is no such file or folder.
    UsageError
        `format` is unknown, or `images` or `use` does not go with it.
    DataError
        The labels are broken, or their keypoints unknown.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    name = format_of(path) if format == "auto" else format
    if name not in FORMATS:
        raise UsageError(f"unknown format {format!r}; known: auto, {', '.join(FORMATS)}")
    return FORMATS[name](path, None if images is None else Path(images), use)


def format_of(path: Path) -> str:
    """Return the format of a label file or folder.

    A folder is known by the file that it holds, a file by its first bytes, then by its name;
    ``coco`` is what is left. Folders of pictures without labels have to be named: a folder
    whose labels were forgotten looks the same.
    """
    if path.is_dir():
        found = (kind for name, kind in _FOLDERS.items() if (path / name).is_file())
        return next(found, "coco")
    with path.open("rb") as file:
        start = file.read(len(_MATLAB))
    if start == _MATLAB:
        return "lsp"
    if path.suffix in (".yaml", ".yml"):
        return "yolo"
    return "persons" if path.name == "persons.json" else "coco"
