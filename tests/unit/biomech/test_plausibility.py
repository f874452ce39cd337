"""Wrong keypoints of one picture are found, good ones are left alone, and nonsense is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from spinepose.biomech.plausibility import FOCAL, NOTE, Plausibility, judge_pose, judge_poses
from spinepose.biomech.priors import PosePrior
from spinepose.biomech.reprojection import Sighting
from spinepose.errors import UsageError
from spinepose.skeleton import SPINETRACK
from tests.unit.biomech.motions import BODY, SPEC, moving_person
from tests.unit.biomech.plausibility_trials import SIZE, made_people, wrong

COUNT = len(SPEC.markers)
PEOPLE = made_people(16, seed=11)


def judged(
    keypoints: np.ndarray, scores: np.ndarray = PEOPLE.scores, **settings: float
) -> tuple[Plausibility, ...]:
    return judge_poses(keypoints, scores[: len(keypoints)], SIZE, BODY, **settings)


def shares(found: tuple[Plausibility, ...]) -> np.ndarray:
    return np.array([[item.share for item in person.keypoints] for person in found])


@pytest.fixture(scope="module")
def right() -> tuple[Plausibility, ...]:
    return judged(PEOPLE.keypoints)


def test_the_gradient_is_that_of_the_energy() -> None:
    rng = np.random.default_rng(1)
    pose = moving_person(3, 4, seed=1)
    pose[:, SPEC.coordinate_index["pelvis_tz"]] = -4
    q = np.concatenate([pose, rng.uniform(0.9, 1.1, (3, len(SPEC.groups)))], axis=1)
    problem = Sighting(
        body=BODY,
        prior=PosePrior(BODY, 0.01),
        targets=rng.normal(0, 150, (3, COUNT, 2)),
        weights=rng.uniform(0, 1, (3, COUNT)),
        huber=0.03,
        focal=np.array([900.0, 1100.0, 1300.0]),
        per_metre=np.array([250.0, 280.0, 310.0]),
    )
    gradient, hessian = problem.derive(q)
    assert hessian.shape == (3, q.shape[1], q.shape[1])
    step = 1e-6
    for i in range(q.shape[1]):
        change = np.zeros_like(q)
        change[:, i] = step
        rise = problem.energy(problem.step(q, change)) - problem.energy(problem.step(q, -change))
        np.testing.assert_allclose(gradient[:, i], rise / (4 * step), rtol=1e-4, atol=1e-6)


def test_good_keypoints_are_left_alone(right: tuple[Plausibility, ...]) -> None:
    """Noise of 1 % of the height; all views, sitting and bending and upside down."""
    assert {"sitting", "bending", "back", "upside down"} <= set(PEOPLE.kinds.ravel())
    assert all(person.plausible for person in right)
    assert (shares(right) > 0.04).mean() < 0.01
    assert np.median([person.share for person in right]) < 0.015


def test_the_body_height_is_that_of_the_standing_person(right: tuple[Plausibility, ...]) -> None:
    heights = np.array([person.height_px for person in right])
    true = 1.75 * PEOPLE.per_metre[:, SPINETRACK.index("hip")]
    np.testing.assert_allclose(heights, true, rtol=0.2)
    assert np.median(heights / true) == pytest.approx(1, abs=0.05)


def test_a_spine_keypoint_that_is_15_cm_wrong_is_flagged_and_put_right() -> None:
    keypoints, bad = wrong(PEOPLE, 0.15, SPINETRACK.spine, seed=3)
    found = judged(keypoints)
    items = [person.keypoints[i] for person, i in zip(found, bad, strict=True)]
    assert np.mean([item.level == "flag" for item in items]) >= 0.9
    assert all(item.level != "ok" for item in items)
    assert sum(len(person.at("flag")) for person in found) <= len(found) + 1
    rows = np.arange(len(bad))
    true, per_metre = PEOPLE.keypoints[rows, bad], PEOPLE.per_metre[rows, bad]
    away = np.linalg.norm([item.model for item in items] - true, axis=1) / per_metre
    assert np.median(away) < 0.03
    assert away.max() < 0.1


def test_a_shoulder_or_hip_that_is_15_cm_wrong_is_mostly_found() -> None:
    """They hold the body; none may draw it along."""
    trunk = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "hip"))
    keypoints, bad = wrong(PEOPLE, 0.15, trunk, seed=4)
    found = judged(keypoints)
    items = [person.keypoints[i] for person, i in zip(found, bad, strict=True)]
    assert np.mean([item.level == "flag" for item in items]) >= 0.6


def test_the_verdict_does_not_depend_on_the_size_of_the_picture() -> None:
    small = judge_pose(PEOPLE.keypoints[0], PEOPLE.scores[0], SIZE, BODY)
    double = judge_pose(
        2 * PEOPLE.keypoints[0] + 0.5, PEOPLE.scores[0], (2 * SIZE[0], 2 * SIZE[1]), BODY
    )
    np.testing.assert_allclose(shares((small,)), shares((double,)), atol=1e-4)
    assert double.height_px == pytest.approx(2 * small.height_px, rel=1e-3)
    assert small.focal_px == FOCAL * max(SIZE)


def test_people_are_judged_each_by_itself(right: tuple[Plausibility, ...]) -> None:
    alone = judge_pose(PEOPLE.keypoints[5], 0.3 * PEOPLE.scores[5], SIZE, BODY)
    np.testing.assert_allclose(shares((alone,)), shares((right[5],)), atol=1e-6)


def test_what_is_missing_stays_missing_and_says_nothing() -> None:
    keypoints, scores = PEOPLE.keypoints[:3].copy(), PEOPLE.scores[:3].copy()
    wrist, nose, neck = SPINETRACK.indices(["left_wrist", "nose", "neck"])
    keypoints[0, wrist] = math.nan
    keypoints[1, wrist] = math.inf
    keypoints[:, nose], scores[:, nose] = 1e30, 0
    scores[:, neck] = math.nan
    scores[2, wrist] = 0
    found = judged(keypoints, scores)
    for person in found:
        assert person.at("missing") == ("nose", "left_wrist", "neck")
        item = person.keypoints[wrist]
        assert np.isnan([item.distance_px, item.share, *item.model]).all()
        assert person.plausible


def test_the_height_of_who_is_cut_off_is_that_of_the_whole(
    right: tuple[Plausibility, ...],
) -> None:
    scores = PEOPLE.scores.copy()
    legs = [n for n in SPINETRACK.keypoints if n.endswith(("knee", "ankle", "toe", "heel"))]
    scores[:, SPINETRACK.indices(legs)] = 0
    found = judged(PEOPLE.keypoints, scores)
    ratios = [cut.height_px / whole.height_px for cut, whole in zip(found, right, strict=True)]
    assert np.median(ratios) == pytest.approx(1, abs=0.05)
    assert all(0.75 < ratio < 1.33 for ratio in ratios)


def test_who_cannot_be_judged_does_not_disturb_the_others(right: tuple[Plausibility, ...]) -> None:
    keypoints, scores = PEOPLE.keypoints[:5].copy(), PEOPLE.scores[:5].copy()
    scores[0, 7:] = 0
    keypoints[1] = keypoints[1, :1]
    keypoints[2] = math.nan
    scores[3] = 0
    found = judged(keypoints, scores)
    assert [person.fitted for person in found] == [False, False, False, False, True]
    assert [person.reason for person in found[:2]] == [
        "7 keypoints, 8 are needed",
        "half of the keypoints are within 4 px",
    ]
    for person in found[:4]:
        assert person.keypoints == ()
        assert not person.plausible
        assert math.isnan(person.height_px)
    np.testing.assert_allclose(shares(found[4:]), shares(right[4:5]), atol=1e-6)
    assert judged(keypoints[:0], scores[:0]) == ()


def test_nonsense_is_flagged_and_breaks_nothing() -> None:
    rng = np.random.default_rng(5)
    keypoints = PEOPLE.keypoints[:7].copy()
    keypoints[:4] = rng.uniform(0, 800, (4, COUNT, 2))
    keypoints[4] = np.linspace(0, 800, COUNT)[:, None]
    keypoints[5] += 5e4
    keypoints[6, 0] = [-9e4, 5e4]
    found = judged(keypoints)
    assert all(person.fitted for person in found)
    assert np.isfinite(shares(found)).all()
    for person in found[:4]:
        assert len(person.at("flag")) > COUNT / 4
    assert found[6].at("flag") == ("nose",)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((PEOPLE.keypoints[0, :20], PEOPLE.scores[0, :20], SIZE), {}, "shape"),
        ((PEOPLE.keypoints[0], PEOPLE.scores[0, :20], SIZE), {}, "shape"),
        ((PEOPLE.keypoints[0], -PEOPLE.scores[0], SIZE), {}, "score"),
        ((PEOPLE.keypoints[0], 2 * PEOPLE.scores[0], SIZE), {}, "score"),
        ((1e30 * PEOPLE.keypoints[0], PEOPLE.scores[0], SIZE), {}, "pixels"),
        ((PEOPLE.keypoints[0], PEOPLE.scores[0], (0, 100)), {}, "size"),
        ((PEOPLE.keypoints[0], PEOPLE.scores[0], (100, 100, 3)), {}, "size"),
        ((PEOPLE.keypoints[0], PEOPLE.scores[0], SIZE), {"focal": 0.0}, "focal"),
        ((PEOPLE.keypoints[0], PEOPLE.scores[0], SIZE), {"focal": math.nan}, "focal"),
        ((PEOPLE.keypoints[0], PEOPLE.scores[0], SIZE), {"warn": 0.1}, "limits"),
        ((PEOPLE.keypoints[0], PEOPLE.scores[0], SIZE), {"flag": math.nan}, "limits"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: tuple[np.ndarray, np.ndarray, tuple[int, int]],
    settings: dict[str, float],
    message: str,
) -> None:
    with pytest.raises(UsageError, match=message):
        judge_pose(*arguments, BODY, **settings)


def test_limits_are_shares_of_the_height(right: tuple[Plausibility, ...]) -> None:
    strict = judged(PEOPLE.keypoints[:4], warn=0.005, flag=0.01)
    for person in strict:
        for item in person.keypoints:
            assert item.share == pytest.approx(item.distance_px / person.height_px)
            level = "flag" if item.share > 0.01 else "warn" if item.share > 0.005 else "ok"
            assert item.level == level
        assert person.at("flag")
        assert not person.plausible
    np.testing.assert_allclose(shares(strict), shares(right[:4]), atol=1e-6)


def test_the_report_can_be_written() -> None:
    keypoints, scores = PEOPLE.keypoints[:2].copy(), PEOPLE.scores[:2].copy()
    bad = SPINETRACK.index("spine_03")
    keypoints[0, bad] += 0.3 * PEOPLE.per_metre[0, bad]
    scores[0, 0], scores[1] = 0, 0
    found, nobody = judged(keypoints, scores)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["note"] == NOTE
    assert content["fitted"] is True
    assert content["plausible"] is False
    assert len(content["keypoints"]) == COUNT
    assert content["keypoints"][0] == {
        "name": "nose",
        "level": "missing",
        "distance_px": None,
        "share": None,
        "model": None,
    }
    assert content["keypoints"][bad]["level"] == "flag"
    lines = found.to_markdown().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert NOTE in lines
    assert len(rows) == 2 + COUNT - 1
    assert rows[2].startswith("| spine_03 | flag |")
    assert json.dumps(nobody.to_dict(), allow_nan=False)
    assert nobody.to_dict()["height_px"] is None
    assert "It cannot be judged: 0 keypoints, 8 are needed." in nobody.to_markdown()
