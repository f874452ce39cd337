"""Cameras against OpenCV; random streams; meshes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("numba")

from spinepose.synth.cameras import Camera, look_at
from spinepose.synth.mesh import Mesh, joined, vertex_normals
from spinepose.synth.streams import stream

_LENSES = st.tuples(
    st.floats(-0.2, 0.2),
    st.floats(-0.1, 0.1),
    st.floats(-0.005, 0.005),
    st.floats(-0.005, 0.005),
    st.floats(-0.05, 0.05),
)


def _camera(angle: float, height: float, focal: float, lens: tuple[float, ...]) -> Camera:
    eye = np.array([4 * np.sin(angle), -4 * np.cos(angle), height])
    rotation, translation = look_at(eye, [0.0, 0.0, 1.0], roll=7.0)
    return Camera(640, 480, focal, rotation, translation, np.array(lens))


@given(
    st.floats(-3.1, 3.1),
    st.floats(0.2, 3.0),
    st.floats(300, 1500),
    _LENSES,
    arrays(np.float64, (5, 3), elements=st.floats(-1, 1)),
)
def test_projection_is_opencv_s(
    angle: float, height: float, focal: float, lens: tuple[float, ...], points: np.ndarray
) -> None:
    camera = _camera(angle, height, focal, lens)
    turn, _ = cv2.Rodrigues(camera.rotation)
    expected, _ = cv2.projectPoints(
        points, turn, camera.translation, camera.matrix, camera.distortion
    )
    np.testing.assert_allclose(camera.project(points), expected[:, 0], atol=1e-6, rtol=1e-9)


def test_looking_at_a_point_puts_it_in_the_middle() -> None:
    camera = _camera(1.0, 2.0, 500, (0.0,) * 5)
    np.testing.assert_allclose(camera.project(np.array([0.0, 0.0, 1.0])), [319.5, 239.5])
    np.testing.assert_allclose(camera.position, [4 * np.sin(1), -4 * np.cos(1), 2.0])
    assert np.linalg.det(camera.rotation) == pytest.approx(1)


def test_points_behind_a_camera_have_no_pixel() -> None:
    camera = _camera(0.0, 1.0, 500, (0.0,) * 5)
    assert np.isnan(camera.project(np.array([0.0, -9.0, 1.0]))).all()


@given(_LENSES)
def test_ideal_pixels_undo_the_lens(lens: tuple[float, ...]) -> None:
    small = tuple(value / 4 for value in lens)
    camera = Camera(64, 48, 60.0, np.eye(3), np.zeros(3), np.array(small))
    ideal = camera.ideal_pixels().astype(np.float64)
    rays = np.concatenate([ideal, np.ones((48, 64, 1))], axis=2) @ np.linalg.inv(camera.matrix).T
    grid = np.stack(np.meshgrid(np.arange(64), np.arange(48)), axis=-1)
    np.testing.assert_allclose(camera.project(rays), grid, atol=0.02)


def test_streams_do_not_depend_on_each_other() -> None:
    first = stream(7, 3, "person", 0, "pose").uniform(size=4)
    other = stream(7, 3, "person", 0, "shape")
    other.uniform(size=1000)
    np.testing.assert_array_equal(stream(7, 3, "person", 0, "pose").uniform(size=4), first)
    for path in ((3, "person", 1, "pose"), (4, "person", 0, "pose"), (3, "person", 0, "poses")):
        assert not np.allclose(stream(7, *path).uniform(size=4), first)
    assert not np.allclose(stream(8, 3, "person", 0, "pose").uniform(size=4), first)


def test_streams_stay_what_they_are() -> None:
    # A data set made years ago must come out the same: these numbers never change.
    drawn = stream(0, 12, "person", 0, "pose").integers(0, 1000, 5)
    assert drawn.tolist() == _GOLDEN


_GOLDEN = [254, 246, 725, 936, 259]


def _cube() -> Mesh:
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = [[q[0], q[k], q[k + 1]] for q in quads for k in (1, 2)]
    return Mesh(corners, np.array(faces, np.int32), np.zeros_like(corners))


def test_normals_of_a_cube_point_outward() -> None:
    cube = _cube()
    outward = cube.vertices - 0.5
    normals = vertex_normals(cube.vertices, cube.faces)
    assert (np.einsum("vi,vi->v", normals, outward) > 0.5).all()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)


def test_joined_meshes_keep_their_faces() -> None:
    cube = _cube()
    moved = cube.moved(np.eye(3), (3.0, 0.0, 0.0)).painted((1.0, 0.5, 0.0))
    both = joined([cube, moved])
    assert both.faces.max() == 15
    np.testing.assert_allclose(both.vertices[both.faces[12:]].min(axis=(0, 1)), [3, 0, 0])
    np.testing.assert_allclose(both.colors[8:], [[1.0, 0.5, 0.0]] * 8)
    assert len(joined([]).faces) == 0
