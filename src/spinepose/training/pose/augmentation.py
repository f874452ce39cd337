"""Crops of people as a network reads them: plain, or each changed in its own way.

Works on whole batches on the device that trains. Square pictures with context around one person
each come in (:mod:`~spinepose.training.pose.shards`); one affine map for each, sampled once,
makes the crop. Changes of the picture follow in the order in which a camera adds them: things in
the way, light, lens, distance, sensor, file. Costly ones run only for the people they are drawn
for.

All randomness comes from one :class:`torch.Generator`: its state and the batch decide everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.appearance import (
    Dice,
    blurred,
    coarsened,
    compressed,
    covered,
    noisy,
    pasted,
    recoloured,
)
from spinepose.training.pose.networks.base import CropSpec

__all__ = ["Strength", "augment", "plain"]

PADDING = 1.25  # of boxes, RTMPose (Jiang et al. 2023)
_LEGS = ("knee", "ankle", "toe", "heel")
_LOWER = ("hip", "spine_01", "spine_02", *_LEGS)
_UPPER_SHARE = 0.6  # of half bodies: people at tables are commoner than legs alone
_HALF_LEAST = 6  # labelled keypoints that make a half body
_HALF_PAD = 0.15  # of the larger side: flesh around the joints
_STILL = 0.3  # share of people who are not turned at all
_SIZES = (-0.45, 0.35)  # limits of the logarithm of the size


@dataclass(frozen=True)
class Strength:
    """How hard crops are changed.

    Parameters
    ----------
    scale
        Standard deviation of the logarithm of the size.
    turn, wild
        Standard deviation of the rotation in degrees; with chance `wild` any angle instead
        (handstands, gymnastics, people lying down).
    shift
        Standard deviation of the shift as a share of the crop's sides.
    half, mirror
        Chance of showing the upper or the lower half of the body; of mirroring.
    colour, cover, paste, blur, coarse, noise, jpeg
        Chance of other light, patches that hide something, a piece of somebody else in front,
        lack of focus, few pixels, a noisy sensor, a small JPEG file.
    """

    scale: float = 0.15
    turn: float = 25.0
    wild: float = 0.15
    shift: float = 0.03
    half: float = 0.1
    mirror: float = 0.5
    colour: float = 0.7
    cover: float = 0.35
    paste: float = 0.15
    blur: float = 0.1
    coarse: float = 0.1
    noise: float = 0.1
    jpeg: float = 0.15


def plain(crops: Tensor, boxes: Tensor, spec: CropSpec) -> tuple[Tensor, Tensor]:
    """Return unchanged crops, as in inference, and the maps to them.

    Parameters
    ----------
    crops
        (N, 3, S, S) uint8 RGB.
    boxes
        (N, 4) xyxy in pixels of `crops`, on pixel borders.
    spec
        The crop.

    Returns
    -------
    pictures : (N, 3, h, w)
        float32 RGB 0..255.
    transforms : (N, 2, 3)
        From pixels of `crops` to crop pixels, as
        :func:`~spinepose.geometry.crop_transforms` gives them.
    """
    still = torch.zeros(len(boxes), device=boxes.device)
    transforms = _fitted(boxes, spec, still, still + 1)
    return _sampled(crops, transforms, spec), transforms


@torch.no_grad()
def augment(
    crops: Tensor,
    boxes: Tensor,
    points: Tensor,
    trust: Tensor,
    spec: CropSpec,
    strength: Strength,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return changed crops with their labels.

    Keypoints behind a patch keep their trust: as people who label do, the network has to guess
    hidden joints from what it sees of the rest of the body.

    Parameters
    ----------
    crops
        (N, 3, S, S) uint8 RGB with context around each person.
    boxes
        (N, 4) xyxy in pixels of `crops`, on pixel borders.
    points, trust
        (N, 37, 2) pixels of `crops` and (N, 37) in 0..1; 0 = no label, which may be NaN.
    spec
        The crop.
    strength
        Of the changes.
    generator
        Source of all randomness, on the device of `crops`.

    Returns
    -------
    pictures : (N, 3, h, w)
        float32 RGB 0..255.
    points : (N, 37, 2)
        Crop pixels; 0 where there is no label.
    trust : (N, 37)
        0 where there is no label or it is outside the crop.
    """
    dice = Dice(generator)
    known = (trust > 0) & points.isfinite().all(dim=-1)
    points = torch.where(known[..., None], points.float(), 0.0)
    mirrored = dice.chance(strength.mirror, len(crops))
    transforms = _placed(boxes.float(), points, known, spec, strength, dice)
    transforms = torch.where(mirrored[:, None, None], _mirror(transforms, spec), transforms)
    # Changes of the picture would be too coarse in a caller's half precision.
    with torch.autocast(crops.device.type, enabled=False):
        pictures = _sampled(crops, transforms, spec)
        pictures = _changed(pictures, strength, dice).clamp_(0, 255)
    at = torch.where(known[..., None], _mapped(transforms, points), 0.0)
    limits = at.new_tensor([spec.width - 1, spec.height - 1])
    inside = known & ((at >= 0) & (at <= limits)).all(dim=-1)
    kept = torch.where(inside, trust.float(), 0.0)
    swap = torch.from_numpy(SPINETRACK.flip).to(at.device)
    at = torch.where(mirrored[:, None, None], at[:, swap], at)
    kept = torch.where(mirrored[:, None], kept[:, swap], kept)
    return pictures, at, kept


