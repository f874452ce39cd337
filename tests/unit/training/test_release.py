"""What ships: the file answers like the network, its score was fitted, its card says so."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
safetensors = pytest.importorskip("safetensors.torch")
pytest.importorskip("msgspec")

from spinepose.errors import (  # noqa: E402
    DataError,
    ModelError,
    OutputError,
    SpinePoseError,
    UsageError,
)
from spinepose.inference.pose import PoseModel  # noqa: E402
from spinepose.inference.simcc import decode_simcc, log_softmax  # noqa: E402
from spinepose.models import create_session, resolve_pose  # noqa: E402
from spinepose.training.pose import release as releasing  # noqa: E402
from spinepose.training.pose.cardfile import metrics_from, read_card_file  # noqa: E402
from spinepose.training.pose.networks.base import CropSpec  # noqa: E402
from spinepose.training.pose.networks.weights import save_weights  # noqa: E402
from spinepose.training.pose.release import (  # noqa: E402
    Order,
    Released,
    crops_of,
    file_forward,
    fitted,
    release,
)
from spinepose.training.pose.shards import read_pack  # noqa: E402
from spinepose.training.pose.validate import read_people  # noqa: E402
from tests.trained import CARD, save_pack, small_network, write_labelled, write_run  # noqa: E402

METRIC = {"name": "OKS share, spine", "value": 97, "data": "3 people", "command": "spinepose eval"}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small runs are faster alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def order(run: dict[str, Path]) -> Order:
    folder = run["weights"].parent
    (folder / "eval.json").write_text(json.dumps([METRIC]))
    return Order(
        (run["weights"],),
        folder / "models" / "small.onnx",
        run["card"],
        (run["kept"],),
        run["seen"],
        (folder / "eval.json",),
        int8=True,
        full=True,
    )


@pytest.fixture(scope="module")
def released(order: Order) -> list[Released]:
    steps: list[str] = []
    done = release(order, steps.append)
    assert steps == ["read", "export", "check", "fit", "8 bits", "check", "fit"]
    return done


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def estimated(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return keypoints and scores that the main road gives, with the picture as the crop."""
    found = resolve_pose(path)
    model = PoseModel(found.card, create_session(found, "cpu", 1))
    middle, half = 32, 32 / 1.25
    box = [middle - half, middle - half, middle + half, middle + half]
    points, scores = model.estimate(picture(), [box])
    return points[0], scores[0]


def test_both_files_and_cards_are_there(released: list[Released], order: Order) -> None:
    names = ["small-int8.json", "small-int8.onnx", "small.json", "small.onnx"]
    assert sorted(path.name for path in order.out.parent.iterdir()) == names
    assert [made.path.name for made in released] == ["small.onnx", "small-int8.onnx"]
    assert [made.path.stat().st_size for made in released] == [made.size for made in released]
    assert released[1].size < 0.5 * released[0].size


def test_the_file_gives_the_points_of_the_network(released: list[Released]) -> None:
    network = small_network()
    pixels = torch.from_numpy(picture()).permute(2, 0, 1)[None]
    with torch.no_grad():
        x, y = (log_softmax(s.numpy()) for s in network(network.crop.normalised(pixels)))
    wanted, _ = decode_simcc(x, y, 2.0)
    points, scores = estimated(released[0].path)
    seen = scores > 0
    assert seen.sum() > 5
    assert np.abs(points - wanted[0])[seen].max() < 0.02
    assert released[0].parity.pixels < 1e-3
    small, _ = estimated(released[1].path)
    assert np.nanmedian(np.abs(small - wanted[0])) < 1
    assert released[1].parity.pixels > released[0].parity.pixels


def test_a_half_is_an_even_chance(released: list[Released], run: dict[str, Path]) -> None:
    people, network = read_pack(run["kept"]), small_network()
    points, peaks = read_people(network, network.crop, people)
    right = np.abs(points - people.points).max(-1) < 1
    found = released[0].fitted
    assert found is not None
    scores = found.score(peaks)
    assert scores[right].mean() > scores[~right].mean() + 0.2
    assert scores.mean() == pytest.approx(right.mean(), abs=0.02)
    assert found.error < 0.08
    card = json.loads(released[0].card.read_text())
    assert (card["score"]["a"], card["score"]["b"]) == (found.score.a, found.score.b)
    assert released[1].fitted is not None
    assert released[1].fitted.score != found.score


