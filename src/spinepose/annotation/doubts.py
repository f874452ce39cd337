"""Why a guess may be wrong, in numbers, and what a person looks like.

Every doubt is in 0..1. Distances ``d`` become ``d / (d + h)``: 0 where nothing disagrees, a half at
``h``, 1 far away. Each ``h`` is about the median of rendered people that the shipped networks never
saw (``benchmarks/selection.py`` prints it), so that the doubts weigh the same on average.

==============  ==================================================================================
``score``       1 - mean score of the least sure keypoints
``flip``        how far picture and mirror image disagree, in sides of the box
``variance``    how far the places scatter when the picture is turned, scaled and lit otherwise
``implausible`` how far the keypoints are from those of any body, in body heights
==============  ==================================================================================

The first three are means of two numbers: over the spine, and over all keypoints. N people, V views.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from spinepose.annotation.views import MIRRORED, PLAIN, SIDE, VIEWS
from spinepose.skeleton import SPINETRACK

__all__ = ["HALVES", "describe", "doubts_of", "feature_of", "spread_of", "total_doubt"]

Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

HALVES: Mapping[str, float] = {"flip": 0.02, "variance": 0.012, "implausible": 0.02}
"""Distance at which a doubt is a half."""

_WEAKEST = 3
"""One keypoint in so many is among the least sure."""
_TOGETHER = 2.0
"""Views of one network err together: the true error is so many times the scatter."""
_TELLING = 0.5
"""Doubts from here on are worth telling."""
_GRID = 3
"""Rows and columns of colours that describe a picture."""
_LOOKS = 0.5
"""What colours count beside the pose."""


def doubts_of(
    answers: Float64, views: Float64, sizes: Float64, implausible: Float64
) -> list[dict[str, float]]:
    """Return the doubts about N people.

    Parameters
    ----------
    answers
        (N, 37, 3) x, y px and score: the guesses.
    views
        (V, N, 37, 3) of the views.
    sizes
        (N,) longer side of the boxes, px.
    implausible
        (N,) root mean square distance to a body, in body heights; NaN where not judged.

    Returns
    -------
    list of dict
        A doubt that cannot be told is not in it.
    """
    flip = np.linalg.norm(views[PLAIN, ..., :2] - views[MIRRORED, ..., :2], axis=-1)
    table = {
        "score": 1 - _least(answers[..., 2]),
        "flip": _half_at(_mean(flip) / sizes, HALVES["flip"]),
        "variance": _half_at(_mean(_scatter(views)) / sizes, HALVES["variance"]),
        "implausible": _half_at(implausible, HALVES["implausible"]),
    }
    return [
        {name: float(values[i]) for name, values in table.items() if math.isfinite(values[i])}
        for i in range(len(answers))
    ]


def spread_of(answers: Float64, views: Float64) -> Float64:
    """Return how far keypoints may be off (N, 37), px: the scatter of the views about the guess.

    Twice that, for the views of one network err together; NaN where the network knows nothing.
    """
    squared = ((views[..., :2] - answers[None, ..., :2]) ** 2).sum(axis=-1)
    return np.asarray(_TOGETHER * np.sqrt(squared.mean(axis=0)))


def total_doubt(doubts: Mapping[str, float]) -> float:
    """Return the mean of the doubts, 0 if there are none."""
    return sum(doubts.values()) / len(doubts) if doubts else 0.0


def describe(doubts: Mapping[str, float]) -> list[str]:
    """Return doubts in words, the strongest first; those below a half only if none is above."""
    words = {
        "score": lambda value: f"the least sure points score {1 - value:.2f}",
        "flip": lambda value: (
            f"the mirror image disagrees by {_share('flip', value)} of the person's size"
        ),
        "variance": lambda value: (
            f"points scatter by {_share('variance', value)} of the size when turned, scaled or lit "
            "otherwise"
        ),
        "implausible": lambda value: (
            f"a body's points would be {_share('implausible', value)} of its height elsewhere"
        ),
    }
    order = sorted((name for name in doubts if name in words), key=lambda name: -doubts[name])
    telling = [name for name in order if doubts[name] >= _TELLING] or order[:1]
    return [words[name](doubts[name]) for name in telling]


def feature_of(answers: Float64, patches: UInt8, affines: Float64) -> Float64:
    """Return what people look like (N, D), so that near means alike.

    Their pose: keypoints about the middle of shoulders and hips, in units of their root mean square
    distance from it; not turned, for a network knows people upright better than upside down. A root
    mean square difference of one such unit over all keypoints is 1. And their colours, which count
    half: mean and standard deviation of CIE L*a*b* in three times three parts of the picture around
    them.

    Parameters
    ----------
    answers
        (N, 37, 3).
    patches, affines
        (N, SIDE, SIDE, 3) RGB and (N, 2, 3) of :func:`~.views.patches_of`.
    """
    places, sure = answers[..., :2], np.asarray(answers[..., 2] > 0, np.bool_)
    trunk = SPINETRACK.indices([f"{s}_{j}" for j in ("shoulder", "hip") for s in ("left", "right")])
    whole = sure[:, trunk].all(axis=1, keepdims=True)
    middle = np.where(whole, places[:, trunk].mean(axis=1), _in_picture(affines, (SIDE - 1) / 2))
    away = np.where(sure[..., None], places - middle[:, None], 0.0)
    known = np.maximum(sure.sum(axis=1), 1)
    size = np.maximum(np.sqrt((away**2).sum(axis=(1, 2)) / known), 1e-9)
    pose = (away / size[:, None, None]).reshape(len(answers), -1) / math.sqrt(len(SPINETRACK))
    looks = np.array([_looks(patch) for patch in patches]).reshape(len(answers), -1)
    return np.concatenate([pose, _LOOKS * looks], axis=1)


def _in_picture(affines: Float64, place: float) -> Float64:
    """Return where the patches' point (place, place) lies in the picture, (N, 2)."""
    shift = place - affines[:, :, 2]
    return np.asarray(np.linalg.solve(affines[:, :, :2], shift[..., None])[..., 0])


