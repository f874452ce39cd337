"""``spinepose validate``: tell whether a body could have these keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from spinepose.cli.console import Console
from spinepose.cli.validate.cameras import validate_cameras
from spinepose.cli.validate.pictures import judge_pictures
from spinepose.cli.validate.wanted import MILLIMETRES, POINTS, RESULTS, Wanted
from spinepose.cli.validate.writing import write_all
from spinepose.errors import InputError, OutputError, UsageError
from spinepose.inference.settings import Settings

__all__ = ["validate"]

_SETTINGS = Group("Settings", sort_key=2)
_Flag = Parameter(negative=())


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
    _check_files(inputs)
    if scene is not None and calibration is None:
        raise UsageError("--scene is of a calibration: give --calibration")
    if out.exists() and not out.is_dir():
        raise OutputError(f"cannot write into {out}: it is a file; name a folder")
    wanted = Wanted(out, person, offsets, sync, up, warn, flag, opensim, osim, c3d)
    wanted.check()
    console = Console(json_lines=json, quiet=quiet)
    suffixes = {Path(text).suffix.lower() for text in inputs}
    if suffixes & set(POINTS):
        validate_points(inputs, wanted, console)
    elif calibration is not None:
        from spinepose.multiview import read_calibration

        validate_cameras(
            inputs, read_calibration(calibration, scene=scene), wanted, settings, console
        )
    else:
        judge_pictures(inputs, wanted, settings, console)


def _check_files(inputs: Sequence[str]) -> None:
    """Refuse files that are not there or given twice, before anything is computed."""
    paths = [Path(text) for text in inputs]
    for path in paths:
        if path.suffix.lower() in (*POINTS, *RESULTS) and not path.is_file():
            raise InputError(f"{path}: no such file")
    whole = [path.resolve() for path in paths]
    twice = [str(path) for path, one in zip(paths, whole, strict=True) if whole.count(one) > 1]
    if twice:
        raise UsageError(f"{twice[0]} is given twice")


def validate_points(inputs: Sequence[str], wanted: Wanted, console: Console) -> None:
    """Validate points in space."""
    from spinepose.biomech.points import read_points
    from spinepose.biomech.validation import validate_markers
    from spinepose.biomech.verdict import FLAG, WARN

    if len(inputs) > 1:
        raise UsageError(f"{inputs[0]} is validated alone; {len(inputs)} inputs are given")
    wanted.refuse_cameras()
    warn, flag = wanted.limits(WARN, FLAG, MILLIMETRES)
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
    write_all(found, wanted, console, [])
