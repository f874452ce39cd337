from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walkers import K, scene, walker

from spinepose.inference.filters import (
    OfflineSmoother,
    OneEuro,
    OneEuroBank,
    butterworth,
    smooth_offline,
)
from spinepose.poses import NO_TRACK, Poses

H = 500.0
ONES = np.ones(1)


def uneven_times(n: int, rng: np.random.Generator, rate: float = 30.0) -> np.ndarray:
    """Return times like those of a telephone: variable, with dropped frames."""
    steps = (1 + rng.uniform(-0.4, 0.4, n) + (rng.random(n) < 0.05)) / rate
    return np.cumsum(steps) - steps[0]


def gain_and_lag(signal, result, times, hz) -> tuple[float, float]:
    """Compare a sine of `hz` before and after a filter; lag in s."""
    wave = np.exp(-2j * np.pi * hz * times)
    design = np.stack([wave.real, wave.imag, np.ones_like(times)], axis=1)
    a, b = (np.linalg.lstsq(design, s, rcond=None)[0] for s in (signal, result))
    ratio = (b[0] + 1j * b[1]) / (a[0] + 1j * a[1])
    return abs(ratio), -float(np.angle(ratio)) / (2 * np.pi * hz)


# --- One-Euro -----------------------------------------------------------------------------


def one_euro(signal, times, height=H, scores=ONES, **options) -> np.ndarray:
    one = OneEuro(**options)
    points = np.stack([signal, np.zeros_like(signal)], axis=-1)[:, None]
    return np.array([one.filter(p, scores, t, height) for p, t in zip(points, times, strict=True)])[
        :, 0, 0
    ]


@pytest.mark.parametrize(
    ("hz", "amplitude", "least_gain", "most_lag"),
    [(0.3, 0.006, 0.98, 0.050), (2.0, 0.002, 0.78, 0.050), (2.0, 0.02, 0.93, 0.030)],
)
def test_sway_passes_with_little_lag(hz, amplitude, least_gain, most_lag):
    times = np.arange(900) / 30
    signal = amplitude * H * np.sin(2 * np.pi * hz * times)
    points = np.repeat(np.stack([signal, signal * 0], axis=-1)[:, None], K, axis=1)
    points += np.random.default_rng(0).normal(0, 0.003 * H, points.shape)
    one = OneEuro()
    result = [one.filter(p, np.ones(K), t, H) for p, t in zip(points, times, strict=True)]
    mean = np.array(result)[:, :, 0].mean(axis=1)
    gain, lag = gain_and_lag(signal[150:], mean[150:], times[150:], hz)
    assert gain > least_gain
    assert 0 < lag < most_lag


def test_noise_of_a_still_person_is_halved():
    noise = np.random.default_rng(0).normal(0, 0.003 * H, 900)
    assert one_euro(noise, np.arange(900) / 30)[30:].std() < 0.55 * noise.std()


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-500, 500), scale=st.floats(0.1, 10), seed=st.integers(0, 100))
def test_neither_place_nor_resolution_changes_the_result(shift, scale, seed):
    rng = np.random.default_rng(seed)
    times = uneven_times(60, rng)
    signal = 5 * np.sin(6 * times) + rng.normal(0, 2, 60)
    expected = one_euro(signal, times)
    result = one_euro(signal * scale + shift, times, height=H * scale)
    assert np.allclose(result, expected * scale + shift, atol=1e-6 * scale + 1e-6)


def test_the_frame_rate_matters_little():
    lags = []
    for rate in (30, 120):
        times = np.arange(20 * rate) / rate
        signal = 3 * np.sin(2 * np.pi * 0.5 * times)
        result = one_euro(signal, times)
        lags.append(gain_and_lag(signal[5 * rate :], result[5 * rate :], times[5 * rate :], 0.5)[1])
    assert lags[0] == pytest.approx(lags[1], abs=0.020)


def test_missing_stays_missing_and_nothing_is_carried_over_a_long_gap():
    times = np.arange(40) / 30
    signal = np.zeros(40)
    signal[10:13] = np.nan  # 0.13 s: bridged
    signal[20:30] = np.nan  # 0.37 s: not
    signal[30:] = 100.0
    signal[13:20] = 30.0
    result = one_euro(signal, times)
    assert np.array_equal(np.isnan(result), np.isnan(signal))
    assert 0 < result[13] < 30
    assert (result[30:] == 100).all()


def test_doubtful_keypoints_move_the_result_less():
    one = [OneEuro(), OneEuro()]
    for time_s, x in ((0.0, 0.0), (0.1, 10.0)):
        sure, doubtful = (
            o.filter(np.full((1, 2), x), np.array([s]), time_s, H)[0, 0]
            for o, s in zip(one, (0.9, 0.1), strict=True)
        )
    assert 0 < doubtful < 0.5 * sure
    assert sure < 10


