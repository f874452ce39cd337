from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from spinepose.errors import InputError, OutputError
from spinepose.media import atomic_write


def test_the_file_appears_whole_and_parents_are_made(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "ergebnis_ä.json"
    with atomic_write(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffix == target.suffix
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, InputError])
def test_an_error_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail() -> None:
        with atomic_write(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_os_errors_become_output_errors(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    message = r"a\.txt: No space left"
    with pytest.raises(OutputError, match=message) as caught, atomic_write(target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_or_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="folder"), atomic_write(tmp_path):
        pass
    with pytest.raises(OutputError, match="cannot write"), atomic_write(tmp_path / "file" / "x"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_the_mode_follows_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "a"):
            pass
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_are_followed_and_devices_kept(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    with atomic_write(os.devnull) as temporary:
        temporary.write_text("gone")
    assert not Path(os.devnull).is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_device(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space"), atomic_write("/dev/full") as temporary:
        temporary.write_bytes(b"x" * 100)


def test_long_names(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 120 + ".json")
    with atomic_write(target) as temporary:
        temporary.write_text("x")
    assert target.exists()
