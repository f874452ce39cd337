"""Motion tables: read as they were written, by us and by OpenSim."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinepose.biomech.body import body_model
from spinepose.biomech.tables import Table, read_motion, read_table, write_motion, write_table
from spinepose.errors import DataError, OutputError, UsageError

SPEC = body_model()
TIMES = np.array([0.5, 0.54, 0.58])


@pytest.fixture(scope="module")
def opensim() -> ModuleType:
    """Return the official engine, quiet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: ModuleType = pytest.importorskip("opensim")
    module.Logger.setLevelString("Off")
    return module


def motion(seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).uniform(-2, 2, (3, len(SPEC.coordinates))))


def test_layout(tmp_path: Path) -> None:
    write_table(tmp_path / "a.sto", Table(np.array([[1.5, -2]]), ("a", "b c"), np.array([0.25])))
    assert (tmp_path / "a.sto").read_text().split("\n") == [
        "table",
        "version=1",
        "nRows=1",
        "nColumns=3",
        "inDegrees=no",
        "endheader",
        "time\ta\tb c",
        "0.25\t1.5\t-2",
        "",
    ]


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, (3, 2), elements=st.floats(-1e6, 1e6)), st.booleans())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, in_degrees: bool
) -> None:
    path = tmp_path_factory.mktemp("mot") / "a.mot"
    write_table(path, Table(values, ("a", "b"), TIMES, in_degrees, "some walk"))
    table = read_table(path)
    assert (table.names, table.in_degrees, table.title) == (("a", "b"), in_degrees, "some walk")
    np.testing.assert_allclose(table.values, values, rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(table.times, TIMES)


@pytest.mark.parametrize("degrees", [True, False])
def test_motions_come_back(tmp_path: Path, degrees: bool) -> None:
    path, q = tmp_path / "walk.mot", motion()
    write_motion(path, SPEC, q, TIMES, degrees=degrees)
    again, times = read_motion(path, SPEC)
    np.testing.assert_allclose(again, q, atol=1e-10)
    np.testing.assert_allclose(times, TIMES)
    column = read_table(path).values[:, SPEC.coordinate_index["knee_flexion_r"]]
    own = q[:, SPEC.coordinate_index["knee_flexion_r"]]
    np.testing.assert_allclose(column, np.degrees(own) if degrees else own)
    np.testing.assert_allclose(read_table(path).values[:, :3], q[:, :3])


def test_columns_of_others(tmp_path: Path) -> None:
    path = tmp_path / "states.sto"
    path.write_text(
        "inDegrees=yes\r\nname=run\r\nDataType=double\r\nversion=3\r\nendheader\r\n"
        "time\t/jointset/a/knee_flexion_l/value\t/jointset/a/knee_flexion_l/speed\tpelvis_ty\r\n"
        "0\t90\t7\t0.9\r\n"
    )
    q, times = read_motion(path, SPEC)
    index = SPEC.coordinate_index
    assert q[0, index["knee_flexion_l"]] == pytest.approx(np.pi / 2)
    assert q[0, index["pelvis_ty"]] == 0.9
    assert np.count_nonzero(q) == 2
    assert (read_table(path).title, times[0]) == ("run", 0)


def test_every_cut_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "whole.mot"
    write_table(path, Table(np.ones((2, 2)), ("a", "b"), TIMES[:2]))
    whole = path.read_text()
    for end in range(whole.rindex("\t")):
        path.write_text(whole[:end])
        with pytest.raises(DataError, match=r"whole\.mot"):
            read_table(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "endheader"),
        ("endheader\n", "the time"),
        ("endheader\nframe\ta\n1\t2\n", "the time"),
        ("endheader\ntime\ta\n1\n", "row 1 has 1 cells"),
        ("nRows=2\nendheader\ntime\ta\n1\t2\n", "nrows is 2"),
        ("nColumns=x\nendheader\ntime\ta\n1\t2\n", "'x'"),
        ("endheader\ntime\ta\n1\tx\n", "'x'"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "bad.mot"
    path.write_text(text)
    with pytest.raises(DataError, match=re.escape(reason)) as error:
        read_table(path)
    assert "bad.mot" in str(error.value)


def test_files_without_our_coordinates(tmp_path: Path) -> None:
    write_table(tmp_path / "a.sto", Table(np.ones((1, 1)), ("force",), np.zeros(1)))
    with pytest.raises(DataError, match="no coordinate"):
        read_motion(tmp_path / "a.sto", SPEC)
    with pytest.raises(DataError, match="none"):
        read_motion(tmp_path / "none.sto", SPEC)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"values": np.ones((3, 3))}, "shape"),
        ({"values": np.full((3, 2), np.nan)}, "not finite"),
        ({"times": np.array([0, 1, np.inf])}, "not finite"),
        ({"times": np.array([0, 0, 1])}, "rise"),
        ({"names": ("a", "a")}, "differ"),
        ({"names": ("a", "time")}, "differ"),
        ({"names": ("a", "b\t")}, "no name"),
        ({"names": ("a", "")}, "no name"),
        ({"title": "x=1"}, "no name"),
    ],
)
def test_bad_arguments(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    given_: dict[str, object] = {"values": np.ones((3, 2)), "names": ("a", "b"), "times": TIMES}
    with pytest.raises(UsageError, match=reason):
        write_table(tmp_path / "a.mot", Table(**(given_ | changes)))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_wrong_poses_and_places(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\(3, 44\)"):
        write_motion(tmp_path / "a.mot", SPEC, np.zeros((3, 44)), TIMES)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_motion(tmp_path / "file" / "a.mot", SPEC, motion(), TIMES)


def test_opensim_reads_ours(opensim: ModuleType, tmp_path: Path) -> None:
    path, q = tmp_path / "walk.mot", motion()
    write_motion(path, SPEC, q, TIMES)
    storage = opensim.Storage(str(path))
    assert storage.isInDegrees()
    assert storage.getSize() == 3
    labels = storage.getColumnLabels()
    found = [labels.get(i) for i in range(labels.getSize())]
    assert found == ["time", *(item.name for item in SPEC.coordinates)]
    table = opensim.TimeSeriesTable(str(path))
    expected = read_table(path)
    np.testing.assert_allclose(table.getMatrix().to_numpy(), expected.values, rtol=1e-12)
    assert table.getTableMetaDataString("inDegrees") == "yes"


def test_we_read_those_of_opensim(opensim: ModuleType, tmp_path: Path) -> None:
    """Both of its layouts: version 3 of an adapter and version 1 of a storage."""
    path, q = tmp_path / "walk.mot", motion()
    write_motion(path, SPEC, q, TIMES)
    adapted, stored = tmp_path / "adapted.sto", tmp_path / "stored.mot"
    opensim.STOFileAdapter.write(opensim.TimeSeriesTable(str(path)), str(adapted))
    opensim.Storage(str(path)).printToFile(str(stored), "w")
    for file in (adapted, stored):
        again, times = read_motion(file, SPEC)
        np.testing.assert_allclose(again, q, atol=1e-7)
        np.testing.assert_allclose(times, TIMES, atol=1e-7)
