"""Settings files: every key is checked, the package's own are right, paths lead somewhere."""

from pathlib import Path

import pytest

pytest.importorskip("msgspec")

from spinepose.errors import UsageError
from spinepose.training.pose import config as module
from spinepose.training.pose.config import find_config, located, read_config

LEAST = 'name = "n"\n[[sets]]\npath = "people.npz"\nshare = 1\n'
SHIPPED = sorted((Path(module.__file__).parent / "configs").glob("*.toml"))


def _read(folder: Path, text: str) -> module.Config:
    path = folder / "settings.toml"
    path.write_text(text)
    return read_config(path)


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    config = _read(tmp_path, LEAST)
    assert (config.losses.position, config.losses.distill) == (5.0, 2.5)
    assert (config.losses.structure, config.losses.spine) == (0.1, 0.5)
    assert config.sets[0].format == "pack"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LEAST + "[loop]\nstep = 3\n", "step"),
        (LEAST + '[loop]\nsteps = "many"\n', "loop.steps"),
        (LEAST + "[loop]\nsteps = 0\n", "steps.*between"),
        (LEAST + "[loop]\nema = 1.0\n", "ema"),
        (LEAST + '[network]\nfamily = "vit"\n', "vit"),
        ('name = "n"\nsets = []\n', "at least one"),
        ('name = "n"\n[[sets]]\npath = "p"\nshare = 0\n', "at least one"),
        ("name = [", "settings.toml"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        _read(tmp_path, text)
    assert "settings.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_the_packages_own_are_right(path: Path) -> None:
    config = read_config(path)
    assert sum(s.share for s in config.sets) == pytest.approx(1)
    assert {s.name for s in config.dev} >= {"coco-dev"}
    assert find_config(Path(path.stem)) == find_config(Path(path.name)) == path


def test_a_file_comes_before_the_packages_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(LEAST)
    assert read_config(find_config(Path("small.toml"))).name == "n"
    with pytest.raises(UsageError, match=r"huge.*small"):
        find_config(Path("huge.toml"))


def test_paths_lead_from_here_or_else_from_the_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.npz").touch()
    text = (
        'name = "n"\n[network]\nstart = "small"\n[teacher]\nnetwork = "t.safetensors"\n'
        'models = ["medium", "m.onnx"]\n'
        + "".join(f'[[sets]]\npath = "{p}"\nshare = 1\n' for p in ("here.npz", "there.npz"))
    )
    root = tmp_path / "data"
    config = located(_read(tmp_path, text), root)
    assert [s.path for s in config.sets] == ["here.npz", str(root / "there.npz")]
    assert config.network.start == "small"  # a model of the package, not a path
    assert config.teacher.network == str(root / "t.safetensors")
    assert config.teacher.models == ("medium", str(root / "m.onnx"))
