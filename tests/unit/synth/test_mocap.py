"""Motion capture files: made by hand with known answers, and broken in every way."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial.transform import Rotation

from spinepose.errors import InputError, UsageError
from spinepose.synth.mocap import Recording, acclaim, biovision, find_motions, read_motion, text
from spinepose.synth.mocap.acclaim import find_skeleton

Float64 = npt.NDArray[np.float64]

_ASF = """# a thigh and a shank
:version 1.10
:name test
:units
  mass 1.0
  length 0.0254
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name thigh
     direction 0 -1 0
     length 0.5
     axis 0 0 0 XYZ
     dof rx ry rz
  end
  begin
     id 2
     name shank
     direction 0 -1 0
     length 0.4
     axis 0 0 30 XYZ
     dof rx
  end
:hierarchy
  begin
    root thigh
    thigh shank
  end
"""
_AMC = """#!test
:FULLY-SPECIFIED
:DEGREES
1
root 0 1 0 0 0 0
thigh 0 0 0
shank 0
2
root 0 1 0 0 0 0
thigh -90 0 0
shank 0
3
root 0 1 2 0 90 0
thigh 0 0 0
shank 90
"""
_BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 90 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 60 0
    }
  }
  JOINT Leg
  {
    OFFSET 10 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -85 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
0 90 0 0 0 0 0 0 0 0 0 0
0 90 0 0 0 0 0 90 0 90 0 0
"""


@pytest.fixture
def acclaim_file(tmp_path: Path) -> Path:
    (tmp_path / "01.asf").write_text(_ASF.replace("\n", "\r\n"))
    path = tmp_path / "01_02.amc"
    path.write_text(_AMC)
    return path


def test_acclaim_turns_the_tips_to_known_places(acclaim_file: Path) -> None:
    recording = read_motion(acclaim_file)
    assert recording.joints == ("root", "thigh", "shank")
    assert recording.parents.tolist() == [-1, 0, 1]
    assert (len(recording), recording.fps) == (3, 120.0)
    foot = recording.tips[:, 2]
    np.testing.assert_allclose(foot[0], [0, 0, 0.1], atol=1e-6)
    # The hip flexed by 90 degrees about x: in a file that faces +z, the leg points to our -y.
    np.testing.assert_allclose(foot[1], [0, -0.9, 1.0], atol=1e-6)
    np.testing.assert_allclose(recording.positions[1, 2], [0, -0.5, 1.0], atol=1e-6)


def test_acclaim_turns_about_the_bones_own_axes(acclaim_file: Path) -> None:
    recording = read_motion(acclaim_file)
    # Frame 3: turned by 90 degrees about the vertical; the knee bends about an axis tilted by 30.
    axis = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6), 0.0])
    down = np.array([0.0, -1.0, 0.0])
    bent = np.cross(axis, down) + axis * (axis @ down)
    turned = np.array([bent[2], bent[1], -bent[0]])
    expected = np.array([0.0, 0.5, 2.0]) + 0.4 * turned
    np.testing.assert_allclose(
        recording.tips[2, 2], [expected[0], -expected[2], expected[1]], atol=1e-6
    )


