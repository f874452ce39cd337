"""What a round learns from is split by group, frozen, and read by the training as it is."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from spinepose.annotation.finetune import (
    HOLD_OUT,
    FineTuning,
    prepare_round,
    settings_for,
    write_card_text,
)
from spinepose.annotation.project import Project
from spinepose.annotation.status import learned_items
from spinepose.annotation.toml import to_toml
from spinepose.dataset.people import held_out
from spinepose.dataset.readers import read_people
from spinepose.errors import DataError, UsageError
from tests.unit.annotation.projects import correct, make_project

GROUPS = ["a", "b", "b", "c", "d", "e", "f", "g"]
PLAN = FineTuning(steps=30)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = make_project(tmp_path / "my project", len(GROUPS), groups=GROUPS)
    for number in range(len(GROUPS)):
        correct(project, "ann", f"i{number}")
    return project


def test_people_are_split_by_group(project: Project) -> None:
    ready = prepare_round(project, 1, PLAN)
    assert learned_items(project, 1) == ["i0", "i3", "i4", "i5", "i6"]  # not b, not g
    assert (ready.learned, ready.kept) == (5, 3)
    people = read_people(project.round_folder(1) / "labels.json").people
    assert [held_out(person, HOLD_OUT) for person in people].count(False) == 5
    # The same groups are kept when there are more items.
    correct(project, "ann", "i0", shift={"nose": (1, 1)})
    prepare_round(project, 2, PLAN)
    assert learned_items(project, 2) == learned_items(project, 1)


def test_the_training_reads_the_settings(project: Project, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from spinepose.training.pose.config import read_config
    from spinepose.training.pose.prepare import chosen_people

    others = (tmp_path / "rendered", tmp_path / "old.npz")
    ready = prepare_round(project, 1, FineTuning(base="tiny", steps=30, others=others, share=0.6))
    config = read_config(ready.settings)
    assert config.name == "my-project-001"
    assert (config.network.start, config.network.side) == ("tiny", 192)
    assert config.teacher.models == ("tiny",)
    assert [s.format for s in config.sets] == ["coco", "coco", "pack"]
    assert [s.share for s in config.sets] == pytest.approx([0.6, 0.2, 0.2])
    assert config.loop.rates["trunk.blocks.0."] == 0
    learned, kept = (chosen_people(s) for s in (config.sets[0], config.dev[0]))
    assert (len(learned), len(kept)) == (ready.learned, ready.kept)
    assert not {p.scene for p in learned} & {p.scene for p in kept}


def test_a_round_that_has_begun_keeps_its_labels(project: Project) -> None:
    ready = prepare_round(project, 1, PLAN)
    folder = project.round_folder(1)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    correct(project, "bob", "i0", rejected=True)
    assert prepare_round(project, 1, PLAN) == ready
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()} == before
    with pytest.raises(UsageError, match="other settings"):
        prepare_round(project, 1, FineTuning(steps=31))


def test_labels_that_were_not_split_yet_are_merged_again(project: Project) -> None:
    prepare_round(project, 1, PLAN)
    (project.round_folder(1) / "learned.json").unlink()  # killed between the two
    correct(project, "ann", "i0", rejected=True)
    assert prepare_round(project, 1, PLAN).learned == 4


def test_one_group_is_learned_from_and_not_measured(tmp_path: Path) -> None:
    project = make_project(tmp_path / "one", 2, groups=["film", "film"])
    with pytest.raises(DataError, match="0 labelled"):
        prepare_round(project, 1, PLAN)
    correct(project, "ann", "i0")
    ready = prepare_round(project, 1, PLAN)
    assert (ready.learned, ready.kept) == (1, 0)
    assert "[[dev]]" not in ready.settings.read_text()


def test_nobody_to_learn_from(tmp_path: Path) -> None:
    project = make_project(tmp_path / "two", 2)
    correct(project, "ann", "i1")
    with pytest.raises(DataError, match="correct more"):
        prepare_round(project, 1, PLAN)
    correct(project, "ann", "i0")
    assert prepare_round(project, 1, PLAN).learned == 1


def test_the_card(project: Project) -> None:
    with pytest.raises(DataError, match="train the round first"):
        write_card_text(project, 1, PLAN)
    run = prepare_round(project, 1, PLAN).run
    run.mkdir()
    record = {"step": 30, "data": [{"name": "corrected", "people": 5}]}
    (run / "run.json").write_text(json.dumps(record))
    path = write_card_text(project, 1, PLAN)
    table = tomllib.loads(path.read_text())
    assert table["id"] == "my-project-001"
    assert table["training"]["data"][0]["people"] == 5
    pytest.importorskip("msgspec")
    from spinepose.training.pose.cardfile import read_card_file

    assert read_card_file(path).training.start.startswith("spinepose-small")


@pytest.mark.parametrize("wrong", [{"share": 0.0}, {"share": 1.0}, {"steps": 0}, {"rate": -1.0}])
def test_senseless_plans(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        FineTuning(**wrong)  # type: ignore[arg-type]


def test_settings_without_others(project: Project) -> None:
    (corrected,) = settings_for(project, 3, PLAN)["sets"]
    assert corrected["share"] == 1.0
    assert Path(corrected["path"]).is_absolute()


def test_toml_comes_back() -> None:
    table = {
        "name": 'a "b" \\ é 😀',
        "list": ["x", "y"],
        "empty": [],
        "table": {"inline": {"a.b": 0.5}, "flag": True, "rows": [{"n": 1}, {"n": 2}]},
        "rows": [{"path": "C:\\x", "share": 1e-9}, {"path": "y", "many": [1, 2]}],
    }
    assert tomllib.loads(to_toml(table)) == table
