"""Writing everything about a validation, and saying what was found."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spinepose.cli.console import Console
from spinepose.cli.validate.wanted import Wanted

if TYPE_CHECKING:
    from spinepose.biomech.comparison import Comparisons
    from spinepose.biomech.validation import Validation

__all__ = ["write_all"]


def write_all(
    found: Validation, wanted: Wanted, console: Console, videos: Sequence[Path | None]
) -> None:
    """Write everything about a validation and say what was found."""
    from spinepose.biomech.outputs import write_motion_files
    from spinepose.biomech.posture import measure_posture, write_posture
    from spinepose.biomech.report import queue_of, write_report
    from spinepose.export.provenance import Provenance
    from spinepose.export.queue import write_queue

    comparisons = _opensim(found, wanted)
    offsets = wanted.offsets or [0] * len(videos)
    posture = measure_posture(found.markers, found.motion.fit, found.body)
    written = write_motion_files(wanted.out, found, c3d=wanted.c3d)
    written.append(wanted.out / "posture.csv")
    write_posture(written[-1], posture, found.times)
    queue = queue_of(found, videos, offsets=offsets)
    written.append(wanted.out / "queue.json")
    write_queue(written[-1], queue, Provenance(found.source))
    written += write_report(
        wanted.out,
        found,
        videos=videos,
        offsets=offsets,
        posture=posture,
        comparisons=comparisons,
        command=shlex.join(["spinepose", *sys.argv[1:]]),
    )
    verdict = found.verdict
    if console.json_lines:
        console.record(
            {
                "source": found.source,
                "passed": verdict.passed,
                "frames": verdict.frames,
                "solved": verdict.solved,
                "rmse_mm": round(verdict.rmse_mm, 2),
                "flags": len(verdict.flags),
                "written": [str(path) for path in written],
            }
        )
    frames = len({flag.frame for flag in verdict.flags})
    console.say(
        f"{verdict.solved} of {verdict.frames} frames solved, RMSE {verdict.rmse_mm:.1f} mm, "
        f"{len(verdict.flags)} keypoints flagged in {frames} frames\n"
        f"look at {wanted.out / 'report.html'}"
    )


def _opensim(found: Validation, wanted: Wanted) -> list[Comparisons]:
    """Return what OpenSim's own tools find, as far as it was asked for."""
    if not wanted.opensim and wanted.osim is None:
        return []
    from spinepose.biomech.comparison import compare_with_opensim

    models = ([None] if wanted.opensim else []) + ([wanted.osim] if wanted.osim else [])
    return [
        compare_with_opensim(found.markers, found.body, found.rate, model=model) for model in models
    ]
