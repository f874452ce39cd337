"""``spinepose eval``: measure pose networks on labelled people."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from spinepose.cli.console import Console
from spinepose.errors import UsageError

if TYPE_CHECKING:
    from spinepose.evaluation.report import Report
    from spinepose.inference.detector import PersonDetector

__all__ = ["evaluate"]

_Flag = Parameter(negative=())


def evaluate(
    *,
    data: Path,
    model: Annotated[list[str] | None, Parameter(consume_multiple=True, negative=())] = None,
    use: str = "",
    images: Path | None = None,
    boxes: Literal["truth", "detected"] = "truth",
    detector: str = "person",
    flip: bool = False,
    limit: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    out: Path | None = None,
    json: Annotated[bool, _Flag] = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative=())] = False,
) -> None:
    """Measure pose networks on labelled people: AP, OKS share, PCK, errors, calibration.

    Takes any COCO-format set with 17, 26 or 37 keypoints. Several models give one table with a row
    for each. Needs the extra: pip install 'spinepose[eval]'.

    For example:

    - `spinepose eval --data people --model small` a set of `spinepose synth`
    - `spinepose eval --data annotations/person_keypoints_val2017.json --images val2017 --flip`
    - `spinepose eval --data coco --use dev --model small --model movenet_thunder.onnx --out report`
    - `spinepose eval --data people --boxes detected --limit 200 --json`

    Exit codes: 0 done, 2 wrong command line, 3 no such data or a broken picture, 4 model, 5 device,
    6 output, 7 broken labels, missing pictures or nobody labelled, 8 missing extra.

    Parameters
    ----------
    data
        A COCO keypoint file, the folder of one, or a folder with persons.json.
    model
        A size, or an .onnx file: with a card beside it, or MoveNet Thunder. Best size by default.
    use
        Only people kept for this use, in a persons.json that tells it: train or dev.
    images
        Folder of the pictures, where it is not images/NAME beside annotations.
    boxes
        The labelled boxes, or those of the person detector on whole pictures.
    detector
        Which detector: a name, or an .onnx file with a card.
    flip
        Average with the mirror image.
    limit
        At most so many pictures, evenly spread over the set.
    device
        Where the networks run: auto, cpu, cuda ...
    threads
        CPU threads of the networks.
    out
        Folder for report.md, report.json and plots; without it the tables are only printed.
    json
        Print the report as one JSON object instead of tables.
    quiet
        Print nothing but errors.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: at least one picture")
    if threads is not None and threads < 1:
        raise UsageError(f"--threads {threads}: at least one thread")
    from spinepose.evaluation.judge import judge
    from spinepose.evaluation.peers import open_readers
    from spinepose.evaluation.plots import plotter
    from spinepose.evaluation.precision import evaluator
    from spinepose.evaluation.predict import number_to_read, predict
    from spinepose.evaluation.report import Report, check_folder, write_report
    from spinepose.evaluation.sets import read_set

    console = Console(json_lines=json, quiet=quiet)
    evaluator()
    if out is not None:
        plotter()
        check_folder(out)
    labelled = read_set(data, use, images, limit)
    names = list(dict.fromkeys(model or ["auto"]))
    readers = open_readers(names, device=device, threads=threads)
    finder = _detector(detector, device, threads) if boxes == "detected" else None
    with console.progress("pictures", unit="pictures/s") as bar:
        bar.start(number_to_read(labelled, detected=finder is not None))
        found = predict(readers, labelled, detector=finder, flip=flip, on_picture=bar.advance)
    scores = judge(readers, labelled, found, detected=finder is not None)
    settings = {
        "boxes": boxes,
        "detector": None if finder is None else finder.card.id,
        "detector_sha256": None if finder is None else finder.card.sha256,
        "detector_threshold": None if finder is None else finder.score_threshold,
        "flip": flip,
        "use": use or None,
        "limit": limit,
        "device": device,
        "threads": threads,
    }
    report = Report(labelled, scores, settings, _command())
    written = [] if out is None else write_report(out, report)
    _tell(console, report, written)


def _detector(name: str, device: str, threads: int | None) -> PersonDetector:
    from spinepose.evaluation.predict import LEAST_DETECTION
    from spinepose.inference.detector import PersonDetector
    from spinepose.models import create_session, resolve_detector

    found = resolve_detector(name)
    session = create_session(found, device, threads)
    return PersonDetector(found.card, session, score_threshold=LEAST_DETECTION)


def _tell(console: Console, report: Report, written: list[Path]) -> None:
    if console.json_lines:
        console.record(report.to_dict() | {"written": [str(path) for path in written]})
        return
    labelled = report.labelled
    console.say(
        f"{labelled.judged.sum()} labelled people in {len(labelled.pictures)} pictures of "
        f"{labelled.file}\n\n{report.summary()}"
    )
    if written:
        console.say(f"\nlook at {written[-1]}")


def _command() -> str:
    """Return the command line, for the record."""
    return shlex.join(["spinepose", *sys.argv[1:]])
