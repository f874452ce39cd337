"""What hides what: rays, rasters and shadows on scenes made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("anny")
pytest.importorskip("numba")

from spinepose.skeleton import SPINETRACK
from spinepose.synth.backdrops import open_backdrops
from spinepose.synth.body.model import Shape
from spinepose.synth.cameras import Camera, look_at
from spinepose.synth.labels import HIDDEN, OCCLUDED, VISIBLE, label_people, visibility
from spinepose.synth.light import Light
from spinepose.synth.looks.wardrobe import draw_wardrobe
from spinepose.synth.mesh import Mesh
from spinepose.synth.pose.curvature import Target, fit_curvature
from spinepose.synth.pose.pose import Arm, Pose
from spinepose.synth.pose.solve import Posed, Poser
from spinepose.synth.render.geometry import (
    Geometry,
    ambient,
    ground_shade,
    joined_geometry,
    sun_map,
)
from spinepose.synth.render.photo import Lit, View, photograph
from spinepose.synth.render.raster import depths_along, heights, rasterise
from spinepose.synth.render.shade import lit_share

if TYPE_CHECKING:
    from spinepose.synth.scene import Studio

_LIGHT = Light(
    np.eye(9, 3, dtype=np.float32),
    np.array([0.6, 0.0, 0.8], np.float32),
    np.ones(3, np.float32),
)


def _box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Mesh:
    corners = np.array(
        [
            [x, y, z]
            for x in (low[0], high[0])
            for y in (low[1], high[1])
            for z in (low[2], high[2])
        ],
        np.float32,
    )
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = [[q[0], q[k], q[k + 1]] for q in quads for k in (1, 2)]
    return Mesh(corners, np.array(faces, np.int32), np.full_like(corners, 0.5))


@pytest.fixture(scope="module")
def standing(studio: Studio) -> Posed:
    subject = studio.anatomy.subject(Shape())
    curvature = fit_curvature(studio.body, subject, Target("healthy", 40.0, 34.0))
    return Poser(studio.body, subject, curvature).pose(Pose())


def _photo(
    studio: Studio, people: list[Posed], things: list[Mesh], azimuth: float
) -> tuple[View, Geometry, Camera]:
    """Return what a camera 4 m away sees; azimuth 0 is the front, 90 the left side."""
    way = np.radians(azimuth)
    eye = np.array([4 * np.sin(way), -4 * np.cos(way), 1.3])
    camera = Camera(240, 240, 260.0, *look_at(eye, [0.0, 0.0, 0.95]))
    rng = np.random.default_rng(3)
    dressed = []
    for posed in people:
        wardrobe = draw_wardrobe(studio.regions, posed.subject, rng)
        dressed.append((wardrobe.put_on(studio.regions, posed), wardrobe.materials))
    geometry = joined_geometry(dressed, [[] for _ in people], things)
    lit = Lit(
        geometry,
        _LIGHT,
        ambient(geometry, _LIGHT),
        sun_map(geometry, _LIGHT),
        ground_shade(geometry),
        studio._marks,
    )
    backdrop = open_backdrops(None).pick(np.random.default_rng(0))
    return photograph(lit, backdrop, camera), geometry, camera


def _flags(
    studio: Studio, people: list[Posed], things: list[Mesh], azimuth: float
) -> dict[str, int]:
    view, geometry, camera = _photo(studio, people, things, azimuth)
    flags = visibility(view, geometry, camera, people[0], 0, studio.body.skin_faces)
    assert set(flags) <= {OCCLUDED, VISIBLE}
    return dict(zip(SPINETRACK.keypoints, flags.tolist(), strict=True))


def test_a_face_is_seen_from_the_front_only(studio: Studio, standing: Posed) -> None:
    front, back = (_flags(studio, [standing], [], azimuth) for azimuth in (0.0, 180.0))
    for name in ("nose", "left_eye", "right_eye"):
        assert front[name] == VISIBLE
        assert back[name] == OCCLUDED
    spine = [SPINETRACK.keypoints[i] for i in SPINETRACK.spine_indices]
    assert all(back[name] == VISIBLE for name in spine)
    assert all(front[name] == VISIBLE for name in ("left_knee", "right_shoulder", "neck"))


def test_the_far_side_of_a_body_is_hidden_by_the_near_one(studio: Studio, standing: Posed) -> None:
    left = _flags(studio, [standing], [], 90.0)
    for name in ("ear", "eye", "hip", "shoulder"):
        assert left[f"left_{name}"] == VISIBLE
        assert left[f"right_{name}"] == OCCLUDED


def test_an_arm_hides_the_spine_behind_it(studio: Studio, standing: Posed) -> None:
    poser = Poser(
        studio.body,
        standing.subject,
        fit_curvature(studio.body, standing.subject, Target("healthy", 40.0, 34.0)),
    )
    hanging = Arm((0.02, 0.0, -1.0), 0.0, 2.0)
    forward = Arm((0.1, 1.0, 0.0), 0.0, 2.0)
    beside = poser.pose(Pose(left_arm=hanging, right_arm=hanging))
    ahead = poser.pose(Pose(left_arm=forward, right_arm=forward))
    assert _flags(studio, [beside], [], 90.0)["spine_04"] == OCCLUDED
    assert _flags(studio, [ahead], [], 90.0)["spine_04"] == VISIBLE


def test_a_thing_hides_what_is_behind_it(studio: Studio, standing: Posed) -> None:
    legs = _box((-0.6, -1.0, 0.0), (0.6, -0.9, 0.75))
    hidden = _flags(studio, [standing], [legs], 0.0)
    for name in ("left_knee", "right_ankle", "left_big_toe"):
        assert hidden[name] == OCCLUDED
    assert hidden["nose"] == hidden["neck"] == hidden["left_shoulder"] == VISIBLE
    behind = _box((-0.6, 0.9, 0.0), (0.6, 1.0, 1.9))
    assert _flags(studio, [standing], [behind], 0.0) == _flags(studio, [standing], [], 0.0)


def test_another_person_hides_what_is_behind(studio: Studio, standing: Posed) -> None:
    other = standing.moved(np.eye(3), (0.0, -1.0, 0.0))
    flags = _flags(studio, [standing, other], [], 0.0)
    assert flags["spine_02"] == flags["nose"] == OCCLUDED
    view, geometry, camera = _photo(studio, [standing, other], [], 0.0)
    labels = label_people(view, geometry, camera, [standing, other], studio.body.skin_faces)
    areas = {label.person: label.area for label in labels}
    assert areas[1] > 3 * areas.get(0, 0)


def test_labels_of_a_person_half_out_of_the_picture(studio: Studio, standing: Posed) -> None:
    aside = standing.moved(np.eye(3), (1.85, 0.0, 0.0))
    view, geometry, camera = _photo(studio, [aside], [], 0.0)
    (label,) = label_people(view, geometry, camera, [aside], studio.body.skin_faces)
    flags = dict(zip(SPINETRACK.keypoints, label.keypoints[:, 2], strict=True))
    assert flags["left_wrist"] == HIDDEN
    assert flags["right_hip"] == VISIBLE
    outside = label.keypoints[label.keypoints[:, 2] == HIDDEN]
    assert (outside[:, :2] == 0).all()
    assert label.view == "front-right"  # seen 25 degrees from the side
    x, _, width, _ = label.box
    assert x + width <= 240


def _arrays(points: list[list[float]]) -> npt.NDArray[np.float32]:
    return np.array(points, np.float32)


def test_the_nearer_triangle_is_seen_and_shares_are_true_to_perspective() -> None:
    points = _arrays(
        [[0, 0, 0.5], [8, 0, 0.5], [0, 8, 0.5], [0, 0, 1.0], [4, 0, 1.0], [0, 4, 0.25]]
    )
    faces = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    inverse, seen = np.zeros((9, 9), np.float32), np.full((9, 9), -1, np.int32)
    shares = np.zeros((9, 9, 2), np.float32)
    rasterise(points, faces, np.ones(6, np.float32), inverse, seen, shares)
    assert seen[0, 1] == 1
    assert seen[3, 0] == 0  # there the second triangle is behind the first
    assert seen[1, 6] == 0
    assert seen[8, 8] == -1
    # Halfway on the screen between depth 1 and depth 4: one fifth of the way in space.
    assert inverse[2, 0] == pytest.approx(0.625)
    assert shares[2, 0, 0] == pytest.approx(0.8)


def test_a_garment_ends_along_its_cut() -> None:
    points = _arrays([[0, 0, 1], [20, 0, 1], [0, 20, 1], [20, 20, 1]])
    faces = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    cover = (5.5 - points[:, 0] * 1.0).astype(np.float32)
    inverse, seen = np.zeros((21, 21), np.float32), np.full((21, 21), -1, np.int32)
    rasterise(points, faces, cover, inverse, seen, np.zeros((21, 21, 2), np.float32))
    assert (seen[1:-1, 1:6] >= 0).all()
    assert (seen[:, 6:] == -1).all()


def test_surfaces_before_a_point_are_counted_by_the_way_they_face() -> None:
    box = _box((-1, -1, 2), (1, 1, 4))
    camera = Camera(100, 100, 50.0, np.eye(3), np.zeros(3))
    local = box.vertices.astype(float)
    inverse = 1 / local[:, 2]
    points = np.column_stack([50 * local[:, 0] * inverse + 49.5, 50 * local[:, 1] * inverse + 49.5])
    points = np.column_stack([points, inverse])
    depths = np.array([1.0, 3.0, 9.0])
    first, before = np.full(3, np.inf), np.zeros(3)
    count = np.zeros((3, 2), np.int32)
    pixels = np.tile([[50.1, 49.7]], (3, 1))
    depths_along(pixels, depths, points, box.faces, first, before, count)
    assert camera.matrix[0, 2] == 49.5
    np.testing.assert_allclose(first, 2.0, atol=1e-6)
    assert count.tolist() == [[0, 0], [1, 0], [1, 1]]
    np.testing.assert_allclose(before, [0, 2, 4], atol=1e-6)


def test_the_highest_surface_is_kept() -> None:
    points = _arrays([[0, 0, 1], [9, 0, 1], [0, 9, 1], [0, 0, 3], [9, 0, 0], [0, 9, 0]])
    result = np.full((10, 10), -9, np.float32)
    heights(points, np.array([[0, 1, 2], [3, 4, 5]], np.int32), np.ones(6, np.float32), result)
    assert result[0, 0] == pytest.approx(3)
    assert result[0, 9] == pytest.approx(1)
    assert result[9, 9] == -9


def test_a_box_casts_its_shadow_away_from_the_sun() -> None:
    geometry = joined_geometry([], [], [_box((-0.2, -0.2, 0.0), (0.2, 0.2, 1.0))])
    sun = sun_map(geometry, _LIGHT)

    def lit(x: float, y: float, z: float = 0.0) -> float:
        return float(lit_share(x, y, z, sun.frame, sun.heights, 0.01))

    # The sun stands at +x, 53 degrees high: the shadow reaches .75 m beyond the box.
    assert lit(-0.6, 0.0) == 0.0
    assert lit(-1.05, 0.0) == 1.0
    assert lit(0.5, 0.0) == 1.0
    assert lit(-0.5, 0.6) == 1.0
    assert lit(0.0, 0.0, 1.02) == 1.0


def test_corners_get_less_light_and_the_ground_is_dark_under_things() -> None:
    wall, floor = _box((-1, 0.0, 0), (1, 0.1, 1.5)), _box((-1, -2, -0.1), (1, 0, 0))
    geometry = joined_geometry([], [], [wall, floor])
    light = ambient(geometry, _LIGHT)
    up = geometry.normals[:, 2] > 0.3
    near = up & (np.abs(geometry.positions[:, 1]) < 0.05) & (geometry.positions[:, 2] < 0.1)
    far = up & (geometry.positions[:, 1] < -1.5)
    assert light[near, 0].mean() < 0.97 * light[far, 0].mean()
    shade = ground_shade(joined_geometry([], [], [_box((-0.3, -0.3, 0.02), (0.3, 0.3, 0.5))]))
    assert shade.shade.max() > 0.7
    assert shade.shade[0, 0] < 0.05
