"""Synthetic people from the command line: the same bytes each time, interrupted or not."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinepose.cli import main
from spinepose.errors import OutputError
from spinepose.skeleton import SPINETRACK

pytest.importorskip("anny")
pytest.importorskip("numba")

_OPTIONS = {"--people": "14", "--seed": "5", "--size": "128", "--cameras": "2", "--group": "2"}
_ANNOTATIONS = Path("annotations") / "person_keypoints_train-unreal.json"


def _words(options: Mapping[str, str]) -> list[str]:
    return [word for pair in options.items() for word in pair]


def _synth(out: Path, **changes: str) -> int:
    options = _OPTIONS | {f"--{name}": value for name, value in changes.items()}
    return main(["synth", "--out", str(out), "--quiet", *_words(options)])


def _digests(folder: Path) -> dict[str, str]:
    """Return the hash of every file but the record of the command."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".html" and path.name != _ANNOTATIONS.name
    } | {"annotations": _without_command(folder)}


def _without_command(folder: Path) -> str:
    content = json.loads((folder / _ANNOTATIONS).read_text())
    del content["info"]["command"]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synth") / "people"
    assert _synth(out) == 0
    return out


@pytest.fixture(scope="module")
def content(dataset: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((dataset / _ANNOTATIONS).read_text())
    return loaded


def test_layout_is_that_of_spinetrack(dataset: Path, content: dict[str, Any]) -> None:
    pictures = {path.name for path in (dataset / "images" / "train-unreal").glob("*.jpg")}
    assert pictures == {image["file_name"] for image in content["images"]}
    assert content["categories"][0]["keypoints"] == list(SPINETRACK.keypoints)
    for name in ("sheet.png", "report.html", "statistics.json"):
        assert (dataset / name).stat().st_size > 0
    assert len(content["annotations"]) >= 14
    assert {image["width"] for image in content["images"]} == {128}


def test_labels_fit_together(content: dict[str, Any]) -> None:
    images = {image["id"]: image for image in content["images"]}
    cameras = {camera["id"]: camera for camera in content["cameras"]}
    subjects = {subject["id"]: subject for subject in content["subjects"]}
    inside = []
    for annotation in content["annotations"]:
        image = images[annotation["image_id"]]
        camera = cameras[image["camera"]]
        assert camera["scene"] == image["scene"] == subjects[annotation["subject"]]["scene"]
        world = np.array(annotation["keypoints_3d_world"])
        local = world @ np.array(camera["R"]).T + np.array(camera["t"])
        np.testing.assert_allclose(local, annotation["keypoints_3d_camera"], atol=2e-4)
        homogeneous = local @ np.array(camera["K"]).T
        pixels = homogeneous[:, :2] / homogeneous[:, 2:]
        keypoints = np.array(annotation["keypoints"]).reshape(37, 3)
        labelled = keypoints[:, 2] > 0
        np.testing.assert_allclose(pixels[labelled], keypoints[labelled, :2], atol=0.1)
        assert annotation["num_keypoints"] == labelled.sum()
        x, y, width, height = annotation["bbox"]
        assert 0 <= x < x + width <= 128
        assert 0 <= y < y + height <= 128
        assert 0 < annotation["area"] <= width * height
        if (keypoints[:, 2] == 2).any():
            inside.append(annotation["inside_silhouette"])
    assert np.mean(inside) >= 0.995


# pycocotools 2.0.11 has not followed NumPy 2's copy keyword yet; its masks are right.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_it(dataset: Path, content: dict[str, Any]) -> None:
    pycocotools = pytest.importorskip("pycocotools.coco")
    coco = pycocotools.COCO(str(dataset / _ANNOTATIONS))
    assert len(coco.getImgIds()) == len(content["images"])
    for annotation in coco.loadAnns(coco.getAnnIds()):
        mask = coco.annToMask(annotation)
        # The outline leaves out what is cut off and holes; it has about the area of the mask.
        assert mask.sum() == pytest.approx(annotation["area"], rel=0.25, abs=60)
        rows, columns = np.nonzero(mask)
        x, y, width, height = annotation["bbox"]
        assert x - 1 <= columns.min() <= columns.max() <= x + width
        assert y - 1 <= rows.min() <= rows.max() <= y + height


def test_the_same_seed_gives_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert _synth(again, workers="2") == 0
    assert _digests(again) == _digests(dataset)


def test_another_seed_gives_other_people(dataset: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert _synth(other, seed="6", people="2") == 0
    first = next((other / "images" / "train-unreal").glob("*.jpg"))
    assert first.read_bytes() != (dataset / "images" / "train-unreal" / first.name).read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="needs a process group to kill")
def test_killed_and_resumed_it_ends_up_the_same(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    program = "from spinepose.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-c", program, "synth", "--out", str(out), *_words(_OPTIONS)]
    process = subprocess.Popen(
        [*command, "--quiet"], start_new_session=True, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(out.glob(".scenes/*.json"))) < 3:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / _ANNOTATIONS).exists()
    # The moment of the kill decides what is left behind; this is always there.
    for cut_off in ("000002.6a9d6e76.part.json", "000002_c0.0a1b2c3d.part.json"):
        (out / ".scenes" / f".{cut_off}").write_bytes(b"{")
    assert _synth(out) == 0
    assert not list(out.rglob("*.part*"))
    assert _digests(out) == _digests(dataset)


