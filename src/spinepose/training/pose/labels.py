"""Make one set of labels of what people clicked and what teachers answered.

People are right about what they see, but crowds mix up left and right and click roughly; a
teacher is exact but knows only some keypoints. Each source of a label has its own weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.dataset.people import Person
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.answers import cached_answers, open_teacher
from spinepose.training.pose.blazepose import BlazePoseTeacher, agreeing_feet
from spinepose.training.pose.spine_guess import guess_spine
from spinepose.training.pose.teachers import no_answers

__all__ = ["LabelWeights", "labelled_people", "merge_labels", "unswapped"]

Float32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

CROWD = ("lspe",)
"""Sets labelled by crowds: roughly, left and right often swapped."""
RENDERED = ("synthetic",)
"""Sets whose labels are computed: nobody knows better."""
UNBOXED = ("people",)
"""Sets without boxes of people, only pictures of one person each."""

SURE = 0.3
"""Score from which a teacher's answer counts."""
AGREES = 0.1
"""Of the box's longer side: answers nearer than this are the same."""
CLEARER = 0.03
"""Of the longer side, mean over a limb: how much nearer the other order of sides must lie."""
EXACTER = 0.8
"""Share of the teacher in the mean with a crowd's joint that it agrees with."""
ENOUGH = 8
"""Keypoints that make a box."""
AROUND = 0.12
"""Margin of such a box, of its longer side."""

_LIMBS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))


@dataclass(frozen=True)
class LabelWeights:
    """How much labels of each origin count, in 0..1.

    Attributes
    ----------
    human, synthetic
        Factors on the trust that a set's reader gives its own labels.
    teacher
        Of a teacher's answer with score 1.
    toe, heel
        Of BlazePose's feet with score 1. Its heels lie too high in views from the front.
    spine_end
        Of a crowd's neck as the lower end of the neck, and of the middle of its hips as sacrum:
        near, but not the same places.
    spine_guess
        Of a vertebra guessed from the body joints with certainty
        (:func:`~spinepose.training.pose.spine_guess.guess_spine`); 0 = nobody guesses.
    """

    human: float = 1.0
    synthetic: float = 1.0
    teacher: float = 0.8
    toe: float = 0.5
    heel: float = 0.3
    spine_end: float = 0.2
    spine_guess: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ValueError(f"weight of {name} is {value!r}, not within 0 to 1")


def merge_labels(
    people: Sequence[Person],
    answers: Float32,
    blaze: Sequence[Float32] = (),
    weights: LabelWeights | None = None,
) -> tuple[Float32, Float32]:
    """Merge the labels of people with a teacher's answers.

    Rendered people keep their labels. For all others:

    - A limb pair (arms, legs) of a crowd changes sides where that agrees with a sure teacher.
    - A crowd's joint moves most of the way to a sure teacher that agrees, who is exacter, and is
      replaced by one that disagrees. Where the teacher is unsure, it stays.
    - Keypoints that nobody labelled, or that are trusted less, come from a sure teacher.
    - Vertebrae that are trusted less still are guessed from the merged joints, if guesses have a
      weight.
    - Feet come from BlazePose where it agrees with the merged legs.

    Parameters
    ----------
    people
        N people; a label with trust 0 (guessed, v = 0) is none.
    answers
        (N, 37, 3) x, y in pixels of the pictures, and score.
    blaze
        The same of sizes of BlazePose, for the feet alone: the first one's, where the others
        confirm them.
    weights
        Of the origins.

    Returns
    -------
    points, trust : (N, 37, 2) and (N, 37)
        Pixels and weights in 0..1; NaN and 0 = no label.
    """
    weights = weights or LabelWeights()
    points = np.stack([p.keypoints for p in people]).astype(np.float32)
    trust = np.stack([p.trust for p in people]).astype(np.float32)
    crowd, rendered = (
        np.array([p.source in sets for p in people])[:, None] for sets in (CROWD, RENDERED)
    )
    boxes = np.stack([p.box for p in people]).astype(np.float64)
    near = AGREES * _sides(boxes)[:, None]
    places = answers[..., :2]
    sure = (answers[..., 2] > SURE) & ~rendered

    points, trust, _ = unswapped(points, trust, answers, boxes, crowd[:, 0])
    trust *= np.where(rendered, weights.synthetic, weights.human)
    neck = SPINETRACK.indices(["neck"])
    trust[:, neck] *= np.where(crowd, weights.spine_end, 1)

    labelled = trust > 0
    score = weights.teacher * np.clip(answers[..., 2], 0, 1)
    better = score > trust
    agrees = np.linalg.norm(_filled(points - places, np.inf), axis=-1) < near
    moved = sure & crowd & labelled & agrees & ~better
    points[moved] = (1 - EXACTER) * points[moved] + EXACTER * places[moved]
    taken = sure & (better | (crowd & labelled & ~agrees))
    points[taken], trust[taken] = places[taken], score[taken]
    if weights.spine_guess:
        _add_spine(points, trust, taken, answers, rendered[:, 0], weights.spine_guess)
    _add_sacrum(points, trust, crowd[:, 0], weights.spine_end)
    if blaze:
        _add_feet(points, trust, blaze, boxes, rendered[:, 0], weights)
    points[trust == 0] = np.nan
    return points, trust