def test_biovision_turns_and_guesses_centimetres(tmp_path: Path) -> None:
    path = tmp_path / "a.bvh"
    path.write_text(_BVH)
    recording = read_motion(path)
    assert recording.joints == ("Hips", "Spine", "Leg")
    assert recording.fps == pytest.approx(25)
    np.testing.assert_allclose(recording.tips[0, 1], [0, 0, 1.6], atol=1e-6)
    np.testing.assert_allclose(recording.tips[0, 2], [0.1, 0, 0.05], atol=1e-6)
    # The trunk bent forward by 90 degrees about x; the leg to the side about z.
    np.testing.assert_allclose(recording.tips[1, 1], [0, -0.6, 1.0], atol=1e-6)
    np.testing.assert_allclose(recording.tips[1, 2], [0.95, 0, 0.9], atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(recording.rotations.reshape(-1, 3, 3)), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"0 90 0 0 0 0 0 90 0 90 0 0": "0 90 0 0 0"}, "5 numbers instead of 12"),
        ({"\n0 90 0 0 0 0 0 90 0 90 0 0": ""}, "1 frames of 12 numbers, and it says to have 2"),
        ({"Frames: 2": "Frames: 1"}, "more than the 1 frames"),
        ({"Frames: 2": "Frames: 0"}, "more than the 0 frames"),
        ({"Frames: 2": "Frames: many"}, "no 'Frames:'"),
        ({"Frames: 2": "Frames: 2000000"}, "more than 1000000 frames"),
        ({"Frame Time: 0.04": "Frame Time: 0"}, "line 27: 0 is too small here"),
        ({"Frame Time: 0.04": "Frame Time: nan"}, "'nan' where numbers belong"),
        ({"0 90 0 0 0 0 0 90": "0 1e300 0 0 0 0 0 90"}, "where numbers belong"),
        ({"0 90 0 0 0 0 0 90": "0 inf 0 0 0 0 0 90"}, "where numbers belong"),
        ({"0 90 0 0 0 0 0 90": "0 9o 0 0 0 0 0 90"}, "where numbers belong"),
        ({"HIERARCHY": "HELLO"}, "it does not begin with HIERARCHY"),
        ({"OFFSET 0 60 0": "OFFSET 0 60"}, "'0 60 }' where numbers belong"),
        ({"    OFFSET 0 10 0\n": ""}, "the joint 'Spine' has no OFFSET"),
        ({"OFFSET 0 60 0": "OFFSET 0 600000 0"}, "no person in any known unit"),
        ({"CHANNELS 3": "CHANNELS 33"}, "the channels"),
        ({"CHANNELS 3 Zrotation": "CHANNELS 3 Wrotation"}, "the channels"),
        ({"CHANNELS 3 Zrotation": "CHANNELS 3 Xrotation"}, "the channels"),
        ({"End Site\n    {": "End Site\n    { End Site {"}, "an end site outside a joint"),
        ({"End Site\n    {": "End Site\n    { JOINT J {"}, "a joint inside an end site"),
        ({"MOTION": "ROOT Second { OFFSET 0 0 0 }\nMOTION"}, "a second root"),
        ({"MOTION": "}"}, "a } too much"),
        ({"MOTION": "SLOW"}, "'slow' among its joints"),
        ({"}\nMOTION": "MOTION"}, "MOTION before the joints have ended"),
        ({"MOTION": ""}, "'frames:' among its joints"),
    ],
)
def test_broken_biovision_files(tmp_path: Path, changes: dict[str, str], reason: str) -> None:
    path = tmp_path / "broken.bvh"
    path.write_text(_changed(_BVH, changes))
    with pytest.raises(InputError) as error:
        read_motion(path)
    assert "broken.bvh" in str(error.value)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "word", "number"),
    [
        ("01_02.amc", "-90", 10),
        ("01.asf", "0.4", 26),
        ("01.bvh", "-85", 21),
        ("01.bvh", "0.04", 27),
    ],
)
def test_errors_give_the_line(acclaim_file: Path, name: str, word: str, number: int) -> None:
    acclaim_file.with_name("01.bvh").write_text(_BVH)
    path = acclaim_file.with_name(name)
    path.write_text(_changed(path.read_text(), {word: "???"}))
    assert "???" in path.read_text().splitlines()[number - 1]
    with pytest.raises(InputError, match=f"{name}, line {number}: "):
        read_motion(acclaim_file if name == "01.asf" else path)


def test_every_cut_is_seen(acclaim_file: Path) -> None:
    """In an .amc file, which does not say how long it is, those between two frames are not."""
    path = acclaim_file.with_name("a.bvh")
    for end in range(len(_BVH.rstrip())):
        path.write_text(_BVH[:end])
        with pytest.raises(InputError, match=r"a\.bvh"):
            read_motion(path)
    for end in range(_AMC.index("\n3\n") + 2, _AMC.index("shank 90") + len("shank ")):
        acclaim_file.write_text(_AMC[:end])
        with pytest.raises(InputError, match=r"01_02\.amc"):
            read_motion(acclaim_file)


