"""Measure a checkpoint, fit its score and write what ships: the ONNX file and its card."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.training.pose.calibrate import Logistic, calibration_table, fit_logistic, hits
from spinepose.training.pose.cards import CardText, Metric, Training, write_card
from spinepose.training.pose.evaluate import (
    Forward,
    body_share,
    predict,
    session_forward,
    subset_share,
)
from spinepose.training.pose.export import export_onnx
from spinepose.training.pose.network import PoseNetwork
from spinepose.training.pose.people import Person, held_out, read_people

__all__ = ["Measured", "measure", "release"]

log = logging.getLogger(__name__)

FITTED_ON = 300  # held-out lspe people for the score's map
COMMAND = "python -m spinepose.training.pose"
MEASURE = f"{COMMAND} evaluate --data DIR --weights FILE"

SUMMARY = (
    "37 keypoints, nine of them on the spine, of one person in a crop. MobileNetV2 (1.75) with a "
    "feature pyramid, started from MoveNet Thunder; spine and feet learned from synthetic people."
)
TRAINING: dict[str, Any] = {
    "teachers": ["MoveNet Thunder (Google, Apache-2.0)"],
    "start": "MoveNet Thunder; rows of new keypoints drawn from a normal distribution",
    "data": [
        {"name": "synthetic people", "licence": "made for this project", "people": 1980},
        {"name": "Leeds Sports Pose Extended", "licence": "cite; Flickr photos", "people": 7291},
        {"name": "Clothing Co-Parsing (teacher's answers)", "licence": "unclear", "people": 2098},
        {"name": "COCO 2017", "licence": "CC BY 4.0 annotations; Flickr photos", "people": 127},
    ],
    "recipe": (
        "Heads on features of the frozen trunk; then heads and the trunk from block 6 on, on "
        "crops changed on the fly (any rotation, scale, mirror, colour, blur, cover, half body); "
        "then the same with the network's own answers on upright real people as labels for spine "
        "and feet. AdamW, cosine, EMA; position (SimCC, Kullback-Leibler), rough joints, bone "
        "directions, smooth spine, reach of feet and vertebrae. Weights of three runs averaged. "
        "Feet are held within reach of their ankle inside the graph."
    ),
    "command": f"{COMMAND} features; train; tune; tune --self-taught (see --help)",
}
LIMITS = [
    "Spine, feet, clavicles and latissimus were learned from synthetic people only; no real photo "
    "with such labels was at hand, so their accuracy on real photos was only judged by eye.",
    "The score was fitted on rendered people and on crowd-sourced sports photos; the spine's "
    "score is not verified on real photos.",
    "Feet in acrobatics: about one crop in four shows a toe or heel off its foot, and legs that "
    "fold or overlap can be taken for one another or for an arm.",
    "The body loses points to MoveNet Thunder on COCO development people (see metrics).",
    "Several people in one crop: a person lying across another can be mixed with them.",
    "Not a medical device.",
]


@dataclass(frozen=True)
class Measured:
    """Scores as a card lists them, and the fitted map from peaks to chances."""

    metrics: list[dict[str, Any]]
    score: Logistic


def _metric(name: str, value: float, data: str) -> dict[str, Any]:
    log.info("%s on %s: %.2f", name, data, value)
    return {"name": name, "value": round(value, 2), "data": data, "command": MEASURE}


def measure(forward: Forward, data: Path) -> Measured:
    """Return the scores on people that were not trained on, below the folder `data`.

    Development people chose the checkpoint; held-out people were never looked at before.
    """
    dev = read_people(data, "coco-dev")
    synthetic = [p for p in read_people(data, "synthetic") if held_out(p)]
    lspe = [p for p in read_people(data, "lspe") if held_out(p)][:FITTED_ON]
    metrics = []
    for flip in (False, True):
        share = body_share(predict(forward, dev, flip).points, dev)
        name = "OKS share, body" + (", flip test" if flip else "")
        metrics.append(_metric(name, share, f"{len(dev)} COCO development people"))
    shown, real = predict(forward, synthetic), predict(forward, lspe)
    for name in ("body", "feet", "spine", "all"):
        share = subset_share(shown.points, synthetic, name)
        metrics.append(
            _metric(f"OKS share, {name}", share, f"{len(synthetic)} held-out synthetic people")
        )
    peaks = np.concatenate([shown.confidence, real.confidence])
    right, weights = _right([(shown.points, synthetic), (real.points, lspe)])
    score = fit_logistic(peaks, right, weights)
    log.info("score: a %.4f, b %.4f", score.a, score.b)
    for mean, share, part in calibration_table(score(peaks), right, weights):
        log.info("score %.2f right %.2f (%.1f %% of all)", mean, share, 100 * part)
    return Measured(metrics, score)


def _right(
    groups: Sequence[tuple[npt.NDArray[np.float32], Sequence[Person]]],
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Return which predictions are right and their weights, of several groups in one array."""
    right = [
        hits(points, np.stack([p.keypoints for p in people]), np.stack([p.box for p in people]))
        for points, people in groups
    ]
    weights = [np.stack([p.trust for p in people]).astype(np.float64) for _, people in groups]
    return np.concatenate(right), np.concatenate(weights)


def release(
    network: PoseNetwork,
    data: Path,
    path: Path,
    version: str = "0.1.0",
    threads: int = 1,
    more: Sequence[dict[str, Any]] = (),
) -> None:
    """Write the ONNX file `path` and its card for a checkpoint; the file itself is measured.

    `more` are metrics found elsewhere, in the form of the card.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    export_onnx(network, path)
    measured = measure(session_forward(path, threads), data)
    metrics = [Metric(**metric) for metric in (*measured.metrics, *more)]
    text = CardText(path.stem, version, SUMMARY, Training(**TRAINING), metrics, LIMITS)
    card = write_card(path, network, measured.score, text)
    log.info("wrote %s (%.1f MB) and %s", path, path.stat().st_size / 1e6, card)
