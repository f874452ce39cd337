import numpy as np
import pytest

from spinepose.skeleton import COCO17, HALPE26, SKELETONS, SPINETRACK, Bone, Skeleton, get_skeleton

NEITHER_SIDE = {"nose", "head", "head_top", "neck", "hip", "neck_02", "neck_03"} | {
    f"spine_0{i}" for i in range(1, 6)
}


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_flip_swaps_left_and_right_and_nothing_else(skeleton: Skeleton) -> None:
    assert (skeleton.flip[skeleton.flip] == np.arange(len(skeleton))).all()
    for i, j in enumerate(skeleton.flip):
        name, other = skeleton.keypoints[i], skeleton.keypoints[j]
        if name in NEITHER_SIDE:
            assert name == other
        else:
            assert {name.split("_")[0], other.split("_")[0]} == {"left", "right"}
            assert name.split("_", 1)[1] == other.split("_", 1)[1]


def test_the_numbers_of_the_paper() -> None:
    """Positions and sigmas as listed by Khan, Krauss and Stricker (2025)."""
    expected = {
        "nose": (0, 0.026),
        "left_ear": (3, 0.035),
        "right_shoulder": (6, 0.079),
        "left_wrist": (9, 0.062),
        "right_hip": (12, 0.107),
        "left_knee": (13, 0.087),
        "right_ankle": (16, 0.089),
        "head": (17, 0.026),
        "neck": (18, 0.04),
        "hip": (19, 0.07),
        "left_big_toe": (20, 0.079),
        "right_heel": (25, 0.079),
        "spine_01": (26, 0.10),
        "spine_05": (30, 0.08),
        "left_latissimus": (31, 0.12),
        "right_clavicle": (34, 0.07),
        "neck_02": (35, 0.07),
        "neck_03": (36, 0.06),
    }
    for name, (index, sigma) in expected.items():
        assert SPINETRACK.index(name) == index
        assert SPINETRACK.sigmas[index] == sigma
    assert SPINETRACK.spine_indices.tolist() == [36, 35, 18, 30, 29, 28, 27, 26, 19]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("all", 37),
        ("default", 33),
        ("body", 17),
        ("body18", 18),
        ("feet6", 6),
        ("spine9", 9),
        ("experimental4", 4),
    ],
)
def test_sizes_of_the_subsets(name: str, size: int) -> None:
    assert len(SPINETRACK.subset(name)) == size


def test_the_default_is_body_feet_and_spine() -> None:
    parts = (SPINETRACK.subsets[name] for name in ("body18", "feet6", "spine9"))
    assert set.union(*map(set, parts)) == set(SPINETRACK.subsets["default"])


def test_smaller_skeletons_are_the_first_part_of_larger_ones() -> None:
    assert SPINETRACK.keypoints[:26] == HALPE26.keypoints
    assert HALPE26.keypoints[:17] == COCO17.keypoints
    assert SPINETRACK.sigmas[:26] == HALPE26.sigmas


def test_a_subset_keeps_its_bones_and_bridges_links() -> None:
    default = SPINETRACK.subset("default")
    ends = {frozenset((b.start, b.end)) for b in default.bones}
    assert frozenset(("spine_05", "left_shoulder")) in ends
    assert frozenset(("left_hip", "left_knee")) in ends
    assert not any("latissimus" in name for pair in ends for name in pair)
    spine = SPINETRACK.subset("spine9")
    assert [(b.start, b.end) for b in spine.bones] == list(
        zip(spine.spine, spine.spine[1:], strict=False)
    )
    assert SPINETRACK.subset("feet6").spine == ()


def test_unknown_names_are_named() -> None:
    with pytest.raises(KeyError, match="tail"):
        SPINETRACK.index("tail")
    with pytest.raises(KeyError, match="wings"):
        SPINETRACK.indices("wings")
    with pytest.raises(KeyError, match="coco"):
        get_skeleton("fish")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sigmas": (0.1,)}, "sigmas"),
        ({"keypoints": ("a", "a")}, "unique"),
        ({"bones": (Bone("a", "z", "left"),)}, "z"),
        ({"spine": ("a", "y")}, "y"),
        ({"subsets": {"s": ("x",)}}, "x"),
    ],
)
def test_a_wrong_skeleton_cannot_be_made(changes: dict[str, object], words: str) -> None:
    values: dict[str, object] = {"name": "t", "keypoints": ("a", "b"), "sigmas": (0.1, 0.1)}
    with pytest.raises(ValueError, match=words):
        Skeleton(**(values | changes))  # type: ignore[arg-type]
