"""Faults that show only when cells are read together: in a row, in an indicator, in a source."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qsim.indicators import MOST_DAYS, Indicator
from qsim.observations.changes import check_years
from qsim.observations.figures import (
    NO_INDICATOR,
    Figures,
    intervals,
    is_days,
    is_integer,
    is_nonnegative,
    is_percent,
    rate_of_counts,
)
from qsim.observations.table import Finding, Mask, Table, always, each, written

MOST_PERCENT: Final = 100.0
UNIX_YEAR: Final = 1970
DUST: Final = 1e-9
"""What two ends of intervals may differ by from binary arithmetic. [unit of the indicator]"""
_ONE_FIGURE: Final = ("region", "indicator", "year", "definition", "year_from", "change", "base_year", "source", "url")
"""What tells the figures of one source apart."""
MIN_FRACTIONS: Final = 2
"""Fewest figures at most 1 that make fractions likely: one share below 1 % is nothing unusual."""


def check(figures: Figures, table: Table) -> list[Finding]:
    """Find every fault that takes more than one cell to see.

    Parameters
    ----------
    figures : Figures
        Parsed columns of ``table``.
    table : Table
        Cells as text, for what the user wrote.

    Returns
    -------
    list of Finding
    """
    return [
        *_values(figures, table),
        *_nothing(figures, table),
        *_counts(figures, table),
        *_dates(figures, table),
        *check_years(figures, table),
        *_fractions(figures, table),
        *_sources(figures, table),
    ]


def _values(figures: Figures, table: Table) -> Iterator[Finding]:
    percent, days = figures.of_indicator(is_percent), figures.of_indicator(is_days)
    below = figures.of_indicator(is_nonnegative) & ~percent
    # the size of a change has bounds of its own
    value, got = np.where(figures.printed & ~figures.is_change, figures.value, np.nan), written(table, "value")

    def kind(index: int) -> Indicator:
        return figures.indicators[int(figures.indicator[index])]

    outside = percent & ((value < 0) | (value > MOST_PERCENT))
    yield from each(outside, "value", got, always("a rate between 0 and 100 %"))
    yield from each(below & (value < 0), "value", got, lambda i: f"0 or more: {kind(i).slug} cannot be negative")
    yield from each(days & (value > MOST_DAYS), "value", got, always(f"at most {MOST_DAYS:g} days, as a year has"))
    parts = figures.of_indicator(is_integer) & (value >= 0) & (np.floor(value) != value)
    yield from each(parts, "value", got, lambda i: f"a whole number: {kind(i).slug} is counted")
    limit = np.array([*(known.natural_limit or np.inf for known in figures.indicators), np.inf])[figures.indicator]
    yield from each(
        # a sample may pass the limit by chance, and its counts say so
        (value >= limit) & (figures.qualifier != "<=") & ~outside & np.isnan(rate_of_counts(figures)),
        "value",
        got,
        lambda i: (
            f"a figure below {limit[i]:g}, the natural limit of {kind(i).slug}: correct the figure,"
            " or the natural_limit in the catalogue"
        ),
    )
    no_percent = figures.of_indicator(lambda indicator: indicator.unit != "%")
    sign = figures.percent_sign & (figures.change != "percent")
    yield from each(sign & no_percent, "value", got, lambda i: f"a figure in {kind(i).unit}, without %")


def _nothing(figures: Figures, table: Table) -> Iterator[Finding]:
    """Rows with neither a value nor both counts."""
    # A cell that stands there but could not be read has its own finding already, and so has a missing column.
    no_counts = _blank(table, "numerator") | _blank(table, "denominator")
    counted = figures.of_indicator(is_percent) | figures.of_indicator(is_days)
    mask = _blank(table, "value") & (no_counts | ~counted) & (figures.indicator != NO_INDICATOR)
    columns = [set(header.places) for header in table.headers]
    any_column = [bool({"value"} & names) or {"numerator", "denominator"} <= names for names in columns]
    yield from each(
        mask & np.array(any_column)[table.files],
        "value",
        always("an empty cell"),
        lambda i: (
            f"a figure, or both {table.shown(i, 'numerator')} and {table.shown(i, 'denominator')}"
            if counted[i]
            else "a figure: counts replace it only for rates and days"
        ),
    )


def _counts(figures: Figures, table: Table) -> Iterator[Finding]:
    # of a change they are a fault by themselves
    above = (figures.numerator > figures.denominator) & ~figures.is_change
    yield from each(
        above,
        "numerator",
        written(table, "numerator"),
        lambda i: f"at most {table.cells['denominator'][i]}, the {table.shown(i, 'denominator')}: are the two swapped?",
    )
    rate = rate_of_counts(figures)
    lower, upper = intervals(figures)
    # A figure printed as "at least 95" may stand for 94.98, which prints as 95.0.
    half = np.where(figures.qualifier == "~", 0.0, 10.0 ** -figures.decimals.astype(float) / 2)
    lower = np.where(figures.qualifier == ">=", lower - half, lower)
    upper = np.where(figures.qualifier == "<=", upper + half, upper)
    possible = ~figures.of_indicator(is_percent) | ((figures.value >= 0) & (figures.value <= MOST_PERCENT))
    wrong = figures.printed & ~figures.is_change & ~above & possible & ((rate < lower - DUST) | (rate > upper + DUST))
    yield from each(
        wrong,
        "value",
        written(table, "value"),
        lambda i: (
            f"{rate[i]:.{figures.decimals[i] + 1}f}, which the counts give: correct one of the three,"
            " or leave the counts out and say so in the note"
        ),
    )


def _dates(figures: Figures, table: Table) -> Iterator[Finding]:
    early = figures.published_given & (figures.published.astype("datetime64[Y]").astype(int) + UNIX_YEAR < figures.year)
    yield from each(
        early,
        "published",
        written(table, "published"),
        lambda i: f"a day in or after {figures.year[i]}, the year of the figure",
    )


def _fractions(figures: Figures, table: Table) -> Iterator[Finding]:
    """Rates that all lie between 0 and 1, of one indicator or of a whole file."""
    rate = figures.printed & figures.of_indicator(is_percent) & ~figures.is_change
    fraction = rate & (figures.value >= 0) & (figures.value <= 1) & ~figures.percent_sign
    # Counts that agree with the figure prove that it is in percent; others are a contradiction already.
    fraction &= np.isnan(rate_of_counts(figures))
    by_indicator = pd.factorize(figures.indicator * len(table.headers) + table.files)[0]
    suspect = _all_in_group(fraction, rate, by_indicator) | _all_in_group(fraction, rate, table.files)
    suspect &= figures.value > 0
    yield from each(
        suspect,
        "value",
        written(table, "value"),
        lambda i: (
            f"percent: {100 * figures.value[i]:.{max(figures.decimals[i] - 2, 0)}f} if this is a fraction, as all"
            f" figures like it are at most 1; if it is below 1 %, write {table.cells['value'][i]}%"
        ),
    )


def _all_in_group(fraction: Mask, rate: Mask, group: NDArray[np.int64]) -> Mask:
    """Members of groups with several rates that are fractions, every one."""
    size = np.bincount(group, weights=rate)
    return np.asarray(fraction & ((np.bincount(group, weights=fraction) == size) & (size >= MIN_FRACTIONS))[group])


def _sources(figures: Figures, table: Table) -> Iterator[Finding]:
    """One source with two figures for one thing; figures for a part of a year may be of different parts."""
    lower, upper = intervals(figures)
    named = (figures.source != "") | (figures.url != "")
    rows = np.flatnonzero(named & (figures.period == "year") & (figures.year > 0) & np.isfinite(figures.value))
    frame = pd.DataFrame({name: getattr(figures, name)[rows] for name in _ONE_FIGURE})
    for members in frame.groupby(list(frame), sort=False).indices.values():
        if len(members) > 1:
            yield from _disagreeing(rows[members], lower, upper, figures, table)


def _disagreeing(
    rows: NDArray[np.int64], lower: NDArray[np.float64], upper: NDArray[np.float64], figures: Figures, table: Table
) -> Iterator[Finding]:
    highest = lowest = int(rows[0])
    for row in rows[1:].tolist():
        other = highest if lower[highest] >= upper[row] else lowest
        apart = lower[other] >= upper[row] or upper[other] <= lower[row]
        if apart and figures.value[other] != figures.value[row]:
            column = "value" if figures.printed[row] else "numerator"
            hint = (
                f"one figure: in row {table.row(other)} the same source has {figures.value[other]:g} for it;"
                " keep the right one, or tell them apart by definition or period"
            )
            yield Finding(index=row, column=column, got=repr(table.cells[column][row]), expected=hint)
        highest = row if lower[row] > lower[highest] else highest
        lowest = row if upper[row] < upper[lowest] else lowest


def _blank(table: Table, column: str) -> Mask:
    """Cells with nothing in them, or of a column that the file does not have."""
    return ~table.cells[column].astype(np.bool_)
