"""``spinepose annotate`` from photos to labels, as people call it, and what goes wrong."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from spinepose.annotation.page import serve
from spinepose.annotation.project import Project
from spinepose.annotation.records import Correction
from spinepose.cli import main
from spinepose.dataset import read_people
from tests.conftest import ROOT


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the JSON object that a command printed."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture(scope="module")
def guessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of three photos, guessed and with a queue."""
    folder = tmp_path_factory.mktemp("annotate")
    photos = folder / "photos"
    photos.mkdir()
    for name in ("bending", "lifting", "side_bend"):
        shutil.copy(ROOT / "examples" / f"{name}.jpg", photos)
    root = folder / "backs"
    assert main(["annotate", "init", str(root), str(photos), "-q"]) == 0
    assert main(["annotate", "guess", str(root), "-q"]) == 0
    assert main(["annotate", "select", str(root), "2", "-q"]) == 0
    return root


@pytest.fixture
def project(guessed: Path, tmp_path: Path) -> Path:
    """A copy of it, beside its photos."""
    shutil.copytree(guessed.parent, tmp_path / "copy")
    return tmp_path / "copy" / guessed.name


def corrected(root: Path, annotator: str, item: str, shift: float = 0.0) -> None:
    """Correct a person: C7 moved, the rest confirmed."""
    project = Project.open(root)
    guess = project.guesses(0)[item]
    points = guess.keypoints.copy()
    points[project.skeleton.index("neck"), 0] += shift
    known = np.isfinite(points).all(axis=1)
    correction = Correction(
        item=item,
        annotator=annotator,
        time="2026-01-01T00:00:00+00:00",
        round=0,
        keypoints=points,
        visibility=np.where(known, 2, 0),
        moved=np.zeros(len(points), bool),
        tool="page",
        seconds=20.0,
    )
    project.add_corrections(annotator, [correction])


