"""Keep OpenCV from talking to the user over our head."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["quiet_opencv"]

_lock = threading.Lock()
_depth = 0
_loud_level = 0
_SILENT = 0


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's log within a block.

    Its level is one for all threads: the first to come lowers it, the last to leave restores it.
    """
    logs = _opencv_logs()
    global _depth, _loud_level
    with _lock:
        if _depth == 0:
            _loud_level = logs.getLogLevel()
            logs.setLogLevel(_SILENT)
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                logs.setLogLevel(_loud_level)


def _opencv_logs() -> Any:
    """Return where the log level is kept: OpenCV 5 moved it."""
    import cv2

    return cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
