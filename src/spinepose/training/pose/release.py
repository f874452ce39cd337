"""Turn trained weights into what ships: ONNX file, fitted score, card; and the same in 8 bits.

Everything is written to a folder of its own, checked there, and moved to its place at the end:
a file that failed a check is never seen.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor

from spinepose.errors import DataError, ModelError, UsageError
from spinepose.files import atomic_write, errors_for, prepare_target
from spinepose.training.pose.augmentation import plain
from spinepose.training.pose.calibrate import Logistic, calibration_error, fit_logistic, hits
from spinepose.training.pose.cardfile import CardFile, metrics_from, read_card_file
from spinepose.training.pose.cards import CardText, Metric, write_card
from spinepose.training.pose.export import Parity, export_onnx, parity
from spinepose.training.pose.networks.base import CropSpec, PoseNetwork
from spinepose.training.pose.networks.start import mean_network
from spinepose.training.pose.quantize import PARTS, quantize
from spinepose.training.pose.shards import Mixture, Pack, read_pack
from spinepose.training.pose.validate import read_people, share_of

__all__ = ["Fitted", "Order", "Released", "crops_of", "file_forward", "fitted", "release"]

FULL_LIMIT = 1e-3
"""Pixels that an expected point of a float32 file may be off the network's."""
CROPS = 64
"""Crops for parity and for the ranges of 8-bit tensors."""


@dataclass(frozen=True)
class Order:
    """What to export.

    Parameters
    ----------
    weights
        A .safetensors file, or several whose mean is exported, see
        :func:`~spinepose.training.pose.networks.start.mean_network`.
    out
        The .onnx file to write; the card goes beside it.
    card
        TOML file, see :mod:`~spinepose.training.pose.cardfile`.
    fit
        Packs of people that were not trained on, to fit the score with; without them the card
        has no map.
    calibrate
        Pack whose crops give the ranges of 8-bit tensors.
    metrics
        JSON files of numbers for the card.
    int8
        Write ``NAME-int8.onnx`` too.
    full
        Store weights as float32, not as float16.
    """

    weights: tuple[Path, ...]
    out: Path
    card: Path
    fit: tuple[Path, ...] = ()
    calibrate: Path | None = None
    metrics: tuple[Path, ...] = ()
    int8: bool = False
    full: bool = False

    def command(self) -> str:
        """Return what to type to do the same again, for the card."""
        words = [
            "--weights",
            *(path.name for path in self.weights),
            "--out",
            self.out.name,
            "--card",
            self.card.name,
        ]
        words += ["--fit", *(path.name for path in self.fit)] if self.fit else []
        words += ["--calibrate", self.calibrate.name] if self.calibrate else []
        words += [f"--{name}" for name in ("int8", "full") if getattr(self, name)]
        return " ".join(["spinepose", "export", *words])


@dataclass(frozen=True)
class Fitted:
    """What was found on the people of the --fit packs.

    Attributes
    ----------
    score
        The map from peaks to chances.
    error
        Expected calibration error on the same people, 0..1.
    shares
        OKS share of all keypoints in percent, for each pack with labels.
    """

    score: Logistic
    error: float
    shares: dict[str, float]


@dataclass(frozen=True)
class Released:
    """One file that was written."""

    path: Path
    card: Path
    size: int
    """Bytes."""
    parity: Parity
    fitted: Fitted | None


@dataclass(frozen=True)
class _Material:
    """Everything an order names, read and checked before the work begins."""

    network: PoseNetwork
    text: CardFile
    metrics: list[Metric]
    packs: list[Pack]
    crops: Tensor
    """(N, 3, h, w), normalised: for parity."""
    ranges: Tensor | None
    """The same, for 8-bit tensors."""


