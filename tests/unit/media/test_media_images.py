from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spinepose.errors import InputError, OutputError
from spinepose.media import as_rgb, read_image, write_image
from spinepose.media.headers import image_kind, image_size
from spinepose.media.orientation import Orientation

ORANGE = (250, 120, 10)


def scene() -> np.ndarray:
    """Four corners of different colour, 6 high and 8 wide."""
    rgb = np.zeros((6, 8, 3), np.uint8)
    rgb[:3, :4], rgb[:3, 4:], rgb[3:, :4] = ORANGE, (0, 200, 0), (0, 0, 200)
    return rgb


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(value: int) -> Image.Exif:
    tags = Image.Exif()
    tags[274] = value
    return tags


def turned(rgb: np.ndarray, value: int) -> np.ndarray:
    """The stored picture whose EXIF `value` makes it `rgb` again, by Pillow's own rules."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[value]
    image = Image.fromarray(rgb)
    return np.asarray(image if undo is None else image.transpose(undo))


# The colour contract -------------------------------------------------------------------------


def test_colour_contract(tmp_path: Path) -> None:
    rgb = scene()
    path = tmp_path / "a.png"
    Image.fromarray(rgb).save(path)
    for given_image in (cv2.imread(str(path)), path, str(path), Image.open(path)):
        out = as_rgb(given_image)
        np.testing.assert_array_equal(out, rgb)
        assert out.dtype == np.uint8
        assert out.flags.c_contiguous
    write_image(tmp_path / "b.png", rgb)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png")), rgb)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 3), 7, np.uint8), (7, 7, 7)),
        (np.full((2, 3, 1), 7, np.uint8), (7, 7, 7)),
        (np.full((2, 3, 3), (1, 2, 3), np.uint8), (3, 2, 1)),
        (np.full((2, 3, 4), (1, 2, 3, 255), np.uint8), (3, 2, 1)),
        (np.full((2, 3, 4), (1, 2, 3, 0), np.uint8), (255, 255, 255)),
        (np.full((2, 3, 4), (0, 0, 0, 51), np.uint8), (204, 204, 204)),
        (np.full((2, 3), 65535, np.uint16), (255, 255, 255)),
        (np.full((2, 3, 3), (257, 514, 771), np.uint16), (3, 2, 1)),
        (np.full((4, 6, 3), (1, 2, 3), np.uint8)[::2, ::-2], (3, 2, 1)),
    ],
)
def test_arrays(array: np.ndarray, expected: tuple[int, int, int]) -> None:
    before = array.copy()
    out = as_rgb(array)
    assert out.shape == (2, 3, 3)
    assert (out == expected).all()
    out[:] = 9
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 3, 3), np.float32),
        np.zeros((2, 3, 3), bool),
        np.zeros((0, 3, 3), np.uint8),
        np.zeros((3, 20, 20), np.uint8),
        np.zeros(5, np.uint8),
        17,
        None,
    ],
)
def test_what_is_no_image(wrong: Any) -> None:
    with pytest.raises(InputError, match=r"expected|give a path"):
        as_rgb(wrong)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "CMYK", "YCbCr", "HSV"])
def test_pillow_modes(mode: str) -> None:
    source = Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode)
    assert (as_rgb(source) >= 253).all()


def test_pillow_specials() -> None:
    assert (as_rgb(Image.new("RGBA", (2, 2), (9, 9, 9, 0))) == 255).all()
    assert (as_rgb(Image.fromarray(np.full((2, 2), 65535, np.uint16))) == 255).all()
    with pytest.raises(InputError, match="float"):
        as_rgb(Image.new("F", (2, 2)))
    turned_image = Image.fromarray(turned(scene(), 6))
    turned_image.getexif()[274] = 6
    np.testing.assert_array_equal(as_rgb(turned_image), scene())


def test_a_damaged_pillow_image() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG")
    image = Image.open(io.BytesIO(data[: len(data) // 2]))
    with image, pytest.raises(InputError, match="Pillow"):
        as_rgb(image)


# Turning -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_exif(tmp_path: Path, kind: str, value: int) -> None:
    big = np.kron(scene(), np.ones((8, 8, 1), np.uint8))
    options: dict[str, Any] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(kind, {})
    path = tmp_path / "a.bin"
    path.write_bytes(
        encoded(Image.fromarray(turned(big, value)), kind, exif=exif(value), **options)
    )
    out = read_image(path)
    assert out.shape == big.shape
    # The middles of the four corners: JPEG blurs the borders.
    np.testing.assert_allclose(out[8::32, 8::32], big[8::32, 8::32], atol=6)


def test_exif_with_transparency(tmp_path: Path) -> None:
    rgba = np.dstack([turned(scene(), 6), np.full((8, 6), 255, np.uint8)])
    rgba[0, 0, 3] = 0
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True})):
        path = tmp_path / kind
        path.write_bytes(encoded(Image.fromarray(rgba), kind, exif=exif(6), **options))
        expected = scene()
        expected[0, 7] = 255
        np.testing.assert_array_equal(read_image(path), expected)


@given(value=st.integers(1, 8), size=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_orientation_undoes_pillow(value: int, size: tuple[int, int]) -> None:
    rgb = np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(*size, 3)
    out = Orientation.from_exif(value).apply(turned(rgb, value))
    np.testing.assert_array_equal(out, rgb)
    assert out.flags.c_contiguous


@given(st.booleans(), st.booleans(), st.booleans(), st.integers(2, 4), st.integers(2, 4))
def test_display_matrix_moves_pixels_as_the_standard_says(
    transpose: bool, flip_x: bool, flip_y: bool, width: int, height: int
) -> None:
    sx, sy = -1 if flip_x else 1, -1 if flip_y else 1
    linear = np.array([[0, sy], [sx, 0]] if transpose else [[sx, 0], [0, sy]])
    (a, b), (c, d) = linear * 65536
    turn = Orientation.from_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
    image = np.arange(width * height).reshape(height, width)
    places = np.array([p * linear[0] + q * linear[1] for q in range(height) for p in range(width)])
    places -= places.min(axis=0)
    expected = np.empty(places.max(axis=0)[::-1] + 1, int)
    expected[places[:, 1], places[:, 0]] = image.ravel()
    np.testing.assert_array_equal(turn.apply(image), expected)


@pytest.mark.parametrize("value", [0, 9, -1, "6", None, 3.5])
def test_strange_exif_values_are_upright(value: object) -> None:
    assert Orientation.from_exif(value) == Orientation()


# Files ---------------------------------------------------------------------------------------


def flat(colour: tuple[int, ...], mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (16, 12), colour)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(flat(ORANGE), "PNG"), ORANGE),
        (encoded(flat(ORANGE), "BMP"), ORANGE),
        (encoded(flat(ORANGE), "TIFF"), ORANGE),
        (encoded(flat(ORANGE), "WEBP", lossless=True), ORANGE),
        (encoded(flat(ORANGE), "JPEG", quality=95), ORANGE),
        (encoded(flat(ORANGE), "JPEG", progressive=True), ORANGE),
        (encoded(flat(ORANGE).convert("CMYK"), "JPEG", quality=95), ORANGE),
        (encoded(flat((255, 102, 0)).convert("P"), "PNG"), (255, 102, 0)),
        (encoded(flat((77,), "L"), "PNG"), (77, 77, 77)),
        (encoded(flat((77,), "L"), "JPEG"), (77, 77, 77)),
        (encoded(flat((*ORANGE, 0), "RGBA"), "PNG"), (255, 255, 255)),
        (encoded(flat((0, 0, 0, 51), "RGBA"), "PNG"), (204, 204, 204)),
        (encoded(flat((0, 0, 0, 51), "RGBA"), "TIFF"), (204, 204, 204)),
        (encoded(flat((200, 100, 50, 128), "RGBA"), "TIFF"), (227, 177, 152)),
        (encoded(Image.fromarray(np.full((12, 16), 65535, np.uint16)), "PNG"), (255, 255, 255)),
        (encoded(flat(ORANGE), "GIF"), ORANGE),
        (
            encoded(flat(ORANGE), "GIF", save_all=True, append_images=[flat((0, 0, 0))]),
            ORANGE,
        ),
        (
            encoded(
                flat(ORANGE), "WEBP", save_all=True, append_images=[flat((0, 0, 0))], lossless=True
            ),
            ORANGE,
        ),
        (encoded(flat(ORANGE), "TIFF", save_all=True, append_images=[flat((0, 0, 0))]), ORANGE),
        # A phone's film behind the picture, with markers by chance.
        (encoded(flat(ORANGE), "JPEG", quality=95) + b"ftypmp4\xff\xda\0\0", ORANGE),
    ],
    ids=lambda value: (image_kind(value) or "?") if isinstance(value, bytes) else "",
)
def test_formats(tmp_path: Path, data: bytes, expected: tuple[int, int, int]) -> None:
    path = tmp_path / "an image with no suffix - ünïcode 中文"
    path.write_bytes(data)
    out = read_image(path)
    assert out.shape == (12, 16, 3)
    assert out.flags.c_contiguous
    np.testing.assert_allclose(out.astype(int), np.broadcast_to(expected, out.shape), atol=4)
    if image_kind(data) != "heif":
        assert image_size(data) == (16, 12)


@pytest.mark.parametrize("size", [(1, 1), (20000, 10), (3, 20000)])
def test_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    for suffix in (".png", ".jpg", ".tif"):
        write_image(tmp_path / f"a{suffix}", np.full((*size[::-1], 3), 90, np.uint8))
        assert read_image(tmp_path / f"a{suffix}").shape == (*size[::-1], 3)


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 99)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8))
JPEG, PNG = encoded(NOISE, "JPEG"), encoded(NOISE, "PNG")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"Hello, I am a text.\n" * 50, "not an image"),
        (JPEG[: len(JPEG) // 2], "cut short"),
        (JPEG[:-2], "cut short"),
        (JPEG[:10], "cut short"),
        (PNG[: len(PNG) // 2], "cut short"),
        (PNG[:3000] + b"zzzz" + PNG[3004:], "cut short"),
        (encoded(NOISE, "WEBP")[:900], "damaged"),
        (encoded(NOISE, "GIF")[:100], "damaged"),
        (bomb(100_000, 100_000), "too large"),
        (encoded(Image.new("F", (4, 4)), "TIFF"), "float32"),
    ],
    ids=lambda value: (image_kind(value) or "?") if isinstance(value, bytes) else None,
)
def test_files_that_are_no_good(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], data: bytes, message: str
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read_image(path)
    assert "photo.jpg" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_heic_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "IMG_1.HEIC"
    path.write_bytes(b"\0\0\0\x20ftypheic" + bytes(100))
    with pytest.raises(InputError, match="convert it to JPEG"):
        read_image(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_image(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="folder"):
        read_image(tmp_path)
    with pytest.raises(InputError, match="null"):
        read_image("a\0b")


@given(st.binary(max_size=80), st.sampled_from([b"", JPEG[:30], PNG[:30], b"II*\0", b"RIFF"]))
def test_headers_never_fail(tail: bytes, head: bytes) -> None:
    image_size(head + tail)


@pytest.mark.parametrize("suffix", [".jpg", ".PNG", ".webp", ".bmp", ".tif"])
def test_write(tmp_path: Path, suffix: str) -> None:
    rgb = np.full((12, 16, 3), ORANGE, np.uint8)
    path = tmp_path / "neu" / f"ü{suffix}"
    write_image(path, rgb)
    np.testing.assert_allclose(read_image(path).astype(int), rgb.astype(int), atol=8)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_write_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(OutputError, match=r"\.png"):
        write_image(tmp_path / "a.xyz", rgb)
    with pytest.raises(OutputError, match="do not fit"):
        write_image(tmp_path / "a.webp", np.zeros((1, 20000, 3), np.uint8))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_image(tmp_path / "file" / "a.png", rgb)

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        write_image(tmp_path / "a.png", rgb)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_import_is_light() -> None:
    code = (
        "import importlib.util, sys, types, pathlib\n"
        "root = pathlib.Path(importlib.util.find_spec('spinepose').origin).parent\n"
        "package = types.ModuleType('spinepose'); package.__path__ = [str(root)]\n"
        "sys.modules['spinepose'] = package\n"
        "import spinepose.media\n"
        "assert not {'cv2', 'av', 'PIL'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
