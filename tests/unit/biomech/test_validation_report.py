"""The report of a validation is one sound page, and flagged keypoints go to the queue."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from spinepose.biomech.ik import Fit, to_world
from spinepose.biomech.report import queue_of, write_report
from spinepose.biomech.report.markup import from_markdown
from spinepose.biomech.report.pictures import chosen_moments
from spinepose.biomech.report.scene import viewer_data
from spinepose.biomech.smoothing import Smoothed
from spinepose.biomech.validation import Sight, Validation, validate_markers, validate_sight
from spinepose.biomech.verdict import Flag
from spinepose.errors import OutputError, UsageError
from spinepose.export import Provenance
from spinepose.export.queue import read_queue, write_queue
from spinepose.media import VideoInfo, VideoWriter
from spinepose.multiview import Camera, reprojection_report, triangulate
from spinepose.skeleton import SPINETRACK
from tests.unit.biomech.motions import BODY, moving_person
from tests.unit.multiview.conftest import ring, seen

FRAMES, RATE = 20, 25.0
WRONG_FRAME, BLIND_CAMERA, LONELY_CAMERA = 7, 3, 0
BACK, KNEE = SPINETRACK.index("spine_04"), SPINETRACK.index("right_knee")
HOSTILE = '<script>alert(1)</script>"><img src=http://x.y/z onerror=a>|'
TRUTH = to_world(BODY.markers(moving_person(FRAMES, RATE, seed=2)))
_VOID = {"meta", "input"}


class _Page(HTMLParser):
    """Checks that tags are closed in order, and keeps tags, text and what scripts hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        self.raw.get(inside, self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def _cameras() -> list[Camera]:
    return ring(4)


def _keypoints(cameras: list[Camera]) -> tuple[np.ndarray, np.ndarray]:
    """Return what cameras see: a vertebra 15 cm off in all but a blind one, a knee off in one."""
    points = TRUTH.copy()
    points[WRONG_FRAME, BACK] += [0.0, 0.0, 0.15]
    keypoints = seen(cameras, points)
    scores = np.full(keypoints.shape[:-1], 0.9)
    keypoints[LONELY_CAMERA, 3, KNEE] += [90.0, 40.0]
    keypoints[BLIND_CAMERA, WRONG_FRAME, BACK] = np.nan
    scores[BLIND_CAMERA, WRONG_FRAME, BACK] = 0.0
    return keypoints, scores


def _sight(cameras: list[Camera]) -> Sight:
    keypoints, scores = _keypoints(cameras)
    points = triangulate(cameras, keypoints, scores)
    names = [camera.name for camera in cameras]
    report = reprojection_report(points, names, SPINETRACK.keypoints)
    return Sight(tuple(cameras), keypoints, scores, points, report)


@pytest.fixture(scope="module")
def found() -> Validation:
    return validate_sight(_sight(_cameras()), RATE, source="four cameras")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a grey video with a white square where the vertebra was found in the wrong frame."""
    path = tmp_path_factory.mktemp("video") / "cam1.mp4"
    x, y = _keypoints(_cameras())[0][1, WRONG_FRAME, BACK].round().astype(int)
    info = VideoInfo(1280, 960, Fraction(25), Fraction(1, 25))
    with VideoWriter(path, info) as writer:
        for index in range(FRAMES):
            image = np.full((960, 1280, 3), 60, np.uint8)
            if index == WRONG_FRAME:
                image[y - 6 : y + 7, x - 6 : x + 7] = 255
            writer.write(image, index)
    return path


class _Told:
    """A part of a validation with everything that a page must not trust."""

    def to_dict(self) -> dict[str, Any]:
        return {"value": float("nan"), "many": np.array([1.0, np.inf]), "name": HOSTILE}

    def to_markdown(self) -> str:
        return f"# Title {HOSTILE}\n\ntext {HOSTILE}\n\n| a | b |\n| --- | --- |\n| c<d | `e` |\n"


def _read(path: Path) -> _Page:
    return _Page(path.read_text(encoding="utf-8"))


def test_the_scene_of_this_test(found: Validation) -> None:
    assert [(flag.frame, flag.keypoint) for flag in found.verdict.flags] == [
        (WRONG_FRAME, "spine_04")
    ]
    assert found.sight is not None
    assert found.sight.triangulation.rejected[LONELY_CAMERA, 3, KNEE]


def test_a_page_that_needs_nothing_else(found: Validation, video: Path, tmp_path: Path) -> None:
    paths = write_report(tmp_path, found, videos=[None, video, None, None], command="do it")
    assert [path.name for path in paths] == ["report.html", "validation.json"]
    page = _read(paths[0])
    for tag, attributes in page.tags:
        for key in {"src", "href", "xlink:href", "srcset", "action"} & set(attributes):
            assert (attributes[key] or "").startswith("data:image/jpeg;base64,")
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
    assert not re.search(r"url\(|@import", "".join(page.raw["style"]))
    assert "http" not in "".join(page.raw["script"])
    assert "Not passed: 1 keypoints in 1 frames are more than 100 mm" in page.text
    assert "is not an accuracy" in page.text
    assert "do it" in page.text


def test_the_security_policy_lets_only_this_script_and_style_in(
    found: Validation, tmp_path: Path
) -> None:
    page = _read(write_report(tmp_path, found)[0])
    policy = next(a["content"] for tag, a in page.tags if "http-equiv" in a and tag == "meta")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    for name, text in (("style", page.raw["style"][0]), ("script", page.raw["script"][1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_hostile_names_stay_text(found: Validation, tmp_path: Path) -> None:
    cameras = [replace(camera, name=f"{i}{HOSTILE}") for i, camera in enumerate(_cameras())]
    hostile = replace(found, sight=_sight(cameras), source=HOSTILE)
    told = _Told()
    paths = write_report(tmp_path, hostile, posture=told, comparisons=[told], command=HOSTILE)
    page = _read(paths[0])
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == 2
    assert "img" not in tags
    # Title, source, command, four cameras in the table and its heads, and twice title and text.
    assert page.text.count("<script>alert(1)</script>") >= 3 + 4 + 4
    assert "c<d" in page.text
    assert ("code", {}) in page.tags


def test_json_holds_everything_and_no_nan(found: Validation, tmp_path: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    path = write_report(tmp_path, found, posture=_Told(), command="x")[1]
    data = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert data["format"] == "spinepose-validation"
    assert data["verdict"]["flags"][0]["keypoint"] == "spine_04"
    assert data["verdict"]["passed"] is False
    assert data["posture"] == {"value": None, "many": [1.0, None], "name": HOSTILE}
    assert data["comparisons"] == []
    assert set(data["scale"]) == set(BODY.spec.groups)
    assert set(data["reprojection"]["cameras"]) == {f"cam{i}" for i in range(4)}
    provenance = data["provenance"]
    assert (provenance["source"], provenance["package"]) == ("four cameras", "spinepose")
    assert provenance["settings"]["command"] == "x"
    assert provenance["settings"]["flag_mm"] == 100


def test_both_files_or_none(found: Validation, tmp_path: Path) -> None:
    class Broken(_Told):
        def to_dict(self) -> dict[str, Any]:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_report(tmp_path, found, posture=Broken())
    assert not list(tmp_path.iterdir())
    (tmp_path / "validation.json").mkdir()
    with pytest.raises(OutputError):
        write_report(tmp_path, found)
    assert [path.name for path in tmp_path.iterdir()] == ["validation.json"]


def test_a_lost_or_another_video_costs_its_pictures_alone(
    found: Validation, video: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = tmp_path / "none.mp4"
    write_report(tmp_path / "a", found, videos=[gone] * 4)
    assert "there are no pictures of it" in caplog.text
    assert "data:image/jpeg" not in (tmp_path / "a" / "report.html").read_text()


@pytest.mark.parametrize("late", [0, 2])
def test_the_picture_shows_the_keypoint_under_its_ring(
    found: Validation, video: Path, tmp_path: Path, late: int
) -> None:
    """The other cameras start later by `late`; then the marked frame is not the one shown."""
    offsets = [-late, 0, -late, -late]
    videos = [None, video, None, None]
    text = write_report(tmp_path, found, videos=videos, offsets=offsets)[0].read_text()
    photos = re.findall(r'<figure class="photo">.*?</figure>', text)
    assert len(photos) == 1
    of_video = " (9 of its video)" if late else ""
    assert f"cam1, frame 7{of_video}, 0.28 s" in photos[0]
    assert 'data-frame="7"' in photos[0]
    match = re.search(r"base64,([^\"]+)", photos[0])
    assert match is not None
    picture = cv2.imdecode(
        np.frombuffer(base64.b64decode(match[1]), np.uint8), cv2.IMREAD_GRAYSCALE
    )
    ring_at = re.search(r'class="ring" cx="([\d.]+)" cy="([\d.]+)"', photos[0])
    assert ring_at is not None
    x, y = (int(float(value)) for value in ring_at.groups())
    bright = picture[y - 2 : y + 3, x - 2 : x + 3].mean() > 200
    assert bright == (late == 0)
    assert (picture > 200).mean() < 0.01


def test_frames_without_a_pose_and_missing_markers(tmp_path: Path) -> None:
    points = BODY.markers(moving_person(12, RATE, seed=4))
    points[4:7] = np.nan
    points[:, SPINETRACK.index("nose")] = np.nan
    points[9, 8:] = np.nan
    points[9, 3:] = np.nan
    found = validate_markers(points, RATE, source="markers")
    page = _read(write_report(tmp_path, found)[0])
    assert "Not passed: 4 frames have no pose; 8 of 12 frames solved" in page.text
    data = json.loads(page.raw["script"][0])
    assert data["model"][5] == [None] * 111
    assert set(data["states"][5]) == {"0"}
    assert data["states"][9].count("4") == 2  # an eye and the other one, without a pose
    assert data["states"][0].count("1") == 36


def test_a_passed_motion_says_so(tmp_path: Path) -> None:
    points = BODY.markers(moving_person(8, RATE, seed=5))
    page = _read(write_report(tmp_path, validate_markers(points, RATE, source="a"))[0])
    assert "Passed: no keypoint is more than 100 mm from the body; 8 of 8" in page.text
    assert "Flagged frames" not in page.text


def _long(found: Validation, times: int) -> Validation:
    """Return a motion repeated many times."""

    def again(fit: Fit) -> Fit:
        arrays = (
            np.concatenate([a] * times) for a in (fit.coordinates, fit.markers, fit.residuals)
        )
        return Fit(*arrays, fit.scale)

    motion = Smoothed(
        again(found.motion.fit),
        np.concatenate([found.motion.before] * times),
        np.concatenate([found.motion.bridged] * times),
    )
    markers = np.concatenate([found.markers] * times)
    return replace(found, markers=markers, fit=again(found.fit), motion=motion, sight=None)


def test_long_recordings_keep_the_page_small(found: Validation, tmp_path: Path) -> None:
    many = _long(found, 500)
    data = viewer_data(many, [5005])
    assert len(data["frames"]) <= 601
    assert 5005 in data["frames"]
    assert (data["frames"][0], data["frames"][-1]) == (0, 9999)
    middle = len(data["frames"]) // 2
    frame = data["frames"][middle]
    wanted = np.round(many.markers[frame].ravel() * 1000)
    np.testing.assert_array_equal(data["measured"][middle], wanted)
    assert write_report(tmp_path, many)[0].stat().st_size < 2_000_000


def test_moments_are_spread_over_time(found: Validation) -> None:
    flags = tuple(Flag(f, "hip", 500.0 - f % 7) for f in range(FRAMES * 5))
    flags = tuple(sorted(flags, key=lambda flag: -flag.distance_mm))
    many = replace(found, verdict=replace(found.verdict, flags=flags))
    frames = list(chosen_moments(many))
    assert len(frames) == 12
    assert min(np.diff(sorted(frames))) >= 0.2 * RATE
    assert frames[0] % 7 == 0


def test_the_flagged_keypoint_is_in_the_queue(found: Validation, tmp_path: Path) -> None:
    videos = [Path(f"c{i}.mp4") for i in range(4)]
    items = queue_of(found, videos)
    cameras = _cameras()
    keypoints, _ = _keypoints(cameras)
    assert sorted(item.camera or "" for item in items) == ["cam0", "cam1", "cam2"]
    gaps = []
    for item in items:
        number = int((item.camera or "")[-1])
        assert (item.source, item.frame, item.time_s) == (f"c{number}.mp4", 7, 0.28)
        (point,) = item.flagged
        pixel = keypoints[number, WRONG_FRAME, BACK]
        np.testing.assert_allclose([point.x, point.y], pixel, atol=1e-3)
        assert (point.name, point.unit, point.score) == ("spine_04", "mm", 0.9)
        assert point.amount == pytest.approx(found.verdict.flags[0].distance_mm, abs=0.01)
        assert point.suggested is not None
        # The suggestion is on the side of the truth.
        truth = cameras[number].project(TRUTH[WRONG_FRAME, BACK])
        far = np.linalg.norm(np.subtract(point.suggested, truth))
        assert far < 0.4 * np.linalg.norm(pixel - truth)
        gaps.append(np.linalg.norm(np.subtract(point.suggested, pixel)))
        assert item.keypoints[BACK] == pytest.approx((*pixel, 0.9), abs=1e-3)
        assert item.box is not None
        known = keypoints[number, WRONG_FRAME]
        np.testing.assert_allclose(item.box, [*known.min(axis=0), *known.max(axis=0)], atol=1e-3)
        assert "spine_04" in item.reason
    assert gaps == sorted(gaps, reverse=True)
    write_queue(tmp_path / "queue.json", items, Provenance("a"))
    assert read_queue(tmp_path / "queue.json")[0] == items


def test_flags_of_one_picture_are_one_item_and_the_worst_comes_first(found: Validation) -> None:
    flags = (Flag(3, "right_knee", 400.0), Flag(7, "hip", 300.0), Flag(3, "neck", 200.0))
    many = replace(found, verdict=replace(found.verdict, flags=flags))
    items = queue_of(many)
    assert [item.frame for item in items] == [3] * 4 + [7] * 4
    assert [point.name for point in items[0].flagged] == ["right_knee", "neck"]
    assert [item.priority for item in items] == [400.0] * 4 + [300.0] * 4
    rejected = next(item for item in items if item.camera == "cam0" and item.frame == 3)
    assert "right_knee 400 mm (view rejected), neck 200 mm" in rejected.reason
    assert rejected is items[0]
    assert all(item.source is None for item in items)


def test_videos_that_start_at_other_times(found: Validation) -> None:
    frames = {item.camera: item.frame for item in queue_of(found, offsets=[0, 4, -1, 0])}
    assert frames == {"cam0": 8, "cam1": 12, "cam2": 7}
    with pytest.raises(UsageError, match="4 cameras, but 2 videos"):
        queue_of(found, [None, None])
    with pytest.raises(UsageError, match="4 cameras, but 1 offsets"):
        queue_of(found, offsets=[1])
    assert queue_of(replace(found, sight=None)) == []


def test_markdown_becomes_markup() -> None:
    rows = "| a | `b` |\n| --- | ---: |\n| c | d & e |\n"
    assert from_markdown(rows) == (
        '<div class="wide"><table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr>'
        '</thead><tbody><tr><th scope="row">c</th><td>d &amp; e</td></tr></tbody></table></div>'
    )
    assert from_markdown("## A\n\nsome\ntext\n\n- one `two`\n- three\n") == (
        '<h3>A</h3><p>some text</p><ul class="plain"><li>one <code>two</code></li>'
        "<li>three</li></ul>"
    )
