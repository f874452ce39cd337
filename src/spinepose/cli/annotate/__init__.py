"""``spinepose annotate``: guess, choose, correct, merge, train, and again."""

from __future__ import annotations

# Each module adds its commands to the app.
from spinepose.cli.annotate import correcting, exchanging, guessing, training
from spinepose.cli.annotate.shared import annotate_app

__all__ = ["annotate_app", "correcting", "exchanging", "guessing", "training"]
