"""Keep weights in safetensors files, and take over published ones.

Published checkpoints are pickles, which can run code when read. They are only ever opened with
PyTorch's restricted reader, which knows tensors, plain containers and, here, plain numpy arrays;
anything else in them is refused.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from spinepose.errors import ModelError, UsageError
from spinepose.files import atomic_write
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.networks.rtmcc import SIZES, rtmpose

__all__ = [
    "Official",
    "convert_official",
    "load_state",
    "load_weights",
    "read_state",
    "save_weights",
    "widen",
]

State = dict[str, Tensor]

LAST_LAYER = "head.final_layer"  # the only weights with a row for each keypoint
FIRST_WEIGHT = "backbone.stem.0.conv.weight"  # its rows tell the size
NAMES_SHOWN = 3


class Official(NamedTuple):
    """A published network.

    Attributes
    ----------
    size
        Its name in :data:`~spinepose.training.pose.networks.rtmcc.SIZES`.
    keypoints
        K.
    state
        Its weights by name, on the CPU, floating-point ones as float32.
    """

    size: str
    keypoints: int
    state: State


def _needed(state: Mapping[str, Tensor]) -> State:
    """Drop what inference does not need.

    That is modules named ``auxiliary``, which exist in training only, and the counts of batches
    in batch norms, which nothing reads.
    """
    return {
        name: value
        for name, value in state.items()
        if not name.startswith("auxiliary.") and not name.endswith(".num_batches_tracked")
    }


def save_weights(
    network: nn.Module, path: str | Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write the weights that inference needs to a safetensors file, whole or not at all.

    Parameters
    ----------
    network
        Whose weights to keep; a module named ``auxiliary`` in it is left out.
    path
        The file.
    metadata
        Texts to keep beside them: size, training data, licence, version.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    # Weights in channels-last order would be refused: the file holds plain order only.
    tensors = {
        name: value.detach().cpu().contiguous()
        for name, value in _needed(network.state_dict()).items()
    }
    content = safetensors.torch.save(tensors, dict(metadata or {}))
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def load_weights(network: nn.Module, path: str | Path) -> dict[str, str]:
    """Fill a network from a file of :func:`save_weights`.

    Parameters
    ----------
    network
        Of the size and number of keypoints that the file was made from.
    path
        The file.

    Returns
    -------
    metadata : dict
        The texts kept beside the weights.

    Raises
    ------
    ModelError
        If the file is missing, broken, or of another network; the network stays as it was.
    """
    state, metadata = _read(path)
    load_state(network, state, str(path))
    return metadata


def read_state(path: str | Path) -> State:
    """Return the tensors by name of a file of :func:`save_weights`.

    Raises
    ------
    ModelError
        If the file is missing or broken.
    """
    return _read(path)[0]


def _read(path: str | Path) -> tuple[State, dict[str, str]]:
    """Return tensors and texts of a safetensors file."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return state, dict(file.metadata() or {})
    except OSError as error:
        reason = error.strerror or "no such file"
        raise ModelError(f"cannot read weights {path}: {reason}; check the path") from error
    except SafetensorError as error:
        raise ModelError(
            f"weights {path} are cut short or not a safetensors file; fetch or save them again"
        ) from error


def load_state(network: nn.Module, state: Mapping[str, Tensor], source: str = "weights") -> None:
    """Fill a network from tensors by name, of :func:`read_state` or :func:`convert_official`.

    Parameters
    ----------
    network
        To fill; a module named ``auxiliary`` in it keeps its weights.
    state
        Tensors, cast to the network's type.
    source
        What error messages call them, a file for example.

    Raises
    ------
    ModelError
        If a tensor is missing, unknown or of another shape; the network stays as it was.
    """
    _check_fit(_needed(network.state_dict()), _needed(state), source)
    network.load_state_dict(_needed(state), strict=False)


def _check_fit(wanted: State, given: State, source: str) -> None:
    """Raise if names or shapes differ."""
    faults = [
        ("missing", sorted(wanted.keys() - given.keys())),
        ("unknown", sorted(given.keys() - wanted.keys())),
        (
            "mis-shaped",
            [
                f"{name} is {_shape(given[name])}, not {_shape(value)}"
                for name, value in wanted.items()
                if name in given and given[name].shape != value.shape
            ],
        ),
    ]
    told = [f"{len(names)} {fault} ({_few(names)})" for fault, names in faults if names]
    if told:
        raise ModelError(
            f"{source} do not fit the network: tensors {', '.join(told)}; "
            "check its size and number of keypoints"
        )


def _few(names: Collection[str]) -> str:
    return ", ".join([*list(names)[:NAMES_SHOWN], *(["..."] if len(names) > NAMES_SHOWN else [])])


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "a single number"


