"""Who in one view is who in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from spinepose.errors import UsageError
from spinepose.multiview.cameras import Camera
from spinepose.multiview.epipolar import across_baseline, meet_behind, miss_angles, world_rays
from spinepose.multiview.recordings import Track, View

__all__ = ["Person", "match_people"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_SAMPLES = 100
"""Frames of two tracks that are compared: more do not change a median."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person, seen by several cameras.

    Attributes
    ----------
    tracks
        The track ids of the person, a tuple for each of C cameras.
    keypoints
        (C, F, M, 2) px, in the order of :data:`.SPINETRACK`; NaN = missing.
    scores
        (C, F, M) in 0..1; 0 = missing.
    """

    tracks: tuple[tuple[int, ...], ...]
    keypoints: Float64
    scores: Float64

    @property
    def views(self) -> int:
        """Number of cameras that see the person at all; two are needed for points in space."""
        return sum(bool(ids) for ids in self.tracks)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A track of a view."""

    view: int
    key: int
    track: Track
    present: Bools


def match_people(
    cameras: Sequence[Camera],
    views: Sequence[View],
    *,
    threshold: float = 0.015,
    least_score: float = 0.3,
    least_frames: int = 5,
) -> list[Person]:
    """Join the tracks of several views that belong to one person.

    Two tracks of different views cost the angle by which the rays of the same keypoints miss each
    other, the median over common frames and keypoints, weighted with the scores; rays that meet
    behind a camera miss by a right angle. Tracks become one if they cost little, and first those
    that a track of each other view fits too: the rays of two people may meet by chance in two
    views, hardly in three. Groups cost the mean over their pairs of tracks, weighted with the
    number of frames (average linkage: Sokal and Michener, 1958). Tracks of one view that are there
    in the same frame never become one; those that are not may, through a track of another view.

    Parameters
    ----------
    cameras
        C of them.
    views
        One for each camera, of equal length (see :func:`.align_views`).
    threshold
        Largest mean cost of tracks that become one, rad. The default is 25 px with a focal length
        of 1680 px, or 7 cm at 5 m. On a recording whose calibration is off by half a degree or so,
        groups of one person cost up to .008, and pairs of two people .017 and more.
    least_score
        Keypoints scored lower do not count.
    least_frames
        Common frames that two tracks need to be compared.

    Returns
    -------
    people : list of Person
        Every track belongs to one; whoever is seen most comes first.

    Raises
    ------
    UsageError
        If there are not as many views as cameras, fewer than two, or their lengths differ.
    """
    _check(cameras, views)
    seen = [
        _Seen(number, key, track, _present(track))
        for number, view in enumerate(views)
        for key, track in view.tracks.items()
    ]
    costs, weights, apart = _links(cameras, seen, least_score, least_frames)
    ranks = _ranks(costs, weights, [one.view for one in seen], len(views), threshold)
    groups = _group(costs, ranks, weights, apart, threshold)
    people = [_person([seen[i] for i in group], views) for group in groups]
    return sorted(people, key=lambda person: -float(person.scores.sum()))


def _check(cameras: Sequence[Camera], views: Sequence[View]) -> None:
    if len(cameras) != len(views) or len(views) < 2:
        raise UsageError(
            f"{len(views)} views and {len(cameras)} cameras are given; "
            "as many of both are needed, two at least"
        )
    lengths = {len(view.times) for view in views}
    if len(lengths) > 1:
        raise UsageError(f"views are {sorted(lengths)} frames long; align them first")


def _present(track: Track) -> Bools:
    """Return in which frames (F,) somebody is there."""
    return np.asarray(track.scores.any(axis=1))


