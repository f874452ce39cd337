"""Finding the parts of the data set in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from spinepose.dataset.layout import SPLITS, SpineTrackLayout, find_layout
from spinepose.errors import DataError, UsageError


def make(root: Path, *splits: str, pictures: bool = True) -> Path:
    (root / "annotations").mkdir(parents=True)
    for split in splits:
        (root / "annotations" / f"person_keypoints_{split}.json").write_text("{}")
        if pictures:
            (root / "images" / split).mkdir(parents=True)
    return root


def test_the_folder_itself_and_one_around_it(tmp_path: Path) -> None:
    root = make(tmp_path / "data" / "spinetrack", "val2017", "train-unreal")
    (tmp_path / "data" / "something else").mkdir()
    make(tmp_path / "data" / ".spinetrack", "val2017")
    for given in (root, root.parent, str(root)):
        layout = find_layout(given)
        assert layout == SpineTrackLayout(root)
        assert [paths.name for paths in layout.splits] == ["train-unreal", "val2017"]


def test_the_paths_of_a_split(tmp_path: Path) -> None:
    paths = find_layout(make(tmp_path, *SPLITS)).split("train-real-yoga")
    assert paths.annotations == tmp_path / "annotations/person_keypoints_train-real-yoga.json"
    assert paths.images == tmp_path / "images/train-real-yoga"


def test_labels_without_pictures_are_a_data_set(tmp_path: Path) -> None:
    layout = find_layout(make(tmp_path, "val2017", pictures=False))
    assert [paths.has_images for paths in layout.splits] == [False]
    assert layout.split("val2017", images=False).has_annotations
    with pytest.raises(DataError, match=r"images.val2017 is missing: download the pictures"):
        layout.split("val2017")


def test_what_is_not_there(tmp_path: Path) -> None:
    layout = find_layout(make(tmp_path, "val2017"))
    with pytest.raises(DataError, match=r"train-unreal\.json is missing: download the split"):
        layout.split("train-unreal")
    with pytest.raises(UsageError, match="no such split: 'val'; there are train-real-coco"):
        layout.split("val")


def test_a_folder_that_holds_none_or_several(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not hold SpineTrack"):
        find_layout(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        find_layout(tmp_path / "missing")
    make(tmp_path / "a", "val2017")
    make(tmp_path / "b", "val2017")
    with pytest.raises(DataError, match=r"several data sets \(a, b\)"):
        find_layout(tmp_path)
