from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walkers import K, scene, walker

from spinepose.geometry import box_iou
from spinepose.inference.tracks import TrackManager, suppress_duplicates
from spinepose.poses import NO_TRACK, Poses
from spinepose.skeleton import COCO17

H = 400.0


def still(*xs: float, height: float = H) -> list[np.ndarray]:
    return [walker((x, 800), height, 0.0) for x in xs]


def follow(manager: TrackManager, xs_of_time, times) -> list[list[int]]:
    return [
        manager.update(scene(still(*xs_of_time(t)), t)).track_ids.tolist()
        for t in map(float, times)
    ]


def crossing(fps: float, hidden_s: float, noise: float, seed: int, height: float = H):
    """Two people walk past each other; the far one is hidden for a while. Shuffled order."""
    rng = np.random.default_rng(seed)
    for t in np.arange(0, 6, 1 / fps):
        xs = {0: 960 + 0.8 * height * (t - 3), 1: 960 - 0.8 * height * (t - 3)}
        if abs(t - 3) < hidden_s / 2:
            del xs[1]
        who = rng.permutation(list(xs))
        feet = [(xs[i], 800 - 0.1 * height * i) for i in who]
        bodies = [walker(f, height, t + 0.3 * i) for f, i in zip(feet, who, strict=True)]
        yield who, scene(bodies, float(t), noise=noise, rng=rng)


@pytest.mark.parametrize(
    ("fps", "hidden_s", "noise", "height", "ids"),
    [
        (30, 0.0, 3, H, 2),
        (30, 0.9, 3, H, 2),
        (10, 0.8, 3, H, 2),
        (30, 1.5, 3, H, 3),
        (30, 0.9, 0.7, 20.0, 2),
    ],
)
def test_people_who_cross_keep_their_ids(fps, hidden_s, noise, height, ids):
    manager, seen = TrackManager(), {0: set(), 1: set()}
    for who, poses in crossing(fps, hidden_s, noise, seed=1, height=height):
        for person, track in zip(who, manager.update(poses).track_ids.tolist(), strict=True):
            seen[person].add(track)
    assert not seen[0] & seen[1]
    assert seen[0] | seen[1] == set(range(1, ids + 1))
    assert len(seen[0]) == 1


@pytest.mark.parametrize("fps", [5, 25, 60])
@pytest.mark.parametrize(("gap", "same"), [(0.9, True), (1.5, False)])
def test_occlusion_is_measured_in_seconds(fps, gap, same):
    manager = TrackManager()
    follow(manager, lambda t: [500], np.arange(0, 2, 1 / fps))
    last = (2 * fps - 1) / fps
    [[back]] = follow(manager, lambda t: [500], [last + gap])
    assert (back == 1) == same


def test_empty_frames_never_bring_ids_back():
    manager = TrackManager()
    assert follow(manager, lambda t: [300, 900], [0.0]) == [[1, 2]]
    assert follow(manager, lambda t: [], np.arange(1, 60) / 30) == [[]] * 59
    assert follow(manager, lambda t: [1500], [2.0]) == [[3]]
    manager.reset()
    assert follow(manager, lambda t: [300, 1500], [0.0]) == [[4, 5]]


def test_a_missed_frame_changes_nothing():
    manager = TrackManager()
    ids = follow(manager, lambda t: [300] if 0.15 < t < 0.18 else [300, 900], np.arange(10) / 30)
    assert ids == [[1, 2]] * 5 + [[1]] + [[1, 2]] * 4


def test_time_that_runs_back_starts_anew():
    manager = TrackManager()
    follow(manager, lambda t: [300], [5.0, 5.1])
    assert follow(manager, lambda t: [300], [0.0]) == [[2]]


def test_a_person_seen_once_is_remembered_for_half_the_time():
    manager = TrackManager()
    follow(manager, lambda t: [300], [0.0])
    assert follow(manager, lambda t: [300], [0.6]) == [[2]]


