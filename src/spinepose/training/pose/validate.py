"""Measure a network on packed people while it learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spinepose.dataset.people import AREA_PER_BOX
from spinepose.evaluation.oks import oks, oks_share
from spinepose.geometry import apply_affine, area_of, invert_affine
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.augmentation import plain
from spinepose.training.pose.networks.base import CropSpec, PoseNetwork, decode
from spinepose.training.pose.shards import Mixture, Pack

__all__ = ["read_people", "scores_of", "share_of"]

Float32 = npt.NDArray[np.float32]
Forward = Callable[[Tensor], tuple[Tensor, Tensor]]

_BATCH = 16
SUBSETS = ("body", "feet", "spine", "all")


@torch.no_grad()
def read_people(
    forward: Forward,
    spec: CropSpec,
    pack: Pack,
    device: torch.device | None = None,
    flip_test: bool = False,
) -> tuple[Float32, Float32]:
    """Return what a network reads from every person's plain crop.

    Parameters
    ----------
    forward
        Normalised crops (N, 3, h, w) to SimCC logits.
    spec
        The crop it reads.
    pack
        N people.
    device
        To run on.
    flip_test
        Average the logits with those of the mirror image.

    Returns
    -------
    points : (N, K, 2)
        Pixels of the packed pictures.
    peaks : (N, K)
        The smaller of the two largest probabilities.
    """
    mixture = Mixture([pack], [1.0], seed=0)
    points, peaks = [], []
    for start in range(0, len(pack), _BATCH):
        rows = [(0, r) for r in range(start, min(start + _BATCH, len(pack)))]
        batch = mixture.batch(rows).to(device or torch.device("cpu"))
        crops, affine = plain(batch.crops, batch.boxes, spec)
        inputs = spec.normalised(crops).contiguous(memory_format=torch.channels_last)
        x, y = (s.float() for s in forward(inputs))
        if flip_test:
            other_x, other_y = forward(inputs.flip(-1))
            back = mirrored_logits(other_x.float(), other_y.float(), spec)
            x, y = (x + back[0]) / 2, (y + back[1]) / 2
        at = decode(x, y, spec.split_ratio).cpu().numpy().astype(np.float64)
        inverse = invert_affine(affine.cpu().numpy().astype(np.float64))
        points.append(apply_affine(inverse, at))
        sure = [torch.softmax(s, -1).amax(-1) for s in (x, y)]
        peaks.append(torch.minimum(*sure).cpu().numpy())
    return np.concatenate(points).astype(np.float32), np.concatenate(peaks).astype(np.float32)


def mirrored_logits(simcc_x: Tensor, simcc_y: Tensor, spec: CropSpec) -> tuple[Tensor, Tensor]:
    """Return the logits of mirrored crops as if for the crops themselves.

    Pixel x lies at ``width - 1 - x`` in the mirrored crop, so bin i goes to bin
    ``split_ratio (width - 1) - i``; bins beyond the last repeat it.
    """
    swap = torch.from_numpy(SPINETRACK.flip[: simcc_x.shape[1]]).to(simcc_x.device)
    bins = simcc_x.shape[-1]
    last = round(spec.split_ratio * (spec.width - 1))
    source = (last - torch.arange(bins, device=simcc_x.device)).clamp(0, bins - 1)
    return simcc_x[:, swap][..., source], simcc_y[:, swap]


def share_of(points: Float32, pack: Pack, subset: str) -> float:
    """Return the OKS share in percent over a subset of predictions (N, K, 2).

    NaN where nothing is labelled, or where the network does not know the whole subset; ``all`` is
    all that it knows.
    """
    rows = SPINETRACK.indices(subset)
    known = rows < points.shape[1]
    if subset != "all" and not known.all():  # two points of nine are no spine
        return float("nan")
    rows = rows[known]
    labelled = np.where(pack.trust[:, rows, None] > 0, pack.points[:, rows], np.nan)
    if not len(rows) or np.isnan(labelled).all():
        return float("nan")
    areas = AREA_PER_BOX * area_of(pack.boxes)
    return oks_share(oks(points[:, rows], labelled, areas, SPINETRACK.sigma_array[rows]))


def scores_of(network: PoseNetwork, packs: Sequence[Pack]) -> dict[str, float]:
    """Return the OKS shares ``SET/SUBSET`` of a network on people kept from training."""
    device = next(network.parameters()).device
    found: dict[str, float] = {}
    for pack in packs:
        points, _ = read_people(network, network.crop, pack, device)
        shares = {f"{pack.name}/{s}": share_of(points, pack, s) for s in SUBSETS}
        found |= {name: value for name, value in shares.items() if np.isfinite(value)}
    return found