@pytest.mark.parametrize(
    ("skeleton", "motion", "place", "reason"),
    [
        ({}, {"shank 90\n": ""}, "01_02.amc, line ", "the 3. frame has no numbers for shank"),
        (
            {},
            {"shank 90\n": "shank 90\nshank 90\n"},
            "01_02.amc, line ",
            "the bone shank is there twice",
        ),
        ({}, {"shank 0\n2": "2"}, "01_02.amc, line ", "the bone shank was not there before"),
        (
            {},
            {"thigh -90 0 0": "thigh -90 x 0"},
            "01_02.amc, line ",
            "'-90 x 0' where numbers belong",
        ),
        ({}, {"thigh -90 0 0": "thigh -90 0"}, "01_02.amc, line ", "2 numbers instead of 3"),
        ({}, {"thigh -90 0 0": "thumb -90 0 0"}, "01_02.amc, line ", "no bone named 'thumb'"),
        ({}, {"root": "hips"}, "01_02.amc, line ", "no bone named 'hips'"),
        ({}, {"1\nroot": "root"}, "01_02.amc, line ", "'root' before the first frame"),
        ({}, {_AMC: ""}, "01_02.amc", "it has no frames"),
        ({":hierarchy": ":nothing"}, {}, "01.asf", "no section :hierarchy"),
        ({":root": ":roof"}, {}, "01.asf", "no section :root"),
        ({"root thigh": "hips thigh"}, {}, "01.asf, line ", "hips is not among its :bonedata"),
        ({"root thigh": "root shank"}, {}, "01.asf, line ", "the bone shank has two parents"),
        ({"root thigh": ""}, {}, "01.asf", "does not hang the bone thigh on the root"),
        ({"thigh shank": "shank thigh"}, {}, "01.asf", "the bone thigh has two parents"),
        ({"name shank": "name thigh"}, {}, "01.asf, line ", "two bones are named thigh"),
        ({"name shank": "name"}, {}, "01.asf, line ", "a bone has no name"),
        ({"length 0.5": ""}, {}, "01.asf, line ", "the bone thigh has no length"),
        ({"length 0.5": "length"}, {}, "01.asf, line ", "where numbers belong"),
        ({"length 0.5": "length -1"}, {}, "01.asf, line ", "-1 is too small here"),
        ({"direction 0 -1 0": "direction 0 0 0"}, {}, "01.asf, line ", "has no direction"),
        ({"axis 0 0 30 XYZ": "axis 0 0 30 XYY"}, {}, "01.asf, line ", "no order of axes"),
        ({"   axis XYZ": "   axis XY", "   orientation 0 0 0\n": ""}, {}, "01.asf", "'xy' is no"),
        ({"dof rx ry rz": "dof rx ry l"}, {}, "01.asf, line ", "channels 'rx ry l'"),
        ({"length 0.0254": "length 0"}, {}, "01.asf", "0 is too small here"),
        ({"length 0.0254": "length 254"}, {}, "01.asf", "no person in any known unit"),
    ],
)
def test_broken_acclaim_files(
    tmp_path: Path, skeleton: dict[str, str], motion: dict[str, str], place: str, reason: str
) -> None:
    (tmp_path / "01.asf").write_text(_changed(_ASF, skeleton))
    (tmp_path / "01_02.amc").write_text(_changed(_AMC, motion))
    with pytest.raises(InputError) as error:
        read_motion(tmp_path / "01_02.amc")
    assert place in str(error.value)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def _changed(text: str, changes: dict[str, str]) -> str:
    """Return a text with the first of each key replaced."""
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    return text


def test_files_out_of_bounds(acclaim_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acclaim, "MAX_FRAMES", 2)
    with pytest.raises(InputError, match="more than 2 frames"):
        read_motion(acclaim_file)
    monkeypatch.setattr(text, "MAX_BYTES", 20)
    with pytest.raises(InputError, match=r"01\.asf has 0 MB, more than the"):
        read_motion(acclaim_file)


