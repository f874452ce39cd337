"""The learning curve is that of people whom no round learned from; the page says all of it."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinepose.annotation.merge import Conflict
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, Item
from spinepose.annotation.selection import select
from spinepose.annotation.status import learned_items, status
from spinepose.annotation.status_page import write_status
from spinepose.annotation.thumbnails import thumbnail
from spinepose.errors import DataError
from spinepose.skeleton import SPINETRACK
from tests.unit.annotation.projects import add_guess, correct, make_project

TRUNK = 60.0
SPINE = len(SPINETRACK.spine)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", 6, groups=["a", "a", "b", "c", "d", "e"])


def _learned(project: Project, number: int, items: list[str]) -> None:
    (project.round_folder(number) / "learned.json").write_text(json.dumps(items))


def test_an_empty_project(project: Project) -> None:
    found = status(project)
    assert (found.items, found.labelled, found.rounds) == (6, 0, ())
    assert "0 of 6 people labelled" in found.to_markdown()


def test_numbers(project: Project) -> None:
    for number, off in enumerate((12.0, 6.0)):
        for item in range(6):
            # Whom it learned from it guesses well, which must not count.
            known = number == 1 and item < 2
            add_guess(project, f"i{item}", number, 0.0 if known else off, f"net {number}")
    select(project, 1, 4, strategy="random")
    correct(project, "ann", "i0", seconds=20)
    correct(project, "ann", "i2", shift={"spine_03": (1, 0)}, seconds=40)
    correct(project, "ann", "i3", rejected=True)
    correct(project, "bob", "i2", visibility={"nose": ABSENT}, number=1)
    _learned(project, 1, ["i0"])
    found = status(project)
    assert (found.labelled, found.rejected, found.conflicts) == (2, 1, 1)
    assert found.annotators == {"ann": (3, 30.0), "bob": (1, pytest.approx(np.nan, nan_ok=True))}
    queue = json.loads((project.round_folder(1) / "queue.json").read_text())
    assert found.waiting == len({c["item"] for c in queue["items"]} - {"i0", "i2", "i3"})
    first, second = found.rounds
    assert (first.learned, first.people, first.model) == (0, 1, "net 0")
    assert (second.learned, second.people, second.model) == (1, 1, "net 1")
    # One keypoint of the spine lies half a pixel to the right: the mean of two words.
    assert first.spine_error == pytest.approx((12 - 0.5 / SPINE) / TRUNK, rel=1e-3)
    assert second.spine_error == pytest.approx((6 - 0.5 / SPINE) / TRUNK, rel=1e-3)
    assert first.moved == pytest.approx(np.mean([0, 1 / len(SPINETRACK), 0]))
    assert second.moved == 0
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["annotators"]["bob"]["median_seconds"] is None
    assert plain["rounds"][1]["spine_error"] == pytest.approx(second.spine_error, abs=1e-5)


def test_nobody_to_measure_on(project: Project) -> None:
    add_guess(project, "i0", 0)
    correct(project, "ann", "i0")
    _learned(project, 0, ["i1"])  # of the same group
    (found,) = status(project).rounds
    assert found.people == 0
    assert np.isnan(found.spine_error)
    assert "| - |" in status(project).to_markdown()


def test_a_broken_list_is_told(project: Project) -> None:
    add_guess(project, "i0", 0)
    (project.round_folder(0) / "learned.json").write_text("[")
    with pytest.raises(DataError, match=r"learned\.json"):
        learned_items(project, 0)


def test_the_page(project: Project, tmp_path: Path) -> None:
    for number, off in enumerate((12.0, 9.0, 6.0)):
        for item in range(6):
            add_guess(project, f"i{item}", number, off, "<net>")
    _learned(project, 1, ["i0"])
    _learned(project, 2, ["i0", "i1", "i3"])
    correct(project, "ann", "i2")
    correct(project, "bob", "i2", shift={"spine_03": (50, 0)})
    correct(project, "ann", "i4", rejected=True)
    correct(project, "bob", "i4")
    path = tmp_path / "status.html"
    found = write_status(project, path)
    page = path.read_text(encoding="utf-8")
    assert found.conflicts == 2
    assert "<net>" not in page
    assert "&lt;net&gt;" in page
    assert 'src="' not in page
    assert "<script" not in page
    curve = re.search(r'data-time="0 3".*?class="s0" points="([^"]*)"', page)
    assert curve is not None
    x, y = np.array([pair.split(",") for pair in curve[1].split()], float).T
    # People 0, 1, 3 and errors 12, 9, 6: straight steps on both axes.
    assert (x[1] - x[0]) / (x[2] - x[0]) == pytest.approx(1 / 3, abs=0.01)
    assert (y[1] - y[0]) == pytest.approx(y[2] - y[1], abs=0.3)
    assert y[2] > y[0]
    assert page.index("whole person") < page.index("spine_03</td>")
    assert page.count("data:image/jpeg") == 2
    assert "over corrected people learned from" in page
    assert "ann: rejected; bob: kept" in page
    assert "ann and bob" in page


def test_a_page_of_an_empty_project(project: Project, tmp_path: Path) -> None:
    write_status(project, tmp_path / "status.html")
    page = (tmp_path / "status.html").read_text(encoding="utf-8")
    assert "not recorded" in page
    assert "No two annotators" in page


def test_thumbnails_show_the_places() -> None:
    image = np.zeros((200, 160, 3), np.uint8)
    image[98:103, 48:53] = 255  # around (50, 100)
    item = Item("i", "p", "s", (160, 200), np.array([0.0, 0, 100, 200]), "g")
    said = {"ann": [50.0, 100.0, 2], "b<b": [70.0, 100.0, 2], "cid": "absent"}
    cut = thumbnail(image, item, Conflict("i", "hip", said, 3.0))
    places = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', cut)
    (x, y), (other, _) = np.array(places, float)
    assert other - x == pytest.approx(20 * 150 / 80, abs=0.2)  # 40 px to each side
    assert "b&lt;b" in cut
    data = re.search(r"base64,([^\"]*)", cut)
    assert data is not None
    shown = cv2.imdecode(np.frombuffer(b64decode(data[1]), np.uint8), cv2.IMREAD_GRAYSCALE)
    rows, columns = np.nonzero(shown > 128)
    assert [columns.mean() + 0.5, rows.mean() + 0.5] == pytest.approx([x, y], abs=0.6)


def test_a_picture_that_is_gone_has_no_thumbnail(project: Project, tmp_path: Path) -> None:
    correct(project, "ann", "i2")
    correct(project, "bob", "i2", shift={"spine_03": (50, 0)})
    (project.root / "pictures" / "2.png").unlink()
    write_status(project, tmp_path / "status.html")
    assert "spine_03" in (tmp_path / "status.html").read_text(encoding="utf-8")
