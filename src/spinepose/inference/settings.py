"""The settings of a run, shared by the Python API and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spinepose.errors import UsageError

__all__ = ["Settings"]

KeypointSet = Literal["default", "spine", "all"]
Smoothing = Literal["auto", "butterworth", "one-euro", "none"]

_SUBSETS: dict[str, str] = {"default": "default", "spine": "spine9", "all": "all"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How people are found, followed, smoothed and shown.

    Every field has the default that suits most photos and videos. Both
    :func:`spinepose.infer_image` and :func:`spinepose.infer_video` take the fields as keyword
    arguments, the command line as options.
    """

    mode: str = "auto"
    """Model size: tiny, small, medium, large, xlarge, a path to an .onnx file with its card
    beside it, or auto = the best that is installed, up to large."""

    device: str = "auto"
    """auto, cpu, cuda, cuda:1, coreml, directml, openvino, ... A device that is named must work;
    only auto may fall back."""

    detector: str = "person"
    """Person detector: person (built in), yolox, rtmdet, rfdetr, or a path to an .onnx file."""

    detector_threshold: float | None = None
    """Least score of a detected person, 0..1. By default what the detector's card says."""

    max_people: int | None = None
    """Keep at most this many people, the surest first. By default all."""

    flip_test: bool = False
    """Also look at the mirror image and average: a little more accurate, half as fast."""

    threshold: float = 0.3
    """Least score of a keypoint that is drawn or trusted for tracking, 0..1."""

    detect_every: int = 8
    """In videos, look for new people every so many frames; people already known are followed by
    their keypoints in between, and a lost person triggers the detector at once."""

    smooth: Smoothing = "auto"
    """Smoothing over time in videos: butterworth (zero-phase, no lag; for files), one-euro
    (causal; for live sources), none, or auto = what suits the source."""

    cutoff_hz: float = 6.0
    """Cut-off frequency of the Butterworth filter in Hz; 6 suits walking, take more for sports."""

    keypoints: KeypointSet = "default"
    """default = 33, spine = 9, all = 37 with the four experimental ones."""

    threads: int | None = None
    """Threads for the networks. By default as many as there are cores at hand."""

    def __post_init__(self) -> None:
        for name in ("mode", "detector"):
            object.__setattr__(self, name, str(getattr(self, name)))  # paths are welcome
        checks = (
            (0 < self.threshold < 1, "threshold", "between 0 and 1"),
            (self.detect_every >= 1, "detect_every", "1 or more"),
            (self.cutoff_hz > 0, "cutoff_hz", "positive"),
            (self.max_people is None or self.max_people >= 1, "max_people", "1 or more"),
            (self.threads is None or self.threads >= 1, "threads", "1 or more"),
            (self.keypoints in _SUBSETS, "keypoints", f"one of {', '.join(_SUBSETS)}"),
            (
                self.smooth in ("auto", "butterworth", "one-euro", "none"),
                "smooth",
                "one of auto, butterworth, one-euro, none",
            ),
            (
                self.detector_threshold is None or 0 < self.detector_threshold < 1,
                "detector_threshold",
                "between 0 and 1",
            ),
        )
        for ok, name, wanted in checks:
            if not ok:
                raise UsageError(f"{name} is {getattr(self, name)!r}, it must be {wanted}")

    @property
    def subset(self) -> str:
        """Name of the skeleton's subset that is shown and written."""
        return _SUBSETS[self.keypoints]
