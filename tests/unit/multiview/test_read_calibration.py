import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from spinepose.errors import DataError, UsageError
from spinepose.multiview import Camera, check_cameras, read_calibration
from tests.unit.multiview.conftest import ring

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return put


@pytest.fixture
def rig() -> list[Camera]:
    """Three cameras whose lenses have five coefficients."""
    return [
        Camera(c.name, c.size, c.matrix, c.rotation, c.translation, c.distortion[:5])
        for c in ring(3)
    ]


def same(found: tuple[Camera, ...], expected: list[Camera], atol: float = 1e-9) -> None:
    assert [c.name for c in found] == [c.name for c in expected]
    assert [c.size for c in found] == [c.size for c in expected]
    for a, b in zip(found, expected, strict=True):
        for key in ("matrix", "rotation", "translation", "distortion"):
            np.testing.assert_allclose(getattr(a, key), getattr(b, key), atol=atol)


def rodrigues(camera: Camera) -> np.ndarray:
    return np.asarray(cv2.Rodrigues(camera.rotation)[0]).ravel()


def pose2sim(cameras: list[Camera], **changes: Any) -> str:
    """Return what Pose2Sim writes; `changes` replace values of the first camera."""
    lines = []
    for number, camera in enumerate(cameras):
        table = {
            "name": camera.name,
            "size": [float(side) for side in camera.size],
            "matrix": camera.matrix.tolist(),
            "distortions": camera.distortion[:5].tolist(),
            "rotation": rodrigues(camera).tolist(),
            "translation": camera.translation.tolist(),
            "fisheye": False,
        }
        table |= changes if number == 0 else {}
        lines.append(f"[cam_{number + 1}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items() if value != ""]
    return "\n".join([*lines, "[metadata]", "adjusted = false", "error = 0.0", ""])


def caliscope(cameras: list[Camera]) -> str:
    text = "".join(
        f"[cameras.{number}]\ncam_id = {number}\nrotation_count = 0\nignore = false\n"
        f"size = {list(camera.size)}\nmatrix = {camera.matrix.tolist()}\n"
        f"distortions = {camera.distortion[:5].tolist()}\n"
        f"translation = {camera.translation.tolist()}\nrotation = {camera.rotation.tolist()}\n"
        for number, camera in enumerate(cameras)
    )
    return text + "[cameras.9]\ncam_id = 9\nignore = true\nsize = [1, 1]\nmatrix = []\n"


def test_pose2sim(write: Write, rig: list[Camera]) -> None:
    same(read_calibration(write("Calib.toml", pose2sim(rig))), rig)


def test_pose2sim_with_four_coefficients(write: Write, rig: list[Camera]) -> None:
    path = write("Calib.toml", pose2sim(rig, distortions=[0.1, 0.2, 0.3, 0.4]))
    np.testing.assert_array_equal(
        read_calibration(path)[0].distortion, [0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0]
    )


def test_caliscope(write: Write, rig: list[Camera]) -> None:
    found = read_calibration(write("camera_array.toml", caliscope(rig)))
    named = [Camera(str(i), c.size, *parts(c)) for i, c in enumerate(rig)]
    same(found, named)


def parts(c: Camera) -> tuple[np.ndarray, ...]:
    return c.matrix, c.rotation, c.translation, c.distortion


@pytest.mark.parametrize("ending", ["yml", "xml", "json"])
@pytest.mark.parametrize("vector", [True, False])
def test_opencv(tmp_path: Path, rig: list[Camera], ending: str, vector: bool) -> None:
    path = tmp_path / f"rig.{ending}"
    file = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for camera in rig:
        file.startWriteStruct(camera.name, cv2.FILE_NODE_MAP)
        file.write("image_width", camera.size[0])
        file.write("image_height", camera.size[1])
        file.write("camera_matrix", camera.matrix)
        file.write("distortion_coefficients", camera.distortion[:5].reshape(1, 5))
        if vector:
            file.write("rvec", rodrigues(camera).reshape(3, 1))
            file.write("tvec", camera.translation.reshape(3, 1))
        else:
            file.write("R", camera.rotation)
            file.write("t", camera.translation)
        file.endWriteStruct()
    file.release()
    same(read_calibration(path), rig)


def test_easymocap_in_one_file(tmp_path: Path, rig: list[Camera]) -> None:
    path = tmp_path / "rig.yml"
    file = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    file.startWriteStruct("names", cv2.FILE_NODE_SEQ)
    for camera in rig:
        file.write("", camera.name)
    file.endWriteStruct()
    for camera in rig:
        file.write(f"K_{camera.name}", camera.matrix)
        file.write(f"dist_{camera.name}", camera.distortion[:5])
        file.write(f"R_{camera.name}", rodrigues(camera))
        file.write(f"Rot_{camera.name}", camera.rotation)
        file.write(f"T_{camera.name}", camera.translation)
        file.write(f"size_{camera.name}", np.array(camera.size))
    file.release()
    same(read_calibration(path), rig)


def test_a_list_of_cameras_in_json(write: Write, rig: list[Camera]) -> None:
    tables = [
        {
            "name": c.name,
            "width": c.size[0],
            "height": c.size[1],
            "K": c.matrix.tolist(),
            "distortion": c.distortion.tolist(),
            "R": c.rotation.tolist(),
            "t": c.translation.tolist(),
        }
        for c in rig
    ]
    same(read_calibration(write("rig.json", json.dumps({"cameras": tables}))), rig)


def qualisys(cameras: list[Camera], **changes: str) -> str:
    """Return what Qualisys writes: pixels in 1/64, places in mm, y up and z backwards."""
    text = ""
    for number, c in enumerate(cameras):
        rows = np.diag([1, -1, -1]) @ c.rotation
        turn = " ".join(f'r{i + 1}{j + 1}="{rows[i, j]:.12f}"' for i in range(3) for j in range(3))
        place = " ".join(f'{k}="{v:.9f}"' for k, v in zip("xyz", 1000 * c.centre, strict=True))
        k, d = 64 * c.matrix, c.distortion
        entry = (
            f'<camera active="1" serial="{c.name}" model="Miqus Video" viewrotation="0">'
            f'<fov_video left="0" top="0" right="{c.size[0] - 1}" bottom="{c.size[1] - 1}"/>'
            f"<transform {place} {turn}/>"
            f'<intrinsic focallength="9" focalLengthU="{k[0, 0]:.9f}" focalLengthV="{k[1, 1]:.9f}"'
            f' centerPointU="{k[0, 2]:.9f}" centerPointV="{k[1, 2]:.9f}" skew="0"'
            f' radialDistortion1="{d[0]}" radialDistortion2="{d[1]}" radialDistortion3="{d[4]}"'
            f' tangentalDistortion1="{d[2]}" tangentalDistortion2="{d[3]}"/></camera>'
        )
        for change in changes.values() if number == 0 else ():
            entry = entry.replace(*change.split(" -> "))
        text += entry
    marker = '<camera active="1" serial="m" model="Miqus M3" viewrotation="0"/>'
    return f'<?xml version="1.0"?><calibration><cameras>{marker}{text}</cameras></calibration>'


def test_qualisys(write: Write, rig: list[Camera]) -> None:
    same(read_calibration(write("rig.qca.txt", qualisys(rig))), rig, 1e-8)


def test_qualisys_with_a_part_of_the_sensor(write: Write, rig: list[Camera]) -> None:
    path = write("rig.qca.txt", qualisys(rig, a='left="0" top="0" -> left="100" top="60"'))
    first = read_calibration(path)[0]
    assert first.size == (rig[0].size[0] - 100, rig[0].size[1] - 60)
    expected = rig[0].matrix[:2, 2] - [100, 60]
    np.testing.assert_allclose(first.matrix[:2, 2], expected, atol=1e-8)


@pytest.mark.parametrize("recording", ["SinglePerson", "MultiPerson"])
def test_recordings_of_pose2sim(shared_data: Path, recording: str) -> None:
    path = shared_data / "data/video/pose2sim" / f"{recording}_Calib.qca.txt"
    if not path.is_file():
        pytest.skip(f"needs {path.name}")
    cameras = read_calibration(path)
    assert [c.name for c in cameras] == ["cam01", "cam02", "cam03", "cam04"]
    assert {c.size for c in cameras} == {(1088, 1920)}
    # They stand on tripods, upright, around the origin, and see the middle of the room.
    for camera in cameras:
        assert 1.5 < camera.centre[2] < 2.5
        assert camera.rotation[1, 2] < -0.8
        u, v = camera.project([0.0, 0.0, 1.0])
        assert 0 < u < 1088
        assert 0 < v < 1920


def synthetic(rig: list[Camera], scenes: tuple[int, ...]) -> dict[str, Any]:
    cameras = [
        {
            "id": 10 * scene + number,
            "width": c.size[0],
            "height": c.size[1],
            "K": c.matrix.tolist(),
            "R": c.rotation.tolist(),
            "t": np.add(c.translation, [0, 0, 0.1 * scene]).tolist(),
            "distortion": c.distortion[:5].tolist(),
            "scene": scene,
        }
        for scene in scenes
        for number, c in enumerate(rig)
    ]
    return {"images": [], "annotations": [], "cameras": cameras}


def test_a_scene_of_synthetic_people(write: Write, rig: list[Camera]) -> None:
    one = write("one.json", json.dumps(synthetic(rig, (0,))))
    found = read_calibration(one)
    same(found, [Camera(f"c{i}", c.size, *parts(c)) for i, c in enumerate(rig)])
    two = write("two.json", json.dumps(synthetic(rig, (0, 4))))
    np.testing.assert_allclose(
        read_calibration(two, scene=4)[0].translation, np.add(rig[0].translation, [0, 0, 0.4])
    )
    with pytest.raises(DataError, match=r"2 scenes; choose one: 0, 4"):
        read_calibration(two)
    with pytest.raises(DataError, match=r"no scene 3"):
        read_calibration(two, scene=3)


def test_the_gallery_has_one_camera_a_scene(examples: Path) -> None:
    path = examples / "synth/annotations/person_keypoints_train-unreal.json"
    with pytest.raises(DataError, match="12 scenes"):
        read_calibration(path)
    scene = json.loads(path.read_text())["cameras"][0]["scene"]
    with pytest.raises(DataError, match="only one camera"):
        read_calibration(path, scene=scene)


def test_scenes_are_for_synthetic_people(write: Write, rig: list[Camera]) -> None:
    with pytest.raises(UsageError, match="has no scenes"):
        read_calibration(write("Calib.toml", pose2sim(rig)), scene=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"matrix": ""}, "cam0 has no matrix"),
        ({"rotation": ""}, "cam0 has no rotation"),
        ({"translation": ""}, "cam0 has no translation"),
        ({"distortions": ""}, "cam0 has no distortions"),
        ({"size": ""}, "cam0 has no size"),
        ({"size": [3]}, "size has 1 numbers"),
        ({"size": [0, 0]}, "not positive"),
        ({"fisheye": True}, "fisheye"),
        ({"rotation": [1.0, 2.0]}, "rotation has shape"),
        ({"rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 3]]}, "not a rotation"),
        ({"matrix": [[1, 2], [3, 4]]}, "matrix has shape"),
        ({"matrix": "wide"}, "could not convert"),
        ({"distortions": [0.1] * 6}, "4, 5 or 8"),
        ({"name": "cam1"}, "several cameras are called cam1"),
    ],
)
def test_what_a_camera_lacks_is_said_on_one_line(
    write: Write, rig: list[Camera], changes: dict[str, Any], words: str
) -> None:
    path = write("Calib.toml", pose2sim(rig, **changes))
    with pytest.raises(DataError, match=words) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.toml", "x = ", "neither TOML"),
        ("a.toml", "x = 1", "holds no camera"),
        ("a.json", "{", "Expecting"),
        ("a.json", '{"cameras": [1, 2]}', "holds no camera"),
        ("a.yml", "%YAML:1.0\n---\n: : [", "OpenCV cannot read it"),
        ("a.xml", "<a", "XML is broken"),
        ("a.xml", "<a/>", "holds no camera"),
        ("a.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "entities"),
        ("a.txt", "", "holds no camera"),
    ],
)
def test_wrong_files_are_refused(write: Write, name: str, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_calibration(write(name, text))
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_calibration(tmp_path / "none.toml")
    with pytest.raises(DataError, match="folder"):
        read_calibration(tmp_path)
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(DataError, match="not text"):
        read_calibration(tmp_path / "picture.jpg")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("<transform -> <other", "cam0 has no transform"),
        ("<fov_video -> <other", "cam0 has no fov_video"),
        ("focalLengthU -> other", "cam0 has no focallengthu"),
        ('viewrotation="0" -> viewrotation="90"', "turned by 90 degrees"),
        ('skew="0" -> skew="many"', "not a number"),
    ],
)
def test_what_qualisys_lacks_is_said(
    write: Write, rig: list[Camera], changes: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        read_calibration(write("rig.qca.txt", qualisys(rig, a=changes)))


def moved(cameras: list[Camera], scale: float) -> list[Camera]:
    return [
        Camera(c.name, c.size, c.matrix, c.rotation, scale * c.translation, c.distortion)
        for c in cameras
    ]


def test_lengths_that_are_no_metres_are_refused(write: Write, rig: list[Camera]) -> None:
    with pytest.raises(DataError, match="metres, not millimetres"):
        read_calibration(write("mm.toml", pose2sim(moved(rig, 1000))))
    with pytest.raises(DataError, match=r"lengths must be metres, and"):
        read_calibration(write("km.toml", pose2sim(moved(rig, 0.001))))


def test_one_camera_is_refused(write: Write, rig: list[Camera]) -> None:
    with pytest.raises(DataError, match="only one camera"):
        read_calibration(write("one.toml", pose2sim(rig[:1])))
    with pytest.raises(UsageError, match="only one camera"):
        check_cameras(rig[:1])
    check_cameras(rig)
