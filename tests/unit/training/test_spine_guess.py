import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinepose.dataset.people import Person
from spinepose.dataset.spine_curve import curve_spine
from spinepose.errors import DataError
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose import trunk_shape
from spinepose.training.pose.labels import LabelWeights, merge_labels
from spinepose.training.pose.spine_guess import guess_spine
from spinepose.training.pose.teachers import no_answers
from spinepose.training.pose.trunk_fit import fit_trunk
from spinepose.training.pose.trunk_shape import (
    TRUNK_POINTS,
    TrunkShape,
    built_in_shape,
    learn_shape,
    rendered_people,
)

K = len(SPINETRACK)
TOP_DOWN = SPINETRACK.spine
TRUNK = 60.0
"""Pixels from shoulders to hips of the people below."""

FRONT = {
    "nose": (0, -84),
    "left_eye": (3, -87),
    "right_eye": (-3, -87),
    "left_ear": (7, -84),
    "right_ear": (-7, -84),
    "left_shoulder": (20, -60),
    "right_shoulder": (-20, -60),
    "left_elbow": (27, -30),
    "right_elbow": (-27, -30),
    "left_hip": (12, 0),
    "right_hip": (-12, 0),
    "left_knee": (12, 48),
    "right_knee": (-12, 48),
}
# Facing right: the left side of the body lies behind the right one.
SIDE = {
    "nose": (13, -84),
    "right_eye": (10, -87),
    "right_ear": (2, -84),
    "left_ear": (2, -84),
    "left_shoulder": (0, -60),
    "right_shoulder": (0, -60),
    "left_hip": (0, 0),
    "right_hip": (0, 0),
    "left_knee": (2, 48),
    "right_knee": (2, 48),
}


def at(name):
    return SPINETRACK.index(name)


def body(places, trust=1.0):
    points, weights = np.full((1, K, 2), np.nan), np.zeros((1, K))
    for name, place in places.items():
        points[0, at(name)], weights[0, at(name)] = place, trust
    return points, weights


def row(spine, name):
    return spine[0, TOP_DOWN.index(name)]


def without(places, *names):
    return {n: p for n, p in places.items() if n not in names}


def from_shape(turn, modes, share=1.0):
    """Return joints of a body made by the shape itself, its spine, and its turned points."""
    shape = built_in_shape()
    solid = shape.mean + np.einsum("m,mpi->pi", modes, shape.modes)
    c, s = np.cos(turn), np.sin(turn)
    flat = TRUNK * (solid @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T)[:, :2] + [200, 300]
    points, weights = np.full((1, K, 2), np.nan), np.zeros((1, K))
    rows = SPINETRACK.indices(TRUNK_POINTS)
    points[0, rows] = flat
    weights[0, rows[rows < SPINETRACK.index("head")]] = share
    return points, weights, points[:, SPINETRACK.spine_indices]


# The curve


def test_the_curve_of_a_straight_body_is_a_straight_line_at_fixed_shares():
    spine, trust = curve_spine(*body(FRONT))
    assert spine.shape == (1, 9, 2)
    np.testing.assert_allclose(spine[0, :, 0], 0, atol=1e-5)
    np.testing.assert_allclose(row(spine, "hip"), (0, 0), atol=1e-5)
    np.testing.assert_allclose(row(spine, "neck"), (0, -60), atol=1e-5)
    np.testing.assert_allclose(row(spine, "neck_03"), (0, -84), atol=1e-5)
    np.testing.assert_allclose(row(spine, "spine_03"), (0, -60 * (0.1 + 0.9 * 0.367)), atol=1e-4)
    assert (np.diff(spine[0, :, 1]) > 0).all()
    assert (trust == 1).all()


def test_the_curve_follows_a_bent_body():
    def arc(share, radius=100.0):  # from the hips up, a quarter of a circle at share 1.5
        angle = share * np.pi / 3
        return radius * np.array([1 - np.cos(angle), -np.sin(angle)])

    ends = {"hip": arc(0), "shoulder": arc(1), "ear": arc(1.4)}
    places = {f"{s}_{n}": p for n, p in ends.items() for s in ("left", "right")}
    spine, _ = curve_spine(*body(places))
    for name, share in (("spine_01", 0.134), ("spine_03", 0.43), ("spine_05", 0.882)):
        assert np.linalg.norm(row(spine, name) - arc(share)) < 2.5  # of an arc of 105 pixels


