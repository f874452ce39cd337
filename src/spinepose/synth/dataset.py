"""Make a data set: scenes rendered by several processes, collected into SpineTrack's layout."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from spinepose.errors import DataError, SpinePoseError, UsageError
from spinepose.files import atomic_write, remove_leftovers
from spinepose.skeleton import SPINETRACK
from spinepose.synth.backdrops import open_backdrops
from spinepose.synth.mocap import find_motions
from spinepose.synth.scene import Recipe
from spinepose.synth.work import IMAGES, scene_file, start_worker, worker_scene

__all__ = ["ANNOTATIONS", "Made", "make_dataset"]

ANNOTATIONS = Path("annotations") / "person_keypoints_train-unreal.json"
"""Where SpineTrack keeps the labels of its synthetic half."""

_RECIPE = "recipe.json"
_AHEAD = 3
"""Scenes that each worker has waiting."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Made:
    """What a data set holds."""

    out: Path
    scenes: int
    images: int
    people: int


def make_dataset(
    out: Path,
    people: int,
    recipe: Recipe,
    *,
    workers: int = 1,
    trc: bool = False,
    command: str = "",
    progress: Progress | None = None,
) -> Made:
    """Render scenes until there are enough people, and write the data set.

    A data set that was interrupted goes on where it stopped and ends up the same; one that is
    complete can be made larger by asking for more people. Every scene depends on the recipe and
    its number only, not on the workers. The last scene is kept whole, so that there may be a few
    people more than asked for.

    Parameters
    ----------
    out
        Folder: ``images/train-unreal/``, ``annotations/person_keypoints_train-unreal.json``,
        ``sheet.png``, ``report.html``, and ``recipe.json`` and ``.scenes/`` for going on.
    people
        Annotated people wanted, one in each picture that shows them.
    recipe
        What scenes are made of.
    workers
        Processes.
    trc
        Write the 3-D keypoints of every person also as ``trc/*.trc`` for OpenSim.
    command
        What made it, for the record.
    progress
        Called with the number of people done so far.

    Raises
    ------
    UsageError
        If a number is out of range, or the folder holds a data set of another recipe.
    InputError
        If backdrops or motion capture cannot be read.
    OutputError
        If something cannot be written.
    MissingExtraError
        If the extra ``synth`` is not installed.
    """
    _check(people, recipe, workers)
    _remember(out, recipe)
    scenes = _render(out, people, recipe, workers, progress or (lambda _: None))
    _tidy(out, scenes)
    made = _collect(out, scenes, recipe, command)
    if trc:
        _write_trc(out, scenes, recipe)
    return made