def _fitted(boxes: Tensor, spec: CropSpec, turn: Tensor, size: Tensor) -> Tensor:
    """Return maps (N, 2, 3) that turn boxes by angles (N,) and fit them to the crop times `size`.

    The crop fits what a detector would say about the turned person: the box around the ellipse
    that fills the box, turned. A standing person laid down thus fills a high crop's width, as
    somebody lying would in inference.
    """
    cos, sin = turn.cos(), turn.sin()
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1.0)
    across, along = sides.unbind(dim=1)
    width = ((across * cos).square() + (along * sin).square()).sqrt()
    height = ((across * sin).square() + (along * cos).square()).sqrt()
    scale = size * torch.minimum(spec.width / width, spec.height / height) / PADDING
    linear = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2) * scale[:, None, None]
    # Boxes lie on pixel borders, points on pixel centres: half a pixel apart.
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5
    middle = boxes.new_tensor([spec.width - 1, spec.height - 1]) / 2
    shift = middle - _product(linear, centres[:, None])[:, 0]
    return torch.cat([linear, shift[..., None]], dim=2)


def _placed(
    boxes: Tensor, points: Tensor, known: Tensor, spec: CropSpec, how: Strength, dice: Dice
) -> Tensor:
    """Return random maps (N, 2, 3) from pictures to crops, mirroring left out."""
    count = len(boxes)
    half = dice.chance(how.half, count)
    upper = dice.chance(_UPPER_SHARE, count)
    boxes = torch.where(half[:, None], _half_boxes(boxes, points, known, upper), boxes)
    turn = dice.normal(math.radians(how.turn), count) * dice.chance(1 - _STILL, count)
    anywhere = dice.uniform(-math.pi, math.pi, count)
    turn = torch.where(dice.chance(how.wild, count), anywhere, turn)
    size = dice.normal(how.scale, count).clamp(*_SIZES).exp()
    transforms = _fitted(boxes, spec, turn, size)
    sides = boxes.new_tensor([spec.width, spec.height])
    transforms[:, :, 2] += dice.normal(how.shift, count, 2) * sides
    return transforms


