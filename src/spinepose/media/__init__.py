"""Read and write images and videos: the door between files and RGB arrays.

PyAV and OpenCV are imported when first needed, so that importing this is cheap.
"""

from __future__ import annotations

from spinepose.files import atomic_write
from spinepose.media.images import ImageLike, as_rgb, encode_image, read_image, write_image
from spinepose.media.sources import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source, resolve_sources
from spinepose.media.video import Frame, VideoInfo, VideoReader, VideoWriter, frames_at

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Frame",
    "ImageLike",
    "Source",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "as_rgb",
    "atomic_write",
    "encode_image",
    "frames_at",
    "read_image",
    "resolve_sources",
    "write_image",
]
