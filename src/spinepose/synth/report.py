"""One page about a set of synthetic people: what is in it, and how it is distributed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.draw.charts import PAGE_STYLE, bars, histogram, stacked
from spinepose.files import atomic_write
from spinepose.skeleton import SPINETRACK

__all__ = ["statistics_of", "write_report"]

Float64 = npt.NDArray[np.float64]
Entries = Sequence[Mapping[str, Any]]

_UNKNOWN = "not recorded"
_VIEWS = (
    "front", "front-left", "left", "back-left", "back", "back-right", "right", "front-right",
    "above", "below",
)  # fmt: skip
_HEIGHTS = (
    ("below 0.5 m", 0.5), ("0.5 to 1 m", 1.0), ("1 to 1.5 m", 1.5), ("1.5 to 2 m", 2.0),
    ("2 to 3 m", 3.0), ("3 m and more", np.inf),
)  # fmt: skip
"""Classes of cameras by their height over the ground, with upper limits in m."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """A number that every entry has, and where it stands in the entry."""

    title: str
    unit: str
    path: tuple[str | int, ...]


_OF_SUBJECTS = {
    "stature_m": _Measure("Stature", "m", ("stature_m",)),
    "age": _Measure("Age (2/3 = adult, 1 = old)", "", ("shape", "age")),
    "weight": _Measure("Weight (0 = slight, 1 = heavy)", "", ("shape", "weight")),
    "muscle": _Measure("Muscle (0 = little, 1 = much)", "", ("shape", "muscle")),
    "neutral_lordosis_deg": _Measure("Neutral lordosis", "degrees", ("neutral", "lordosis")),
    "neutral_kyphosis_deg": _Measure("Neutral kyphosis", "degrees", ("neutral", "kyphosis")),
    "neutral_scoliosis_deg": _Measure("Neutral scoliosis", "degrees", ("neutral", "scoliosis")),
}
_OF_PEOPLE = {
    "box_height_px": _Measure("Height of the box", "px", ("bbox", 3)),
    "lordosis_deg": _Measure("Lordosis in the pose", "degrees", ("angles", "lordosis")),
    "kyphosis_deg": _Measure("Kyphosis in the pose", "degrees", ("angles", "kyphosis")),
    "scoliosis_deg": _Measure("Frontal curve in the pose", "degrees", ("angles", "scoliosis")),
    "trunk_flexion_deg": _Measure("Trunk flexion", "degrees", ("trunk", "flexion")),
    "trunk_lateral_deg": _Measure("Trunk lateral bending", "degrees", ("trunk", "lateral")),
    "trunk_twist_deg": _Measure("Trunk twist", "degrees", ("trunk", "twist")),
}


def write_report(
    dataset: Mapping[str, Any], path: Path, *, seconds: float | None = None
) -> dict[str, Any]:
    """Write a page about a data set and return its statistics.

    Parameters
    ----------
    dataset
        The annotation file's content; outlines and 3-D points are not needed. What is missing
        is shown as not recorded.
    path
        The ``.html`` file: one page without scripts or anything from outside.
    seconds
        How long the work took. Without it the same data set gives the same page.

    Returns
    -------
    statistics : dict
        The same numbers for programs (:func:`statistics_of`).

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    statistics = statistics_of(dataset, seconds=seconds)
    sections = "".join(
        f"<section><h2>{title}</h2><div>{''.join(figures)}</div></section>"
        for title, figures in _sections(dataset, statistics).items()
    )
    cards = "".join(f"<li><b>{value}</b> {name}</li>" for name, value in _cards(statistics))
    info = {key: escape(str(value)) for key, value in (dataset.get("info") or {}).items()}
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Synthetic people</title><style>{PAGE_STYLE}</style></head>"
        f"<body><h1>Synthetic people</h1><p>{info.get('description', '')}</p>"
        f"<p>command: <code>{info.get('command') or _UNKNOWN}</code></p>"
        f"<p>seed: <code>{info.get('seed', _UNKNOWN)}</code>, "
        f"spinepose {info.get('version', _UNKNOWN)}, anny {info.get('anny', _UNKNOWN)}</p>"
        f"<ul>{cards}</ul>{sections}</body></html>"
    )
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return statistics


