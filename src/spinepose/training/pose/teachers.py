"""Teachers: networks that read keypoints of people nobody has labelled.

A teacher answers for the keypoints it knows, in the order of SpineTrack.
:mod:`~spinepose.training.pose.answers` keeps what it says.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.errors import ModelError
from spinepose.geometry import apply_affine, crop_transforms, invert_affine
from spinepose.inference.pose import PoseModel
from spinepose.models import create_session, resolve_pose
from spinepose.skeleton import COCO17, SPINETRACK

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
Float64 = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]

PADDING = 1.25
"""Side of the square around a person, in longer sides of the box."""
SQUARE = 256
"""Side in pixels of the square that MoveNet Thunder and BlazePose look at."""


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


class MoveNetTeacher:
    """MoveNet Thunder (Google, Apache-2.0) as ONNX: the 17 COCO joints.

    Input (1, 256, 256, 3) int32 RGB, output (1, 1, 17, 3) y, x, score as shares of the square.

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

    name = "movenet-thunder"

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        import onnxruntime as ort

        weights = read_weights(path)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        try:
            self._session = ort.InferenceSession(
                weights, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime has no common kind of error
            raise ModelError(f"{path}: cannot be loaded: {' '.join(str(error).split())}") from error
        entry, *more = self._session.get_inputs()
        if more or entry.type != "tensor(int32)" or entry.shape[1:] != [SQUARE, SQUARE, 3]:
            raise ModelError(
                f"{path}: takes {entry.type} {entry.shape}, not MoveNet Thunder's int32 picture"
            )
        self._input: str = entry.name
        self.keypoints: IntArray = SPINETRACK.indices(COCO17.keypoints)
        self.fingerprint = fingerprint_of(weights, padding=PADDING)

    def answer(self, image: UInt8, boxes: npt.ArrayLike) -> Float32:
        """Read people, see :meth:`Teacher.answer`."""
        maps = crop_transforms(np.asarray(boxes, np.float64), (SQUARE, SQUARE), PADDING)
        crops = [cut(image, affine) for affine in maps]
        rows = [self._session.run(None, {self._input: c[None].astype(np.int32)})[0] for c in crops]
        joints = np.asarray(rows, np.float64).reshape(len(maps), len(COCO17), 3)
        answers = no_answers(len(maps))
        places = apply_affine(invert_affine(maps), joints[..., [1, 0]] * SQUARE)
        answers[:, self.keypoints, :2] = places
        answers[:, self.keypoints, 2] = np.clip(joints[..., 2], 0, 1)
        return answers


def cut(image: UInt8, affine: Float64) -> UInt8:
    """Return the square (256, 256, 3) that a map (2, 3) from the image's pixels shows.

    Warping samples points: a person much larger than the square is averaged down first.
    """
    affine = affine.copy()
    while np.hypot(*affine[0, :2]) < 0.5 and min(image.shape[:2]) > 2:
        image = np.asarray(cv2.pyrDown(image), np.uint8)  # keeps every second pixel: q is 2 q
        affine[:, :2] *= 2
    return np.asarray(cv2.warpAffine(image, affine, (SQUARE, SQUARE)), np.uint8)


def no_answers(count: int) -> Float32:
    """Return answers (N, 37, 3) of a teacher who knows nothing: NaN, NaN, 0."""
    answers = np.full((count, len(SPINETRACK), 3), np.nan, np.float32)
    answers[..., 2] = 0
    return answers


def read_weights(path: Path) -> bytes:
    """Read a network's file; raise `ModelError` where that fails."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def fingerprint_of(weights: bytes, **settings: object) -> str:
    """Return the SHA-256, in hexadecimal digits, of weights and settings."""
    digest = hashlib.sha256(weights)
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()
