"""Every known way of keeping labels gives the same people."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from spinepose.dataset.formats.vocabularies import VOCABULARIES
from spinepose.dataset.people import Person, held_out
from spinepose.dataset.readers import FORMATS, format_of, read_people
from spinepose.errors import DataError, InputError, UsageError
from spinepose.skeleton import COCO17, HALPE26, LSP14, SPINETRACK, WHOLEBODY23
from tests.unit.dataset.labelled import K, coco, flat, person, picture, places

REST = np.full((120, 2), 11.0)  # points of face and hands

HALPE_WORDS = [
    *("Nose", "LEye", "REye", "LEar", "REar", "LShoulder", "RShoulder", "LElbow", "RElbow"),
    *("LWrist", "RWrist", "LHip", "RHip", "LKnee", "Rknee", "LAnkle", "RAnkle"),
    *("Head", "Neck", "Hip", "LBigToe", "RBigToe", "LSmallToe", "RSmallToe", "LHeel", "RHeel"),
]
"""As the README of Halpe-FullBody writes them."""


def labelled(read: Person) -> dict[str, list[float]]:
    rows = np.flatnonzero(read.trust > 0)
    return {SPINETRACK.keypoints[r]: read.keypoints[r].tolist() for r in rows}


def wanted(names: tuple[str, ...]) -> dict[str, list[float]]:
    return dict(zip(names, places(names).tolist(), strict=True))


def the_person(folder: Path, **how: str) -> Person:
    (found,) = read_people(folder, **how).people
    return found


@pytest.mark.parametrize("skeleton", [COCO17, HALPE26, SPINETRACK], ids=lambda s: s.name)
@pytest.mark.parametrize("named", [True, False])
def test_the_number_of_keypoints_tells_a_set_without_names(tmp_path, skeleton, named):
    names = skeleton.keypoints if named else None
    folder = coco(tmp_path, flat(places(skeleton.keypoints)), names)
    read = read_people(folder)
    assert labelled(read.people[0]) == wanted(skeleton.keypoints)
    assert read.people[0].box.tolist() == [50, 30, 150, 170]
    assert [p.name for p in read.pictures] == ["a.png"]
    assert read.people[0].path.is_file()


@pytest.mark.parametrize("skeleton", [COCO17, HALPE26, SPINETRACK], ids=lambda s: s.name)
def test_names_decide_and_not_the_order(tmp_path, skeleton):
    rng = np.random.default_rng(2)
    names = tuple(rng.permutation(skeleton.keypoints).tolist())
    found = the_person(coco(tmp_path, flat(places(names)), names))
    assert labelled(found) == wanted(skeleton.keypoints)


def test_other_words_other_orders_and_strange_keypoints(tmp_path):
    words = ["RBigToe", "pelvis", "Left Shoulder", "left-thumb", "head_top", "r_ear"]
    names = ("right_big_toe", "hip", "left_shoulder", "nose", "head", "right_ear")
    found = the_person(coco(tmp_path, flat(places(names)), words))
    assert labelled(found) == {k: v for k, v in wanted(names).items() if k != "nose"}


def test_halpe_with_its_own_spelling(tmp_path):
    found = the_person(coco(tmp_path, flat(places(HALPE26.keypoints)), HALPE_WORDS))
    assert labelled(found) == wanted(HALPE26.keypoints)


def test_halpe_136_gives_its_first_26(tmp_path):
    points = np.concatenate([places(HALPE26.keypoints), REST[:110]])
    assert labelled(the_person(coco(tmp_path, flat(points)))) == wanted(HALPE26.keypoints)


@pytest.mark.parametrize("names", [COCO17.keypoints, None])
def test_wholebody_in_five_fields_or_in_one_row(tmp_path, names):
    body, feet = places(COCO17.keypoints), places(WHOLEBODY23.subsets["feet"])
    others = {"face_kpts": flat(REST[:68]), "lefthand_kpts": flat(REST[:21])}
    fields = coco(tmp_path / "a", flat(body), names, foot_kpts=flat(feet), **others)
    row = coco(tmp_path / "b", flat(np.concatenate([body, feet, REST[:110]])), names)
    for folder in (fields, row):
        assert labelled(the_person(folder)) == wanted(WHOLEBODY23.keypoints)


def test_hidden_and_missing_labels(tmp_path):
    flags = np.array([2, 1, 0] + [2] * 14)
    keypoints = np.column_stack([places(COCO17.keypoints), flags]).ravel().tolist()
    found = the_person(coco(tmp_path, keypoints))
    assert found.flags[:18].tolist() == [*flags, 0]
    assert np.isnan(found.keypoints[2]).all()


@pytest.mark.parametrize(
    ("count", "names", "message"),
    [
        (14, None, "person 3 has 14 keypoints and no names; only 17, 26, 37, 133, 136"),
        (17, ["nose", "eye"], "has 17 keypoints and 2 names"),
        (17, [f"point_{i}" for i in range(17)], "unknown names: point_0, point_1, point_2"),
        (3, ["head", "nose", "head_top"], "two keypoints for head: head and head_top"),
        (37, [*COCO17.keypoints[::-1]], "has 37 keypoints and 17 names"),
    ],
)
def test_keypoints_nobody_can_know_are_refused(tmp_path, count, names, message):
    folder = coco(tmp_path, flat(REST[:count]), names)
    with pytest.raises(DataError, match=message) as caught:
        read_people(folder)
    assert "person_keypoints_some.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("image", "scene"),
    [
        ({"id": 7}, 7),
        ({"id": 7, "scene": 3}, 3),
        ({"id": "a7"}, 1),
        ({"id": "a7", "scene": 3}, 3),
        ({"id": 7, "scene": "yard"}, 7),
    ],
)
def test_scenes_are_numbers_whatever_ids_are(tmp_path, image, scene):
    folder = coco(tmp_path, flat(places()), image_id=image["id"])
    path = folder / "annotations" / "person_keypoints_some.json"
    content = json.loads(path.read_text())
    content["images"].append(content["images"][0] | image)
    path.write_text(json.dumps(content))
    found = the_person(folder)
    assert found.scene == scene
    assert held_out(found, scene)


def lsp_joints() -> np.ndarray:
    """Return x, y and a third number (3 people, 14, 3): 1 for the wrists, else 0."""
    names = tuple({"head_top": "head"}.get(n, n) for n in LSP14.keypoints)
    third = np.array([float("wrist" in n) for n in names])
    joints = np.column_stack([places(names), third])
    return np.stack([joints + np.array([i, 0, 0]) for i in range(3)])


def write_lsp(folder: Path, joints: np.ndarray, suffix: str, digits: int) -> Path:
    for number in range(1, len(joints) + 1):
        picture(folder / "images" / f"im{number:0{digits}d}{suffix}")
    is_first = digits == 4
    savemat(
        folder / "joints.mat", {"joints": joints.transpose((2, 1, 0) if is_first else (1, 2, 0))}
    )
    return folder


def test_lsp_says_what_is_hidden(tmp_path):
    folder = write_lsp(tmp_path, lsp_joints(), ".jpg", 4)
    read = read_people(folder)
    assert [p.name for p in read.pictures] == ["im0001.jpg", "im0002.jpg", "im0003.jpg"]
    first = read.people[0]
    assert first.source == "lsp"
    assert set(labelled(first)) == {"head" if n == "head_top" else n for n in LSP14.keypoints}
    assert {SPINETRACK.keypoints[i] for i in np.flatnonzero(first.flags == 1)} == {
        "left_wrist",
        "right_wrist",
    }
    at = SPINETRACK.index("neck")
    assert read.people[2].keypoints[at].tolist() == [places()[at][0] + 2, places()[at][1]]
    known = first.keypoints[first.trust > 0]
    assert (first.box[:2] < known.min(axis=0)).all()
    assert (first.box[2:] > known.max(axis=0)).all()


def test_lspe_says_what_is_seen(tmp_path):
    folder = write_lsp(tmp_path, lsp_joints(), ".png", 5)
    for path in (folder, folder / "joints.mat"):
        read = read_people(path)
        assert [p.path.name for p in read.people] == ["im00001.png", "im00002.png", "im00003.png"]
        assert read.people[0].source == "lspe"
        assert set(labelled(read.people[0])) == {"left_wrist", "right_wrist"}


def test_lsp_joints_of_another_shape(tmp_path):
    savemat(tmp_path / "joints.mat", {"joints": np.zeros((2, 14, 5))})
    with pytest.raises(DataError, match=r"\(2, 14, 5\), not 3 x 14 x N"):
        read_people(tmp_path)
    savemat(tmp_path / "joints.mat", {"other": np.zeros(3)})
    with pytest.raises(DataError, match="lacks 'joints'"):
        read_people(tmp_path)
    (tmp_path / "joints.mat").write_bytes(b"MATLAB 5.0 MAT-file, and then nothing" + bytes(200))
    with pytest.raises(DataError, match="not joints of Leeds"):
        read_people(tmp_path)


def test_lspe_persons_arrive_under_their_names(tmp_path):
    joints = [[10.0 + i, 20.0 + 3 * i, int(i > 0)] for i in range(14)]
    entry = {"file": "im00001.jpg", "kpts": joints, "view_by_labels": "back"}
    few = entry | {"kpts": [[1, 1, 0]] * 9 + [[2, 2, 1]] * 5}
    content = {"names": LSP14.keypoints, "persons": [entry, few]}
    (tmp_path / "persons.json").write_text(json.dumps(content))
    found = the_person(tmp_path)
    assert found.trust[SPINETRACK.index("right_ankle")] == 0
    assert found.keypoints[SPINETRACK.index("head")].tolist() == [23.0, 59.0]
    assert found.view == "back"
    assert found.trust.sum() == 13


def test_persons_in_the_form_of_coco_and_rendered(tmp_path):
    joints = np.column_stack([places(COCO17.keypoints), [1] + [2] * 16]).tolist()
    entry = {"file": "a.png", "bbox": [50, 30, 100, 140], "kpts": joints, "use": "dev"}
    (tmp_path / "persons.json").write_text(json.dumps([entry, entry | {"use": "train"}]))
    assert len(read_people(tmp_path).people) == 2
    found = the_person(tmp_path / "persons.json", use="dev")
    assert labelled(found) == wanted(COCO17.keypoints)
    assert found.flags[:2].tolist() == [1, 2]
    entry = {"keypoints": places().tolist(), "bbox": [50, 30, 100, 140]}
    (tmp_path / "persons.json").write_text(json.dumps({"persons": {"a.png": entry}}))
    found = the_person(tmp_path)
    assert (found.source, labelled(found)) == ("synthetic", wanted(SPINETRACK.keypoints))
    with pytest.raises(UsageError, match="leave 'dev' away"):
        read_people(tmp_path, use="dev")


def test_pictures_without_labels_have_to_be_named(tmp_path):
    picture(tmp_path / "images" / "b.jpg")
    found = the_person(tmp_path, format="pictures")
    assert found.box.tolist() == [0, 4, 220, 196]
    assert found.trust.sum() == 0
    with pytest.raises(DataError, match="0 files annotations"):
        read_people(tmp_path)
    with pytest.raises(DataError, match="no pictures"):
        read_people(tmp_path / "images", format="pictures")


@pytest.fixture
def yolo(tmp_path):
    picture(tmp_path / "images" / "val" / "a.png")
    picture(tmp_path / "images" / "val" / "empty.png")
    (tmp_path / "labels" / "val").mkdir(parents=True)
    points = places(COCO17.keypoints) / [220, 200]
    numbers = " ".join(f"{x} {y} {2 - (i == 4)}" for i, (x, y) in enumerate(points))
    line = f"0 {100 / 220} 0.5 {100 / 220} 0.7 {numbers}\n"
    (tmp_path / "labels" / "val" / "a.txt").write_text(line + line.replace("0 ", "1 ", 1))
    content = "val: images/val\nnames: [person, cat]\nkpt_shape: [17, 3]\n"
    (tmp_path / "data.yaml").write_text(content)
    return tmp_path


def test_a_set_of_ultralytics(yolo):
    read = read_people(yolo, use="val")
    (found,) = read.people  # and no cat
    np.testing.assert_allclose(found.box, [50, 30, 150, 170], atol=1e-4)
    np.testing.assert_allclose(found.keypoints[:17], places(COCO17.keypoints), rtol=1e-6)
    assert found.flags[:6].tolist() == [2, 2, 2, 2, 1, 2]
    assert [p.name for p in read.pictures] == ["a.png", "empty.png"]
    with pytest.raises(UsageError, match="has no 'train'; it has val"):
        read_people(yolo, use="train")


def test_a_set_of_ultralytics_below_a_folder_of_images(yolo):
    below = yolo / "images" / "mine"
    for name in ("images/val", "labels", "data.yaml"):
        (below / name).parent.mkdir(parents=True, exist_ok=True)
        (yolo / name).rename(below / name)
    assert len(read_people(below).people) == 1


def test_a_set_of_ultralytics_listed_and_without_flags(yolo):
    points = " ".join(f"{x} {y}" for x, y in places(("head", "nose", "hip")) / [220, 200])
    (yolo / "labels" / "val" / "a.txt").write_text(f"0 .5 .5 .1 .1 {points}\n")
    (yolo / "list.txt").write_text("images/val/a.png\n\n")
    content = "test: [list.txt]\nnames: {0: person}\nkpt_shape: [3, 2]\n"
    (yolo / "data.yaml").write_text(content + "kpt_names: {0: [head_top, nose, pelvis]}\n")
    assert set(labelled(the_person(yolo / "data.yaml"))) == {"head", "nose", "hip"}


@pytest.mark.parametrize(
    ("content", "labels", "message"),
    [
        ("[1", "", "not a YOLO pose set"),
        ("7", "", "not a YOLO pose set"),
        ("val: images/val\nnames: [a]\n", "", "lacks 'kpt_shape'"),
        ("val: images/val\nnames: [a]\nkpt_shape: [14, 3]\n", "", "14 keypoints and no names"),
        ("val: images/val\nnames: [a]\nkpt_shape: [17, 4]\n", "", "4 numbers for a keypoint"),
        ("val: gone\nnames: [a]\nkpt_shape: [17, 3]\n", "", "lacks .*gone"),
        ("val: images/val\nnames: [a]\nkpt_shape: [17, 3]\n", "0 .5 .5 .1 .1 3", r"a\.txt: not"),
        ("val: images/val\nnames: [a]\nkpt_shape: [17, 3]\n", "0 x", r"a\.txt: not"),
        (
            "val: images/val\nnames: [a]\nkpt_shape: [17, 3]\n",
            "0 .5 .5 .1 .1" + " nan" * 51,
            r"a\.txt: .* not a number",
        ),
    ],
)
def test_broken_sets_of_ultralytics(yolo, content, labels, message):
    (yolo / "data.yaml").write_text(content)
    (yolo / "labels" / "val" / "a.txt").write_text(labels)
    with pytest.raises(DataError, match=message) as caught:
        read_people(yolo)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_or_unknown(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_people(tmp_path / "none.json")
    with pytest.raises(UsageError, match="unknown format 'voc'; known: auto, coco"):
        read_people(tmp_path, format="voc")
    folder = coco(tmp_path, flat(places()))
    with pytest.raises(UsageError, match="leave 'dev' away"):
        read_people(folder, use="dev")
    other = read_people(folder, images=tmp_path / "elsewhere")
    assert other.pictures == [tmp_path / "elsewhere" / "a.png"]
    (tmp_path / "persons.json").write_text("[]")
    with pytest.raises(UsageError, match="--images"):
        read_people(tmp_path, images=tmp_path)


@pytest.mark.parametrize("content", ["", "{", "7", "null", "[1, 2]", '{"persons": 3}', "\0\1"])
@pytest.mark.parametrize("name", ["persons.json", "a.json", "joints.mat", "data.yaml"])
def test_rubbish_is_one_line(tmp_path, content, name):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_people(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_formats_are_found_out(tmp_path):
    write_lsp(tmp_path, lsp_joints(), ".jpg", 4)
    assert format_of(tmp_path) == "lsp"
    assert format_of((tmp_path / "joints.mat").rename(tmp_path / "a.bin")) == "lsp"
    assert set(FORMATS) == {"coco", "lsp", "persons", "pictures", "yolo"}


def test_each_vocabulary_is_cited_and_its_names_are_known():
    for vocabulary in VOCABULARIES:
        assert vocabulary.citation
        assert len(vocabulary.skeleton) <= vocabulary.count
    telling = [v.count for v in VOCABULARIES if v.telling]
    assert len(set(telling)) == len(telling)


def test_the_examples_of_the_synthetic_engine():
    read = read_people(Path("examples/synth"))
    assert {p.source for p in read.people} == {"synthetic"}
    assert all(set(p.trust) <= {0, 1} for p in read.people)
    assert any((p.flags == 1).any() for p in read.people)
    assert all(p.is_file() for p in read.pictures)


@pytest.mark.parametrize(
    ("name", "use", "count"),
    [("coco", "train", 127), ("coco", "dev", 133), ("lspe", "", 8107)],
)
def test_the_sets_at_hand(shared_data, name, use, count):
    assert len(read_people(shared_data / "data" / name, use=use).people) == pytest.approx(
        count, rel=0.01
    )


def test_a_person_made_here_has_all_labels(tmp_path):
    assert person(tmp_path).trust.sum() == K