def test_a_finished_set_can_grow(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "small"
    assert _synth(out, people="3") == 0
    few = len(json.loads((out / _ANNOTATIONS).read_text())["annotations"])
    assert _synth(out) == 0
    assert few < 14
    assert _digests(out) == _digests(dataset)


def test_clips_and_markers(tmp_path: Path) -> None:
    from spinepose.export.trc import read_trc

    out = tmp_path / "clip"
    options = ["--frames", "3", "--fps", "10", "--activity", "walk", "--trc", "--group", "1"]
    assert (
        main(["synth", "--people", "3", "--out", str(out), "--size", "128", "--quiet", *options])
        == 0
    )
    content = json.loads((out / _ANNOTATIONS).read_text())
    assert [image["time"] for image in content["images"]] == [0.0, 0.1, 0.2]
    assert {annotation["activity"] for annotation in content["annotations"]} == {"walk"}
    markers = read_trc(out / "trc" / "000000_p0.trc")
    assert markers.names == SPINETRACK.keypoints
    np.testing.assert_allclose(markers.times, [0, 0.1, 0.2])
    world = np.array(content["annotations"][1]["keypoints_3d_world"])
    x, y, z = markers.positions[1].T
    np.testing.assert_allclose(np.stack([-z, -x, y], axis=1), world, atol=2e-4)
    # One person who walks: the bones keep their lengths, the feet do not.
    shin = np.linalg.norm(markers.positions[:, 13] - markers.positions[:, 15], axis=1)
    assert np.ptp(shin) < 0.01
    assert np.linalg.norm(np.diff(markers.positions[:, 15], axis=0), axis=1).max() > 0.02


def test_distortion_is_in_the_labels(tmp_path: Path) -> None:
    import cv2

    out = tmp_path / "bent"
    assert main(["synth", "--people", "3", "--out", str(out), "--size", "128", "--distortion",
                 "--group", "1", "--quiet"]) == 0  # fmt: skip
    content = json.loads((out / _ANNOTATIONS).read_text())
    assert any(any(camera["distortion"]) for camera in content["cameras"])
    images = {image["id"]: image for image in content["images"]}
    cameras = {camera["id"]: camera for camera in content["cameras"]}
    for annotation in content["annotations"]:
        camera = cameras[images[annotation["image_id"]]["camera"]]
        turn, _ = cv2.Rodrigues(np.array(camera["R"]))
        pixels, _ = cv2.projectPoints(
            np.array(annotation["keypoints_3d_world"]),
            turn,
            np.array(camera["t"]),
            np.array(camera["K"]),
            np.array(camera["distortion"]),
        )
        keypoints = np.array(annotation["keypoints"]).reshape(37, 3)
        labelled = keypoints[:, 2] > 0
        np.testing.assert_allclose(pixels[labelled, 0], keypoints[labelled, :2], atol=0.1)


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"--people": "0"}, 2, "people must be between 1"),
        ({"--size": "20"}, 2, "size must be between 96"),
        ({"--size": "100000"}, 2, "size must be between"),
        ({"--cameras": "0"}, 2, "cameras must be between"),
        ({"--workers": "0"}, 2, "workers must be between"),
        ({"--kyphotic": ".7", "--scoliotic": ".7"}, 2, "add up to more than 1"),
        ({"--activity": "flying"}, 2, "no such activity: flying"),
        ({"--backgrounds": "nowhere"}, 3, "nowhere"),
        ({"--backgrounds": "empty"}, 3, "empty"),
        ({"--backgrounds": "broken"}, 3, "photo.jpg"),
        ({"--motion": "empty"}, 3, "empty"),
        ({"--motion": "nowhere.bvh"}, 3, "nowhere.bvh"),
        ({"--out": "full"}, 2, "full is not empty"),
        ({"--out": "full/notes.txt"}, 6, "notes.txt"),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    code: int,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("full").mkdir()
    Path("full/notes.txt").write_text("mine")
    Path("broken").mkdir()
    Path("broken/photo.jpg").write_bytes(b"no picture")
    usual = {"--people": "1", "--size": "128", "--out": "out", "--procedural": "0"}
    assert main(["synth", *_words(usual | changes)]) == code
    error = capsys.readouterr().err.strip()
    assert reason in error
    assert len(error.splitlines()) == 1
    assert not Path("out", _ANNOTATIONS).exists()
    assert Path("full/notes.txt").read_text() == "mine"


def test_a_folder_of_another_recipe_is_left_alone(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _digests(dataset)
    assert _synth(dataset, seed="99") == 2
    assert "seed differ" in capsys.readouterr().err
    assert _digests(dataset) == before


def test_a_damaged_scene_is_named(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "damaged"
    shutil.copytree(dataset, out)
    (out / ".scenes" / "000001.json").write_text("{")
    assert _synth(out) == 7
    assert "000001.json" in capsys.readouterr().err


def test_without_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "anny" else found(name)
    )
    assert main(["synth", "--people", "1", "--out", str(tmp_path / "x")]) == 8
    assert "spinepose[synth]" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_full_disk_leaves_no_half_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spinepose.synth.scene import Recipe, Studio
    from spinepose.synth.work import render_scene, scene_file

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    studio = Studio(Recipe(size=96, people=1))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        render_scene(studio, 0, tmp_path)
    assert not scene_file(tmp_path, 0).exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_json_and_the_list_of_activities(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["synth", "--out", str(dataset), *_words(_OPTIONS), "--json"])
    assert code == 0
    record = json.loads(capsys.readouterr().out)
    assert record["people"] >= 14
    assert main(["synth", "--activity", "list"]) == 0
    assert {"squat", "walk", "handstand"} <= set(capsys.readouterr().out.split())
