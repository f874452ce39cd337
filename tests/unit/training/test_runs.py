"""A run as a folder: what it records, how it goes on, what it refuses."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from toy import dots  # noqa: E402

from spinepose.errors import DataError, ModelError, ProviderError, UsageError  # noqa: E402
from spinepose.models.download import file_sha256  # noqa: E402
from spinepose.training.pose.curves import draw_curves, read_notes  # noqa: E402
from spinepose.training.pose.networks.start import open_network  # noqa: E402
from spinepose.training.pose.runs import train  # noqa: E402
from spinepose.training.pose.shards import pack  # noqa: E402

SETTINGS = """
name = "spinepose-toy"
[network]
family = "rtmpose"
size = "tiny"
keypoints = 26
[losses]
distill = 0
spine = 0
[loop]
steps = 2
batch = 2
warmup = 1
check_every = 2
precision = "float32"
[[sets]]
path = "people.npz"
share = 1
[[dev]]
name = "kept"
path = "people.npz"
share = 1
part = 0.5
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    pack(dots(folder / "dots", 4), folder / "people.npz")
    (folder / "toy.toml").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "toy"
    scores = train(data / "toy.toml", out, data=data, device="cpu")
    assert set(scores) == {"kept/body", "kept/feet", "kept/all"}
    return out


def test_the_folder_says_what_was_done(data: Path, run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    assert record["model"] == "spinepose-toy"
    assert record["data"][0]["sha256"] == file_sha256(data / "people.npz")
    assert (record["data"][0]["people"], record["dev"][0]["people"]) == (4, 2)
    assert record["step"] == 2
    assert record["seconds"] > 0
    assert set(record["scores"]) == {"kept/body", "kept/feet", "kept/all"}
    assert (run / "config.toml").read_text() == SETTINGS
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert open_network(run / "best.safetensors").keypoints == 26


def test_tensorboard_has_the_same_numbers(run: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    ).EventAccumulator(str(run / "tensorboard"))
    accumulator.Reload()
    (event,) = accumulator.Scalars("kept/all")
    noted = [n for n in read_notes(run / "metrics.jsonl") if "kept/all" in n]
    assert event.step == 2
    assert event.value == pytest.approx(noted[0]["kept/all"])


def test_a_finished_run_is_measured_again_and_not_trained(data: Path, run: Path) -> None:
    before = (run / "last.pt").read_bytes()
    train(data / "toy.toml", run, data=data, device="cpu")
    state, again = (
        torch.load(source, weights_only=True)["network"]
        for source in (_file(before, run / "before.pt"), run / "last.pt")
    )
    assert all(torch.equal(value, again[name]) for name, value in state.items())


def _file(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


def test_other_settings_need_another_folder(data: Path, run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SETTINGS.replace("steps = 2", "steps = 3"))
    with pytest.raises(UsageError, match=r"other settings.*another --out"):
        train(other, run, data=data, device="cpu")


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ('path = "people.npz"', 'path = "lost.npz"', DataError, "no such pack"),
        ('size = "tiny"', 'start = "none.safetensors"', UsageError, "none.safetensors"),
        ('size = "tiny"', 'start = "people.npz"', UsageError, "starts from"),
        ("distill = 0", "distill = 0\nheat = 1", ValueError, "no heat output"),
        ("batch = 2", 'batch = 2\nrates = { "neck" = 1.0 }', ModelError, "no parameter neck"),
    ],
)
def test_mistakes_are_named(
    data: Path, tmp_path: Path, old: str, new: str, error: type[Exception], message: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(SETTINGS.replace(old, new))
    with pytest.raises(error, match=message):
        train(path, tmp_path / "run", data=data, device="cpu")


def test_a_device_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--device abacus"):
        train(data / "toy.toml", tmp_path, data=data, device="abacus")
    if not torch.cuda.is_available():
        with pytest.raises(ProviderError, match="no CUDA device"):
            train(data / "toy.toml", tmp_path, data=data, device="cuda")


def test_notes_cut_off_by_a_kill_are_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0, "a/all": 5}\n{"step": 3, ')
    notes = read_notes(path)
    assert [n["step"] for n in notes] == [1, 2]
    draw_curves(notes, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000