def _looks(patch: UInt8) -> Float64:
    """Return means and deviations of colours in the parts of a patch (SIDE, SIDE, 3)."""
    import cv2

    lab = cv2.cvtColor(patch, cv2.COLOR_RGB2LAB).astype(np.float64) / 255
    cell = SIDE // _GRID
    cells = lab[: cell * _GRID, : cell * _GRID].reshape(_GRID, cell, _GRID, cell, 3)
    numbers = np.stack([cells.mean(axis=(1, 3)), cells.std(axis=(1, 3))])
    # 0.25 is about how far the lightness of two pictures differs.
    return np.asarray(numbers.ravel() / (0.25 * math.sqrt(numbers.size)))


def _scatter(views: Float64) -> Float64:
    """Return the root mean square distance (N, 37) of the unmirrored views from their mean."""
    places = views[[not view.mirrored for view in VIEWS]][..., :2]
    return np.asarray(np.sqrt(((places - places.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0)))


def _mean(values: Float64) -> Float64:
    """Return half the mean over the spine and half that over all, (N,) of (N, 37), without NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing known at all gives NaN
        spine = np.nanmean(values[:, SPINETRACK.spine_indices], axis=1)
        every = np.nanmean(values, axis=1)
    return np.asarray(np.where(np.isfinite(spine), (spine + every) / 2, every))


def _least(scores: Float64) -> Float64:
    """Return the same two means (N,) over the third of the scores (N, 37) that is least sure."""
    parts = (scores[:, SPINETRACK.spine_indices], scores)
    means = [np.sort(part, axis=1)[:, : part.shape[1] // _WEAKEST].mean(axis=1) for part in parts]
    return np.asarray(sum(means) / len(means))


def _half_at(distances: Float64, half: float) -> Float64:
    return np.asarray(distances / (distances + half))


def _share(name: str, value: float) -> str:
    """Return the distance behind a doubt in words."""
    distance = HALVES[name] * value / max(1 - value, 1e-9)
    return f"{100 * distance:.0f} %" if distance < 1 else "all"
