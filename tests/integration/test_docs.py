"""The examples of the documents and docstrings run as they are written."""

from __future__ import annotations

import doctest
import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture
def beside_the_gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the gallery in it, so that examples write elsewhere than into the source."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
@pytest.mark.usefixtures("beside_the_gallery")
def test_python_in_documents(document: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(document), "exec"), names)


@pytest.mark.parametrize(
    "module",
    [
        "spinepose",
        "spinepose.inference.estimator",
        "spinepose.inference.pipeline",
        "spinepose.inference.tracker",
    ],
)
@pytest.mark.usefixtures("beside_the_gallery")
def test_examples_in_docstrings(module: str) -> None:
    result = doctest.testmod(import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0


def test_links_and_pictures_of_the_documents_exist() -> None:
    for document in [*DOCUMENTS, ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_command_and_option_of_the_documents_exists(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from spinepose.cli import _OLD_SPELLINGS, main

    commands = (
        [], ["synth"], ["train"], ["export"], ["eval"], ["validate"], ["data", "download"],
        ["data", "convert"], ["data", "check"], ["data", "info"], ["data", "show"],
        ["data", "browse"], *(["annotate", name] for name in (
            "init", "guess", "select", "page", "merge", "agreement", "status", "train", "push",
            "pull", "export", "import", "flagged",
        )),
    )  # fmt: skip
    for command in commands:
        assert main([*command, "--help"]) == 0
    known = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) | set(_OLD_SPELLINGS)
    known |= {"--version", "--debug"}
    names = (
        "cli", "output", "synth", "training", "export", "evaluation", "pseudo_labels",
        "validation", "plausibility", "dataset", "annotation",
    )  # fmt: skip
    for document in (ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in names)):
        for line in document.read_text(encoding="utf-8").splitlines():
            if not re.search(r"pip install|python -m|python benchmarks|torchrun", line):
                assert set(re.findall(r"(?<![\w-])--[a-z][a-z_-]+", line)) <= known, line
