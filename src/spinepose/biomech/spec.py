"""What a kinematic body model is: bodies, coordinates, markers, and what must hold among them.

Axes are OpenSim's: x forward, y up, z to the right, metres and radians. Every body hangs on one
parent. At rest its frame is the parent's, moved by `offset` and tilted about z; then it turns about
its own axes, one after the other. Each turn follows one coordinate, and one coordinate may be
shared among many joints: that is how a few numbers bend the whole spine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from spinepose.errors import DataError

__all__ = ["AXES", "Body", "Coordinate", "Marker", "ModelSpec", "Turn", "Vector"]

Float64 = npt.NDArray[np.float64]
Vector = tuple[float, float, float]

AXES = "xyz"
"""Names of the axes, in the order of all arrays."""

_SHARE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One number of a pose.

    Parameters
    ----------
    name
        As in the ``.osim`` and ``.mot`` files. ``_r`` and ``_l`` at the end mean right and left.
    low, high
        Limits in radians, or in metres for a translation. Infinite where there are none.
    sources
        Keys of :attr:`ModelSpec.sources`, for the limits.
    translation
        ``x``, ``y`` or ``z`` when it moves the root along that axis of the ground; else empty.
    """

    name: str
    low: float
    high: float
    sources: tuple[str, ...]
    translation: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A rotation of a body by ``share * coordinate`` about one of its own axes."""

    axis: str
    coordinate: str
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Body:
    """A rigid body and its joint to the parent.

    Parameters
    ----------
    name, parent
        The parent comes before the body; the root alone has none (empty).
    offset
        Of the joint in the parent's frame, metres, for the reference person.
    tilt
        Of the resting body about the parent's z axis, radians; positive leans backward.
    group
        The scale group that stretches everything in this body's frame: its markers and the joints
        of its children.
    turns
        In the order in which they are made, about axes that turn with the body.
    sources
        Keys of :attr:`ModelSpec.sources`, for offset, tilt and shares.
    """

    name: str
    parent: str
    offset: Vector
    group: str
    sources: tuple[str, ...]
    tilt: float = 0.0
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """A keypoint at a fixed place of one body, metres in its frame."""

    name: str
    body: str
    location: Vector
    sources: tuple[str, ...]


@dataclass(frozen=True)
class ModelSpec:
    """A whole model; whatever is wrong with it is found when it is made.

    Parameters
    ----------
    name
        Of the model.
    stature
        Metres, of the reference person: all scale factors are one.
    bodies
        Parents before children.
    coordinates, markers, groups
        In the order of all arrays.
    sources
        Where the numbers are from: key to citation.

    Raises
    ------
    DataError
        If names repeat or are unknown, the bodies are no tree, shares of a coordinate that is
        spread over several joints do not add up to one, left and right do not mirror each other,
        or a source is missing.
    """

    name: str
    stature: float
    bodies: tuple[Body, ...]
    coordinates: tuple[Coordinate, ...]
    markers: tuple[Marker, ...]
    groups: tuple[str, ...]
    sources: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", MappingProxyType(dict(self.sources)))
        problems = [
            *_repeated(self),
            *_tree(self.bodies),
            *_unknown(self),
            *_turns(self.bodies),
            *_shares(self),
            *_limits(self.coordinates),
            *_asymmetric(self),
        ]
        if problems:
            raise DataError(f"the model {self.name!r} is not sound: {'; '.join(problems)}")

    @cached_property
    def body_index(self) -> Mapping[str, int]:
        """Position of each body."""
        return {body.name: i for i, body in enumerate(self.bodies)}

    @cached_property
    def coordinate_index(self) -> Mapping[str, int]:
        """Position of each coordinate."""
        return {item.name: i for i, item in enumerate(self.coordinates)}

    @cached_property
    def marker_index(self) -> Mapping[str, int]:
        """Position of each marker."""
        return {marker.name: i for i, marker in enumerate(self.markers)}

    @property
    def limits(self) -> Float64:
        """Limits (2, Q) of the coordinates: low and high, radians or metres."""
        pairs = [(item.low, item.high) for item in self.coordinates]
        return np.array(pairs, dtype=np.float64).T

    def shares(self, coordinate: str) -> dict[str, float]:
        """Return the share of a coordinate that each body's joint takes, by body."""
        return {
            body.name: turn.share
            for body in self.bodies
            for turn in body.turns
            if turn.coordinate == coordinate
        }

    @cached_property
    def mirror(self) -> tuple[npt.NDArray[np.int64], Float64]:
        """What mirrors a pose in the plane of symmetry of the ground, x and y.

        Returns
        -------
        order, sign
            (Q,) each: the mirrored pose is ``sign * q[..., order]``.
        """
        index = self.coordinate_index
        axes = {turn.coordinate: turn.axis for body in self.bodies for turn in body.turns}
        order, sign = [], []
        for item in self.coordinates:
            other = _other_side(item.name)
            order.append(index[other])
            odd = item.translation == "z" if item.translation else axes[item.name] != "z"
            sign.append(-1.0 if odd and other == item.name else 1.0)
        return np.array(order, dtype=np.int64), np.array(sign)


def _repeated(spec: ModelSpec) -> Iterable[str]:
    """Yield what has the name of another."""
    for kind in ("bodies", "coordinates", "markers"):
        names = Counter(item.name for item in getattr(spec, kind))
        for name, count in names.items():
            if count > 1:
                yield f"{kind}: {name!r} comes {count} times"
    if len(set(spec.groups)) != len(spec.groups):
        yield "scale groups repeat"


