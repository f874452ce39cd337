"""Backdrops: the places behind synthetic people, with the light that they stand in.

From equirectangular panoramas, flat photos, or computed (rooms, fields, studios, clutter).
"""

from __future__ import annotations

from spinepose.synth.backdrops.base import Backdrop
from spinepose.synth.backdrops.places import KINDS, procedural
from spinepose.synth.backdrops.source import BackdropSource, open_backdrops

__all__ = ["KINDS", "Backdrop", "BackdropSource", "open_backdrops", "procedural"]
