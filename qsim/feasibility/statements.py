"""What levers do to a statement: its event on the draws of a posterior, on the same random numbers for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qsim.feasibility.conditions import Conditions
from qsim.forecast.levers import touches
from qsim.forecast.posterior import Posterior
from qsim.plans.levers import Measure
from qsim.plans.scenarios import Correlation, Scenario
from qsim.records import Names
from qsim.vocabulary import SAMPLE_DIMS, SCENARIO

Bools = NDArray[np.bool_]

_TRIAL = Names(zh="试算", en="Trial")


@dataclass(frozen=True, eq=False, kw_only=True)
class Statement:
    """One thing that may come true."""

    series: tuple[str, ...]
    """Labels of the series it looks at."""
    years: tuple[int, ...]
    """Years it looks at."""
    met: Callable[[xr.Dataset], xr.DataArray]
    """Takes ``rate`` and ``published`` of those series and years, dims (chain, draw, series, year), and says for each
    draw, dims (chain, draw), whether it holds."""
    conditions: Callable[[], Conditions] | None = None
    """The same as conditions on the published figures of the first series: levers on the others change nothing. None
    where it is known by ``met`` alone."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trials:
    """Statements under levers; each combination of levers that acts on a statement is drawn once."""

    posterior: Posterior
    statements: tuple[Statement, ...]
    correlations: tuple[Correlation, ...] = ()
    _known: dict[tuple[int, frozenset[str]], Bools] = field(default_factory=dict, repr=False)

    def acting(self, number: int, levers: Sequence[Measure]) -> tuple[Measure, ...]:
        """Those of the levers that act on a series of a statement."""
        series = self.statements[number].series
        data = [fit.data for fit in self.posterior.fits if fit.data.label in series]
        return tuple(lever for lever in levers if any(touches(lever, one) for one in data))

    def scenario(self, levers: Sequence[Measure]) -> Scenario:
        """Levers as a scenario."""
        return Scenario(id="trial", name=_TRIAL, levers=tuple(levers), correlations=self.correlations)

    def met(self, number: int, levers: Sequence[Measure]) -> Bools:
        """Whether a statement holds under levers, dims (draw).

        Levers are told apart by their ids: two that differ need two ids, or two :class:`Trials`.
        """
        acting = self.acting(number, levers)
        key = (number, frozenset(lever.id for lever in acting))
        if key not in self._known:
            self._known[key] = self.draw(number, acting)
        return self._known[key]

    def draw(self, number: int, levers: Sequence[Measure]) -> Bools:
        """The same without looking it up, dims (draw)."""
        statement = self.statements[number]
        draws = self.posterior.forecast(statement.years, [self.scenario(levers)], series=statement.series)
        met = statement.met(draws.isel({SCENARIO: 0}))
        return np.asarray(met.transpose(*SAMPLE_DIMS).values, dtype=bool).ravel()
