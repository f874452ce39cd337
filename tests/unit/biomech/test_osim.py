"""The OpenSim model is well made, and OpenSim finds the markers where we do."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import numpy as np
import pytest

from spinepose.biomech.body import body_model
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.osim import dependent_coordinates, write_osim
from spinepose.errors import OutputError, UsageError

SPEC = body_model()
SCALE = np.random.default_rng(7).uniform(0.8, 1.2, len(SPEC.groups))


@pytest.fixture(scope="module")
def opensim() -> ModuleType:
    """Return the official engine, quiet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: ModuleType = pytest.importorskip("opensim")
    module.Logger.setLevelString("Off")
    return module


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a scaled model."""
    where = tmp_path_factory.mktemp("osim") / "person.osim"
    write_osim(where, SPEC, SCALE)
    return where


def names(root: ElementTree.Element, kind: str) -> list[str]:
    return [element.get("name", "") for element in root.iter(kind)]


def test_everything_is_in_the_file(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    assert root.tag == "OpenSimDocument"
    bodies = names(root, "Body")
    assert bodies[:40] == [body.name for body in SPEC.bodies]
    assert len(bodies) == len(set(bodies)) == 45
    assert names(root, "Marker") == [marker.name for marker in SPEC.markers]
    coordinates = names(root, "Coordinate")
    dependent = dependent_coordinates(SPEC)
    assert len(coordinates) == len(set(coordinates)) == 45 + 75
    assert set(coordinates) == {item.name for item in SPEC.coordinates} | set(dependent)
    assert len(names(root, "CoordinateCouplerConstraint")) == 75
    assert sorted(names(root, "WeldJoint")) == ["hand_l_joint", "hand_r_joint"]


def test_paths_lead_somewhere(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    bodies = {f"/bodyset/{name}" for name in names(root, "Body")} | {"/ground"}
    for frame in root.iter("socket_parent"):
        assert frame.text in bodies
    for marker in root.iter("Marker"):
        assert marker.findtext("socket_parent_frame") in bodies
    for joint in (*root.iter("CustomJoint"), *root.iter("WeldJoint")):
        own = {frame.get("name") for frame in joint.iter("PhysicalOffsetFrame")}
        assert {joint.findtext("socket_parent_frame"), joint.findtext("socket_child_frame")} == own


def test_ranges_are_radians(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    ranges = {
        item.get("name"): [float(value) for value in item.findtext("range", "").split()]
        for item in root.iter("Coordinate")
    }
    knee = SPEC.coordinates[SPEC.coordinate_index["knee_flexion_r"]]
    assert ranges["knee_flexion_r"] == [knee.low, knee.high]
    assert all(low < 0 < high for low, high in ranges.values())


def test_shares_of_dependent_coordinates_add_up() -> None:
    sums: dict[str, float] = {}
    for followed, share in dependent_coordinates(SPEC).values():
        sums[followed] = sums.get(followed, 0) + share
    assert len(sums) == 15
    np.testing.assert_allclose(list(sums.values()), 1)


def test_names_are_escaped(tmp_path: Path) -> None:
    write_osim(tmp_path / "a.osim", SPEC, name='Müller & <"Söhne">')
    root = ElementTree.parse(tmp_path / "a.osim").getroot()
    assert names(root, "Model") == ['Müller & <"Söhne">']


@pytest.mark.parametrize("scale", [np.ones(3), np.zeros(11), np.full(11, np.nan), -np.ones(11)])
def test_bad_scales(tmp_path: Path, scale: np.ndarray) -> None:
    with pytest.raises(UsageError, match="11 positive numbers"):
        write_osim(tmp_path / "a.osim", SPEC, scale)
    assert not list(tmp_path.iterdir())


def test_bad_names(tmp_path: Path) -> None:
    marker = replace(SPEC.markers[0], name="the nose")
    spec = replace(SPEC, markers=(marker, *SPEC.markers[1:]))
    with pytest.raises(UsageError, match="'the nose'"):
        write_osim(tmp_path / "a.osim", spec)


def test_no_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_osim(tmp_path / "file" / "a.osim", SPEC)


@pytest.mark.parametrize("assembled", [False, True])
def test_opensim_finds_the_same_markers(opensim: ModuleType, path: Path, assembled: bool) -> None:
    """Dependent coordinates are given, or left to OpenSim's own constraints."""
    model = opensim.Model(str(path))
    state = model.initSystem()
    coordinates = {c.getName(): c for c in (model.getCoordinateSet().get(i) for i in range(120))}
    markers = [model.getMarkerSet().get(marker.name) for marker in SPEC.markers]
    rng = np.random.default_rng(11)
    low, high = np.clip(SPEC.limits, -3, 3)
    for _ in range(4):
        q = rng.uniform(low, high)
        values = {item.name: value for item, value in zip(SPEC.coordinates, q, strict=True)}
        for name, (followed, share) in dependent_coordinates(SPEC).items():
            values[name] = 0.0 if assembled else share * values[followed]
        for name, value in values.items():
            coordinates[name].setValue(state, float(value), False)
        if assembled:
            model.assemble(state)
        model.realizePosition(state)
        places = [marker.getLocationInGround(state) for marker in markers]
        found = np.array([[place.get(axis) for axis in range(3)] for place in places])
        np.testing.assert_allclose(found, Kinematics(SPEC).markers(q, SCALE)[0], atol=1e-6)


def test_opensim_takes_all_turns_for_rotations(opensim: ModuleType, path: Path) -> None:
    """Only these are converted between degrees and radians in its files."""
    model = opensim.Model(str(path))
    model.initSystem()
    found = {c.getName(): c.getMotionType() for c in model.getCoordinateSet()}
    for item in SPEC.coordinates:
        assert found[item.name] == (2 if item.translation else 1)
