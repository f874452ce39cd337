"""Know pictures again: those with the same bytes, and those that show nearly the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.errors import InputError
from spinepose.media.headers import image_kind, image_size, is_complete
from spinepose.media.images import MAX_PIXELS
from spinepose.media.quiet import quiet_opencv

__all__ = ["Fingerprint", "fingerprint", "near_pairs"]

UInt8 = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_BITS = 64
_NEAR_BITS = 8
"""Of 64 that may differ between two pictures that show nearly the same."""
_TINY = 16
"""Side of the grey picture that is compared where the bits are nearly the same."""
_NEAR_GREY = 0.9
"""Correlation of its grey values from which two pictures are nearly the same, in whatever tone."""
_LEAST_CONTRAST = 6.0
"""Deviation of its grey values: below, pictures hold too little to be told apart."""
_LEAST_SIDE = 64
"""A JPEG is decoded at an eighth, a quarter or half of its size, which is many times faster. What
is left has this side at least: its last row and column are of fewer pixels than the others."""
_BLOCK = 512
_PAIRS = 1 << 16
"""So many are compared at a time: frames of a video are all alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What a picture is known by.

    Parameters
    ----------
    size
        Width and height in px, turned upright as its EXIF data says.
    digest
        SHA-256 of the file.
    bits
        (64,) whether it gets brighter to the right, in 8 rows of 8 (difference hash).
    tiny
        (16, 16) grey values.
    """

    size: tuple[int, int]
    digest: bytes
    bits: Bools
    tiny: UInt8


def fingerprint(path: Path) -> Fingerprint:
    """Read a picture once, and decode no more of it than is needed.

    The bits are a difference hash: the picture is shrunk to 9 x 8 grey values, and each is
    compared with its right neighbour (Krawetz, "Kind of Like That", 2013). They outlast another
    size and another quality, not a crop or a turn.

    Raises
    ------
    InputError
        It is missing, damaged or no picture.
    """
    import cv2

    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if image_kind(data) is None or not is_complete(data):
        raise InputError(f"{path} is cut short, or no picture")
    grey, size = _grey(path, data)
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int64)
    tiny = cv2.resize(grey, (_TINY, _TINY), interpolation=cv2.INTER_AREA)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return Fingerprint(size, sha256(data).digest(), bits, np.asarray(tiny, np.uint8))


def _grey(path: Path, data: bytes) -> tuple[UInt8, tuple[int, int]]:
    """Return a picture in grey, at some scale, and its full upright size."""
    import cv2

    size = image_size(data)
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise InputError(f"{path} has {size[0]} x {size[1]} px: too large")
    scales = (8, 4, 2) if image_kind(data) == "jpeg" and size is not None else ()
    for scale in scales:
        assert size is not None
        if min(size) < scale * _LEAST_SIDE:
            continue
        grey = _decoded(path, data, getattr(cv2, f"IMREAD_REDUCED_GRAYSCALE_{scale}"))
        # The decoder has turned it upright: the shape tells whether that swapped the sides.
        fits = {s for s in (size, size[::-1]) if _reduced(s, scale) == grey.shape[::-1]}
        if len(fits) == 1:
            return grey, fits.pop()
    grey = _decoded(path, data, cv2.IMREAD_GRAYSCALE)
    return grey, (grey.shape[1], grey.shape[0])


def _reduced(size: tuple[int, int], scale: int) -> tuple[int, int]:
    return -(-size[0] // scale), -(-size[1] // scale)


def _decoded(path: Path, data: bytes, flag: int) -> UInt8:
    import cv2

    try:
        with quiet_opencv():
            image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        image = None
    if image is None:
        raise InputError(f"{path} is damaged, or of an unknown kind")
    return np.asarray(image, np.uint8)


def near_pairs(prints: Sequence[Fingerprint]) -> Int64:
    """Return which pictures show nearly the same, as pairs (P, 2) of positions, lower ones first.

    Every picture is compared with every other one. Written as -1 and 1, the scalar product of
    two hashes is 64 less twice the number of bits that differ: one matrix product for a block.
    Pairs are kept if their grey values agree too; pictures without contrast have none.

    Parameters
    ----------
    prints
        Of N pictures.
    """
    if not prints:
        return np.empty((0, 2), np.int64)
    tiny = np.stack([print_.tiny for print_ in prints]).reshape(len(prints), -1)
    rows = np.flatnonzero(tiny.std(axis=1) >= _LEAST_CONTRAST)
    signs = np.stack([print_.bits for print_ in prints])[rows].astype(np.float32) * 2 - 1
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(rows), _BLOCK):
        block = signs[start : start + _BLOCK] @ signs[start:].T
        first, second = np.nonzero(np.triu(block >= _BITS - 2 * _NEAR_BITS, 1))
        pairs = rows[np.stack([first, second], axis=1) + start]
        for part in range(0, len(pairs), _PAIRS):
            some = pairs[part : part + _PAIRS]
            found.append(some[_correlation(tiny[some[:, 0]], tiny[some[:, 1]]) >= _NEAR_GREY])
    return np.concatenate(found)


def _correlation(a: UInt8, b: UInt8) -> npt.NDArray[np.float32]:
    """Return how alike the rows of grey values (P, V) and (P, V) are, -1..1."""
    x, y = (grey - grey.mean(axis=1, keepdims=True, dtype=np.float32) for grey in (a, b))
    size = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.asarray((x * y).sum(axis=1) / size, np.float32)