def unswapped(
    points: Float32,
    trust: Float32,
    answers: Float32,
    boxes: npt.NDArray[np.floating],
    asked: Bools,
) -> tuple[Float32, Float32, Bools]:
    """Change the sides of arms or legs whose left and right were mixed up.

    Both arms change, or both legs: at least four of their six joints must be labelled and known
    to the teacher, who must agree with more of them, and clearly nearer, in the other order.

    Parameters
    ----------
    points, trust
        (N, 37, 2) pixels and (N, 37) weights.
    answers
        (N, 37, 3) x, y, score of a teacher.
    boxes
        (N, 4) xyxy pixels.
    asked
        (N,) people who may be changed.

    Returns
    -------
    points, trust : (N, 37, 2) and (N, 37)
        Changed copies.
    swapped : (N, 2)
        Whose arms and whose legs were changed.
    """
    points, trust = points.copy(), trust.copy()
    side = _sides(boxes)[:, None]
    swapped = np.zeros((len(points), len(_LIMBS)), bool)
    for limb, names in enumerate(_LIMBS):
        rows = SPINETRACK.indices([f"{s}_{n}" for s in ("left", "right") for n in names])
        flip = SPINETRACK.flip[rows]
        sure = answers[:, rows, 2] > SURE

        def gaps(order: npt.NDArray[np.int64], rows: npt.NDArray[np.int64] = rows) -> Float32:
            away = np.linalg.norm(points[:, order] - answers[:, rows, :2], axis=-1) / side
            return np.where(trust[:, order] > 0, _filled(away, np.inf), np.inf)

        straight, crossed = gaps(rows), gaps(flip)
        both = sure & np.isfinite(straight) & np.isfinite(crossed)
        count = np.maximum(both.sum(axis=1), 1)
        straight, crossed = (np.where(both, away, 0) for away in (straight, crossed))
        gain = (straight - crossed).sum(axis=1) / count
        agreed = [((away < AGREES) & both).sum(axis=1) for away in (straight, crossed)]
        wrong = asked & (count >= 4) & (gain > CLEARER) & (agreed[1] > agreed[0])
        wrong &= agreed[1] > count / 2
        swapped[:, limb] = wrong
        at = np.ix_(wrong, rows)
        points[at], trust[at] = points[np.ix_(wrong, flip)], trust[np.ix_(wrong, flip)]
    return points, trust, swapped


