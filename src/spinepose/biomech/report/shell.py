"""What every page of this folder stands in."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from spinepose.draw.page import page

__all__ = ["shell"]


def shell(
    title: str, head: str, sections: Iterable[tuple[str, str]], *, script: str = "", data: str = ""
) -> str:
    """Return a page with the styles of bodies, verdicts and tables; see :func:`.page`."""
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return page(title, head, sections, style=style, script=script, data=data)
