"""Video files and network streams, decoded with PyAV."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinepose.errors import InputError
from spinepose.media.orientation import UPRIGHT, Orientation

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["Container", "is_url", "standard_rate"]

Image = npt.NDArray[np.uint8]

_URL = re.compile(r"(?:rtsps?|https?|rtmps?|udp|rtp|srt)://", re.IGNORECASE)
_TIMEOUT_S = 15.0
"""How long a silent network may keep us waiting."""

_USUAL_RATE = Fraction(30)
_ABSURD_RATE = 1000
_STANDARD_RATES = (
    *(Fraction(n * 1000, 1001) for n in (24, 30, 60, 120)),
    *(Fraction(n) for n in (24, 25, 30, 48, 50, 60, 90, 100, 120, 240)),
)
_LATE_S = 0.5
"""A file that ends this much before its announced end was cut short."""

logger = logging.getLogger(__name__)


def is_url(source: str) -> bool:
    """Tell whether a source is an address on the network."""
    return _URL.match(source) is not None


def standard_rate(rate: Fraction) -> Fraction:
    """Return the standard rate within 1e-4 of `rate`, otherwise `rate` itself.

    Containers that count in milliseconds give 29.97 as 29.9702 or so; 24 and 23.976 are ten
    times farther apart.
    """
    return next((s for s in _STANDARD_RATES if abs(rate / s - 1) < Fraction(1, 10_000)), rate)


class Container:
    """The first real video stream of a file or address.

    Parameters
    ----------
    source
        A path or an address.
    live
        Prefer a short delay to smooth decoding; not heeded for an address that turns out to be
        a recording.

    Raises
    ------
    InputError
        If it cannot be opened or has no video.
    """

    def __init__(self, source: str, *, live: bool) -> None:
        self._source = source
        self._container = _open(source)
        try:
            self._stream = _video_stream(self._container, source)
        except InputError:
            self._container.close()
            raise
        # What knows its length is a recording, however it comes.
        live = live and not (is_url(source) and self._container.duration)
        # Threads over frames delay the picture by as many frames as there are threads.
        self._stream.thread_type = "SLICE" if live else "AUTO"
        self.live = live
        self.truncated = False
        self.time_base = self._stream.time_base or Fraction(1, 90_000)
        self.rate = _rate(self._stream)
        self.duration_s = None if live else _duration(self._container, self._stream)
        self.count = None if live else self._expected_frames()
        self.codec = self._stream.codec_context.name
        self.rotation = 0

    def _expected_frames(self) -> int | None:
        if self._stream.frames > 0:
            return self._stream.frames
        return None if self.duration_s is None else max(1, round(self.duration_s * self.rate))

    def pictures(self) -> Iterator[tuple[int | None, Image]]:
        """Yield (pts, upright RGB picture); what cannot be decoded is left out."""
        first = last = None
        for packet in self._packets():
            for frame in self._decoded(packet):
                first = frame.pts if first is None else first
                last = frame.pts
                yield frame.pts, self._upright(frame)
        if first is not None and last is not None and not self.live:
            self._check_end(float((last - first) * self.time_base + 1 / self.rate))

    def _packets(self) -> Iterator[Packet[Any]]:
        import av

        try:
            yield from self._container.demux(self._stream)
        except (av.error.FFmpegError, OSError) as error:
            self._damaged(f"the rest cannot be read ({error})")

    def _decoded(self, packet: Packet[Any]) -> list[VideoFrame]:
        import av

        if packet.is_corrupt:
            self._damaged("it is cut short")
        try:
            return list(self._stream.decode(packet))
        except EOFError:
            return []
        except av.error.FFmpegError as error:
            self._damaged(f"pictures are damaged ({error})")
            return []

    def _upright(self, frame: VideoFrame) -> Image:
        turn = _orientation(frame)
        self.rotation = turn.degrees
        rgb = frame.to_ndarray(format="rgb24")
        return np.asarray(turn.apply(rgb), dtype=np.uint8)

    def _check_end(self, seen_s: float) -> None:
        """Note when less came than was announced: most demuxers end without a word."""
        name = self._container.format.name
        if "mp4" in name:
            if _index_end(self._stream) > self._container.size > 0:
                self._damaged("it is cut short")
        elif "matroska" in name or "avi" in name:
            announced = self.duration_s if _says_video_length(self._container, self._stream) else 0
            if announced and seen_s < announced - max(_LATE_S, float(2 / self.rate)):
                self._damaged(f"it is cut short after {seen_s:.1f} s of {announced:.1f} s")

    def _damaged(self, what: str) -> None:
        if not self.truncated:
            logger.warning("%s: %s; going on with what is there", self._source, what)
        self.truncated = True

    def close(self) -> None:
        """Close the file or connection."""
        self._container.close()


def _open(source: str) -> InputContainer:
    import av

    options: dict[str, str] = {}
    timeout: float | None = None
    if is_url(source):
        timeout = _TIMEOUT_S
        if source.lower().startswith("rtsp"):
            options["rtsp_transport"] = "tcp"
        # Not FFmpeg's "nobuffer": it throws away the first key frame together with its probing.
    else:
        _check_file(Path(source))
    try:
        return av.open(source, options=options, timeout=timeout)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = (
            "check address, user, password and network"
            if is_url(source)
            else "it is no video, of an unknown format, or was never finished"
        )
        raise InputError(f"cannot open {source}: {reason}; {hint}") from error


def _check_file(path: Path) -> None:
    """Say plainly what FFmpeg would say obscurely."""
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a video")
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read {path}: {reason}") from error
    if size == 0 and path.is_file():
        raise InputError(f"{path} is empty (0 bytes)")


def _video_stream(container: InputContainer, source: str) -> VideoStream:
    """Return the first stream that is a film and not the cover of a record."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise InputError(f"{source} has no video, only {container.format.long_name} without pictures")


def _rate(stream: VideoStream) -> Fraction:
    """Return the average frame rate, as good as the container knows it."""
    known = [rate for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate) if rate]
    sane = [rate for rate in known if 0 < rate <= _ABSURD_RATE]
    return standard_rate((sane or known or [_USUAL_RATE])[0])


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    """Return the length of the stream in seconds, or of its container, or `None`."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if tag := _duration_tag(stream):
        return tag
    return container.duration / 1e6 if container.duration else None


def _duration_tag(stream: Any) -> float | None:
    """Return what Matroska's DURATION tag says, ``00:01:02.500000000``, in seconds."""
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = stream.metadata.get("DURATION", "").split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return None


def _says_video_length(container: InputContainer, stream: VideoStream) -> bool:
    """Tell whether the announced duration is that of the pictures, not of a longer sound."""
    return bool(stream.duration or _duration_tag(stream)) or len(container.streams) == 1


def _index_end(stream: VideoStream) -> int:
    """Return where the last picture ends in the file, by its index; 0 if there is none."""
    entries = getattr(stream, "index_entries", None)
    if not entries:
        return 0
    return int(entries[len(entries) - 1].pos + entries[len(entries) - 1].size)


def _orientation(frame: VideoFrame) -> Orientation:
    """Return how a frame must be turned, by its display matrix."""
    side_data: Any = frame.side_data  # PyAV's stubs mistake its keys for text.
    for data in side_data:
        if data.type.name == "DISPLAYMATRIX":
            return Orientation.from_display_matrix(np.frombuffer(bytes(data), np.int32))
    return UPRIGHT
