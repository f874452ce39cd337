"""``spinepose data``: get, look at, check and convert sets of labelled people."""

from __future__ import annotations

# Each module adds its commands to the app.
from spinepose.cli.data import converting, fetching, looking
from spinepose.cli.data.shared import data_app

__all__ = ["converting", "data_app", "fetching", "looking"]
