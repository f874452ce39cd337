"""What a run writes, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spinepose.poses import NO_TRACK, Poses

__all__ = ["Outputs", "VideoSummary"]


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What is written, each to its place; `None` = not written."""

    visual: Path | None = None
    """The picture or video with people drawn on it."""

    data: Path | None = None
    """The keypoints: .json, or .jsonl (one line a frame) for videos."""

    openpose: Path | None = None
    """A folder for one OpenPose file a frame."""

    def paths(self) -> list[Path]:
        """Return what is written, in the order of the fields."""
        return [p for p in (self.visual, self.data, self.openpose) if p is not None]


@dataclass
class VideoSummary:
    """What was found in a video; it does not grow with the video."""

    frames: int = 0
    frames_with_people: int = 0
    expected_frames: int | None = None
    duration_s: float = 0.0
    complete: bool = False
    truncated: bool = False
    stopped: bool = False
    tracks: set[int] = field(default_factory=set)
    score_sum: float = 0.0
    people_sum: int = 0

    def add(self, poses: Poses) -> None:
        """Count one frame."""
        self.frames += 1
        self.frames_with_people += len(poses) > 0
        self.duration_s = poses.time_s
        self.tracks.update(int(i) for i in poses.track_ids if i != NO_TRACK)
        self.score_sum += float(poses.person_scores().sum())
        self.people_sum += len(poses)

    @property
    def mean_score(self) -> float:
        """Mean keypoint score over all people of all frames, 0..1; 0 when nobody was seen."""
        return self.score_sum / self.people_sum if self.people_sum else 0.0
