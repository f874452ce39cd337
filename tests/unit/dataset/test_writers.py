"""What is written loads elsewhere, and comes back as it was."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spinepose.dataset.conversion import columns
from spinepose.dataset.people import AREA_PER_BOX, Person
from spinepose.dataset.readers import read_people
from spinepose.dataset.writers import write_coco, write_yolo_pose
from spinepose.errors import DataError, OutputError
from spinepose.skeleton import COCO17, HALPE26, LSP14, SKELETONS, SPINETRACK, WHOLEBODY23
from tests.unit.dataset.labelled import HEIGHT, WIDTH, K, person, picture

WRITTEN = [COCO17, HALPE26, WHOLEBODY23, LSP14, SPINETRACK]
QUICK = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, width=32, allow_subnormal=False)


@st.composite
def people(draw: st.DrawFn, folder: Path, skeleton, inside: bool) -> list[Person]:
    """Draw one to three people of up to two pictures, labelled where the skeleton can hold it."""
    held = np.isin(np.arange(K), columns(SPINETRACK, skeleton))
    low, high = ((0, 0), (WIDTH, HEIGHT)) if inside else ((-50, -50), (500, 500))
    drawn = []
    for _ in range(draw(st.integers(1, 3))):
        flags = np.where(held, draw(arrays.arrays(np.int64, K, elements=st.integers(0, 2))), 0)
        places = [
            draw(arrays.arrays(np.float32, K, elements=numbers(low[i], high[i]))) for i in (0, 1)
        ]
        known = flags > 0
        points = np.where(known[:, None], np.stack(places, axis=1), np.nan)
        corner = np.array([draw(numbers(0, 100)), draw(numbers(0, 100))], np.float32)
        side = np.array([draw(numbers(1, 100)), draw(numbers(1, 100))], np.float32)
        name, scene = draw(st.sampled_from([("a.png", 3), ("b.png", 8)]))
        drawn.append(
            Person(
                folder / name,
                draw(st.sampled_from(["coco", "lspe"])),
                np.concatenate([corner, corner + side]).astype(np.float32),
                points.astype(np.float32),
                known.astype(np.float32),
                draw(st.sampled_from(["", "back"])),
                draw(st.sampled_from(["", "run"])),
                {"a.png": "", "b.png": "hall"}[name],
                scene,
                float(draw(numbers(1, 1e4))),
                draw(st.booleans()) and not inside,
                flags == 1,
            )
        )
    return drawn


def labels_of(one: Person) -> np.ndarray:
    return np.column_stack([np.nan_to_num(one.keypoints), one.flags])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        picture(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.mark.parametrize("skeleton", WRITTEN, ids=lambda s: s.name)
@QUICK
@given(data=st.data())
def test_coco_comes_back_as_it_was(pictures, skeleton, data):
    given_people = data.draw(people(pictures, skeleton, inside=False))
    path = pictures.parent / "annotations" / "person_keypoints_x.json"
    write_coco(path, given_people, skeleton, images=pictures)
    found = read_people(path, images=pictures).people
    assert len(found) == len(given_people)
    for a, b in zip(given_people, found, strict=True):
        for name in ("path", "source", "view", "activity", "backdrop", "scene", "area", "crowd"):
            assert getattr(a, name) == getattr(b, name)
        np.testing.assert_array_equal(a.box, b.box)
        np.testing.assert_array_equal(labels_of(a), labels_of(b))
        np.testing.assert_array_equal(a.trust, b.trust)


@pytest.mark.parametrize("skeleton", WRITTEN, ids=lambda s: s.name)
@QUICK
@given(data=st.data())
def test_yolo_comes_back_as_it_was(pictures, skeleton, data):
    given_people = data.draw(people(pictures, skeleton, inside=True))
    given_people.sort(key=lambda p: p.path)  # a set of pictures has no other order
    out = pictures.parent / "out"
    with contextlib.suppress(FileNotFoundError):
        for file in (out / "labels" / "train").iterdir():
            file.unlink()
    file = write_yolo_pose(out, given_people, skeleton)
    for text in (out / "labels" / "train").iterdir():
        values = np.loadtxt(text, ndmin=2)  # the rules of Ultralytics' check of labels
        assert values.shape[1] == 5 + 3 * len(skeleton)
        assert values[:, 1:5].min() >= 0
        assert values[:, 1:5].max() <= 1
        assert values[:, 5:].reshape(len(values), -1, 3)[..., :2].max() <= 1
    found = read_people(file, use="train").people
    assert [p.path.name for p in found] == [p.path.name for p in given_people]
    for a, b in zip(given_people, found, strict=True):
        np.testing.assert_allclose(a.box, b.box, atol=1e-4)
        np.testing.assert_array_equal(a.flags, b.flags)
        np.testing.assert_allclose(labels_of(a), labels_of(b), rtol=2e-7, atol=1e-6)


def judged(path: Path, results: list[dict], module: str) -> float:
    """Return the AP that a COCO evaluator gives to results."""
    if module == "pycocotools":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval as Evaluator
    else:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as Evaluator
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(path))
        evaluator = Evaluator(truth, truth.loadRes(results), "keypoints")
        evaluator.params.kpt_oks_sigmas = np.array(truth.cats[1]["sigmas"])
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return float(evaluator.stats[0])


@pytest.mark.parametrize("module", ["pycocotools", "faster_coco_eval"])
@pytest.mark.parametrize("skeleton", WRITTEN, ids=lambda s: s.name)
def test_a_perfect_answer_has_an_ap_of_one(pictures, module, skeleton):
    pytest.importorskip(module)
    group = [person(pictures / "a.png", skeleton), person(pictures / "b.png", skeleton)]
    path = pictures.parent / "a.json"
    write_coco(path, group, skeleton, images=pictures)
    content = json.loads(path.read_text())
    results = [
        {key: entry[key] for key in ("image_id", "category_id", "keypoints")} | {"score": 0.9}
        for entry in content["annotations"]
    ]
    assert judged(path, results, module) == pytest.approx(1.0)
    for result in results:
        result["keypoints"] = [v + 400 * (i % 3 == 0) for i, v in enumerate(result["keypoints"])]
    assert judged(path, results, module) < 0.01


def test_a_coco_file_says_all_that_tools_ask_for(pictures):
    group = [person(pictures / "b.png", area=np.nan), person(pictures / "b.png", crowd=True)]
    path = pictures.parent / "a.json"
    write_coco(
        path, group, HALPE26, images=pictures, pictures=[pictures / "a.png"],
        info={"contributor": "us"}, licences=[{"id": 1, "name": "CC0", "url": ""}],
    )  # fmt: skip
    content = json.loads(path.read_text())
    assert content["info"]["contributor"] == "us"
    assert content["licenses"][0]["name"] == "CC0"
    assert [i["file_name"] for i in content["images"]] == ["b.png", "a.png"]
    assert content["images"][0]["width"] == WIDTH
    (category,) = content["categories"]
    assert category["keypoints"] == list(HALPE26.keypoints)
    assert category["sigmas"] == list(HALPE26.sigmas)
    assert min(min(bone) for bone in category["skeleton"]) == 1
    first, second = content["annotations"]
    assert (first["id"], second["id"], second["iscrowd"]) == (1, 2, 1)
    assert first["bbox"] == [50, 30, 100, 140]
    assert first["num_keypoints"] == len(HALPE26)
    assert first["area"] == AREA_PER_BOX * 100 * 140


def test_pictures_outside_of_their_folder_are_named(pictures):
    path = pictures.parent / "annotations" / "person_keypoints_x.json"
    with pytest.raises(DataError, match=r"a\.png is not below .*images.x"):
        write_coco(path, [person(pictures / "a.png")])
    with pytest.raises(DataError, match=r"none\.png: cannot be read"):
        write_coco(path, [person(pictures / "none.png")], images=pictures)
    assert not path.exists()


def test_where_readers_look_first_nothing_needs_a_name(tmp_path):
    photo = picture(tmp_path / "images" / "x" / "a.png")
    path = tmp_path / "annotations" / "person_keypoints_x.json"
    write_coco(path, [person(photo)])
    assert read_people(tmp_path).people[0].path == photo


def test_whole_paths_need_no_folder(pictures, tmp_path, monkeypatch):
    path = tmp_path / "elsewhere" / "a.json"
    monkeypatch.chdir(tmp_path)
    write_coco(path, [person(pictures / "a.png"), person(Path("photos/b.png"))], whole_paths=True)
    assert [p.path for p in read_people(path).people] == [pictures / "a.png", pictures / "b.png"]


def test_nothing_is_left_of_a_failed_file(pictures):
    path = pictures.parent / "person_keypoints_x.json"
    broken = person(pictures / "a.png")
    broken.box[0] = np.nan
    with pytest.raises(DataError, match="not a number"):
        write_coco(path, [broken], images=pictures)
    assert [p.name for p in pictures.parent.iterdir()] == ["photos"]
    (pictures.parent / "file").write_text("")
    with pytest.raises(OutputError):
        write_coco(
            pictures.parent / "file" / "x.json", [person(pictures / "a.png")], images=pictures
        )


def test_yolo_keeps_to_the_picture(pictures):
    one = person(pictures / "a.png")
    one.keypoints[0] = (-3, 20)
    one.box[:] = (-20, 30, 500, 170)
    crowd = replace(one, crowd=True)
    file = write_yolo_pose(pictures.parent / "out", [one, crowd], part="val")
    (line,) = (file.parent / "labels" / "val" / "a.txt").read_text().splitlines()
    values = np.array(line.split(), float)
    assert ((values[1:5] >= 0) & (values[1:5] <= 1)).all()
    assert values[5:8].tolist() == [0, 0, 0]
    (found,) = read_people(file).people
    np.testing.assert_allclose(found.box, [0, 30, 220, 170], atol=1e-4)


def test_yolo_keeps_pictures_of_nobody(pictures):
    out = pictures.parent / "out"
    both = [pictures / "a.png", pictures / "b.png"]
    file = write_yolo_pose(out, [person(both[0])], pictures=both)
    assert (out / "labels" / "train" / "b.txt").read_text() == ""
    read = read_people(file, use="train")
    assert [p.name for p in read.pictures] == ["a.png", "b.png"]
    assert [p.path.name for p in read.people] == ["a.png"]
    with pytest.raises(DataError, match="needs a picture"):
        write_yolo_pose(pictures.parent / "none", [])
    assert not (pictures.parent / "none").exists()


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_the_settings_say_what_training_needs(pictures, skeleton):
    yaml = pytest.importorskip("yaml")
    out = pictures.parent / "out"
    write_yolo_pose(out, [person(pictures / "a.png")], skeleton, part="val")
    content = yaml.safe_load((out / "data.yaml").read_text())
    assert content["train"] == content["val"] == "images/val"
    write_yolo_pose(out, [person(pictures / "b.png")], skeleton)
    content = yaml.safe_load((out / "data.yaml").read_text())
    assert (content["train"], content["val"]) == ("images/train", "images/val")
    assert content["names"] == {0: "person"}
    assert content["kpt_shape"] == [len(skeleton), 3]
    assert content["flip_idx"] == skeleton.flip.tolist()
    assert content["kpt_names"] == {0: list(skeleton.keypoints)}
    assert {p.name for p in (out / "images").rglob("*.png")} == {"a.png", "b.png"}
    assert len(read_people(out).people) == 2
    assert not list(out.rglob("*.part*"))


def test_two_pictures_of_one_name_are_refused(pictures, tmp_path):
    other = picture(tmp_path / "more" / "a.jpg")
    with pytest.raises(DataError, match="same name"):
        write_yolo_pose(tmp_path / "out", [person(pictures / "a.png"), person(other)])
    assert not (tmp_path / "out").exists()