def test_the_card_says_what_was_written_for_it(released: list[Released]) -> None:
    card = json.loads(released[0].card.read_text())
    assert (card["id"], card["version"], card["license"]) == ("spinepose-test", "1.2.3", "CC0-1.0")
    assert card["file"] == "small.onnx"
    assert card["precision"] == "float32"
    assert card["opset"] == 17
    assert card["limits"] == ["Knows nothing."]
    assert card["training"]["data"] == [{"name": "made people", "licence": "CC0-1.0", "people": 12}]
    assert card["metrics"] == [METRIC]
    assert card["parity"]["pixels"] == released[0].parity.pixels


def test_the_card_of_integers_tells_the_difference(released: list[Released]) -> None:
    card = json.loads(released[1].card.read_text())
    assert card["id"] == "spinepose-test-int8"
    assert card["file"] == "small-int8.onnx"
    assert card["precision"].startswith("int8")
    given, less = card["metrics"]
    assert given["name"] == "OKS share, spine, of small.onnx"
    one, two = (made.fitted.shares["kept"] for made in released if made.fitted)
    assert less["value"] == pytest.approx(two - one, abs=0.01)
    assert "less that of small.onnx" in less["name"]
    assert less["data"] == "12 people of kept"
    assert less["command"].startswith("spinepose export --weights best.safetensors --out small")


def test_labels_count_with_their_trust(order: Order, released, run, tmp_path: Path) -> None:
    people = read_pack(run["kept"])
    trust = people.trust.copy()
    trust[:, 10:] = 0
    points = people.points.copy()
    points[:, 10:] = 9999
    save_pack(replace(people, trust=trust, points=points), tmp_path / "part.npz")
    crop = small_network().crop
    other = fitted(released[0].path, crop, [read_pack(tmp_path / "part.npz")])
    points[:, 10:] = -9999
    save_pack(replace(people, trust=trust, points=points), tmp_path / "part.npz")
    assert fitted(released[0].path, crop, [read_pack(tmp_path / "part.npz")]) == other


def test_without_people_there_is_no_map(order: Order, tmp_path: Path, run) -> None:
    network = small_network(26)
    save_weights(network, tmp_path / "w.safetensors")
    plain = Order((tmp_path / "w.safetensors",), tmp_path / "halpe.onnx", order.card)
    (made,) = release(plain)
    assert made.fitted is None
    card = resolve_pose(made.path).card
    assert card.score is None
    assert len(card.skeleton) == 26
    assert "float16" in card.raw["precision"]
    assert made.parity.pixels < 1  # halves: told, not refused
    kept = write_labelled(network, run["seen"], tmp_path / "kept.npz")
    assert fitted(made.path, network.crop, [read_pack(kept)]).error < 0.2


def test_crops_are_spread_over_all_packs(run: dict[str, Path]) -> None:
    people, spec = read_pack(run["seen"]), CropSpec(64, 64)
    assert crops_of([people], spec).shape == (12, 3, 64, 64)
    assert crops_of([people, people], spec, 5).shape == (5, 3, 64, 64)
    few = crops_of([people, people], spec, 2)
    assert torch.allclose(few[0], crops_of([people], spec)[0])
    assert torch.allclose(few[1], crops_of([people], spec)[-1])


def test_a_file_runs_as_the_network_does(released: list[Released], run) -> None:
    crops = crops_of([read_pack(run["seen"])], CropSpec(64, 64), 3)
    with torch.no_grad():
        wanted = small_network()(crops.to(memory_format=torch.channels_last))
    found = file_forward(released[0].path)(crops.to(memory_format=torch.channels_last))
    for a, b in zip(found, wanted, strict=True):
        assert (a - b).abs().max() < 1e-2


# What is refused


def refused(order: Order, error: type[SpinePoseError], message: str) -> None:
    with pytest.raises(error, match=message) as found:
        release(order)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 500
    assert not order.out.exists()


