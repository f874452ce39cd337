"""Look after a labelled set: find what is wrong, mend it, count it, look at it."""

from __future__ import annotations

from spinepose.curation.browser import write_browser
from spinepose.curation.check import check_dataset
from spinepose.curation.entries import (
    Entry,
    choose,
    entries_of,
    pick,
    with_predictions,
    with_problems,
    with_queue,
)
from spinepose.curation.fiftyone_set import write_fiftyone
from spinepose.curation.fixes import Fixed, fix
from spinepose.curation.info import SplitInfo, count_people, info_markdown, write_info_page
from spinepose.curation.label_files import LabelFile, find_label_files, read_sets
from spinepose.curation.problems import KINDS, Problem, to_markdown
from spinepose.curation.sheet import people_sheet, write_sheet

__all__ = [
    "KINDS",
    "Entry",
    "Fixed",
    "LabelFile",
    "Problem",
    "SplitInfo",
    "check_dataset",
    "choose",
    "count_people",
    "entries_of",
    "find_label_files",
    "fix",
    "info_markdown",
    "people_sheet",
    "pick",
    "read_sets",
    "to_markdown",
    "with_predictions",
    "with_problems",
    "with_queue",
    "write_browser",
    "write_fiftyone",
    "write_info_page",
    "write_sheet",
]
