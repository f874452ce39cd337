from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from spinepose.synth.mesh import Mesh, joined
from spinepose.synth.props import (
    catalogue,
    draw_prop,
    draw_two_handed,
    palette,
    seats,
    shapes,
    worn,
)
from spinepose.synth.props.both_hands import carton

# Least and greatest size along x, y and z in metres.
SIZES = {
    "badminton_racket": ((0.02, 0.18, 0.64), (0.04, 0.23, 0.68)),
    "ball": ((0.065, 0.065, 0.065), (0.29, 0.29, 0.29)),
    "baseball_bat": ((0.05, 0.05, 0.74), (0.067, 0.067, 1.067)),
    "bottle": ((0.055, 0.055, 0.19), (0.09, 0.09, 0.32)),
    "cricket_bat": ((0.04, 0.09, 0.80), (0.067, 0.108, 0.9652)),
    "cup": ((0.06, 0.06, 0.08), (0.10, 0.10, 0.16)),
    "dumbbell": ((0.07, 0.06, 0.2), (0.2, 0.2, 0.42)),
    "hockey_stick": ((0.03, 0.10, 0.9), (0.051, 0.34, 1.8)),
    "kettlebell": ((0.13, 0.2, 0.15), (0.23, 0.33, 0.25)),
    "phone": ((0.008, 0.06, 0.13), (0.016, 0.08, 0.18)),
    "shopping_bag": ((0.09, 0.36, 0.28), (0.22, 0.70, 0.45)),
    "sword": ((0.015, 0.015, 0.75), (0.06, 0.22, 1.1)),
    "tablet": ((0.006, 0.12, 0.19), (0.02, 0.23, 0.30)),
    "tennis_racket": ((0.03, 0.24, 0.66), (0.05, 0.317, 0.737)),
    "tray": ((0.02, 0.30, 0.24), (0.17, 0.46, 0.43)),
    "umbrella": ((0.8, 0.8, 0.7), (1.25, 1.25, 1.0)),
    "walking_stick": ((0.02, 0.05, 0.85), (0.07, 0.14, 1.4)),
    "barbell": ((2.0, 0.15, 0.15), (2.21, 0.46, 0.46)),
    "carton": ((0.24, 0.19, 0.14), (0.56, 0.41, 0.42)),
    "pole": ((1.2, 0.02, 0.02), (2.1, 0.045, 0.045)),
    "rowing_handle": ((0.44, 0.6, 0.02), (0.54, 1.3, 0.05)),
    "steering_wheel": ((0.36, 0.04, 0.36), (0.44, 0.12, 0.44)),
    "armchair": ((0.65, 0.7, 0.7), (1.0, 0.95, 1.0)),
    "bed": ((0.9, 2.0, 0.75), (1.7, 2.2, 1.05)),
    "bench": ((1.1, 0.33, 0.39), (1.85, 0.65, 1.0)),
    "gym_mat": ((0.6, 1.7, 0.005), (1.0, 2.0, 0.055)),
    "kitchen_chair": ((0.38, 0.4, 0.78), (0.5, 0.6, 1.05)),
    "massage_table": ((0.58, 2.0, 0.5), (0.8, 2.3, 0.9)),
    "office_chair": ((0.55, 0.55, 0.85), (0.75, 0.75, 1.3)),
    "plyo_box": ((0.5, 0.4, 0.29), (0.77, 0.53, 0.77)),
    "sofa": ((1.3, 0.7, 0.7), (2.4, 0.95, 1.0)),
    "stool": ((0.29, 0.29, 0.4), (0.45, 0.45, 0.8)),
    "weight_bench": ((0.45, 1.1, 0.41), (0.6, 1.35, 0.46)),
    "barbell_rack": ((1.9, 0.7, 1.9), (2.21, 1.6, 2.4)),
    "bicycle": ((1.6, 0.45, 0.95), (1.85, 0.7, 1.15)),
    "bollard": ((0.1, 0.1, 0.44), (0.5, 0.5, 1.2)),
    "bush": ((0.5, 0.5, 0.45), (1.9, 1.9, 1.6)),
    "counter": ((1.2, 0.55, 0.85), (2.7, 0.7, 1.12)),
    "desk": ((1.2, 0.6, 1.0), (1.85, 0.85, 1.8)),
    "fence": ((1.75, 0.08, 0.78), (3.1, 0.2, 1.42)),
    "hurdle": ((1.18, 0.5, 0.75), (1.2, 0.7, 1.07)),
    "ladder": ((0.4, 0.6, 1.15), (0.65, 1.3, 2.3)),
    "partition": ((0.8, 0.08, 1.18), (2.45, 0.35, 1.92)),
    "post": ((0.05, 0.05, 1.95), (0.65, 0.4, 3.05)),
    "potted_plant": ((0.3, 0.3, 0.5), (1.5, 1.5, 1.8)),
    "railing": ((1.5, 0.08, 0.9), (3.15, 0.12, 1.15)),
    "sports_net": ((2.5, 0.05, 0.9), (4.8, 0.12, 2.55)),
    "stroller": ((0.5, 0.9, 0.9), (0.62, 1.1, 1.2)),
    "table": ((0.68, 0.68, 0.71), (1.85, 1.15, 0.77)),
    "trash_bin": ((0.33, 0.33, 0.58), (0.65, 0.85, 1.1)),
    "treadmill": ((0.7, 1.55, 1.2), (0.95, 2.1, 1.6)),
    "backpack": ((0.3, 0.3, 0.4), (0.4, 0.6, 0.6)),
    "beanie": ((0.16, 0.2, 0.09), (0.2, 0.24, 0.22)),
    "bracelet": ((0.045, 0.06, 0.004), (0.07, 0.075, 0.055)),
    "cap": ((0.155, 0.25, 0.1), (0.18, 0.3, 0.15)),
    "glasses": ((0.135, 0.12, 0.035), (0.155, 0.16, 0.06)),
    "hat": ((0.22, 0.28, 0.07), (0.36, 0.45, 0.16)),
    "headphones": ((0.19, 0.05, 0.15), (0.25, 0.2, 0.23)),
    "scarf": ((0.18, 0.22, 0.3), (0.28, 0.34, 0.65)),
    "shoulder_bag": ((0.08, 0.27, 0.65), (0.18, 0.42, 1.0)),
    "sunglasses": ((0.14, 0.12, 0.035), (0.16, 0.16, 0.06)),
}
ALL = [(group, name) for group, makers in catalogue.GROUPS.items() for name in makers]
SEEDS = range(12)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def parts(mesh: Mesh) -> list[Mesh]:
    """Return the pieces of a mesh that hang together by place."""
    points = mesh.vertices.astype(np.float64)
    pairs = cKDTree(points).query_pairs(1e-6, output_type="ndarray")
    sides = np.concatenate([pairs, mesh.faces[:, :2], mesh.faces[:, 1:]])
    count = len(points)
    graph = coo_array((np.ones(len(sides)), sides.T), shape=(count, count))
    number, label = connected_components(graph, directed=False)
    of_face = label[mesh.faces[:, 0]]
    return [Mesh(mesh.vertices, mesh.faces[of_face == k], mesh.colors) for k in range(number)]


