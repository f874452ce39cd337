"""Judge boxes, areas and keypoints of people against each other and against their picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.curation.problems import Problem
from spinepose.curation.schema import Group
from spinepose.geometry import area_of, box_iou, keypoint_similarity

__all__ = ["SAME", "SLACK", "check_people", "labelled", "outside", "unplaced"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Finding = tuple[str, Bools, Callable[[int], str]]

SLACK = 1.0
"""px: some sets count places from the corner of a pixel, others from its centre."""
SAME = 0.95
"""OKS, or IoU of the boxes, from which two labels are likely of the same person."""

_BOX_SLACK = 0.05
"""Share of the larger side by which a keypoint may leave the box: boxes are of what is seen."""
_AREA_SLACK = 1.01
_SHARED = 3
"""Least number of keypoints that two people must share to be compared."""


def check_people(group: Group) -> Iterator[Problem]:
    """Return what is wrong with the labels of people, all but the form."""
    # What is no number is told by its own kind; every comparison with it is false.
    with np.errstate(invalid="ignore"):
        for judge in (_keypoints, _boxes, _areas):
            for kind, which, text in judge(group):
                rows = np.flatnonzero(which).tolist()
                yield from (_problem(group, kind, row, text(row)) for row in rows)
        yield from _repeated(group)


def _problem(group: Group, kind: str, row: int, text: str) -> Problem:
    place = int(group.places[row])
    return Problem(kind, group.file, text, group.images[row], group.annotations[row], place)


def unplaced(keypoints: Float64) -> Bools:
    """Return which keypoints (..., K) of (..., K, 3) have a place that is no number."""
    return np.asarray(~np.isfinite(keypoints[..., :2]).all(axis=-1))


def labelled(keypoints: Float64) -> Bools:
    """Return which keypoints (..., K) have a label."""
    return np.asarray(keypoints[..., 2] > 0) & ~unplaced(keypoints)


def outside(keypoints: Float64, sizes: Float64) -> Bools:
    """Return which keypoints (..., K) are said to be visible, and lie outside of the picture.

    Those labelled as hidden may lie there: a person may leave the picture.

    Parameters
    ----------
    keypoints
        (..., K, 3) x px, y px, visibility.
    sizes
        (..., 2) width and height, px; NaN where nobody knows.
    """
    points = keypoints[..., :2]
    limits = sizes[..., None, :]
    beyond = (points < -SLACK) | (points > limits - 1 + SLACK)
    known = np.isfinite(limits[..., 0]) & ~unplaced(keypoints)
    return np.asarray(beyond.any(axis=-1) & (keypoints[..., 2] == 2) & known)


def _keypoints(group: Group) -> Iterator[Finding]:
    points = group.keypoints
    nowhere, beyond = unplaced(points), outside(points, group.sizes)
    strange = np.asarray(~np.isin(points[..., 2], (0, 1, 2)) & ~nowhere)
    counts = labelled(points).sum(axis=1)
    yield "keypoint-number", _any(nowhere), lambda row: _named(nowhere[row], points[row])
    yield "keypoint-flag", _any(strange), lambda row: _named(strange[row], points[row])
    yield "keypoint-outside", _any(beyond), lambda row: _named(beyond[row], points[row])
    told = (group.counts >= 0) & (group.counts != counts)
    yield "num-keypoints", told, lambda row: f"it says {group.counts[row]}, there are {counts[row]}"


def _any(which: Bools) -> Bools:
    """Return which people (N,) have any such keypoint, of (N, K)."""
    return np.asarray(which.any(axis=1))


def _named(which: Bools, points: Float64) -> str:
    """Return numbers and places of some keypoints, from 0 as the file counts them."""
    rows = np.flatnonzero(which)
    told = ", ".join(f"{i} at {points[i, 0]:.6g} {points[i, 1]:.6g}" for i in rows[:3])
    flags = sorted({f"{points[i, 2]:g}" for i in rows})
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return f"keypoint {told}{more}; visibility {', '.join(flags)}"


def _sound(group: Group) -> Bools:
    """Return which people (N,) have a box with some of the picture in it."""
    low, high = group.boxes[:, :2], group.boxes[:, 2:]
    known = np.isfinite(group.sizes)
    empty = (high <= low) | (high <= 0) | (known & (low >= group.sizes))
    return np.asarray(np.isfinite(group.boxes).all(axis=1) & ~empty.any(axis=1))


def _boxes(group: Group) -> Iterator[Finding]:
    sound, boxes, points = _sound(group), group.boxes, group.keypoints
    size = np.concatenate([np.zeros_like(group.sizes), group.sizes], axis=1)
    over = np.where([True, True, False, False], size - boxes, boxes - size).max(axis=1)
    slack = (SLACK + _BOX_SLACK * (boxes[:, 2:] - boxes[:, :2]).max(axis=1))[:, None, None]
    low, high = boxes[:, None, :2] - slack, boxes[:, None, 2:] + slack
    strays = ((points[..., :2] < low) | (points[..., :2] > high)).any(axis=-1)
    lost = strays & (points[..., 2] == 2) & ~outside(points, group.sizes)
    beyond, strayed = sound & (over > SLACK), sound & _any(lost) & ~group.crowds
    yield "box", ~sound, lambda row: _box(group, row)
    yield "box-outside", beyond, lambda row: f"{over[row]:.4g} px: {_box(group, row)}"
    yield (
        "box-keypoints",
        strayed,
        lambda row: f"{_named(lost[row], points[row])}; {_box(group, row)}",
    )


def _box(group: Group, row: int) -> str:
    x0, y0, x1, y1 = group.boxes[row]
    width, height = group.sizes[row]
    return f"{x0:.6g} {y0:.6g} to {x1:.6g} {y1:.6g} in {width:.0f} x {height:.0f} px"


def _areas(group: Group) -> Iterator[Finding]:
    sound, areas, whole = _sound(group), group.areas, area_of(group.boxes)
    yield "area-missing", sound & ~(areas > 0), lambda row: f"the area is {areas[row]:g}"
    large = sound & (areas > _AREA_SLACK * whole + 1)
    yield "area", large, lambda row: f"{areas[row]:.6g} px in a box of {whole[row]:.6g} px"


def _repeated(group: Group) -> Iterator[Problem]:
    """Return people who are labelled twice in a picture; crowds and their members may overlap."""
    by_image: dict[Any, list[int]] = {}
    for row in np.flatnonzero(~group.crowds):
        by_image.setdefault(group.images[row], []).append(int(row))
    for rows in by_image.values():
        if len(rows) > 1:
            yield from _compare(group, np.array(rows))


def _compare(group: Group, rows: npt.NDArray[np.int64]) -> Iterator[Problem]:
    """Compare the people of one picture."""
    points, boxes = group.keypoints[rows], group.boxes[rows]
    known = labelled(points)
    places = np.where(known[..., None], points[..., :2], np.nan)
    areas = np.maximum(area_of(boxes), 1.0)
    shared = (known[:, None] & known[None]).sum(axis=-1)
    number = known.sum(axis=-1)
    enough = (shared >= _SHARED) & (2 * shared >= np.maximum(number[:, None], number[None]))
    oks = keypoint_similarity(places, places, group.sigmas, areas) * enough
    iou = np.nan_to_num(box_iou(boxes, boxes))
    labels = np.where(known[..., None], points, 0)
    gone: set[int] = set()
    for a, b in combinations(range(len(rows)), 2):
        if a in gone or b in gone:
            continue
        other = group.annotations[rows[a]]
        if np.array_equal(labels[a], labels[b]) and np.array_equal(boxes[a], boxes[b]):
            gone.add(b)
            yield _problem(group, "person-copied", rows[b], f"the labels of person {other}")
        elif oks[a, b] > SAME or iou[a, b] > SAME:
            text = f"person {other} again? OKS {oks[a, b]:.3f}, IoU of the boxes {iou[a, b]:.3f}"
            yield _problem(group, "person-twice", rows[b], text)
