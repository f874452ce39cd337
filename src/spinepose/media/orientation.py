"""The eight ways in which a camera may have lain, and how to turn its pictures upright."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["UPRIGHT", "Orientation"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """Swap rows and columns, then mirror: in this order.

    Parameters
    ----------
    transpose
        Swap x and y first.
    flip_x
        Then mirror left and right.
    flip_y
        Then mirror top and bottom.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def from_exif(cls, value: object) -> Orientation:
        """Return the orientation for the value of EXIF tag 274; unknown values are upright."""
        return _EXIF.get(value, UPRIGHT) if isinstance(value, int) else UPRIGHT

    @classmethod
    def from_display_matrix(cls, matrix: Sequence[int] | npt.NDArray[np.int32]) -> Orientation:
        """Return the orientation nearest to the display matrix of a video.

        Parameters
        ----------
        matrix
            (9,) ``a b u c d v x y w``: a stored pixel (p, q) is shown at
            (a p + c q, b p + d q), up to a shift (ISO/IEC 14496-12, 6.2.2).
        """
        a, b, _, c, d = (int(value) for value in matrix[:5])
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @property
    def degrees(self) -> int:
        """Clockwise turn in degrees, 0 90 180 or 270; a mirror image counts as its turn."""
        if self.transpose:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    def apply(self, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the upright image (H, W, ...), C-contiguous; a copy only where needed."""
        if self.transpose:
            image = image.swapaxes(0, 1)
        if self.flip_x:
            image = image[:, ::-1]
        if self.flip_y:
            image = image[::-1]
        return np.ascontiguousarray(image)


UPRIGHT = Orientation()

_EXIF: dict[object, Orientation] = {
    1: UPRIGHT,
    2: Orientation(flip_x=True),
    3: Orientation(flip_x=True, flip_y=True),
    4: Orientation(flip_y=True),
    5: Orientation(transpose=True),
    6: Orientation(transpose=True, flip_x=True),
    7: Orientation(transpose=True, flip_x=True, flip_y=True),
    8: Orientation(transpose=True, flip_y=True),
}
"""TIFF 6.0, tag 274 'Orientation'."""
