"""Poses that are found again from markers: whole, noisy, missing, mirrored."""

from __future__ import annotations

import time

import numpy as np
import pytest

from spinepose.biomech.ik import LEAST_MARKERS, between_frames, from_world, solve, to_world
from spinepose.biomech.priors import PosePrior, marker_weights
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import SPINETRACK
from tests.unit.biomech.motions import BODY, SPEC, moving_person, rms

COORDINATES = len(SPEC.coordinates)
POSES = moving_person(24, 10, seed=0)
MARKERS = BODY.markers(POSES)


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return np.asarray(solve(MARKERS, BODY).residuals)


def test_clean_markers_are_met(clean: np.ndarray) -> None:
    assert rms(clean) < 1e-4
    assert clean.max() < 1e-3


def test_weights_follow_simspine() -> None:
    weights = dict(zip(SPINETRACK.keypoints, marker_weights(SPEC), strict=True))
    wanted = {
        "left_shoulder": 2,
        "right_hip": 2,
        "hip": 1,
        "left_wrist": 1,
        "right_heel": 1,
        "spine_03": 0.5,
        "neck": 0.5,
        "neck_03": 0.5,
        "head": 0.3,
        "left_clavicle": 0.3,
        "right_latissimus": 0.3,
        "nose": 0.1,
        "left_ear": 0.1,
    }
    assert {name: weights[name] for name in wanted} == wanted


def test_the_prior_has_its_derivatives() -> None:
    prior = PosePrior(BODY, 0.5)
    q = np.random.default_rng(1).normal(0, 0.9, (3, COORDINATES))
    gradient, hessian = np.zeros((3, COORDINATES)), np.zeros((3, COORDINATES, COORDINATES))
    prior.derive(q, gradient, hessian)
    steps = np.eye(COORDINATES) * 1e-6
    found = [
        prior.energy(BODY.step(q, np.tile(row, (3, 1))))
        - prior.energy(BODY.step(q, np.tile(-row, (3, 1))))
        for row in steps
    ]
    np.testing.assert_allclose(gradient, np.transpose(found) / 4e-6, atol=1e-6)
    assert prior.energy(np.zeros((1, COORDINATES)))[0] == 0


def test_limits_of_shoulders_have_their_derivatives_and_do_not_lock() -> None:
    """Any pose of the arms; rates of angles would grow without bound near 90 degrees."""
    prior = PosePrior(BODY, 0.01)
    index = SPEC.coordinate_index
    arms = [index[f"arm_{part}_{s}"] for s in "rl" for part in ("flexion", "adduction", "rotation")]
    q = np.zeros((200, COORDINATES))
    q[:, arms] = np.random.default_rng(6).uniform(-3, 3, (200, 6))
    q[:100, arms[1]] = -np.pi / 2 + 1e-7
    gradient, hessian = np.zeros((200, COORDINATES)), np.zeros((200, COORDINATES, COORDINATES))
    prior.derive(q, gradient, hessian)
    for arm in arms:
        step = np.zeros_like(q)
        step[:, arm] = 1e-6
        slope = prior.energy(BODY.step(q, step)) - prior.energy(BODY.step(q, -step))
        np.testing.assert_allclose(gradient[:, arm], slope / 4e-6, atol=1e-6)
    assert np.abs(hessian).max() < 1
    order, sign = SPEC.mirror
    np.testing.assert_allclose(prior.energy(sign * q[:, order]), prior.energy(q))


@pytest.mark.parametrize(
    ("degrees", "beyond"),
    [
        ({"flexion": 175}, False),
        ({"adduction": -170}, False),
        ({"adduction": -90, "rotation": -100}, False),  # as if to throw
        ({"flexion": -40, "rotation": 60}, False),  # a hand on the back
        ({"flexion": -85}, True),
        ({"rotation": 120}, True),
        ({"adduction": -90, "rotation": -140}, True),
    ],
)
def test_limits_of_shoulders_hold_what_no_arm_does(degrees: dict[str, float], beyond: bool) -> None:
    prior = PosePrior(BODY, 1e-6)
    q = np.zeros((2, COORDINATES))
    for name, value in degrees.items():
        for row, side in enumerate("rl"):
            q[row, SPEC.coordinate_index[f"arm_{name}_{side}"]] = np.radians(value)
    assert ((prior.energy(q) > 1e-4) == beyond).all()


