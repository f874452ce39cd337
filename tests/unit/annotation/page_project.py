"""A small project for the page: people whose keypoints are known, in pictures made on the spot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spinepose.annotation.project import Project
from spinepose.annotation.records import Guess, Item
from spinepose.media import encode_image
from spinepose.skeleton import SPINETRACK

SIZE = (320, 400)
BOX = (60.0, 20.0, 260.0, 380.0)
DOUBTED = "spine_02"

_PLACES: Mapping[str, tuple[float, float]] = {
    "neck_03": (160, 70),
    "neck_02": (161, 80),
    "neck": (163, 92),
    "spine_05": (168, 105),
    "spine_04": (172, 130),
    "spine_03": (166, 160),
    "spine_02": (158, 178),
    "spine_01": (156, 195),
    "hip": (160, 210),
    "nose": (150, 55),
    "head": (160, 35),
    "left_shoulder": (190, 105),
    "right_shoulder": (130, 105),
    "left_hip": (180, 212),
    "right_hip": (140, 212),
    "left_knee": (185, 290),
    "right_knee": (135, 290),
    "left_ankle": (188, 360),
    "right_ankle": (132, 360),
    "left_heel": (192, 420),
}
"""The left heel is outside of the picture; what is not here is not guessed."""


def guessed_points() -> np.ndarray:
    """Return the guess (37, 2), the same for all items."""
    points = np.full((len(SPINETRACK), 2), np.nan)
    for name, place in _PLACES.items():
        points[SPINETRACK.index(name)] = place
    return points


def write_project(
    root: Path, ids: Sequence[str] = ("aaa", "bbb", "ccc"), reasons: Sequence[str] = ("unsure",) * 3
) -> Project:
    """Write a project of one picture per item, with guesses and a queue in round 0."""
    project = Project.create(root, {})
    points = guessed_points()
    scores = np.where(np.isfinite(points[:, 0]), 0.9, 0.0)
    scores[SPINETRACK.index(DOUBTED)] = 0.2
    items, guesses = [], []
    for number, name in enumerate(ids):
        rows = np.linspace(60, 200, SIZE[1], dtype=np.uint8)[:, None, None]
        rgb = np.broadcast_to(rows, (SIZE[1], SIZE[0], 3)).copy()
        rgb[:, :, number % 3] //= 2
        data = encode_image(rgb, ".png")
        path = root / "pictures" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        items.append(Item(name, f"pictures/{number}.png", sha256, SIZE, np.array(BOX), "photos"))
        sources = tuple("test" if score else "" for score in scores)
        nothing = np.full(len(scores), np.nan)
        guesses.append(Guess(name, points, scores, nothing, sources, {}, np.empty(0)))
    project.add_items(items)
    project.add_guesses(0, guesses)
    queue = [{"item": i, "reason": r} for i, r in zip(ids, reasons, strict=True)]
    (project.round_folder(0) / "queue.json").write_text(json.dumps({"items": queue}))
    return project