def labelled_people(
    people: Sequence[Person],
    teachers: Sequence[Path],
    folder: Path,
    weights: LabelWeights | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Person]:
    """Return people with the labels of teachers merged in.

    People of pictures without boxes also get a box around the keypoints found.

    Parameters
    ----------
    people
        Of any sets.
    teachers
        Files of teachers, see :func:`~spinepose.training.pose.answers.open_teacher`. The first
        that is sure of a keypoint is believed. Of BlazePose only the feet are, the first one's;
        give the heavy and then the full size, which confirms them.
    folder
        Where their answers are kept.
    weights
        Of the origins.
    progress
        Called with the number of people that one teacher is done with.

    Raises
    ------
    ModelError
        A teacher cannot be loaded.
    DataError
        A picture or kept answers cannot be read.
    """
    if not people:
        return []
    answers = no_answers(len(people))
    blaze: list[Float32] = []
    for path in teachers:
        teacher = open_teacher(path)
        found = cached_answers(people, teacher, folder, progress)
        if isinstance(teacher, BlazePoseTeacher):
            blaze.append(found)
        else:
            unknown = ~(answers[..., 2] > SURE)
            answers[unknown] = found[unknown]
    points, trust = merge_labels(people, answers, blaze, weights)
    return [
        replace(p, keypoints=at, trust=weight, box=_box(p, at, weight))
        for p, at, weight in zip(people, points, trust, strict=True)
    ]


def _box(person: Person, points: Float32, trust: Float32) -> Float32:
    known = points[trust > 0]
    if person.source not in UNBOXED or len(known) < ENOUGH:
        return person.box
    low, high = known.min(axis=0), known.max(axis=0)
    pad = AROUND * (high - low).max()
    return np.concatenate([low - pad, high + pad]).astype(np.float32)


def _add_spine(
    points: Float32,
    trust: Float32,
    taken: Bools,
    answers: Float32,
    rendered: Bools,
    weight: float,
) -> None:
    """Add guessed vertebrae of real people where they are trusted more, in place.

    What was taken from a teacher's spine (N, 37) has to agree with the joints like any answer.
    """
    rows, real = SPINETRACK.spine_indices, np.flatnonzero(~rendered)
    known = trust[real]
    known[:, rows] = np.where(taken[real][:, rows], 0, known[:, rows])
    spine, sure = guess_spine(points[real], known, answers[real])
    at = np.ix_(real, rows)
    better = weight * sure > trust[at]
    points[at] = np.where(better[..., None], spine, points[at])
    trust[at] = np.where(better, weight * sure, trust[at])


def _add_sacrum(points: Float32, trust: Float32, crowd: Bools, weight: float) -> None:
    """Put the sacrum of a crowd's people in the middle of their hips, in place."""
    hip, left, right = SPINETRACK.indices(["hip", "left_hip", "right_hip"])
    known = crowd & (trust[:, hip] < weight) & (trust[:, [left, right]] > 0).all(axis=1)
    points[known, hip] = (points[known, left] + points[known, right]) / 2
    trust[known, hip] = weight


def _add_feet(
    points: Float32,
    trust: Float32,
    blaze: Sequence[Float32],
    boxes: npt.NDArray[np.float64],
    rendered: Bools,
    weights: LabelWeights,
) -> None:
    """Add BlazePose's feet where they are trusted more than what is there, in place."""
    body = np.concatenate([points, trust[..., None]], axis=-1)
    feet = agreeing_feet(blaze[0], body, boxes, blaze[1:])
    for name in ("left_big_toe", "right_big_toe", "left_heel", "right_heel"):
        row = SPINETRACK.indices([name])[0]
        weight = (weights.heel if "heel" in name else weights.toe) * feet[:, row, 2]
        better = (weight > trust[:, row]) & ~rendered
        points[better, row], trust[better, row] = feet[better, row, :2], weight[better]


def _sides(boxes: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return the longer sides (N,) of boxes (N, 4)."""
    return np.asarray(np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1.0))


def _filled(values: npt.NDArray[np.floating], instead: float) -> npt.NDArray[np.floating]:
    return np.where(np.isfinite(values), values, instead)
