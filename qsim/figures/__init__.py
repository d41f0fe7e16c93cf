"""Numbers for a figure, then drawing it on given axes."""
