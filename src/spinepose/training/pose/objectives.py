"""What a pose network is trained towards: four published losses and three of ours.

``L = a L_pos + b L_distill + g1 L_structure + g2 L_spine`` after Khan et al., CVPR Workshops 2025
(arXiv 2504.08110), section 4. Ours are :func:`coarse_loss`, :func:`heat_loss` and
:func:`reach_loss`.

Points are in crop pixels. Trust (N, K) in 0..1 weighs labels and is 0 where there is none or
where it is outside the crop; such a label may be NaN. All softmaxes are taken in float32 (or
wider, if the logits are), also under autocast.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.networks.base import CropSpec, Outputs

__all__ = [
    "JOINT_WEIGHTS",
    "LossWeights",
    "Targets",
    "coarse_loss",
    "distillation_loss",
    "expected_points",
    "heat_loss",
    "position_loss",
    "reach_loss",
    "spine_loss",
    "structure_loss",
    "total_loss",
]

DIVERGENCE_CAP = 12.0  # nats of one keypoint; beyond, only the logarithm grows
LOG_FLOOR = -1e4  # of log chances: a bin walled off with -inf must give numbers, not NaN
SHORTEST_BONE = 2.0  # crop pixels; a shorter one has no direction worth learning
SMOOTHING_THRESHOLD = 0.1  # T of the spine loss, crop heights
SMOOTHING_SLOPE = 20.0  # alpha of the spine loss, per crop height
COARSE_SCALE = 4.0  # crop pixels: smaller errors of coarse places count by their square
HEAT_SIGMA = 0.75  # cells
FOOT_REACH = 0.45  # of the shin: no toe or heel is farther from the ankle
SPINE_REACH = 0.30  # of the trunk: no two neighbours of the spine are farther apart
REACH_SLACK = 6 / 256  # crop heights allowed in any case

_PART_WEIGHTS: Mapping[str, float] = {
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


def _joint_weight(name: str) -> float:
    if name == "hip":  # the sacrum; the hip joints weigh 1
        return 1.5
    return next((w for part, w in _PART_WEIGHTS.items() if part in name), 1.0)


JOINT_WEIGHTS = torch.tensor([_joint_weight(n) for n in SPINETRACK.keypoints])
"""Weight (37,) of each keypoint in the position loss (Khan et al. 2025)."""


@dataclass(frozen=True)
class Targets:
    """What SimCC outputs are compared with: Gaussians around the labels.

    Parameters
    ----------
    sigma
        Standard deviations along x and y, crop pixels.
    beta
        Factor on logits before the softmax: the chance of bin i is ``softmax(beta logits)_i``.
    label_softmax
        False: targets are normalised Gaussians. True: ``softmax(beta g)`` of Gaussians g with
        peak 1, which leaves some chance (about 2 %) spread over all bins.
    """

    sigma: tuple[float, float] = (2.5, 2.5)
    beta: float = 1.0
    label_softmax: bool = False

    @classmethod
    def rtmpose(cls, spec: CropSpec) -> Targets:
        """Return the targets of RTMPose (Jiang et al. 2023, arXiv 2303.07399).

        Standard deviations of ``sqrt(side / 8)`` bins, (4.9, 5.66) at 192 x 256; beta 10 and
        label softmax as in its ``KLDiscretLoss``.
        """
        x, y = (math.sqrt(side / 8) / spec.split_ratio for side in (spec.width, spec.height))
        return cls((x, y), beta=10.0, label_softmax=True)


@dataclass(frozen=True)
class LossWeights:
    """Weights of all losses; a loss with weight 0 is not computed.

    Parameters
    ----------
    position, distill, structure, spine
        a, b, g1 and g2 of Khan et al. 2025, section 4.
    coarse, heat, reach
        Of our own losses.
    """

    position: float = 5.0
    distill: float = 2.5
    structure: float = 0.1
    spine: float = 0.5
    coarse: float = 0.0
    heat: float = 0.0
    reach: float = 0.0


_PLAIN = Targets()


def _bones(keypoints: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return first and last rows (B,) of the bones between the first `keypoints` rows."""
    pairs = SPINETRACK.bone_indices
    pairs = pairs[(pairs < keypoints).all(axis=1)]
    start, end = torch.from_numpy(pairs).to(device).T
    return start, end


