from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinepose.annotation.exchange.coco import read_coco_keypoints, write_coco_keypoints
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN
from spinepose.errors import DataError
from spinepose.skeleton import SPINETRACK
from tests.unit.annotation.labelled_people import OUTSIDE, UNKNOWN, make_project

FIRST, SECOND, ALONE = (f"{number:016x}" for number in (10, 11, 12))
NECK, NOSE, WRIST = SPINETRACK.indices(["neck", "nose", "left_wrist"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


@pytest.fixture
def file(project: Project, tmp_path: Path) -> Path:
    path = tmp_path / "person_keypoints_default.json"
    assert write_coco_keypoints(path, project) == 3
    return path


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def done(content: dict[str, Any]) -> None:
    content["annotations"][0]["attributes"]["state"] = "done"


def test_pycocotools_reads_it(file: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco").COCO(str(file))
    (category,) = coco.loadCats(coco.getCatIds())
    assert category["keypoints"] == list(SPINETRACK.keypoints)
    assert [len(coco.getAnnIds(imgIds=[image])) for image in coco.getImgIds()] == [2, 1]
    assert coco.loadAnns(1)[0]["num_keypoints"] == len(SPINETRACK) - 2


def test_round_trip(project: Project, file: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        keypoints = content["annotations"][0]["keypoints"]
        keypoints[3 * NECK : 3 * NECK + 3] = [100.5, 90.5, 2]
        keypoints[3 * WRIST + 2] = 1
        keypoints[3 * NOSE : 3 * NOSE + 3] = [0, 0, 0]

    assert read_coco_keypoints(file, project, "anna") == []
    (correction,) = read_coco_keypoints(edit(file, change), project, "anna")
    guess = project.guesses(0)[FIRST].keypoints
    np.testing.assert_allclose(correction.keypoints[NECK], [100, 90])
    np.testing.assert_allclose(correction.keypoints[WRIST], guess[WRIST], atol=0.01)
    assert correction.visibility[[NECK, WRIST, NOSE]].tolist() == [SEEN, HIDDEN, ABSENT]
    absent = {SPINETRACK.keypoints[i] for i in np.flatnonzero(correction.visibility == ABSENT)}
    assert absent == {UNKNOWN, OUTSIDE, "nose"}
    assert np.flatnonzero(correction.moved).tolist() == sorted([NECK, NOSE])
    assert (correction.item, correction.round) == (FIRST, 0)


def test_another_order_is_mapped_by_name(project: Project, file: Path) -> None:
    (before,) = read_coco_keypoints(edit(file, done), project, "anna")

    def reverse(content: dict[str, Any]) -> None:
        content["categories"][0]["keypoints"].reverse()
        for entry in content["annotations"]:
            rows = np.reshape(entry["keypoints"], (-1, 3))[::-1]
            entry["keypoints"] = rows.ravel().tolist()

    (after,) = read_coco_keypoints(edit(file, reverse), project, "anna")
    np.testing.assert_array_equal(after.keypoints, before.keypoints)
    np.testing.assert_array_equal(after.visibility, before.visibility)


def test_without_attributes_the_picture_tells_who(project: Project, file: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["annotations"] = content["annotations"][2:]
        del content["annotations"][0]["attributes"]
        content["annotations"][0]["keypoints"][3 * NECK : 3 * NECK + 3] = [50.5, 60.5, 2]

    (correction,) = read_coco_keypoints(edit(file, change), project, "anna")
    assert correction.item == ALONE
    np.testing.assert_allclose(correction.keypoints[NECK], [50, 60])


def drop_keypoint(content: dict[str, Any]) -> None:
    content["categories"][0]["keypoints"].remove("spine_02")


def double_keypoint(content: dict[str, Any]) -> None:
    content["categories"][0]["keypoints"].append("neck")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (drop_keypoint, "lacks: spine_02"),
        (double_keypoint, "has twice: neck"),
        (lambda c: c["annotations"][0].pop("attributes"), "has no attribute 'item'"),
        (lambda c: c["annotations"][0]["attributes"].update(item="feed"), "1 of 3 items"),
        (lambda c: c["annotations"][0].update(image_id=99), "99 is missing"),
        (lambda c: c["annotations"][0]["keypoints"].pop(), "3 numbers for each of 37"),
        (lambda c: c["annotations"][0]["keypoints"].__setitem__(2, 7), "flag is 7"),
        (lambda c: c.pop("categories"), "'categories' is missing"),
        (lambda c: c["annotations"].clear(), "has nobody in it"),
    ],
)
def test_bad_files_are_refused_whole(
    project: Project, file: Path, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    edit(file, done)
    with pytest.raises(DataError, match=reason) as caught:
        read_coco_keypoints(edit(file, change), project, "anna")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "{", "7", "null", "[" * 100_000])
def test_no_coco_at_all(project: Project, tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"other\.json"):
        read_coco_keypoints(path, project, "anna")


def test_an_archive_as_cvat_makes_it(project: Project, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "dataset.zip"
    write_coco_keypoints(path, project)
    with zipfile.ZipFile(path) as packed:
        assert json.loads(packed.read("annotations/person_keypoints_default.json")) == json.loads(
            file.read_text()
        )
        assert len([name for name in packed.namelist() if name.startswith("images/")]) == 2
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("annotations/person_keypoints_Train.json", edit(file, done).read_text())
    assert len(read_coco_keypoints(path, project, "anna")) == 1
