"""From a frame to the boxes of the people in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.geometry import area_of, box_iou, clip_boxes
from spinepose.models import ModelCard, Session

__all__ = ["PersonDetector", "suppress"]

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]
Answers = list[npt.NDArray[np.floating]]

_STRIDES = (8, 16, 32)
"""Of the three grids that YOLOX answers on."""


@dataclass(frozen=True)
class _Letterbox:
    """Where the frame lies in the network's input: ``input = frame * scale + offset``."""

    scale: Float32
    offset: Float32
    size: tuple[int, int]

    def to_frame(self, boxes: Float32) -> Float32:
        """Map boxes (N, 4) from input pixels to frame pixels."""
        scale, offset = np.tile(self.scale, 2), np.tile(self.offset, 2)
        return np.asarray((boxes - offset) / scale, dtype=np.float32)


class PersonDetector:
    """A person detector of any kind that a card can describe.

    Parameters
    ----------
    card
        Says how frames are fitted in and what the answers mean.
    session
        The loaded network.
    score_threshold
        Least score of a person; by default the card's.
    max_people
        Keep at most so many, the surest first.
    """

    def __init__(
        self,
        card: ModelCard,
        session: Session,
        *,
        score_threshold: float | None = None,
        max_people: int | None = None,
    ) -> None:
        self.card = card
        self.session = session
        self.score_threshold = (
            card.output.score_threshold if score_threshold is None else score_threshold
        )
        self.max_people = max_people

    def detect(self, image: UInt8) -> tuple[Float32, Float32]:
        """Find people.

        Parameters
        ----------
        image
            (H, W, 3) RGB uint8 of any size.

        Returns
        -------
        boxes : (N, 4)
            x1 y1 x2 y2 px, inside the frame, the surest first.
        scores : (N,)
            In 0..1.
        """
        fit = self._fit(image.shape[1], image.shape[0])
        answers = self.session.run(self._input(image, fit))
        boxes, scores = self._people(answers, fit)
        keep = np.flatnonzero(scores >= self.score_threshold)
        boxes, scores = fit.to_frame(boxes[keep]), scores[keep].astype(np.float32)
        boxes = np.asarray(clip_boxes(boxes, (image.shape[1], image.shape[0])), dtype=np.float32)
        kept = suppress(boxes, scores, self.card.output.nms_iou)[: self.max_people]
        return boxes[kept], scores[kept]

    def _fit(self, width: int, height: int) -> _Letterbox:
        """Return how a frame is laid into the input."""
        spec = self.card.input
        full = np.array([spec.width, spec.height])
        if spec.letterbox == "stretch":
            scale = full / np.array([width, height])
            return _Letterbox(scale.astype(np.float32), np.zeros(2, np.float32), tuple(full))
        ratio = min(spec.width / width, spec.height / height)
        inner = np.maximum(np.round(np.array([width, height]) * ratio), 1).astype(int)
        # A wide frame needs no square: the smallest rectangle that holds it is less to compute.
        size = -(-inner // spec.multiple) * spec.multiple if spec.dynamic else full
        offset = (size - inner) // 2 if spec.letterbox == "center" else np.zeros(2)
        scale = inner / np.array([width, height])
        return _Letterbox(
            scale.astype(np.float32), offset.astype(np.float32), (int(size[0]), int(size[1]))
        )

    def _input(self, image: UInt8, fit: _Letterbox) -> Float32:
        """Return the normalised input (1, 3, h, w)."""
        import cv2

        spec = self.card.input
        inner = np.maximum(np.round(np.array(image.shape[1::-1]) * fit.scale), 1).astype(int)
        # Shrinking by area keeps thin limbs that point sampling would break up.
        way = cv2.INTER_AREA if fit.scale.max() < 0.5 else cv2.INTER_LINEAR
        small = cv2.resize(image, (int(inner[0]), int(inner[1])), interpolation=way)
        canvas = np.full((fit.size[1], fit.size[0], 3), spec.pad_value, dtype=np.uint8)
        x, y = fit.offset.astype(int)
        canvas[y : y + inner[1], x : x + inner[0]] = small
        if spec.color == "bgr":
            canvas = canvas[:, :, ::-1]
        values = canvas.transpose(2, 0, 1)[None].astype(np.float32)
        if any(spec.mean) or spec.std != (1.0, 1.0, 1.0):
            mean, std = (np.array(v, np.float32)[:, None, None] for v in (spec.mean, spec.std))
            values = (values - mean) / std
        return np.ascontiguousarray(values)

    def _people(self, answers: Answers, fit: _Letterbox) -> tuple[Float32, Float32]:
        """Return boxes (M, 4) in input pixels and scores (M,) of people."""
        output = self.card.output
        if output.kind == "boxes":
            return answers[0][0].astype(np.float32), answers[1][0].astype(np.float32)
        if output.kind == "yolox":
            return _decode_yolox(answers[0][0], fit.size, output.person_class)
        if output.kind == "rtmdet":
            return _decode_rtmdet(answers, output.person_class)
        return _decode_rfdetr(answers, fit.size, output.person_class)


def _decode_yolox(
    answer: npt.NDArray[np.floating], size: tuple[int, int], person_class: int
) -> tuple[Float32, Float32]:
    """Decode YOLOX's grids (M, 5 + classes): centre and log size in strides, objectness, classes.

    Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430.
    """
    grids, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.mgrid[: size[1] // stride, : size[0] // stride]
        grids.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    stride_of = np.concatenate(strides)
    centres = (answer[:, :2] + np.concatenate(grids)) * stride_of
    half = np.exp(answer[:, 2:4]) * stride_of / 2
    scores = answer[:, 4] * answer[:, 5 + person_class]
    boxes = np.concatenate([centres - half, centres + half], axis=1)
    return boxes.astype(np.float32), scores.astype(np.float32)


def _decode_rtmdet(answers: Answers, person_class: int) -> tuple[Float32, Float32]:
    """Split RTMDet's boxes with scores (M, 5), and drop other labels (M,)."""
    found = answers[0][0].astype(np.float32)
    if len(answers) > 1:
        found = found[answers[1][0] == person_class]
    return found[:, :4], found[:, 4]


def _decode_rfdetr(
    answers: Answers, size: tuple[int, int], person_class: int
) -> tuple[Float32, Float32]:
    """Decode RF-DETR's normalised centres and sizes (M, 4) and class logits (M, C)."""
    centres, sides = answers[0][0][:, :2], answers[0][0][:, 2:4]
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    scores = 1 / (1 + np.exp(-answers[1][0][:, person_class].astype(np.float64)))
    return (boxes * np.tile(size, 2)).astype(np.float32), scores.astype(np.float32)


def suppress(boxes: Float32, scores: Float32, iou: float) -> npt.NDArray[np.int64]:
    """Return which boxes to keep, the surest first: greedy non-maximum suppression.

    Parameters
    ----------
    boxes
        (N, 4) px; empty boxes are dropped.
    scores
        (N,).
    iou
        Of two boxes that overlap more, the less sure one goes.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[area_of(boxes[order]) > 0]
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[box_iou(boxes[best][None], boxes[order])[0] <= iou]
    return np.array(kept, dtype=np.int64)
