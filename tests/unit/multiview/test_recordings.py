import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinepose.errors import DataError, UsageError
from spinepose.export import JsonArrayWriter, JsonLinesWriter, Provenance
from spinepose.export.document import write_image_document
from spinepose.multiview import Camera, View, align_views, fit_camera, read_view, view_of
from spinepose.poses import Poses
from spinepose.skeleton import COCO17, SPINETRACK, Skeleton
from tests.unit.multiview.conftest import ring

SIZE = (640, 480)


def frame(number: int, ids: list[int], skeleton: Skeleton = SPINETRACK, **changes: Any) -> Poses:
    """Return a frame in which keypoint k of track i is at (100 i + k, number); the last is gone."""
    count, joints = len(ids), len(skeleton)
    points = np.zeros((count, joints, 2))
    points[..., 0] = 100 * np.array(ids).reshape(-1, 1) + np.arange(joints)
    points[..., 1] = number
    points[:, -1] = np.nan
    scores = np.full((count, joints), 0.8)
    scores[:, -1] = 0
    known = {"frame": number, "time_s": number / 50, "size": SIZE, "track_ids": ids} | changes
    return Poses.build(points, scores, np.ones((count, 4)), skeleton=skeleton, **known)


def video(skeleton: Skeleton = SPINETRACK) -> list[Poses]:
    """Return 10 frames: track 1 in all but the third, which is empty, and track 7 in two."""
    people = [[1], [1], [], [1], [1, 7], [7, 1], [1], [1], [1], [1]]
    return [frame(number, ids, skeleton) for number, ids in enumerate(people)]


@pytest.mark.parametrize(
    ("writer", "suffix"), [(JsonLinesWriter, "jsonl"), (JsonArrayWriter, "json")]
)
def test_what_was_written_is_read(tmp_path: Path, writer: Callable[..., Any], suffix: str) -> None:
    path = tmp_path / f"cam1.{suffix}"
    file = writer(path, Provenance('a "b"/cam1.mp4'), SPINETRACK)
    for poses in video():
        file.write(poses)
    file.close(complete=True)
    view = read_view(path)
    assert (view.name, view.source, view.size) == ("cam1", 'a "b"/cam1.mp4', SIZE)
    assert view.rate == pytest.approx(50)
    np.testing.assert_allclose(view.times, np.arange(10) / 50)
    assert sorted(view.tracks) == [1, 7]
    one, seven = view.tracks[1], view.tracks[7]
    assert one.keypoints.shape == (10, 37, 2)
    assert np.flatnonzero(~one.scores.any(axis=1)).tolist() == [2]
    assert np.flatnonzero(seven.scores.any(axis=1)).tolist() == [4, 5]
    assert seven.keypoints[5, 3].tolist() == [703, 5]
    assert np.isnan(one.keypoints[2]).all()
    assert np.isnan(one.keypoints[:, -1]).all()
    np.testing.assert_allclose(one.scores[0, :-1], 0.8, atol=1e-6)
    assert not one.scores[:, -1].any()


@pytest.mark.parametrize("skeleton", [COCO17, SPINETRACK.subset("default")])
def test_keypoints_find_their_place_by_name(skeleton: Skeleton) -> None:
    track = view_of("a", video(skeleton)).tracks[1]
    for place, name in enumerate(SPINETRACK.keypoints):
        if name in skeleton.keypoints[:-1]:
            assert track.keypoints[0, place, 0] == 100 + skeleton.index(name)
        else:
            assert np.isnan(track.keypoints[:, place]).all()
            assert not track.scores[:, place].any()


