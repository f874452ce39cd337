"""What every page of this package stands in: one file, without anything from outside."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape

from spinepose.draw.charts import PAGE_STYLE

__all__ = ["page"]


def page(
    title: str,
    head: str,
    sections: Iterable[tuple[str, str]] = (),
    *,
    style: str = "",
    script: str = "",
    data: str = "",
) -> str:
    """Return a page that needs no network and runs no script but its own.

    Parameters
    ----------
    title
        Text.
    head
        HTML that comes first.
    sections
        Headings and HTML.
    style
        CSS beside that of charts. Styles of single elements are refused by the page's policy.
    script
        JavaScript.
    data
        JSON for it, in an element called `data`.
    """
    style = PAGE_STYLE + style
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    body = "".join(f"<section><h2>{name}</h2>{content}</section>" for name, content in sections)
    # The data must not end the element that it stands in.
    safe = data.replace("<", "\\u003c")
    scripts = (
        f'<script type="application/json" id="data">{safe}</script><script>{script}</script>'
        if script
        else ""
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body>{head}{body}{scripts}</body></html>\n"
    )


def _hash(text: str) -> str:
    """Return how a security policy names a style or script of the page itself."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
