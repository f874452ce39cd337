"""Let networks read the people of a labelled set; pictures are read ahead and not kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.evaluation.peers import Reader
from spinepose.evaluation.sets import LabelledSet
from spinepose.geometry import box_iou
from spinepose.inference.detector import PersonDetector
from spinepose.media import read_image
from spinepose.skeleton import SPINETRACK

__all__ = ["LEAST_DETECTION", "SAME_PERSON", "Found", "match_boxes", "number_to_read", "predict"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]

LEAST_DETECTION = 0.1
"""Least score of a box: average precision ranks the unsure ones too."""
SAME_PERSON = 0.5
"""A detected box belongs to the labelled person whose box it overlaps by this (IoU) at least."""

_AHEAD = 4


@dataclass(frozen=True)
class Found:
    """What one network says of the people of a set.

    Parameters
    ----------
    answers
        (M, 37, 3) x, y and score; NaN and 0 where it knows nothing.
    pictures
        (M,) index of each picture.
    boxes
        (M,) scores of the boxes in 0..1: 1 for labelled boxes.
    owners
        (M,) index of the labelled person that a row belongs to; -1 for nobody.
    """

    answers: Float32
    pictures: IntArray
    boxes: Float64
    owners: IntArray

    def for_people(self, number: int) -> Float32:
        """Return the answers (N, 37, 3) for labelled people; NaN and 0 where none was found."""
        answers = np.full((number, len(SPINETRACK), 3), np.nan, np.float32)
        answers[..., 2] = 0
        known = self.owners >= 0
        answers[self.owners[known]] = self.answers[known]
        return answers


@dataclass(frozen=True)
class _Job:
    """The boxes of one picture."""

    picture: int
    path: Path
    owners: IntArray


def predict(
    readers: Sequence[Reader],
    labelled: LabelledSet,
    *,
    detector: PersonDetector | None = None,
    flip: bool = False,
    on_picture: Callable[[], None] = lambda: None,
) -> list[Found]:
    """Read every picture once and let all networks look at the same boxes.

    Parameters
    ----------
    readers
        The networks.
    labelled
        The set.
    detector
        Finds the boxes; by default they are the labelled ones of the people who count.
    flip
        Average with the mirror image.
    on_picture
        Called after each picture.

    Returns
    -------
    found
        One for each network.

    Raises
    ------
    InputError
        A picture cannot be read.
    """
    rows: list[list[Float32]] = [[np.zeros((0, len(SPINETRACK), 3), np.float32)] for _ in readers]
    pictures, sure, owners = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0, np.int64)]
    jobs = _jobs(labelled, every=detector is not None)
    for job, image in _read_ahead(jobs):
        if detector is None:
            boxes, scores, whose = labelled.boxes[job.owners], np.ones(len(job.owners)), job.owners
        else:
            boxes, scores, whose = _detected(detector, image, labelled, job)
        for kept, reader in zip(rows, readers, strict=True):
            kept.append(reader.read(image, boxes, flip=flip))
        pictures.append(np.full(len(boxes), job.picture))
        sure.append(scores)
        owners.append(whose)
        on_picture()
    shared = (np.concatenate(pictures), np.concatenate(sure), np.concatenate(owners))
    return [Found(np.concatenate(kept), *shared) for kept in rows]


def number_to_read(labelled: LabelledSet, *, detected: bool) -> int:
    """Return how many pictures :func:`predict` reads with labelled or detected boxes."""
    return len(_jobs(labelled, every=detected))


def _jobs(labelled: LabelledSet, every: bool) -> list[_Job]:
    """Return the pictures to read: every one, or those with people who count."""
    people: dict[int, list[int]] = {}
    for row in np.flatnonzero(labelled.judged):
        people.setdefault(int(labelled.pictures_of[row]), []).append(int(row))
    return [
        _Job(i, path, np.array(people.get(i, []), np.int64))
        for i, path in enumerate(labelled.pictures)
        if every or i in people
    ]


def _read_ahead(jobs: Sequence[_Job]) -> Iterator[tuple[_Job, UInt8]]:
    """Yield jobs with their pictures (H, W, 3); a thread decodes the next few meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="spinepose-pictures") as pool:
        waiting: deque[tuple[_Job, Future[UInt8]]] = deque()
        try:
            for job in jobs:
                waiting.append((job, pool.submit(read_image, job.path)))
                if len(waiting) > _AHEAD:
                    first, picture = waiting.popleft()
                    yield first, picture.result()
            while waiting:
                first, picture = waiting.popleft()
                yield first, picture.result()
        finally:
            for _, picture in waiting:
                picture.cancel()


def _detected(
    detector: PersonDetector, image: UInt8, labelled: LabelledSet, job: _Job
) -> tuple[Float64, Float64, IntArray]:
    """Return detected boxes (M, 4), their scores (M,) and the people they belong to (M,)."""
    boxes, scores = detector.detect(image)
    match = match_boxes(boxes.astype(np.float64), labelled.boxes[job.owners])
    owners = np.full(len(boxes), -1, np.int64)
    owners[match >= 0] = job.owners[match[match >= 0]]
    return boxes.astype(np.float64), scores.astype(np.float64), owners


def match_boxes(boxes: Float64, people: Float64) -> IntArray:
    """Return which person (M,) each detected box belongs to, -1 for nobody.

    The pair that overlaps most comes first; each box and each person is used once.

    Parameters
    ----------
    boxes
        (M, 4) xyxy.
    people
        (N, 4) xyxy.
    """
    owners = np.full(len(boxes), -1, np.int64)
    if not len(boxes) or not len(people):
        return owners
    overlap = box_iou(boxes, people).astype(np.float64)
    while overlap.max() >= SAME_PERSON:
        box, person = np.unravel_index(overlap.argmax(), overlap.shape)
        owners[box] = person
        overlap[box], overlap[:, person] = -1, -1
    return owners
