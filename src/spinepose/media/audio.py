"""Copy the sound of one file into another without decoding it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

__all__ = ["AudioCopy"]

_FITTING = {
    "mp4": {"aac", "mp3", "ac3", "eac3", "alac"},
    "mov": {"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"},
    "matroska": {"aac", "mp3", "ac3", "eac3", "flac", "opus", "vorbis", "pcm_s16le"},
    "avi": {"mp3", "ac3", "pcm_s16le"},
    "webm": {"opus", "vorbis"},
}
"""Codecs that players expect in each container."""

logger = logging.getLogger(__name__)


class AudioCopy:
    """Feeds the first sound of `source` to an output container, in step with the pictures.

    Sound is an extra: whatever goes wrong with it ends the sound, with a line in the log, and
    never the video. Made by :meth:`open`.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: AudioStream,
        output: OutputContainer,
        start_s: float,
    ) -> None:
        self._container = container
        self._output = output
        self._target = output.add_stream_from_template(stream)
        self._packets: Iterator[Packet[Any]] = container.demux(stream)
        self._start_s = start_s
        self._waiting: Packet[Any] | None = None
        self._ended = False

    @classmethod
    def open(
        cls, source: str | Path, output: OutputContainer, format_name: str, start_s: float | None
    ) -> Self | None:
        """Add a sound to the output.

        Parameters
        ----------
        source
            The file that has it.
        output
            Not yet written to.
        format_name
            Of the output, as FFmpeg calls it.
        start_s
            Time of the first picture on the clock of `source`; `None` = where its video starts.

        Returns
        -------
        copy : AudioCopy or None
            `None` if there is no sound, or none that the output can hold.
        """
        import av

        container: InputContainer | None = None
        try:
            container = av.open(str(source))
            if not container.streams.audio:
                container.close()
                return None
            stream = container.streams.audio[0]
            codec = stream.codec_context.name
            if codec in _FITTING[format_name]:
                return cls(container, stream, output, _start(container, start_s))
            logger.warning("%s: sound left out, %s does not fit %s", source, codec, format_name)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            logger.warning("%s: sound left out (%s)", source, error)
        if container is not None:
            container.close()
        return None

    def copy_until(self, time_s: float) -> None:
        """Copy what sounds before `time_s`, in seconds since the first picture."""
        import av

        try:
            while not self._ended:
                packet = self._waiting or next(self._packets, None)
                self._waiting = None
                if packet is None or packet.pts is None or packet.time_base is None:
                    self._ended = True  # The end is a packet without a time.
                    return
                at = float(packet.pts * packet.time_base) - self._start_s
                if at > time_s:
                    self._waiting = packet
                    return
                if at >= 0:
                    self._mux(packet)
        except (av.error.FFmpegError, ValueError) as error:
            logger.warning("the sound ends early (%s)", error)
            self._ended = True

    def _mux(self, packet: Packet[Any]) -> None:
        assert packet.time_base is not None
        shift = round(self._start_s / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._target
        self._output.mux(packet)

    def close(self) -> None:
        """Close the source; what was copied stays."""
        self._ended = True
        self._waiting = None
        self._container.close()


def _start(container: InputContainer, start_s: float | None) -> float:
    """Return the time of the first picture in seconds."""
    if start_s is not None:
        return start_s
    for stream in container.streams.video:
        if stream.start_time is not None and stream.time_base is not None:
            return float(stream.start_time * stream.time_base)
    return 0.0
