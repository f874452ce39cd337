"""Motion capture files: made by hand with known answers, and broken in every way."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from spinepose.errors import InputError
from spinepose.synth.mocap import find_motions, read_motion

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
def acclaim(tmp_path: Path) -> Path:
    (tmp_path / "01.asf").write_text(_ASF.replace("\n", "\r\n"))
    path = tmp_path / "01_02.amc"
    path.write_text(_AMC)
    return path


def test_acclaim_turns_the_tips_to_known_places(acclaim: Path) -> None:
    recording = read_motion(acclaim)
    assert recording.joints == ("root", "thigh", "shank")
    assert recording.parents.tolist() == [-1, 0, 1]
    assert (len(recording), recording.fps) == (3, 120.0)
    foot = recording.tips[:, 2]
    np.testing.assert_allclose(foot[0], [0, 0, 0.1], atol=1e-6)
    # The hip flexed by 90 degrees about x: in a file that faces +z, the leg points to our -y.
    np.testing.assert_allclose(foot[1], [0, -0.9, 1.0], atol=1e-6)
    np.testing.assert_allclose(recording.positions[1, 2], [0, -0.5, 1.0], atol=1e-6)


def test_acclaim_turns_about_the_bones_own_axes(acclaim: Path) -> None:
    recording = read_motion(acclaim)
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
    np.testing.assert_allclose(
        np.linalg.det(recording.rotations.reshape(-1, 3, 3)), 1.0, atol=1e-5
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("0 90 0 0 0 0 0 90 0 90 0 0", "0 90 0 0 0"), "values expected"),
        (("HIERARCHY", "HELLO"), "HIERARCHY"),
        (("Frames: 2", "Frames: 0"), "0 frames"),
        (("Frame Time: 0.04", "Frame Time: 0"), "frame time"),
        (("OFFSET 0 60 0", "OFFSET 0 6000 0"), "no person"),
        (("CHANNELS 3", "CHANNELS 33"), "channels"),
        (("MOTION", "}"), "not a sound .bvh"),
    ],
)
def test_broken_biovision_files(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    path = tmp_path / "broken.bvh"
    path.write_text(_BVH.replace(*change, 1))
    with pytest.raises(InputError, match=reason) as error:
        read_motion(path)
    assert "broken.bvh" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("skeleton", "motion", "reason"),
    [
        (_ASF, _AMC.replace("shank 90\n", ""), r"01_02\.amc.*frame 3 needs 1 values for shank"),
        (_ASF, _AMC.replace("thigh -90 0 0", "thigh -90 x 0"), r"01_02\.amc"),
        (_ASF, "", r"no frames"),
        (_ASF.replace(":hierarchy", ":nothing"), _AMC, r"01\.asf"),
        (_ASF.replace("root thigh", "hips thigh"), _AMC, r"01\.asf"),
    ],
)
def test_broken_acclaim_files(tmp_path: Path, skeleton: str, motion: str, reason: str) -> None:
    (tmp_path / "01.asf").write_text(skeleton)
    (tmp_path / "01_02.amc").write_text(motion)
    with pytest.raises(InputError, match=reason):
        read_motion(tmp_path / "01_02.amc")


def test_a_motion_without_its_skeleton(tmp_path: Path) -> None:
    (tmp_path / "05_01.amc").write_text(_AMC)
    with pytest.raises(InputError, match=r"put the \.asf file beside it"):
        read_motion(tmp_path / "05_01.amc")


def test_finding_motions(acclaim: Path, tmp_path: Path) -> None:
    assert find_motions(tmp_path) == [acclaim]
    assert find_motions(acclaim) == [acclaim]
    (tmp_path / "empty").mkdir()
    for source, reason in (
        (tmp_path / "empty", "holds no motion capture"),
        (tmp_path / "none.bvh", "does not exist"),
        (tmp_path / "01.asf", "no motion capture"),
    ):
        with pytest.raises(InputError, match=reason):
            find_motions(source)


def test_cmu_bones_keep_their_lengths(tmp_path: Path) -> None:
    data = Path(os.environ.get("SPINEPOSE_DATA", Path(__file__).parents[4] / "shared" / "data"))
    archive = data / "mocap" / "cmu.tar.xz"
    if not archive.is_file():
        pytest.skip("the CMU recordings are not at hand")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    for path in find_motions(tmp_path)[:4]:
        recording = read_motion(path)
        lengths = np.linalg.norm(recording.tips - recording.positions, axis=2)
        assert np.ptp(lengths, axis=0).max() < 1e-5
        top = recording.tips[:, recording.joints.index("head"), 2]
        assert 1.4 < np.percentile(top, 20) < 2.1
