"""Labels come through as they were said; what is in conflict has none; everything is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from spinepose.annotation.merge import TOLERANCE, Label, Merged, merge, write_merged
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN
from spinepose.dataset.people import AREA_PER_BOX
from spinepose.dataset.readers import read_people
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import SPINETRACK
from tests.unit.annotation.projects import BOX, TIME, K, add_guess, body, correct, make_project

SPINE = "spine_03"
ROW = SPINETRACK.index(SPINE)
UNIT = 2 * SPINETRACK.sigmas[ROW] * np.sqrt(AREA_PER_BOX * np.prod(BOX[2:] - BOX[:2]))
"""Pixels of one spread of that keypoint."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project")


def _only(merged: Merged) -> Label:
    (label,) = merged.labels
    return label


def test_one_annotators_label_comes_through(project: Project) -> None:
    said = correct(project, "ann", "i0", shift={SPINE: (3.25, -1.5)}, visibility={"nose": HIDDEN})
    label = _only(merge(project))
    np.testing.assert_array_equal(label.keypoints, said.keypoints)
    np.testing.assert_array_equal(label.visibility, said.visibility)
    assert label.annotators == ("ann",)


def test_the_last_word_counts(project: Project) -> None:
    correct(project, "ann", "i0", shift={SPINE: (9, 9)})
    correct(project, "ann", "i0")
    np.testing.assert_array_equal(_only(merge(project)).keypoints, body())


def test_places_within_the_tolerance_are_averaged(project: Project) -> None:
    near = 0.9 * TOLERANCE * UNIT
    correct(project, "ann", "i0", shift={SPINE: (near, 0)})
    correct(project, "bob", "i0", visibility={SPINE: HIDDEN})
    merged = merge(project)
    label = _only(merged)
    np.testing.assert_allclose(label.keypoints[ROW], body()[ROW] + [near / 2, 0], atol=0.01)
    assert label.visibility[ROW] == SEEN  # as many say so as not
    assert merged.conflicts == ()
    assert label.lineage[ROW]["state"] == "agreed"


def test_most_decide_whether_a_keypoint_is_hidden(project: Project) -> None:
    for who, state in (("ann", HIDDEN), ("bob", HIDDEN), ("cid", SEEN)):
        correct(project, who, "i0", visibility={SPINE: state})
    assert _only(merge(project)).visibility[ROW] == HIDDEN


def test_a_conflict_has_no_label_and_is_listed(project: Project) -> None:
    far = 1.1 * TOLERANCE * UNIT
    correct(project, "ann", "i0", shift={SPINE: (far, 0)})
    correct(project, "bob", "i0", visibility={"nose": ABSENT})
    merged = merge(project)
    label = _only(merged)
    nose = SPINETRACK.index("nose")
    rows = [nose, ROW]
    assert np.isnan(label.keypoints[rows]).all()
    assert (label.visibility[rows] == ABSENT).all()
    others = np.delete(np.arange(K), rows)
    np.testing.assert_array_equal(label.keypoints[others], body()[others])
    found = {conflict.keypoint: conflict for conflict in merged.open_conflicts}
    assert set(found) == {"nose", SPINE}
    assert found[SPINE].apart == pytest.approx(1.1 * TOLERANCE, rel=1e-3)
    assert np.isnan(found["nose"].apart)
    assert found["nose"].said["bob"] == "absent"
    assert found["nose"].said["ann"] == [*body()[nose], SEEN]
    assert label.lineage[ROW]["state"] == "conflict"


def test_preferring_settles_and_still_tells(project: Project) -> None:
    correct(project, "ann", "i0", shift={SPINE: (40, 0)})
    correct(project, "bob", "i0", shift={"nose": (1, 0)})
    merged = merge(project, prefer=["ann", "bob"])
    label = _only(merged)
    np.testing.assert_array_equal(label.keypoints[ROW], body()[ROW] + [40, 0])
    # What is not in conflict is not the judge's alone.
    nose = SPINETRACK.index("nose")
    np.testing.assert_allclose(label.keypoints[nose], body()[nose] + [0.5, 0])
    assert merged.open_conflicts == ()
    (conflict,) = merged.conflicts
    assert (conflict.keypoint, conflict.settled) == (SPINE, "ann")
    assert set(conflict.said) == {"ann", "bob"}
    story = label.lineage[ROW]
    assert story["state"] == "preferred"
    assert [step["by"] for step in story["steps"]] == ["ann", "bob"]


def test_an_absent_word_of_the_preferred_one_counts(project: Project) -> None:
    correct(project, "ann", "i0")
    correct(project, "bob", "i0", visibility={SPINE: ABSENT})
    label = _only(merge(project, prefer=["bob"]))
    assert label.visibility[ROW] == ABSENT
    assert np.isnan(label.keypoints[ROW]).all()


def test_rejections(project: Project) -> None:
    correct(project, "ann", "i0", rejected=True)
    correct(project, "ann", "i1", rejected=True)
    correct(project, "bob", "i1")
    merged = merge(project)
    assert merged.labels == ()
    assert merged.rejected == ("i0",)
    (conflict,) = merged.conflicts
    assert (conflict.item, conflict.keypoint) == ("i1", "")
    assert conflict.said == {"ann": "rejected", "bob": "kept"}
    assert merge(project, prefer=["ann"]).rejected == ("i0", "i1")
    kept = merge(project, prefer=["bob"])
    assert _only(kept).item.id == "i1"
    assert kept.conflicts[0].settled == "bob"


