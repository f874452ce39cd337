"""Read videos, streams and cameras frame by frame, with exact times."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from spinepose.errors import InputError
from spinepose.media.camera import Camera, camera_index
from spinepose.media.container import Container
from spinepose.media.frames import Frame, VideoInfo

__all__ = ["VideoReader", "frames_at"]

Image = npt.NDArray[np.uint8]

logger = logging.getLogger(__name__)


class _Backend(Protocol):
    """Where pictures come from."""

    @property
    def live(self) -> bool: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def time_base(self) -> Fraction: ...
    @property
    def rate(self) -> Fraction: ...
    @property
    def count(self) -> int | None: ...
    @property
    def duration_s(self) -> float | None: ...
    @property
    def rotation(self) -> int: ...
    @property
    def codec(self) -> str: ...
    def pictures(self) -> Iterator[tuple[int | None, Image]]: ...
    def close(self) -> None: ...


class VideoReader:
    """Iterate over the frames of a video, once; use as a context manager.

    Frames come upright, at the size of the first one, with the times of the file: a variable
    rate stays variable. Missing or backward times are filled in from the rate. A damaged file
    gives the frames that can be decoded, a warning in the log, and :attr:`truncated`.

    One thread may iterate while another one closes.

    Parameters
    ----------
    source
        Path of a video file, an address (``rtsp://``, ``http://`` ...), ``webcam``, or
        ``camera:1``.
    live
        Prefer a short delay, for streams. Cameras are always live, and an address that knows
        its length, such as that of an ``.mp4``, never is.

    Attributes
    ----------
    info : VideoInfo
        Known from the start: the first frame is decoded on opening.
    live : bool
        Whether frames come at the pace of the world.
    truncated : bool
        Whether damage was met so far; final after the last frame.

    Raises
    ------
    InputError
        If there is no such source, it cannot be opened, or no frame can be decoded.

    Examples
    --------
    >>> with VideoReader("clip.mp4") as video:  # doctest: +SKIP
    ...     for frame in video:
    ...         print(frame.time_s, frame.image.shape)
    """

    def __init__(self, source: str | Path, *, live: bool = False) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._backend = _open(source, live=live)
        self._pictures = self._backend.pictures()
        try:
            self._waiting = next(self._pictures, None)
            if self._waiting is None:
                raise InputError(f"{source}: no picture can be decoded; the file may be damaged")
        except BaseException:
            self._backend.close()
            raise
        self._source = str(source)
        self._index = 0
        self._first_pts: int | None = None
        self._last_pts: int | None = None
        self._said_size = False
        self.live = self._backend.live
        height, width = self._waiting[1].shape[:2]
        self.info = VideoInfo(
            width=width,
            height=height,
            rate=self._backend.rate,
            time_base=self._backend.time_base,
            frames=self._backend.count,
            duration_s=self._backend.duration_s,
            rotation=self._backend.rotation,
            codec=self._backend.codec,
        )

    @property
    def truncated(self) -> bool:
        """Whether damage was met so far."""
        return self._backend.truncated

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        with self._lock:
            if self._closed:
                raise StopIteration
            picture, self._waiting = self._waiting, None
            pts, image = picture if picture is not None else next(self._pictures)
            return self._frame(pts, self._same_size(image))

    def _frame(self, pts: int | None, image: Image) -> Frame:
        """Give a picture its place in time."""
        step = max(1, round(1 / (self.info.rate * self.info.time_base)))
        if self._last_pts is not None and (pts is None or pts <= self._last_pts):
            pts = self._last_pts + step
        elif pts is None:
            pts = 0
        if self._first_pts is None:
            self._first_pts = pts
        self._last_pts = pts
        time_s = float((pts - self._first_pts) * self.info.time_base)
        frame = Frame(index=self._index, time_s=time_s, image=image, pts=pts)
        self._index += 1
        return frame

    def _same_size(self, image: Image) -> Image:
        """Scale a picture of another size to the size of the first one."""
        import cv2

        size = self.info.width, self.info.height
        if image.shape[1::-1] == size:
            return image
        if not self._said_size:
            self._said_size = True
            logger.warning(
                "%s: the picture changes from %d x %d to %d x %d px; scaled back",
                self._source,
                *size,
                *image.shape[1::-1],
            )
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def close(self) -> None:
        """Close the source; may be called again, and from another thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting = None
                self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open(source: str | Path, *, live: bool) -> _Backend:
    """Return the camera or container that a source means; a file named ``0`` is a file."""
    if isinstance(source, str) and not Path(source).is_file():
        index = camera_index(source)
        if index is not None:
            return Camera(index)
    return Container(str(source), live=live)


def frames_at(path: str | Path, numbers: Collection[int]) -> Iterator[Frame]:
    """Yield the frames of a video that have these numbers, in its order.

    The video is read from its beginning to the last of them, once.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    last = max(numbers, default=-1)
    if last < 0:
        return
    with VideoReader(path) as video:
        for frame in video:
            if frame.index in numbers:
                yield frame
            if frame.index >= last:
                return