def test_few_numbers_for_many_joints_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wide.bvh"
    monkeypatch.setattr(biovision, "_MAX_JOINTS", 3)
    joints = "JOINT more { OFFSET 0 1 0 } " * 3
    path.write_text(_changed(_BVH, {"  JOINT Leg": joints + "JOINT Leg"}))
    with pytest.raises(InputError, match="more than 3 joints"):
        read_motion(path)
    monkeypatch.undo()
    monkeypatch.setattr("spinepose.synth.mocap.recording._MAX_PLACES", 5)
    with pytest.raises(InputError, match=r"wide\.bvh: 2 frames of 6 joints are too much"):
        read_motion(path)


def test_a_motion_without_its_skeleton(tmp_path: Path) -> None:
    (tmp_path / "05_01.amc").write_text(_AMC)
    with pytest.raises(InputError, match=r"put the \.asf file beside it"):
        read_motion(tmp_path / "05_01.amc")


def test_finding_motions(acclaim_file: Path, tmp_path: Path) -> None:
    assert find_motions(tmp_path) == [acclaim_file]
    assert find_motions(acclaim_file) == [acclaim_file]
    (tmp_path / "empty").mkdir()
    for source, reason in (
        (tmp_path / "empty", "holds no motion capture"),
        (tmp_path / "none.bvh", "does not exist"),
        (tmp_path / "01.asf", "no motion capture"),
    ):
        with pytest.raises(InputError, match=reason):
            find_motions(source)


@pytest.mark.parametrize(
    ("motion", "skeletons", "expected"),
    [
        ("02_05.amc", ["02.asf", "03.asf"], "02.asf"),
        ("02_05.AMC", ["02.ASF", "03.asf"], "02.ASF"),
        ("walk.amc", ["walk.asf", "run.asf"], "walk.asf"),
        ("HDM_bk_01-01_120.amc", ["HDM.asf", "HDM_bk.asf", "HDM_dg.asf"], "HDM_bk.asf"),
        ("anything.amc", ["body.asf"], "body.asf"),
        ("02_05.amc", ["1.asf", "0.asf"], r"named 02\.asf, into .*, which holds 2 others"),
        ("02_05.amc", [], r"put the \.asf file beside it, named 02\.asf"),
    ],
)
def test_the_skeleton_of_a_motion(
    tmp_path: Path, motion: str, skeletons: list[str], expected: str
) -> None:
    for name in [*skeletons, motion]:
        (tmp_path / name).write_text("")
    if expected in skeletons:
        assert find_skeleton(tmp_path / motion).name == expected
        return
    with pytest.raises(InputError, match=expected):
        find_skeleton(tmp_path / motion)


@pytest.mark.parametrize(
    "changes",
    [
        {"order TX TY TZ RX RY RZ": "order\ttx  ty, tz (rx) ry rz  # the order of channels"},
        {"angle deg": "angle rad", "0 0 30 XYZ": f"0 0 {np.pi / 6} XYZ"},
        {":version 1.10": "\ufeff\n\n# nothing\n:VERSION 1.10", "begin": "Begin", "end\n": "END\n"},
        {":hierarchy\n  begin": ":hierarchy", "thigh shank\n  end": "thigh   shank"},
        {"direction 0 -1 0": "direction 0 -3 0"},
    ],
)
def test_acclaim_skeletons_in_other_words(acclaim_file: Path, changes: dict[str, str]) -> None:
    expected = read_motion(acclaim_file)
    motion = acclaim_file.read_text()
    acclaim_file.write_text(motion.replace(":DEGREES", ":DEGREES\n"))
    acclaim_file.with_name("01.asf").write_text(_changed(_ASF, changes), encoding="utf-8")
    _assert_same(read_motion(acclaim_file), expected)


def test_acclaim_units(acclaim_file: Path) -> None:
    foot = read_motion(acclaim_file).tips[0, 2, 2]
    skeleton = acclaim_file.with_name("01.asf")
    # The database's own unit: 1 / 0.45 inch.
    skeleton.write_text(_changed(_ASF, {"length 0.0254": "length 0.45", "length 0.5": "length 20"}))
    recording = read_motion(acclaim_file)
    assert -recording.positions[0, 2, 2] == pytest.approx(19 * 0.0254 / 0.45)
    # It says inches but has centimetres, or else a giant.
    changes = {"length 0.0254": "length 1", "length 0.5": "length 90", "length 0.4": "length 85"}
    skeleton.write_text(_changed(_ASF, changes))
    recording = read_motion(acclaim_file)
    assert recording.tips[0, 2, 2] - recording.positions[0, 0, 2] == pytest.approx(-1.75)
    assert foot == pytest.approx(0.1)


