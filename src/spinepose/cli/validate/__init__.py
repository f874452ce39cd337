"""``spinepose validate``: tell whether a body could have these keypoints."""

from __future__ import annotations

from spinepose.cli.validate.command import validate

__all__ = ["validate"]
