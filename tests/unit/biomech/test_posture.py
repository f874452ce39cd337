"""Measures of posture: known poses, mirrors, turned worlds, gaps, and files."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from spinepose.biomech.ik import Fit
from spinepose.biomech.measures import MEASURES
from spinepose.biomech.posture import Posture, measure_posture, write_posture
from spinepose.biomech.rotations import euler_angles
from spinepose.biomech.tables import read_table
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import SPINETRACK
from tests.unit.biomech.motions import BODY, SPEC, moving_person

INDEX = SPEC.coordinate_index
NAMES = [measure.name for measure in MEASURES]
SIDED = {
    "coronal_balance_mm",
    "trunk_lean_right_deg",
    "trunk_bending_deg",
    "trunk_rotation_deg",
    "shoulder_tilt_deg",
}


def exact(q: np.ndarray, size: np.ndarray | None = None) -> Fit:
    """Return the poses (F, Q) as a fit that leaves nothing."""
    factors = np.ones(len(SPEC.groups)) if size is None else size
    points = BODY.markers(q, factors)
    return Fit(q, points, np.zeros(points.shape[:2]), factors)


def measured(**degrees: float) -> dict[str, float]:
    """Return the measures of the standing person with some coordinates changed, degrees."""
    q = np.zeros((1, len(SPEC.coordinates)))
    for name, value in degrees.items():
        q[0, INDEX[name]] = math.radians(value)
    fit = exact(q)
    return dict(zip(NAMES, measure_posture(fit.markers, fit, BODY).values[0], strict=True))


STANDING = measured()


def test_the_standing_person_is_as_cited() -> None:
    """Vialle et al. 2005: lordosis 60; kyphosis of T1 to T12 as tilts are given; upright."""
    assert STANDING["lordosis_deg"] == pytest.approx(41 + 15.5 + 1.5)
    assert STANDING["kyphosis_deg"] == pytest.approx(45.5 - 1.5 - 2.5)
    assert 50 < STANDING["craniovertebral_deg"] < 60
    assert 0 < STANDING["sagittal_vertical_axis_mm"] < 50
    for name in (*SIDED, "trunk_flexion_deg", "neck_flexion_deg", "pelvic_tilt_deg"):
        assert STANDING[name] == pytest.approx(0, abs=1e-9)


def test_lean_and_offset_are_those_of_the_line() -> None:
    """A rigid person tilts forward by 30 degrees: the line from sacrum to C7 turns by 30."""
    tilted = measured(pelvis_tilt=-30)
    assert tilted["pelvic_tilt_deg"] == pytest.approx(30)
    for name, change in {"trunk_lean_forward_deg": 30, "craniovertebral_deg": -30}.items():
        assert tilted[name] - STANDING[name] == pytest.approx(change)
    neck, hip = (
        BODY.markers(np.zeros(len(SPEC.coordinates)))[0, SPEC.marker_index[name]]
        for name in ("neck", "hip")
    )
    line = neck - hip - [0.018, 0.050, 0.0]
    assert STANDING["sagittal_vertical_axis_mm"] == pytest.approx(line[0] * 1000)
    offset = line[0] * math.cos(math.pi / 6) + line[1] * math.sin(math.pi / 6)
    assert tilted["sagittal_vertical_axis_mm"] == pytest.approx(offset * 1000)
    for name in ("kyphosis_deg", "lordosis_deg", "trunk_flexion_deg", *SIDED):
        assert tilted[name] == pytest.approx(STANDING[name], abs=1e-9)


def test_a_person_who_lists_to_the_right() -> None:
    found = measured(pelvis_list=10)
    line = BODY.markers(np.zeros(len(SPEC.coordinates)))[0]
    up = line[SPEC.marker_index["neck"]] - line[SPEC.marker_index["hip"]]
    assert found["shoulder_tilt_deg"] == pytest.approx(10)
    sine = up[1] * math.sin(math.radians(10)) / math.hypot(up[0], up[1])
    assert found["trunk_lean_right_deg"] == pytest.approx(math.degrees(math.asin(sine)))
    assert found["coronal_balance_mm"] > 60


def test_flexion_is_shared_as_the_model_does() -> None:
    """End plates lie half way between bodies: half of the turn at a disc counts for each side."""
    lumbar = SPEC.shares("lumbar_extension")
    neck = SPEC.shares("lower_neck_extension")
    bow = measured(lumbar_extension=-40, lower_thoracic_extension=-10, upper_thoracic_extension=-6)
    assert bow["trunk_flexion_deg"] == pytest.approx(56)
    lost = 40 * (1 - lumbar["T12"] / 2)
    assert bow["lordosis_deg"] == pytest.approx(STANDING["lordosis_deg"] - lost)
    gained = 16 + 40 * lumbar["T12"] / 2
    assert bow["kyphosis_deg"] == pytest.approx(STANDING["kyphosis_deg"] + gained)
    nod = measured(lower_neck_extension=-20, upper_neck_extension=-10)
    assert nod["neck_flexion_deg"] == pytest.approx(30)
    assert nod["kyphosis_deg"] == pytest.approx(STANDING["kyphosis_deg"] + 20 * neck["C7"] / 2)
    assert nod["craniovertebral_deg"] < STANDING["craniovertebral_deg"] - 10


def test_bending_and_rotation_of_the_trunk() -> None:
    """Joints of a curved spine turn about axes of their own, so that some of a turn is coupled."""
    bent = measured(lumbar_bending=20, lower_thoracic_bending=10)
    assert bent["trunk_bending_deg"] == pytest.approx(30, abs=1.5)
    assert bent["coronal_balance_mm"] > 50
    turned = measured(lower_thoracic_rotation=20, upper_thoracic_rotation=10)
    assert turned["trunk_rotation_deg"] == pytest.approx(30, abs=3)
    assert abs(turned["pelvic_tilt_deg"]) < 1e-9


def test_a_mirrored_person_has_mirrored_sides() -> None:
    order, sign = SPEC.mirror
    q = moving_person(6, 4, seed=5)
    one, other = exact(q), exact(sign * q[:, order])
    found = measure_posture(one.markers, one, BODY).values
    mirrored = measure_posture(one.markers[:, SPINETRACK.flip] * [1, 1, -1], other, BODY).values
    signs = np.array([-1.0 if name in SIDED else 1.0 for name in NAMES])
    np.testing.assert_allclose(mirrored, found * signs, atol=1e-6)


def test_nothing_changes_where_the_person_faces_and_stands() -> None:
    q = moving_person(6, 4, seed=6)
    turned = q.copy()
    angle = 2.0
    cosine, sine = math.cos(angle), math.sin(angle)
    about = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    fit = exact(q)
    root = BODY.frames(q).axes[:, 0]
    turned[:, BODY.balls[0]] = euler_angles(about @ root)
    moves = [INDEX[f"pelvis_t{axis}"] for axis in "xyz"]
    turned[:, moves] = q[:, moves] @ about.T + [3.0, 0.5, -2.0]
    other = exact(turned)
    np.testing.assert_allclose(other.markers, fit.markers @ about.T + [3.0, 0.5, -2.0], atol=1e-9)
    np.testing.assert_allclose(
        measure_posture(other.markers, other, BODY).values,
        measure_posture(fit.markers, fit, BODY).values,
        atol=1e-6,
    )


def test_lying_people() -> None:
    back, belly = measured(pelvis_tilt=90), measured(pelvis_tilt=-90)
    assert back["pelvic_tilt_deg"] == pytest.approx(-90)
    assert belly["trunk_lean_forward_deg"] > 85
    side = measured(pelvis_list=80)
    for name in ("craniovertebral_deg", "sagittal_vertical_axis_mm", "pelvic_tilt_deg"):
        assert math.isnan(side[name])
    assert side["shoulder_tilt_deg"] == pytest.approx(80)
    assert side["kyphosis_deg"] == pytest.approx(STANDING["kyphosis_deg"])


def test_points_lie_where_they_were_measured() -> None:
    """A keypoint that is always 20 mm beside the model's is believed; one wild frame is not."""
    fit = exact(moving_person(9, 4, seed=7), np.full(len(SPEC.groups), 1.1))
    head = BODY.frames(fit.coordinates, fit.scale).axes[:, SPEC.body_index["head"]]
    points = fit.markers.copy()
    for side in ("left", "right"):
        points[:, SPEC.marker_index[f"{side}_ear"]] += 0.02 * head[:, :, 0]
    found = measure_posture(points, fit, BODY)
    before = measure_posture(fit.markers, fit, BODY)
    assert (found.series("craniovertebral_deg") < before.series("craniovertebral_deg") - 3).all()
    points[4, SPEC.marker_index["left_ear"]] += 0.5
    again = measure_posture(points, fit, BODY)
    np.testing.assert_allclose(again.values, found.values, atol=1e-9)


