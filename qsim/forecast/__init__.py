"""Draws through the target years, under scenarios."""
