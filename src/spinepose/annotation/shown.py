"""What people are shown, by whatever tool: pictures, and keypoints; and what of it they moved.

K keypoints.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container

import numpy as np
import numpy.typing as npt

from spinepose.annotation.project import Project
from spinepose.annotation.records import Guess, Item
from spinepose.errors import DataError
from spinepose.media import encode_image, read_image
from spinepose.media.headers import exif_orientation, image_kind

__all__ = ["MOVED_PX", "is_inside", "moved_keypoints", "read_picture", "shown_places"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOVED_PX = 0.5
"""A keypoint that is not farther than this from where it was shown was left there."""

_ROUNDING_PX = 0.01
"""Of what tools write; a place on the rim may be that far out."""


def is_inside(points: Float64, size: tuple[int, int]) -> Bools:
    """Return which points (M, 2), px, are in a picture; (0, 0) is the middle of its first pixel."""
    least, most = -0.5 - _ROUNDING_PX, np.array(size) - 0.5 + _ROUNDING_PX
    return np.asarray(((points >= least) & (points <= most)).all(axis=1))


def shown_places(guess: Guess, item: Item) -> Float64:
    """Return where keypoints are shown (K, 2), px; NaN outside of the picture: they are not."""
    return np.where(is_inside(guess.keypoints, item.size)[:, None], guess.keypoints, np.nan)


def moved_keypoints(said: Float64, shown: Float64 | None) -> Bools:
    """Return which keypoints (K,) are not where, or not as absent as, they were shown.

    Parameters
    ----------
    said
        (K, 2) px; NaN where absent.
    shown
        The same; `None` if nothing was shown.
    """
    placed = np.isfinite(said).all(axis=1)
    if shown is None:
        return np.asarray(placed)
    away = np.linalg.norm(said - shown, axis=1)  # NaN where either is absent
    return np.asarray((placed != np.isfinite(shown).all(axis=1)) | (away > MOVED_PX))


def read_picture(
    project: Project, item: Item, kinds: Container[str], *, otherwise: str = "png"
) -> tuple[str, bytes]:
    """Return the format and the bytes of an item's picture, for a tool that knows some formats.

    The file itself if the tool shows it as :func:`spinepose.media.read_image` does, turned
    upright; one written anew if not.

    Parameters
    ----------
    project, item
        Whose picture.
    kinds
        Formats that the tool knows, as :func:`spinepose.media.headers.image_kind` calls them.
    otherwise
        Format of one written anew, ``png`` or ``jpeg``.

    Raises
    ------
    DataError
        The picture is gone, or is not what it was when it was added.
    InputError
        It cannot be decoded.
    """
    path = project.picture(item)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if hashlib.sha256(data).hexdigest() != item.sha256:
        raise DataError(f"{path} has changed since it was added to {project.root}; put it back")
    kind = image_kind(data)
    # Of JPEG every tool obeys the orientation, of the others not.
    if kind in kinds and kind is not None and (kind == "jpeg" or exif_orientation(data) == 1):
        return kind, data
    return otherwise, encode_image(read_image(path), f".{otherwise}")