def _rows(names: tuple[str, ...], device: torch.device) -> Tensor:
    """Return the rows (M,) of keypoints."""
    return torch.from_numpy(SPINETRACK.indices(names)).to(device)


def _wide(values: Tensor) -> Tensor:
    """Return half precision as float32; bfloat16 has 8 bits, too few for a sum over bins."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _labelled(points: Tensor, trust: Tensor) -> tuple[Tensor, Tensor]:
    """Return finite points and trust; a NaN times a weight of 0 would still be a NaN."""
    known = (trust > 0) & points.isfinite().all(dim=-1)
    return torch.where(known[..., None], points, 0.0), torch.where(known, trust, 0.0)


def _divergence(target: Tensor, logits: Tensor) -> Tensor:
    """Return KL(target || softmax(logits)) in nats over the last axis."""
    log_chance = F.log_softmax(_wide(logits), dim=-1).clamp(min=LOG_FLOOR)
    return F.kl_div(log_chance, target.to(log_chance.dtype), reduction="none").sum(dim=-1)


def _capped(divergence: Tensor) -> Tensor:
    """Return ``d`` up to the cap c and ``c (1 + ln(d / c))`` beyond it, with one slope at c.

    One wrong crowd-sourced label, or one bin that the network has walled off, must not own the
    gradient of a whole batch.
    """
    ratio = (divergence / DIVERGENCE_CAP).clamp(min=1)
    return torch.where(ratio > 1, DIVERGENCE_CAP * (1 + ratio.log()), divergence)


def _person_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return the mean over people of weighted means over keypoints, both (N, K).

    Each person counts alike, however many labels; a sum of weights below 1 counts as 1, so that
    a person with one doubtful label does not count like one with 37 good ones.
    """
    return ((values * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)).mean()


def _simcc_target(at: Tensor, bins: int, spec: CropSpec, sigma: float, kind: Targets) -> Tensor:
    """Return the wanted chances (N, K, bins) around coordinates (N, K) in crop pixels."""
    places = torch.arange(bins, device=at.device, dtype=at.dtype) / spec.split_ratio
    exponent = -0.5 * ((places - at[..., None]) / sigma).square()
    return torch.softmax(kind.beta * exponent.exp() if kind.label_softmax else exponent, dim=-1)


def position_loss(
    simcc_x: Tensor,
    simcc_y: Tensor,
    points: Tensor,
    trust: Tensor,
    spec: CropSpec,
    targets: Targets = _PLAIN,
) -> Tensor:
    """Return how far outputs are from Gaussians around the labels.

    ``L_pos = sum_k w_k [KL(g_x,k || p_x,k) + KL(g_y,k || p_y,k)] / sum_k w_k`` with
    ``p = softmax(beta logits)``, a mean over people (Khan et al. 2025, section 4, who write the
    plain sum; Li et al., SimCC, ECCV 2022). ``w_k`` is trust times :data:`JOINT_WEIGHTS`. The
    divergence of a keypoint above 12 nats grows only logarithmically.

    Parameters
    ----------
    simcc_x, simcc_y
        (N, K, bins) logits along x and y.
    points
        (N, K, 2) crop pixels.
    trust
        (N, K) in 0..1.
    spec
        The crop.
    targets
        Width and form of the Gaussians.
    """
    points, trust = _labelled(points, trust)
    total = torch.zeros_like(trust)
    for axis, logits in enumerate((simcc_x, simcc_y)):
        target = _simcc_target(
            points[..., axis], logits.shape[-1], spec, targets.sigma[axis], targets
        )
        total = total + _divergence(target, targets.beta * _wide(logits))
    weights = JOINT_WEIGHTS.to(trust)[: trust.shape[1]]
    return _person_mean(_capped(total), trust * weights)