def test_from_photos_to_labels(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = Project.open(project).items()
    assert len(items) == 3
    queue = json.loads((project / "rounds" / "000" / "queue.json").read_text())
    assert len(queue["items"]) == 2
    assert all(entry["reason"] for entry in queue["items"])
    first, second = (entry["item"] for entry in queue["items"])
    corrected(project, "anna", first, 3.0)
    corrected(project, "anna", second)
    corrected(project, "ben", first, 5.0)
    assert main(["annotate", "agreement", str(project), "--json"]) == 0
    pair = told(capsys)
    assert (pair["first"], pair["second"], pair["people"]) == ("anna", "ben", 1)
    assert pair["oks"] > 0.95
    assert main(["annotate", "merge", str(project), "--json"]) == 0
    merged = told(capsys)
    assert (merged["labelled"], merged["conflicts"]) == (2, 0)
    people = read_people(project / "merged.json").people
    assert len(people) == 2
    name = Path(items[first].picture).name
    neck = next(p for p in people if p.path.name == name).keypoints[18]
    guess = Project.open(project).guesses(0)[first].keypoints[18]
    assert neck[0] == pytest.approx(guess[0] + 4.0, abs=0.05)
    assert main(["annotate", "status", str(project), "--json"]) == 0
    status = told(capsys)
    assert (status["items"], status["labelled"], status["waiting"]) == (3, 2, 0)
    assert Path(status["written"]).read_text().startswith("<!doctype html>")
    # What is corrected is not chosen again.
    assert main(["annotate", "select", str(project), "5", "--json"]) == 0
    rest = {entry["item"] for entry in told(capsys)["items"]}
    assert rest == set(items) - {first, second}


def test_steps_can_be_called_again(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["annotate", "guess", str(project), "--json"]) == 0
    assert told(capsys)["guessed"] == 0
    photos = str(project.parent / "photos")
    assert main(["annotate", "init", str(project), photos, "--json"]) == 0
    again = told(capsys)
    assert (again["items"], again["known"]) == (0, 3)


def test_conflicts_are_shown_and_settled(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    item = next(iter(Project.open(project).items()))
    corrected(project, "anna", item)
    corrected(project, "ben", item, 150.0)
    assert main(["annotate", "merge", str(project)]) == 0
    out = capsys.readouterr().out
    assert f"conflict: {item} neck" in out
    assert "1 open conflicts" in out
    assert main(["annotate", "merge", str(project), "--prefer", "ben", "--json"]) == 0
    assert told(capsys)["conflicts"] == 0


def test_what_a_validation_flagged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "photo.jpg"
    shutil.copy(ROOT / "examples" / "bending.jpg", picture)
    found = tmp_path / "photo.json"
    assert main(["-i", str(picture), "-s", str(found), "--no-visual", "-q"]) == 0
    document = json.loads(found.read_text())
    names, triples = document["skeleton"]["keypoints"], document["people"][0]["pose_keypoints_2d"]
    a, b = (3 * names.index(name) for name in ("spine_03", "left_ankle"))
    right, triples[a : a + 2] = triples[a : a + 2], triples[b : b + 2]
    found.write_text(json.dumps(document))
    out, root = tmp_path / "out", tmp_path / "project"
    assert main(["validate", str(found), "-o", str(out), "-q"]) == 0
    command = ["annotate", "flagged", str(root), str(out / "queue.json"), "--json"]
    assert main(command) == 0
    taken = told(capsys)
    assert (taken["round"], taken["items"], taken["missing"]) == (0, 1, 0)
    project = Project.open(root)
    [guess] = project.guesses(0).values()
    k = project.skeleton.index("spine_03")
    assert guess.sources[k] == "body model"
    # The body has it nearer to its place than the wrong network.
    assert np.linalg.norm(guess.keypoints[k] - right) < 0.2 * guess.spread[k]
    with serve(project, "anna") as server:
        assert server.url
    picture.unlink()
    assert main(command) == 7
    assert "can be read here" in capsys.readouterr().err


def test_files_for_other_tools(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = project.parent / "cvat.xml"
    assert main(["annotate", "export", str(project), str(out), "-q"]) == 0
    labels = project.parent / "labels.json"
    words = ["annotate", "export", str(project), str(labels), "--form", "cvat-labels", "-q"]
    assert main(words) == 0
    assert len(json.loads(labels.read_text())[0]["sublabels"]) == 37
    done = out.read_text().replace(">open<", ">done<")
    out.write_text(done)
    words = ["annotate", "import", str(project), str(out), "--as", "anna", "--json"]
    assert main(words) == 0
    assert told(capsys)["added"] == 2
    assert main(words) == 0
    assert told(capsys)["added"] == 0


def test_the_page_of_the_command(project: Path) -> None:
    with serve(Project.open(project), "anna", round=0) as server:
        address = urlsplit(server.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port)
        connection.request("GET", address.path)
        assert connection.getresponse().status == 200
        waiting = threading.Thread(target=server.wait, daemon=True)
        waiting.start()
        connection.close()
    waiting.join(5)
    assert not waiting.is_alive()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["guess", "NOWHERE"], 7, "is no project"),
        (["select", "PROJECT", "0"], 2, "1 or more"),
        (["merge", "PROJECT", "--prefer", "nobody"], 2, "has corrected nothing"),
        (["agreement", "PROJECT"], 7, "no two"),
        (["page", "PROJECT", "--as", "../me", "--no-browser"], 2, "no annotator's name"),
        (["push", "PROJECT", "cvat", "--url", "http://x", "--title", "t"], 2, "CVAT_TOKEN"),
        (["import", "PROJECT", "PROJECT/project.json", "--as", "a"], 7, "broken XML"),
        (["init", "PROJECT", "NOWHERE"], 3, "does not exist"),
        (["train", "PROJECT"], 7, "labelled"),
    ],
)
def test_what_goes_wrong(
    project: Path,
    words: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CVAT_TOKEN", raising=False)
    places = {"PROJECT": str(project), "NOWHERE": str(project.parent / "nowhere")}
    for name, place in places.items():
        words = [word.replace(name, place) for word in words]
    assert main(["annotate", *words]) == code
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in line
    assert "bug" not in line
