"""Grow a labelled set: guess, choose what is worth correcting, correct, merge, train, again."""
