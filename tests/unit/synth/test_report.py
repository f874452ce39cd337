"""The report counts right, survives gaps, and is one sound page."""

from __future__ import annotations

import copy
import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinepose.draw.charts import bars, histogram, stacked
from spinepose.skeleton import SPINETRACK
from spinepose.synth.report import statistics_of, write_report

_VOID = {"meta", "rect", "path"}
_LISTS = ("images", "cameras", "subjects", "annotations")


class _Page(HTMLParser):
    """Checks that tags are closed in order, and keeps the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        assert tag in _VOID

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _camera(number: int, height: float) -> dict[str, Any]:
    """Return a level camera at a height over the ground, looking along y, off the origin."""
    rotation = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    translation = -rotation @ [2.0, -4.0, height]
    return {"id": number, "R": rotation.tolist(), "t": translation.tolist()}


def _dataset(people: int = 4) -> dict[str, Any]:
    flags = np.tile([2, 1, 0], 13)[:37]
    keypoints = np.column_stack([np.ones((37, 2)), flags]).ravel().tolist()
    subjects = [
        {
            "id": k,
            "scene": k,
            "shape": {"gender": k % 2, "age": 0.6, "weight": 0.5, "muscle": 0.4},
            "stature_m": 1.7 + 0.01 * k,
            "neutral": {
                "variant": "healthy", "lordosis": 40.0 + k, "kyphosis": 33.0, "scoliosis": 0.0,
            },
            "clothes": ["t-shirt", "<b>hat</b>"],
            "belongings": [],
        }
        for k in range(people)
    ]  # fmt: skip
    annotations = [
        {
            "id": k,
            "image_id": k // 2,
            "subject": k,
            "bbox": [0, 0, 10, 100 + k],
            "keypoints": [int(value) for value in keypoints],
            "activity": "walk" if k else "sit",
            "view": "back" if k else "front-left",
            "angles": {"lordosis": 20.0, "kyphosis": 30.0, "scoliosis": 1.0},
            "trunk": {"flexion": 10.0 * k, "lateral": 0.0, "twist": 0.0},
            "inside_silhouette": 1.0 if k else 0.0,
        }
        for k in range(people)
    ]
    images = [
        {"id": k, "scene": k, "backdrop": {"kind": "room", "name": "room 1"}} for k in range(3)
    ]
    return {
        "info": {"command": "spinepose synth --out a&b", "version": "3", "seed": 7, "anny": "0"},
        "images": images,
        "cameras": [_camera(1, 0.2), _camera(2, 1.6), _camera(3, 1.7), _camera(4, 9.0)],
        "subjects": subjects,
        "annotations": annotations,
    }


def test_counts() -> None:
    statistics = statistics_of(_dataset())
    assert statistics["counts"] == {
        "people": 4, "pictures": 3, "scenes": 3, "cameras": 4, "subjects": 4,
    }  # fmt: skip
    assert statistics["activities"] == {"walk": 3, "sit": 1}
    assert list(statistics["views"].items()) == [("front-left", 1), ("back", 3)]
    assert statistics["people_per_image"] == {"0": 1, "2": 2}
    assert statistics["visibility"]["nose"] == {"visible": 1.0, "occluded": 0.0, "outside": 0.0}
    assert statistics["visibility"]["left_eye"]["occluded"] == 1.0
    assert list(statistics["visibility"]) == list(SPINETRACK.keypoints)
    assert statistics["backdrops"] == {"room": 3}
    assert statistics["spines"] == {"healthy": 4}
    assert statistics["clothes"]["t-shirt"] == 4
    assert statistics["belongings"] == {}
    json.dumps(statistics, allow_nan=False)


def test_measures() -> None:
    statistics = statistics_of(_dataset())
    assert statistics["neutral_lordosis_deg"]["women"]["mean"] == pytest.approx(42.0)
    assert statistics["neutral_lordosis_deg"]["men"] == {
        "count": 2, "mean": 41.0, "deviation": 1.0, "lowest": 40.0, "highest": 42.0,
    }  # fmt: skip
    assert statistics["stature_m"]["women"]["mean"] == pytest.approx(1.72)
    assert statistics["box_height_px"]["mean"] == pytest.approx(101.5)
    assert statistics["trunk_flexion_deg"]["highest"] == 30.0
    assert statistics["lordosis_deg"]["mean"] == 20.0


def test_cameras_are_sorted_by_their_height_in_the_world() -> None:
    heights = statistics_of(_dataset())["camera_heights"]
    assert {name: count for name, count in heights.items() if count} == {
        "below 0.5 m": 1, "1.5 to 2 m": 2, "3 m and more": 1,
    }  # fmt: skip
    assert sum(heights.values()) == 4


def test_share_inside_the_silhouette_weighs_keypoints() -> None:
    dataset = _dataset()
    assert statistics_of(dataset)["inside_silhouette"] == pytest.approx(0.75)
    first, second, *others = dataset["annotations"]
    first["inside_silhouette"], second["inside_silhouette"] = [3, 4], None
    for other in others:
        del other["inside_silhouette"]
    assert statistics_of(dataset)["inside_silhouette"] == pytest.approx(0.75)
    first["inside_silhouette"] = None
    assert statistics_of(dataset)["inside_silhouette"] is None


@pytest.mark.parametrize("people", [4, 0])
def test_one_sound_page(tmp_path: Path, people: int) -> None:
    path = tmp_path / "report.html"
    statistics = write_report(_dataset(people), path)
    assert statistics == statistics_of(_dataset(people))
    text = path.read_text(encoding="utf-8")
    words = _Page(text).words
    assert "spinepose synth --out a&b" in words
    assert "7" in words
    for outside in ("<script", "http", "url(", "@import", "src="):
        assert outside not in text
    assert words.count(str(people)) >= 2  # people and subjects, among the counts at the top
    assert ("walk" in words) == bool(people)
    assert ("not recorded" in words) == (not people)
    write_report(_dataset(people), tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == text


def test_everything_is_escaped(tmp_path: Path) -> None:
    evil = '<i x="1">&'

    def spoiled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoiled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [spoiled(inner) for inner in value]
        return evil if isinstance(value, str) else value

    path = tmp_path / "report.html"
    write_report(spoiled(_dataset()), path)
    text = path.read_text(encoding="utf-8")
    assert "<i" not in text
    # Command, versions; activity, view, background, kind of spine, clothes.
    assert sum(evil in word for word in _Page(text).words) == 7


def test_time_taken_is_shown_when_known(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert write_report(_dataset(), path, seconds=130.0)["seconds"] == 130.0
    assert "2 min 10 s" in _Page(path.read_text(encoding="utf-8")).words
    assert write_report(_dataset(), path)["seconds"] is None
    assert " min " not in path.read_text(encoding="utf-8")


def _without_one_field() -> list[tuple[str, str]]:
    dataset = _dataset()
    return [(name, key) for name in _LISTS for key in dataset[name][0]]


@pytest.mark.parametrize(("name", "key"), _without_one_field())
@pytest.mark.parametrize("how", ["absent", "null"])
def test_a_missing_field_does_not_matter(tmp_path: Path, name: str, key: str, how: str) -> None:
    dataset = _dataset()
    for entry in dataset[name]:
        if how == "null":
            entry[key] = None
        else:
            del entry[key]
    statistics = write_report(dataset, tmp_path / "report.html")
    json.dumps(statistics, allow_nan=False)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    _Page(text)
    unused = {"id", "scene", "subject", "belongings"} - ({"scene"} if name == "images" else set())
    if key not in unused:
        assert "not recorded" in text


@pytest.mark.parametrize("dataset", [{}, {name: [{}] for name in _LISTS}, {"info": None}])
def test_nothing_recorded_at_all(tmp_path: Path, dataset: dict[str, Any]) -> None:
    path = tmp_path / "report.html"
    statistics = write_report(dataset, path)
    assert statistics["counts"]["people"] == (1 if dataset.get("annotations") else None)
    assert statistics["views"] == statistics["visibility"] == statistics["clothes"] == {}
    assert statistics["stature_m"]["men"] == {"count": 0}
    assert _Page(path.read_text(encoding="utf-8")).words.count("not recorded") > 20


def test_a_field_missing_in_some_entries_is_counted() -> None:
    dataset = _dataset()
    del dataset["annotations"][0]["activity"]
    del dataset["subjects"][0]["shape"]
    dataset["annotations"][0]["trunk"]["flexion"] = float("nan")
    statistics = statistics_of(dataset)
    assert statistics["activities"] == {"walk": 3, "not recorded": 1}
    assert statistics["trunk_flexion_deg"]["count"] == 3
    stature = statistics["stature_m"]
    assert {name: summary["count"] for name, summary in stature.items()} == {
        "men": 1, "women": 2, "sex not recorded": 1,
    }  # fmt: skip


def test_a_large_set_is_a_small_page_soon(tmp_path: Path) -> None:
    dataset, rng = _dataset(), np.random.default_rng(0)
    person, subject = dataset["annotations"][0], dataset["subjects"][0]
    heights, angles = rng.gamma(6, 60, 20_000).tolist(), rng.normal(30, 15, 20_000).tolist()
    dataset["annotations"] = [
        person
        | {"activity": f"activity {k % 60}", "image_id": k % 9000, "bbox": [0, 0, 1, heights[k]]}
        | {"angles": dict.fromkeys(person["angles"], angles[k])}
        for k in range(20_000)
    ]
    dataset["subjects"] = [
        copy.copy(subject) | {"clothes": [f"thing {k % 300}"], "belongings": [f"bag {k % 99}"]}
        for k in range(20_000)
    ]
    path = tmp_path / "report.html"
    start = time.perf_counter()
    write_report(dataset, path)
    assert time.perf_counter() - start < 10
    assert path.stat().st_size < 300_000
    assert "and 20 more" in path.read_text(encoding="utf-8")


def test_bars_are_as_long_as_their_numbers() -> None:
    chart = bars("a", {"x": 30, "y": 15, "z" * 40: 0}, most=3)
    lengths = [float(length) for length in re.findall(r'width="([\d.]+)"', chart)]
    assert lengths[1] == pytest.approx(lengths[0] / 2, abs=0.1)
    assert lengths[2] == 0
    assert {"30 (66.7 %)", "15 (33.3 %)"} <= set(_Page(chart).words)
    assert "z" * 25 not in chart
    assert "20 (200.0 %)" in bars("a", {"x": 20}, whole=10)
    assert "12,345 (" in bars("a", {"x": 12_345})


def test_shares_are_stacked_and_printed() -> None:
    chart = stacked("a", [("p", (0.5, 0.3, 0.2)), ("q", (0, 0, 1))], ("u", "v", "w"), {"q"})
    assert [word for word in _Page(chart).words if word.isdigit()] == [
        "50",
        "30",
        "20",
        "0",
        "0",
        "100",
    ]
    assert chart.count('class="soft"') == 1
    edges = re.findall(r'<rect class="g\d" x="([\d.]+)" y="21" width="([\d.]+)"', chart)
    starts, widths = np.array(edges, float).T
    np.testing.assert_allclose(starts[1:], (starts + widths)[:-1], atol=0.11)
    assert "not recorded" in stacked("a", [], ("u",), set())


def test_histogram_puts_every_value_between_round_edges() -> None:
    values = np.random.default_rng(1).normal(1.7, 0.1, 3000)
    words = _Page(histogram("a", {"b": values, "none": []}, "m")).words
    assert words[0] == "a, m"
    assert words[1].startswith("b: 1.7")
    assert words[1].endswith("n = 3,000")
    # Counts stand before the edges, and 3000 values do not have edges like 1.4.
    assert sum(int(word) for word in words[2:] if word.isdigit() and word != "2") == 3000
    for low, high in ((0.1, 0.7), (-3.0, 3.0), (-1e6, 1e6), (1e-4, 3e-4), (0.3, 0.6)):
        spread = np.linspace(low, high, 50)
        assert _columns_of(histogram("a", {"b": spread}, "")) == 50


def _columns_of(chart: str) -> int:
    """Return the sum of the numbers on the columns: those over the axis."""
    numbers = re.findall(r'<text class="m" x="[\d.]+" y="([\d.]+)">([^<]+)<', chart)
    axis = max(float(y) for y, _ in numbers)
    return sum(int(text) for y, text in numbers if float(y) < axis)


def test_charts_of_nothing_and_of_one_value() -> None:
    assert "not recorded" in bars("a", {})
    assert "nobody" in bars("a", {}, empty="nobody")
    assert "not recorded" in histogram("a", {"b": [float("nan")]}, "m")
    assert "1.75" in histogram("a", {"b": [1.75, 1.75]}, "m")
    assert _columns_of(histogram("a", {"b": [0.0, 0.0]}, "m")) == 2
