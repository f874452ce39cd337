"""Teachers: networks that read keypoints of people nobody has labelled.

A teacher answers for the keypoints it knows, in the order of SpineTrack.
:mod:`~spinepose.training.pose.answers` keeps what it says.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spinepose.evaluation.peers import (
    PADDING,
    SQUARE,
    MoveNet,
    cut,
    no_answers,
    read_weights,
)
from spinepose.inference.pose import PoseModel
from spinepose.models import create_session, resolve_pose
from spinepose.skeleton import SPINETRACK

__all__ = [
    "PADDING",
    "SQUARE",
    "MoveNetTeacher",
    "OnnxTeacher",
    "Teacher",
    "cut",
    "fingerprint_of",
    "no_answers",
    "read_weights",
]

Float32 = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]


class Teacher(Protocol):
    """What reads keypoints of people in known boxes."""

    @property
    def name(self) -> str:
        """Short name, for files."""

    @property
    def keypoints(self) -> IntArray:
        """Indices of the SpineTrack keypoints that it answers for."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights and settings: the same means the same answers."""

    def answer(self, image: UInt8, boxes: npt.ArrayLike) -> Float32:
        """Read people.

        Parameters
        ----------
        image
            (H, W, 3) RGB.
        boxes
            (N, 4) xyxy pixels.

        Returns
        -------
        answers : (N, 37, 3)
            x and y in pixels of the image and a score in 0..1; NaN and 0 where it knows nothing.
        """


class OnnxTeacher:
    """A pose network of this package, or any ``.onnx`` file with a card beside it.

    Parameters
    ----------
    path
        The weights, or the name of a built-in size.
    flip
        Average with the mirror image: a little better for twice the time.
    threads
        CPU threads.
    device
        A device that ONNX Runtime knows, see :data:`spinepose.models.session.DEVICES`.

    Raises
    ------
    ModelError
        There is no such model, or its file is broken.
    """

    def __init__(
        self, path: str | Path, *, flip: bool = True, threads: int = 1, device: str = "cpu"
    ) -> None:
        model = resolve_pose(path)
        self._flip = flip
        self._pose = PoseModel(model.card, create_session(model, device, threads))
        known = [n for n in model.card.skeleton.keypoints if n in SPINETRACK.keypoints]
        self.name = model.card.id
        self.keypoints: IntArray = SPINETRACK.indices(known)
        self._columns = model.card.skeleton.indices(known)
        raw = model.card.raw
        settings = {part: raw.get(part) for part in ("input", "output", "score", "skeleton")}
        self.fingerprint = fingerprint_of(model.path.read_bytes(), flip=flip, **settings)

    def answer(self, image: UInt8, boxes: npt.ArrayLike) -> Float32:
        """Read people, see :meth:`Teacher.answer`."""
        points, scores = self._pose.estimate(image, boxes, flip_test=self._flip)
        answers = no_answers(len(points))
        answers[:, self.keypoints, :2] = points[:, self._columns]
        answers[:, self.keypoints, 2] = scores[:, self._columns]
        return answers


class MoveNetTeacher(MoveNet):
    """MoveNet Thunder as a teacher: the 17 COCO joints.

    Parameters
    ----------
    path
        The ``.onnx`` file.
    threads
        CPU threads.

    Raises
    ------
    ModelError
        The file is missing or something else.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        super().__init__(path, threads=threads)
        self.fingerprint = fingerprint_of(read_weights(path), padding=PADDING)

    def answer(self, image: UInt8, boxes: npt.ArrayLike) -> Float32:
        """Read people, see :meth:`Teacher.answer`."""
        return self.read(image, boxes)


def fingerprint_of(weights: bytes, **settings: object) -> str:
    """Return the SHA-256, in hexadecimal digits, of weights and settings."""
    digest = hashlib.sha256(weights)
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()