def test_what_is_missing_is_not_made_up() -> None:
    q = moving_person(5, 4, seed=8)
    q[4] = np.nan
    points = BODY.markers(q[:4])
    fit = Fit(
        q,
        np.concatenate([points, np.full((1, *points.shape[1:]), np.nan)]),
        np.zeros((5, len(SPEC.markers))),
        np.ones(len(SPEC.groups)),
    )
    markers = fit.markers.copy()
    markers[1, SPEC.marker_index["left_ear"]] = np.nan
    markers[:, SPEC.marker_index["left_shoulder"]] = np.nan
    markers[2, SPEC.marker_index["neck"]] = np.nan
    found = measure_posture(markers, fit, BODY)
    assert np.isnan(found.values[4]).all()
    known = {name: np.isfinite(found.series(name)[:4]).tolist() for name in NAMES}
    assert known["craniovertebral_deg"] == [True, False, False, True]
    assert known["trunk_lean_forward_deg"] == [True, True, False, True]
    assert known["shoulder_tilt_deg"] == [False] * 4
    assert known["kyphosis_deg"] == [True] * 4
    summary = {item.name: item for item in found.summaries}["shoulder_tilt_deg"]
    assert summary.frames == 0
    assert math.isnan(summary.median)


def bowing() -> Posture:
    """Return the posture of a person who bows from 0 to 40 degrees."""
    q = np.zeros((21, len(SPEC.coordinates)))
    q[:, INDEX["pelvis_tilt"]] = np.radians(np.linspace(0, -40, 21))
    fit = exact(q)
    return measure_posture(fit.markers, fit, BODY)


