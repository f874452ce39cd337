from pathlib import Path

import pytest

from spinepose.cli.naming import name_outputs
from spinepose.errors import InputError, OutputError
from spinepose.media import Source


def _source(name: str, kind: str = "image") -> Source:
    path = Path(name)
    return Source(kind=kind, location=name, name=path.stem, path=path)  # type: ignore[arg-type]


PHOTO = _source("in/a.jpg")
CLIP = _source("in/b.mp4", "video")


def test_default_names_lie_in_the_current_folder() -> None:
    plan = name_outputs([PHOTO, CLIP], None, None, None, visual=True)
    assert [o.visual for _, o in plan] == [Path("a_spinepose.jpg"), Path("b_spinepose.mp4")]
    assert all(o.data is None and o.openpose is None for _, o in plan)


def test_a_file_for_one_input() -> None:
    [(_, outputs)] = name_outputs([CLIP], Path("x.mkv"), Path("x.jsonl"), Path("op"), visual=True)
    assert outputs.paths() == [Path("x.mkv"), Path("x.jsonl"), Path("op")]


def test_a_folder_for_several_inputs_of_the_same_name(tmp_path: Path) -> None:
    twins = [_source("one/a.jpg"), _source("two/a.jpg")]
    plan = name_outputs(twins, tmp_path, tmp_path, tmp_path, visual=True)
    assert [o.visual for _, o in plan] == [tmp_path / "a.jpg", tmp_path / "a_2.jpg"]
    assert [o.data for _, o in plan] == [tmp_path / "a.json", tmp_path / "a_2.json"]


def test_a_format_that_is_read_but_not_written_gets_a_common_one() -> None:
    [(_, outputs)] = name_outputs([_source("a.gif")], None, None, None, visual=True)
    assert outputs.visual == Path("a_spinepose.jpg")


def test_no_visual_writes_no_picture() -> None:
    [(_, outputs)] = name_outputs([PHOTO], None, Path("a.json"), None, visual=False)
    assert outputs.paths() == [Path("a.json")]


@pytest.mark.parametrize("output", [Path("x.jpg"), Path("x.mp4")])
def test_one_file_for_several_inputs_is_refused(output: Path) -> None:
    with pytest.raises(OutputError, match="folder"):
        name_outputs([PHOTO, CLIP], output, None, None, visual=True)


def test_a_pictures_name_for_a_video_is_refused() -> None:
    with pytest.raises(InputError, match="video"):
        name_outputs([CLIP], Path("x.jpg"), None, None, visual=True)


def test_the_input_is_spared(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.touch()
    with pytest.raises(OutputError, match="overwrite"):
        name_outputs([_source(str(photo))], tmp_path / "a.jpg", None, None, visual=True)
