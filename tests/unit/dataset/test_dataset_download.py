"""Downloads of the data set, end to end against a hub on this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("huggingface_hub")

from spinepose.dataset.download import Downloaded, Progress, download
from spinepose.errors import DataError, MissingExtraError, OutputError, UsageError
from tests.unit.dataset.hub import COMMIT, SPLITS, Hub, archive, picture, serve, small_spinetrack

LABELS = [f"annotations/person_keypoints_{split}.json" for split in sorted(SPLITS)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("SPINEPOSE_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("spinepose.dataset.hub._PAUSE_S", 0.0)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve(small_spinetrack()) as running:
        yield running


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "spinetrack"


def get(out: Path, *hubs: Hub, **options: Any) -> Downloaded:
    return download(out, endpoints=[hub.url for hub in hubs], **options)


def tree(out: Path) -> list[str]:
    """Return the files that people see."""
    paths = (path.relative_to(out) for path in out.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if path.parts[0] != ".spinetrack")


def hidden(out: Path) -> list[str]:
    return sorted(path.name for path in (out / ".spinetrack").rglob("*") if path.is_file())


def pictures(*splits: str) -> list[str]:
    return sorted(f"images/{split}/{n:03}.jpg" for split in splits for n in range(3))


def test_everything_arrives(hub: Hub, out: Path) -> None:
    done = get(out, hub)
    assert tree(out) == sorted(LABELS + pictures(*SPLITS))
    assert (out / "images/val2017/001.jpg").read_bytes() == picture("val20171", 3000)
    assert [paths.name for paths in done.layout.splits] == list(SPLITS)
    assert all(paths.has_images for paths in done.layout.splits)
    assert done.revision == COMMIT
    assert done.new == ("annotations", *(f"images/{split}" for split in SPLITS))
    assert hidden(out) == ["lock", "manifest.json"]


def test_a_second_call_asks_nobody(hub: Hub, out: Path) -> None:
    get(out, hub)
    asked = len(hub.authorizations)
    done = get(out, hub)
    assert len(hub.authorizations) == asked
    assert done.new == ()
    assert len(done.kept) == 5


def test_labels_alone(hub: Hub, out: Path) -> None:
    done = get(out, hub, annotations_only=True)
    assert tree(out) == LABELS
    assert done.layout.split("val2017", images=False).has_annotations
    assert not hub.ranges_of("images.zip")


def test_one_split_costs_only_its_bytes(out: Path) -> None:
    files = small_spinetrack(size=100_000, tail=24 << 20)
    with serve(files) as hub:
        get(out, hub, splits=["val2017"])
        assert tree(out) == sorted(LABELS + pictures("val2017"))
        assert (out / "images/val2017/002.jpg").read_bytes() == picture("val20172", 100_000)
        # The hub counts what it wrote into the line, some megabytes before we hang up.
        assert hub.sent < 12 << 20 < len(files["images.zip"])
        starts = [
            int(asked.removeprefix("bytes=").rstrip("-")) for asked in hub.ranges_of("images.zip")
        ]
    with zipfile.ZipFile(BytesIO(files["images.zip"])) as packed:
        first = packed.getinfo("images/val2017/000.jpg").header_offset
    # The table of contents at the end, then one request from the first picture on.
    assert starts[-1] == first
    assert all(start > 24 << 20 for start in starts[:-1])


def test_more_splits_come_later(hub: Hub, out: Path) -> None:
    get(out, hub, splits=["val2017"])
    done = get(out, hub, splits=["val2017", "train-unreal"])
    assert done.new == ("images/train-unreal",)
    assert done.kept == ("annotations", "images/val2017")
    assert tree(out) == sorted(LABELS + pictures("val2017", "train-unreal"))


def test_a_broken_transfer_goes_on_where_it_broke(out: Path) -> None:
    content = small_spinetrack(size=200_000)
    with serve(content, cut_at=1 << 20) as hub:
        get(out, hub, annotations_only=True)
        with pytest.raises(DataError, match=r"broke off 5 times at byte 1,048,576.*run again"):
            get(out, hub)
        assert hidden(out) == [f".images.zip.{COMMIT[:12]}.part", "lock", "manifest.json"]
        hub.cut_at = None
        hub.asked.clear()
        get(out, hub)
        table, rest = hub.ranges_of("images.zip")[:-1], hub.ranges_of("images.zip")[-1]
        assert rest == "bytes=1048576-"
        assert all(asked is not None and asked > rest for asked in table)
    assert tree(out) == sorted(LABELS + pictures(*SPLITS))


def test_one_break_is_mended_in_the_same_call(
    hub: Hub, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.files["annotations.zip"] = archive({"annotations/a.json": picture("a", 300_000)})
    hub.cut_at = 1 << 16

    def mend(seconds: float) -> None:
        hub.cut_at = None

    monkeypatch.setattr("spinepose.dataset.hub.time", SimpleNamespace(sleep=mend))
    get(out, hub, annotations_only=True)
    assert (out / "annotations/a.json").read_bytes() == picture("a", 300_000)
    assert hub.ranges_of("annotations.zip")[-1] == "bytes=65536-"


def test_a_stop_at_any_moment_loses_nothing(hub: Hub, out: Path) -> None:
    steps: list[Progress] = []

    def stop_at(progress: Progress) -> None:
        if progress not in steps:
            steps.append(progress)
            raise KeyboardInterrupt

    stops = 0
    while True:
        try:
            get(out, hub, on_progress=stop_at)
            break
        except KeyboardInterrupt:
            stops += 1
            there = tree(out)
            for split in SPLITS:
                whole = all(path in there for path in pictures(split))
                assert whole == (out / "images" / split).exists()
    assert tree(out) == sorted(LABELS + pictures(*SPLITS))
    assert hidden(out) == ["lock", "manifest.json"]
    assert stops == len(steps) > 20
    unpacked = [step.done for step in steps if step.step == "unpack images/val2017"]
    assert unpacked == [0, 3000, 6000, 9000]
    # Nothing was sent twice but the table of contents.
    fetched = [asked for asked in hub.ranges_of("images.zip") if asked is None]
    assert len(fetched) <= 2


def test_a_killed_process_is_gone_on_with(hub: Hub, out: Path, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from spinepose.dataset.download import download\n"
        "def kill(progress):\n"
        "    if (progress.step, progress.done) == ('unpack images/val2017', 6000):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "download(sys.argv[1], splits=['val2017'], on_progress=kill)\n"
    )
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": "hf_secret",
        "HF_HOME": str(tmp_path / "home"),
    }
    run = subprocess.run(
        [sys.executable, "-c", program, str(out)], env=environment, check=False, timeout=120
    )
    assert run.returncode == -signal.SIGKILL
    # The machine's own hub is told the account, its storage elsewhere is not.
    assert set(hub.authorizations) == {"Bearer hf_secret"}
    assert set(hub.storage_authorizations) == {None}
    assert tree(out) == LABELS
    steps: list[Progress] = []
    get(out, hub, splits=["val2017"], on_progress=steps.append)
    assert [(step.step, step.done) for step in steps] == [
        ("unpack images/val2017", 6000),
        ("unpack images/val2017", 9000),
    ]
    assert tree(out) == sorted(LABELS + pictures("val2017"))


def test_a_lost_picture_is_fetched_again_alone(hub: Hub, out: Path) -> None:
    get(out, hub)
    (out / "images/val2017/001.jpg").unlink()
    (out / "images/val2017/000.jpg").write_bytes(b"half")
    (out / "images/val2017/mine.txt").write_text("a note")
    steps: list[Progress] = []
    done = get(out, hub, on_progress=steps.append)
    assert done.new == ("images/val2017",)
    assert steps[0] == Progress("unpack images/val2017", 3000, 9000)
    assert (out / "images/val2017/001.jpg").read_bytes() == picture("val20171", 3000)
    assert (out / "images/val2017/mine.txt").read_text() == "a note"


def test_a_folder_around_is_dropped(out: Path) -> None:
    with serve(small_spinetrack(top="spinetrack/")) as hub:
        get(out, hub)
    assert tree(out) == sorted(LABELS + pictures(*SPLITS))


def test_archives_can_stay_and_are_used_again(hub: Hub, out: Path, tmp_path: Path) -> None:
    get(out, hub, splits=["val2017"], keep_archives=True)
    assert tree(out) == sorted([*LABELS, *pictures("val2017"), "annotations.zip", "images.zip"])
    asked = len(hub.asked)
    get(out, hub)
    assert len(hub.asked) == asked
    assert tree(out) == sorted([*LABELS, *pictures(*SPLITS), "annotations.zip", "images.zip"])


def test_what_came_first_is_held_to(hub: Hub, out: Path) -> None:
    hub.lfs = False  # No sha256 from the hub.
    get(out, hub, annotations_only=True, keep_archives=True)
    shutil.rmtree(out / "annotations")
    other = archive({"annotations/person_keypoints_val2017.json": b"{}"})
    (out / "annotations.zip").write_bytes(other)
    with pytest.raises(DataError, match=r"annotations.zip is damaged.*sha256.*remove it"):
        get(out, hub, annotations_only=True)
    (out / "annotations.zip").unlink()
    hub.files["annotations.zip"] = other
    with pytest.raises(DataError, match=f"sha256 {hashlib.sha256(other).hexdigest()}, expected"):
        get(out, hub, annotations_only=True)
    assert not (out / "annotations").exists()


def test_a_wrong_hash_is_refused_and_the_next_hub_asked(hub: Hub, out: Path) -> None:
    with serve(hub.files, wrong_sha256=True) as wrong:
        with pytest.raises(DataError, match=r"sha256 \w{64}, expected 0{64}"):
            get(out, wrong, annotations_only=True)
        assert hidden(out) == ["lock", "manifest.json"]
        get(out, wrong, hub, annotations_only=True)
    assert tree(out) == LABELS


def test_every_failed_hub_is_named(hub: Hub, out: Path) -> None:
    hub.status = 503
    with pytest.raises(DataError, match=r"127.0.0.1:9 no connection; .*answered 503") as caught:
        download(out, endpoints=["http://127.0.0.1:9", hub.url])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"login_page": True}, "login page"),
        ({"files": {}}, r"has no file annotations.zip \(revision main\)"),
        ({"status": 404}, "has no file annotations.zip"),
        ({"status": 403}, "answered 403"),
        ({"lfs": False, "files": {"annotations.zip": b"<html>log in</html>"}}, "no zip archive"),
    ],
)
def test_a_hub_that_is_none(change: dict[str, Any], message: str, hub: Hub, out: Path) -> None:
    for name, value in change.items():
        setattr(hub, name, value)
    with pytest.raises(DataError, match=message) as caught:
        get(out, hub)
    assert "\n" not in str(caught.value)
    assert tree(out) == []


def test_an_unknown_revision(hub: Hub, out: Path) -> None:
    with pytest.raises(DataError, match="has no revision v9"):
        get(out, hub, revision="v9")


def test_a_folder_stays_with_its_revision(hub: Hub, out: Path) -> None:
    get(out, hub, annotations_only=True)
    hub.commit = "f" * 40
    with pytest.raises(DataError, match=f"has no revision {COMMIT}"):
        get(out, hub)
    with pytest.raises(DataError, match="holds revision 0123456789ab and not ffffffffffff"):
        get(out, hub, revision="main")


def test_a_hub_that_sends_whole_files_only(hub: Hub, out: Path) -> None:
    hub.ranges = False
    with pytest.raises(DataError, match="whole files only: ask for all splits"):
        get(out, hub, splits=["val2017"])
    get(out, hub)
    assert tree(out) == sorted(LABELS + pictures(*SPLITS))


def test_a_broken_transfer_of_a_whole_file_begins_anew(out: Path) -> None:
    with serve(small_spinetrack(size=200_000), cut_at=1 << 20, ranges=False) as hub:
        get(out, hub, annotations_only=True)
        with pytest.raises(DataError, match="whole files only"):
            get(out, hub)
        hub.cut_at = None
        assert [name for name in hidden(out) if name.endswith(".part")]
        get(out, hub)
    assert tree(out) == sorted(LABELS + pictures(*SPLITS))


def test_what_is_too_long_is_fetched_anew(hub: Hub, out: Path) -> None:
    part = out / ".spinetrack" / f".annotations.zip.{COMMIT[:12]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(len(hub.files["annotations.zip"]) + 1))
    get(out, hub, annotations_only=True)
    assert tree(out) == LABELS


def test_a_damaged_picture_is_noticed(hub: Hub, out: Path) -> None:
    content = bytearray(hub.files["images.zip"])
    content[content.index(picture("val20171", 3000)) + 5] ^= 1
    hub.files["images.zip"] = bytes(content)
    with pytest.raises(DataError, match=r"Bad CRC-32 for file 'images/val2017/001.jpg'"):
        get(out, hub, splits=["val2017"])
    assert tree(out) == LABELS


def test_an_unsafe_archive_is_refused_before_it_is_fetched(hub: Hub, out: Path) -> None:
    hub.files["images.zip"] = archive({"images/val2017/../../../evil.jpg": b"evil"})
    with pytest.raises(DataError, match="leaves its folder"):
        get(out, hub)
    assert None not in hub.ranges_of("images.zip")
    assert not list(out.parent.rglob("evil*"))


@pytest.mark.parametrize(
    ("splits", "needs"),
    [(None, "images.zip needs 0.0072 GB"), (["val2017"], "images/val2017 needs 0.0009 GB")],
)
def test_room_is_asked_for_before(
    splits: list[str] | None,
    needs: str,
    hub: Hub,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.files = small_spinetrack(size=300_000)
    get(out, hub, annotations_only=True)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=500_000))
    hub.asked.clear()
    with pytest.raises(OutputError, match=rf"{needs} in .* and 0.0005 GB are free: make room"):
        get(out, hub, splits=splits)
    assert None not in hub.ranges_of("images.zip")
    assert tree(out) == LABELS


@pytest.mark.parametrize("variable", ["SPINEPOSE_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_asks_nobody(
    variable: str, hub: Hub, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(DataError, match=r"annotations.zip and images.zip are not in .*OFFLINE"):
        get(out, hub)
    out.mkdir(exist_ok=True)
    for name, content in hub.files.items():
        (out / name).write_bytes(content)
    done = get(out, hub, splits=["val2017"])
    assert done.revision is None
    assert tree(out) == sorted([*LABELS, *pictures("val2017"), *hub.files])
    assert hub.authorizations == []


def test_half_an_archive_by_hand(hub: Hub, out: Path) -> None:
    out.mkdir()
    content = hub.files["annotations.zip"]
    (out / "annotations.zip").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"annotations.zip is no whole zip archive.*remove it"):
        get(out, hub)


def test_a_folder_of_somebody_else_is_left_alone(hub: Hub, out: Path) -> None:
    (out / "images/val2017").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"val2017 is there already"):
        get(out, hub)
    assert hub.authorizations == []


def test_a_second_process_waits_its_turn(hub: Hub, out: Path) -> None:
    def again(progress: Progress) -> None:
        get(out, hub)

    with pytest.raises(UsageError, match="another process"):
        get(out, hub, on_progress=again)


def test_an_account_is_not_named_to_other_hubs(
    hub: Hub, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    get(out, hub, splits=["val2017"])
    assert set(hub.authorizations) == {None}


def test_an_unknown_split(hub: Hub, out: Path) -> None:
    with pytest.raises(UsageError, match="no such split: 'val'; there are train-real-coco"):
        get(out, hub, splits=["val"])
    assert not out.exists()


def test_without_the_extra(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"spinepose\[data\]"):
        download(out)


def test_a_manifest_that_cannot_be_read(hub: Hub, out: Path) -> None:
    (out / ".spinetrack").mkdir(parents=True)
    path = out / ".spinetrack/manifest.json"
    for content in ("half", "[]", '{"schema": 1, "other": 2}', '{"schema": 2}'):
        path.write_text(content)
        with pytest.raises(DataError, match=r"manifest\.json"):
            get(out, hub)
