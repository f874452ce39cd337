"""People packed for training: one square JPEG each with context around the person, in one file.

A pack is an ``.npz`` without pickled objects. It is small enough to stay in memory and to be
carried to another machine, and everything that training changes (place, turn, size, colour) is
done later on the whole batch, on the device (:mod:`~spinepose.training.pose.augmentation`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spinepose.dataset.people import Person
from spinepose.errors import DataError
from spinepose.files import atomic_write
from spinepose.geometry import apply_affine, crop_transforms

__all__ = ["Batch", "Mixture", "Pack", "pack", "read_pack"]

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

SIDE = 384
"""Pixels of a packed picture's side."""
CONTEXT = 1.4
"""Of the padded square around the person: a square turned by 45 degrees needs 1.41."""
PADDING = 1.25
QUALITY = 92
_FIELDS = ("jpeg", "ends", "boxes", "points", "trust", "views", "activities")


@dataclass(frozen=True)
class Pack:
    """N people in memory.

    Attributes
    ----------
    name
        Of the set.
    jpeg, ends
        All pictures behind each other, and where each ends.
    boxes, points, trust
        (N, 4) xyxy, (N, K, 2) and (N, K): in pixels of the packed picture; trust 0 = no label.
    views, activities
        (N,) names, empty where unknown.
    """

    name: str
    jpeg: UInt8
    ends: npt.NDArray[np.int64]
    boxes: Float32
    points: Float32
    trust: Float32
    views: npt.NDArray[np.str_]
    activities: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.ends)

    def picture(self, row: int) -> UInt8:
        """Return one picture (SIDE, SIDE, 3) RGB."""
        start = int(self.ends[row - 1]) if row else 0
        data = self.jpeg[start : int(self.ends[row])]
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if decoded is None:
            raise DataError(f"pack {self.name}: picture {row} cannot be decoded; pack it again")
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def first(self, share: float) -> Pack:
        """Return a part of the people, spread evenly, for learning curves."""
        rows = np.unique(np.linspace(0, len(self) - 1, max(1, round(share * len(self)))).round())
        return self.taken(rows.astype(np.int64))

    def taken(self, rows: npt.NDArray[np.int64]) -> Pack:
        """Return the people of some rows."""
        starts = np.concatenate([[0], self.ends[:-1]])
        pieces = [self.jpeg[starts[r] : self.ends[r]] for r in rows]
        ends = np.cumsum([len(p) for p in pieces])
        jpeg = np.concatenate(pieces) if pieces else self.jpeg[:0]
        kept = (getattr(self, name)[rows] for name in _FIELDS[2:])
        return Pack(self.name, jpeg, ends, *kept)


def pack(
    people: Sequence[Person],
    path: Path,
    *,
    threads: int = 2,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write people to a pack, in their order.

    Parameters
    ----------
    people
        With boxes and labels in pixels of their pictures.
    path
        ``NAME.npz``; appears when it is complete.
    threads
        That read, cut and compress.
    progress
        Called with the number of people done.

    Raises
    ------
    DataError
        If there is nobody, or a picture cannot be read.
    """
    if not people:
        raise DataError(f"{path}: nobody to pack")
    jpegs, boxes, points = [], [], []
    with ThreadPoolExecutor(threads) as pool:
        for number, (jpeg, box, at) in enumerate(pool.map(_cut, people), start=1):
            jpegs.append(jpeg)
            boxes.append(box)
            points.append(at)
            if progress is not None:
                progress(number)
    with atomic_write(path) as temporary, temporary.open("wb") as sink:
        np.savez(
            sink,
            jpeg=np.concatenate(jpegs),
            ends=np.cumsum([len(j) for j in jpegs]),
            boxes=np.stack(boxes),
            points=np.stack(points),
            trust=np.stack([p.trust for p in people]),
            views=np.array([p.view for p in people]),
            activities=np.array([p.activity for p in people]),
        )


def _cut(person: Person) -> tuple[UInt8, Float32, Float32]:
    """Return a person's JPEG (bytes,), box (4,) and keypoints (K, 2) in its pixels."""
    image = cv2.imread(str(person.path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{person.path}: cannot be read as a picture")
    affine = crop_transforms(person.box[None], (SIDE, SIDE), PADDING * CONTEXT)
    cut = cv2.warpAffine(image, affine[0], (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    done, jpeg = cv2.imencode(".jpg", cut, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    # Boxes lie on pixel borders, points on pixel centres: half a pixel apart.
    corners = person.box.reshape(1, 2, 2).astype(np.float64) - 0.5
    box = apply_affine(affine, corners).reshape(4) + 0.5
    points = apply_affine(affine, person.keypoints[None].astype(np.float64))[0]
    return jpeg.reshape(-1), box.astype(np.float32), points.astype(np.float32)


def read_pack(path: Path, name: str = "") -> Pack:
    """Read a pack; it is called like its file, or as said.

    Raises
    ------
    DataError
        If it is missing or not a pack.
    """
    try:
        # Opened here: NumPy leaves a file open that turns out to be broken.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            fields = {name: content[name] for name in _FIELDS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a pack of people: {error}") from error
    labelled = fields["trust"] > 0
    if not np.isfinite(fields["points"][labelled]).all():
        raise DataError(f"{path}: a keypoint with a label has no number")
    return Pack(name or path.stem, **fields)


class Batch(NamedTuple):
    """People as tensors: crops (N, 3, SIDE, SIDE) uint8 RGB, boxes, points and trust."""

    crops: Tensor
    boxes: Tensor
    points: Tensor
    trust: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(*(t.to(device, non_blocking=True) for t in self))


class Mixture:
    """Batches from several packs with a fixed share of each.

    Which people a step sees follows from the seed and the step alone, so that a resumed run sees
    what it would have seen.

    Parameters
    ----------
    packs, shares
        People, and how much of each batch they are.
    seed
        Start of the random numbers.
    threads
        That decode pictures.
    """

    def __init__(
        self, packs: Sequence[Pack], shares: Sequence[float], seed: int, threads: int = 1
    ) -> None:
        if not packs or len(packs) != len(shares) or min(shares) < 0 or sum(shares) <= 0:
            raise ValueError("every pack needs a share, and one of them must be above 0")
        self.packs = list(packs)
        self.shares = np.asarray(shares, float) / float(np.sum(shares))
        self.seed = seed
        self._pool = ThreadPoolExecutor(max(threads, 1))

    def rows(self, step: int, size: int) -> list[tuple[int, int]]:
        """Return pack and row of the people of one step; shares are met as well as they can."""
        rng = np.random.default_rng([self.seed, step])
        exact = self.shares * size
        counts = np.floor(exact).astype(int)
        left = size - int(counts.sum())
        rest = exact - counts
        if left:
            counts += rng.multinomial(left, rest / rest.sum())
        return [
            (number, int(row))
            for number, count in enumerate(counts)
            for row in rng.integers(len(self.packs[number]), size=count)
        ]

    def batch(self, rows: Sequence[tuple[int, int]]) -> Batch:
        """Return some people, by pack and row."""
        pictures = list(self._pool.map(lambda r: self.packs[r[0]].picture(r[1]), rows))

        def stacked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(self.packs[p], name)[r] for p, r in rows]))

        crops = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
        return Batch(crops, stacked("boxes"), stacked("points"), stacked("trust"))
