"""COCO's average precision and recall of keypoints, for any keypoints and sigmas.

faster-coco-eval computes them, number for number as pycocotools does; sets are handed over in
memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.errors import MissingExtraError

__all__ = ["STATISTICS", "Precision", "coco_labels", "coco_results", "evaluator", "precision_of"]

Float64 = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]

STATISTICS = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
"""COCO's ten numbers: mean over OKS .50:.05:.95, at .50 and .75, people of 32^2 to 96^2 and of
more square pixels."""

_FAR = -1e5
"""Where a keypoint that was not found is put: similar to nothing."""


@dataclass(frozen=True)
class Precision:
    """Average precision and recall.

    Parameters
    ----------
    statistics
        In percent, by the names of :data:`STATISTICS`; NaN where nobody is of that size.
    curves
        (T, 101) precision in 0..1 at recall 0, .01 ... 1 for the thresholds .50:.05:.95.
    """

    statistics: dict[str, float]
    curves: Float64


def evaluator() -> Any:
    """Return the module faster_coco_eval.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        return import_module("faster_coco_eval")
    except ImportError as error:
        raise MissingExtraError("spinepose eval", "eval") from error


def coco_labels(
    labels: Floats, boxes: Floats, areas: Floats, pictures: Ints, crowds: Bools, number: int
) -> dict[str, Any]:
    """Return labelled people as a COCO keypoint set.

    People without a label are in it with ``num_keypoints`` 0: COCO ignores them, and predictions
    that match them.

    Parameters
    ----------
    labels
        (N, K, 2) pixels; NaN = no label.
    boxes
        (N, 4) xyxy pixels.
    areas
        (N,) square pixels.
    pictures
        (N,) index of each person's picture.
    crowds
        (N,) several people labelled as one.
    number
        Of pictures.
    """
    known = np.asarray(np.isfinite(labels).all(axis=-1))
    flat = np.concatenate([np.where(known[..., None], labels, 0), 2 * known[..., None]], axis=-1)
    sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    return {
        "info": {},
        "images": [{"id": i + 1} for i in range(number)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {
                "id": i + 1,
                "image_id": int(pictures[i]) + 1,
                "category_id": 1,
                "iscrowd": int(crowds[i]),
                "area": float(areas[i]),
                "bbox": sizes[i].tolist(),
                "keypoints": flat[i].ravel().tolist(),
                "num_keypoints": int(known[i].sum()),
            }
            for i in range(len(labels))
        ],
    }


def coco_results(points: Floats, scores: Floats, pictures: Ints) -> list[dict[str, Any]]:
    """Return predictions as COCO keypoint results.

    Parameters
    ----------
    points
        (M, K, 2) pixels; NaN = not found.
    scores
        (M,) of the people, in 0..1.
    pictures
        (M,) index of each picture.
    """
    known = np.asarray(np.isfinite(points).all(axis=-1))
    places = np.where(known[..., None], points, _FAR)
    flat = np.concatenate([places, np.ones_like(places[..., :1])], axis=-1).astype(np.float64)
    return [
        {
            "image_id": int(pictures[i]) + 1,
            "category_id": 1,
            "keypoints": flat[i].ravel().tolist(),
            "score": float(scores[i]),
        }
        for i in range(len(points))
    ]


def precision_of(
    labels: dict[str, Any], results: list[dict[str, Any]], sigmas: Floats
) -> Precision:
    """Return COCO's numbers for predictions against labels.

    Parameters
    ----------
    labels
        From :func:`coco_labels`; it is changed.
    results
        From :func:`coco_results`; they are changed. COCO takes the 20 surest of a picture.
    sigmas
        (K,) falloffs.

    Raises
    ------
    MissingExtraError
        faster-coco-eval is not installed.
    """
    coco = evaluator()
    truth = coco.COCO(labels, print_function=_silent)
    found = truth.loadRes(results)
    run = coco.COCOeval_faster(
        truth,
        found,
        iouType="keypoints",
        kpt_oks_sigmas=np.asarray(sigmas, np.float64),
        print_function=_silent,
    )
    run.evaluate()
    run.accumulate()
    run.summarize()
    numbers = np.asarray(run.stats[: len(STATISTICS)], np.float64)
    percent = np.where(numbers < 0, np.nan, 100 * numbers)  # COCO writes -1 where there is nothing
    curves = np.asarray(run.eval["precision"])[:, :, 0, 0, -1]
    named = dict(zip(STATISTICS, percent.tolist(), strict=True))
    return Precision(named, np.where(curves < 0, 0, curves))


def _silent(*_: object) -> None:
    """Say nothing."""
