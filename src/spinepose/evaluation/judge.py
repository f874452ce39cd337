"""Judge what a network says of a labelled set: every number of the report.

Only keypoints that the network knows and the set labels count. Labelled boxes: every person who
counts has one prediction, and people without a labelled keypoint of a subset are left out of that
subset together with their predictions. Detected boxes: all detections count, and COCO ignores
people without a labelled keypoint and detections that match them, as mmpose does for subsets.
A prediction's score is that of the box times the mean score of its keypoints in the subset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.evaluation.calibration import calibration_error, calibration_table, near_enough
from spinepose.evaluation.measures import auc, distances, pck, trunk_lengths
from spinepose.evaluation.oks import THRESHOLDS, oks, oks_share
from spinepose.evaluation.peers import Reader
from spinepose.evaluation.precision import Precision, coco_labels, coco_results, precision_of
from spinepose.evaluation.predict import Found
from spinepose.evaluation.sets import SUBSETS, LabelledSet
from spinepose.skeleton import SPINETRACK

__all__ = ["Calibration", "GroupScores", "KeypointScores", "ModelScores", "SubsetScores", "judge"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SubsetScores:
    """One subset of keypoints; percentages in 0..100.

    Parameters
    ----------
    keypoints
        Names of those that count.
    people
        People with at least one of them labelled.
    share
        OKS share: mean over the thresholds .50:.05:.95 of the share of people above.
    above
        That share for each threshold.
    precision
        COCO's numbers.
    pck, auc
        See :mod:`spinepose.evaluation.measures`; NaN where no trunk can be measured.
    """

    keypoints: tuple[str, ...]
    people: int
    share: float
    above: tuple[float, ...]
    precision: Precision
    pck: float
    auc: float


@dataclass(frozen=True)
class KeypointScores:
    """Errors of one keypoint, in pixels and in percent of the trunk length.

    Means and medians are over the labels for which a place was found.
    """

    name: str
    labels: int
    found: int
    mean_px: float
    median_px: float
    mean_trunk: float
    median_trunk: float
    pck: float


@dataclass(frozen=True)
class GroupScores:
    """One view or activity: people, OKS shares by subset, PCK over all keypoints."""

    people: int
    shares: dict[str, float]
    pck: float


@dataclass(frozen=True)
class Calibration:
    """Scores against the share that is right.

    Parameters
    ----------
    error
        Expected calibration error in 0..1.
    table
        Rows (mean score, share right, share of all) for ten equal bins.
    """

    error: float
    table: list[tuple[float, float, float]]


@dataclass(frozen=True)
class ModelScores:
    """Everything about one network.

    Parameters
    ----------
    name, sha256
        Of the network.
    keypoints
        Names of the keypoints that it knows and the set labels.
    found
        Share in percent of the people who count for whom there is a prediction.
    subsets
        By name; without those of which no keypoint counts.
    """

    name: str
    sha256: str
    keypoints: tuple[str, ...]
    found: float
    subsets: dict[str, SubsetScores]
    errors: list[KeypointScores]
    views: dict[str, GroupScores]
    activities: dict[str, GroupScores]
    calibration: Calibration


class _Case:
    """A set and one network's answers, as arrays of its people."""

    def __init__(self, labelled: LabelledSet, found: Found, rows: IntArray) -> None:
        self.set = labelled
        self.found = found
        self.rows = rows
        answers = found.for_people(len(labelled.people))
        self.points, self.scores = answers[..., :2], answers[..., 2]
        self.labels = np.where(labelled.judged[:, None, None], labelled.labels, np.nan)
        self.trunks = trunk_lengths(self.labels, labelled.boxes)
        self.pixels = distances(self.points, self.labels)
        self.relative = self.pixels / self.trunks[:, None]

    def similarity(self, rows: IntArray) -> Float64:
        """Return the OKS (N,) over some keypoints; NaN for people without a label."""
        sigmas = SPINETRACK.sigma_array[rows]
        return oks(self.points[:, rows], self.labels[:, rows], self.set.areas, sigmas)


def judge(
    readers: Sequence[Reader],
    labelled: LabelledSet,
    found: Sequence[Found],
    *,
    detected: bool = False,
) -> list[ModelScores]:
    """Return the scores of each network.

    Where networks know different keypoints, the subset ``shared`` holds those that all know: only
    there are the rows of a table comparable to the last keypoint.

    Parameters
    ----------
    readers
        The networks.
    labelled
        The set.
    found
        What each network says, in the same order.
    detected
        The boxes are detected ones.

    Raises
    ------
    MissingExtraError
        faster-coco-eval is not installed.
    """
    known = [np.intersect1d(r.keypoints, labelled.keypoints) for r in readers]
    names = {name: SPINETRACK.indices(name) for name in SUBSETS}
    shared = known[0]
    for rows in known[1:]:
        shared = np.intersect1d(shared, rows)
    if any(len(rows) > len(shared) for rows in known):
        names["shared"] = shared
    return [
        _judge_one(reader, _Case(labelled, answers, rows), names, detected)
        for reader, answers, rows in zip(readers, found, known, strict=True)
    ]


