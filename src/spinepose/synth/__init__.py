"""Synthetic people: bodies with known vertebrae, dressed, posed, lit and photographed.

World frame: metres, right-handed, z up, the ground at z = 0. A person at rest stands at the origin
and faces -y; the left side is +x. Camera frame: x right, y down, z forward (OpenCV).
"""
