"""The report of a validation, and the queue of keypoints to correct."""

from spinepose.biomech.report.page import write_report
from spinepose.biomech.report.plausible import headline, write_plausibility
from spinepose.biomech.report.queue import queue_of

__all__ = ["headline", "queue_of", "write_plausibility", "write_report"]
