"""What Label Studio shows and gives back: its labelling interface, tasks and annotations as JSON.

Formats: labelstud.io/guide/task_format and labelstud.io/tags/keypointlabels. One item is one task,
also where a picture shows several people; a frame that cannot be moved says whom to label. Places
are percent of the picture's sides. A keypoint that was deleted is absent; one that is hidden gets
the choice "hidden" (shift and H while it is selected). A task that shows nobody gets "no person".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

from spinepose.annotation.exchange.files import parsed_xml
from spinepose.annotation.exchange.said import (
    DONE,
    REJECTED,
    Place,
    Said,
    all_or_nothing,
    corrections_from,
    utc,
)
from spinepose.annotation.exchange.shown import HALF, Shown, keypoint_color
from spinepose.annotation.project import Project
from spinepose.annotation.records import HIDDEN, SEEN, Correction, Guess, Item
from spinepose.skeleton import Skeleton

__all__ = ["annotator_name", "corrections_of", "is_config_of", "labeling_config", "task_of"]

TOOL = "label-studio"

_PICTURE, _KEYPOINT, _FRAME, _HIDDEN, _VERDICT = "picture", "keypoint", "frame", "hidden", "verdict"
"""Names in the labelling interface."""
_HIDDEN_KEY, _REJECTED_KEY = "shift+h", "shift+n"
"""Letters alone are of labels and tools."""
_MODEL = "spinepose"
"""Of all guesses of all rounds: annotators see those of one model only, the first that came."""
_SIZE_PERCENT = 0.4
"""Of a keypoint's disc, of the picture's width."""
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 64


def labeling_config(skeleton: Skeleton) -> str:
    """Return the labelling interface for a skeleton, in Label Studio's XML."""
    view = ElementTree.Element("View")
    verdict = _control(view, "Choices", _VERDICT, choice="multiple", showInline="true")
    ElementTree.SubElement(verdict, "Choice", value=REJECTED, hotkey=_REJECTED_KEY)
    hidden = _control(view, "Choices", _HIDDEN, choice="multiple", perRegion="true")
    hidden.attrib |= {"whenTagName": _KEYPOINT, "showInline": "true"}
    ElementTree.SubElement(hidden, "Choice", value=_HIDDEN, hotkey=_HIDDEN_KEY)
    picture = {"name": _PICTURE, "value": f"${_PICTURE}", "zoom": "true", "zoomControl": "true"}
    ElementTree.SubElement(view, "Image", picture)
    labels = _control(view, "KeyPointLabels", _KEYPOINT, strokeWidth="2", opacity="0.9")
    for name in skeleton.keypoints:
        color = keypoint_color(skeleton, name)
        ElementTree.SubElement(labels, "Label", value=name, background=color, maxUsages="1")
    frame = _control(view, "RectangleLabels", _FRAME, fillOpacity="0")
    ElementTree.SubElement(frame, "Label", value="person", background="#888888")
    ElementTree.indent(view)
    return ElementTree.tostring(view, "unicode")


def is_config_of(config: str, skeleton: Skeleton) -> bool:
    """Return whether a labelling interface has the keypoints of a skeleton, in whatever order."""
    try:
        view = parsed_xml(config)
    except ValueError:
        return False
    labels = view.find(f".//KeyPointLabels[@name='{_KEYPOINT}']")
    choices = {choice.get("value") for choice in view.iter("Choice")}
    names = set() if labels is None else {label.get("value") for label in labels.iter("Label")}
    return names == set(skeleton.keypoints) and choices >= {_HIDDEN, REJECTED}


def task_of(shown: Shown, skeleton: Skeleton, picture: str) -> dict[str, Any]:
    """Return a task with the guess as a prediction, if there is one.

    Parameters
    ----------
    shown
        The item and its guess.
    skeleton
        Names the keypoints.
    picture
        Where Label Studio finds the picture.
    """
    item = shown.item
    data = {_PICTURE: picture, "item": item.id, "round": shown.round, "group": item.group}
    frame = _region(item, "person", _FRAME, "rectanglelabels", _frame(item)) | {"readonly": True}
    result = [frame]
    if shown.guess is not None:
        result += _regions(shown, shown.guess, skeleton)
    prediction = {"model_version": _MODEL, "score": _score(shown), "result": result}
    return {"data": data, "predictions": [prediction]}


def corrections_of(
    exported: Sequence[Mapping[str, Any]],
    project: Project,
    *,
    names: Mapping[int, str] | None = None,
    source: str = "Label Studio's export",
) -> list[Correction]:
    """Return the corrections of all annotators; what was skipped is left out.

    Parameters
    ----------
    exported
        What Label Studio exports as "JSON".
    project
        Where the guesses came from.
    names
        Of annotators by their number, where the export has but the number.
    source
        Names the file or server in errors.

    Raises
    ------
    DataError
        It is no such export, or what it says makes no sense; nothing was taken over.
    """
    items = project.items()
    with all_or_nothing(source):
        said = [one for task in exported for one in _said_in(task, items, names or {})]
    return corrections_from(project, said, TOOL, source)