@settings(max_examples=15, deadline=None)
@given(
    shift=st.floats(-300, 300),
    scale=st.sampled_from([0.04, 0.3, 1.0, 3.0]),
    seed=st.integers(0, 1000),
)
def test_ids_do_not_depend_on_order_place_or_resolution(shift, scale, seed):
    rng = np.random.default_rng(seed)
    manager = TrackManager()
    expected: dict[int, int] = {}
    for i in range(12):
        feet = [(300 + 8 * i, 800), (900 - 8 * i, 820), (1500, 790)]
        bodies = [scale * walker(f, H, i / 30 + 0.2 * n) + shift for n, f in enumerate(feet)]
        order = rng.permutation(3)
        ids = manager.update(scene([bodies[n] for n in order], i / 30)).track_ids
        for n, track in zip(order, ids, strict=True):
            assert expected.setdefault(n, track) == track
    assert sorted(expected.values()) == [1, 2, 3]


def test_tiny_people_are_tracked():
    manager = TrackManager()
    rng = np.random.default_rng(0)
    for i in range(30):
        bodies = [walker((50 + 12 * n + 0.3 * i, 60), 9.0, i / 30) for n in range(3)]
        ids = manager.update(scene(bodies, i / 30, noise=0.4, rng=rng)).track_ids
        assert ids.tolist() == [1, 2, 3]


def test_the_input_is_not_changed_and_everybody_who_is_somewhere_gets_an_id():
    poses = scene(still(300, 900, 1500), 0.0)
    poses.keypoints[1] = np.nan  # only a box
    poses.boxes[2] = np.nan  # only keypoints
    assert TrackManager().update(poses).track_ids.tolist() == [1, 2, 3]
    assert (poses.track_ids == NO_TRACK).all()
    poses.boxes[1] = np.nan
    assert TrackManager().update(poses).track_ids.tolist() == [1, NO_TRACK, 2]


def test_another_skeleton_is_refused():
    with pytest.raises(ValueError, match="17 keypoints"):
        TrackManager().update(Poses.empty(COCO17))


def feedback(frames: int, noise: float, rng: np.random.Generator, spoil=lambda i, p: None):
    """Follow one person without a detector after the first frame; yield true and used boxes."""
    manager = TrackManager()
    first = scene(still(900), 0.0)
    first.keypoints[:] += rng.normal(0, noise, first.keypoints.shape)
    manager.update(first)
    for i in range(1, frames):
        time_s = i / 30
        feet = (900 + 3 * i, 800)
        truth = scene([walker(feet, H, 0.0)], time_s)
        [box], [track] = manager.predicted_boxes(time_s)
        seen = scene([walker(feet, H, 0.0)], time_s, detected=False)
        seen.keypoints[:] += rng.normal(0, noise, seen.keypoints.shape)
        seen.boxes[:] = box
        spoil(i, seen)
        assert manager.update(seen).track_ids.tolist() == [track] == [1]
        yield truth.boxes[0], box


def sides(box):
    return box[2:] - box[:2]


@pytest.mark.parametrize(("noise", "seed"), [(0.0, 0), (3.0, 0), (3.0, 1), (3.0, 2)])
def test_boxes_fed_back_neither_shrink_nor_drift(noise, seed):
    for truth, box in feedback(101, noise, np.random.default_rng(seed)):
        assert np.allclose(sides(box), sides(truth), rtol=0.1)
        assert box_iou(truth[None], box[None])[0, 0] > 0.8


def test_one_bad_point_does_not_blow_up_the_box():
    def spoil(i, poses):
        poses.keypoints[0, 9] = 0.0, 0.0

    for truth, box in feedback(40, 2.0, np.random.default_rng(0), spoil):
        assert np.allclose(sides(box), sides(truth), rtol=0.15)


def test_hidden_legs_do_not_cost_the_box_at_once():
    def spoil(i, poses):
        if 10 <= i < 15:
            poses.scores[0, poses.keypoints[0, :, 1] > 650] = 0.05

    for truth, box in feedback(40, 0.0, np.random.default_rng(0), spoil):
        assert sides(box)[1] > 0.85 * sides(truth)[1]