def open_sides(mesh: Mesh) -> int:
    """Return how many face sides have no face on their other side, places taken as equal."""
    points = mesh.vertices.astype(np.float64)
    pairs = cKDTree(points).query_pairs(1e-6, output_type="ndarray")
    count = len(points)
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(count, count))
    place = connected_components(graph, directed=False)[1][mesh.faces]
    sides = np.stack([place, np.roll(place, -1, axis=1)], axis=-1).reshape(-1, 2)
    found = Counter(map(tuple, sides[sides[:, 0] != sides[:, 1]].tolist()))
    return sum(max(0, number - found[(b, a)]) for (a, b), number in found.items())


def test_every_prop_has_a_size() -> None:
    assert {name for _, name in ALL} == set(SIZES)


@pytest.mark.parametrize(("group", "name"), ALL)
def test_prop_is_a_sound_mesh_of_a_plausible_size(group: str, name: str) -> None:
    low, high = np.array(SIZES[name])
    for seed in SEEDS:
        mesh = catalogue.GROUPS[group][name](rng(seed))
        assert mesh.vertices.dtype == mesh.colors.dtype == np.float32
        assert mesh.faces.dtype == np.int32
        assert mesh.vertices.shape == mesh.colors.shape
        assert np.isfinite(mesh.vertices).all()
        assert 8 <= len(mesh.faces) <= 1500
        assert mesh.faces.min() >= 0
        assert mesh.faces.max() < len(mesh.vertices)
        assert mesh.colors.min() >= 0.0
        assert mesh.colors.max() <= 1.0
        size = np.ptp(mesh.vertices, axis=0)
        assert (size >= low).all(), (seed, size)
        assert (size <= high).all(), (seed, size)


