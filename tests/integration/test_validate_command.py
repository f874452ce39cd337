"""``spinepose validate`` as people call it: cameras, points, pictures, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from spinepose.biomech import read_motion, write_c3d
from spinepose.biomech.ik import from_world, to_world
from spinepose.cli import main
from spinepose.export import JsonLinesWriter, Provenance, write_image_document
from spinepose.export.queue import read_queue
from spinepose.export.trc import read_trc, write_trc
from spinepose.poses import Poses
from spinepose.skeleton import SPINETRACK
from tests.conftest import ROOT
from tests.unit.biomech.motions import BODY, SPEC, moving_person
from tests.unit.multiview.conftest import ring

RATE, FRAMES = 25.0, 30
WRONG = (12, "spine_03")
"""The frame and keypoint that all cameras see 20 cm beside its place."""


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Markers (F, M, 3) m, y up, of a person who moves."""
    return BODY.markers(moving_person(FRAMES, RATE, seed=5))


def write_view(path: Path, pixels: np.ndarray, ids: bool = True, size: int = 1280) -> Path:
    """Write what spinepose would have found in a video."""
    writer = JsonLinesWriter(path, Provenance("nowhere.mp4"), SPINETRACK)
    for number, points in enumerate(pixels):
        box = [*np.nanmin(points, axis=0), *np.nanmax(points, axis=0)]
        writer.write(
            Poses.build(
                [points],
                [np.where(np.isfinite(points).all(axis=1), 0.9, 0.0)],
                [box],
                track_ids=[1 if ids else -1],
                frame=number,
                time_s=number / RATE,
                size=(size, 960),
            )
        )
    writer.close(complete=True)
    return path


def write_calibration(path: Path, count: int = 4, metre: float = 1.0) -> Path:
    """Write cameras around the person as OpenCV's JSON."""
    cameras = [
        {
            "name": camera.name,
            "size": list(camera.size),
            "K": camera.matrix.tolist(),
            "dist": np.asarray(camera.distortion).tolist(),
            "R": camera.rotation.tolist(),
            "t": (camera.translation * metre).tolist(),
        }
        for camera in ring(count)
    ]
    path.write_text(json.dumps({"cameras": cameras}))
    return path


@pytest.fixture
def filmed(tmp_path: Path, truth: np.ndarray) -> Callable[..., list[str]]:
    """Return the command line for a person seen by some cameras."""

    def film(
        count: int = 4, late: int = 0, ids: bool = True, size: int = 1280, frames: int = FRAMES
    ) -> list[str]:
        long = BODY.markers(moving_person(frames, RATE, seed=5))
        world = to_world(truth if frames == FRAMES else long)
        frame, name = WRONG
        if frames > frame:
            world[frame, SPINETRACK.index(name)] += [0.2, 0.0, 0.0]
        words = []
        for number, camera in enumerate(ring(count)):
            pixels = camera.project(np.roll(world, late if number == 1 else 0, axis=0))
            rng = np.random.default_rng(number)
            pixels += rng.normal(0, 1.0, pixels.shape)
            words.append(str(write_view(tmp_path / f"cam{number}.jsonl", pixels, ids, size)))
        calibration = write_calibration(tmp_path / "cameras.json", count)
        return ["validate", *words, "-c", str(calibration), "-o", str(tmp_path / "out")]

    return film


