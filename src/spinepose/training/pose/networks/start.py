"""A network as the settings ask for it, or as a file of weights holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from spinepose.errors import ModelError, UsageError
from spinepose.models import resolve_pose
from spinepose.skeleton import COCO17, SPINETRACK
from spinepose.training.pose.config import NetworkSettings
from spinepose.training.pose.networks.base import PoseNetwork
from spinepose.training.pose.networks.movenet import MoveNetPose, widened, with_side
from spinepose.training.pose.networks.rtmcc import SIZES, RTMPose, rtmpose
from spinepose.training.pose.networks.shipped import load_shipped
from spinepose.training.pose.networks.thunder import load_thunder, start_from
from spinepose.training.pose.networks.weights import (
    FIRST_WEIGHT,
    LAST_LAYER,
    convert_official,
    load_state,
    read_state,
    widen,
)

__all__ = ["build_network", "mean_network", "open_network"]

State = Mapping[str, Tensor]

KINDS = {"rtmpose": (".safetensors", ".pth"), "movenet": (".safetensors", ".onnx")}
"""Files that a network can start from, by family."""


def build_network(settings: NetworkSettings, seed: int = 0) -> PoseNetwork:
    """Return a network on the CPU.

    Weights with fewer keypoints than asked for are widened, those of a square network for another
    side of the crop are stretched; the keypoints of weights that have more are cut off, since the
    skeletons begin alike.

    Parameters
    ----------
    settings
        Family, size, keypoints, and the file to start from.
    seed
        Of random weights.

    Raises
    ------
    ModelError
        The file does not fit.
    UsageError
        There is no such file, it is of no known kind, or a number is out of range.
    """
    start = Path(settings.start)
    if settings.start and not start.suffix:
        start = resolve_pose(settings.start).path
    _check(settings, start)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    if settings.family == "movenet":
        return _square(settings, start, generator)
    network = rtmpose(settings.size, settings.keypoints, settings.auxiliary)
    if settings.start:
        load_state(network, _state_of(start, settings, generator), str(start))
    return network


def open_network(path: str | Path) -> PoseNetwork:
    """Return the network that a safetensors file holds, ready for inference.

    Family, size, keypoints and the side of the crop follow from names and shapes of the tensors.

    Parameters
    ----------
    path
        A file of :func:`~spinepose.training.pose.networks.weights.save_weights`.

    Raises
    ------
    ModelError
        The file is missing, broken, or holds no network that is known here.
    """
    state = read_state(path)
    if _is_square(state):
        return _square_of(state, path).eval()
    if f"{LAST_LAYER}.weight" in state and FIRST_WEIGHT in state:
        return _rtmpose_of(state, path).eval()
    raise ModelError(
        f"{path}: holds no network of a known family ({', '.join(KINDS)}); give the "
        ".safetensors file of a training run"
    )


@torch.no_grad()
def mean_network(paths: Sequence[str | Path]) -> PoseNetwork:
    """Return the mean of networks that learned on from the same start.

    Such a mean often answers better than each of them (Wortsman et al., "Model soups", ICML 2022;
    of a network and the one it was tuned from: "Robust fine-tuning of zero-shot models", CVPR
    2022). Networks of fewer keypoints count for theirs: of a student and its teacher, the mean
    keeps the student's new keypoints.

    Parameters
    ----------
    paths
        One file of weights, or several.

    Raises
    ------
    ModelError
        A file is broken, or they hold networks of different shapes.
    """
    networks = [open_network(path) for path in paths]
    largest = max(networks, key=lambda network: network.keypoints)
    states = [network.state_dict() for network in networks]
    mean = largest.state_dict()
    for path, network, state in zip(paths, networks, states, strict=True):
        alike = type(network) is type(largest) and network.crop == largest.crop
        if not alike or any(state[n].shape[1:] != v.shape[1:] for n, v in mean.items()):
            raise ModelError(
                f"{path}: of another shape than the others; only equal ones have a mean"
            )
    for name, values in mean.items():
        if not values.dtype.is_floating_point:
            continue
        total = torch.zeros_like(values).view(values.shape or (1,))
        weights = torch.zeros(len(total))
        for state in states:
            rows = state[name].view(state[name].shape or (1,))
            total[: len(rows)] += rows
            weights[: len(rows)] += 1
        total /= weights.view(-1, *[1] * (total.ndim - 1))
        values.copy_(total.view(values.shape))
    return largest


def _check(settings: NetworkSettings, start: Path) -> None:
    """Raise unless the settings make sense."""
    square = settings.family == "movenet"
    least = len(COCO17) if square else 1
    if not least <= settings.keypoints <= len(SPINETRACK):
        raise UsageError(
            f"[network] keypoints: {settings.keypoints} is not within {least} to {len(SPINETRACK)}"
        )
    if square and (settings.side < 32 or settings.side % 32):
        raise UsageError(f"[network] side: {settings.side} is not a multiple of 32")
    if not settings.start:
        return
    if not start.is_file():
        raise UsageError(f"{start}: no such file to start from; check [network] start")
    if start.suffix not in KINDS[settings.family]:
        known = " or ".join(KINDS[settings.family])
        raise UsageError(f"{start}: the {settings.family} family starts from {known} files")


def _is_square(state: State) -> bool:
    return all(f"{name}.weight" in state for name in ("heat", "upsample", "head_x"))


def _rows(values: Tensor) -> int:
    return values.shape[0] if values.ndim else 0


def _square_of(state: State, path: str | Path) -> MoveNetPose:
    """Return the network of the movenet family that a state belongs to."""
    bins, keypoints = _rows(state["upsample.weight"]), _rows(state["heat.weight"])
    width = state["head_x.weight"].shape[-1] if state["head_x.weight"].ndim == 2 else 0
    side = bins // 2
    known = len(COCO17) <= keypoints <= len(SPINETRACK)
    if not known or not width or side < 32 or side % 32:
        raise ModelError(
            f"{path}: {bins} bins, {keypoints} keypoints and tokens of {width} fit no network of "
            "the movenet family"
        )
    network = MoveNetPose(keypoints, width, side)
    load_state(network, state, str(path))
    return network


def _rtmpose_of(state: State, path: str | Path) -> RTMPose:
    """Return the network of the rtmpose family that a state belongs to."""
    channels, keypoints = _rows(state[FIRST_WEIGHT]), _rows(state[f"{LAST_LAYER}.weight"])
    size = next((s for s in SIZES.values() if int(64 * s.widen) // 2 == channels), None)
    if size is None or not 1 <= keypoints <= len(SPINETRACK):
        raise ModelError(
            f"{path}: {channels} channels in the first layer and {keypoints} keypoints fit no size "
            f"of the rtmpose family ({', '.join(SIZES)})"
        )
    network = RTMPose(size, keypoints)
    load_state(network, state, str(path))
    return network


def _square_from(start: Path, keypoints: int, generator: torch.Generator) -> MoveNetPose:
    """Return the network of an ONNX file: one of ours has a card beside it, Thunder has none."""
    if start.with_suffix(".json").exists():
        return load_shipped(start)
    return start_from(load_thunder(start), keypoints, generator)


def _square(settings: NetworkSettings, start: Path, generator: torch.Generator) -> MoveNetPose:
    if not settings.start:
        return MoveNetPose(settings.keypoints, side=settings.side)
    if start.suffix == ".onnx":
        network = _square_from(start, settings.keypoints, generator)
    else:
        state = read_state(start)
        if not _is_square(state):
            raise ModelError(f"{start}: holds no network of the movenet family")
        network = _square_of(state, start)
    if network.keypoints != settings.keypoints:
        network = widened(network, settings.keypoints, generator)
    return network if network.crop.width == settings.side else with_side(network, settings.side)


def _state_of(
    start: Path, settings: NetworkSettings, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return weights of an RTMPose, with the rows that are asked for."""
    if start.suffix == ".pth":
        official = convert_official(start)
        if official.size != settings.size:
            raise ModelError(f"{start} is a {official.size} network, not {settings.size}")
        state = official.state
    else:
        state = read_state(start)
    kept = (f"{LAST_LAYER}.weight", f"{LAST_LAYER}.bias")
    if any(name not in state for name in kept):
        raise ModelError(f"{start}: holds no network of the rtmpose family")
    if len(state[kept[0]]) < settings.keypoints:
        return widen(state, settings.keypoints, generator)
    return {n: v[: settings.keypoints] if n in kept else v for n, v in state.items()}
