import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from spinepose.errors import UsageError
from spinepose.multiview import synchronise
from tests.unit.multiview.conftest import ring


def bouncing(frames: int, seed: int = 0) -> np.ndarray:
    """Return (frames, 6, 3) m: points that go up and down, and about, without a rhythm."""
    generator = np.random.default_rng(seed)
    wander = gaussian_filter1d(generator.normal(0, 1, (frames, 6, 3)), 4, axis=0)
    return wander * [0.3, 0.3, 0.9] + [0, 0, 1]


def filmed(starts: list[int], frames: int = 200, noise: float = 1.0) -> list[np.ndarray]:
    """Return the vertical pixels (frames, 6) of cameras that start at different moments."""
    points = bouncing(frames + max(starts))
    generator = np.random.default_rng(1)
    cameras = ring(len(starts))
    return [
        camera.project(points[start : start + frames])[..., 1]
        + generator.normal(0, noise, (frames, 6))
        for camera, start in zip(cameras, starts, strict=True)
    ]


@settings(max_examples=15, deadline=None)
@given(starts=st.lists(st.integers(0, 60), min_size=2, max_size=4))
def test_starts_are_found(starts: list[int]) -> None:
    found = synchronise(filmed(starts))
    # A camera that starts later shows the same moment in an earlier frame.
    assert found.offsets.tolist() == [starts[0] - start for start in starts]
    assert found.certain.all()
    assert (found.peaks > 0.7).all()


def test_gaps_and_lengths_do_not_matter() -> None:
    signals = filmed([0, 25])
    signals[0][40:60, 2] = np.nan
    signals[1][:30] = np.nan
    signals[1][:, 5] = np.nan
    found = synchronise([signals[0], signals[1][:150]])
    assert found.offsets.tolist() == [0, -25]
    assert found.certain.all()


def test_far_offsets_can_be_ruled_out() -> None:
    found = synchronise(filmed([0, 50]), rate=50, longest=0.5)
    assert abs(found.offsets[1]) <= 25


def test_who_does_not_move_does_not_tell(caplog: pytest.LogCaptureFixture) -> None:
    generator = np.random.default_rng(2)
    still = [generator.normal(300, 1, (200, 6)) for _ in range(2)]
    with caplog.at_level(logging.WARNING, logger="spinepose.multiview"):
        found = synchronise(still)
    assert found.certain.tolist() == [True, False]
    assert "camera 1 is not certain" in caplog.text


def test_a_rhythm_does_not_tell(caplog: pytest.LogCaptureFixture) -> None:
    wave = 100 * np.sin(2 * np.pi * np.arange(300) / 40)[:, None] * np.ones(6)
    found = synchronise([wave[:220], wave[20:240]])
    assert not found.certain[1]


def test_nothing_seen_is_not_certain() -> None:
    found = synchronise([np.full((50, 6), np.nan)] * 2)
    assert not found.certain[1]
    assert np.isfinite(found.peaks).all()


@pytest.mark.parametrize(
    "signals",
    [[np.zeros((9, 2))], [np.zeros((9, 2)), np.zeros((9, 3))], [np.zeros((2, 2))] * 2],
)
def test_what_does_not_fit_is_refused(signals: list[np.ndarray]) -> None:
    with pytest.raises(UsageError):
        synchronise(signals)
    with pytest.raises(UsageError, match="rate"):
        synchronise([np.zeros((9, 2))] * 2, rate=0)