def test_a_repeated_time_holds_and_an_earlier_one_starts_anew():
    assert one_euro(np.array([0.0, 10.0]), np.array([1.0, 1.0]))[1] == 0
    assert one_euro(np.array([0.0, 10.0]), np.array([1.0, 0.5]))[1] == 10


def tracked(bodies, time_s, ids, **options) -> Poses:
    return replace(scene(bodies, time_s, **options), track_ids=np.array(ids, dtype=np.int64))


def test_everybody_has_the_own_past_in_any_order():
    rng = np.random.default_rng(0)
    bank, alone = OneEuroBank(), {i: OneEuroBank() for i in (3, 7)}
    for i in range(20):
        bodies = [walker((300 + 5 * i, 800), H, i / 30), walker((900, 800), 20.0, i / 30)]
        both = tracked(bodies, i / 30, [3, 7], noise=2.0, rng=rng)
        result = bank.filter(both[rng.permutation(2)])
        for person, track in enumerate(result.track_ids.tolist()):
            own = alone[track].filter(both[both.track_ids == track])
            assert np.array_equal(own.keypoints[0], result.keypoints[person])


def test_people_without_a_track_pass_unchanged_and_nothing_else_changes():
    bank = OneEuroBank()
    rng = np.random.default_rng(0)
    for i in range(5):
        poses = tracked([walker((300, 800), H, 0.0)] * 2, i / 30, [NO_TRACK, 1], noise=3.0, rng=rng)
        poses.keypoints[1, 4] = np.nan
        result = bank.filter(poses)
        assert np.array_equal(result.keypoints[0], poses.keypoints[0])
        assert np.array_equal(np.isnan(result.keypoints), np.isnan(poses.keypoints))
        assert result.scores is poses.scores
        assert result.boxes is poses.boxes
    assert not np.array_equal(result.keypoints[1, :4], poses.keypoints[1, :4])
    bank.reset()
    again = bank.filter(poses)
    assert np.array_equal(again.keypoints, poses.keypoints, equal_nan=True)
    assert len(bank.filter(Poses.empty())) == 0


def test_a_track_that_is_gone_is_forgotten():
    bank = OneEuroBank()
    for i in range(50):
        bank.filter(tracked([walker((300, 800), H, 0.0)], i / 10, [i]))
    assert len(bank._filters) < 5


# --- Butterworth --------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [25, 30, 59.94, 120])
def test_a_slow_sine_passes_and_a_fast_one_does_not(rate):
    times = np.arange(int(10 * rate)) / rate
    middle = slice(int(rate), -int(rate))

    def measure(hz: float) -> tuple[float, float]:
        signal = np.sin(2 * np.pi * hz * times)
        result = butterworth(signal, times)
        return gain_and_lag(signal[middle], result[middle], times[middle], hz)

    for hz, least, most in ((1, 0.98, 1.001), (6, 0.70, 0.715), (0.4 * rate, 0, 0.2)):
        gain, lag = measure(hz)
        assert least <= gain <= most
        assert abs(lag) < 1e-4
    if rate > 40:
        assert measure(15)[0] < 0.1


def test_it_is_the_filter_of_the_textbooks():
    """Winter's correction (2**(1/2) - 1)**(1/4) = 0.802, here after the bilinear transform."""
    from scipy.signal import butter, sosfiltfilt

    rng = np.random.default_rng(0)
    x, times = rng.normal(0, 1, 400), np.arange(400) / 100
    corrected = np.arctan(np.tan(np.pi * 6 / 100) / 0.8022) * 100 / np.pi
    expected = sosfiltfilt(butter(2, corrected, fs=100, output="sos"), x, padlen=34)
    assert np.allclose(butterworth(x, times), expected, atol=1e-4)


def test_uneven_times_pass_a_slow_sine_without_lag():
    times = uneven_times(400, np.random.default_rng(0))
    signal = 50 * np.sin(2 * np.pi * times)
    result = butterworth(signal, times)
    gain, lag = gain_and_lag(signal[30:-30], result[30:-30], times[30:-30], 1.0)
    assert gain == pytest.approx(1, abs=0.02)
    assert abs(lag) < 0.001


