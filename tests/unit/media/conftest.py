"""Small films and what is needed to make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

NTSC = Fraction(30000, 1001)


def ramp(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture red on the left half, with brightness telling its number on the right."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2] = (220, 30, 30)
    rgb[:, width // 2 :] = 40 + (index * 5) % 200
    return rgb


def make_video(
    path: Path,
    frames: int = 20,
    size: tuple[int, int] = (64, 48),
    rate: Fraction = NTSC,
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    rotation: int | None = None,
    codec: str = "libx264",
    sound: bool = False,
    **options: Any,
) -> Path:
    base = time_base or 1 / rate
    with av.open(str(path), "w", options={k: str(v) for k, v in options.items()}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"
        stream.codec_context.time_base = base
        if rotation is not None:
            if not hasattr(stream, "set_display_rotation"):
                pytest.skip("this PyAV cannot write a rotation")
            stream.set_display_rotation(rotation)
        voice = container.add_stream("aac", rate=16000) if sound else None
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(ramp(index, *size), "rgb24")
            frame.pts, frame.time_base = (ticks[index] if ticks else index), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice is not None:
            add_tone(container, voice, float(frames / rate))
    return path


def add_tone(container: Any, voice: Any, seconds: float) -> None:
    for block in range(int(seconds * 16000) // 1024):
        wave = np.sin(np.arange(1024) / 8).astype(np.float32)[None] * 0.3
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, block * 1024, Fraction(1, 16000)
        container.mux(voice.encode(frame))
    container.mux(voice.encode(None))


@pytest.fixture
def film() -> Callable[..., Path]:
    return make_video


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    return ramp
