"""Measure predictions on labelled people."""
