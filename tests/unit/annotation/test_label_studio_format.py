from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from spinepose.annotation.exchange.label_studio import (
    annotator_name,
    corrections_of,
    is_config_of,
    labeling_config,
    task_of,
)
from spinepose.annotation.exchange.said import take_over
from spinepose.annotation.exchange.shown import shown_items
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN
from spinepose.errors import DataError
from spinepose.skeleton import COCO17, SPINETRACK
from tests.unit.annotation.labelled_people import OUTSIDE, UNKNOWN, make_project

FIRST, SECOND, ALONE = (f"{number:016x}" for number in (10, 11, 12))
Task = dict[str, Any]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def exported(project: Project, *annotators: Any) -> list[Task]:
    """Return the first item as exported after each of them submitted the guess as it was."""
    task = task_of(shown_items(project)[0], project.skeleton, "/data/upload/1/a.png")
    result = task["predictions"][0]["result"]
    annotations = [
        {
            "id": number,
            "completed_by": who,
            "result": copy.deepcopy(result),
            "was_cancelled": False,
            "updated_at": f"2026-11-2{number}T10:00:00.123456Z",
            "lead_time": 12.5,
        }
        for number, who in enumerate(annotators)
    ]
    # What goes over a wire is text.
    return json.loads(json.dumps([{"id": 5, "data": task["data"], "annotations": annotations}]))


def region(task: Task, name: str, annotation: int = 0) -> dict[str, Any]:
    results = task["annotations"][annotation]["result"]
    return next(r for r in results if r["value"].get("keypointlabels") == [name])


def choice(control: str, value: str, region_id: str | None = None) -> dict[str, Any]:
    made = {"from_name": control, "to_name": "picture", "type": "choices"}
    return made | {"value": {"choices": [value]}} | ({"id": region_id} if region_id else {})


def test_the_interface_has_a_label_for_each_keypoint() -> None:
    view = ElementTree.fromstring(labeling_config(SPINETRACK))
    labels = view.findall("KeyPointLabels/Label")
    assert [label.get("value") for label in labels] == list(SPINETRACK.keypoints)
    assert {label.get("maxUsages") for label in labels} == {"1"}
    keys = [choice.get("hotkey") for choice in view.iter("Choice")]
    # Letters alone are given to labels and tools by Label Studio itself.
    assert all(key and len(key) > 1 for key in keys)
    assert len(set(keys)) == 2


def test_an_interface_is_known_by_its_labels_not_by_their_order() -> None:
    config = labeling_config(SPINETRACK)
    assert is_config_of(config, SPINETRACK)
    assert not is_config_of(config, COCO17)
    view = ElementTree.fromstring(config)
    labels = view.find("KeyPointLabels")
    assert labels is not None
    labels[:] = labels[::-1]
    assert is_config_of(ElementTree.tostring(view, "unicode"), SPINETRACK)
    assert not is_config_of(config.replace('value="hidden"', 'value="covered"'), SPINETRACK)
    assert not is_config_of("<View/>", SPINETRACK)
    assert not is_config_of("<View", SPINETRACK)
    assert not is_config_of(f'<!DOCTYPE View [<!ENTITY a "b">]>{config}', SPINETRACK)


def test_a_task_says_where_keypoints_are_in_percent(project: Project) -> None:
    shown = shown_items(project)[0]
    task = task_of(shown, SPINETRACK, "/data/upload/1/a.png")
    assert task["data"]["item"] == FIRST
    assert task["data"]["picture"] == "/data/upload/1/a.png"
    (prediction,) = task["predictions"]
    frame, *points = prediction["result"]
    names = [point["value"]["keypointlabels"][0] for point in points]
    assert set(names) == set(SPINETRACK.keypoints) - {UNKNOWN, OUTSIDE}
    hip = points[names.index("hip")]
    x, y = shown.guess.keypoints[SPINETRACK.index("hip")]
    assert hip["value"]["x"] == pytest.approx(100 * (x + 0.5) / 320)
    assert hip["value"]["y"] == pytest.approx(100 * (y + 0.5) / 240)
    assert hip["score"] == 0.75
    assert frame["readonly"]
    np.testing.assert_allclose(
        [frame["value"][key] for key in ("x", "y", "width", "height")],
        [100 * 20 / 320, 100 * 30 / 240, 100 * 100 / 320, 100 * 200 / 240],
    )
    assert len({result["id"] for result in prediction["result"]}) == len(prediction["result"])


def test_without_a_guess_only_the_person_is_framed(project: Project) -> None:
    task = task_of(shown_items(project)[2], SPINETRACK, "a.png")
    assert [r["type"] for r in task["predictions"][0]["result"]] == ["rectanglelabels"]
    assert task["data"]["round"] == -1


