"""The tracker's decisions, with a detector and a pose network that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from spinepose.inference import PoseTracker, Settings, SpinePoseEstimator
from spinepose.skeleton import SPINETRACK

FRAME = np.zeros((480, 640, 3), np.uint8)


def _person(x: float, y: float = 240.0, height: float = 200.0) -> np.ndarray:
    """37 points that fill a box about (x, y)."""
    rng = np.random.default_rng(3)
    spread = rng.uniform(-0.5, 0.5, (37, 2)) * [0.4 * height, height]
    return np.array([x, y]) + spread


class _Detector:
    """Finds the people that a script says, and counts its calls."""

    def __init__(self) -> None:
        self.people: list[np.ndarray] = []
        self.calls = 0

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.calls += 1
        boxes = [np.concatenate([p.min(0) - 5, p.max(0) + 5]) for p in self.people]
        return np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.9, np.float32)


class _Pose:
    """Sees the person of the scene who is nearest to the box's middle, or nobody."""

    class card:
        skeleton = SPINETRACK

    def __init__(self) -> None:
        self.scene: list[np.ndarray] = []

    def estimate(
        self, image: np.ndarray, boxes: np.ndarray, *, flip_test: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        keypoints = np.full((len(boxes), 37, 2), np.nan, np.float32)
        scores = np.zeros((len(boxes), 37), np.float32)
        for i, box in enumerate(boxes):
            middle = (box[:2] + box[2:]) / 2
            near = [p for p in self.scene if np.linalg.norm(p.mean(0) - middle) < 60]
            if near:
                keypoints[i], scores[i] = near[0], 0.9
        return keypoints, scores


@pytest.fixture
def parts() -> tuple[PoseTracker, _Detector, _Pose]:
    estimator = SpinePoseEstimator.__new__(SpinePoseEstimator)
    detector, pose = _Detector(), _Pose()
    estimator.settings = Settings(detect_every=5)
    estimator._detector, estimator._pose = detector, pose  # type: ignore[assignment]
    return PoseTracker(estimator, smoothing=False), detector, pose


def test_the_detector_runs_every_few_frames(parts: tuple[PoseTracker, _Detector, _Pose]) -> None:
    tracker, detector, pose = parts
    for i in range(20):
        pose.scene = detector.people = [_person(200 + i)]
        assert list(tracker.step(FRAME).track_ids) == [1]
    assert detector.calls == 4


def test_a_person_missed_by_the_detector_is_still_followed(
    parts: tuple[PoseTracker, _Detector, _Pose],
) -> None:
    tracker, detector, pose = parts
    pose.scene = detector.people = [_person(150), _person(450)]
    assert list(tracker.step(FRAME).track_ids) == [1, 2]
    detector.people = [pose.scene[0]]
    for _ in range(12):
        poses = tracker.step(FRAME)
        assert sorted(poses.track_ids) == [1, 2]
    assert np.isnan(poses.box_scores).sum() >= 1


def test_somebody_new_is_found_at_the_next_detection(
    parts: tuple[PoseTracker, _Detector, _Pose],
) -> None:
    tracker, detector, pose = parts
    pose.scene = detector.people = [_person(150)]
    tracker.step(FRAME)
    pose.scene = detector.people = [_person(150), _person(450)]
    counts = [len(tracker.step(FRAME)) for _ in range(6)]
    assert counts[0] == 1
    assert counts[-1] == 2


def test_losing_everybody_calls_the_detector_at_once(
    parts: tuple[PoseTracker, _Detector, _Pose],
) -> None:
    tracker, detector, pose = parts
    pose.scene = detector.people = [_person(150)]
    tracker.step(FRAME)
    pose.scene = detector.people = []
    tracker.step(FRAME)
    calls = detector.calls
    assert len(tracker.step(FRAME)) == 0
    assert detector.calls == calls + 1


def test_ids_go_on_after_a_reset(parts: tuple[PoseTracker, _Detector, _Pose]) -> None:
    tracker, detector, pose = parts
    pose.scene = detector.people = [_person(150)]
    tracker.step(FRAME)
    tracker.reset()
    assert list(tracker.track_ids) == []
    assert list(tracker.step(FRAME).track_ids) == [2]


def test_two_boxes_on_one_person_are_one_person(
    parts: tuple[PoseTracker, _Detector, _Pose],
) -> None:
    tracker, detector, pose = parts
    pose.scene = [_person(150)]
    detector.people = [_person(150), _person(165)]
    assert len(tracker.step(FRAME)) == 1


def test_frames_are_timed_by_the_rate_when_nobody_says(
    parts: tuple[PoseTracker, _Detector, _Pose],
) -> None:
    tracker, detector, pose = parts
    tracker.fps = 25.0
    pose.scene = detector.people = [_person(150)]
    assert [tracker.step(FRAME).time_s for _ in range(3)] == pytest.approx([0, 0.04, 0.08])
    assert tracker.track(FRAME, 9.0).time_s == 9.0
