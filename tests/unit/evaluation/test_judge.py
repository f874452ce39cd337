import json
import math

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval")

from spinepose.errors import OutputError
from spinepose.evaluation.judge import judge
from spinepose.evaluation.peers import no_answers
from spinepose.evaluation.predict import Found
from spinepose.evaluation.report import Report, check_folder, write_report
from spinepose.evaluation.sets import read_set
from spinepose.evaluation.tables import main_tables, model_tables
from spinepose.skeleton import COCO17, HALPE26, SPINETRACK
from tests.unit.evaluation.conftest import annotation, standing

TRUNK = 40.0


class Named:
    def __init__(self, name="ours", skeleton=SPINETRACK):
        self.name, self.sha256 = name, "ab" * 32
        self.keypoints = SPINETRACK.indices(skeleton.keypoints)


def perfect(labelled, reader, score=0.9):
    """Right places for every labelled person, some place for what is not labelled."""
    answers = no_answers(len(labelled.people))
    known = reader.keypoints
    answers[:, known, :2] = np.nan_to_num(labelled.labels, nan=7.0)[:, known]
    answers[:, known, 2] = score
    owners = np.arange(len(answers))
    return Found(answers, labelled.pictures_of, np.ones(len(answers)), owners)


def test_perfect_predictions_read_a_hundred(two_people):
    reader = Named()
    [scores] = judge([reader], two_people, [perfect(two_people, reader)])
    assert list(scores.subsets) == ["body", "feet", "spine", "all"]
    for subset in scores.subsets.values():
        numbers = (subset.share, subset.pck, subset.auc, subset.precision.statistics["AP"])
        assert numbers == pytest.approx((100, 100, 100, 100))
        assert subset.precision.statistics["AR"] == pytest.approx(100)
    assert scores.found == 100
    assert all(e.mean_px == pytest.approx(0, abs=1e-4) for e in scores.errors)
    assert scores.calibration.error == pytest.approx(0.1)


def test_a_shifted_keypoint_by_hand(two_people):
    reader = Named()
    found = perfect(two_people, reader)
    nose = SPINETRACK.index("nose")
    found.answers[0, nose, 0] += 10  # a quarter of the trunk: wrong for PCK@.2
    [scores] = judge([reader], two_people, [found])
    error = scores.errors[nose]
    assert (error.labels, error.found) == (2, 2)
    assert error.mean_px == pytest.approx(5, abs=1e-4)
    assert error.mean_trunk == pytest.approx(100 * 5 / TRUNK, abs=1e-3)
    assert error.pck == pytest.approx(50)
    body = scores.subsets["body"]
    assert body.pck == pytest.approx(100 * 33 / 34)
    assert body.auc == pytest.approx(100 * (33 + 0.5) / 34, abs=1e-3)
    similar = (16 + math.exp(-100 / (2 * 4000 * (2 * 0.026) ** 2))) / 17
    wanted = np.mean([1 if similar > t else 0.5 for t in np.arange(0.5, 0.96, 0.05)])
    assert body.share == pytest.approx(100 * wanted)
    assert scores.subsets["spine"].share == pytest.approx(100)
    assert scores.calibration.table[0][1] == pytest.approx((68 - 1 - 0) / 68, abs=0.02)


def test_people_without_a_label_in_a_subset_are_left_out_of_it(two_people):
    reader = Named()
    found = perfect(two_people, reader)
    found.answers[1, SPINETRACK.indices("feet"), :2] = 1e4  # not labelled: must not matter
    [scores] = judge([reader], two_people, [found])
    feet = scores.subsets["feet"]
    assert feet.people == 1
    assert feet.precision.statistics["AP"] == pytest.approx(100)
    assert scores.subsets["body"].people == 2


def test_groups_by_view_and_activity(two_people):
    reader = Named()
    found = perfect(two_people, reader)
    found.answers[1, :17, :2] += 500
    [scores] = judge([reader], two_people, [found])
    assert list(scores.views) == ["back", "front"]
    assert scores.views["front"].shares["body"] == pytest.approx(100)
    assert scores.views["back"].shares["body"] == 0
    assert "feet" not in scores.views["back"].shares
    assert scores.activities["stand"].people == 2
    assert scores.activities["stand"].shares["body"] == pytest.approx(50)


