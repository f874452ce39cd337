"""Browse people in one file: tiles with their labels, filters, an order, keys."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from spinepose.curation.crops import Crop, crop_people
from spinepose.curation.entries import Entry
from spinepose.draw.page import page
from spinepose.errors import DataError, UsageError
from spinepose.files import atomic_write
from spinepose.media import encode_image
from spinepose.skeleton import SPINETRACK

__all__ = ["MOST", "browser_page", "write_browser"]

MOST = 2000
"""People on a page: with more of them a browser gets slow."""

_QUALITY = 80
_ORDERS = {
    "file": "order of the file",
    "flags": "most flags first",
    "score": "least OKS first",
    "height": "smallest first",
    "labels": "fewest labels first",
}


def write_browser(
    path: str | Path, entries: Sequence[Entry], *, side: int = 240, title: str = "Labelled people"
) -> None:
    """Write a page to browse people; see :func:`browser_page`.

    Raises
    ------
    DataError
        There is nobody to show, or a picture cannot be read.
    UsageError
        There are more than :data:`MOST`.
    OutputError
        It cannot be written.
    """
    text = browser_page(entries, side=side, title=title)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def browser_page(
    entries: Sequence[Entry], *, side: int = 240, title: str = "Labelled people"
) -> str:
    """Return a page that needs nothing else: no network, no server, no other file.

    Parameters
    ----------
    entries
        In the order in which they are shown at first; about 15 kB each at the usual size.
    side
        Of a picture, px.
    title
        Text.

    Raises
    ------
    DataError
        There is nobody to show, or a picture cannot be read.
    UsageError
        There are more than :data:`MOST`.
    """
    if not entries:
        raise DataError("there is nobody to show")
    if len(entries) > MOST:
        raise UsageError(f"{len(entries):,} people are too many for a page: choose {MOST:,}")
    crops = {id(crop.entry): _person(crop) for crop in crop_people(entries, side)}
    data = {
        "side": side,
        "keypoints": SPINETRACK.keypoints,
        "parts": [_part(name) for name in SPINETRACK.keypoints],
        "bones": [
            [*pair, bone.part]
            for bone, pair in zip(SPINETRACK.bones, SPINETRACK.bone_indices.tolist(), strict=True)
        ],
        "people": [crops[id(entry)] for entry in entries],
    }
    style, script = (
        files(__package__).joinpath(f"browser.{kind}").read_text(encoding="utf-8")
        for kind in ("css", "js")
    )
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return page(title, _frame(title), style=style, script=script, data=text)


def _person(crop: Crop) -> dict[str, Any]:
    """Return what the page knows of a person; places are px of the crop."""
    entry, person = crop.entry, crop.entry.person
    flags = person.flags
    points = np.where(flags[:, None] > 0, crop.keypoints, 0).round(1)
    picture = b64encode(encode_image(crop.picture, ".jpg", quality=_QUALITY)).decode()
    return {
        "picture": f"data:image/jpeg;base64,{picture}",
        "keypoints": np.column_stack([points.astype(float), flags]).round(1).ravel().tolist(),
        "file": person.path.name,
        "path": str(person.path),
        "place": entry.place,
        "split": entry.split,
        "source": person.source,
        "view": person.view,
        "activity": person.activity,
        "height": round(float(person.box[3] - person.box[1])),
        "labels": int((flags > 0).sum()),
        "hidden": int((flags == 1).sum()),
        "score": round(entry.score, 4) if math.isfinite(entry.score) else None,
        "flags": entry.flags,
    }


def _part(name: str) -> str:
    """Return the part whose colour a keypoint has."""
    if name in SPINETRACK.spine:
        return "spine"
    side = name.partition("_")[0]
    face = name in ("nose", "head") or name.endswith(("_eye", "_ear"))
    return "head" if face else side if side in ("left", "right") else "trunk"


def _frame(title: str) -> str:
    """Return the controls, the place of the tiles and of the one that is looked at."""
    filters = "".join(
        f'<label>{name} <select id="{name}"><option value="">all</option></select></label>'
        for name in ("split", "view", "activity")
    )
    orders = "".join(f'<option value="{k}">{word}</option>' for k, word in _ORDERS.items())
    return (
        f"<header><h1>{escape(title)}</h1>{filters}"
        '<label><input type="checkbox" id="flagged">flagged only</label>'
        '<label>OKS up to <input type="number" id="below" min="0" max="1" step="0.05"></label>'
        f'<label>order <select id="order">{orders}</select></label>'
        '<label><input type="search" id="text" placeholder="file, number, flag"></label>'
        '<label><input type="checkbox" id="bones" checked>skeleton</label>'
        '<p id="told"></p></header>'
        '<noscript><p>Without scripts there is nothing to see.</p></noscript><main id="people">'
        '</main><dialog id="one"><div><div id="picture"></div><div><div id="facts"></div>'
        "<p><kbd>←</kbd> <kbd>→</kbd> next, <kbd>s</kbd> skeleton, <kbd>Esc</kbd> back</p>"
        '<button type="button" id="close">close</button></div></div></dialog>'
        "<footer><p><kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd> move, "
        "<kbd>Enter</kbd> look, <kbd>s</kbd> skeleton, <kbd>f</kbd> flagged only, "
        "<kbd>/</kbd> search</p></footer>"
    )
