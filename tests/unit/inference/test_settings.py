from pathlib import Path

import pytest

from spinepose.errors import UsageError
from spinepose.inference.settings import Settings
from spinepose.skeleton import SPINETRACK


@pytest.mark.parametrize(("keypoints", "count"), [("default", 33), ("spine", 9), ("all", 37)])
def test_keypoint_sets(keypoints: str, count: int) -> None:
    settings = Settings(keypoints=keypoints)  # type: ignore[arg-type]
    assert len(SPINETRACK.subset(settings.subset)) == count


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 0),
        ("threshold", 1.5),
        ("detect_every", 0),
        ("cutoff_hz", -1),
        ("max_people", 0),
        ("threads", 0),
        ("keypoints", "most"),
        ("smooth", "yes"),
        ("detector_threshold", 2),
    ],
)
def test_a_wrong_value_is_named(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_a_path_may_name_a_model() -> None:
    assert Settings(mode=Path("a/b.onnx")).mode == str(Path("a/b.onnx"))  # type: ignore[arg-type]
