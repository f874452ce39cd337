"""Where a video's results go. Each sink takes frames in order and is closed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from spinepose.inference.estimator import UInt8
from spinepose.poses import Poses

if TYPE_CHECKING:
    from spinepose.export import Provenance
    from spinepose.media import VideoInfo

__all__ = ["Drawing", "JsonSink", "OpenPoseSink", "Sink", "VideoSink"]


@dataclass(frozen=True)
class Drawing:
    """One frame on its way to the sinks."""

    poses: Poses
    image: UInt8 | None
    pts: int | None


class Sink(Protocol):
    """Takes frames in order."""

    needs_image: bool

    def write(self, item: Drawing) -> None:
        """Take one frame."""

    def close(self, *, complete: bool) -> None:
        """Finish the file; it is whole and readable also when the run was cut short."""


class VideoSink:
    """Draws people on the frames and encodes them.

    Parameters
    ----------
    path
        The video to write.
    info
        Size, rate and time base of the input, which the output keeps.
    threshold
        Least score of a drawn keypoint.
    sound
        A file whose sound comes along, if it has any.
    """

    needs_image = True

    def __init__(
        self, path: Path, info: VideoInfo, threshold: float, sound: Path | None = None
    ) -> None:
        from spinepose.media import VideoWriter

        self._writer = VideoWriter(path, info, copy_audio_from=sound)
        self._threshold = threshold

    def write(self, item: Drawing) -> None:
        """Draw and encode one frame."""
        from spinepose.draw import draw_poses

        if item.image is None:
            raise ValueError("a video needs the frame's image")
        # The frame is nobody else's any more: draw in place.
        drawn = draw_poses(item.image, item.poses, threshold=self._threshold, out=item.image)
        self._writer.write(drawn, pts=item.pts, time_s=item.poses.time_s)

    def close(self, *, complete: bool) -> None:
        """Finish the video, which then plays up to the last written frame."""
        self._writer.close()


class JsonSink:
    """Writes JSON lines (``.jsonl``, crash-safe) or one JSON document (any other suffix)."""

    needs_image = False

    def __init__(self, path: Path, provenance: Provenance, poses: Poses) -> None:
        from spinepose.export import JsonArrayWriter, JsonLinesWriter

        kind = JsonLinesWriter if path.suffix.lower() == ".jsonl" else JsonArrayWriter
        self._writer = kind(path, provenance, poses.skeleton)

    def write(self, item: Drawing) -> None:
        """Write one frame."""
        self._writer.write(item.poses)

    def close(self, *, complete: bool) -> None:
        """End the file, noting whether it holds the whole video."""
        self._writer.close(complete=complete)


class OpenPoseSink:
    """Writes one OpenPose file a frame, for tools that read those."""

    needs_image = False

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder, self._stem = folder, stem

    def write(self, item: Drawing) -> None:
        """Write the file of one frame."""
        from spinepose.export import write_openpose_frame

        write_openpose_frame(self._folder, self._stem, item.poses)

    def close(self, *, complete: bool) -> None:
        """Do nothing: every file is whole already."""


def close_all(sinks: Sequence[Sink], *, complete: bool) -> None:
    """Close every sink, also when one fails; the first failure is raised at the end."""
    failure: Exception | None = None
    for sink in sinks:
        try:
            sink.close(complete=complete)
        except Exception as error:
            failure = failure or error
    if failure is not None:
        raise failure
