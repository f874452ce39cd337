"""Who made a result: every file says so."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["ModelTrace", "Provenance"]


@dataclass(frozen=True)
class ModelTrace:
    """Which weights were used."""

    id: str
    version: str
    task: str
    sha256: str | None


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from.

    Parameters
    ----------
    source
        What the user called the input.
    models
        The networks that were used.
    provider
        Execution provider of the runtime.
    settings
        Everything that can change the numbers: thresholds, filter, flip test.
    time_base
        What `time_s` is measured from.
    """

    source: str
    models: tuple[ModelTrace, ...] = ()
    provider: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    time_base: str = "seconds from the first frame"

    def to_dict(self) -> dict[str, Any]:
        """Return everything, with the package's version, ready for JSON."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            package = version("spinepose")
        except PackageNotFoundError:
            package = "unknown"
        return {"package": "spinepose", "version": package, **asdict(self)}
