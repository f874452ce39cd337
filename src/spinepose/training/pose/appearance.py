"""How pictures of people come to look: light, lens, sensor, compression, things in the way.

Every function takes some pictures (R, 3, h, w) RGB 0..255, float32 on any device, and returns
changed ones of the same shape, each changed in its own way. Values may leave 0..255 a little;
the caller clamps once at the end.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "Dice",
    "blurred",
    "coarsened",
    "compressed",
    "covered",
    "jpeg",
    "noisy",
    "pasted",
    "recoloured",
]

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG files
LEAST_SHRINK = 1.5
_REFERENCE = 256  # pixels of the height that blur widths are given for

# Quantisation tables of quality 50: ITU-T T.81 (the JPEG standard), annex K.1.
_LUMA_STEPS = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_STEPS = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)


class Dice:
    """Random numbers of one generator, on its device.

    Parameters
    ----------
    generator
        Source of all randomness; its state is the whole state.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator
        self.device = generator.device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return numbers of the given shape, evenly spread in low..high."""
        return low + (high - low) * torch.rand(shape, generator=self.generator, device=self.device)

    def normal(self, deviation: float, *shape: int) -> Tensor:
        """Return numbers of the given shape around 0."""
        return deviation * torch.randn(shape, generator=self.generator, device=self.device)

    def chance(self, share: float, count: int) -> Tensor:
        """Return `count` booleans, each true with chance `share`."""
        return torch.rand(count, generator=self.generator, device=self.device) < share


def recoloured(pictures: Tensor, dice: Dice) -> Tensor:
    """Return pictures in other light: gain of each channel, contrast, saturation, gamma."""
    count = len(pictures)
    gain = (dice.normal(0.07, count, 3) + dice.normal(0.2, count, 1)).exp()
    contrast = dice.uniform(0.7, 1.3, count, 1, 1)
    saturation = dice.uniform(0.5, 1.4, count, 1, 1)
    gamma = dice.normal(0.15, count, 1, 1, 1).exp()
    saturation[dice.chance(0.12, count)] = 0  # black and white
    luma = torch.tensor(LUMA, device=pictures.device).expand(3, 3)
    # All three are linear: one matrix and one offset for each picture.
    matrix = (saturation * torch.eye(3, device=pictures.device) + (1 - saturation) * luma) * gain[
        :, None
    ]
    offset = 127.5 * (1 - contrast) * matrix.sum(dim=2, keepdim=True)
    mixed = torch.baddbmm(offset, contrast * matrix, pictures.flatten(2))
    share = mixed.view_as(pictures).mul_(1 / 255).clamp_(1e-4, 1)
    return share.pow_(gamma).mul_(255)


def blurred(pictures: Tensor, dice: Dice) -> Tensor:
    """Return pictures out of focus or moving: a Gaussian of its own width along each axis."""
    count, _, height, width = pictures.shape
    sigma = dice.uniform(0.3, 2.2, 2, count) * (height / _REFERENCE)
    return _separable(pictures, _gaussian(height, sigma[0]), _gaussian(width, sigma[1]))


def coarsened(pictures: Tensor, dice: Dice) -> Tensor:
    """Return pictures of far people: shrunk to 2/3 .. 1/4 by area, then enlarged linearly."""
    count, _, height, width = pictures.shape
    factor = dice.uniform(LEAST_SHRINK, 4.0, count)
    return _separable(pictures, _resampling(height, factor), _resampling(width, factor))


def _separable(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Apply one matrix (R, h, h) along y and one (R, w, w) along x to each picture.

    Dense matrices, because each picture has a filter of its own: two products do all of them.
    """
    return rows[:, None] @ pictures @ columns[:, None].mT


def _gaussian(side: int, sigma: Tensor) -> Tensor:
    """Return smoothing matrices (R, side, side) of widths (R,); rows sum to 1, also at borders."""
    at = torch.arange(side, device=sigma.device)
    gap = (at[:, None] - at) / sigma[:, None, None]
    # Beyond four widths exactly 0: products with numbers near the least float are ten times slower.
    weights = torch.where(gap.abs() < 4, torch.exp(-0.5 * gap.square()), 0.0)
    return weights / weights.sum(dim=2, keepdim=True)


def _resampling(side: int, factor: Tensor) -> Tensor:
    """Return matrices (R, side, side) that shrink by factors (R,) and enlarge back."""
    cells = (side / factor).round()[:, None, None]
    size = side / cells
    cell = torch.arange(int(side / LEAST_SHRINK) + 1, device=factor.device)
    at = torch.arange(side, device=factor.device)
    # Shrink: each cell is the mean of the pixels that it overlaps.
    first, last = cell[:, None] * size, (cell[:, None] + 1) * size
    shrink = (torch.minimum(at + 1, last) - torch.maximum(at, first)).clamp(min=0) / size
    # Enlarge: linear between the middles of two cells, constant beyond the outer ones.
    middle = ((at[:, None] + 0.5) / size - 0.5).clamp(min=0).minimum(cells - 1)
    enlarge = (1 - (middle - cell).abs()).clamp(min=0)
    return enlarge @ shrink


