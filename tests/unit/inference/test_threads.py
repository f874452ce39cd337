import threading
import time
from collections.abc import Iterator

import pytest

from spinepose.inference.threads import Worker, prefetch


def test_prefetch_keeps_order_and_ends() -> None:
    assert list(prefetch(range(100), depth=3)) == list(range(100))


def test_prefetch_runs_ahead_but_not_further_than_its_depth() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for i in range(50):
            made.append(i)
            yield i

    ahead = prefetch(items(), depth=4)
    assert next(ahead) == 0
    deadline = time.monotonic() + 5
    while len(made) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    # One consumed, four waiting, one in the producer's hand.
    assert len(made) == 6
    ahead.close()


def test_prefetch_raises_after_the_items_before_the_error() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("broken")

    seen = []
    with pytest.raises(OSError, match="broken"):
        seen.extend(prefetch(items()))
    ahead = prefetch(items())
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(OSError, match="broken"):
        next(ahead)


def test_prefetch_ends_its_thread_when_left_early() -> None:
    before = threading.active_count()
    ahead = prefetch(iter(int, 1), depth=2)
    next(ahead)
    ahead.close()
    assert threading.active_count() == before


def test_worker_works_in_order_and_finishes_on_close() -> None:
    done: list[int] = []

    def slow(i: int) -> None:
        time.sleep(0.001)
        done.append(i)

    with Worker(slow, depth=2) as worker:
        for i in range(30):
            worker.put(i)
    assert done == list(range(30))


def test_worker_hands_its_error_to_the_producer_once() -> None:
    def fail(i: int) -> None:
        raise OSError(f"item {i}")

    worker = Worker(fail)
    worker.put(0)
    deadline = time.monotonic() + 5
    while not worker._failed and time.monotonic() < deadline:
        time.sleep(0.001)
    with pytest.raises(OSError, match="item 0"):
        worker.put(1)
    worker.close()


def test_worker_raises_a_late_error_on_close() -> None:
    def fail(i: int) -> None:
        raise ValueError("late")

    worker = Worker(fail)
    worker.put(0)
    with pytest.raises(ValueError, match="late"):
        worker.close()
