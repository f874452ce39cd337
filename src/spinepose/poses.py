"""The container that travels along the whole road: the people of one frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from spinepose.skeleton import SPINETRACK, Skeleton

__all__ = ["NO_TRACK", "Poses"]

Float32 = npt.NDArray[np.float32]
Index = int | slice | npt.NDArray[np.bool_] | npt.NDArray[np.integer] | list[int]

NO_TRACK = -1
"""Track id of a person who belongs to no track."""


@dataclass(frozen=True, slots=True, eq=False)
class Poses:
    """The N people of one frame.

    Parameters
    ----------
    keypoints
        (N, K, 2) float32, x and y in pixels of the frame, (0, 0) = centre of the top left
        pixel; NaN = missing.
    scores
        (N, K) float32 in 0..1: the chance that the keypoint lies within OKS .5 of the truth; 0
        where the keypoint is missing.
    boxes
        (N, 4) float32, x1 y1 x2 y2 in pixels, measured on pixel borders: a frame is
        ``0 0 width height``.
    box_scores
        (N,) float32 in 0..1; NaN where the box came from a track or a caller.
    track_ids
        (N,) int64; :data:`NO_TRACK` where there is none.
    skeleton
        Names the K keypoints.
    frame
        Position of the frame in its source, from 0.
    time_s
        Presentation time in seconds from the start of the source.
    size
        Frame width and height in pixels.
    keypoints_3d
        (N, K, 3) float32 in metres, or `None`.
    """

    keypoints: Float32
    scores: Float32
    boxes: Float32
    box_scores: Float32
    track_ids: npt.NDArray[np.int64]
    skeleton: Skeleton = SPINETRACK
    frame: int = 0
    time_s: float = 0.0
    size: tuple[int, int] = (0, 0)
    keypoints_3d: Float32 | None = field(default=None)

    def __post_init__(self) -> None:
        n, k = len(self.keypoints), len(self.skeleton)
        expected = {
            "keypoints": (n, k, 2),
            "scores": (n, k),
            "boxes": (n, 4),
            "box_scores": (n,),
            "track_ids": (n,),
        }
        if self.keypoints_3d is not None:
            expected["keypoints_3d"] = (n, k, 3)
        for name, shape in expected.items():
            if (got := getattr(self, name).shape) != shape:
                raise ValueError(f"Poses.{name} has shape {got}, expected {shape}")

    @classmethod
    def build(
        cls,
        keypoints: npt.ArrayLike,
        scores: npt.ArrayLike,
        boxes: npt.ArrayLike,
        *,
        box_scores: npt.ArrayLike | None = None,
        track_ids: npt.ArrayLike | None = None,
        skeleton: Skeleton = SPINETRACK,
        frame: int = 0,
        time_s: float = 0.0,
        size: tuple[int, int] = (0, 0),
    ) -> Poses:
        """Make poses from anything array-like, with the right dtypes; see the class for shapes."""
        k = len(skeleton)
        points = np.asarray(keypoints, dtype=np.float32).reshape(-1, k, 2)
        n = len(points)
        if box_scores is None:
            box_scores = np.full(n, np.nan)
        if track_ids is None:
            track_ids = np.full(n, NO_TRACK)
        return cls(
            keypoints=points,
            scores=np.asarray(scores, dtype=np.float32).reshape(-1, k),
            boxes=np.asarray(boxes, dtype=np.float32).reshape(-1, 4),
            box_scores=np.asarray(box_scores, dtype=np.float32),
            track_ids=np.asarray(track_ids, dtype=np.int64),
            skeleton=skeleton,
            frame=frame,
            time_s=time_s,
            size=size,
        )

    @classmethod
    def empty(
        cls,
        skeleton: Skeleton = SPINETRACK,
        *,
        frame: int = 0,
        time_s: float = 0.0,
        size: tuple[int, int] = (0, 0),
    ) -> Poses:
        """Return the poses of a frame without people."""
        return cls.build([], [], [], skeleton=skeleton, frame=frame, time_s=time_s, size=size)

    def __len__(self) -> int:
        return len(self.keypoints)

    def __getitem__(self, index: Index) -> Poses:
        """Select people; an integer keeps the leading axis, so the result is always `Poses`."""
        if isinstance(index, int):
            if not -len(self) <= index < len(self):
                raise IndexError(f"person {index} of {len(self)}")
            index = [index]
        return replace(
            self,
            keypoints=self.keypoints[index],
            scores=self.scores[index],
            boxes=self.boxes[index],
            box_scores=self.box_scores[index],
            track_ids=self.track_ids[index],
            keypoints_3d=None if self.keypoints_3d is None else self.keypoints_3d[index],
        )

    def arranged(self, skeleton: Skeleton) -> Poses:
        """Return the same people in the order of another skeleton; what it alone has is missing."""
        if skeleton.keypoints == self.skeleton.keypoints:
            return replace(self, skeleton=skeleton)
        own = {name: i for i, name in enumerate(self.skeleton.keypoints)}
        known = np.array([name in own for name in skeleton.keypoints], dtype=np.bool_)
        columns = [own[name] for name in skeleton.keypoints if name in own]
        keypoints = np.full((len(self), len(skeleton), 2), np.nan, np.float32)
        scores = np.zeros((len(self), len(skeleton)), np.float32)
        keypoints[:, known], scores[:, known] = self.keypoints[:, columns], self.scores[:, columns]
        return replace(
            self, keypoints=keypoints, scores=scores, skeleton=skeleton, keypoints_3d=None
        )

    def subset(self, name: str) -> Poses:
        """Return the same people with only the keypoints of one named subset of the skeleton."""
        columns = self.skeleton.indices(name)
        return replace(
            self,
            keypoints=self.keypoints[:, columns],
            scores=self.scores[:, columns],
            skeleton=self.skeleton.subset(name),
            keypoints_3d=None if self.keypoints_3d is None else self.keypoints_3d[:, columns],
        )

    def person_scores(self) -> Float32:
        """Return the mean keypoint score of each person (N,), missing keypoints as 0."""
        return np.asarray(self.scores.mean(axis=1), dtype=np.float32)