def release(order: Order, progress: Callable[[str], None] | None = None) -> list[Released]:
    """Write the ONNX file and its card, and those in 8 bits if the order says so.

    Parameters
    ----------
    order
        What to do.
    progress
        Called with the name of each step before it begins.

    Raises
    ------
    UsageError
        The order, or the TOML file, is wrong.
    ModelError
        The weights are broken, or a float32 file does not answer like the network.
    DataError
        A pack or a file of numbers is broken, or the people do not suffice to fit the score.
    OutputError
        A file cannot be written.
    """
    step = progress or (lambda name: None)
    step("read")
    given = _read(order)
    with tempfile.TemporaryDirectory() as folder:
        path, text = Path(folder) / order.out.name, given.text.text(given.metrics)
        step("export")
        export_onnx(given.network, path, half=not order.full)
        far, found = _checked(given, path, step, FULL_LIMIT if order.full else None)
        done = [_carded(given, path, text, far, found)]
        if order.int8:
            step("8 bits")
            small = _quantized(given, path, full=order.full)
            far, less = _checked(given, small, step)
            text = _of_integers(text, order, _differences(given, order, found, less))
            done.append(_carded(given, small, text, far, less))
        return [_moved(one, order.out.parent) for one in done]


def _read(order: Order) -> _Material:
    if order.out.suffix != ".onnx":
        raise UsageError(f"--out {order.out}: the name must end with .onnx")
    if order.int8 and order.calibrate is None:
        raise UsageError("--int8 needs --calibrate PACK.npz: crops to find ranges with")
    text = read_card_file(order.card)
    metrics = [metric for path in order.metrics for metric in metrics_from(path)]
    network = mean_network(order.weights)
    if order.int8 and type(network).__name__ not in PARTS:
        raise UsageError(f"--int8: not known for {type(network).__name__} networks")
    packs = [read_pack(path) for path in order.fit]
    for name, count in Counter(pack.name for pack in packs).items():
        if count > 1:
            raise UsageError(f"--fit: two packs are called {name}; name each one once")
    ranges = None
    if order.calibrate is not None:
        ranges = crops_of([read_pack(order.calibrate)], network.crop)
    if packs:
        crops = crops_of(packs, network.crop)
    else:
        crops = _random_crops(network.crop) if ranges is None else ranges
    with errors_for(order.out):
        prepare_target(order.out)
    return _Material(network, text, metrics, packs, crops, ranges)


def _checked(
    given: _Material, path: Path, step: Callable[[str], None], limit: float | None = None
) -> tuple[Parity, Fitted | None]:
    """Compare a file with its network, and fit its score."""
    step("check")
    far = parity(given.network, path, given.crops)
    if limit is not None and not far.pixels < limit:
        raise ModelError(
            f"{path.name}: its points are up to {far.pixels:.2g} px off the network's, more than "
            f"{limit:g}; nothing was written: keypoints without one clear peak move as far by "
            "rounding alone: train on, or export without --full"
        )
    if not given.packs:
        return far, None
    step("fit")
    return far, fitted(path, given.network.crop, given.packs)


def _carded(
    given: _Material, path: Path, text: CardText, far: Parity, found: Fitted | None
) -> Released:
    """Write the card of a file beside it."""
    score = None if found is None else found.score
    card = write_card(path, given.network, score, replace(text, parity=far))
    return Released(path, card, path.stat().st_size, far, found)


def _quantized(given: _Material, path: Path, *, full: bool) -> Path:
    """Write the 8-bit version beside a file, which stores halves unless it is `full`."""
    assert given.ranges is not None
    source, out = path, path.with_name(f"{path.stem}-int8.onnx")
    if not full:
        source = path.with_name(f"{path.stem}-full.onnx")
        export_onnx(given.network, source, half=False)
    quantize(source, given.ranges.numpy(), out, parts=PARTS[type(given.network).__name__])
    return out


def _of_integers(text: CardText, order: Order, rows: Sequence[Metric]) -> CardText:
    """Return the text for the 8-bit version; numbers that were given are those of the first file.

    `rows` are its own numbers.
    """
    given = [replace(m, name=f"{m.name}, of {order.out.name}") for m in text.metrics]
    return replace(
        text,
        model_id=f"{text.model_id}-int8",
        summary=f"{text.summary.rstrip('. ')}; convolutions in 8 bits.",
        metrics=[*given, *rows],
    )


