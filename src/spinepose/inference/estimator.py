"""From one image to the people in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from spinepose.errors import UsageError
from spinepose.inference.people import boxes_of, is_person
from spinepose.inference.settings import Settings
from spinepose.poses import Poses
from spinepose.skeleton import SPINETRACK

if TYPE_CHECKING:
    from spinepose.inference.detector import PersonDetector
    from spinepose.inference.pose import PoseModel

__all__ = ["ImageLike", "SpinePoseEstimator"]

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

ImageLike = npt.NDArray[Any] | str | Path | Any
"""What the public calls take: a BGR array as from ``cv2.imread``, a path, or a PIL image."""


class SpinePoseEstimator:
    """Finds people in single images, each with 37 keypoints.

    Parameters
    ----------
    mode
        Model size, or a path to an .onnx file; see :class:`Settings`.
    device
        Where the networks run; a device that is named must work.
    settings
        All settings at once; `mode`, `device` and `options` win over it.
    **options
        Any other field of :class:`Settings`, by name.

    Raises
    ------
    ModelError
        The weights are missing or corrupted.
    ProviderError
        The device cannot be used.

    Examples
    --------
    >>> from spinepose import SpinePoseEstimator
    >>> estimator = SpinePoseEstimator()
    >>> keypoints, scores = estimator.predict("examples/astronaut.jpg")
    >>> keypoints.shape, scores.shape
    ((1, 37, 2), (1, 37))
    """

    SPINE_IDS: tuple[int, ...] = tuple(int(i) for i in SPINETRACK.spine_indices)
    """Columns of the nine spine keypoints, from the top down."""

    def __init__(
        self,
        mode: str | None = None,
        device: str | None = None,
        *,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        named = {"mode": mode, "device": device}
        options |= {k: v for k, v in named.items() if v is not None}
        self.settings = replace(settings or Settings(), **options)
        self._pose: PoseModel | None = None
        self._detector: PersonDetector | None = None
        # The pose network is what every call needs: load it now, so that a wrong mode, device or
        # file is told at once. The detector waits, as people may bring their own boxes.
        _ = self.pose_model

    @property
    def pose_model(self) -> PoseModel:
        """The pose network, loaded on first use."""
        if self._pose is None:
            from spinepose.inference.pose import PoseModel
            from spinepose.models import create_session, resolve_pose

            found = resolve_pose(self.settings.mode)
            session = create_session(found, self.settings.device, self.settings.threads)
            self._pose = PoseModel(found.card, session)
        return self._pose

    @property
    def detector(self) -> PersonDetector:
        """The person detector, loaded on first use."""
        if self._detector is None:
            from spinepose.inference.detector import PersonDetector
            from spinepose.models import create_session, resolve_detector

            found = resolve_detector(self.settings.detector)
            session = create_session(found, self.settings.device, self.settings.threads)
            self._detector = PersonDetector(
                found.card,
                session,
                score_threshold=self.settings.detector_threshold,
                max_people=self.settings.max_people,
            )
        return self._detector

    def detect(self, image: ImageLike) -> tuple[Float32, Float32]:
        """Find people.

        Parameters
        ----------
        image
            BGR array, path or PIL image.

        Returns
        -------
        boxes : (N, 4)
            x1 y1 x2 y2 in pixels, the surest first.
        scores : (N,)
            In 0..1.
        """
        from spinepose.media import as_rgb

        return self.detector.detect(as_rgb(image))

    def predict(
        self, image: ImageLike, boxes: npt.ArrayLike | None = None
    ) -> tuple[Float32, Float32]:
        """Find the keypoints of all people, or of the people in given boxes.

        Parameters
        ----------
        image
            BGR array, path or PIL image.
        boxes
            (N, 4) x1 y1 x2 y2 in pixels; by default the detector finds them.

        Returns
        -------
        keypoints : (N, 37, 2)
            Pixels; NaN = missing. With given boxes, one row a box, in their order.
        scores : (N, 37)
            In 0..1; 0 where missing.

        Raises
        ------
        InputError
            The image cannot be read.
        UsageError
            `boxes` has another shape.
        """
        poses = self.poses(image, boxes)
        return poses.keypoints, poses.scores

    def __call__(
        self,
        image: ImageLike,
        boxes: npt.ArrayLike | None = None,
        *,
        bboxes: npt.ArrayLike | None = None,
    ) -> tuple[Float32, Float32]:
        """Do the same as :meth:`predict`; `bboxes` is the name that version 2 used."""
        return self.predict(image, bboxes if boxes is None else boxes)

    def poses(self, image: ImageLike, boxes: npt.ArrayLike | None = None) -> Poses:
        """Do the same as :meth:`predict`, but return everything known as :class:`Poses`."""
        from spinepose.media import as_rgb

        return self.infer_rgb(as_rgb(image), boxes)

    def infer_rgb(self, rgb: UInt8, boxes: npt.ArrayLike | None = None) -> Poses:
        """Find people in an RGB frame (H, W, 3): the road that everything else takes."""
        size = (rgb.shape[1], rgb.shape[0])
        if boxes is None:
            found, box_scores = self.detector.detect(rgb)
        else:
            found = _checked_boxes(boxes)
            box_scores = np.full(len(found), np.nan, dtype=np.float32)
        keypoints, scores = self.pose_model.estimate(rgb, found, flip_test=self.settings.flip_test)
        poses = Poses.build(
            keypoints,
            scores,
            found,
            box_scores=box_scores,
            skeleton=self.pose_model.card.skeleton,
            size=size,
        )
        # Boxes that somebody gave keep their rows; boxes that we found must hold a person.
        return poses if boxes is not None else poses[is_person(poses)]

    def visualize(self, image: ImageLike, keypoints: npt.ArrayLike, scores: npt.ArrayLike) -> UInt8:
        """Draw people on a copy of an image.

        Parameters
        ----------
        image
            BGR array, path or PIL image; it is not changed.
        keypoints
            (N, 37, 2) or (37, 2) px.
        scores
            (N, 37) or (37,) in 0..1.

        Returns
        -------
        drawn : (H, W, 3)
            BGR uint8, ready for ``cv2.imwrite``.
        """
        from spinepose.draw import draw_poses
        from spinepose.media import as_rgb

        skeleton = self.pose_model.card.skeleton
        points = np.asarray(keypoints, dtype=np.float32).reshape(-1, len(skeleton), 2)
        sure = np.asarray(scores, dtype=np.float32).reshape(-1, len(skeleton))
        poses = Poses.build(points, sure, boxes_of(points), skeleton=skeleton)
        drawn = draw_poses(
            as_rgb(image), poses.subset(self.settings.subset), threshold=self.settings.threshold
        )
        return np.ascontiguousarray(drawn[:, :, ::-1])

    def close(self) -> None:
        """Free the networks; the next call loads them again."""
        self._pose = self._detector = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _checked_boxes(boxes: npt.ArrayLike) -> Float32:
    """Return boxes as float32 (N, 4), or say what is wrong with them."""
    array = np.asarray(boxes, dtype=np.float32)
    if array.size == 0:
        return np.zeros((0, 4), dtype=np.float32)
    if array.ndim == 1 and array.shape == (4,):
        array = array[None]
    if array.ndim != 2 or array.shape[1] != 4:
        raise UsageError(f"boxes have shape {array.shape}, expected (N, 4) as x1 y1 x2 y2 in px")
    return array
