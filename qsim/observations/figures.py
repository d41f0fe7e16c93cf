"""Published figures as columns of numbers, one entry per row of the table; and the interval behind a printed figure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from qsim.indicators import Catalogue, Indicator
from qsim.measurement import measurement
from qsim.observations.table import Mask, Texts
from qsim.records import Names

NO_INDICATOR: Final = -1


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Parsed columns, dims (row,) each; a cell that could not be read holds the entry of an empty one."""

    region: Texts
    indicators: tuple[Indicator, ...]
    """Indicators of the table, once each."""
    indicator: NDArray[np.int64]
    """Place in ``indicators``, or :data:`NO_INDICATOR`."""
    year: NDArray[np.int64]
    """Calendar year; 0 where it could not be read."""
    value: NDArray[np.float64]
    """Printed figure, or the rate of the counts; NaN where there is neither. [unit of the indicator]"""
    printed: Mask
    """Whether ``value`` stands in the table."""
    percent_sign: Mask
    """Whether it stands there with a percent sign."""
    decimals: NDArray[np.int64]
    qualifier: Texts
    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]
    definition: Texts
    period: Texts
    year_from: NDArray[np.int64]
    """First year the figure is about where it is a mean or sum of several; 0 where it is of one year."""
    change: Texts
    """How a change is counted (:data:`qsim.vocabulary.Change`); empty where the row states a figure."""
    base_year: NDArray[np.int64]
    """Year a change is counted from; 0 where the row states a figure."""
    published: NDArray[np.datetime64]
    published_given: Mask
    source: Texts
    url: Texts
    note: Texts

    def of_indicator(self, trait: Callable[[Indicator], bool]) -> Mask:
        """Rows whose indicator has a trait; False where the indicator is not known."""
        return np.array([*(trait(indicator) for indicator in self.indicators), False])[self.indicator]

    @property
    def is_change(self) -> Mask:
        """Rows that state a change and no figure."""
        return np.asarray(self.change != "", dtype=np.bool_)


def is_percent(indicator: Indicator) -> bool:
    """Whether figures lie between 0 and 100 %."""
    return indicator.is_percent


def is_days(indicator: Indicator) -> bool:
    """Whether figures are a number of days, so the numerator itself."""
    return indicator.family == "days" and not is_percent(indicator)


def is_nonnegative(indicator: Indicator) -> bool:
    """Whether no figure can be below 0; only an index may be."""
    return indicator.family != "index"


def is_integer(indicator: Indicator) -> bool:
    """Whether figures are counted, so whole."""
    return indicator.family in ("count", "events")


def resolve(name: str, catalogue: Catalogue) -> Indicator | None:
    """Find an indicator by slug or Chinese name; one the catalogue does not know is a rate in percent.

    Returns
    -------
    Indicator or None
        None where several indicators bear this Chinese name.
    """
    if name in catalogue.by_slug:
        return catalogue.by_slug[name]
    named = [indicator for indicator in catalogue.indicators if same_name(name, indicator.name.zh)]
    if named:
        return named[0] if len(named) == 1 else None
    # Not Catalogue.get: an own indicator may bear a Chinese name, which is no slug.
    return Indicator.model_construct(slug=name, name=Names(zh=name, en=name))


def same_name(one: str, other: str) -> bool:
    """Whether two Chinese names are one, whatever the width of brackets and digits."""
    return normalize("NFKC", one) == normalize("NFKC", other)


def interval(
    value: NDArray[np.float64],
    decimals: NDArray[np.int64],
    qualifier: Texts,
    *,
    percent: Mask,
    nonnegative: Mask,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval in which the unrounded figure lies.

    ``=``: half of the last printed digit on each side; ``~``: ``about_digits`` of it, for rates at least
    ``about_points`` (:mod:`qsim.measurement`); ``>=``: from the value up; ``<=``: from the value down. Clipped to what
    is possible.

    Parameters
    ----------
    value : array, dims (row,)
        Printed figure. [unit of the indicator]
    decimals : array of int, dims (row,)
        Printed decimals.
    qualifier : array of str, dims (row,)
        ``=``, ``>=``, ``<=`` or ``~``.
    percent, nonnegative : array of bool, dims (row,)
        Whether the figure is in percent; whether it is at least 0, and so in percent at most 100.

    Returns
    -------
    tuple of arrays, dims (row,)
        Lower and upper end. [unit of the indicator]
    """
    width = measurement()
    last_digit = 10.0 ** -decimals.astype(float)
    about = np.maximum(width.about_digits.value * last_digit, np.where(percent, width.about_points.value, 0.0))
    half = np.where(qualifier == "~", about, last_digit / 2)
    lower = np.where(qualifier == ">=", value, np.where(qualifier == "<=", -np.inf, value - half))
    upper = np.where(qualifier == "<=", value, np.where(qualifier == ">=", np.inf, value + half))
    least, most = np.where(nonnegative, 0.0, -np.inf), np.where(percent & nonnegative, 100.0, np.inf)
    # Rounded far below any printed digit: 93.4 - 0.05 is 93.35 and not 93.35000000000001.
    return np.round(np.clip(lower, least, most), 9), np.round(np.clip(upper, least, most), 9)


def intervals(figures: Figures) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of every figure, dims (row,). [unit of the indicator]"""
    return interval(
        figures.value,
        figures.decimals,
        figures.qualifier,
        percent=figures.of_indicator(is_percent),
        nonnegative=figures.of_indicator(is_nonnegative) & ~figures.is_change,
    )


def rate_of_counts(figures: Figures) -> NDArray[Any]:
    """Figure that the counts give, dims (row,): NaN where they give none. [unit of the indicator]"""
    percent, days = figures.of_indicator(is_percent), figures.of_indicator(is_days)
    rate = np.where(percent, 100.0 * figures.numerator / figures.denominator, np.nan)
    both = np.isfinite(figures.numerator) & np.isfinite(figures.denominator)
    return np.where(days & both, figures.numerator, rate)
