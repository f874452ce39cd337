"""The report of a validation: one page that needs nothing else, and the same as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from spinepose.biomech.report.figures import (
    angle_charts,
    angle_table,
    camera_tables,
    headline,
    keypoint_table,
    residual_charts,
    size_tables,
)
from spinepose.biomech.report.markup import from_markdown, grid
from spinepose.biomech.report.pictures import MARKS, pictures
from spinepose.biomech.report.queue import match_videos
from spinepose.biomech.report.scene import viewer_data, worst_frame
from spinepose.biomech.report.shell import shell
from spinepose.biomech.report.stills import stills
from spinepose.biomech.validation import Validation
from spinepose.export.provenance import Provenance
from spinepose.files import atomic_write
from spinepose.plain import plain

__all__ = ["Tables", "write_report"]

_DIGITS = 4
"""After the point, of numbers in the JSON."""

_CAVEAT = (
    "A distance to the model is not an accuracy. The model follows small errors, and what a body "
    "could do is not found to be wrong: an error along a bone or of one vertebral level (20 to "
    "35 mm) does not show."
)
_VIEWER = (
    '<div class="viewer"><canvas id="view" role="img" aria-label="The fitted body; turn it with '
    'the mouse"></canvas><div class="controls"><button type="button" id="play">play</button>'
    '<input type="range" id="frame" min="0" value="0" aria-label="frame"></div>'
    '<p id="told"></p><p>Drag to turn, double-click to come nearer, click in a chart to go to a '
    "time.</p></div>"
)
_LEGEND = (
    "<p>The body is that of each frame by itself, before smoothing. Dots are measured keypoints: "
    '<svg class="dot" viewBox="0 0 10 10"><circle class="ok" cx="5" cy="5" r="4"/></svg> near the '
    'body, <svg class="dot" viewBox="0 0 10 10"><circle class="warn" cx="5" cy="5" r="4"/></svg> '
    'beyond the warning, <svg class="dot" viewBox="0 0 10 10"><circle class="flag" cx="5" cy="5" '
    'r="4"/></svg> flagged, joined to where the body has them. The blue curve goes through all '
    "joints of the spine; its white dots are the nine keypoints.</p>"
)


class Tables(Protocol):
    """What another part of a validation has to say, such as its posture."""

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        ...

    def to_markdown(self) -> str:
        """Return its tables."""
        ...


def write_report(
    folder: str | Path,
    validation: Validation,
    *,
    videos: Sequence[Path | None] = (),
    offsets: Sequence[int] = (),
    posture: Tables | None = None,
    comparisons: Sequence[Tables] = (),
    command: str = "",
) -> list[Path]:
    """Write ``report.html`` and ``validation.json``; return their paths.

    The page has no network and no library: charts and still pictures need no script, a script
    turns the fitted body and plays it. Everything is computed before anything is written.

    Parameters
    ----------
    folder
        It is made if it is not there.
    validation
        What was found.
    videos
        For each camera its video, for pictures of flagged frames; `None` where there is none.
    offsets
        For each camera, of its video, see :func:`.queue_of`.
    posture, comparisons
        More tables, shown if given under the title in their first line: the posture, and what
        OpenSim finds.
    command
        That made it, for people to read.

    Raises
    ------
    OutputError
        If a file cannot be written.
    UsageError
        If there are not as many videos or offsets as cameras.
    """
    paths, shifts = match_videos(validation.sight, videos, offsets)
    shown = pictures(validation, paths, shifts)
    texts = {
        "report.html": _page(validation, shown, posture, comparisons, command),
        "validation.json": _document(validation, posture, comparisons, command),
    }
    folder = Path(folder)
    # One inside the other, so that no file takes its place before all are written.
    page, data = (folder / name for name in texts)
    with atomic_write(page) as first, atomic_write(data) as second:
        first.write_text(texts["report.html"], encoding="utf-8")
        second.write_text(texts["validation.json"], encoding="utf-8")
    return [page, data]


def _provenance(validation: Validation, command: str) -> dict[str, Any]:
    found = validation.verdict
    settings = {
        "command": command,
        "warn_mm": found.warn_mm,
        "flag_mm": found.flag_mm,
        "model": validation.body.spec.name,
    }
    return Provenance(validation.source, settings=settings).to_dict()


def _document(
    validation: Validation, posture: Tables | None, comparisons: Sequence[Tables], command: str
) -> str:
    """Return everything as JSON."""
    sight = validation.sight
    groups = validation.body.spec.groups
    document = {
        "format": "spinepose-validation",
        "version": 1,
        "provenance": _provenance(validation, command),
        "rate": validation.rate,
        "bridged": int(validation.motion.bridged.sum()),
        "scale": dict(zip(groups, validation.fit.scale.tolist(), strict=True)),
        "verdict": validation.verdict.to_dict(),
        "reprojection": None if sight is None else sight.report.to_dict(),
        "posture": None if posture is None else posture.to_dict(),
        "comparisons": [told.to_dict() for told in comparisons],
    }
    rounded = plain(document, _DIGITS)
    return json.dumps(rounded, allow_nan=False, ensure_ascii=False, indent=1) + "\n"


def _page(
    validation: Validation,
    shown: Sequence[tuple[int, str]],
    posture: Tables | None,
    comparisons: Sequence[Tables],
    command: str,
) -> str:
    """Return the page."""
    script = files(__package__).joinpath("viewer.js").read_text(encoding="utf-8")
    wanted = sorted({worst_frame(validation), *(frame for frame, _ in shown)})
    return shell(
        f"Do the keypoints fit a body? {validation.source}",
        _head(validation, command),
        _sections(validation, shown, posture, comparisons),
        script=script,
        data=json.dumps(viewer_data(validation, wanted), allow_nan=False, separators=(",", ":")),
    )


def _head(validation: Validation, command: str) -> str:
    """Return the verdict and who made it."""
    found = validation.verdict
    made = _provenance(validation, command)
    cards = {
        "frames solved": f"{found.solved} of {found.frames}",
        "RMSE": "-" if math.isnan(found.rmse_mm) else f"{found.rmse_mm:.1f} mm",
        "keypoints flagged": f"{len(found.flags):,}",
        "length": f"{found.frames / validation.rate:.1f} s",
        "frames per second": f"{validation.rate:.4g}",
        "cameras": str(len(validation.sight.cameras)) if validation.sight else "none",
    }
    listed = "".join(f"<li><b>{escape(value)}</b> {name}</li>" for name, value in cards.items())
    state = "passed" if found.passed else "failed"
    said = f"<p>command: <code>{escape(command)}</code></p>" if command else ""
    return (
        "<h1>Do the keypoints fit a body?</h1>"
        f'<p class="verdict {state}">{escape(headline(found))}</p><p>{_CAVEAT}</p>'
        f"<p>source: <code>{escape(validation.source)}</code>, spinepose "
        f"{escape(str(made['version']))}</p>{said}<ul>{listed}</ul>"
    )


def _sections(
    validation: Validation,
    shown: Sequence[tuple[int, str]],
    posture: Tables | None,
    comparisons: Sequence[Tables],
) -> Iterator[tuple[str, str]]:
    """Yield headings and what stands below them."""
    found, sight = validation.verdict, validation.sight
    yield "The fitted body", f"{_VIEWER}{_LEGEND}{grid(stills(validation))}"
    yield "Distances from the body over time", grid(residual_charts(validation), "charts")
    yield (
        "Keypoints",
        "<p>Forward, up and right are mean errors in mm, measured minus model, along the body part "
        f"of the standing person. Bars end at {found.flag_mm:g} mm.</p>{keypoint_table(found)}",
    )
    if shown:
        yield (
            "Flagged frames",
            f"<p>{MARKS} Of each moment the two views in which they differ most.</p>"
            + grid([figure for _, figure in shown]),
        )
    if sight is not None:
        yield "Cameras", camera_tables(sight.report)
    yield "Size of the person", size_tables(validation)
    yield (
        "Angles",
        "<p>Charts are of the smooth motion, the table is of each frame by itself: bands are "
        "published ranges, lines what was measured; beyond is more than 5 degrees outside.</p>"
        + grid(angle_charts(validation), "charts")
        + angle_table(found),
    )
    for told in (posture, *comparisons):
        if told is not None:
            first, _, rest = told.to_markdown().partition("\n")
            yield escape(first.lstrip("# ")), from_markdown(rest)
