"""Faults of rows that are about more than one year: changes against a base year, means and sums of several years."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from qsim.observations.figures import Figures, is_percent
from qsim.observations.table import Finding, Table, always, each, written

_LEAST_PERCENT: Final = -100.0
"""A relative fall by as much leaves nothing. [%]"""
_MOST_POINTS: Final = 100.0
"""Largest change of a rate. [percentage points]"""


def check_years(figures: Figures, table: Table) -> Iterator[Finding]:
    """Find faults of the columns ``change``, ``base_year`` and ``year_from`` and of what must not stand beside them."""
    yield from _base(figures, table)
    yield from _size(figures, table)
    yield from _several(figures, table)
    beside = figures.is_change & (np.isfinite(figures.numerator) | np.isfinite(figures.denominator))
    column = np.where(np.isfinite(figures.numerator), "numerator", "denominator")
    for name in ("numerator", "denominator"):
        here = beside & (column == name)
        yield from each(here, name, written(table, name), always("an empty cell: a change has no counts"))
    wide = figures.is_change | (figures.year_from > 0)
    yield from each(
        wide & (figures.period == "part"),
        "period",
        written(table, "period"),
        always("'year' or an empty cell: changes, means and sums are of full years"),
    )


def _base(figures: Figures, table: Table) -> Iterator[Finding]:
    change, base, year = figures.is_change, figures.base_year, figures.year
    empty = always("an empty cell")
    # a cell that could not be read has its own finding
    no_base = change & (base == 0) & ~table.cells["base_year"].astype(np.bool_)
    yield from each(no_base, "base_year", empty, always("the year the change is counted from, such as 2010"))
    no_change = ~change & (base > 0) & ~table.cells["change"].astype(np.bool_)
    hint = "'percent', 'points' or 'ambiguous' where the row states a change, or no base year"
    yield from each(no_change, "change", empty, always(hint))
    late = (base > 0) & (year > 0) & (base >= year)
    yield from each(
        late, "base_year", written(table, "base_year"), lambda i: f"a year before {year[i]}, the row's year"
    )


def _size(figures: Figures, table: Table) -> Iterator[Finding]:
    percent = figures.of_indicator(is_percent)
    unclear = (figures.change == "ambiguous") & ~percent & (figures.indicator >= 0)
    hint = "'percent' or 'points': only a change of a rate in % leaves open which"
    yield from each(unclear, "change", written(table, "change"), always(hint))
    nothing_left = (figures.change != "") & (figures.change != "points") & (figures.value <= _LEAST_PERCENT)
    hint = "a fall by less than 100 %; one in the unit of the figure is 'points' in the column change (变化)"
    yield from each(nothing_left, "value", written(table, "value"), always(hint))
    too_far = (figures.change == "points") & percent & (np.abs(figures.value) > _MOST_POINTS)
    yield from each(too_far, "value", written(table, "value"), always("a change of a rate by at most 100 points"))


def _several(figures: Figures, table: Table) -> Iterator[Finding]:
    first, year, got = figures.year_from, figures.year, written(table, "year_from")
    late = (first > 0) & (year > 0) & (first >= year)
    yield from each(
        late, "year_from", got, lambda i: f"a year before {year[i]}, the last of the years, or an empty cell"
    )
    both = (first > 0) & figures.is_change
    yield from each(both, "year_from", got, always("an empty cell: a change is counted from base_year (基期年份)"))
    stock = (first > 0) & figures.of_indicator(lambda indicator: indicator.family == "stock")
    hint = "an empty cell: what stands at the end of a year is not summed over years"
    yield from each(stock, "year_from", got, always(hint))