def _links(
    cameras: Sequence[Camera], seen: Sequence[_Seen], least_score: float, least_frames: int
) -> tuple[Float64, Float64, Bools]:
    """Return costs and weights (T, T) of pairs of tracks, and which pairs exclude each other."""
    count = len(seen)
    costs, weights = np.zeros((count, count)), np.zeros((count, count))
    apart = np.eye(count, dtype=np.bool_)
    for i, j in combinations(range(count), 2):
        a, b = seen[i], seen[j]
        common = np.flatnonzero(a.present & b.present)
        if a.view == b.view:
            apart[i, j] = apart[j, i] = len(common) > 0
        elif len(common) >= least_frames:
            places = np.linspace(0, len(common) - 1, min(len(common), _SAMPLES)).round()
            cost = _cost(cameras, a, b, common[places.astype(np.int64)], least_score)
            if np.isfinite(cost):
                costs[i, j] = costs[j, i] = cost
                weights[i, j] = weights[j, i] = len(places)
    return costs, weights, apart


def _cost(
    cameras: Sequence[Camera],
    a: _Seen,
    b: _Seen,
    frames: npt.NDArray[np.int64],
    least_score: float,
) -> float:
    """Return by how much, in rad, two tracks typically miss each other; NaN if nothing tells."""
    scores = np.minimum(a.track.scores[frames], b.track.scores[frames])
    pair = (cameras[a.view], cameras[b.view])
    rays = (
        world_rays(pair[0], a.track.keypoints[frames]),
        world_rays(pair[1], b.track.keypoints[frames]),
    )
    misses = np.abs(miss_angles(*(across_baseline(*pair, part) for part in rays)))
    misses = np.where(meet_behind(*pair, *rays), np.pi / 2, misses)
    known = (scores >= least_score) & np.isfinite(misses)
    return _weighted_median(misses[known], scores[known])


def _weighted_median(values: Float64, weights: Float64) -> float:
    if not len(values):
        return np.nan
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(share, share[-1] / 2)]])


def _ranks(
    costs: Float64, weights: Float64, views: Sequence[int], count: int, threshold: float
) -> Float64:
    """Return the mean (T, T) of each pair's cost and of what the other views make of it.

    In another view it is the largest cost in the triangle with the track there that fits best, and
    the threshold where none fits better.
    """
    known = np.where(weights > 0, costs, np.inf)
    own = np.array(views)
    ranks = np.minimum(known, threshold)
    for number in range(count):
        there = own == number
        through = np.maximum(known[:, None, there], known[None, :, there])
        worst = np.maximum(known, through.min(axis=2, initial=np.inf))
        other = ~there[:, None] & ~there[None]
        ranks += np.where(other, np.minimum(worst, threshold), 0.0)
    return ranks / max(count - 1, 1)


def _group(
    costs: Float64, ranks: Float64, weights: Float64, apart: Bools, threshold: float
) -> list[list[int]]:
    """Return groups of tracks: average linkage in the order of `ranks`, as far as costs allow."""
    sums, weights, apart = np.stack([costs, ranks]) * weights, weights.copy(), apart.copy()
    groups = [[i] for i in range(len(costs))]
    while groups:
        open_ = (weights > 0) & ~apart
        cost, rank = sums / np.where(open_, weights, 1)
        linkage = np.where(open_ & (cost <= threshold), rank, np.inf)
        i, j = divmod(int(linkage.argmin()), len(groups))
        if not np.isfinite(linkage[i, j]):
            break
        groups[i], groups[j] = groups[i] + groups[j], []
        for table in (*sums, weights):
            _add(table, i, j)
        apart[i] |= apart[j]
        apart[:, i] |= apart[:, j]
        weights[j], weights[:, j] = 0, 0
    return [group for group in groups if group]


def _add(table: Float64, i: int, j: int) -> None:
    """Add row and column j of a symmetric table to i."""
    table[i] += table[j]
    table[:, i] += table[:, j]


def _person(members: Sequence[_Seen], views: Sequence[View]) -> Person:
    shape = (len(views), *members[0].track.scores.shape)
    keypoints, scores = np.full((*shape, 2), np.nan), np.zeros(shape)
    for one in members:
        keypoints[one.view, one.present] = one.track.keypoints[one.present]
        scores[one.view, one.present] = one.track.scores[one.present]
    ids = tuple(tuple(sorted(m.key for m in members if m.view == c)) for c in range(len(views)))
    return Person(ids, keypoints, scores)