def statistics_of(dataset: Mapping[str, Any], *, seconds: float | None = None) -> dict[str, Any]:
    """Return the counts, shares and means of a data set.

    Parameters
    ----------
    dataset, seconds
        As in :func:`write_report`.

    Returns
    -------
    statistics : dict
        Plain numbers, ready for JSON. What is not recorded is None, an empty dict, or has a
        count of 0; entries that lack a name are counted as "not recorded" beside the others.
    """
    images, people = _entries(dataset, "images"), _entries(dataset, "annotations")
    subjects = _entries(dataset, "subjects")
    scenes = {str(image["scene"]) for image in images if image.get("scene") is not None}
    statistics: dict[str, Any] = {
        "counts": {
            "people": _size(dataset, "annotations"),
            "pictures": _size(dataset, "images"),
            "scenes": len(scenes) if scenes or not images else None,
            "cameras": _size(dataset, "cameras"),
            "subjects": _size(dataset, "subjects"),
        },
        "seconds": seconds,
        "activities": _counted(_at(a, ("activity",)) for a in people),
        "views": _ordered(_counted(_at(a, ("view",)) for a in people), _VIEWS),
        "camera_heights": _camera_heights(_entries(dataset, "cameras")),
        "visibility": _visibility(people),
        "people_per_image": _people_per_image(images, people),
        "spines": _counted(_at(s, ("neutral", "variant")) for s in subjects),
        "clothes": _things(subjects, "clothes"),
        "belongings": _things(subjects, "belongings"),
        "backdrops": _counted(_at(image, ("backdrop", "kind")) for image in images),
        "inside_silhouette": _inside(people),
    }
    for key, measure in _OF_SUBJECTS.items():
        groups = _by_sex(subjects, measure.path)
        statistics[key] = {name: _summary(values) for name, values in groups.items()}
    for key, measure in _OF_PEOPLE.items():
        statistics[key] = _summary(_values(people, measure.path))
    return statistics


def _cards(statistics: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield what stands at the top: names and values."""
    for name, count in statistics["counts"].items():
        yield name, _UNKNOWN if count is None else f"{count:,}"
    inside = statistics["inside_silhouette"]
    share = _UNKNOWN if inside is None else f"{100 * inside:.2f} %"
    yield "of the visible keypoints inside the silhouette", share
    seconds = statistics["seconds"]
    if seconds is not None:
        minutes, rest = divmod(round(seconds), 60)
        each = seconds / max(statistics["counts"]["people"] or 0, 1)
        yield f"to make, {each:.2f} s a person", f"{minutes:,} min {rest} s"


def _sections(dataset: Mapping[str, Any], statistics: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the charts of the page under their headings."""
    people, subjects = _entries(dataset, "annotations"), _entries(dataset, "subjects")
    visible: dict[str, dict[str, float]] = statistics["visibility"]

    def of_people(key: str) -> str:
        measure = _OF_PEOPLE[key]
        return histogram(measure.title, {"people": _values(people, measure.path)}, measure.unit)

    def of_subjects(key: str) -> str:
        measure = _OF_SUBJECTS[key]
        return histogram(measure.title, _by_sex(subjects, measure.path), measure.unit)

    def things(title: str, key: str) -> str:
        empty = "none" if any(s.get(key) is not None for s in subjects) else _UNKNOWN
        return bars(title, statistics[key], most=20, whole=len(subjects), empty=empty)

    return {
        "Poses and keypoints": [
            bars("Activities", statistics["activities"]),
            bars("The trunk is seen from", statistics["views"]),
            stacked(
                "Keypoints (bold: of the spine)",
                [(name, tuple(shares.values())) for name, shares in visible.items()],
                ("visible", "occluded", "outside"),
                {SPINETRACK.keypoints[i] for i in SPINETRACK.spine_indices},
            ),
            *(of_people(key) for key in _OF_PEOPLE if key.startswith("trunk")),
        ],
        "Pictures": [
            bars("People in a picture", statistics["people_per_image"]),
            bars("Height of the cameras over the ground", statistics["camera_heights"]),
            bars("Backgrounds", statistics["backdrops"]),
            of_people("box_height_px"),
        ],
        "Spines": [
            bars("Kinds of spines", statistics["spines"]),
            *(of_subjects(key) for key in _OF_SUBJECTS if key.startswith("neutral")),
            *(of_people(key) for key in ("lordosis_deg", "kyphosis_deg", "scoliosis_deg")),
        ],
        "Bodies and clothes": [
            *(of_subjects(key) for key in ("stature_m", "age", "weight", "muscle")),
            things("Clothes (share of the subjects)", "clothes"),
            things("Belongings (share of the subjects)", "belongings"),
        ],
    }


def _entries(dataset: Mapping[str, Any], key: str) -> Entries:
    found: Entries = dataset.get(key) or []
    return found


def _size(dataset: Mapping[str, Any], key: str) -> int | None:
    return None if dataset.get(key) is None else len(dataset[key])


def _at(entry: Any, path: tuple[str | int, ...]) -> Any:
    """Return what stands at a path in an entry; None where it is missing."""
    for step in path:
        try:
            entry = entry[step]
        except (KeyError, IndexError, TypeError):
            return None
    return entry


def _values(entries: Entries, path: tuple[str | int, ...]) -> Float64:
    """Return the finite numbers (N,) at a path in the entries."""
    found = [_at(entry, path) for entry in entries]
    values = np.array([v for v in found if isinstance(v, int | float)], np.float64)
    return np.asarray(values[np.isfinite(values)])


def _by_sex(subjects: Entries, path: tuple[str | int, ...]) -> dict[str, Float64]:
    """Return the numbers at a path for men, for women, and for people of unrecorded sex."""
    groups: dict[str, list[Mapping[str, Any]]] = {"men": [], "women": []}
    for subject in subjects:
        gender = _at(subject, ("shape", "gender"))
        known = isinstance(gender, int | float)
        name = ("women" if gender > 0.5 else "men") if known else f"sex {_UNKNOWN}"
        groups.setdefault(name, []).append(subject)
    return {name: _values(members, path) for name, members in groups.items()}


def _counted(names: Iterable[Any]) -> dict[str, int]:
    """Return how often each name occurs, the most frequent first; empty if none is recorded."""
    counts = Counter(_UNKNOWN if name is None else str(name) for name in names)
    return {} if set(counts) <= {_UNKNOWN} else dict(counts.most_common())


def _ordered(counts: dict[str, int], order: Sequence[str]) -> dict[str, int]:
    """Return counts in a given order, other names last."""
    return {name: counts[name] for name in [*order, *counts] if name in counts}


def _things(subjects: Entries, key: str) -> dict[str, int]:
    """Return on how many subjects each of the 40 most frequent things is."""
    counts = Counter(name for s in subjects for name in {str(thing) for thing in s.get(key) or ()})
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:40])


