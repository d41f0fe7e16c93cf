"""Tables of published figures: read, check, merge, label."""
