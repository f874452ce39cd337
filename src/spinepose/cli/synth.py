"""``spinepose synth``: make synthetic people with exact labels of the spine."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spinepose.cli.console import Console

__all__ = ["synth"]

_Flag = Parameter(negative=())


def synth(
    *,
    people: int = 1000,
    out: Path = Path("synth"),
    seed: int = 0,
    size: int = 512,
    cameras: int = 1,
    workers: int = 1,
    backgrounds: Path | None = None,
    procedural: float = 0.5,
    activity: Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())] = None,
    motion: Path | None = None,
    group: int = 6,
    frames: int = 1,
    fps: float = 25.0,
    kyphotic: float = 0.0,
    scoliotic: float = 0.0,
    occluders: float = 0.14,
    distortion: Annotated[bool, _Flag] = False,
    trc: Annotated[bool, _Flag] = False,
    json: Annotated[bool, _Flag] = False,
    quiet: Annotated[bool, _Flag] = False,
) -> None:
    """Make synthetic people with exact labels: 37 keypoints, nine of them vertebrae.

    Writes a data set in SpineTrack's layout (COCO JSON with 3-D points and cameras), a sheet to
    look at and a report. Run the same command again to go on after an interrupt, or with more
    people to make the set larger. Needs the extra: pip install 'spinepose[synth]'.

    For example:

    - `spinepose synth --people 1000 --out people --seed 7 --workers 2`
    - `spinepose synth --people 200 --cameras 5 --group 1 --trc --out multiview`
    - `spinepose synth --people 500 --frames 50 --activity walk run --out clips`
    - `spinepose synth --people 1000 --backgrounds photos --motion mocap --out outside`

    Parameters
    ----------
    people
        Annotated people wanted, one for each picture that shows them.
    out
        Folder of the data set.
    seed
        The same seed and options give the same bytes.
    size
        Width and height of the pictures in pixels.
    cameras
        Calibrated cameras around each scene.
    workers
        Processes; as many as there are cores is best.
    backgrounds
        A folder of photos or panoramas, or one file; computed places when there is none.
    procedural
        Share of computed places beside your own pictures.
    activity
        Only these activities; `--activity list` prints their names.
    motion
        Motion capture to take poses from as well: an .amc, .bvh, or a folder of them.
    group
        Largest number of people in a scene, 1 to 6.
    frames
        Moments of each scene: more than 1 makes clips.
    fps
        Moments per second.
    kyphotic
        Share of people with a hyperkyphosis.
    scoliotic
        Share of people with a scoliosis.
    occluders
        Share of scenes with a thing in front of the people.
    distortion
        Bend straight lines as real lenses do.
    trc
        Write the 3-D keypoints also as .trc files for OpenSim.
    json
        Print one JSON object at the end instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.synth import Recipe, activity_names, ensure_asset, make_dataset

    console = Console(json_lines=json, quiet=quiet)
    names = tuple(activity or ())
    if names == ("list",):
        for name in activity_names():
            console.say(name)
        return
    recipe = Recipe(
        seed=seed,
        size=size,
        cameras=cameras,
        frames=frames,
        fps=fps,
        people=group,
        activities=names,
        backdrops=backgrounds,
        procedural=procedural,
        kyphotic=kyphotic,
        scoliotic=scoliotic,
        occluders=occluders,
        distortion=distortion,
        motion=motion,
    )
    with console.progress("body model", unit="steps") as bar:
        bar.start(None)
        ensure_asset(lambda _done, _all: bar.advance())
    start = time.perf_counter()
    with console.progress("people", unit="people/s") as bar:
        bar.start(people)
        made = make_dataset(
            out, people, recipe, workers=workers, trc=trc, command=_command(), progress=bar.reach
        )
    seconds = time.perf_counter() - start
    if json:
        console.record(
            {
                "out": str(made.out),
                "scenes": made.scenes,
                "images": made.images,
                "people": made.people,
                "seconds": round(seconds, 1),
            }
        )
    console.say(
        f"{made.people} people in {made.images} pictures of {made.scenes} scenes, "
        f"{seconds:.0f} s ({made.people / max(seconds, 1e-6):.1f} people/s)"
    )
    console.say(f"look at {made.out / 'sheet.png'} and {made.out / 'report.html'}")


def _command() -> str:
    """Return the command line, for the record of the data set."""
    return " ".join(["spinepose", *sys.argv[1:]])
