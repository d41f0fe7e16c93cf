"""Figures: their likelihood, their ends on the link scale, and a guess of their latent values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qsim.indicators import WHOLE, Indicator
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON
from qsim.model.links import Link

Floats = NDArray[np.float64]

Row = Mapping[str, object]
"""One observation, by the variables of the dataset."""

Columns = Mapping[str, NDArray[Any]]
"""Observations, by the variables of the dataset, dims (figure)."""

FIGURE_COLUMNS: Final = ("year", "value", "qualifier", "numerator", "denominator", "lower", "upper", "decimals")
"""What a figure is read from."""

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
    columns = {name: np.array([row[name]]) for name in FIGURE_COLUMNS}
    found = read_figures(indicator, link, columns)
    return Figure(**{name: values[0].item() for name, values in found.items()})


def read_figures(indicator: Indicator, link: Link, rows: Columns) -> dict[str, NDArray[Any]]:
    """Figures of observations of one indicator that are no changes.

    Parameters
    ----------
    rows : mapping of str to array, dims (figure)
        :data:`FIGURE_COLUMNS` of the dataset.

    Returns
    -------
    dict of str to array, dims (figure)
        By the fields of :class:`Figure`.
    """
    numbers = {name: rows[name].astype(float) for name in FIGURE_COLUMNS if name != "qualifier"}
    exact = np.asarray(rows["qualifier"] == "=", dtype=np.bool_)
    found = _intervals(link, numbers)
    # one form after the other, the strongest last
    if indicator.family == "rate":
        _put(found, *_count_ranges(indicator, link, numbers, exact))
    if indicator.family in ("rate", "days"):
        _put(found, *_counts(indicator, link, numbers, exact))
    if indicator.family in ("count", "events"):
        _put(found, *_numbers(numbers, exact))
    return {"year": numbers["year"].astype(np.int64), **found}


def _put(found: dict[str, NDArray[Any]], where: NDArray[np.bool_], form: Mapping[str, NDArray[Any] | int]) -> None:
    for name, values in form.items():
        found[name] = np.where(where, values, found[name])


def _counts(
    indicator: Indicator, link: Link, rows: Mapping[str, Floats], exact: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], dict[str, NDArray[Any] | int]]:
    """Successes among trials, where both are known."""
    trials, successes = rows["denominator"], rows["value" if indicator.family == "days" else "numerator"]
    # false for NaN too, and where more succeeded than were tried
    known = exact & (successes <= trials) & (trials <= _MAX_TRIALS)
    return known, _binomial(indicator, link, BINOMIAL, successes, successes, trials)


def _count_ranges(
    indicator: Indicator, link: Link, rows: Mapping[str, Floats], exact: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], dict[str, NDArray[Any] | int]]:
    """The counts that print the rate, where the trials are known and the successes are not."""
    trials = rows["denominator"]
    low = np.ceil(trials * rows["lower"] / 100.0 - 1e-9)
    high = np.floor(trials * rows["upper"] / 100.0 + 1e-9)
    return exact & (high >= low) & (high - low <= _MAX_RANGE), _binomial(
        indicator, link, BINOMIAL_RANGE, low, high, trials
    )


def _binomial(
    indicator: Indicator, link: Link, kind: int, low: Floats, high: Floats, trials: Floats
) -> dict[str, NDArray[Any] | int]:
    share = (0.5 * (low + high) + 0.5) / (trials + 1.0)
    if indicator.natural_limit is not None:
        share = np.minimum(share * WHOLE / link.unit, 1.0 - _CLOSEST)
    # rows of another form are not taken
    with np.errstate(divide="ignore", invalid="ignore"):
        guess, variance = np.log(share / (1.0 - share)), 1.0 / (trials * share * (1.0 - share))
    return {"kind": kind, "lower": low, "upper": high, "size": trials, "guess": guess, "guess_variance": variance}


def _numbers(
    rows: Mapping[str, Floats], exact: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], dict[str, NDArray[Any] | int]]:
    """The number of things in a year."""
    number = rows["value"]
    guess, variance = np.log(number + 0.5), 1.0 / (number + 0.5)
    return exact, {"kind": POISSON, "lower": number, "upper": number, "guess": guess, "guess_variance": variance}


def _intervals(link: Link, rows: Mapping[str, Floats]) -> dict[str, NDArray[Any]]:
    lower, upper = link.to_link(rows["lower"]), link.to_link(rows["upper"])
    # the bound of the scale itself (at least 100 %, 366 days, at most 0) stands for what prints as the bound
    half = 0.5 * 10.0 ** -rows["decimals"]
    lower = np.where(np.isposinf(lower), link.to_link(link.unit - half), lower)
    upper = np.where(np.isneginf(upper), link.to_link(half), upper)
    # the middle of what is printed, kept inside the scale; of an end that is open there is none
    with np.errstate(invalid="ignore"):
        middle = link.to_link(0.5 * (rows["lower"] + rows["upper"]))
    guess, variance = guess_of(lower, upper, middle)
    kind, size = np.full(lower.size, INTERVAL), np.full(lower.size, np.nan)
    return {"kind": kind, "lower": lower, "upper": upper, "size": size, "guess": guess, "guess_variance": variance}


def guess_of(lower: Floats, upper: Floats, middle: Floats) -> tuple[Floats, Floats]:
    """Finite guess for the latent value of each interval, and its variance."""
    end = np.where(np.isfinite(lower), lower, np.where(np.isfinite(upper), upper, 0.0))
    with np.errstate(invalid="ignore"):
        variance = (upper - lower) ** 2 / 12.0
    return np.where(np.isfinite(middle), middle, end), np.where(np.isfinite(variance), variance, OPEN_ENDED_VARIANCE)


def year_of(row: Row) -> int:
    """Year of an observation."""
    return int(number_of(row["year"]))


def number_of(value: object) -> float:
    """A number of a row of objects."""
    return float(value)  # type: ignore[arg-type]  # pandas types a cell as object
