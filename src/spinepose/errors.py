"""The one tree of errors, each with a documented exit code.

Every message says what happened, to which file, and what to do next, on one line. The command
line prints the message and leaves with :attr:`SpinePoseError.exit_code`; library users catch
:class:`SpinePoseError` or one of its branches.

========================  =========  =====================================================
error                     exit code  meaning
========================  =========  =====================================================
:class:`UsageError`       2          the command line, or a call's arguments, are wrong
:class:`InputError`       3          an input is missing, unreadable or not what it claims
:class:`ModelError`       4          weights are missing, corrupted or do not fit
:class:`ProviderError`    5          the asked device cannot be used
:class:`OutputError`      6          a result cannot be written
:class:`DataError`        7          a dataset or label file is broken
:class:`MissingExtraError`  8        an optional dependency is not installed
(interrupt)               130        stopped by the user; what was computed is kept
========================  =========  =====================================================
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "DataError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "ProviderError",
    "SpinePoseError",
    "UsageError",
]


class SpinePoseError(Exception):
    """Base of everything that this package raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(SpinePoseError, ValueError):
    """The command line, or an argument of a call, is wrong."""

    exit_code = 2


class InputError(SpinePoseError, ValueError):
    """An image, video or other source is missing, unreadable or not what it claims to be."""

    exit_code = 3


class ModelError(SpinePoseError):
    """Weights or a model card are missing, corrupted, or do not fit the job."""

    exit_code = 4


class ProviderError(SpinePoseError):
    """The asked device (CUDA, CoreML, ...) cannot be used by the installed runtime."""

    exit_code = 5


class OutputError(SpinePoseError, OSError):
    """A result cannot be written: no permission, no space, no such folder."""

    exit_code = 6


class DataError(SpinePoseError, ValueError):
    """A dataset or annotation file is broken."""

    exit_code = 7


class MissingExtraError(SpinePoseError, ImportError):
    """An optional dependency is missing; the message names the extra to install."""

    exit_code = 8

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an extra: pip install 'spinepose[{extra}]'")
        self.extra = extra
