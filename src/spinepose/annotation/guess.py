"""Let a network guess all items of a project, with doubts, so that people correct and not draw."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.annotation.doubts import doubts_of, feature_of, spread_of
from spinepose.annotation.project import Project
from spinepose.annotation.records import Guess, Item
from spinepose.annotation.views import patches_of, read_views
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.plausibility import judge_poses
from spinepose.dataset.spine_curve import curve_spine
from spinepose.errors import InputError, UsageError
from spinepose.evaluation.peers import Reader
from spinepose.media import read_image
from spinepose.skeleton import SPINETRACK

__all__ = ["CURVE", "Look", "guess", "guesses_from", "implausibility", "look"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]

CURVE = "curve"
"""Name of the source of a spine that was drawn through shoulders and hips."""

_TOGETHER = 32
"""Items that are judged and written at once: what a kill costs at most."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a network says about N people.

    Attributes
    ----------
    answers
        (N, 37, 3) x, y in pixels of the picture and a score, averaged with the mirror image; NaN
        and 0 where it knows nothing.
    views
        (V, N, 37, 3) the same of each view.
    features
        (N, D) what they look like.
    """

    answers: Float64
    views: Float64
    features: Float64


class _WithCurve:
    """A network whose spine is the curve through its own shoulders and hips.

    Parameters
    ----------
    reader
        Knows shoulders and hips at least.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.name = reader.name

    @property
    def sha256(self) -> str:
        """See :class:`~spinepose.evaluation.peers.Reader`."""
        return self._reader.sha256

    @property
    def keypoints(self) -> IntArray:
        """See :class:`~spinepose.evaluation.peers.Reader`."""
        return np.union1d(self._reader.keypoints, SPINETRACK.spine_indices)

    def read(self, image: UInt8, boxes: npt.ArrayLike, *, flip: bool = False) -> Float32:
        """See :meth:`~spinepose.evaluation.peers.Reader.read`."""
        answers = self._reader.read(image, boxes, flip=flip)
        spine = SPINETRACK.spine_indices
        answers[:, spine, :2], answers[:, spine, 2] = curve_spine(answers[..., :2], answers[..., 2])
        return answers


def guess(
    project: Project,
    number: int,
    reader: Reader,
    *,
    curve: bool = False,
    body: Kinematics | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Guess the items that have no guess in a round; each picture is decoded once.

    A picture that cannot be read any more is warned of and passed over.

    Parameters
    ----------
    project
        Of SpineTrack.
    number
        Of the round.
    reader
        A network of :func:`~spinepose.evaluation.peers.open_reader`, or any teacher like it.
    curve
        Draw the spine through the shoulders and hips that the network finds, instead of asking it:
        for networks that know none, and the first round.
    body
        Judges whether the keypoints could be a body's, at 40 ms a person; `None` leaves it out.
    on_progress
        Called with the items done and all those to do.

    Returns
    -------
    int
        How many were guessed now.

    Raises
    ------
    UsageError
        The project is of another skeleton.
    OutputError
        The guesses cannot be written.
    """
    if project.skeleton != SPINETRACK:
        raise UsageError(f"only {SPINETRACK.name} can be guessed, not {project.skeleton.name}")
    sources = _sources(reader, curve)
    reader = _WithCurve(reader) if curve else reader
    known = project.guesses(number)
    items = [item for item in project.items().values() if item.id not in known]
    done = seen = 0
    for pictures in _batches(items):
        read = [(part, found) for part in pictures if (found := _look(project, reader, part))]
        if read:
            batch = [item for part, _ in read for item in part]
            found = _joined([found for _, found in read])
            project.add_guesses(number, guesses_from(batch, found, sources, body=body))
            done += len(batch)
        seen += sum(map(len, pictures))
        on_progress(seen, len(items))
    return done


def look(reader: Reader, image: UInt8, boxes: npt.ArrayLike) -> Look:
    """Ask a network about people in boxes (N, 4) of an RGB image (H, W, 3), in all views."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    answers = reader.read(image, boxes, flip=True).astype(np.float64)
    patches, affines = patches_of(image, boxes)
    views = read_views(reader, patches, affines)
    return Look(answers, views, feature_of(answers, patches, affines))


def guesses_from(
    items: Sequence[Item],
    found: Look,
    sources: Sequence[str],
    *,
    body: Kinematics | None = None,
    implausible: Float64 | None = None,
) -> list[Guess]:
    """Return the guesses of N items, with doubts.

    Parameters
    ----------
    items
        N of them.
    found
        What a network says about them.
    sources
        37 names of what guessed each keypoint; empty where nothing does.
    body
        Judges the keypoints, if given.
    implausible
        (N,) of :func:`implausibility`, if it is known already.
    """
    if implausible is None:
        none = np.full(len(items), np.nan)
        implausible = none if body is None else implausibility(items, found.answers, body)
    boxes = np.array([item.box for item in items]).reshape(-1, 4)
    sizes = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1.0)
    doubts = doubts_of(found.answers, found.views, sizes, implausible)
    spread = spread_of(found.answers, found.views)
    guesses = []
    for i, item in enumerate(items):
        places, scores = found.answers[i, :, :2], found.answers[i, :, 2]
        there = np.isfinite(places).all(axis=1) & (scores > 0)
        guesses.append(
            Guess(
                item=item.id,
                keypoints=np.where(there[:, None], places, np.nan),
                scores=np.where(there, scores, 0.0),
                spread=np.where(there, spread[i], np.nan),
                sources=tuple(n if known else "" for n, known in zip(sources, there, strict=True)),
                doubts=doubts[i],
                feature=found.features[i],
            )
        )
    return guesses


def implausibility(items: Sequence[Item], answers: Float64, body: Kinematics) -> Float64:
    """Return how far keypoints (N, 37, 3) are from a body's: (N,) root mean square, body heights.

    NaN where there are too few of them to tell.
    """
    rows = SPINETRACK.indices([marker.name for marker in body.spec.markers])
    sizes = np.array([item.size for item in items], np.float64).reshape(-1, 2)
    judged = judge_poses(answers[:, rows, :2], answers[:, rows, 2], sizes, body)
    return np.array([person.share for person in judged])


def _sources(reader: Reader, curve: bool) -> tuple[str, ...]:
    """Return what guesses each of the 37 keypoints; empty where nothing does."""
    names = np.full(len(SPINETRACK), "", object)
    names[reader.keypoints] = f"{reader.name} {reader.sha256[:8]}"
    if curve:
        names[SPINETRACK.spine_indices] = CURVE
    return tuple(names.tolist())


def _batches(items: Sequence[Item]) -> Iterator[list[list[Item]]]:
    """Yield the items by picture, some pictures at a time."""
    pictures: dict[str, list[Item]] = {}
    for item in items:
        pictures.setdefault(item.picture, []).append(item)
    batch: list[list[Item]] = []
    for part in pictures.values():
        batch.append(part)
        if sum(map(len, batch)) >= _TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def _look(project: Project, reader: Reader, items: Sequence[Item]) -> Look | None:
    """Look at the items of one picture; `None` where it cannot be read."""
    path: Path = project.picture(items[0])
    try:
        image = read_image(path)
    except InputError as error:
        logger.warning("%s; its %d people are passed over", error, len(items))
        return None
    return look(reader, image, [item.box for item in items])


def _joined(found: Sequence[Look]) -> Look:
    return Look(
        np.concatenate([one.answers for one in found]),
        np.concatenate([one.views for one in found], axis=1),
        np.concatenate([one.features for one in found]),
    )
