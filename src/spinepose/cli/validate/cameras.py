"""Validating what several cameras saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from spinepose.cli.console import Console
from spinepose.cli.validate.looking import find_views, video_of
from spinepose.cli.validate.wanted import MILLIMETRES, Wanted
from spinepose.cli.validate.writing import write_all
from spinepose.errors import UsageError
from spinepose.inference.settings import Settings

if TYPE_CHECKING:
    from spinepose.multiview import Camera, Person

__all__ = ["validate_cameras"]


def validate_cameras(
    inputs: Sequence[str],
    cameras: Sequence[Camera],
    wanted: Wanted,
    settings: Settings,
    console: Console,
) -> None:
    """Validate what several cameras saw."""
    from spinepose.biomech.validation import people_of, see, validate_sight
    from spinepose.biomech.verdict import FLAG, WARN

    warn, flag = wanted.limits(WARN, FLAG, MILLIMETRES)
    if len(cameras) != len(inputs):
        raise UsageError(
            f"{len(inputs)} inputs for the {len(cameras)} cameras of the calibration "
            f"({', '.join(camera.name for camera in cameras)}): name one for each, in this order"
        )
    views = find_views(inputs, wanted.out / "views", settings, console)
    fitted, people = people_of(cameras, views, wanted.offsets)
    moved = _in_step(fitted, people[0], wanted, console)
    if moved is not None:
        wanted = replace(wanted, offsets=moved)
        fitted, people = people_of(cameras, views, moved)
    if wanted.person > len(people):
        raise UsageError(f"--person {wanted.person}: cameras see {len(people)} people")
    if len(people) > 1:
        console.say(f"{len(people)} people are seen; this is person {wanted.person} (--person)")
    with console.progress("person", unit="steps") as bar:
        bar.start(None)
        found = validate_sight(
            see(fitted, people[wanted.person - 1]),
            views[0].rate,
            source=", ".join(inputs),
            warn=warn,
            flag=flag,
            on_step=lambda _: bar.advance(),
        )
    videos = [video_of(view, text) for view, text in zip(views, inputs, strict=True)]
    lost = [view.name for view, video in zip(views, videos, strict=True) if video is None]
    if lost:
        console.warn(f"no pictures of {', '.join(lost)}: their videos are not where they were")
    write_all(found, wanted, console, videos)


def _in_step(
    cameras: Sequence[Camera], person: Person, wanted: Wanted, console: Console
) -> list[int] | None:
    """Warn of cameras that are out of step; return the offsets to take, if that is wanted."""
    from spinepose.biomech.validation import step_of

    step = step_of(cameras, person)
    if step is None and wanted.sync:
        console.warn("too few frames to tell whether cameras are in step: 60 are needed")
    if step is None or not step.out.any():
        return None
    for line in step.warnings([camera.name for camera in cameras]):
        console.warn(line)
    if not wanted.sync:
        console.warn("if that is so, add --sync")
        return None
    given = wanted.offsets or [0] * len(cameras)
    offsets = [a + b for a, b in zip(given, step.offsets.tolist(), strict=True)]
    console.say(f"cameras are brought into step: --offsets {' '.join(map(str, offsets))}")
    return offsets
