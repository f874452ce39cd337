"""One page about a set of synthetic people: what is in it, and how it is distributed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from spinepose.files import atomic_write
from spinepose.skeleton import SPINETRACK
from spinepose.synth.charts import bars, histogram, stacked

__all__ = ["statistics_of", "write_report"]

_VIEWS = (
    "front", "front-left", "left", "back-left", "back", "back-right", "right", "front-right",
    "above", "below",
)  # fmt: skip

_STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --a: #0072b2; --b: #e69f00;
  --c: #999; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --a: #56b4e9; } }
body { font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1rem; margin: 0 0 .4rem; }
main { columns: 2 440px; column-gap: 2rem; } figure { break-inside: avoid; margin: 0 0 1.6rem; }
svg { width: 100%; } svg text { font-size: 11px; fill: var(--ink); }
svg text.name { text-anchor: end; } rect, rect.g0 { fill: var(--a); } rect.g1 { fill: var(--b);
  fill-opacity: .75; } rect.g2 { fill: var(--c); } p { margin: .2rem 0; } .none { opacity: .6; }
span.g0 { color: var(--a); } span.g1 { color: var(--b); } span.g2 { color: var(--c); }
code { white-space: pre-wrap; }
"""


def write_report(dataset: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Write a page about a data set and return its statistics.

    Parameters
    ----------
    dataset
        The annotation file's content; outlines and 3-D points are not needed.
    path
        The ``.html`` file: one page without scripts or anything from outside.

    Returns
    -------
    statistics : dict
        The same numbers for programs (:func:`statistics_of`).

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    statistics = statistics_of(dataset)
    annotations, subjects = dataset["annotations"], dataset["subjects"]
    women = [subject["shape"]["gender"] > 0.5 for subject in subjects]

    def of_subjects(title: str, unit: str, value: Any) -> str:
        groups: dict[str, list[float]] = {"men": [], "women": []}
        for subject, female in zip(subjects, women, strict=True):
            groups["women" if female else "men"].append(float(value(subject)))
        return histogram(title, groups, unit)

    def of_people(title: str, unit: str, part: str, name: str) -> str:
        return histogram(title, {"people": [a[part][name] for a in annotations]}, unit)

    visible = statistics["visibility"]
    figures = [
        bars("Activities", statistics["activities"]),
        bars("The trunk is seen from", statistics["views"]),
        stacked(
            "Keypoints",
            [(name, (s["visible"], s["occluded"], s["outside"])) for name, s in visible.items()],
            ("visible", "occluded", "out of the picture"),
            {SPINETRACK.keypoints[i] for i in SPINETRACK.spine_indices},
        ),
        bars("People in a picture", statistics["people_per_image"]),
        histogram("Height of the box", {"people": [a["bbox"][3] for a in annotations]}, "px"),
        of_subjects("Stature", "m", lambda s: s["stature_m"]),
        of_subjects("Age (2/3 = adult, 1 = old)", "", lambda s: s["shape"]["age"]),
        of_subjects("Weight", "", lambda s: s["shape"]["weight"]),
        of_subjects("Muscle", "", lambda s: s["shape"]["muscle"]),
        of_subjects("Neutral lordosis, T12/L1 to L5", "deg", lambda s: s["neutral"]["lordosis"]),
        of_subjects("Neutral kyphosis, T1 to T12/L1", "deg", lambda s: s["neutral"]["kyphosis"]),
        of_people("Lordosis in the pose", "deg", "angles", "lordosis"),
        of_people("Kyphosis in the pose", "deg", "angles", "kyphosis"),
        of_people("Frontal curve in the pose", "deg", "angles", "scoliosis"),
        of_people("Trunk flexion", "deg", "trunk", "flexion"),
        of_people("Trunk twist", "deg", "trunk", "twist"),
        bars("Spines", statistics["spines"]),
        bars("Clothes and belongings", statistics["clothes"], most=30),
        bars("Backgrounds", statistics["backdrops"]),
    ]
    info = dataset["info"]
    counts = ", ".join(f"<b>{value}</b> {name}" for name, value in statistics["counts"].items())
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Synthetic people</title><style>{_STYLE}</style></head><body>"
        f"<h1>Synthetic people</h1><p>{counts}.</p>"
        f"<p>{100 * statistics['inside_silhouette']:.2f} % of the visible keypoints lie inside the "
        f"silhouette.</p><p><code>{escape(str(info.get('command', '')))}</code></p>"
        f"<p>spinepose {escape(str(info.get('version', '')))}, seed {escape(str(info['seed']))}, "
        f"anny {escape(str(info.get('anny', '')))}</p><main>{''.join(figures)}</main></body></html>"
    )
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return statistics


