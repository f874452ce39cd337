"""Look whether the installation is in order."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distributions, version

import numpy as np

from spinepose.models.registry import resolve_detector, resolve_pose
from spinepose.models.session import available_providers, create_session

__all__ = ["Check", "self_test"]

_RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def self_test() -> list[Check]:
    """Look at versions, devices and weights, and run both networks once."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("spinepose", lambda: version("spinepose")),
        ("python", lambda: f"{platform.python_version()} on {platform.platform()}"),
        ("packages", _packages),
        ("runtime", _runtime),
        ("devices", lambda: ", ".join(available_providers())),
        ("pose network", lambda: _run_network("pose")),
        ("person detector", lambda: _run_network("detection")),
    )
    return [_check(name, work) for name, work in checks]


def _check(name: str, work: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=work())
    except Exception as error:
        return Check(name, ok=False, detail=" ".join(str(error).split()) or type(error).__name__)


def _packages() -> str:
    names = ("numpy", "opencv-python-headless", "av", "scipy")
    return ", ".join(f"{name} {version(name)}" for name in names)


def _runtime() -> str:
    """Name the installed runtime; two of them hide each other's devices."""
    installed = {dist.name.lower(): dist.version for dist in distributions() if dist.name}
    found = [f"{name} {installed[name]}" for name in _RUNTIMES if name in installed]
    if len(found) > 1:
        raise RuntimeError(f"{' and '.join(found)} hide each other: uninstall all but one")
    if not found:
        raise RuntimeError(f"no onnxruntime for {sys.executable}: pip install onnxruntime")
    return found[0]


def _run_network(task: str) -> str:
    """Check a network's weights, load it and time a run on noise."""
    model = resolve_pose("auto") if task == "pose" else resolve_detector("person")
    session = create_session(model)
    spec = model.card.input
    noise = np.random.default_rng(0).normal(size=(1, 3, spec.height, spec.width))
    start = time.perf_counter()
    outputs = session.run(noise.astype(np.float32))
    elapsed = time.perf_counter() - start
    if not all(np.isfinite(output).all() for output in outputs):
        raise RuntimeError(f"{model.card.id} gives numbers that are not finite")
    return f"{model.card.id} {model.card.version} on {session.provider}, {1000 * elapsed:.0f} ms"
