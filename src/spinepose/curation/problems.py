"""What may be wrong with a labelled set, and how it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["KINDS", "Kind", "Problem", "to_markdown"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Parameters
    ----------
    severity
        ``error``: training or evaluation would fail or be wrong; ``warning``: someone should look.
    meaning
        For people to read.
    remedy
        What :func:`.fix` does about it; empty where a person has to decide.
    """

    severity: Severity
    meaning: str
    remedy: str = ""


_ZERO = "the keypoint becomes unlabelled (0, 0, 0)"

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "layout": Kind("error", "a folder of pictures or a label file is missing"),
        "json": Kind("error", "the label file is no JSON"),
        "schema": Kind("error", "a key is missing, or a value of another type"),
        "skeleton": Kind("error", "keypoint names of no known skeleton, or used twice"),
        "names-unknown": Kind("warning", "keypoints that SpineTrack does not have: not read"),
        "order": Kind("warning", "keypoints of a known skeleton in another order"),
        "image-id": Kind("error", "two pictures have the same id"),
        "annotation-id": Kind("error", "two people have the same id"),
        "image-unknown": Kind("error", "a person in no picture of the file", "the person goes"),
        "category-unknown": Kind("error", "a person of no category of the file"),
        "keypoint-count": Kind("error", "not three numbers for each keypoint"),
        "keypoint-number": Kind("error", "a keypoint whose place is no number", _ZERO),
        "keypoint-flag": Kind("error", "a visibility that is not 0, 1 or 2"),
        "keypoint-outside": Kind("warning", "visible, but outside of the picture", _ZERO),
        "num-keypoints": Kind(
            "warning", "num_keypoints is not their number", "they are counted again"
        ),
        "box": Kind("error", "a box without any of the picture in it"),
        "box-outside": Kind("warning", "a box beyond the picture", "the box ends at its border"),
        "box-keypoints": Kind("warning", "visible keypoints outside of the box"),
        "area-missing": Kind("warning", "no area", "0.53 of the box, as CrowdPose has it"),
        "area": Kind("warning", "an area larger than the box"),
        "person-copied": Kind("error", "the same labels twice in a picture", "the second goes"),
        "person-twice": Kind("warning", "two people that are nearly the same"),
        "picture-missing": Kind("error", "no such file"),
        "picture-unreadable": Kind("error", "the file is damaged or no picture"),
        "picture-size": Kind("error", "the picture has another size than the labels say"),
        "picture-named-twice": Kind("error", "two entries name the same file"),
        "picture-unused": Kind("warning", "files that the labels do not name"),
        "picture-copied": Kind("warning", "two files hold the same bytes"),
        "picture-near": Kind("warning", "two files show nearly the same"),
        "leak": Kind("error", "to learn from and to be judged on: the same bytes"),
        "leak-near": Kind("warning", "to learn from and to be judged on: nearly the same"),
    }
)
"""All kinds, by name, in the order in which they are told."""

_RANK = {name: rank for rank, name in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Parameters
    ----------
    kind
        A key of :data:`KINDS`.
    file
        The label file, or what stands for it.
    text
        What exactly, for people to read.
    image, annotation
        Ids of the picture and the person, where it is about one.
    place
        Position of the person in the file's ``annotations``, since ids may be wrong too.
    """

    kind: str
    file: Path
    text: str
    image: Any = None
    annotation: Any = None
    place: int | None = None

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return KINDS[self.kind].severity

    @property
    def fixable(self) -> bool:
        """Whether :func:`.fix` does something about it."""
        return bool(KINDS[self.kind].remedy)

    @property
    def where(self) -> str:
        """File, picture and person, for people to read."""
        parts = [self.file.name]
        parts += [f"picture {self.image}"] if self.image is not None else []
        parts += [f"person {self.annotation}"] if self.annotation is not None else []
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "fixable": self.fixable,
            "file": str(self.file),
            "image": self.image,
            "annotation": self.annotation,
            "text": self.text,
        }


def to_markdown(problems: Sequence[Problem], each: int = 5) -> str:
    """Return how many problems of each kind there are, and the first of each.

    Parameters
    ----------
    problems
        Of any kinds.
    each
        At most so many of a kind are told one by one.
    """
    if not problems:
        return "no problems\n"
    counts = Counter(problem.kind for problem in problems)
    order = sorted(counts, key=_RANK.__getitem__)
    lines = ["| kind | | number | meaning | fix |", "|---|---|---:|---|---|"]
    for name in order:
        kind = KINDS[name]
        cells = (name, kind.severity, f"{counts[name]:,}", kind.meaning, kind.remedy or "-")
        lines.append(f"| {' | '.join(cells)} |")
    for name in order:
        told = [problem for problem in problems if problem.kind == name]
        lines += ["", f"## {name}", ""]
        lines += [f"- {problem.where}: {problem.text}" for problem in told[:each]]
        lines += [f"- and {len(told) - each:,} more"] if len(told) > each else []
    return "\n".join(lines) + "\n"
