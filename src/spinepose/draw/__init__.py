"""Pictures that people would rather look at than read."""

from spinepose.draw.curves import smooth_curve
from spinepose.draw.people import draw_poses
from spinepose.draw.sheet import contact_sheet
from spinepose.draw.style import DEFAULT, Style

__all__ = ["DEFAULT", "Style", "contact_sheet", "draw_poses", "smooth_curve"]
