"""A page for correcting keypoints: served to this machine's browser only, driven by keyboard."""

from __future__ import annotations

from spinepose.annotation.page.server import PageServer, serve
from spinepose.annotation.page.tasks import Task, read_tasks

__all__ = ["PageServer", "Task", "read_tasks", "serve"]
