"""OpenSim in a process of its own, which is asked by files.

It prints past its own log, cannot be interrupted from Python, and a hostile ``.osim`` ends the
process that reads it (deeply nested XML does); so nothing of that reaches the caller, and all files
are written into a folder that the caller removes. A model file is data: neither OpenSim nor this
module runs code from it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from spinepose.errors import DataError, MissingExtraError

__all__ = ["answer_request", "ask_opensim", "existing_model", "require_opensim"]

_ROTATIONAL = 1
"""OpenSim's ``Coordinate::MotionType``; only these are degrees in its files."""

_NOISE = re.compile(
    r"^std::exception in '.*?': |SimTK Exception thrown at \S+:|^Error detected by \w+ method \S+: "
)
_PLACES = ("Thrown at", "(Required condition")


def require_opensim() -> Any:
    """Return the module `opensim`, which writes neither a log nor a file ``opensim.log``.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SWIG's types have no module
            opensim = import_module("opensim")
    except ImportError as error:
        raise MissingExtraError("OpenSim", "opensim") from error
    opensim.Logger.removeFileSink()
    opensim.Logger.setLevelString("Error")
    return opensim


def existing_model(path: str | Path) -> Path:
    """Return the path of a model, before OpenSim is asked about it.

    Raises
    ------
    DataError
        If there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"cannot read {path}: no such file")
    return path


def ask_opensim(job: str, model: Path, folder: Path, **settings: Any) -> dict[str, Any]:
    """Let OpenSim do a job in a folder, where all files are, and return its answer.

    Parameters
    ----------
    job
        ``describe`` gives the names of the model's `bodies`, `markers` and `rotational`
        coordinates. ``scale`` writes ``scaled.osim`` by a `factor` or by ``scale.xml`` and, if it
        is there, ``markers.trc``, and gives the `factors` (x, y, z) by body. ``solve`` finds the
        poses of ``markers.trc`` with `weights` and an `accuracy` and gives its `seconds` of
        processor time; ``poses.mot`` and OpenSim's own reports are in the folder.
    model
        The ``.osim`` file.
    folder
        A temporary one.
    settings
        Of the job, for JSON.

    Raises
    ------
    DataError
        If OpenSim refuses, or its process ends.
    """
    request = {"job": job, "model": str(model.resolve()), **settings}
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    code = f"from {__name__} import answer_request; answer_request()"
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if not answer.is_file():
        raise DataError(f"OpenSim ended on {model} (code {done.returncode}): is it a sound model?")
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in found:
        told = [line for line in done.stdout.splitlines() if line.startswith("[error]")]
        raise DataError(f"OpenSim fails on {model}: {_plain_reason(found['error'], told)}")
    return found


def _plain_reason(error: str, told: Sequence[str]) -> str:
    """Return on one line what OpenSim says, without the places in its source."""
    if "messages window" in error and told:
        error = told[-1].removeprefix("[error]").rstrip(" :")
    lines = [_NOISE.sub("", line.strip()).strip() for line in error.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(_PLACES))


def answer_request() -> None:
    """Do the job that ``request.json`` asks for: what runs in the process of OpenSim."""
    request = json.loads(Path("request.json").read_text(encoding="utf-8"))
    jobs: dict[str, Callable[..., dict[str, Any]]]
    jobs = {"describe": _describe, "scale": _scale, "solve": _solve}
    try:
        answer = jobs[request.pop("job")](**request)
    except RuntimeError as error:
        answer = {"error": str(error)}
    Path("answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _load(path: str) -> tuple[Any, Any]:
    opensim = require_opensim()
    model = opensim.Model(path)
    model.initSystem()
    return opensim, model


def _names(found: Any) -> list[str]:
    return [found.get(i).getName() for i in range(found.getSize())]


def _describe(model: str) -> dict[str, Any]:
    _, loaded = _load(model)
    coordinates = loaded.getCoordinateSet()
    items = [coordinates.get(i) for i in range(coordinates.getSize())]
    return {
        "bodies": _names(loaded.getBodySet()),
        "markers": _names(loaded.getMarkerSet()),
        "rotational": [c.getName() for c in items if c.getMotionType() == _ROTATIONAL],
    }


def _scale(model: str, factor: float | None = None) -> dict[str, Any]:
    opensim, loaded = _load(model)
    bodies = _names(loaded.getBodySet())
    tool = opensim.ScaleTool() if factor else opensim.ScaleTool("scale.xml")
    scaler = tool.getModelScaler()
    if factor:
        _add_manual_scales(opensim, scaler, bodies, factor)
    if Path("markers.trc").is_file():
        scaler.setMarkerFileName("markers.trc")
        times = opensim.ArrayDouble()
        times.append(-np.inf)
        times.append(np.inf)
        scaler.setTimeRange(times)
    scaler.setApply(True)
    scaler.setOutputScaleFileName("factors.xml")
    if not scaler.processModel(loaded):
        raise RuntimeError("see messages window")
    loaded.printToXML("scaled.osim")
    factors = opensim.ScaleSet("factors.xml")
    found = {}
    for i in range(factors.getSize()):
        three = factors.get(i).getScaleFactors()
        found[factors.get(i).getSegmentName()] = [three.get(axis) for axis in range(3)]
    return {"factors": {body: found[body] for body in bodies}}


def _add_manual_scales(opensim: Any, scaler: Any, bodies: Sequence[str], factor: float) -> None:
    order = opensim.ArrayStr()
    order.append("manualScale")
    scaler.setScalingOrder(order)
    for body in bodies:
        scale = opensim.Scale()
        scale.setSegmentName(body)
        scale.setScaleFactors(opensim.Vec3(factor))
        scale.setApply(True)
        scaler.addScale(scale)


def _solve(model: str, weights: Mapping[str, float], accuracy: float) -> dict[str, Any]:
    opensim, loaded = _load(model)
    tool = opensim.InverseKinematicsTool()
    tool.setModel(loaded)
    tool.setMarkerDataFileName("markers.trc")
    tool.setOutputMotionFileName("poses.mot")
    tool.setResultsDir(".")
    tool.set_report_errors(True)
    tool.set_report_marker_locations(True)
    tool.set_accuracy(accuracy)
    for name, weight in weights.items():
        task = opensim.IKMarkerTask()
        task.setName(name)
        task.setApply(True)
        task.setWeight(weight)
        tool.upd_IKTaskSet().cloneAndAppend(task)
    start = time.process_time()
    tool.run()
    return {"seconds": time.process_time() - start}
