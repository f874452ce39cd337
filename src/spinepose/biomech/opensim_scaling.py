"""Scaling by OpenSim's own ScaleTool, by one factor or by measured distances of markers."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from spinepose.biomech.opensim_process import ask_opensim, existing_model, require_opensim
from spinepose.biomech.spec import ModelSpec
from spinepose.errors import DataError, UsageError
from spinepose.export.trc import Markers, read_trc, write_trc
from spinepose.files import atomic_write

__all__ = ["Measurement", "body_measurements", "scale_with_opensim"]

Factors = dict[str, tuple[float, float, float]]

_PAIRS = {
    # scale group: markers whose distance the group alone stretches
    "pelvis": (("left_hip", "right_hip"),),
    "lumbar": (("spine_01", "spine_03"),),
    "thorax": (("spine_03", "spine_05"),),
    "neck": (("neck", "neck_03"),),
    "head": (("left_ear", "right_ear"), ("nose", "head")),
    "shoulder": (("{}_clavicle", "{}_shoulder"),),
    "upper_arm": (("{}_shoulder", "{}_elbow"),),
    "forearm": (("{}_elbow", "{}_wrist"),),
    "thigh": (("{}_hip", "{}_knee"),),
    "shank": (("{}_knee", "{}_ankle"),),
    "foot": (("{}_heel", "{}_big_toe"),),
}
_SIDES = ("left", "right")

_VERSION = "40000"
_SETTINGS = ("scaling_order", "MeasurementSet", "ScaleSet", "preserve_mass_distribution")
"""What is used of a ScaleTool's settings."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement of OpenSim's ScaleTool.

    Attributes
    ----------
    name
        Of the measurement.
    pairs
        Markers whose distances are measured; the factor is the mean of their ratios to the model's.
    bodies
        That are stretched by it, along all axes.
    """

    name: str
    pairs: tuple[tuple[str, str], ...]
    bodies: tuple[str, ...]


def body_measurements(spec: ModelSpec) -> tuple[Measurement, ...]:
    """Return what ScaleTool measures for a model of this package, one for each scale group.

    The pairs of lumbar, thorax and neck span joints, and bending changes them by up to 5 %: give
    ScaleTool frames in which the person stands.
    """
    return tuple(
        Measurement(
            group,
            tuple(
                (first.format(side), second.format(side))
                for first, second in _PAIRS[group]
                for side in (_SIDES if "{}" in first else ("",))
            ),
            tuple(body.name for body in spec.bodies if body.group == group),
        )
        for group in spec.groups
    )


def scale_with_opensim(
    model: str | Path,
    output: str | Path,
    settings: float | str | Path | Sequence[Measurement],
    markers: Markers | str | Path | None = None,
) -> Factors:
    """Scale a model by OpenSim's ScaleTool and write it.

    Markers are scaled with their bodies. ScaleTool's MarkerPlacer, which would move them to where
    they were measured, is not run, whatever the settings say.

    Parameters
    ----------
    model
        The ``.osim`` file.
    output
        The scaled ``.osim`` file.
    settings
        One factor for all bodies; measurements, such as :func:`body_measurements`; or the
        ``.xml`` file of a ScaleTool, of which only the measurements, the manual scales and their
        order are used, and no file that it names.
    markers
        For measurements: a ``.trc`` file or what it holds, y up. Distances are means over all
        frames in which all measured markers are present.

    Returns
    -------
    factors
        Along x, y and z, by body.

    Raises
    ------
    DataError
        If a file is broken, measured markers are missing, or OpenSim refuses.
    MissingExtraError
        If `opensim` is not installed.
    OutputError
        If the file cannot be written.
    UsageError
        If the factor is not positive, or the settings measure and there are no markers.
    """
    require_opensim()
    model = existing_model(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if isinstance(settings, int | float):
            if not 0 < settings < np.inf:
                raise UsageError(f"a scale factor must be positive, not {settings}")
            found = ask_opensim("scale", model, folder, factor=float(settings))
        else:
            _prepare(folder, model, settings, markers)
            found = ask_opensim("scale", model, folder)
        with atomic_write(output) as temporary:
            temporary.write_bytes((folder / "scaled.osim").read_bytes())
    return {body: (x, y, z) for body, (x, y, z) in found["factors"].items()}


def _prepare(
    folder: Path,
    model: Path,
    settings: str | Path | Sequence[Measurement],
    markers: Markers | str | Path | None,
) -> None:
    """Write the settings and, if they measure, the markers, after a look at the model."""
    document = _scale_document(settings)
    document.write(folder / "scale.xml", encoding="utf-8")
    names, bodies = _measured(document)
    if names:
        _write_measured(folder / "markers.trc", markers, names)
        own = ask_opensim("describe", model, folder)
        _refuse_unknown(model, "markers", names, own["markers"])
        _refuse_unknown(model, "bodies", bodies, own["bodies"])


def _scale_document(settings: str | Path | Sequence[Measurement]) -> ElementTree.ElementTree:
    """Return the settings of a ScaleTool that names no file."""
    document = ElementTree.Element("OpenSimDocument", Version=_VERSION)
    tool = ElementTree.SubElement(document, "ScaleTool", name="scale")
    scaler = ElementTree.SubElement(tool, "ModelScaler")
    if isinstance(settings, str | Path):
        version, elements = _own_settings(Path(settings))
        document.set("Version", version)
        scaler.extend(elements)
    else:
        ElementTree.SubElement(scaler, "scaling_order").text = "measurements"
        objects = _objects(scaler, "MeasurementSet")
        for measurement in settings:
            _add_measurement(objects, measurement)
    return ElementTree.ElementTree(document)


def _own_settings(path: Path) -> tuple[str, list[ElementTree.Element]]:
    """Return the version of a user's settings, and what they say about scaling."""
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except ElementTree.ParseError as error:
        raise DataError(f"{path} is not sound XML: {error}; save it anew in OpenSim") from error
    own = root.find(".//ModelScaler")
    if own is None:
        raise DataError(f"{path} holds no ModelScaler: give the settings of a ScaleTool")
    kept = [element for tag in _SETTINGS if (element := own.find(tag)) is not None]
    if any(part.get("file") for element in kept for part in element.iter()):
        raise DataError(f"{path} refers to other files: put their content into it")
    return root.get("Version", _VERSION), kept