def _assert_same(one: Recording, other: Recording) -> None:
    assert (one.joints, one.parents.tolist()) == (other.joints, other.parents.tolist())
    for name in ("positions", "tips", "rotations"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=2e-6)


def test_acclaim_motions_in_other_words(acclaim_file: Path) -> None:
    expected = read_motion(acclaim_file)
    motion = _AMC.replace(":DEGREES", ":Radians\n:SAMPLES-PER-SECOND 60")
    motion = motion.replace("90", str(np.pi / 2)).replace("\n", "  \r\n\r\n# a note\r\n\t")
    acclaim_file.write_bytes(motion.encode())
    _assert_same(read_motion(acclaim_file), expected)
    assert read_motion(acclaim_file).fps == 60
    assert read_motion(acclaim_file, fps=240).fps == 240


def test_bones_that_a_motion_leaves_out_stay_at_rest(acclaim_file: Path) -> None:
    acclaim_file.write_text("\n".join(line for line in _AMC.split("\n") if "shank" not in line))
    recording = read_motion(acclaim_file)
    np.testing.assert_allclose(recording.rotations[:, 2], recording.rotations[:, 1])
    skeleton = acclaim_file.with_name("01.asf")
    skeleton.write_text(_changed(_ASF, {"     dof rx\n  end": "  end"}))
    _assert_same(read_motion(acclaim_file), recording)


def test_the_order_of_turns_is_that_of_the_channels(acclaim_file: Path) -> None:
    skeleton = acclaim_file.with_name("01.asf")
    changes = {
        "RX RY RZ": "RZ TX RX",
        "order TX TY": "order RY TY",
        "position 0 0 0": "position 5 0 0",
    }
    skeleton.write_text(_changed(_ASF, changes))
    acclaim_file.write_text("1\nroot 20 1 2 30 3 40\nthigh 0 0 0\nshank 0\n")
    recording = read_motion(acclaim_file)
    np.testing.assert_allclose(recording.positions[0, 0], [5 + 3, -2, 1], atol=1e-6)
    # About fixed axes, y first; y and z of the file are our z and -y.
    turn = _about("x", 40) @ _about("y", -30) @ _about("z", 20)
    np.testing.assert_allclose(recording.rotations[0, 1], turn, atol=1e-6)


def _about(axis: str, degrees: float) -> Float64:
    return np.asarray(Rotation.from_euler(axis, degrees, degrees=True).as_matrix())


def test_biovision_turns_about_moving_axes_in_the_order_of_the_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.bvh"
    path.write_text(_BVH.replace("0 90 0 0 0 0 0 90 0 90 0 0", "0 90 0 20 30 40 50 0 0 0 0 0"))
    recording = read_motion(path)
    hips = _about("y", -20) @ _about("x", 30) @ _about("z", 40)
    np.testing.assert_allclose(recording.rotations[1, 0], hips, atol=1e-6)
    np.testing.assert_allclose(recording.rotations[1, 1], hips @ _about("y", -50), atol=1e-6)
    np.testing.assert_allclose(recording.rotations[0], np.tile(np.eye(3), (3, 1, 1)), atol=1e-6)


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
        lambda text: text.replace("\n  ", " \t").replace("\n{", "{").encode(),
        lambda text: text.replace("End Site", "end site of it").replace("JOINT", "Joint").encode(),
        lambda text: text.replace("MOTION", "# note\n\n MOTION \n").replace(": ", ":\t").encode(),
        lambda text: (text + "\n\n").replace("0 90 0 0", "0.0e0\t 9.0E1 -0 0").encode(),
        lambda text: text.replace("Zrotation", "ZROTATION").replace("Frames:", "Frames :").encode(),
    ],
)
def test_biovision_files_in_other_words(tmp_path: Path, write: Callable[[str], bytes]) -> None:
    path = tmp_path / "a.bvh"
    path.write_text(_BVH)
    expected = read_motion(path)
    path.write_bytes(write(_BVH))
    _assert_same(read_motion(path), expected)


