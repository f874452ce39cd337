"""The tree of commands."""

from __future__ import annotations

from cyclopts import App

from spinepose.cli.annotate import annotate_app
from spinepose.cli.data import data_app
from spinepose.cli.doctor import doctor
from spinepose.cli.evaluate import evaluate
from spinepose.cli.export import export
from spinepose.cli.models import models_app
from spinepose.cli.run import run
from spinepose.cli.synth import synth
from spinepose.cli.train import train
from spinepose.cli.validate import validate

__all__ = ["app"]


def _version() -> str:
    from importlib.metadata import version

    return f"spinepose {version('spinepose')}"


app = App(
    name="spinepose",
    version=_version,
    version_flags=["--version"],
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)
app.default(run)
app.command(models_app)
app.command(data_app)
app.command(annotate_app)
app.command(doctor)
app.command(synth)
app.command(train)
app.command(export)
app.command(evaluate, name="eval")
app.command(validate)
