"""Train the pose network, in two phases that share one loop; each resumes where it stopped.

First the heads, on features of the frozen trunk (minutes on a CPU); then heads and the later
part of the trunk, on crops changed on the fly. The early, high-resolution blocks stay frozen:
they cost most and change least.

AdamW with warm-up and cosine, an exponential mean of the weights (EMA), a smaller rate for what
already comes from Thunder. The checkpoint with the best score on the development people stays in
``best.pt``; ``last.pt`` holds everything that a resume needs.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from spinepose.training.pose.evaluate import body_share, predict, subset_share
from spinepose.training.pose.losses import (
    coarse_loss,
    expected_points,
    position_loss,
    reach_loss,
    spine_loss,
    structure_loss,
)
from spinepose.training.pose.network import AT_32, Parts, PoseNetwork
from spinepose.training.pose.people import Person

__all__ = ["Recipe", "train"]

log = logging.getLogger(__name__)

Source = Callable[[int], Iterator[tuple[Tensor, ...]]]
"""Yields batches for one pass, given a seed: the last two are keypoints and trust."""

EARLY = ("trunk.stem", *(f"trunk.blocks.{i}." for i in range(AT_32 + 1)))
FROM_THUNDER = ("regress", "heat", "centre", "prior_strength", "sharpness", "upsample")


@dataclass(frozen=True)
class Recipe:
    """Settings of one run.

    Parameters
    ----------
    steps, batch
        Number of updates and crops in each.
    rate, old_rate
        Peak learning rates of new layers and of those from Thunder.
    trunk_rate
        Peak learning rate of the later trunk; 0 = the whole trunk stays frozen.
    warmup
        Updates until the peak.
    decay
        Weight decay.
    ema
        Share of the mean kept at each update.
    coarse, structure, spine, reach
        Weights of the losses beside the position loss.
    check_every
        Updates between checkpoints.
    seed
        Start of the random numbers.
    """

    steps: int = 600
    batch: int = 32
    rate: float = 2e-3
    old_rate: float = 4e-4
    trunk_rate: float = 0.0
    warmup: int = 40
    decay: float = 0.02
    ema: float = 0.99
    coarse: float = 0.1
    structure: float = 0.1
    spine: float = 5.0
    reach: float = 10.0
    check_every: int = 100
    seed: int = 0


def total_loss(parts: Parts, points: Tensor, trust: Tensor, recipe: Recipe) -> Tensor:
    """Return the weighted sum of all losses of one batch."""
    assert parts.coarse is not None
    mean = expected_points(parts.simcc_x, parts.simcc_y)
    return (
        position_loss(parts.simcc_x, parts.simcc_y, points, trust)
        + recipe.coarse * coarse_loss(parts.coarse, points, trust)
        + recipe.structure * structure_loss(mean, points, trust)
        + recipe.spine * spine_loss(mean)
        + recipe.reach * reach_loss(mean)
    )


def _groups(network: PoseNetwork, recipe: Recipe) -> list[dict[str, object]]:
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        rate = recipe.rate
        if name.startswith("trunk."):
            rate = 0.0 if name.startswith(EARLY) else recipe.trunk_rate
        elif name.startswith(FROM_THUNDER):
            rate = recipe.old_rate
        parameter.requires_grad_(rate > 0)
        if rate > 0:
            groups.setdefault(rate, []).append(parameter)
    return [{"params": members, "peak": rate} for rate, members in groups.items()]


def forward(network: PoseNetwork, inputs: Sequence[Tensor]) -> Parts:
    """Return the outputs for crops (N, 3, 256, 256), or for a trunk's two maps.

    The later trunk runs in bfloat16, where it is about 1.5 times faster on a CPU with AMX, and
    the heads in float32.
    """
    if len(inputs) == 2:
        return network.head(*inputs)
    crops = inputs[0].contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.no_grad():
            taps = network.trunk.early(crops)
        fine, context = network.trunk.late(taps)
    return network.head(fine.float(), context.float())


def _rate_share(step: int, recipe: Recipe) -> float:
    """Return the learning rate at a step as a share of its peak: warm-up, then cosine to 2 %."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    t = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(t, 1)))


