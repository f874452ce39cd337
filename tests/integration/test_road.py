"""The whole road on the gallery: photo and video in, pictures and data out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

import spinepose
from spinepose import PoseTracker, SpinePoseEstimator
from spinepose.cli import main
from spinepose.export import read_poses
from spinepose.media import VideoReader
from spinepose.skeleton import SPINETRACK


@pytest.fixture(scope="module")
def estimator() -> SpinePoseEstimator:
    return SpinePoseEstimator()


@pytest.fixture(scope="module")
def photo(examples: Path) -> Path:
    return examples / "astronaut.jpg"


@pytest.fixture(scope="module")
def clip(examples: Path) -> Path:
    return examples / "walk.mp4"


def test_the_page_s_calls_run_as_written(photo: Path, tmp_path: Path) -> None:
    from spinepose.inference import infer_image, infer_video

    estimator = SpinePoseEstimator(device="cpu")
    image = cv2.imread(str(photo))
    keypoints, scores = estimator.predict(image)
    visualized = estimator.visualize(image, keypoints, scores)
    assert keypoints.shape == (1, 37, 2)
    assert scores.shape == (1, 37)
    assert visualized.shape == image.shape
    assert (visualized != image).any()
    infer_image(str(photo), str(tmp_path / "output.jpg"))
    assert cv2.imread(str(tmp_path / "output.jpg")).shape == image.shape
    assert callable(infer_video)


def test_the_face_of_the_astronaut_is_where_it_is(
    photo: Path, estimator: SpinePoseEstimator
) -> None:
    keypoints, scores = estimator.predict(str(photo))
    face = {
        name: keypoints[0, SPINETRACK.index(name)] for name in ("nose", "left_eye", "right_eye")
    }
    # Read off the picture by eye, within 12 px.
    assert np.abs(face["nose"] - (224, 125)).max() < 12
    assert np.abs(face["left_eye"] - (249, 105)).max() < 14
    assert np.abs(face["right_eye"] - (202, 101)).max() < 14
    assert scores[0, SPINETRACK.index("nose")] > 0.5


def test_colour_order_is_converted_once(photo: Path, estimator: SpinePoseEstimator) -> None:
    from PIL import Image

    bgr = cv2.imread(str(photo))
    from_array, _ = estimator.predict(bgr)
    from_path, _ = estimator.predict(str(photo))
    from_pil, _ = estimator.predict(Image.open(photo))
    np.testing.assert_allclose(from_array, from_path, atol=1e-3)
    np.testing.assert_allclose(from_pil, from_path, atol=1.5)
    swapped, _ = estimator.predict(np.ascontiguousarray(bgr[:, :, ::-1]))
    assert np.nanmax(np.abs(swapped - from_path)) > 0.5


def test_given_boxes_keep_their_rows_and_order(photo: Path, estimator: SpinePoseEstimator) -> None:
    boxes, scores = estimator.detect(str(photo))
    assert boxes.shape == (1, 4)
    assert scores.shape == (1,)
    corner = [0, 0, 4, 4]
    three, sure = estimator.predict(str(photo), [corner, boxes[0], corner])
    assert three.shape == (3, 37, 2)
    one, _ = estimator.predict(str(photo), boxes)
    np.testing.assert_allclose(three[1], one[0], atol=1e-2)
    assert sure[1].mean() > sure[0].mean()
    none, _ = estimator.predict(str(photo), np.zeros((0, 4)))
    assert none.shape == (0, 37, 2)


def test_a_batch_gives_the_same_as_one_by_one(photo: Path, estimator: SpinePoseEstimator) -> None:
    boxes = np.array([[0, 0, 512, 512], [100, 20, 400, 500], [200, 0, 300, 200]], float)
    together, _ = estimator.predict(str(photo), boxes)
    for row, box in zip(together, boxes, strict=True):
        alone, _ = estimator.predict(str(photo), box[None])
        np.testing.assert_allclose(row, alone[0], atol=0.05)


def test_flip_test_agrees_with_the_plain_answer(photo: Path) -> None:
    plain, _ = SpinePoseEstimator().predict(str(photo))
    flipped, _ = SpinePoseEstimator(flip_test=True).predict(str(photo))
    face = SPINETRACK.indices(["nose", "left_eye", "right_eye", "left_shoulder"])
    assert np.abs(plain[0, face] - flipped[0, face]).max() < 12


@pytest.mark.parametrize(
    ("words", "count"), [((), 33), (("--spine-only",), 9), (("--include-experimental",), 37)]
)
def test_photo_to_picture_and_json(
    words: tuple[str, ...], count: int, photo: Path, tmp_path: Path
) -> None:
    out, data = tmp_path / "out.jpg", tmp_path / "out.json"
    assert main(["-i", str(photo), "-o", str(out), "-s", str(data), "-mode", "small", *words]) == 0
    document = json.loads(data.read_text())
    [person] = document["people"]
    assert len(person["pose_keypoints_2d"]) == 3 * count
    assert len(document["skeleton"]["keypoints"]) == count
    models = {model["task"]: model for model in document["provenance"]["models"]}
    assert len(models["pose"]["sha256"]) == len(models["detection"]["sha256"]) == 64
    assert (cv2.imread(str(out)) != cv2.imread(str(photo))).mean() > 0.005


def test_video_keeps_size_rate_and_length(clip: Path, tmp_path: Path) -> None:
    out, data = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    assert main(["-i", str(clip), "-o", str(out), "-s", str(data)]) == 0
    with VideoReader(clip) as before, VideoReader(out) as after:
        assert (after.info.width, after.info.height) == (before.info.width, before.info.height)
        assert after.info.rate == before.info.rate
        times_before = [frame.time_s for frame in before]
        times_after = [frame.time_s for frame in after]
    assert times_after == pytest.approx(times_before, abs=1e-6)
    header = json.loads(data.read_text().splitlines()[0])
    assert header["provenance"]["settings"]["smooth"] == "butterworth"
    poses = list(read_poses(data))
    assert [p.frame for p in poses] == list(range(len(times_before)))
    assert [p.time_s for p in poses] == pytest.approx(times_before, abs=1e-3)


def test_the_sound_comes_along(clip: Path, tmp_path: Path) -> None:
    import av

    with_sound, out = tmp_path / "sound.mp4", tmp_path / "out.mp4"
    with av.open(str(clip)) as source, av.open(str(with_sound), "w") as target:
        pictures = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("aac", rate=48_000, layout="mono")
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = pictures
                target.mux(packet)
        tone = np.sin(np.arange(3 * 48_000) / 20).astype(np.float32)[None]
        for start in range(0, tone.shape[1] - 1023, 1024):
            frame = av.AudioFrame.from_ndarray(tone[:, start : start + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts = 48_000, start
            target.mux(sound.encode(frame))
        target.mux(sound.encode())
    assert main(["-i", str(with_sound), "-o", str(out), "--duration", "1", "-q"]) == 0
    with av.open(str(out)) as made:
        [audio] = made.streams.audio
        seconds = sum(frame.samples for frame in made.decode(audio)) / audio.rate
    assert 0.8 < seconds < 1.3


def test_people_of_the_clip_keep_their_ids(clip: Path) -> None:
    frames = list(spinepose.stream(clip))
    ids = [set(map(int, poses.track_ids)) for poses in frames]
    # Two people pass: one hides the other for a while, and both come out as they went in.
    assert set.union(*ids) == {1, 2}
    assert ids[2] == ids[-2] == {1, 2}
    left = [poses.keypoints[poses.track_ids == 1][0, 0, 0] for poses in (frames[2], frames[-2])]
    assert np.sign(left[1] - left[0]) == np.sign(256 - left[0])


def test_offline_smoothing_steadies_without_lag(clip: Path) -> None:
    raw = list(spinepose.infer_video(clip, use_smoothing=False))
    smooth = list(spinepose.infer_video(clip))
    hip = raw[0].skeleton.index("hip")
    first = np.array([p.keypoints[p.track_ids == 1][0, hip] for p in raw if 1 in p.track_ids])
    second = np.array([p.keypoints[p.track_ids == 1][0, hip] for p in smooth if 1 in p.track_ids])
    jerk = [np.abs(np.diff(path, n=2, axis=0)).mean() for path in (first, second)]
    assert jerk[1] < 0.6 * jerk[0]
    assert np.abs(np.nanmean(first - second, axis=0)).max() < 0.5


def test_the_tracker_returns_ids_and_what_the_estimator_would(clip: Path) -> None:
    tracker = PoseTracker(SpinePoseEstimator, mode="small", smoothing=False, det_frequency=1)
    with VideoReader(clip) as video:
        frames = [frame.image for frame, _ in zip(video, range(5), strict=False)]
    for rgb in frames:
        bgr = np.ascontiguousarray(rgb[:, :, ::-1])
        keypoints, scores = tracker(bgr)
        assert keypoints.shape[:2] == scores.shape == (len(tracker.track_ids), 37)
        alone, _ = tracker.estimator.predict(bgr)
        np.testing.assert_allclose(np.sort(alone, 0), np.sort(keypoints, 0), atol=0.01)
    assert (tracker.track_ids >= 1).all()


def test_openpose_files_one_a_frame(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "op"
    words = ["-i", str(clip), "--no-visual", "--openpose", str(folder), "--duration", "0.5"]
    assert main(words) == 0
    files = sorted(folder.iterdir())
    assert files[0].name == "walk_000000000000_keypoints.json"
    assert len(files) == 15
    assert len(json.loads(files[3].read_text())["people"][0]["pose_keypoints_2d"]) == 99


def test_json_on_standard_output_is_one_object_an_input(
    photo: Path, clip: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["-i", str(photo), str(clip), "--no-visual", "--json", "--duration", "0.3"]
    assert main(words) == 0
    captured = capfd.readouterr()
    first, second = (json.loads(line) for line in captured.out.splitlines())
    assert first["kind"] == "image"
    assert len(first["people"]) == 1
    assert second["kind"] == "video"
    assert second["complete"] is False
    assert second["frames"] == 9
    assert captured.err == ""


def test_quiet_says_nothing(photo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-i", str(photo), "-o", str(tmp_path / "o.jpg"), "-q"]) == 0
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_an_interrupt_leaves_a_playable_video_and_whole_json(clip: Path, tmp_path: Path) -> None:
    import av

    # The clip over and over, so that the run is certainly still going.
    long = tmp_path / "long.mp4"
    with av.open(str(long), "w") as target:
        stream = target.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        picture = np.zeros((240, 320, 3), np.uint8)
        for _ in range(3000):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                target.mux(packet)
        for packet in stream.encode():
            target.mux(packet)
    out, data = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    code = "import sys; from spinepose.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", code, "-i", str(long), "-o", str(out), "-s", str(data)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (data.exists() and data.stat().st_size > 6000) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    lines = [json.loads(line) for line in data.read_text().splitlines()]
    assert lines[-1]["complete"] is False
    with VideoReader(out) as video:
        frames = sum(1 for _ in video)
    assert 0 < frames == len(lines) - 2 < 3000
    assert sorted(os.listdir(tmp_path)) == ["long.mp4", "out.jsonl", "out.mp4"]


def test_importing_is_light() -> None:
    heavy = ("cv2", "onnxruntime", "av", "torch", "scipy.signal", "rich", "cyclopts", "pooch")
    code = f"import sys, spinepose; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_walker_and_the_jumper_have_one_id_each(shared_data: Path) -> None:
    """The demo of Sports2D: a man jumps off a roof, a woman walks past."""
    video = shared_data / "data" / "video" / "sports2d_demo.mp4"
    frames = list(spinepose.stream(video))
    with VideoReader(video) as reader:
        assert len(frames) == sum(1 for _ in reader)
    assert all(1 in poses.track_ids for poses in frames)
    assert set.union(*(set(map(int, poses.track_ids)) for poses in frames)) == {1, 2}
