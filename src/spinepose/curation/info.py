"""Count what a labelled set holds: people, visible keypoints, views, sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.dataset.people import LabelledPeople, Person
from spinepose.draw.charts import bars, histogram, stacked
from spinepose.draw.page import page
from spinepose.files import atomic_write
from spinepose.plain import markdown_table
from spinepose.skeleton import SPINETRACK

__all__ = ["SplitInfo", "count_people", "info_markdown", "write_info_page"]

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_QUANTILES = (0.05, 0.5, 0.95)
_UNKNOWN = "not told"
_PARTS = ("visible", "hidden", "no label")


@dataclass(frozen=True, slots=True, eq=False)
class SplitInfo:
    """Counts of one split.

    Parameters
    ----------
    name
        Of the split.
    file
        Its labels.
    pictures, people, crowds
        How many there are; a crowd is several people labelled as one, and not among the people.
    visible, hidden
        (37,) people with each keypoint of SpineTrack labelled so. In sets that do not tell,
        every label is visible.
    heights
        (people,) height of each box, px.
    labelled
        (people,) labelled keypoints of each.
    per_picture
        People in a picture -> pictures.
    views, activities, sources
        Name -> people; empty names are told as such.
    """

    name: str
    file: Path
    pictures: int
    people: int
    crowds: int
    visible: Int64
    hidden: Int64
    heights: Float64
    labelled: Int64
    per_picture: Mapping[int, int]
    views: Mapping[str, int]
    activities: Mapping[str, int]
    sources: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON; heights as quantiles, `None` without people."""
        heights = np.quantile(self.heights, _QUANTILES).round(1).tolist() if self.people else None
        counts = zip(SPINETRACK.keypoints, self.visible.tolist(), self.hidden.tolist(), strict=True)
        return {
            "name": self.name,
            "file": str(self.file),
            "pictures": self.pictures,
            "people": self.people,
            "crowds": self.crowds,
            "keypoints": {name: {"visible": v, "hidden": h} for name, v, h in counts},
            "box_height_px": heights and dict(zip(("p5", "median", "p95"), heights, strict=True)),
            "labelled_keypoints": float(self.labelled.mean()) if self.people else None,
            "people_per_picture": {str(k): n for k, n in sorted(self.per_picture.items())},
            "views": dict(self.views),
            "activities": dict(self.activities),
            "sources": dict(self.sources),
        }


def count_people(sets: Mapping[str, LabelledPeople]) -> list[SplitInfo]:
    """Return the counts of each split; see :func:`.read_sets`."""
    return [_count(name, found) for name, found in sets.items()]


def _count(name: str, found: LabelledPeople) -> SplitInfo:
    people = [person for person in found.people if not person.crowd]
    flags = np.array([person.flags for person in people]).reshape(-1, len(SPINETRACK))
    shown = Counter(person.path for person in people)
    return SplitInfo(
        name=name,
        file=found.file,
        pictures=len(found.pictures),
        people=len(people),
        crowds=len(found.people) - len(people),
        visible=(flags == 2).sum(axis=0),
        hidden=(flags == 1).sum(axis=0),
        heights=np.array([person.box[3] - person.box[1] for person in people], np.float64),
        labelled=(flags > 0).sum(axis=1),
        per_picture=Counter(shown[path] for path in found.pictures),
        views=_names(people, "view"),
        activities=_names(people, "activity"),
        sources=_names(people, "source"),
    )


def _names(people: Sequence[Person], field: str) -> dict[str, int]:
    """Return how many people have each value of a field, the most frequent first."""
    counts = Counter(getattr(person, field) or _UNKNOWN for person in people)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def info_markdown(splits: Sequence[SplitInfo]) -> str:
    """Return a table of the splits and one of the keypoints, in shares of the people labelled."""
    head = ("split", "pictures", "people", "crowds", "keypoints each", "box height px, 5-50-95 %")
    tables = [markdown_table(head, [_row(split) for split in splits], align="lr")]
    names = [f"{split.name} {word} %" for split in splits for word in ("labelled", "hidden")]
    tables.append(markdown_table(["keypoint", *names], list(_keypoint_rows(splits)), align="lr"))
    for title in ("views", "activities", "sources"):
        counts = {split.name: getattr(split, title) for split in splits}
        rows = [[n, *(f"{c.get(n, 0):,}" for c in counts.values())] for n in _known(counts)]
        if rows:
            tables.append(markdown_table([title, *counts], rows, align="lr"))
    return "\n\n".join(tables) + "\n"


def _row(split: SplitInfo) -> list[str]:
    heights = np.quantile(split.heights, _QUANTILES) if split.people else ()
    each = f"{split.labelled.mean():.1f}" if split.people else "-"
    numbers = (split.pictures, split.people, split.crowds)
    return [split.name, *(f"{n:,}" for n in numbers), each, " ".join(f"{h:.0f}" for h in heights)]


def _keypoint_rows(splits: Sequence[SplitInfo]) -> Iterator[list[str]]:
    for k, name in enumerate(SPINETRACK.keypoints):
        cells = []
        for split in splits:
            count = max(split.people, 1)
            both = split.visible[k] + split.hidden[k], split.hidden[k]
            cells += [f"{100 * n / count:.1f}" for n in both]
        yield [name, *cells]


def _known(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return all names that any split has, but nothing where no split tells any."""
    names = list(dict.fromkeys(name for of_split in counts.values() for name in of_split))
    return [] if names == [_UNKNOWN] else names


def write_info_page(path: str | Path, splits: Sequence[SplitInfo]) -> None:
    """Write the counts as one page of charts without a script.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    text = page("A labelled set", _head(splits), _sections(splits))
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _head(splits: Sequence[SplitInfo]) -> str:
    totals = {
        "splits": len(splits),
        "pictures": sum(split.pictures for split in splits),
        "people": sum(split.people for split in splits),
        "labelled keypoints": sum(int(split.labelled.sum()) for split in splits),
    }
    cards = "".join(f"<li><b>{number:,}</b> {name}</li>" for name, number in totals.items())
    files = ", ".join(f"<code>{escape(str(split.file))}</code>" for split in splits)
    return f"<h1>A labelled set</h1><p>{files}</p><ul>{cards}</ul>"


def _sections(splits: Sequence[SplitInfo]) -> Iterator[tuple[str, str]]:
    """Return one section for each split, and one that compares sizes."""
    spine = set(SPINETRACK.spine)
    for split in splits:
        rows = [
            (name, _shares(int(v), int(h), split.people))
            for name, v, h in zip(SPINETRACK.keypoints, split.visible, split.hidden, strict=True)
        ]
        crowd = {str(k): n for k, n in sorted(split.per_picture.items())}
        figures = [
            stacked("Keypoints", rows if split.people else [], _PARTS, spine),
            bars("People in a picture", crowd, most=15),
            histogram("Labelled keypoints", {"people": split.labelled.astype(float)}, ""),
        ]
        for title in ("views", "activities", "sources"):
            figures.append(bars(title.capitalize(), getattr(split, title), most=20))
        yield escape(split.name), f"<div>{''.join(figures)}</div>"
    heights = {split.name: split.heights for split in splits}
    yield "Scale", f"<div>{histogram('Height of the box', heights, 'px')}</div>"


def _shares(visible: int, hidden: int, people: int) -> tuple[float, float, float]:
    whole = max(people, 1)
    return visible / whole, hidden / whole, (people - visible - hidden) / whole
