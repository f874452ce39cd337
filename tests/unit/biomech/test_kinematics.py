"""Where markers are, how they move, and what must not change."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinepose.biomech.body import STATURE, body_model
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.rotations import euler_matrices
from spinepose.errors import UsageError
from spinepose.skeleton import SPINETRACK

SPEC = body_model()
BODY = Kinematics(SPEC)
COORDINATES, GROUPS = len(SPEC.coordinates), len(SPEC.groups)
STEP = 1e-6

poses = arrays(np.float64, (2, COORDINATES), elements=st.floats(-3, 3))
factors = arrays(np.float64, GROUPS, elements=st.floats(0.5, 1.6))


def pose(**angles: float) -> np.ndarray:
    """Return a pose (Q,), from degrees and metres."""
    q = np.zeros(COORDINATES)
    for name, value in angles.items():
        at = SPEC.coordinate_index[name]
        q[at] = value if SPEC.coordinates[at].translation else math.radians(value)
    return q


def place(marker: str, **angles: float) -> np.ndarray:
    """Return where a marker is (3,), from degrees and metres."""
    return np.asarray(BODY.markers(pose(**angles))[0, SPEC.marker_index[marker]])


def moved(marker: str, **angles: float) -> np.ndarray:
    """Return how far a pose takes a marker (3,) from where it stands."""
    return place(marker, **angles) - place(marker)


def differences(q: np.ndarray, scale: np.ndarray, tangent: bool) -> np.ndarray:
    """Return central differences (F, 3 * M, Q)."""
    changes = np.repeat(np.eye(COORDINATES) * STEP, len(q), axis=0)
    start = np.tile(q, (COORDINATES, 1))
    ahead, behind = (
        BODY.markers(BODY.step(start, sign * changes) if tangent else start + sign * changes, scale)
        for sign in (1, -1)
    )
    found = ((ahead - behind) / (2 * STEP)).reshape(COORDINATES, len(q), -1)
    return np.moveaxis(found, 0, -1)


def test_the_standing_person() -> None:
    points = dict(zip(SPINETRACK.keypoints, BODY.markers(np.zeros(COORDINATES))[0], strict=True))
    ankle_height = 0.039 * STATURE  # Winter 2009, Figure 4.1
    stature = points["head"][1] - points["left_ankle"][1] + ankle_height
    assert stature == pytest.approx(STATURE, rel=0.02)
    chain = [points[name][1] for name in SPINETRACK.spine]
    assert chain == sorted(chain, reverse=True)
    np.testing.assert_allclose([points[name][2] for name in SPINETRACK.spine], 0, atol=1e-12)
    assert points["right_shoulder"][2] > 0 > points["left_shoulder"][2]
    assert points["nose"][0] > points["neck_03"][0]
    assert points["right_wrist"][1] < points["right_elbow"][1] < points["right_shoulder"][1]
    # Dumas et al. 2007: 477 mm from L5/S1 to C7/T1 at 1.77 m.
    frames = BODY.frames(np.zeros(COORDINATES))
    sacrum, neck = (frames.origins[0, SPEC.body_index[name]] for name in ("L5", "C7"))
    assert np.linalg.norm(neck - sacrum) == pytest.approx(0.477 * STATURE / 1.77, abs=0.003)
    # C7 stands over the sacrum, to 3 cm.
    assert points["neck"][0] == pytest.approx(sacrum[0], abs=0.03)


@pytest.mark.parametrize(
    ("marker", "angles", "axis", "sign"),
    [
        ("right_knee", {"hip_flexion_r": 30}, 0, 1),
        ("left_knee", {"hip_flexion_l": 30}, 0, 1),
        ("right_knee", {"hip_adduction_r": 30}, 2, -1),
        ("left_knee", {"hip_adduction_l": 30}, 2, 1),
        ("right_big_toe", {"hip_rotation_r": 30}, 2, -1),
        ("left_ankle", {"knee_flexion_l": 30}, 0, -1),
        ("right_big_toe", {"ankle_flexion_r": 20}, 1, 1),
        ("right_small_toe", {"ankle_inversion_r": 30}, 1, -1),
        ("left_small_toe", {"ankle_inversion_l": 30}, 1, -1),
        ("right_wrist", {"elbow_flexion_r": 90}, 0, 1),
        ("right_wrist", {"arm_flexion_r": 90}, 0, 1),
        ("right_wrist", {"arm_adduction_r": -80}, 2, 1),
        ("left_wrist", {"arm_adduction_l": -80}, 2, -1),
        ("right_shoulder", {"clavicle_elevation_r": 20}, 1, 1),
        ("left_shoulder", {"clavicle_elevation_l": 20}, 1, 1),
        ("right_shoulder", {"clavicle_protraction_r": 20}, 0, 1),
        ("left_shoulder", {"clavicle_protraction_l": 20}, 0, 1),
        ("head", {"lumbar_extension": -30}, 0, 1),
        ("head", {"upper_neck_extension": 20}, 0, -1),
        ("head", {"lower_thoracic_bending": 20}, 2, 1),
        ("nose", {"lower_neck_rotation": 20}, 2, -1),
        ("nose", {"pelvis_tilt": 20}, 0, -1),
        ("nose", {"pelvis_tx": 2.0}, 0, 1),
    ],
)
def test_signs(marker: str, angles: dict[str, float], axis: int, sign: int) -> None:
    assert sign * moved(marker, **angles)[axis] > 0.01


def test_joints_turn_by_the_sum_of_their_shares() -> None:
    """The head turns by the full angle, however the spine shares it."""
    frames = BODY.frames(pose(lumbar_extension=-40, lower_neck_extension=10))
    axes = frames.axes[0, SPEC.body_index["head"]]
    assert math.degrees(math.atan2(axes[1, 0], axes[0, 0])) == pytest.approx(-30)
    middle = frames.axes[0, SPEC.body_index["L3"]]
    shares = SPEC.shares("lumbar_extension")
    part = -40 * (shares["L5"] + shares["L4"] + shares["L3"])
    assert math.degrees(math.atan2(middle[1, 0], middle[0, 0])) == pytest.approx(
        1 + part
    )  # it leans 1 degree at rest


@settings(max_examples=8, deadline=None)
@given(poses, factors)
def test_derivatives_are_those_of_differences(q: np.ndarray, scale: np.ndarray) -> None:
    points, jacobian = BODY.jacobian(q, scale)
    assert jacobian.shape == (2, 3 * len(SPEC.markers), COORDINATES)
    np.testing.assert_allclose(points, BODY.markers(q, scale), atol=1e-12)
    np.testing.assert_allclose(jacobian, differences(q, scale, False), atol=1e-6)


@settings(max_examples=5, deadline=None)
@given(poses, factors)
def test_derivatives_of_steps(q: np.ndarray, scale: np.ndarray) -> None:
    _, jacobian = BODY.jacobian(q, scale, tangent=True)
    np.testing.assert_allclose(jacobian, differences(q, scale, True), atol=1e-6)


def test_an_arm_held_sideways_can_turn_all_ways() -> None:
    """The angles lock there; the tangent has full rank."""
    q = pose(arm_adduction_r=-90, elbow_flexion_r=90)
    arm = [SPEC.coordinate_index[f"arm_{name}_r"] for name in ("flexion", "adduction", "rotation")]
    ranks = [
        np.linalg.matrix_rank(BODY.jacobian(q, tangent=tangent)[1][0][:, arm], tol=1e-6)
        for tangent in (False, True)
    ]
    assert ranks == [2, 3]


@settings(max_examples=20, deadline=None)
@given(poses, arrays(np.float64, (2, COORDINATES), elements=st.floats(-0.5, 0.5)))
def test_steps_back_and_forth(q: np.ndarray, change: np.ndarray) -> None:
    there = BODY.step(q, change)
    back = BODY.step(there, -change)
    np.testing.assert_allclose(BODY.markers(back), BODY.markers(q), atol=1e-6)
    plain = np.setdiff1d(np.arange(COORDINATES), BODY.balls)
    np.testing.assert_allclose(there[:, plain], (q + change)[:, plain])
    np.testing.assert_allclose(BODY.step(q, np.zeros_like(q)), q, atol=1e-6)


def test_balls_are_root_shoulders_and_hips() -> None:
    names = [SPEC.coordinates[c].name for c in BODY.balls[:, 0]]
    assert names == [
        "pelvis_tilt",
        "arm_flexion_r",
        "hip_flexion_r",
        "arm_flexion_l",
        "hip_flexion_l",
    ]


@settings(max_examples=20, deadline=None)
@given(poses, factors)
def test_left_and_right_are_alike(q: np.ndarray, scale: np.ndarray) -> None:
    order, sign = SPEC.mirror
    mirrored = BODY.markers(sign * q[:, order], scale)
    expected = BODY.markers(q, scale)[:, SPINETRACK.flip] * [1, 1, -1]
    np.testing.assert_allclose(mirrored, expected, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(poses, factors)
def test_bones_keep_their_lengths(q: np.ndarray, scale: np.ndarray) -> None:
    def lengths(frames: np.ndarray) -> np.ndarray:
        parents = [SPEC.body_index[body.parent] for body in SPEC.bodies[1:]]
        return np.asarray(np.linalg.norm(frames[:, 1:] - frames[:, parents], axis=2))

    frames = BODY.frames(q, scale)
    standing = BODY.frames(np.zeros(COORDINATES), scale)
    expected = lengths(standing.origins)
    np.testing.assert_allclose(lengths(frames.origins), np.tile(expected, (2, 1)), atol=1e-9)
    turned = frames.axes.swapaxes(-1, -2) @ frames.axes
    np.testing.assert_allclose(turned, np.broadcast_to(np.eye(3), turned.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(frames.axes), 1, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(poses, factors)
def test_markers_are_linear_in_the_scale(q: np.ndarray, scale: np.ndarray) -> None:
    jacobian = BODY.scale_jacobian(q)
    assert jacobian.shape == (2, 3 * len(SPEC.markers), GROUPS)
    expected = (jacobian @ scale).reshape(2, -1, 3) + q[:, None, :3]
    np.testing.assert_allclose(BODY.markers(q, scale), expected, atol=1e-9)


def test_scale_factors_reach_their_groups() -> None:
    scale = np.ones(GROUPS)
    scale[SPEC.groups.index("thigh")] = 1.1
    before, after = BODY.markers(np.zeros(COORDINATES)), BODY.markers(np.zeros(COORDINATES), scale)
    changed = np.abs(after - before).max(axis=(0, 2)) > 1e-9
    names = {SPINETRACK.keypoints[i] for i in np.flatnonzero(changed)}
    leg = {"knee", "ankle", "big_toe", "small_toe", "heel"}
    assert names == {f"{side}_{part}" for side in ("left", "right") for part in leg}


def test_frames_do_not_see_each_other() -> None:
    rng = np.random.default_rng(3)
    q = rng.uniform(-1, 1, (5, COORDINATES))
    scale = rng.uniform(0.8, 1.2, (5, GROUPS))
    points, jacobian = BODY.jacobian(q, scale)
    for i in range(5):
        alone = BODY.jacobian(q[i], scale[i])
        np.testing.assert_allclose(points[i], alone[0][0], atol=1e-12)
        np.testing.assert_allclose(jacobian[i], alone[1][0], atol=1e-12)
    assert BODY.markers(np.zeros((0, COORDINATES))).shape == (0, len(SPEC.markers), 3)


def test_the_pelvis_turns_about_z_x_and_y() -> None:
    angles = np.array([[0.3, -0.7, 1.1]])
    q = np.zeros(COORDINATES)
    q[3:6] = angles
    np.testing.assert_allclose(BODY.frames(q).axes[0, 0], euler_matrices(angles)[0], atol=1e-12)


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(UsageError, match=r"\(1, 44\)"):
        BODY.markers(np.zeros(44))
    with pytest.raises(UsageError, match=r"\(7,\)"):
        BODY.markers(np.zeros(COORDINATES), np.ones(7))
    with pytest.raises(UsageError, match=r"\(3, 11\)"):
        BODY.markers(np.zeros((2, COORDINATES)), np.ones((3, GROUPS)))


def test_speed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    q = np.random.default_rng(0).uniform(-1, 1, (200, COORDINATES))
    start = time.process_time()
    BODY.jacobian(q)
    middle = time.process_time()
    BODY.markers(q)
    end = time.process_time()
    with capsys.disabled():
        rates = [200 / max(t, 1e-9) for t in (middle - start, end - middle)]
        print(f" {rates[0]:.0f} Jacobians, {rates[1]:.0f} poses a second ", end="")
