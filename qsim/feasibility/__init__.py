"""Targets as events on forecast draws, alone and together, and what is read beside their probabilities."""
