"""Two small pieces of concurrency: read ahead of a consumer, and work behind a producer.

Decoding, the networks and encoding all release the interpreter lock, so threads overlap them.
Both queues are bounded: memory does not grow with the length of a video.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Generic, Self, TypeVar

__all__ = ["Worker", "prefetch"]

T = TypeVar("T")

_WAKE_S = 0.1
"""How often a blocked thread looks whether the other side has gone away."""


class _Done:
    """Marks the end of the queue, with the error that ended it, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetch(items: Iterable[T], depth: int = 4) -> Generator[T]:
    """Yield the items of an iterable that is run ahead in a thread.

    Parameters
    ----------
    items
        Anything iterable; it is only ever touched by the thread.
    depth
        How many items may wait.

    Raises
    ------
    Exception
        What the iterable raised, after the items before it.
    """
    ready: queue.Queue[T | _Done] = queue.Queue(depth)
    stop = threading.Event()
    thread = threading.Thread(
        target=_fill, args=(items, ready, stop), name="spinepose-prefetch", daemon=True
    )
    thread.start()
    try:
        while not isinstance(item := ready.get(), _Done):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        thread.join()


def _fill(items: Iterable[T], ready: queue.Queue[T | _Done], stop: threading.Event) -> None:
    """Put items, then the end, into a queue until somebody says stop."""
    try:
        for item in items:
            if not _put(item, ready, stop):
                return
    except BaseException as error:  # handed over to the consumer, whatever it is
        _put(_Done(error), ready, stop)
    else:
        _put(_Done(), ready, stop)


def _put(item: T | _Done, ready: queue.Queue[T | _Done], stop: threading.Event) -> bool:
    """Wait for room in a queue; `False` when told to stop instead."""
    while not stop.is_set():
        try:
            ready.put(item, timeout=_WAKE_S)
        except queue.Full:
            continue
        return True
    return False


class Worker(Generic[T]):
    """Calls a function on items in a thread, in order.

    Parameters
    ----------
    work
        Called with each item.
    depth
        How many items may wait before :meth:`put` blocks.

    Notes
    -----
    An exception in `work` is raised by the next :meth:`put` or by :meth:`close`; later items are
    dropped.
    """

    def __init__(self, work: Callable[[T], None], depth: int = 4) -> None:
        self._work = work
        self._queue: queue.Queue[T | _Done] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="spinepose-worker", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not isinstance(item := self._queue.get(), _Done):
            if self._failed:
                continue
            try:
                self._work(item)
            except BaseException as error:  # handed over to the producer, whatever it is
                self._failed, self._error = True, error

    def put(self, item: T) -> None:
        """Hand over one item; blocks while the queue is full."""
        self._raise()
        self._queue.put(item)

    def close(self) -> None:
        """Finish the waiting items and end the thread."""
        if self._thread.is_alive():
            self._queue.put(_Done())
            self._thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