def noisy(pictures: Tensor, dice: Dice) -> Tensor:
    """Return pictures with the noise of a sensor, standard deviation 2..12."""
    grain = torch.randn(pictures.shape, generator=dice.generator, device=dice.device)
    return pictures + grain.mul_(dice.uniform(2, 12, len(pictures), 1, 1, 1))


def compressed(pictures: Tensor, dice: Dice) -> Tensor:
    """Return pictures after a JPEG file of quality 15..75."""
    return jpeg(pictures, dice.uniform(15, 75, len(pictures)).round())


def jpeg(pictures: Tensor, quality: Tensor) -> Tensor:
    """Return what a JPEG file of some quality (R,) in 1..100 leaves of pictures.

    The lossy steps of ITU-T T.81 with chroma at half the side (4:2:0): cosine transform of 8 x 8
    blocks, rounding to multiples of annex K's tables, scaled as by the Independent JPEG Group's
    library, and back.
    """
    height, width = pictures.shape[2:]
    # Chroma blocks cover 16 pixels.
    padded = F.pad(pictures, (0, -width % 16, 0, -height % 16), mode="replicate")
    red, green, blue = padded.unbind(dim=1)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    chroma = torch.stack([(blue - luma) / 1.772, (red - luma) / 1.402], dim=1)
    luma = _requantised(luma[:, None] - 128, _LUMA_STEPS, quality)[:, 0] + 128
    small = _requantised(F.avg_pool2d(chroma, 2), _CHROMA_STEPS, quality)
    cb, cr = F.interpolate(small, scale_factor=2.0, mode="bilinear").unbind(dim=1)
    red, blue = luma + 1.402 * cr, luma + 1.772 * cb
    green = (luma - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return torch.stack([red, green, blue], dim=1)[:, :, :height, :width]


def _requantised(planes: Tensor, steps: tuple[int, ...], quality: Tensor) -> Tensor:
    """Return planes (R, C, h, w) whose cosine coefficients are rounded to multiples of steps."""
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None]
    table = ((torch.tensor(steps, device=planes.device) * scale + 50) / 100).floor().clamp(1, 255)
    step = table.view(-1, 1, 1, 8, 1, 8)
    cosine = _cosine(planes.device)
    count, channels, height, width = planes.shape
    rows = cosine @ planes.reshape(count, channels, height // 8, 8, width)
    blocks = rows.view(count, channels, height // 8, 8, width // 8, 8) @ cosine.T
    blocks = (blocks / step).round_() * step
    return (cosine.T @ (blocks @ cosine).view(rows.shape)).view(planes.shape)


def _cosine(device: torch.device) -> Tensor:
    """Return the orthonormal cosine transform (8, 8) of ITU-T T.81, A.3.3."""
    k = torch.arange(8, device=device)
    matrix = torch.cos((2 * k + 1) * k[:, None] * (math.pi / 16)) / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def covered(pictures: Tensor, dice: Dice) -> Tensor:
    """Return pictures with one or two patches of one colour or of another place in them."""
    count = len(pictures)
    for share in (1.0, 0.5):
        colour = dice.uniform(0, 255, count, 3, 1, 1)
        other = pictures.flip(2, 3)
        fill = torch.where(dice.chance(0.5, count).view(-1, 1, 1, 1), colour, other)
        hidden = _patches(pictures, dice, 0.08, 0.32)
        hidden &= dice.chance(share, count).view(-1, 1, 1, 1)
        pictures = torch.where(hidden, fill, pictures)
    return pictures


def pasted(pictures: Tensor, others: Tensor, dice: Dice) -> Tensor:
    """Return pictures behind a piece of other people's pictures (R, 3, h, w)."""
    return torch.where(_patches(pictures, dice, 0.15, 0.45), others, pictures)


def _patches(pictures: Tensor, dice: Dice, low: float, high: float) -> Tensor:
    """Return masks (R, 1, h, w) of one rectangle or ellipse in each picture.

    Its sides are low..high of the picture's shorter side, its middle is anywhere.
    """
    count, _, height, width = pictures.shape
    radii = dice.uniform(low, high, 2, count, 1, 1) * (min(height, width) / 2)
    middle = dice.uniform(0, 1, 2, count, 1, 1)
    x = torch.arange(width, device=dice.device) - middle[0] * width
    y = torch.arange(height, device=dice.device)[:, None] - middle[1] * height
    x, y = (x / radii[0]).abs(), (y / radii[1]).abs()
    round_ = dice.chance(0.5, count).view(-1, 1, 1)
    inside = torch.where(round_, x.square() + y.square(), torch.maximum(x, y)) < 1
    return inside[:, None]
