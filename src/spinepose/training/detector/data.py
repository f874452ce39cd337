"""The stream of training pictures: single photos, mosaics, pasted scenes, empty scenes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinepose.training.detector.augment import (
    Sample,
    cut,
    cut_out,
    panorama_view,
    paste,
    random_matrix,
    recolour,
    warp_sample,
)
from spinepose.training.detector.boxes import PAD_VALUE, Floats, Image
from spinepose.training.detector.labels import read_rgb

_LOGGER = logging.getLogger(__name__)
SOURCE_WEIGHTS = {"coco": 0.4, "athlete": 0.35, "people": 0.2, "crop": 0.05}
KIND_WEIGHTS = {"single": 0.35, "mosaic": 0.35, "scene": 0.25, "empty": 0.05}


@dataclass(frozen=True)
class Photo:
    """A labelled photo: file, boxes agreed ``(N, 4)`` and doubtful ``(M, 5)`` in px."""

    path: Path
    source: str
    agreed: Floats
    doubtful: Floats


def read_labels(data: Path, labels: Path) -> dict[str, list[Photo]]:
    """Read the file of `labels.make_labels`, grouped by source; photos without any box go.

    COCO photos without boxes are kept: they teach what is no person.
    """
    groups: dict[str, list[Photo]] = {name: [] for name in SOURCE_WEIGHTS}
    for line in labels.read_text().splitlines():
        record = json.loads(line)
        agreed = np.asarray(record["agreed"], dtype=np.float32).reshape(-1, 4)
        doubtful = np.asarray(record["doubtful"], dtype=np.float32).reshape(-1, 5)
        if len(agreed) or record["source"] == "coco":
            photo = Photo(data / record["file"], record["source"], agreed, doubtful)
            groups[record["source"]].append(photo)
    return groups


@dataclass(frozen=True)
class CutOut:
    """A person cut out of a photo: picture and mask around the box."""

    image: Image
    mask: NDArray[np.uint8]


class Stream:
    """Makes random training pictures; holds the photos, views and cut-outs it draws from.

    Parameters
    ----------
    data, labels
        Folder of the photos and the file of `labels.make_labels`.
    seed
        Seed of all random choices.
    views, cutouts
        How many panorama views and cut-out people to prepare.
    """

    def __init__(
        self, data: Path, labels: Path, seed: int, views: int = 300, cutouts: int = 500
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._photos = read_labels(data, labels)
        panoramas = [read_rgb(p) for p in sorted((data / "hdri").glob("*.jpg"))]
        self._views = [
            panorama_view(self._rng, panoramas[i % len(panoramas)], 512) for i in range(views)
        ]
        self._cutouts = self._cut_people(cutouts)
        counts = {name: len(group) for name, group in self._photos.items()}
        _LOGGER.info("photos %s, views %d, cut-outs %d", counts, views, len(self._cutouts))

    def _cut_people(self, count: int) -> list[CutOut]:
        photos = self._photos["people"] + self._photos["athlete"]
        found: list[CutOut] = []
        for i in self._rng.permutation(len(photos)):
            if len(found) >= count:
                break
            photo = photos[i]
            if len(photo.agreed) != 1:
                continue
            image = read_rgb(photo.path)
            mask = cut_out(image, photo.agreed[0])
            if mask is not None:
                found.append(CutOut(image, mask))
        return found

    def draw(self, side: int) -> Sample:
        """Make one picture of ``side`` x ``side`` px."""
        kinds: dict[str, Callable[[int], Sample]] = {
            "single": self._single,
            "mosaic": self._mosaic,
            "scene": self._scene,
            "empty": self._empty,
        }
        kind = str(self._rng.choice(list(KIND_WEIGHTS), p=list(KIND_WEIGHTS.values())))
        sample = kinds[kind](side)
        return Sample(recolour(self._rng, sample.image), sample.agreed, sample.doubtful)

    def batch(self, count: int, side: int) -> tuple[NDArray[np.uint8], list[Sample]]:
        """Make ``count`` pictures: RGB ``(count, side, side, 3)`` and the samples."""
        samples = [self.draw(side) for _ in range(count)]
        return np.stack([s.image for s in samples]), samples

    def _photo(self) -> Sample:
        source = str(self._rng.choice(list(SOURCE_WEIGHTS), p=list(SOURCE_WEIGHTS.values())))
        group = self._photos[source]
        photo = group[int(self._rng.integers(len(group)))]
        return Sample(read_rgb(photo.path), photo.agreed, photo.doubtful)

    def _placed(self, side: int, low: float, high: float) -> Sample:
        """Place one photo, longer side ``low..high`` of the picture, somewhere near its middle."""
        photo = self._photo()
        size = photo.image.shape[0], photo.image.shape[1]
        zoom = side * float(np.exp(self._rng.uniform(np.log(low), np.log(high)))) / max(size)
        middle = self._rng.uniform(0.35, 0.65, 2) * side
        matrix = random_matrix(self._rng, size, (middle[0], middle[1]), zoom)
        return warp_sample(photo, matrix, side)

    def _whole(self, side: int) -> Sample:
        """Take a photo as in use: whole, upright, in the top left corner."""
        photo = self._photo()
        zoom = side / max(photo.image.shape[:2])
        matrix = np.array([[zoom, 0, 0], [0, zoom, 0]], dtype=np.float64)
        if self._rng.random() < 0.5:
            matrix[0] = [-zoom, 0, zoom * photo.image.shape[1]]
        return warp_sample(photo, matrix, side)

    def _single(self, side: int) -> Sample:
        if self._rng.random() < 0.3:
            return self._whole(side)
        return self._placed(side, 0.5, 1.6)

    def _mosaic(self, side: int) -> Sample:
        middle = (self._rng.uniform(0.35, 0.65, 2) * side).astype(int)
        canvas = np.full((side, side, 3), PAD_VALUE, dtype=np.uint8)
        agreed: list[Floats] = []
        doubtful: list[Floats] = []
        for row in range(2):
            for column in range(2):
                x1, x2 = (0, int(middle[0])) if column == 0 else (int(middle[0]), side)
                y1, y2 = (0, int(middle[1])) if row == 0 else (int(middle[1]), side)
                tile = self._placed(max(x2 - x1, y2 - y1), 0.8, 1.8)
                part = cut(tile, (0, 0, x2 - x1, y2 - y1))
                canvas[y1:y2, x1:x2] = part.image[: y2 - y1, : x2 - x1]
                shift = np.array([x1, y1, x1, y1, 0], dtype=np.float32)
                agreed.append(part.agreed + shift[:4])
                doubtful.append(part.doubtful + shift)
        return Sample(canvas, np.concatenate(agreed), np.concatenate(doubtful))

    def _empty(self, side: int) -> Sample:
        view = self._views[int(self._rng.integers(len(self._views)))]
        none, unsure = np.zeros((0, 4), dtype=np.float32), np.zeros((0, 5), dtype=np.float32)
        zoom = side / view.shape[0] * self._rng.uniform(1.0, 1.5)
        matrix = np.array([[zoom, 0, 0], [0, zoom, 0]], dtype=np.float64)
        return warp_sample(Sample(view, none, unsure), matrix, side)

    def _scene(self, side: int) -> Sample:
        """Make a panorama view with one to seven people and some rectangles that are none."""
        scene = self._empty(side)
        for _ in range(int(self._rng.integers(0, 3))):
            scene = self._paste_patch(scene, side)
        size = float(np.exp(self._rng.uniform(np.log(0.12), np.log(0.9))))
        for _ in range(int(self._rng.integers(1, 8 if size < 0.5 else 3))):
            person = self._cutouts[int(self._rng.integers(len(self._cutouts)))]
            own = size * float(np.exp(self._rng.normal(0, 0.2)))
            scene = self._paste_one(scene, person.image, person.mask, own * side, True)
        return scene

    def _paste_patch(self, scene: Sample, side: int) -> Sample:
        view = self._views[int(self._rng.integers(len(self._views)))]
        h, w = (int(v) for v in self._rng.integers(60, 200, 2))
        patch = view[100 : 100 + h, 100 : 100 + w]
        mask = np.full((h, w), 255, dtype=np.uint8)
        return self._paste_one(scene, patch, mask, self._rng.uniform(0.1, 0.6) * side, False)

    def _paste_one(
        self, scene: Sample, image: Image, mask: NDArray[np.uint8], length: float, person: bool
    ) -> Sample:
        size = image.shape[0], image.shape[1]
        side = scene.image.shape[0]
        spot = self._rng.uniform(0.05, 0.95, 2) * side
        matrix = random_matrix(self._rng, size, (spot[0], spot[1]), length / max(size))
        return paste(scene, image, mask, matrix, person)
