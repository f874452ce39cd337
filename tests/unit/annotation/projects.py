"""Small projects: grey pictures, one person in each, and what annotators say about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, SEEN, Correction, Guess, Item
from spinepose.skeleton import SPINETRACK

K = len(SPINETRACK)
SIZE = (160, 200)
BOX = np.array([30.0, 10.0, 130.0, 190.0])
TIME = "2026-01-02T03:04:05+00:00"


def body() -> npt.NDArray[np.float64]:
    """Return places (37, 2) of all keypoints, none alike, a trunk of 60 px among them."""
    points = np.column_stack([60 + np.arange(K), 20 + 4.0 * np.arange(K)])
    for name, place in (
        ("left_shoulder", (90, 60)),
        ("right_shoulder", (70, 60)),
        ("left_hip", (88, 120)),
        ("right_hip", (72, 120)),
    ):
        points[SPINETRACK.index(name)] = place
    return points


def make_project(
    root: Path, count: int = 3, *, groups: Sequence[str] = (), photos: Path | None = None
) -> Project:
    """Write a project of so many items, `i0`, `i1` ...; each is its own group by default.

    Pictures are in the project, or in a folder of photos elsewhere.
    """
    project = Project.create(root, {})
    folder = photos or root / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for number in range(count):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), np.full((SIZE[1], SIZE[0], 3), 40 + number, np.uint8))
        picture = str(path.resolve()) if photos else f"pictures/{number}.png"
        group = groups[number] if groups else f"g{number}"
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        items.append(Item(f"i{number}", picture, sha, SIZE, BOX, group))
    project.add_items(items)
    return project


def add_guess(
    project: Project, item: str, number: int = 0, off: float = 0.0, source: str = "net"
) -> None:
    """Add a guess to a round: the body, so many pixels to the right."""
    nothing = np.full(K, np.nan)
    guess = Guess(
        item, body() + np.array([off, 0]), np.ones(K), nothing, (source,) * K, {}, np.empty(0)
    )
    project.add_guesses(number, [guess])


def correct(
    project: Project,
    who: str,
    item: str,
    *,
    shift: Mapping[str, tuple[float, float]] | None = None,
    visibility: Mapping[str, int] | None = None,
    number: int = 0,
    rejected: bool = False,
    seconds: float = np.nan,
) -> Correction:
    """Save a correction: the body, some keypoints moved by pixels, some hidden or absent."""
    points, seen = body(), np.full(K, SEEN)
    moved = np.zeros(K, bool)
    for name, by in (shift or {}).items():
        points[SPINETRACK.index(name)] += by
        moved[SPINETRACK.index(name)] = True
    for name, state in (visibility or {}).items():
        seen[SPINETRACK.index(name)] = state
    points[seen == ABSENT] = np.nan
    made = Correction(
        item, who, TIME, number, points, seen, moved, "page", seconds=seconds, rejected=rejected
    )
    project.add_corrections(who, [made])
    return made
