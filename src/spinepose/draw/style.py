"""Colours that everybody can tell apart."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["DEFAULT", "Color", "Style"]

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Style:
    """Colours (RGB 0..255) and widths of a drawn person.

    The colours are those of Okabe and Ito, "Color Universal Design" (2008), which people with
    any common colour-blindness can tell apart; left and right also differ in lightness.
    """

    parts: dict[str, Color] = field(
        default_factory=lambda: {
            "left": (86, 180, 233),  # sky blue
            "right": (213, 94, 0),  # vermilion
            "head": (204, 121, 167),  # reddish purple
            "trunk": (0, 158, 115),  # bluish green
            "spine": (240, 228, 66),  # yellow
        }
    )
    outline: Color = (20, 20, 20)
    vertebra: Color = (255, 255, 255)
    text: Color = (255, 255, 255)
    line_share: float = 1 / 110
    """Line width as a share of the person's size."""
    least_width: int = 1
    greatest_width: int = 12


DEFAULT = Style()
