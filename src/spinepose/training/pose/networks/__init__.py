"""Pose networks that learn here."""