def _objects(parent: ElementTree.Element, kind: str) -> ElementTree.Element:
    return ElementTree.SubElement(ElementTree.SubElement(parent, kind), "objects")


def _add_measurement(objects: ElementTree.Element, measurement: Measurement) -> None:
    element = ElementTree.SubElement(objects, "Measurement", name=measurement.name)
    ElementTree.SubElement(element, "apply").text = "true"
    pairs, bodies = _objects(element, "MarkerPairSet"), _objects(element, "BodyScaleSet")
    for pair in measurement.pairs:
        markers = ElementTree.SubElement(pairs, "MarkerPair")
        ElementTree.SubElement(markers, "markers").text = " ".join(pair)
    for body in measurement.bodies:
        scale = ElementTree.SubElement(bodies, "BodyScale", name=body)
        ElementTree.SubElement(scale, "axes").text = "X Y Z"


def _measured(document: ElementTree.ElementTree) -> tuple[list[str], list[str]]:
    """Return the markers that settings measure, and the bodies that these measurements stretch."""
    markers: dict[str, None] = {}
    bodies: dict[str, None] = {}
    for measurement in document.iterfind(".//Measurement"):
        if measurement.findtext("apply", "true").strip() == "true":
            for pair in measurement.iterfind(".//MarkerPair/markers"):
                markers.update(dict.fromkeys((pair.text or "").split()))
            for body in measurement.iterfind(".//BodyScale"):
                bodies[body.get("name", "")] = None
    return list(markers), list(bodies)


def _refuse_unknown(model: Path, kind: str, wanted: Sequence[str], own: Sequence[str]) -> None:
    """Refuse what ScaleTool would pass over in silence, and leave the bodies as they are."""
    missing = [name for name in wanted if name not in own]
    if missing:
        raise DataError(f"{model} lacks {kind} that scaling asks for: {', '.join(missing)}")


def _write_measured(path: Path, markers: Markers | str | Path | None, names: Sequence[str]) -> None:
    """Write the frames with all measured markers: OpenSim's mean is NaN otherwise."""
    if markers is None:
        raise UsageError("the settings measure distances of markers: give markers too")
    given = markers if isinstance(markers, Markers) else read_trc(markers)
    missing = [name for name in names if name not in given.names]
    if missing:
        raise DataError(f"scaling measures markers that are not given: {', '.join(missing)}")
    points = given.positions[:, [given.names.index(name) for name in names]]
    complete = np.isfinite(points).all(axis=(1, 2))
    if not complete.any():
        raise DataError(f"no frame has all {len(names)} markers that scaling measures")
    write_trc(path, points[complete], names, given.rate, rotation=None)
