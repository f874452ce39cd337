"""SimCC: a keypoint as one distribution over columns and one over rows.

Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation", ECCV
2022, arXiv 2107.03332. Bin ``b`` of an axis is the coordinate ``b / split_ratio`` in crop pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.models import ScoreSpec

__all__ = ["calibrate", "decode_axis", "decode_simcc", "log_softmax", "merge_flip"]

Float32 = npt.NDArray[np.float32]

_REACH = 4
"""Bins on each side of the peak that the parabola is fitted to: less than one standard deviation
of the training target, where second peaks do not reach."""

_IDEAL_PEAK = 1 / (np.sqrt(2 * np.pi) * 5.66)
"""Peak probability of the training target, a normal distribution of 5.66 bins (RTMPose)."""


def log_softmax(logits: Float32) -> Float32:
    """Return log-probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def decode_axis(log_chance: Float32) -> tuple[Float32, Float32]:
    """Return the place and the height of the peak.

    Parameters
    ----------
    log_chance
        (N, K, W) log-probabilities over bins.

    Returns
    -------
    bins : (N, K)
        Vertex of a parabola through the log-probabilities near the most probable bin: finer than
        a bin, exact for a normal distribution, and free of far second peaks.
    peak : (N, K)
        Probability of the most probable bin, 0..1.
    """
    best = log_chance.argmax(axis=-1)
    # At the border the window moves inwards, and the vertex is looked for beside its middle.
    middle = np.clip(best, _REACH, log_chance.shape[-1] - 1 - _REACH)
    near = np.arange(-_REACH, _REACH + 1)
    window = np.take_along_axis(log_chance, middle[..., None] + near, axis=-1).astype(np.float64)
    # A normal distribution is a parabola in its logarithm: fit one by least squares.
    square = near**2 - (near**2).mean()
    slope = window @ near / (near**2).sum()
    bend = window @ square / (square**2).sum()
    vertex = -slope / np.where(bend < 0, 2 * bend, -np.inf)
    # Where there is no proper peak the vertex flies away: it must stay near the best bin.
    offset = np.clip(middle + vertex - best, -1, 1)
    peak = np.exp(np.take_along_axis(log_chance, best[..., None], axis=-1)[..., 0])
    return (best + offset).astype(np.float32), peak.astype(np.float32)


def decode_simcc(log_x: Float32, log_y: Float32, split_ratio: float) -> tuple[Float32, Float32]:
    """Return keypoints in crop pixels and how peaked they are.

    Parameters
    ----------
    log_x, log_y
        (N, K, Wx) and (N, K, Wy) log-probabilities over bins.
    split_ratio
        Bins per pixel.

    Returns
    -------
    points : (N, K, 2)
        Crop pixels.
    peaks : (N, K)
        The lower of the two axes' peaks, 0..1, not yet calibrated.
    """
    x, peak_x = decode_axis(log_x)
    y, peak_y = decode_axis(log_y)
    points = np.stack([x, y], axis=-1) / np.float32(split_ratio)
    return points, np.minimum(peak_x, peak_y)


def merge_flip(
    logits: Float32,
    mirrored: Float32,
    flip: npt.NDArray[np.int64],
    split_ratio: float,
    *,
    horizontal: bool,
) -> Float32:
    """Average one axis's distributions with those of the mirror image.

    Parameters
    ----------
    logits, mirrored
        (N, K, W) logits of the crop and of its mirror image.
    flip
        (K,) permutation that swaps left and right.
    split_ratio
        Bins per pixel.
    horizontal
        The axis is x, whose bins run the other way in the mirror.

    Returns
    -------
    log_chance : (N, K, W)
        Log of the mean probability.
    """
    back = log_softmax(mirrored[:, flip])
    if horizontal:
        # Pixel x of the crop is pixel (width - 1 - x) of its mirror image. In bins that is
        # (W - split_ratio - b), and plain reversal would give (W - 1 - b).
        shift = round(split_ratio) - 1
        back = back[..., ::-1]
        back = np.concatenate([back[..., shift:], back[..., :shift]], axis=-1)
    return np.asarray(np.logaddexp(log_softmax(logits), back) - np.log(2.0), dtype=np.float32)


def calibrate(peaks: Float32, spec: ScoreSpec | None) -> Float32:
    """Turn peaks (N, K) into scores (N, K): the chance of being within OKS .5, by the card's map.

    Without a map the score is the peak's share of the training target's.
    """
    if spec is None:
        return np.asarray(np.minimum(peaks / _IDEAL_PEAK, 1.0), dtype=np.float32)
    odds = spec.a * np.log(np.clip(peaks, 1e-9, 1.0)) + spec.b
    return np.asarray(1.0 / (1.0 + np.exp(-odds)), dtype=np.float32)
