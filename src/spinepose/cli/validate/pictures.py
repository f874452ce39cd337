"""Telling how plausible the people of single pictures are."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from spinepose.cli.console import Console
from spinepose.cli.validate.looking import look_through
from spinepose.cli.validate.wanted import PER_CENT, RESULTS, Wanted
from spinepose.inference.settings import Settings

__all__ = ["judge_pictures"]


def judge_pictures(
    inputs: Sequence[str], wanted: Wanted, settings: Settings, console: Console
) -> None:
    """Tell how plausible the people of pictures and videos are."""
    from spinepose.biomech.plausibility import FLAG, WARN
    from spinepose.biomech.report import headline, write_plausibility
    from spinepose.biomech.report.plausible import judge_people

    wanted.refuse_cameras()
    wanted.refuse_points()
    warn, flag = wanted.limits(WARN, FLAG, PER_CENT)
    results = [Path(text) for text in inputs if Path(text).suffix.lower() in RESULTS]
    media = [text for text in inputs if Path(text).suffix.lower() not in RESULTS]
    if media:
        results += look_through(media, wanted.out / "views", settings, console)
    people = []
    with console.progress("people", unit="people/s") as bar:
        bar.start(None)
        for path in results:
            for judged in judge_people(path, warn=warn, flag=flag):
                people.append(judged)
                bar.advance()
    command = shlex.join(["spinepose", *sys.argv[1:]])
    written = write_plausibility(wanted.out, people, source=", ".join(inputs), command=command)
    if console.json_lines:
        console.record(
            {
                "plausibility": [
                    {"source": j.source, "frame": j.poses.frame, "track_id": j.person}
                    | {"plausible": j.found.plausible, "flagged": j.doubted}
                    for j in people
                ],
                "written": [str(path) for path in written],
            }
        )
    console.say(f"{headline(people)}; a plausibility, no measurement\nlook at {written[0]}")
