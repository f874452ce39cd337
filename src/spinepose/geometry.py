"""Boxes, crops and similarity of poses: pure functions on arrays.

Points are in pixels, x to the right and y down, (0, 0) = centre of the top left pixel. Boxes are
``x1 y1 x2 y2`` on pixel borders, so that a frame is ``0 0 width height``: half a pixel apart from
points, which only matters to :func:`crop_transforms`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "apply_affine",
    "area_of",
    "box_iou",
    "boxes_from_keypoints",
    "clip_boxes",
    "crop_transforms",
    "invert_affine",
    "keypoint_similarity",
]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.floating]


def area_of(boxes: FloatArray) -> FloatArray:
    """Return the area (...,) in square pixels of boxes (..., 4); inverted boxes have none."""
    sides = np.clip(boxes[..., 2:] - boxes[..., :2], 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1])


def clip_boxes(boxes: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Return boxes (N, 4) cut at the borders of a frame of `size` = (width, height)."""
    width, height = size
    limits = np.array([width, height, width, height], dtype=boxes.dtype)
    return np.clip(boxes, 0, limits)


def box_iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return intersection over union (N, M) of boxes (N, 4) and (M, 4); 0 for empty boxes."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = area_of(np.concatenate([low, high], axis=-1))
    union = area_of(a)[:, None] + area_of(b)[None, :] - inter
    return np.asarray(inter / np.maximum(union, np.finfo(inter.dtype).eps))


def boxes_from_keypoints(
    keypoints: FloatArray, scores: FloatArray, threshold: float, margin: float = 0.0
) -> FloatArray:
    """Return the tight boxes (N, 4) of the keypoints that are sure enough.

    Parameters
    ----------
    keypoints
        (N, K, 2) px; NaN = missing.
    scores
        (N, K) in 0..1.
    threshold
        Keypoints scored lower do not count, so that one lost joint cannot blow up the box.
    margin
        Share of the box's size added on each side.

    Returns
    -------
    boxes : (N, 4)
        NaN for people with fewer than two such keypoints.
    """
    sure = (scores >= threshold) & np.isfinite(keypoints).all(axis=-1)
    low = np.where(sure[..., None], keypoints, np.inf).min(axis=1, initial=np.inf)
    high = np.where(sure[..., None], keypoints, -np.inf).max(axis=1, initial=-np.inf)
    boxes = np.concatenate([low, high], axis=-1)
    boxes[sure.sum(axis=1) < 2] = np.nan
    pad = margin * (boxes[:, 2:] - boxes[:, :2])
    boxes[:, :2] -= pad
    boxes[:, 2:] += pad
    return np.asarray(boxes.astype(keypoints.dtype))


def crop_transforms(boxes: FloatArray, size: tuple[int, int], padding: float = 1.25) -> Float64:
    """Return the affine maps from the frame to one crop per box.

    The box is padded about its centre and widened or heightened to the crop's shape, so that
    nothing is stretched. Pixel centres map to pixel centres (the corner of the frame's box maps
    to the corner of the crop).

    Parameters
    ----------
    boxes
        (N, 4) px; an empty box is taken as one pixel wide.
    size
        Crop width and height in pixels.
    padding
        Factor on the box's sides; 1.25 for RTMPose (Jiang et al. 2023, arXiv 2303.07399).

    Returns
    -------
    transforms : (N, 2, 3)
        ``crop_xy = transforms[:, :, :2] @ frame_xy + transforms[:, :, 2]``, as for
        ``cv2.warpAffine`` without ``WARP_INVERSE_MAP``.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    width, height = size
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0) * padding
    # Crop pixels per frame pixel, limited by the tighter of the two sides.
    scale = np.minimum(width / sides[:, 0], height / sides[:, 1])
    transforms = np.zeros((len(boxes), 2, 3))
    transforms[:, 0, 0] = transforms[:, 1, 1] = scale
    middle = (np.array([width, height]) - 1) / 2
    transforms[:, :, 2] = middle - scale[:, None] * (centres - 0.5)
    return transforms


def invert_affine(transforms: Float64) -> Float64:
    """Return the inverse maps (N, 2, 3) of affine maps (N, 2, 3)."""
    linear = np.linalg.inv(transforms[:, :, :2])
    shift = -linear @ transforms[:, :, 2:]
    return np.concatenate([linear, shift], axis=2)


def apply_affine(transforms: Float64, points: FloatArray) -> FloatArray:
    """Map points (N, K, 2) by one affine map each (N, 2, 3)."""
    mapped = points @ transforms[:, :, :2].transpose(0, 2, 1) + transforms[:, None, :, 2]
    return np.asarray(mapped.astype(points.dtype))


def keypoint_similarity(
    a: FloatArray,
    b: FloatArray,
    sigmas: FloatArray,
    areas: FloatArray,
    weights_a: FloatArray | None = None,
    weights_b: FloatArray | None = None,
) -> Float64:
    """Return the object keypoint similarity (OKS) of every pair of people.

    ``OKS = sum_k w_k exp(-d_k^2 / (2 A (2 sigma_k)^2)) / sum_k w_k`` (COCO keypoint evaluation;
    Ronchi and Perona, ICCV 2017), summed over the keypoints that both have.

    Parameters
    ----------
    a, b
        (N, K, 2) and (M, K, 2) px; NaN = missing.
    sigmas
        (K,) falloffs.
    areas
        (M,) areas A of the people in `b`, square pixels.
    weights_a, weights_b
        (N, K) and (M, K), for instance scores; a pair's keypoint counts with their product.

    Returns
    -------
    similarity : (N, M)
        In 0..1; 0 where two people share no keypoint.
    """
    squared = ((a[:, None].astype(np.float64) - b[None].astype(np.float64)) ** 2).sum(axis=-1)
    shared = np.isfinite(squared)
    weights = shared.astype(np.float64)
    if weights_a is not None:
        weights *= weights_a[:, None]
    if weights_b is not None:
        weights *= weights_b[None]
    spread = 2 * np.maximum(areas, 1e-9)[None, :, None] * (2 * sigmas.astype(np.float64)) ** 2
    near = np.exp(-np.where(shared, squared, 0) / spread)
    total = weights.sum(axis=-1)
    return np.asarray((near * weights).sum(axis=-1) / np.where(total > 0, total, 1))
