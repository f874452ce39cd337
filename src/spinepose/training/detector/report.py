"""What the detector's card says: where it comes from, how well it does, where it fails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spinepose.training.detector.evaluate import (
    CardDetector,
    Tally,
    measure_athletes,
    measured_truth,
    tally_photo,
)
from spinepose.training.detector.human import human_boxes, measure_human
from spinepose.training.detector.labels import Consensus, read_rgb, split_photos
from spinepose.training.detector.teachers import Detections, Detector

LIMITS = (
    "Follows its two teachers: people both miss (tiny, hidden, in the dark) were labelled empty.",
    "In dense crowds many are missed; of two people one behind the other often one only.",
    "People far away (under about 15 px in the 416 px input) are mostly missed: use larger "
    "inputs or tiles.",
    "Few kinds of things were seen while fine-tuning; animals, toys and statues are at times "
    "taken for people (YOLOX-nano, the start, is a little safer here).",
    "Athletes' boxes come partly from joints widened by a fixed margin; hands and feet may "
    "stick out of the box.",
)
SOURCES: tuple[dict[str, str], ...] = (
    {
        "name": "COCO 2017, 60 whole photos and the crops of their people",
        "licence": "annotations CC BY 4.0 (used for measuring only), photos under Flickr terms",
    },
    {
        "name": "Leeds Sports Pose Extended, 7,701 crops (Johnson & Everingham 2011)",
        "licence": "to be cited; Flickr photos",
    },
    {
        "name": "Clothing Co-Parsing, 2,098 photos (Yang et al. 2014)",
        "licence": "file Apache-2.0, rights of the photos unclear",
    },
    {"name": "Poly Haven, 45 panoramas", "licence": "CC0"},
)
TEACHERS: tuple[dict[str, str], ...] = (
    {"name": "YOLOX-nano, COCO (Megvii)", "licence": "Apache-2.0"},
    {"name": "RTMDet-nano person (OpenMMLab)", "licence": "Apache-2.0"},
)
COMMAND = "python -m spinepose.training.detector --data DIR --teachers DIR --out DIR"
_SWEEP = np.round(np.arange(0.2, 0.7, 0.01), 2)


def training_facts(config: dict[str, Any], step: int, share: float) -> dict[str, Any]:
    """Return the card's chapter on training."""
    recipe = (
        f"{step + 1} steps of {config['batch']} pictures (squares of {min(config['sides'])}-"
        f"{max(config['sides'])} px), AdamW, peak rate {config['rate']}, cosine, moving "
        f"average {config['average']}; SimOTA, binary cross-entropy towards the overlap, "
        "generalised IoU; single photos, mosaics, people pasted into panoramas, turned by "
        f"any angle; in the end weights mixed, {share} ours and {1 - share:.2g} the start's"
    )
    return {
        "teachers": list(TEACHERS),
        "start": "YOLOX-nano weights (Apache-2.0, Megvii), person row, RGB",
        "data": list(SOURCES),
        "recipe": recipe,
        "command": COMMAND,
    }


def compare(
    photos: list[Path], detector: Detector, teachers: tuple[Detector, Detector]
) -> list[tuple[Detections, Consensus, int]]:
    """Return detections, truth and height of each photo."""
    rows = []
    for path in photos:
        image = read_rgb(path)
        truth = measured_truth(teachers[0](image), teachers[1](image))
        rows.append((detector(image), truth, image.shape[0]))
    return rows


def tally_at(rows: list[tuple[Detections, Consensus, int]], threshold: float) -> Tally:
    """Tally all photos at a threshold."""
    total = Tally()
    for found, truth, height in rows:
        total = total.plus(tally_photo(found.above(threshold), truth, height))
    return total


@dataclass(frozen=True)
class Tuning:
    """A threshold (0..1) and how well the file does there on what is kept for tuning."""

    threshold: float
    worth: float


def tune(data: Path, card: Path, teachers: tuple[Detector, Detector]) -> Tuning:
    """Choose the threshold of an exported file without looking at development photos.

    On the tuning photos the lower of recall and strict precision is made as high as it
    gets. The worth is the mean of that and of the recall of the tuning athletes, upright
    and upside down.
    """
    rows = compare(split_photos(data).tune, CardDetector(card, threshold=0.15), teachers)
    scores = [_worst(tally_at(rows, float(t))) for t in _SWEEP]
    best = _SWEEP[np.flatnonzero(np.isclose(scores, max(scores)))]
    threshold = round(float(np.median(best)), 2)
    detector = CardDetector(card, threshold)
    athletes = [measure_athletes(data, detector, quarter, tuning=True) for quarter in (0, 2)]
    return Tuning(threshold, (max(scores) + sum(athletes) / 2) / 2)


def _worst(tally: Tally) -> float:
    rates = tally.rates()
    return min(rates["recall"], rates["precision_strict"])


def measure(data: Path, card: Path, teachers: tuple[Detector, Detector]) -> list[dict[str, Any]]:
    """Measure the exported file on the development photos and the held-out athletes."""
    detector = CardDetector(card)
    dev = split_photos(data).dev
    rates = tally_at(compare(dev, detector, teachers), detector.threshold).rates()
    where = f"{len(dev)} COCO development photos, consensus of both teachers at 0.35, IoU 0.5"
    command = f"{COMMAND} --stage evaluate"
    metrics = [
        {"name": name, "value": value, "data": where, "command": command}
        for name, value in rates.items()
    ]
    share, total = measure_human(human_boxes(data), detector)
    marked = f"{total} people marked by humans in the same photos, IoU 0.5"
    metrics.append({"name": "human_recall", "value": share, "data": marked, "command": command})
    for quarter in range(4):
        metrics.append(
            {
                "name": f"athletes_recall_turned_{90 * quarter}",
                "value": measure_athletes(data, detector, quarter),
                "data": "held-out athletes (every fortieth of Leeds Sports Pose Extended), "
                "box of the joints, IoU 0.5",
                "command": command,
            }
        )
    return metrics