def test_the_curve_takes_the_head_and_the_neck_that_it_gets():
    places = without(FRONT, "left_ear")
    spine, trust = curve_spine(*body(places))
    assert np.isnan(spine[0, :2]).all()
    assert (trust[0, :2] == 0).all()
    assert (trust[0, 2:] == 1).all()
    spine, trust = curve_spine(*body(places | {"head": (0, -102), "neck": (4, -64)}))
    assert (trust == 1).all()
    np.testing.assert_allclose(row(spine, "neck"), (4, -64), atol=1e-5)
    np.testing.assert_allclose(row(spine, "neck_03"), 0.55 * np.array([0, -102]) + (1.8, -28.8))


def test_the_curve_is_as_sure_as_its_weakest_joint():
    points, trust = body(FRONT)
    trust[0, at("left_hip")] = 0.4
    trust[0, at("right_ear")] = 0.3
    np.testing.assert_allclose(curve_spine(points, trust)[1][0], [0.3] * 2 + [0.4] * 7)


def test_no_curve_without_hips():
    spine, trust = curve_spine(*body(without(FRONT, "left_hip")))
    assert np.isnan(spine).all()
    assert not trust.any()


# The fit


def test_the_fit_of_a_straight_body_lies_in_its_middle():
    spine, trust = guess_spine(*body(FRONT))
    assert spine.dtype == trust.dtype == np.float32
    np.testing.assert_allclose(spine[0, :, 0], 0, atol=0.5)
    assert (np.diff(spine[0, :, 1]) > 2).all()
    assert -90 < row(spine, "neck_03")[1] < -72
    assert -15 < row(spine, "hip")[1] < 5
    assert ((trust > 0.7) & (trust < 1)).all()


@pytest.mark.parametrize("facing", [1, -1])
def test_vertebrae_of_a_person_seen_from_the_side_lie_behind(facing):
    spine, _ = guess_spine(*body({n: (facing * x, y) for n, (x, y) in SIDE.items()}))
    back = -facing * spine[0, :, 0]
    chest = [TOP_DOWN.index(n) for n in ("spine_05", "spine_04", "hip")]
    assert (back[chest] > 1).all()
    assert row(spine, "spine_04")[0] * facing < row(spine, "neck_03")[0] * facing


@settings(max_examples=15, deadline=None)
@given(
    turn=st.floats(-np.pi, np.pi),
    modes=st.lists(st.floats(-1.5, 1.5), min_size=12, max_size=12),
)
def test_the_fit_finds_bodies_of_its_shape(turn, modes):
    points, trust, spine = from_shape(turn, np.array(modes))
    found, sure = guess_spine(points, trust)
    error = np.linalg.norm(found - spine, axis=-1) / TRUNK
    assert error.mean() < 0.12
    # Where it is wrong it does not claim to know.
    assert (error < 0.05 + 5 * 0.1 * np.sqrt(1 / sure - 1)).all()


@settings(max_examples=15, deadline=None)
@given(
    turn=st.floats(-np.pi, np.pi),
    scale=st.floats(0.01, 50),
    shift=st.tuples(st.floats(-900, 900), st.floats(-900, 900)),
    guess=st.sampled_from([guess_spine, curve_spine]),
)
def test_a_guess_turns_grows_and_moves_with_the_body(turn, scale, shift, guess):
    points, trust = body(FRONT | {"nose": (8, -83), "left_knee": (20, 40)})
    c, s = np.cos(turn), np.sin(turn)

    def changed(at):
        return scale * at @ np.array([[c, s], [-s, c]]) + shift

    before, sure = guess(points, trust)
    after, still = guess(changed(points), trust)
    np.testing.assert_allclose(after, changed(before), atol=0.01 * TRUNK * scale + 1e-3)
    np.testing.assert_allclose(still, sure, atol=0.02)


