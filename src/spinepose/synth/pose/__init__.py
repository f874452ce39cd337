"""Poses: joint angles, activities, contacts and clips."""
