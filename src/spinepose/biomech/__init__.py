"""Biomechanics: a body model with an articulated spine, its motion, and OpenSim's files."""

from __future__ import annotations

from spinepose.biomech.body import body_model
from spinepose.biomech.c3d import read_c3d, write_c3d
from spinepose.biomech.kinematics import BodyFrames, Kinematics
from spinepose.biomech.osim import write_osim
from spinepose.biomech.spec import Body, Coordinate, Marker, ModelSpec, Turn
from spinepose.biomech.tables import Table, read_motion, read_table, write_motion, write_table

__all__ = [
    "Body",
    "BodyFrames",
    "Coordinate",
    "Kinematics",
    "Marker",
    "ModelSpec",
    "Table",
    "Turn",
    "body_model",
    "read_c3d",
    "read_motion",
    "read_table",
    "write_c3d",
    "write_motion",
    "write_osim",
    "write_table",
]
