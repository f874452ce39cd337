"""What the commands of ``spinepose data`` share."""

from __future__ import annotations

from cyclopts import App, Parameter

__all__ = ["FLAG", "LIST", "QUIET", "data_app"]

data_app = App(name="data", help="Get, look at, check and convert sets of labelled people.")

FLAG = Parameter(negative=())
LIST = Parameter(consume_multiple=True, negative=())
QUIET = Parameter(name=["--quiet", "-q"], negative=())
