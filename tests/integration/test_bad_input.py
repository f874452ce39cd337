"""Every kind of bad input: one clear line, the documented exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from spinepose.cli import main

Make = Callable[[Path, Path], Path]
"""Makes an input in a folder, given the gallery."""


def _photo(examples: Path) -> Image.Image:
    return Image.open(examples / "astronaut.jpg")


def _missing(folder: Path, examples: Path) -> Path:
    return folder / "missing.jpg"


def _text(folder: Path, examples: Path) -> Path:
    path = folder / "text.jpg"
    path.write_text("this is not a picture\n" * 20)
    return path


def _zero_bytes(folder: Path, examples: Path) -> Path:
    path = folder / "empty.png"
    path.touch()
    return path


def _zero_bytes_video(folder: Path, examples: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def _text_video(folder: Path, examples: Path) -> Path:
    path = folder / "text.mp4"
    path.write_text("this is not a video\n" * 20)
    return path


def _header_only(folder: Path, examples: Path) -> Path:
    path = folder / "header.jpg"
    path.write_bytes((examples / "astronaut.jpg").read_bytes()[:200])
    return path


def _beheaded_video(folder: Path, examples: Path) -> Path:
    path = folder / "beheaded.mp4"
    path.write_bytes((examples / "walk.mp4").read_bytes()[:300])
    return path


def _empty_folder(folder: Path, examples: Path) -> Path:
    path = folder / "nothing"
    path.mkdir()
    return path


def _empty_glob(folder: Path, examples: Path) -> Path:
    return folder / "*.webp"


@pytest.mark.parametrize(
    "make",
    [
        _missing,
        _text,
        _zero_bytes,
        _zero_bytes_video,
        _text_video,
        _header_only,
        _beheaded_video,
        _empty_folder,
        _empty_glob,
    ],
)
def test_an_unusable_input_is_one_line_and_leaves_nothing(
    make: Make,
    tmp_path: Path,
    examples: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    source = make(tmp_path, examples)
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    code = main(["-i", str(source), "-s", "result.json"])
    err = capfd.readouterr().err
    assert code == 3
    assert err.startswith("spinepose: error: ")
    assert err.count("\n") == 1
    assert source.name in err or source.stem in err
    assert list(out.iterdir()) == []


def _grey(folder: Path, examples: Path) -> Path:
    _photo(examples).convert("L").save(path := folder / "grey.png")
    return path


def _rgba(folder: Path, examples: Path) -> Path:
    _photo(examples).convert("RGBA").save(path := folder / "rgba.png")
    return path


def _sixteen_bit(folder: Path, examples: Path) -> Path:
    bgr = cv2.imread(str(examples / "astronaut.jpg")).astype(np.uint16) * 257
    cv2.imwrite(str(path := folder / "deep.png"), bgr)
    return path


def _exif_rotated(folder: Path, examples: Path) -> Path:
    exif = Image.Exif()
    exif[274] = 6  # shown after a quarter turn clockwise
    turned = _photo(examples).transpose(Image.Transpose.ROTATE_90)
    turned.save(path := folder / "turned.jpg", exif=exif, quality=95)
    return path


def _cmyk(folder: Path, examples: Path) -> Path:
    _photo(examples).convert("CMYK").save(path := folder / "print.jpg", quality=95)
    return path


def _animated(folder: Path, examples: Path) -> Path:
    first = _photo(examples)
    second = Image.new("RGB", first.size)
    first.save(path := folder / "moving.webp", save_all=True, append_images=[second])
    return path


def _non_ascii(folder: Path, examples: Path) -> Path:
    path = folder / "Köpfchen 宇宙 🚀.jpg"
    shutil.copy(examples / "astronaut.jpg", path)
    return path


def _wrong_suffix(folder: Path, examples: Path) -> Path:
    path = folder / "photo.png"  # a JPEG by its content
    shutil.copy(examples / "astronaut.jpg", path)
    return path


@pytest.mark.parametrize(
    "make",
    [_grey, _rgba, _sixteen_bit, _exif_rotated, _cmyk, _animated, _non_ascii, _wrong_suffix],
)
def test_an_unusual_picture_of_the_astronaut_gives_the_astronaut(
    make: Make, tmp_path: Path, examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from spinepose import infer_image

    wanted = infer_image(examples / "astronaut.jpg")
    source = make(tmp_path, examples)
    assert main(["-i", str(source), "-o", str(tmp_path / "out.png"), "--json"]) == 0
    [person] = json.loads(capsys.readouterr().out)["people"]
    got = np.array(person["pose_keypoints_2d"]).reshape(-1, 3)
    head = [wanted.skeleton.index(name) for name in ("nose", "left_eye", "right_eye")]
    assert np.abs(got[head, :2] - wanted.keypoints[0, head]).max() < 12
    assert cv2.imread(str(tmp_path / "out.png")).shape[:2] == (512, 512)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (20_000, 16), (16, 20_000), (37, 53)])
def test_odd_sizes_run_and_keep_their_size(
    shape: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "odd.png", tmp_path / "out.png"
    cv2.imwrite(str(source), np.full((*shape, 3), 128, np.uint8))
    assert main(["-i", str(source), "-o", str(out)]) == 0
    assert "no person found" in capsys.readouterr().out
    assert cv2.imread(str(out)).shape[:2] == shape


def test_two_hundred_people(examples: Path) -> None:
    from spinepose import SpinePoseEstimator

    crowd = np.tile(cv2.imread(str(examples / "astronaut.jpg"))[::4, ::4], (10, 20, 1))
    grid = np.array([(x, y) for y in range(10) for x in range(20)]) * 128
    keypoints, scores = SpinePoseEstimator().predict(crowd, np.hstack([grid, grid + 128]))
    assert keypoints.shape == (200, 37, 2)
    assert (scores[:, 0] > 0.3).mean() > 0.9


def test_a_truncated_video_keeps_the_frames_before_the_damage(
    tmp_path: Path, examples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Matroska can be read up to where it was cut, unlike mp4, whose index is at one end.
    import av

    from spinepose.media import VideoReader

    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    with av.open(str(examples / "walk.mp4")) as source, av.open(str(whole), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    out, data = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    assert main(["-i", str(cut), "-o", str(out), "-s", str(data)]) == 0
    capfd.readouterr()
    lines = [json.loads(line) for line in data.read_text().splitlines()]
    with VideoReader(out) as video:
        assert sum(1 for _ in video) == len(lines) - 2 > 20


def test_an_output_below_a_file_cannot_be_written(
    tmp_path: Path, examples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "out.jpg"
    assert main(["-i", str(examples / "astronaut.jpg"), "-o", str(target)]) == 6
    assert capfd.readouterr().err.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_line(
    tmp_path: Path, examples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    assert main(["-i", str(examples / "astronaut.jpg"), "-o", str(folder / "out.jpg")]) == 6
    assert capfd.readouterr().err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(
    tmp_path: Path,
    examples: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    # A JSON stream is written in place, so the device that is always full stands in for a disk.
    (tmp_path / "out.jsonl").symlink_to("/dev/full")
    code = main(["-i", str(examples / "walk.mp4"), "--no-visual", "-s", "out.jsonl"])
    err = capfd.readouterr().err
    assert code == 6
    assert "no space" in err.lower()
    assert err.count("\n") == 1


def test_the_input_is_never_overwritten(
    tmp_path: Path, examples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "a.jpg"
    shutil.copy(examples / "astronaut.jpg", photo)
    before = photo.read_bytes()
    assert main(["-i", str(photo), "-o", str(photo)]) == 6
    assert photo.read_bytes() == before
    assert "overwrite" in capfd.readouterr().err


def test_corrupted_weights_are_named_with_both_hashes(
    tmp_path: Path, examples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from importlib.resources import files

    weights = Path(str(files("spinepose.models") / "weights"))
    for suffix in (".onnx", ".json"):
        shutil.copy(weights / f"spinepose-small{suffix}", tmp_path)
    broken = tmp_path / "spinepose-small.onnx"
    data = bytearray(broken.read_bytes())
    data[len(data) // 2] ^= 0xFF
    broken.write_bytes(data)
    code = main(["-i", str(examples / "astronaut.jpg"), "-mode", str(broken), "--no-visual"])
    err = capfd.readouterr().err
    assert code == 4
    assert "spinepose-small.onnx" in err
    assert "sha256" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-i", "{photo}", "-mode", "gigantic"], 4),
        (["-i", "{photo}", "--device", "cuda"], 5),
        (["-i", "{photo}", "--device", "toaster"], 5),
        (["-i", "{photo}", "--detector", "nobody"], 4),
        (["-i", "{photo}", "--nonsense"], 2),
        (["-i", "{photo}", "--threshold", "2"], 2),
        (["-i", "{photo}", "--threshold", "much"], 2),
        (["-i"], 2),
        (["-i", "{photo}", "--spine-only", "--include-experimental"], 2),
        (["-i", "{photo}", "-o", "out.mp4"], 3),
        (["-i", "{photo}", "{photo}", "-o", "one.jpg"], 6),
    ],
)
def test_wrong_words_are_one_line_and_leave_nothing(
    words: list[str],
    code: int,
    tmp_path: Path,
    examples: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    photo = str(examples / "astronaut.jpg")
    assert main([word.format(photo=photo) for word in words]) == code
    captured = capfd.readouterr()
    assert captured.err.startswith("spinepose: error: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


def test_a_remote_model_without_a_network_is_one_line(
    tmp_path: Path,
    examples: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SPINEPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SPINEPOSE_OFFLINE", "1")
    photo = str(examples / "astronaut.jpg")
    assert main(["-i", photo, "--detector", "rtmdet", "--no-visual"]) == 4
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "rtmdet" in err


def test_one_broken_input_of_several_does_not_stop_the_others(
    tmp_path: Path, examples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff" + b"0" * 100)
    shutil.copy(examples / "astronaut.jpg", tmp_path / "good.jpg")
    assert main(["-i", str(tmp_path), "-o", str(tmp_path / "out")]) == 3
    captured = capfd.readouterr()
    assert "broken.jpg" in captured.err
    assert "1 person" in captured.out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.jpg"]


def test_no_words_at_all_show_the_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capfd.readouterr()
    assert "--input" in captured.out
    assert captured.err == ""


def test_debug_shows_the_traceback(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-i", str(tmp_path / "missing.jpg"), "--debug"]) == 3
    assert "Traceback" in capfd.readouterr().err
