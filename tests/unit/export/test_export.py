import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinepose.errors import DataError, OutputError
from spinepose.export import (
    JsonArrayWriter,
    JsonLinesWriter,
    ModelTrace,
    Provenance,
    frame_dict,
    person_dict,
    read_poses,
    write_image_document,
    write_openpose_frame,
)
from spinepose.poses import NO_TRACK, Poses
from spinepose.skeleton import SPINETRACK

MADE_BY = Provenance(
    "in.mp4", (ModelTrace("m", "1", "pose", "0" * 64),), "CPUExecutionProvider", {"threshold": 0.3}
)


def _poses(frame: int = 0, people: int = 2, subset: str = "all") -> Poses:
    rng = np.random.default_rng(frame)
    points = rng.uniform(0, 500, (people, 37, 2)).round(2)
    scores = rng.uniform(0.1, 1, (people, 37)).round(4)
    points[:, 5], scores[:, 5] = np.nan, 0
    boxes = np.tile([1, 2, 300, 400], (people, 1))
    ids = np.arange(people) + 1
    made = Poses.build(
        points, scores, boxes, track_ids=ids, frame=frame, time_s=frame / 30, size=(640, 480)
    )
    return made if subset == "all" else made.subset(subset)


def _strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def _same(a: Poses, b: Poses) -> None:
    np.testing.assert_allclose(a.keypoints, b.keypoints, atol=0.006)
    np.testing.assert_allclose(a.scores, b.scores, atol=6e-5)
    np.testing.assert_allclose(a.boxes, b.boxes, atol=0.006)
    np.testing.assert_array_equal(a.track_ids, b.track_ids)
    assert a.skeleton == b.skeleton
    assert (a.frame, a.size) == (b.frame, b.size)
    assert a.time_s == pytest.approx(b.time_s, abs=1e-6)


def test_a_person_is_what_openpose_writes() -> None:
    poses = _poses()
    person = person_dict(poses, 1)
    flat = person["pose_keypoints_2d"]
    assert len(flat) == 111
    assert flat[15:18] == [0, 0, 0]
    assert flat[:3] == pytest.approx([*poses.keypoints[1, 0], poses.scores[1, 0]], abs=1e-3)
    assert person["person_id"] == [2]
    assert person["box_score"] is None


def test_frames_are_strict_json_even_when_everything_is_missing() -> None:
    lost = Poses.build(np.full((1, 37, 2), np.nan), np.zeros((1, 37)), [[np.nan] * 4])
    frame = _strict(json.dumps(frame_dict(lost), allow_nan=False))
    assert frame["people"][0]["box"] is None
    assert frame["people"][0]["track_id"] is None
    assert frame["people"][0]["person_id"] == [NO_TRACK]


@pytest.mark.parametrize("subset", ["all", "default", "spine9"])
def test_an_image_document_comes_back(subset: str, tmp_path: Path) -> None:
    poses = _poses(subset=subset)
    write_image_document(tmp_path / "a.json", poses, MADE_BY)
    document = _strict((tmp_path / "a.json").read_text())
    assert document["skeleton"]["keypoints"] == list(poses.skeleton.keypoints)
    assert document["provenance"]["models"][0]["sha256"] == "0" * 64
    assert document["provenance"]["settings"] == {"threshold": 0.3}
    [back] = read_poses(tmp_path / "a.json")
    _same(back, poses)


