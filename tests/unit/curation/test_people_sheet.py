"""People are chosen, flagged, cut out and drawn where their labels are."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinepose.curation.check import check_dataset
from spinepose.curation.crops import crop_people
from spinepose.curation.entries import (
    Entry,
    choose,
    entries_of,
    pick,
    with_predictions,
    with_problems,
    with_queue,
)
from spinepose.curation.fiftyone_set import write_fiftyone
from spinepose.curation.label_files import read_sets
from spinepose.curation.sheet import people_sheet, write_sheet
from spinepose.dataset.readers import read_people
from spinepose.errors import DataError, UsageError
from spinepose.export.queue import QueueItem, QueueKeypoint
from spinepose.media import read_image
from spinepose.skeleton import SPINETRACK
from tests.unit.curation.sets import annotation, content, write_set
from tests.unit.dataset.labelled import flat, places


@pytest.fixture
def root(tmp_path: Path) -> Path:
    train = content(6)
    train["annotations"][4]["num_keypoints"] = 0
    train["annotations"][5]["image_id"] = 1
    train["annotations"][5]["bbox"] = [0, 0, 40, 40]
    train["annotations"].append(annotation(9, 1, iscrowd=1))
    return write_set(tmp_path, train=train)


@pytest.fixture
def entries(root: Path) -> list[Entry]:
    return entries_of(read_sets(root))


@pytest.mark.parametrize("size", [{"columns": 0}, {"side": 0}])
def test_a_sheet_of_no_size_is_refused(entries: list[Entry], size: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least one"):
        people_sheet(entries, **size)


def test_people_without_crowds(entries: list[Entry]) -> None:
    assert [(e.split, e.place) for e in entries] == [("train", i) for i in range(6)]


def test_problems_flag_people(root: Path, entries: list[Entry]) -> None:
    flagged = with_problems(entries, check_dataset(root))
    named = {e.place: e.flags for e in flagged if e.flags}
    assert named[4] == ("num-keypoints: it says 0, there are 37",)
    assert set(named) == {4, 5}
    assert [e.place for e in choose(flagged, 2, worst=True)] == [5, 4]


def test_people_in_a_doubtful_picture_are_flagged(root: Path, entries: list[Entry]) -> None:
    path = root / "images" / "train" / "001.png"
    path.write_bytes(path.read_bytes()[:-9])
    flagged = with_problems(entries, check_dataset(root))
    named = [e.place for e in flagged if any("picture-unreadable" in flag for flag in e.flags)]
    assert named == [0, 5]


def item(box: tuple[float, ...] | None) -> QueueItem:
    nose = QueueKeypoint("nose", 1.0, 2.0, 0.5, None, 30.0, "mm")
    points = (None,) * len(SPINETRACK)
    where = ("/elsewhere/001.png", 0, 0.0, None, None)
    return QueueItem(*where, box, 1.0, "30 mm away", "spinetrack", points, (nose,))


def test_a_queue_flags_people(entries: list[Entry]) -> None:
    flagged = with_queue(entries, [item((52, 33, 150, 170))])
    assert {e.place: e.flags for e in flagged if e.flags} == {0: ("nose: 30 mm away",)}
    assert [e.place for e in with_queue(entries, [item(None)]) if e.flags] == [0, 5]


def test_predictions_score_people(entries: list[Entry], tmp_path: Path) -> None:
    shifted = places() + np.array([3, 0])
    path = tmp_path / "results.json"
    rows = [(1, places()), (1, places() + 90), (2, shifted)]
    path.write_text(
        json.dumps([{"image_id": i, "keypoints": flat(p), "score": 1} for i, p in rows])
    )
    scores = [e.score for e in with_predictions(entries, path)]
    assert scores[0] == pytest.approx(1)
    spread = 2 * 7000 * (2 * SPINETRACK.sigma_array.astype(float)) ** 2
    assert scores[1] == pytest.approx(np.exp(-9 / spread).mean(), abs=1e-6)
    assert scores[2] == 0
    for wrong in ("{}", '[{"image_id": 1}]', '[{"image_id": 1, "keypoints": [1, 2, 3]}]', "["):
        path.write_text(wrong)
        with pytest.raises(DataError, match="no predictions"):
            with_predictions(entries, path)


def test_choices(entries: list[Entry]) -> None:
    first, again, other = (choose(entries, 3, seed=seed) for seed in (1, 1, 2))
    assert [e.place for e in first] == [e.place for e in again] == sorted(e.place for e in first)
    assert {e.place for e in first} != {e.place for e in other}
    assert len(choose(entries, 100)) == 6
    assert [e.place for e in pick(entries, [5, 0])] == [5, 0]
    for wrong in (lambda: pick(entries, [6]), lambda: pick(entries, [1], "val")):
        with pytest.raises(UsageError, match="0 people"):
            wrong()
    with pytest.raises(UsageError, match="cannot be shown"):
        choose(entries, 0)


@pytest.mark.parametrize("side", [200, 40])
def test_labels_stay_where_they_are_in_the_picture(tmp_path: Path, side: int) -> None:
    """A spot is drawn at the nose; in the crop it is where the label is, at any scale."""
    root = write_set(tmp_path, train=content(1))
    path = root / "images" / "train" / "001.png"
    picture = np.zeros((200, 220, 3), np.uint8)
    x, y = places()[0].astype(int)
    cv2.circle(picture, (int(x), int(y)), 9, (255, 255, 255), -1)
    cv2.imwrite(str(path), picture)
    (crop,) = crop_people(entries_of(read_sets(root)), side)
    rows, columns = np.nonzero(crop.picture[..., 1] > 128)
    assert len(rows) > 5
    np.testing.assert_allclose(crop.keypoints[0], [columns.mean(), rows.mean()], atol=0.3)


def test_sheet(entries: list[Entry], tmp_path: Path) -> None:
    order = [entries[5], entries[0], entries[0]]
    sheet = people_sheet(order, columns=2, side=64)
    assert sheet.shape == (2 * (64 + 18), 2 * 64, 3)
    tiles = sheet[:64, 64:128], sheet[82:146, :64], sheet[:64, :64]
    np.testing.assert_array_equal(tiles[0], tiles[1])
    assert (tiles[0] != tiles[2]).any()
    # The spine is yellow, and is drawn.
    assert (np.abs(tiles[0].astype(int) - [240, 228, 66]).sum(axis=2) < 30).any()
    write_sheet(tmp_path / "sheet.png", order, columns=2, side=64)
    np.testing.assert_array_equal(read_image(tmp_path / "sheet.png"), sheet)
    with pytest.raises(DataError, match="nobody"):
        people_sheet([])


def test_fiftyone_file_is_a_coco_file(entries: list[Entry], tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    write_fiftyone(path, entries)
    written = json.loads(path.read_text())
    skeleton = written["info"]["default_skeleton"]
    assert skeleton["labels"] == list(SPINETRACK.keypoints)
    assert max(max(edge) for edge in skeleton["edges"]) == 36
    assert all(Path(picture["file_name"]).is_file() for picture in written["images"])
    assert written["annotations"][4]["split"] == "train"
    read = read_people(path, format="coco", images=tmp_path)
    for person, entry in zip(read.people, entries, strict=True):
        np.testing.assert_array_equal(person.keypoints, entry.person.keypoints)
        np.testing.assert_array_equal(person.flags, entry.person.flags)
        assert person.path.samefile(entry.person.path)
    with pytest.raises(DataError, match="nobody"):
        write_fiftyone(path, [])
