"""Motion capture: Acclaim (.asf with .amc) and Biovision (.bvh) files."""

from spinepose.synth.mocap.recording import Recording
from spinepose.synth.mocap.reading import MOTION_SUFFIXES, find_motions, read_motion

__all__ = ["MOTION_SUFFIXES", "Recording", "find_motions", "read_motion"]