def statistics_of(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts, shares and means of a data set."""
    images, annotations = dataset["images"], dataset["annotations"]
    subjects = dataset["subjects"]
    people = Counter(Counter(a["image_id"] for a in annotations).values())
    people[0] = len(images) - sum(people.values())
    views = Counter(a["view"] for a in annotations)
    clothes = Counter(
        name for s in subjects for name in [*s.get("clothes", ()), *s.get("belongings", ())]
    )
    return {
        "counts": {
            "people": len(annotations),
            "pictures": len(images),
            "scenes": len({image["scene"] for image in images}),
            "cameras": len(dataset["cameras"]),
            "subjects": len(subjects),
        },
        "activities": _counted(a["activity"] for a in annotations),
        "views": {view: views[view] for view in _VIEWS if views[view]},
        "visibility": _visibility(annotations),
        "people_per_image": {str(n): people[n] for n in sorted(people) if people[n]},
        "box_height_px": _summary(a["bbox"][3] for a in annotations),
        "stature_m": _by_sex(subjects, lambda s: s["stature_m"]),
        "neutral_lordosis_deg": _by_sex(subjects, lambda s: s["neutral"]["lordosis"]),
        "neutral_kyphosis_deg": _by_sex(subjects, lambda s: s["neutral"]["kyphosis"]),
        "trunk_flexion_deg": _summary(a["trunk"]["flexion"] for a in annotations),
        "spines": _counted(s["neutral"]["variant"] for s in subjects),
        "clothes": dict(clothes.most_common(40)),
        "backdrops": _counted(image["backdrop"]["kind"] for image in images),
        "inside_silhouette": _inside(annotations),
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _visibility(annotations: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the share of each keypoint that is visible, occluded, outside."""
    if not annotations:
        return {}
    flags = np.array([a["keypoints"][2::3] for a in annotations])
    return {
        name: {
            word: round(float((flags[:, i] == value).mean()), 4)
            for word, value in (("visible", 2), ("occluded", 1), ("outside", 0))
        }
        for i, name in enumerate(SPINETRACK.keypoints)
    }


def _inside(annotations: list[dict[str, Any]]) -> float:
    """Return the share of visible keypoints that lie inside of their person's outline."""
    visible = np.array([a["keypoints"][2::3].count(2) for a in annotations], float)
    inside = np.array([a["inside_silhouette"] or 0.0 for a in annotations], float)
    return float((inside * visible).sum() / max(visible.sum(), 1.0))


def _by_sex(subjects: list[dict[str, Any]], value: Any) -> dict[str, dict[str, float]]:
    groups: dict[str, list[float]] = {"men": [], "women": []}
    for subject in subjects:
        groups["women" if subject["shape"]["gender"] > 0.5 else "men"].append(value(subject))
    return {name: _summary(values) for name, values in groups.items()}


def _summary(values: Iterable[float]) -> dict[str, float]:
    found = np.array(list(values), float)
    if not len(found):
        return {"count": 0}
    return {
        "count": len(found),
        "mean": round(float(found.mean()), 4),
        "deviation": round(float(found.std()), 4),
        "lowest": round(float(found.min()), 4),
        "highest": round(float(found.max()), 4),
    }