def distillation_loss(
    simcc_x: Tensor,
    simcc_y: Tensor,
    teacher_x: Tensor,
    teacher_y: Tensor,
    weights: Tensor | None = None,
    *,
    beta: float = 1.0,
    temperature: float = 1.0,
) -> Tensor:
    """Return how far the student is from its teacher, over the keypoints that the teacher has.

    ``L_distill = t^2 sum_k w_k KL(q_k || p_k) / sum_k w_k`` for both axes, with
    ``q = softmax(beta teacher / t)`` and ``p = softmax(beta student / t)``, a mean over people
    (Khan et al. 2025, section 4; t as in Hinton et al. 2015, arXiv 1503.02531, whose factor t^2
    keeps the size of the gradient).

    Parameters
    ----------
    simcc_x, simcc_y
        (N, K, bins) logits of the student.
    teacher_x, teacher_y
        (N, T, bins) logits of the teacher for the first T <= K keypoints, on the same crops; no
        gradient flows into them.
    weights
        (T,) or (N, T) in 0..1, for instance the teacher's scores; default 1.
    beta
        As for the position loss: 10 for networks in the form of RTMPose.
    temperature
        t.
    """
    count = teacher_x.shape[1]
    factor = beta / temperature
    total = simcc_x.new_zeros(teacher_x.shape[:2], dtype=_wide(simcc_x).dtype)
    for student, teacher in ((simcc_x, teacher_x), (simcc_y, teacher_y)):
        wanted = torch.softmax(factor * _wide(teacher.detach()), dim=-1)
        total = total + _divergence(wanted, factor * _wide(student[:, :count]))
    given = torch.ones_like(total) if weights is None else weights.to(total).expand_as(total)
    return temperature**2 * _person_mean(_capped(total), given)


def expected_points(simcc_x: Tensor, simcc_y: Tensor, spec: CropSpec, beta: float = 1.0) -> Tensor:
    """Return the mean place (N, K, 2) in crop pixels of outputs (N, K, bins) along x and y.

    ``sum_i i softmax(beta logits)_i / split_ratio`` (Sun et al., Integral Human Pose Regression,
    ECCV 2018): unlike the likeliest bin it has a gradient.
    """
    axes = []
    for logits in (simcc_x, simcc_y):
        chance = torch.softmax(beta * _wide(logits), dim=-1)
        bins = torch.arange(logits.shape[-1], device=logits.device, dtype=chance.dtype)
        axes.append((chance * bins).sum(dim=-1) / spec.split_ratio)
    return torch.stack(axes, dim=-1)


def structure_loss(predicted: Tensor, points: Tensor, trust: Tensor) -> Tensor:
    """Return the mean error of bone directions, as a share of half a turn.

    ``L_structure = 1 / (pi |B|) sum_b |wrap(angle_pred(b) - angle_true(b))|`` with
    ``wrap = atan2(sin, cos)`` (Khan et al. 2025, section 4), over bones with two labels, weighted
    by the lesser trust. The wrapped difference is the angle between the two vectors,
    ``atan2(cross, dot)``. Bones under 2 pixels are left out, labelled or predicted: their angle
    is noise, and its gradient grows like one over the length.

    Parameters
    ----------
    predicted
        (N, K, 2) crop pixels, as from :func:`expected_points`.
    points
        (N, K, 2) crop pixels.
    trust
        (N, K) in 0..1.
    """
    points, trust = _labelled(points, trust)
    start, end = _bones(points.shape[1], points.device)
    true = points[:, end] - points[:, start]
    found = predicted[:, end] - predicted[:, start]
    shortest = torch.minimum(true.square().sum(dim=-1), found.detach().square().sum(dim=-1))
    clear = shortest >= SHORTEST_BONE**2
    both = torch.where(clear, torch.minimum(trust[:, start], trust[:, end]), 0.0)
    # Any clear direction will do for the others, as long as it has a finite gradient.
    some = true.new_tensor([1.0, 0.0])
    true, found = (torch.where(clear[..., None], v, some) for v in (true, found))
    cross = true[..., 0] * found[..., 1] - true[..., 1] * found[..., 0]
    gap = torch.atan2(cross, (true * found).sum(dim=-1)).abs()
    return (gap * both).sum() / both.sum().clamp(min=1) / math.pi


