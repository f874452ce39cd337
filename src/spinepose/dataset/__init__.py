"""Labelled people on disk: readers, converters between skeletons, writers, samples to learn from.

Public sets are read into one form (:class:`Person`, the keypoints of SpineTrack), whatever their
files look like.
"""

from __future__ import annotations

from spinepose.dataset.conversion import convert, mapping_table
from spinepose.dataset.people import LabelledPeople, Person
from spinepose.dataset.pictures import iterate_people
from spinepose.dataset.readers import FORMATS, read_people
from spinepose.dataset.torch_data import PeopleDataset, Sample
from spinepose.dataset.writers import write_coco, write_yolo_pose

__all__ = [
    "FORMATS",
    "LabelledPeople",
    "PeopleDataset",
    "Person",
    "Sample",
    "convert",
    "iterate_people",
    "mapping_table",
    "read_people",
    "write_coco",
    "write_yolo_pose",
]
