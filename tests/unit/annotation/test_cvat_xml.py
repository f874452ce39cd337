from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from spinepose.annotation.exchange.cvat_labels import cvat_labels, figure
from spinepose.annotation.exchange.cvat_xml import read_cvat, write_cvat
from spinepose.annotation.exchange.said import take_over
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import COCO17, SKELETONS, SPINETRACK
from tests.unit.annotation.labelled_people import OUTSIDE, UNKNOWN, make_project

FIRST, SECOND, ALONE = (f"{number:016x}" for number in (10, 11, 12))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


@pytest.fixture
def file(project: Project, tmp_path: Path) -> Path:
    path = tmp_path / "annotations.xml"
    assert write_cvat(path, project) == 3
    return path


class Edited:
    """What a person does in CVAT, done to the file."""

    def __init__(self, path: Path) -> None:
        self.path, self.root = path, ElementTree.parse(path).getroot()

    def skeleton(self, item: str) -> ElementTree.Element:
        (found,) = (
            entry
            for entry in self.root.iter("skeleton")
            if entry.findtext("attribute[@name='item']") == item
        )
        return found

    def point(self, item: str, name: str) -> ElementTree.Element:
        found = self.skeleton(item).find(f"points[@label='{name}']")
        assert found is not None
        return found

    def say(self, item: str, attribute: str, value: str) -> None:
        found = self.skeleton(item).find(f"attribute[@name='{attribute}']")
        assert found is not None
        found.text = value

    def save(self) -> Path:
        self.path.write_text(ElementTree.tostring(self.root, "unicode"), encoding="utf-8")
        return self.path


def test_the_label_names_every_keypoint_once_and_joins_them_by_bones() -> None:
    (label,) = cvat_labels(SPINETRACK)
    json.dumps(label)
    drawing = ElementTree.fromstring(f"<svg>{label['svg']}</svg>")
    circles = drawing.findall("circle")
    assert [part["name"] for part in label["sublabels"]] == list(SPINETRACK.keypoints)
    assert [circle.get("data-label-name") for circle in circles] == list(SPINETRACK.keypoints)
    names = {circle.get("data-node-id"): circle.get("data-label-name") for circle in circles}
    ends = [
        (names[line.get("data-node-from")], names[line.get("data-node-to")])
        for line in drawing.findall("line")
    ]
    assert ends == [(bone.start, bone.end) for bone in SPINETRACK.bones]
    # The constructor refuses lists of values that are empty, and colours that are none.
    assert all(attribute["values"] for attribute in label["attributes"])
    colors = [part["color"] for part in label["sublabels"]]
    assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in colors)
    # An element that closes itself would swallow the next one in HTML.
    assert "/>" not in label["svg"]


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
def test_the_figure_stands_upright_with_its_left_on_our_right(skeleton) -> None:
    places = dict(zip(skeleton.keypoints, figure(skeleton), strict=True))
    assert all((place > 0).all() and (place < 1).all() for place in places.values())
    assert len({tuple(place) for place in places.values()}) == len(places)
    assert places["left_hip"][0] > places["right_hip"][0]
    assert places["left_ankle"][1] > places["left_knee"][1] > places["left_hip"][1]


def test_the_file_holds_the_guess_half_a_pixel_further(project: Project, file: Path) -> None:
    guess = project.guesses(0)[FIRST].keypoints[SPINETRACK.index("spine_03")]
    point = Edited(file).point(FIRST, "spine_03")
    written = np.array([float(word) for word in point.attrib["points"].split(",")])
    np.testing.assert_allclose(written, guess + 0.5, atol=0.006)
    assert (point.get("outside"), point.get("occluded")) == ("0", "0")


def test_keypoints_nobody_guessed_start_outside_within_the_box(
    project: Project, file: Path
) -> None:
    edited, box = Edited(file), project.items()[FIRST].box
    for name in (UNKNOWN, OUTSIDE):
        point = edited.point(FIRST, name)
        assert point.get("outside") == "1"
        x, y = map(float, point.attrib["points"].split(","))
        assert box[0] <= x <= box[2]
        assert box[1] <= y <= box[3]
    alone = edited.skeleton(ALONE).findall("points")
    assert [point.get("outside") for point in alone] == ["1"] * len(SPINETRACK)


def test_what_nobody_looked_at_is_no_correction(project: Project, file: Path) -> None:
    assert read_cvat(file, project, "anna") == []


