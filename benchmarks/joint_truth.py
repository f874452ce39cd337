"""Synthetic people with the truth about their joints, from the files of ``spinepose synth``."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from spinepose.biomech.ik import from_world
from spinepose.export.trc import TO_OPENSIM
from spinepose.multiview import Camera
from spinepose.multiview.tables import scene_cameras
from spinepose.skeleton import SPINETRACK

__all__ = ["FPS", "Person", "read_people"]

ANNOTATIONS = Path("annotations/person_keypoints_train-unreal.json")
IMAGES = Path("images/train-unreal")
FPS = 25.0
"""Of ``spinepose synth`` when nothing else is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One synthetic person: C cameras, F frames, M keypoints.

    `boxes` (C, F, 4) x y width height and `keypoints` (C, F, M, 2) in px are NaN where there is no
    label; `markers` (F, M, 3) in m and `turns` (F, 3, 3) of each segment have y up; `curves` (F,)
    in degrees, the lordosis and kyphosis of the vertebral curve.
    """

    cameras: list[Camera]
    images: dict[tuple[int, int], Path]
    boxes: np.ndarray
    keypoints: np.ndarray
    markers: np.ndarray
    turns: dict[str, np.ndarray]
    curves: dict[str, np.ndarray]

    def elbow_flexion(self, side: str) -> np.ndarray:
        """Return the flexion (F,) of the ``left`` or ``right`` elbow, degrees."""
        arm, forearm = self.turns[f"{side}_upper_arm"], self.turns[f"{side}_forearm"]
        turn = Rotation.from_matrix(arm.transpose(0, 2, 1) @ forearm)
        return np.asarray(turn.as_rotvec(degrees=True)[:, 2])


def read_people(folder: Path) -> list[Person]:
    """Return the people of a folder of ``spinepose synth``."""
    document = json.loads((folder / ANNOTATIONS).read_text(encoding="utf-8"))
    images = {image["id"]: image for image in document["images"]}
    rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in document["annotations"]:
        rows[row["subject"]].append(row | {"image": images[row["image_id"]]})
    people = []
    for subject in document["subjects"]:
        cameras = scene_cameras(document, subject["scene"])
        person = _person(rows[subject["id"]], list(cameras), folder)
        if person is not None:
            people.append(person)
    return people


def _person(rows: list[dict[str, Any]], cameras: list[Camera], folder: Path) -> Person | None:
    """Return a person from its annotations; nothing if some moment is not in any picture."""
    moments = {round(row["image"]["time"] * FPS): row for row in rows}
    if not rows or sorted(moments) != list(range(len(moments))) or len(moments) < 3:
        return None
    first = [moments[f] for f in range(len(moments))]
    shape = (len(cameras), len(moments))
    boxes, keypoints = np.full((*shape, 4), np.nan), np.full((*shape, len(SPINETRACK), 2), np.nan)
    files = {}
    for row in rows:
        at = row["image"]["view"], round(row["image"]["time"] * FPS)
        label = np.array(row["keypoints"]).reshape(-1, 3)
        boxes[at] = row["bbox"]
        keypoints[at] = np.where(label[:, 2:] > 0, label[:, :2], np.nan)
        files[at] = folder / IMAGES / row["image"]["file_name"]
    turns = {
        name: TO_OPENSIM
        @ Rotation.from_rotvec([row["segments"][name] for row in first]).as_matrix()
        @ TO_OPENSIM.T
        for name in first[0]["segments"]
    }
    markers = from_world([row["keypoints_3d_world"] for row in first])
    curves = {
        name: np.array([row["angles"][name] for row in first]) for name in ("lordosis", "kyphosis")
    }
    return Person(cameras, files, boxes, keypoints, markers, turns, curves)
