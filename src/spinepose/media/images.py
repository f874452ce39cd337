"""Read and write pictures; the only place where colour is converted.

Callers hand in what they have: arrays as ``cv2.imread`` gives them (BGR), a path, or a Pillow
image. Everything inside the package is RGB, uint8, (H, W, 3), C-contiguous.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spinepose.errors import InputError, OutputError
from spinepose.files import atomic_write
from spinepose.media.headers import exif_orientation, image_kind, image_size, is_complete
from spinepose.media.orientation import UPRIGHT, Orientation
from spinepose.media.quiet import quiet_opencv

__all__ = [
    "MAX_PIXELS",
    "WRITE_SUFFIXES",
    "ImageLike",
    "as_rgb",
    "encode_image",
    "read_image",
    "write_image",
]

Image: TypeAlias = npt.NDArray[np.uint8]
ImageLike: TypeAlias = npt.NDArray[Any] | str | Path | Any
"""An array in the order of ``cv2.imread``, a path, or a Pillow image."""

MAX_PIXELS = 2**28
"""Larger pictures are refused before they are decoded: 805 MB as RGB."""

_JPEG_QUALITY = 92
_ORIENTATION_TAG = 274

WRITE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""What :func:`write_image` can write."""

_REASONS = {
    None: "it is not an image",
    "heif": "OpenCV has no decoder for this HEIC or AVIF file; convert it to JPEG first",
}

logger = logging.getLogger(__name__)


def as_rgb(image: ImageLike) -> Image:
    """Return any image that a caller may hold as RGB.

    Parameters
    ----------
    image
        One of

        - an array in the order of ``cv2.imread``: BGR (H, W, 3), BGRA (H, W, 4), grey (H, W) or
          (H, W, 1); uint8, or uint16, which is scaled down from its full range. Arrays in RGB
          order must be turned first: ``image[..., ::-1]``;
        - a path to an image file, see :func:`read_image`;
        - a Pillow image of any mode but ``F``; its EXIF orientation is honoured.

        What is transparent is laid on white.

    Returns
    -------
    rgb : (H, W, 3) uint8
        C-contiguous; a new array.

    Raises
    ------
    InputError
        If it is none of these. Float arrays are refused rather than guessed at, since both 0..1
        and 0..255 are common and a wrong guess finds nobody, silently.
    """
    if isinstance(image, str | Path):
        return read_image(image)
    if isinstance(image, np.ndarray):
        return _bgr_to_rgb(_checked(image))
    if hasattr(image, "convert") and hasattr(image, "mode"):
        return _from_pillow(image)
    raise InputError(
        f"cannot take {type(image).__name__} as an image: "
        "give a path, an array as cv2.imread returns it, or a Pillow image"
    )


def read_image(path: str | Path) -> Image:
    """Read an image file, turned upright as its EXIF data says.

    Of an animation or a file with several pages the first picture is read; 16 bits are scaled
    to 8; what is transparent is laid on white.

    Parameters
    ----------
    path
        Any format of the installed OpenCV: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF ...

    Returns
    -------
    rgb : (H, W, 3) uint8
        C-contiguous.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, no image, cut short (half a picture would
        silently lose people) or has more than :data:`MAX_PIXELS`.
    """
    data = _read_bytes(path)
    kind = image_kind(data)
    _check_pixels(path, image_size(data))
    if not is_complete(data):
        raise InputError(f"{path} is damaged or cut short: copy it again from its source")
    raw = _decode(data, kind)
    if raw is None:
        reason = _REASONS.get(kind, "it is damaged or of an unknown kind")
        raise InputError(f"cannot read {path} as an image: {reason}")
    _check_pixels(path, (raw.shape[1], raw.shape[0]))
    try:
        rgb = _bgr_to_rgb(_checked(raw), premultiplied=kind == "tiff")
    except InputError as error:
        raise InputError(f"cannot read {path}: {error}") from error
    turn = Orientation.from_exif(exif_orientation(data))
    return rgb if turn == UPRIGHT else turn.apply(rgb)


