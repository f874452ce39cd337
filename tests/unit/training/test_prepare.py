"""People made ready: kept back or not, packed once, mistakes named."""

import json
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

pytest.importorskip("torch")

from spinepose.errors import DataError
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.config import SetSettings, TeacherSettings
from spinepose.training.pose.prepare import chosen_people, prepared
from spinepose.training.pose.shards import read_pack

K = len(SPINETRACK)
ACTIVITIES = ("walk", "run", "bend")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a set of 12 scenes of one person each in the form of `spinepose synth`."""
    folder = tmp_path_factory.mktemp("rendered")
    pictures = folder / "images" / "train-unreal"
    pictures.mkdir(parents=True)
    (folder / "annotations").mkdir()
    images, annotations = [], []
    for number in range(12):
        name = f"{number:06d}_c0.jpg"
        cv2.imwrite(str(pictures / name), np.full((160, 160, 3), 20 * number, np.uint8))
        images.append(
            {"id": number + 1, "file_name": name, "width": 160, "height": 160, "scene": number,
             "backdrop": {"kind": "panorama", "name": f"place{number % 4}.jpg"}}
        )  # fmt: skip
        side = 100 if number != 5 else 30  # one is too small to learn from
        points = np.column_stack([np.linspace(20, 100, K), np.linspace(20, 110, K), [2] * K])
        annotations.append(
            {"id": number + 1, "image_id": number + 1, "category_id": 1, "iscrowd": 0,
             "bbox": [20, 20, side, side], "area": 900, "num_keypoints": K,
             "keypoints": points.flatten().tolist(), "activity": ACTIVITIES[number % 3],
             "view": "front"}
        )  # fmt: skip
    content = {"images": images, "annotations": annotations, "categories": [], "subjects": []}
    path = folder / "annotations" / "person_keypoints_train-unreal.json"
    path.write_text(json.dumps(content))
    return folder


def _scenes(**settings: object) -> set[int]:
    people = chosen_people(SetSettings(share=1, format="coco", **settings))
    return {person.scene for person in people}


def test_everybody_large_enough_is_there(rendered: Path) -> None:
    assert _scenes(path=str(rendered)) == set(range(12)) - {5}


def test_kept_back_and_the_others_make_up_the_whole(rendered: Path) -> None:
    rule = {
        "path": str(rendered), "hold_out": 4, "skip_activities": ("run",),
        "skip_backdrops": ("place3.jpg",),
    }  # fmt: skip
    learned, kept = _scenes(**rule), _scenes(**rule, kept_back=True)
    assert learned | kept == set(range(12)) - {5}
    assert not learned & kept
    assert kept == {n for n in range(12) if n % 4 in (0, 3) or n % 3 == 1}


def test_nobody_left_is_an_error(rendered: Path) -> None:
    with pytest.raises(DataError, match="nobody is left of 11"):
        _scenes(path=str(rendered), skip_activities=ACTIVITIES)


def test_a_set_is_packed_once_for_all_that_use_it_alike(rendered: Path, tmp_path: Path) -> None:
    settings = SetSettings(path=str(rendered), share=0.5, format="coco", name="made")
    path = prepared(settings, TeacherSettings(), tmp_path)
    stamp = path.stat().st_mtime_ns
    same = msgspec.structs.replace(settings, share=0.1, part=0.3)
    assert prepared(same, TeacherSettings(), tmp_path) == path
    assert path.stat().st_mtime_ns == stamp
    other = msgspec.structs.replace(settings, hold_out=3)
    assert prepared(other, TeacherSettings(), tmp_path) != path
    people = read_pack(path, "made")
    assert len(people) == 11
    assert people.name == "made"
    assert set(people.activities) == set(ACTIVITIES)
    assert prepared(SetSettings(path=str(path), share=1), TeacherSettings(), tmp_path) == path


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"path": "none.npz"}, "no such pack"),
        ({"path": "none", "format": "coco"}, "no such data set"),
    ],
)
def test_missing_sets_are_named(settings: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        prepared(SetSettings(share=1, **settings), TeacherSettings(), tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"persons": 3}'])
@pytest.mark.parametrize("format", ["lspe", "coco-train", "persons"])
def test_broken_sets_are_named(content: str, format: str, tmp_path: Path) -> None:
    names = {"lspe": "lspe", "coco-train": "coco", "persons": "synthetic"}
    folder = tmp_path / names[format]
    folder.mkdir()
    (folder / "persons.json").write_text(content)
    with pytest.raises(DataError, match=names[format]):
        chosen_people(SetSettings(path=str(folder), share=1, format=format))


def test_a_missing_picture_is_named_and_nothing_is_written(rendered: Path, tmp_path: Path) -> None:
    path = tmp_path / "person_keypoints_lost.json"
    source = rendered / "annotations" / "person_keypoints_train-unreal.json"
    path.write_text(source.read_text())
    settings = SetSettings(path=str(path), share=1, format="coco")
    with pytest.raises(DataError, match=r"000000_c0\.jpg"):
        prepared(settings, TeacherSettings(), tmp_path / "packs")
    assert not list((tmp_path / "packs").glob("*"))
