import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from spinepose.annotation.page.curve import LEVELS, curve_settings, spine_heights
from spinepose.annotation.page.sitting import RefusedError, Sitting
from spinepose.annotation.project import Project
from spinepose.annotation.queue import Choice, read_queue
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN, Item
from spinepose.errors import DataError, UsageError
from spinepose.media import encode_image
from spinepose.skeleton import COCO17, SPINETRACK
from tests.unit.annotation.page_project import BOX, SIZE, guessed_points, write_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return write_project(tmp_path / "project")


def as_shown(view: dict[str, Any]) -> dict[str, Any]:
    """Return what a page says whose user agrees to everything."""
    points = view["guess"]["keypoints"]
    return {
        "keypoints": points,
        "visibility": [ABSENT if point is None else SEEN for point in points],
        "seconds": 2.5,
        "rejected": False,
        "revision": view["revision"],
    }


def test_an_item_is_shown_saved_and_shown_again(project: Project) -> None:
    sitting = Sitting(project, "anna")
    view = sitting.view("aaa")
    assert view["correction"] is None
    assert view["revision"] == 0
    said = as_shown(view)
    hip, neck, knee = SPINETRACK.indices(["hip", "neck", "left_knee"])
    said["keypoints"][hip] = [200.25, 211.0]
    said["keypoints"][neck][0] += 0.4
    said["visibility"][neck] = HIDDEN
    said["visibility"][knee], said["keypoints"][knee] = ABSENT, None
    assert sitting.save("aaa", said) == {"revision": 1, "changed": False, "state": "done"}

    saved = project.corrections("anna")["aaa"]
    assert saved.tool == "page"
    assert saved.round == 0
    assert saved.seconds == 2.5
    np.testing.assert_array_equal(saved.keypoints[hip], [200.25, 211.0])
    assert saved.visibility[neck] == HIDDEN
    assert np.isnan(saved.keypoints[knee]).all()
    # A point farther than half a pixel, and one that was taken away; not the heel, which was
    # guessed outside of the picture and so never shown.
    assert np.flatnonzero(saved.moved).tolist() == sorted([hip, knee])

    again = Sitting(project, "anna")
    view = again.view("aaa")
    assert view["revision"] == 1
    assert view["correction"] == saved.to_dict()
    assert [task["state"] for task in again.overview()["tasks"]] == ["done", "open", "open"]
    assert Sitting(project, "bert").view("aaa")["correction"] is None


