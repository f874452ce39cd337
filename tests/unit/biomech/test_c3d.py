"""Motion capture files: what is written is read, and gaps stay gaps."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from spinepose.biomech.c3d import read_c3d, write_c3d
from spinepose.errors import DataError, MissingExtraError, OutputError, UsageError

NAMES = ["left_knee", "C 7"]


@pytest.fixture
def points() -> np.ndarray:
    return np.asarray(np.random.default_rng(0).uniform(-2, 2, (4, 2, 3)))


@pytest.fixture
def _library() -> None:
    pytest.importorskip("ezc3d")


@pytest.mark.usefixtures("_library")
def test_what_is_written_is_read(tmp_path: Path, points: np.ndarray) -> None:
    points[1, 0] = np.nan
    points[2, 1, 2] = np.inf
    write_c3d(tmp_path / "a.c3d", points, NAMES, 50)
    markers = read_c3d(tmp_path / "a.c3d")
    assert (markers.names, markers.rate) == (tuple(NAMES), 50)
    gaps = np.isnan(markers.positions)
    np.testing.assert_array_equal(np.argwhere(gaps.all(axis=2)), [[1, 0], [2, 1]])
    assert gaps.sum() == 6
    np.testing.assert_allclose(markers.positions[~gaps], points[~gaps], atol=1e-6)
    np.testing.assert_allclose(markers.times, np.arange(4) / 50)
    assert [file.name for file in tmp_path.iterdir()] == ["a.c3d"]


@pytest.mark.usefixtures("_library")
def test_axes_and_units_are_told(tmp_path: Path, points: np.ndarray) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    write_c3d(tmp_path / "a.c3d", points, NAMES, 50)
    content = ezc3d.c3d(str(tmp_path / "a.c3d"))
    point = content["parameters"]["POINT"]
    assert point["UNITS"]["value"] == ["mm"]
    assert (point["X_SCREEN"]["value"], point["Y_SCREEN"]["value"]) == (["+X"], ["+Y"])
    np.testing.assert_allclose(content["data"]["points"][:3, 1, 2], points[2, 1] * 1000, rtol=1e-6)


@pytest.mark.usefixtures("_library")
@pytest.mark.parametrize("content", [b"", b"no motion capture", bytes(4096)])
def test_bad_files_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.c3d"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.c3d"):
        read_c3d(path)


@pytest.mark.usefixtures("_library")
@pytest.mark.parametrize("lost", [1, 60, 200, 900, 1400, 1700])
def test_cuts_are_seen(tmp_path: Path, lost: int) -> None:
    """Blocks are padded to 512 bytes; a cut there loses nothing."""
    path = tmp_path / "cut.c3d"
    write_c3d(path, np.ones((32, 1, 3)), ["C7"], 50)
    whole = path.read_bytes()
    assert len(whole) == 2560
    path.write_bytes(whole[: 2048 - lost])
    with pytest.raises(DataError, match=r"cut\.c3d"):
        read_c3d(path)


@pytest.mark.usefixtures("_library")
def test_places(tmp_path: Path, points: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"none\.c3d"):
        read_c3d(tmp_path / "none.c3d")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_c3d(tmp_path / "file" / "a.c3d", points, NAMES, 50)


@pytest.mark.parametrize(
    ("names", "rate", "reason"),
    [
        (["a"], 50, "shape"),
        (["a", "a"], 50, "differ"),
        (["a", "b" * 128], 50, "127"),
        (["a", "Füße"], 50, "ASCII"),
        (["a", "b"], 0, "rate"),
        (["a", "b"], float("nan"), "rate"),
    ],
)
def test_bad_arguments(
    tmp_path: Path, points: np.ndarray, names: list[str], rate: float, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        write_c3d(tmp_path / "a.c3d", points, names, rate)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(65536, 1, 3), (1, 256, 3), (0, 1, 3)])
def test_too_much_or_nothing(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match=r"at most|shape"):
        write_c3d(tmp_path / "a.c3d", np.zeros(shape), [f"m{i}" for i in range(shape[1])], 50)


def test_without_the_library(
    tmp_path: Path, points: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    with pytest.raises(MissingExtraError, match=r"spinepose\[opensim\]"):
        write_c3d(tmp_path / "a.c3d", points, NAMES, 50)
    with pytest.raises(MissingExtraError):
        read_c3d(tmp_path / "a.c3d")
