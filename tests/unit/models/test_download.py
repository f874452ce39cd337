"""Downloads, end to end against a server on this machine."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from spinepose.errors import ModelError
from spinepose.models.download import cache_folder, fetch_file, file_sha256

CONTENT = b"\x08weights" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def hosted(server: tuple[str, Path, list[str]]) -> None:
    (server[1] / "a.onnx").write_bytes(CONTENT)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPINEPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SPINEPOSE_OFFLINE", raising=False)
    monkeypatch.setattr("spinepose.models.download._PAUSE_S", 0.0)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def test_a_file_is_fetched_once(server: tuple[str, Path, list[str]], cache: Path) -> None:
    url, _, asked = server
    for _ in range(2):
        path = fetch_file("a.onnx", [f"{url}/a.onnx"], SHA)
        assert path == cache / "a.onnx"
        assert path.read_bytes() == CONTENT
    assert asked == ["/a.onnx"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_wrong_hash_is_refused_and_nothing_stays(
    server: tuple[str, Path, list[str]], cache: Path
) -> None:
    url, _, _ = server
    with pytest.raises(ModelError, match="sha256") as caught:
        fetch_file("a.onnx", [f"{url}/a.onnx"], "0" * 64)
    assert SHA in str(caught.value)
    assert list(cache.iterdir()) == []


def test_a_damaged_file_is_fetched_again(server: tuple[str, Path, list[str]], cache: Path) -> None:
    url, _, asked = server
    cache.mkdir()
    (cache / "a.onnx").write_bytes(b"damaged")
    assert fetch_file("a.onnx", [f"{url}/a.onnx"], SHA).read_bytes() == CONTENT
    assert len(asked) == 1


def test_the_next_host_is_asked_when_one_fails(server: tuple[str, Path, list[str]]) -> None:
    url, _, asked = server
    urls = ["http://127.0.0.1:9/a.onnx", f"{url}/missing/a.onnx", f"{url}/a.onnx"]
    assert file_sha256(fetch_file("a.onnx", urls, SHA)) == SHA
    assert asked == ["/missing/a.onnx", "/a.onnx"]


def test_every_failed_host_is_named(server: tuple[str, Path, list[str]]) -> None:
    url, _, _ = server
    with pytest.raises(ModelError, match=r"no connection.*answered 404") as caught:
        fetch_file("b.onnx", ["http://127.0.0.1:9/b.onnx", f"{url}/b.onnx"], SHA)
    assert "\n" not in str(caught.value)


def test_an_unknown_hash_is_trusted_once_and_held_from_then_on(
    server: tuple[str, Path, list[str]], cache: Path
) -> None:
    url, folder, _ = server
    fetch_file("a.onnx", [f"{url}/a.onnx"], None)
    (folder / "a.onnx").write_bytes(b"something else")
    (cache / "a.onnx").unlink()
    with pytest.raises(ModelError, match=r"sha256.*remove its line"):
        fetch_file("a.onnx", [f"{url}/a.onnx"], None)


def test_a_login_page_is_not_trusted(server: tuple[str, Path, list[str]], cache: Path) -> None:
    url, folder, _ = server
    (folder / "b.onnx").write_bytes(b"<html>please log in</html>")
    with pytest.raises(ModelError, match="no ONNX file"):
        fetch_file("b.onnx", [f"{url}/b.onnx"], None)
    assert list(cache.iterdir()) == []
    (folder / "b.onnx").write_bytes(CONTENT)
    assert fetch_file("b.onnx", [f"{url}/b.onnx"], None).read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "tries"), [(503, 2), (404, 1)])
def test_a_host_in_trouble_is_asked_once_more(
    status: int, tries: int, server: tuple[str, Path, list[str]]
) -> None:
    url, _, asked = server
    with pytest.raises(ModelError, match=f"answered {status}"):
        fetch_file("a.onnx", [f"{url}/status/{status}"], SHA)
    assert len(asked) == tries


def test_offline_asks_nobody(
    server: tuple[str, Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _, asked = server
    monkeypatch.setenv("SPINEPOSE_OFFLINE", "1")
    cache_folder().mkdir()
    (cache_folder() / "a.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="SPINEPOSE_OFFLINE"):
        fetch_file("a.onnx", [f"{url}/a.onnx"], SHA)
    assert asked == []


def test_without_the_variable_the_cache_is_the_system_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SPINEPOSE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == tmp_path / "spinepose"


def _archive(path: Path, names: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in names.items():
            packed.writestr(name, content)


def test_the_network_of_an_archive_is_taken(
    server: tuple[str, Path, list[str]], cache: Path, tmp_path: Path
) -> None:
    url, folder, _ = server
    _archive(folder / "a.zip", {"../../evil/end2end.onnx": CONTENT, "readme.txt": b"hello"})
    assert fetch_file("a.onnx", [f"{url}/a.zip"], SHA).read_bytes() == CONTENT
    assert not (tmp_path / "evil").exists()
    assert sorted(path.name for path in cache.iterdir()) == ["a.onnx"]


@pytest.mark.parametrize("names", [{}, {"a.onnx": b"1", "b.onnx": b"2"}])
def test_an_archive_without_one_network_is_refused(
    names: dict[str, bytes], server: tuple[str, Path, list[str]], cache: Path
) -> None:
    url, folder, _ = server
    _archive(folder / "a.zip", names)
    with pytest.raises(ModelError, match="does not hold one"):
        fetch_file("a.onnx", [f"{url}/a.zip"], None)
    (folder / "b.zip").write_bytes(b"no archive")
    with pytest.raises(ModelError, match="no zip"):
        fetch_file("a.onnx", [f"{url}/b.zip"], None)
    assert list(cache.iterdir()) == []