def test_boxes_are_predicted_only_of_people_seen_a_moment_ago_and_in_the_frame():
    manager = TrackManager()
    follow(manager, lambda t: [300, 900], np.arange(4) / 30)
    follow(manager, lambda t: [300], np.arange(4, 12) / 30)
    boxes, ids = manager.predicted_boxes(12 / 30)
    assert ids.tolist() == [1]
    assert boxes.shape == (1, 4)
    assert boxes.dtype == np.float32
    manager.update(scene(still(-600), 13 / 30))
    boxes, ids = manager.predicted_boxes(14 / 30)
    assert ids.tolist() == [1]
    assert TrackManager().predicted_boxes(0.0)[0].shape == (0, 4)


def test_a_walking_person_is_predicted_ahead():
    manager = TrackManager()
    follow(manager, lambda t: [300 + 300 * t], np.arange(20) / 30)
    [box], _ = manager.predicted_boxes(20 / 30)
    assert (box[0] + box[2]) / 2 == pytest.approx(300 + 300 * 20 / 30, abs=1.5)


def faint(poses: Poses) -> Poses:
    return replace(poses, scores=poses.scores * 0.2)


def shrunk(poses: Poses) -> Poses:
    middle = poses.keypoints.mean(axis=1, keepdims=True)
    return replace(poses, keypoints=middle + 0.2 * (poses.keypoints - middle))


def gone(poses: Poses) -> Poses:
    return poses[[]]


@pytest.mark.parametrize("loss", [faint, shrunk, gone])
def test_a_lost_person_calls_the_detector_once(loss):
    manager = TrackManager()
    asked = []
    for i in range(8):
        poses = scene(still(900), i / 30, detected=False)
        poses = manager.update(loss(poses) if i >= 4 else poses)
        asked.append(manager.needs_detection(poses))
    assert asked[:5] == [False] * 4 + [True]
    assert not any(asked[6:])


def test_a_person_who_leaves_the_frame_calls_the_detector():
    manager = TrackManager()
    asked = []
    for i in range(20):
        poses = scene([walker((1800 + 12 * i, 800), H, 0.0)], i / 30, detected=False)
        asked.append(manager.needs_detection(manager.update(poses)))
    assert sum(asked) == 1


def test_of_one_person_seen_twice_the_better_stays():
    rng = np.random.default_rng(0)
    poses = scene(still(300, 900, 900), 0.0, noise=2.0, rng=rng)
    poses.scores[1] = 0.6
    kept = suppress_duplicates(poses, 0.9)
    assert len(kept) == 2
    assert np.array_equal(kept.keypoints, poses.keypoints[[0, 2]])
    assert len(suppress_duplicates(poses, 1.0)) == 3
    assert len(suppress_duplicates(poses[[0]], 0.9)) == 1


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(5)), scale=st.floats(0.1, 5), shift=st.floats(-500, 500))
def test_who_stays_does_not_depend_on_order_place_or_resolution(order, scale, shift):
    rng = np.random.default_rng(0)
    poses = scene(still(300, 900, 900, 1300, 1303), 0.0, noise=2.0, rng=rng)
    poses.scores[:] = np.linspace(0.5, 0.9, 5)[:, None]
    poses = replace(poses, keypoints=poses.keypoints * np.float32(scale) + np.float32(shift))
    poses = replace(poses, boxes=poses.boxes * np.float32(scale) + np.float32(shift))
    kept = suppress_duplicates(poses[list(order)], 0.9)
    assert sorted(np.round(kept.scores[:, 0], 2).tolist()) == pytest.approx([0.5, 0.7, 0.9])


def test_people_without_keypoints_are_no_duplicates():
    n = 2
    nothing = Poses.build(
        np.full((n, K, 2), np.nan), np.zeros((n, K)), np.full((n, 4), np.nan), time_s=0.0
    )
    assert len(suppress_duplicates(nothing)) == n