@pytest.mark.parametrize(
    ("name", "writer"), [("a.jsonl", JsonLinesWriter), ("a.json", JsonArrayWriter)]
)
@pytest.mark.parametrize("complete", [True, False])
def test_a_video_comes_back(
    name: str, writer: type[JsonLinesWriter | JsonArrayWriter], complete: bool, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / name
    out = writer(path, MADE_BY, SPINETRACK)
    frames = [_poses(0), _poses(1, people=0), _poses(2)]
    for poses in frames:
        out.write(poses)
    out.close(complete=complete)
    out.close(complete=complete)
    back = list(read_poses(path))
    assert len(back) == 3
    for a, b in zip(back, frames, strict=True):
        _same(a, b)
    text = path.read_text()
    end = _strict(text.splitlines()[-1] if name.endswith("l") else text)
    assert end["complete"] is complete
    assert end["frame_count"] == 3
    assert end["tracks"] == 2
    assert [p.name for p in path.parent.iterdir()] == [name]


def test_a_run_that_dies_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    out = JsonLinesWriter(path, MADE_BY, SPINETRACK)
    for i in range(3):
        out.write(_poses(i))
    text = path.read_text()  # nothing was closed
    assert [len(_strict(line)) > 0 for line in text.splitlines()] == [True] * 4
    path.with_name("cut.jsonl").write_text(text[:-200])
    assert len(list(read_poses(path.with_name("cut.jsonl")))) == 2
    out.close(complete=False)


def test_an_array_that_dies_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    out = JsonArrayWriter(path, MADE_BY, SPINETRACK)
    out.write(_poses())
    assert path.read_text() == "old"
    out.close(complete=True)
    assert len(list(read_poses(path))) == 1


def test_a_frame_that_is_no_json_leaves_the_stream_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    out = JsonArrayWriter(path, MADE_BY, SPINETRACK)
    with pytest.raises(ValueError, match="JSON"):
        out.write(Poses.empty(time_s=float("nan")))
    out.write(_poses())
    out.close(complete=True)
    assert len(list(read_poses(path))) == 1


def test_settings_may_be_numpy_numbers_and_paths(tmp_path: Path) -> None:
    settings = {"threshold": np.float32(0.5), "people": np.int64(3), "model": Path("a/b")}
    write_image_document(tmp_path / "a.json", _poses(), Provenance("x", settings=settings))
    document = _strict((tmp_path / "a.json").read_text())
    assert document["provenance"]["settings"] == {"threshold": 0.5, "people": 3, "model": "a/b"}


def test_settings_that_are_no_json_leave_nothing_behind(tmp_path: Path) -> None:
    odd = Provenance("x", settings={"filter": object()})
    for writer in (JsonLinesWriter, JsonArrayWriter):
        with pytest.raises(TypeError, match="object"):
            writer(tmp_path / "a.json", odd, SPINETRACK)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_written_not_replaced(tmp_path: Path) -> None:
    pipe, heard = tmp_path / "a.json", []
    os.mkfifo(pipe)
    listener = threading.Thread(target=lambda: heard.append(pipe.read_text()), daemon=True)
    listener.start()
    out = JsonArrayWriter(pipe, MADE_BY, SPINETRACK)
    out.write(_poses())
    out.close(complete=True)
    listener.join(timeout=10)
    assert _strict(heard[0])["frame_count"] == 1
    assert pipe.is_fifo()


def test_openpose_files_are_named_as_openpose_does(tmp_path: Path) -> None:
    path = write_openpose_frame(tmp_path / "op", "clip", _poses(frame=41))
    assert path.name == "clip_000000000041_keypoints.json"
    assert len(_strict(path.read_text())["people"]) == 2


@pytest.mark.parametrize("subset", ["all", "default", "spine9"])
def test_openpose_files_come_back(subset: str, tmp_path: Path) -> None:
    poses = _poses(frame=3, subset=subset)
    [back] = read_poses(write_openpose_frame(tmp_path, "clip", poses))
    _same(back, poses)


def test_openpose_files_of_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": [0] * 75}]}))
    with pytest.raises(DataError, match=r"a\.json .* 25 keypoints"):
        list(read_poses(path))


HEADER = '{"format": "spinepose", "skeleton": {"name": "one", "keypoints": ["x"]}'
FRAME = '{"frame": 0, "time_s": 0, "size": [1, 1], "people": []}'


@pytest.mark.parametrize(
    "text",
    [
        '{"format": "spinepose"}',
        '{"format": "spinepose", "skeleton": 3}',
        HEADER + '}\n{"frame": 1}\n',
        HEADER + "}\n12\n",
        HEADER + ', "frames": null}',
        HEADER + '}\n{"frame": 0, "ti\n' + FRAME + "\n",
        HEADER + ', "people": [{"pose_keypoints_2d": [1, 2]}]}',
    ],
)
def test_damaged_files_are_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"a\.json") as caught:
        list(read_poses(path))
    assert "\n" not in str(caught.value)


def test_files_of_a_newer_version_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(HEADER + ', "format_version": 2, "frames": []}')
    with pytest.raises(DataError, match="newer"):
        list(read_poses(path))


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no json", '{"format": "other"}'])
def test_other_files_are_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"a\.json") as caught:
        list(read_poses(path))
    assert "\n" not in str(caught.value)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for writer in (JsonLinesWriter, JsonArrayWriter):
        with pytest.raises(OutputError, match=r"a\.json"):
            writer(tmp_path / "file" / "a.json", MADE_BY, SPINETRACK)
