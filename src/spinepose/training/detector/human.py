"""Boxes of people that humans marked, found again in the whole development photos.

The data hold the marks (COCO 2017, CC BY 4.0) in crops only; each crop is looked up in its
photo by correlation over a range of scales. These boxes favour no teacher.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from spinepose.training.detector.boxes import Floats, Image, iou_matrix
from spinepose.training.detector.labels import read_rgb
from spinepose.training.detector.teachers import Detector

SURE_CORRELATION = 0.9
_SCALES = (0.8, 1.0, *np.round(np.arange(0.5, 1.45, 0.05), 2).tolist())
_SMALLEST = 12


def locate_crop(photo: Image, crop: Image) -> tuple[float, float, float] | None:
    """Find a crop in its photo.

    Returns
    -------
    tuple[float, float, float] | None
        x, y of the crop's corner in photo px and the scale photo px / crop px; None where
        the correlation stays below 0.9.
    """
    best: tuple[float, float, float, float] = (SURE_CORRELATION, 0.0, 0.0, 0.0)
    for scale in _SCALES:
        small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        fits = small.shape[0] <= photo.shape[0] and small.shape[1] <= photo.shape[1]
        if not fits or min(small.shape[:2]) < _SMALLEST:
            continue
        likeness = cv2.matchTemplate(photo, small, cv2.TM_CCOEFF_NORMED)
        _, value, _, spot = cv2.minMaxLoc(likeness)
        if value > best[0]:
            best = (value, float(spot[0]), float(spot[1]), float(scale))
        if value > 0.98:
            break
    return best[1:] if best[3] > 0 else None


def human_boxes(data: Path) -> dict[Path, Floats]:
    """Return boxes ``(N, 4)`` in photo px marked by humans, for the development photos.

    Crops whose shape was distorted, and those not found again, are left out; not every
    person of a photo is marked, so only recall can be measured.
    """
    persons = json.loads((data / "coco" / "persons.json").read_text())
    boxes: dict[Path, list[Floats]] = {}
    for person in persons:
        if person["use"] != "dev" or person["square_resized"]:
            continue
        path = data / "coco" / "full" / f"{person['coco_id']:012d}.jpg"
        spot = locate_crop(read_rgb(path), read_rgb(data / "coco" / "images" / person["file"]))
        if spot is not None:
            x, y, width, height = person["bbox"]
            box = np.array([x, y, x + width, y + height]) * spot[2]
            boxes.setdefault(path, []).append(box + np.array([*spot[:2], *spot[:2]]))
    return {path: np.asarray(rows, dtype=np.float32) for path, rows in boxes.items()}


def measure_human(boxes: dict[Path, Floats], detector: Detector) -> tuple[float, int]:
    """Share of human-marked people found (overlap 0.5), and their number."""
    hits = total = 0
    for path, truth in boxes.items():
        found = detector(read_rgb(path)).boxes
        hits += int((iou_matrix(truth, found).max(axis=1, initial=0.0) >= 0.5).sum())
        total += len(truth)
    return round(hits / max(total, 1), 4), total
