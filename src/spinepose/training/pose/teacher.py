"""Ask the start network, which is MoveNet Thunder, once for the body joints of all people.

People lying or upside down are turned upright before they are shown to it, where human labels
tell how: a teacher trained on standing people reads a handstand better that way.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.geometry import crop_transforms, invert_affine
from spinepose.skeleton import COCO17, SPINETRACK
from spinepose.training.pose.data import merge_answers, read_rgb
from spinepose.training.pose.features import FrozenTrunk
from spinepose.training.pose.losses import FOOT_REACH
from spinepose.training.pose.network import INPUT_SIDE
from spinepose.training.pose.people import Person, upright_angle

__all__ = ["cached_answers", "self_taught", "taught"]

FloatArray = npt.NDArray[np.float32]
log = logging.getLogger(__name__)

TURN_FROM = 30.0  # degrees of lean from which the crop is turned upright
AGREES = 0.10  # of the larger side of the box
AROUND_JOINTS = 0.12  # of the larger side: margin of a box drawn around joints
ENOUGH = 8  # joints that make a box
LOW_PEAK, HIGH_PEAK = 0.018, 0.055  # a perfect SimCC peak is 0.08
SELF_TRUST = 0.6  # weight of the network's own surest answers


def _shown(person: Person) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Return the upright crop (256, 256, 3) and the affine map (2, 3) to it."""
    affine = np.vstack([crop_transforms(person.box[None], (INPUT_SIDE, INPUT_SIDE))[0], [0, 0, 1]])
    angle = upright_angle(person)
    if abs(angle) > TURN_FROM:
        middle = ((INPUT_SIDE - 1) / 2, (INPUT_SIDE - 1) / 2)
        affine = np.vstack([cv2.getRotationMatrix2D(middle, angle, 1.0) @ affine, [0, 0, 1]])
    crop = cv2.warpAffine(read_rgb(person), affine[:2], (INPUT_SIDE, INPUT_SIDE))
    return np.asarray(crop, np.uint8), affine[:2]


def cached_answers(
    people: Sequence[Person], teacher: FrozenTrunk, cache: Path, batch: int = 4
) -> FloatArray:
    """Return joints (N, 37, 4), kept in `cache`: x, y in picture pixels, heat, SimCC peak."""
    if cache.exists():
        kept: FloatArray = np.load(cache)
        if len(kept) == len(people):
            return kept
    rows = []
    for start in range(0, len(people), batch):
        crops, maps = zip(*(_shown(p) for p in people[start : start + batch]), strict=True)
        joints = teacher(np.stack(crops))[2].astype(np.float64)
        back = invert_affine(np.stack(maps))
        joints[..., :2] = joints[..., :2] @ back[:, :, :2].transpose(0, 2, 1) + back[:, None, :, 2]
        rows.append(joints.astype(np.float32))
        if start % 500 == 0:
            log.info("teacher read %d of %d", start, len(people))
    answers = np.concatenate(rows)
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.save(cache, answers)
    return answers


def taught(person: Person, answer: FloatArray) -> Person:
    """Return a person with the teacher's joints (37, 4) merged in, in picture pixels.

    People without any label also get a box around the joints the teacher is sure of.
    """
    side = float((person.box[2:] - person.box[:2]).max())
    points, trust = merge_answers(
        person.keypoints[None], person.trust[None], [person.source], answer[None], AGREES * side
    )
    box = person.box
    if person.source == "people" and (trust[0] > 0).sum() >= ENOUGH:
        known = points[0][trust[0] > 0]
        low, high = known.min(axis=0), known.max(axis=0)
        pad = AROUND_JOINTS * float((high - low).max())
        box = np.concatenate([low - pad, high + pad]).astype(np.float32)
    return replace(person, keypoints=points[0], trust=trust[0], box=box)


def self_taught(person: Person, answer: FloatArray) -> Person:
    """Return a real person with the network's own answers for keypoints nobody labels.

    `answer` (37, 4) was read from the upright picture, in which spine and feet are easiest;
    training shows the same person at any angle. Only sure answers count, feet only near their
    ankle; self-training after Xie et al., CVPR 2020 (noisy student).
    """
    points, trust = person.keypoints.copy(), person.trust.copy()
    new = np.arange(len(points)) >= len(COCO17)
    weight = SELF_TRUST * np.clip((answer[:, 3] - LOW_PEAK) / (HIGH_PEAK - LOW_PEAK), 0, 1)
    for side in ("left", "right"):
        ankle, knee = SPINETRACK.indices([f"{side}_ankle", f"{side}_knee"])
        feet = SPINETRACK.indices([f"{side}_{p}" for p in ("big_toe", "small_toe", "heel")])
        shin = np.linalg.norm(answer[ankle, :2] - answer[knee, :2])
        far = np.linalg.norm(answer[feet, :2] - points[ankle], axis=1) > FOOT_REACH * shin
        weight[feet[far | (trust[ankle] == 0)]] = 0
    better = new & (weight > trust)
    points[better], trust[better] = answer[better, :2], weight[better]
    return replace(person, keypoints=points, trust=trust)
