"""The page holds everything, allows nothing else, and escapes what it is given."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinepose.curation import browser
from spinepose.curation.browser import browser_page, write_browser
from spinepose.curation.entries import Entry, entries_of
from spinepose.curation.label_files import read_sets
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import SPINETRACK
from tests.unit.curation.sets import content, write_set


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    labels = content(3)
    labels["annotations"][1].update(view="back", activity="</script><b>")
    labels["annotations"][1]["keypoints"][:6] = [0, 0, 0, 70, 60, 1]
    found = entries_of(read_sets(write_set(tmp_path, train=labels)))
    found[1] = replace(found[1], score=0.25, flags=("box: <img src=x>",))
    return found


def data_of(page: str) -> dict:
    (text,) = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_people_are_on_the_page(entries: list[Entry]) -> None:
    data = data_of(browser_page(entries, side=100))
    assert [person["place"] for person in data["people"]] == [0, 1, 2]
    first, second, _ = data["people"]
    assert (first["score"], second["score"]) == (None, 0.25)
    assert (second["labels"], second["hidden"], second["height"]) == (36, 1, 140)
    assert second["keypoints"][:3] == [0, 0, 0]
    assert second["keypoints"][5] == 1
    points = np.array(first["keypoints"]).reshape(-1, 3)
    assert ((points[:, :2] > 0) & (points[:, :2] < 100)).all()
    assert len(data["parts"]) == len(SPINETRACK)
    assert {part for *_, part in data["bones"]} | set(data["parts"]) <= {
        "left",
        "right",
        "head",
        "trunk",
        "spine",
    }
    kind, _, picture = first["picture"].partition(",")
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_COLOR)
    assert kind == "data:image/jpeg;base64"
    assert decoded.shape == (100, 100, 3)


def test_nothing_from_outside_and_no_other_script(entries: list[Entry]) -> None:
    page = browser_page(entries, title="a <b> title")
    assert "<b>" not in page
    assert "<img" not in page
    assert "style=" not in page.replace("<style>", "")
    assert not re.search(r'(src|href)="', page)
    assert page.count("<script>") == 1
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_every_part_that_the_script_asks_for_is_there(entries: list[Entry]) -> None:
    page = browser_page(entries)
    script = (Path(browser.__file__).with_name("browser.js")).read_text()
    asked = set(re.findall(r'by\("(\w+)"\)', script)) | {"split", "view", "activity"}
    assert asked <= set(re.findall(r'id="(\w+)"', page))
    orders = re.search(r"const orders = \{(.*?)\};", script, re.DOTALL)
    assert orders
    assert set(re.findall(r"(\w+): \(", orders[1])) == set(browser._ORDERS)


def test_limits(entries: list[Entry], tmp_path: Path) -> None:
    write_browser(tmp_path / "people.html", entries)
    assert (tmp_path / "people.html").read_text() == browser_page(entries)
    with pytest.raises(DataError, match="nobody"):
        browser_page([])
    with pytest.raises(UsageError, match="too many"):
        browser_page(entries * 2000)
