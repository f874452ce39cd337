"""Write videos that every player opens, with the times of the input."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from spinepose.errors import OutputError
from spinepose.files import output_error, prepare_target, temporary_beside
from spinepose.media.audio import AudioCopy
from spinepose.media.frames import VideoInfo

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["VideoWriter"]

logger = logging.getLogger(__name__)

_BT709 = 1
_LIMITED_RANGE = 1


@dataclass(frozen=True)
class _Format:
    """How a suffix is written."""

    name: str
    codec: str = "libx264"
    # Measured on 1080p60 with people drawn on it, core time and size of a frame: ultrafast 20
    # takes 12 ms and 23 kB, superfast 20 21 ms and 17 kB, veryfast 18 37 ms and 10 kB. The
    # networks need the cores more than the disk needs the space.
    options: dict[str, str] = field(
        default_factory=lambda: {"preset": "ultrafast", "crf": "20"},
    )
    container_options: dict[str, str] = field(default_factory=dict)
    constant_rate: bool = False


_FASTSTART = {"movflags": "+faststart"}
_FORMATS = {
    ".mp4": _Format("mp4", container_options=_FASTSTART),
    ".m4v": _Format("mp4", container_options=_FASTSTART),
    ".mov": _Format("mov", container_options=_FASTSTART),
    ".mkv": _Format("matroska"),
    # AVI has neither times nor pictures out of order.
    ".avi": _Format(
        "avi", options={"preset": "ultrafast", "crf": "20", "bf": "0"}, constant_rate=True
    ),
    ".webm": _Format(
        "webm",
        codec="libvpx-vp9",
        options={"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
    ),
}


class VideoWriter:
    """Write frames to a video; use as a context manager.

    H.264 (VP9 for ``.webm``) in yuv420p, since players and browsers open nothing else reliably.
    That format halves the colour resolution, so that an odd width or height gets one more
    column or row, a copy of the last one. Times are those given, to the tick of the input's
    time base (``.mkv``: 1 ms; ``.avi``: the nearest frame of a constant rate).

    The file grows under a temporary name beside `path` and takes its name on :meth:`close`. On
    an error or interrupt in the ``with`` block, what was written until then is finished and
    kept, playable; :meth:`abort` throws it away. Without a single frame there is no file.

    Frames may be written from another thread than the one that reads or closes.

    Parameters
    ----------
    path
        Where to write; ``.mp4``, ``.m4v``, ``.mov``, ``.mkv``, ``.avi`` or ``.webm``. Parent
        folders are created.
    info
        Rate and time base to use, usually ``VideoReader.info``. The size is that of the first
        frame written, so that a picture may be drawn wider than its input.
    copy_audio_from
        A video file whose first sound is copied as it is, if the container can hold it. A sound
        that cannot be copied is left out with a line in the log.

    Raises
    ------
    OutputError
        If the suffix is unknown or nothing can be written there. :meth:`write` and
        :meth:`close` raise it, too, when the disk is full.
    """

    def __init__(
        self, path: str | Path, info: VideoInfo, *, copy_audio_from: str | Path | None = None
    ) -> None:
        self.path = Path(path)
        suffix = self.path.suffix.lower()
        if suffix not in _FORMATS:
            raise OutputError(
                f"cannot write {path}: unknown suffix {suffix!r}; use one of {' '.join(_FORMATS)}"
            )
        self._format = _FORMATS[suffix]
        self._info = info
        self._base = 1 / info.rate if self._format.constant_rate else info.time_base
        self._audio_source = copy_audio_from
        self._audio: AudioCopy | None = None
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._size = (0, 0)
        self._origin: int | None = None
        self._tick = -1
        self._lock = threading.Lock()
        self._closed = False
        self._broken = False
        try:
            self._target = prepare_target(self.path)
            self._temporary = temporary_beside(self._target)
        except OutputError:
            raise
        except OSError as error:
            raise output_error(self.path, error) from error

    def write(
        self,
        rgb: npt.NDArray[np.uint8],
        pts: int | None = None,
        time_s: float | None = None,
    ) -> None:
        """Add a frame.

        Parameters
        ----------
        rgb
            (H, W, 3) uint8, of the size of the first frame.
        pts
            Its time in units of the input's time base, such as ``Frame.pts``; the first one
            becomes 0.
        time_s
            Its time in seconds since the first frame, used if `pts` is not given. Without
            either, frames follow each other at the rate.

        Raises
        ------
        OutputError
            If the file cannot be written; what was written before is lost in that case.
        ValueError
            If the shape is not that of the first frame, or the writer is closed.
        """
        with self._lock:
            if self._closed:
                raise ValueError(f"{self.path} is closed already")
            with self._translated():
                if self._stream is None:
                    self._start(rgb, pts)
                self._write(rgb, self._next_tick(pts, time_s))

    def _start(self, rgb: npt.NDArray[np.uint8], pts: int | None) -> None:
        """Open the container for frames like this one."""
        import av

        height, width = rgb.shape[:2]
        self._size = width, height
        self._container = av.open(
            str(self._temporary),
            "w",
            format=self._format.name,
            options=self._format.container_options,
        )
        stream = self._container.add_stream(
            self._format.codec, rate=self._info.rate, options=dict(self._format.options)
        )
        if TYPE_CHECKING:
            assert isinstance(stream, VideoStream)
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = self._base
        # Said outright, or players guess the colours from the height of the picture.
        stream.codec_context.colorspace = _BT709
        stream.codec_context.color_primaries = _BT709
        stream.codec_context.color_trc = _BT709
        stream.codec_context.color_range = _LIMITED_RANGE
        if self._audio_source is not None:
            begin_s = None if pts is None else float(pts * self._info.time_base)
            self._audio = AudioCopy.open(
                self._audio_source, self._container, self._format.name, begin_s
            )
        self._stream = stream

    def _next_tick(self, pts: int | None, time_s: float | None) -> int:
        """Return the time of the next frame in units of the output's time base, from 0."""
        step = max(1, round(1 / (self._info.rate * self._base)))
        if pts is not None:
            if self._origin is None:
                self._origin = pts
            tick = round((pts - self._origin) * self._info.time_base / self._base)
        elif time_s is not None:
            tick = round(time_s / self._base)
        else:
            tick = 0 if self._tick < 0 else self._tick + step
        # Two frames at one time are an error to every container.
        return max(tick, self._tick + 1)

    def _write(self, rgb: npt.NDArray[np.uint8], tick: int) -> None:
        import av

        width, height = self._size
        if rgb.shape != (height, width, 3):
            raise ValueError(f"a frame of shape {rgb.shape} in a video of {width} x {height} px")
        if width % 2 or height % 2:
            rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709)
        frame.pts, frame.time_base = tick, self._base
        self._tick = tick
        assert self._stream is not None
        self._mux(self._stream.encode(frame))

    def _mux(self, packets: list[Packet[Any]]) -> None:
        assert self._container is not None
        for packet in packets:
            if not packet.duration:  # Unknown for the last frame: as long as the rate says.
                packet.duration = max(1, round(1 / (self._info.rate * self._base)))
            self._container.mux(packet)
        if self._audio is not None:
            self._audio.copy_until(float(self._tick * self._base))

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what PyAV raises into an :class:`OutputError`, and remember it."""
        import av

        try:
            yield
        except (av.error.FFmpegError, OSError) as error:
            self._broken = True
            if isinstance(error, OSError):
                raise output_error(self.path, error) from error
            raise OutputError(f"cannot write {self.path}: {error}") from error

    def close(self) -> None:
        """Finish the file and give it its name; may be called again.

        Raises
        ------
        OutputError
            If the file cannot be finished, such as on a full disk; nothing is left then.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._container is None or self._broken:
                self._discard()
                return
            try:
                with self._translated():
                    self._finish()
            except BaseException:
                self._discard()
                raise

    def _finish(self) -> None:
        assert self._container is not None
        assert self._stream is not None
        self._mux(self._stream.encode(None))
        if self._audio is not None:
            self._audio.close()
        self._container.close()
        os.replace(self._temporary, self._target)

    def abort(self) -> None:
        """Throw away what was written; an older file at the path stays as it was."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._discard()

    def _discard(self) -> None:
        import av

        if self._audio is not None:
            self._audio.close()
        if self._container is not None:
            with contextlib.suppress(av.error.FFmpegError, OSError):
                self._container.close()
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except OutputError as failure:
            if error is None:
                raise
            # The error that brought us here tells more than its consequence.
            logger.warning("%s", failure)