def test_times_rounded_to_milliseconds_are_even():
    times = np.arange(3000) / 59.94
    signal = np.random.default_rng(0).normal(0, 1, 3000)
    rounded = butterworth(signal, np.round(times, 3))
    # The median of rounded intervals is 17 ms where 16.68 ms is true: a cut-off 2 % lower.
    assert np.allclose(rounded, butterworth(signal, times), atol=0.05)


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-500, 500), scale=st.floats(0.1, 10), seed=st.integers(0, 100))
def test_the_filter_is_linear_in_place_and_scale(shift, scale, seed):
    rng = np.random.default_rng(seed)
    times = uneven_times(80, rng) if seed % 2 else np.arange(80) / 30
    points = rng.normal(0, 10, (80, 5, 2))
    points[rng.random((80, 5)) < 0.1] = np.nan
    scores = rng.uniform(0, 1, (80, 5))
    expected = butterworth(points, times, scores)
    result = butterworth(points * scale + shift, times, scores)
    if not seed % 2:  # the uneven way interpolates monotonously, which is linear in these too
        assert np.array_equal(np.isnan(result), np.isnan(points))
    assert np.allclose(result, expected * scale + shift, atol=1e-6 * (1 + scale), equal_nan=True)


def test_short_gaps_are_bridged_and_long_ones_are_not():
    times = np.arange(120) / 30
    signal = 10 * np.sin(2 * np.pi * times)
    short, long = slice(40, 44), slice(60, 75)
    holes = signal.copy()
    holes[short] = holes[long] = np.nan
    result = butterworth(holes, times)
    assert np.array_equal(np.isnan(result), np.isnan(holes))
    known = np.isfinite(holes)
    assert np.abs(result - signal)[known][5:-5].max() < 1.0
    filled = butterworth(holes, times, fill=True)
    assert np.isfinite(filled[short]).all()
    assert np.abs(filled - signal)[short].max() < 1.5
    assert np.isnan(filled[long]).all()


def test_a_long_gap_smears_nothing():
    times = np.arange(60) / 30
    signal = np.where(times < 1, 0.0, 100.0)
    signal[20:40] = np.nan
    result = butterworth(signal, times)
    assert np.allclose(result[:20], 0, atol=1e-9)
    assert np.allclose(result[40:], 100, atol=1e-9)


def test_keypoints_have_their_own_gaps():
    rng = np.random.default_rng(0)
    times = np.arange(90) / 30
    points = rng.normal(0, 5, (90, 3, 2))
    points[30:50, 1] = np.nan
    points[::7, 2] = np.nan
    result = butterworth(points, times)
    for k in range(3):
        alone = butterworth(points[:, k], times)
        assert np.allclose(result[:, k], alone, equal_nan=True)


def test_a_doubtful_sample_is_replaced_by_what_its_neighbours_say():
    times = np.arange(90) / 30
    line = np.stack([30 * times, -10 * times], axis=-1)[:, None]
    points, scores = line.copy(), np.full((90, 1), 0.9)
    points[45], scores[45] = 500.0, 0.02
    result = butterworth(points, times, scores)
    assert np.abs(result - line).max() < 5
    assert np.abs(butterworth(points, times) - line).max() > 100


@pytest.mark.parametrize("level", [0.0, 0.1, 0.9])
def test_steady_scores_change_nothing(level):
    rng = np.random.default_rng(0)
    times = np.arange(90) / 30
    points = rng.normal(0, 5, (90, 2, 2))
    scores = level * rng.uniform(0.7, 1.0, (90, 2))
    assert np.array_equal(butterworth(points, times, scores), butterworth(points, times))


@pytest.mark.parametrize("n", range(8))
def test_short_and_empty_clips(n):
    points = np.random.default_rng(0).normal(0, 5, (n, K, 2)).astype(np.float32)
    result = butterworth(points, np.arange(n) / 30, np.ones((n, K)))
    assert result.shape == points.shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    if n < 4:
        assert np.array_equal(result, points)
    missing = np.full_like(points, np.nan)
    assert np.isnan(butterworth(missing, np.arange(n) / 30)).all()


def test_too_slow_a_recording_is_not_filtered():
    signal = np.random.default_rng(0).normal(0, 1, 50)
    for rate in (5, 12):
        assert np.array_equal(butterworth(signal, np.arange(50) / rate), signal)
    assert np.array_equal(butterworth(signal, np.zeros(50)), signal)
    assert np.isfinite(butterworth(signal, np.arange(50) / 12.1)).all()


@pytest.mark.parametrize(
    ("options", "complaint"), [({"order": 3}, "even"), ({"cutoff_hz": 0}, "positive")]
)
def test_nonsense_is_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        butterworth(np.zeros(9), np.arange(9) / 30, **options)
    with pytest.raises(ValueError, match="8 times for 9 frames"):
        butterworth(np.zeros(9), np.arange(8) / 30)


# --- Clips --------------------------------------------------------------------------------


