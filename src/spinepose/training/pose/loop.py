"""The training loop: one process or several, CPU or CUDA, resumed to the same numbers.

AdamW (Loshchilov and Hutter, ICLR 2019) with linear warm-up and cosine (SGDR, ICLR 2017), gradient
clipping and a running mean of the weights (EMA). Which people a step sees, and how they are
changed, follows from seed, step and rank alone; with network, mean and optimiser from the last
checkpoint a resumed run therefore goes on as if it had never stopped.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, distributed, nn

from spinepose.errors import DataError, ModelError, SpinePoseError
from spinepose.files import atomic_write
from spinepose.training.pose.augmentation import Strength, augment
from spinepose.training.pose.config import LoopSettings
from spinepose.training.pose.networks.base import PoseNetwork
from spinepose.training.pose.networks.weights import save_weights
from spinepose.training.pose.objectives import LossWeights, total_loss
from spinepose.training.pose.shards import Batch, Mixture, Pack
from spinepose.training.pose.validate import scores_of

__all__ = ["Trainer", "parameter_groups", "rate_share"]

LAST = "last.pt"
BEST = "best.safetensors"
METRICS = "metrics.jsonl"
_LOG_EVERY = 20
_NOTHING, _YOUNG = 1e-4, 0.01
"""Sizes of tensors that count as zero, and that those are given instead."""
_UNREADABLE = (OSError, EOFError, RuntimeError, KeyError, ValueError, TypeError, UnpicklingError)
"""What reading a file that is no checkpoint can raise."""

Report = Callable[[int, Mapping[str, float]], None]
"""Called with the step and what was measured there."""


def rate_share(step: int, settings: LoopSettings) -> float:
    """Return the learning rate of a step as a share of its peak: warm-up, then cosine."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    t = (step - settings.warmup) / max(settings.steps - settings.warmup, 1)
    return settings.floor + (1 - settings.floor) * 0.5 * (1 + math.cos(math.pi * min(t, 1)))


def parameter_groups(network: nn.Module, settings: LoopSettings) -> list[dict[str, Any]]:
    """Return the optimiser's groups; parameters with rate 0 are frozen.

    Weight decay is for matrices and filters only: gains and biases are few and set scales. With
    `relative`, a step is a share of the tensor's size (Shazeer and Stern, Adafactor, ICML 2018).
    """
    unknown = [
        prefix
        for prefix in settings.rates
        if not any(name.startswith(prefix) for name, _ in network.named_parameters())
    ]
    if unknown:
        raise ModelError(f"[loop.rates]: the network has no parameter {unknown[0]}*")
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        fitting = [p for p in settings.rates if name.startswith(p)]
        factor = settings.rates[max(fitting, key=len)] if fitting else 1.0
        parameter.requires_grad_(factor > 0)
        if factor > 0:
            decay = settings.decay if parameter.ndim > 1 else 0.0
            peak = settings.rate * factor * (_size(parameter) if settings.relative else 1.0)
            groups.setdefault((peak, decay), []).append(parameter)
    return [{"params": v, "peak": rate, "weight_decay": d} for (rate, d), v in groups.items()]


@torch.no_grad()
def _size(parameter: Tensor) -> float:
    """Return the root mean square of a tensor; one that begins at zero shall grow all the same."""
    size = float(parameter.float().square().mean().sqrt())
    return size if size > _NOTHING else _YOUNG


def _begin_alike(network: PoseNetwork, teacher: PoseNetwork) -> bool:
    """Tell whether both begin with the same frozen layers, whose work one can do for both."""
    pairs = list(zip(network.beginning(), teacher.beginning(), strict=False))
    frozen = not any(mine.requires_grad for mine, _ in pairs)
    # Files may keep weights as 16-bit floats, whose last bit is a thousandth.
    same = all(a.shape == b.shape and torch.allclose(a, b, 1e-3, 1e-6) for a, b in pairs)
    return bool(pairs) and frozen and same and network.crop == teacher.crop


