"""From consecutive frames to tracked people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.geometry import box_iou
from spinepose.inference.estimator import ImageLike, SpinePoseEstimator, UInt8
from spinepose.inference.filters import OneEuroBank
from spinepose.inference.people import is_person
from spinepose.inference.settings import Settings
from spinepose.inference.tracks import TrackManager, suppress_duplicates
from spinepose.poses import Poses

__all__ = ["PoseTracker"]

Float32 = npt.NDArray[np.float32]

_SAME_PERSON_IOU = 0.5
"""A detection this close to a track's predicted box is that track's person."""

_DUPLICATE_SIMILARITY = 0.6
"""Two people this alike in one frame are one person seen twice (OKS). On recordings with people
who cross, pairs of different people stayed below .2 and one person seen twice was above .7."""


class PoseTracker:
    """Follows people through the frames of a video, live or from a file.

    The detector runs every few frames and whenever somebody is lost; in between people are
    looked for where their keypoints are predicted to be. Track ids start at 1, survive a second
    of occlusion and are never used again.

    Parameters
    ----------
    estimator
        An estimator to use, or (as in version 2) the class :class:`SpinePoseEstimator`; by
        default one is made from the settings.
    mode, device, settings, **options
        As for :class:`SpinePoseEstimator`. `det_frequency` is version 2's name of `detect_every`.
    smoothing
        Filter the keypoints with a causal One-Euro filter.
    fps
        Frame rate in Hz, for :meth:`__call__` without times.

    Examples
    --------
    >>> from spinepose import PoseTracker
    >>> from spinepose.media import VideoReader
    >>> tracker = PoseTracker()
    >>> with VideoReader("examples/walk.mp4") as video:
    ...     poses = tracker.step(next(iter(video)).image)
    >>> int(poses.track_ids.min())
    1
    """

    def __init__(
        self,
        estimator: SpinePoseEstimator | type[SpinePoseEstimator] | None = None,
        mode: str | None = None,
        device: str | None = None,
        *,
        smoothing: bool = True,
        fps: float = 30.0,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        if "det_frequency" in options:
            options["detect_every"] = options.pop("det_frequency")
        if isinstance(estimator, SpinePoseEstimator):
            self.estimator = estimator
            self.settings = replace(settings or estimator.settings, **options)
        else:
            self.estimator = SpinePoseEstimator(mode, device, settings=settings, **options)
            self.settings = self.estimator.settings
        self.fps = fps
        self._filter = OneEuroBank() if smoothing else None
        self._tracks = TrackManager(self.estimator.pose_model.card.skeleton)
        self._last = Poses.empty(self.estimator.pose_model.card.skeleton)
        self._frame = 0
        self._since_detection: int | None = None

    def __call__(self, image: ImageLike, time_s: float | None = None) -> tuple[Float32, Float32]:
        """Follow people into the next frame.

        Parameters
        ----------
        image
            BGR array, path or PIL image.
        time_s
            Time of the frame; by default frames are `fps` apart.

        Returns
        -------
        keypoints : (N, 37, 2)
            Pixels; NaN = missing.
        scores : (N, 37)
            In 0..1. The people's ids are then in :attr:`track_ids`.
        """
        poses = self.track(image, time_s)
        return poses.keypoints, poses.scores

    def track(self, image: ImageLike, time_s: float | None = None) -> Poses:
        """Do the same as calling the tracker, but return everything known as :class:`Poses`."""
        from spinepose.media import as_rgb

        return self.step(as_rgb(image), time_s=time_s)

    @property
    def track_ids(self) -> npt.NDArray[np.int64]:
        """Ids (N,) of the people of the last frame, in the order of its keypoints."""
        return self._last.track_ids

    def step(self, rgb: UInt8, *, frame: int | None = None, time_s: float | None = None) -> Poses:
        """Follow people into an RGB frame (H, W, 3): the road that everything else takes."""
        frame = self._frame if frame is None else frame
        time_s = frame / self.fps if time_s is None else time_s
        boxes, box_scores = self._boxes(rgb, time_s)
        keypoints, scores = self.estimator.pose_model.estimate(
            rgb, boxes, flip_test=self.settings.flip_test
        )
        poses = Poses.build(
            keypoints,
            scores,
            boxes,
            box_scores=box_scores,
            skeleton=self._last.skeleton,
            frame=frame,
            time_s=time_s,
            size=(rgb.shape[1], rgb.shape[0]),
        )
        poses = poses[is_person(poses)]
        poses = self._tracks.update(suppress_duplicates(poses, _DUPLICATE_SIMILARITY))
        if self._filter is not None:
            poses = self._filter.filter(poses)
        self._last = poses
        self._frame = frame + 1
        return poses

    def reset(self) -> None:
        """Forget everybody, as before a new video; ids go on counting."""
        self._tracks.reset()
        if self._filter is not None:
            self._filter.reset()
        self._last = Poses.empty(self._last.skeleton)
        self._frame, self._since_detection = 0, None

    def close(self) -> None:
        """Free the networks."""
        self.estimator.close()

    def visualize(self, image: ImageLike, keypoints: npt.ArrayLike, scores: npt.ArrayLike) -> UInt8:
        """Draw people on a copy of an image; see :meth:`SpinePoseEstimator.visualize`."""
        return self.estimator.visualize(image, keypoints, scores)

    def _boxes(self, rgb: UInt8, time_s: float) -> tuple[Float32, Float32]:
        """Return where to look for people (N, 4), with the detector's scores (N,) or NaN."""
        predicted, _ = self._tracks.predicted_boxes(time_s)
        unseen = np.full(len(predicted), np.nan, dtype=np.float32)
        if not self._detection_due(len(predicted)):
            return predicted, unseen
        boxes, scores = self.estimator.detector.detect(rgb)
        self._since_detection = 0
        # A person whom the detector misses in this frame is still looked for.
        missed = ~(box_iou(predicted, boxes) > _SAME_PERSON_IOU).any(axis=1)
        return (
            np.concatenate([boxes, predicted[missed]]),
            np.concatenate([scores, unseen[missed]]),
        )

    def _detection_due(self, people: int) -> bool:
        """Tell whether the detector runs on this frame, and count the frames in between."""
        if self._since_detection is None:
            return True
        self._since_detection += 1
        return (
            people == 0
            or self._since_detection >= self.settings.detect_every
            or self._tracks.needs_detection(self._last)
        )
