"""``spinepose validate``: tell whether a body could have these keypoints."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from spinepose.cli.console import Console
from spinepose.errors import OutputError, UsageError
from spinepose.inference.settings import Settings

if TYPE_CHECKING:
    from spinepose.biomech.comparison import Comparisons
    from spinepose.biomech.validation import Validation
    from spinepose.inference import SpinePoseEstimator
    from spinepose.media import Source
    from spinepose.multiview import Camera, Person, View

__all__ = ["validate"]

_SETTINGS = Group("Settings", sort_key=2)
_Flag = Parameter(negative=())

_POINTS = (".trc", ".c3d")
_RESULTS = (".json", ".jsonl")
_MM, _PER_CENT = 1000.0, 100.0


def validate(
    inputs: Annotated[list[str], Parameter(metavar="IN", negative=())],
    *,
    calibration: Annotated[Path | None, Parameter(name=["--calibration", "-c"])] = None,
    scene: int | None = None,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("validation"),
    person: int = 1,
    offsets: Annotated[list[int] | None, Parameter(consume_multiple=True, negative=())] = None,
    sync: Annotated[bool, _Flag] = False,
    up: Literal["y", "z"] = "y",
    warn: float | None = None,
    flag: float | None = None,
    opensim: Annotated[bool, _Flag] = False,
    osim: Path | None = None,
    c3d: Annotated[bool, _Flag] = False,
    json: Annotated[bool, _Flag] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative=())] = False,
    settings: Annotated[Settings, Parameter(name="*", group=_SETTINGS)] = Settings(),  # noqa: B008
) -> None:
    """Check whether a body with an articulated spine could have these keypoints.

    From several calibrated cameras, or from points in space: a person of the right size is fitted
    to every frame, and keypoints that it cannot reach are flagged. From a single picture or video:
    only a *plausibility*, no measurement.

    For example:

    - `spinepose validate cam1.mp4 cam2.mp4 cam3.mp4 -c Calib.toml` writes `validation/report.html`
    - `spinepose validate cam1.jsonl cam2.jsonl -c calib.qca.txt -o jump` from results of spinepose
    - `spinepose validate walk.trc --opensim` also with OpenSim's own inverse kinematics
    - `spinepose validate photo.json` how plausible the people of one picture are

    Writes report.html, validation.json, queue.json (what to correct), posture.csv, keypoints.trc,
    person.osim and motion.mot; for pictures plausibility.json, queue.json and marked pictures.

    Exit codes: 0 done, 2 wrong command line, 3 input, 4 model, 5 device, 6 output, 7 broken data,
    too few keypoints or cameras that do not fit, 8 missing extra.

    Parameters
    ----------
    inputs
        Videos or pictures, result files of spinepose (.json, .jsonl), or one .trc or .c3d.
    calibration
        Of the cameras, in the order of the inputs.
    scene
        Which scene, if the calibration is the label file of `spinepose synth`.
    out
        Folder for the report.
    person
        Which one, 1 = seen most, where cameras see several.
    offsets
        Frames by which each camera is late.
    sync
        Bring cameras into step that seem to be out of it; otherwise this is only warned of.
    up
        Axis of a .trc or .c3d that points up.
    warn
        Limit for a warning: millimetres, or per cent of the body height for pictures. 45 or 4.
    flag
        Limit for a flag: 100 mm or 6 %.
    opensim
        Compare with OpenSim's tools. Needs the extra: pip install 'spinepose[opensim]'.
    osim
        Your own .osim, solved by OpenSim beside our model; markers named as the keypoints.
    c3d
        Write keypoints.c3d as well.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but warnings and errors.
    """
    if not inputs:
        raise UsageError("no input: name videos, result files, a .trc or a picture")
    if out.exists() and not out.is_dir():
        raise OutputError(f"cannot write into {out}: it is a file; name a folder")
    wanted = _Wanted(out, person, offsets, sync, up, warn, flag, opensim, osim, c3d)
    wanted.check()
    console = Console(json_lines=json, quiet=quiet)
    suffixes = {Path(text).suffix.lower() for text in inputs}
    if suffixes & set(_POINTS):
        _points(inputs, wanted, console)
    elif calibration is not None:
        from spinepose.multiview import read_calibration

        _cameras(inputs, read_calibration(calibration, scene=scene), wanted, settings, console)
    else:
        _pictures(inputs, wanted, settings, console)


@dataclass(frozen=True)
class _Wanted:
    """What the user asked for."""

    out: Path
    person: int
    offsets: list[int] | None
    sync: bool
    up: str
    warn: float | None
    flag: float | None
    opensim: bool
    osim: Path | None
    c3d: bool

    def check(self) -> None:
        """Refuse what cannot be, before anything is computed."""
        if self.person < 1:
            raise UsageError(f"--person {self.person}: people are counted from 1")
        for name in ("warn", "flag"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise UsageError(f"--{name} {limit}: limits are positive")
        if self.opensim or self.osim is not None:
            from spinepose.biomech.opensim_tools import require_opensim

            require_opensim()
        if self.c3d:
            from spinepose.biomech.c3d import require_ezc3d

            require_ezc3d()

    def limits(self, warn: float, flag: float, unit: float) -> tuple[float, float]:
        """Return the two limits, which the user gives in `unit`, or the usual ones."""
        found = (
            warn if self.warn is None else self.warn / unit,
            flag if self.flag is None else self.flag / unit,
        )
        if found[0] > found[1]:
            raise UsageError(
                f"the warning at {found[0] * unit:g} is beyond the flag at {found[1] * unit:g}: "
                "give --warn and --flag"
            )
        return found


def _points(inputs: Sequence[str], wanted: _Wanted, console: Console) -> None:
    """Validate points in space."""
    from spinepose.biomech.points import read_points
    from spinepose.biomech.validation import validate_markers
    from spinepose.biomech.verdict import FLAG, WARN

    if len(inputs) > 1:
        raise UsageError(f"{inputs[0]} is validated alone; {len(inputs)} inputs are given")
    warn, flag = wanted.limits(WARN, FLAG, _MM)
    points = read_points(inputs[0], up=wanted.up)
    with console.progress(Path(inputs[0]).name, unit="steps") as bar:
        bar.start(None)
        found = validate_markers(
            points.markers,
            points.rate,
            source=inputs[0],
            warn=warn,
            flag=flag,
            on_step=lambda _: bar.advance(),
        )
    _write(found, wanted, console, [])


def _cameras(
    inputs: Sequence[str],
    cameras: Sequence[Camera],
    wanted: _Wanted,
    settings: Settings,
    console: Console,
) -> None:
    """Validate what several cameras saw."""
    from spinepose.biomech.validation import people_of, see, validate_sight
    from spinepose.biomech.verdict import FLAG, WARN

    warn, flag = wanted.limits(WARN, FLAG, _MM)
    if len(cameras) != len(inputs):
        raise UsageError(
            f"{len(inputs)} inputs for the {len(cameras)} cameras of the calibration "
            f"({', '.join(camera.name for camera in cameras)}): name one for each, in this order"
        )
    views = _views(inputs, wanted.out, settings, console)
    fitted, people = people_of(cameras, views, wanted.offsets)
    wanted = _in_step(fitted, people, wanted, console)
    if wanted.sync:
        fitted, people = people_of(cameras, views, wanted.offsets)
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
    videos = [Path(view.source) if view.source else None for view in views]
    _write(found, wanted, console, [v if v and v.exists() else None for v in videos])


def _in_step(
    cameras: Sequence[Camera], people: Sequence[Person], wanted: _Wanted, console: Console
) -> _Wanted:
    """Warn of cameras that are out of step; with ``--sync`` return the offsets to take."""
    from spinepose.biomech.validation import step_of

    step = step_of(cameras, people[0]) if people else None
    if step is None or not step.out.any():
        return replace(wanted, sync=False)
    given = wanted.offsets or [0] * len(cameras)
    offsets = [a + b for a, b in zip(given, step.offsets.tolist(), strict=True)]
    for line in step.warnings([camera.name for camera in cameras]):
        console.warn(line)
    if wanted.sync:
        console.say(f"cameras are brought into step: --offsets {' '.join(map(str, offsets))}")
        return replace(wanted, offsets=offsets)
    console.warn("if that is so, add --sync")
    return wanted


def _views(inputs: Sequence[str], out: Path, settings: Settings, console: Console) -> list[View]:
    """Return what each camera saw; videos are looked through first, and what is found is kept."""
    from spinepose.multiview import read_view

    paths = []
    for text in inputs:
        if Path(text).suffix.lower() in _RESULTS:
            paths.append(Path(text))
            continue
        paths += _look_through([text], out / "views", settings, console)
    return [read_view(path) for path in paths]


def _look_through(
    inputs: Sequence[str], folder: Path, settings: Settings, console: Console
) -> list[Path]:
    """Find people in pictures and videos; return the files of results."""
    from spinepose.inference import SpinePoseEstimator, infer_image
    from spinepose.media import resolve_sources

    # Frames must not be mixed before each is judged by itself.
    settings = replace(settings, keypoints="all", smooth="none")
    written = []
    with SpinePoseEstimator(settings=settings) as estimator:
        for source in resolve_sources(inputs):
            if source.kind == "image":
                target = folder / f"{source.name}.json"
                infer_image(source.location, save_path=target, estimator=estimator)
            else:
                target = folder / f"{source.name}.jsonl"
                _look_through_video(source, target, estimator, settings, console)
            written.append(target)
    return written


def _look_through_video(
    source: Source,
    target: Path,
    estimator: SpinePoseEstimator,
    settings: Settings,
    console: Console,
) -> None:
    from spinepose.inference import Outputs, process_video

    with console.progress(source.name) as bar:
        process_video(
            source.location,
            Outputs(data=target),
            estimator,
            settings,
            on_start=lambda summary: bar.start(summary.expected_frames),
            on_frame=lambda _: bar.advance(),
        )


def _pictures(inputs: Sequence[str], wanted: _Wanted, settings: Settings, console: Console) -> None:
    """Tell how plausible the people of pictures and videos are."""
    from spinepose.biomech.plausibility import FLAG, WARN
    from spinepose.biomech.report import headline, write_plausibility
    from spinepose.biomech.report.plausible import judge_people

    warn, flag = wanted.limits(WARN, FLAG, _PER_CENT)
    results = [Path(text) for text in inputs if Path(text).suffix.lower() in _RESULTS]
    media = [text for text in inputs if Path(text).suffix.lower() not in _RESULTS]
    if media:
        results += _look_through(media, wanted.out / "views", settings, console)
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


def _write(
    found: Validation, wanted: _Wanted, console: Console, videos: Sequence[Path | None]
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


def _opensim(found: Validation, wanted: _Wanted) -> list[Comparisons]:
    """Return what OpenSim's own tools find, as far as it was asked for."""
    if not wanted.opensim and wanted.osim is None:
        return []
    from spinepose.biomech.comparison import compare_with_opensim

    models = ([None] if wanted.opensim else []) + ([wanted.osim] if wanted.osim else [])
    return [
        compare_with_opensim(found.markers, found.body, found.rate, model=model) for model in models
    ]
