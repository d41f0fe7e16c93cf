"""Figures that are no levels of full years on the basis of their series: changes, several years, parts, other bases."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qsim.indicators import Indicator
from qsim.inference.figure import Row, guess_of, number_of, read_figure, year_of
from qsim.inference.layout import with_readings
from qsim.measurement import measurement
from qsim.model.functional import DIFFERENCE, LEVEL, RATIO, TOTAL, Extra, Offset
from qsim.model.likelihood import INTERVAL
from qsim.model.links import Link

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SUMMED: Final = ("count", "events")
"""Families whose figure of several years is their sum; of the others it is the mean."""


def offsets_of(indicator: Indicator, basis: str, others: Iterable[str]) -> tuple[Offset, ...]:
    """Offsets of other bases from the basis of a series, those with a named step only, in the order of the alphabet."""
    steps = ((other, indicator.step(basis, other)) for other in sorted(set(others)))
    return tuple(
        Offset(basis=other, mean=step.mean, sd=step.sd, source=step.source) for other, step in steps if step is not None
    )


def read_extras(
    indicator: Indicator, link: Link, rows: Sequence[Row], offsets: Sequence[Offset], years: Ints, guesses: Floats
) -> tuple[Extra, ...]:
    """Extras of one series.

    Parameters
    ----------
    rows : sequence of mapping
        Observations that are no levels, by the variables of the dataset.
    years, guesses : arrays, dims (figure)
        Levels of the series: they say where a change in points starts.
    """
    place = {offset.basis: number for number, offset in enumerate(offsets)}
    extras = [
        replace(_extra(indicator, link, row, years, guesses), offset=place.get(str(row["basis"]), -1)) for row in rows
    ]
    return with_readings(extras, getattr(measurement().reading_sd, link.name))


def _extra(indicator: Indicator, link: Link, row: Row, years: Ints, guesses: Floats) -> Extra:
    if row["change"] == "percent":
        return _relative(row)
    if row["change"] == "points":
        return _absolute(link, row, years, guesses)
    if row["change"] == "ambiguous":
        return replace(_relative(row), other=_absolute(link, row, years, guesses))
    figure, first = read_figure(indicator, link, row), int(number_of(row["year_from"]))
    covered = figure.year - first + 1
    return Extra(
        form=LEVEL if covered == 1 else TOTAL,
        first_year=first,
        year=figure.year,
        kind=figure.kind,
        lower=figure.lower,
        upper=figure.upper,
        size=figure.size,
        guess=figure.guess,
        guess_variance=figure.guess_variance,
        weight=1.0 if indicator.family in _SUMMED else 1.0 / covered,
        sd=getattr(measurement().partial_sd, link.name) if row["period"] == "part" else 0.0,
    )


def _relative(row: Row) -> Extra:
    """A change by so many percent: log of the ratio."""
    lower, upper, middle = (
        float(np.log(max(1.0 + 0.01 * number_of(row[name]), 0.0))) if number_of(row[name]) > -100.0 else -np.inf
        for name in ("lower", "upper", "value")
    )
    return _change(row, RATIO, lower, upper, middle, 1.0)


def _absolute(link: Link, row: Row, years: Ints, guesses: Floats) -> Extra:
    """A change in the unit of the figure, measured by the slope of the link near the level where one is known."""
    size = abs(number_of(row["value"]))
    usual = float(np.log(max(size, 1.0))) if link.name == "log" else 0.0
    near = guesses[np.abs(years - year_of(row)).argmin()] if years.size else usual
    scale = float(link.slope(near))
    lower, upper, middle = (number_of(row[name]) / scale for name in ("lower", "upper", "value"))
    unit = 1.0 if link.name == "log" else link.unit
    return _change(row, DIFFERENCE, lower, upper, middle, scale / unit)


def _change(row: Row, form: int, lower: float, upper: float, middle: float, scale: float) -> Extra:
    guess, variance = guess_of(np.asarray(lower), np.asarray(upper), np.asarray(middle))
    return Extra(
        form=form,
        first_year=int(number_of(row["base_year"])),
        year=year_of(row),
        kind=INTERVAL,
        lower=lower,
        upper=upper,
        guess=float(guess),
        guess_variance=float(variance),
        scale=scale,
    )