def test_without_a_guess_everything_that_is_placed_was_moved(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    (project.round_folder(0) / "guesses.jsonl").unlink()
    sitting = Sitting(project, "anna")
    view = sitting.view("bbb")
    assert view["guess"] is None
    said = {"keypoints": [[1, 2]] + [None] * 36, "visibility": [2] + [0] * 36}
    sitting.save("bbb", said | {"seconds": 1, "rejected": False, "revision": 0})
    saved = project.corrections("anna")["bbb"]
    assert saved.round == -1
    assert np.flatnonzero(saved.moved).tolist() == [0]


def test_of_two_windows_the_later_save_counts_and_is_told(project: Project) -> None:
    one, other = Sitting(project, "anna"), Sitting(project, "anna")
    said = as_shown(one.view("aaa"))
    assert not one.save("aaa", said)["changed"]
    rejected = other.save("aaa", said | {"rejected": True})
    assert rejected == {"revision": 2, "changed": True, "state": "rejected"}
    assert one.view("aaa")["correction"]["rejected"]
    assert not one.save("aaa", said | {"revision": 2})["changed"]
    assert not project.corrections("anna")["aaa"].rejected
    assert len(list(project.history("anna"))) == 3


def test_saves_at_the_same_time_are_all_kept(project: Project) -> None:
    sitting = Sitting(project, "anna")
    said = as_shown(sitting.view("aaa"))
    threads = [threading.Thread(target=sitting.save, args=("aaa", said)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sitting.view("aaa")["revision"] == len(list(project.history("anna"))) == 8


def test_a_second_pass_does_not_see_the_first(project: Project) -> None:
    first = Sitting(project, "anna")
    said = as_shown(first.view("aaa"))
    first.save("aaa", said)
    second = Sitting(project, "anna", blind=True)
    view = second.view("aaa")
    assert view["correction"] is None
    assert second.overview()["tasks"][0]["state"] == "open"
    said["visibility"][0] = HIDDEN
    assert not second.save("aaa", said | {"revision": view["revision"]})["changed"]
    # Its own work it does see.
    assert second.view("aaa")["correction"]["visibility"][0] == HIDDEN
    assert second.overview()["tasks"][0]["state"] == "done"


@pytest.mark.parametrize(
    "change",
    [
        {"keypoints": [[1.0, 2.0]]},
        {"keypoints": "no list"},
        {"keypoints": None},
        {"keypoints": [[1.0]] * 37},
        {"keypoints": [[320.0, 5.0]] * 37, "visibility": [2] * 37},
        {"keypoints": [[-0.6, 5.0]] * 37, "visibility": [2] * 37},
        {"keypoints": [[10**400, 5.0]] * 37},
        {"keypoints": [[float("nan"), 5.0]] * 37, "visibility": [2] * 37},
        {"visibility": [2] * 37},
        {"visibility": [3] * 37},
        {"visibility": [0.5] * 37},
        {"visibility": {"0": 1}},
        {"seconds": -1},
        {"seconds": float("inf")},
        {"seconds": "2"},
        {"rejected": 1},
        {"revision": None},
    ],
)
def test_what_makes_no_sense_is_not_saved(project: Project, change: dict[str, Any]) -> None:
    sitting = Sitting(project, "anna")
    with pytest.raises(RefusedError, match="not saved: ") as refused:
        sitting.save("aaa", as_shown(sitting.view("aaa")) | change)
    assert refused.value.status == 400
    assert project.annotators() == []


def test_what_is_missing_is_named(project: Project) -> None:
    sitting = Sitting(project, "anna")
    with pytest.raises(RefusedError, match="'seconds' is missing"):
        sitting.save("aaa", {"keypoints": []})
    with pytest.raises(RefusedError, match="it is no object"):
        sitting.save("aaa", [])


def test_the_rim_of_the_picture_is_inside(project: Project) -> None:
    sitting = Sitting(project, "anna")
    said = as_shown(sitting.view("aaa"))
    said["keypoints"][0] = [-0.5, SIZE[1] - 0.5]
    sitting.save("aaa", said)
    assert project.corrections("anna")["aaa"].keypoints[0].tolist() == [-0.5, 399.5]


def test_pictures_are_sent_as_they_are(project: Project) -> None:
    kind, data = Sitting(project, "anna").picture("aaa")
    assert kind == "image/png"
    assert data == (project.root / "pictures" / "0.png").read_bytes()


def test_pictures_that_browsers_cannot_show_are_sent_as_png(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    rgb = np.full((SIZE[1], SIZE[0], 3), 77, np.uint8)
    data = encode_image(rgb, ".tif")
    (tmp_path / "scan.tif").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    project.add_items([Item("scan", "scan.tif", sha256, SIZE, np.array(BOX), "photos")])
    kind, sent = Sitting(project, "anna", items=["scan"]).picture("scan")
    assert kind == "image/png"
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(sent, np.uint8), 1), rgb)


def test_a_picture_that_is_not_what_it_was_is_refused(project: Project) -> None:
    sitting = Sitting(project, "anna")
    path = project.root / "pictures" / "0.png"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(RefusedError, match="has changed since it was added") as refused:
        sitting.picture("aaa")
    assert refused.value.status == 409
    path.unlink()
    with pytest.raises(RefusedError, match="cannot read"):
        sitting.picture("aaa")


def test_tasks_are_the_queue_or_what_is_asked_for_or_everything(project: Project) -> None:
    queue = project.round_folder(0) / "queue.json"
    entries = [{"item": "ccc", "reason": "far off", "more": 1}, {"item": "aaa"}, {"item": "ccc"}]
    queue.write_text(json.dumps({"items": entries, "seed": 1}))
    assert list(read_queue(project, 0).items) == [Choice("ccc", "far off"), Choice("aaa")]
    assert Sitting(project, "anna").tasks == [Choice("ccc", "far off"), Choice("aaa")]
    chosen = Sitting(project, "anna", items=["bbb", "ccc", "bbb"]).tasks
    assert chosen == [Choice("bbb"), Choice("ccc", "far off")]
    queue.unlink()
    assert [task.item for task in Sitting(project, "anna").tasks] == ["aaa", "bbb", "ccc"]


def test_only_tasks_can_be_had(project: Project) -> None:
    sitting = Sitting(project, "anna", items=["bbb"])
    for ask in (sitting.view, sitting.picture, lambda item: sitting.save(item, {})):
        with pytest.raises(RefusedError, match="no such item") as refused:
            ask("aaa")
        assert refused.value.status == 404


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"items": 3}', '{"items": [{}]}', '{"items": ["a"]}'),
        *('{"items": [], "seed": Infinity}', '{"items": [{"item": "aaa", "priority": "high"}]}'),
    ],
)
def test_a_broken_queue(project: Project, text: str) -> None:
    (project.round_folder(0) / "queue.json").write_text(text)
    with pytest.raises(DataError, match=r"queue\.json is no queue of a round: .*; select again"):
        Sitting(project, "anna")


def test_sittings_that_cannot_be(project: Project, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no guesses in round 3"):
        Sitting(project, "anna", round=3)
    with pytest.raises(DataError, match=r"does not have 1 of the items to correct \(zzz\)"):
        Sitting(project, "anna", items=["aaa", "zzz"])
    with pytest.raises(UsageError, match="no annotator's name"):
        Sitting(project, "../anna")
    with pytest.raises(UsageError, match="nothing to correct"):
        Sitting(Project.create(tmp_path / "empty", {}), "anna")


def test_levels_of_the_spine() -> None:
    heights = spine_heights()
    assert set(heights) == set(SPINETRACK.spine) == set(LEVELS)
    down = [heights[name] for name in SPINETRACK.spine]
    assert down == sorted(down, reverse=True)
    # Kunkel et al. and Gilad and Nissan, as in the pseudo labels: C7 to L5/S1 is 500 mm.
    assert heights["spine_04"] / heights["neck"] == pytest.approx(0.632, abs=1e-3)
    assert heights["spine_01"] / heights["neck"] == pytest.approx(0.0375, abs=1e-3)


def test_settings_of_the_curve() -> None:
    settings = curve_settings(SPINETRACK)
    assert settings is not None
    assert settings["chain"] == SPINETRACK.spine_indices.tolist()
    shares, joint = settings["shares"], settings["joint"]
    assert shares[0] == shares[joint] == 0
    assert shares[-1] == 1
    assert shares[joint:] == sorted(shares[joint:])
    assert settings["handles"][0] == 0
    assert joint in settings["handles"]
    assert curve_settings(COCO17) is None


def test_a_guess_outside_of_the_picture_is_not_shown(project: Project) -> None:
    view = Sitting(project, "anna").view("aaa")
    shown = [k for k, point in enumerate(view["guess"]["keypoints"]) if point is not None]
    known = np.flatnonzero(np.isfinite(guessed_points()[:, 0])).tolist()
    assert sorted([*shown, SPINETRACK.index("left_heel")]) == known
