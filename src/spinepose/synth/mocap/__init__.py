"""Recorded motion of people, read from the files of motion capture studios.

:func:`read_motion` reads Acclaim's ``.asf`` and ``.amc`` pairs, the format of the CMU Graphics Lab
Motion Capture Database (http://mocap.cs.cmu.edu), and Biovision's ``.bvh``.
"""

from spinepose.synth.mocap.reading import MOTION_SUFFIXES, find_motions, read_motion
from spinepose.synth.mocap.recording import Recording

__all__ = ["MOTION_SUFFIXES", "Recording", "find_motions", "read_motion"]
