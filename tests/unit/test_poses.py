from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from spinepose.poses import NO_TRACK, Poses
from spinepose.skeleton import COCO17, SPINETRACK


def _poses(n: int = 3) -> Poses:
    keypoints = np.arange(n * 37 * 2, dtype=float).reshape(n, 37, 2)
    return Poses.build(
        keypoints,
        np.full((n, 37), 0.5),
        np.tile([0, 0, 9, 9], (n, 1)),
        track_ids=np.arange(n) + 4,
        frame=7,
        time_s=0.25,
        size=(640, 480),
    )


def test_building_sets_types_and_defaults() -> None:
    poses = Poses.build(np.zeros((2, 37, 2)), np.zeros((2, 37)), np.zeros((2, 4)))
    assert poses.keypoints.dtype == poses.scores.dtype == poses.boxes.dtype == np.float32
    assert (poses.track_ids == NO_TRACK).all()
    assert np.isnan(poses.box_scores).all()


def test_nobody() -> None:
    empty = Poses.empty(frame=3, time_s=0.1, size=(64, 48))
    assert len(empty) == 0
    assert empty.keypoints.shape == (0, 37, 2)
    assert empty.boxes.shape == (0, 4)
    assert empty.subset("spine9").keypoints.shape == (0, 9, 2)
    assert empty.person_scores().shape == (0,)
    assert (empty.frame, empty.time_s, empty.size) == (3, 0.1, (64, 48))


@pytest.mark.parametrize(
    ("index", "ids"),
    [
        (1, [5]),
        (-1, [6]),
        (slice(1, None), [5, 6]),
        ([2, 0], [6, 4]),
        (np.array([True, False, True]), [4, 6]),
    ],
)
def test_people_are_selected_with_everything(index: object, ids: list[int]) -> None:
    poses = replace(_poses(), keypoints_3d=np.zeros((3, 37, 3), np.float32))
    some = poses[index]  # type: ignore[index]
    assert some.track_ids.tolist() == ids
    assert len(some.keypoints) == len(some.scores) == len(some.boxes) == len(ids)
    assert some.keypoints_3d is not None
    assert len(some.keypoints_3d) == len(ids)
    assert (some.frame, some.size) == (7, (640, 480))
    np.testing.assert_array_equal(some.keypoints[0], poses.keypoints[ids[0] - 4])


def test_a_person_who_is_not_there() -> None:
    with pytest.raises(IndexError, match="person 3 of 3"):
        _poses()[3]


def test_a_subset_takes_its_columns_in_its_order() -> None:
    poses = _poses()
    spine = poses.subset("spine9")
    np.testing.assert_array_equal(spine.keypoints, poses.keypoints[:, SPINETRACK.spine_indices])
    assert spine.skeleton.keypoints == SPINETRACK.spine


@pytest.mark.parametrize("field", ["keypoints", "scores", "boxes", "box_scores", "track_ids"])
def test_a_wrong_shape_is_named(field: str) -> None:
    wrong = np.zeros((3, 3, 3)) if field == "keypoints" else np.zeros((9, 9))
    with pytest.raises(ValueError, match=field):
        replace(_poses(), **{field: wrong})


def test_the_skeleton_must_fit() -> None:
    with pytest.raises(ValueError, match="keypoints"):
        replace(_poses(), skeleton=COCO17)


def test_poses_cannot_be_changed_by_accident() -> None:
    with pytest.raises(FrozenInstanceError):
        _poses().frame = 3  # type: ignore[misc]
