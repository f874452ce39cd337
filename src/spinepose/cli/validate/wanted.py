"""What the user of ``spinepose validate`` asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from spinepose.errors import InputError, UsageError

__all__ = ["MILLIMETRES", "PER_CENT", "POINTS", "RESULTS", "Wanted"]

POINTS = (".trc", ".c3d")
RESULTS = (".json", ".jsonl")
MILLIMETRES, PER_CENT = 1000.0, 100.0
"""What limits are given in, of a metre and of the body height."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for."""

    out: Path
    person: int
    offsets: list[int] | None
    sync: bool
    up: str
    warn: float | None
    flag: float | None
    opensim: bool
    osim: Path | None
    c3d: bool

    def check(self) -> None:
        """Refuse what cannot be, before anything is computed."""
        if self.person < 1:
            raise UsageError(f"--person {self.person}: people are counted from 1")
        for name in ("warn", "flag"):
            limit = getattr(self, name)
            if limit is not None and not (math.isfinite(limit) and limit > 0):
                raise UsageError(f"--{name} {limit}: limits are positive")
        if self.osim is not None and not self.osim.is_file():
            raise InputError(f"{self.osim}: no such file")
        if self.opensim or self.osim is not None:
            from spinepose.biomech.opensim_tools import require_opensim

            require_opensim()
        if self.c3d:
            from spinepose.biomech.c3d import require_ezc3d

            require_ezc3d()

    def limits(self, warn: float, flag: float, unit: float) -> tuple[float, float]:
        """Return the two limits, which the user gives in `unit`, or the usual ones."""
        found = (
            warn if self.warn is None else self.warn / unit,
            flag if self.flag is None else self.flag / unit,
        )
        if found[0] > found[1]:
            raise UsageError(
                f"the warning at {found[0] * unit:g} is beyond the flag at {found[1] * unit:g}: "
                "give --warn and --flag"
            )
        return found

    def refuse_cameras(self) -> None:
        """Refuse what only several cameras have."""
        if self.offsets is not None or self.sync or self.person != 1:
            raise UsageError(
                "--offsets, --sync and --person are for several cameras: give --calibration"
            )

    def refuse_points(self) -> None:
        """Refuse what only points in space have."""
        if self.opensim or self.osim is not None or self.c3d:
            raise UsageError(
                "--opensim, --osim and --c3d need points in space: several cameras with "
                "--calibration, or a .trc or .c3d"
            )
