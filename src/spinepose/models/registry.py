"""Which models there are, and where each one's weights lie."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from spinepose.errors import ModelError
from spinepose.models.card import ModelCard
from spinepose.models.download import cache_folder, fetch_file

__all__ = [
    "Listing",
    "Resolved",
    "fetch",
    "find_card",
    "list_models",
    "resolve_detector",
    "resolve_pose",
]

logger = logging.getLogger(__name__)

_SIZES = ("tiny", "small", "medium", "large", "xlarge")
_DEFAULT_LIMIT = "large"
"""The size that version 2 ran by default: `auto` takes nothing bigger."""


@dataclass(frozen=True)
class Resolved:
    """A model that can be loaded."""

    card: ModelCard
    path: Path


@dataclass(frozen=True)
class Listing:
    """One line of ``spinepose models``."""

    name: str
    task: str
    status: str
    license: str
    summary: str

    def to_dict(self) -> dict[str, str]:
        """Return the fields by name."""
        return asdict(self)


@cache
def _cards(folder: str) -> dict[str, tuple[ModelCard, Path]]:
    """Return the cards in a folder of the package by short name, with the folder."""
    place = Path(str(files("spinepose.models") / folder))
    cards = (ModelCard.read(path) for path in sorted(place.glob("*.json")))
    return {card.id.removeprefix("spinepose-"): (card, place) for card in cards}


def _embedded() -> dict[str, Resolved]:
    """Return the models inside the package."""
    found = _cards("weights").items()
    return {name: Resolved(card, place / card.file) for name, (card, place) in found}


def _remote() -> dict[str, ModelCard]:
    """Return the cards of detectors that others publish.

    Their hosts publish no sha256: the first download is recorded and trusted from then on.
    """
    return {name: card for name, (card, _) in _cards("remote").items()}


def resolve_pose(mode: str | Path) -> Resolved:
    """Return the pose network of a mode, or of a path to an .onnx file.

    Parameters
    ----------
    mode
        A size; ``auto`` for the best size at hand, up to large; or a path. A size that has not
        been trained yet is served by the nearest smaller one, with one warning.

    Raises
    ------
    ModelError
        The mode is unknown, or there is no such file.
    """
    mode = str(mode)
    if mode.endswith(".onnx"):
        return _from_path(mode, "pose")
    if mode not in ("auto", *_SIZES):
        raise ModelError(
            f"unknown mode {mode!r}: choose one of auto, {', '.join(_SIZES)}, or name an .onnx file"
        )
    models = _embedded()
    wanted = _SIZES.index(_DEFAULT_LIMIT if mode == "auto" else mode)
    smaller = [size for size in reversed(_SIZES[: wanted + 1]) if size in models]
    choice = next(iter(smaller or (size for size in _SIZES if size in models)), None)
    if choice is None:
        raise ModelError("no pose weights in the package: install spinepose again")
    if mode not in ("auto", choice):
        _warn_once(f"there is no {mode} model yet: {choice} is used instead")
    return models[choice]


def resolve_detector(name: str | Path) -> Resolved:
    """Return a person detector by name, or by a path to an .onnx file, fetching it if need be.

    Raises
    ------
    ModelError
        The name is unknown, there is no such file, or it cannot be fetched.
    """
    name = str(name)
    if name.endswith(".onnx"):
        return _from_path(name, "detection")
    if name in _remote():
        card = _remote()[name]
        return Resolved(card, fetch_file(card.file, card.raw["urls"], card.sha256))
    found = _embedded().get(name)
    if found is None or found.card.task != "detection":
        known = [n for n, model in _embedded().items() if model.card.task == "detection"]
        raise ModelError(
            f"unknown detector {name!r}: choose one of {', '.join((*known, *_remote()))}, or name "
            "an .onnx file"
        )
    return found


def list_models() -> list[Listing]:
    """Return every model that is known, ours first."""
    rows = [
        Listing(name, m.card.task, "built in", m.card.license, m.card.summary)
        for name, m in sorted(_embedded().items(), key=lambda item: item[1].card.task != "pose")
    ]
    missing = [size for size in _SIZES if size not in _embedded()]
    rows += [
        Listing(size, "pose", "not trained yet", "Apache-2.0", "a smaller size is used instead")
        for size in missing
    ]
    for name, card in _remote().items():
        here = (cache_folder() / card.file).is_file()
        status = "downloaded" if here else "to download"
        rows.append(Listing(name, card.task, status, card.license, card.summary))
    return rows


def find_card(name: str) -> dict[str, Any]:
    """Return a model's whole card, by name or by a path to an .onnx file.

    Raises
    ------
    ModelError
        The name is unknown, or there is no such file.
    """
    if name in _remote():
        return dict(_remote()[name].raw)
    return dict(_local(name).card.raw)


def fetch(name: str) -> Path:
    """Return the path of a model's weights, fetching them if need be.

    Raises
    ------
    ModelError
        The name is unknown, there is no such file, or it cannot be fetched.
    """
    return resolve_detector(name).path if name in _remote() else _local(name).path


def _local(name: str) -> Resolved:
    """Return a model that needs no network; a size not trained yet is served as in a run."""
    if name.endswith(".onnx"):
        return _from_path(name)
    name = name.removeprefix("spinepose-")
    if name in _embedded():
        return _embedded()[name]
    if name in ("auto", *_SIZES):
        return resolve_pose(name)
    known = ", ".join(row.name for row in list_models())
    raise ModelError(f"unknown model {name!r}; known: {known}")


def _from_path(name: str, task: str | None = None) -> Resolved:
    path = Path(name)
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    card = ModelCard.read(path.with_suffix(".json"))
    if task not in (None, card.task):
        raise ModelError(f"{path} is a {card.task} model, a {task} model is wanted")
    return Resolved(card, path)


@cache
def _warn_once(text: str) -> None:
    logger.warning(text)
