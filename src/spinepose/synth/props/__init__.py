"""Props: things that people hold, wear, sit on or stand behind, made of a few hundred faces each.

Sizes and colours are drawn from the ranges of real things; metres, z up.
"""

from spinepose.synth.props.catalogue import draw_prop, draw_two_handed

__all__ = ["draw_prop", "draw_two_handed"]
