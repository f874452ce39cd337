"""The main road: image or video in, people with keypoints out."""

from spinepose.inference.estimator import SpinePoseEstimator
from spinepose.inference.pipeline import infer_image, infer_video, process_video, stream
from spinepose.inference.results import Outputs, VideoSummary
from spinepose.inference.settings import Settings
from spinepose.inference.tracker import PoseTracker

__all__ = [
    "Outputs",
    "PoseTracker",
    "Settings",
    "SpinePoseEstimator",
    "VideoSummary",
    "infer_image",
    "infer_video",
    "process_video",
    "stream",
]
