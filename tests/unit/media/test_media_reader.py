from __future__ import annotations

import functools
import http.server
import logging
import threading
import types
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from spinepose.errors import InputError
from spinepose.media import Frame, VideoReader, frames_at
from spinepose.media import camera as camera_module
from spinepose.media import container as container_module
from spinepose.media.container import standard_rate

Film = Callable[..., Path]
NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_ntsc_stays_exact(tmp_path: Path, film: Film, suffix: str) -> None:
    path = film(tmp_path / f"ünï{suffix}", frames=30)
    with VideoReader(path) as video:
        info = video.info
        frames = list(video)
    assert info.rate == NTSC
    assert (info.width, info.height, info.codec, info.rotation) == (64, 48, "h264", 0)
    assert info.frames == 30
    assert info.duration_s == pytest.approx(1.001, abs=2e-3)
    assert [f.index for f in frames] == list(range(30))
    tick = 5e-4 if suffix == ".mkv" else 1e-9
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(30) / float(NTSC), atol=tick)
    assert not video.truncated


def test_some_frames(tmp_path: Path, film: Film) -> None:
    path = film(tmp_path / "a.mp4", frames=12)
    with VideoReader(path) as video:
        every = [frame.image for frame in video]
    some = list(frames_at(path, {7, 2, 99}))
    assert [frame.index for frame in some] == [2, 7]
    assert all((frame.image == every[frame.index]).all() for frame in some)
    assert list(frames_at(path, ())) == []
    with pytest.raises(InputError):
        list(frames_at(tmp_path / "none.mp4", {0}))


def test_colours_and_layout(tmp_path: Path, film: Film, picture: Any) -> None:
    with VideoReader(str(film(tmp_path / "a.mp4", frames=3))) as video:
        for frame in video:
            assert frame.image.dtype == np.uint8
            assert frame.image.flags.c_contiguous
            np.testing.assert_allclose(frame.image[24, 8], picture(frame.index)[24, 8], atol=6)
            np.testing.assert_allclose(frame.image[24, 56], picture(frame.index)[24, 56], atol=6)


def test_variable_rate(tmp_path: Path, film: Film) -> None:
    ticks = [0, 100, 133, 400, 1000, 1010, 1500]
    path = film(tmp_path / "a.mp4", frames=7, ticks=ticks, time_base=Fraction(1, 1000))
    with VideoReader(path) as video:
        np.testing.assert_allclose([f.time_s for f in video], np.array(ticks) / 1000, atol=1e-9)


def test_a_late_start_counts_from_zero(tmp_path: Path, film: Film) -> None:
    path = film(tmp_path / "a.mkv", frames=3, ticks=[500, 533, 567], time_base=Fraction(1, 1000))
    with VideoReader(path) as video:
        frames = list(video)
    assert frames[0].time_s == 0
    assert [f.pts for f in frames] == [500, 533, 567]


@pytest.mark.parametrize(("counter", "degrees"), [(90, 270), (-90, 90), (180, 180)])
def test_rotation(tmp_path: Path, film: Film, counter: int, degrees: int) -> None:
    with VideoReader(film(tmp_path / "a.mp4", rotation=counter)) as video:
        frame = next(video)
        assert video.info.rotation == degrees
        assert frame.image.shape == ((48, 64, 3) if degrees == 180 else (64, 48, 3))
        assert (video.info.height, video.info.width) == frame.image.shape[:2]
    # The red half, stored on the left.
    place = {90: (8, 24), 180: (24, 56), 270: (56, 24)}[degrees]
    assert frame.image[place][0] > 180
    assert frame.image[place][1] < 70


def test_odd_size(tmp_path: Path, film: Film) -> None:
    with VideoReader(film(tmp_path / "a.mp4", size=(65, 47))) as video:
        assert (video.info.width, video.info.height) == (65, 47)
        assert next(video).image.shape == (47, 65, 3)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.avi"])
def test_cut_short(tmp_path: Path, film: Film, name: str, caplog: pytest.LogCaptureFixture) -> None:
    options: dict[str, str] = {
        ".mp4": {"movflags": "+faststart"},
        ".avi": {"codec": "mpeg4"},  # H.264 has pictures out of order, AVI cannot say so.
    }.get(name[1:], {})
    path = film(tmp_path / name, frames=150, rate=Fraction(30), **options)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])
    with caplog.at_level(logging.WARNING, "spinepose"), VideoReader(path) as video:
        frames = list(video)
        assert video.truncated
    assert 10 < len(frames) < 150
    assert len(caplog.records) == 1
    assert name in caplog.text
    steps = np.diff([f.time_s for f in frames])
    # Pictures are stored out of order: the cut may take the one before the last shown.
    np.testing.assert_allclose(steps[:-1], 1 / 30, atol=1e-3)
    assert 0.03 < steps[-1] < 0.14


def test_damage_in_the_middle(tmp_path: Path, film: Film) -> None:
    path = film(tmp_path / "a.mkv", frames=60, codec="mpeg4")
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : third + 400] = bytes(400)
    path.write_bytes(data)
    with VideoReader(path) as video:
        times = [f.time_s for f in video]
    assert times
    assert (np.diff(times) > 0).all()


def sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_what_is_no_video(tmp_path: Path, film: Film, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp4").write_text("I am a text.\n" * 100)
    (tmp_path / "zero.mp4").write_bytes(b"")
    whole = film(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "unfinished.mp4").write_bytes(whole[: len(whole) // 2])
    sound_only(tmp_path / "sound.mp4")
    for name, message in [
        ("text.mp4", "cannot open"),
        ("zero.mp4", "empty"),
        ("unfinished.mp4", "never finished"),
        ("sound.mp4", "no video"),
        ("missing.mp4", "No such file"),
        ("", "folder"),
    ]:
        with pytest.raises(InputError, match=message) as caught:
            VideoReader(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)
    assert capfd.readouterr().err == ""


def test_an_address_that_nobody_answers() -> None:
    with pytest.raises(InputError, match="check address"):
        VideoReader("http://127.0.0.1:9/a.mp4", live=True)


def test_a_recording_on_the_web_is_not_live(tmp_path: Path, film: Film) -> None:
    film(tmp_path / "a.mp4", movflags="+faststart")
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}/a.mp4"
            with VideoReader(url, live=True) as video:
                assert len(list(video)) == 20
                assert not video.live
                assert video.info.frames == 20
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_live_flag(tmp_path: Path, film: Film) -> None:
    path = film(tmp_path / "a.mp4")
    with VideoReader(path, live=True) as video:
        assert video.live
        assert video.info.frames is None
        assert len(list(video)) == 20
    with VideoReader(path) as video:
        assert not video.live


def test_close_twice_and_from_another_thread(tmp_path: Path, film: Film) -> None:
    video = VideoReader(film(tmp_path / "a.mp4"))
    next(video)
    thread = threading.Thread(target=video.close)
    thread.start()
    thread.join()
    video.close()
    assert list(video) == []


class FakeBackend:
    """Pictures with made-up times and sizes."""

    live = truncated = False
    time_base = Fraction(1, 1000)
    rate = Fraction(20)
    count = duration_s = None
    rotation = 0
    codec = "fake"

    def __init__(self, pts: list[int | None], sizes: list[tuple[int, int]] | None = None) -> None:
        self.script = list(zip(pts, sizes or [(4, 6)] * len(pts), strict=True))

    def pictures(self) -> Iterator[tuple[int | None, np.ndarray]]:
        for pts, size in self.script:
            yield pts, np.zeros((*size, 3), np.uint8)

    def close(self) -> None:
        pass


def read(monkeypatch: pytest.MonkeyPatch, backend: FakeBackend) -> list[Frame]:
    monkeypatch.setattr("spinepose.media.reader._open", lambda source, live: backend)
    with VideoReader("x") as video:
        return list(video)


@pytest.mark.parametrize(
    ("pts", "expected"),
    [
        ([None, None, None], [0, 50, 100]),
        ([7, None, 107, 105, 200], [7, 57, 107, 157, 200]),
        ([-40, 10, 10], [-40, 10, 60]),
    ],
)
def test_missing_and_backward_times(
    monkeypatch: pytest.MonkeyPatch, pts: list[int | None], expected: list[int]
) -> None:
    frames = read(monkeypatch, FakeBackend(pts))
    assert [f.pts for f in frames] == expected
    assert [f.time_s for f in frames] == [(p - expected[0]) / 1000 for p in expected]


def test_a_change_of_size(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    frames = read(monkeypatch, FakeBackend([0, 1, 2], [(4, 6), (8, 12), (9, 9)]))
    assert {f.image.shape for f in frames} == {(4, 6, 3)}
    assert len(caplog.records) == 1


def test_no_picture_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no picture"):
        read(monkeypatch, FakeBackend([]))


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (Fraction(29970, 1000), NTSC),
        (Fraction(19001, 634), NTSC),
        (Fraction(24), Fraction(24)),
        (Fraction(23976, 1000), Fraction(24000, 1001)),
        (Fraction(27), Fraction(27)),
    ],
)
def test_standard_rates(rate: Fraction, expected: Fraction) -> None:
    assert standard_rate(rate) == expected


# Cameras -------------------------------------------------------------------------------------


class FakeCapture:
    left = 2

    def __init__(self, index: int) -> None:
        self.index = index

    def isOpened(self) -> bool:
        return self.index == 1

    def set(self, key: int, value: float) -> bool:
        return True

    def get(self, key: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        return self.left >= 0, np.full((4, 6, 3), (1, 2, 3), np.uint8)

    def release(self) -> None:
        pass


def test_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    with VideoReader("camera:1") as video:
        assert video.live
        assert video.info.rate == 30
        frames = list(video)
        assert video.truncated
    assert len(frames) == 2
    assert frames[1].time_s > frames[0].time_s == 0
    assert (frames[0].image == (3, 2, 1)).all()
    with pytest.raises(InputError, match="camera 0: is it plugged in"):
        VideoReader("webcam")


def test_a_camera_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="camera 98"):
        VideoReader("camera:98")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "index"),
    [("webcam", 0), ("Webcam", 0), ("3", 3), ("camera:12", 12), ("camera", None), ("1.mp4", None)],
)
def test_camera_names(text: str, index: int | None) -> None:
    assert camera_module.camera_index(text) == index


def test_cover_pictures_are_no_video() -> None:
    cover = types.SimpleNamespace(disposition=av.stream.Disposition.attached_pic)
    film_stream = types.SimpleNamespace(disposition=av.stream.Disposition(0))
    holder: Any = types.SimpleNamespace(
        streams=types.SimpleNamespace(video=[cover, film_stream]),
        format=types.SimpleNamespace(long_name="x"),
    )
    assert container_module._video_stream(holder, "x") is film_stream
    holder.streams.video = [cover]
    with pytest.raises(InputError, match="no video"):
        container_module._video_stream(holder, "x")
