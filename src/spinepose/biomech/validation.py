"""From points in space to a judged motion: one call for what the modules of this package do.

F frames, M markers, C cameras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.biomech.body import body_model
from spinepose.biomech.ik import Fit, from_world
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.scaling import scale_and_solve
from spinepose.biomech.smoothing import Smoothed, smooth
from spinepose.biomech.verdict import FLAG, WARN, Verdict, judge_markers
from spinepose.errors import DataError, UsageError
from spinepose.multiview import (
    Camera,
    Person,
    ReprojectionReport,
    Step,
    Triangulation,
    View,
    align_views,
    check_step,
    fit_camera,
    match_people,
    reprojection_report,
    triangulate,
)
from spinepose.skeleton import SPINETRACK

__all__ = [
    "Sight",
    "Validation",
    "people_of",
    "see",
    "step_of",
    "validate_markers",
    "validate_sight",
]

Float64 = npt.NDArray[np.float64]

_LEAST_COMMON = 5
"""Frames in which two cameras see a person, if there are as many."""
_LEAST_FRAMES_FOR_STEP = 60
_LONGEST_STEP = 20
"""Frames: the least that tell about a step (in clips of 20, what a network gets wrong looked like
steps of 2 to 4), and the largest step that is looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What cameras saw of one person.

    Attributes
    ----------
    cameras
        C of them.
    keypoints, scores
        (C, F, M, 2) px of the pictures as they were taken and (C, F, M), in the order of
        :data:`.SPINETRACK`; NaN and 0 where there is none.
    triangulation
        The points, in the cameras' world.
    report
        How well the views agree.
    """

    cameras: tuple[Camera, ...]
    keypoints: Float64
    scores: Float64
    triangulation: Triangulation
    report: ReprojectionReport


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """A motion, and what was found about it.

    Attributes
    ----------
    source
        What was validated, for people to read.
    rate
        Frames per second.
    markers
        (F, M, 3) m, y up, that were measured; NaN where missing.
    body
        The model.
    fit
        The poses of each frame by itself, and the person's size.
    motion
        The smooth motion.
    verdict
        What the poses of each frame by itself say about the markers.
    sight
        What cameras saw; `None` if the points were given.
    """

    source: str
    rate: float
    markers: Float64
    body: Kinematics
    fit: Fit
    motion: Smoothed
    verdict: Verdict
    sight: Sight | None = None

    @property
    def times(self) -> Float64:
        """(F,) seconds from the first frame."""
        return np.arange(len(self.markers)) / self.rate


def people_of(
    cameras: Sequence[Camera], views: Sequence[View], offsets: Sequence[int] | None = None
) -> tuple[tuple[Camera, ...], list[Person]]:
    """Return the cameras as they suit the videos, and the people that two or more see.

    Whoever is seen most comes first.

    Parameters
    ----------
    cameras
        C of them.
    views
        One for each camera.
    offsets
        (C,) frames by which views are late.

    Raises
    ------
    DataError
        If nobody is seen by two cameras.
    UsageError
        If there is one camera only, a video does not fit its camera, or views do not fit each
        other.
    """
    if len(cameras) < 2:
        raise UsageError("one camera tells no place in space; two at least are needed")
    fitted = tuple(fit_camera(c, v.size) for c, v in zip(cameras, views, strict=True))
    aligned = align_views(views, offsets)
    if not any(view.tracks for view in aligned):
        raise DataError("nobody was found in any view")
    least = min(_LEAST_COMMON, len(aligned[0].times))
    people = match_people(fitted, aligned, least_frames=least)
    shared = [person for person in people if person.views >= 2]
    if not shared:
        raise DataError(
            f"none of the {len(people)} people of all views is seen by two cameras in {least} "
            "frames or more: do the calibration and the order of the inputs fit?"
        )
    return fitted, shared


def step_of(cameras: Sequence[Camera], person: Person) -> Step | None:
    """Return whether cameras are in step; `None` if too few frames tell."""
    frames = person.scores.shape[1]
    if frames < _LEAST_FRAMES_FOR_STEP:
        return None
    longest = min(_LONGEST_STEP, frames // 4)
    return check_step(cameras, person.keypoints, person.scores, longest=longest)


def see(cameras: Sequence[Camera], person: Person) -> Sight:
    """Triangulate the keypoints of a person."""
    found = triangulate(cameras, person.keypoints, person.scores)
    names = [camera.name for camera in cameras]
    report = reprojection_report(found, names, SPINETRACK.keypoints)
    return Sight(tuple(cameras), person.keypoints, person.scores, found, report)


def validate_markers(
    markers: npt.ArrayLike,
    rate: float,
    *,
    source: str,
    warn: float = WARN,
    flag: float = FLAG,
    sight: Sight | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Validation:
    """Fit the body model to measured markers and judge them.

    Parameters
    ----------
    markers
        (F, M, 3) m, y up, in the order of :data:`.SPINETRACK`; NaN where missing.
    rate
        Frames per second.
    source
        What it is, for people to read.
    warn, flag
        Metres.
    sight
        Where the markers come from.
    on_step
        Told the name of each step, before it begins.

    Raises
    ------
    DataError
        If no frame has enough markers.
    UsageError
        If shapes do not fit or a setting makes no sense.
    """
    points = np.asarray(markers, np.float64)
    body = Kinematics(body_model())
    on_step("size and poses")
    fit = scale_and_solve(points, body)
    on_step("smooth motion")
    motion = smooth(fit, points, body, rate)
    on_step("verdict")
    verdict = judge_markers(points, fit, body, warn=warn, flag=flag)
    return Validation(source, rate, points, body, fit, motion, verdict, sight)


def validate_sight(
    sight: Sight,
    rate: float,
    *,
    source: str,
    warn: float = WARN,
    flag: float = FLAG,
    on_step: Callable[[str], None] = lambda _: None,
) -> Validation:
    """Validate the points that cameras of a world with z up saw; see :func:`validate_markers`."""
    return validate_markers(
        from_world(sight.triangulation.points),
        rate,
        source=source,
        warn=warn,
        flag=flag,
        sight=sight,
        on_step=on_step,
    )
