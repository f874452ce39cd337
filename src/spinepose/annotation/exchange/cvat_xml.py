"""CVAT's own format "CVAT for images 1.1" (docs.cvat.ai, "XML annotation format").

A ``skeleton`` has an element ``points`` for each keypoint: ``outside`` is absent, ``occluded`` is
hidden. The item, the round and the state are attributes of the skeleton. K keypoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from spinepose.annotation.exchange.cvat_labels import (
    ITEM,
    PERSON,
    ROUND,
    STATE,
    TOOL,
    cvat_labels,
    figure,
)
from spinepose.annotation.exchange.files import parsed_xml, read_text, write_text
from spinepose.annotation.exchange.said import (
    DONE,
    OPEN,
    Place,
    Said,
    all_or_nothing,
    check_names,
    corrections_from,
    utc,
)
from spinepose.annotation.exchange.shown import (
    HALF,
    Float64,
    Shown,
    alone_in_picture,
    picture_name,
    shown_items,
)
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN, Correction
from spinepose.errors import DataError
from spinepose.skeleton import Skeleton

__all__ = ["read_cvat", "write_cvat"]

_MEMBER = "annotations.xml"


def write_cvat(
    path: str | Path,
    project: Project,
    *,
    round: int | None = None,
    items: Sequence[str] | None = None,
) -> int:
    """Write guesses for CVAT.

    Keypoints that nobody guessed are there as ``outside``, where a person who stands in the box
    would have them.

    Parameters
    ----------
    path
        ``.xml``, for a task that has the pictures; or ``.zip`` with the pictures, which is imported
        as a dataset of a CVAT project with the label of :func:`~.cvat_labels.cvat_labels`.
    project
        Of any skeleton.
    round
        Whose guesses; the latest if `None`.
    items
        Ids in the order wanted; the round's queue if `None`, or all items if it has none.

    Returns
    -------
    int
        How many items were written.

    Raises
    ------
    DataError
        The round has no guesses, an item is unknown, or a picture is gone or was changed.
    UsageError
        There is nothing to correct.
    OutputError
        The file cannot be written.
    """
    path, shown = Path(path), shown_items(project, round, items)
    root = ElementTree.Element("annotations")
    _add(root, "version", "1.1")
    pictures: dict[str, list[Shown]] = {}
    for one in shown:
        pictures.setdefault(picture_name(one.item), []).append(one)
    _add_meta(root, project.skeleton, len(pictures))
    for number, (name, people) in enumerate(pictures.items()):
        width, height = people[0].item.size
        sides = {"width": str(width), "height": str(height)}
        image = ElementTree.SubElement(root, "image", {"id": str(number), "name": name, **sides})
        for one in people:
            _add_skeleton(image, one, project.skeleton)
    ElementTree.indent(root)
    text = '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode")
    write_text(path, text, _MEMBER, project, shown)
    return len(shown)


def read_cvat(path: str | Path, project: Project, annotator: str) -> list[Correction]:
    """Read what CVAT exported as "CVAT for images 1.1".

    Keypoints are known by name. A skeleton counts if its state is not ``open``, or if anything of
    it is not as it was shown. One without an item, drawn anew, is of the only item of its picture.

    Parameters
    ----------
    path
        ``.xml``, or the ``.zip`` that CVAT makes.
    project
        Where the guesses came from.
    annotator
        Who corrected: the file does not say.

    Raises
    ------
    DataError
        It is no such file; an item, a picture or a keypoint is unknown or missing.
    """
    path = Path(path)
    root = _annotations(path)
    time = utc(root.findtext(".//updated"))
    with all_or_nothing(str(path)):
        said = list(_skeletons(root, project, annotator, time))
    if not said:
        raise DataError(
            f"{path} has no skeleton {PERSON!r}: export it as 'CVAT for images 1.1' (not for video)"
        )
    return corrections_from(project, said, TOOL, str(path))


def _add(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


def _add_meta(root: ElementTree.Element, skeleton: Skeleton, pictures: int) -> None:
    """Add what CVAT wants to know before it makes a task of an archive."""
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    for tag, text in (("id", "1"), ("size", str(pictures)), ("mode", "annotation")):
        _add(task, tag, text)
    labels = ElementTree.SubElement(task, "labels")
    for label in cvat_labels(skeleton):
        entry = ElementTree.SubElement(labels, "label")
        for tag in ("name", "color", "type", "svg"):
            _add(entry, tag, label[tag])
        attributes = ElementTree.SubElement(entry, "attributes")
        for attribute in label["attributes"]:
            inner = ElementTree.SubElement(attributes, "attribute")
            for tag in ("name", "input_type", "default_value"):
                _add(inner, tag, attribute[tag])
            _add(inner, "mutable", str(attribute["mutable"]))
            _add(inner, "values", "\n".join(attribute["values"]))
        for part in label["sublabels"]:
            entry = ElementTree.SubElement(labels, "label")
            for tag in ("name", "color", "type"):
                _add(entry, tag, part[tag])
            ElementTree.SubElement(entry, "attributes")
            _add(entry, "parent", label["name"])


def _add_skeleton(image: ElementTree.Element, shown: Shown, skeleton: Skeleton) -> None:
    entry = ElementTree.SubElement(
        image, "skeleton", {"label": PERSON, "source": "file", "z_order": "0"}
    )
    for name, (x, y), known in zip(skeleton.keypoints, *_start(shown, skeleton), strict=True):
        ElementTree.SubElement(
            entry,
            "points",
            {
                "label": name,
                "source": "file",
                "outside": str(int(not known)),
                "occluded": "0",
                "points": f"{x + HALF:.2f},{y + HALF:.2f}",
            },
        )
    for name, value in ((ITEM, shown.item.id), (ROUND, str(shown.round)), (STATE, OPEN)):
        ElementTree.SubElement(entry, "attribute", {"name": name}).text = value


def _start(shown: Shown, skeleton: Skeleton) -> tuple[Float64, list[bool]]:
    """Return where keypoints (K, 2) start, px, and which are known; the others as if one stood."""
    low, high = shown.item.box.reshape(2, 2)
    standing = np.clip(low + figure(skeleton) * (high - low), 0, np.array(shown.item.size) - 1)
    places = shown.places(len(skeleton))
    known = np.isfinite(places)
    return np.where(known, places, standing), np.asarray(known.all(axis=1)).tolist()


def _annotations(path: Path) -> ElementTree.Element:
    try:
        root = parsed_xml(read_text(path, _MEMBER))
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{path}: {error}: export it again") from error
    if root.tag != "annotations":
        raise DataError(f"{path} is no 'CVAT for images 1.1' but begins with <{root.tag[:40]}>")
    return root


def _skeletons(
    root: ElementTree.Element, project: Project, annotator: str, time: str
) -> Iterator[Said]:
    alone = alone_in_picture(project)
    for image in root.iter("image"):
        picture = image.get("name", "?")
        for entry in image.iter("skeleton"):
            if entry.get("label") != PERSON:
                continue
            attributes = {a.get("name"): (a.text or "").strip() for a in entry.findall("attribute")}
            item = attributes.get(ITEM) or alone.get(Path(picture).name)
            if not item:
                raise ValueError(
                    f"a skeleton in {picture} has no item: write its id into the attribute {ITEM!r}"
                )
            elements = entry.findall("points")
            names = [element.get("label", "?") for element in elements]
            check_names(names, project.skeleton, f"the skeleton of item {item}")
            yield Said(
                item=item,
                annotator=annotator,
                time=time,
                round=int(attributes.get(ROUND) or -1),
                places=dict(zip(names, map(_place, elements), strict=True)),
                state=attributes.get(STATE) or DONE,
            )


def _place(element: ElementTree.Element) -> Place:
    words = element.attrib["points"].split(",")
    if len(words) != 2:
        raise ValueError(f"{element.get('label')} is {element.attrib['points']!r}, not one point")
    x, y = map(float, words)
    visibility = HIDDEN if element.get("occluded") == "1" else SEEN
    visibility = ABSENT if element.get("outside") == "1" else visibility
    return Place(x - HALF, y - HALF, visibility)
