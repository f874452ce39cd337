"""Every fault is found and told once, at its place; a sound set has none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from spinepose.curation.check import check_dataset, check_labels
from spinepose.curation.problems import KINDS, to_markdown
from spinepose.errors import InputError
from spinepose.skeleton import COCO17, SPINETRACK
from tests.unit.curation.sets import annotation, content, image, photo, write_set
from tests.unit.dataset.labelled import HEIGHT, WIDTH

FILE = Path("person_keypoints_some.json")
Labels = dict[str, Any]


def kinds(problems: Any) -> list[str]:
    return [problem.kind for problem in problems]


def changed(**values: Any) -> Callable[[Labels], None]:
    """Return a change of the second person."""
    return lambda labels: labels["annotations"][1].update(values)


def moved(row: int, x: float, y: float, flag: float) -> Callable[[Labels], None]:
    """Return a change of one keypoint of the second person."""

    def change(labels: Labels) -> None:
        labels["annotations"][1]["keypoints"][3 * row : 3 * row + 3] = [x, y, flag]

    return change


def test_a_sound_set_has_no_problems(tmp_path: Path) -> None:
    root = write_set(tmp_path, train=content(), val=content(first=10))
    told = []
    assert check_dataset(root, on_progress=lambda *counts: told.append(counts)) == []
    assert told[-1] == (6, 6)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("schema", changed(bbox=[1, 2, 3])),
        ("schema", changed(bbox=None)),
        ("schema", changed(keypoints="many")),
        ("schema", changed(keypoints=[True] * 111)),
        ("schema", changed(bbox=[50, 30, 10**400, 140])),
        ("schema", lambda labels: labels["images"].append(image(9, width=True))),
        ("schema", changed(id=None)),
        ("schema", changed(image_id=[2])),
        ("schema", lambda labels: labels["annotations"].append(7)),
        ("schema", lambda labels: labels["images"].append({"file_name": "x.png"})),
        ("schema", lambda labels: labels["categories"].append({"id": True})),
        ("keypoint-count", changed(keypoints=[0.0] * 110)),
        ("keypoint-count", changed(keypoints=[0.0] * 90)),
        ("annotation-id", changed(id=1)),
        ("image-unknown", changed(image_id=99)),
        ("category-unknown", changed(category_id=2)),
        ("image-id", lambda labels: labels["images"].append(image(2, file_name="x.png"))),
        ("picture-named-twice", lambda labels: labels["images"].append(image(2) | {"id": 9})),
        ("keypoint-number", moved(3, float("nan"), 50, 2)),
        ("keypoint-number", moved(3, float("inf"), 50, 2)),
        ("keypoint-flag", moved(3, 70, 50, 3)),
        ("keypoint-flag", moved(3, 70, 50, 0.5)),
        ("keypoint-outside", moved(3, WIDTH + 0.5, 50, 2)),
        ("keypoint-outside", moved(3, 70, -1.5, 2)),
        ("box-keypoints", moved(3, 20, 50, 2)),
        ("num-keypoints", changed(num_keypoints=36)),
        ("box", changed(bbox=[50, 30, 0, 140])),
        ("box", changed(bbox=[50, float("nan"), 100, 140])),
        ("box", changed(bbox=[WIDTH, 30, 100, 140])),
        ("box-outside", changed(bbox=[50, 30, 200, 140])),
        ("box-outside", changed(bbox=[50, -2, 100, 160])),
        ("area-missing", changed(area=None)),
        ("area-missing", changed(area=0)),
        ("area", changed(area=14_500)),
        ("person-copied", lambda labels: labels["annotations"].append(annotation(9, 2))),
    ],
)
def test_a_fault_is_told(kind: str, change: Callable[[Labels], None]) -> None:
    labels = content()
    change(labels)
    (problem, *others) = check_labels(FILE, labels)
    assert problem.kind == kind
    # Labels that cannot be read, or a box of nothing, say no more about the person.
    assert not [other for other in others if other.kind not in ("box-keypoints", "num-keypoints")]


@pytest.mark.parametrize(
    "change",
    [
        moved(3, 70, 50, 1),
        moved(3, WIDTH + 40, 50, 1),
        moved(3, WIDTH, 50, 1),
        changed(bbox=[50, 30, WIDTH - 50 + 0.9, 140]),
        changed(bbox=[64, 30, 90, 140]),
        lambda labels: labels["annotations"].append(annotation(9, 2, iscrowd=1)),
        lambda labels: labels["annotations"][1].pop("num_keypoints"),
    ],
    ids=["hidden", "hidden outside", "hidden edge", "rounding", "near", "crowd", "uncounted"],
)
def test_what_is_no_fault_is_not_told(change: Callable[[Labels], None]) -> None:
    labels = content()
    change(labels)
    assert check_labels(FILE, labels) == []


def test_a_problem_tells_where_it_is() -> None:
    labels = content()
    changed(num_keypoints=0)(labels)
    (problem,) = check_labels(FILE, labels)
    assert problem.where == f"{FILE}, picture 2, person 2"
    assert (problem.place, problem.severity, problem.fixable) == (1, "warning", True)
    assert problem.text == "it says 0, there are 37"
    table = to_markdown([problem] * 7, each=2)
    assert "| num-keypoints | warning | 7 |" in table
    assert table.endswith("- and 5 more\n")
    assert json.dumps(problem.to_dict())


def test_nearly_the_same_person_is_told_once_for_each() -> None:
    labels = content(1)
    near = annotation(8, 1)
    near["keypoints"] = [v + 0.4 if i % 3 == 0 else v for i, v in enumerate(near["keypoints"])]
    far = annotation(9, 1, bbox=[0, 0, 90, 190])
    far["keypoints"] = [v - 40 if i % 3 == 0 else v for i, v in enumerate(far["keypoints"])]
    labels["annotations"] += [near, far]
    (problem,) = check_labels(FILE, labels)
    assert (problem.kind, problem.annotation) == ("person-twice", 8)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (SPINETRACK.keypoints[::-1], "order"),
        ((*SPINETRACK.keypoints[:-1], "left_thumb"), "names-unknown"),
        ((*SPINETRACK.keypoints[:-1], "nose"), "skeleton"),
        (tuple("abc" * 12 + "d"), "skeleton"),
    ],
)
def test_names_of_keypoints(names: tuple[str, ...], kind: str) -> None:
    labels = content(0)
    labels["categories"][0]["keypoints"] = list(names)
    assert kinds(check_labels(FILE, labels)) == [kind]


def test_coco_without_names_is_known_by_its_number() -> None:
    labels = content()
    labels["categories"] = [{"id": 1, "name": "person"}]
    for person in labels["annotations"]:
        person["keypoints"] = person["keypoints"][: 3 * len(COCO17)]
        person["num_keypoints"] = len(COCO17)
    assert check_labels(FILE, labels) == []


@pytest.mark.parametrize("labels", [[], {}, {"images": [], "annotations": []}, None, 3])
def test_other_json_is_told(labels: Any) -> None:
    assert set(kinds(check_labels(FILE, labels))) == {"schema"}


def test_layout_and_json(tmp_path: Path) -> None:
    assert kinds(check_dataset(tmp_path)) == ["layout"]
    root = write_set(tmp_path, train=content())
    (root / "images" / "val").mkdir()
    (root / "annotations" / "person_keypoints_more.json").write_text("{")
    problems = check_dataset(root)
    assert kinds(problems) == ["layout", "json"]
    assert check_dataset(root, pictures=False)[-1].kind == "json"
    with pytest.raises(InputError, match="no such file"):
        check_dataset(tmp_path / "nowhere")


def test_a_missing_folder_is_told_unless_pictures_are_named_by_whole_paths(tmp_path: Path) -> None:
    root = write_set(tmp_path, train=content())
    folder = root / "images" / "train"
    folder.rename(root / "elsewhere")
    assert "layout" in kinds(check_dataset(root))
    file = root / "annotations" / "person_keypoints_train.json"
    labels = json.loads(file.read_text())
    for entry in labels["images"]:
        entry["file_name"] = str((root / "elsewhere" / entry["file_name"]).resolve())
    file.write_text(json.dumps(labels))
    assert check_dataset(root) == []


def test_pictures(tmp_path: Path) -> None:
    root = write_set(tmp_path, train=content(6))
    folder = root / "images" / "train"
    (folder / "001.png").unlink()
    (folder / "002.png").write_bytes((folder / "002.png").read_bytes()[:-20])
    photo(folder / "003.png", 3, (WIDTH + 1, HEIGHT))
    shutil.copy(folder / "004.png", folder / "005.png")
    photo(folder / "extra.png", 50)
    problems = check_dataset(root)
    assert [(problem.kind, problem.image) for problem in problems] == [
        ("picture-missing", 1),
        ("picture-unreadable", 2),
        ("picture-size", 3),
        ("picture-unused", None),
        ("picture-copied", 5),
    ]
    assert "221 x 200 px, in the labels 220 x 200" in problems[2].text
    assert "extra.png" in problems[3].text


def test_nobody_leaves_a_picture_whose_size_is_in_doubt(tmp_path: Path) -> None:
    labels = content()
    changed(bbox=[50, 30, 200, 140])(labels)
    root = write_set(tmp_path, train=labels)
    photo(root / "images" / "train" / "002.png", 2, (2 * WIDTH, 2 * HEIGHT))
    assert kinds(check_dataset(root)) == ["picture-size"]


@pytest.mark.parametrize(("quality", "kind"), [(None, "leak"), (70, "leak-near")])
def test_a_picture_in_both_uses_is_told(tmp_path: Path, quality: int | None, kind: str) -> None:
    root = write_set(tmp_path, train=content(4), val2017=content(4, first=10))
    source = root / "images" / "train" / "003.png"
    target = root / "images" / "val2017" / "012.png"
    if quality is None:
        shutil.copy(source, target)
    else:
        # Smaller, and with the losses of JPEG, under the name that the labels have.
        small = cv2.resize(cv2.imread(str(source)), (WIDTH * 3 // 4, HEIGHT * 3 // 4))
        _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
        target.write_bytes(data.tobytes())
    found = [problem for problem in check_dataset(root) if problem.kind != "picture-size"]
    assert [(problem.kind, problem.image) for problem in found] == [(kind, 12)]
    assert found[0].text == "012.png: also 003.png of train"


def test_pictures_of_one_scene_may_be_alike(tmp_path: Path) -> None:
    labels = content(2)
    root = write_set(tmp_path, train=labels)
    folder = root / "images" / "train"
    picture = cv2.imread(str(folder / "001.png"))
    cv2.imwrite(str(folder / "002.png"), np.clip(picture.astype(int) + 1, 0, 255).astype(np.uint8))
    assert kinds(check_dataset(root)) == ["picture-near"]
    for entry in labels["images"]:
        entry["scene"] = 4
    (root / "annotations" / "person_keypoints_train.json").write_text(json.dumps(labels))
    assert check_dataset(root) == []


def test_a_photo_on_its_side_has_its_upright_size(tmp_path: Path) -> None:
    labels = content(1)
    labels["images"][0].update(file_name="a.jpg", width=320, height=640)
    root = write_set(tmp_path, train=labels)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (640, 320), (90, 60, 30)).save(root / "images/train/a.jpg", exif=exif)
    assert check_dataset(root) == []


def test_a_single_file_with_pictures_elsewhere(tmp_path: Path) -> None:
    root = write_set(tmp_path, train=content())
    path = root / "annotations" / "person_keypoints_train.json"
    (root / "images" / "train").rename(root / "photos")
    assert kinds(check_dataset(path)) == ["layout"]
    assert check_dataset(path, images=root / "photos") == []


def test_every_kind_can_be_told() -> None:
    assert {kind.severity for kind in KINDS.values()} == {"error", "warning"}
    assert all(kind.meaning for kind in KINDS.values())
