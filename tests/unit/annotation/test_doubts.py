"""Doubts are nothing where nothing disagrees, and tell in words how much does."""

from __future__ import annotations

import numpy as np
import pytest

from spinepose.annotation.doubts import (
    HALVES,
    describe,
    doubts_of,
    feature_of,
    spread_of,
    total_doubt,
)
from spinepose.annotation.views import MIRRORED, VIEWS, patches_of
from spinepose.skeleton import SPINETRACK
from tests.unit.annotation.painted import K, painted, standing

SIZE = np.array([100.0])


def agreed(score: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Answers (1, 37, 3) and views that say the same."""
    answers = np.concatenate([standing(), np.full((K, 1), score)], axis=1)[None]
    return answers, np.repeat(answers[None], len(VIEWS), axis=0)


def doubts(answers: np.ndarray, views: np.ndarray, implausible: float = 0.0) -> dict[str, float]:
    return doubts_of(answers, views, SIZE, np.array([implausible]))[0]


def test_no_doubt_where_all_agree() -> None:
    found = doubts(*agreed(1.0))
    assert found == {"score": 0, "flip": 0, "variance": 0, "implausible": 0}
    assert total_doubt(found) == 0


def test_a_distance_of_one_half_length_is_a_half() -> None:
    answers, views = agreed()
    views[MIRRORED, ..., 0] += 100 * HALVES["flip"]
    found = doubts(answers, views, HALVES["implausible"])
    assert found["flip"] == pytest.approx(0.5)
    assert found["implausible"] == pytest.approx(0.5)
    assert found["variance"] == 0  # of the views that are not mirrored


def test_views_that_scatter_are_variance() -> None:
    answers, views = agreed()
    plain = [i for i, view in enumerate(VIEWS) if not view.mirrored]
    # Half to the left, half to the right: each as far from the mean.
    views[plain, ..., 0] += 100 * HALVES["variance"] * np.array([1, -1, 1, -1])[:, None, None]
    assert doubts(answers, views)["variance"] == pytest.approx(0.5)


def test_the_spine_counts_as_much_as_everything() -> None:
    answers, views = agreed()
    views[MIRRORED, :, SPINETRACK.spine_indices, 0] += 4
    spine = doubts(answers, views)["flip"]
    answers, views = agreed()
    views[MIRRORED, :, : len(SPINETRACK.spine_indices), 0] += 4  # as many of the head and arms
    assert spine > 2 * doubts(answers, views)["flip"] > 0


def test_the_least_sure_points_decide() -> None:
    answers, views = agreed()
    answers[0, SPINETRACK.spine_indices[:3], 2] = 0.3
    assert doubts(answers, views)["score"] == pytest.approx(
        1 - (0.3 + (3 * 0.3 + 9 * 0.9) / 12) / 2
    )


def test_what_is_not_known_is_left_out() -> None:
    answers, views = agreed()
    assert "implausible" not in doubts(answers, views, np.nan)
    views[..., :2], answers[..., :2], answers[..., 2] = np.nan, np.nan, 0
    assert doubts(answers, views, np.nan) == {"score": 1.0}
    assert total_doubt({}) == 0


def test_teachers_without_a_spine_are_doubted_by_the_rest() -> None:
    answers, views = agreed()
    views[:, :, SPINETRACK.spine_indices, :2] = np.nan
    views[MIRRORED, ..., 0] += 100 * HALVES["flip"]
    assert doubts(answers, views)["flip"] == pytest.approx(0.5)


def test_the_spread_is_twice_the_scatter_about_the_guess() -> None:
    answers, views = agreed()
    views[:, 0, 0, 0] += 3
    views[:, 0, 1, :2] = np.nan
    spread = spread_of(answers, views)
    assert spread[0, 0] == pytest.approx(6)
    assert np.isnan(spread[0, 1])
    assert not spread[0, 2:].any()


def test_words_tell_the_distance_and_the_strongest_comes_first() -> None:
    share = HALVES["flip"] * 3  # a doubt of 3 / 4
    words = describe({"score": 0.6, "flip": 0.75, "variance": 0.2, "implausible": 0.1})
    assert words == [
        f"the mirror image disagrees by {100 * share:.0f} % of the person's size",
        "the least sure points score 0.40",
    ]
    assert describe({"score": 0.1, "flip": 0.05}) == ["the least sure points score 0.90"]
    assert describe({}) == []
    assert "% of its height elsewhere" in describe({"implausible": 0.9})[0]
    assert "all" in describe({"flip": 1.0})[0]


def feature(places: np.ndarray, image: np.ndarray, scale: float = 1.0) -> np.ndarray:
    answers = np.concatenate([places, np.full((K, 1), 0.9)], axis=1)[None]
    patches, affines = patches_of(image, scale * np.array([[40.0, 50, 160, 190]]))
    return feature_of(answers, patches, affines)[0]


def test_the_same_pose_larger_is_the_same() -> None:
    image = painted()
    larger = image.repeat(2, axis=0).repeat(2, axis=1)
    one, other = feature(standing(), image), feature(2 * standing(), larger, 2)
    assert np.linalg.norm(one - other) < 0.05


def test_other_poses_and_other_colours_are_apart() -> None:
    image = painted()
    base = feature(standing(), image)
    turned = feature(standing().mean(axis=0) * 2 - standing(), image)
    assert np.linalg.norm(base - turned) > 1
    bent = standing()
    bent[:20] += [15, 0]
    assert 0.1 < np.linalg.norm(base - feature(bent, image)) < np.linalg.norm(base - turned)
    assert np.linalg.norm(base - feature(standing(), 255 - image)) > 0.3


def test_features_are_numbers_whatever_is_missing() -> None:
    places = standing()
    places[SPINETRACK.index("left_hip")] = np.nan
    answers = np.concatenate([places, np.full((K, 1), 0.9)], axis=1)[None]
    answers[0, np.isnan(places[:, 0]), 2] = 0
    patches, affines = patches_of(painted(), [[40.0, 50, 160, 190]])
    assert np.isfinite(feature_of(answers, patches, affines)).all()
    assert np.isfinite(feature_of(np.full_like(answers, np.nan), patches, affines)).all()
