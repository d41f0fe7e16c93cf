"""Scores and backtests."""
