"""What can be mended is mended and told, the rest is left alone; a second time does nothing."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinepose.curation.check import check_dataset, check_labels
from spinepose.curation.fixes import FIXABLE, fix, mend
from spinepose.dataset.people import AREA_PER_BOX
from spinepose.errors import DataError, UsageError
from tests.unit.curation.sets import annotation, content, photo, write_set
from tests.unit.dataset.labelled import HEIGHT, WIDTH

FILE = Path("person_keypoints_some.json")

NUMBERS = st.one_of(
    st.floats(-60, 400, allow_nan=False), st.sampled_from([float("nan"), float("inf"), 0, WIDTH])
)
FLAGS = st.sampled_from([0, 1, 2, 2, 2, 3, 0.5, float("nan")])
"""Of three keypoints, since faults do not depend on each other's number."""


@st.composite
def person(draw: st.DrawFn) -> dict[str, Any]:
    """Return a person with any faults; few values, so that copies come up."""
    keypoints = [draw(kind) for _ in range(3) for kind in (NUMBERS, NUMBERS, FLAGS)]
    found = {
        "id": draw(st.integers(1, 4)),
        "image_id": draw(st.sampled_from([1, 1, 2, 7, 99])),
        "category_id": draw(st.sampled_from([1, 1, 1, 5])),
        "iscrowd": draw(st.sampled_from([0, 0, 1])),
        "bbox": draw(
            st.one_of(st.lists(NUMBERS, min_size=4, max_size=4), st.just([50, 30, 100, 140]))
        ),
        "keypoints": draw(st.sampled_from([keypoints, [70, 60, 2] * 3, keypoints[:-1]])),
        "area": draw(st.sampled_from([None, 0, 100.0, 1e9, 10**400, float("nan")])),
        "num_keypoints": draw(st.sampled_from([0, 3, None, 10**30])),
    }
    for name in draw(st.sets(st.sampled_from(sorted(found)), max_size=1)):
        del found[name]
    return found


@given(people=st.lists(st.one_of(person(), st.just(annotation(1)), st.none()), max_size=5))
@settings(max_examples=150, deadline=None)
def test_what_is_mended_stays_mended(people: list[Any]) -> None:
    labels = content(2)
    # Three keypoints that SpineTrack has; the category of a whole person has none of its own.
    labels["categories"] = [{"id": 1, "name": "p", "keypoints": ["nose", "neck", "hip"]}]
    labels["annotations"] = copy.deepcopy(people)
    labels["images"] += [None, {"id": [1]}, {"id": 7, "width": 10**400, "height": True}]
    before = check_labels(FILE, labels)
    mended = mend(FILE, labels)
    assert {p for p in before if p.fixable} <= set(mended)
    assert not [problem for problem in check_labels(FILE, labels) if problem.fixable]
    once = json.dumps(labels)
    assert mend(FILE, labels) == []
    assert json.dumps(labels) == once


def test_what_is_done(tmp_path: Path) -> None:
    labels = content(7)
    one, two, three, four, five, six, seven = labels["annotations"]
    one["bbox"] = [-10, 30, 160, HEIGHT]
    two["area"] = None
    three["keypoints"][:6] = [WIDTH + 9, 50, 2, float("nan"), 50, 1]
    four["image_id"] = 99
    labels["annotations"].insert(1, {**copy.deepcopy(one), "id": 20})
    six["num_keypoints"] = 2
    seven["bbox"] = [50, 30, -1, 140]
    root = write_set(tmp_path, train=labels)
    path = root / "annotations" / "person_keypoints_train.json"
    old = path.read_bytes()
    problems = check_dataset(root)

    fixed = fix(problems)
    new = {person["id"]: person for person in json.loads(path.read_text())["annotations"]}
    assert new[1]["bbox"] == [0, 30, 150, HEIGHT - 30]
    assert new[2]["area"] == AREA_PER_BOX * 100 * 140
    assert new[3]["keypoints"][:7] == [0, 0, 0, 0, 0, 0, three["keypoints"][6]]
    assert new[3]["num_keypoints"] == 35
    assert set(new) == {1, 2, 3, 5, 6, 7}
    assert new[5] == five
    assert new[6]["num_keypoints"] == 37
    assert new[7] == seven

    assert [problem.kind for problem in check_dataset(root)] == ["box"]
    assert path.with_name(path.name + ".bak").read_bytes() == old
    assert dict(fixed.backups) == {path: path.with_name(path.name + ".bak")}
    assert "| box-outside | 2 | the box ends at its border |" in fixed.to_markdown()
    assert fix(check_dataset(root)).mended == ()


