"""OpenSim's own tools, run on our model and on other people's."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from spinepose.biomech.opensim_scaling import Measurement, body_measurements, scale_with_opensim
from spinepose.biomech.opensim_tools import OpenSimFit, require_opensim, solve_with_opensim
from spinepose.biomech.osim import write_osim
from spinepose.biomech.priors import marker_weights
from spinepose.errors import DataError, MissingExtraError, OutputError, UsageError
from spinepose.export.trc import Markers, write_trc
from tests.unit.biomech.motions import BODY, SPEC, moving_person, rms

NAMES = tuple(marker.name for marker in SPEC.markers)
WEIGHTS = dict(zip(NAMES, marker_weights(SPEC).tolist(), strict=True))
SCALE = np.random.default_rng(5).uniform(0.92, 1.08, len(SPEC.groups))
TRUTH = moving_person(5, 50, seed=1)
HIDDEN, UNSOLVED = (1, NAMES.index("left_knee")), 3


@pytest.fixture(scope="module")
def opensim() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("opensim")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a generic and a scaled model."""
    where = tmp_path_factory.mktemp("opensim")
    write_osim(where / "generic.osim", SPEC)
    write_osim(where / "person.osim", SPEC, SCALE)
    return where


def recording(points: np.ndarray, names: tuple[str, ...] = NAMES) -> Markers:
    return Markers(points, names, 2.0 + np.arange(len(points)) / 50, 50.0)


def with_gaps() -> np.ndarray:
    """Return true markers, of which one is missing in one frame and 30 in another."""
    points = BODY.markers(TRUTH, SCALE)
    points[HIDDEN] = np.nan
    points[UNSOLVED, :30] = np.nan
    return points


@pytest.fixture(scope="module")
def fit(opensim: None, folder: Path) -> OpenSimFit:
    return solve_with_opensim(folder / "person.osim", recording(with_gaps()), WEIGHTS)


def test_clean_markers_are_met(fit: OpenSimFit) -> None:
    assert rms(fit.residuals) < 0.002
    assert rms(fit.markers[fit.solved] - BODY.markers(TRUTH, SCALE)[fit.solved]) < 0.002
    columns = {name: i for i, name in enumerate(fit.coordinate_names)}
    found = fit.coordinates[:, [columns[item.name] for item in SPEC.coordinates]]
    sure = [
        SPEC.coordinate_index[f"{name}_{side}"]
        for name in ("knee_flexion", "elbow_flexion", "hip_flexion")
        for side in "lr"
    ]
    known = np.flatnonzero(fit.solved)
    assert np.abs(found - TRUTH)[np.ix_(known, sure)].max() < np.radians(2)
    moves = [SPEC.coordinate_index[f"pelvis_t{axis}"] for axis in "xyz"]
    assert np.abs(found - TRUTH)[np.ix_(known, moves)].max() < 0.005


def test_gaps_stay_gaps(fit: OpenSimFit) -> None:
    assert fit.solved.tolist() == [True, True, True, False, True]
    assert np.isnan(fit.coordinates[UNSOLVED]).all()
    assert np.isnan(fit.residuals[UNSOLVED]).all()
    assert np.isnan(fit.residuals[HIDDEN])
    assert np.isfinite(fit.markers[HIDDEN]).all()
    assert np.isfinite(fit.residuals[fit.solved]).sum() == 4 * len(NAMES) - 1
    np.testing.assert_allclose(fit.times, [2.0, 2.02, 2.04, 2.06, 2.08])


def test_residuals_are_those_that_opensim_reports(fit: OpenSimFit) -> None:
    squares = np.nan_to_num(fit.residuals[fit.solved]) ** 2
    np.testing.assert_allclose(np.sqrt(squares.mean(axis=1)), fit.rms[fit.solved], atol=2e-6)
    np.testing.assert_allclose(np.sqrt(squares.max(axis=1)), fit.largest[fit.solved], atol=2e-6)
    assert np.isnan(fit.rms[UNSOLVED])