@pytest.fixture
def fresh(order: Order, tmp_path: Path) -> Order:
    """The smallest order, with its own place to write to."""
    return Order(order.weights, tmp_path / "new.onnx", order.card)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda text: text.replace('id = "spinepose-test"', "id = "), "Invalid value"),
        (lambda text: text.replace("version", "versoin"), "versoin"),
        (lambda text: text.replace("people = 12", 'people = "12"'), r"training.data\[0\].people"),
        (lambda text: text.replace("people = 12", "people = -1"), "training.data"),
        (lambda text: text.replace('recipe = "none"', ""), "`recipe`"),
        (lambda text: text.replace("A test.", ""), "summary"),
        (lambda text: text.replace("[training]", "[taining]"), "taining"),
        (lambda text: text + "more = 1\n", "more"),
    ],
)
def test_a_broken_card_text(fresh: Order, tmp_path: Path, changed, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(changed(CARD))
    with pytest.raises(UsageError, match=rf"bad\.toml: .*{message}"):
        read_card_file(path)
    refused(replace(fresh, card=path), UsageError, "bad.toml")


def test_a_missing_card_text(fresh: Order, tmp_path: Path) -> None:
    refused(replace(fresh, card=tmp_path / "none.toml"), UsageError, "No such file")
    refused(replace(fresh, card=tmp_path), UsageError, "cannot be read")


def test_missing_and_foreign_weights(fresh: Order, tmp_path: Path) -> None:
    refused(replace(fresh, weights=(tmp_path / "none.safetensors",)), ModelError, "no such file")
    path = tmp_path / "foreign.safetensors"
    safetensors.save_file({"conv.weight": torch.zeros(3, 3)}, str(path))
    refused(replace(fresh, weights=(path,)), ModelError, "no network of a known family")
    path.write_bytes(path.read_bytes()[:20])
    refused(replace(fresh, weights=(path,)), ModelError, "cut short")


def test_wrong_orders(fresh: Order, order: Order, tmp_path: Path) -> None:
    wrong = replace(fresh, out=tmp_path / "new.pt")
    refused(wrong, UsageError, r"must end with \.onnx")
    refused(replace(fresh, int8=True), UsageError, "--int8 needs --calibrate")
    refused(replace(fresh, fit=order.fit * 2), UsageError, "two packs are called kept")
    refused(replace(fresh, fit=(tmp_path / "none.npz",)), DataError, "not a pack")
    (tmp_path / "file").write_text("")
    refused(replace(fresh, out=tmp_path / "file" / "new.onnx"), OutputError, "cannot write")


def test_a_network_of_unknown_keypoints_has_no_skeleton(fresh: Order, tmp_path: Path) -> None:
    save_weights(small_network(30), tmp_path / "w.safetensors")
    other = replace(fresh, weights=(tmp_path / "w.safetensors",))
    refused(other, ModelError, "no skeleton has 30 keypoints")


def test_a_file_unlike_its_network_is_not_written(
    fresh: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releasing, "FULL_LIMIT", 0.0)
    refused(replace(fresh, full=True), ModelError, "px off the network's.* nothing was written")


def test_people_must_be_of_use(released: list[Released], run, tmp_path: Path) -> None:
    people, network = read_pack(run["kept"]), small_network()
    path, crop = released[0].path, network.crop
    with pytest.raises(DataError, match=r"--fit kept: .*some wrong"):
        fitted(path, crop, [replace(people, points=people.points + 9999)])
    points, peaks = read_people(network, crop, people)
    sure = peaks > np.median(peaks)
    upside_down = replace(people, points=points + np.where(sure, 300, 0)[..., None])
    with pytest.raises(DataError, match="more often wrong"):
        fitted(path, crop, [upside_down])


def test_numbers_from_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "eval.json"
    path.write_text(json.dumps([METRIC, METRIC | {"value": 1.5}]))
    assert [metric.value for metric in metrics_from(path)] == [97.0, 1.5]
    for content in (
        "",
        "{}",
        "[1]",
        json.dumps([METRIC | {"more": 1}]),
        json.dumps([METRIC | {"value": "97"}]),
        json.dumps([METRIC | {"data": ""}]),
        json.dumps([{"name": "x", "value": 1}]),
        json.dumps([METRIC]).replace("97", "NaN"),
    ):
        path.write_text(content)
        with pytest.raises(DataError, match=r"eval\.json: not a list") as found:
            metrics_from(path)
        assert "\n" not in str(found.value)
    with pytest.raises(DataError, match="cannot be read"):
        metrics_from(tmp_path / "none.json")
