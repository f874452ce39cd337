"""Files of other tools: a text, or a zip archive with the text in it and pictures beside it."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from spinepose.annotation.exchange.shown import Shown, picture_bytes, picture_name
from spinepose.annotation.project import Project
from spinepose.dataset.archives import list_members, open_archive, unpack_member
from spinepose.errors import DataError
from spinepose.files import atomic_write

__all__ = ["parsed_xml", "read_text", "write_text"]

_LARGEST = 1 << 29
"""Bytes of a text; one of 10,000 people has 40 million."""
_OLDEST = (1980, 1, 1, 0, 0, 0)


def write_text(
    path: Path, text: str, member: str, project: Project, shown: Sequence[Shown]
) -> None:
    """Write a text, or a zip archive of it and the pictures if `path` ends with ``.zip``.

    Parameters
    ----------
    path
        It appears whole or not at all.
    text
        What the tool reads.
    member
        Its name in the archive; pictures are in ``images``.
    project, shown
        Whose pictures.

    Raises
    ------
    DataError, InputError
        A picture is gone, was changed or cannot be read.
    OutputError
        The file cannot be written.
    """
    with atomic_write(path) as temporary:
        if path.suffix.lower() != ".zip":
            temporary.write_text(text, encoding="utf-8")
            return
        with zipfile.ZipFile(temporary, "w") as packed:
            packed.writestr(zipfile.ZipInfo(member, _OLDEST), text, zipfile.ZIP_DEFLATED)
            for name, item in {picture_name(one.item): one.item for one in shown}.items():
                packed.writestr(
                    zipfile.ZipInfo(f"images/{name}", _OLDEST), picture_bytes(project, item)
                )


def read_text(path: Path, member: str) -> str:
    """Return a text, or that in a zip archive.

    Parameters
    ----------
    path
        The text, or an archive.
    member
        Pattern of its name in the archive.

    Raises
    ------
    DataError
        It is missing, no text in UTF-8, too large, or the archive is broken or not safe.
    """
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                return _decoded(path, path)
            with TemporaryDirectory() as folder, open_archive(file) as packed:
                found = [m for m in list_members(packed) if fnmatch(str(m.path), member)]
                if len(found) != 1:
                    raise DataError(f"{path} holds {len(found)} files {member}, not one")
                target = Path(folder) / "text"
                unpack_member(packed, found[0], target)
                return _decoded(target, path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def parsed_xml(text: str) -> ElementTree.Element:
    """Return the root of XML.

    Raises
    ------
    ValueError
        It is broken, or declares entities: they can blow up a small file, and no tool writes them.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it declares XML entities")
    try:
        # Encodings are named in the first line, but the text is decoded already.
        return ElementTree.fromstring(text.encode(), ElementTree.XMLParser(encoding="utf-8"))
    except ElementTree.ParseError as error:
        raise ValueError(f"it is broken XML ({error})") from error


def _decoded(file: Path, path: Path) -> str:
    if file.stat().st_size > _LARGEST:
        raise DataError(f"{path} holds more than 512 MB of text; export fewer pictures at once")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8; export it again") from error
