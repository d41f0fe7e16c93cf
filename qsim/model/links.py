"""Links between the scale of the figures and the scale on which the trend is linear."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from qsim.indicators import Indicator
from qsim.vocabulary import Family

Floats = NDArray[np.float64]
LinkName = Literal["logit", "log", "identity"]

_LINK_OF_FAMILY: Final[dict[Family, LinkName]] = {
    "rate": "logit",
    "days": "logit",
    "count": "log",
    "stock": "log",
    "events": "log",
    "positive": "log",
    "index": "identity",
}


@dataclass(frozen=True)
class Link:
    """A link and the unit of its scale."""

    name: LinkName
    unit: float = 1.0
    """Figure that is one unit: 100 for percent, days of the year for days, ten points for an index, the natural limit
    where there is one. [unit]"""

    def to_link(self, figure: ArrayLike) -> Floats:
        """Take figures [unit] to the link scale [1]; a bound of the scale becomes infinite."""
        values = np.asarray(figure, dtype=float)
        if self.name == "logit":
            return np.asarray(logit(np.clip(values / self.unit, 0.0, 1.0)))
        if self.name == "log":
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(np.maximum(values, 0.0)))
        return values / self.unit

    def to_figure(self, eta: ArrayLike) -> Floats:
        """Take values of the link scale [1] back to figures [unit]."""
        values = np.asarray(eta, dtype=float)
        if self.name == "logit":
            figure = np.asarray(-values)
            with np.errstate(over="ignore"):  # odds beyond the floats are a share of 0
                np.exp(figure, out=figure)  # in vectors and in place: six times as fast as SciPy's expit
            figure += 1.0
            return np.asarray(np.divide(self.unit, figure, out=figure))
        return np.exp(values) if self.name == "log" else values * self.unit

    def slope(self, eta: ArrayLike) -> Floats:
        """Change of the figure for a small change of the link scale. [unit]"""
        values = np.asarray(eta, dtype=float)
        if self.name == "logit":
            share = expit(values)
            return np.asarray(self.unit * share * (1.0 - share))
        return np.exp(values) if self.name == "log" else np.full_like(values, self.unit)


INDEX_UNIT: Final = 10.0
"""Points of an index in one unit of the identity link: brings its priors near the other links'. [points]"""


def link_of(family: Family, *, days: float = 365.0, limit: float | None = None) -> Link:
    """Link of a family: with a natural limit K [unit] it is logit(figure / K).

    ``days`` is the length of a year of valid days. [days]
    """
    if limit is not None:
        return Link("logit", limit)
    name = _LINK_OF_FAMILY[family]
    units = {"logit": days if family == "days" else 100.0, "log": 1.0, "identity": INDEX_UNIT}
    return Link(name, units[name])


def indicator_link(indicator: Indicator) -> Link:
    """Link of an indicator, with its natural limit."""
    return link_of(indicator.family, limit=indicator.natural_limit)
