from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinepose.errors import UsageError
from spinepose.multiview import (
    Camera,
    Person,
    Track,
    View,
    align_views,
    match_people,
    read_calibration,
    triangulate,
    view_of,
)
from spinepose.poses import Poses
from tests.unit.multiview.conftest import looking, ring
from tests.unit.multiview.walkers import film, part_of, view, walker

FRAMES = 90
PLACES = ((0.0, 0.0), (0.9, 0.2), (-0.3, 1.0), (-0.8, -0.6), (0.3, -0.9))


def recording(
    cameras: list[Camera], people: list[np.ndarray], seed: int, *, broken: bool = False
) -> tuple[list[View], list[dict[int, int]]]:
    """Return views with shuffled ids and broken tracks, and for each view who each id is."""
    rng = np.random.default_rng(seed)
    views, truth = [], []
    for number, camera in enumerate(cameras):
        pieces: list[tuple[int, Track]] = []
        for who, points in enumerate(people):
            track = film(camera, points, 100 * seed + 10 * number + who)
            # The tracker loses someone for two frames, in each view at another time.
            lost = [12 + 14 * number + int(rng.integers(5))] if broken else []
            ends = pairwise([-2, *lost, len(points)])
            pieces += [(who, part_of(track, a + 2, b)) for a, b in ends]
        ids = rng.permutation(100)[: len(pieces)].tolist()
        views.append(
            view(camera, {key: track for key, (_, track) in zip(ids, pieces, strict=True)})
        )
        truth.append({key: who for key, (who, _) in zip(ids, pieces, strict=True)})
    return views, truth


def named(person: Person, truth: list[dict[int, int]]) -> set[int]:
    """Return who the tracks of a person are of; one is right."""
    return {truth[c][key] for c, ids in enumerate(person.tracks) for key in ids}


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    count=st.integers(1, 5),
    cameras=st.integers(3, 5),
    broken=st.booleans(),
)
def test_everyone_is_found_and_nobody_is_mixed_up(
    seed: int, count: int, cameras: int, broken: bool
) -> None:
    rig = ring(cameras)
    people = [walker(10 * seed + i, FRAMES, PLACES[i], 0.4) for i in range(count)]
    views, truth = recording(rig, people, seed, broken=broken)
    found = match_people(rig, views)
    assert sorted(tuple(named(person, truth)) for person in found) == [(i,) for i in range(count)]
    for person in found:
        (who,) = named(person, truth)
        for c, ids in enumerate(person.tracks):
            assert set(ids) == {key for key, name in truth[c].items() if name == who}
            seen = person.scores[c].any(axis=1)
            true = rig[c].project(people[who][seen])
            assert np.abs(person.keypoints[c, seen] - true).max() < 25
            assert np.isnan(person.keypoints[c, ~seen]).all()
    seen_most = [person.scores.sum() for person in found]
    assert seen_most == sorted(seen_most, reverse=True)


def test_someone_seen_once_stays_alone() -> None:
    rig = ring(4)
    people = [walker(i, FRAMES, PLACES[i], 0.3) for i in range(3)]
    views, truth = recording(rig, people, 5)
    lonely = next(key for key, who in truth[2].items() if who == 1)
    for c in (0, 1, 3):
        gone = next(key for key, who in truth[c].items() if who == 1)
        views[c] = view(rig[c], {k: t for k, t in views[c].tracks.items() if k != gone})
    found = match_people(rig, views)
    assert [person.views for person in found] == [4, 4, 1]
    assert found[-1].tracks == ((), (), (lonely,), ())


def mirrored() -> tuple[list[Camera], list[np.ndarray]]:
    """Return two cameras of one height and a third, and two people that the two may mix up.

    All moves are alike, and in the plane of the two cameras: with either of the other's tracks the
    rays meet as well, in two places where nobody is.
    """
    rig = [looking("a", (-3.0, -4.0, 1.0)), looking("b", (3.0, -4.0, 1.0))]
    rig.append(looking("c", (0.0, -4.5, 3.0)))
    heights = np.linspace(0.99, 1.01, 37)
    body = np.stack([np.linspace(-0.2, 0.2, 37), np.zeros(37), heights], axis=-1)
    way = np.linspace(0, 0.3, FRAMES)[:, None, None] * [0, 1.0, 0]
    return rig, [body + way + [-0.6, 0, 0], body + way + [0.6, 0, 0]]


