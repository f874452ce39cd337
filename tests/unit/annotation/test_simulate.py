"""The made-up annotator moves what is wrong, as far as people can, and leaves the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinepose.annotation.guess import guess
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN
from spinepose.annotation.selection import select
from spinepose.annotation.simulation import SimulatedAnnotator, truth_of
from spinepose.dataset.people import Person
from spinepose.errors import UsageError
from spinepose.skeleton import SPINETRACK
from tests.unit.annotation.painted import (
    ColourReader,
    K,
    made_guess,
    made_item,
    painted_project,
    standing,
)

BOX = np.array([40, 50, 160, 190], np.float32)
UNIT = SPINETRACK.sigma_array * 100.0


def person(path: Path = Path("a.jpg"), **changes: object) -> Person:
    """Return the standing person, of an area of 100 times 100 px."""
    known = Person(
        path, "made", BOX, standing().astype(np.float32), np.ones(K, np.float32), area=1e4
    )
    return replace(known, **changes)


def far(names: list[str], sigmas: float = 3.0) -> np.ndarray:
    """Return where a guess has the person, some keypoints being so many sigmas off."""
    places = standing()
    rows = SPINETRACK.indices(names)
    places[rows, 0] += sigmas * UNIT[rows]
    return places


def corrected(places: np.ndarray, known: Person | None = None, **options: float):
    annotator = SimulatedAnnotator({"a": known or person()}, **options)
    return annotator.correct(made_item("a"), made_guess("a", {}, (), places), 4)


def test_what_is_wrong_is_moved_and_nothing_else() -> None:
    wrong = ["spine_03", "nose"]
    places = far(wrong)
    places[0:1, 1] += 0.1  # too little to be seen
    found = corrected(places, noise=0)
    rows = SPINETRACK.indices(wrong)
    assert np.flatnonzero(found.moved).tolist() == sorted(rows)
    np.testing.assert_allclose(found.keypoints[rows], standing()[rows], atol=1e-4)
    rest = np.delete(np.arange(K), rows)
    np.testing.assert_array_equal(found.keypoints[rest], places[rest])
    assert (found.tool, found.round, found.rejected) == ("simulated", 4, False)
    assert (found.visibility == SEEN).all()


def test_a_limit_says_what_is_noticed() -> None:
    places = far(["spine_03"], 0.9)
    assert corrected(places, notices=1.0).moved.sum() == 0
    assert corrected(places, notices=0.8).moved.sum() == 1


def test_the_error_is_that_of_people() -> None:
    lost = np.full((K, 2), np.nan)
    off = []
    for seed in range(200):
        found = corrected(lost, noise=0.5, seed=seed)
        assert found.moved.all()  # what is not shown has to be set
        off.append(np.linalg.norm(found.keypoints - standing(), axis=1) / UNIT)
    assert np.sqrt(np.mean(np.square(off))) == pytest.approx(0.5, rel=0.05)


def test_some_errors_are_overlooked() -> None:
    places = far(list(SPINETRACK.keypoints))
    moved = [corrected(places, misses=0.3, seed=seed).moved.mean() for seed in range(60)]
    assert np.mean(moved) == pytest.approx(0.7, abs=0.04)
    assert corrected(places, misses=1).moved.sum() == 0


def test_hidden_unlabelled_and_outside_points_are_told_apart() -> None:
    places = standing().astype(np.float32)
    places[0] = [-30, 50]
    trust = np.ones(K, np.float32)
    trust[1] = 0
    known = person(keypoints=places, trust=trust, hidden=np.arange(K) == 2)
    found = corrected(standing(), known)
    assert found.visibility[:4].tolist() == [ABSENT, ABSENT, HIDDEN, SEEN]
    assert np.isnan(found.keypoints[:2]).all()
    assert found.moved[:2].all()  # taken away


def test_an_item_comes_out_alike_whenever_it_comes() -> None:
    places = far(list(SPINETRACK.keypoints))
    one, same = (corrected(places, seed=3).keypoints for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert (one != corrected(places, seed=4).keypoints).all()


def test_the_queue_is_worked_off_once(tmp_path: Path) -> None:
    project = painted_project(tmp_path, 3)
    guess(project, 0, ColourReader())
    paths = [project.picture(item) for item in project.items().values()]
    people = [person(path) for path in paths[:2]]
    people.append(person(paths[2], box=BOX + 500))  # nobody where the item is
    truth = truth_of(project, people)
    assert list(truth) == list(project.items())[:2] or set(truth) == set(list(project.items())[:2])
    annotator = SimulatedAnnotator(truth, noise=0)
    queue = select(project, 0, 3)
    assert annotator.work(project, queue) == 3
    assert annotator.work(project, queue) == 0
    done = project.corrections("simulated")
    assert sum(c.rejected for c in done.values()) == 1
    for name in truth:
        np.testing.assert_allclose(done[name].keypoints, standing(), atol=0.5 * UNIT.max())


def test_truth_is_found_by_picture_and_box(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {})
    item = made_item("a")
    project.add_items([item])
    here = tmp_path / "a.jpg"
    near = person(here, box=BOX + 10)
    assert truth_of(project, [person(here, box=BOX + 90), near])["a"] is near
    assert truth_of(project, [person(tmp_path / "b.jpg")]) == {}


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="misses"):
        SimulatedAnnotator({}, misses=2)
