import json

import cv2
import numpy as np
import pytest

from spinepose.dataset.people import AREA_PER_BOX
from spinepose.errors import DataError, InputError, UsageError
from spinepose.evaluation.sets import read_set
from spinepose.skeleton import SPINETRACK
from tests.unit.evaluation.conftest import annotation, standing


@pytest.mark.parametrize("count", [17, 26, 37])
def test_sets_of_17_26_or_37_keypoints_are_read(make_set, count):
    path = make_set([annotation(1, 2, standing()[:count])])
    found = read_set(path)
    assert found.keypoints.tolist() == list(range(count))
    np.testing.assert_allclose(found.labels[0, :count], standing()[:count], rtol=1e-6)
    assert found.pictures_of.tolist() == [1]
    assert len(found.pictures) == 2  # the empty one too
    assert len(found.sha256) == 64


def test_areas_are_labelled_or_a_share_of_the_box(make_set):
    people = [annotation(1, 1, standing()), annotation(2, 2, standing())]
    del people[1]["area"]
    np.testing.assert_allclose(read_set(make_set(people)).areas, [4000, AREA_PER_BOX * 6000])


def test_crowds_and_people_without_labels_do_not_count(make_set):
    nothing = np.full((37, 2), np.nan)
    people = [
        annotation(1, 1, standing()),
        annotation(2, 1, standing(), iscrowd=1),
        annotation(3, 2, nothing),
    ]
    found = read_set(make_set(people))
    assert found.judged.tolist() == [True, False, False]
    assert found.crowds.tolist() == [False, True, False]


def test_views_and_activities_are_kept(two_people):
    assert [p.view for p in two_people.people] == ["front", "back"]
    assert two_people.people[0].activity == "stand"


def test_a_limit_takes_pictures_from_everywhere(make_set):
    path = make_set([annotation(i, i, standing()) for i in range(1, 9)], pictures=8)
    found = read_set(path, limit=4)
    assert [p.stem for p in found.pictures] == ["1", "3", "5", "7"]
    assert len(found.people) == 4
    assert len(read_set(path, limit=100).people) == 8


def test_pictures_may_lie_elsewhere(make_set, tmp_path):
    path = make_set([annotation(1, 1, standing())])
    (path.parent.parent / "images" / "test").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"2 of 2 pictures are missing.*1\.png.*--images"):
        read_set(path)
    assert read_set(path, images=tmp_path / "elsewhere").pictures[0].is_file()


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([annotation(1, 1, standing()[:20])], "person 1 has 20 keypoints"),
        ([annotation(1, 1, np.full((37, 2), np.nan))], "no person has a labelled keypoint"),
        ([annotation(1, 9, standing())], "not a COCO keypoint file: lacks 9"),
        ([{"id": 1, "image_id": 1, "bbox": [0, 0, 1, 1]}], "lacks 'keypoints'"),
        ([annotation(1, 1, standing(), bbox=[5, 5, 0, 9])], "person 0 has no box"),
        ([annotation(1, 1, standing(), bbox=[float("nan"), 5, 9, 9])], "person 0 has no box"),
        ([annotation(1, 1, standing(), keypoints=[float("nan"), 1, 2] * 17)], "not a number"),
        ([annotation(1, 1, standing(), keypoints=["x", 1, 2] * 17)], "not a COCO keypoint file"),
        ([], "no person has a labelled keypoint"),
    ],
)
def test_broken_labels_are_named(make_set, people, message):
    path = make_set(people)
    with pytest.raises(DataError, match=message) as caught:
        read_set(path)
    assert str(path) in str(caught.value)


def test_what_is_not_there_or_no_json(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_set(tmp_path / "none.json")
    with pytest.raises(DataError, match="0 files annotations"):
        read_set(tmp_path)
    broken = tmp_path / "broken.json"
    for text in ('{"images": [', "[1, 2]", "7", '{"images": 3, "annotations": []}'):
        broken.write_text(text)
        with pytest.raises(DataError, match="not a COCO keypoint file"):
            read_set(broken)


def write_persons(folder, content):
    (folder / "images").mkdir(exist_ok=True)
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / "images" / name), np.zeros((200, 200, 3), np.uint8))
    (folder / "persons.json").write_text(json.dumps(content))
    return folder


def coco_person(name, use):
    joints = np.concatenate([standing()[:17], np.full((17, 1), 2)], axis=1)
    return {"file": name, "bbox": [80, 50, 60, 100], "kpts": joints.tolist(), "use": use}


def test_folders_with_persons_are_read_by_use(tmp_path):
    folder = write_persons(tmp_path, [coco_person("a.png", "train"), coco_person("b.png", "dev")])
    assert len(read_set(folder).people) == 2
    found = read_set(folder, "dev")
    assert [p.name for p in found.pictures] == ["b.png"]
    assert found.keypoints.tolist() == list(range(17))
    with pytest.raises(UsageError, match="'test'; it has dev, train"):
        read_set(folder, "test")
    with pytest.raises(UsageError, match="--images"):
        read_set(folder, images=tmp_path)


def test_folders_of_rendered_people_are_read(tmp_path):
    entry = {"keypoints": standing().tolist(), "bbox": [80, 50, 60, 100]}
    folder = write_persons(tmp_path, {"persons": {"a.png": entry}})
    assert len(read_set(folder).keypoints) == len(SPINETRACK)
    with pytest.raises(UsageError, match="leave 'dev' away"):
        read_set(folder, "dev")


@pytest.mark.parametrize("content", [[{"file": "a.png"}], {"persons": 3}, 5, None])
def test_broken_folders_are_named(tmp_path, content):
    folder = write_persons(tmp_path, content)
    with pytest.raises(DataError, match=r"persons\.json: not labelled people"):
        read_set(folder)


def test_use_goes_with_folders_only(make_set):
    with pytest.raises(UsageError, match="leave 'dev' away"):
        read_set(make_set([annotation(1, 1, standing())]), "dev")