def spine_loss(predicted: Tensor, trust: Tensor, spec: CropSpec) -> Tensor:
    """Return how far the predicted spine is from its own smoothed course.

    ``s~_i = s~_{i-1} + w_i (s_i - s~_{i-1})`` from the top down, with
    ``w_i = 1 - 0.5 sigmoid(alpha (|s_i - s~_{i-1}| - T))``: long steps are damped;
    ``L_spine = MSE(s, s~)`` (Khan et al. 2025, section 4). Lengths are shares of the crop's
    height. A point counts with the least trust of the chain down to it: below a gap the course
    says nothing, and where nothing holds the points this loss alone would draw them together.

    Parameters
    ----------
    predicted
        (N, 37, 2) crop pixels, as from :func:`expected_points`.
    trust
        (N, 37) in 0..1.
    spec
        The crop.
    """
    rows = _rows(SPINETRACK.spine, predicted.device)
    chain = predicted[:, rows] / spec.height
    weights = trust[:, rows].cummin(dim=1).values
    smooth = [chain[:, 0]]
    for i in range(1, chain.shape[1]):
        step = chain[:, i] - smooth[-1]
        length = (step.square().sum(dim=-1, keepdim=True) + 1e-9).sqrt()
        damped = 1 - 0.5 * torch.sigmoid(SMOOTHING_SLOPE * (length - SMOOTHING_THRESHOLD))
        smooth.append(smooth[-1] + damped * step)
    error = (torch.stack(smooth, dim=1) - chain).square().mean(dim=-1)
    return (error * weights).sum() / weights.sum().clamp(min=1)


def coarse_loss(coarse: Tensor, points: Tensor, trust: Tensor) -> Tensor:
    """Return the error of coarse places in cells of 4 pixels: a prior must find the person (ours).

    Huber's loss on ``|coarse - points| / 4``, squared below 1, a mean over trusted labels.

    Parameters
    ----------
    coarse, points
        (N, K, 2) crop pixels.
    trust
        (N, K) in 0..1.
    """
    points, trust = _labelled(points, trust)
    gap = F.smooth_l1_loss(_wide(coarse), points, reduction="none", beta=COARSE_SCALE)
    error = gap.sum(dim=-1) / COARSE_SCALE
    return (error * trust).sum() / trust.sum().clamp(min=1)


def heat_loss(
    heat: Tensor, points: Tensor, trust: Tensor, spec: CropSpec, sigma: float = HEAT_SIGMA
) -> Tensor:
    """Return how far coarse heatmaps are from Gaussians around the labels (ours).

    ``sum_k w_k KL(g_k || softmax(heat_k)) / sum_k w_k``, the softmax over all cells, a mean over
    people: deep supervision (Lee et al., AISTATS 2015) of the features that SimCC outputs are
    read from. ``w_k`` is trust.

    Parameters
    ----------
    heat
        (N, K, rows, columns) logits; cells divide the crop evenly.
    points
        (N, K, 2) crop pixels.
    trust
        (N, K) in 0..1.
    spec
        The crop.
    sigma
        Standard deviation of the Gaussians in cells.
    """
    points, trust = _labelled(points, trust)
    rows, columns = heat.shape[-2:]
    exponents = []
    for axis, (cells, side) in enumerate(((columns, spec.width), (rows, spec.height))):
        # The middle of cell 0 lies half a cell from the crop's border, which is at pixel -0.5.
        at = (points[..., axis, None] + 0.5) * (cells / side) - 0.5
        places = torch.arange(cells, device=at.device, dtype=at.dtype)
        exponents.append(-0.5 * ((places - at) / sigma).square())
    x, y = exponents
    target = torch.softmax((y[..., :, None] + x[..., None, :]).flatten(-2), dim=-1)
    return _person_mean(_capped(_divergence(target, heat.flatten(-2))), trust)


