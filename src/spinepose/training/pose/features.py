"""Keep what the frozen trunk makes of changed crops, so that the heads train in minutes on a CPU.

Each shard is one ``.npz`` with the trunk's two maps in half precision, keypoints and trust. Real
people take their body joints from the start network itself (the teacher) where human labels are
absent or disagree.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

from spinepose.training.pose.data import Mixture, merge_answers
from spinepose.training.pose.export import move_padding, tidied
from spinepose.training.pose.network import CELLS, INPUT_SIDE, SPLIT_RATIO, PoseNetwork

__all__ = ["FrozenTrunk", "read_shards", "write_shards"]

FloatArray = npt.NDArray[np.float32]
log = logging.getLogger(__name__)


class _Maps(nn.Module):
    def __init__(self, network: PoseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the finest map, the context, and the joints (N, K, 4): x, y, heat, SimCC peak."""
        net = self.network
        fine, context = net.trunk.late(net.trunk.early(crops))
        parts = net.head(fine, context)
        places = torch.stack([parts.simcc_x.argmax(-1), parts.simcc_y.argmax(-1)], -1)
        points = places.float() / SPLIT_RATIO
        cells = (places / (SPLIT_RATIO * INPUT_SIDE / CELLS)).long()
        heat = torch.sigmoid(net.heat(net.heat_hidden(fine))).flatten(2)
        score = heat.gather(2, cells[..., 1:] * CELLS + cells[..., :1])
        peaks = [torch.softmax(s, -1).amax(-1) for s in (parts.simcc_x, parts.simcc_y)]
        peak = torch.minimum(*peaks)[..., None]
        return fine, context, torch.cat([points, score, peak], -1)


class FrozenTrunk:
    """The trunk as an ONNX session: several times faster on a CPU than its PyTorch module.

    Parameters
    ----------
    network
        The start network, whose trunk is frozen and whose joints serve as the teacher's.
    scratch
        Where the ONNX file may lie.
    threads
        CPU threads to use.
    """

    def __init__(self, network: PoseNetwork, scratch: Path, threads: int = 1) -> None:
        scratch.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Maps(network).eval(),
                (torch.zeros(1, 3, INPUT_SIDE, INPUT_SIDE),),
                str(scratch),
                input_names=["input"],
                output_names=["fine", "context", "joints"],
                dynamic_axes={n: {0: "batch"} for n in ("input", "fine", "context", "joints")},
                opset_version=17,
                dynamo=False,
            )
        model = tidied(onnx.load(str(scratch)))
        move_padding(model)
        onnx.save(model, str(scratch))
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = ort.InferenceSession(
            str(scratch), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, crops: npt.NDArray[np.uint8]) -> list[FloatArray]:
        """Return maps (N, 24, 64, 64), (N, 232, 16, 16) and joints (N, 37, 4) of RGB crops.

        The columns are x, y, height of the heatmap there, and the smaller of the SimCC peaks.
        """
        scaled = crops.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
        return list(self._session.run(None, {"input": scaled}))


def write_shards(
    stream: Mixture, trunk: FrozenTrunk, folder: Path, crops: int, size: int = 100, batch: int = 4
) -> None:
    """Write `crops` changed crops of a stream as shards of `size` into a folder; resumes there."""
    folder.mkdir(parents=True, exist_ok=True)
    done = len(list(folder.glob("*.npz")))
    stream.seed += done
    samples = iter(stream)
    for shard in range(done, crops // size):
        rows = [next(samples) for _ in range(size)]
        images = np.stack([r[0] for r in rows])
        maps = [trunk(images[i : i + batch]) for i in range(0, size, batch)]
        target = folder / f"{shard:05d}.npz"
        partial = target.with_suffix(".part")
        with partial.open("wb") as sink:
            np.savez(
                sink,
                fine=np.concatenate([m[0] for m in maps]).astype(np.float16),
                context=np.concatenate([m[1] for m in maps]).astype(np.float16),
                points=np.stack([r[1] for r in rows]),
                trust=np.stack([r[2] for r in rows]),
                source=np.array([r[3] for r in rows]),
                joints=np.concatenate([m[2] for m in maps]),
            )
        partial.rename(target)
        log.info("%d crops written", (shard + 1) * size)


def read_shards(
    folder: Path, batch: int, seed: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Yield shuffled batches (fine, context, points, trust) of one pass over the shards there."""
    rng = np.random.default_rng(seed)
    paths = sorted(folder.glob("*.npz"))
    rng.shuffle(paths)
    for start in range(0, len(paths), 4):  # four shards are mixed at a time
        loaded = [np.load(p) for p in paths[start : start + 4]]
        arrays = {n: np.concatenate([part[n] for part in loaded]) for n in loaded[0].files}
        points, trust = merge_answers(
            arrays["points"], arrays["trust"], arrays["source"].tolist(), arrays["joints"]
        )
        order = rng.permutation(len(points))
        for i in range(0, len(order) - batch + 1, batch):
            rows = order[i : i + batch]
            fine, context, at, weight = (
                torch.from_numpy(a[rows].astype(np.float32))
                for a in (arrays["fine"], arrays["context"], points, trust)
            )
            yield fine, context, at, weight