def test_the_report() -> None:
    found = bowing()
    tilt = {item.name: item for item in found.summaries}["pelvic_tilt_deg"]
    assert (tilt.unit, tilt.frames) == ("deg", 21)
    assert [tilt.low, tilt.median, tilt.high] == pytest.approx([2, 20, 38])
    axis = {item.name: item for item in found.summaries}["sagittal_vertical_axis_mm"]
    beyond = (found.series("sagittal_vertical_axis_mm") > 50).mean()
    assert axis.beyond == pytest.approx(beyond)
    assert 0.5 < beyond < 1
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [item["name"] for item in content["measures"]] == NAMES
    assert content["measures"][0]["reference_high"] is None
    text = found.to_markdown()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows} == {8}
    assert len(rows) == len(NAMES) + 2
    assert "| pelvic_tilt_deg | 21 | 20.0 | 2.0 to 38.0 | - | - | 1.0 |" in text
    assert "no diagnosis" in text
    assert "Cobb" not in text
    with pytest.raises(UsageError, match="kyphosis_deg"):
        found.series("cobb_deg")


def test_every_measure_is_declared_whole() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for measure in MEASURES:
        assert measure.unit in ("deg", "mm")
        assert measure.definition
        assert measure.source
        assert 0 < measure.uncertainty < 10
        assert measure.low < measure.high


def test_files(tmp_path: Path) -> None:
    found, times = bowing(), np.arange(21) / 10
    found.values[3, NAMES.index("craniovertebral_deg")] = np.nan
    found.values[:, NAMES.index("shoulder_tilt_deg")] = np.nan
    write_posture(tmp_path / "posture.csv", found, times)
    with (tmp_path / "posture.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 21
    assert rows[3]["craniovertebral_deg"] == rows[0]["shoulder_tilt_deg"] == ""
    assert float(rows[20]["pelvic_tilt_deg"]) == pytest.approx(40, abs=1e-3)
    assert float(rows[20]["time_s"]) == 2.0
    write_posture(tmp_path / "posture.sto", found, times)
    table = read_table(tmp_path / "posture.sto")
    assert table.in_degrees
    assert set(NAMES) - set(table.names) == {"shoulder_tilt_deg"}
    assert 0.3 not in table.times
    assert len(table.times) == 20
    with pytest.raises(UsageError, match="neither"):
        write_posture(tmp_path / "posture.xlsx", found, times)
    with pytest.raises(UsageError, match="times"):
        write_posture(tmp_path / "posture.csv", found, times[1:])
    nothing = Posture(np.full_like(found.values, np.nan))
    with pytest.raises(DataError, match="csv"):
        write_posture(tmp_path / "posture.sto", nothing, times)


def test_what_makes_no_sense_is_refused() -> None:
    fit = exact(np.zeros((2, len(SPEC.coordinates))))
    with pytest.raises(UsageError):
        measure_posture(fit.markers[:1], fit, BODY)
    lost = Fit(np.full_like(fit.coordinates, np.nan), fit.markers, fit.residuals, fit.scale)
    with pytest.raises(DataError):
        measure_posture(fit.markers, lost, BODY)