def test_biovision_names_may_have_spaces(tmp_path: Path) -> None:
    path = tmp_path / "a.bvh"
    path.write_text(_BVH.replace("JOINT Leg", "JOINT  Left Leg #2"))
    assert read_motion(path).joints == ("Hips", "Spine", "Left Leg #2")


def test_biovision_positions_replace_offsets(tmp_path: Path) -> None:
    path = tmp_path / "a.bvh"
    leg = "OFFSET 10 0 0\n    CHANNELS "
    changes = {
        f"{leg}3": f"{leg}5 Zposition Xposition",
        "0 90 0 0 0 0 0 0 0 0 0 0": "0 90 0 0 0 0 0 0 0 3 12 0 0 0",
        "0 90 0 0 0 0 0 90 0 90 0 0": "0 90 0 0 0 0 0 0 0 0 10 0 0 0",
    }
    path.write_text(_changed(_BVH, changes))
    recording = read_motion(path)
    np.testing.assert_allclose(recording.positions[:, 2], [[0.12, -0.03, 0.9], [0.1, 0, 0.9]])


@pytest.mark.parametrize("unit", [1.0, 0.3048, 0.0254 / 0.45, 0.0254, 0.01, 0.001])
@pytest.mark.parametrize("stature", [1.4, 2.1])
@pytest.mark.parametrize("up", "yz")
def test_biovision_units_and_axes_come_from_the_rest_pose(
    tmp_path: Path, unit: float, stature: float, up: str
) -> None:
    leg = np.zeros(3)
    leg["xyz".index(up)] = stature / 2 / unit
    path = tmp_path / "a.bvh"
    path.write_text(_two_bones(leg, -leg, Rotation.identity(1)))
    recording = read_motion(path)
    np.testing.assert_allclose(recording.tips[0, 1], [0, 0, stature / 2], atol=1e-5)
    np.testing.assert_allclose(recording.tips[0, 2], [0, 0, -stature / 2], atol=1e-5)
    forced = read_motion(path, unit=2 * unit)
    np.testing.assert_allclose(forced.tips, recording.tips * 2, atol=1e-5)


def test_a_rest_pose_that_lies_along_x_has_y_up(tmp_path: Path) -> None:
    """As in Ubisoft's LAFAN1: all bones along x, the person stands up in the motion."""
    path = tmp_path / "a.bvh"
    along = np.array([120.0, 0, 0])
    upright = Rotation.from_euler("z", [[90]], degrees=True)
    path.write_text(_two_bones(along, along * 0.8, upright))
    np.testing.assert_allclose(read_motion(path).tips[0, 1], [0, 0, 1.2], atol=1e-6)


def _two_bones(first: Float64, second: Float64, turns: Rotation) -> str:
    """Return a .bvh file of a root that turns two bones with it."""
    ends = "".join(
        f"JOINT {name} {{ OFFSET 0 0 0 End Site {{ OFFSET {' '.join(map(str, bone))} }} }}\n"
        for name, bone in (("one", first), ("two", second))
    )
    angles = turns.as_euler("ZXY", degrees=True)
    rows = "\n".join(" ".join(f"{angle:.9f}" for angle in row) for row in angles)
    return (
        f"HIERARCHY\nROOT root {{ OFFSET 0 0 0 CHANNELS 3 Zrotation Xrotation Yrotation\n{ends}}}\n"
        f"MOTION\nFrames: {len(angles)}\nFrame Time: 0.01\n{rows}\n"
    )