@pytest.mark.parametrize(("group", "name"), ALL)
def test_prop_is_closed_and_looks_outward(group: str, name: str) -> None:
    for seed in SEEDS[:6]:
        mesh = catalogue.GROUPS[group][name](rng(seed))
        assert open_sides(mesh) == 0, seed
        volumes = [shapes.signed_volume(part) for part in parts(mesh) if len(part.faces)]
        assert min(volumes) > -1e-9, (seed, volumes)


@pytest.mark.parametrize(("group", "name"), ALL)
def test_prop_is_drawn_by_the_generator_alone(group: str, name: str) -> None:
    make = catalogue.GROUPS[group][name]
    first, again, other = make(rng(3)), make(rng(3)), make(rng(4))
    np.testing.assert_array_equal(first.vertices, again.vertices)
    np.testing.assert_array_equal(first.faces, again.faces)
    np.testing.assert_array_equal(first.colors, again.colors)
    assert first.vertices.shape != other.vertices.shape or not np.array_equal(
        first.colors, other.colors
    )


@pytest.mark.parametrize("group", ["supports", "occluders"])
def test_standing_things_stand_on_the_ground(group: str) -> None:
    for name, make in catalogue.GROUPS[group].items():
        for seed in SEEDS:
            lowest = float(make(rng(seed)).vertices[:, 2].min())
            assert 0.0 <= lowest <= 0.06, (name, seed)


def test_draws_cover_a_group_and_repeat() -> None:
    stream = rng(1)
    names = {draw_prop(stream, "worn")[0] for _ in range(200)}
    assert names == set(catalogue.WORN)
    assert draw_prop(rng(5), "held")[0] == draw_prop(rng(5), "held")[0]
    with pytest.raises(KeyError):
        draw_prop(rng(), "carried")


def test_both_hands_reach_the_thing_they_hold() -> None:
    for seed in range(30):
        name, mesh, apart = draw_two_handed(rng(seed))
        assert name in catalogue.BOTH_HANDS
        assert 0.1 < apart <= float(np.abs(mesh.vertices[:, 0]).max())
    mesh, half = carton(rng())
    assert half == pytest.approx(mesh.vertices[:, 0].max(), abs=1e-3)


@pytest.mark.parametrize("name", sorted(catalogue.SUPPORTS))
def test_support_has_the_height_asked_for_under_the_sitter(name: str) -> None:
    make = getattr(seats, name)
    mesh = make(rng(2), seat_height=0.5)
    height = mesh.vertices[:, 2]
    assert float(height[height < 0.52].max()) == pytest.approx(0.5, abs=0.015)


@pytest.mark.parametrize("kind", ["stool", "kitchen", "office", "armchair"])
def test_chair_faces_minus_y(kind: str) -> None:
    mesh = seats.chair(rng(1), seat_height=0.45, seat_depth=0.4, kind=kind)
    above = mesh.vertices[mesh.vertices[:, 2] > 0.75]
    assert (len(above) == 0) == (kind == "stool")
    assert (above[:, 1] > 0.1).all()
    assert seats.chair(rng(1)).vertices.shape[1] == 3


@pytest.mark.parametrize("make", [worn.cap, worn.beanie])
def test_headwear_encloses_the_top_of_the_head(
    make: Callable[..., Mesh],
) -> None:
    axes = (0.07, 0.09, 0.12)
    for seed in SEEDS:
        mesh = make(rng(seed), axes)
        reach = mesh.vertices.astype(np.float64) / axes + (0.0, 0.0, 1.0)
        assert float(np.linalg.norm(reach, axis=1).min()) > 0.93
        assert 0.0 < mesh.vertices[:, 2].max() < 0.13
        assert worn.hat(rng(seed), axes).vertices[:, 2].max() > 0.01


