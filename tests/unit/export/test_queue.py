"""The queue of keypoints to correct comes back as it was, and broken ones are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spinepose.errors import DataError, OutputError, UsageError
from spinepose.export import Provenance
from spinepose.export.queue import QueueItem, QueueKeypoint, read_queue, write_queue
from spinepose.skeleton import COCO17

WRIST = QueueKeypoint("left_wrist", 12.5, 700.25, 0.9, (80.0, 640.5), 152.4, "mm")
ITEM = QueueItem(
    source="clips/été <1>.mp4",
    frame=41,
    time_s=0.82,
    camera="cam02",
    track_id=3,
    box=(0.5, 1.0, 400.0, 900.0),
    priority=152.4,
    reason='more than 100 mm from the body: left_wrist 152 mm "rejected"',
    skeleton="coco",
    keypoints=(None, *(((1.5, 2.25, 0.75),) * 16)),
    flagged=(WRIST,),
)
BARE = replace(
    ITEM,
    source=None,
    frame=0,
    camera=None,
    track_id=None,
    box=None,
    skeleton="spinetrack/default",
    keypoints=(None,) * 33,
    flagged=(replace(WRIST, suggested=None, amount=0.07, unit="body height"),),
)


def _written(path: Path, items: list[QueueItem]) -> dict[str, Any]:
    write_queue(path, items, Provenance("two cameras", settings={"folder": Path("a")}))
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "queue.json"
    document = _written(path, [ITEM, BARE])
    items, provenance = read_queue(path)
    assert items == [ITEM, BARE]
    assert (document["format"], document["version"]) == ("spinepose-queue", 1)
    assert provenance["source"] == "two cameras"
    assert provenance["package"] == "spinepose"


def test_an_empty_queue_is_a_queue(tmp_path: Path) -> None:
    path = tmp_path / "queue.json"
    _written(path, [])
    assert read_queue(path)[0] == []


def test_paths_in_a_queue_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "queue.json"
    _written(path, [replace(ITEM, source="/dev/does-not-exist/../secret\n.mp4")])
    assert read_queue(path)[0][0].source == "/dev/does-not-exist/../secret\n.mp4"


Change = Callable[[dict[str, Any]], object]
BROKEN: dict[str, tuple[Change, str]] = {
    "another format": (lambda d: d.update(format="coco"), "no format 'spinepose-queue'"),
    "a newer version": (lambda d: d.update(version=2), "version 2 is unknown"),
    "no items": (lambda d: d.pop("items"), "items or provenance is missing"),
    "no provenance": (lambda d: d.pop("provenance"), "items or provenance is missing"),
    "an item is a list": (lambda d: d.update(items=[[]]), "item 0: .* is no object"),
    "a field is missing": (lambda d: d["items"][0].pop("frame"), "item 0: 'frame' is missing"),
    "a field is unknown": (lambda d: d["items"][0].update(zoo=1), "item 0: 'zoo' is unknown"),
    "frame is a text": (lambda d: d["items"][0].update(frame="4"), "frame cannot be '4'"),
    "frame is true": (lambda d: d["items"][0].update(frame=True), "frame cannot be True"),
    "frame is negative": (lambda d: d["items"][0].update(frame=-1), "has a frame, from 0"),
    "no reason": (lambda d: d["items"][0].update(reason=None), "reason cannot be None"),
    "a box of three": (lambda d: d["items"][0].update(box=[1, 2, 3]), "a box x1, y1, x2"),
    "an infinite priority": (lambda d: d["items"][0].update(priority=1e999), "Infinity"),
    "a time that is none": (lambda d: d["items"][0].update(time_s=float("nan")), "NaN"),
    "a huge whole number": (lambda d: d["items"][0].update(time_s=10**400), "time_s cannot be"),
    "an unknown skeleton": (lambda d: d["items"][0].update(skeleton="zebra"), "unknown skeleton"),
    "another skeleton": (lambda d: d["items"][0].update(skeleton="halpe26"), "26 keypoints"),
    "an unknown subset": (lambda d: d["items"][0].update(skeleton="coco/x"), "unknown skeleton"),
    "nothing flagged": (lambda d: d["items"][0].update(flagged=[]), "a flagged keypoint"),
    "a keypoint of two": (lambda d: d["items"][0]["keypoints"].append([1, 2]), "18"),
    "a keypoint without score": (
        lambda d: d["items"][0]["keypoints"].__setitem__(0, [1, 2]),
        "x, y and score",
    ),
    "an unknown keypoint": (
        lambda d: d["items"][0]["flagged"][0].update(name="tail"),
        "no keypoint 'tail'",
    ),
    "another unit": (lambda d: d["items"][0]["flagged"][0].update(unit="cm"), "unit is mm or"),
    "a score of 2": (lambda d: d["items"][0]["flagged"][0].update(score=2), "a score is 0 to 1"),
    "a negative amount": (lambda d: d["items"][0]["flagged"][0].update(amount=-1), "amount"),
    "half a suggestion": (
        lambda d: d["items"][0]["flagged"][0].update(suggested=[1]),
        "a suggestion is x and y",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_queue_is_one_clear_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "queue.json"
    document = _written(path, [ITEM])
    change, said = BROKEN[name]
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DataError, match=said) as caught:
        read_queue(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "\xff", '{"format": 1e999}', "[" * 100_000])
def test_what_is_no_queue_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "queue.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="is not a usable queue"):
        read_queue(path)


def test_a_missing_file_and_one_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_queue(tmp_path / "none.json")
    with pytest.raises(OutputError):
        write_queue(tmp_path, [ITEM], Provenance("a"))


def test_items_that_make_no_sense_are_not_made() -> None:
    with pytest.raises(UsageError, match="not finite"):
        replace(WRIST, x=float("nan"))
    with pytest.raises(UsageError, match="not finite"):
        replace(ITEM, keypoints=((1.0, float("inf"), 0.5), *ITEM.keypoints[1:]))
    with pytest.raises(UsageError, match="17 keypoints"):
        replace(ITEM, keypoints=ITEM.keypoints[: len(COCO17) - 1])