def _differences(
    given: _Material, order: Order, floats: Fitted | None, integers: Fitted | None
) -> list[Metric]:
    """Return how much 8 bits cost on each pack, in points of the OKS share."""
    if floats is None or integers is None:
        return []
    people = {pack.name: len(pack) for pack in given.packs}
    return [
        Metric(
            f"OKS share, all keypoints, less that of {order.out.name}",
            round(share - floats.shares[name], 2),
            f"{people[name]} people of {name}",
            order.command(),
        )
        for name, share in integers.shares.items()
    ]


def _moved(found: Released, folder: Path) -> Released:
    """Put a file and its card in their place."""
    places = []
    for source in (found.path, found.card):
        places.append(folder / source.name)
        with atomic_write(places[-1]) as temporary:
            shutil.copyfile(source, temporary)
    return replace(found, path=places[0], card=places[1])


def fitted(path: Path, spec: CropSpec, packs: Sequence[Pack]) -> Fitted:
    """Fit the score of a file on labelled people, and measure it there.

    A score of .5 then means an even chance that the keypoint lies where its COCO similarity is at
    least .5. Each label counts with its trust.

    Parameters
    ----------
    path
        The ONNX file.
    spec
        The crop that it reads.
    packs
        People that were not trained on.

    Raises
    ------
    DataError
        All answers are right, all are wrong, or sure answers are more often wrong than others.
    """
    forward = file_forward(path)
    peaks, right, trust = [], [], []
    shares: dict[str, float] = {}
    for pack in packs:
        points, sure = read_people(forward, spec, pack)
        keypoints = points.shape[1]
        peaks.append(sure)
        right.append(hits(points, pack.points[:, :keypoints], pack.boxes))
        trust.append(pack.trust[:, :keypoints])
        share = share_of(points, pack, "all")
        if np.isfinite(share):
            shares[pack.name] = share
    joined = np.concatenate(peaks), np.concatenate(right), np.concatenate(trust)
    names = ", ".join(pack.name for pack in packs)
    try:
        score = fit_logistic(*joined)
    except ValueError as error:
        raise DataError(f"--fit {names}: {error}; give more people or other weights") from error
    if not score.a >= 0:
        raise DataError(
            f"--fit {names}: sure answers are more often wrong than unsure ones; give more people "
            "or other weights"
        )
    return Fitted(score, calibration_error(score(joined[0]), *joined[1:]), shares)


def file_forward(path: Path) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Return what runs an ONNX file on normalised crops (N, 3, h, w), as the network would."""
    options = ort.SessionOptions()
    # Waiting threads that spin would take the cores from decoding and cutting.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def forward(crops: Tensor) -> tuple[Tensor, Tensor]:
        x, y = session.run(["simcc_x", "simcc_y"], {"input": crops.contiguous().numpy()})
        return torch.from_numpy(x), torch.from_numpy(y)

    return forward


def crops_of(packs: Sequence[Pack], spec: CropSpec, count: int = CROPS) -> Tensor:
    """Return normalised crops (`count`, 3, h, w) at most, spread evenly over packed people."""
    people = [(p, row) for p, pack in enumerate(packs) for row in range(len(pack))]
    chosen = np.unique(np.linspace(0, len(people) - 1, count).round().astype(int))
    batch = Mixture(packs, [1.0] * len(packs), seed=0).batch([people[i] for i in chosen])
    pictures, _ = plain(batch.crops, batch.boxes, spec)
    return spec.normalised(pictures).contiguous()


def _random_crops(spec: CropSpec, count: int = 8) -> Tensor:
    """Return normalised crops (`count`, 3, h, w) of soft colours."""
    generator = torch.Generator().manual_seed(0)
    small = 255 * torch.rand(count, 3, 12, 12, generator=generator)
    return spec.normalised(
        torch.nn.functional.interpolate(small, (spec.height, spec.width), mode="bicubic")
    )
