"""Losses on SimCC outputs: position, structure and the curve of the spine.

After Khan et al., CVPR Workshops 2025 (arXiv 2504.08110), section 4. The teacher's answers are
merged into the targets with their own weight (see ``data.py``), so that one Kullback-Leibler term
serves labels and distillation.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.network import BINS, SPLIT_RATIO

__all__ = [
    "JOINT_WEIGHTS",
    "coarse_loss",
    "expected_points",
    "position_loss",
    "reach_loss",
    "spine_loss",
    "structure_loss",
]

TARGET_SIGMA = 2.5  # crop pixels
SMOOTHING_THRESHOLD = 0.1  # of the crop's side: T of the spine loss
SMOOTHING_SLOPE = 20.0  # alpha of the spine loss
FOOT_REACH = 0.45  # of the shin: no toe or heel is farther from the ankle
SPINE_REACH = 0.30  # of the trunk: no two neighbours of the spine are farther apart
SLACK = 6.0  # crop pixels allowed in any case

_HEAVIER = {
    "elbow": 1.2,
    "knee": 1.2,
    "wrist": 1.5,
    "ankle": 1.5,
    "neck": 1.5,
    "toe": 1.2,
    "heel": 1.2,
    "spine": 1.2,
    "clavicle": 1.2,
}


def _weight(name: str) -> float:
    if name == "hip":
        return 1.5
    return next((w for part, w in _HEAVIER.items() if part in name), 1.0)


JOINT_WEIGHTS = torch.tensor([_weight(n) for n in SPINETRACK.keypoints])
"""Weight (37,) of each keypoint in the position loss (same paper)."""


def _target(at: Tensor) -> Tensor:
    """Return Gaussian targets (..., 512) around coordinates (...,) in crop pixels."""
    bins = torch.arange(BINS, device=at.device) / SPLIT_RATIO
    gap = (bins - at[..., None]) / TARGET_SIGMA
    return torch.softmax(-0.5 * gap.square(), dim=-1)


def position_loss(simcc_x: Tensor, simcc_y: Tensor, points: Tensor, trust: Tensor) -> Tensor:
    """Return the divergence between outputs and Gaussian targets, a mean over people.

    Parameters
    ----------
    simcc_x, simcc_y
        (N, K, 512) logits.
    points
        (N, K, 2) crop pixels.
    trust
        (N, K) label weights; unlabelled = 0. Each person counts alike, however many labels.
    """
    total = torch.zeros(points.shape[:2], device=points.device)
    for logits, at in ((simcc_x, points[..., 0]), (simcc_y, points[..., 1])):
        target = _target(at)
        entropy = torch.special.entr(target).sum(-1)
        total = total - (target * F.log_softmax(logits.float(), dim=-1)).sum(-1) - entropy
    weights = trust * JOINT_WEIGHTS.to(trust.device)
    person = (total * weights).sum(1) / weights.sum(1).clamp(min=1)
    return person.mean()


def coarse_loss(coarse: Tensor, points: Tensor, trust: Tensor) -> Tensor:
    """Return the error of the rough joints (N, K, 2) in cells: the prior must find the person."""
    target = (points + 0.5) / 4 - 0.5
    gap = F.smooth_l1_loss(coarse.float(), target, reduction="none", beta=1.0).sum(-1)
    return (gap * trust).sum() / trust.sum().clamp(min=1)


def expected_points(simcc_x: Tensor, simcc_y: Tensor) -> Tensor:
    """Return the mean position (N, K, 2) in crop pixels of each output distribution."""
    bins = torch.arange(BINS, device=simcc_x.device) / SPLIT_RATIO
    return torch.stack(
        [(torch.softmax(s.float(), -1) * bins).sum(-1) for s in (simcc_x, simcc_y)], dim=-1
    )


def structure_loss(predicted: Tensor, points: Tensor, trust: Tensor) -> Tensor:
    """Return the mean error of bone directions, as a share of pi.

    ``1 / (pi |B|) sum_b |wrap(angle_pred(b) - angle_true(b))|``, over bones with two labels.
    """
    start, end = torch.from_numpy(SPINETRACK.bone_indices).T

    def direction(p: Tensor) -> Tensor:
        bone = p[:, end] - p[:, start]
        # Points that coincide have no direction; a small step keeps the gradient finite.
        return torch.atan2(bone[..., 1], bone[..., 0] + 1e-4)

    gap = direction(predicted) - direction(points)
    wrapped = torch.atan2(torch.sin(gap), torch.cos(gap)).abs()
    both = torch.minimum(trust[:, start], trust[:, end])
    return (wrapped * both).sum() / both.sum().clamp(min=1) / math.pi


def spine_loss(predicted: Tensor) -> Tensor:
    """Return how far the predicted spine (N, K, 2) is from its own smoothed course.

    ``s~_i = s~_{i-1} + w_i (s_i - s~_{i-1})`` with
    ``w_i = 1 - 0.5 sigmoid(alpha (|s_i - s~_{i-1}| - T))``: long steps are damped. Needs no
    labels. Lengths are shares of the crop's side.
    """
    chain = predicted[:, torch.from_numpy(SPINETRACK.spine_indices)] / (BINS / SPLIT_RATIO)
    smooth = [chain[:, 0]]
    for i in range(1, chain.shape[1]):
        step = chain[:, i] - smooth[-1]
        length = (step.square().sum(-1, keepdim=True) + 1e-9).sqrt()
        damped = 1 - 0.5 * torch.sigmoid(SMOOTHING_SLOPE * (length - SMOOTHING_THRESHOLD))
        smooth.append(smooth[-1] + damped * step)
    return F.mse_loss(torch.stack(smooth, dim=1), chain)


def reach_loss(predicted: Tensor) -> Tensor:
    """Return how far feet leave their ankle and spine points their neighbour, in crop sides.

    A hinge on the predicted points (N, K, 2): a foot reaches at most a share of its shin from
    the ankle, two neighbours of the spine at most a share of the way from neck to mid-hips. It
    needs no labels, so real people without foot and spine labels take part. Shin, ankle and
    trunk are held fixed: only the new points move.
    """
    fixed = predicted.detach()
    at = {n: i for i, n in enumerate(SPINETRACK.keypoints)}
    terms = []
    for side in ("left", "right"):
        ankle, knee = fixed[:, at[f"{side}_ankle"]], fixed[:, at[f"{side}_knee"]]
        limit = FOOT_REACH * (ankle - knee).norm(dim=-1) + SLACK
        for part in ("big_toe", "small_toe", "heel"):
            terms.append(_beyond(predicted[:, at[f"{side}_{part}"]], ankle, limit))
    hips = (fixed[:, at["left_hip"]] + fixed[:, at["right_hip"]]) / 2
    shoulders = (fixed[:, at["left_shoulder"]] + fixed[:, at["right_shoulder"]]) / 2
    limit = SPINE_REACH * (shoulders - hips).norm(dim=-1) + SLACK
    chain = predicted[:, torch.from_numpy(SPINETRACK.spine_indices)]
    terms += [_beyond(chain[:, i], chain[:, i + 1], limit) for i in range(chain.shape[1] - 1)]
    return torch.stack(terms).mean() / (BINS / SPLIT_RATIO)


def _beyond(a: Tensor, b: Tensor, limit: Tensor) -> Tensor:
    gap = ((a - b).square().sum(-1) + 1e-6).sqrt()
    return F.relu(gap - limit)
