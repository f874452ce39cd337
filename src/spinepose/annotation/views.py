"""See a person several times: as they are, mirrored, turned a little, nearer, darker.

A keypoint that stays on its place of the body in all views is learned well; one that wanders is
worth a look (Gal and Ghahramani 2016, ICML, do the same with the network instead of the picture;
Wang et al. 2019, Neurocomputing 338:34, with the picture). N people, V views.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.evaluation.peers import Reader
from spinepose.geometry import apply_affine, crop_transforms, invert_affine
from spinepose.skeleton import SPINETRACK

__all__ = ["BOX", "MIRRORED", "PLAIN", "SIDE", "VIEWS", "View", "patches_of", "read_views"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

SIDE = 384
"""Pixels of the square that is cut out around a person."""
_AROUND = 1.6
"""Side of the square in longer sides of the box: what a network looks at (1.25), turned and moved,
stays inside."""
BOX = np.array([0.5 - 0.5 / _AROUND] * 2 + [0.5 + 0.5 / _AROUND] * 2) * SIDE
"""(4,) of the person in the square."""


@dataclass(frozen=True, slots=True)
class View:
    """How the square is changed.

    Attributes
    ----------
    turn
        Degrees about its middle.
    scale
        Factor.
    shift
        To the right and down, sides.
    light
        Factor of all colours.
    mirrored
        Left and right are exchanged first.
    """

    turn: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    light: float = 1.0
    mirrored: bool = False

    def affine(self) -> Float64:
        """Return the map (2, 3) from the square to the view."""
        angle = np.radians(self.turn)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = self.scale * turn @ np.diag([-1.0 if self.mirrored else 1.0, 1.0])
        middle = np.full(2, (SIDE - 1) / 2)
        place = middle - linear @ middle + SIDE * np.array(self.shift)
        return np.concatenate([linear, place[:, None]], axis=1)


VIEWS = (
    View(),
    View(mirrored=True),
    View(turn=8, scale=0.95, shift=(0.02, -0.01)),
    View(turn=-8, scale=1.05, light=0.7),
    View(turn=3, shift=(-0.02, 0.02), light=1.3),
)
"""What :func:`read_views` looks at: as much as detectors and cameras differ anyway."""
PLAIN, MIRRORED = 0, 1
"""Their indices in :data:`VIEWS`."""


def patches_of(image: UInt8, boxes: npt.ArrayLike) -> tuple[UInt8, Float64]:
    """Cut out the square around each person.

    Parameters
    ----------
    image
        (H, W, 3) RGB.
    boxes
        (N, 4) px.

    Returns
    -------
    patches : (N, SIDE, SIDE, 3)
        Black outside of the image.
    affines : (N, 2, 3)
        From the image's pixels to the patch's.
    """
    affines = crop_transforms(np.asarray(boxes, np.float64), (SIDE, SIDE), _AROUND)
    patches = np.empty((len(affines), SIDE, SIDE, 3), np.uint8)
    for patch, affine in zip(patches, affines, strict=True):
        _cut(image, affine, patch)
    return patches, affines


def read_views(reader: Reader, patches: UInt8, affines: Float64) -> Float64:
    """Read people in all :data:`VIEWS`.

    Parameters
    ----------
    reader
        The network.
    patches, affines
        (N, SIDE, SIDE, 3) and (N, 2, 3) of :func:`patches_of`.

    Returns
    -------
    answers : (V, N, 37, 3)
        x, y in pixels of the image and a score; NaN and 0 where the reader knows nothing.
    """
    answers = np.zeros((len(VIEWS), len(patches), len(SPINETRACK), 3))
    for i, (patch, affine) in enumerate(zip(patches, affines, strict=True)):
        answers[:, i] = _read(reader, patch, affine)
    return answers


def _read(reader: Reader, patch: UInt8, affine: Float64) -> Float64:
    """Return the answers (V, 37, 3) about one person."""
    ways = np.stack([view.affine() for view in VIEWS])
    # One wide picture with all views side by side: one batch for the network.
    strip = np.concatenate(
        [_changed(patch, view, way) for view, way in zip(VIEWS, ways, strict=True)], axis=1
    )
    offsets = SIDE * np.arange(len(VIEWS))
    boxes = BOX + offsets[:, None] * np.array([1, 0, 1, 0])
    answers = reader.read(strip, boxes).astype(np.float64)
    answers[..., 0] -= offsets[:, None]
    back = invert_affine(np.broadcast_to(affine, ways.shape))
    answers[..., :2] = apply_affine(back, apply_affine(invert_affine(ways), answers[..., :2]))
    mirrored = [view.mirrored for view in VIEWS]
    answers[mirrored] = answers[mirrored][:, SPINETRACK.flip]
    return answers


def _changed(patch: UInt8, view: View, way: Float64) -> UInt8:
    """Return a view (SIDE, SIDE, 3) of a patch."""
    import cv2

    changed = cv2.warpAffine(patch, way, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    if view.light != 1:
        changed = cv2.convertScaleAbs(changed, alpha=view.light)
    return np.asarray(changed, np.uint8)


def _cut(image: UInt8, affine: Float64, patch: UInt8) -> None:
    """Write to `patch` what a map (2, 3) from the image's pixels shows.

    Warping samples points: the part of a much larger person is averaged down first.
    """
    import cv2

    corners = np.array([[[0.0, 0.0], [SIDE, SIDE]]]) - 0.5
    low, high = apply_affine(invert_affine(affine[None]), corners)[0]
    limits = np.array(image.shape[1::-1])
    start = np.clip(np.floor(low), 0, limits - 1).astype(int)
    end = np.maximum(np.clip(np.ceil(high) + 1, 0, limits).astype(int), start + 1)
    part, way = image[start[1] : end[1], start[0] : end[0]], affine.copy()
    way[:, 2] += way[:, :2] @ start
    while way[0, 0] < 0.5 and min(part.shape[:2]) > 2:
        part = np.asarray(cv2.pyrDown(part), np.uint8)  # keeps every second pixel: q was 2 q
        way[:, :2] *= 2
    cv2.warpAffine(part, way, (SIDE, SIDE), dst=patch, flags=cv2.INTER_LINEAR)
