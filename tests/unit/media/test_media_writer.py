from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from spinepose.errors import OutputError
from spinepose.media import VideoInfo, VideoReader, VideoWriter

Film = Callable[..., Path]
NTSC = Fraction(30000, 1001)
INFO = VideoInfo(64, 48, NTSC, Fraction(1, 30000))


def copy(source: Path, target: Path, **options: Any) -> None:
    with VideoReader(source) as video, VideoWriter(target, video.info, **options) as out:
        for frame in video:
            out.write(frame.image, pts=frame.pts)


def times(path: Path) -> list[float]:
    with VideoReader(path) as video:
        return [frame.time_s for frame in video]


@pytest.mark.parametrize("suffix", [".mp4", ".MP4", ".m4v", ".mov", ".mkv", ".avi", ".webm"])
def test_same_rate_size_times_and_colours(tmp_path: Path, film: Film, suffix: str) -> None:
    source, target = film(tmp_path / "a.mp4", frames=12), tmp_path / f"b{suffix}"
    copy(source, target)
    with VideoReader(target) as video:
        frames = list(video)
        assert video.info.rate == NTSC
        assert (video.info.width, video.info.height) == (64, 48)
        assert video.info.codec == ("vp9" if suffix == ".webm" else "h264")
    tick = 6e-4 if suffix in (".mkv", ".webm") else 1e-9
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(12) / float(NTSC), atol=tick)
    np.testing.assert_allclose(frames[3].image[24, 8], (220, 30, 30), atol=9)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["a.mp4", target.name])


