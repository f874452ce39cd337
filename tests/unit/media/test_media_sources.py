from __future__ import annotations

from pathlib import Path

import pytest

from spinepose.errors import InputError
from spinepose.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source, resolve_sources

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30
MP4 = b"\0\0\0\x20ftypisom" + b"\0" * 30
MKV = b"\x1a\x45\xdf\xa3" + b"\0" * 30
AVI = b"RIFF\0\0\0\0AVI LIST"
WEBP = b"RIFF\0\0\0\0WEBPVP8 "
HEIC = b"\0\0\0\x20ftypheic" + b"\0" * 30
TS = (b"G" + b"\0" * 187) * 3


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.png", PNG, "image"),
        ("a.mp4", MP4, "video"),
        ("film.jpg", MP4, "video"),
        ("photo.mp4", PNG, "image"),
        ("none", MKV, "video"),
        ("none", AVI, "video"),
        ("none", WEBP, "image"),
        ("none", HEIC, "image"),
        ("none", TS, "video"),
        ("strange.MOV", b"????", "video"),
        ("strange.JPG", b"????", "image"),
        ("empty.mp4", b"", "video"),
        ("[a]*?.png", PNG, "image"),
        ("0", PNG, "image"),
        ("ünï 中文.png", PNG, "image"),
    ],
)
def test_one_file(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    [source] = resolve_sources([str(path)])
    assert source == Source(kind, str(path), path.stem, path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "kind", "location", "name"),
    [
        ("webcam", "camera", "camera:0", "webcam"),
        ("0", "camera", "camera:0", "camera0"),
        ("camera:2", "camera", "camera:2", "camera2"),
        ("rtsp://me:secret@cam.local:554/hall/door?x=1", "stream", None, "door"),
        ("https://example.org/a/clip.mp4", "stream", None, "clip"),
        ("http://example.org", "stream", None, "example.org"),
        ("udp://@:1234", "stream", None, "1234"),
        ("RTMP://host/live", "stream", None, "live"),
    ],
)
def test_no_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    kind: str,
    location: str | None,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    [source] = resolve_sources([text])
    assert (source.kind, source.location, source.name) == (kind, location or text, name)
    assert source.path is None


def test_folder_in_natural_order(tmp_path: Path) -> None:
    for name in ("f10.png", "f2.png", "F1.PNG", ".hidden.png", "notes.txt", "clip.mp4"):
        (tmp_path / name).write_bytes(b"?")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.png").write_bytes(PNG)
    sources = resolve_sources([str(tmp_path)])
    assert [s.path.name for s in sources if s.path] == ["clip.mp4", "F1.PNG", "f2.png", "f10.png"]
    assert [s.kind for s in sources] == ["video", "image", "image", "image"]


def test_glob(tmp_path: Path) -> None:
    for name in ("a1.png", "a2.png", "b.png", "a.txt"):
        (tmp_path / name).write_bytes(PNG if name.endswith("png") else b"text")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a3.png").write_bytes(PNG)
    assert [s.name for s in resolve_sources([str(tmp_path / "a*")])] == ["a1", "a2"]
    assert [s.name for s in resolve_sources([str(tmp_path / "**" / "a*.png")])] == [
        "a1",
        "a2",
        "a3",
    ]
    with pytest.raises(InputError, match="matches no file"):
        resolve_sources([str(tmp_path / "z*.png")])
    with pytest.raises(InputError, match="no image or video"):
        resolve_sources([str(tmp_path / "*.txt")])


def test_names_differ(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "b.png"):
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "A.png").write_bytes(PNG)
    sources = resolve_sources([str(tmp_path), str(tmp_path / "sub")])
    assert [s.name for s in sources] == ["a_jpg", "a_png", "b", "A_png_2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clpi.mp4", "did you mean .*clip.mp4"),
        ("clip.mov", "did you mean .*clip.mp4"),
        ("nofolder/clip.mp4", "there is no folder"),
        ("empty", "has no images or videos"),
        ("notes.txt", "neither an image nor a video"),
        ("x" * 5000, "cannot look|does not exist"),
        ("~nobody-of-this-name/a.png", "cannot look"),
        ("", "no input"),
        ("a\0b", "no input"),
    ],
)
def test_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    (tmp_path / "clip.mp4").write_bytes(MP4)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        resolve_sources([text])
    assert "\n" not in str(caught.value)


def test_nothing() -> None:
    with pytest.raises(InputError, match="no input"):
        resolve_sources([])


def test_suffixes_do_not_overlap() -> None:
    assert not IMAGE_SUFFIXES & VIDEO_SUFFIXES
