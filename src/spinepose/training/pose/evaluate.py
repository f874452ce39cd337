"""Measure a pose network on labelled people with known boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch
from torch import Tensor

from spinepose.evaluation.oks import AREA_PER_BOX, oks, oks_share
from spinepose.geometry import apply_affine, area_of, invert_affine
from spinepose.skeleton import COCO17, SPINETRACK
from spinepose.training.pose.augment import plain_crop
from spinepose.training.pose.data import mirrored_outputs, read_rgb, to_input
from spinepose.training.pose.network import decode
from spinepose.training.pose.people import Person

__all__ = ["Prediction", "body_share", "predict", "session_forward", "subset_share"]

Forward = Callable[[Tensor], tuple[Tensor, Tensor]]
FloatArray = npt.NDArray[np.float32]
BODY = len(COCO17)


@dataclass(frozen=True)
class Prediction:
    """Keypoints (N, 37, 2) in picture pixels and peak confidences (N, 37) in 0..1."""

    points: FloatArray
    confidence: FloatArray


def confidence_of(simcc_x: Tensor, simcc_y: Tensor) -> Tensor:
    """Return the smaller (N, K) of the two largest probabilities: the less certain axis."""
    return torch.minimum(
        torch.softmax(simcc_x.float(), -1).amax(-1), torch.softmax(simcc_y.float(), -1).amax(-1)
    )


@torch.no_grad()
def predict(
    forward: Forward, people: Sequence[Person], flip: bool = False, batch: int = 8
) -> Prediction:
    """Return what a network reads from each person's plain crop, with or without a flip test."""
    points, sure = [], []
    for start in range(0, len(people), batch):
        pairs = [plain_crop(read_rgb(p), p.box) for p in people[start : start + batch]]
        crops = to_input(np.stack([c for c, _ in pairs])).contiguous()
        x, y = forward(crops)
        if flip:
            mirrored = mirrored_outputs(*forward(crops.flip(-1)))
            x, y = (x + mirrored[0]) / 2, (y + mirrored[1]) / 2
        back = invert_affine(np.stack([m for _, m in pairs]))
        points.append(apply_affine(back, decode(x, y).numpy().astype(np.float64)))
        sure.append(confidence_of(x, y).numpy())
    return Prediction(np.concatenate(points).astype(np.float32), np.concatenate(sure))


def session_forward(path: Path, threads: int = 1) -> Forward:
    """Return a function that runs an exported network: what ships is what is measured."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def forward(crops: Tensor) -> tuple[Tensor, Tensor]:
        x, y = session.run(["simcc_x", "simcc_y"], {"input": crops.numpy()})
        return torch.from_numpy(x), torch.from_numpy(y)

    return forward


def _share(predicted: FloatArray, people: Sequence[Person], rows: npt.NDArray[np.int64]) -> float:
    labelled = np.stack([np.where(p.trust[:, None] > 0, p.keypoints, np.nan) for p in people])
    areas = AREA_PER_BOX * area_of(np.stack([p.box for p in people]))
    sigmas = SPINETRACK.sigma_array[rows]
    return oks_share(oks(predicted[:, rows], labelled[:, rows], areas, sigmas))


def body_share(predicted: FloatArray, people: Sequence[Person]) -> float:
    """Return the OKS share in percent over the 17 COCO joints of predictions (N, 37, 2)."""
    return _share(predicted, people, np.arange(BODY))


def subset_share(predicted: FloatArray, people: Sequence[Person], name: str) -> float:
    """Return the OKS share in percent over a subset of SpineTrack, for instance ``spine``."""
    return _share(predicted, people, SPINETRACK.indices(name))
