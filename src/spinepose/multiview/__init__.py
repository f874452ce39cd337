"""Several calibrated cameras: read them and what they saw, find who is who, and points in space."""

from spinepose.multiview.calibration import check_cameras, read_calibration
from spinepose.multiview.cameras import Camera
from spinepose.multiview.people import Person, match_people
from spinepose.multiview.recordings import (
    Track,
    View,
    align_views,
    fit_camera,
    read_view,
    view_of,
)
from spinepose.multiview.report import ReprojectionReport, ViewNumbers, reprojection_report
from spinepose.multiview.step import Step, check_step
from spinepose.multiview.synchronisation import Synchronisation, synchronise
from spinepose.multiview.triangulation import Triangulation, triangulate

__all__ = [
    "Camera",
    "Person",
    "ReprojectionReport",
    "Step",
    "Synchronisation",
    "Track",
    "Triangulation",
    "View",
    "ViewNumbers",
    "align_views",
    "check_cameras",
    "check_step",
    "fit_camera",
    "match_people",
    "read_calibration",
    "read_view",
    "reprojection_report",
    "synchronise",
    "triangulate",
    "view_of",
]
