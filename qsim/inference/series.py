"""From the labelled dataset of figures to one record of arrays per series."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from qsim.indicators import Catalogue, Indicator
from qsim.model.likelihood import BINOMIAL, BINOMIAL_RANGE, INTERVAL, POISSON
from qsim.model.links import Link, link_of
from qsim.model.series import SeriesData
from qsim.vocabulary import OBSERVATION

_MAX_RANGE: Final = 400
"""Most counts that may print one rate; beyond it sampling noise is far below rounding, and the interval serves."""

_MAX_TRIALS: Final = 1e6
"""Trials beyond which sampling noise is below any printed digit, so that the printed rate serves."""

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
)
"""Variables of the dataset that make a series."""

_OPEN_ENDED_VARIANCE: Final = 1.0
"""Variance of the guess for a figure without an upper or lower end. [link scale squared]"""


@dataclass(frozen=True)
class _Figure:
    year: int
    kind: int
    lower: float
    upper: float
    size: float
    guess: float
    variance: float


def collect_series(observations: xr.Dataset, catalogue: Catalogue, origin: int) -> tuple[SeriesData, ...]:
    """Make the series of every (region, indicator, basis) with usable figures up to ``origin``.

    Parameters
    ----------
    observations : xarray.Dataset, dims (observation)
        As :func:`qsim.read_observations` makes it; figures with a ``set_aside`` reason are passed over.
    origin : int
        Last year of the grid; later figures are not used.
    """
    chosen = (observations["set_aside"].values == "") & (observations["year"].values <= origin)
    used = observations[list(_COLUMNS)].isel({OBSERVATION: chosen}).to_dataframe()
    groups = used.groupby(["region", "indicator", "basis"], sort=True)
    return tuple(
        make_series(str(region), catalogue.get(str(slug)), str(basis), rows.sort_values(["year", "value"]), origin)
        for (region, slug, basis), rows in groups
    )


def make_series(region: str, indicator: Indicator, basis: str, rows: pd.DataFrame, origin: int) -> SeriesData:
    """One series from its rows (columns of the dataset); no rows make a series without figures."""
    link = link_of(indicator.family)
    figures = [
        _figure(indicator, link, {str(name): value for name, value in row.items()}) for row in rows.to_dict("records")
    ]
    columns = {name: np.array([getattr(figure, name) for figure in figures]) for name in _Figure.__dataclass_fields__}
    return SeriesData(
        region=region,
        indicator=indicator,
        basis=basis,
        link=link,
        first_year=min([figure.year for figure in figures], default=origin),
        origin=origin,
        year=columns["year"].astype(np.int64),
        kind=columns["kind"].astype(np.int64),
        lower=columns["lower"].astype(float),
        upper=columns["upper"].astype(float),
        size=columns["size"].astype(float),
        guess=columns["guess"].astype(float),
        guess_variance=columns["variance"].astype(float),
        printed=np.where(rows["qualifier"] == "=", rows["value"], np.nan).astype(float) if figures else np.empty(0),
        decimals=int(rows["decimals"].max()) if len(rows) else indicator.decimals,
    )


def without_figures(region: str, indicator: Indicator, basis: str, origin: int) -> SeriesData:
    """A series that only its pool can answer for."""
    return make_series(region, indicator, basis, pd.DataFrame(columns=["decimals"]), origin)


def _figure(indicator: Indicator, link: Link, row: dict[str, object]) -> _Figure:
    for form in (_counts, _count_range, _number):
        figure = form(indicator, row)
        if figure is not None:
            return figure
    return _interval(indicator, link, row)


def _counts(indicator: Indicator, row: dict[str, object]) -> _Figure | None:
    trials = _float(row["denominator"])
    successes = _float(row["value"]) if indicator.family == "days" else _float(row["numerator"])
    printed = indicator.family in ("rate", "days") and row["qualifier"] == "="
    # false for NaN too, and where more succeeded than were tried
    if not printed or not successes <= trials <= _MAX_TRIALS:
        return None
    return _binomial(row, BINOMIAL, successes, successes, trials)


def _count_range(indicator: Indicator, row: dict[str, object]) -> _Figure | None:
    """The counts that print the rate, where the trials are known and the successes are not."""
    trials = _float(row["denominator"])
    if indicator.family != "rate" or row["qualifier"] != "=" or np.isnan(trials):
        return None
    low = np.ceil(trials * _float(row["lower"]) / 100.0 - 1e-9)
    high = np.floor(trials * _float(row["upper"]) / 100.0 + 1e-9)
    if high < low or high - low > _MAX_RANGE:
        return None
    return _binomial(row, BINOMIAL_RANGE, low, high, trials)


def _binomial(row: dict[str, object], kind: int, low: float, high: float, trials: float) -> _Figure:
    share = (0.5 * (low + high) + 0.5) / (trials + 1.0)
    guess = float(np.log(share / (1.0 - share)))
    return _Figure(_year(row), kind, low, high, trials, guess, 1.0 / (trials * share * (1.0 - share)))


def _number(indicator: Indicator, row: dict[str, object]) -> _Figure | None:
    """The number of things in a year."""
    if indicator.family not in ("count", "events") or row["qualifier"] != "=":
        return None
    number = _float(row["value"])
    return _Figure(_year(row), POISSON, number, number, np.nan, float(np.log(number + 0.5)), 1.0 / (number + 0.5))


def _interval(indicator: Indicator, link: Link, row: dict[str, object]) -> _Figure:
    lower, upper = float(link.to_link(_float(row["lower"]))), float(link.to_link(_float(row["upper"])))
    # the bound of the scale itself (at least 100 %, 366 days, at most 0) stands for what prints as the bound
    half = 0.5 * 10.0 ** -_float(row["decimals"])
    lower = float(link.to_link(link.unit - half)) if np.isposinf(lower) else lower
    upper = float(link.to_link(half)) if np.isneginf(upper) else upper
    ends = list(_finite(lower, upper))
    # the middle of what is printed, kept inside the scale
    middle = float(link.to_link(0.5 * (_float(row["lower"]) + _float(row["upper"]))))
    guess = middle if np.isfinite(middle) else ends[0] if ends else 0.0
    variance = (upper - lower) ** 2 / 12.0 if len(ends) == 2 else _OPEN_ENDED_VARIANCE
    return _Figure(_year(row), INTERVAL, lower, upper, np.nan, guess, variance)


def _finite(*values: float) -> Iterator[float]:
    yield from (value for value in values if np.isfinite(value))


def _year(row: dict[str, object]) -> int:
    return int(_float(row["year"]))


def _float(value: object) -> float:
    return float(value)  # type: ignore[arg-type]
