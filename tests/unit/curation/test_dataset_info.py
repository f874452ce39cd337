"""Counts are those of the labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spinepose.curation.info import count_people, info_markdown, write_info_page
from spinepose.curation.label_files import LabelFile, find_label_files, read_sets
from spinepose.errors import InputError
from spinepose.skeleton import SPINETRACK
from tests.unit.curation.sets import annotation, content, write_set


@pytest.fixture
def root(tmp_path: Path) -> Path:
    train = content(4)
    train["annotations"][0]["view"] = "back"
    train["annotations"][1]["view"] = train["annotations"][2]["view"] = "front"
    train["annotations"][0]["keypoints"][2] = 1
    train["annotations"][1]["keypoints"][:3] = [0, 0, 0]
    train["annotations"][2]["image_id"] = 1
    train["annotations"].append(annotation(9, 1, iscrowd=1))
    return write_set(tmp_path, train=train, val=content(2, first=20))


def test_counts(root: Path) -> None:
    train, val = count_people(read_sets(root))
    assert (train.name, train.pictures, train.people, train.crowds) == ("train", 4, 4, 1)
    nose = SPINETRACK.index("nose")
    assert (train.visible[nose], train.hidden[nose]) == (2, 1)
    assert train.visible[1:].tolist() == [4] * 36
    assert train.labelled.tolist() == [37, 36, 37, 37]
    assert train.per_picture == {2: 1, 1: 2, 0: 1}
    assert train.views == {"front": 2, "back": 1, "not told": 1}
    np.testing.assert_array_equal(train.heights, [140] * 4)
    assert val.to_dict()["views"] == {"not told": 2}
    told = json.loads(json.dumps(train.to_dict()))
    assert told["keypoints"]["nose"] == {"visible": 2, "hidden": 1}
    assert told["box_height_px"] == {"p5": 140.0, "median": 140.0, "p95": 140.0}


def test_tables_and_page(root: Path, tmp_path: Path) -> None:
    splits = count_people(read_sets(root))
    text = info_markdown(splits)
    assert "| train | 4 | 4 | 1 | 36.8 | 140 140 140 |" in text
    assert "| nose | 75.0 | 25.0 | 100.0 | 0.0 |" in text
    assert "| front | 2 | 0 |" in text
    assert "activities" not in text
    write_info_page(tmp_path / "info.html", splits)
    page = (tmp_path / "info.html").read_text()
    assert "<b>6</b> people" in page
    assert "<script" not in page


def test_nobody(tmp_path: Path) -> None:
    (split,) = count_people(read_sets(write_set(tmp_path, val=content(0))))
    assert split.to_dict()["box_height_px"] is None
    write_info_page(tmp_path / "info.html", [split])
    assert "| val | 0 | 0 | 0 | - |" in info_markdown([split])


def test_where_labels_are(root: Path, tmp_path: Path) -> None:
    assert [(f.name, f.held_out) for f in find_label_files(root)] == [
        ("train", False),
        ("val", True),
    ]
    (tmp_path / "above" / "empty").mkdir(parents=True)
    assert find_label_files(tmp_path / "above") == []
    write_set(tmp_path / "above" / "one", val=content())
    assert [f.name for f in find_label_files(tmp_path / "above")] == ["val"]
    write_set(tmp_path / "above" / "two", val=content())
    with pytest.raises(InputError, match=r"several sets \(one, two\)"):
        find_label_files(tmp_path / "above")
    one = root / "annotations" / "person_keypoints_val.json"
    assert list(read_sets(one)) == ["val"]
    with pytest.raises(InputError, match="2 label files"):
        find_label_files(root, images=tmp_path)


@pytest.mark.parametrize(
    ("name", "held_out"),
    [
        ("val2017", True),
        ("my-test", True),
        ("lspe_dev", True),
        ("train-real-yoga", False),
        ("intervals", False),
        ("train-latest", False),
    ],
)
def test_names_tell_what_models_are_judged_on(name: str, held_out: bool) -> None:
    assert LabelFile(name, Path(), Path()).held_out == held_out
