"""Many pictures on one sheet, to look at them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["contact_sheet"]

UInt8 = npt.NDArray[np.uint8]

_GROUND = 24
_CAPTION_PX = 18


def contact_sheet(
    images: Sequence[UInt8],
    columns: int,
    tile: tuple[int, int] = (256, 256),
    captions: Sequence[str] | None = None,
) -> UInt8:
    """Lay pictures out in rows, each fitted into a tile without stretching.

    Parameters
    ----------
    images
        (H, W, 3) RGB uint8 of any sizes.
    columns
        Tiles in a row.
    tile
        Width and height of a tile in px, without its caption.
    captions
        One line below each picture.

    Returns
    -------
    sheet : (H, W, 3)
        RGB uint8.

    Raises
    ------
    ValueError
        There are no pictures, or another number of captions.
    """
    import cv2

    if not images or columns < 1:
        raise ValueError("a sheet needs at least one picture and one column")
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"{len(images)} pictures, {len(captions)} captions")
    width, height = tile
    full = height + (_CAPTION_PX if captions is not None else 0)
    rows = -(-len(images) // columns)
    sheet = np.full((rows * full, columns * width, 3), _GROUND, dtype=np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        scale = min(width / image.shape[1], height / image.shape[0])
        w, h = (max(1, round(side * scale)) for side in (image.shape[1], image.shape[0]))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        x, y = column * width + (width - w) // 2, row * full + (height - h) // 2
        sheet[y : y + h, x : x + w] = cv2.resize(image, (w, h), interpolation=way)
        if captions is not None:
            at = (column * width + 4, row * full + height + _CAPTION_PX - 5)
            cv2.putText(
                sheet,
                captions[number],
                at,
                cv2.FONT_HERSHEY_SIMPLEX,
                0.42,
                (230, 230, 230),
                1,
                cv2.LINE_AA,
            )
    return sheet