def _check(people: int, recipe: Recipe, workers: int) -> None:
    limits: tuple[tuple[str, float, float, float], ...] = (
        ("people", people, 1, 10_000_000),
        ("size", recipe.size, 96, 4096),
        ("cameras", recipe.cameras, 1, 64),
        ("frames", recipe.frames, 1, 100_000),
        ("fps", recipe.fps, 1, 1000),
        ("workers", workers, 1, 256),
        ("people in a scene", recipe.people, 1, 6),
        ("share of computed places", recipe.procedural, 0, 1),
        ("share of kyphotic people", recipe.kyphotic, 0, 1),
        ("share of scoliotic people", recipe.scoliotic, 0, 1),
        ("share of occluders", recipe.occluders, 0, 1),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise UsageError(f"{name} must be between {low:,.8g} and {high:,.8g}, not {value:,.8g}")
    if recipe.kyphotic + recipe.scoliotic > 1:
        raise UsageError("the shares of kyphotic and scoliotic people add up to more than 1")
    from spinepose.synth.pose.activities import ACTIVITIES

    known = {activity.name for activity in ACTIVITIES}
    unknown = sorted(set(recipe.activities) - known)
    if unknown:
        raise UsageError(
            f"no such activity: {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        )
    # Better here than in every worker: missing sources are one clear line.
    open_backdrops(recipe.backdrops, recipe.procedural)
    if recipe.motion is not None:
        find_motions(recipe.motion)


def _remember(out: Path, recipe: Recipe) -> None:
    """Note the recipe in the folder, or see that the folder has the same one."""
    from spinepose.synth.body.asset import asset_path

    noted = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(recipe).items()
    }
    noted["activities"] = list(recipe.activities)
    noted["body"] = asset_path().stem
    path = out / _RECIPE
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read ({error}); choose an empty folder") from error
        differing = sorted(
            key for key in noted.keys() | before.keys() if noted.get(key) != before.get(key)
        )
        if differing:
            raise UsageError(
                f"{out} holds people of another recipe ({', '.join(differing)} differ); choose "
                "another folder, or the same options to go on"
            )
        return
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty and holds no synthetic people; choose another folder")
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Let child processes compute with one thread each: faster together, and the same sums."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _render(out: Path, people: int, recipe: Recipe, workers: int, progress: Progress) -> int:
    """Render the scenes that are missing and return how many are needed."""
    counts: dict[int, int] = {}
    needed = _needed(counts, out, people, progress)
    if needed is not None:
        return needed
    pool: ProcessPoolExecutor | None = None
    try:
        with _single_threaded():
            pool = ProcessPoolExecutor(
                workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=start_worker,
                initargs=(recipe,),
            )
            waiting: dict[Future[int], int] = {}
            following = 0
            # One scene alone first: it compiles the kernels for everybody.
            room = 1
            while True:
                while len(waiting) < room:
                    while following in counts or scene_file(out, following).is_file():
                        following += 1
                    waiting[pool.submit(worker_scene, following, out)] = following
                    following += 1
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    counts[waiting.pop(future)] = future.result()
                room = workers * _AHEAD
                needed = _needed(counts, out, people, progress)
                if needed is not None:
                    return needed
    except BrokenProcessPool as error:
        raise SpinePoseError(
            "a worker process died (out of memory?); run the same command again to go on, with "
            "fewer --workers or a smaller --size"
        ) from error
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


def _needed(counts: dict[int, int], out: Path, people: int, progress: Progress) -> int | None:
    """Return how many scenes, from the first on, hold enough people; None while too few do."""
    total = number = 0
    while total < people:
        if number not in counts:
            path = scene_file(out, number)
            if not path.is_file():
                progress(min(total, people))
                return None
            counts[number] = len(_read_scene(path)["annotations"])
        total += counts[number]
        number += 1
    progress(people)
    return number


def _read_scene(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); delete it and run again") from error
    return record


def _tidy(out: Path, scenes: int) -> None:
    """Remove what was rendered beyond the last scene that is needed, and what a kill cut off."""
    remove_leftovers(out)
    for path in sorted((out / ".scenes").glob("*.json")):
        if int(path.stem) >= scenes:
            path.unlink()
    for path in sorted((out / IMAGES).glob("*.jpg")):
        if int(path.name.split("_", 1)[0]) >= scenes:
            path.unlink()


def _collect(out: Path, scenes: int, recipe: Recipe, command: str) -> Made:
    """Write the annotation file, the sheet and the report from the scenes' own files.

    The file is written scene by scene, so that memory holds one scene at a time; the report
    keeps the labels without their outlines, 3-D points and turns.
    """
    from spinepose.synth.overview import write_overview

    light: dict[str, Any] = {"info": _info(recipe, command), "categories": _categories()}
    kept: dict[str, list[dict[str, Any]]] = {
        key: [] for key in ("images", "annotations", "cameras", "subjects")
    }
    with (
        atomic_write(out / ANNOTATIONS) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        head = json.dumps(light | {"licenses": _LICENSES})
        file.write(head[:-1])
        for key in kept:
            _write_list(file, key, out, scenes, kept[key])
        file.write("}\n")
    write_overview(out, light | kept)
    return Made(out, scenes, len(kept["images"]), len(kept["annotations"]))


def _write_list(
    file: IO[str], key: str, out: Path, scenes: int, kept: list[dict[str, Any]]
) -> None:
    file.write(f', "{key}": [')
    for number, entry in enumerate(_entries(key, out, scenes)):
        file.write(("," if number else "") + "\n" + json.dumps(entry, allow_nan=False))
        heavy = ("segmentation", "keypoints_3d_world", "keypoints_3d_camera", "segments")
        kept.append({name: value for name, value in entry.items() if name not in heavy})
    file.write("]")


def _entries(key: str, out: Path, scenes: int) -> Iterator[dict[str, Any]]:
    """Yield the entries of all scenes with numbers of their own in the whole data set."""
    first = {"images": 1, "annotations": 1, "cameras": 1, "subjects": 1}
    for number in range(scenes):
        scene = _read_scene(scene_file(out, number))
        for index, entry in enumerate(scene[key]):
            yield _numbered(key, entry, index, number, first)
        for name in first:
            first[name] += len(scene[name])


def _numbered(
    key: str, entry: dict[str, Any], index: int, scene: int, first: dict[str, int]
) -> dict[str, Any]:
    entry = dict(entry)
    if key == "images":
        entry["camera"] = first["cameras"] + entry["view"]
    elif key == "annotations":
        entry["image_id"] = first["images"] + entry.pop("image")
        entry["subject"] = first["subjects"] + entry.pop("person")
    else:
        entry["scene"] = scene
    return {"id": first[key] + index} | entry


_LICENSES = [{"id": 1, "name": "Made with spinepose; as free as the backdrops in it", "url": ""}]


def _info(recipe: Recipe, command: str) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "description": "SpineTrack-Synth: synthetic people with 37 keypoints, nine of the spine",
        "version": version("spinepose"),
        "command": command,
        "seed": recipe.seed,
        "anny": version("anny"),
        "world": "metres, z up, ground at z = 0; cameras: X_camera = R X_world + t (OpenCV)",
        "pixels": "(0, 0) is the centre of the top left pixel",
        "visibility": "0 outside of the picture, 1 occluded, 2 visible, from true depth",
    }


def _categories() -> list[dict[str, Any]]:
    return [
        {
            "id": 1,
            "name": "person",
            "supercategory": "person",
            "keypoints": list(SPINETRACK.keypoints),
            # COCO counts keypoints from 1 here.
            "skeleton": [[int(a) + 1, int(b) + 1] for a, b in SPINETRACK.bone_indices],
        }
    ]


def _write_trc(out: Path, scenes: int, recipe: Recipe) -> None:
    from spinepose.export.trc import write_trc

    for number in range(scenes):
        tracks = np.array(_read_scene(scene_file(out, number))["tracks"])
        for person, markers in enumerate(tracks):
            path = out / "trc" / f"{number:06d}_p{person}.trc"
            write_trc(path, markers, SPINETRACK.keypoints, recipe.fps)