def test_the_first_version_is_kept(tmp_path: Path) -> None:
    root = write_set(tmp_path, train=content())
    path = root / "annotations" / "person_keypoints_train.json"
    for count in (3, 5):
        labels = json.loads(path.read_text())
        labels["annotations"][0]["num_keypoints"] = count
        path.write_text(json.dumps(labels))
        assert len(fix(check_dataset(root)).mended) == 1
    kept = json.loads(path.with_name(path.name + ".bak").read_text())
    assert kept["annotations"][0]["num_keypoints"] == 3


def test_only_some_kinds(tmp_path: Path) -> None:
    labels = content(2)
    labels["annotations"][0].update(num_keypoints=1, area=0)
    root = write_set(tmp_path, train=labels)
    fix(check_dataset(root), kinds=["num-keypoints"])
    assert [problem.kind for problem in check_dataset(root)] == ["area-missing"]
    with pytest.raises(UsageError, match="'leak' cannot be mended"):
        fix([], kinds=["leak"])


def test_the_area_of_a_tiny_box_is_more_than_nothing() -> None:
    labels = content(1)
    labels["annotations"][0].update(bbox=[0.1, 0.1, 0.05, 0.1], area=0)
    assert "area-missing" in {problem.kind for problem in mend(FILE, labels)}
    assert labels["annotations"][0]["area"] == pytest.approx(AREA_PER_BOX * 0.05 * 0.1)


def test_labels_without_a_place_are_not_counted() -> None:
    labels = content(1)
    labels["annotations"][0]["keypoints"][:3] = [float("nan"), 50, 2]
    assert [p.kind for p in mend(FILE, labels, kinds=["num-keypoints"])] == ["num-keypoints"]
    assert labels["annotations"][0]["num_keypoints"] == 36


def test_what_cannot_be_mended_is_given_up() -> None:
    labels = content(2)
    labels["annotations"][0].update(bbox=[0, 0, 1e-15, 1e-320], area=0)  # the product is 0
    labels["annotations"][1]["num_keypoints"] = 3
    mended = mend(FILE, labels, kinds=["area-missing", "num-keypoints"])
    assert [problem.kind for problem in mended] == ["num-keypoints"]


def test_nothing_is_cut_off_in_a_picture_of_another_size(tmp_path: Path) -> None:
    labels = content(2)
    for entry in labels["annotations"]:
        entry.update(bbox=[50, 30, 200, 140], area=None)
    root = write_set(tmp_path, train=labels)
    photo(root / "images" / "train" / "002.png", 2, (2 * WIDTH, 2 * HEIGHT))
    fix(check_dataset(root))
    new = json.loads((root / "annotations" / "person_keypoints_train.json").read_text())
    boxes = [entry["bbox"] for entry in new["annotations"]]
    assert boxes == [[50, 30, WIDTH - 50, 140], [50, 30, 200, 140]]
    np.testing.assert_allclose(
        [entry["area"] for entry in new["annotations"]],
        [AREA_PER_BOX * width * 140 for width in (WIDTH - 50, 200)],
    )


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    labels = content(1)
    labels["annotations"][0]["area"] = 0
    root = write_set(tmp_path, train=labels)
    problems = check_dataset(root)
    problems[0].file.unlink()
    with pytest.raises(DataError, match="cannot be read any more"):
        fix(problems)
    assert "area-missing" in FIXABLE
