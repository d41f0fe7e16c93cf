"""One series as levers see it: its levels without any, and what they are made of."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qsim.forecast.peers import PeerFigures
from qsim.inference.laplace import SeriesPosterior
from qsim.model.series import SeriesData

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Trend:
    """Levels of one series without levers, past and future."""

    posterior: SeriesPosterior
    years: tuple[int, ...]
    """Consecutive years from the first figure on."""
    level: Floats
    """dims (draw, year). [link scale]"""
    peers: PeerFigures | None = None
    """Figures of other regions; None where no one asked for them."""

    @property
    def data(self) -> SeriesData:
        """Figures of the series."""
        return self.posterior.data

    @property
    def origin(self) -> int:
        """Last year of the past: the forecast starts in the next."""
        return self.data.origin

    @property
    def settled(self) -> int:
        """Last year that the series' own figures tell of, the origin where there are none.

        What a lever had brought by then is in the figures, what it brought later is not: the years up to the origin
        are the trend's own, without it.
        """
        return min(max(self.data.level_years, default=self.origin), self.origin)

    @property
    def sign(self) -> float:
        """1 where higher is better, else -1."""
        return self.data.sign

    @property
    def drift(self) -> Floats:
        """Signed drift of each draw, dims (draw). [link scale per year]"""
        return self.posterior.drift

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest figure the scale allows, infinite where there is none. [unit]"""
        link, limit = self.data.link, self.data.indicator.natural_limit
        if link.name == "logit":
            return 0.0, link.unit
        lowest, highest = (0.0 if link.name == "log" else -np.inf), np.inf
        if limit is not None:
            return (limit, highest) if self.sign < 0 else (lowest, limit)
        return lowest, highest

    def place(self, year: int) -> int:
        """Place of a year among the years; the first or last one for a year outside of them."""
        return min(max(year - self.years[0], 0), len(self.years) - 1)

    @cached_property
    def shocks(self) -> Floats:
        """What the shocks of the forecast have moved each level by since the origin, dims (draw, year). [link scale]

        The trend is linear, so it is the level less the path that the last state takes without shocks.
        """
        last = self.place(self.origin)
        moved = np.zeros_like(self.level)
        horizon = len(self.years) - 1 - last
        if horizon:
            calm = np.zeros((self.level.shape[0], horizon, 2))
            moved[:, last + 1 :] = self.level[:, last + 1 :] - self.posterior.ahead(calm)
        return moved