def write_image(path: str | Path, rgb: Image) -> None:
    """Write a picture; the file appears whole or not at all.

    Parameters
    ----------
    path
        Its suffix names the format, one of :data:`WRITE_SUFFIXES`. Parent folders are created.
    rgb
        (H, W, 3) uint8.

    Raises
    ------
    OutputError
        If the suffix is unknown, the picture too large for the format, or the file cannot be
        written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITE_SUFFIXES:
        raise OutputError(
            f"cannot write {path}: unknown suffix {suffix!r}; use one of {' '.join(WRITE_SUFFIXES)}"
        )
    try:
        data = encode_image(rgb, suffix)
    except ValueError as error:
        raise OutputError(f"cannot write {path}: {error}") from error
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def encode_image(rgb: Image, suffix: str, *, quality: int = _JPEG_QUALITY) -> bytes:
    """Return the bytes of a picture's file.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8.
    suffix
        One of :data:`WRITE_SUFFIXES`.
    quality
        Of a JPEG, 0..100.

    Raises
    ------
    ValueError
        If the picture is too large for the format.
    """
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix in (".jpg", ".jpeg") else []
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    try:
        with quiet_opencv():
            done, data = cv2.imencode(suffix, bgr, options)
    except cv2.error:
        done = False
    if not done:
        height, width = rgb.shape[:2]
        raise ValueError(f"{width} x {height} px do not fit {suffix}")
    return bytes(data.tobytes())


def _read_bytes(path: str | Path) -> bytes:
    """Return the bytes of a file; reading them here lets names be non-ASCII on Windows too."""
    try:
        size = os.stat(path).st_size
        data = Path(path).read_bytes()
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, not an image") from error
    except (OSError, ValueError) as error:
        if Path(path).is_dir():  # Windows reports a folder as a lack of permission.
            raise InputError(f"{path} is a folder, not an image") from error
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read {path}: {reason}") from error
    if not data:
        raise InputError(f"{path} is empty (0 bytes)" if size == 0 else f"{path} gave no data")
    return data


def _check_pixels(path: str | Path, size: tuple[int, int] | None) -> None:
    """Refuse pictures that would fill the memory."""
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise InputError(
            f"{path} is too large: {size[0]} x {size[1]} px, more than {MAX_PIXELS} in all; "
            "scale it down first"
        )


def _decode(data: bytes, kind: str | None) -> npt.NDArray[Any] | None:
    """Return the pixels as OpenCV gives them, BGR or so, or `None` if it cannot."""
    import cv2

    # JPEG has no transparency, so OpenCV may turn it upright itself. For the others all
    # channels are kept, which for OpenCV means: not turned (but for TIFF and HEIF).
    flag = cv2.IMREAD_COLOR if kind == "jpeg" else cv2.IMREAD_UNCHANGED
    try:
        with quiet_opencv():
            return cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except (cv2.error, MemoryError) as error:
        logger.debug("OpenCV refused an image: %s", error)
        return None


def _checked(image: npt.NDArray[Any]) -> Image:
    """Return an array in OpenCV's order as uint8 (H, W, 1 or 3 or 4)."""
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or image.size == 0:
        raise InputError(
            f"an image of shape {image.shape} cannot be used: "
            "expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) with at least one pixel"
        )
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.uint16:
        # Full range to full range, rounded: 65535 / 257 = 255.
        return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    raise InputError(
        f"an image of type {image.dtype} cannot be used: expected uint8 or uint16; "
        "scale it to 0..255 and cast it"
    )


def _bgr_to_rgb(image: Image, *, premultiplied: bool = False) -> Image:
    """Return grey, BGR or BGRA (H, W, C) as RGB; `premultiplied`: colours include the alpha."""
    import cv2

    channels = image.shape[2]
    code = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}[channels]
    rgb = cv2.cvtColor(np.ascontiguousarray(image), code)
    if channels == 4:
        rgb = _on_white(rgb, image[:, :, 3:], premultiplied=premultiplied)
    return np.asarray(rgb, dtype=np.uint8)


def _on_white(rgb: npt.NDArray[Any], alpha: Image, *, premultiplied: bool) -> npt.NDArray[Any]:
    """Return RGB (H, W, 3) laid on white with opacity (H, W, 1) of 0..255."""
    if (alpha == 255).all():
        return rgb
    white = 255 - alpha.astype(np.uint16)
    if premultiplied:
        return np.minimum(rgb + white, 255).astype(np.uint8)
    # At most 255 * 255 + 127, which fits 16 bits.
    return ((rgb.astype(np.uint16) * alpha + white * 255 + 127) // 255).astype(np.uint8)


def _from_pillow(image: Any) -> Image:
    """Return a Pillow image as RGB without importing Pillow."""
    exif = image.getexif() if hasattr(image, "getexif") else {}
    turn = Orientation.from_exif(exif.get(_ORIENTATION_TAG, 1))
    try:
        pixels = _pillow_pixels(image)
    except (OSError, SyntaxError) as error:  # Pillow decodes late: this is a damaged file.
        raise InputError(f"cannot read the Pillow image: {error}") from error
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        # To OpenCV's order, so that colour is converted at one place only.
        pixels = pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]
    return turn.apply(_bgr_to_rgb(_checked(pixels)))


def _pillow_pixels(image: Any) -> npt.NDArray[Any]:
    """Return the pixels of a Pillow image: RGB, RGBA, or 16-bit grey."""
    mode = str(image.mode)
    if mode == "F":
        return np.asarray(image, dtype=np.float32)
    if mode == "I" or mode.startswith("I;16"):
        # Pillow's own conversion would clip instead of scaling.
        return np.asarray(np.clip(np.asarray(image), 0, np.iinfo(np.uint16).max), dtype=np.uint16)
    see_through = mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    return np.asarray(image.convert("RGBA" if see_through else "RGB"), dtype=np.uint8)