def test_any_turns_come_back_and_bones_keep_their_lengths(tmp_path: Path) -> None:
    turns = Rotation.random(50, rng=np.random.default_rng(0))
    path = tmp_path / "a.bvh"
    path.write_text(_two_bones(np.array([30.0, 80.0, 5.0]), np.array([0, -85.0, 0]), turns))
    recording = read_motion(path)
    to_z_up = _about("x", 90)
    expected = to_z_up @ turns.as_matrix() @ to_z_up.T
    for joint in range(3):
        np.testing.assert_allclose(recording.rotations[:, joint], expected, atol=1e-5)
    lengths = np.linalg.norm(recording.tips - recording.positions, axis=2)
    np.testing.assert_allclose(lengths, np.tile([0.0, *lengths[0, 1:]], (50, 1)), atol=1e-6)


@pytest.mark.parametrize("options", [{"fps": 0}, {"fps": float("nan")}, {"unit": -1.0}])
def test_bad_options(acclaim_file: Path, options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="above 0"):
        read_motion(acclaim_file, **options)


@pytest.mark.parametrize("name", ["none.amc", "none.bvh", "folder.bvh", "01.asf", "a.fbx"])
def test_what_is_no_motion(acclaim_file: Path, name: str) -> None:
    (acclaim_file.parent / "folder.bvh").mkdir()
    (acclaim_file.parent / "a.fbx").write_text("")
    with pytest.raises(InputError, match=name):
        read_motion(acclaim_file.with_name(name))


@pytest.fixture(scope="module")
def cmu(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recording]:
    """Recordings of three people from CMU's database, by name."""
    data = Path(os.environ.get("SPINEPOSE_DATA", Path(__file__).parents[4] / "shared" / "data"))
    archive = data / "mocap" / "cmu.tar.xz"
    if not archive.is_file():
        pytest.skip("the CMU recordings are not at hand")
    folder = tmp_path_factory.mktemp("cmu")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    wanted = {path.stem: path for path in find_motions(folder)}
    return {name: read_motion(wanted[name]) for name in ("01_08", "02_01", "02_04", "03_01")}


def test_cmu_bones_keep_their_lengths(cmu: dict[str, Recording]) -> None:
    for recording in cmu.values():
        lengths = np.linalg.norm(recording.tips - recording.positions, axis=2)
        assert np.ptp(lengths, axis=0).max() < 1e-5
        gaps = recording.positions[:, 1:] - recording.tips[:, recording.parents[1:]]
        assert np.abs(gaps).max() < 1e-5
        assert np.linalg.det(recording.rotations) == pytest.approx(1.0, abs=1e-4)


def test_cmu_people_are_of_human_size_and_stand_on_the_ground(cmu: dict[str, Recording]) -> None:
    for recording in cmu.values():
        assert len(recording.joints) == 31
        thigh, shank, upper_arm = (
            np.linalg.norm(recording.tips[0, bone] - recording.positions[0, bone])
            for bone in map(recording.joints.index, ("lfemur", "ltibia", "lhumerus"))
        )
        assert 0.35 < thigh < 0.5
        assert 0.35 < shank < 0.5
        assert 0.22 < upper_arm < 0.35
    walk = cmu["02_01"]
    heights = walk.tips[..., 2]
    assert np.median(np.ptp(heights, axis=1)) == pytest.approx(1.55, abs=0.1)  # head bone to toes
    assert np.median(heights.min(axis=1)) == pytest.approx(0.0, abs=0.08)
    # He walks to our -y: CMU's walks go along +z.
    assert walk.positions[-1, 0, 1] - walk.positions[0, 0, 1] < -2.0
    left, right = (walk.positions[:, walk.joints.index(f"{side}femur"), 0] for side in "lr")
    assert (left > right).all()


def test_cmu_jumpers_fall_as_fast_as_anything(cmu: dict[str, Recording]) -> None:
    """Holds the unit and the frame rate, which the file does not tell, against gravity."""
    jump = cmu["02_04"]
    ground = jump.tips[..., 2].min(axis=1)
    air = np.flatnonzero(ground > ground.min() + 0.12)
    trunk = [
        jump.joints.index(name) for name in ("root", "lfemur", "rfemur", "thorax", "lowerback")
    ]
    height = jump.positions[air][:, trunk, 2].mean(axis=1)
    assert 2 * np.polyfit(air / jump.fps, height, 2)[0] == pytest.approx(-9.81, rel=0.1)
