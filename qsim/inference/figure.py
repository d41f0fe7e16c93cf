"""One figure: its likelihood, its ends on the link scale, and a guess of its latent value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from qsim.indicators import WHOLE, Indicator
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON
from qsim.model.links import Link

Row = Mapping[str, object]
"""One observation, by the variables of the dataset."""

_MAX_RANGE: Final = 400
"""Most counts that may print one rate; beyond it sampling noise is far below rounding, and the interval serves."""

_MAX_TRIALS: Final = 1e6
"""Trials beyond which sampling noise is below any printed digit, so that the printed rate serves."""

OPEN_ENDED_VARIANCE: Final = 1.0
"""Variance of the guess for a figure without an upper or lower end. [link scale squared]"""

_CLOSEST: Final = 1e-3
"""Least distance of a guessed share from its natural limit. [share of the limit]"""


@dataclass(frozen=True)
class Figure:
    """What the likelihood of one figure takes."""

    year: int
    kind: int
    lower: float
    upper: float
    size: float
    guess: float
    guess_variance: float


def read_figure(indicator: Indicator, link: Link, row: Row) -> Figure:
    """Figure of one observation that is no change."""
    for form in (_counts, _count_range, _number):
        figure = form(indicator, link, row)
        if figure is not None:
            return figure
    return _interval(link, row)


def _counts(indicator: Indicator, link: Link, row: Row) -> Figure | None:
    trials = number_of(row["denominator"])
    successes = number_of(row["value"]) if indicator.family == "days" else number_of(row["numerator"])
    printed = indicator.family in ("rate", "days") and row["qualifier"] == "="
    # false for NaN too, and where more succeeded than were tried
    if not printed or not successes <= trials <= _MAX_TRIALS:
        return None
    return _binomial(indicator, link, row, BINOMIAL, (successes, successes, trials))


def _count_range(indicator: Indicator, link: Link, row: Row) -> Figure | None:
    """The counts that print the rate, where the trials are known and the successes are not."""
    trials = number_of(row["denominator"])
    if indicator.family != "rate" or row["qualifier"] != "=" or np.isnan(trials):
        return None
    low = np.ceil(trials * number_of(row["lower"]) / 100.0 - 1e-9)
    high = np.floor(trials * number_of(row["upper"]) / 100.0 + 1e-9)
    if high < low or high - low > _MAX_RANGE:
        return None
    return _binomial(indicator, link, row, BINOMIAL_RANGE, (low, high, trials))


def _binomial(indicator: Indicator, link: Link, row: Row, kind: int, counts: tuple[float, float, float]) -> Figure:
    low, high, trials = counts
    share = (0.5 * (low + high) + 0.5) / (trials + 1.0)
    if indicator.natural_limit is not None:
        share = min(share * WHOLE / link.unit, 1.0 - _CLOSEST)
    guess = float(np.log(share / (1.0 - share)))
    return Figure(year_of(row), kind, low, high, trials, guess, 1.0 / (trials * share * (1.0 - share)))


def _number(indicator: Indicator, link: Link, row: Row) -> Figure | None:
    """The number of things in a year."""
    if indicator.family not in ("count", "events") or row["qualifier"] != "=":
        return None
    number = number_of(row["value"])
    return Figure(year_of(row), POISSON, number, number, np.nan, float(np.log(number + 0.5)), 1.0 / (number + 0.5))


def _interval(link: Link, row: Row) -> Figure:
    lower, upper = float(link.to_link(number_of(row["lower"]))), float(link.to_link(number_of(row["upper"])))
    # the bound of the scale itself (at least 100 %, 366 days, at most 0) stands for what prints as the bound
    half = 0.5 * 10.0 ** -number_of(row["decimals"])
    lower = float(link.to_link(link.unit - half)) if np.isposinf(lower) else lower
    upper = float(link.to_link(half)) if np.isneginf(upper) else upper
    # the middle of what is printed, kept inside the scale
    middle = float(link.to_link(0.5 * (number_of(row["lower"]) + number_of(row["upper"]))))
    guess, variance = guess_of(lower, upper, middle)
    return Figure(year_of(row), INTERVAL, lower, upper, np.nan, guess, variance)


def guess_of(lower: float, upper: float, middle: float) -> tuple[float, float]:
    """Finite guess for the latent value of an interval, and its variance."""
    ends = list(_finite(lower, upper))
    guess = middle if np.isfinite(middle) else ends[0] if ends else 0.0
    return guess, (upper - lower) ** 2 / 12.0 if len(ends) == 2 else OPEN_ENDED_VARIANCE


def _finite(*values: float) -> Iterator[float]:
    yield from (value for value in values if np.isfinite(value))


def year_of(row: Row) -> int:
    """Year of an observation."""
    return int(number_of(row["year"]))


def number_of(value: object) -> float:
    """A number of a row of objects."""
    return float(value)  # type: ignore[arg-type]  # pandas types a cell as object
