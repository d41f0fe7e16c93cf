"""Numbers of a fan chart: published figures, past true level, forecast and targets of one series, no drawing."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qsim.feasibility.records import Assessment
from qsim.figures.printed import Printed
from qsim.indicators import Indicator
from qsim.vocabulary import INTERVAL_PROBABILITY, PERCENT_FAMILIES, PUBLISHED, RATE, SAMPLE_DIMS, SCENARIO, SERIES, YEAR

OUTER_PROBABILITY = 0.95
"""Interval probability of the light outer band. [1]"""

_HEADROOM = 0.75
"""The outer band may widen the picture by so much of what must be seen. [1]"""
_MARGIN = 0.06
"""Free space above and below. [1]"""


@dataclass(frozen=True, kw_only=True)
class Band:
    """Median and two central intervals over some years. [unit of the indicator]"""

    years: tuple[int, ...]
    median: tuple[float, ...]
    lower: tuple[float, ...]
    """Lower end of the ``INTERVAL_PROBABILITY`` interval."""
    upper: tuple[float, ...]
    outer_lower: tuple[float, ...]
    """Lower end of the ``OUTER_PROBABILITY`` interval."""
    outer_upper: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The levels of one target."""

    label: str
    years: tuple[int, ...]
    levels: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Fan:
    """Everything a fan chart shows."""

    series: str
    indicator: Indicator
    points: tuple[Printed, ...]
    history: Band | None
    """Past true level."""
    forecast: Band
    """Future published figure, opening from the newest one."""
    marks: tuple[Mark, ...]
    low: float
    """Lower end of the vertical axis. [unit]"""
    high: float
    """Upper end of the vertical axis. [unit]"""
    cut: bool
    """True if the outer band leaves the picture."""


def fan(
    assessment: Assessment, series: str, *, scenario: str, points: Iterable[Printed], marks: Iterable[Mark] = ()
) -> Fan:
    """Numbers of the fan chart of one series.

    Parameters
    ----------
    assessment : Assessment
        Draws of history and forecast.
    series : str
        Label ``region/indicator``, one of ``assessment.forecast``.
    scenario : str
        Scenario of the forecast.
    points : iterable of Printed
        The figures used in this series.
    marks : iterable of Mark
        Its targets.

    Raises
    ------
    KeyError
        If the forecast has no such series or scenario.
    """
    return fan_of(
        assessment.forecast,
        assessment.history,
        series,
        indicator=assessment.catalogue.get(series.split("/", 1)[1]),
        scenario=scenario,
        points=points,
        marks=marks,
    )


def fan_of(
    forecast: xr.Dataset,
    history: xr.Dataset,
    series: str,
    *,
    indicator: Indicator,
    scenario: str,
    points: Iterable[Printed],
    marks: Iterable[Mark] = (),
) -> Fan:
    """The same from draws that no plan was assessed on.

    Parameters
    ----------
    forecast : xarray.Dataset, dims (scenario, chain, draw, series, year)
        As :meth:`qsim.forecast.posterior.Posterior.forecast` returns it. [unit]
    history : xarray.Dataset, dims (chain, draw, series, year)
        True level of past years; may be empty. [unit]
    """
    shown = tuple(sorted(points, key=lambda point: point.year))
    targets = tuple(marks)
    future = band(forecast[PUBLISHED].sel({SCENARIO: scenario, SERIES: series}))
    past = None
    if SERIES in history.coords and series in history[SERIES].values:
        past = band(history[RATE].sel({SERIES: series}))
        past = _years(past, last=shown[-1].year) if shown else past
    future = _opened(_years(future, first=shown[-1].year + 1) if shown else future, shown, past)
    low, high, cut = _limits(indicator, shown, past, future, targets)
    return Fan(
        series=series,
        indicator=indicator,
        points=shown,
        history=past if past and past.years else None,
        forecast=future,
        marks=targets,
        low=low,
        high=high,
        cut=cut,
    )


def band(draws: xr.DataArray) -> Band:
    """Quantiles of draws, dims (chain, draw, year), over the years that have values."""
    values = draws.transpose(*SAMPLE_DIMS, YEAR).values.reshape(-1, draws.sizes[YEAR])
    kept = np.flatnonzero(np.isfinite(values).all(axis=0))
    inner, outer = (1 - INTERVAL_PROBABILITY) / 2, (1 - OUTER_PROBABILITY) / 2
    rows: NDArray[np.float64] = np.quantile(values[:, kept], [0.5, inner, 1 - inner, outer, 1 - outer], axis=0)
    years = tuple(int(year) for year in draws[YEAR].values[kept])
    return Band(
        years=years,
        median=tuple(rows[0].tolist()),
        lower=tuple(rows[1].tolist()),
        upper=tuple(rows[2].tolist()),
        outer_lower=tuple(rows[3].tolist()),
        outer_upper=tuple(rows[4].tolist()),
    )


_ROWS = ("median", "lower", "upper", "outer_lower", "outer_upper")


def _years(whole: Band, *, first: int | None = None, last: int | None = None) -> Band:
    kept = [i for i, own in enumerate(whole.years) if (first is None or own >= first) and (last is None or own <= last)]
    rows = {name: tuple(getattr(whole, name)[i] for i in kept) for name in _ROWS}
    return Band(years=tuple(whole.years[i] for i in kept), **rows)


def _opened(future: Band, points: tuple[Printed, ...], past: Band | None) -> Band:
    """Let the fan open from the newest figure, or from the past level where that figure is only a bound."""
    if not points or not future.years:
        return future
    year, value = points[-1].year, points[-1].value
    start: dict[str, float]
    if isfinite(value) and points[-1].qualifier in ("", "=", "~"):
        start = dict.fromkeys(_ROWS, value)
    elif past is not None and year in past.years:
        start = {name: getattr(past, name)[past.years.index(year)] for name in _ROWS}
    else:
        return future
    return Band(years=(year, *future.years), **{name: (start[name], *getattr(future, name)) for name in _ROWS})


def _ends(point: Printed) -> tuple[float, ...]:
    """Ends of a figure that the picture must hold: the open side of a bound may leave it."""
    low = () if point.qualifier == "<=" else (point.lower,)
    high = () if point.qualifier == ">=" else (point.upper,)
    return (point.value, *low, *high)


def _limits(
    indicator: Indicator, points: tuple[Printed, ...], past: Band | None, future: Band, marks: tuple[Mark, ...]
) -> tuple[float, float, bool]:
    must = [*future.lower, *future.upper, *(level for mark in marks for level in mark.levels)]
    must += [*past.lower, *past.upper] if past else []
    must += [end for point in points for end in _ends(point) if isfinite(end)]
    if not must:
        return 0.0, 1.0, False
    inner_low, inner_high = min(must), max(must)
    size = (inner_high - inner_low) or max(abs(inner_high) * 0.1, 1.0)
    outer_low, outer_high = min([*future.outer_lower, inner_low]), max([*future.outer_upper, inner_high])
    low, high = max(outer_low, inner_low - _HEADROOM * size), min(outer_high, inner_high + _HEADROOM * size)
    cut = low > outer_low or high < outer_high
    margin = _MARGIN * (high - low or size)
    if indicator.family in PERCENT_FAMILIES:
        return max(low - margin, -1.0), min(high + margin, 100 + min(margin, 1.0)), cut
    floor = 0.0 if indicator.family != "index" and low >= 0 else -np.inf
    return float(max(low - margin, floor)), high + margin, cut