@pytest.mark.parametrize("facing", [0.0, 90.0, 180.0])
def test_a_pose_is_found_wherever_the_person_faces(facing: float) -> None:
    """Arms forward, sideways, up and behind the back; standing, sitting and lying."""
    q = np.zeros((5, COORDINATES))
    index = SPEC.coordinate_index
    q[:, index["pelvis_rotation"]] = np.radians(facing)
    for side in "rl":
        for name, values in {
            "arm_flexion": (90, 0, 170, -40, 20),
            "arm_adduction": (0, -90, 0, 10, 0),
            "arm_rotation": (0, 0, 0, 60, 0),
            "elbow_flexion": (90, 10, 20, 100, 30),
            "hip_flexion": (0, 0, 0, 100, 0),
            "knee_flexion": (5, 5, 5, 100, 5),
        }.items():
            q[:, index[f"{name}_{side}"]] = np.radians(values)
    q[4, index["pelvis_list"]] = np.radians(80)
    fit = solve(BODY.markers(q), BODY)
    assert fit.residuals.max() < 2e-3


def test_missing_markers_and_frames() -> None:
    points = MARKERS.copy()
    rng = np.random.default_rng(2)
    points[rng.random(points.shape[:2]) < 0.3] = np.nan
    points[5, LEAST_MARKERS - 1 :] = np.nan
    points[6] = np.nan
    fit = solve(points, BODY)
    assert fit.solved.sum() == len(points) - 2
    assert not fit.solved[[5, 6]].any()
    assert np.isnan(fit.markers[6]).all()
    np.testing.assert_array_equal(
        np.isfinite(fit.residuals), np.isfinite(points).all(axis=2) & fit.solved[:, None]
    )
    assert np.nanmax(fit.residuals) < 1.5e-3
    # What was not seen is told by the rest of the body, roughly.
    assert rms(fit.markers - MARKERS) < 0.05


def test_a_mirrored_person_is_mirrored() -> None:
    noisy = MARKERS[:4] + np.random.default_rng(3).normal(0, 0.005, MARKERS[:4].shape)
    mirrored = noisy[:, SPINETRACK.flip] * [1, 1, -1]
    order, sign = SPEC.mirror
    one, other = solve(noisy, BODY), solve(mirrored, BODY)
    np.testing.assert_allclose(other.residuals, one.residuals[:, SPINETRACK.flip], atol=2e-4)
    straight = BODY.markers(sign * other.coordinates[:, order])
    np.testing.assert_allclose(straight, one.markers, atol=1e-3)


def test_angles_do_not_jump() -> None:
    q = np.zeros((40, COORDINATES))
    index = SPEC.coordinate_index
    q[:, index["pelvis_rotation"]] = np.linspace(0, 3 * np.pi, 40)  # turns on the spot
    q[:, index["arm_adduction_r"]] = np.radians(np.linspace(-20, -120, 40))
    q[:, index["elbow_flexion_r"]] = 0.5
    fit = solve(BODY.markers(q), BODY)
    assert np.abs(np.diff(fit.coordinates[:, BODY.balls[0]], axis=0)).max() < 0.5
    assert fit.residuals.max() < 2e-3


def test_between_frames_stays_at_the_ends() -> None:
    q = np.zeros((2, COORDINATES))
    q[1] = 0.1
    found = between_frames(BODY, np.array([2, 4]), q, np.arange(7))
    np.testing.assert_allclose(found[:, 10], [0, 0, 0, 0.05, 0.1, 0.1, 0.1])


def test_the_world_is_turned() -> None:
    up, left = from_world([0, 0, 1]), from_world([1, 0, 0])
    np.testing.assert_array_equal(up, [0, 1, 0])
    np.testing.assert_array_equal(left, [0, 0, -1])
    points = np.random.default_rng(4).normal(size=(2, 3, 3))
    np.testing.assert_allclose(to_world(from_world(points)), points)


def test_speed_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    points = BODY.markers(moving_person(128, 50, seed=1))
    points += np.random.default_rng(5).normal(0, 0.005, points.shape)
    start = time.process_time()
    solve(points, BODY)
    rate = len(points) / (time.process_time() - start)
    with capsys.disabled():
        print(f"\ninverse kinematics: {rate:.0f} frames/s of processor time, 5 mm noise")
    assert rate > 20


@pytest.mark.parametrize(
    ("markers", "options"),
    [
        (MARKERS[0], {}),
        (MARKERS[:, :5], {}),
        (MARKERS, {"huber": 0.0}),
        (MARKERS, {"prior": float("nan")}),
        (MARKERS, {"scale": [1.0]}),
        (MARKERS, {"weights": -np.ones(37)}),
    ],
)
def test_what_makes_no_sense_is_refused(markers: np.ndarray, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        solve(markers, BODY, **options)


def test_too_few_markers() -> None:
    points = MARKERS[:3].copy()
    points[:, LEAST_MARKERS - 1 :] = np.nan
    with pytest.raises(DataError, match="no frame has 8 markers of 37"):
        solve(points, BODY)
