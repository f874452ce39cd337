"""The training loop: AdamW, cosine, moving average of the weights, checkpoints."""

from __future__ import annotations

import copy
import logging
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from spinepose.training.detector.augment import Sample
from spinepose.training.detector.data import Stream
from spinepose.training.detector.loss import Loss, detection_loss
from spinepose.training.detector.network import PersonDetector
from spinepose.training.detector.start import load_yolox_nano

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainConfig:
    """The recipe.

    Attributes
    ----------
    steps, batch
        Optimiser steps of the cosine and pictures a step.
    stop
        Steps after which training ends, whatever the cosine says: with few kinds of things
        in our photos the network starts to take motorcycles for people when trained long.
    minutes
        Wall time after which training ends; the cosine follows whichever of steps and time
        is further on.
    rate, warmup
        Peak learning rate (as a share of each channel's size, see `Scaled`),
        steps of linear warm-up.
    average
        Decay of the moving average of the weights.
    sides
        Sides of the square pictures in px; one is drawn for each step.
    """

    steps: int = 2800
    stop: int = 400
    batch: int = 16
    minutes: float = 50.0
    rate: float = 2e-3
    warmup: int = 150
    average: float = 0.998
    sides: tuple[int, ...] = (320, 352, 384, 416, 416, 416, 448)
    seed: int = 1
    threads: int = 1
    half: bool = True


class Scaled(nn.Module):
    """Hold a parameter as a multiple of its own size at the start.

    The start has batch normalisation folded in, so the sizes of its kernels differ by orders
    of magnitude from channel to channel (the stem sees 0..255). Adam moves all numbers alike
    and would wreck the small ones; held this way, a step is a share of a channel's size.
    """

    scale: Tensor

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        if start.ndim == 4:
            size = start.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
            size = torch.maximum(size, 0.2 * start.square().mean().sqrt()).clamp(min=1e-6)
        else:
            size = start.square().mean().sqrt().clamp(0.05, 1.0)
        self.register_buffer("scale", size.detach().clone())

    def forward(self, share: Tensor) -> Tensor:
        """From the share the optimiser sees to the parameter."""
        return share * self.scale

    def right_inverse(self, parameter: Tensor) -> Tensor:
        """From the parameter to the share."""
        return parameter / self.scale


def scale_convolutions(network: nn.Module) -> None:
    """Let the optimiser see kernels and biases in units of their size, in place."""
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            for name in ("weight", "bias"):
                start = getattr(module, name).detach()
                parametrize.register_parametrization(module, name, Scaled(start))


class Average:
    """Exponential moving average of a network's weights; start it before `scale_convolutions`."""

    def __init__(self, network: PersonDetector, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self._decay = decay
        self._count = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the network's present weights; faster in the first steps."""
        self._count += 1
        keep = min(self._decay, (1 + self._count) / (10 + self._count))
        mine = (m for m in self.network.modules() if isinstance(m, nn.Conv2d))
        theirs = (m for m in network.modules() if isinstance(m, nn.Conv2d))
        for kept, moved in zip(mine, theirs, strict=True):
            kept.weight.lerp_(moved.weight, 1 - keep)
            if kept.bias is not None and moved.bias is not None:
                kept.bias.lerp_(moved.bias, 1 - keep)


def schedule(done: float, step: int, config: TrainConfig) -> float:
    """Learning rate after a share `done` (0..1) of the training, in step `step`."""
    warm = min(1.0, (step + 1) / config.warmup)
    return config.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def to_tensors(samples: list[Sample]) -> tuple[list[Tensor], list[Tensor]]:
    """People's boxes and doubtful ones of a batch as tensors ``(G, 4)``, ``(D, 5)``."""
    return (
        [torch.from_numpy(s.agreed) for s in samples],
        [torch.from_numpy(s.doubtful) for s in samples],
    )


def step_loss(network: PersonDetector, stream: Stream, config: TrainConfig, side: int) -> Loss:
    """Draw a batch and measure the network's loss on it."""
    images, samples = stream.batch(config.batch, side)
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    batch = batch.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=config.half):
        maps = network.neck(network.backbone(batch))
    boxes, logits, cells = network.read(tuple(m.float() for m in maps))
    truths, doubts = to_tensors(samples)
    return detection_loss(boxes, logits, cells, truths, doubts)


@torch.no_grad()
def blend(start: PersonDetector, tuned: PersonDetector, share: float) -> PersonDetector:
    """Mix the weights of start and fine-tuned network (Wortsman et al. 2022, WiSE-FT).

    The start has seen 80 kinds of things and keeps what it knows not to be a person; the
    fine-tuned network knows people upside down.

    Parameters
    ----------
    share
        Share of the fine-tuned network, 0..1.
    """
    mixed = copy.deepcopy(start)
    for mine, theirs in zip(mixed.parameters(), tuned.parameters(), strict=True):
        mine.lerp_(theirs, share)
    return mixed


def train(data: Path, labels: Path, start: Path, out: Path, config: TrainConfig) -> PersonDetector:
    """Fine-tune from YOLOX-nano and return the averaged network.

    Parameters
    ----------
    data, labels
        Folder of the photos and the file of `labels.make_labels`.
    start
        ``yolox_nano.onnx``.
    out
        Folder for ``last.pt`` (written every few minutes: averaged weights and recipe).
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    network = PersonDetector()
    for parameter in network.parameters():  # kernels lie in memory as channels-last
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    load_yolox_nano(network, start)
    network.train()
    average = Average(network, config.average)
    scale_convolutions(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=0.0, eps=1e-10)
    stream = Stream(data, labels, config.seed)
    sides = torch.Generator().manual_seed(config.seed)
    began = saved = time.monotonic()
    for step in range(min(config.steps, config.stop)):
        spent = (time.monotonic() - began) / 60
        done = max(step / config.steps, spent / config.minutes)
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = schedule(done, step, config)
        side = config.sides[int(torch.randint(len(config.sides), (1,), generator=sides))]
        loss = step_loss(network, stream, config, side)
        optimiser.zero_grad()
        loss.total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        if torch.isfinite(norm):
            optimiser.step()
            average.update(network)
        if step % 25 == 0:
            _LOGGER.info(
                "step %d (%.0f %%) score %.3f box %.3f positives %d norm %.1f",
                step, 100 * done, loss.score, loss.box, loss.positives, float(norm),
            )  # fmt: skip
        if time.monotonic() - saved > 240:
            saved = time.monotonic()
            save(average.network, config, step, out / "last.pt")
    save(average.network, config, step, out / "last.pt")
    return average.network


def save(network: nn.Module, config: TrainConfig, step: int, path: Path) -> None:
    """Write weights, recipe and step, whole or not at all."""
    part = path.with_suffix(".part")
    torch.save({"weights": network.state_dict(), "config": asdict(config), "step": step}, part)
    part.replace(path)
