"""The turns of segments that annotations tell are those that the pose asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("anny")
pytest.importorskip("numba")

from spinepose.skeleton import SPINETRACK
from spinepose.synth.body.model import Shape
from spinepose.synth.pose.curvature import Target, fit_curvature
from spinepose.synth.pose.pose import Arm, Leg, Pose
from spinepose.synth.pose.solve import Poser
from spinepose.synth.work import render_scene, scene_file

if TYPE_CHECKING:
    from spinepose.synth.scene import Studio

_FREE = {"feet": ("free", "free"), "base": "air"}


@pytest.fixture(scope="module")
def poser(studio: Studio) -> Poser:
    subject = studio.anatomy.subject(Shape())
    return Poser(
        studio.body, subject, fit_curvature(studio.body, subject, Target("healthy", 48.0, 30.0))
    )


def _turn(poser: Poser, pose: Pose, proximal: str, distal: str) -> np.ndarray:
    """Return the turn of a joint as a rotation vector (3,), degrees."""
    turns = poser.segments(poser.pose(pose).transforms)
    return np.asarray(Rotation.from_matrix(turns[proximal].T @ turns[distal]).as_rotvec(True))


def test_hinges_turn_as_far_as_the_pose_says(poser: Poser) -> None:
    leg = Leg(flexion=40, abduction=10, rotation=15, knee=70, ankle=12)
    arm = Arm(direction=(0.5, 0.6, -0.3), roll=25, elbow=95)
    pose = Pose(left_leg=leg, right_leg=leg, left_arm=arm, right_arm=arm, **_FREE)
    for side in ("left", "right"):
        for proximal, distal, wanted in (
            ("thigh", "shank", (70, 0, 0)),
            ("upper_arm", "forearm", (-95, 0, 0)),
        ):
            found = _turn(poser, pose, f"{side}_{proximal}", f"{side}_{distal}")
            np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_ankles_lift_the_toes(poser: Poser) -> None:
    """The legs of the rig are apart at rest, which turns a free foot against a hanging shank."""

    def foot(ankle: float) -> Rotation:
        leg = Leg(0, 0, 0, 0, ankle)
        turns = poser.segments(poser.pose(Pose(left_leg=leg, **_FREE)).transforms)
        return Rotation.from_matrix(turns["left_foot"])

    lifted = (foot(12) * foot(0).inv()).as_rotvec(True)
    assert np.linalg.norm(lifted) == pytest.approx(12)
    np.testing.assert_allclose(lifted, (-12, 0, 0), atol=2.5)


def test_a_flat_sole_is_level(poser: Poser) -> None:
    turns = poser.segments(poser.pose(Pose(left_leg=Leg(20, 15, 0, 35))).transforms)
    for side in ("left", "right"):
        np.testing.assert_allclose(turns[f"{side}_foot"][:, 2], (0, 0, 1), atol=1e-9)


def test_limbs_hang_down_when_all_angles_are_zero(poser: Poser) -> None:
    """The person's own curves turn pelvis and thorax, but neither legs nor the hanging arms."""
    straight = {"left_leg": Leg(0, 0, 0, 0), "right_leg": Leg(0, 0, 0, 0)}
    turns = poser.segments(poser.pose(Pose(**straight, **_FREE)).transforms)
    for side in ("left", "right"):
        for name in ("thigh", "shank"):
            np.testing.assert_allclose(turns[f"{side}_{name}"], np.eye(3), atol=1e-9)
    pelvis = Rotation.from_matrix(turns["pelvis"]).as_rotvec(True)
    assert abs(pelvis[0]) > 1  # more lordosis than the rig at rest tilts the pelvis
    hanging = Arm(direction=(0, 0, -1), roll=0, elbow=0)
    turns = poser.segments(poser.pose(Pose(left_arm=hanging, **_FREE)).transforms)
    np.testing.assert_allclose(turns["left_upper_arm"], turns["left_forearm"], atol=1e-9)


def test_segments_point_along_the_bones(poser: Poser) -> None:
    """Where each limb points is where its keypoints are, a few degrees of flesh aside."""
    leg, arm = Leg(70, 20, 10, 90, 5), Arm((0.8, 0.5, 0.4), 30, 60)
    posed = poser.pose(
        Pose(pelvis=(10, 5, 70), left_leg=leg, right_leg=leg, left_arm=arm, right_arm=arm, **_FREE)
    )
    turns = poser.segments(posed.transforms)
    for side in ("left", "right"):
        for segment, start, end in (
            ("thigh", "hip", "knee"),
            ("shank", "knee", "ankle"),
            ("upper_arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
        ):
            i, j = SPINETRACK.indices([f"{side}_{start}", f"{side}_{end}"])
            way = posed.keypoints[j] - posed.keypoints[i]
            cosine = -turns[f"{side}_{segment}"][:, 2] @ way / np.linalg.norm(way)
            assert np.degrees(np.arccos(cosine)) < 8, (side, segment)


@pytest.mark.parametrize(("trunk", "axis"), [((30, 0, 0), 0), ((0, 20, 0), 1), ((0, 0, 25), 2)])
def test_the_thorax_turns_against_the_pelvis(
    poser: Poser, trunk: tuple[float, float, float], axis: int
) -> None:
    """Seen from the world: the pelvis stays, the thorax turns by what the pose asked for.

    Joints that lean by the spine's own curves tilt the axis of a twist.
    """
    upright, bent = (
        poser.segments(poser.pose(Pose(trunk=turn, **_FREE)).transforms)
        for turn in ((0.0, 0.0, 0.0), trunk)
    )
    np.testing.assert_allclose(bent["pelvis"], upright["pelvis"], atol=1e-9)
    found = Rotation.from_matrix(bent["T1"] @ upright["T1"].T).as_rotvec(True)
    wanted = np.zeros(3)
    wanted[axis] = trunk[axis]
    np.testing.assert_allclose(found, wanted, atol=4)
    assert found[axis] == pytest.approx(trunk[axis], abs=1.0)


def test_left_and_right_mirror_each_other(poser: Poser) -> None:
    leg, arm = Leg(50, 15, 20, 40, -10), Arm((0.6, 0.2, 0.5), 20, 70)
    pose = Pose(left_leg=leg, right_leg=leg, left_arm=arm, right_arm=arm, **_FREE)
    turns = poser.segments(poser.pose(pose).transforms)
    mirror = np.diag([-1.0, 1.0, 1.0])
    for name in ("clavicle", "upper_arm", "forearm", "thigh", "shank", "foot"):
        np.testing.assert_allclose(
            mirror @ turns[f"left_{name}"] @ mirror, turns[f"right_{name}"], atol=1e-3
        )


def test_annotations_tell_them_in_the_world(studio: Studio, tmp_path: Path) -> None:
    assert render_scene(studio, 0, tmp_path) == 1
    scene = studio.scene(0)
    assert scene.first is not None
    wanted = scene.people[0].poser.segments(scene.first.posed[0].transforms)
    record = json.loads(scene_file(tmp_path, 0).read_text(encoding="utf-8"))
    found = record["annotations"][0]["segments"]
    assert found.keys() == wanted.keys()
    for name, turn in wanted.items():
        np.testing.assert_allclose(
            Rotation.from_rotvec(found[name]).as_matrix(), turn, atol=2e-4, err_msg=name
        )