def convert_official(path: str | Path) -> Official:
    """Read a published RTMPose or SpinePose checkpoint of MMPose, without running any code in it.

    Of a distillation the student is taken. Where a checkpoint also holds ``ema_state_dict``, that
    is the raw network: MMEngine swaps the two when it saves, so the average is in ``state_dict``.

    Parameters
    ----------
    path
        A ``.pth`` file.

    Returns
    -------
    official : Official
        Size, number of keypoints and weights; :func:`load_state` takes the last.

    Raises
    ------
    ModelError
        If the file is missing or broken, holds other objects than tensors, numpy arrays and
        plain containers, or is none of the networks known here.
    """
    found = _restricted_load(path)
    state = found.get("state_dict", found) if isinstance(found, dict) else None
    if not isinstance(state, dict):
        raise ModelError(f"{path} holds no weights; give a checkpoint with a state_dict")
    state = _plain_names(state, str(path))
    first, last = state.get(FIRST_WEIGHT), state.get(f"{LAST_LAYER}.weight")
    if first is None or last is None:
        raise ModelError(f"{path} is no RTMPose network; give a pose checkpoint of MMPose")
    size = next((s for s in SIZES.values() if int(64 * s.widen) // 2 == len(first)), None)
    if size is None:
        raise ModelError(
            f"{path} has {len(first)} channels in its first layer, which fits no network size; "
            f"give one of the sizes {', '.join(SIZES)}"
        )
    with torch.device("meta"):
        expected = rtmpose(size.name, len(last)).state_dict()
    _check_fit(_needed(expected), _needed(state), str(path))
    return Official(size.name, len(last), state)


def _plain_names(state: Mapping[Any, Any], source: str) -> State:
    """Return the student's tensors without the prefixes of wrappers."""
    plain: State = {}
    for full, value in state.items():
        name = re.sub(r"^((module|student|model)\.)+", "", str(full))
        if name.startswith(("teacher.", "data_preprocessor.")) or not isinstance(value, Tensor):
            continue
        if name in plain:
            raise ModelError(f"{source} holds {name} twice; keep one network's state_dict")
        value = value.detach()
        plain[name] = value.float() if value.is_floating_point() else value
    return plain


def _numpy_globals() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return what a pickle needs for plain numpy arrays: MMPose's metadata has some.

    They only make arrays; ``numpy.core`` is what numpy called its inside before version 2.
    """
    kinds = [np.dtype(code) for code in "?bBhHiIlLqQefdSU"]
    multiarray = np._core.multiarray  # type: ignore[attr-defined]
    makers = [
        (getattr(multiarray, name), f"numpy.{core}.multiarray.{name}")
        for name in ("_reconstruct", "scalar")
        for core in ("core", "_core")
    ]
    return [np.ndarray, np.dtype, *{type(kind) for kind in kinds}, *makers]


def _restricted_load(path: str | Path) -> Any:
    """Return the content of a checkpoint that holds no code."""
    try:
        with torch.serialization.safe_globals(_numpy_globals()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise ModelError(f"cannot read {path}: {reason}; check the path") from error
    except Exception as error:  # a broken pickle can raise anything
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused:
            raise ModelError(
                f"{path} is refused: it holds {refused[1]}, which could run code; "
                "keep only its state_dict where you trust it"
            ) from error
        raise ModelError(f"{path} is broken or no checkpoint; fetch it again") from error


def widen(
    state: Mapping[str, Tensor],
    keypoints: int = len(SPINETRACK),
    generator: torch.Generator | None = None,
) -> State:
    """Add keypoints to a network's weights; Halpe-26 becomes SpineTrack, which starts with it.

    Only the last convolution has rows for keypoints. New rows are drawn from normal
    distributions, each value's with the mean and standard deviation of that value in the rows
    that are there (Khan et al., CVPR Workshops 2025, section 4: not zeros, so that new tokens are
    of the kind that the layers after them know). Attention sums over keypoints without a
    normalisation, so answers for the old ones change a little too until training goes on.

    Parameters
    ----------
    state
        Weights by name, of an :class:`~spinepose.training.pose.networks.rtmcc.RTMPose`.
    keypoints
        How many there shall be.
    generator
        Source of randomness, on the CPU.

    Returns
    -------
    wider : dict
        The weights that inference needs; those of other layers are the given tensors.

    Raises
    ------
    UsageError
        If there are more keypoints already.
    """
    wider = _needed(state)
    for name in (f"{LAST_LAYER}.weight", f"{LAST_LAYER}.bias"):
        old = state[name].detach()
        if len(old) > keypoints:
            raise UsageError(f"a network of {len(old)} keypoints cannot be widened to {keypoints}")
        noise = torch.randn(keypoints - len(old), *old.shape[1:], generator=generator)
        new = old.mean(dim=0) + noise.to(old) * old.std(dim=0)
        wider[name] = torch.cat([old, new])
    return wider
