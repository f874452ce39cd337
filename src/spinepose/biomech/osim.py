"""The body model as an OpenSim 4 file, for OpenSim's own tools and viewers.

Every joint is a CustomJoint, or a WeldJoint where nothing turns. OpenSim's joints cannot share a
coordinate, so that each joint of the spine has coordinates of its own, named after its body, and
CoordinateCouplerConstraints tie them to the region's. The region's coordinates turn a guide, a body
at the pelvis that carries nothing: only what turns a body by its full value counts as a rotation in
OpenSim and is converted between degrees and radians in its files.

The model is made for kinematics: masses are placeholders, there are no muscles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from spinepose.biomech.spec import AXES, Body, Marker, ModelSpec, Turn
from spinepose.errors import UsageError
from spinepose.files import atomic_write

__all__ = ["dependent_coordinates", "write_osim"]

Element = ElementTree.Element
SubElement = ElementTree.SubElement

_VERSION = "40000"
_FAR = 100.0
"""Metres and turns that stand for no limit: OpenSim wants a range."""
_PLACEHOLDER_MASS, _PLACEHOLDER_INERTIA = "1", "0.01 0.01 0.01 0 0 0"
_UNITS = {"x": "1 0 0", "y": "0 1 0", "z": "0 0 1"}
_SPACES = "\t\n\r /\\*+"
"""What OpenSim does not bear in names, beside nothing at all."""


def write_osim(
    path: str | Path,
    spec: ModelSpec,
    scale: npt.ArrayLike | None = None,
    *,
    name: str | None = None,
) -> None:
    """Write a model.

    Parameters
    ----------
    path
        The ``.osim`` file.
    spec
        The model.
    scale
        (G,) factors of the scale groups; 1 when not given.
    name
        Of the model in the file; the spec's when not given.

    Raises
    ------
    OutputError
        If the file cannot be written.
    UsageError
        If a factor is not positive, or their number is wrong.
    """
    factors = np.ones(len(spec.groups)) if scale is None else np.asarray(scale, dtype=np.float64)
    if factors.shape != (len(spec.groups),) or not (factors > 0).all():
        raise UsageError(f"scale must be {len(spec.groups)} positive numbers, not {scale!r}")
    kinds = (spec.body_index, spec.coordinate_index, spec.marker_index)
    for own in (key for names in kinds for key in names):
        if not own or set(own) & set(_SPACES):
            raise UsageError(f"OpenSim does not take the name {own!r}")
    tree = _document(spec, factors, name or spec.name)
    ElementTree.indent(tree, "\t")
    text = ElementTree.tostring(tree, encoding="unicode")
    with atomic_write(path) as temporary:
        temporary.write_text(
            f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', encoding="utf-8", newline="\n"
        )


def dependent_coordinates(spec: ModelSpec) -> dict[str, tuple[str, float]]:
    """Return the coordinates that the file has beside the spec's.

    Returns
    -------
    coordinates
        Name to the coordinate that it follows and its share.
    """
    return {
        _coordinate_name(spec, body, turn): (turn.coordinate, turn.share)
        for body in spec.bodies
        for turn in body.turns
        if not _owns(spec, body, turn)
    }


def _owns(spec: ModelSpec, body: Body, turn: Turn) -> bool:
    """Return whether a body alone turns with the coordinate, or is its guide."""
    shares = spec.shares(turn.coordinate)
    return len(shares) == 1 or body.name not in shares


def _guides(spec: ModelSpec) -> list[Body]:
    """Return a body for each region, which turns by the region's coordinates."""
    root = spec.bodies[0]
    turns: dict[str, list[Turn]] = {}
    for item in spec.coordinates:
        if len(spec.shares(item.name)) > 1:
            axis = next(t.axis for b in spec.bodies for t in b.turns if t.coordinate == item.name)
            region = item.name.rpartition("_")[0]
            turns.setdefault(region, []).append(Turn(axis, item.name))
    return [
        Body(f"{region}_guide", root.name, (0.0, 0.0, 0.0), root.group, (), 0.0, tuple(found))
        for region, found in turns.items()
    ]


def _coordinate_name(spec: ModelSpec, body: Body, turn: Turn) -> str:
    """Return the name, in the file, of what a turn follows."""
    if _owns(spec, body, turn):
        return turn.coordinate
    return f"{body.name}_{turn.coordinate.rpartition('_')[2]}"


def _document(spec: ModelSpec, factors: npt.NDArray[np.float64], name: str) -> Element:
    """Return the whole file."""
    document = Element("OpenSimDocument", Version=_VERSION)
    model = SubElement(document, "Model", name=name)
    SubElement(model, "Ground", name="ground")
    credits_ = "; ".join(spec.sources.values())
    SubElement(model, "credits").text = f"Numbers after: {credits_}"
    SubElement(model, "length_units").text = "meters"
    stretch = dict(zip(spec.groups, factors.tolist(), strict=True))
    bodies = {body.name: body for body in spec.bodies}
    written = [*spec.bodies, *_guides(spec)]
    _fill(model, "BodySet", [_body(body) for body in written])
    joints = [
        _joint(spec, body, stretch[bodies[body.parent].group] if body.parent else 1.0)
        for body in written
    ]
    _fill(model, "JointSet", joints)
    couplers = [
        _coupler(dependent, *followed)
        for dependent, followed in dependent_coordinates(spec).items()
    ]
    _fill(model, "ConstraintSet", couplers)
    markers = [_marker(marker, stretch[bodies[marker.body].group]) for marker in spec.markers]
    _fill(model, "MarkerSet", markers)
    return document


