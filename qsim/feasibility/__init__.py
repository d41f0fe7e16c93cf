"""Targets as events on forecast draws, and what belongs to their probabilities."""