def test_looked_at_and_left_as_it_was(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(FIRST, "state", "done")
    (correction,) = read_cvat(edited.save(), project, "anna")
    guess = project.guesses(0)[FIRST]
    shown = [i for i, name in enumerate(SPINETRACK.keypoints) if name not in (UNKNOWN, OUTSIDE)]
    np.testing.assert_allclose(correction.keypoints[shown], guess.keypoints[shown], atol=0.01)
    assert not correction.moved.any()
    assert (correction.visibility[shown] == SEEN).all()
    assert (correction.visibility == ABSENT).sum() == 2
    assert (correction.item, correction.annotator, correction.round) == (FIRST, "anna", 0)
    assert (correction.tool, correction.rejected) == ("cvat", False)


def test_moved_hidden_and_removed_keypoints_count_without_a_state(
    project: Project, file: Path
) -> None:
    edited = Edited(file)
    edited.point(FIRST, "neck").set("points", "100.50,90.50")
    edited.point(FIRST, "left_wrist").set("occluded", "1")
    edited.point(FIRST, "nose").set("outside", "1")
    edited.point(FIRST, UNKNOWN).set("outside", "0")
    (correction,) = read_cvat(edited.save(), project, "anna")
    neck, wrist, nose, new = SPINETRACK.indices(["neck", "left_wrist", "nose", UNKNOWN])
    np.testing.assert_allclose(correction.keypoints[neck], [100, 90])
    assert correction.visibility[[neck, wrist, nose, new]].tolist() == [SEEN, HIDDEN, ABSENT, SEEN]
    assert np.isnan(correction.keypoints[nose]).all()
    assert np.flatnonzero(correction.moved).tolist() == sorted([neck, nose, new])


def test_keypoints_are_known_by_name_not_by_order(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(FIRST, "state", "done")
    before = read_cvat(edited.save(), project, "anna")[0]
    skeleton = edited.skeleton(FIRST)
    skeleton[:] = skeleton[::-1]
    after = read_cvat(edited.save(), project, "anna")[0]
    np.testing.assert_array_equal(after.keypoints, before.keypoints)
    assert np.isfinite(after.keypoints).any()


def test_no_person(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(SECOND, "state", "no person")
    (correction,) = read_cvat(edited.save(), project, "anna")
    assert correction.rejected


def test_a_keypoint_dragged_out_of_the_picture_is_absent(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.point(FIRST, "neck").set("points", "330.00,90.00")
    (correction,) = read_cvat(edited.save(), project, "anna")
    assert correction.visibility[SPINETRACK.index("neck")] == ABSENT


def test_one_drawn_anew_is_of_the_only_item_of_its_picture(project: Project, file: Path) -> None:
    edited = Edited(file)
    skeleton = edited.skeleton(ALONE)
    for attribute in skeleton.findall("attribute"):
        skeleton.remove(attribute)
    for point in skeleton.findall("points"):
        point.set("outside", "0")
    (correction,) = read_cvat(edited.save(), project, "anna")
    assert (correction.item, correction.round) == (ALONE, -1)
    assert correction.moved.all()


def test_one_drawn_anew_among_several_is_refused(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(FIRST, "item", "")
    with pytest.raises(DataError, match="has no item: write its id into the attribute 'item'"):
        read_cvat(edited.save(), project, "anna")


def test_an_unknown_item_refuses_the_whole_file(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(FIRST, "state", "done")
    edited.say(SECOND, "item", "feedfeedfeedfeed")
    with pytest.raises(DataError, match=r"1 of 3 items are not in .*feedfeed.*nothing was taken"):
        read_cvat(edited.save(), project, "anna")
    assert project.annotators() == []


def test_a_skeleton_that_was_copied_is_refused(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(SECOND, "item", FIRST)
    with pytest.raises(DataError, match=f"item {FIRST} is there twice by anna"):
        read_cvat(edited.save(), project, "anna")


def test_missing_unknown_and_double_keypoints_are_named(project: Project, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    edited = Edited(file)
    edited.skeleton(FIRST).remove(edited.point(FIRST, "spine_02"))
    with pytest.raises(DataError, match=f"item {FIRST} lacks: spine_02; nothing was taken"):
        read_cvat(edited.save(), project, "anna")
    file.write_text(text.replace('<points label="spine_02"', '<points label="tail"'))
    with pytest.raises(DataError, match="lacks: spine_02"):
        read_cvat(file, project, "anna")
    file.write_text(text)
    edited = Edited(file)
    edited.skeleton(FIRST).append(edited.point(FIRST, "spine_03"))
    with pytest.raises(DataError, match="has twice: spine_03"):
        read_cvat(edited.save(), project, "anna")


def test_another_skeleton_is_refused(project: Project, tmp_path: Path) -> None:
    other = make_project(tmp_path / "coco", COCO17)
    write_cvat(tmp_path / "coco.xml", other)
    with pytest.raises(DataError, match="lacks: head, neck, hip and 17 more"):
        read_cvat(tmp_path / "coco.xml", project, "anna")
    write_cvat(tmp_path / "spinetrack.xml", project)
    with pytest.raises(DataError, match="has what coco does not"):
        read_cvat(tmp_path / "spinetrack.xml", other, "anna")


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ("1.0", "not one point"),
        ("1,2;3,4", "not one point"),
        ("a,2", "could not convert"),
        ("nan,2", "is no place"),
    ],
)
def test_places_that_are_none(project: Project, file: Path, points: str, reason: str) -> None:
    edited = Edited(file)
    edited.point(FIRST, "neck").set("points", points)
    with pytest.raises(DataError, match=reason):
        read_cvat(edited.save(), project, "anna")


def test_a_state_that_is_none(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(FIRST, "state", "perhaps")
    with pytest.raises(DataError, match="'perhaps', none of open, done, no person"):
        read_cvat(edited.save(), project, "anna")


def test_a_round_that_is_not_there(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(FIRST, "round", "7")
    with pytest.raises(DataError, match="is of round 7, which has no guesses"):
        read_cvat(edited.save(), project, "anna")
    with pytest.raises(DataError, match="no guesses in round 7"):
        write_cvat(file, project, round=7)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>', "declares XML entities"),
        ("<annotations><image>", "is broken XML"),
        ("<svg/>", "begins with <svg>"),
        ("<annotations/>", "has no skeleton 'person'"),
        ("", "is broken XML"),
    ],
)
def test_files_that_are_something_else(
    project: Project, tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "other.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=reason) as caught:
        read_cvat(path, project, "anna")
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there_or_no_text(project: Project, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_cvat(tmp_path / "none.xml", project, "anna")
    (tmp_path / "utf16.xml").write_bytes("<annotations/>".encode("utf-16"))
    with pytest.raises(DataError, match="no text in UTF-8"):
        read_cvat(tmp_path / "utf16.xml", project, "anna")


def test_an_archive_has_the_pictures_and_reads_as_the_file(
    project: Project, tmp_path: Path
) -> None:
    path = tmp_path / "dataset.zip"
    write_cvat(path, project)
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
        pictures = {name: packed.read(name) for name in names if name.startswith("images/")}
        text = packed.read("annotations.xml").decode()
    assert names[0] == "annotations.xml"
    originals = [project.picture(item).read_bytes() for item in project.items().values()]
    assert sorted(pictures.values()) == sorted(set(originals))
    assert {f"images/{name}" for name in re.findall('<image id="." name="([^"]+)"', text)} == set(
        pictures
    )
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("annotations.xml", text.replace(">open<", ">done<"))
    assert len(read_cvat(path, project, "anna")) == 3


def test_archives_are_not_trusted(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("../annotations.xml", "<annotations/>")
    with pytest.raises(DataError, match="leaves its folder"):
        read_cvat(path, project, "anna")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("annotations.xml", " " * (1 << 23))
    with pytest.raises(DataError, match="zip bomb"):
        read_cvat(path, project, "anna")
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("labels.xml", "<annotations/>")
    with pytest.raises(DataError, match=r"holds 0 files annotations\.xml"):
        read_cvat(path, project, "anna")


def test_a_changed_picture_is_not_given_away(project: Project, tmp_path: Path) -> None:
    (project.root / "pictures" / "1.png").write_bytes(b"other")
    with pytest.raises(DataError, match="has changed since it was added"):
        write_cvat(tmp_path / "dataset.zip", project)
    assert not (tmp_path / "dataset.zip").exists()


def test_only_the_items_asked_for(project: Project, tmp_path: Path) -> None:
    assert write_cvat(tmp_path / "one.xml", project, items=[SECOND]) == 1
    assert len(list(Edited(tmp_path / "one.xml").root.iter("skeleton"))) == 1
    with pytest.raises(DataError, match="items to correct"):
        write_cvat(tmp_path / "one.xml", project, items=["feedfeedfeedfeed"])


def test_taken_over_once_by_each_of_two_people(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(FIRST, "state", "done")
    edited.save()
    assert take_over(project, read_cvat(file, project, "anna")) == (1, 0, 0)
    assert take_over(project, read_cvat(file, project, "anna")) == (0, 1, 0)
    edited.point(FIRST, "neck").set("points", "100.50,90.50")
    edited.save()
    assert take_over(project, read_cvat(file, project, "ben")) == (1, 0, 0)
    neck = SPINETRACK.index("neck")
    places = {who: project.corrections(who)[FIRST].keypoints[neck] for who in ("anna", "ben")}
    np.testing.assert_allclose(places["ben"], [100, 90])
    assert np.linalg.norm(places["anna"] - places["ben"]) > 1


def test_an_old_file_does_not_undo_what_was_said_since(project: Project, file: Path) -> None:
    edited = Edited(file)
    task = edited.root.find("meta/task")
    assert task is not None
    edited.say(FIRST, "state", "done")
    updated = ElementTree.SubElement(task, "updated")
    updated.text = "2026-11-20 10:00:00.123456+02:00"
    (old,) = read_cvat(edited.save(), project, "anna")
    assert old.time == "2026-11-20T08:00:00+00:00"
    updated.text = "2026-11-21 10:00:00+00:00"
    edited.say(FIRST, "state", "no person")
    new = read_cvat(edited.save(), project, "anna")
    assert take_over(project, new) == (1, 0, 0)
    assert take_over(project, [old]) == (0, 0, 1)
    assert project.corrections("anna")[FIRST].rejected


def test_a_name_that_is_no_file_name_writes_nothing(project: Project, file: Path) -> None:
    edited = Edited(file)
    edited.say(FIRST, "state", "done")
    corrections = read_cvat(edited.save(), project, "../anna")
    with pytest.raises(UsageError, match="no annotator's name"):
        take_over(project, corrections)
    assert project.annotators() == []
