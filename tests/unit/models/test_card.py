import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from spinepose.errors import ModelError
from spinepose.models import ModelCard
from spinepose.models.download import file_sha256
from tests.unit.conftest import detector_card, pose_card


def test_a_card_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "pose.json"
    path.write_text(json.dumps(pose_card(score={"kind": "logistic", "a": 2.0, "b": 3.0}, extra=1)))
    card = ModelCard.read(path)
    assert (card.input.width, card.input.height) == (64, 96)
    assert card.score is not None
    assert (card.score.a, card.score.b) == (2.0, 3.0)
    assert len(card.skeleton) == 37
    assert card.raw["extra"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "schema"),
        ({"task": "cooking"}, "task"),
        ({"output": {"kind": "heatmap"}}, "kind"),
        ({"skeleton": "fish"}, "skeleton"),
        ({"file": "../evil.onnx"}, "plain file name"),
        ({"input": {"width": 1, "height": 1, "mean": [0], "std": [1, 1, 1]}}, "mean"),
        ({"input": {"width": 1}}, "mean"),
        ({"input": 7}, "int"),
        ({"output": {"kind": "simcc", "depth": 1}}, "depth"),
        ({"output": {"kind": "simcc", "split_ratio": 0}}, "split_ratio"),
        ({"output": {"kind": "simcc", "person_class": 0.5}}, "person_class"),
        ({"file": ""}, "plain file name"),
        ({"sha256": "abc"}, "sha256"),
        ({"score": {"kind": "isotonic", "a": 1, "b": 1}}, "isotonic"),
        ({"score": {"a": -1, "b": 1}}, r"score\.a"),
        ({"score": [1, 2]}, "list"),
    ],
)
def test_a_wrong_card_is_one_line_that_names_the_fault(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "pose.json"
    path.write_text(json.dumps(pose_card(**change)))
    with pytest.raises(ModelError, match=words) as caught:
        ModelCard.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 0),
        ("width", "64"),
        ("height", 2.5),
        ("std", [1, 0, 1]),
        ("std", [1, float("nan"), 1]),
        ("padding", -1),
        ("pad_value", 256),
        ("multiple", 0),
        ("color", "grey"),
        ("letterbox", "diagonal"),
        ("dynamic", "no"),
    ],
)
def test_an_input_that_makes_no_sense_is_named(name: str, value: object) -> None:
    card = detector_card("boxes")
    card["input"][name] = value
    with pytest.raises(ModelError, match=rf"input\.{name}"):
        ModelCard.from_dict(card)


def test_a_hash_in_capitals_is_the_same_hash() -> None:
    assert ModelCard.from_dict(pose_card(sha256="AB" * 32)).sha256 == "ab" * 32


@pytest.mark.parametrize("missing", ["schema", "id", "task", "file", "input", "license"])
def test_a_missing_field_is_named(missing: str) -> None:
    card = pose_card()
    del card[missing]
    with pytest.raises(ModelError, match=missing):
        ModelCard.from_dict(card)


def test_no_file_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model card"):
        ModelCard.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ModelError, match=r"bad\.json"):
        ModelCard.read(tmp_path / "bad.json")


def test_a_detector_has_no_skeleton() -> None:
    with pytest.raises(ModelError, match="no keypoints"):
        _ = ModelCard.from_dict(detector_card("boxes")).skeleton


def test_the_embedded_weights_are_what_their_cards_say() -> None:
    folder = Path(str(files("spinepose.models") / "weights"))
    cards = [ModelCard.read(path) for path in folder.glob("*.json")]
    assert {card.task for card in cards} == {"pose", "detection"}
    limits = {"pose": 15e6, "detection": 6e6}
    for card in cards:
        path = folder / card.file
        assert file_sha256(path) == card.sha256
        assert path.stat().st_size <= limits[card.task]
        assert card.license == "Apache-2.0"
        assert card.raw["training"]["teachers"]
        assert card.raw["training"]["data"]
        assert card.raw["metrics"]
        assert card.raw["limits"]
