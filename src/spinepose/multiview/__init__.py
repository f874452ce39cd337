"""Several calibrated cameras: read them, bring them into step, find points in space."""

from spinepose.multiview.calibration import check_cameras, read_calibration
from spinepose.multiview.cameras import Camera
from spinepose.multiview.report import ReprojectionReport, ViewNumbers, reprojection_report
from spinepose.multiview.synchronisation import Synchronisation, synchronise
from spinepose.multiview.triangulation import Triangulation, triangulate

__all__ = [
    "Camera",
    "ReprojectionReport",
    "Synchronisation",
    "Triangulation",
    "ViewNumbers",
    "check_cameras",
    "read_calibration",
    "reprojection_report",
    "synchronise",
    "triangulate",
]
