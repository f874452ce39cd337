"""``spinepose train`` as people type it: text, JSON, one process or two, and mistakes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from spinepose.cli import main  # noqa: E402
from spinepose.training.pose.networks.weights import read_state  # noqa: E402
from tests.unit.training.toy import dots  # noqa: E402

SETTINGS = """
name = "spinepose-toy"
[network]
family = "rtmpose"
size = "tiny"
[losses]
distill = 0
[loop]
steps = 2
batch = 2
warmup = 1
check_every = 1
precision = "float32"
[[sets]]
path = "people.npz"
share = 1
[[dev]]
name = "kept"
path = "people.npz"
share = 1
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from spinepose.training.pose.shards import pack

    folder = tmp_path_factory.mktemp("data")
    pack(dots(folder / "dots", 3), folder / "people.npz")
    (folder / "toy.toml").write_text(SETTINGS)
    return folder


def _words(data: Path, out: Path) -> list[str]:
    return ["train", "--config", str(data / "toy.toml"), "--data", str(data), "--out", str(out),
            "--device", "cpu"]  # fmt: skip


def test_it_says_where_the_weights_are(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_words(data, tmp_path / "run")) == 0
    text = capsys.readouterr().out
    assert "step 2: kept/body" in text
    assert str(tmp_path / "run" / "best.safetensors") in text
    assert (tmp_path / "run" / "best.safetensors").is_file()


def test_programs_get_one_object_a_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_words(data, tmp_path / "run"), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["step"] for line in lines if "kept/all" in line] == [1, 2]


def test_quiet_is_quiet(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_words(data, tmp_path / "run"), "--quiet"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ('path = "people.npz"', 'path = "lost.npz"', 7, "lost.npz: no such pack"),
        ("steps = 2", "stepz = 2", 2, "stepz"),
        ('size = "tiny"', 'start = "lost.pth"', 2, "lost.pth"),
    ],
)
def test_mistakes_are_one_line_and_a_code(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, code: int,
    message: str,
) -> None:  # fmt: skip
    path = tmp_path / "wrong.toml"
    path.write_text(SETTINGS.replace(old, new))
    words = ["train", "--config", str(path), "--data", str(data), "--out", str(tmp_path / "run")]
    assert main(words) == code
    error = capsys.readouterr().err
    assert error.startswith("spinepose: error: ")
    assert error.count("\n") == 1
    assert message in error


def test_unknown_settings_name_the_packages_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--config", "nothing", "--out", str(tmp_path)]) == 2
    assert "small, teacher" in capsys.readouterr().err


@pytest.mark.skipif(not torch.distributed.is_available(), reason="PyTorch without processes")
def test_two_processes_share_the_work(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone",
               "--nproc-per-node", "2", "-m", "spinepose", *_words(data, out)]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((out / "run.json").read_text())
    assert record["processes"] == 2
    assert record["step"] == 2
    # Both took the same steps, or the second would have waited for ever; one wrote the notes.
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == [1, 2]
    weights = read_state(out / "best.safetensors")
    assert all(value.isfinite().all() for value in weights.values())
