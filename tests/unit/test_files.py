"""Files appear whole or not at all, and what a kill leaves behind can be swept away."""

from pathlib import Path

import pytest

from spinepose.errors import DataError
from spinepose.files import atomic_write, read_lines, remove_leftovers, temporary_beside


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "note.txt"
    with atomic_write(target) as temporary:
        temporary.write_text("done")
        assert not target.exists()
    assert target.read_text() == "done"
    with pytest.raises(UnicodeEncodeError), atomic_write(target) as temporary:
        temporary.write_text("half \udcff", encoding="utf-8")
    assert target.read_text() == "done"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("name", ["scene.json", "picture.jpg", "README", "a.b.part.c.json"])
def test_leftovers_go_and_files_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / "deep").mkdir()
    kept = [tmp_path / name, tmp_path / "deep" / name, tmp_path / ".hidden.part.json"]
    for path in kept:
        path.write_text("mine")
    left = [temporary_beside(path) for path in kept[:2]]
    remove_leftovers(tmp_path)
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in left)


def test_lines_of_what_cannot_be_read_are_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "table.mot"
    with pytest.raises(DataError, match=r"cannot read .*table\.mot"):
        read_lines(path)
    path.write_bytes(b"one\r\ntw\xff\n")
    assert read_lines(path) == ["one", "tw\N{REPLACEMENT CHARACTER}"]
    with path.open("ab") as file:
        file.truncate((1 << 30) + 1)  # a hole: nothing is written
    with pytest.raises(DataError, match="larger than 1 GB"):
        read_lines(path)
