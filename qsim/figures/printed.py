"""Published figures as plain records, read once from the observations."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import xarray as xr

from qsim.observations.dataset import plain_texts
from qsim.vocabulary import OBSERVATION

_ROUNDED = 1.5
"""An interval wider than so many units of the last printed digit is drawn as a bar. [1]"""


@dataclass(frozen=True, kw_only=True)
class Printed:
    """One published figure."""

    region: str
    indicator: str
    basis: str
    definition: str
    year: int
    value: float
    """Printed figure, or the share of the counts; NaN if neither is printed. [unit of the indicator]"""
    lower: float
    """Lower end of the interval the unrounded figure lies in. [unit]"""
    upper: float
    """Upper end; may be infinite. [unit]"""
    qualifier: str
    decimals: int | None
    """Printed decimals; None where the source does not show them."""
    published: str
    source: str
    url: str
    set_aside: str
    """Empty, or why it is not used."""
    joins: str
    """Basis of the series that it joins from another one; else empty."""
    change: str
    """How a change is counted; empty where it is a figure."""
    base_year: int
    """Year a change is counted from; 0 for a figure."""
    year_from: int
    """First year it is about: ``year``, or earlier for a mean or sum of several."""

    @property
    def is_level(self) -> bool:
        """True if it says where the level was in one year."""
        return not self.change and self.year_from == self.year

    @property
    def wide(self) -> bool:
        """True if the figure leaves more open than its last digit."""
        digit = 10.0 ** -(self.decimals or 0)
        return self.qualifier not in ("", "=") or not self.upper - self.lower <= _ROUNDED * digit


def printed_figures(observations: xr.Dataset) -> tuple[Printed, ...]:
    """Every figure of the dataset, in the order of region, indicator, year and row."""
    size = observations.sizes.get(OBSERVATION, 0)
    text = {name: _texts(observations, name, size) for name in _TEXTS}
    number = {name: _numbers(observations, name, size) for name in _NUMBERS}
    figures = [
        _printed({name: text[name][i] for name in text}, {name: number[name][i] for name in number})
        for i in range(size)
    ]
    return tuple(sorted(figures, key=lambda figure: (figure.region, figure.indicator, figure.year)))


_TEXTS = (
    "region",
    "indicator",
    "basis",
    "definition",
    "qualifier",
    "published",
    "source",
    "url",
    "set_aside",
    "joins",
    "change",
)
_NUMBERS = ("year", "value", "numerator", "denominator", "decimals", "lower", "upper", "base_year", "year_from")


def _texts(observations: xr.Dataset, name: str, size: int) -> list[str]:
    if name not in observations.variables:
        return [""] * size
    return plain_texts(observations[name].values)


def _numbers(observations: xr.Dataset, name: str, size: int) -> list[float]:
    if name not in observations.variables:
        return [np.nan] * size
    values: Any = observations[name].values
    return [float(value) for value in values.astype(float)]


def _printed(text: dict[str, str], number: dict[str, float]) -> Printed:
    value, trials = number["value"], number["denominator"]
    if not isfinite(value) and isfinite(number["numerator"]) and trials > 0:
        value = 100 * number["numerator"] / trials
    decimals = number["decimals"]
    return Printed(
        **text,
        year=int(number["year"]),
        base_year=int(number["base_year"]) if isfinite(number["base_year"]) else 0,
        year_from=int(number["year_from"]) if isfinite(number["year_from"]) else int(number["year"]),
        value=value,
        lower=number["lower"] if isfinite(number["lower"]) else value,
        upper=value if np.isnan(number["upper"]) else number["upper"],
        decimals=int(decimals) if isfinite(decimals) and decimals >= 0 else None,
    )
