"""Archives that mean harm, or were harmed."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import tempfile
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spinepose.dataset.archives import (
    Limits,
    list_members,
    open_archive,
    safe_path,
    unpack_member,
)
from spinepose.errors import DataError
from tests.unit.dataset.hub import archive, picture


def names(packed: bytes, limits: Limits | None = None) -> list[str]:
    with open_archive(io.BytesIO(packed)) as opened:
        return [str(member.path) for member in list_members(opened, limits)]


def unpack(packed: bytes, folder: Path) -> None:
    with open_archive(io.BytesIO(packed)) as opened:
        for member in list_members(opened):
            unpack_member(opened, member, folder / member.path)


def special(name: str, mode: int, flags: int = 0) -> bytes:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writer:
        writer.writestr(info, b"/etc/passwd")
    content = bytearray(packed.getvalue())
    if flags:
        place = content.index(b"PK\x01\x02") + 8
        content[place : place + 2] = struct.pack("<H", flags)
    return bytes(content)


_LETTERS = "".join(map(chr, range(0x180))) + "\u0301\u2044\uff0f\ud800"
_PIECES = st.sampled_from(
    ["..", ".", "", "/", "\\", "C:", "CON", "nul.jpg", "a", "b.jpg", "é", " ", "~", "\0", "\n", ":"]
)


@settings(deadline=None)
@given(st.one_of(st.text(_LETTERS, max_size=40), st.lists(_PIECES, max_size=8).map("/".join)))
@example("/etc/passwd")
@example("a/../../b")
@example("C:/Windows/x")
@example("C:x")
@example("..\\..\\x")
@example("\\\\host\\share\\x")
@example("a/b:stream")
@example("images/con.jpg")
@example("a/... ")
@example("a\0.jpg")
def test_a_name_that_is_let_through_stays_below_any_folder(name: str) -> None:
    try:
        path = safe_path(name)
    except DataError:
        return
    assert path.parts
    assert not path.is_absolute()
    assert (PurePosixPath("/base") / path).parts == ("/", "base", *name.rstrip("/").split("/"))
    assert not {"", ".", ".."}.intersection(path.parts)
    below = PureWindowsPath("D:/base") / str(path)
    assert below.parts == ("D:\\", "base", *path.parts)
    assert not below.is_reserved()
    str(path).encode("utf-8")


@pytest.mark.parametrize("name", ["images/val2017/000000000139.jpg", "a b/c (1).jpg", "é/ü.jpg"])
def test_ordinary_names_are_let_through(name: str) -> None:
    assert safe_path(name) == PurePosixPath(name)


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../../x", "C:/x", "a\\..\\x", "a/./b", "a//b"]
)
def test_an_archive_with_such_a_name_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="the archive: the name"):
        names(archive({"good.jpg": b"1", name: b"2"}))


@pytest.mark.parametrize(
    ("mode", "flags", "message"),
    [
        (stat.S_IFLNK | 0o777, 0, "a link or a device"),
        (stat.S_IFBLK | 0o600, 0, "a link or a device"),
        (stat.S_IFIFO | 0o600, 0, "a link or a device"),
        (stat.S_IFREG | 0o644, 1, "encrypted"),
    ],
)
def test_only_plain_files(mode: int, flags: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        names(special("images/a.jpg", mode, flags))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("a/B.jpg", "A/b.jpg", "one file"),
        ("é.jpg", "e\u0301.jpg", "one file"),
        ("a", "A/b.jpg", "both a file and a folder"),
    ],
)
def test_names_that_meet_on_other_disks(first: str, second: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        names(archive({first: b"1", second: b"2"}))


def test_the_same_name_twice() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writer:
        writer.writestr("a.jpg", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            writer.writestr("a.jpg", b"2")
    with pytest.raises(DataError, match="one file"):
        names(packed.getvalue())


def test_only_the_two_common_ways_of_packing() -> None:
    with pytest.raises(DataError, match="packed by a method"):
        names(archive({"a.jpg": b"1" * 100}, zipfile.ZIP_LZMA))


def test_bombs() -> None:
    zeros = archive({"a": bytes(4 << 20)}, zipfile.ZIP_DEFLATED)
    assert len(zeros) < 10_000
    with pytest.raises(DataError, match="zip bomb"):
        names(zeros)
    plain = archive({"a": b"12345", "b": b"12345"})
    assert names(plain) == ["a", "b"]
    with pytest.raises(DataError, match="10 bytes, more than 9"):
        names(plain, Limits(total=9))
    with pytest.raises(DataError, match="5 bytes, more than 4"):
        names(plain, Limits(file=4))
    with pytest.raises(DataError, match="2 members, more than 1"):
        names(plain, Limits(members=1))


def test_folders_and_the_notes_of_a_mac_are_left_out() -> None:
    packed = archive({"a/": b"", "a/b.jpg": b"1", "__MACOSX/a/._b.jpg": b"2", "a/.DS_Store": b"3"})
    assert names(packed) == ["a/b.jpg"]


def test_files_are_unpacked_with_the_mode_of_this_machine(tmp_path: Path) -> None:
    unpack(special("a/b.jpg", stat.S_IFREG | stat.S_ISUID | 0o777), tmp_path)
    assert (tmp_path / "a/b.jpg").read_bytes() == b"/etc/passwd"
    assert (tmp_path / "a/b.jpg").stat().st_mode & (stat.S_ISUID | 0o111) == 0


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_file_leaves_nothing(compression: int, tmp_path: Path) -> None:
    packed = bytearray(archive({"a.jpg": picture("a", 5000)}, compression))
    packed[2000] ^= 0xFF
    with pytest.raises(DataError, match="the archive is damaged"):
        unpack(bytes(packed), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("said", [4000, 6000])
def test_a_size_that_is_not_what_was_said(said: int, tmp_path: Path) -> None:
    packed = bytearray(archive({"a.jpg": picture("a", 5000)}, zipfile.ZIP_DEFLATED))
    place = packed.index(b"PK\x01\x02") + 24
    packed[place : place + 4] = struct.pack("<I", said)
    with pytest.raises(DataError, match=r"CRC|bytes and not 6,000"):
        unpack(bytes(packed), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_half_a_download(share: float) -> None:
    packed = archive({f"{number}.jpg": picture(str(number), 100) for number in range(20)})
    with pytest.raises(DataError, match="no whole zip archive"):
        names(packed[: int(share * len(packed))])


def test_a_login_page() -> None:
    with pytest.raises(DataError, match="login page"):
        names(b"<html>please log in</html>")


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_whatever_is_damaged_is_an_error_of_ours_or_none(data: st.DataObject) -> None:
    packed = bytearray(_TWO)
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DataError), tempfile.TemporaryDirectory() as folder:
        unpack(bytes(packed), Path(folder))


_TWO = archive({"a/b.json": b"{}" * 50, "a/c.jpg": picture("c", 60)}, zipfile.ZIP_DEFLATED)
