"""Cameras plugged into this computer.

Through OpenCV and not PyAV: the PyAV wheels for Linux come without Video4Linux, and on Windows
they want a camera's full name where everybody says 0.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from spinepose.errors import InputError
from spinepose.media.quiet import quiet_opencv

__all__ = ["Camera", "camera_index"]

_TIME_BASE = Fraction(1, 90_000)
_USUAL_RATE = Fraction(30)
_NAME = re.compile(r"(?:camera:)?(\d{1,2})")

logger = logging.getLogger(__name__)


def camera_index(source: str) -> int | None:
    """Return the index that ``webcam``, ``camera:1`` or ``1`` means, or `None`."""
    if source.lower() == "webcam":
        return 0
    match = _NAME.fullmatch(source.lower())
    return int(match[1]) if match else None


class Camera:
    """Pictures of a camera, stamped with the time of their arrival.

    Parameters
    ----------
    index
        Number of the camera, from 0.

    Raises
    ------
    InputError
        If it cannot be opened.
    """

    live = True
    time_base = _TIME_BASE
    count: int | None = None
    duration_s: float | None = None
    rotation = 0
    codec = "camera"

    def __init__(self, index: int) -> None:
        import cv2

        self._index = index
        self.truncated = False
        with quiet_opencv():
            self._capture = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            raise InputError(
                f"cannot open camera {index}: is it plugged in, free, and allowed for this "
                "program? Other cameras are named camera:1, camera:2 ..."
            )
        # Old pictures are of no use to somebody who watches live.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        claimed = self._capture.get(cv2.CAP_PROP_FPS)
        known = np.isfinite(claimed) and claimed > 0
        self.rate = Fraction(claimed).limit_denominator(1001) if known else _USUAL_RATE

    def pictures(self) -> Iterator[tuple[int | None, npt.NDArray[np.uint8]]]:
        """Yield (pts, RGB picture) until the camera goes away."""
        import cv2

        start = time.monotonic()
        while True:
            good, bgr = self._capture.read()
            if not good:
                logger.warning("camera %d gives no more pictures", self._index)
                self.truncated = True
                return
            ticks = round((time.monotonic() - start) / _TIME_BASE)
            yield ticks, np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()
