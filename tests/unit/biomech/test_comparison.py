"""What is said about two solutions whose differences are known."""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinepose.biomech.comparison import Comparison, ScaleDifference, compare, compare_with_opensim
from spinepose.biomech.ik import Fit
from spinepose.biomech.opensim_tools import OpenSimFit
from spinepose.biomech.osim import write_osim
from spinepose.errors import DataError, MissingExtraError, UsageError
from tests.unit.biomech.motions import BODY, SPEC, moving_person

NAMES = tuple(marker.name for marker in SPEC.markers)
COORDINATES = tuple(item.name for item in SPEC.coordinates)
TRUTH = moving_person(6, 50, seed=4)
POINTS = BODY.markers(TRUTH)


def ours() -> Fit:
    return Fit(TRUTH, POINTS, np.zeros(POINTS.shape[:2]), np.ones(len(SPEC.groups)))


def theirs(q: np.ndarray = TRUTH, markers: np.ndarray = POINTS) -> OpenSimFit:
    return OpenSimFit(
        times=np.arange(len(q)) / 50,
        names=NAMES,
        coordinate_names=COORDINATES,
        rotational=np.array([not item.translation for item in SPEC.coordinates]),
        coordinates=q,
        markers=markers,
        residuals=np.linalg.norm(POINTS - markers, axis=2),
        rms=np.zeros(len(q)),
        largest=np.zeros(len(q)),
        seconds=3.0,
    )


def test_the_same_solution_twice() -> None:
    found = compare(POINTS, ours(), theirs(), BODY, seconds=0.5)
    assert (found.frames, found.common, found.between_mm) == (6, 6, 0)
    assert (found.ours.rmse_mm, found.theirs.rmse_mm) == (0, 0)
    assert (found.ours.frames_per_second, found.theirs.frames_per_second) == (12, 2)
    assert max(item.largest for item in found.coordinates) < 1e-5
    assert [item.name for item in found.markers] == list(NAMES)
    joints = ["pelvis", "thigh_r", "thigh_l", "upper_arm_r", "upper_arm_l"]
    assert sorted(item.name for item in found.coordinates) == sorted([*COORDINATES, *joints])


def test_a_marker_elsewhere() -> None:
    markers = POINTS.copy()
    markers[:3, 5, 1] += 0.02
    found = compare(POINTS, ours(), theirs(markers=markers), BODY, seconds=1)
    shoulder = found.markers[5]
    assert shoulder.theirs_mm == pytest.approx(20 / np.sqrt(2))
    assert (shoulder.ours_mm, shoulder.between_mm) == (0, pytest.approx(20 / np.sqrt(2)))
    assert found.theirs.rmse_mm == pytest.approx(20 / np.sqrt(2 * len(NAMES)))


def test_another_pose() -> None:
    q = TRUTH.copy()
    knee, pelvis = SPEC.coordinate_index["knee_flexion_l"], SPEC.coordinate_index["pelvis_ty"]
    q[:, knee] += np.radians([1, 2, 3, -1, -2, -3])
    q[:, pelvis] += 0.004
    found = {
        item.name: item for item in compare(POINTS, ours(), theirs(q), BODY, seconds=1).coordinates
    }
    bent = found["knee_flexion_l"]
    assert bent.mean == pytest.approx(0, abs=1e-9)
    assert (bent.rms, bent.largest) == (pytest.approx(np.sqrt(14 / 3)), pytest.approx(3))
    moved = found["pelvis_ty"]
    assert (moved.unit, moved.mean, moved.largest) == ("mm", pytest.approx(4), pytest.approx(4))
    assert found["knee_flexion_r"].largest == pytest.approx(0, abs=1e-9)


def test_the_same_rotation_by_other_angles() -> None:
    q = TRUTH.copy()
    for columns in BODY.balls:
        first, second, third = q[:, columns].T
        q[:, columns] = np.stack([first + np.pi, np.pi - second, third - np.pi], axis=1)
    q[:, SPEC.coordinate_index["elbow_flexion_r"]] += 2 * np.pi
    np.testing.assert_allclose(BODY.markers(q), POINTS, atol=1e-9)
    found = compare(POINTS, ours(), theirs(q), BODY, seconds=1)
    assert max(item.largest for item in found.coordinates) < 1e-5


def test_joints_as_a_whole_where_angles_lock() -> None:
    """At 90 degrees of the second angle, only the sum of the others means something."""
    columns = [
        SPEC.coordinate_index[f"arm_{name}_r"] for name in ("flexion", "adduction", "rotation")
    ]
    q, other = TRUTH.copy(), TRUTH.copy()
    q[:, columns] = np.radians([10, -90, 20])
    other[:, columns] = np.radians([40, -90, 50])
    fit = replace(ours(), coordinates=q)
    found = {
        item.name: item for item in compare(POINTS, fit, theirs(other), BODY, seconds=1).coordinates
    }
    assert found["arm_flexion_r"].largest == pytest.approx(30)
    assert found["upper_arm_r"].largest == pytest.approx(0, abs=1e-5)
    other[:, columns] = np.radians([40, -90, 20])
    found = {
        item.name: item for item in compare(POINTS, fit, theirs(other), BODY, seconds=1).coordinates
    }
    assert found["upper_arm_r"].largest == pytest.approx(30)