def _half_boxes(boxes: Tensor, points: Tensor, known: Tensor, upper: Tensor) -> Tensor:
    """Return boxes (N, 4) around the upper or lower keypoints, or as given if too few are known."""
    names = SPINETRACK.keypoints
    above = torch.tensor([not any(p in n for p in _LEGS) for n in names], device=boxes.device)
    below = torch.tensor([any(p in n for p in _LOWER) for n in names], device=boxes.device)
    chosen = known & torch.where(upper[:, None], above, below)
    low = torch.where(chosen[..., None], points, math.inf).amin(dim=1)
    high = torch.where(chosen[..., None], points, -math.inf).amax(dim=1)
    pad = _HALF_PAD * (high - low).amax(dim=1, keepdim=True)
    # From pixel centres to pixel borders.
    around = torch.cat([low - pad, high + pad], dim=1) + 0.5
    enough = chosen.sum(dim=1, keepdim=True) >= _HALF_LEAST
    return torch.where(enough, around, boxes)


def _mirror(transforms: Tensor, spec: CropSpec) -> Tensor:
    """Return maps (N, 2, 3) followed by mirroring: pixel x goes to ``width - 1 - x``."""
    x, y = transforms.unbind(dim=1)
    return torch.stack([x.new_tensor([0, 0, spec.width - 1]) - x, y], dim=1)


def _product(linear: Tensor, points: Tensor) -> Tensor:
    """Return matrices (N, 2, 2) times points (N, K, 2).

    Written out, since a matrix product in TF32, which training may allow, has 11 bits: it would
    move points and pictures by tenths of a pixel.
    """
    return (linear[:, None] * points[:, :, None]).sum(dim=-1)


def _mapped(transforms: Tensor, points: Tensor) -> Tensor:
    """Return points (N, K, 2) mapped by maps (N, 2, 3)."""
    return _product(transforms[:, :, :2], points) + transforms[:, None, :, 2]


def _sampled(crops: Tensor, transforms: Tensor, spec: CropSpec) -> Tensor:
    """Return pictures (N, 3, h, w) read linearly from crops; black outside, as in inference.

    Nothing is smoothed before, however small the person becomes: inference (``cv2.warpAffine``)
    does not do so either, and the network should know what that looks like.
    """
    (a, b, tx), (c, d, ty) = (row.unbind(dim=1) for row in transforms.unbind(dim=1))
    scale = a * d - b * c
    x = torch.arange(spec.width, device=crops.device) - tx[:, None]  # (N, w)
    y = torch.arange(spec.height, device=crops.device) - ty[:, None]  # (N, h)
    across = torch.stack([d[:, None] * x, -c[:, None] * x], dim=-1)[:, None]
    along = torch.stack([-b[:, None] * y, a[:, None] * y], dim=-1)[:, :, None]
    at = (across + along) / scale.view(-1, 1, 1, 1)  # (N, h, w, 2) pixels of `crops`
    sides = at.new_tensor([crops.shape[3], crops.shape[2]])
    # The sampler counts from -1 to 1 between the outer borders of the outer pixels.
    grid = (2 * at + 1) / sides - 1
    return F.grid_sample(crops.float(), grid, align_corners=False)


def _changed(pictures: Tensor, how: Strength, dice: Dice) -> Tensor:
    """Return pictures (N, 3, h, w) with every change applied to those it is drawn for."""
    count = len(pictures)
    others = torch.randint(1, max(count, 2), (1,), generator=dice.generator, device=dice.device)

    def behind(chosen: Tensor, rows: Tensor) -> Tensor:
        # Of one person alone, the piece is the picture's own: nothing changes.
        return pasted(chosen, pictures[(rows + others) % count], dice)

    changes: tuple[tuple[float, Callable[[Tensor, Tensor], Tensor]], ...] = (
        (how.paste, behind),
        (how.cover, lambda chosen, _: covered(chosen, dice)),
        (how.colour, lambda chosen, _: recoloured(chosen, dice)),
        (how.blur, lambda chosen, _: blurred(chosen, dice)),
        (how.coarse, lambda chosen, _: coarsened(chosen, dice)),
        (how.noise, lambda chosen, _: noisy(chosen, dice)),
        (how.jpeg, lambda chosen, _: compressed(chosen, dice)),
    )
    for share, change in changes:
        rows = dice.chance(share, count).nonzero().flatten()
        if len(rows):
            pictures[rows] = change(pictures[rows], rows)
    return pictures