def test_too_few_keypoints_are_refused() -> None:
    few = Skeleton("few", SPINETRACK.keypoints[:7], (0.1,) * 7)
    with pytest.raises(DataError, match="shares 7 keypoints"):
        view_of("a", video(few))


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([], "holds no video"),
        ([frame(0, [1])], "holds no video"),
        ([frame(0, [1]), frame(1, [1, -1])], "person in frame 1 has no track id"),
        ([frame(0, [2, 2]), frame(1, [1])], "two people in frame 0"),
        ([frame(0, [1]), frame(1, [1], size=(9, 9))], "size of its frames changes"),
        ([frame(0, [1]), frame(1, [1], time_s=0.0)], "evenly"),
        ([frame(n, [1], time_s=n / 50 + 0.1 * (n > 4)) for n in range(20)], "evenly"),
    ],
)
def test_what_is_no_tracked_video_is_refused(frames: list[Poses], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        view_of("a", frames)
    assert "\n" not in str(caught.value)


def test_times_may_be_a_little_uneven() -> None:
    times = np.arange(20) / 50 + 0.004 * (np.arange(20) % 2)
    frames = [frame(n, [1], time_s=time) for n, time in enumerate(times.tolist())]
    assert view_of("a", frames).rate == pytest.approx(50, rel=0.02)


def test_the_file_is_named_when_it_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "picture.json"
    write_image_document(path, frame(0, [1]), Provenance("a.jpg"))
    with pytest.raises(DataError, match=r"picture\.json: it holds no video"):
        read_view(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_view(tmp_path / "none.jsonl")


def test_a_view_without_people_is_a_view() -> None:
    view = view_of("a", [frame(n, []) for n in range(5)])
    assert len(view.times) == 5
    assert not view.tracks


def three() -> list[View]:
    lengths = [10, 9, 8]
    return [
        view_of(f"c{i}", [frame(n, [1]) for n in range(length)]) for i, length in enumerate(lengths)
    ]


def test_views_are_cut_to_the_same_moments() -> None:
    cut = align_views(three(), [0, 2, -1])
    # Moment m is frame m, m + 2 and m - 1; all exist from m = 1 to 6.
    starts = [view.tracks[1].keypoints[0, 0, 1] for view in cut]
    assert starts == [1, 3, 0]
    assert {len(view.times) for view in cut} == {6}
    assert {view.tracks[1].scores.shape for view in cut} == {(6, 37)}
    assert {len(view.times) for view in align_views(three())} == {8}


def test_who_is_cut_off_is_gone() -> None:
    views = [view_of("a", video()), view_of("b", video()[:4])]
    assert list(align_views(views)[0].tracks) == [1]


def test_unequal_lengths_are_told(caplog: pytest.LogCaptureFixture) -> None:
    views = [view_of(name, [frame(n, [1]) for n in range(k)]) for name, k in (("a", 20), ("b", 12))]
    with caplog.at_level(logging.WARNING, logger="spinepose.multiview"):
        align_views(three())
        assert not caplog.records
        align_views(views)
    assert "a 20, b 12 frames): 12 are used" in caplog.text


def test_what_cannot_be_aligned_is_refused() -> None:
    views = three()
    with pytest.raises(UsageError, match="2 offsets are given for 3 views"):
        align_views(views, [0, 0])
    with pytest.raises(UsageError, match="no frames in common"):
        align_views(views, [0, 0, 7])
    with pytest.raises(UsageError, match=r"c1 has 60\.000 frames per second and c0 50"):
        align_views([views[0], replace(views[1], rate=60.0)])
    # 59.94 and 60 drift apart by half a frame in 500 frames only.
    align_views([replace(views[0], rate=60.0), replace(views[1], rate=59.94)])


@pytest.fixture
def camera() -> Camera:
    return ring(3)[1]


def test_a_camera_of_the_right_size_stays(camera: Camera) -> None:
    assert fit_camera(camera, camera.size) is camera


@pytest.mark.parametrize("size", [(640, 480), (1920, 1440), (426, 320)])
def test_a_scaled_video_scales_the_camera(camera: Camera, size: tuple[int, int]) -> None:
    fitted = fit_camera(camera, size)
    assert fitted.size == size
    points = np.random.default_rng(0).uniform([-0.5, -0.5, 0.5], [0.5, 0.5, 1.5], (20, 3))
    # Corners of the picture stay corners, where (0, 0) is the centre of a pixel.
    expected = (camera.project(points) + 0.5) * np.divide(size, camera.size) - 0.5
    np.testing.assert_allclose(fitted.project(points), expected, atol=1e-9)


def test_a_few_columns_less_leave_pixels_alone(
    camera: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="spinepose.multiview"):
        fitted = fit_camera(camera, (1272, 960))
    assert fitted.size == (1272, 960)
    np.testing.assert_array_equal(fitted.matrix, camera.matrix)
    assert "cam1 is calibrated for 1280 x 960 px and its video has 1272 x 960" in caplog.text


@pytest.mark.parametrize("size", [(1280, 720), (960, 1280), (640, 474), (1260, 960)])
def test_another_picture_is_refused(camera: Camera, size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="cam1 is calibrated for 1280 x 960 px"):
        fit_camera(camera, size)
