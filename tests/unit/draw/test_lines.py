"""Lines over time are where they belong, break at gaps, and stay small."""

from __future__ import annotations

import re

import numpy as np
import pytest

from spinepose.draw.lines import lines


def _strokes(chart: str, look: int) -> list[np.ndarray]:
    found = re.findall(rf'class="s{look}" points="([^"]*)"', chart)
    return [np.array([pair.split(",") for pair in text.split()], float) for text in found]


def _plot(chart: str) -> tuple[float, float]:
    match = re.search(r'data-plot="(\d+) (\d+)"', chart)
    assert match is not None
    return float(match[1]), float(match[2])


def _level(chart: str, text: str) -> float:
    """Return how far down a number of the axis stands."""
    match = re.search(rf'V?M?\d+ ([\d.]+)H\d+"/><text class="n" x="\d+" y="[\d.]+">{text}<', chart)
    assert match is not None
    return float(match[1])


def test_values_are_at_their_places() -> None:
    chart = lines("a", [2.0, 3.0, 4.0], {"b": [0.0, 50.0, 100.0]}, "mm", limits={"c": 25.0})
    left, right = _plot(chart)
    (stroke,) = _strokes(chart, 0)
    np.testing.assert_allclose(stroke[:, 0], [left, (left + right) / 2, right], atol=0.1)
    assert stroke[0, 1] == pytest.approx(_level(chart, "0"), abs=0.1)
    assert stroke[2, 1] == pytest.approx(_level(chart, "100"), abs=0.1)
    assert stroke[1, 1] == pytest.approx((stroke[0, 1] + stroke[2, 1]) / 2, abs=0.1)
    assert 'data-time="2 4"' in chart
    limit = re.search(r'class="limit" d="M\d+ ([\d.]+)', chart)
    assert limit is not None
    assert float(limit[1]) == pytest.approx(0.75 * stroke[0, 1] + 0.25 * stroke[2, 1], abs=0.1)


def test_lines_break_where_nothing_is_known() -> None:
    nan = np.nan
    chart = lines("a", np.arange(7), {"b": [1, 2, nan, 3, nan, 1, 2], "c": [nan] * 7}, "")
    strokes = _strokes(chart, 0)
    assert [len(stroke) for stroke in strokes] == [2, 2, 2]  # one point alone is a short stroke
    assert np.ptp(strokes[1][:, 0]) == 2
    assert _strokes(chart, 1) == []


def test_large_values_are_drawn_at_the_ceiling_and_told() -> None:
    chart = lines("a", np.arange(3), {"b": [10.0, 5000.0, 20.0]}, "mm", ceiling=200)
    (stroke,) = _strokes(chart, 0)
    assert stroke[1, 1] == pytest.approx(_level(chart, "200"), abs=0.1)
    assert "b (up to 5,000)" in chart


def test_many_values_keep_their_peaks() -> None:
    values = np.zeros(100_000)
    values[54_321], values[70_000:70_100] = 80.0, np.nan
    chart = lines("a", np.arange(100_000) / 50, {"b": values}, "mm")
    strokes = _strokes(chart, 0)
    assert sum(map(len, strokes)) <= 620
    top = min(strokes, key=lambda stroke: stroke[:, 1].min())
    assert top[:, 1].min() == pytest.approx(_level(chart, "80"), abs=0.1)


def test_nothing_and_one_moment() -> None:
    assert "not recorded" in lines("a", [0.0, 1.0], {"b": [np.nan, np.nan]}, "mm")
    assert "not recorded" in lines("a", [], {}, "mm")
    (stroke,) = _strokes(lines("<a>", [0.0], {"b<": [3.0]}, "mm"), 0)
    assert np.isfinite(stroke).all()
    assert "<a>" not in lines("<a>", [0.0], {"b<": [3.0]}, "mm")
