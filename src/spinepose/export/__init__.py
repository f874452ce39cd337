"""Results as files: one module a format."""

from spinepose.export.document import (
    JsonArrayWriter,
    JsonLinesWriter,
    read_poses,
    read_provenance,
    write_image_document,
)
from spinepose.export.openpose import frame_dict, person_dict, write_openpose_frame
from spinepose.export.provenance import ModelTrace, Provenance

__all__ = [
    "JsonArrayWriter",
    "JsonLinesWriter",
    "ModelTrace",
    "Provenance",
    "frame_dict",
    "person_dict",
    "read_poses",
    "read_provenance",
    "write_image_document",
    "write_openpose_frame",
]