def test_only_what_both_have_is_compared() -> None:
    """A frame of ours is missing, another of theirs; their model is another."""
    first, second = ours(), theirs()
    first = replace(first, coordinates=_without(TRUTH, 0), markers=_without(POINTS, 0))
    second = replace(
        second,
        names=NAMES[9::-1],
        coordinate_names=("pelvis_tx", "angle"),
        coordinates=_without(TRUTH[:, :2], 1),
        markers=_without(POINTS[:, 9::-1], 1) + np.array([0.0, 0.003, 0.0]),
    )
    points = POINTS.copy()
    points[2:, 3] = np.nan
    found = compare(points, first, second, BODY, seconds=1)
    assert (found.common, found.ours.solved, found.theirs.solved) == (4, 5, 5)
    assert found.coordinates == ()
    assert found.between_mm == pytest.approx(3)
    assert {item.name for item in found.markers} == set(NAMES[:10])
    by_name = {item.name: item for item in found.markers}
    assert np.isnan(by_name[NAMES[3]].theirs_mm)
    assert by_name[NAMES[3]].between_mm == pytest.approx(3)
    assert found.theirs.rmse_mm == pytest.approx(3)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["markers"][6]["theirs_mm"] is None


def _without(values: np.ndarray, frame: int) -> np.ndarray:
    values = values.copy()
    values[frame] = np.nan
    return values


def test_nothing_to_compare() -> None:
    with pytest.raises(UsageError, match="6 frames"):
        compare(POINTS[:3], ours(), theirs(), BODY, seconds=1)
    nowhere = replace(theirs(), markers=np.full_like(POINTS, np.nan))
    with pytest.raises(DataError, match="share no marker or no frame"):
        compare(POINTS, ours(), nowhere, BODY, seconds=1)


def cells(found: Comparison, first: str) -> list[str]:
    """Return the numbers of a line of the report."""
    line = next(line for line in found.to_markdown().splitlines() if line.startswith(f"| {first} "))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_report() -> None:
    markers = POINTS + np.array([0.0, 0.004, 0.0])
    scale = [ScaleDifference("thigh", 1.01, 0.98)]
    found = compare(POINTS, ours(), theirs(markers=markers), BODY, seconds=0.5, scale=scale)
    assert cells(found, "OpenSim") == ["6", "4.00", "3.00", "2.0"]
    assert cells(found, "spinepose") == ["6", "0.00", "0.50", "12.0"]
    assert cells(found, "left_knee") == ["0.0", "4.0", "4.0"]
    assert cells(found, "thigh") == ["1.010", "0.980"]
    assert "| scale group |" not in replace(found, scale=()).to_markdown()


def test_both_engines_on_clean_markers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("opensim")
    standing = 0.15 * moving_person(2, 50, seed=6)
    points = BODY.markers(standing, np.full(len(SPEC.groups), 1.04))
    both = compare_with_opensim(points, BODY, 50.0)
    same, own = both.items
    assert same.common == own.common == 2
    assert same.scale == ()
    assert same.ours.rmse_mm < 3
    assert same.theirs.rmse_mm < 3
    assert same.between_mm < 1.5
    by_name = {item.name: item for item in same.coordinates}
    assert by_name["knee_flexion_r"].largest < 1
    assert by_name["pelvis"].largest < 2
    assert own.theirs.rmse_mm < 3
    factors = {item.group: item for item in own.scale}
    for group in ("thigh", "shank", "upper_arm", "forearm", "pelvis"):
        assert factors[group].theirs == pytest.approx(1.04, abs=1e-3)
    assert factors["thigh"].ours == pytest.approx(1.04, abs=0.02)
    titles = [line for line in both.to_markdown().splitlines() if line.startswith("#")]
    assert [title.rpartition(":")[2].strip() for title in titles] == [
        "# Compared with OpenSim",
        "the same size",
        "each its own size",
    ]
    assert both.to_dict()["comparisons"][1]["scale"][0]["group"] == SPEC.groups[0]


def test_a_users_model_is_solved_as_it_is(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("opensim")
    write_osim(tmp_path / "own.osim", SPEC, np.full(len(SPEC.groups), 1.1))
    points = BODY.markers(0.15 * TRUTH[:1])
    (found,) = compare_with_opensim(points, BODY, 50.0, model=tmp_path / "own.osim").items
    assert found.title == "own.osim as it is"
    assert found.scale == ()
    assert found.ours.rmse_mm < 5
    assert 10 < found.theirs.rmse_mm < 100


def test_without_opensim_nothing_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opensim", None)
    with pytest.raises(MissingExtraError):
        compare_with_opensim(POINTS, BODY, 50.0)
