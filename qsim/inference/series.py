"""From the labelled dataset of figures to one record of arrays per series.

A figure of a full year on the basis of the series is a level. All others are extras (:mod:`qsim.model.functional`): on
a joined basis, of a part of a year, of several years (mean of rates, days, indices and quantities, sum of counts and
events), and changes. A stock is normal on the log, with the year noise that its series shows: what the plans count
(standards, trademarks, certificates) can lapse, so that yearly increments are no Poisson numbers; where things are only
ever added, the yearly additions are a ``count``.
"""

from dataclasses import fields
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from qsim.indicators import Catalogue, Indicator
from qsim.inference.extras import offsets_of, read_extras
from qsim.inference.figure import Figure, read_figure
from qsim.model.links import indicator_link
from qsim.model.series import SeriesData
from qsim.vocabulary import OBSERVATION

_COLUMNS: Final = (
    "region",
    "indicator",
    "basis",
    "year",
    "value",
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
    "joins",
)
"""Variables of the dataset that make a series."""


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
    used = observations[list(_COLUMNS)].isel({OBSERVATION: chosen}).to_dataframe()
    used["series_basis"] = np.where(used["joins"] != "", used["joins"], used["basis"])
    groups = used.groupby(["region", "indicator", "series_basis"], sort=True)
    return tuple(
        make_series(str(region), catalogue.get(str(slug)), str(basis), rows.sort_values(["year", "value"]), origin)
        for (region, slug, basis), rows in groups
    )


def make_series(region: str, indicator: Indicator, basis: str, rows: pd.DataFrame, origin: int) -> SeriesData:
    """One series from its rows (columns of the dataset); no rows make a series without figures.

    Rows without the columns about several years, parts of years and joined bases are levels.
    """
    link = indicator_link(indicator)
    levels, others = _split(rows, basis)
    figures = [read_figure(indicator, link, row) for row in _records(levels)]
    offsets = offsets_of(indicator, basis, others["basis"].astype(str) if len(others) else ())
    extras = read_extras(indicator, link, _records(others), offsets, figures) if len(others) else ()
    columns = {field.name: np.array([getattr(figure, field.name) for figure in figures]) for field in fields(Figure)}
    begun = [figure.year for figure in figures] + [extra.first_year for extra in extras]
    printed = rows if levels.empty else levels
    return SeriesData(
        region=region,
        indicator=indicator,
        basis=basis,
        link=link,
        first_year=min(begun, default=origin),
        origin=origin,
        year=columns["year"].astype(np.int64),
        kind=columns["kind"].astype(np.int64),
        lower=columns["lower"].astype(float),
        upper=columns["upper"].astype(float),
        size=columns["size"].astype(float),
        guess=columns["guess"].astype(float),
        guess_variance=columns["guess_variance"].astype(float),
        printed=np.where(levels["qualifier"] == "=", levels["value"], np.nan).astype(float) if figures else np.empty(0),
        decimals=int(printed["decimals"].max()) if len(printed) else indicator.decimals,
        extras=extras,
        offsets=offsets,
    )


def _split(rows: pd.DataFrame, basis: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Levels of full years on the basis of the series, and all else."""
    if "change" not in rows:
        return rows, rows.iloc[:0]
    full = (rows["change"] == "") & (rows["year_from"] == rows["year"]) & (rows["period"] == "year")
    level = full & (rows["basis"] == basis)
    return rows[level], rows[~level]


def _records(rows: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def without_figures(region: str, indicator: Indicator, basis: str, origin: int) -> SeriesData:
    """A series that only its pool can answer for."""
    return make_series(region, indicator, basis, pd.DataFrame(columns=["decimals"]), origin)
