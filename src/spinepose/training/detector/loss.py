"""Which cells answer for which person, and what it costs them to be wrong.

Assignment is SimOTA (Ge et al. 2021, section 2.1) with the centre prior; the score learns
the overlap of its box (as in varifocal loss, Zhang et al. 2021), so that it can be read as
"how sure and how exact"; the box learns generalised IoU (Rezatofighi et al. 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

CENTRE_RADIUS = 2.5
CANDIDATES = 10
IOU_COST = 3.0
BOX_WEIGHT = 2.5
IGNORE_IOU = 0.4


def pair_iou(first: Tensor, second: Tensor) -> Tensor:
    """Overlap ``(N, M)`` of boxes ``(N, 4)`` and ``(M, 4)``."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    inter = (high - low).clamp(min=0).prod(dim=2)
    union = _area(first)[:, None] + _area(second)[None] - inter
    return inter / union.clamp(min=1e-6)


def giou(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Overlap and generalised overlap ``(N,)`` of boxes taken pair by pair."""
    low = torch.maximum(first[:, :2], second[:, :2])
    high = torch.minimum(first[:, 2:], second[:, 2:])
    inter = (high - low).clamp(min=0).prod(dim=1)
    union = (_area(first) + _area(second) - inter).clamp(min=1e-6)
    hull_low = torch.minimum(first[:, :2], second[:, :2])
    hull_high = torch.maximum(first[:, 2:], second[:, 2:])
    hull = (hull_high - hull_low).prod(dim=1).clamp(min=1e-6)
    iou = inter / union
    return iou, iou - (hull - union) / hull


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)


@torch.no_grad()
def assign(boxes: Tensor, logits: Tensor, cells: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Choose the cells that answer for each person of one picture.

    Parameters
    ----------
    boxes, logits
        Predictions ``(M, 4)`` in px and ``(M,)``.
    cells
        ``(M, 3)``: centre x, centre y, stride in px.
    truth
        People's boxes ``(G, 4)`` in px.

    Returns
    -------
    tuple[Tensor, Tensor]
        Indices ``(P,)`` of the cells chosen and ``(P,)`` of the person each answers for.
        Every person whose surroundings hold a cell gets at least one, unless a rival
        person takes it at a lower cost.
    """
    centre = (truth[:, :2] + truth[:, 2:]) / 2
    away = (cells[None, :, :2] - centre[:, None]).abs().amax(dim=2)
    near = away < CENTRE_RADIUS * cells[None, :, 2]
    point = cells[None, :, :2]
    inside = ((point > truth[:, None, :2]) & (point < truth[:, None, 2:])).all(dim=2) & near
    allowed = torch.where(inside.any(dim=1, keepdim=True), inside, near)
    kept = allowed.any(dim=0).nonzero()[:, 0]
    if not len(kept):
        empty = torch.zeros(0, dtype=torch.long)
        return empty, empty
    iou = pair_iou(truth, boxes[kept]) * allowed[:, kept]
    score = functional.softplus(-logits[kept])[None]
    cost = score - IOU_COST * iou.clamp(min=1e-6).log() + 1e6 * (~allowed[:, kept])
    top = iou.topk(min(CANDIDATES, len(kept)), dim=1).values.sum(dim=1).int().clamp(min=1)
    chosen = torch.zeros_like(cost, dtype=torch.bool)
    for row in range(len(truth)):
        count = min(int(top[row]), int(allowed[row].sum()))
        chosen[row, cost[row].topk(count, largest=False).indices] = True
    owner = torch.where(chosen, cost, torch.inf).argmin(dim=0)
    taken = chosen.any(dim=0)
    return kept[taken], owner[taken]


@dataclass(frozen=True)
class Loss:
    """Sum for the optimiser and its parts for the log (means a positive cell)."""

    total: Tensor
    score: float
    box: float
    positives: int


def detection_loss(
    boxes: Tensor,
    logits: Tensor,
    cells: Tensor,
    truths: Sequence[Tensor],
    doubts: Sequence[Tensor],
) -> Loss:
    """Loss of a batch.

    Parameters
    ----------
    boxes, logits, cells
        As `PersonDetector.predict` gives them: ``(N, M, 4)``, ``(N, M)``, ``(M, 3)``.
    truths, doubts
        For each picture people's boxes ``(G, 4)`` and doubtful boxes ``(D, 5)`` in px, the
        last column being the ceiling of the score. Cells whose prediction fits a doubtful
        box (overlap 0.4) cost nothing up to the (highest such) ceiling and are drawn down to
        it from above, unless they answer for a person.
    """
    target = torch.zeros_like(logits)
    weight = torch.ones_like(logits)
    box_terms: list[Tensor] = []
    for n, (truth, doubt) in enumerate(zip(truths, doubts, strict=True)):
        if len(doubt):
            fits = pair_iou(boxes[n].detach(), doubt[:, :4]) > IGNORE_IOU
            ceiling = torch.where(fits, doubt[:, 4], 0.0).amax(dim=1)
            target[n] = ceiling
            weight[n] = (~fits.any(dim=1) | (logits[n].detach().sigmoid() > ceiling)).float()
        if not len(truth):
            continue
        index, owner = assign(boxes[n], logits[n], cells, truth)
        iou, general = giou(boxes[n, index], truth[owner])
        target[n, index] = iou.detach().clamp(min=0)
        weight[n, index] = 1.0
        box_terms.append(1 - general)
    positives = max(1, sum(len(term) for term in box_terms))
    score = functional.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum")
    box = torch.cat(box_terms).sum() if box_terms else boxes.sum() * 0
    total = (score + BOX_WEIGHT * box) / positives
    return Loss(total, score.item() / positives, box.item() / positives, positives)
