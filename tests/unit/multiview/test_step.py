import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from spinepose.errors import UsageError
from spinepose.multiview import Camera, Step, check_step
from tests.unit.multiview.conftest import ring
from tests.unit.multiview.walkers import film, walker


def turned(camera: Camera, degrees: float, seed: int) -> Camera:
    """Return a camera that is calibrated wrongly, by a turn about its place."""
    axis = np.random.default_rng(seed).normal(size=3)
    turn = cv2.Rodrigues(np.radians(degrees) * axis / np.linalg.norm(axis))[0]
    rotation = turn @ camera.rotation
    return replace(camera, rotation=rotation, translation=-rotation @ camera.centre)


def stepped(
    late: list[int], seed: int, frames: int = 300, degrees: float = 0.4
) -> tuple[list[Camera], np.ndarray, np.ndarray]:
    """Return wrong cameras, keypoints and scores; camera c is `late[c]` frames late."""
    cameras, points = ring(len(late)), walker(seed, frames + 40, (-0.3, 0.0), 0.4)
    tracks = [
        film(camera, points[20 - shift : 20 - shift + frames], 10 * seed + number)
        for number, (camera, shift) in enumerate(zip(cameras, late, strict=True))
    ]
    wrong = [turned(camera, degrees, seed + number) for number, camera in enumerate(cameras)]
    return wrong, np.stack([t.keypoints for t in tracks]), np.stack([t.scores for t in tracks])


@pytest.mark.parametrize("frames", [100, 300])
def test_offsets_are_found_in_spite_of_noise_and_of_a_wrong_calibration(frames: int) -> None:
    """4 px of noise, cameras turned by .4 degrees; the numbers are those of docs/multiview.md."""
    exact = near = alarms = missed = 0
    for seed in range(20):
        late = np.random.default_rng(seed).integers(-10, 11, 4)
        found = check_step(*stepped(late.tolist(), seed, frames))
        expected = late - sorted(late)[1]
        off = int(np.abs(found.offsets - expected).max())
        exact, near = exact + (off == 0), near + (off <= 1)
        # A frame or two, at 60 a second, may not matter among the noise.
        missed += int((~found.out[np.abs(expected) > 2]).sum())
        alarms += bool(check_step(*stepped([0, 0, 0, 0], seed, frames)).out.any())
    print(f"{frames} frames: {exact} exact, {near} within a frame of 20; {alarms} false alarms")
    assert exact >= {100: 10, 300: 15}[frames]
    assert near >= 19
    assert missed == 0
    assert alarms == 0


def test_the_warning_says_which_camera_and_by_how_much() -> None:
    found = check_step(*stepped([0, 0, 4, -3], 1))
    late, early = found.warnings(["a", "b", "c", "d"])
    assert late.startswith("camera c seems to be 4 frames late: with an offset of 4 its rays")
    assert early.startswith("camera d seems to be 3 frames early: with an offset of -3 its rays")
    assert f"{found.after[2]:.1f} instead of {found.before[2]:.1f} px" in late
    assert (found.after[2:] < found.before[2:]).all()


def test_two_cameras_and_gaps_are_enough() -> None:
    cameras, keypoints, scores = stepped([0, 6, 0], 3)
    scores[0, 40:90] = 0
    keypoints[1, :, 5:12] = np.nan
    found = check_step(cameras[:2], keypoints[:2], scores[:2])
    assert found.offsets.tolist() == [0, 6]


def test_a_camera_that_sees_nobody_says_nothing() -> None:
    cameras, keypoints, scores = stepped([0, 0, 5, 0], 2)
    keypoints[3], scores[3] = np.nan, 0
    found = check_step(cameras, keypoints, scores)
    assert found.offsets.tolist()[:3] == [0, 0, 5]
    assert np.isnan(found.before[3])
    assert not found.out[3]


def test_nobody_at_all() -> None:
    cameras, keypoints, scores = stepped([0, 0], 2)
    found = check_step(cameras, np.full_like(keypoints, np.nan), scores)
    assert found.offsets.tolist() == [0, 0]
    assert not found.out.any()


def test_a_small_fall_is_not_believed() -> None:
    found = Step(np.array([0, 1]), np.array([5.0, 5.0]), np.array([4.9, 4.9]))
    assert found.warnings(["a", "b"]) == []


def test_what_does_not_fit_is_refused() -> None:
    cameras, keypoints, scores = stepped([0, 0], 0)
    with pytest.raises(UsageError, match="with 1 cameras"):
        check_step(cameras[:1], keypoints[:1], scores[:1])
    with pytest.raises(UsageError, match="keypoints have shape"):
        check_step(cameras, keypoints[:, :-1], scores)
    with pytest.raises(UsageError, match="cannot be sought"):
        check_step(cameras, keypoints, scores, longest=0)
    with pytest.raises(UsageError, match="in 3 frames"):
        check_step(cameras, keypoints[:, :3], scores[:, :3])


def test_it_is_fast() -> None:
    arguments = stepped([0, 2, 0, 0], 0, frames=1000)
    start = time.process_time()
    found = check_step(*arguments)
    seconds = time.process_time() - start
    print(f"{seconds:.2f} s")
    assert found.offsets.tolist() == [0, 2, 0, 0]
    assert seconds < 2
