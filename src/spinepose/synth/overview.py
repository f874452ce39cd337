"""What people look at first: a sheet of labelled pictures and a one-page report."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from spinepose.draw.people import draw_poses
from spinepose.draw.sheet import contact_sheet
from spinepose.files import atomic_write
from spinepose.media import read_image, write_image
from spinepose.poses import Poses
from spinepose.skeleton import SPINETRACK
from spinepose.synth.report import write_report
from spinepose.synth.work import IMAGES

__all__ = ["write_overview"]

_SHOWN = 48
_COLUMNS = 8
_OCCLUDED_SCORE = 0.45
"""Score that occluded keypoints are drawn with: fainter than visible ones."""


def write_overview(out: Path, dataset: dict[str, Any]) -> None:
    """Write ``sheet.png``, ``report.html`` and ``statistics.json`` of a data set.

    Parameters
    ----------
    out
        Its folder.
    dataset
        The annotation file's content; outlines and 3-D points are not needed.
    """
    people: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for annotation in dataset["annotations"]:
        people[annotation["image_id"]].append(annotation)
    images = dataset["images"]
    # Spread over the whole set, always the same ones.
    chosen = np.unique(np.linspace(0, len(images) - 1, min(_SHOWN, len(images))).astype(int))
    tiles, captions = [], []
    for index in chosen:
        image = images[index]
        picture = read_image(out / IMAGES / image["file_name"])
        labels = people[image["id"]]
        tiles.append(draw_poses(picture, _poses(labels)) if labels else picture)
        captions.append(f"{image['scene']}: " + ", ".join(a["activity"] for a in labels)[:30])
    sheet = contact_sheet(tiles, min(_COLUMNS, len(tiles)), (256, 256), captions)
    write_image(out / "sheet.png", sheet)
    statistics = write_report(dataset, out / "report.html")
    with atomic_write(out / "statistics.json") as temporary:
        temporary.write_text(json.dumps(statistics, indent=2) + "\n", encoding="utf-8")


def _poses(annotations: list[dict[str, Any]]) -> Poses:
    """Return labels as poses, so that they are drawn like results."""
    flat = np.array([annotation["keypoints"] for annotation in annotations], np.float32)
    points = flat.reshape(len(annotations), len(SPINETRACK), 3)
    boxes = np.array([annotation["bbox"] for annotation in annotations], np.float32)
    boxes[:, 2:] += boxes[:, :2]
    seen = points[..., 2]
    scores = np.where(seen == 2, 1.0, np.where(seen == 1, _OCCLUDED_SCORE, 0.0))
    where = np.where(seen[..., None] > 0, points[..., :2], np.nan)
    return Poses.build(where, scores, boxes)