def _camera_heights(cameras: Entries) -> dict[str, int]:
    """Return the number of cameras in each class of heights; a camera stands at -R^T t."""
    posed = [(c["R"], c["t"]) for c in cameras if c.get("R") is not None and c.get("t") is not None]
    heights = [-float(np.dot(np.array(R, float)[:, 2], np.array(t, float))) for R, t in posed]
    classes = np.searchsorted([limit for _, limit in _HEIGHTS], heights, side="right")
    counts = Counter(_HEIGHTS[index][0] for index in classes)
    return {name: counts[name] for name, _ in _HEIGHTS} if posed else {}


def _people_per_image(images: Entries, people: Entries) -> dict[str, int]:
    """Return the number of pictures with each number of people."""
    if any(a.get("image_id") is None for a in people):
        return {}
    per_image = Counter(a["image_id"] for a in people)
    counts = Counter(per_image[image.get("id")] for image in images)
    return {str(number): counts[number] for number in sorted(counts)}


def _flags(person: Mapping[str, Any]) -> list[Any] | None:
    """Return the flags v (37,) of a person's keypoints; None if they are not all there."""
    flags = list(person.get("keypoints") or ())[2::3]
    return flags if len(flags) == len(SPINETRACK) else None


def _visibility(people: Entries) -> dict[str, dict[str, float]]:
    """Return the share of each keypoint that is visible, occluded, outside."""
    flags = np.array([found for found in map(_flags, people) if found is not None])
    if not len(flags):
        return {}
    return {
        name: {
            word: round(float((flags[:, i] == value).mean()), 4)
            for word, value in (("visible", 2), ("occluded", 1), ("outside", 0))
        }
        for i, name in enumerate(SPINETRACK.keypoints)
    }


def _inside(people: Entries) -> float | None:
    """Return the share of visible keypoints inside of their person's outline, if recorded.

    A person has a share, or the counts of keypoints inside and of visible ones.
    """
    inside = visible = 0.0
    for person in people:
        found = person.get("inside_silhouette")
        if isinstance(found, int | float):
            weight = (_flags(person) or [2]).count(2)
            inside, visible = inside + found * weight, visible + weight
        elif isinstance(found, Sequence) and len(found) == 2:
            inside, visible = inside + found[0], visible + found[1]
    return inside / visible if visible else None


def _summary(values: Float64) -> dict[str, float]:
    if not len(values):
        return {"count": 0}
    return {
        "count": len(values),
        "mean": round(float(values.mean()), 4),
        "deviation": round(float(values.std()), 4),
        "lowest": round(float(values.min()), 4),
        "highest": round(float(values.max()), 4),
    }
