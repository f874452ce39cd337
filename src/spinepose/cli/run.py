"""``spinepose -i IN -o OUT``: the main job."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from spinepose.cli.console import Console
from spinepose.errors import SpinePoseError, UsageError
from spinepose.inference.settings import Settings

if TYPE_CHECKING:
    from spinepose.inference import Outputs, SpinePoseEstimator, VideoSummary
    from spinepose.media import Source
    from spinepose.poses import Poses

__all__ = ["run"]

_OUTPUT = Group("Output", sort_key=1)
_SETTINGS = Group("Settings", sort_key=2)

Flag = Annotated[bool, Parameter(negative=())]


def run(
    inputs: Annotated[
        list[str],
        Parameter(name=["--input", "-i"], consume_multiple=True, negative=(), metavar="IN"),
    ],
    *,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], group=_OUTPUT, metavar="OUT")
    ] = None,
    save: Annotated[
        Path | None, Parameter(name=["--save", "-s"], group=_OUTPUT, metavar="JSON")
    ] = None,
    openpose: Annotated[Path | None, Parameter(group=_OUTPUT, metavar="DIR")] = None,
    no_visual: Annotated[Flag, Parameter(group=_OUTPUT)] = False,
    json_: Annotated[Flag, Parameter(name="--json", group=_OUTPUT)] = False,
    quiet: Annotated[Flag, Parameter(name=["--quiet", "-q"], group=_OUTPUT)] = False,
    spine_only: Flag = False,
    include_experimental: Flag = False,
    no_smooth: Flag = False,
    duration: float | None = None,
    settings: Annotated[Settings, Parameter(name="*", group=_SETTINGS)] = Settings(),  # noqa: B008
) -> int:
    """Find people in photos and videos: body, feet and nine points along the spine.

    Some examples:

    - `spinepose -i photo.jpg` draws the people into `photo_spinepose.jpg`
    - `spinepose -i walk.mp4 -o tracked.mp4 -s tracked.jsonl` video and data
    - `spinepose -i "clips/*.mp4" -o results -mode medium` many inputs, one folder
    - `spinepose -i photo.jpg --spine-only --json` data for a program
    - `spinepose -i webcam --duration 10 -o me.mp4` ten seconds of the camera

    Exit codes: 0 done, 2 wrong command line, 3 input, 4 model, 5 device, 6 output, 130 interrupted.

    Parameters
    ----------
    inputs
        Images, videos, folders, globs, stream URLs, camera indices or `webcam`.
    output
        Picture or video to write, or a folder for several. By default the input's name with
        `_spinepose`, in the current folder.
    save
        Keypoints to write: `.json`, or `.jsonl` with one line a frame; a folder for several
        inputs.
    openpose
        Folder for one OpenPose file a frame.
    no_visual
        Do not draw; only write data.
    json_
        Print one JSON object per input instead of text.
    quiet
        Print nothing but errors.
    spine_only
        Only the 9 spine keypoints.
    include_experimental
        All 37 keypoints: clavicles and latissimus too.
    no_smooth
        Leave videos unsmoothed.
    duration
        Stop after so many seconds of video.
    """
    if not inputs:
        raise UsageError("no input: name at least one image, video, folder or camera after -i")
    if spine_only and include_experimental:
        raise UsageError("--spine-only and --include-experimental exclude each other: choose one")
    if spine_only or include_experimental:
        settings = replace(settings, keypoints="spine" if spine_only else "all")
    if no_smooth:
        settings = replace(settings, smooth="none")
    wanted = _Wanted(output, save, openpose, not no_visual, duration)
    console = Console(json_lines=json_, quiet=quiet)
    return _run_all(inputs, wanted, settings, console)


@dataclass(frozen=True)
class _Wanted:
    """Where the user wants things."""

    output: Path | None
    save: Path | None
    openpose: Path | None
    visual: bool
    duration: float | None


def _run_all(inputs: list[str], wanted: _Wanted, settings: Settings, console: Console) -> int:
    """Run every input; a broken one does not keep the others from running."""
    from spinepose.cli.naming import name_outputs
    from spinepose.inference import SpinePoseEstimator
    from spinepose.media import resolve_sources

    sources = resolve_sources(inputs)
    plan = name_outputs(sources, wanted.output, wanted.save, wanted.openpose, wanted.visual)
    code = 0
    with SpinePoseEstimator(settings=settings) as estimator, _stop_on_signals() as stopped:
        for source, outputs in plan:
            try:
                if source.kind == "image":
                    _run_image(source, outputs, estimator, console)
                else:
                    _run_video(source, outputs, estimator, wanted.duration, stopped, console)
            except SpinePoseError as error:
                if len(plan) == 1:
                    raise
                console.error(str(error))
                code = code or error.exit_code
            if stopped.is_set():
                raise KeyboardInterrupt
    return code


def _run_image(
    source: Source, outputs: Outputs, estimator: SpinePoseEstimator, console: Console
) -> None:
    from spinepose.export import person_dict, write_openpose_frame
    from spinepose.inference import infer_image

    poses = infer_image(
        source.location, outputs.visual, save_path=outputs.data, estimator=estimator
    )
    if outputs.openpose is not None:
        write_openpose_frame(outputs.openpose, source.name, poses)
    if console.json_lines:
        people = [person_dict(poses, i) for i in range(len(poses))]
        console.record(_record(source, outputs, size=list(poses.size), people=people))
        return
    console.say(f"{source.location}: {_found(poses)}{_arrow(outputs)}")


def _run_video(
    source: Source,
    outputs: Outputs,
    estimator: SpinePoseEstimator,
    duration: float | None,
    stopped: threading.Event,
    console: Console,
) -> None:
    from spinepose.inference import process_video

    def stop(time_s: float) -> bool:
        return stopped.is_set() or (duration is not None and time_s >= duration)

    with console.progress(source.name) as progress:
        summary = process_video(
            source.location,
            outputs,
            estimator,
            estimator.settings,
            on_start=lambda summary: progress.start(summary.expected_frames),
            on_frame=lambda _: progress.advance(),
            stop=stop,
        )
    if summary.truncated:
        console.warn(f"{source.location} is damaged: read up to frame {summary.frames}")
    if console.json_lines:
        console.record(
            _record(
                source,
                outputs,
                frames=summary.frames,
                duration_s=round(summary.duration_s, 3),
                frames_with_people=summary.frames_with_people,
                track_ids=sorted(summary.tracks),
                mean_score=round(summary.mean_score, 4),
                complete=summary.complete,
            )
        )
        return
    console.say(f"{source.location}: {_tracked(summary)}{_arrow(outputs)}")


def _record(source: Source, outputs: Outputs, **found: Any) -> dict[str, Any]:
    """Return the JSON object of one input."""
    written = {
        name: None if path is None else str(path)
        for name, path in (
            ("output", outputs.visual),
            ("save", outputs.data),
            ("openpose", outputs.openpose),
        )
    }
    return {"input": source.location, "kind": source.kind, **written, **found}


def _found(poses: Poses) -> str:
    """Say what an image holds."""
    if not len(poses):
        return "no person found"
    people = "1 person" if len(poses) == 1 else f"{len(poses)} people"
    return f"{people}, {len(poses.skeleton)} keypoints, mean score {poses.scores.mean():.2f}"


def _tracked(summary: VideoSummary) -> str:
    """Say what a video holds."""
    frames = f"{summary.frames} frames"
    if summary.stopped:
        frames += " (stopped before the end)"
    if not summary.tracks:
        return f"{frames}, no person found"
    people = len(summary.tracks)
    return (
        f"{frames}, {people} {'person' if people == 1 else 'people'} tracked, "
        f"mean score {summary.mean_score:.2f}"
    )


def _arrow(outputs: Outputs) -> str:
    written = ", ".join(str(path) for path in outputs.paths())
    return f" -> {written}" if written else ""


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or termination into a wish to stop; a second one interrupts."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
