"""Poses: contacts, inverse kinematics, limits, activities, clips and belongings."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("anny")
pytest.importorskip("numba")

from spinepose.skeleton import SPINETRACK
from spinepose.synth.body.model import Shape, draw_shape
from spinepose.synth.pose.activities import ACTIVITIES, draw_motion
from spinepose.synth.pose.curvature import Target, draw_target, fit_curvature
from spinepose.synth.pose.frames import two_bone
from spinepose.synth.pose.pose import LIMITS, Arm, Leg, Pose, limited, mirrored
from spinepose.synth.pose.settle import settling_turn
from spinepose.synth.pose.solve import Poser
from spinepose.synth.staging import belongings_of

if TYPE_CHECKING:
    from spinepose.synth.scene import Studio

_DEGREES = st.floats(-200, 200)
_TURNS = st.tuples(_DEGREES, _DEGREES, _DEGREES)
_LEGS = st.builds(Leg, _DEGREES, _DEGREES, _DEGREES, _DEGREES, _DEGREES)
_ARMS = st.builds(
    Arm, st.tuples(*[st.floats(-1, 1)] * 3), _DEGREES, _DEGREES, _DEGREES, st.floats(0, 1)
)
_POSES = st.builds(
    Pose,
    pelvis=_TURNS,
    trunk=_TURNS,
    neck=_TURNS,
    left_leg=_LEGS,
    right_leg=_LEGS,
    left_arm=_ARMS,
    right_arm=_ARMS,
)
_VECTORS = st.tuples(*[st.floats(-1, 1)] * 3).map(np.array)


@pytest.fixture(scope="module")
def poser(studio: Studio) -> Poser:
    subject = studio.anatomy.subject(Shape())
    curvature = fit_curvature(studio.body, subject, Target("healthy", 40.0, 34.0))
    return Poser(studio.body, subject, curvature)


@given(_POSES)
def test_two_mirrors_undo_each_other(pose: Pose) -> None:
    assert mirrored(mirrored(pose)) == pose


@given(_POSES)
def test_limits_hold(pose: Pose) -> None:
    inside = limited(pose)
    for part, names in (("trunk", inside.trunk), ("neck", inside.neck)):
        for name, value in zip(("flexion", "lateral", "twist"), names, strict=True):
            low, high = LIMITS[f"{part}_{name}"]
            assert low <= value <= high
    for leg in (inside.left_leg, inside.right_leg):
        assert LIMITS["knee"][0] <= leg.knee <= LIMITS["knee"][1]
        assert LIMITS["hip_flexion"][0] <= leg.flexion <= LIMITS["hip_flexion"][1]
    assert limited(inside) == inside


@given(_VECTORS, _VECTORS, st.floats(0.15, 0.6), st.floats(0.15, 0.6))
def test_two_bones_reach_what_they_can(
    reach: np.ndarray, pole: np.ndarray, first: float, second: float
) -> None:
    distance = float(np.linalg.norm(reach))
    assume(distance > 0.01)
    assume(np.linalg.norm(np.cross(reach, pole)) > 0.01)
    upper, lower, hinge = two_bone(reach, (first, second), pole).T
    end = first * upper + second * lower
    if abs(first - second) + 0.01 < distance < (first + second) * 0.999:
        np.testing.assert_allclose(end, reach, atol=2e-3)
    # Beyond their length they point the way, stretched; the joint lies on the pole's side.
    np.testing.assert_allclose(np.cross(end, reach), 0, atol=2e-3)
    across = pole - reach * (pole @ reach) / distance**2
    assert first * (upper @ across) >= -1e-9
    for vector in (upper, lower, hinge):
        assert np.linalg.norm(vector) == pytest.approx(1)
    assert abs(hinge @ upper) < 1e-6


def test_feet_stand_on_the_ground(studio: Studio, poser: Poser) -> None:
    pose = Pose(left_leg=Leg(40, 10, 8, 60), right_leg=Leg(-5, 5, 5, 20))
    posed = poser.pose(pose)
    skin = posed.vertices[studio.body.skin_vertices]
    assert skin[:, 2].min() == pytest.approx(0, abs=1e-6)
    for side in ("left", "right"):
        for name in ("big_toe", "heel"):
            point = posed.keypoints[SPINETRACK.index(f"{side}_{name}")]
            assert point[2] < 0.06
    ankles = posed.keypoints[SPINETRACK.indices(["left_ankle", "right_ankle"]), 2]
    assert ankles[0] == pytest.approx(ankles[1], abs=0.01)


def test_a_foot_on_its_toes_lifts_its_heel(poser: Poser) -> None:
    flat = poser.pose(Pose())
    toes = poser.pose(Pose(feet=("toes", "toes")))
    heel, toe = SPINETRACK.index("left_heel"), SPINETRACK.index("left_big_toe")
    assert toes.keypoints[heel, 2] > flat.keypoints[heel, 2] + 0.05
    assert toes.keypoints[toe, 2] == pytest.approx(flat.keypoints[toe, 2], abs=0.02)


def test_angles_turn_the_right_way(poser: Poser) -> None:
    def at(name: str, pose: Pose) -> np.ndarray:
        points = poser.pose(pose).keypoints
        return np.asarray(points[SPINETRACK.index(name)] - points[SPINETRACK.index("hip")])

    upright = Pose()
    neck = at("neck", upright)
    # People face -y, their left is +x.
    assert at("neck", Pose(trunk=(40, 0, 0)))[1] < neck[1] - 0.15
    assert at("neck", Pose(trunk=(0, 30, 0)))[0] > neck[0] + 0.10
    assert at("left_shoulder", Pose(trunk=(0, 0, 40)))[1] > at("left_shoulder", upright)[1] + 0.04
    assert at("nose", Pose(neck=(0, 0, 50)))[0] > at("nose", upright)[0] + 0.04
    assert at("left_knee", Pose(left_leg=Leg(60)))[1] < at("left_knee", upright)[1] - 0.2
    assert at("left_knee", Pose(left_leg=Leg(0, 40)))[0] > at("left_knee", upright)[0] + 0.15
    assert at("left_wrist", Pose(left_arm=Arm((0, 1, 0))))[1] < neck[1] - 0.35
    bent = Pose(left_arm=Arm((0, 0, -1), 0, 90))
    assert at("left_wrist", bent)[1] < at("left_elbow", bent)[1] - 0.15


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_bones_keep_their_lengths_in_any_pose(poser: Poser, seed: int) -> None:
    rng = np.random.default_rng(seed)
    posed = poser.pose(draw_motion(rng).at(float(rng.uniform())))
    rest = poser.subject.keypoints
    for start, end in (("left_hip", "left_knee"), ("right_elbow", "right_wrist")):
        pair = SPINETRACK.indices([start, end])
        lengths = [np.linalg.norm(np.diff(k[pair], axis=0)) for k in (rest, posed.keypoints)]
        assert lengths[1] == pytest.approx(lengths[0], rel=0.12)
    assert np.isfinite(posed.vertices).all()


@pytest.mark.parametrize("activity", ACTIVITIES, ids=lambda activity: activity.name)
def test_every_activity_gives_sound_poses_and_smooth_motions(
    studio: Studio, activity: object
) -> None:
    name = activity.name  # type: ignore[attr-defined]
    rng = np.random.default_rng(3)
    shape = draw_shape(studio.body, rng)
    subject = studio.anatomy.subject(shape)
    curvature = fit_curvature(studio.body, subject, draw_target(rng, shape.gender))
    poser = Poser(studio.body, subject, curvature)
    motion = draw_motion(np.random.default_rng(8), (name,))
    again = draw_motion(np.random.default_rng(8), (name,))
    low = []
    for phase in (0.0, 0.3, 0.7, 1.0):
        assert motion.at(phase) == again.at(phase)
        posed, depth = studio.clearance.pose(poser, motion.at(phase))
        assert depth < 0.06
        skin = posed.vertices[studio.body.skin_vertices]
        low.append(float(skin[:, 2].min()))
        assert low[-1] > -0.03
        things = belongings_of(poser, posed, motion, np.random.default_rng(1))
        for mesh in [*things.worn, *things.things]:
            assert np.isfinite(mesh.vertices).all()
    if motion.at(0.5).base in ("feet", "floor", "hands"):
        assert min(low) < 0.02
    if motion.cyclic:
        start, end = (_numbers(motion.at(phase)) for phase in (0.0, 1.0))
        np.testing.assert_allclose(start, end, atol=1e-6)


def _numbers(value: object) -> list[float]:
    """Return all numbers of a pose."""
    if is_dataclass(value):
        return [n for item in fields(value) for n in _numbers(getattr(value, item.name))]
    if isinstance(value, tuple):
        return [n for part in value for n in _numbers(part)]
    return [float(value)] if isinstance(value, (int, float)) else []


def test_a_plate_on_its_edge_falls_flat() -> None:
    plate = np.array(
        [[x, y, z] for x in (-1, 1) for y in (-0.6, 0.6) for z in (-0.05, 0.05)], float
    )
    angle = np.radians(20)
    tilted = (
        plate
        @ np.array(
            [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
        ).T
    )
    settled = tilted @ settling_turn(tilted, tilted.mean(axis=0)).T
    assert np.ptp(settled[:, 2]) < 0.13
