from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walkers import K, walker

from spinepose.geometry import boxes_from_keypoints
from spinepose.inference.association import match, match_in_stages, similarity_matrix
from spinepose.skeleton import SPINETRACK

SIGMAS = SPINETRACK.sigma_array


def people(*feet: tuple[float, float], height: float = 300.0):
    points = np.array([walker(f, height, 0.1 * i) for i, f in enumerate(feet)])
    scores = np.full(points.shape[:2], 0.9)
    return points, scores, boxes_from_keypoints(points, scores, 0.5, margin=0.05)


def test_the_same_people_are_alike_and_strangers_are_not():
    who = people((200, 500), (600, 520), (1400, 480))
    similarity = similarity_matrix(*who, *who, SIGMAS)
    assert np.allclose(np.diag(similarity), 1.0)
    assert np.all(similarity[~np.eye(3, dtype=bool)] < 0.01)


@settings(max_examples=25, deadline=None)
@given(
    shift=st.floats(-1000, 1000),
    scale=st.floats(0.5, 8),
    seed=st.integers(0, 1000),
)
def test_similarity_does_not_depend_on_place_or_resolution(shift, scale, seed):
    rng = np.random.default_rng(seed)
    points, scores, boxes = people((200, 500), (330, 520), height=200)
    seen = points + rng.normal(0, 8, points.shape)
    seen_boxes = boxes_from_keypoints(seen, scores, 0.5, margin=0.05)
    before = similarity_matrix(points, scores, boxes, seen, scores, seen_boxes, SIGMAS)
    after = similarity_matrix(
        points * scale + shift,
        scores,
        boxes * scale + shift,
        seen * scale + shift,
        scores,
        seen_boxes * scale + shift,
        SIGMAS,
    )
    # Not exactly: boxes are widened by half a pixel whatever their size.
    assert np.allclose(before, after, atol=0.02)
    order = rng.permutation(2)
    swapped = similarity_matrix(
        points[order], scores, boxes[order], seen, scores, seen_boxes, SIGMAS
    )
    assert np.allclose(swapped, before[order])


def test_without_common_keypoints_the_boxes_decide_and_the_other_way_round():
    points, scores, boxes = people((200, 500))
    missing = np.full_like(points, np.nan)
    unknown = np.full_like(boxes, np.nan)
    none = np.zeros_like(scores)
    assert similarity_matrix(points, scores, boxes, missing, none, boxes, SIGMAS)[0, 0] > 0.99
    assert similarity_matrix(points, scores, boxes, points, scores, unknown, SIGMAS)[0, 0] > 0.99
    assert similarity_matrix(points, scores, boxes, missing, none, unknown, SIGMAS)[0, 0] == 0


def test_an_uncertain_prediction_is_compared_with_more_lenience():
    points, scores, boxes = people((200, 500))
    moved = (points + 60, scores, boxes + 60)
    spreads = [0.0, 0.1, 0.3]
    values = [
        similarity_matrix(points, scores, boxes, *moved, SIGMAS, spread=np.array([s]))[0, 0]
        for s in spreads
    ]
    assert values[0] < values[1] < values[2] <= 1


@pytest.mark.parametrize(("tracks", "seen"), [(0, 0), (0, 2), (3, 0)])
def test_nobody_to_match(tracks, seen):
    empty = np.zeros((tracks, K, 2)), np.zeros((tracks, K)), np.zeros((tracks, 4))
    others = np.zeros((seen, K, 2)), np.zeros((seen, K)), np.zeros((seen, 4))
    similarity = similarity_matrix(*empty, *others, SIGMAS)
    pairs, rows, columns = match(similarity, 0.2)
    assert pairs.shape == (0, 2)
    assert rows.tolist() == list(range(tracks))
    assert columns.tolist() == list(range(seen))


def test_the_sum_counts_not_the_first_choice():
    pairs, rows, columns = match(np.array([[0.9, 0.8, 0.0], [0.85, 0.1, 0.0]]), 0.2)
    assert pairs.tolist() == [[0, 1], [1, 0]]
    assert rows.tolist() == []
    assert columns.tolist() == [2]


def test_no_pair_below_the_threshold_and_none_broken_for_one():
    # Pairing row 1 with column 1 is not allowed, so row 0 keeps its best.
    pairs, rows, columns = match(np.array([[0.9, 0.4], [0.3, 0.1]]), 0.35)
    assert pairs.tolist() == [[0, 0]]
    assert rows.tolist() == [1]
    assert columns.tolist() == [1]


def test_people_seen_a_moment_ago_choose_first():
    # Row 1 is a track lost for a while, sought far around.
    similarity = np.array([[0.8, 0.0], [0.9, 0.3]])
    pairs, _, _ = match_in_stages(similarity, np.array([True, False]), sure=0.75, threshold=0.2)
    assert pairs.tolist() == [[0, 0], [1, 1]]
    # An unsure one has no such right.
    similarity[0, 0] = 0.5
    pairs, rows, columns = match_in_stages(
        similarity[:, :1], np.array([True, False]), sure=0.75, threshold=0.2
    )
    assert pairs.tolist() == [[1, 0]]
    assert rows.tolist() == [0]
    assert columns.tolist() == []
