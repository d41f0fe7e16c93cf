"""From the labelled dataset of figures to one record of arrays per series.

A figure of a full year on the basis of the series is a level. All others are extras (:mod:`qsim.model.functional`): on
a joined basis, of a part of a year, of several years (mean of rates, days, indices and quantities, sum of counts and
events), and changes. A stock is normal on the log, with the year noise that its series shows: what the plans count
(standards, trademarks, certificates) can lapse, so that yearly increments are no Poisson numbers; where things are only
ever added, the yearly additions are a ``count``.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from qsim.indicators import Catalogue, Indicator
from qsim.inference.extras import offsets_of, read_extras
from qsim.inference.figure import FIGURE_COLUMNS, Columns, read_figures
from qsim.model.functional import Extra, Offset
from qsim.model.links import indicator_link
from qsim.model.series import PER_FIGURE, SeriesData

_TIES: Final = (
    "qualifier",
    "numerator",
    "denominator",
    "lower",
    "upper",
    "decimals",
    "period",
    "year_from",
    "change",
    "base_year",
    "basis",
)
"""What tells figures of one series, year and value apart."""

_COLUMNS: Final = ("region", "indicator", "year", "value", "joins", *_TIES)
"""Variables of the dataset that make a series."""

_ONE_SERIES: Final = ("region", "indicator", "series_basis")
"""What tells series apart."""


def collect_series(observations: xr.Dataset, catalogue: Catalogue, origin: int) -> tuple[SeriesData, ...]:
    """Make the series of every (region, indicator, basis) with usable figures up to ``origin``.

    A figure that joins another basis is part of the series on that basis.

    Parameters
    ----------
    observations : xarray.Dataset, dims (observation)
        As :func:`qsim.read_observations` makes it; figures with a ``set_aside`` reason are passed over.
    origin : int
        Last year of the grid; later figures are not used.
    """
    chosen = (observations["set_aside"].values == "") & (observations["year"].values <= origin)
    rows = {name: observations[name].values[chosen] for name in _COLUMNS}
    rows["series_basis"] = np.where(rows["joins"] != "", rows["joins"], rows["basis"])
    codes = [pd.factorize(rows[name], sort=True)[0] for name in _ONE_SERIES]
    # the levels of a series before its other figures, each in the order of their years; what follows only makes the
    # order independent of the table's
    ties = [pd.factorize(rows[name], sort=True)[0] for name in _TIES]
    first = (rows["value"], rows["year"], ~_is_level(rows, rows["series_basis"]))
    order = np.lexsort((*ties, *first, *reversed(codes)))
    rows = part_of(rows, order)
    level = _is_level(rows, rows["series_basis"])
    figures = _read_all(rows, level, catalogue)
    begins = np.flatnonzero(np.any([np.diff(code[order], prepend=-1) for code in codes], axis=0))
    ends = np.append(begins, order.size)[1:]
    counts = np.add.reduceat(level, begins, dtype=np.int64) if begins.size else begins
    return tuple(
        _series(
            str(rows["region"][begin]),
            catalogue.get(str(rows["indicator"][begin])),
            str(rows["series_basis"][begin]),
            part_of(figures, slice(begin, begin + count)),
            part_of(rows, slice(begin + count, end)) if begin + count < end else {},
            origin,
        )
        for begin, end, count in zip(begins.tolist(), ends.tolist(), counts.tolist(), strict=True)
    )


def make_series(region: str, indicator: Indicator, basis: str, rows: pd.DataFrame, origin: int) -> SeriesData:
    """One series from its rows (columns of the dataset); no rows make a series without figures.

    Rows without the columns about several years, parts of years and joined bases are levels.
    """
    columns = {str(name): rows[name].to_numpy() for name in rows}
    level = _is_level(columns, basis) if "change" in columns else np.ones(len(rows), dtype=np.bool_)
    levels, others = part_of(columns, level), part_of(columns, ~level)
    return _series(region, indicator, basis, _read_levels(indicator, levels), {} if level.all() else others, origin)


def without_figures(region: str, indicator: Indicator, basis: str, origin: int) -> SeriesData:
    """A series that only its pool can answer for."""
    return make_series(region, indicator, basis, pd.DataFrame(columns=FIGURE_COLUMNS), origin)


def part_of(rows: Columns, at: NDArray[Any] | slice) -> dict[str, NDArray[Any]]:
    """Rows at some places, in their order."""
    return {name: column[at] for name, column in rows.items()}


def _is_level(rows: Columns, basis: NDArray[Any] | str) -> NDArray[np.bool_]:
    """Figures of full years on the basis of their series, dims (row)."""
    full = (rows["change"] == "") & (rows["year_from"] == rows["year"]) & (rows["period"] == "year")
    return np.asarray(full & (rows["basis"] == basis), dtype=np.bool_)


def _read_levels(indicator: Indicator, rows: Columns) -> dict[str, NDArray[Any]]:
    """Figures that are levels, of one indicator, by the fields of a series."""
    return {
        **read_figures(indicator, indicator_link(indicator), rows),
        "printed": np.where(rows["qualifier"] == "=", rows["value"], np.nan).astype(float),
        "decimals": rows["decimals"].astype(np.int64),
    }


def _read_all(rows: Columns, level: NDArray[np.bool_], catalogue: Catalogue) -> dict[str, NDArray[Any]]:
    """Levels of all indicators, at the places of their rows; nothing at those of other figures."""
    found: dict[str, NDArray[Any]] = {}
    for slug in dict.fromkeys(rows["indicator"].tolist()):
        at = np.flatnonzero(level & (rows["indicator"] == slug))
        for name, values in _read_levels(catalogue.get(str(slug)), part_of(rows, at)).items():
            found.setdefault(name, np.zeros(level.size, dtype=values.dtype))[at] = values
    return found


def _series(region: str, indicator: Indicator, basis: str, levels: Columns, others: Columns, origin: int) -> SeriesData:
    """One series from the figures that are levels and the rows of the others, none or all columns of the dataset."""
    link, figures = indicator_link(indicator), {name: levels[name] for name in PER_FIGURE}
    offsets: tuple[Offset, ...] = ()
    extras: tuple[Extra, ...] = ()
    if others:
        offsets = offsets_of(indicator, basis, others["basis"].astype(str))
        extras = read_extras(indicator, link, _records(others), offsets, levels["year"], levels["guess"])
    begun = [*levels["year"].tolist(), *(extra.first_year for extra in extras)]
    decimals = levels["decimals"] if levels["decimals"].size or not others else others["decimals"]
    return SeriesData(
        region=region,
        indicator=indicator,
        basis=basis,
        link=link,
        first_year=min(begun, default=origin),
        origin=origin,
        decimals=max(decimals.tolist(), default=indicator.decimals),
        extras=extras,
        offsets=offsets,
        **figures,
    )


def _records(rows: Columns) -> list[dict[str, object]]:
    return [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