def _fill(model: Element, kind: str, items: Sequence[Element]) -> None:
    """Add a set of things to the model."""
    objects = SubElement(SubElement(model, kind, name=kind.lower()), "objects")
    objects.extend(items)


def _numbers(values: Sequence[float]) -> str:
    """Return numbers as they are read back to the last digit."""
    return " ".join(repr(float(value)) for value in values)


def _body(body: Body) -> Element:
    element = Element("Body", name=body.name)
    SubElement(element, "mass").text = _PLACEHOLDER_MASS
    SubElement(element, "mass_center").text = "0 0 0"
    SubElement(element, "inertia").text = _PLACEHOLDER_INERTIA
    return element


def _joint(spec: ModelSpec, body: Body, stretch: float) -> Element:
    """Return the joint of a body; `stretch` is its parent's scale factor."""
    parent = body.parent or "ground"
    fixed = body.parent and not body.turns
    joint = Element("WeldJoint" if fixed else "CustomJoint", name=f"{body.name}_joint")
    SubElement(joint, "socket_parent_frame").text = f"{parent}_offset"
    SubElement(joint, "socket_child_frame").text = f"{body.name}_offset"
    ranges = _ranges(spec, body)
    coordinates = joint if fixed else SubElement(joint, "coordinates")
    for name, low, high in ranges:
        coordinate = SubElement(coordinates, "Coordinate", name=name)
        SubElement(coordinate, "default_value").text = "0"
        SubElement(coordinate, "range").text = _numbers((low, high))
        SubElement(coordinate, "clamped").text = "false"
    frames = SubElement(joint, "frames")
    offset = [value * stretch for value in body.offset]
    where = f"/bodyset/{parent}" if body.parent else "/ground"
    _frame(frames, f"{parent}_offset", where, offset, body.tilt)
    _frame(frames, f"{body.name}_offset", f"/bodyset/{body.name}", (0.0, 0.0, 0.0), 0.0)
    if not fixed:
        joint.append(_transform(spec, body))
    return joint


def _ranges(spec: ModelSpec, body: Body) -> list[tuple[str, float, float]]:
    """Return the coordinates of a joint, in the order of its axes: name, low and high."""
    found = []
    items = spec.coordinates
    for turn in body.turns:
        item = items[spec.coordinate_index[turn.coordinate]]
        share = 1.0 if _owns(spec, body, turn) else turn.share
        name = _coordinate_name(spec, body, turn)
        found.append((name, _finite(item.low * share), _finite(item.high * share)))
    if not body.parent:
        found += [(i.name, _finite(i.low), _finite(i.high)) for i in items if i.translation]
    return found


def _finite(limit: float) -> float:
    return limit if math.isfinite(limit) else math.copysign(_FAR, limit)


def _frame(
    frames: Element, name: str, parent: str, translation: Sequence[float], tilt: float
) -> None:
    frame = SubElement(frames, "PhysicalOffsetFrame", name=name)
    SubElement(frame, "socket_parent").text = parent
    SubElement(frame, "translation").text = _numbers(translation)
    SubElement(frame, "orientation").text = _numbers((0.0, 0.0, tilt))


def _transform(spec: ModelSpec, body: Body) -> Element:
    """Return how a joint moves: its turns in their order, then the root's way over the ground."""
    transform = Element("SpatialTransform")
    turns = {turn.axis: turn for turn in body.turns}
    axes = [*turns, *(axis for axis in AXES if axis not in turns)]
    for number, axis in enumerate(axes, start=1):
        turn = turns.get(axis)
        if turn is None:
            _axis(transform, f"rotation{number}", axis)
        else:
            backward = turn.share < 0 and _owns(spec, body, turn)
            name = _coordinate_name(spec, body, turn)
            _axis(transform, f"rotation{number}", axis, name, backward=backward)
    moves = {item.translation: item.name for item in spec.coordinates if not body.parent}
    for number, axis in enumerate(AXES, start=1):
        _axis(transform, f"translation{number}", axis, moves.get(axis, ""))
    return transform


def _axis(
    transform: Element, name: str, axis: str, coordinate: str = "", *, backward: bool = False
) -> None:
    """Add an axis that follows a coordinate, or stands still."""
    element = SubElement(transform, "TransformAxis", name=name)
    SubElement(element, "coordinates").text = coordinate
    direction = _UNITS[axis].replace("1", "-1") if backward else _UNITS[axis]
    SubElement(element, "axis").text = direction
    if coordinate:
        function = SubElement(element, "LinearFunction", name="function")
        SubElement(function, "coefficients").text = "1 0"
    else:
        function = SubElement(element, "Constant", name="function")
        SubElement(function, "value").text = "0"


def _coupler(dependent: str, followed: str, share: float) -> Element:
    """Return the constraint ``dependent = share * followed``."""
    constraint = Element("CoordinateCouplerConstraint", name=f"{dependent}_coupler")
    function = SubElement(constraint, "coupled_coordinates_function")
    linear = SubElement(function, "LinearFunction")
    SubElement(linear, "coefficients").text = _numbers((share, 0.0))
    SubElement(constraint, "independent_coordinate_names").text = followed
    SubElement(constraint, "dependent_coordinate_name").text = dependent
    return constraint


def _marker(marker: Marker, stretch: float) -> Element:
    element = Element("Marker", name=marker.name)
    SubElement(element, "socket_parent_frame").text = f"/bodyset/{marker.body}"
    SubElement(element, "location").text = _numbers([value * stretch for value in marker.location])
    SubElement(element, "fixed").text = "true"
    return element
