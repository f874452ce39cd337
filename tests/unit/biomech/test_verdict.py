"""Wrong keypoints are found, good ones are left alone, and the report says so."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from spinepose.biomech.ik import Fit, solve
from spinepose.biomech.scaling import scale_and_solve
from spinepose.biomech.verdict import FLAG, WARN, judge_markers
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import SPINETRACK
from tests.unit.biomech.motions import BODY, SPEC, moving_person, wrong_spine

FRAMES = 10
OFFSET = 0.03
POSES = moving_person(FRAMES, 4, seed=3)
MARKERS = BODY.markers(POSES)


@pytest.mark.parametrize("trial", range(20))
def test_a_spine_keypoint_that_is_15_cm_wrong_is_flagged(trial: int) -> None:
    """In any direction, in some frames or all; size and pose are fitted to the wrong markers."""
    points, name, wrong = wrong_spine(trial, FRAMES, 0.003)
    bad = SPEC.marker_index[name]
    fit = scale_and_solve(points, BODY, frames=FRAMES)
    found = judge_markers(points, fit, BODY)
    assert {(item.frame, item.keypoint) for item in found.flags} == {(f, name) for f in wrong}
    good = fit.residuals.copy()
    good[wrong, bad] = 0
    assert good.max() < WARN
    assert not found.passed


def test_the_mean_error_is_told_in_the_frame_of_the_body() -> None:
    points = MARKERS.copy()
    bad = SPEC.marker_index["spine_04"]
    axes = BODY.frames(POSES).axes[:, SPEC.body_index["T8"]]
    points[:, bad] += OFFSET * axes[:, :, 2]  # to the right
    fit = Fit(POSES, MARKERS, np.linalg.norm(points - MARKERS, axis=2), np.ones(len(SPEC.groups)))
    found = {item.name: item for item in judge_markers(points, fit, BODY).keypoints}
    np.testing.assert_allclose(found["spine_04"].bias_mm, [0, 0, OFFSET * 1000], atol=1e-6)
    assert found["spine_04"].rmse_mm == pytest.approx(OFFSET * 1000)
    assert found["spine_04"].warned == 0
    assert found["spine_05"].rmse_mm == 0


def test_what_is_told() -> None:
    points = MARKERS.copy()
    wrist, nose = SPEC.marker_index["left_wrist"], SPEC.marker_index["nose"]
    points[2, wrist] += [0, 0, 0.4]
    points[3, wrist] += [0, 0, 0.2]
    points[4] = np.nan
    points[:, nose] = np.nan
    found = judge_markers(points, solve(points, BODY), BODY)
    assert (found.frames, found.solved) == (FRAMES, FRAMES - 1)
    assert [(item.frame, item.keypoint) for item in found.flags][:2] == [
        (2, "left_wrist"),
        (3, "left_wrist"),
    ]
    keypoints = {item.name: item for item in found.keypoints}
    assert keypoints["left_wrist"].flagged == pytest.approx(2 / 9)
    assert keypoints["nose"].frames == 0
    assert math.isnan(keypoints["nose"].rmse_mm)
    thigh = next(item for item in found.segments if item.name == "left thigh")
    assert thigh.measured_mm == pytest.approx(thigh.model_mm, rel=0.01)
    assert thigh.spread_mm < 1
    angles = {item.name: item for item in found.angles}
    assert angles["elbow_flexion_r"].published_high == pytest.approx(160)
    assert angles["lumbar_extension"].published_low == pytest.approx(-64.5)
    assert angles["hip_flexion_l"].published_high == pytest.approx(120)
    assert "pelvis_tilt" not in angles


def test_ranges_of_an_arm_that_passes_the_lock() -> None:
    """Raised sideways to 170 degrees, the arm never flexes, and near 90 nobody could tell."""
    q = np.zeros((171, len(SPEC.coordinates)))
    index = SPEC.coordinate_index
    q[:, index["arm_adduction_r"]] = np.radians(-np.arange(171))
    q[:, index["arm_adduction_l"]] = np.radians(-90)
    # What the other set of angles of the same rotation says, and a lock that shares them anyhow.
    q[120:, index["arm_flexion_r"]], q[120:, index["arm_rotation_r"]] = np.pi, -np.pi
    q[120:, index["arm_adduction_r"]] = -np.pi - q[120:, index["arm_adduction_r"]]
    q[90, index["arm_flexion_r"]], q[90, index["arm_rotation_r"]] = -3.0, 3.0
    markers = BODY.markers(q)
    fit = Fit(q, markers, np.zeros(markers.shape[:2]), np.ones(len(SPEC.groups)))
    found = {item.name: item for item in judge_markers(markers, fit, BODY).angles}
    for name in ("arm_flexion_r", "arm_rotation_r"):
        assert found[name].frames == 171 - 59
        assert (found[name].low, found[name].high) == pytest.approx((0, 0), abs=1e-6)
        assert found[name].beyond == 0
    raised = found["arm_adduction_r"]
    assert raised.frames == 171
    assert (raised.low, raised.high) == pytest.approx((-161.5, -8.5))
    assert "arm_flexion_l" not in found
    assert found["arm_adduction_l"].high == pytest.approx(-90)


def test_the_report_can_be_written() -> None:
    found = judge_markers(MARKERS, solve(MARKERS, BODY), BODY)
    assert found.passed
    assert found.warn_mm == WARN * 1000
    assert found.flag_mm == FLAG * 1000
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["passed"] is True
    assert len(content["keypoints"]) == len(SPINETRACK.keypoints)
    text = found.to_markdown()
    assert f"{FRAMES} of {FRAMES} frames solved" in text
    assert "| left thigh |" in text
    widths = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert set(widths) == {9, 5, 6}


def test_what_makes_no_sense_is_refused() -> None:
    fit = Fit(POSES, MARKERS, np.zeros(MARKERS.shape[:2]), np.ones(len(SPEC.groups)))
    with pytest.raises(UsageError):
        judge_markers(MARKERS[:3], fit, BODY)
    with pytest.raises(UsageError):
        judge_markers(MARKERS, fit, BODY, warn=0.2, flag=0.1)
    nothing = Fit(np.full_like(POSES, np.nan), MARKERS, fit.residuals, fit.scale)
    with pytest.raises(DataError):
        judge_markers(MARKERS, nothing, BODY)
