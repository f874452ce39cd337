"""A procedural place as the tracer takes it: what the columns of its tables mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["LAMP_COLUMNS", "LIGHT_COLUMNS", "RECT_COLUMNS", "ROOM_COLUMNS", "Tables"]

Float32 = npt.NDArray[np.float32]

ROOM_COLUMNS = 18
"""0 whether there are walls, 1-2 x, 3-4 y, 5 height, 6-9 materials of the walls at low x, high x,
low y, high y, 10 of the floor, 11 of the ceiling, 12 height and 13 material of the skirting, 14
whether the floor is plain, 15 how dark corners are, 16 height and 17 material of a lower wall."""

RECT_COLUMNS = 10
"""0 surface (0-3 walls as in the room, 4 ceiling), 1-2 u, 3-4 v, 5 material, 6 width and 7 material
of the frame, 8 how much it mirrors, 9 whether the sun shines through."""

LAMP_COLUMNS = 10
"""0-2 where, 3-5 which way it shines, 6-8 colour that a white surface 1 m away reflects, 9 size
squared."""

LIGHT_COLUMNS = 14
"""0-2 toward the sun, 3-5 its colour, 6-8 soft light from above, 9-11 from below, 12 exposure, 13
whether the sun comes only through windows."""


class Tables(NamedTuple):
    """A procedural place as the tracer takes it: rows of float32."""

    room: Float32
    rects: Float32
    solids: Float32
    marks: Float32
    materials: Float32
    lamps: Float32
    sky: Float32
    layers: Float32
    light: Float32
