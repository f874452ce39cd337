"""``spinepose eval`` as people call it: what it says, what it writes, and bad inputs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("faster_coco_eval")
pytest.importorskip("matplotlib")

from spinepose.cli import main
from spinepose.models import find_card
from tests.conftest import ROOT

Change = Callable[[dict[str, Any], Path], object]
LABELS = "annotations/person_keypoints_train-unreal.json"


def test_the_report_of_the_rendered_examples(
    tmp_path: Path, examples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["eval", "--data", str(examples / "synth"), "--model", "small", "--out", str(out)]
    assert main(words) == 0
    captured = capfd.readouterr()
    assert captured.err == ""
    for name in ("body", "feet", "spine", "all"):
        assert f"**{name}**" in captured.out
    assert captured.out.count("| spinepose-small |") == 4
    content = json.loads((out / "report.json").read_text())
    [model] = content["models"]
    assert content["data"]["people"] == 15
    assert model["subsets"]["spine"]["share"] > 70
    assert {"left", "right", "back"} <= model["views"].keys()
    assert "sit" in model["activities"]
    assert len(model["errors"]) == 37
    rows = {row["name"]: row for row in json.loads((out / "metrics.json").read_text())}
    assert rows["OKS share, spine"]["value"] == round(model["subsets"]["spine"]["share"], 2)
    assert 0 < rows["mean error of the spine, % of the trunk"]["value"] < 100
    assert rows["AP, body"]["data"] == "15 people of synth, truth boxes"
    assert {p.name for p in out.iterdir()} == {
        "report.md",
        "report.json",
        "metrics.json",
        "oks.png",
        "precision.png",
        "errors.png",
        "calibration.png",
    }


def test_json_for_programs_with_detected_boxes(
    examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["eval", "--data", str(examples / "synth"), "--boxes", "detected", "--limit", "3"]
    assert main([*words, "--flip", "--json", "--threads", "1"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["settings"]["detector"] == "spinepose-person"
    assert content["settings"]["flip"] is True
    assert content["data"]["pictures"] == 3
    assert content["models"][0]["found"] > 0
    assert list(tmp_path.iterdir()) == []


def test_models_are_compared_in_one_table(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = ROOT / "src" / "spinepose" / "models" / "weights"
    for suffix in (".onnx", ".json"):
        shutil.copy(weights / f"spinepose-small{suffix}", tmp_path)
    card = tmp_path / "spinepose-small.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"id": "another"}))
    words = ["eval", "--data", str(examples / "synth"), "--limit", "2", "--model", "small"]
    assert main([*words, "--model", str(card.with_suffix(".onnx"))]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    ours, theirs = rows[1], rows[2]
    assert ours.split("|")[2:] == theirs.split("|")[2:]
    assert theirs.startswith("| another ")


def test_models_of_one_name_are_told_apart(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = ROOT / "src" / "spinepose" / "models" / "weights" / "spinepose-small.onnx"
    words = ["eval", "--data", str(examples / "synth"), "--limit", "1", "--model", "small"]
    assert main([*words, "--model", str(weights)]) == 0
    out = capsys.readouterr().out
    assert "| spinepose-small (small) " in out
    assert f"| spinepose-small ({weights}) " in out


def _people(key: str, value: Any) -> Change:
    def change(content: dict[str, Any], folder: Path) -> None:
        content["annotations"][3][key] = value

    return change


def _nobody(content: dict[str, Any], folder: Path) -> None:
    for entry in content["annotations"]:
        entry["keypoints"] = [0] * 111


def _no_pictures(content: dict[str, Any], folder: Path) -> None:
    for path in sorted((folder / "images" / "train-unreal").iterdir())[2:]:
        path.unlink()


def _broken_picture(content: dict[str, Any], folder: Path) -> None:
    next((folder / "images" / "train-unreal").glob("*.jpg")).write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (_people("keypoints", [1, 2, 2] * 20), 7, "has 20 keypoints"),
        (_people("keypoints", [1, float("nan"), 2] * 37), 7, "not a number"),
        (_people("keypoints", "none"), 7, "not a COCO keypoint file"),
        (_people("image_id", -1), 7, "not a COCO keypoint file: lacks -1"),
        (_people("bbox", [1, 2]), 7, "not a COCO keypoint file"),
        (_nobody, 7, "no person has a labelled keypoint"),
        (_no_pictures, 7, "10 of 12 pictures are missing, the first is "),
        (_broken_picture, 3, ".jpg"),
        (lambda content, folder: content.pop("images"), 7, "lacks 'images'"),
        (lambda content, folder: (folder / LABELS).unlink(), 7, "0 files annotations"),
    ],
)
def test_bad_data_is_one_line_and_leaves_nothing(
    change: Change,
    code: int,
    message: str,
    tmp_path: Path,
    examples: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "synth"
    shutil.copytree(examples / "synth", folder)
    content = json.loads((folder / LABELS).read_text())
    (folder / LABELS).write_text("{}")
    change(content, folder)
    if (folder / LABELS).exists():
        (folder / LABELS).write_text(json.dumps(content))
    out = tmp_path / "out"
    assert main(["eval", "--data", str(folder), "--out", str(out)]) == code
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("spinepose: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--data", "nowhere"], 3),
        (["--data", "{broken}"], 7),
        (["--data", "{data}", "--use", "dev"], 2),
        (["--data", "{data}", "--limit", "0"], 2),
        (["--data", "{data}", "--threads", "0"], 2),
        (["--data", "{data}", "--boxes", "guessed"], 2),
        (["--data", "{data}", "--model", "gigantic"], 4),
        (["--data", "{data}", "--model", "none.onnx"], 4),
        (["--data", "{data}", "--boxes", "detected", "--detector", "nobody"], 4),
        (["--data", "{data}", "--device", "toaster"], 5),
        (["--data", "{data}", "--out", "{broken}"], 6),
        ([], 2),
    ],
)
def test_wrong_words_are_one_line_and_leave_nothing(
    words: list[str],
    code: int,
    tmp_path: Path,
    examples: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "broken.json"
    broken.write_text('{"images": [')
    filled = [w.format(data=examples / "synth", broken=broken) for w in words]
    assert main(["eval", *filled]) == code
    captured = capfd.readouterr()
    assert captured.err.startswith("spinepose: error: ")
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [broken]


@pytest.mark.parametrize("module", ["faster_coco_eval", "matplotlib.figure"])
def test_a_missing_extra_is_named_before_anything_runs(
    module: str,
    tmp_path: Path,
    examples: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    out = tmp_path / "out"
    assert main(["eval", "--data", str(examples / "synth"), "--out", str(out)]) == 8
    assert "pip install 'spinepose[eval]'" in capfd.readouterr().err
    assert not out.exists()


def test_the_development_people_read_what_the_card_says(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", "--data", str(shared_data / "data" / "coco"), "--use", "dev", "--json"]
    assert main([*words, "--model", "small", "--flip"]) == 0
    content = json.loads(capsys.readouterr().out)
    share = content["models"][0]["subsets"]["body"]["share"]
    said = [
        metric["value"]
        for metric in find_card("small")["metrics"]
        if metric["name"] == "OKS share, body, flip test" and "133" in metric["data"]
    ]
    assert content["data"]["people"] == 133
    assert share == pytest.approx(said[0], abs=0.3)