def test_models_are_compared_on_what_they_share(two_people):
    readers = [Named(), Named("halpe", HALPE26), Named("coco", COCO17)]
    found = [perfect(two_people, r) for r in readers]
    ours, halpe, coco = judge(readers, two_people, found)
    assert coco.subsets.keys() == {"body", "all", "shared"}
    assert halpe.subsets["spine"].keypoints == ("neck", "hip")
    assert len(ours.subsets["all"].keypoints) == 37
    assert {len(s.subsets["shared"].keypoints) for s in (ours, halpe, coco)} == {17}
    text = main_tables([ours, halpe, coco])
    assert "**shared**: the same keypoints as body" in text
    spine = text.split("**spine**\n\n")[1].split("\n\n")[0]
    assert [row.split("|")[2].strip() for row in spine.splitlines()[2:]] == ["9", "2", "0"]
    assert "shared" not in judge(readers[:1], two_people, found[:1])[0].subsets


def test_only_labelled_keypoints_count(make_set):
    labelled = read_set(make_set([annotation(1, 1, standing()[:17])]))
    reader = Named()
    [scores] = judge([reader], labelled, [perfect(labelled, reader)])
    assert list(scores.subsets) == ["body", "all"]
    assert len(scores.keypoints) == 17
    text = main_tables([scores])
    assert "**feet**: not labelled, or not known to any model" in text
    assert "**all**: the same keypoints as body" in text


def test_detected_people_that_are_nobody_cost_precision(two_people):
    reader = Named()
    right = perfect(two_people, reader)
    wrong = no_answers(1)
    wrong[..., 0], wrong[..., 1], wrong[..., 2] = 5, 5, 1
    found = Found(
        np.concatenate([right.answers[:1], wrong]),
        np.array([0, 0]),
        np.array([0.5, 0.9]),
        np.array([0, -1]),
    )
    [scores] = judge([reader], two_people, [found], detected=True)
    body = scores.subsets["body"]
    # Half of the people are found, and a surer detection is nobody: precision .5 up to recall .5.
    assert body.precision.statistics["AP"] == pytest.approx(100 * 0.5 * 51 / 101)
    assert body.precision.statistics["AR"] == pytest.approx(50)
    assert body.share == pytest.approx(50)
    assert body.pck == pytest.approx(50)
    assert scores.found == 50
    assert (scores.errors[0].labels, scores.errors[0].found) == (2, 1)


def test_nobody_found_at_all(two_people):
    empty = np.zeros(0, np.int64)
    nothing = Found(no_answers(0), empty, np.zeros(0), empty)
    [scores] = judge([Named()], two_people, [nothing], detected=True)
    assert scores.subsets["all"].share == 0
    assert scores.subsets["all"].precision.statistics["AP"] == 0
    assert math.isnan(scores.calibration.error)
    assert "error -." in model_tables(scores)


def test_crowds_are_ignored(make_set):
    people = [annotation(1, 1, standing()), annotation(2, 1, standing(150), iscrowd=1)]
    labelled = read_set(make_set(people))
    reader = Named()
    found = perfect(labelled, reader)
    [scores] = judge([reader], labelled, [found], detected=True)
    assert scores.subsets["all"].people == 1
    assert scores.subsets["all"].precision.statistics["AP"] == pytest.approx(100)


def test_the_report_is_written_whole(two_people, tmp_path):
    pytest.importorskip("matplotlib")
    readers = [Named(), Named("coco", COCO17)]
    scores = judge(readers, two_people, [perfect(two_people, r) for r in readers])
    report = Report(two_people, scores, {"boxes": "truth", "flip": False}, "spinepose eval")
    written = write_report(tmp_path / "out", report)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(p.name for p in written)
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert content["data"]["sha256"] == two_people.sha256
    assert content["data"]["people"] == content["data"]["judged"] == 2
    assert content["settings"] == {"boxes": "truth", "flip": False}
    assert [m["sha256"] for m in content["models"]] == ["ab" * 32] * 2
    subset = content["models"][0]["subsets"]["all"]
    assert subset["share"] == 100.0
    assert subset["precision"]["APL"] is None  # nobody is of that size
    assert len(subset["precision"]["curves"]["0.50"]) == 101
    text = (tmp_path / "out" / "report.md").read_text()
    for name in ("oks.png", "precision.png", "errors.png", "calibration.png"):
        assert f"({name})" in text
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")
    again = write_report(tmp_path / "again", report)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in written]


def test_a_file_is_no_folder_for_a_report(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="name a folder"):
        check_folder(tmp_path / "file")
    check_folder(tmp_path / "new")
