"""Draws of one series from its first year on, and its figures under levers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qsim.forecast.drivers import Drivers
from qsim.forecast.levers import apply_levers
from qsim.forecast.levers_figures import FigureChange
from qsim.forecast.peers import PeerFigures
from qsim.forecast.published import print_rounded, publish, usual_trials
from qsim.forecast.trend import Trend
from qsim.inference.fit import FittedSeries
from qsim.model.series import SeriesData
from qsim.plans.levers import Measure

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Paths:
    """Draws of one series without levers, and the chances of its figures: the same in every scenario."""

    fit: FittedSeries
    years: tuple[int, ...]
    level: Floats
    """dims (draw, year). [link scale]"""
    first_drawn: int
    """First year of ``noise`` and ``scores``; levels begin with the series."""
    noise: Floats
    """Year noise, dims (draw, year). [link scale]"""
    scores: Floats
    """Chance of the sample as a standard normal score, dims (draw, year)."""

    @property
    def data(self) -> SeriesData:
        """Figures of the series."""
        return self.fit.data

    @classmethod
    def of(cls, fit: FittedSeries, random: Drivers) -> "Paths":
        """Carry the draws of a fit forward with given random numbers."""
        data, theta = fit.data, fit.posterior.theta
        future = fit.posterior.ahead(random.shocks())
        level = np.concatenate([fit.posterior.level, future], axis=1)
        return cls(
            fit=fit,
            years=tuple(range(data.first_year, data.first_year + level.shape[1])),
            level=level,
            first_drawn=random.first_year,
            noise=theta[:, 3:4] * random.year_noise(),
            scores=random.scores,
        )

    def covers(self, first_year: int, last_year: int) -> bool:
        """Whether figures of these years, as far as the series has them, can be had."""
        return self.first_drawn <= max(first_year, self.years[0]) and last_year <= self.years[-1]

    def under(
        self,
        levers: Sequence[Measure],
        sizes: Mapping[str, Floats],
        asked: tuple[int, ...],
        peers: PeerFigures | None,
    ) -> tuple[Floats, Floats]:
        """Rate and published figure of the asked years under levers of given sizes, dims (draw, year). [unit]"""
        moved = apply_levers(levers, sizes, self.trend(peers), usual_trials(self.data))
        at = _places(self.years[0], asked)
        level = moved.level[:, at]
        return self.data.link.to_figure(level), self.printed(level, asked, moved.figures.at(at))

    def trend(self, peers: PeerFigures | None) -> Trend:
        """The series as levers see it."""
        return Trend(posterior=self.fit.posterior, years=self.years, level=self.level, peers=peers)

    def rows(self, draws: NDArray[np.int64]) -> "Paths":
        """The chances of some of the draws, in any order and more than once; their levels stay behind."""
        return replace(self, noise=self.noise[draws], scores=self.scores[draws])

    def printed(self, level: Floats, asked: tuple[int, ...], change: FigureChange) -> Floats:
        """Published figures of the asked years at given levels [link scale], dims (draw, year). [unit]"""
        drawn = _places(self.first_drawn, asked)
        published = publish(self.data, level + self.noise[:, drawn], self.scores[:, drawn], change)
        for place, year in enumerate(asked):
            known = self.data.printed[(self.data.year == year) & np.isfinite(self.data.printed)]
            if known.size:
                published[:, place] = print_rounded(known[-1:], self.data.decimals)
        return published


def _places(first_year: int, asked: tuple[int, ...]) -> slice | list[int]:
    """Places of ascending years counted from a first one: a slice where they have no gap, which copies nothing."""
    places = [year - first_year for year in asked]
    gapless = bool(places) and places[-1] - places[0] + 1 == len(places)
    return slice(places[0], places[-1] + 1) if gapless else places
