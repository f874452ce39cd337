"""``spinepose export``: from trained weights to a model that the command line takes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("safetensors")
pytest.importorskip("msgspec")

from spinepose.cli import main  # noqa: E402
from spinepose.cli.export import _lines, _record  # noqa: E402
from spinepose.models import find_card  # noqa: E402
from spinepose.training.pose.export import Parity  # noqa: E402
from spinepose.training.pose.release import Released  # noqa: E402
from tests.trained import write_run  # noqa: E402


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


def words(run: dict[str, Path], out: Path, *more: str) -> list[str]:
    given = ["--weights", str(run["weights"]), "--card", str(run["card"]), "--out", str(out)]
    return ["export", *given, *more]


def test_a_model_is_written_and_used(run, tmp_path: Path, examples: Path, capsys) -> None:
    out = tmp_path / "new" / "mine.onnx"
    numbers = tmp_path / "eval.json"
    metric = {"name": "OKS share", "value": 1.5, "data": "3 people", "command": "spinepose eval"}
    numbers.write_text(json.dumps([metric]))
    kept = str(run["kept"])
    assert main(words(run, out, "--fit", kept, "--metrics", str(numbers))) == 0
    told = capsys.readouterr().out
    for part in ("mine.onnx: ", " MB, card mine.json", "parity: ", "score map: 1 / (1", "kept "):
        assert part in told
    assert "calibration error 0." in told
    assert find_card(str(out))["metrics"] == [metric]
    assert find_card(str(out))["precision"].endswith("float16")
    picture, drawn = examples / "astronaut.jpg", tmp_path / "drawn.jpg"
    assert main(["-i", str(picture), "-o", str(drawn), "--mode", str(out), "--quiet"]) == 0
    assert drawn.stat().st_size > 0
    assert main(["models", "licence", str(out)]) == 0
    assert "spinepose-test: CC0-1.0" in capsys.readouterr().out


def test_integers_as_json(run, tmp_path: Path, capsys) -> None:
    out, seen, kept = tmp_path / "mine.onnx", str(run["seen"]), str(run["kept"])
    more = ("--int8", "--calibrate", seen, "--fit", kept, "--full", "--json")
    assert main(words(run, out, *more)) == 0
    full, small = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert full["file"] == str(out)
    assert full["parity"]["pixels"] < 1e-3
    assert full["bytes"] > 2 * small["bytes"] == 2 * Path(small["file"]).stat().st_size
    assert small["card"] == str(tmp_path / "mine-int8.json")
    for record in (full, small):
        assert record["score"]["a"] > 0
        assert 0 <= record["calibration_error"] < 0.2
        assert set(record["oks_share"]) == {"kept"}


def test_nothing_but_errors_with_quiet(run, tmp_path: Path, capsys) -> None:
    assert main(words(run, tmp_path / "mine.onnx", "--quiet")) == 0
    assert capsys.readouterr() == ("", "")


def test_a_missing_map_is_told() -> None:
    made = Released(Path("mine.onnx"), Path("mine.json"), 10**6, Parity(0.1, 0.999), None)
    assert "score map: none" in _lines(made)[-1]
    assert _record(made)["score"] is _record(made)["oks_share"] is None


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"--weights": "none.safetensors"}, 4, "no such file"),
        ({"--weights": "test.toml"}, 4, "not a safetensors file"),
        ({"--card": "none.toml"}, 2, "No such file"),
        ({"--card": "kept.npz"}, 2, "kept.npz"),
        ({"--out": "mine.pt"}, 2, "must end with .onnx"),
        ({"--out": "test.toml/mine.onnx"}, 6, "cannot write"),
        ({"--fit": "none.npz"}, 7, "not a pack"),
        ({"--metrics": "test.toml"}, 7, "not a list of measured numbers"),
    ],
)
def test_an_error_is_one_line(
    run, monkeypatch, capsys, changes: dict[str, str], code: int, message: str
) -> None:
    monkeypatch.chdir(run["weights"].parent)
    given = {"--weights": "best.safetensors", "--card": "test.toml", "--out": "bad/mine.onnx"}
    pairs = (given | changes).items()
    assert main(["export", *(word for pair in pairs for word in pair)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("spinepose: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not list(Path().rglob("mine.*"))


def test_what_must_be_given(capsys) -> None:
    assert main(["export"]) == 2
    assert "--weights" in capsys.readouterr().err
    assert main(["export", "--help"]) == 0
    assert '"command"' in capsys.readouterr().out


def test_a_missing_extra_is_named(run, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("spinepose.cli.export.find_spec", lambda name: None)
    assert main(words(run, tmp_path / "mine.onnx")) == 8
    assert "pip install 'spinepose[train]'" in capsys.readouterr().err
