"""Videos: what they are, reading and writing them."""

from __future__ import annotations

from spinepose.media.frames import Frame, VideoInfo
from spinepose.media.reader import VideoReader, frames_at
from spinepose.media.writer import VideoWriter

__all__ = ["Frame", "VideoInfo", "VideoReader", "VideoWriter", "frames_at"]
