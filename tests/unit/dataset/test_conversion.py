"""From skeleton to skeleton by name, with differences stated."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from spinepose.dataset.conversion import (
    DEFINITIONS,
    DERIVED,
    SYNONYMS,
    canonical,
    columns,
    convert,
    mapping_table,
    relations,
)
from spinepose.errors import UsageError
from spinepose.skeleton import COCO17, HALPE26, LSP14, SKELETONS, SPINETRACK, WHOLEBODY23, Skeleton

PAIRS = list(product(SKELETONS.values(), SKELETONS.values()))


def points(skeleton: Skeleton, people: int = 2) -> np.ndarray:
    values = np.random.default_rng(3).uniform(0, 100, (people, len(skeleton), 2))
    return values.astype(np.float32)


@pytest.mark.parametrize(("start", "target"), PAIRS, ids=lambda s: s.name)
def test_what_both_have_arrives_and_all_else_is_missing(start, target):
    given = points(start)
    found, exact = convert(given, start, target)
    assert found.shape == (2, len(target), 2)
    assert found.dtype == given.dtype
    names = {canonical(n): i for i, n in enumerate(start.keypoints)}
    for row, name in enumerate(target.keypoints):
        if canonical(name) in names:
            np.testing.assert_array_equal(found[:, row], given[:, names[canonical(name)]])
        else:
            assert np.isnan(found[:, row]).all()
            assert not exact[row]


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_a_skeleton_is_itself(skeleton):
    given = points(skeleton)
    found, exact = convert(given, skeleton, skeleton)
    np.testing.assert_array_equal(found, given)
    assert exact.all()


@pytest.mark.parametrize(("start", "target"), PAIRS, ids=lambda s: s.name)
def test_there_and_back_keeps_what_both_have(start, target):
    given = points(start)
    back, _ = convert(convert(given, start, target)[0], target, start)
    shared = np.isfinite(back)
    np.testing.assert_array_equal(back[shared], given[shared])
    assert shared.any()


def test_the_hip_of_halpe_is_not_the_sacrum():
    _, exact = convert(points(HALPE26), HALPE26, SPINETRACK)
    inexact = {n for n, e in zip(SPINETRACK.keypoints[:26], exact, strict=False) if not e}
    assert inexact == {"hip", "neck"}
    (hip,) = [r for r in relations(HALPE26, SPINETRACK) if r.target == "hip"]
    assert hip.kind == "near"
    assert "between the hip joints" in hip.note
    assert "sacrum" in hip.note


def test_middles_are_guessed_only_when_asked():
    given = points(COCO17)
    neck, hip = SPINETRACK.indices(["neck", "hip"])
    found, exact = convert(given, COCO17, SPINETRACK)
    assert np.isnan(found[:, [neck, hip]]).all()
    found, exact_too = convert(given, COCO17, SPINETRACK, approximate=True)
    shoulders = COCO17.indices(["left_shoulder", "right_shoulder"])
    np.testing.assert_allclose(found[:, neck], given[:, shoulders].mean(axis=1))
    np.testing.assert_array_equal(exact, exact_too)
    assert not exact[[neck, hip]].any()
    given[0, shoulders[0]] = np.nan
    found, _ = convert(given, COCO17, SPINETRACK, approximate=True)
    assert np.isnan(found[0, neck]).all()
    assert np.isfinite(found[1, neck]).all()


def test_a_labelled_point_is_not_guessed_over():
    given = points(HALPE26)
    found, _ = convert(given, HALPE26, SPINETRACK, approximate=True)
    at = SPINETRACK.index("neck")
    np.testing.assert_array_equal(found[:, at], given[:, HALPE26.index("neck")])


def test_a_subset_means_the_same_as_its_skeleton():
    spine = SPINETRACK.subset("spine")
    _, exact = convert(points(SPINETRACK), SPINETRACK, spine)
    assert exact.all()
    kinds = {r.target: r.kind for r in relations(HALPE26, spine)}
    assert (kinds["hip"], kinds["spine_03"]) == ("near", "none")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("LBigToe", "left_big_toe"),
        ("Rknee", "right_knee"),
        ("REar", "right_ear"),
        ("head_top", "head"),
        ("Head top", "head"),
        ("PELVIS", "hip"),
        ("left.small-toe", "left_small_toe"),
        ("Neck 02", "neck_02"),
        ("thorax", None),
        ("left_thumb", None),
        ("", None),
    ],
)
def test_words_for_the_same_point(word, name):
    assert canonical(word) == name


def test_no_word_means_two_points():
    plain = ["".join(c for c in w if c.isalnum()) for words in SYNONYMS.values() for w in words]
    assert len(set(plain)) == len(plain)
    assert [canonical(n) for n in SPINETRACK.keypoints] == list(SPINETRACK.keypoints)


def test_the_tables_name_keypoints_that_exist():
    assert set(SYNONYMS) | set(DEFINITIONS) | set(DERIVED) <= set(SPINETRACK.keypoints)
    for name, meanings in DEFINITIONS.items():
        assert all(name in SKELETONS[family].keypoints for family in meanings)


def test_columns_are_numbers_of_what_both_name():
    rows = columns(WHOLEBODY23, LSP14)
    named = {
        t: WHOLEBODY23.keypoints[r] for t, r in zip(LSP14.keypoints, rows, strict=True) if r >= 0
    }
    assert all(here == there for here, there in named.items())
    assert len(named) == 12  # all but neck and head top


def test_other_numbers_of_keypoints_are_refused():
    with pytest.raises(UsageError, match="are not the 17 keypoints of coco"):
        convert(np.zeros((2, 18, 2)), COCO17, SPINETRACK)


def test_the_table_can_be_printed():
    lines = mapping_table(COCO17, SPINETRACK).splitlines()
    assert len(lines) == 2 + len(SPINETRACK)
    assert "| nose | nose | same |  |" in lines
    assert "| neck | left_shoulder + right_shoulder | derived | the middle of both |" in lines
    assert "| spine_03 | - | none |  |" in lines
