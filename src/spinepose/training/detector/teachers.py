"""The two detectors that label our photos: YOLOX-nano and RTMDet-nano (person).

Both are published under Apache-2.0 and are read as ONNX files. Each has its own habits of
input; they are held here and nowhere else:

* YOLOX-nano (Ge et al. 2021, Megvii): 416 x 416, letterbox top left with 114, BGR 0..255;
  output ``(1, 3549, 85)`` still on the grid of strides 8, 16, 32; score = object x class 0.
* RTMDet-nano person (Lyu et al. 2022, OpenMMLab, MMDeploy export): letterbox 320 x 320,
  BGR, mean 103.53 116.28 123.675, std 57.375 57.12 58.395; output after its own NMS.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort

from spinepose.training.detector.boxes import Floats, Image, clip_boxes, letterbox, nms

YOLOX_SIZE = 416
RTMDET_SIZE = 320
STRIDES = (8, 16, 32)
TEACHER_NMS_IOU = 0.5
_RTMDET_MEAN = np.array([103.53, 116.28, 123.675], dtype=np.float32)
_RTMDET_STD = np.array([57.375, 57.12, 58.395], dtype=np.float32)


@dataclass(frozen=True)
class Detections:
    """People found in one photo: boxes ``(N, 4)`` in photo px and scores ``(N,)`` in 0..1."""

    boxes: Floats
    scores: Floats

    def above(self, threshold: float) -> Detections:
        """Keep those with at least the given score."""
        keep = self.scores >= threshold
        return Detections(self.boxes[keep], self.scores[keep])


class Detector(Protocol):
    """Anything that finds people in an RGB photo ``(H, W, 3)``."""

    def __call__(self, image: Image) -> Detections:
        """Find people in one RGB photo."""
        ...


def open_session(path: Path, threads: int = 1) -> ort.InferenceSession:
    """Open an ONNX file on the processor with a fixed number of threads."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def decode_grid(raw: Floats, height: int, width: int) -> Floats:
    """Bring YOLOX outputs from grid units to pixels.

    Parameters
    ----------
    raw
        ``(M, >=4)``: centre offset in cells, logarithm of the size in cells; cells of
        stride 8 row by row, then 16, then 32.
    height, width
        Size of the network's input in px.

    Returns
    -------
    Floats
        Boxes ``(M, 4)`` in input px.
    """
    grids, strides = [], []
    for stride in STRIDES:
        ys, xs = np.mgrid[: height // stride, : width // stride]
        grids.append(np.stack([xs.ravel(), ys.ravel()], axis=1))
        strides.append(np.full((xs.size, 1), stride))
    grid = np.concatenate(grids).astype(np.float32)
    stride_px = np.concatenate(strides).astype(np.float32)
    centre = (raw[:, :2] + grid) * stride_px
    half = np.exp(raw[:, 2:4]) * stride_px / 2
    return np.asarray(np.concatenate([centre - half, centre + half], axis=1), dtype=np.float32)


class YoloxTeacher:
    """YOLOX-nano, class person."""

    def __init__(self, path: Path, threads: int = 1, floor: float = 0.05) -> None:
        self._session = open_session(path, threads)
        self._floor = floor

    def __call__(self, image: Image) -> Detections:
        """Find people in an RGB photo ``(H, W, 3)`` uint8."""
        frame, scale = letterbox(image[:, :, ::-1], YOLOX_SIZE, YOLOX_SIZE)
        tensor = frame.transpose(2, 0, 1)[None].astype(np.float32)
        raw = self._session.run(None, {"images": tensor})[0][0]
        scores = raw[:, 4] * raw[:, 5]
        keep = scores >= self._floor
        boxes = decode_grid(raw, YOLOX_SIZE, YOLOX_SIZE)[keep] / scale
        return _suppressed(boxes, scores[keep], image)


class RtmdetTeacher:
    """RTMDet-nano trained on persons."""

    def __init__(self, path: Path, threads: int = 1, floor: float = 0.05) -> None:
        self._session = open_session(path, threads)
        self._floor = floor

    def __call__(self, image: Image) -> Detections:
        """Find people in an RGB photo ``(H, W, 3)`` uint8."""
        frame, scale = letterbox(image[:, :, ::-1], RTMDET_SIZE, RTMDET_SIZE)
        normal = (frame.astype(np.float32) - _RTMDET_MEAN) / _RTMDET_STD
        dets, labels = self._session.run(None, {"input": normal.transpose(2, 0, 1)[None]})
        keep = (dets[0, :, 4] >= self._floor) & (labels[0] == 0)
        return _suppressed(dets[0, keep, :4] / scale, dets[0, keep, 4], image)


def _suppressed(boxes: Floats, scores: Floats, image: Image) -> Detections:
    keep = nms(boxes, scores, TEACHER_NMS_IOU)
    clipped = clip_boxes(boxes[keep], image.shape[0], image.shape[1])
    return Detections(clipped, np.asarray(scores[keep], dtype=np.float32))
