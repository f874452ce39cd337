"""``spinepose doctor``: look whether everything is in order."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from spinepose.cli.console import Console

__all__ = ["doctor"]


def doctor(*, json_: Annotated[bool, Parameter(name="--json", negative=())] = False) -> int:
    """Check the installation: versions, devices, weights, and a run on a made picture.

    Some examples:

    - `spinepose doctor`
    - `spinepose doctor --json` for bug reports

    Parameters
    ----------
    json_
        Print one JSON object instead of a table.
    """
    from spinepose.models import self_test

    console = Console(json_lines=json_)
    checks = self_test()
    well = all(check.ok for check in checks)
    if json_:
        listed = [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks]
        console.record({"ok": well, "checks": listed})
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            mark = "ok  " if check.ok else "FAIL"
            console.say(f"{mark}  {check.name:<{width}}  {check.detail}")
        console.say("everything is in order" if well else "something is wrong: see FAIL above")
    return 0 if well else 1