def test_the_guess_accepted_as_it_was(project: Project) -> None:
    (correction,) = corrections_of(exported(project, 3), project, names={3: "anna@lab.org"})
    guess = project.guesses(0)[FIRST].keypoints
    labelled = correction.visibility > ABSENT
    np.testing.assert_allclose(correction.keypoints[labelled], guess[labelled], atol=1e-9)
    assert labelled.sum() == len(SPINETRACK) - 2
    assert not correction.moved.any()
    assert correction.annotator == "anna.lab.org"
    assert correction.time == "2026-11-20T10:00:00+00:00"
    assert (correction.seconds, correction.tool) == (12.5, "label-studio")


def test_moved_hidden_and_deleted(project: Project) -> None:
    (task,) = exported(project, 3)
    neck, wrist, nose = (region(task, name) for name in ("neck", "left_wrist", "nose"))
    neck["value"] |= {"x": 50.0, "y": 25.0}
    task["annotations"][0]["result"].remove(nose)
    task["annotations"][0]["result"].append(choice("hidden", "hidden", wrist["id"]))
    (correction,) = corrections_of([task], project)
    indices = SPINETRACK.indices(["neck", "left_wrist", "nose"])
    np.testing.assert_allclose(correction.keypoints[indices[0]], [159.5, 59.5])
    assert correction.visibility[indices].tolist() == [SEEN, HIDDEN, ABSENT]
    assert np.flatnonzero(correction.moved).tolist() == sorted(indices[[0, 2]].tolist())


def test_several_people_give_several_corrections(project: Project) -> None:
    (task,) = exported(project, {"id": 3, "email": "anna@lab.org"}, 4, None)
    region(task, "neck", annotation=1)["value"]["x"] = 60.0
    found = {c.annotator: c for c in corrections_of([task], project)}
    assert set(found) == {"anna.lab.org", "label-studio-4", "label-studio"}
    assert [found[who].moved.sum() for who in found] == [0, 1, 0]
    assert take_over(project, found.values()) == (3, 0, 0)
    assert take_over(project, corrections_of([task], project)) == (0, 3, 0)


def test_of_one_person_the_last_word_counts(project: Project) -> None:
    (task,) = exported(project, 3, 3)
    region(task, "neck", annotation=1)["value"]["x"] = 60.0
    task["annotations"].reverse()
    (correction,) = corrections_of([task], project)
    assert correction.moved.sum() == 1
    assert correction.time.startswith("2026-11-21")


def test_no_person_and_skipped(project: Project) -> None:
    (task,) = exported(project, 3, 4)
    task["annotations"][0]["result"].append(choice("verdict", "no person"))
    task["annotations"][1]["was_cancelled"] = True
    (correction,) = corrections_of([task], project)
    assert correction.rejected
    assert corrections_of([], project) == []


def test_no_time_is_not_zero_seconds(project: Project) -> None:
    (task,) = exported(project, 3)
    task["annotations"][0]["lead_time"] = None
    (correction,) = corrections_of([task], project)
    assert np.isnan(correction.seconds)


def copy_neck(task: Task) -> None:
    task["annotations"][0]["result"].append(region(task, "neck"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t["data"].update(item="feed"), r"task 5 .* does not have \('feed'\)"),
        (lambda t: t["data"].pop("item"), r"task 5 .* does not have \(''\)"),
        (
            lambda t: region(t, "neck")["value"].update(keypointlabels=["tail"]),
            "does not have tail",
        ),
        (copy_neck, "task 5 by label-studio-3 has neck twice"),
        (lambda t: region(t, "neck")["value"].update(keypointlabels=[]), "without name"),
        (
            lambda t: region(t, "neck").update(original_width=640),
            r"shows a picture of \(640, 240\)",
        ),
        (lambda t: region(t, "neck").update(image_rotation=90), "or turned"),
        (lambda t: region(t, "neck")["value"].update(x="left"), "could not convert"),
        (lambda t: region(t, "neck")["value"].update(x=float("nan")), "neck .* is no place"),
        (lambda t: t["data"].update(round=7), "round 7, which has no guesses"),
        (lambda t: t.pop("annotations"), "'annotations' is missing"),
    ],
)
def test_what_makes_no_sense_is_refused_whole(
    project: Project, change: Callable[[Task], object], reason: str
) -> None:
    (good,), (bad,) = exported(project, 4), exported(project, 3)
    change(bad)
    with pytest.raises(DataError, match=reason + ".*; nothing was taken over") as caught:
        corrections_of([good, bad], project, source="export.json")
    assert str(caught.value).startswith("export.json: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("anna@lab.org", "anna.lab.org"),
        ("../etc/passwd", "etc.passwd"),
        ("Łucja@x.pl", "ucja.x.pl"),
        ("@", "somebody"),
        ("a" * 100, "a" * 64),
    ],
)
def test_addresses_become_names_of_files(project: Project, email: str, name: str) -> None:
    assert annotator_name(email) == name
    assert project.corrections_path(annotator_name(email)).parent.name == "corrections"
