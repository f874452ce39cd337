"""What a project of annotation writes down: items, guesses, corrections. All of it is JSON.

K keypoints, always in the order of the project's skeleton.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.plain import plain

__all__ = ["ABSENT", "HIDDEN", "SEEN", "Correction", "Guess", "Item"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

ABSENT, HIDDEN, SEEN = 0, 1, 2
"""Of a keypoint, as COCO's ``v``: not labelled (outside of the picture, or nobody can tell), hidden
by something but placed, visible."""

_DIGITS = 2
"""Of pixels in files."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One person in one picture.

    Attributes
    ----------
    id
        Sixteen hexadecimal digits: of the picture's content and the box, so that the same picture
        added twice is one item.
    picture
        Path of the picture: relative to the project's folder, or absolute.
    sha256
        Of the picture's file.
    size
        Width and height, px.
    box
        (4,) x1 y1 x2 y2, px.
    group
        Items that must not be split between training and test: a video, or a picture.
    frame, time_s
        In the video; 0 in a photo.
    """

    id: str
    picture: str
    sha256: str
    size: tuple[int, int]
    box: Float64
    group: str
    frame: int = 0
    time_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "id": self.id,
            "picture": self.picture,
            "sha256": self.sha256,
            "size": list(self.size),
            "box": np.round(self.box, _DIGITS).tolist(),
            "group": self.group,
            "frame": self.frame,
            "time_s": round(self.time_s, 6),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Item:
        """Undo :meth:`to_dict`; `KeyError`, `TypeError` or `ValueError` if something is wrong."""
        width, height = (int(side) for side in values["size"])
        return cls(
            id=str(values["id"]),
            picture=str(values["picture"]),
            sha256=str(values["sha256"]),
            size=(width, height),
            box=_array(values["box"], (4,)),
            group=str(values["group"]),
            frame=int(values["frame"]),
            time_s=float(values["time_s"]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """Where keypoints may be, before anybody looked.

    Attributes
    ----------
    item
        Its id.
    keypoints
        (K, 2) px of the picture; NaN where there is no guess.
    scores
        (K,) in 0..1; 0 where there is none.
    spread
        (K,) px, how far the guess is expected to be off; NaN where it is not known.
    sources
        K names of what guessed each keypoint: ``curve``, ``spinepose-small 0.2.0``; empty where
        there is no guess.
    doubts
        Reasons to look at the item, each in 0..1, the more the higher: ``score``, ``flip``,
        ``variance``, ``implausible``.
    feature
        (D,) what the item looks like, for telling items apart; empty if not computed.
    """

    item: str
    keypoints: Float64
    scores: Float64
    spread: Float64
    sources: tuple[str, ...]
    doubts: Mapping[str, float]
    feature: Float64

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; what is not known is None."""
        return {
            "item": self.item,
            "keypoints": plain(self.keypoints, _DIGITS),
            "scores": np.round(self.scores, 4).tolist(),
            "spread": plain(self.spread, _DIGITS),
            "sources": list(self.sources),
            "doubts": {name: round(float(value), 4) for name, value in self.doubts.items()},
            "feature": np.round(self.feature, 4).tolist(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], keypoints: int) -> Guess:
        """Undo :meth:`to_dict`; `KeyError`, `TypeError` or `ValueError` if something is wrong."""
        sources = tuple(str(name) for name in values["sources"])
        if len(sources) != keypoints:
            raise ValueError(f"{len(sources)} sources for {keypoints} keypoints")
        return cls(
            item=str(values["item"]),
            keypoints=_array(values["keypoints"], (keypoints, 2)),
            scores=_array(values["scores"], (keypoints,)),
            spread=_array(values["spread"], (keypoints,)),
            sources=sources,
            doubts={str(name): float(value) for name, value in values["doubts"].items()},
            feature=np.asarray(values["feature"], np.float64).reshape(-1),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """What a person said about an item.

    Attributes
    ----------
    item
        Its id.
    annotator
        Who.
    time
        When it was saved, ISO 8601, UTC.
    round
        Of the guess that was shown; -1 if none was.
    keypoints
        (K, 2) px of the picture; NaN where absent.
    visibility
        (K,) :data:`ABSENT`, :data:`HIDDEN` or :data:`SEEN`.
    moved
        (K,) whether the keypoint is not where it was shown.
    tool
        Which program the correction came from: ``page``, ``cvat``, ``label-studio``, ``simulated``.
    seconds
        How long it took; NaN if not known.
    rejected
        The item is no person, or too small to label: it is not used.
    """

    item: str
    annotator: str
    time: str
    round: int
    keypoints: Float64
    visibility: Int64
    moved: npt.NDArray[np.bool_]
    tool: str
    seconds: float = math.nan
    rejected: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; what is not known is None."""
        return {
            "item": self.item,
            "annotator": self.annotator,
            "time": self.time,
            "round": self.round,
            "keypoints": plain(self.keypoints, _DIGITS),
            "visibility": self.visibility.tolist(),
            "moved": self.moved.astype(int).tolist(),
            "tool": self.tool,
            "seconds": plain(float(self.seconds), _DIGITS),
            "rejected": self.rejected,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], keypoints: int) -> Correction:
        """Undo :meth:`to_dict`; `KeyError`, `TypeError` or `ValueError` if something is wrong."""
        visibility = np.asarray(values["visibility"], np.int64)
        moved = np.asarray(values["moved"], np.int64).astype(np.bool_)
        points = _array(values["keypoints"], (keypoints, 2))
        if visibility.shape != (keypoints,) or moved.shape != (keypoints,):
            raise ValueError(f"visibility or moved are not {keypoints} numbers")
        if not np.isin(visibility, (ABSENT, HIDDEN, SEEN)).all():
            raise ValueError("a visibility is not 0, 1 or 2")
        if not np.isfinite(points[visibility > ABSENT]).all():
            raise ValueError("a labelled keypoint has no place")
        seconds = values["seconds"]
        return cls(
            item=str(values["item"]),
            annotator=str(values["annotator"]),
            time=str(values["time"]),
            round=int(values["round"]),
            keypoints=np.where((visibility > ABSENT)[:, None], points, np.nan),
            visibility=visibility,
            moved=moved,
            tool=str(values["tool"]),
            seconds=math.nan if seconds is None else float(seconds),
            rejected=bool(values["rejected"]),
        )


def _array(values: Any, shape: tuple[int, ...]) -> Float64:
    """Return numbers as an array of this shape, None as NaN."""
    found = np.array(values, dtype=np.float64)
    if found.shape != shape:
        raise ValueError(f"an array has shape {found.shape} instead of {shape}")
    if np.isinf(found).any():
        raise ValueError("a number is infinite")
    return found
