"""The doubtful and the different come first, and nobody is asked twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinepose.annotation import selection
from spinepose.annotation.project import Project
from spinepose.annotation.queue import read_queue
from spinepose.annotation.records import Correction
from spinepose.annotation.selection import STRATEGIES, select
from spinepose.errors import DataError, UsageError
from tests.unit.annotation.painted import K, made_guess, made_item, standing


def project_of(
    root: Path,
    doubts: list[float],
    features: list[tuple[float, ...]] | None = None,
    groups: list[str] | None = None,
) -> Project:
    """Return a project of items a, b, c ... with these scores as doubts."""
    names = [chr(ord("a") + i) for i in range(len(doubts))]
    project = Project.create(root, {})
    project.add_items(made_item(n, g) for n, g in zip(names, groups or names, strict=True))
    places = features or [()] * len(names)
    project.add_guesses(
        0,
        [
            made_guess(n, {"score": d, "flip": d}, f)
            for n, d, f in zip(names, doubts, places, strict=True)
        ],
    )
    return project


def correction(item: str, rejected: bool = False) -> Correction:
    return Correction(
        item=item,
        annotator="anna",
        time="2026-01-01T00:00:00+00:00",
        round=0,
        keypoints=standing(),
        visibility=np.full(K, 2),
        moved=np.zeros(K, bool),
        tool="page",
        rejected=rejected,
    )


def chosen(project: Project, count: int, **options: object) -> str:
    return "".join(choice.item for choice in select(project, 0, count, **options).items)


@pytest.mark.parametrize("strategy", ["doubt", "score"])
def test_the_most_doubtful_come_first(tmp_path: Path, strategy: str) -> None:
    project = project_of(tmp_path, [0.2, 0.9, 0.1, 0.6])
    assert chosen(project, 3, strategy=strategy) == "bda"
    priorities = [c.priority for c in read_queue(project, 0).items]
    assert priorities == pytest.approx([0.9, 0.6, 0.2])


def test_diversity_covers_the_clusters_before_it_returns(tmp_path: Path) -> None:
    places = [(0.0, 0), (0.1, 0), (0, 0.1), (9, 0), (9.1, 0), (0, 9)]
    project = project_of(tmp_path, [0.5] * 6, places)
    for seed in range(4):
        three = chosen(project, 3, strategy="diversity", seed=seed)
        assert len(set(three) & set("abc")) == len(set(three) & set("de")) == 1
        assert "f" in three


def test_both_take_of_each_cluster_whom_the_network_half_knows(tmp_path: Path) -> None:
    places = [(0.0, 0), (0.1, 0), (9, 0), (9.1, 0), (4, 8), (4, 8.1)]
    project = project_of(tmp_path, [0.95, 0.8, 0.1, 0.55, 0.3, 0.2], places)
    assert set(chosen(project, 3)) == set("bde")  # by doubt alone: a, b, d
    queue = read_queue(project, 0)
    assert queue.strategy == "doubt+diversity"
    reasons = {choice.item: choice.reason for choice in queue.items}
    assert reasons["b"] == (
        "the least sure points score 0.20; the mirror image disagrees by 8 % of the person's size; "
        "33 % of all are like it and like nothing chosen before"
    )
    assert reasons["e"].startswith("the least sure points score 0.70; 33 %")


def test_the_odd_one_waits_until_the_many_are_covered(tmp_path: Path) -> None:
    many = [(float(x), float(y)) for x in range(5) for y in range(5)]
    doubts = [0.5] + [0.3] * len(many)
    project = project_of(tmp_path, doubts, [(60.0, 60.0), *many])
    picked = chosen(project, 4)
    assert "a" not in picked[:1]
    assert chosen(project, 1, strategy="doubt") == "a"
    assert "a" in chosen(project, 26, per_group=1)


def test_very_many_items_are_compared_with_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "_LOOKED_AT", 12)
    places = [(0.0, x / 10) for x in range(12)] + [(9.0, x / 10) for x in range(12)]
    project = project_of(tmp_path, [0.5] * 24, places)
    two = chosen(project, 2)
    assert len(set(two) & set("abcdefghijkl")) == 1


def test_corrected_and_rejected_items_stay_out_and_count_as_known(tmp_path: Path) -> None:
    places = [(0.0, 0), (0.1, 0), (9, 0), (9.1, 0)]
    project = project_of(tmp_path, [0.9, 0.9, 0.5, 0.4], places)
    project.add_corrections("anna", [correction("a"), correction("c", rejected=True)])
    assert chosen(project, 9, strategy="doubt") == "bd"
    project.add_corrections("bert", [replace(correction("b"), annotator="bert")])
    assert chosen(project, 9) == "d"


def test_no_more_than_some_of_a_video_while_there_are_others(tmp_path: Path) -> None:
    project = project_of(tmp_path, [0.9, 0.8, 0.7, 0.6, 0.2, 0.1], groups=["film"] * 4 + ["x", "y"])
    assert chosen(project, 4, strategy="doubt", per_group=2) == "abef"
    assert chosen(project, 6, strategy="doubt", per_group=2) == "abefcd"


def test_random_is_random_and_can_be_repeated(tmp_path: Path) -> None:
    project = project_of(tmp_path, [0.9] + [0.1] * 9)
    drawn = [chosen(project, 4, strategy="random", seed=seed) for seed in range(6)]
    assert drawn == [chosen(project, 4, strategy="random", seed=seed) for seed in range(6)]
    assert len(set(drawn)) > 3
    assert sum("a" in draw for draw in drawn) < 6
    assert {c.reason for c in read_queue(project, 0).items} == {"drawn at random"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_file_says_what_was_chosen_and_why(tmp_path: Path, strategy: str) -> None:
    project = project_of(tmp_path, [0.2, 0.9, 0.1], [(0.0,), (1.0,), (2.0,)])
    queue = select(project, 0, 10, strategy=strategy)
    assert read_queue(project, 0) == replace(
        queue, items=tuple(replace(c, priority=round(c.priority, 4)) for c in queue.items)
    )
    written = json.loads((project.round_folder(0) / "queue.json").read_text())
    assert sorted(entry["item"] for entry in written["items"]) == ["a", "b", "c"]
    assert all(entry["reason"] for entry in written["items"])


def test_guesses_without_features_or_doubts_are_chosen_too(tmp_path: Path) -> None:
    project = project_of(tmp_path, [0.5, 0.5])
    project.add_items([made_item("z")])
    project.add_guesses(0, [made_guess("z", {}, (1.0, 2.0))])
    assert sorted(chosen(project, 3)) == ["a", "b", "z"]
    assert sorted(chosen(project, 3, strategy="score")) == ["a", "b", "z"]
    assert read_queue(project, 0).items[-1].reason == "nothing is known of it"


def test_nonsense_is_refused(tmp_path: Path) -> None:
    project = project_of(tmp_path, [0.5])
    with pytest.raises(UsageError, match="doubt, score"):
        select(project, 0, 1, strategy="luck")
    with pytest.raises(UsageError, match="1 or more"):
        select(project, 0, 0)
    with pytest.raises(DataError, match="guess first"):
        select(project, 1, 1)
    with pytest.raises(DataError, match="select first"):
        read_queue(project, 0)
    (project.round_folder(0) / "queue.json").write_text("{}")
    with pytest.raises(DataError, match="select again"):
        read_queue(project, 0)