def test_a_third_camera_tells_who_two_may_mix_up() -> None:
    rig, people = mirrored()
    views, truth = recording(rig, people, 3)
    swapped = [{k: 1 - who for k, who in truth[0].items()}, truth[1]]
    apart = []
    for names in (truth[:2], swapped):
        of_one = [
            views[c].tracks[next(k for k, who in names[c].items() if who == 0)] for c in (0, 1)
        ]
        both = triangulate(rig[:2], [t.keypoints for t in of_one], [t.scores for t in of_one])
        apart.append(float(np.nanmedian(both.errors)))
    # Two cameras do not tell: the swapped tracks meet as well.
    assert apart[1] < 2 * apart[0]
    found = match_people(rig, views)
    assert sorted(tuple(named(person, truth)) for person in found) == [(0,), (1,)]


def test_a_track_lost_in_all_views_at_once_is_two_people() -> None:
    rig = ring(3)
    points = walker(0, FRAMES)
    views = []
    for number, camera in enumerate(rig):
        track = film(camera, points, number)
        views.append(view(camera, {1: part_of(track, 0, 40), 2: part_of(track, 42, FRAMES)}))
    assert [person.tracks for person in match_people(rig, views)] == [((2,),) * 3, ((1,),) * 3]


def test_tracks_of_one_view_at_one_time_stay_apart() -> None:
    rig = ring(3)
    points = walker(0, FRAMES)
    twice = {1: film(rig[0], points, 1), 2: film(rig[0], points, 2)}
    others = [view(camera, {5: film(camera, points, 3)}) for camera in rig[1:]]
    found = match_people(rig, [view(rig[0], twice), *others])
    assert sorted(person.views for person in found) == [1, 3]


def test_tracks_that_hardly_overlap_are_not_compared() -> None:
    rig = ring(2)
    points = walker(0, FRAMES)
    first, second = (film(camera, points, 1) for camera in rig)
    views = [
        view(rig[0], {1: part_of(first, 0, 20)}),
        view(rig[1], {1: part_of(second, 16, FRAMES)}),
    ]
    assert len(match_people(rig, views)) == 2
    assert len(match_people(rig, views, least_frames=4)) == 1


def test_keypoints_that_are_not_sure_do_not_count() -> None:
    rig = ring(2)
    points = walker(0, FRAMES)
    first, second = (film(camera, points, 1) for camera in rig)
    wrong = np.arange(37) > 12
    second.keypoints[:, wrong] += 200
    second.scores[:, wrong] = 0.25
    second.scores[:, ~wrong] = 0.35
    views = [view(rig[0], {1: first}), view(rig[1], {1: second})]
    assert len(match_people(rig, views)) == 1
    assert len(match_people(rig, views, least_score=0.1)) == 2


def test_rays_that_meet_behind_the_cameras_do_not_meet() -> None:
    """Both look along y, side by side; what is left of left and right of right meets behind."""
    rig = [looking("a", (-1.0, 0, 1), (-1.0, 5, 1)), looking("b", (1.0, 0, 1), (1.0, 5, 1))]
    rng = np.random.default_rng(0)
    left = np.stack([rng.uniform(100, 400, 37), np.full(37, 489.0)], axis=-1)
    track = [
        Track(np.tile(pixels, (FRAMES, 1, 1)), np.ones((FRAMES, 37)))
        for pixels in (left, [1279, 978] - left)
    ]
    views = [view(camera, {0: one}) for camera, one in zip(rig, track, strict=True)]
    assert len(match_people(rig, views)) == 2
    crossed = [view(camera, {0: one}) for camera, one in zip(rig, track[::-1], strict=True)]
    assert len(match_people(rig, crossed)) == 1


def test_nobody() -> None:
    rig = ring(2)
    empty = [view_of(c.name, [Poses.empty(time_s=n / 50) for n in range(9)]) for c in rig]
    assert match_people(rig, empty) == []


def test_what_does_not_fit_is_refused() -> None:
    rig = ring(3)
    views = [view(c, {0: film(c, walker(0, n), 0)}) for c, n in zip(rig, (20, 20, 21), strict=True)]
    with pytest.raises(UsageError, match="2 views and 3 cameras"):
        match_people(rig, views[:2])
    with pytest.raises(UsageError, match="two at least"):
        match_people(rig[:1], views[:1])
    with pytest.raises(UsageError, match="align them first"):
        match_people(rig, views)
    assert len(match_people(rig, align_views(views))) == 1


def test_the_cameras_of_pose2sim_keep_people_apart(shared_data: Path) -> None:
    path = shared_data / "data/video/pose2sim/MultiPerson_Calib.qca.txt"
    if not path.is_file():
        pytest.skip(f"needs {path.name}")
    rig = list(read_calibration(path))
    people = [walker(i, FRAMES, place, 0.3) for i, place in enumerate(((-1.5, 0.0), (0.3, -0.4)))]
    views, truth = recording(rig, people, 1, broken=True)
    found = match_people(rig, views)
    assert sorted(tuple(named(person, truth)) for person in found) == [(0,), (1,)]