def test_cameras(
    filmed: Callable[..., list[str]],
    tmp_path: Path,
    truth: np.ndarray,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*filmed(), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    out = tmp_path / "out"
    assert (told["frames"], told["solved"], told["passed"]) == (FRAMES, FRAMES, False)
    names = (
        "keypoints.trc motion.mot person.osim posture.csv queue.json report.html validation.json"
    )
    assert sorted(path.name for path in out.iterdir()) == names.split()
    assert {Path(path) for path in told["written"]} == set(out.iterdir())
    verdict = json.loads((out / "validation.json").read_text())["verdict"]
    assert {(flag["frame"], flag["keypoint"]) for flag in verdict["flags"]} == {WRONG}
    items, _ = read_queue(out / "queue.json")
    assert {(item.frame, item.flagged[0].name) for item in items} == {WRONG}
    assert {item.camera for item in items} == {f"cam{i}" for i in range(4)}
    points = read_trc(out / "keypoints.trc")
    away = np.linalg.norm(points.positions - truth, axis=2)
    away[WRONG[0], SPINETRACK.index(WRONG[1])] = 0
    assert np.median(away) < 0.01
    poses, times = read_motion(out / "motion.mot", SPEC)
    assert times[1] == pytest.approx(1 / RATE)
    # The model stands where the person stands.
    pelvis = [SPEC.coordinate_index[f"pelvis_t{axis}"] for axis in "xyz"]
    expected = moving_person(FRAMES, RATE, seed=5)[:, pelvis]
    assert np.abs(poses[:, pelvis] - expected).max() < 0.08


def test_points_and_their_axes(
    tmp_path: Path, truth: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    names = SPINETRACK.keypoints
    write_trc(tmp_path / "y.trc", truth, names, RATE, units="mm", rotation=None)
    write_trc(tmp_path / "z.trc", to_world(truth), names, RATE, rotation=None)
    found = []
    for name, words in (("y", []), ("z", ["--up", "z"])):
        command = ["validate", str(tmp_path / f"{name}.trc"), "-o", str(tmp_path / name), *words]
        assert main([*command, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["passed"]
    assert found[1]["passed"]
    assert found[0]["rmse_mm"] == pytest.approx(found[1]["rmse_mm"], abs=0.05)
    assert np.allclose(from_world(to_world(truth)), truth)


def test_names_of_pose2sim(tmp_path: Path, truth: np.ndarray) -> None:
    names = {"right_hip": "RHip", "left_hip": "LHip", "right_knee": "RKnee", "left_knee": "LKnee"}
    names |= {"right_ankle": "RAnkle", "left_ankle": "LAnkle", "nose": "Nose", "head": "Head"}
    names |= {"right_shoulder": "RShoulder", "left_shoulder": "LShoulder"}
    columns = [SPINETRACK.index(name) for name in names]
    path = tmp_path / "pose2sim.trc"
    write_trc(path, truth[:, columns], list(names.values()), RATE, rotation=None)
    assert main(["validate", str(path), "-o", str(tmp_path / "out"), "-q"]) == 0
    data = json.loads((tmp_path / "out" / "validation.json").read_text())
    seen = {item["name"] for item in data["verdict"]["keypoints"] if item["frames"]}
    assert seen == set(names)


def test_c3d(tmp_path: Path, truth: np.ndarray) -> None:
    pytest.importorskip("ezc3d")
    write_c3d(tmp_path / "a.c3d", truth, SPINETRACK.keypoints, RATE)
    out = tmp_path / "out"
    assert main(["validate", str(tmp_path / "a.c3d"), "-o", str(out), "--c3d", "-q"]) == 0
    assert (out / "keypoints.c3d").stat().st_size > 1000


@pytest.mark.slow
def test_opensim_in_the_report(tmp_path: Path, truth: np.ndarray) -> None:
    pytest.importorskip("opensim")
    path = tmp_path / "a.trc"
    write_trc(path, truth[:10], SPINETRACK.keypoints, RATE, rotation=None)
    out = tmp_path / "out"
    assert main(["validate", str(path), "-o", str(out), "-q"]) == 0
    own = str(out / "person.osim")
    again = ["validate", str(path), "-o", str(tmp_path / "b"), "--opensim", "--osim", own, "-q"]
    assert main(again) == 0
    data = json.loads((tmp_path / "b" / "validation.json").read_text())
    tables = [table for told in data["comparisons"] for table in told["comparisons"]]
    assert len(tables) == 3
    # The model that was written is the person: OpenSim meets the markers with it as we do.
    assert tables[2]["theirs"]["rmse_mm"] < 5
    assert "Compared with OpenSim" in (tmp_path / "b" / "report.html").read_text()


def test_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = ROOT / "examples" / "bending.jpg"
    found = tmp_path / "photo.json"
    assert main(["-i", str(picture), "-s", str(found), "--no-visual", "-q"]) == 0
    assert main(["validate", str(found), "-o", str(tmp_path / "a"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [person["plausible"] for person in told["plausibility"]] == [True]
    # The same with a shoulder at a foot.
    document = json.loads(found.read_text())
    names, triples = document["skeleton"]["keypoints"], document["people"][0]["pose_keypoints_2d"]
    a, b = (3 * names.index(name) for name in ("spine_03", "left_ankle"))
    triples[a : a + 2] = triples[b : b + 2]
    found.write_text(json.dumps(document))
    assert main(["validate", str(found), "-o", str(tmp_path / "b")]) == 0
    assert "a plausibility, no measurement" in capsys.readouterr().out
    items, _ = read_queue(tmp_path / "b" / "queue.json")
    assert [item.flagged[0].name for item in items] == ["spine_03"]
    assert items[0].source == str(picture)
    page = (tmp_path / "b" / "report.html").read_text()
    assert "data:image/jpeg" in page


def test_a_video_looked_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from spinepose.media import VideoInfo, VideoWriter, read_image

    image = read_image(ROOT / "examples" / "side_bend.jpg")[:360, :360]
    height, width = image.shape[:2]
    info = VideoInfo(width, height, Fraction(10), Fraction(1, 10))
    with VideoWriter(tmp_path / "clip.mp4", info) as video:
        for _ in range(4):
            video.write(image)
    out = tmp_path / "out"
    assert main(["validate", str(tmp_path / "clip.mp4"), "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {person["frame"] for person in told["plausibility"]} == {0, 1, 2, 3}
    assert (out / "views" / "clip.jsonl").exists()


def test_cameras_out_of_step_are_told(
    filmed: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = filmed(late=3, frames=80)
    assert main(words) == 0
    assert "cam1 seems to be 3 frames late" in capsys.readouterr().err
    plain = json.loads((tmp_path / "out" / "validation.json").read_text())
    assert main([*words, "--sync"]) == 0
    assert "--offsets 0 3 0 0" in capsys.readouterr().out
    mended = json.loads((tmp_path / "out" / "validation.json").read_text())
    mean = [
        np.mean([camera["mean_px"] for camera in data["reprojection"]["cameras"].values()])
        for data in (plain, mended)
    ]
    assert mean[1] < 0.7 * mean[0]


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda w: [*w[:2], *w[5:]], 2, "1 inputs for the 4 cameras"),
        (lambda w: [*w, "--person", "2"], 2, "cameras see 1 people"),
        (lambda w: [*w, "--person", "0"], 2, "counted from 1"),
        (lambda w: [*w, "--offsets", "1"], 2, "1 offsets"),
        (lambda w: [*w, "--warn", "200"], 2, "beyond the flag"),
        (lambda w: [*w, "--flag", "-3"], 2, "positive"),
    ],
)
def test_wrong_command_lines(
    filmed: Callable[..., list[str]],
    change: Callable[[list[str]], list[str]],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(change(filmed())) == code
    assert_one_line(capsys, said)


def test_one_camera(
    filmed: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = filmed()
    (tmp_path / "cameras.json").write_text(
        json.dumps({"cameras": json.loads((tmp_path / "cameras.json").read_text())["cameras"][:1]})
    )
    assert main([*words[:2], *words[5:]]) == 7
    assert_one_line(capsys, "camera")


def test_millimetres_taken_for_metres(
    filmed: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = filmed()
    write_calibration(tmp_path / "cameras.json", metre=1000.0)
    assert main(words) == 7
    assert_one_line(capsys, "m apart")


def test_another_size_of_the_video(
    filmed: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(filmed(size=1000)) == 2
    assert_one_line(capsys, "calibrated for 1280 x 960 px")


def test_people_without_track(
    filmed: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(filmed(ids=False)) == 7
    assert_one_line(capsys, "no track id")


def test_points_that_cannot_be(
    tmp_path: Path, truth: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    path, names = tmp_path / "a.trc", list(SPINETRACK.keypoints)
    command = ["validate", str(path), "-o", str(tmp_path / "out")]

    write_trc(path, np.full_like(truth, np.nan), names, RATE, rotation=None)
    assert main(command) == 7
    assert_one_line(capsys, "no number in any frame")

    write_trc(path, truth[:, :7], names[:7], RATE, rotation=None)
    assert main(command) == 7
    assert_one_line(capsys, "7 of our keypoints")

    few = truth.copy()
    few[:, 7:] = np.nan
    write_trc(path, few, names, RATE, rotation=None)
    assert main(command) == 7
    assert_one_line(capsys, "no frame has 8 markers")

    write_trc(path, truth * 1000, names, RATE, rotation=None)
    assert main(command) == 7
    assert_one_line(capsys, "units")

    path.write_text("nothing")
    assert main(command) == 7
    assert_one_line(capsys, "is not a .trc file")
    assert not (tmp_path / "out").exists()


def test_missing_extras(
    tmp_path: Path,
    truth: np.ndarray,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    path = tmp_path / "a.trc"
    write_trc(path, truth, SPINETRACK.keypoints, RATE, rotation=None)
    for module, option in (("opensim", "--opensim"), ("ezc3d", "--c3d")):
        monkeypatch.setitem(sys.modules, module, None)
        assert main(["validate", str(path), "-o", str(tmp_path / "out"), option]) == 8
        assert_one_line(capsys, "spinepose[opensim]")
    assert not (tmp_path / "out").exists()


def test_too_few_keypoints_of_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = np.full((37, 2), np.nan)
    points[:5] = [[10, 10], [60, 20], [80, 90], [20, 90], [50, 50]]
    scores = np.where(np.isfinite(points).all(axis=1), 0.9, 0.0)
    poses = Poses.build([points], [scores], [[0, 0, 100, 100]], size=(100, 100))
    write_image_document(tmp_path / "a.json", poses, Provenance("a.jpg"))
    assert main(["validate", str(tmp_path / "a.json"), "-o", str(tmp_path / "out")]) == 0
    assert "1 could not be judged" in capsys.readouterr().out


def assert_one_line(capsys: pytest.CaptureFixture[str], said: str) -> None:
    """The last line on standard error is the error, whole, and says this."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert lines[-1].startswith("spinepose: error: ")
    assert said in lines[-1]
    assert "bug" not in lines[-1]


def test_files_are_looked_for_before_anything_is_computed(
    filmed: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = filmed()
    assert main([words[0], str(tmp_path / "nope.jsonl"), *words[2:]]) == 3
    assert_one_line(capsys, "nope.jsonl: no such file")
    assert main([words[0], words[2], *words[2:]]) == 2
    assert_one_line(capsys, "given twice")
    assert main([*words, "--osim", str(tmp_path / "nope.osim")]) == 3
    assert_one_line(capsys, "nope.osim: no such file")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [["--offsets", "0"], ["--sync"], ["--person", "2"]])
def test_options_of_cameras_need_cameras(
    tmp_path: Path, truth: np.ndarray, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.trc"
    write_trc(path, truth, SPINETRACK.keypoints, RATE, rotation=None)
    for given in (path, ROOT / "examples" / "bending.jpg"):
        assert main(["validate", str(given), "-o", str(tmp_path / "out"), *option]) == 2
        assert_one_line(capsys, "--calibration")
    assert not (tmp_path / "out").exists()


def test_videos_of_one_name_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from spinepose.cli.console import Console
    from spinepose.cli.validate.looking import find_views
    from spinepose.inference.settings import Settings
    from spinepose.media import VideoInfo, VideoWriter, read_image

    picture = read_image(ROOT / "examples" / "side_bend.jpg")[:240]
    words = []
    for number, width in enumerate((240, 300)):
        (tmp_path / f"c{number}").mkdir()
        words.append(f"c{number}/video.mp4")
        info = VideoInfo(width, 240, Fraction(10), Fraction(1, 10))
        with VideoWriter(tmp_path / words[-1], info) as video:
            for _ in range(2):
                video.write(picture[:, :width])
    monkeypatch.chdir(tmp_path)
    views = find_views(words, Path("views"), Settings(), Console(quiet=True))
    assert [view.size[0] for view in views] == [240, 300]
    # Results are read from other folders, too.
    assert [Path(view.source or "").is_absolute() for view in views] == [True, True]


def test_a_clip_of_three_frames_and_one_without_people(
    filmed: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(filmed(frames=3)) == 0
    words = filmed(frames=3)
    for number in range(4):
        path = tmp_path / f"cam{number}.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text(
            "\n".join(
                json.dumps(line | ({"people": []} if "people" in line else {})) for line in lines
            )
        )
    capsys.readouterr()
    assert main(words) == 7
    assert_one_line(capsys, "nobody was found in any view")
