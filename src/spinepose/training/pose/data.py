"""Merge labels with the teacher's answers and serve batches of changed crops.

Crowd-sourced joints (lspe) carry swaps of left and right: they are kept where they agree with
the teacher or the teacher is unsure. Where there is no label, the teacher's answer stands in,
weighted by its score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from spinepose.skeleton import COCO17, SPINETRACK
from spinepose.training.pose.augment import Strength, augmented_crop
from spinepose.training.pose.people import Person

__all__ = ["Mixture", "Sample", "collate", "merge_answers", "read_rgb", "to_input"]

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

BODY = len(COCO17)
AGREES = 22.0  # crop pixels
SURE = 0.30
EXACTER = 0.8  # share of the teacher where it agrees with a crowd-sourced joint
DISTILLED = 0.8  # weight of a teacher's answer with score 1
WEAK = 0.2  # trust of the neck and hips of crowd-sourced people as spine ends


Sample = tuple[Image, FloatArray, FloatArray, str]
"""A crop, its keypoints, their trust and the set it is from."""


def read_rgb(person: Person) -> Image:
    """Read a person's picture (H, W, 3) as RGB."""
    image = cv2.imread(str(person.path), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(person.path)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def to_input(crops: Image) -> Tensor:
    """Return crops (N, 256, 256, 3) RGB 0..255 as the network's input (N, 3, 256, 256)."""
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1


def merge_answers(
    points: FloatArray,
    trust: FloatArray,
    sources: Sequence[str],
    answers: FloatArray,
    tolerance: float = AGREES,
) -> tuple[FloatArray, FloatArray]:
    """Merge a teacher's joints into the labels of crops.

    Parameters
    ----------
    points, trust
        (N, 37, 2) pixels and (N, 37) weights, as labelled; NaN or weight 0 = no label.
    sources
        N names of the sets.
    answers
        (N, 37, >= 3) x, y, score of the teacher on the same crops; the 17 body joints are read.
    tolerance
        Distance within which two answers agree.

    Returns
    -------
    points, trust : (N, 37, 2) and (N, 37)
        Where both know a crowd-sourced joint and agree, mostly the teacher, who is exacter;
        where they disagree or there is no label, a sure teacher; where the teacher is unsure,
        the label.
    """
    points, trust = points.copy(), trust.copy()
    names = np.asarray(sources)
    crowd, exact = (names == "lspe")[:, None], (names == "synthetic")[:, None]
    body, given = points[:, :BODY], trust[:, :BODY]
    at, score = answers[:, :BODY, :2], answers[:, :BODY, 2]
    sure = (score > SURE) & ~exact
    labelled = given > 0
    agree = np.linalg.norm(body - at, axis=2) < tolerance
    both = crowd & labelled & sure & agree
    body[both] = (1 - EXACTER) * body[both] + EXACTER * at[both]
    taken = sure & (~labelled | (crowd & ~agree))
    body[taken] = at[taken]
    given[taken] = DISTILLED * np.clip(score[taken], 0, 1)
    _weak_spine(points, trust, crowd[:, 0])
    return points, trust


def _weak_spine(points: FloatArray, trust: FloatArray, crowd: npt.NDArray[np.bool_]) -> None:
    """Tie neck and sacrum of crowd-sourced people to their neck joint and hips, in place."""
    neck, hip, left, right = SPINETRACK.indices(["neck", "hip", "left_hip", "right_hip"])
    trust[crowd, neck] *= WEAK
    known = crowd & (trust[:, left] > 0) & (trust[:, right] > 0)
    points[known, hip] = (points[known, left] + points[known, right]) / 2
    trust[known, hip] = WEAK


class Mixture(IterableDataset[Sample]):
    """An endless stream of changed crops, sources mixed with fixed shares.

    Parameters
    ----------
    groups
        People by source.
    shares
        Chance of each group.
    how
        Strength of the changes.
    seed
        Start of the random numbers; each worker adds its own number.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Person]],
        shares: Sequence[float],
        how: Strength,
        seed: int,
    ) -> None:
        self.groups = groups
        self.shares = np.asarray(shares) / np.sum(shares)
        self.how = how
        self.seed = seed

    def __iter__(self) -> Iterator[Sample]:
        """Yield samples for ever."""
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            group = self.groups[int(rng.choice(len(self.groups), p=self.shares))]
            person = group[int(rng.integers(len(group)))]
            crop, points, trust = augmented_crop(read_rgb(person), person, rng, self.how)
            yield crop, points, trust, person.source


def collate(samples: list[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """Stack samples into crops (N, 3, 256, 256), keypoints (N, 37, 2) and trust (N, 37)."""
    crops, points, trust, _ = zip(*samples, strict=True)
    return (
        to_input(np.stack(crops)),
        torch.from_numpy(np.stack(points)),
        torch.from_numpy(np.stack(trust)),
    )


def mirrored_outputs(simcc_x: Tensor, simcc_y: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs for a mirrored crop as if for the crop itself, for flip tests.

    Pixel x lies at 255 - x in the mirrored crop, so bin i goes to bin 510 - i; the last bin,
    half a pixel outside, repeats its neighbour.
    """
    swap = torch.from_numpy(SPINETRACK.flip)
    back = simcc_x[:, swap].flip(-1)
    back = torch.cat([back[..., 1:], back[..., -1:]], dim=-1)
    return back, simcc_y[:, swap]