@pytest.mark.parametrize("guess", [guess_spine, curve_spine])
@pytest.mark.parametrize(
    "places", [FRONT, FRONT | {"left_hip": (9, 4)}, SIDE | {"neck": (-3, -66)}]
)
def test_the_mirror_image_has_the_mirrored_spine(guess, places):
    points, trust = body(places)
    spine, sure = guess(points, trust)
    mirrored = (points * [-1, 1])[:, SPINETRACK.flip]
    other, still = guess(mirrored, trust[:, SPINETRACK.flip])
    np.testing.assert_allclose(other, spine * [-1, 1], atol=0.01 * TRUNK)
    np.testing.assert_allclose(still, sure, atol=0.02)


def test_one_joint_far_off_does_little():
    spine, _ = guess_spine(*body(FRONT))
    wrong, _ = guess_spine(*body(FRONT | {"left_ear": (60, -20)}))
    assert np.abs(wrong - spine).max() < 0.08 * TRUNK


def test_less_known_is_less_sure():
    all_known = guess_spine(*body(FRONT))[1]
    doubted = guess_spine(*body(FRONT, trust=0.2))[1]
    headless = guess_spine(
        *body({n: p for n, p in FRONT.items() if "shoulder" in n or "hip" in n or "knee" in n})
    )[1]
    assert (doubted < all_known).all()
    neck = slice(0, 4)
    assert (headless[0, neck] < all_known[0, neck]).all()
    assert (np.diff(headless[0, neck]) > 0).all()  # C1 is farthest from what is known


@pytest.mark.parametrize(
    "places",
    [
        {},
        without(FRONT, "left_hip", "right_hip"),
        {n: FRONT[n] for n in ("left_hip", "right_hip", "left_shoulder", "right_shoulder")},
        dict.fromkeys(FRONT, (5.0, 5.0)),
    ],
)
def test_too_little_is_no_guess(places):
    spine, trust = guess_spine(*body(places))
    assert np.isnan(spine).all()
    assert not trust.any()


def test_people_do_not_depend_on_each_other():
    nobody, one, other = body({}), body(FRONT), body(SIDE)
    points, trust = (np.concatenate(v) for v in zip(nobody, one, other, one, strict=True))
    spine, sure = guess_spine(points, trust)
    assert np.isnan(spine[0]).all()
    np.testing.assert_allclose(spine[1], guess_spine(*one)[0][0], atol=1e-3)
    np.testing.assert_allclose(spine[2], guess_spine(*other)[0][0], atol=1e-3)
    np.testing.assert_array_equal(spine[1], spine[3])
    assert (sure[1:] > 0).all()
    assert guess_spine(points[:0], trust[:0])[0].shape == (0, 9, 2)


# Answers


def answers_of(spine, score=0.95):
    answers = no_answers(1)
    answers[0, SPINETRACK.spine_indices, :2] = spine[0]
    answers[0, SPINETRACK.spine_indices, 2] = score
    return answers


def test_answers_that_agree_draw_the_spine_and_make_it_surer():
    points, trust = body(FRONT)
    spine, sure = guess_spine(points, trust)
    moved = np.add(spine, [2, 0])
    both, surer = guess_spine(points, trust, answers_of(moved))
    assert ((both - spine)[0, 2:, 0] > 0).all()
    assert ((both - moved)[..., 0] < 0).all()
    assert (surer > sure).all()


@pytest.mark.parametrize(("away", "score"), [(30, 0.95), (2, 0.3), (np.nan, 0.0)])
def test_answers_far_off_or_unsure_change_nothing(away, score):
    points, trust = body(FRONT)
    spine, sure = guess_spine(points, trust)
    both, still = guess_spine(points, trust, answers_of(np.add(spine, [away, 0]), score))
    np.testing.assert_array_equal(both, spine)
    np.testing.assert_array_equal(still, sure)


def test_a_clicked_vertebra_draws_its_neighbours():
    spine, sure = guess_spine(*body(SIDE))
    drawn, surer = guess_spine(*body(SIDE | {"spine_03": row(spine, "spine_03") - [4, 0]}))
    for name in ("spine_04", "spine_03", "spine_02"):
        assert row(drawn, name)[0] < row(spine, name)[0] - 0.5
    assert row(surer, "spine_03") > row(sure, "spine_03")


