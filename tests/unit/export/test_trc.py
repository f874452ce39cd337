"""Marker trajectories: written as OpenSim wants them, read back as they were."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinepose.errors import DataError, OutputError, UsageError
from spinepose.export.trc import TO_OPENSIM, read_trc, write_trc


def test_layout_is_that_of_opensim(tmp_path: Path) -> None:
    path = tmp_path / "one.trc"
    write_trc(path, [[[1.0, 2.0, 3.0], [0.1, 0.2, 0.3]]], ["A", "B"], 50, rotation=None)
    lines = path.read_text().split("\n")
    assert lines[0] == "PathFileType\t4\t(X/Y/Z)\tone.trc"
    assert lines[1].split("\t")[:4] == ["DataRate", "CameraRate", "NumFrames", "NumMarkers"]
    assert lines[2].split("\t") == ["50", "50", "1", "2", "m", "50", "1", "1"]
    assert lines[3].split("\t") == ["Frame#", "Time", "A", "", "", "B", "", "", ""]
    assert lines[4].split("\t") == ["", "", "X1", "Y1", "Z1", "X2", "Y2", "Z2", ""]
    assert lines[5] == ""
    assert lines[6].split("\t")[:5] == ["1", "0.000000", "1.000000", "2.000000", "3.000000"]


def test_a_person_who_faces_minus_y_looks_along_x_in_opensim() -> None:
    ahead, up, right = np.array([[0, -1, 0], [0, 0, 1], [-1, 0, 0.0]]) @ TO_OPENSIM.T
    np.testing.assert_allclose([ahead, up, right], np.eye(3))
    assert np.linalg.det(TO_OPENSIM) == pytest.approx(1)


@given(
    arrays(np.float64, (3, 2, 3), elements=st.floats(-5, 5)),
    st.sampled_from(["m", "mm"]),
    st.floats(1, 500),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, points: np.ndarray, units: str, rate: float
) -> None:
    path = tmp_path_factory.mktemp("trc") / "a.trc"
    write_trc(path, points, ["left knee", "C7"], rate, units=units)
    markers = read_trc(path)
    assert markers.names == ("left knee", "C7")
    np.testing.assert_allclose(markers.positions, points @ TO_OPENSIM.T, atol=1e-6)
    np.testing.assert_allclose(markers.times, np.arange(3) / rate, atol=1e-6)


def test_missing_markers_are_blank(tmp_path: Path) -> None:
    points = np.ones((2, 3, 3))
    points[0, 1] = points[1, 2, 0] = np.nan
    points[1, 0, 2] = np.inf
    path = tmp_path / "gaps.trc"
    write_trc(path, points, ["A", "B", "C"], 25)
    assert "nan" not in path.read_text().lower()
    assert "inf" not in path.read_text().lower()
    missing = np.isnan(read_trc(path).positions)
    np.testing.assert_array_equal(missing.all(axis=2), [[False, True, False], [True, False, True]])
    np.testing.assert_array_equal(missing.any(axis=2), missing.all(axis=2))
    # OpenSim cuts lines at tabs and counts what stands before each.
    assert [line.count("\t") for line in path.read_bytes().decode().split("\n")[6:8]] == [11, 11]


def test_rates_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "a.trc"
    write_trc(path, np.zeros((1, 1, 3)), ["A"], 30000 / 1001)
    assert read_trc(path).rate == pytest.approx(30000 / 1001, abs=1e-7)


def test_files_of_others(tmp_path: Path) -> None:
    """Windows line ends, other columns of the header, no tab behind the last number."""
    path = tmp_path / "a.trc"
    path.write_bytes(
        b"PathFileType\t4\t(X/Y/Z)\tC:\\a.trc\r\n"
        b"DataRate\tNumFrames\tNumMarkers\tUnits\r\n100.00\t2\t2\tmm\r\n"
        b"Frame#\tTime\tA\t\t\tB\r\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\r\n\r\n"
        b"11\t0.1\t1000\t0\t-500\t1\t\t3\r\n12\t0.11\t\t\t\t1\t2\t3\t\r\n"
    )
    markers = read_trc(path)
    nothing = [np.nan] * 3
    expected = [[[1, 0, -0.5], nothing], [nothing, [0.001, 0.002, 0.003]]]
    np.testing.assert_allclose(markers.positions, expected)
    np.testing.assert_allclose(markers.times, [0.1, 0.11])
    assert (markers.names, markers.rate) == (("A", "B"), 100)


def test_every_cut_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "whole.trc"
    write_trc(path, np.ones((3, 2, 3)), ["A", "B"], 25)
    whole = path.read_text()
    for end in range(whole.rindex("\t", 0, -2)):
        path.write_text(whole[:end])
        with pytest.raises(DataError, match=r"whole\.trc"):
            read_trc(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a .trc file"),
        ("hello\n" * 9, "not a .trc file"),
        ("PathFileType\nDataRate\tUnits\n25\tft\nFrame#\tTime\tA\n\n", "ft"),
        ("PathFileType\nDataRate\tUnits\n25\tm\nFrame#\tTime\tA\n\n1\t0\tx\t1\t2\n", "'x'"),
        ("PathFileType\nDataRate\tUnits\n25\tm\nFrame#\tTime\tA\n\n1\t0\t1\t1\t2\t9\n", "6 cells"),
        (
            "PathFileType\nDataRate\tUnits\n25\tm\nFrame#\tTime\tA\n\n1\t0\t1\t1\n",
            "line 6 has 4 cells",
        ),
        ("PathFileType\nDataRate\tUnits\n0\tm\nFrame#\tTime\tA\n\n1\t0\t1\t1\t2\n", "rate is 0"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "bad.trc"
    path.write_text(text)
    with pytest.raises(DataError, match=re.escape(reason)) as error:
        read_trc(path)
    assert "bad.trc" in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.trc"):
        read_trc(tmp_path / "none.trc")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"names": ["A"]}, "shape"),
        ({"units": "inch"}, "inch"),
        ({"rate": 0}, "rate"),
        ({"rate": float("inf")}, "rate"),
        ({"names": ["A", "B\t"]}, "tabs"),
        ({"names": ["A", "B\x0bC"]}, "line ends"),
        ({"names": ["A", "A"]}, "differ"),
    ],
)
def test_bad_arguments(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    arguments: dict[str, object] = {"names": ["A", "B"], "rate": 25, "units": "m"} | changes
    with pytest.raises(UsageError, match=reason):
        write_trc(tmp_path / "x.trc", np.zeros((1, 2, 3)), **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_nothing_to_write(tmp_path: Path) -> None:
    for shape in ((0, 1, 3), (1, 0, 3)):
        with pytest.raises(UsageError, match="a frame and a marker"):
            write_trc(tmp_path / "x.trc", np.zeros(shape), ["A"] * shape[1], 25)


def test_no_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_trc(tmp_path / "file" / "x.trc", np.zeros((1, 1, 3)), ["A"], 25)