def test_what_opensim_says_about_coordinates(fit: OpenSimFit) -> None:
    moves = {f"pelvis_t{axis}" for axis in "xyz"}
    found = dict(zip(fit.coordinate_names, fit.rotational.tolist(), strict=True))
    assert {name for name, rotational in found.items() if not rotational} == moves
    assert fit.names == NAMES
    assert fit.frames_per_second == pytest.approx(4 / fit.seconds)


def edited(folder: Path, name: str, change: Callable[[ElementTree.Element], None]) -> Path:
    """Return another model: ours with other markers."""
    tree = ElementTree.parse(folder / "person.osim")
    change(next(tree.getroot().iter("MarkerSet"))[0])
    tree.write(folder / name)
    return folder / name


def keep_ten(markers: ElementTree.Element) -> None:
    for element in list(markers)[10:]:
        markers.remove(element)
    markers[0].set("name", "C7_marker")


def test_other_peoples_models(opensim: None, folder: Path, tmp_path: Path) -> None:
    model = edited(folder, "other.osim", keep_ten)
    trc = tmp_path / "points.trc"
    order = [*range(10, 37), *range(10)]
    points, names = BODY.markers(TRUTH[:2], SCALE)[:, order], [NAMES[i] for i in order]
    write_trc(trc, points, names, 50, rotation=None, units="mm")
    found = solve_with_opensim(model, trc)
    assert found.names == NAMES[1:10]
    assert found.markers.shape == (2, 9, 3)
    assert rms(found.residuals) < 0.002


def test_too_few_shared_markers(opensim: None, folder: Path) -> None:
    model = edited(folder, "few.osim", keep_ten)
    given = recording(BODY.markers(TRUTH, SCALE))
    weights = {"left_eye": 1.0, "left_ear": 1.0, "head": 1.0, "nose": 0.0}
    with pytest.raises(DataError, match=r"few\.osim shares 2 .* has C7_marker, .* left_ear, head$"):
        solve_with_opensim(model, given, weights)


def test_model_without_markers(opensim: None, folder: Path) -> None:
    model = edited(folder, "bare.osim", lambda markers: markers.clear())
    with pytest.raises(
        DataError, match=r"shares 0 markers .* it has none; give it .* nose, left_e"
    ):
        solve_with_opensim(model, recording(BODY.markers(TRUTH, SCALE)))


def test_frames_without_markers(opensim: None, folder: Path) -> None:
    points = BODY.markers(TRUTH, SCALE)
    points[:, 7:] = np.nan
    with pytest.raises(DataError, match="no frame has 8 of the 37 markers"):
        solve_with_opensim(folder / "person.osim", recording(points))


