"""Read what a file is, and how large its picture is, from its first bytes.

Knowing the size before decoding keeps a small file from asking for all the memory there is, and
knowing the kind lets a video named ``.jpg`` still be played.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

__all__ = [
    "SNIFF_BYTES",
    "exif_orientation",
    "image_kind",
    "image_size",
    "is_complete",
    "video_kind",
]

SNIFF_BYTES = 512
"""How much of a file :func:`image_kind` and :func:`video_kind` want to see."""

_IMAGE_MAGIC = {
    b"\xff\xd8\xff": "jpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"GIF8": "gif",
    b"BM": "bmp",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
}
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")
_VIDEO_MAGIC = {
    b"\x1a\x45\xdf\xa3": "matroska",
    b"\0\0\x01\xba": "mpeg",
    b"\0\0\x01\xb3": "mpeg",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"FLV\x01": "flv",
}
_TS_PACKET = 188
_EXIF_ORIENTATION = 274


def image_kind(head: bytes) -> str | None:
    """Return the image format of a file that begins with `head`, or `None`."""
    for magic, kind in _IMAGE_MAGIC.items():
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return "heif"
    return None


def video_kind(head: bytes) -> str | None:
    """Return the container format of a video that begins with `head`, or `None`."""
    for magic, kind in _VIDEO_MAGIC.items():
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return "avi"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") and image_kind(head) is None:
        return "mp4"
    if head[:1] == b"\x47" and head[_TS_PACKET : _TS_PACKET + 1] == b"\x47":
        return "mpegts"
    return None


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) in px as the header says, before any turning, or `None`."""
    try:
        match image_kind(data):
            case "png":
                width, height = struct.unpack_from(">II", data, 16)
            case "gif":
                width, height = struct.unpack_from("<HH", data, 6)
            case "bmp":
                width, height = struct.unpack_from("<ii", data, 18)
            case "jpeg":
                height, width = _jpeg_frame(data)
            case "webp":
                width, height = _webp_size(data)
            case "tiff":
                tags = _tiff_tags(data)
                width, height = tags[256], tags[257]
            case _:
                return None
    except (struct.error, KeyError, IndexError, ValueError):
        return None
    # A BMP stored from the top down has a negative height.
    return int(width), abs(int(height))


def is_complete(data: bytes) -> bool:
    """Tell whether a JPEG or PNG goes on to its end, and whether the PNG's sums are right.

    Half a picture may still decode, to half the people; OpenCV's releases do not agree on it.
    Other formats are left to the decoder.
    """
    match image_kind(data):
        case "jpeg":
            return _jpeg_ends(data)
        case "png":
            return any(name == b"IEND" for name, _ in _png_chunks(data))
        case _:
            return True


def exif_orientation(data: bytes) -> int:
    """Return EXIF tag 274 of a PNG or WebP file, 1 if there is none.

    JPEG, TIFF and HEIF are turned by the decoder.
    """
    try:
        for name, start, size in _chunks(data):
            if name in (b"eXIf", b"EXIF"):
                block = data[start : start + size].removeprefix(b"Exif\0\0")
                return _tiff_tags(block).get(_EXIF_ORIENTATION, 1)
    except (struct.error, IndexError):
        pass
    return 1


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, start, size) of the chunks of a PNG or WebP file."""
    kind = image_kind(data)
    if kind == "png":
        yield from ((name, start, size) for name, (start, size) in _png_chunks(data))
    elif kind == "webp":
        at = 12
        while at + 8 <= len(data):
            name, size = struct.unpack_from("<4sI", data, at)
            yield name, at + 8, size
            at += 8 + size + size % 2


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yield the name and (start, size) of PNG chunks, up to the first damaged one."""
    at, view = 8, memoryview(data)
    while at + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        end = at + 8 + size
        if end + 4 > len(data):
            return
        if zlib.crc32(view[at + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            return
        yield name, (at + 8, size)
        at = end + 4


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (marker, start) of JPEG segments up to the first scan (ITU-T T.81, B.1)."""
    at = 2
    while True:
        marker, size = struct.unpack_from(">HH", data, at)
        if marker == 0xFFFF:  # a fill byte
            at += 1
            continue
        if marker >> 8 != 0xFF:
            return
        yield marker & 0xFF, at
        if marker == 0xFFDA:
            return
        at += 2 + size


def _jpeg_frame(data: bytes) -> tuple[int, int]:
    """Return height and width from the frame header of a JPEG file (ITU-T T.81, B.2.2)."""
    for marker, at in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return height, width
    raise ValueError("no frame header")


def _jpeg_ends(data: bytes) -> bool:
    """Tell whether an end marker follows the first scan.

    Looked for from there, since a thumbnail before it and a film after it (as phones append)
    have markers of their own.
    """
    try:
        scans = [at for marker, at in _jpeg_segments(data) if marker == 0xDA]
    except struct.error:
        return False
    return bool(scans) and data.find(b"\xff\xd9", scans[0]) >= 0


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height from the first chunk of a WebP file (RFC 9649)."""
    name = data[12:16]
    if name == b"VP8X":
        wide, high = data[24:27], data[27:30]
        return int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1
    if name == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff_tags(data: bytes) -> dict[int, int]:
    """Return the whole-number tags of the first directory of a (not big) TIFF block."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    tags: dict[int, int] = {}
    for i in range(count):
        entry = at + 2 + 12 * i
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if kind in (3, 4):
            (tags[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)
    return tags
