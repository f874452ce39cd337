import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinepose.inference.simcc import calibrate, decode_simcc, log_softmax, merge_flip
from spinepose.models import ScoreSpec

SIGMA = 5.66


def _logits(places: np.ndarray, width: int, sigma: float = SIGMA) -> np.ndarray:
    """Gaussian log-densities around places given in bins."""
    gap = np.arange(width) - np.asarray(places)[..., None]
    return (-(gap**2) / (2 * sigma**2)).astype(np.float32)


@given(st.floats(10, 180), st.floats(10, 240))
def test_a_gaussian_is_read_to_a_hundredth_of_a_pixel(x: float, y: float) -> None:
    log_x = log_softmax(_logits(np.array([[2 * x]]), 384))
    log_y = log_softmax(_logits(np.array([[2 * y]]), 512))
    points, peaks = decode_simcc(log_x, log_y, 2.0)
    assert points[0, 0] == pytest.approx([x, y], abs=0.01)
    assert peaks[0, 0] == pytest.approx(1 / (np.sqrt(2 * np.pi) * SIGMA), rel=0.01)


def test_a_far_second_peak_does_not_pull() -> None:
    chance = np.exp(_logits(np.array(100.0), 512)) + 0.6 * np.exp(_logits(np.array(400.0), 512))
    logits = np.log(chance + 1e-12)[None, None].astype(np.float32)
    points, _ = decode_simcc(log_softmax(logits), log_softmax(logits), 2.0)
    assert points[0, 0] == pytest.approx([50, 50], abs=0.01)


@pytest.mark.parametrize("place", [0.0, 1.0, 511.0])
def test_the_border_does_not_push_inwards(place: float) -> None:
    log = log_softmax(_logits(np.array([[place]]), 512))
    points, _ = decode_simcc(log, log, 2.0)
    assert points[0, 0, 0] == pytest.approx(place / 2, abs=0.01)


def test_large_logits_do_not_overflow() -> None:
    logits = np.array([[[1e4, 0.0, -1e4]]], dtype=np.float32)
    assert np.isfinite(log_softmax(logits)).all()
    assert log_softmax(logits)[0, 0, 0] == 0


def test_a_mirror_image_says_the_same_after_merging() -> None:
    """The crop is 256 px wide: pixel x lies at 255 - x in the mirror, left at right."""
    flip = np.array([1, 0])
    x = np.array([[30.25, 200.0]])
    straight = _logits(2 * x, 512)
    mirrored = _logits(2 * (255 - x[:, flip]), 512)
    merged = merge_flip(straight, mirrored, flip, 2.0, horizontal=True)
    points, _ = decode_simcc(merged, merged, 2.0)
    np.testing.assert_allclose(points[0, :, 0], x[0], atol=0.05)
    assert np.exp(merged).sum(-1) == pytest.approx(1, abs=1e-4)
    vertical = merge_flip(straight, straight[:, flip], flip, 2.0, horizontal=False)
    np.testing.assert_allclose(vertical, log_softmax(straight), atol=1e-4)


def test_scores_follow_the_card_and_stay_probabilities() -> None:
    peaks = np.array([[0.0, 0.01, 0.05, 0.5, 1.0]], dtype=np.float32)
    scores = calibrate(peaks, ScoreSpec(a=2.0, b=6.0))
    assert scores[0, 2] == pytest.approx(1 / (1 + np.exp(-(2 * np.log(0.05) + 6))), abs=1e-6)
    assert (np.diff(scores) > 0).all()
    assert ((scores >= 0) & (scores <= 1)).all()
    plain = calibrate(peaks, None)
    assert plain[0, 0] == 0
    assert plain[0, -1] == 1