BROKEN = {
    "cut off": (lambda text: text[: len(text) // 2], "Failed to load the Xml file"),
    "no XML": (lambda text: "hello", "not an Element"),
    "loose joint": (
        lambda text: text.replace("<socket_parent_frame>pelvis_off", "<socket_parent_frame>no", 1),
        "Failed to connect Socket",
    ),
    # The process that reads it dies of it, unless it has a large stack.
    "deep": (
        lambda text: "<OpenSimDocument Version='40000'>" + "<a>" * 50_000,
        "OpenSim (ended|fails) on",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_models(opensim: None, folder: Path, kind: str) -> None:
    spoil, message = BROKEN[kind]
    path = folder / "broken.osim"
    path.write_text(spoil((folder / "person.osim").read_text()))
    with pytest.raises(DataError, match=message) as caught:
        solve_with_opensim(path, recording(BODY.markers(TRUTH, SCALE)))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_opensims_failure_is_told(opensim: None, folder: Path) -> None:
    """No pose meets a marker at the end of the world."""
    points = BODY.markers(TRUTH[:2], SCALE) * 1e30
    with pytest.raises(DataError, match=r"OpenSim fails on .*assemble\(\) Failed") as caught:
        solve_with_opensim(folder / "person.osim", recording(points))
    assert "messages window" not in str(caught.value)


def test_bad_arguments(opensim: None, folder: Path) -> None:
    given = recording(BODY.markers(TRUTH, SCALE))
    for weight in (-1.0, np.nan, np.inf):
        with pytest.raises(UsageError, match="weight of 'nose'"):
            solve_with_opensim(folder / "person.osim", given, WEIGHTS | {"nose": weight})
    for accuracy in (0.0, 1.0, np.nan):
        with pytest.raises(UsageError, match="accuracy"):
            solve_with_opensim(folder / "person.osim", given, accuracy=accuracy)
    with pytest.raises(DataError, match="no such file"):
        solve_with_opensim(folder / "nothing.osim", given)


def test_without_opensim(monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "opensim", None)
    given = recording(BODY.markers(TRUTH, SCALE))
    with pytest.raises(MissingExtraError, match=r"spinepose\[opensim\]"):
        require_opensim()
    with pytest.raises(MissingExtraError):
        solve_with_opensim(folder / "person.osim", given)
    with pytest.raises(MissingExtraError):
        scale_with_opensim(folder / "person.osim", tmp_path / "a.osim", 1.1)


def test_no_log_file(opensim: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    module, log = require_opensim(), tmp_path / "opensim.log"
    module.Logger.addFileSink(str(log))
    module.Logger.setLevelString("Info")
    before = log.stat().st_size
    assert before > 0
    require_opensim()
    assert log.stat().st_size == before
    assert module.Logger.getLevelString() == "Error"
    capfd.readouterr()


def test_nothing_is_written_or_printed(
    opensim: None,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    require_opensim()
    scale_with_opensim(folder / "generic.osim", folder / "twice.osim", 2.0)
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")


def locations(path: Path) -> dict[str, np.ndarray]:
    return {
        element.get("name", ""): np.array(element.findtext("location", "").split(), float)
        for element in ElementTree.parse(path).getroot().iter("Marker")
    }


def distance(points: np.ndarray, pair: tuple[str, str]) -> float:
    first, second = (points[SPEC.marker_index[name]] for name in pair)
    return float(np.linalg.norm(first - second))


@pytest.mark.parametrize("measurement", body_measurements(SPEC), ids=lambda item: item.name)
def test_pairs_measure_their_group_alone(measurement: Measurement) -> None:
    rest = np.zeros((1, len(SPEC.coordinates)))
    own = np.array([group == measurement.name for group in SPEC.groups])
    before, stretched, others = (
        BODY.markers(rest, scale)[0] for scale in (np.ones(len(own)), 1 + 0.1 * own, 1 + 0.1 * ~own)
    )
    for pair in measurement.pairs:
        assert distance(stretched, pair) == pytest.approx(1.1 * distance(before, pair))
        assert distance(others, pair) == pytest.approx(distance(before, pair))


def test_every_body_is_measured_once() -> None:
    found = [body for item in body_measurements(SPEC) for body in item.bodies]
    assert sorted(found) == sorted(body.name for body in SPEC.bodies)


def test_scaletool_finds_the_size(opensim: None, folder: Path, tmp_path: Path) -> None:
    """A marker beside its place is not moved in the model; frames with gaps do not count."""
    points = BODY.markers(np.zeros((3, len(SPEC.coordinates))), SCALE)
    points[:, SPEC.marker_index["spine_02"]] += 0.05
    points[1, SPEC.marker_index["left_hip"]] = np.nan
    points[1, SPEC.marker_index["right_hip"]] += 1
    out = tmp_path / "new" / "scaled.osim"
    factors = scale_with_opensim(
        folder / "generic.osim", out, body_measurements(SPEC), recording(points)
    )
    wanted = dict(zip(SPEC.groups, SCALE, strict=True))
    for body in SPEC.bodies:
        np.testing.assert_allclose(factors[body.name], wanted[body.group], rtol=1e-4)
    found, ours = locations(out), locations(folder / "person.osim")
    for name in NAMES:
        np.testing.assert_allclose(found[name], ours[name], atol=1e-4)


def test_one_factor(opensim: None, folder: Path, tmp_path: Path) -> None:
    factors = scale_with_opensim(folder / "generic.osim", tmp_path / "a.osim", 1.25)
    assert set(factors.values()) == {(1.25, 1.25, 1.25)}
    before, after = locations(folder / "generic.osim"), locations(tmp_path / "a.osim")
    np.testing.assert_allclose(after["nose"], 1.25 * before["nose"], atol=1e-9)
    with pytest.raises(UsageError, match="positive"):
        scale_with_opensim(folder / "generic.osim", tmp_path / "a.osim", 0.0)


SETTINGS = """<?xml version="1.0"?><OpenSimDocument Version="40000"><ScaleTool name="user">
<GenericModelMaker><model_file>other.osim</model_file></GenericModelMaker>
<ModelScaler><apply>false</apply><scaling_order>measurements manualScale</scaling_order>
<MeasurementSet><objects><Measurement name="thigh"><apply>true</apply><MarkerPairSet><objects>
<MarkerPair><markers>left_hip left_knee</markers></MarkerPair></objects></MarkerPairSet>
<BodyScaleSet><objects><BodyScale name="thigh_l"><axes>Y</axes></BodyScale></objects>
</BodyScaleSet></Measurement><Measurement name="off"><apply>false</apply><MarkerPairSet><objects>
<MarkerPair><markers>nowhere left_knee</markers></MarkerPair></objects></MarkerPairSet>
</Measurement></objects></MeasurementSet><ScaleSet><objects><Scale><scales>1 2 3</scales>
<segment>head</segment><apply>true</apply></Scale></objects></ScaleSet>
<marker_file>nowhere.trc</marker_file><output_model_file>{out}</output_model_file>
<output_scale_file>{out}</output_scale_file></ModelScaler>
<MarkerPlacer><apply>true</apply><output_model_file>{out}</output_model_file></MarkerPlacer>
</ScaleTool></OpenSimDocument>"""


def test_settings_of_a_user(opensim: None, folder: Path, tmp_path: Path) -> None:
    trap, settings = tmp_path / "trap", tmp_path / "scale.xml"
    settings.write_text(SETTINGS.format(out=trap))
    points = BODY.markers(np.zeros((2, len(SPEC.coordinates))), SCALE)
    out = tmp_path / "scaled.osim"
    factors = scale_with_opensim(folder / "generic.osim", out, settings, recording(points))
    thigh = SCALE[SPEC.groups.index("thigh")]
    np.testing.assert_allclose(factors["thigh_l"], [1, thigh, 1], rtol=1e-4)
    assert factors["head"] == (1, 2, 3)
    assert factors["thigh_r"] == (1, 1, 1)
    assert not trap.exists()
    with pytest.raises(UsageError, match="give markers"):
        scale_with_opensim(folder / "generic.osim", out, settings)


def test_bad_settings(opensim: None, folder: Path, tmp_path: Path) -> None:
    generic, out = folder / "generic.osim", tmp_path / "a.osim"
    given = recording(BODY.markers(TRUTH, SCALE))
    wrong = Measurement("head", (("nose", "head"),), ("head",))
    more = replace(given, names=(*NAMES[:-1], "C7"))
    for measurement, message in (
        (replace(wrong, pairs=(("nose", "C7"),)), "lacks markers that scaling asks for: C7"),
        (replace(wrong, bodies=("skull",)), "lacks bodies that scaling asks for: skull"),
    ):
        with pytest.raises(DataError, match=message):
            scale_with_opensim(generic, out, [measurement], more)
    few = recording(given.positions[:, 1:], NAMES[1:])
    with pytest.raises(DataError, match="not given: nose"):
        scale_with_opensim(generic, out, [wrong], few)
    points = given.positions.copy()
    points[:, 0] = np.nan
    with pytest.raises(DataError, match="no frame has all 2 markers"):
        scale_with_opensim(generic, out, [wrong], recording(points))
    far = '<a><ModelScaler><ScaleSet file="b.xml"/></ModelScaler></a>'
    for text, message in (
        ("<a", "not sound XML"),
        ("<a/>", "no ModelScaler"),
        (far, "refers to other files"),
    ):
        (tmp_path / "bad.xml").write_text(text)
        with pytest.raises(DataError, match=message):
            scale_with_opensim(generic, out, tmp_path / "bad.xml", given)
    with pytest.raises(DataError, match="cannot read"):
        scale_with_opensim(generic, out, tmp_path / "nothing.xml", given)
    assert not out.exists()


def test_no_place_to_write(opensim: None, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        scale_with_opensim(folder / "generic.osim", tmp_path / "file" / "a.osim", 1.0)
