"""ONNX Runtime sessions on a device that really works."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinepose.errors import ModelError, ProviderError
from spinepose.models.registry import Resolved

if TYPE_CHECKING:
    import onnxruntime as ort

__all__ = ["DEVICES", "Session", "available_providers", "create_session"]

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class _Device:
    """An execution provider and what to do when it is missing."""

    provider: str
    hint: str


DEVICES = {
    "cpu": _Device("CPUExecutionProvider", "install onnxruntime"),
    "cuda": _Device(
        "CUDAExecutionProvider",
        "pip uninstall onnxruntime, then pip install onnxruntime-gpu (both at once hide CUDA)",
    ),
    "tensorrt": _Device(
        "TensorrtExecutionProvider", "pip install onnxruntime-gpu and NVIDIA TensorRT"
    ),
    "coreml": _Device("CoreMLExecutionProvider", "it exists on macOS only"),
    "directml": _Device(
        "DmlExecutionProvider", "pip uninstall onnxruntime, then pip install onnxruntime-directml"
    ),
    "openvino": _Device(
        "OpenVINOExecutionProvider",
        "pip uninstall onnxruntime, then pip install onnxruntime-openvino",
    ),
    "rocm": _Device("ROCMExecutionProvider", "install AMD's build of onnxruntime"),
    "migraphx": _Device("MIGraphXExecutionProvider", "install AMD's build of onnxruntime"),
}
"""Names for `device`; ``mps`` is coreml, and ``cuda:1`` is the second card."""

_ALIASES = {"mps": "coreml", "gpu": "cuda", "dml": "directml"}
_AUTO = ("cuda", "coreml", "directml", "cpu")
"""What `auto` tries. TensorRT and OpenVINO build engines for minutes: only when asked for."""


class Session:
    """A loaded network.

    Parameters
    ----------
    make
        Makes the runtime's session for a number of threads.
    name
        Model id, for messages.
    threads
        CPU threads to use.
    """

    def __init__(
        self, make: Callable[[int], ort.InferenceSession], name: str, threads: int
    ) -> None:
        self._make = make
        self._wide = make(threads)
        self._narrow: ort.InferenceSession | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._threads = threads
        self.name = name
        self.provider: str = self._wide.get_providers()[0]
        self.input_name: str = self._wide.get_inputs()[0].name
        self.output_names: list[str] = [output.name for output in self._wide.get_outputs()]

    def run(self, values: FloatArray) -> list[FloatArray]:
        """Run the network on its one input; return its outputs in their order.

        Raises
        ------
        ModelError
            The runtime fails, for instance when memory runs out.
        """
        return self._run(self._wide, values)

    def run_batch(self, values: FloatArray) -> list[FloatArray]:
        """Do the same for a batch of independent items along the first axis.

        On a CPU the items run side by side, each on one thread: small networks gain little from
        several threads on one item, and nothing from a large batch.
        """
        if self.provider != "CPUExecutionProvider" or self._threads < 2 or len(values) < 2:
            return self.run(values)
        if self._narrow is None or self._pool is None:
            self._narrow = self._make(1)
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="spinepose")
        narrow = self._narrow
        items = [values[i : i + 1] for i in range(len(values))]
        answers = list(self._pool.map(lambda item: self._run(narrow, item), items))
        return [np.concatenate(parts) for parts in zip(*answers, strict=True)]

    def _run(self, session: ort.InferenceSession, values: FloatArray) -> list[FloatArray]:
        try:
            return list(session.run(None, {self.input_name: values}))
        except Exception as error:
            raise ModelError(f"{self.name} failed while running: {_one_line(error)}") from error


def available_providers() -> list[str]:
    """Return the execution providers that the installed runtime was built with."""
    import onnxruntime as ort

    return list(ort.get_available_providers())


def create_session(model: Resolved, device: str = "auto", threads: int | None = None) -> Session:
    """Check a model's weights and load them.

    Parameters
    ----------
    model
        Card and path.
    device
        A name of :data:`DEVICES`, with ``:N`` for the N-th card, or ``auto``. Only auto may
        fall back; a device that is named must work.
    threads
        CPU threads of one run; by default the cores that this process may use.

    Raises
    ------
    ModelError
        The weights are missing or corrupted, or the runtime does not take them.
    ProviderError
        The device is unknown, not built in, or does not start.
    """
    weights = _verified(model)
    if device != "auto":
        return _open(model, weights, device, threads)
    built = available_providers()
    names = [name for name in _AUTO if DEVICES[name].provider in built]
    for name in names[:-1]:
        try:
            return _open(model, weights, name, threads)
        except ProviderError as error:
            logger.warning("%s; using the next device", error)
    return _open(model, weights, names[-1] if names else "cpu", threads)


def _verified(model: Resolved) -> bytes:
    """Read the weights once and compare them with the card before anything parses them."""
    try:
        weights = model.path.read_bytes()
    except OSError as error:
        raise ModelError(f"{model.path}: no such model file; install spinepose again") from error
    found = hashlib.sha256(weights).hexdigest()
    if model.card.sha256 not in (None, found):
        raise ModelError(
            f"{model.path} is corrupted: its sha256 is {found}, the card says "
            f"{model.card.sha256}; install spinepose again or replace the file"
        )
    return weights


def _open(model: Resolved, weights: bytes, device: str, threads: int | None) -> Session:
    import onnxruntime as ort

    name, _, number = device.lower().partition(":")
    name = _ALIASES.get(name, name)
    if name not in DEVICES or (number and not number.isdigit()):
        raise ProviderError(
            f"unknown device {device!r}: choose auto, {', '.join(DEVICES)}, or cuda:N"
        )
    wanted = DEVICES[name]
    if wanted.provider not in available_providers():
        raise ProviderError(
            f"device {device} was asked for, but the installed onnxruntime has no "
            f"{wanted.provider}: {wanted.hint}"
        )
    if name in ("cuda", "tensorrt") and hasattr(ort, "preload_dlls"):
        # It prints what it misses; standard output belongs to results.
        with contextlib.redirect_stdout(sys.stderr):
            ort.preload_dlls()
    provider: Any = wanted.provider
    if number:
        provider = (wanted.provider, {"device_id": int(number)})

    def make(count: int) -> ort.InferenceSession:
        # The runtime's own way out would go on with the CPU and print that to standard output.
        return ort.InferenceSession(
            weights, _options(ort, count), providers=[provider], enable_fallback=0
        )

    try:
        session = Session(make, model.card.id, threads or _cores())
    except Exception as error:
        kind = ModelError if name == "cpu" else ProviderError
        raise kind(f"{model.path} cannot be loaded on {device}: {_one_line(error)}") from error
    if session.provider != wanted.provider:
        raise ProviderError(
            f"device {device} was asked for, but {wanted.provider} does not start on this "
            f"machine: {wanted.hint}, or use --device cpu"
        )
    logger.info("%s runs on %s", model.card.id, wanted.provider)
    return session


def _options(ort: Any, threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads that spin would take the cores from decoding and encoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _cores() -> int:
    """Return how many cores this process may use."""
    named = os.environ.get("OMP_NUM_THREADS", "")
    if named.isdigit() and int(named) > 0:
        return int(named)
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def outputs_named(session: Session, outputs: Sequence[FloatArray], *names: str) -> list[FloatArray]:
    """Return outputs by name, or in their order when the network names them otherwise."""
    if set(names) <= set(session.output_names):
        return [outputs[session.output_names.index(name)] for name in names]
    return list(outputs[: len(names)])