def _judge_one(
    reader: Reader, case: _Case, names: dict[str, IntArray], detected: bool
) -> ModelScores:
    parts = {name: rows[np.isin(rows, case.rows)] for name, rows in names.items()}
    parts = {name: rows for name, rows in parts.items() if len(rows)}
    people = case.set.people
    answered = np.isin(np.flatnonzero(case.set.judged), case.found.owners)
    return ModelScores(
        reader.name,
        reader.sha256,
        tuple(SPINETRACK.keypoints[i] for i in case.rows),
        float(100 * answered.mean()),
        {name: _subset(case, rows, detected) for name, rows in parts.items()},
        [_keypoint(case, int(row)) for row in case.rows],
        _groups(case, [p.view for p in people], parts),
        _groups(case, [p.activity for p in people], parts),
        _calibration(case),
    )


def _subset(case: _Case, rows: IntArray, detected: bool) -> SubsetScores:
    similarity = case.similarity(rows)
    counted = similarity[np.isfinite(similarity)]
    relative = case.relative[:, rows]
    return SubsetScores(
        tuple(SPINETRACK.keypoints[i] for i in rows),
        len(counted),
        oks_share(similarity),
        tuple(float(100 * (counted > t).mean()) for t in THRESHOLDS),
        _precision(case, rows, np.isfinite(similarity), detected),
        pck(relative),
        auc(relative),
    )


def _precision(case: _Case, rows: IntArray, counted: Bools, detected: bool) -> Precision:
    """Return COCO's numbers over some keypoints; `counted` (N,) people have one labelled."""
    kept = np.ones(len(counted), bool) if detected else counted
    full, found = case.set, case.found
    used = np.ones(len(found.owners), bool) if detected else counted[found.owners]
    answers = found.answers[used][:, rows]
    labels = coco_labels(
        case.labels[kept][:, rows],
        full.boxes[kept],
        full.areas[kept],
        full.pictures_of[kept],
        full.crowds[kept],
        len(full.pictures),
    )
    scores = found.boxes[used] * np.nan_to_num(answers[..., 2].astype(np.float64)).mean(axis=1)
    results = coco_results(answers[..., :2], scores, found.pictures[used])
    return precision_of(labels, results, SPINETRACK.sigma_array[rows])


def _keypoint(case: _Case, row: int) -> KeypointScores:
    pixels, relative = case.pixels[:, row], case.relative[:, row]
    labels, found = ~np.isnan(pixels), np.isfinite(pixels)
    measured = relative[np.isfinite(relative)]
    return KeypointScores(
        SPINETRACK.keypoints[row],
        int(labels.sum()),
        int(found.sum()),
        _mean(pixels[found]),
        _median(pixels[found]),
        100 * _mean(measured),
        100 * _median(measured),
        pck(relative),
    )


def _mean(values: Float64) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _median(values: Float64) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _groups(
    case: _Case, names: Sequence[str], parts: dict[str, IntArray]
) -> dict[str, GroupScores]:
    """Return the scores of each group of people who count; people without a name have none."""
    of = np.array(names, dtype=object)
    similar = {part: case.similarity(rows) for part, rows in parts.items()}
    groups = {}
    for name in sorted({n for n, j in zip(names, case.set.judged, strict=True) if n and j}):
        here = (of == name) & case.set.judged
        shares = {
            part: oks_share(values[here])
            for part, values in similar.items()
            if np.isfinite(values[here]).any()
        }
        relative = case.relative[here][:, case.rows]
        groups[name] = GroupScores(int(here.sum()), shares, pck(relative))
    return groups


def _calibration(case: _Case) -> Calibration:
    """Return how scores compare with the share right, over labelled keypoints with a place."""
    rows = case.rows
    points, labels = case.points[:, rows], case.labels[:, rows]
    right = near_enough(points, labels, case.set.areas, SPINETRACK.sigma_array[rows])
    weights = np.isfinite(case.pixels[:, rows]).astype(np.float64)
    scores = np.clip(case.scores[:, rows], 0, 1)
    if not weights.any():
        return Calibration(float("nan"), [])
    error = calibration_error(scores, right, weights)
    return Calibration(error, calibration_table(scores, right, weights))
