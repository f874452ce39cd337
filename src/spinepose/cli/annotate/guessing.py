"""From photos to a queue: init, guess, select, flagged."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from spinepose.cli.annotate.shared import (
    FLAG,
    QUIET,
    annotate_app,
    last_round,
    open_project,
)
from spinepose.cli.console import Console
from spinepose.errors import DataError, UsageError

if TYPE_CHECKING:
    from spinepose.annotation.project import Project
    from spinepose.evaluation.peers import Reader


@annotate_app.command
def init(
    project: Path,
    inputs: Annotated[list[str], Parameter(negative=())],
    *,
    every: float = 0.5,
    least: float = 64.0,
    detector: str = "person",
    device: str = "auto",
    threads: int | None = None,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Make a project from photos and videos, or add more to it.

    For example:

    - `spinepose annotate init backs photos/ "clips/*.mp4"`

    Parameters
    ----------
    project
        Folder of the project.
    inputs
        Photos, videos, folders, globs. Photos stay where they are.
    every
        Seconds between two frames of a video.
    least
        Longer side that a person must have, px.
    detector
        Which detector finds the people.
    device
        Where it runs.
    threads
        CPU threads.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.annotation.gather import gather
    from spinepose.annotation.project import Project
    from spinepose.inference.detector import PersonDetector
    from spinepose.media import resolve_sources
    from spinepose.models import create_session, resolve_detector

    if not inputs:
        raise UsageError("no input: name photos, videos or folders")
    resolve_sources(inputs)  # what is not there is told before a project is made
    console = Console(json_lines=json, quiet=quiet)
    found = resolve_detector(detector)
    finder = PersonDetector(found.card, create_session(found, device, threads))
    opened = Project.create(project, {"inputs": [str(text) for text in inputs]})
    with console.progress("pictures", unit="pictures/s") as bar:
        bar.start(None)
        made = gather(
            opened,
            inputs,
            finder,
            every_s=every,
            least_size=least,
            on_progress=lambda done, _all: bar.reach(done),
        )
    if json:
        console.record({"project": str(project), **asdict(made)})
    console.say(
        f"{made.items} people of {made.pictures} pictures added, {made.small} too small, "
        f"{made.known} sources known already, {made.broken} broken"
    )
    console.say(f"next: spinepose annotate guess {project}")


@annotate_app.command
def guess(
    project: Path,
    *,
    model: str | None = None,
    curve: Annotated[bool, FLAG] = False,
    round: int | None = None,
    plausibility: bool = True,
    device: str = "auto",
    threads: int | None = None,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Let a network guess everybody, with its doubts. Call it again to go on after a break.

    For example:

    - `spinepose annotate guess backs` the shipped network
    - `spinepose annotate guess backs --model thunder.onnx --curve` a teacher without a spine

    Parameters
    ----------
    project
        Folder of the project.
    model
        A size, or an .onnx file; by default what was trained for this round, else the shipped one.
    curve
        Draw the spine as a curve through shoulders and hips instead of asking the network.
    round
        Number of the round; by default the next one that a model was trained for, else the last.
    plausibility
        Also ask whether a body could stand like that.
    device
        Where the network runs.
    threads
        CPU threads.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.annotation.guess import guess as guess_round
    from spinepose.biomech import Kinematics, body_model

    console = Console(json_lines=json, quiet=quiet)
    opened = open_project(project)
    number = _round_to_guess(opened) if round is None else round
    reader = _reader(opened, number, model, device, threads)
    body = Kinematics(body_model()) if plausibility else None
    with console.progress(f"round {number}", unit="people/s") as bar:
        bar.start(len(opened.items()))
        new = guess_round(
            opened,
            number,
            reader,
            curve=curve,
            body=body,
            on_progress=lambda done, _all: bar.reach(done),
        )
    if json:
        console.record({"project": str(project), "round": number, "guessed": new})
    console.say(f"round {number}: {new} people guessed by {reader.name}")
    console.say(f"next: spinepose annotate select {project}")


def _round_to_guess(project: Project) -> int:
    """Return the round whose model waits, else the last, else the first."""
    trained = sorted(project.root.glob("rounds/[0-9][0-9][0-9]/model/*.onnx"))
    last = int(trained[-1].parent.parent.name) if trained else 0
    return max([last, *project.rounds()])


def _reader(
    project: Project, number: int, model: str | None, device: str, threads: int | None
) -> Reader:
    from spinepose.evaluation.peers import open_readers

    trained = sorted(project.round_folder(number).glob("model/*.onnx"))
    name = model or (str(trained[0]) if trained else "auto")
    return open_readers([name], device=device, threads=threads)[0]


@annotate_app.command
def select(
    project: Path,
    count: int = 50,
    *,
    strategy: Literal["doubt+diversity", "doubt", "score", "diversity", "random"] = (
        "doubt+diversity"
    ),
    round: int | None = None,
    seed: int = 0,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Choose whom to correct next, with a reason for each.

    Parameters
    ----------
    project
        Folder of the project.
    count
        How many people.
    strategy
        What to go by: the network's doubts, how unlike they are, both, or chance.
    round
        Whose guesses; the last by default.
    seed
        Of what is drawn.
    json
        Print the queue as one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.annotation.selection import select as choose

    console = Console(json_lines=json, quiet=quiet)
    opened = open_project(project)
    queue = choose(opened, last_round(opened, round), count, strategy=strategy, seed=seed)
    if json:
        console.record(queue.to_dict())
    for choice in queue.items[:5]:
        console.say(f"{choice.item}  {choice.reason}")
    console.say(
        f"{len(queue.items)} people chosen; next: spinepose annotate page {project} --as you"
    )


@annotate_app.command
def flagged(
    project: Path,
    queue: Path,
    *,
    json: Annotated[bool, FLAG] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Take what `spinepose validate` flagged as a round to correct.

    For example:

    - `spinepose annotate flagged backs validation/queue.json`

    Parameters
    ----------
    project
        Folder of the project; it is made if it is not there.
    queue
        The queue.json of a validation.
    json
        Print one JSON object instead of text.
    quiet
        Print nothing but errors.
    """
    from spinepose.annotation.flagged import take_flagged
    from spinepose.annotation.project import Project
    from spinepose.export.queue import read_queue

    console = Console(json_lines=json, quiet=quiet)
    entries, _ = read_queue(queue)
    if not entries:
        raise DataError(f"{queue} is empty: nothing was flagged, or the points have no pictures")
    opened = Project.create(project, {"inputs": [str(queue)]})
    taken = take_flagged(opened, entries)
    if json:
        console.record({"project": str(project), **asdict(taken)})
    console.say(f"round {taken.round}: {taken.items} people, {taken.missing} without a picture")
    console.say(f"next: spinepose annotate page {project} --as YOUR-NAME")
