"""Values for JSON and tables for people: nothing that is not known gets through as a number."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spinepose.plain import markdown_table, plain, shown

HEAD, ROWS = ["a", "bb"], [["ccc", "1"]]


def test_what_is_not_known_is_none_however_deep() -> None:
    found = plain({"a": [1.5, (np.nan, {"b": np.inf})], "c": "nan", "d": True, "e": None})
    assert found == {"a": [1.5, [None, {"b": None}]], "c": "nan", "d": True, "e": None}


def test_numbers_and_arrays_of_numpy_are_pythons() -> None:
    found = plain({"a": np.array([[1.0, np.nan]]), "b": np.float32(0.5), 3: np.int64(7)})
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found == {"a": [[1.0, None]], "b": 0.5, "3": 7}
    assert type(found["b"]) is float
    assert type(found["3"]) is int


def test_only_numbers_with_a_point_are_rounded() -> None:
    assert plain([1.23456, np.float64(2.5e-9), 12345], 3) == [1.235, 0.0, 12345]
    assert plain(1.23456) == 1.23456


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1.25, 0, "1"), (-0.06, 1, "-0.1"), (2.0, 3, "2.000"), (np.nan, 1, "-"), (-np.inf, 1, "-")],
)
def test_shown(value: float, digits: int, text: str) -> None:
    assert shown(value, digits) == text


def test_columns_are_left_unless_asked_otherwise() -> None:
    assert markdown_table(HEAD, ROWS) == "| a | bb |\n| --- | --- |\n| ccc | 1 |"


def test_the_last_side_holds_for_all_columns_behind_it() -> None:
    three = markdown_table(["a", "b", "c"], [], align="lr")
    assert three == "| a | b | c |\n| --- | ---: | ---: |"


def test_padded_tables_line_up() -> None:
    assert markdown_table(HEAD, ROWS, align="lr", padded=True) == (
        "| a   | bb |\n|-----|---:|\n| ccc |  1 |"
    )


def test_a_row_with_a_cell_too_many_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        markdown_table(HEAD, [["a", "b", "c"]])