def test_cap_visor_and_backpack_are_on_their_sides() -> None:
    cap = worn.cap(rng())
    assert -cap.vertices[:, 1].min() > cap.vertices[:, 1].max() + 0.05
    bag = worn.backpack(rng(), straps=False)
    assert bag.vertices[:, 1].min() > 0.0


def test_glasses_take_their_width() -> None:
    for width in (0.12, 0.15):
        size = np.ptp(worn.glasses(rng(), width).vertices[:, 0])
        assert size == pytest.approx(width, abs=0.015)


SOLIDS = {
    "box": (shapes.box((1, 2, 3)), 6.0),
    "rounded_box": (shapes.rounded_box((1, 1, 1), 0.01), 1.0),
    "frustum": (shapes.frustum((1, 1), (1, 1), 2.0), 2.0),
    "prism": (shapes.prism([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)], 0.5), 1.5),
    "prism clockwise": (shapes.prism([(0, 1), (1, 1), (1, 0), (0, 0)], 1.0), 1.0),
    "rod": (shapes.rod((0, 0, 0), (3, 4, 0), 1.0, sides=64), 5.0 * np.pi),
    "cone": (shapes.rod((0, 0, 1), (0, 0, 4), 1.0, end_radius=0.0, sides=64), np.pi),
    "capsule": (shapes.capsule((0, 0, 0), (0, 1, 0), 0.5, sides=32), np.pi * 5 / 12),
    "ellipsoid": (shapes.ellipsoid((1, 2, 3), sides=48, rings=32), 8.0 * np.pi),
    "ball": (shapes.ball(1.0, splits=3), np.pi * 4 / 3),
    "torus": (shapes.torus(2.0, 0.5, around=64, sides=32), np.pi**2),
    "tube": (shapes.tube([(0, 0, 0), (0, 0, 1), (0, 0, 3)], 1.0, sides=64), 3.0 * np.pi),
    "sheet": (shapes.sheet(np.stack(np.mgrid[0:3, 0:4, 0:1], -1)[:, :, 0], (0, 0, 0.1)), 0.6),
    "net": (shapes.net(1.0, 1.0, 0.5, 0.01), 6 * 1.3e-4),
    "leaves": (shapes.leaves([(0, 0, 0)], [(1, 0, 0.2)], 0.3, [(0, 1, 0)]), None),
    "mirrored": (shapes.mirrored(shapes.box((1, 1, 1), (3, 0, 0)), 0), 1.0),
    "turned": (shapes.turned(shapes.box((1, 1, 1), (3, 0, 0)), "y", 30), 1.0),
}


@pytest.mark.parametrize("name", list(SOLIDS))
def test_solid_is_closed_and_has_its_volume(name: str) -> None:
    mesh, volume = SOLIDS[name]
    assert open_sides(mesh) == 0
    if volume is None:
        assert shapes.signed_volume(mesh) > 0.0
    else:
        assert shapes.signed_volume(mesh) == pytest.approx(volume, rel=0.06)


def test_turning_is_right_handed() -> None:
    spot = joined([shapes.box((0.1, 0.1, 0.1), (1, 0, 0))])
    np.testing.assert_allclose(
        shapes.turned(spot, "z", 90).vertices.mean(axis=0), (0, 1, 0), atol=1e-6
    )


def test_lathe_splits_where_a_point_is_given_twice() -> None:
    mesh = shapes.lathe([(1, 0), (1, 1), (1, 1), (1, 2)], [(1, 0, 0)] * 2 + [(0, 0, 1)] * 2, 8)
    assert set(map(tuple, mesh.colors.tolist())) == {(1.0, 0.0, 0.0), (0.0, 0.0, 1.0)}
    at_seam = mesh.vertices[:, 2] == 1.0
    assert at_seam.sum() == 16


def test_grounded_lifts_what_is_below_the_floor() -> None:
    assert shapes.grounded(shapes.ball(1.0)).vertices[:, 2].min() == 0.0


def test_colours_are_linear_and_repeat() -> None:
    assert palette.hsv(0.3, 0.0, 0.5) == pytest.approx(0.5**2.2)
    np.testing.assert_array_equal(
        palette.pick(rng(1), wood=0.5, metal=0.5), palette.pick(rng(1), wood=0.5, metal=0.5)
    )
    assert palette.shade((0.5, 0.9, 0.1), 2.0) == pytest.approx((1.0, 1.0, 0.2))