def annotator_name(email: str) -> str:
    """Return an address as a name of a file: ``anna@lab.org`` becomes ``anna.lab.org``."""
    return _UNFIT.sub(".", email).strip("._-")[:_LONGEST_NAME] or "somebody"


def _control(
    view: ElementTree.Element, tag: str, name: str, **settings: str
) -> ElementTree.Element:
    return ElementTree.SubElement(view, tag, {"name": name, "toName": _PICTURE, **settings})


def _regions(shown: Shown, guess: Guess, skeleton: Skeleton) -> Iterator[dict[str, Any]]:
    places = shown.places(len(skeleton))
    for name, (x, y), score in zip(skeleton.keypoints, places, guess.scores, strict=True):
        if math.isfinite(x):
            width, height = shown.item.size
            value = {
                "x": 100 * (x + HALF) / width,
                "y": 100 * (y + HALF) / height,
                "width": _SIZE_PERCENT,
            }
            region = _region(shown.item, name, _KEYPOINT, "keypointlabels", value)
            yield region | {"score": round(float(score), 4)}


def _region(
    item: Item, label: str, control: str, kind: str, value: Mapping[str, float]
) -> dict[str, Any]:
    width, height = item.size
    return {
        "id": label,
        "type": kind,
        "from_name": control,
        "to_name": _PICTURE,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {**value, kind: [label]},
    }


def _frame(item: Item) -> dict[str, float]:
    sides = np.array(item.size, np.float64)
    low, high = np.clip(item.box.reshape(2, 2) / sides, 0, 1) * 100
    x, y, width, height = map(float, (*low, *(high - low)))
    return {"x": x, "y": y, "width": width, "height": height, "rotation": 0}


def _score(shown: Shown) -> float:
    return 0.0 if shown.guess is None else round(float(np.mean(shown.guess.scores)), 4)


def _said_in(
    task: Mapping[str, Any], items: Mapping[str, Item], names: Mapping[int, str]
) -> Iterator[Said]:
    """Yield the last word of each annotator about a task."""
    data, last = task["data"], {}
    for annotation in sorted(task["annotations"], key=lambda one: one["updated_at"]):
        if not annotation.get("was_cancelled"):
            last[_annotator(annotation["completed_by"], names)] = annotation
    item, where = str(data.get("item", "")), f"task {task.get('id', '?')}"
    for annotator, annotation in last.items():
        if item not in items:
            raise ValueError(f"{where} is about an item that the project does not have ({item!r})")
        places = _places(annotation["result"], items[item], f"{where} by {annotator}")
        seconds = annotation.get("lead_time")
        yield Said(
            item=item,
            annotator=annotator,
            time=utc(annotation["updated_at"]),
            round=int(data.get("round", -1)),
            places=places,
            state=REJECTED if _chosen(annotation["result"], _VERDICT) else DONE,
            seconds=math.nan if seconds is None else float(seconds),
        )


def _annotator(who: Any, names: Mapping[int, str]) -> str:
    if who is None:  # the account was removed
        return TOOL
    number = who["id"] if isinstance(who, Mapping) else int(who)
    email = who.get("email") if isinstance(who, Mapping) else None
    return annotator_name(email or names.get(number, f"{TOOL}-{number}"))


def _chosen(results: Sequence[Mapping[str, Any]], control: str) -> set[str]:
    """Return the ids of the regions for which a choice was made."""
    made = (r for r in results if r["from_name"] == control and r["value"].get("choices"))
    return {str(result.get("id")) for result in made}


def _places(results: Sequence[Mapping[str, Any]], item: Item, where: str) -> dict[str, Place]:
    hidden, places = _chosen(results, _HIDDEN), {}
    for result in results:
        if result["from_name"] != _KEYPOINT:
            continue
        labels = result["value"].get("keypointlabels", [])
        if len(labels) != 1 or labels[0] in places:
            raise ValueError(
                f"{where} has {' and '.join(labels) or 'a point'} twice or without name"
            )
        sides = result["original_width"], result["original_height"]
        if sides != item.size or result.get("image_rotation"):
            raise ValueError(
                f"{where} shows a picture of {sides} px, or turned; not {item.size} px"
            )
        x, y = (
            float(result["value"][axis]) / 100 * side - HALF
            for axis, side in zip("xy", sides, strict=True)
        )
        places[labels[0]] = Place(x, y, HIDDEN if str(result.get("id")) in hidden else SEEN)
    return places
