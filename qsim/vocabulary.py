"""Names of dims, variables and closed word lists: one place, used everywhere (see ``docs/schema.md``)."""

from typing import Final, Literal, get_args

# Dims
OBSERVATION: Final = "observation"
SERIES: Final = "series"
SERIES_OTHER: Final = "series_other"
"""Second side of a matrix over series."""
SCENARIO: Final = "scenario"
TARGET: Final = "target"
CHAIN: Final = "chain"
DRAW: Final = "draw"
YEAR: Final = "year"
THETA: Final = "theta"
SAMPLE_DIMS: Final = (CHAIN, DRAW)

# Variables of a forecast
RATE: Final = "rate"
"""True level, on the scale of the figure. [unit of the indicator]"""
PUBLISHED: Final = "published"
"""Figure that will be printed: with year noise, sampling and rounding. [unit of the indicator]"""

# Variables of a posterior
LEVEL: Final = "level"
SLOPE: Final = "slope"

THETA_NAMES: Final = ("sigma_level", "sigma_slope", "rho", "sigma_noise", "mu")
"""Hyperparameters of the trend, in the order of :mod:`qsim.model.trend`."""

BASELINE_SCENARIO: Final = "baseline"

Family = Literal["rate", "days", "count", "stock", "index", "positive", "events"]
FAMILIES: Final = get_args(Family)
PERCENT_FAMILIES: Final = frozenset({"rate"})
"""Families whose figures are printed in percent, so between 0 and 100."""

Better = Literal["higher", "lower"]

Tempo = Literal["usual", "slow"]

Qualifier = Literal["=", ">=", "<=", "~"]
QUALIFIERS: Final = get_args(Qualifier)

Change = Literal["percent", "points", "ambiguous"]
"""How a change is counted: relative to the base year; in the unit of the figure; either, the source does not say."""

Comparator = Literal[">=", "<=", "="]
COMPARATORS: Final = get_args(Comparator)

Direction = Literal["up", "down"]

TargetKind = Literal[
    "level", "path", "maintain", "improve", "no_decrease", "relative", "change", "cumulative", "range", "zero"
]
TARGET_KINDS: Final = get_args(TargetKind)

Status = Literal["binding", "expected", "unstated"]
"""约束性, 预期性, or neither named in the text."""

Category = Literal["product", "engineering", "service", "environment", "foundation", "brand", "other"]

Evidence = Literal["figures", "prior", "not_testable"]
"""What an assessed probability rests on: own figures; the pool alone; nothing."""

INTERVAL_PROBABILITY: Final = 0.8
"""The one interval probability of every figure and table, named in each caption. [1]"""

MIN_POOL_REGIONS: Final = 5
"""Fewest other regions with figures that let a pool answer for a region without any."""