@dataclass
class Trainer:
    """One run: everything that changes while a network learns.

    Parameters
    ----------
    network
        What learns, on its device.
    settings, weights, strength
        Of the loop, the losses and the changes to crops.
    mixture
        Where people come from; each process takes its part of every batch.
    dev
        People that choose the checkpoint.
    out
        Folder for ``last.pt``, ``best.safetensors`` and ``metrics.jsonl``.
    teacher
        Frozen network whose answers are distilled.
    about
        Stored with the weights.
    """

    network: PoseNetwork
    settings: LoopSettings
    weights: LossWeights
    strength: Strength
    mixture: Mixture
    dev: Sequence[Pack]
    out: Path
    teacher: PoseNetwork | None = None
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.step, self.best, self.seconds = 0, -math.inf, 0.0
        self.device = next(self.network.parameters()).device
        self.optimizer = torch.optim.AdamW(parameter_groups(self.network, self.settings))
        self.mean = copy.deepcopy(self.network).eval().requires_grad_(False)
        if self.teacher is not None:
            self.teacher.eval().requires_grad_(False)
        self.shared = self.teacher is not None and _begin_alike(self.network, self.teacher)
        several = distributed.is_available() and distributed.is_initialized()
        self.rank = distributed.get_rank() if several else 0
        self.world = distributed.get_world_size() if several else 1
        self.out.mkdir(parents=True, exist_ok=True)
        if (self.out / LAST).exists():
            self._resume(self.out / LAST)

    def run(self, report: Report | None = None) -> dict[str, float]:
        """Learn until the last step; return the last scores of the mean weights.

        Stopped by `KeyboardInterrupt` it saves first, so that the next run goes on from there.

        Raises
        ------
        SpinePoseError
            The loss is no longer a number, or memory does not suffice; the last checkpoint stays.
        """
        report = report or (lambda step, found: None)
        scores: dict[str, float] = {}
        checked = -1
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self._load, self.step)
            try:
                while self.step < self.settings.steps:
                    began = time.perf_counter()
                    batch, coming = self._next(coming, ahead)
                    found = self._update(batch)
                    self.seconds += time.perf_counter() - began
                    if self.step % _LOG_EVERY == 0:
                        self._note(self._finite(found), report)
                    if self.step % self.settings.check_every == 0:
                        scores, checked = self._check(report), self.step
            except KeyboardInterrupt:
                self.save()
                raise
            except RuntimeError as error:
                # torch.OutOfMemoryError on CUDA; the CPU's allocator has no error of its own.
                if "memory" not in str(error).lower():
                    raise
                raise SpinePoseError(
                    f"{self.out}: out of memory at step {self.step} with [loop] batch "
                    f"{self.settings.batch}: use a smaller one"
                ) from error
        return scores if checked == self.step else self._check(report)

    def _finite(self, found: Mapping[str, Tensor]) -> dict[str, float]:
        numbers = {name: float(value) for name, value in found.items()}
        if not math.isfinite(numbers["loss"]):
            raise SpinePoseError(
                f"{self.out}: the loss is no longer a number at step {self.step}; the last good "
                "checkpoint stays: lower [loop] rate"
            )
        return numbers

    def _load(self, step: int) -> Batch:
        rows = self.mixture.rows(step, self.settings.batch * self.world)
        return self.mixture.batch(rows[self.rank :: self.world])

    def _next(
        self, coming: Future[Batch], ahead: ThreadPoolExecutor
    ) -> tuple[Batch, Future[Batch]]:
        """Return the batch of this step, and the one after it being read."""
        batch = coming.result()
        return batch, ahead.submit(self._load, self.step + 1)

    def _update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step and return the losses."""
        share = rate_share(self.step, self.settings)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * share
        self.network.train()
        self.optimizer.zero_grad()
        found = self._gradients(batch.to(self.device))
        learning = [p for g in self.optimizer.param_groups for p in g["params"]]
        self._share_gradients(learning)
        length = nn.utils.clip_grad_norm_(learning, self.settings.clip)
        # One batch with a broken gradient must not end a long run; a run of them does, since the
        # loss that is logged is then not a number either.
        if torch.isfinite(length):
            self.optimizer.step()
        self.step += 1
        self._follow()
        return {**found, "gradient": length.detach()}

    def _gradients(self, batch: Batch) -> dict[str, Tensor]:
        """Add up the gradients of a batch, chunk by chunk, and return the losses."""
        # One seed for each step and process: nothing is carried from step to step.
        seed = (self.settings.seed * 1_000_003 + self.step) * self.world + self.rank
        generator = torch.Generator(self.device).manual_seed(seed)
        spec = self.network.crop
        crops, points, trust = augment(
            batch.crops, batch.boxes, batch.points, batch.trust, spec, self.strength, generator
        )
        count = len(crops)
        found: dict[str, Tensor] = {}
        size = self.settings.chunk or count
        for start in range(0, count, size):
            rows = slice(start, start + size)
            loss, parts = self._loss(crops[rows], points[rows], trust[rows])
            share = len(crops[rows]) / count
            torch.autograd.backward(loss * share)
            for name, value in {"loss": loss.detach(), **parts}.items():
                found[name] = found.get(name, 0) + share * value
        return found

    def _loss(
        self, crops: Tensor, points: Tensor, trust: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        spec = self.network.crop
        inputs = spec.normalised(crops).contiguous(memory_format=torch.channels_last)
        low = self.settings.precision == "bfloat16"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=low):
            begun = self.network.begin(inputs)
            outputs = self.network.finish(begun)
            taught = None
            if self.teacher is not None and self.weights.distill > 0:
                with torch.no_grad():
                    known = begun if self.shared else self.teacher.begin(inputs)
                    answers = self.teacher.finish(known)
                taught = answers.simcc_x, answers.simcc_y
        return total_loss(outputs, taught, points, trust, spec, self.weights)

    def _share_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Average gradients over all processes, in one message."""
        if self.world == 1:
            return
        grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([g.flatten() for g in grads])
        distributed.all_reduce(flat)
        start = 0
        for parameter in parameters:
            piece = flat[start : start + parameter.numel()].div_(self.world)
            parameter.grad = piece.view_as(parameter)
            start += parameter.numel()

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the mean weights; young means follow faster."""
        keep = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        pairs = zip(
            self.mean.state_dict().values(), self.network.state_dict().values(), strict=True
        )
        for mean, value in pairs:
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)

    def _check(self, report: Report) -> dict[str, float]:
        """Measure the mean weights, keep the best of them, save."""
        scores = scores_of(self.mean, self.dev) if self.rank == 0 else {}
        if self.rank == 0:
            self._note(scores, report)
            chosen = [v for k, v in scores.items() if k.endswith("/all")]
            score = sum(chosen) / len(chosen) if chosen else float(self.step)
            if score >= self.best:
                self.best = score
                about = {**self.about, "step": str(self.step), "score": f"{score:.3f}"}
                save_weights(self.mean, self.out / BEST, about)
            self.save()
        if self.world > 1:
            distributed.barrier()
        return scores

    def _note(self, numbers: Mapping[str, float], report: Report) -> None:
        if self.rank:
            return
        line = {"step": self.step, "seconds": round(self.seconds, 2), **numbers}
        with (self.out / METRICS).open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(line) + "\n")
        report(self.step, numbers)

    def save(self) -> None:
        """Write everything that a resume needs; the file is never half written."""
        if self.rank:
            return
        state = {
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
        }
        with atomic_write(self.out / LAST) as temporary:
            torch.save(state, temporary)

    def _resume(self, path: Path) -> None:
        try:
            state = torch.load(path, weights_only=True, map_location=self.device)
            self.network.load_state_dict(state["network"])
            self.mean.load_state_dict(state["mean"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        except _UNREADABLE as error:
            reason = (str(error).splitlines() or ["it is empty"])[0]
            raise DataError(
                f"{path}: not a checkpoint of this run ({reason}); remove it or choose another "
                "--out"
            ) from error
        _cut_after(self.out / METRICS, self.step)


def _cut_after(path: Path, step: int) -> None:
    """Drop notes of steps that a resumed run will take again."""
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if json.loads(line)["step"] <= step]
    with atomic_write(path) as temporary:
        temporary.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
