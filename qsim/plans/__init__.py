"""Plans as data: targets, baselines, levers and scenarios."""
