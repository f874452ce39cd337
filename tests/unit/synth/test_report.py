"""The report counts right, survives gaps, and is one sound page."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinepose.skeleton import SPINETRACK
from spinepose.synth.charts import bars, histogram
from spinepose.synth.report import statistics_of, write_report

_VOID = {"meta", "rect", "br"}


class _Page(HTMLParser):
    """Checks that tags are closed in order, and keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        assert tag in _VOID

    def handle_data(self, data: str) -> None:
        self.words += data + " "


def _dataset(people: int = 4) -> dict[str, Any]:
    flags = np.tile([2, 1, 0], 13)[:37]
    keypoints = np.column_stack([np.ones((37, 2)), flags]).ravel().tolist()
    subjects = [
        {
            "id": k,
            "scene": k,
            "shape": {"gender": k % 2, "age": 0.6, "weight": 0.5, "muscle": 0.4},
            "stature_m": 1.7 + 0.01 * k,
            "neutral": {"variant": "healthy", "lordosis": 40.0 + k, "kyphosis": 33.0},
            "clothes": ["t-shirt", "<b>hat</b>"],
            "belongings": [],
        }
        for k in range(people)
    ]
    annotations = [
        {
            "id": k,
            "image_id": k // 2,
            "subject": k,
            "bbox": [0, 0, 10, 100 + k],
            "keypoints": [int(value) for value in keypoints],
            "activity": "walk" if k else "sit",
            "view": "back",
            "angles": {"lordosis": 20.0, "kyphosis": 30.0, "scoliosis": 1.0},
            "trunk": {"flexion": 10.0 * k, "lateral": 0.0, "twist": 0.0},
            "inside_silhouette": 1.0 if k else None,
        }
        for k in range(people)
    ]
    images = [
        {"id": k, "scene": k, "backdrop": {"kind": "room", "name": "room 1"}} for k in range(3)
    ]
    return {
        "info": {"command": "spinepose synth --out a&b", "version": "3", "seed": 7, "anny": "0"},
        "images": images,
        "cameras": [{"id": 1}],
        "subjects": subjects,
        "annotations": annotations,
    }


def test_counts() -> None:
    statistics = statistics_of(_dataset())
    assert statistics["counts"] == {
        "people": 4, "pictures": 3, "scenes": 3, "cameras": 1, "subjects": 4,
    }  # fmt: skip
    assert statistics["activities"] == {"walk": 3, "sit": 1}
    assert statistics["people_per_image"] == {"0": 1, "2": 2}
    assert statistics["visibility"]["nose"] == {"visible": 1.0, "occluded": 0.0, "outside": 0.0}
    assert statistics["visibility"]["left_eye"]["occluded"] == 1.0
    assert list(statistics["visibility"]) == list(SPINETRACK.keypoints)
    assert statistics["neutral_lordosis_deg"]["women"]["mean"] == pytest.approx(42.0)
    assert statistics["clothes"]["t-shirt"] == 4
    assert statistics["inside_silhouette"] == pytest.approx(0.75)
    json.dumps(statistics, allow_nan=False)


@pytest.mark.parametrize("people", [4, 0])
def test_one_sound_page_with_everything_escaped(tmp_path: Path, people: int) -> None:
    path = tmp_path / "report.html"
    write_report(_dataset(people), path)
    text = path.read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert "a&b" in page.words
    assert "<b>hat" not in text
    assert "<script" not in text
    assert "http" not in text
    assert len(text) < 300_000
    if people:
        assert "walk" in page.words
    else:
        assert "not recorded" in page.words


def test_charts_of_nothing_and_of_one_value() -> None:
    assert "not recorded" in bars("a", {})
    assert "not recorded" in histogram("a", {"b": [float("nan")]}, "m")
    assert "1.75" in histogram("a", {"b": [1.75, 1.75]}, "m")