@pytest.mark.parametrize("guess", [guess_spine, curve_spine])
def test_arrays_of_other_sizes_are_refused(guess):
    points, trust = body(FRONT)
    for wrong in ((points[:, :17], trust[:, :17]), (points, trust[:, :5]), (points[0], trust)):
        with pytest.raises(ValueError, match=r"are not \(N, 37, 2\)"):
            guess(*wrong)


def test_answers_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="answers are"):
        guess_spine(*body(FRONT), np.zeros((1, 17, 3)))


# The shape


def people_of_the_shape(number, seed=0):
    rng, shape = np.random.default_rng(seed), built_in_shape()
    points = np.zeros((number, K, 3))
    modes = rng.normal(size=(number, len(shape.modes)))
    solid = shape.mean + np.einsum("nm,mpi->npi", modes, shape.modes)
    turns = np.linalg.qr(rng.normal(size=(number, 3, 3)))[0]
    turns *= np.sign(np.linalg.det(turns))[:, None, None]
    scale = rng.uniform(0.4, 0.6, (number, 1, 1))
    points[:, SPINETRACK.indices(TRUNK_POINTS)] = scale * solid @ turns + rng.normal(size=3)
    return points


def test_the_shape_is_symmetric_faces_the_camera_and_is_small():
    shape = built_in_shape()
    side = [TRUNK_POINTS.index(n) for n in (f"{s}_hip" for s in ("left", "right"))]
    np.testing.assert_allclose(shape.mean[side[0]], shape.mean[side[1]] * [-1, 1, 1], atol=2e-4)
    assert shape.mean[side[0], 0] > 0
    assert shape.mean[TRUNK_POINTS.index("head"), 1] < -1
    assert shape.mean[TRUNK_POINTS.index("nose"), 2] < shape.mean[TRUNK_POINTS.index("head"), 2]
    path = Path(trunk_shape.__file__).with_name("trunk_shape.json")
    assert path.stat().st_size < 10_000


def test_a_shape_is_learned_from_people_in_any_place_and_direction():
    learned, given_shape = learn_shape(people_of_the_shape(400), modes=12), built_in_shape()
    np.testing.assert_allclose(learned.mean, given_shape.mean, atol=0.03)
    core = slice(0, -4)
    spread = [(s.modes[:, core] ** 2).sum() for s in (learned, given_shape)]
    assert spread[0] == pytest.approx(spread[1], rel=0.2)
    assert learned.rest[core].max() < 0.02


def test_a_shape_needs_people_and_numbers():
    people = people_of_the_shape(30)
    with pytest.raises(DataError, match="too few"):
        learn_shape(people[:12], modes=12)
    people[3, at("spine_02")] = np.nan
    with pytest.raises(DataError, match="not a number"):
        learn_shape(people)


def test_a_shape_is_read_as_it_was_written(tmp_path):
    shape = built_in_shape()
    path = tmp_path / "shape.json"
    shape.write(path)
    again = TrunkShape.read(path)
    for name, value in vars(shape).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    content = json.loads(path.read_text())
    for broken in ("[]", "{", json.dumps(content | {"points": ["nose"]}), "{}"):
        path.write_text(broken)
        with pytest.raises(DataError, match=r"shape\.json"):
            TrunkShape.read(path)
    with pytest.raises(DataError, match=r"no\.json"):
        TrunkShape.read(tmp_path / "no.json")


def write_set(folder, people):
    rows = [{"image_id": 7 + i, "keypoints_3d_camera": p.tolist()} for i, p in enumerate(people)]
    images = [{"id": 7 + i, "scene": i, "file_name": f"{i}.jpg"} for i in range(len(people))]
    (folder / "annotations").mkdir(parents=True)
    path = folder / "annotations" / "person_keypoints_some.json"
    path.write_text(json.dumps({"images": images, "annotations": rows}))
    return path