@torch.no_grad()
def _follow(mean: nn.Module, network: nn.Module, keep: float) -> None:
    for a, b in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1 - keep)
        else:
            a.copy_(b)


@dataclass
class _Run:
    """What changes while a run goes on."""

    network: PoseNetwork
    mean: PoseNetwork
    optimizer: torch.optim.AdamW
    step: int = 0
    best: float = -1.0

    def save(self, path: Path) -> None:
        """Write everything that a resume needs; the file is never half written."""
        state = {
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": self.best,
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)

    def load(self, path: Path) -> None:
        """Go on from a file of `save`."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best = state["step"], state["best"]


def _check(run: _Run, dev: Sequence[Person], held: Sequence[Person], out: Path) -> None:
    """Log the scores of the mean weights, keep the best of them, and save the run."""
    mean = run.mean.eval()
    score = body_share(predict(mean, dev).points, dev)
    spine = feet = float("nan")
    if held:
        points = predict(mean, held).points
        spine, feet = (subset_share(points, held, n) for n in ("spine", "feet"))
    log.info("step %d: dev body %.2f, synthetic spine %.2f feet %.2f", run.step, score, spine, feet)
    if score + 0.5 * (spine if held else 0) >= run.best:
        run.best = score + 0.5 * (spine if held else 0)
        torch.save(mean.state_dict(), out / "best.pt")
    torch.save(mean.state_dict(), out / "ema.pt")
    run.save(out / "last.pt")


def train(
    start: PoseNetwork,
    source: Source,
    dev: Sequence[Person],
    held: Sequence[Person],
    out: Path,
    recipe: Recipe,
) -> None:
    """Train until `recipe.steps` and write checkpoints to `out`.

    Parameters
    ----------
    start
        The network to begin with.
    source
        Where batches come from.
    dev, held
        People that choose the best checkpoint: real with body joints, synthetic with a spine.
    out
        Folder for ``best.pt``, ``ema.pt`` (weights) and ``last.pt`` (for a resume).
    recipe
        All settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    optimizer = torch.optim.AdamW(_groups(start, recipe), weight_decay=recipe.decay)
    run = _Run(start, copy.deepcopy(start), optimizer)
    if (out / "last.pt").exists():
        run.load(out / "last.pt")
    began, seen = time.monotonic(), 0
    lesson = 0
    while run.step < recipe.steps:
        lesson += 1
        found = False
        for batch in source(recipe.seed + run.step + lesson):
            found = True
            loss = _update(run, batch, recipe)
            seen += recipe.batch
            if run.step % 20 == 0:
                pace = seen / (time.monotonic() - began)
                log.info("step %d loss %.3f, %.1f crops/s", run.step, loss, pace)
            if run.step % recipe.check_every == 0:
                _check(run, dev, held, out)
            if run.step >= recipe.steps:
                break
        if not found:
            raise ValueError("the source has not one batch")
    _check(run, dev, held, out)


def _update(run: _Run, batch: tuple[Tensor, ...], recipe: Recipe) -> float:
    """Take one step on (*inputs, points, trust) and return the loss."""
    *inputs, points, trust = batch
    share = _rate_share(run.step, recipe)
    for group in run.optimizer.param_groups:
        group["lr"] = group["peak"] * share
    run.network.train()
    loss = total_loss(forward(run.network, inputs), points, trust, recipe)
    run.optimizer.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_([p for g in run.optimizer.param_groups for p in g["params"]], 5.0)
    run.optimizer.step()
    run.step += 1
    _follow(run.mean, run.network, min(recipe.ema, (1 + run.step) / (10 + run.step)))
    return loss.item()
