"""Corrections in tools that people use already: CVAT and Label Studio.

All go the same road: :mod:`.shown` says what a tool shows, a module per format writes that down and
reads what people said, and :mod:`.said` checks it and makes corrections of it.
"""