def _tree(bodies: tuple[Body, ...]) -> Iterable[str]:
    """Yield why the bodies are no tree with parents before children."""
    seen: set[str] = set()
    for root in bodies[:1]:
        if root.tilt or any(root.offset):
            yield f"the first body {root.name!r} does not rest at the ground's origin"
    for body in bodies:
        if not seen and body.parent:
            yield f"the first body {body.name!r} has a parent"
        if seen and body.parent not in seen:
            yield f"no body {body.parent!r} before its child {body.name!r}"
        seen.add(body.name)


def _unknown(spec: ModelSpec) -> Iterable[str]:
    """Yield references to what is not there, and what is not referred to."""
    bodies, groups = {body.name for body in spec.bodies}, set(spec.groups)
    coordinates = {item.name for item in spec.coordinates}
    turned = {turn.coordinate for body in spec.bodies for turn in body.turns}
    moving = {item.name for item in spec.coordinates if item.translation}
    for name in sorted(coordinates ^ (turned | moving)):
        yield f"coordinate {name!r} is not known or moves nothing"
    for body in spec.bodies:
        if body.group not in groups:
            yield f"{body.name!r} has an unknown scale group {body.group!r}"
    for marker in spec.markers:
        if marker.body not in bodies:
            yield f"marker {marker.name!r} is on an unknown body {marker.body!r}"
    items: tuple[Body | Coordinate | Marker, ...] = (
        *spec.bodies,
        *spec.coordinates,
        *spec.markers,
    )
    for item in items:
        missing = set(item.sources) - set(spec.sources)
        if missing or not item.sources:
            yield f"{item.name!r} lacks a source {sorted(missing)}"


def _turns(bodies: tuple[Body, ...]) -> Iterable[str]:
    """Yield joints whose turns are not about different axes."""
    for body in bodies:
        axes = [turn.axis for turn in body.turns]
        if len(set(axes)) != len(axes) or not set(axes) <= set(AXES):
            yield f"{body.name!r} turns about {axes}"


def _shares(spec: ModelSpec) -> Iterable[str]:
    """Yield coordinates whose shares do not add up to one, or mix axes."""
    shares: dict[str, list[float]] = defaultdict(list)
    axes: dict[str, set[str]] = defaultdict(set)
    for body in spec.bodies:
        for turn in body.turns:
            shares[turn.coordinate].append(turn.share)
            axes[turn.coordinate].add(turn.axis)
    for name, values in shares.items():
        total = abs(values[0]) if len(values) == 1 else sum(values)
        if abs(total - 1) > _SHARE_TOLERANCE:
            yield f"the shares of {name!r} add up to {total}"
        if len(axes[name]) > 1:
            yield f"{name!r} turns about several axes"


def _limits(coordinates: tuple[Coordinate, ...]) -> Iterable[str]:
    """Yield coordinates that are not free around zero."""
    for item in coordinates:
        if not item.low <= 0 <= item.high or item.low == item.high:
            yield f"the limits of {item.name!r} are {item.low} and {item.high}"
        if item.translation not in ("", *AXES):
            yield f"{item.name!r} moves along {item.translation!r}"


def _other_side(name: str) -> str:
    """Return the name of the same thing on the other side of the body."""
    for one, other in (("_l", "_r"), ("_r", "_l")):
        if name.endswith(one):
            return name.removesuffix(one) + other
    for one, other in (("left_", "right_"), ("right_", "left_")):
        if name.startswith(one):
            return other + name.removeprefix(one)
    return name


def _mirrored(point: Vector) -> Vector:
    return (point[0], point[1], -point[2])


def _asymmetric(spec: ModelSpec) -> Iterable[str]:
    """Yield what does not look like its other side."""
    bodies = {body.name: body for body in spec.bodies}
    for body in spec.bodies:
        other = bodies.get(_other_side(body.name))
        if other is None or not _same_body(body, other):
            yield f"{body.name!r} has no mirror image"
    markers = {marker.name: marker for marker in spec.markers}
    for marker in spec.markers:
        twin = markers.get(_other_side(marker.name))
        if (
            twin is None
            or twin.body != _other_side(marker.body)
            or not np.allclose(twin.location, _mirrored(marker.location), atol=1e-12)
        ):
            yield f"marker {marker.name!r} has no mirror image"
    limits = {item.name: (item.low, item.high) for item in spec.coordinates}
    for name, pair in limits.items():
        if limits.get(_other_side(name)) != pair:
            yield f"coordinate {name!r} has no mirror image"


def _same_body(body: Body, other: Body) -> bool:
    """Return whether two bodies are mirror images: turns about x and y go the other way."""
    side = body.name != other.name
    wanted = tuple(
        Turn(
            turn.axis,
            _other_side(turn.coordinate),
            turn.share * _sign(turn.axis) if side else turn.share,
        )
        for turn in body.turns
    )
    return (
        other.turns == wanted
        and other.parent == _other_side(body.parent)
        and (other.group, other.tilt) == (body.group, body.tilt)
        and bool(np.allclose(other.offset, _mirrored(body.offset), atol=1e-12))
    )


def _sign(axis: str) -> float:
    return 1.0 if axis == "z" else -1.0