def test_the_command_learns_from_scenes_that_training_may_see(tmp_path):
    people = people_of_the_shape(60)
    write_set(tmp_path, people)
    found = rendered_people(tmp_path)
    assert [p["scene"] for p in found] == list(range(60))
    assert found[3]["file"] == tmp_path / "images" / "some" / "3.jpg"
    trunk_shape.main([str(tmp_path), "-o", str(tmp_path / "out.json")])
    expected = learn_shape([p for i, p in enumerate(people) if i % 10])
    np.testing.assert_allclose(
        TrunkShape.read(tmp_path / "out.json").mean, expected.mean, atol=1e-4
    )


def test_an_unfinished_set_is_read_too(tmp_path):
    (tmp_path / ".scenes").mkdir()
    scene = {
        "images": [{"scene": 4, "file_name": "000004_c0.jpg"}],
        "annotations": [{"image": 0, "keypoints_3d_camera": []}],
    }
    (tmp_path / ".scenes" / "000004.json").write_text(json.dumps(scene))
    (one,) = rendered_people(tmp_path)
    assert one["scene"] == 4
    assert one["file"].name == "000004_c0.jpg"


def test_other_folders_are_no_set(tmp_path):
    with pytest.raises(DataError, match="no people"):
        rendered_people(tmp_path)
    path = write_set(tmp_path, [])
    path.write_text('{"images": [{}], "annotations": []}')
    with pytest.raises(DataError, match="not of `spinepose synth`"):
        rendered_people(tmp_path)


def test_a_fit_of_nobody():
    shape = built_in_shape()
    none = np.zeros((0, len(TRUNK_POINTS)))
    assert fit_trunk(shape, np.zeros((*none.shape, 2)), none).scale.shape == (0,)


# Merged labels


def one_person(places, source="coco"):
    points, trust = body(places)
    box = np.array([-60, -110, 60, 120], np.float32)
    return Person(
        Path("a.jpg"), source, box, points[0].astype(np.float32), trust[0].astype(np.float32)
    )


def merged(one, answers=None, weight=0.3):
    answers = no_answers(1) if answers is None else answers
    points, trust = merge_labels([one], answers, (), LabelWeights(spine_guess=weight))
    np.testing.assert_array_equal(np.isnan(points).any(axis=-1), trust == 0)
    return points[:, SPINETRACK.spine_indices], trust[:, SPINETRACK.spine_indices]


@pytest.mark.parametrize("source", ["coco", "lspe"])
def test_real_people_get_a_guessed_spine_of_little_weight(source):
    spine, sure = guess_spine(*body(FRONT))
    points, trust = merged(one_person(FRONT, source))
    np.testing.assert_allclose(points, spine, atol=1e-3)
    np.testing.assert_allclose(trust, 0.3 * sure, atol=1e-4)


def test_nobody_guesses_unless_asked():
    assert LabelWeights().spine_guess == 0
    assert not merged(one_person(FRONT), weight=0)[1].any()


def test_rendered_people_and_clicked_vertebrae_keep_their_labels():
    assert not merged(one_person(FRONT, "synthetic"))[1].any()
    clicked = one_person(FRONT | {"spine_03": (3, -20)})
    points, trust = merged(clicked)
    np.testing.assert_allclose(row(points, "spine_03"), (3, -20))
    assert row(trust, "spine_03") == 1
    assert 0 < row(trust, "spine_02") < 0.3


def test_a_sure_teachers_spine_stays_and_helps_the_others():
    spine, _ = guess_spine(*body(FRONT))
    answers = answers_of(np.add(spine, [2, 0]))
    answers[0, at("spine_02")] = np.nan, np.nan, 0
    points, trust = merged(one_person(FRONT), answers)
    np.testing.assert_allclose(
        row(points, "spine_03"), np.add(row(spine, "spine_03"), [2, 0]), atol=1e-3
    )
    assert row(trust, "spine_03") == pytest.approx(0.95 * LabelWeights().teacher)
    assert row(points, "spine_02")[0] > row(spine, "spine_02")[0]
    assert row(trust, "spine_02") < 0.3


def test_people_of_whom_little_is_known_get_no_spine():
    assert not merged(one_person(without(FRONT, "left_hip", "right_hip")))[1].any()
