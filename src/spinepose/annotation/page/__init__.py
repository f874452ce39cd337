"""A page for correcting keypoints: served to this machine's browser only, driven by keyboard."""

from __future__ import annotations

from spinepose.annotation.page.server import PageServer, serve

__all__ = ["PageServer", "serve"]