def clip(frames: int, seed: int, times: np.ndarray | None = None) -> list[Poses]:
    """Return two people who walk, are missed now and then, and hide; with doubtful joints."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / 30 if times is None else times
    poses = []
    for i, t in enumerate(times.tolist()):
        bodies = {1: walker((300 + 60 * t, 800), H, t), 2: walker((1200 - 40 * t, 820), H, t + 0.3)}
        if rng.random() < 0.05 or 70 <= i < 110:
            del bodies[1]
        if rng.random() < 0.05:
            del bodies[2]
        frame = tracked(list(bodies.values()), t, list(bodies), frame=i, noise=2.0, rng=rng)
        frame.scores[:] = rng.uniform(0.2, 1.0, frame.scores.shape)
        frame.keypoints[rng.random(frame.scores.shape) < 0.03] = np.nan
        poses.append(frame[rng.permutation(len(frame))])
    return poses


def stream(frames: Iterable[Poses], smoother: OfflineSmoother) -> list[Poses]:
    out: list[Poses] = []
    for poses in frames:
        out.extend(smoother.push(poses))
    out.extend(smoother.flush())
    return out


@pytest.mark.parametrize("cutoff_hz", [3.0, 6.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_stream_gives_what_the_whole_clip_gives(cutoff_hz, seed):
    frames = clip(200, seed)
    whole = smooth_offline(frames, cutoff_hz=cutoff_hz)
    streamed = stream(frames, OfflineSmoother(cutoff_hz))
    assert [p.frame for p in streamed] == [p.frame for p in whole] == list(range(200))
    for a, b in zip(whole, streamed, strict=True):
        assert np.array_equal(a.track_ids, b.track_ids)
        assert np.allclose(a.keypoints, b.keypoints, atol=0.05, rtol=0, equal_nan=True)


def test_the_stream_of_uneven_times_is_close_as_well():
    frames = clip(200, 2, uneven_times(200, np.random.default_rng(2)))
    whole, streamed = smooth_offline(frames), stream(frames, OfflineSmoother())
    apart = np.concatenate(
        [(a.keypoints - b.keypoints).ravel() for a, b in zip(whole, streamed, strict=True)]
    )
    apart = np.abs(apart[np.isfinite(apart)])
    # The grids differ in phase: well below the noise of 2 px.
    assert np.sqrt((apart**2).mean()) < 0.5


def test_only_keypoints_change():
    frames = clip(60, 0)
    for before, after in zip(frames, smooth_offline(frames), strict=True):
        assert after.scores is before.scores
        assert after.boxes is before.boxes
        assert after.time_s == before.time_s
        assert np.array_equal(np.isnan(after.keypoints), np.isnan(before.keypoints))
    assert not np.array_equal(frames[30].keypoints, after.keypoints)


def test_the_stream_is_late_by_a_fixed_time_and_memory_is_bounded():
    smoother = OfflineSmoother()
    held, late = 0, 0.0
    body = [walker((300, 800), H, 0.0)]
    for i in range(600):
        poses = tracked(body, i / 60, [1])
        for out in smoother.push(poses):
            late = max(late, poses.time_s - out.time_s)
        held = max(held, len(smoother._frames))
    assert late < smoother.context_s + smoother._BLOCK_S + 0.05
    assert held < 60 * (2 * smoother.context_s + smoother._BLOCK_S + 0.1)


def test_what_is_pushed_is_kept_even_if_nobody_looks():
    smoother = OfflineSmoother()
    for i in range(5):
        smoother.push(Poses.empty(frame=i, time_s=i / 30))
    assert [p.frame for p in smoother.flush()] == list(range(5))
    assert list(smoother.flush()) == []


def test_time_that_stands_still_or_runs_back_begins_a_new_clip():
    frames = [Poses.empty(frame=i, time_s=t) for i, t in enumerate((0.0, 0.1, 0.1, 0.0, 0.1))]
    smoother = OfflineSmoother()
    counts = [len(list(smoother.push(p))) for p in frames]
    assert counts == [0, 0, 2, 1, 0]
    assert len(list(smoother.flush())) == 2


def test_people_without_a_track_are_not_smoothed():
    frames = [replace(p, track_ids=np.full(len(p), NO_TRACK)) for p in clip(30, 0)]
    for before, after in zip(frames, smooth_offline(frames), strict=True):
        assert np.array_equal(before.keypoints, after.keypoints, equal_nan=True)


def test_walking_is_cleaned_but_kept():
    rng = np.random.default_rng(0)
    truth = [tracked([walker((300 + 60 * t, 800), H, t)], t, [1]) for t in np.arange(150) / 30]
    noisy = [
        replace(p, keypoints=p.keypoints + rng.normal(0, 2, p.keypoints.shape).astype(np.float32))
        for p in truth
    ]
    smooth = smooth_offline(noisy)
    error = [
        np.std([(a.keypoints - b.keypoints) for a, b in zip(truth[15:-15], c[15:-15], strict=True)])
        for c in (noisy, smooth)
    ]
    assert error[1] < 0.75 * error[0]
