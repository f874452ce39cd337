"""Pictures whose colours tell the place, a network that reads them, and small projects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spinepose.annotation.gather import item_id
from spinepose.annotation.project import Project
from spinepose.annotation.records import Guess, Item
from spinepose.media import write_image
from spinepose.models.download import file_sha256
from spinepose.skeleton import SPINETRACK

K = len(SPINETRACK)
SIZE = (200, 240)
"""Width and height of a painted picture."""
_BLUE, _LOW, _RANGE = 100.0, 10.0, 160.0


def painted(size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return a picture: red grows to the right, green downwards, blue is the measure of both."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
    colours = [_LOW + _RANGE * x, _LOW + _RANGE * y, np.full(x.shape, _BLUE)]
    return np.round(np.stack(colours, axis=-1)).astype(np.uint8)


def standing(size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return keypoints (37, 2) px of somebody in the middle of the picture, seen from behind."""
    rng = np.random.default_rng(5)
    places = rng.uniform(0.35, 0.65, (K, 2))
    at = SPINETRACK.index
    for name, (x, y) in {"shoulder": (0.06, 0.4), "hip": (0.04, 0.6), "ear": (0.02, 0.3)}.items():
        places[at(f"left_{name}")] = 0.5 - x, y
        places[at(f"right_{name}")] = 0.5 + x, y
    places[at("neck")], places[at("head")] = (0.5, 0.37), (0.5, 0.26)
    return places * size


class ColourReader:
    """Finds the keypoints of :func:`standing` by colour, however the picture was changed.

    As a network would, it takes the left for the right where the picture is mirrored.

    Parameters
    ----------
    known
        Names of the keypoints that it knows.
    confused
        Px that it is off, to the right, in mirrored pictures.
    """

    name = "colours"
    sha256 = "0123456789abcdef"

    def __init__(
        self, known: tuple[str, ...] = SPINETRACK.keypoints, confused: float = 0.0
    ) -> None:
        self.keypoints = SPINETRACK.indices(known)
        self.confused = confused
        self.pictures = 0

    def read(self, image: np.ndarray, boxes: Any, *, flip: bool = False) -> np.ndarray:
        self.pictures += 1
        return np.stack([self._person(image, box) for box in np.reshape(boxes, (-1, 4))])

    def _person(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        low, high = np.floor(box[:2]).astype(int), np.ceil(box[2:]).astype(int)
        part = image[max(low[1], 0) : high[1], max(low[0], 0) : high[0]].astype(float)
        inside = part[..., 2] > 10
        y, x = np.nonzero(inside)
        share = (part[inside][:, :2] / part[inside][:, 2:] * _BLUE - _LOW) / _RANGE
        # Shares of the painted picture's sides are linear in the places: where are these?
        sides = np.stack([*share.T, np.ones(len(share))], axis=1)
        way = np.linalg.lstsq(sides, np.stack([x, y], axis=1) + np.maximum(low, 0), rcond=None)[0]
        found = np.full((K, 3), 0.9)
        found[:, :2] = standing() / SIZE @ way[:2] + way[2]
        if np.linalg.det(way[:2]) < 0:  # mirrored
            found = found[SPINETRACK.flip]
            found[:, 0] += self.confused
        answer = np.full((K, 3), (np.nan, np.nan, 0), np.float32)
        answer[self.keypoints] = found[self.keypoints]
        return answer


def painted_project(root: Path, pictures: int = 1) -> Project:
    """Return a project with one person in each of some painted pictures."""
    project = Project.create(root / "project", {})
    items = []
    for number in range(pictures):
        path = root / f"{number}.png"
        image = painted()
        image[0, 0] = number
        write_image(path, image)
        box, content = np.array([40.0, 50, 160, 190]), file_sha256(path)
        items.append(
            Item(item_id(content, box), str(path), content, SIZE, box, f"group {number % 2}")
        )
    project.add_items(items)
    return project


def made_guess(
    item: str, doubts: dict[str, float], feature: tuple[float, ...], keypoints: Any = None
) -> Guess:
    """Return a guess with given doubts and feature."""
    places = standing() if keypoints is None else np.asarray(keypoints, float)
    known = np.isfinite(places).all(axis=1)
    return Guess(
        item=item,
        keypoints=places,
        scores=np.where(known, 0.9, 0.0),
        spread=np.where(known, 2.0, np.nan),
        sources=tuple("made" if there else "" for there in known),
        doubts=doubts,
        feature=np.array(feature),
    )


def made_item(item: str, group: str = "") -> Item:
    """Return an item whose picture does not exist."""
    box = np.array([40.0, 50, 160, 190])
    return Item(item, f"{item}.jpg", f"sha of {item}", SIZE, box, group or item)
