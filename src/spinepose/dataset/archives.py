"""Unpack zip archives that came over a network, without trusting what they say."""

from __future__ import annotations

import contextlib
import errno
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from spinepose.errors import DataError, SpinePoseError
from spinepose.files import atomic_write

__all__ = ["Limits", "Member", "list_members", "open_archive", "safe_path", "unpack_member"]

_CHUNK = 1 << 20
_NAMELESS = "the archive"
_NAME_LENGTH = 255
"""Bytes of one part of a path, the most that file systems take."""
_SMALL = 1 << 20
"""Bytes below which a file may be as compressible as it likes."""
_ENCRYPTED = 0x1
"""Bit of the general purpose flag (APPNOTE.TXT 6.3.10, 4.4.4)."""
_FORBIDDEN = frozenset('<>:"|?*\\')
"""Characters that Windows gives a meaning."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may unpack to; SpineTrack stays far below.

    Attributes
    ----------
    members
        Files and folders.
    total, file
        Bytes of all files together and of one.
    ratio
        Unpacked over packed size of a file. Label files reach about 20, deflate ends at 1032.
    """

    members: int = 500_000
    total: int = 1 << 37
    file: int = 1 << 32
    ratio: float = 200.0


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes
    ----------
    path
        Its checked name.
    info
        What the archive says about it.
    """

    path: PurePosixPath
    info: zipfile.ZipInfo


def safe_path(name: str) -> PurePosixPath:
    """Return the name of a member as a path that stays below any folder on any system.

    Raises
    ------
    DataError
        If it is absolute, climbs (``..``), names a drive or a device, or no file can have it.
    """
    if not name or name.startswith("/") or any(unicodedata.category(c) == "Cc" for c in name):
        raise DataError(f"the name {name!r} is not that of a file below a folder")
    for part in name.rstrip("/").split("/"):
        if part in ("", ".", "..") or part[-1] in ". ":
            raise DataError(f"the name {name!r} leaves its folder")
        if _FORBIDDEN.intersection(part) or PureWindowsPath(part).is_reserved():
            raise DataError(f"the name {name!r} is a drive or device on Windows")
        if len(part.encode("utf-8", "surrogatepass")) > _NAME_LENGTH or not _encodes(part):
            raise DataError(f"the name {name[:64]!r}... fits no file system")
    return PurePosixPath(name)


def _encodes(part: str) -> bool:
    try:
        part.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def open_archive(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Open an archive.

    Parameters
    ----------
    file
        Readable and seekable; errors call it by its `name`.

    Raises
    ------
    DataError
        If it is no zip archive, or was cut off.
    """
    with _damage(str(getattr(file, "name", _NAMELESS))):
        packed = zipfile.ZipFile(file)
    with packed:
        yield packed


@contextlib.contextmanager
def _damage(name: str) -> Iterator[None]:
    """Turn whatever the zipfile module meets in a broken archive into one line."""
    try:
        yield
    except SpinePoseError:
        raise
    except zipfile.BadZipFile as error:
        reason = str(error).removesuffix(".")
        if "CRC" in reason:
            raise DataError(f"{name} is damaged ({reason}): fetch it again") from error
        raise DataError(
            f"{name} is no whole zip archive ({reason}): half a download, or a login page; remove "
            "it and fetch it again"
        ) from error
    except OSError as error:
        # Anything else is of the disk.
        if error.errno != errno.EINVAL:
            raise
        raise DataError(f"{name} is damaged (a file before its start): fetch it again") from error
    except (EOFError, zlib.error, struct.error, NotImplementedError, ValueError) as error:
        raise DataError(
            f"{name} is damaged ({error or 'it ends early'}): fetch it again"
        ) from error


def list_members(packed: zipfile.ZipFile, limits: Limits | None = None) -> list[Member]:
    """Return the files of an archive in the order of their bytes, all names checked.

    Folders, and the notes that macOS puts beside files, are left out.

    Raises
    ------
    DataError
        If a name is not safe, a member is a link, a device or encrypted, two names are the same
        file where case does not count, or a limit is passed.
    """
    try:
        members = _checked(packed.infolist(), limits or Limits())
    except DataError as error:
        raise DataError(f"{packed.filename or _NAMELESS}: {error}") from error
    return sorted(members, key=lambda member: member.info.header_offset)


def _checked(infos: list[zipfile.ZipInfo], limits: Limits) -> list[Member]:
    if len(infos) > limits.members:
        raise DataError(f"it holds {len(infos):,} members, more than {limits.members:,}")
    members = []
    for info in infos:
        # The name before the zipfile module cut it at a zero byte.
        path = safe_path(info.orig_filename)
        _check_kind(info)
        if not info.is_dir() and path.parts[0] != "__MACOSX" and path.name != ".DS_Store":
            _check_size(info, limits)
            members.append(Member(path, info))
    total = sum(member.info.file_size for member in members)
    if total > limits.total:
        raise DataError(f"it unpacks to {total:,} bytes, more than {limits.total:,}")
    _check_collisions(members)
    return members


def _check_kind(info: zipfile.ZipInfo) -> None:
    # The upper half holds the Unix mode; archives made elsewhere leave it zero.
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(f"{info.filename!r} is a link or a device, not a file")
    if info.flag_bits & _ENCRYPTED:
        raise DataError(f"{info.filename!r} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{info.filename!r} is packed by a method that is not deflate")


def _check_size(info: zipfile.ZipInfo, limits: Limits) -> None:
    if info.file_size > limits.file:
        raise DataError(
            f"{info.filename!r} unpacks to {info.file_size:,} bytes, more than {limits.file:,}"
        )
    if info.file_size > _SMALL and info.file_size > limits.ratio * info.compress_size:
        raise DataError(
            f"{info.filename!r} unpacks to more than {limits.ratio:g} times its size: a zip bomb"
        )


def _check_collisions(members: list[Member]) -> None:
    """See that no two members meet on a disk that ignores case or the form of accents."""
    files: dict[str, PurePosixPath] = {}
    for member in members:
        other = files.setdefault(_folded(member.path), member.path)
        if other is not member.path:
            raise DataError(f"it holds {str(other)!r} and {str(member.path)!r}: one file")
    for member in members:
        for parent in member.path.parents:
            if _folded(parent) in files:
                raise DataError(f"{str(parent)!r} is both a file and a folder")


def _folded(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(path).casefold())


def unpack_member(packed: zipfile.ZipFile, member: Member, target: Path) -> None:
    """Write one file of an archive; nothing is there until all of it is.

    Raises
    ------
    DataError
        If it does not have the size or the checksum that the archive says.
    OutputError
        If it cannot be written.
    """
    size = member.info.file_size
    name = packed.filename or _NAMELESS
    with _damage(name), atomic_write(target) as temporary, packed.open(member.info) as source:
        with temporary.open("wb") as file:
            # Never more than was said: the zipfile module stops there, and compares the checksum.
            while chunk := source.read(_CHUNK):
                file.write(chunk)
            written = file.tell()
        if written != size:
            raise DataError(
                f"{name} is damaged ({str(member.path)!r} has {written:,} bytes and not "
                f"{size:,}): fetch it again"
            )