def test_lineage_tells_what_was_guessed_and_what_was_made_of_it(project: Project) -> None:
    add_guess(project, "i0", 2, off=5, source="net 1")
    correct(project, "ann", "i0", shift={SPINE: (-2, 0)}, number=2)
    (step,) = _only(merge(project)).lineage[ROW]["steps"]
    assert step == {
        "by": "ann",
        "time": TIME,
        "tool": "page",
        "round": 2,
        "guessed_by": "net 1",
        "from": (body()[ROW] + [5, 0]).tolist(),
        "moved": True,
        "to": [*(body()[ROW] - [2, 0]).tolist(), SEEN],
    }


def test_some_annotators_only(project: Project) -> None:
    correct(project, "ann", "i0", shift={SPINE: (40, 0)})
    correct(project, "bob", "i0")
    merged = merge(project, only=["bob"])
    np.testing.assert_array_equal(_only(merged).keypoints, body())
    for wrong in ({"only": ["zoe"]}, {"prefer": ["zoe"]}, {"only": ["bob"], "prefer": ["ann"]}):
        with pytest.raises(UsageError, match="corrected nothing"):
            merge(project, **wrong)
    for tolerance in (0.0, np.inf, np.nan):
        with pytest.raises(UsageError, match="tolerance"):
            merge(project, tolerance=tolerance)


SHIFTS = st.lists(
    st.tuples(st.floats(-30, 30), st.floats(-30, 30), st.sampled_from([ABSENT, HIDDEN, SEEN])),
    min_size=1,
    max_size=4,
)


def _said(root: Path, shifts: list[tuple[float, float, int]], names: list[str]) -> Project:
    project = make_project(root, 1)
    for name, (x, y, state) in zip(names, shifts, strict=True):
        correct(project, name, "i0", shift={SPINE: (x, y)}, visibility={SPINE: state})
    return project


@settings(max_examples=40, deadline=None)
@given(shifts=SHIFTS, data=st.data())
def test_the_order_of_annotators_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory,
    shifts: list[tuple[float, float, int]],
    data: st.DataObject,
) -> None:
    root = tmp_path_factory.mktemp("order")
    names = [f"a{number}" for number in range(len(shifts))]
    one = _said(root / "one", shifts, names)
    two = _said(root / "two", shifts, data.draw(st.permutations(names)))
    first, second = merge(one), merge(two)
    np.testing.assert_allclose(_only(first).keypoints, _only(second).keypoints, atol=1e-9)
    np.testing.assert_array_equal(_only(first).visibility, _only(second).visibility)
    assert len(first.conflicts) == len(second.conflicts)
    # A conflict or an agreed place, never both.
    placed = _only(first).visibility[ROW] > ABSENT
    assert placed == bool(np.isfinite(_only(first).keypoints[ROW]).all())
    assert not (placed and first.conflicts)
    states = {state for _, _, state in shifts}
    assert bool(first.conflicts) or placed == (ABSENT not in states)


@settings(max_examples=15, deadline=None)
@given(shift=SHIFTS.map(lambda shifts: shifts[0]), count=st.integers(1, 2))
def test_equal_words_merge_to_themselves(
    tmp_path_factory: pytest.TempPathFactory, shift: tuple[float, float, int], count: int
) -> None:
    names = ["ann", "bob"][:count]
    project = _said(tmp_path_factory.mktemp("equal") / "project", [shift] * count, names)
    said = project.corrections("ann")["i0"]
    merged = merge(project)
    np.testing.assert_array_equal(_only(merged).keypoints, said.keypoints)
    np.testing.assert_array_equal(_only(merged).visibility, said.visibility)
    assert merged.conflicts == ()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_files_are_read_by_others_wherever_pictures_lie(tmp_path: Path, elsewhere: bool) -> None:
    photos = tmp_path / "my photos" if elsewhere else None
    project = make_project(tmp_path / "project", groups=["a", "b", "b"], photos=photos)
    correct(project, "ann", "i0", shift={SPINE: (40, 0)}, visibility={"nose": HIDDEN})
    correct(project, "bob", "i0", visibility={"nose": HIDDEN})
    correct(project, "ann", "i2")
    merged = merge(project)
    target, beside = write_merged(project, merged)
    assert target == project.root / "merged.json"
    people = read_people(target).people
    assert [person.path.stem for person in people] == ["0", "2"]
    assert all(person.path.is_file() for person in people)
    assert [person.scene for person in people] == [4, 5]  # one group, one number
    for person, label in zip(people, merged.labels, strict=True):
        np.testing.assert_allclose(person.keypoints, label.keypoints, atol=1e-4)
        np.testing.assert_allclose(person.box, BOX, atol=1e-4)
        np.testing.assert_array_equal(person.flags, label.visibility)
    coco = COCO(str(target))
    first = coco.loadAnns([1])[0]
    assert first["num_keypoints"] == K - 1  # but the one in conflict
    assert coco.loadImgs([first["image_id"]])[0]["width"] == 160
    story = json.loads(beside.read_text())
    assert [entry["item"] for entry in story["annotations"]] == ["i0", "i2"]
    assert story["annotations"][0]["keypoints"][SPINE]["state"] == "conflict"
    assert story["conflicts"][0]["settled"] == ""
    content = target.read_bytes(), beside.read_bytes()
    write_merged(project, merge(project))
    assert (target.read_bytes(), beside.read_bytes()) == content


def test_nobody_is_a_file_too_and_a_missing_picture_is_told(project: Project) -> None:
    target, _ = write_merged(project, merge(project), project.root / "other.json")
    assert read_people(target).people == []
    correct(project, "ann", "i0")
    (project.root / "pictures" / "0.png").unlink()
    before = target.read_bytes()
    with pytest.raises(DataError, match=r"0\.png"):
        write_merged(project, merge(project), target)
    assert target.read_bytes() == before
