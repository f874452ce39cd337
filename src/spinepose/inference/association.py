"""Who is who: compare tracked people with the people of a new frame, and pair them up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.geometry import area_of, box_iou, keypoint_similarity

__all__ = ["match", "match_in_stages", "similarity_matrix"]

Float64 = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.floating]
Int64 = npt.NDArray[np.int64]

_LEAST_AREA = 16.0**2
"""Square pixels: smaller people are compared as if they were this large, because keypoints are
not placed better than to about a pixel, however small the person."""

_LEAST_BUFFER = 1.5
"""Pixels added around every box before boxes are intersected, for the same reason."""


def similarity_matrix(
    keypoints: FloatArray,
    scores: FloatArray,
    boxes: FloatArray,
    seen_keypoints: FloatArray,
    seen_scores: FloatArray,
    seen_boxes: FloatArray,
    sigmas: FloatArray,
    *,
    oks_weight: float = 0.5,
    spread: FloatArray | None = None,
) -> Float64:
    """Return how alike T predicted and N seen people are.

    The weighted mean of object keypoint similarity (COCO; Ronchi and Perona, ICCV 2017) and of
    buffered intersection over union (Yang et al., "Hard to Track Objects with Irregular Motions
    and Similar Appearances?", WACV 2023). Where one of the two cannot be had (no keypoint in
    common, a box that is NaN) the other counts alone.

    Parameters
    ----------
    keypoints, scores, boxes
        (T, K, 2) px, (T, K) in 0..1 and (T, 4) px of the tracks, at the time of the new frame.
    seen_keypoints, seen_scores, seen_boxes
        (N, K, 2), (N, K) and (N, 4) of the new frame; NaN = missing.
    sigmas
        (K,) falloffs of the skeleton.
    oks_weight
        Weight of the keypoints against the boxes, 0..1.
    spread
        (T,) how uncertain the predicted places are, as a share of the square root of the
        person's area: widens the falloffs and the boxes, and in return divides the result by one
        plus itself, so that of two tracks in the same place the surer one is preferred. By
        default 0.

    Returns
    -------
    similarity : (T, N)
        In 0..1.
    """
    doubt = np.zeros(len(boxes)) if spread is None else spread.astype(np.float64)
    predicted, seen = boxes.astype(np.float64), seen_boxes.astype(np.float64)
    sides = np.sqrt(np.maximum(np.nan_to_num(area_of(predicted)), _LEAST_AREA))
    # Adding the spread to the falloffs is the same as enlarging the person.
    areas = (sides * (1 + doubt / max(float(np.mean(sigmas)), 1e-6))) ** 2
    oks = keypoint_similarity(
        seen_keypoints, keypoints, sigmas, areas, weights_a=seen_scores, weights_b=scores
    ).T
    comparable = _share_keypoints(keypoints, scores, seen_keypoints, seen_scores)
    iou = _buffered_iou(predicted, seen, doubt * sides + _LEAST_BUFFER)
    boxed = np.isfinite(iou)
    weight = np.where(comparable, np.where(boxed, oks_weight, 1.0), 0.0)
    similarity = weight * oks + (1 - weight) * np.where(boxed, iou, 0.0)
    return np.asarray(similarity / (1 + doubt[:, None]))


def _share_keypoints(
    keypoints: FloatArray, scores: FloatArray, seen_keypoints: FloatArray, seen_scores: FloatArray
) -> npt.NDArray[np.bool_]:
    """Tell (T, N) which pairs have a keypoint in common."""
    known = (np.isfinite(keypoints).all(axis=-1) & (scores > 0)).astype(np.float32)
    seen = (np.isfinite(seen_keypoints).all(axis=-1) & (seen_scores > 0)).astype(np.float32)
    return np.asarray(known @ seen.T > 0)


def _buffered_iou(predicted: Float64, seen: Float64, buffers: Float64) -> Float64:
    """Return the intersection over union (T, N) of boxes widened by (T,) px; NaN where unknown."""
    result = np.empty((len(predicted), len(seen)))
    outwards = np.array([-1, -1, 1, 1])
    for row, (box, buffer) in enumerate(zip(predicted, buffers, strict=True)):
        wider = buffer * outwards
        result[row] = box_iou((box + wider)[None], seen + wider)[0]
    result[np.isnan(predicted).any(axis=1)] = np.nan
    result[:, np.isnan(seen).any(axis=1)] = np.nan
    return result


def match(similarity: FloatArray, threshold: float) -> tuple[Int64, Int64, Int64]:
    """Pair rows with columns so that the sum of similarities is largest.

    The Hungarian method (Kuhn 1955; Crouse, IEEE Trans. AES 2016) on the pairs that reach the
    threshold: nobody is pushed into a bad pair so that somebody else gets any pair at all.

    Parameters
    ----------
    similarity
        (T, N), larger is better.
    threshold
        Pairs below it are never made.

    Returns
    -------
    pairs : (M, 2)
        Row and column, sorted by row.
    unmatched_rows, unmatched_columns
        The rest, sorted.
    """
    from scipy.optimize import linear_sum_assignment

    allowed = np.asarray(similarity >= threshold)
    rows, columns = linear_sum_assignment(np.where(allowed, similarity, 0.0), maximize=True)
    kept = allowed[rows, columns]
    pairs = np.stack([rows[kept], columns[kept]], axis=1).astype(np.int64)
    return _with_rest(pairs, similarity)


def match_in_stages(
    similarity: FloatArray, fresh: npt.NDArray[np.bool_], *, sure: float, threshold: float
) -> tuple[Int64, Int64, Int64]:
    """Pair the sure ones first, then the rest.

    People seen a moment ago choose first, at the high threshold, so that a track that has been
    lost for a while (and is therefore sought far around) takes nobody away from them; then
    whoever is left, lost or not, at the low one. The order of ByteTrack (Zhang et al., ECCV
    2022), with the age of a track in place of the score of a detection.

    Parameters
    ----------
    similarity
        (T, N).
    fresh
        (T,) which rows belong to the first stage.
    sure, threshold
        Least similarity in the first and in the second stage.

    Returns
    -------
    pairs, unmatched_rows, unmatched_columns
        As from :func:`match`.
    """
    first, _, _ = match(np.where(fresh[:, None], similarity, -np.inf), sure)
    left = np.array(similarity, dtype=np.float64)
    left[first[:, 0], :] = -np.inf
    left[:, first[:, 1]] = -np.inf
    second, _, _ = match(left, threshold)
    pairs = np.concatenate([first, second])
    return _with_rest(pairs[np.argsort(pairs[:, 0])], similarity)


def _with_rest(pairs: Int64, similarity: FloatArray) -> tuple[Int64, Int64, Int64]:
    """Return pairs together with the rows and the columns that are in none."""
    rows, columns = (np.arange(n, dtype=np.int64) for n in similarity.shape)
    return pairs, np.setdiff1d(rows, pairs[:, 0]), np.setdiff1d(columns, pairs[:, 1])
