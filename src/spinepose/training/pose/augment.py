"""Change a person's picture on the fly: geometry, colour, sharpness, hidden parts.

Everything draws from one ``numpy.random.Generator``, so that a run can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.geometry import apply_affine, crop_transforms
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.people import Person

__all__ = ["Strength", "augmented_crop", "plain_crop"]

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

SIDE = 256
UPPER = SPINETRACK.indices(
    [n for n in SPINETRACK.keypoints if not any(p in n for p in ("knee", "ankle", "toe", "heel"))]
)
LOWER = SPINETRACK.indices(
    [
        n
        for n in SPINETRACK.keypoints
        if any(p in n for p in ("hip", "knee", "ankle", "toe", "heel", "spine_01", "spine_02"))
    ]
)


@dataclass(frozen=True)
class Strength:
    """How hard pictures are changed.

    Parameters
    ----------
    scale
        Standard deviation of the logarithm of the size.
    turn, wild_turn, wild
        Standard deviation of the rotation in degrees; instead of it, with chance `wild`, any
        angle within +-`wild_turn` (handstands, gymnastics).
    shift
        Standard deviation of the shift as a share of the crop.
    colour, cover, half
        Chance of a colour change, of a covering patch, of showing one half of the body.
    """

    scale: float = 0.15
    turn: float = 25.0
    wild_turn: float = 180.0
    wild: float = 0.1
    shift: float = 0.03
    colour: float = 0.7
    cover: float = 0.35
    half: float = 0.1


def plain_crop(image: Image, box: FloatArray) -> tuple[Image, npt.NDArray[np.float64]]:
    """Return the unchanged crop (256, 256, 3) of one box (4,) and the affine map (2, 3) to it."""
    affine = crop_transforms(box[None], (SIDE, SIDE))[0]
    return _warped(image, affine), affine


def _warped(image: Image, affine: npt.NDArray[np.float64]) -> Image:
    return np.asarray(cv2.warpAffine(image, affine, (SIDE, SIDE)), dtype=np.uint8)


def _half_box(person: Person, rng: np.random.Generator) -> FloatArray:
    """Return a box (4,) around the upper or the lower half, or the whole box if unlabelled."""
    rows = UPPER if rng.random() < 0.6 else LOWER
    points = person.keypoints[rows][person.trust[rows] > 0]
    if len(points) < 6:
        return person.box
    low, high = points.min(axis=0), points.max(axis=0)
    pad = 0.15 * float((high - low).max())
    return np.concatenate([low - pad, high + pad]).astype(np.float32)


def _placement(person: Person, rng: np.random.Generator, how: Strength) -> npt.NDArray[np.float64]:
    """Return a random affine map (2, 3) from the picture to the crop, mirroring left out."""
    box = _half_box(person, rng) if rng.random() < how.half else person.box
    affine = np.vstack([crop_transforms(box[None], (SIDE, SIDE))[0], [0, 0, 1]])
    turn = rng.normal(0, how.turn) if rng.random() < 0.7 else 0.0
    if rng.random() < how.wild:
        turn = rng.uniform(-how.wild_turn, how.wild_turn)
    size = float(np.exp(np.clip(rng.normal(-0.03, how.scale), -0.45, 0.35)))
    middle = ((SIDE - 1) / 2, (SIDE - 1) / 2)
    placed = cv2.getRotationMatrix2D(middle, turn, size) @ affine
    placed[:, 2] += rng.normal(0, how.shift * SIDE, 2)
    return np.asarray(placed, dtype=np.float64)


def _recoloured(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture with another gain, contrast, saturation and hue cast."""
    x = image.astype(np.float32)
    gain = np.exp(rng.normal(0, 0.12, 3) + rng.normal(0, 0.2))
    x = (x - 127.5) * rng.uniform(0.7, 1.3) + 127.5
    x *= gain
    grey = x.mean(axis=2, keepdims=True)
    saturation = 0.0 if rng.random() < 0.12 else rng.uniform(0.5, 1.4)
    return np.asarray(np.clip(grey + (x - grey) * saturation, 0, 255), np.uint8)


def _degraded(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture blurred, noisy, or coarse from strong JPEG compression."""
    kind = rng.integers(0, 4)
    if kind == 0:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 2.0)), np.uint8)
    if kind == 1:
        noise = rng.normal(0, rng.uniform(2, 12), image.shape)
        return np.asarray(np.clip(image + noise, 0, 255), np.uint8)
    if kind == 2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 70))]
        packed = cv2.imencode(".jpg", image, quality)[1]
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    small = int(SIDE / rng.uniform(1.5, 3.5))
    low = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(low, (SIDE, SIDE)), np.uint8)


def _covered(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture with one or two patches of colour or of another place in it."""
    image = image.copy()
    for _ in range(int(rng.integers(1, 3))):
        w, h = rng.integers(20, 80, 2)
        x, y = rng.integers(0, SIDE - w), rng.integers(0, SIDE - h)
        patch = np.asarray(rng.integers(0, 256, 3), np.uint8)
        if rng.random() < 0.5:
            u, v = rng.integers(0, SIDE - w), rng.integers(0, SIDE - h)
            patch = image[v : v + h, u : u + w].copy()
        image[y : y + h, x : x + w] = patch
    return image


def augmented_crop(
    image: Image, person: Person, rng: np.random.Generator, how: Strength
) -> tuple[Image, FloatArray, FloatArray]:
    """Return a changed crop, its keypoints and their trust.

    Parameters
    ----------
    image
        (H, W, 3) RGB picture of `person`.
    person
        Box, labels and trust in picture pixels.
    rng
        Source of all randomness.
    how
        Strength of the changes.

    Returns
    -------
    crop : (256, 256, 3) uint8 RGB
    keypoints : (37, 2) crop pixels; 0 where unlabelled
    trust : (37,) 0 where unlabelled or outside the crop
    """
    affine = _placement(person, rng, how)
    crop = _warped(image, affine)
    points = apply_affine(affine[None], person.keypoints[None].astype(np.float64))[0]
    trust = person.trust.copy()
    if rng.random() < 0.5:
        crop = np.ascontiguousarray(crop[:, ::-1])
        points[:, 0] = SIDE - 1 - points[:, 0]
        points, trust = points[SPINETRACK.flip], trust[SPINETRACK.flip]
    if rng.random() < how.colour:
        crop = _recoloured(crop, rng)
    if rng.random() < 0.3:
        crop = _degraded(crop, rng)
    if rng.random() < how.cover:
        crop = _covered(crop, rng)
    inside = np.isfinite(points).all(axis=1) & (points >= 0).all(axis=1)
    inside &= (points <= SIDE - 1).all(axis=1)
    trust = np.where(inside, trust, 0).astype(np.float32)
    return crop, np.nan_to_num(points).astype(np.float32), trust
