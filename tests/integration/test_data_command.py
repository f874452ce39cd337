"""``spinepose data`` as people call it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import pytest

from spinepose.cli import main
from spinepose.dataset import read_people
from tests.conftest import ROOT

LABELS = "annotations/person_keypoints_train-unreal.json"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A copy of the rendered examples."""
    return Path(shutil.copytree(ROOT / "examples" / "synth", tmp_path / "people"))


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_check_and_mend(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(people), "--json"]) == 0
    assert told(capsys) == {"problems": [], "backups": []}
    path = people / LABELS
    content = json.loads(path.read_text())
    content["annotations"][0]["num_keypoints"] = 99
    content["annotations"][1]["image_id"] = 123456
    path.write_text(json.dumps(content))
    assert main(["data", "check", str(people), "--json"]) == 7
    kinds = {problem["kind"] for problem in told(capsys)["problems"]}
    assert {"num-keypoints", "image-unknown"} <= kinds
    assert main(["data", "check", str(people), "--fix", "--json"]) == 0
    assert told(capsys)["backups"] == [f"{path}.bak"]
    assert len(json.loads(path.read_text())["annotations"]) == len(content["annotations"]) - 1


def test_a_missing_picture_is_an_error(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next((people / "images").rglob("*.jpg")).unlink()
    assert main(["data", "check", str(people)]) == 7
    assert "picture-missing" in capsys.readouterr().out
    assert main(["data", "check", str(people), "--no-pictures", "-q"]) == 0


def test_info_show_and_browse(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html, sheet, page = tmp_path / "info.html", tmp_path / "sheet.png", tmp_path / "people.html"
    assert main(["data", "info", str(people), "--html", str(html), "--json"]) == 0
    [split] = told(capsys)["splits"]
    assert split["people"] == 15
    assert html.read_text().startswith("<!doctype html>")
    command = ["data", "show", str(people), "--out", str(sheet), "--people", "6", "--columns", "3"]
    assert main(command) == 0
    assert cv2.imread(str(sheet)) is not None
    fiftyone = tmp_path / "labels.json"
    words = ["--out", str(page), "--people", "5", "--worst", "--fiftyone", str(fiftyone)]
    assert main(["data", "browse", str(people), *words]) == 0
    assert page.read_text().count("data:image/jpeg") == 5
    assert len(json.loads(fiftyone.read_text())["annotations"]) == 15


def test_convert_to_another_skeleton_and_form(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "coco.json"
    assert main(["data", "convert", str(people), str(out), "--skeleton", "coco", "--json"]) == 0
    assert told(capsys)["people"] == 15
    content = json.loads(out.read_text())
    assert content["categories"][0]["keypoints"][5] == "left_shoulder"
    assert len(content["annotations"][0]["keypoints"]) == 51
    folder = people / "images" / "train-unreal"
    assert len(read_people(out, images=folder).people) == 15
    assert main(["data", "convert", str(people), str(tmp_path / "yolo"), "--to", "yolo"]) == 0
    assert (tmp_path / "yolo" / "data.yaml").exists()
    assert main(["data", "mapping", "halpe26", "spinetrack"]) == 0
    assert "neck" in capsys.readouterr().out


def test_pictures_of_nobody_are_converted(people: Path, tmp_path: Path) -> None:
    content = json.loads((people / LABELS).read_text())
    content["annotations"] = []
    (people / LABELS).write_text(json.dumps(content))
    out = tmp_path / "yolo"
    assert main(["data", "convert", str(people), str(out), "--to", "yolo"]) == 0
    assert len(read_people(out, use="train").pictures) == len(content["images"])


def test_skeletons_that_help_names_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "mapping", "--help"]) == 0
    said = " ".join(re.findall(r"[\w:,.]+", capsys.readouterr().out))
    named = re.search(r"Skeleton:([\w, ]+)\.", said)
    assert named is not None
    for name in named[1].split(","):
        assert main(["data", "mapping", "spinetrack", name.strip()]) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "nowhere"], 3, "nowhere"),
        (["convert", "nowhere", "x.json"], 3, "nowhere"),
        (["convert", "PEOPLE", "x.json", "--skeleton", "dog"], 2, "no skeleton"),
        (["show", "PEOPLE", "--split", "val"], 2, "no split"),
        (["show", "PEOPLE", "--columns", "0"], 2, "at least one"),
        (["show", "PEOPLE", "--people", "0"], 2, "0 people"),
        (["download", "OUT", "--split", "moon"], 2, "moon"),
    ],
)
def test_what_goes_wrong(
    people: Path, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"PEOPLE": str(people), "OUT": str(people.parent / "out")}
    assert main(["data", *(places.get(word, word) for word in words)]) == code
    assert said in capsys.readouterr().err.strip().splitlines()[-1]


def test_download_without_a_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("SPINEPOSE_OFFLINE", "1")
    assert main(["data", "download", str(tmp_path / "spinetrack"), "-q"]) == 7
    assert "SPINEPOSE_OFFLINE" in capsys.readouterr().err