def test_what_players_need(tmp_path: Path, film: Film) -> None:
    copy(film(tmp_path / "a.mp4"), tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.codec_context.colorspace == 1
        assert stream.start_time == 0
        assert float(stream.duration * stream.time_base) == pytest.approx(
            20 * 1001 / 30000, abs=1e-3
        )
    data = (tmp_path / "b.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_rate_is_kept(tmp_path: Path, film: Film, suffix: str) -> None:
    ticks = [250, 350, 383, 650, 1250, 1260, 1750]
    source = film(tmp_path / "a.mkv", frames=7, ticks=ticks, time_base=Fraction(1, 1000))
    copy(source, tmp_path / f"b{suffix}")
    np.testing.assert_allclose(
        times(tmp_path / f"b{suffix}"), (np.array(ticks) - 250) / 1000, atol=1e-9
    )


@pytest.mark.parametrize("base", [Fraction(1, 10_000_000), Fraction(1, 90_000), Fraction(1, 25)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_fine_and_coarse_clocks(tmp_path: Path, base: Fraction, suffix: str) -> None:
    info = VideoInfo(64, 48, Fraction(25), base)
    with VideoWriter(tmp_path / f"a{suffix}", info) as out:
        for index in range(4):
            out.write(np.zeros((48, 64, 3), np.uint8), pts=int(index / (25 * base)))
    np.testing.assert_allclose(times(tmp_path / f"a{suffix}"), np.arange(4) / 25, atol=6e-4)


def test_times_in_seconds_and_none(tmp_path: Path) -> None:
    rgb = np.zeros((48, 64, 3), np.uint8)
    with VideoWriter(tmp_path / "a.mp4", INFO) as out:
        for time_s in (0.0, 0.5, 0.5, 2.0):
            out.write(rgb, time_s=time_s)
    np.testing.assert_allclose(times(tmp_path / "a.mp4"), [0, 0.5, 0.5 + 1 / 30000, 2], atol=1e-6)
    with VideoWriter(tmp_path / "b.mp4", INFO) as out:
        for _ in range(3):
            out.write(rgb)
    np.testing.assert_allclose(times(tmp_path / "b.mp4"), np.arange(3) / float(NTSC), atol=1e-9)


@pytest.mark.parametrize("size", [(65, 48), (64, 47), (33, 1), (1, 1)])
def test_odd_sizes_gain_a_row_or_column(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    rgb = np.full((height, width, 3), (200, 40, 40), np.uint8)
    with VideoWriter(tmp_path / "a.mp4", INFO) as out:
        out.write(rgb)
    with VideoReader(tmp_path / "a.mp4") as video:
        image = next(video).image
    assert image.shape == (height + height % 2, width + width % 2, 3)
    np.testing.assert_allclose(image[-1, -1], (200, 40, 40), atol=9)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_keeps_what_was_written(
    tmp_path: Path, film: Film, error: type[BaseException]
) -> None:
    source, target = film(tmp_path / "a.mp4"), tmp_path / "b.mp4"

    def fail() -> None:
        with VideoReader(source) as video, VideoWriter(target, video.info) as out:
            for frame in video:
                out.write(frame.image, pts=frame.pts)
                if frame.index == 6:
                    raise error

    with pytest.raises(error):
        fail()
    assert len(times(target)) == 7


def test_abort_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_text("old")
    with VideoWriter(target, INFO) as out:
        out.write(np.zeros((48, 64, 3), np.uint8))
        assert target.read_text() == "old"
        out.abort()
        out.abort()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_written_leaves_nothing(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "new" / "a.mp4", INFO):
        pass
    assert list((tmp_path / "new").iterdir()) == []


def test_writing_in_another_thread(tmp_path: Path, film: Film) -> None:
    with VideoReader(film(tmp_path / "a.mp4")) as video:
        out = VideoWriter(tmp_path / "b.mp4", video.info)
        frames = list(video)
        thread = threading.Thread(target=lambda: [out.write(f.image, f.pts) for f in frames])
        thread.start()
        thread.join()
        out.close()
    out.close()
    assert len(times(tmp_path / "b.mp4")) == 20


def test_misuse(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.mp4"):
        VideoWriter(tmp_path / "a.gif", INFO)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        VideoWriter(tmp_path / "file" / "a.mp4", INFO)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError, match="folder"):
        VideoWriter(tmp_path / "folder.mp4", INFO)
    out = VideoWriter(tmp_path / "a.mp4", INFO)
    out.write(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        out.write(np.zeros((40, 64, 3), np.uint8))
    out.close()
    with pytest.raises(ValueError, match="closed"):
        out.write(np.zeros((48, 64, 3), np.uint8))
    assert len(times(tmp_path / "a.mp4")) == 1


FULL_DISK = """
import resource, sys
from fractions import Fraction
import numpy as np
from spinepose.errors import OutputError
from spinepose.media import VideoInfo, VideoWriter
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
rng = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1], VideoInfo(64, 48, Fraction(30), Fraction(1, 30))) as out:
        for _ in range(int(sys.argv[2])):
            out.write(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
except OutputError as error:
    assert "\\n" not in str(error)
    sys.exit(6)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
# Small files meet the limit when they are finished, large ones while they are written.
@pytest.mark.parametrize(("frames", "limit"), [(5, 1000), (30, 20_000)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk(tmp_path: Path, frames: int, limit: int, suffix: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / f"a{suffix}"), str(frames), str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 6, done.stderr
    assert list(tmp_path.iterdir()) == []


# Sound ---------------------------------------------------------------------------------------


def sound_seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return 0.0
        return sum(f.samples / f.sample_rate for f in container.decode(audio=0))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_is_copied(tmp_path: Path, film: Film, suffix: str) -> None:
    source, target = film(tmp_path / "a.mp4", frames=60, sound=True), tmp_path / f"b{suffix}"
    copy(source, target, copy_audio_from=source)
    assert sound_seconds(target) == pytest.approx(sound_seconds(source), abs=0.2)
    assert len(times(target)) == 60


def test_sound_ends_with_the_pictures(tmp_path: Path, film: Film) -> None:
    source, target = film(tmp_path / "a.mp4", frames=90, sound=True), tmp_path / "b.mp4"
    with (
        VideoReader(source) as video,
        VideoWriter(target, video.info, copy_audio_from=source) as out,
    ):
        for frame in video:
            if frame.index < 30:
                out.write(frame.image, pts=frame.pts)
    assert sound_seconds(target) == pytest.approx(1.0, abs=0.15)


def test_sound_that_cannot_be_copied(
    tmp_path: Path, film: Film, caplog: pytest.LogCaptureFixture
) -> None:
    source = film(tmp_path / "a.mp4", sound=True)
    with caplog.at_level(logging.WARNING, "spinepose"):
        copy(source, tmp_path / "b.webm", copy_audio_from=source)
        copy(source, tmp_path / "c.mp4", copy_audio_from=tmp_path / "missing.mp4")
    assert len(caplog.records) == 2
    copy(film(tmp_path / "silent.mp4"), tmp_path / "d.mp4", copy_audio_from=tmp_path / "silent.mp4")
    for name in ("b.webm", "c.mp4", "d.mp4"):
        assert sound_seconds(tmp_path / name) == 0
        assert len(times(tmp_path / name)) == 20
