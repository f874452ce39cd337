"""The spine: where it is, what bending does to it, and its neutral curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from spinepose.skeleton import SPINETRACK

pytest.importorskip("anny")
pytest.importorskip("numba")

from spinepose.synth.body.model import Shape, draw_shape
from spinepose.synth.pose.curvature import (
    KYPHOSIS,
    LORDOSIS,
    Target,
    draw_target,
    fit_curvature,
)
from spinepose.synth.pose.pose import Arm, Leg, Pose
from spinepose.synth.pose.solve import Poser

if TYPE_CHECKING:
    from spinepose.synth.scene import Studio

_SPINE = SPINETRACK.spine_indices


def _bent(degrees: float) -> Pose:
    """Return a person who bends forward with trunk, hips and hanging arms."""
    half = degrees / 2
    arm = Arm((0.1, degrees / 50, -1.0))
    return Pose(
        trunk=(degrees, 0.0, 0.0),
        pelvis=(half, 0.0, 0.0),
        left_leg=Leg(half),
        right_leg=Leg(half),
        left_arm=arm,
        right_arm=arm,
    )


def _drawn(studio: Studio, rng: np.random.Generator) -> Poser:
    shape = draw_shape(studio.body, rng)
    subject = studio.anatomy.subject(shape)
    target = draw_target(rng, shape.gender)
    return Poser(studio.body, subject, fit_curvature(studio.body, subject, target))


def test_bending_keeps_the_vertebrae_apart_and_inside(studio: Studio) -> None:
    rng = np.random.default_rng(5)
    for _ in range(8):
        poser = _drawn(studio, rng)
        upright, bent = (poser.pose(_bent(degrees)) for degrees in (0.0, 60.0))
        lengths = [
            np.linalg.norm(np.diff(posed.keypoints[_SPINE], axis=0), axis=1)
            for posed in (upright, bent)
        ]
        assert np.abs(lengths[1] / lengths[0] - 1).max() <= 0.02
        skin = studio.body.skin_vertices
        depths = [
            cdist(posed.keypoints[_SPINE], posed.vertices[skin]).min(axis=1)
            for posed in (upright, bent)
        ]
        assert np.abs(depths[1] - depths[0]).max() <= 0.005
        assert bent.angles["lordosis"] < upright.angles["lordosis"] - 20


def test_the_spine_lies_between_the_back_and_the_front(studio: Studio) -> None:
    for weight in (0.1, 0.5, 0.9):
        subject = studio.anatomy.subject(Shape(weight=weight))
        skin = subject.rest.vertices[studio.body.skin_vertices]
        middle = skin[np.abs(skin[:, 0]) < 0.012]
        for name in ("spine_01", "spine_02", "spine_03", "spine_04", "spine_05", "neck"):
            x, y, z = subject.keypoints[SPINETRACK.index(name)]
            level = middle[np.abs(middle[:, 2] - z) < 0.02]
            assert abs(x) < 1e-6
            assert level[:, 1].min() + 0.02 < y < level[:, 1].max() - 0.03
            # Vertebral bodies lie in the posterior half of the trunk.
            if name.startswith("spine"):
                assert y > level[:, 1].mean() - 0.02


def test_published_depths_are_met_by_the_mean_adult(studio: Studio) -> None:
    subject = studio.anatomy.subject(studio.body.with_stature(Shape(), 1.75))
    expected = {"spine_01": 77, "spine_02": 79, "spine_03": 71, "spine_04": 68, "spine_05": 66}
    for name, depth in expected.items():
        assert subject.depths[SPINETRACK.index(name)] * 1000 == pytest.approx(depth, abs=9)


def test_both_sides_are_alike_at_rest(studio: Studio) -> None:
    subject = studio.anatomy.subject(Shape())
    mirrored = subject.keypoints[SPINETRACK.flip] * (-1, 1, 1)
    np.testing.assert_allclose(mirrored, subject.keypoints, atol=2e-3)


@pytest.mark.parametrize(
    "target",
    [
        Target("healthy", 25.0, 25.0),
        Target("healthy", 58.0, 48.0),
        Target("kyphotic", 45.0, 60.0),
        Target("scoliotic", 40.0, 28.0, 45.0),
        Target("scoliotic", 40.0, 28.0, -20.0),
    ],
)
def test_a_neutral_spine_is_reached_and_measured(studio: Studio, target: Target) -> None:
    subject = studio.anatomy.subject(Shape(gender=0.9, weight=0.6))
    reached = fit_curvature(studio.body, subject, target).reached
    assert reached["lordosis"] == pytest.approx(target.lordosis, abs=0.5)
    assert reached["kyphosis"] == pytest.approx(target.kyphosis, abs=0.5)
    assert reached["scoliosis"] == pytest.approx(abs(target.scoliosis), abs=1.5)


def test_scoliosis_bends_to_the_side_it_states(studio: Studio) -> None:
    subject = studio.anatomy.subject(Shape())
    offsets = []
    for cobb in (40.0, -40.0):
        curvature = fit_curvature(studio.body, subject, Target("scoliotic", 40.0, 30.0, cobb))
        posed = Poser(studio.body, subject, curvature).pose(Pose())
        chest, pelvis, neck = (
            posed.keypoints[SPINETRACK.index(name), 0] for name in ("spine_04", "hip", "neck")
        )
        offsets.append(chest - (pelvis + neck) / 2)
    # Positive: convex to the person's right, which is -x.
    assert offsets[0] < -0.004
    assert offsets[1] > 0.004


@pytest.mark.parametrize("count", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_neutral_angles_of_adults_are_those_of_the_literature(studio: Studio, count: int) -> None:
    rng = np.random.default_rng(11)
    found: dict[str, list[tuple[float, float]]] = {"men": [], "women": []}
    for _ in range(count):
        poser = _drawn(studio, rng)
        reached = poser.curvature.reached
        sex = "women" if poser.subject.shape.gender > 0.5 else "men"
        found[sex].append((reached["lordosis"], reached["kyphosis"]))
    for sex, angles in found.items():
        lordosis, kyphosis = np.array(angles).T
        # The mean lies within two standard errors, nearly everybody within two deviations.
        error = 2.5 / np.sqrt(len(angles))
        assert lordosis.mean() == pytest.approx(LORDOSIS[sex][0], abs=LORDOSIS[sex][1] * error)
        assert kyphosis.mean() == pytest.approx(KYPHOSIS[0], abs=KYPHOSIS[1] * error)
        assert lordosis.std() < LORDOSIS[sex][1] * 1.15
        assert (np.abs(lordosis - LORDOSIS[sex][0]) <= 2.5 * LORDOSIS[sex][1]).all()


def test_statures_are_reached_and_adult(studio: Studio) -> None:
    for gender, stature in ((0.0, 1.65), (0.0, 1.90), (1.0, 1.55), (1.0, 1.75)):
        shape = studio.body.with_stature(Shape(gender=gender), stature)
        assert studio.body.at_rest(shape).stature == pytest.approx(stature, abs=0.02)
    rng = np.random.default_rng(2)
    drawn = [studio.body.at_rest(draw_shape(studio.body, rng)).stature for _ in range(40)]
    assert 1.4 < min(drawn) < max(drawn) < 2.1


def test_skinning_keeps_the_rest_pose_and_moves_rigidly(studio: Studio) -> None:
    body = studio.body
    rest = body.at_rest(Shape())
    turns = np.tile(np.eye(3), (len(body.index), 1, 1))
    still = body.skin(rest.vertices, body.transforms(rest.heads, turns))
    np.testing.assert_allclose(still, rest.vertices, atol=1e-5)
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    turns[body.index["root"]] = quarter
    moved = body.skin(rest.vertices, body.transforms(rest.heads, turns, (0.1, 0.2, 0.3)))
    root = rest.heads[body.index["root"]]
    expected = (rest.vertices - root) @ quarter.T + root + (0.1, 0.2, 0.3)
    np.testing.assert_allclose(moved, expected, atol=1e-5)