def reach_loss(predicted: Tensor, spec: CropSpec) -> Tensor:
    """Return how far feet leave their ankle and spine points their neighbour (ours).

    A hinge, ``relu(|a - b| - limit)`` in crop heights: a foot reaches at most a share of its shin
    from the ankle, two neighbours of the spine at most a share of the way from the shoulders to
    the hips. It needs no labels, so real people without foot and spine labels take part. Shin,
    ankle and trunk are held fixed: only the new points move.

    Parameters
    ----------
    predicted
        (N, 37, 2) crop pixels, as from :func:`expected_points`.
    spec
        The crop.
    """
    places = predicted / spec.height
    fixed = places.detach()

    def at(source: Tensor, *names: str) -> Tensor:
        return source[:, _rows(names, source.device)]

    terms = []
    for side in ("left", "right"):
        ankle = at(fixed, f"{side}_ankle")
        limit = FOOT_REACH * (ankle - at(fixed, f"{side}_knee")).norm(dim=-1)
        feet = at(places, f"{side}_big_toe", f"{side}_small_toe", f"{side}_heel")
        terms.append(_beyond(feet, ankle, limit))
    hips = at(fixed, "left_hip", "right_hip").mean(dim=1, keepdim=True)
    shoulders = at(fixed, "left_shoulder", "right_shoulder").mean(dim=1, keepdim=True)
    limit = SPINE_REACH * (shoulders - hips).norm(dim=-1)
    chain = at(places, *SPINETRACK.spine)
    terms.append(_beyond(chain[:, 1:], chain[:, :-1], limit))
    return torch.cat(terms, dim=1).mean()


def _beyond(a: Tensor, b: Tensor, limit: Tensor) -> Tensor:
    """Return how much farther (N, M) than limit and slack two points are apart."""
    # The small number keeps the root's gradient finite where points coincide.
    gap = ((a - b).square().sum(dim=-1) + 1e-10).sqrt()
    return F.relu(gap - limit - REACH_SLACK)


def total_loss(
    outputs: Outputs,
    teacher: tuple[Tensor, Tensor] | None,
    points: Tensor,
    trust: Tensor,
    spec: CropSpec,
    weights: LossWeights,
    targets: Targets = _PLAIN,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the weighted sum of all losses and, by name, each one alone.

    Parameters
    ----------
    outputs
        Of the network that learns.
    teacher
        Logits (N, T, bins) along x and y on the same crops; None = no distillation.
    points, trust
        (N, >= K, 2) crop pixels and (N, >= K) in 0..1; the first K are read.
    spec
        The crop.
    weights
        Losses with weight 0 are skipped.
    targets
        Width and form of the position targets; its beta holds for all readings of logits.

    Returns
    -------
    loss : Tensor
        A scalar.
    parts : dict
        Scalars without gradient, before weighting.

    Raises
    ------
    ValueError
        If a weight asks for an output that the network does not have.
    """
    x, y = outputs.simcc_x, outputs.simcc_y
    points, trust = points[:, : x.shape[1]], trust[:, : x.shape[1]]
    parts: dict[str, Tensor] = {}
    if weights.position:
        parts["position"] = position_loss(x, y, points, trust, spec, targets)
    if weights.distill and teacher is not None:
        parts["distill"] = distillation_loss(x, y, *teacher, beta=targets.beta)
    if weights.structure or weights.spine or weights.reach:
        parts |= _shape_losses(outputs, points, trust, spec, weights, targets.beta)
    if weights.coarse:
        parts["coarse"] = coarse_loss(_present(outputs.coarse, "coarse"), points, trust)
    if weights.heat:
        parts["heat"] = heat_loss(_present(outputs.heat, "heat"), points, trust, spec)
    loss = sum((getattr(weights, k) * v for k, v in parts.items()), start=_wide(x).new_zeros(()))
    return loss, {k: v.detach() for k, v in parts.items()}


def _shape_losses(
    outputs: Outputs,
    points: Tensor,
    trust: Tensor,
    spec: CropSpec,
    weights: LossWeights,
    beta: float,
) -> dict[str, Tensor]:
    """Return the losses on expected places."""
    if (weights.spine or weights.reach) and outputs.simcc_x.shape[1] < len(SPINETRACK):
        raise ValueError("the spine and reach losses need a network with all 37 keypoints")
    predicted = expected_points(outputs.simcc_x, outputs.simcc_y, spec, beta)
    parts = {}
    if weights.structure:
        parts["structure"] = structure_loss(predicted, points, trust)
    if weights.spine:
        parts["spine"] = spine_loss(predicted, trust, spec)
    if weights.reach:
        parts["reach"] = reach_loss(predicted, spec)
    return parts


def _present(output: Tensor | None, name: str) -> Tensor:
    if output is None:
        raise ValueError(f"the network has no {name} output: set the weight of this loss to 0")
    return output
