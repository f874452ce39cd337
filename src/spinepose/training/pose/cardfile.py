"""What people write for a model's card: a TOML file, and JSON files of measured numbers.

The TOML file, every key of which is checked::

    id = "spinepose-small"
    version = "1.0.0"
    summary = "37 keypoints, nine of them on the spine, of one person in a crop."
    licence = "Apache-2.0"
    limits = ["Not a medical device."]

    [training]
    teachers = ["MoveNet Thunder (Google, Apache-2.0)"]
    start = "random"
    recipe = "Losses, stages and optimiser in a few sentences."
    command = "spinepose train --config small.toml --out small"

    [[training.data]]
    name = "synthetic people"
    licence = "made for this project"
    people = 20001

A file of numbers is a JSON list of objects, each with ``name``, ``value``, ``data`` (on which
people, and how many) and ``command`` (what to type to measure it again).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from spinepose.errors import DataError, UsageError
from spinepose.training.pose.cards import CardText, Metric, Source, Training

__all__ = ["CardFile", "metrics_from", "read_card_file"]

Text = Annotated[str, msgspec.Meta(min_length=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a file: unknown keys and wrong types are errors."""


class DataTable(_Table, frozen=True):
    """One ``[[training.data]]``: people that the network learned from."""

    name: Text
    licence: Text
    """Of pictures and labels."""
    people: Count


class TrainingTable(_Table, frozen=True):
    """``[training]``: how the network was made."""

    start: Text
    recipe: Text
    command: Text
    data: tuple[DataTable, ...]
    teachers: tuple[str, ...] = ()


class CardFile(_Table, frozen=True):
    """A whole TOML file."""

    id: Text
    version: Text
    summary: Text
    limits: tuple[str, ...]
    training: TrainingTable
    licence: Text = "Apache-2.0"
    """Of the weights: an SPDX expression."""

    def text(self, metrics: Iterable[Metric] = ()) -> CardText:
        """Return what the card says."""
        made = self.training
        data = [Source(d.name, d.licence, d.people) for d in made.data]
        training = Training(list(made.teachers), made.start, data, made.recipe, made.command)
        return CardText(
            self.id, self.version, self.summary, training, list(metrics), self.limits, self.licence
        )


class MetricRow(_Table, frozen=True):
    """One measured number of a JSON file."""

    name: Text
    value: float
    data: Text
    command: Text


def read_card_file(path: Path) -> CardFile:
    """Read and check what a card shall say.

    Raises
    ------
    UsageError
        The file is missing, not TOML, or a key is missing, unknown or has a wrong value.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(table, CardFile)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, msgspec.ValidationError) as error:
        # msgspec says where: "Expected `int`, got `str` - at `$.training.data[0].people`".
        raise UsageError(f"{path}: {str(error).replace('$.', '')}") from error


def metrics_from(path: Path) -> list[Metric]:
    """Read measured numbers from a JSON list of ``{"name", "value", "data", "command"}``.

    Raises
    ------
    DataError
        The file is missing, not JSON, or not such a list.
    """
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=list[MetricRow])
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        reason = str(error).replace("$", "list")
        raise DataError(
            f"{path}: not a list of measured numbers ({reason}); give objects with name, value, "
            "data and command"
        ) from error
    return [Metric(row.name, row.value, row.data, row.command) for row in rows]
