"""What a video is, and one of its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["Frame", "VideoInfo"]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known about a video before it is read.

    Parameters
    ----------
    width, height
        Of the upright picture, px.
    rate
        Average frames per second; exact, 29.97 is 30000/1001.
    time_base
        Seconds per unit of :attr:`Frame.pts`.
    frames
        Expected number of frames: the container's word, or an estimate from the duration;
        `None` for a stream or camera.
    duration_s
        Seconds, or `None` if not known.
    rotation
        Degrees clockwise (0, 90, 180, 270) by which the stored picture was turned upright; it is
        already done in what the reader gives.
    codec
        Such as ``h264``.
    """

    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    frames: int | None = None
    duration_s: float | None = None
    rotation: int = 0
    codec: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a video.

    Parameters
    ----------
    index
        Position in the video, from 0.
    time_s
        Seconds since the first frame; strictly increasing.
    image
        RGB (H, W, 3) uint8, upright.
    pts
        Presentation time in units of :attr:`VideoInfo.time_base`, on the clock of the file (the
        first one need not be 0); strictly increasing.
    """

    index: int
    time_s: float
    image: npt.NDArray[np.uint8]
    pts: int | None = None
