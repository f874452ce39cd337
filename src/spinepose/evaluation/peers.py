"""Networks that read people in known boxes: ours and those of others, behind one door.

A reader answers for the keypoints it knows, in the order of SpineTrack: (N, 37, 3) with x and y in
pixels of the picture and a score in 0..1; NaN and 0 where it knows nothing. Every keypoint that it
knows is placed, however unsure: measures ask where, and scores only rank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.errors import ModelError
from spinepose.geometry import apply_affine, crop_transforms, invert_affine
from spinepose.inference.pose import MAX_BATCH, PoseModel
from spinepose.models import create_session, resolve_pose
from spinepose.models.download import file_sha256
from spinepose.skeleton import COCO17, SPINETRACK

__all__ = [
    "PADDING",
    "SQUARE",
    "MoveNet",
    "Network",
    "Reader",
    "cut",
    "no_answers",
    "open_reader",
    "open_readers",
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


class Reader(Protocol):
    """What reads keypoints of people in known boxes."""

    name: str
    """Short name, for tables."""

    @property
    def sha256(self) -> str:
        """SHA-256 of its weights, in hexadecimal digits."""

    @property
    def keypoints(self) -> IntArray:
        """Indices of the SpineTrack keypoints that it answers for."""

    def read(self, image: UInt8, boxes: npt.ArrayLike, *, flip: bool = False) -> Float32:
        """Read people.

        Parameters
        ----------
        image
            (H, W, 3) RGB.
        boxes
            (N, 4) xyxy pixels.
        flip
            Average with the mirror image.

        Returns
        -------
        answers : (N, 37, 3)
        """


class _EveryPoint(PoseModel):
    """Places every keypoint; the main road leaves those away that are hardly there."""

    def place(self, image: UInt8, boxes: Float64, flip: bool) -> Float32:
        """Return x, y and score (N, K, 3) of the people in boxes (N, 4)."""
        found = np.zeros((len(boxes), len(self.card.skeleton), 3), np.float32)
        for start in range(0, len(boxes), MAX_BATCH):
            rows = slice(start, start + MAX_BATCH)
            found[rows, :, :2], found[rows, :, 2] = self._run(image, boxes[rows], flip)
        return found


class Network:
    """A pose network of this package, or any ``.onnx`` file with a card beside it.

    Parameters
    ----------
    name
        A built-in size, or the path of the weights.
    device
        A device that ONNX Runtime knows, see :data:`spinepose.models.session.DEVICES`.
    threads
        CPU threads; by default those that pay.

    Raises
    ------
    ModelError
        There is no such model, or its file is broken.
    """

    def __init__(
        self, name: str | Path, *, device: str = "cpu", threads: int | None = None
    ) -> None:
        model = resolve_pose(name)
        self._pose = _EveryPoint(model.card, create_session(model, device, threads))
        skeleton = model.card.skeleton
        known = [n for n in skeleton.keypoints if n in SPINETRACK.keypoints]
        self.name = model.card.id
        self.sha256 = file_sha256(model.path)
        self.keypoints: IntArray = SPINETRACK.indices(known)
        self._columns = skeleton.indices(known)

    def read(self, image: UInt8, boxes: npt.ArrayLike, *, flip: bool = False) -> Float32:
        """Read people, see :meth:`Reader.read`."""
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        answers = no_answers(len(boxes))
        answers[:, self.keypoints] = self._pose.place(image, boxes, flip)[:, self._columns]
        return answers


class MoveNet:
    """MoveNet Thunder (Google, Apache-2.0) as ONNX: the 17 COCO joints.

    Input (1, 256, 256, 3) int32 RGB, output (1, 1, 17, 3) y, x, score as shares of the square.
    The flip test averages what it says of a square and of its mirror image: the scores, and the
    places weighted by them.

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
        self.sha256 = file_sha256(path)
        self.keypoints: IntArray = SPINETRACK.indices(COCO17.keypoints)

    def read(self, image: UInt8, boxes: npt.ArrayLike, *, flip: bool = False) -> Float32:
        """Read people, see :meth:`Reader.read`."""
        maps = crop_transforms(np.asarray(boxes, np.float64), (SQUARE, SQUARE), PADDING)
        crops = [cut(image, affine) for affine in maps]
        joints = self._joints(crops)
        if flip:
            mirrored = self._joints([crop[:, ::-1] for crop in crops])[:, COCO17.flip]
            mirrored[..., 0] = SQUARE - 1 - mirrored[..., 0]
            joints = _averaged(joints, mirrored)
        answers = no_answers(len(maps))
        answers[:, self.keypoints, :2] = apply_affine(invert_affine(maps), joints[..., :2])
        answers[:, self.keypoints, 2] = np.clip(joints[..., 2], 0, 1)
        return answers

    def _joints(self, crops: list[UInt8]) -> Float64:
        """Return x and y in pixels of the square and score (N, 17, 3)."""
        rows = [self._session.run(None, {self._input: c[None].astype(np.int32)})[0] for c in crops]
        joints = np.asarray(rows, np.float64).reshape(len(crops), len(COCO17), 3)
        return joints[..., [1, 0, 2]] * (SQUARE, SQUARE, 1)


def _averaged(a: Float64, b: Float64) -> Float64:
    """Return the average of joints (N, 17, 3), the places weighted by the scores."""
    weights = np.stack([a, b])[..., 2:] + 1e-9
    places = (np.stack([a, b])[..., :2] * weights).sum(axis=0) / weights.sum(axis=0)
    return np.concatenate([places, weights.mean(axis=0)], axis=-1)


def open_reader(name: str | Path, *, device: str = "cpu", threads: int | None = None) -> Reader:
    """Open a network by the size of a built-in one or by the path of an ``.onnx`` file.

    A file with a card beside it is read as its card says; one without must be MoveNet Thunder,
    which runs on the CPU.

    Raises
    ------
    ModelError
        There is no such model, or it cannot be read.
    """
    path = Path(name)
    if path.suffix == ".onnx" and path.is_file() and not path.with_suffix(".json").is_file():
        try:
            return MoveNet(path, threads=threads or 0)
        except ModelError as error:
            raise ModelError(
                f"{error}; another network needs a JSON card beside its .onnx file"
            ) from error
    return Network(name, device=device, threads=threads)


def open_readers(
    names: Sequence[str], *, device: str = "cpu", threads: int | None = None
) -> list[Reader]:
    """Open several networks, see :func:`open_reader`; those of one name are told apart by file."""
    readers = [open_reader(name, device=device, threads=threads) for name in names]
    times = Counter(reader.name for reader in readers)
    for reader, name in zip(readers, names, strict=True):
        if times[reader.name] > 1:
            reader.name = f"{reader.name} ({name})"
    return readers


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
    """Return answers (N, 37, 3) of a reader who knows nothing: NaN, NaN, 0."""
    answers = np.full((count, len(SPINETRACK), 3), np.nan, np.float32)
    answers[..., 2] = 0
    return answers


def read_weights(path: Path) -> bytes:
    """Read a network's file; raise `ModelError` where that fails."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
