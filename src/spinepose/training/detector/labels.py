"""What the two teachers agree on, and the file of labels made from it.

A box that both teachers find (overlap at least 0.5) is a *consensus* box: the mean of the
two. A box found by one of them only is *doubtful*: it teaches neither yes nor no, only that
the score shall not rise above what the two say together (its *ceiling*).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from spinepose.training.detector.boxes import Floats, Image, iou_matrix, match
from spinepose.training.detector.teachers import Detections, Detector

AGREE_IOU = 0.5
MEASURE_THRESHOLD = 0.35
TRAIN_THRESHOLD = 0.3
DOUBT_THRESHOLD = 0.12
UNSEEN_SCORE = 0.05
SAME_IOU = 0.6

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Consensus:
    """Labels of one photo.

    Attributes
    ----------
    agreed
        Boxes both teachers find ``(N, 4)`` in px of the photo.
    doubtful
        Boxes only one is sure of ``(M, 5)``: x1, y1, x2, y2 in px and the ceiling, the
        geometric mean of the two scores (a teacher that finds nothing counts 0.05).
    """

    agreed: Floats
    doubtful: Floats


def consensus(first: Detections, second: Detections, sure: float, doubt: float) -> Consensus:
    """Compare two teachers' answers on one photo.

    Parameters
    ----------
    first, second
        The teachers' detections, down to a score of `doubt` at least.
    sure
        Score both must reach for a consensus box (0..1).
    doubt
        Score one must reach for a doubtful box (0..1).

    Returns
    -------
    Consensus
        Agreed boxes (mean of the two) and doubtful ones; a pair of which one box lacks the
        sure score is doubtful, as the mean of the two.
    """
    pairs = match(first.boxes, second.boxes, AGREE_IOU)
    agreed: list[Floats] = []
    doubtful: list[Floats] = []
    for i, j in pairs:
        box = (first.boxes[i] + second.boxes[j]) / 2
        low, high = sorted((float(first.scores[i]), float(second.scores[j])))
        if low >= sure:
            agreed.append(box)
        elif high >= doubt:
            doubtful.append(_with_ceiling(box, low, high))
    rest = (
        (first, {i for i, _ in pairs}),
        (second, {j for _, j in pairs}),
    )
    for found, used in rest:
        for i, (box, score) in enumerate(zip(found.boxes, found.scores, strict=True)):
            if i not in used and score >= doubt:
                doubtful.append(_with_ceiling(box, UNSEEN_SCORE, float(score)))
    return Consensus(_stack(agreed, 4), _stack(doubtful, 5))


def _with_ceiling(box: Floats, first: float, second: float) -> Floats:
    return np.append(box, np.sqrt(first * second)).astype(np.float32)


def _stack(rows: Iterable[Floats], columns: int) -> Floats:
    return np.asarray(list(rows), dtype=np.float32).reshape(-1, columns)


def body_box(joints: Floats) -> Floats:
    """Box of a person from the 14 joints of Leeds Sports Pose.

    The ankles, wrists and head top lie inside the body, so the box is widened by 12 % of
    the longer side (chosen by eye on 40 photos).

    Parameters
    ----------
    joints
        ``(14, 3)``: x, y in px and 1 where the position is seen, 0 where it is a guess.

    Returns
    -------
    Floats
        Box ``(4,)`` of the joints seen; all NaN where fewer than eight are.
    """
    seen = joints[joints[:, 2] > 0, :2]
    if len(seen) < 8:
        return np.full(4, np.nan, dtype=np.float32)
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = 0.06 * float((high - low).max())
    return np.concatenate([low - margin, high + margin]).astype(np.float32)


def rotate_box_back(boxes: Floats, quarter: int, height: int, width: int) -> Floats:
    """Bring boxes found on a photo turned by `np.rot90` back to the upright photo.

    Parameters
    ----------
    boxes
        ``(N, 4)`` on the turned photo.
    quarter
        Quarter turns anticlockwise that were made.
    height, width
        Size of the upright photo.
    """
    x1, y1, x2, y2 = boxes.T
    turned = {
        0: (x1, y1, x2, y2),
        1: (width - y2, x1, width - y1, x2),
        2: (width - x2, height - y2, width - x1, height - y1),
        3: (y1, height - x2, y2, height - x1),
    }[quarter % 4]
    return np.stack(turned, axis=1).astype(np.float32)


def label_athlete(image: Image, joints: Floats, teachers: Sequence[Detector]) -> Consensus:
    """Label a photo of one athlete whose joints a human marked.

    The teachers were trained on upright people; they are asked on the photo turned by 0, 90,
    180 and 270 degrees until one of them finds a box that fits the joints (overlap at least
    0.6). Where none does, the box of the joints itself is taken, if enough joints are seen.
    All other boxes of the upright photo are doubtful; those both teachers find have a
    ceiling of 1.
    """
    height, width = image.shape[:2]
    frame = body_box(joints)
    upright = [teacher(image) for teacher in teachers]
    seen = consensus(upright[0], upright[1], TRAIN_THRESHOLD, DOUBT_THRESHOLD)
    agreed = np.pad(seen.agreed, ((0, 0), (0, 1)), constant_values=1)
    others = np.concatenate([agreed, seen.doubtful]).astype(np.float32)
    if not np.isfinite(frame).all():
        whole = np.array([[0, 0, width, height, 1]], dtype=np.float32)
        return Consensus(_stack([], 4), np.concatenate([others, whole]))
    fit = [box for found in upright if (box := _fitting(found.boxes, frame)) is not None]
    for quarter in (1, 2, 3):
        if fit:
            break
        turned = np.ascontiguousarray(np.rot90(image, quarter))
        for teacher in teachers:
            found = teacher(turned).above(DOUBT_THRESHOLD)
            box = _fitting(rotate_box_back(found.boxes, quarter, height, width), frame)
            fit += [] if box is None else [box]
    body = np.mean(fit, axis=0) if fit else frame
    apart = iou_matrix(others[:, :4], body[None])[:, 0] < SAME_IOU
    return Consensus(_stack([body], 4), others[apart])


def _fitting(boxes: Floats, frame: Floats) -> Floats | None:
    """Return the box that overlaps the frame most, if by 0.6 at least."""
    overlap = iou_matrix(boxes, frame[None])[:, 0]
    best = int(overlap.argmax()) if overlap.size else -1
    return boxes[best] if best >= 0 and overlap[best] >= SAME_IOU else None


def read_rgb(path: Path) -> Image:
    """Read a photo as RGB uint8 ``(H, W, 3)``; raises `FileNotFoundError` if it cannot."""
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(f"{path} cannot be read as a picture")
    return np.ascontiguousarray(image[:, :, ::-1], dtype=np.uint8)


@dataclass(frozen=True)
class Split:
    """Whole COCO photos: to learn from, to choose threshold and blend on, to measure on."""

    train: list[Path]
    tune: list[Path]
    dev: list[Path]


def split_photos(data: Path) -> Split:
    """Split the whole COCO photos.

    `data/coco/persons.json` names the use of every person; a photo with any person of use
    ``dev`` is a development photo. Of the others every fourth is kept for tuning.
    """
    persons = json.loads((data / "coco" / "persons.json").read_text())
    held = {f"{p['coco_id']:012d}" for p in persons if p["use"] == "dev"}
    photos = sorted((data / "coco" / "full").glob("*.jpg"))
    free = [p for p in photos if p.stem not in held]
    train = [p for i, p in enumerate(free) if i % 4 != 3]
    return Split(train, free[3::4], [p for p in photos if p.stem in held])


def make_labels(data: Path, teachers: Sequence[Detector], out: Path, every: int = 1) -> None:
    """Label all training photos and write one JSON line a photo to `out`.

    Each line: ``file`` (relative to `data`), ``source``, ``agreed``, ``doubtful``. Every
    twentieth photo of the athletes is held out and not written (see `held_out_athletes`).

    Parameters
    ----------
    every
        Take each n-th athlete only (a quicker first run).
    """
    photos = split_photos(data).train
    names = {p.stem for p in photos}
    persons = json.loads((data / "coco" / "persons.json").read_text())
    crops = [
        data / "coco" / "images" / p["file"] for p in persons if f"{p['coco_id']:012d}" in names
    ]
    people = sorted((data / "people" / "images").glob("*.jpg"))
    athletes = json.loads((data / "lspe" / "persons.json").read_text())["persons"]
    with out.open("w") as sink:
        for source, files in (("coco", photos), ("crop", crops), ("people", people)):
            for path in files:
                image = read_rgb(path)
                first, second = (teacher(image) for teacher in teachers)
                label = consensus(first, second, TRAIN_THRESHOLD, DOUBT_THRESHOLD)
                sink.write(_line(path.relative_to(data), source, label))
            sink.flush()
            _LOGGER.info("%s: %d photos labelled", source, len(files))
        for number, person in enumerate(athletes):
            if is_held_out(number) or number % every:
                continue
            path = data / "lspe" / "images" / person["file"]
            joints = np.asarray(person["kpts"], dtype=np.float32)
            label = label_athlete(read_rgb(path), joints, teachers)
            sink.write(_line(path.relative_to(data), "athlete", label))
            if number % 500 == 1:
                sink.flush()


def is_held_out(number: int) -> bool:
    """Say whether the athlete at this place of the list is kept for measuring."""
    return number % 20 == 0


def held_out_athletes(data: Path, tuning: bool = False) -> list[tuple[Path, Floats]]:
    """Return photos and joint boxes ``(4,)`` of the athletes kept out of training.

    Parameters
    ----------
    tuning
        The half on which blend and threshold are chosen, instead of the half to measure on.
    """
    athletes = json.loads((data / "lspe" / "persons.json").read_text())["persons"]
    kept: list[tuple[Path, Floats]] = []
    for number, person in enumerate(athletes):
        box = body_box(np.asarray(person["kpts"], dtype=np.float32))
        mine = is_held_out(number) and (number // 20 % 2 == 1) == tuning
        if mine and np.isfinite(box).all():
            kept.append((data / "lspe" / "images" / person["file"], box))
    return kept


def _line(path: Path, source: str, label: Consensus) -> str:
    record = {
        "file": path.as_posix(),
        "source": source,
        "agreed": np.round(label.agreed, 1).tolist(),
        "doubtful": np.round(label.doubtful, 2).tolist(),
    }
    return json.dumps(record) + "\n"
