"""Ask teachers once: answers are kept on disk under a hash of everything they follow from.

So a set can grow or change its order, and a run can be interrupted, without asking again.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.dataset.people import Person
from spinepose.errors import DataError
from spinepose.files import atomic_write
from spinepose.geometry import apply_affine, crop_transforms, invert_affine
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.blazepose import BlazePoseTeacher
from spinepose.training.pose.teachers import MoveNetTeacher, OnnxTeacher, Teacher, no_answers

__all__ = ["TURN_FROM", "cached_answers", "open_teacher", "upright_angle"]

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

K = len(SPINETRACK)
TURN_FROM = 30.0
"""Degrees of lean from which a person is shown upright: teachers know standing people best."""
TURNED_SIDE = 512
"""Pixels of a turned person's longer side, at most."""
ROOM = 2.0
"""Side of the square that is turned, in sides of the person's box."""
EVERY = 500
"""People asked between two writes."""


def open_teacher(path: Path) -> Teacher:
    """Return the teacher of a file, or of a built-in pose model's name.

    A ``.tflite`` file is BlazePose, an ``.onnx`` file with a card beside it one of this package's
    networks, one without a card MoveNet Thunder.

    Raises
    ------
    ModelError
        The file is missing, broken or something else.
    MissingExtraError
        LiteRT is wanted for BlazePose and not installed.
    """
    if path.suffix == ".tflite":
        return BlazePoseTeacher(path)
    if path.suffix == ".onnx" and not path.with_suffix(".json").exists():
        return MoveNetTeacher(path)
    return OnnxTeacher(path)


def cached_answers(
    people: Sequence[Person],
    teacher: Teacher,
    folder: Path,
    progress: Callable[[int], None] | None = None,
    every: int = EVERY,
) -> Float32:
    """Return a teacher's answers, asking only for people it has not been asked for.

    Nobody can know what lies outside of a picture: answers there are dropped. People who lean by
    more than :data:`TURN_FROM` (lying, on their hands), as far as their labels tell, are shown
    upright; the answers are turned back.

    Parameters
    ----------
    people
        Of one or several sources, in any order.
    teacher
        Who is asked.
    folder
        Where answers are kept, one file for each source and teacher. Each answer is found by the
        SHA-256 of the teacher's fingerprint, the bytes of the picture, box and turn.
    progress
        Called with the number of people whose answers are known.
    every
        People asked between two writes; an interrupted run keeps them.

    Returns
    -------
    answers : (N, 37, 3)
        x, y in pixels of the pictures, and score in 0..1; NaN and 0 = no answer.

    Raises
    ------
    DataError
        A picture cannot be read, or a file in `folder` is broken.
    """
    answers = no_answers(len(people))
    done = 0
    for source in dict.fromkeys(p.source for p in people):
        rows = [i for i, p in enumerate(people) if p.source == source]
        book = _Book(folder / f"{source}-{teacher.name}-{teacher.fingerprint[:12]}.npz")
        with book:
            for row in rows:
                answers[row] = _asked(people[row], teacher, book)
                if len(book.fresh) >= every:
                    book.write()
                done += 1
                if progress is not None:
                    progress(done)
    return answers


class _Book:
    """Answers on disk: written when left, whatever happened inside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.fresh: set[bytes] = set()
        self.answers: dict[bytes, Float32] = {}
        if path.exists():
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
                    keys, answers = content["keys"], content["answers"]
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                raise self._broken(str(error)) from error
            if keys.shape[1:] != (32,) or answers.shape != (len(keys), K, 3):
                raise self._broken(f"{keys.shape} keys, {answers.shape} answers")
            self.answers = dict(zip(map(bytes, keys), answers.astype(np.float32), strict=True))

    def _broken(self, reason: str) -> DataError:
        return DataError(f"{self._path}: not a file of answers ({reason}); delete it to ask again")

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self.write()

    def add(self, key: bytes, answer: Float32) -> None:
        self.answers[key] = answer
        self.fresh.add(key)

    def write(self) -> None:
        """Write all answers if there are new ones."""
        if not self.fresh:
            return
        keys = np.frombuffer(b"".join(self.answers), np.uint8).reshape(-1, 32)
        with atomic_write(self._path) as temporary, temporary.open("wb") as sink:
            np.savez(sink, keys=keys, answers=np.stack(list(self.answers.values())))
        self.fresh.clear()


def _asked(person: Person, teacher: Teacher, book: _Book) -> Float32:
    """Return the answer (37, 3) for a person, from the book or from the teacher."""
    try:
        data = person.path.read_bytes()
    except OSError as error:
        raise DataError(f"{person.path}: cannot be read: {error.strerror}") from error
    turn = upright_angle(person)
    turn = turn if abs(turn) > TURN_FROM else 0.0
    digest = hashlib.sha256(teacher.fingerprint.encode())
    digest.update(hashlib.sha256(data).digest())
    digest.update(np.append(person.box, turn).astype("<f4").tobytes())
    key = digest.digest()
    if key not in book.answers:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if found is None:
            raise DataError(f"{person.path}: cannot be read as a picture")
        image = np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)
        answer = _upright(teacher, image, person.box, turn)
        places = answer[:, :2] + 0.5  # of pixel centres, counted from the border
        seen = np.all((places >= 0) & (places <= image.shape[1::-1]), axis=1, keepdims=True)
        book.add(key, np.where(seen, answer, no_answers(1)[0]))
    return book.answers[key]


def upright_angle(person: Person) -> float:
    """Return the turn in degrees that brings mid-hips to neck upwards; 0 where unknown.

    Teachers trained on standing people read a handstand better after that turn. The sign is
    OpenCV's (``cv2.getRotationMatrix2D``: positive = counter-clockwise).
    """
    left, right, neck = SPINETRACK.indices(["left_hip", "right_hip", "neck"])
    known = person.trust[[left, right, neck]] > 0
    if not known.all():
        return 0.0
    hips = (person.keypoints[left] + person.keypoints[right]) / 2
    dx, dy = person.keypoints[neck] - hips
    return float(np.degrees(np.arctan2(dx, -dy)))


def _upright(teacher: Teacher, image: UInt8, box: Float32, turn: float) -> Float32:
    """Return the answer (37, 3) for one box (4,) of a picture turned by so many degrees."""
    if not turn:
        return np.asarray(teacher.answer(image, box[None])[0])
    # A square around the person with room for any teacher's padding, no finer than it needs.
    side = float((box[2:] - box[:2]).max())
    pixels = int(np.ceil(ROOM * min(side, TURNED_SIDE)))
    affine = np.vstack([crop_transforms(box[None], (pixels, pixels), ROOM)[0], [0, 0, 1]])
    middle = (pixels - 1) / 2
    affine = cv2.getRotationMatrix2D((middle, middle), turn, 1.0) @ affine
    turned = np.asarray(cv2.warpAffine(image, affine, (pixels, pixels)), np.uint8)
    # The turned box, but no larger than a square of the old one's longer side.
    width, height = (box[2:] - box[:2]) * float(np.hypot(*affine[0, :2]))
    sine, cosine = abs(np.sin(np.radians(turn))), abs(np.cos(np.radians(turn)))
    around = np.array([width * cosine + height * sine, width * sine + height * cosine])
    half = np.minimum(around, max(width, height)) / 2
    upright = np.concatenate([pixels / 2 - half, pixels / 2 + half])
    answer = teacher.answer(turned, upright[None])
    answer[..., :2] = apply_affine(invert_affine(affine[None]), answer[..., :2])
    return np.asarray(answer[0])
