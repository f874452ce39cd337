"""Colours that everybody can tell apart, and how thick things are."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["DEFAULT", "Color", "Style"]

Color = tuple[int, int, int]


def _okabe_ito() -> dict[str, Color]:
    return {
        "left": (86, 180, 233),  # sky blue
        "right": (213, 94, 0),  # vermilion
        "head": (204, 121, 167),  # reddish purple
        "trunk": (0, 120, 88),  # bluish green, darkened
        "spine": (240, 228, 66),  # yellow
    }


@dataclass(frozen=True)
class Style:
    """Colours (RGB 0..255) and widths of a drawn person.

    The colours are those of Okabe and Ito, "Color Universal Design" (2008), which people with
    any common colour-blindness can tell apart. Any two also differ in lightness, so that a print
    in grey can be read; the trunk's green is darkened for that. The spine is the lightest.

    Parameters
    ----------
    parts
        Colour of each part of the body, see :class:`spinepose.skeleton.Bone`.
    outline
        The dark rim around everything, for light ground.
    vertebra
        Dots along the spine.
    text
        Track ids, which stand on `outline`.
    line_share
        Line width as a share of the person's size, the diagonal of the box.
    least_width, greatest_width
        Limits of the line width in px.
    fade
        Keypoints scored less than this above the threshold are faint.
    """

    parts: dict[str, Color] = field(default_factory=_okabe_ito)
    outline: Color = (20, 20, 20)
    vertebra: Color = (255, 255, 255)
    text: Color = (255, 255, 255)
    line_share: float = 1 / 110
    least_width: int = 1
    greatest_width: int = 24
    fade: float = 0.2


DEFAULT = Style()
