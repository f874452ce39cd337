"""Find what is wrong with a labelled set before a network learns it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from spinepose.curation.label_files import LabelFile, find_label_files
from spinepose.curation.people_checks import check_people
from spinepose.curation.picture_checks import check_folders, check_pictures, named_pictures
from spinepose.curation.problems import KINDS, Problem
from spinepose.curation.schema import check_schema

__all__ = ["check_dataset", "check_labels", "doubtful_sizes", "load_labels"]


def check_dataset(
    root: str | Path,
    *,
    images: str | Path | None = None,
    pictures: bool = True,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Problem]:
    """Return everything that is wrong with a set, by kind.

    Parameters
    ----------
    root
        A folder in the layout of SpineTrack or of ``spinepose synth``, or one COCO keypoint file.
    images
        Folder of the pictures of a single file, where it is another one.
    pictures
        Read the pictures too: all that concerns files, sizes, copies and leaks needs it.
    workers
        Threads that read pictures; by default as many as Python finds right.
    on_progress
        Gets how many pictures were read, and how many there are.

    Raises
    ------
    InputError
        There is no such file or folder.
    """
    files = find_label_files(root, images)
    problems = list(_check_layout(Path(root), files))
    contents: dict[LabelFile, Any] = {}
    for labels in files:
        try:
            contents[labels] = load_labels(labels.path)
        except (OSError, ValueError, RecursionError) as error:
            problems.append(Problem("json", labels.path, " ".join(str(error).split())))
    if pictures:
        named = [one for item in contents.items() for one in named_pictures(*item)]
        problems += check_pictures(named, workers=workers, on_progress=on_progress)
        problems += check_folders(named, list(contents))
    for labels, content in contents.items():
        problems += check_labels(labels.path, content, doubtful_sizes(problems, labels.path))
    rank = {name: number for number, name in enumerate(KINDS)}
    return sorted(problems, key=lambda problem: rank[problem.kind])


def load_labels(path: Path) -> Any:
    """Return the content of a label file.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError, RecursionError
        It is no JSON.
    """
    return json.loads(path.read_bytes())


def check_labels(path: Path, content: Any, doubtful: frozenset[Any] = frozenset()) -> list[Problem]:
    """Return what is wrong with the content of one label file.

    Parameters
    ----------
    path
        The file, to name it.
    content
        What it holds.
    doubtful
        Ids of pictures whose size is not what the file says: nothing is said to leave them.
    """
    groups, problems = check_schema(path, content, doubtful)
    return [*problems, *(problem for group in groups for problem in check_people(group))]


def doubtful_sizes(problems: Sequence[Problem], path: Path) -> frozenset[Any]:
    """Return ids of the pictures of a file whose size is not what the labels say."""
    return frozenset(p.image for p in problems if p.kind == "picture-size" and p.file == path)


def _check_layout(root: Path, files: Sequence[LabelFile]) -> Iterator[Problem]:
    """Return folders and files that belong together and are not all there."""
    if not files:
        yield Problem("layout", root, f"no annotations/person_keypoints_NAME.json in {root}")
        return
    if root.is_dir():
        wanted = {labels.images for labels in files}
        beside = {labels.path.parent.parent / "images" for labels in files}
        for folder in sorted(path for images in beside for path in images.glob("*")):
            if folder.is_dir() and folder not in wanted:
                yield Problem("layout", folder, f"no label file for {folder}")
