"""Measure a person detector against what two teachers agree on, and against human marks.

Truth on the development photos is the consensus of the teachers (see `labels`), so the
teachers themselves score high by construction; the athletes' boxes come from joints marked
by humans and favour no one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spinepose.training.detector.boxes import (
    Floats,
    Image,
    clip_boxes,
    iou_matrix,
    letterbox,
    nms,
)
from spinepose.training.detector.labels import (
    MEASURE_THRESHOLD,
    Consensus,
    consensus,
    held_out_athletes,
    read_rgb,
)
from spinepose.training.detector.teachers import Detections, Detector, open_session

TRUE_IOU = 0.5
LARGE = 1 / 3


class CardDetector:
    """Our detector, run as its card says: letterbox, ONNX, threshold, suppression."""

    def __init__(self, card: Path, threshold: float | None = None, threads: int = 1) -> None:
        facts: dict[str, Any] = json.loads(card.read_text())
        self._session = open_session(card.parent / facts["file"], threads)
        self._height: int = facts["input"]["height"]
        self._width: int = facts["input"]["width"]
        self._iou: float = facts["output"]["nms_iou"]
        chosen = facts["output"]["score_threshold"]
        self.threshold = float(chosen if threshold is None else threshold)

    def __call__(self, image: Image) -> Detections:
        """Find people in an RGB photo ``(H, W, 3)`` uint8."""
        frame, scale = letterbox(image, self._height, self._width)
        tensor = frame.transpose(2, 0, 1)[None].astype(np.float32)
        boxes, scores = self._session.run(["boxes", "scores"], {"input": tensor})
        keep = scores[0] >= self.threshold
        found, sure = boxes[0][keep] / scale, scores[0][keep]
        order = nms(found, sure, self._iou)
        return Detections(clip_boxes(found[order], *image.shape[:2]), sure[order])


@dataclass(frozen=True)
class Tally:
    """Counts over photos.

    Attributes
    ----------
    truths, hits
        Consensus boxes, and those found (one detection each, overlap 0.5).
    false, doubtful
        Detections that fit no consensus box, apart from `doubtful` ones, which fit a box
        that one teacher alone found.
    singles, single_hits
        Photos with exactly one consensus box, of at least a
        third of the photo's, and those where it was found.
    """

    truths: int = 0
    hits: int = 0
    false: int = 0
    doubtful: int = 0
    singles: int = 0
    single_hits: int = 0

    def plus(self, other: Tally) -> Tally:
        """Add two tallies."""
        mine, theirs = asdict(self), asdict(other)
        return Tally(**{k: mine[k] + theirs[k] for k in mine})

    def rates(self) -> dict[str, float]:
        """Recall, the two precisions and the recall of single large people, 0..1."""
        return {
            "recall": _share(self.hits, self.truths),
            "precision_strict": _share(self.hits, self.hits + self.false + self.doubtful),
            "precision_ignoring": _share(self.hits, self.hits + self.false),
            "single_large_recall": _share(self.single_hits, self.singles),
        }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else float("nan")


def tally_photo(found: Detections, truth: Consensus, height: int) -> Tally:
    """Compare the detections of one photo with its consensus.

    Detections are taken by falling score; each claims the free consensus box it overlaps
    most, if by 0.5 at least.
    """
    overlap = iou_matrix(found.boxes, truth.agreed)
    free = np.ones(len(truth.agreed), dtype=bool)
    false = doubtful = 0
    for i in np.argsort(-found.scores, kind="stable"):
        row = np.where(free, overlap[i], -1.0)
        if row.size and row.max() >= TRUE_IOU:
            free[int(row.argmax())] = False
        elif _fits_any(found.boxes[i], truth.doubtful[:, :4]):
            doubtful += 1
        else:
            false += 1
    hits = int((~free).sum())
    single = len(truth.agreed) == 1 and bool(
        truth.agreed[0, 3] - truth.agreed[0, 1] >= LARGE * height
    )
    return Tally(len(free), hits, false, doubtful, int(single), hits if single else 0)


def _fits_any(box: Floats, others: Floats) -> bool:
    return bool(len(others)) and bool(iou_matrix(box[None], others).max() >= TRUE_IOU)


def measure_photos(
    photos: Sequence[Path], detector: Detector, teachers: Sequence[Detector]
) -> Tally:
    """Tally a detector over photos against the consensus of two teachers at 0.35."""
    total = Tally()
    for path in photos:
        image = read_rgb(path)
        truth = measured_truth(*(teacher(image) for teacher in teachers))
        total = total.plus(tally_photo(detector(image), truth, image.shape[0]))
    return total


def measured_truth(first: Detections, second: Detections) -> Consensus:
    """Consensus for measuring: what either teacher finds below 0.35 does not exist."""
    sure = MEASURE_THRESHOLD
    return consensus(first.above(sure), second.above(sure), sure, sure)


def measure_athletes(
    data: Path, detector: Detector, quarter: int = 0, tuning: bool = False
) -> float:
    """Share of the held-out athletes found (overlap 0.5 with the box of their joints).

    Parameters
    ----------
    quarter
        Quarter turns anticlockwise to make of each photo first (2: upside down).
    tuning
        Take the half kept for tuning.
    """
    hits = total = 0
    for path, box in held_out_athletes(data, tuning):
        image = read_rgb(path)
        truth = turned_box(box, quarter, *image.shape[:2])
        found = detector(np.ascontiguousarray(np.rot90(image, quarter)))
        hits += _fits_any(truth, found.boxes)
        total += 1
    return _share(hits, total)


def turned_box(box: Floats, quarter: int, height: int, width: int) -> Floats:
    """Where a box ``(4,)`` of an upright photo lies after `np.rot90` by quarter turns."""
    x1, y1, x2, y2 = (float(v) for v in box)
    turned = {
        0: (x1, y1, x2, y2),
        1: (y1, width - x2, y2, width - x1),
        2: (width - x2, height - y2, width - x1, height - y1),
        3: (height - y2, x1, height - y1, x2),
    }[quarter % 4]
    return np.asarray(turned, dtype=np.float32)
