"""Marker trajectories: written as OpenSim wants them, read back as they were."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinepose.errors import DataError, OutputError
from spinepose.export.trc import TO_OPENSIM, read_trc, write_trc


def test_layout_is_that_of_opensim(tmp_path: Path) -> None:
    path = tmp_path / "one.trc"
    write_trc(path, [[[1.0, 2.0, 3.0], [0.1, 0.2, 0.3]]], ["A", "B"], 50, rotation=None)
    lines = path.read_text().split("\n")
    assert lines[0] == "PathFileType\t4\t(X/Y/Z)\tone.trc"
    assert lines[1].split("\t")[:4] == ["DataRate", "CameraRate", "NumFrames", "NumMarkers"]
    assert lines[2].split("\t") == ["50", "50", "1", "2", "m", "50", "1", "1"]
    assert lines[3].split("\t") == ["Frame#", "Time", "A", "", "", "B", "", ""]
    assert lines[4].split("\t") == ["", "", "X1", "Y1", "Z1", "X2", "Y2", "Z2"]
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
    points[0, 1] = points[1, 2] = np.nan
    path = tmp_path / "gaps.trc"
    write_trc(path, points, ["A", "B", "C"], 25)
    assert "nan" not in path.read_text().lower()
    back = read_trc(path).positions
    np.testing.assert_array_equal(np.isnan(back), np.isnan(points))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a .trc file"),
        ("hello\n" * 9, "not a .trc file"),
        ("PathFileType\nDataRate\tUnits\n25\tft\nFrame#\tTime\tA\n\n", "ft"),
        ("PathFileType\nDataRate\tUnits\n25\tm\nFrame#\tTime\tA\n\n1\t0\tx\t1\t2\n", "'x'"),
        ("PathFileType\nDataRate\tUnits\n25\tm\nFrame#\tTime\tA\n\n1\t0\t1\t1\t2\t9\n", "6 cells"),
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
        ({"names": ["A", "B\t"]}, "tabs"),
    ],
)
def test_bad_arguments(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    arguments: dict[str, object] = {"names": ["A", "B"], "rate": 25, "units": "m"} | changes
    with pytest.raises(ValueError, match=reason):
        write_trc(tmp_path / "x.trc", np.zeros((1, 2, 3)), **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_no_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_trc(tmp_path / "file" / "x.trc", np.zeros((1, 1, 3)), ["A"], 25)
