"""The posterior a user holds: draws of the past, and forecasts from them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qsim.errors import HorizonError, UnknownNameError
from qsim.forecast.drivers import Drivers, draw_drivers, move_together
from qsim.forecast.levers import scenario_sizes, touches
from qsim.forecast.paths import Paths
from qsim.forecast.peers import PeerFigures
from qsim.indicators import Catalogue
from qsim.inference.fit import Engine, FittedSeries, Key, Pool, fit_series
from qsim.inference.shocks import CommonShocks, pair_draws, shocks_of
from qsim.model.shares import ShockShares
from qsim.plans.scenarios import ONLY_BASELINE, Scenario
from qsim.records import nearest
from qsim.shipped import shipped_catalogue
from qsim.vocabulary import (
    CHAIN,
    DRAW,
    LEVEL,
    PUBLISHED,
    RATE,
    SAMPLE_DIMS,
    SCENARIO,
    SERIES,
    SERIES_OTHER,
    SLOPE,
    THETA_NAMES,
    YEAR,
)

Floats = NDArray[np.float64]

_WORKERS: Final = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Posterior:
    """Draws of the trend of every series, given its figures."""

    fits: tuple[FittedSeries, ...]
    origin: int
    """Last year of the past; the forecast starts in the next."""
    seed: int
    engine: Engine
    shocks: CommonShocks | None = None
    """Correlation of the shocks of the series; None for independent ones."""
    peers: PeerFigures | None = None
    """Figures of other regions, for levers that take their pace."""

    @cached_property
    def dataset(self) -> xr.Dataset:
        """Theta, ``level`` of every past year, last ``slope``; dims (chain, draw, series[, year]). [link scale]"""
        years = self.past_years
        level = np.full((len(self.fits), self.fits[0].posterior.slope.size, len(years)), np.nan)
        for number, fit in enumerate(self.fits):
            level[number, :, years.index(fit.data.first_year) :] = fit.posterior.level
        theta = np.stack([fit.posterior.theta for fit in self.fits])
        variables = {name: _with_dims(theta[:, :, place]) for place, name in enumerate(THETA_NAMES)}
        variables[LEVEL] = ((CHAIN, DRAW, SERIES, YEAR), level.transpose(1, 0, 2)[None])
        variables[SLOPE] = _with_dims(np.stack([fit.posterior.slope for fit in self.fits]))
        return xr.Dataset(variables, coords=self._coords(years), attrs={"engine": self.engine, "seed": self.seed})

    @property
    def past_years(self) -> tuple[int, ...]:
        """Years from the first figure to the origin."""
        return tuple(range(min(fit.data.first_year for fit in self.fits), self.origin + 1))

    @property
    def history(self) -> xr.Dataset:
        """True level of the past years: ``rate``, dims (chain, draw, series, year). [unit]"""
        level = self.dataset[LEVEL]
        rate = np.stack(
            [fit.data.link.to_figure(level.isel({SERIES: number}).values) for number, fit in enumerate(self.fits)],
            axis=2,
        )
        return xr.Dataset({RATE: ((CHAIN, DRAW, SERIES, YEAR), rate)}, coords=self._coords(self.past_years))

    @property
    def diagnostics(self) -> xr.Dataset:
        """The two gates of every series, dims (series)."""
        posteriors = [fit.posterior for fit in self.fits]
        return xr.Dataset(
            {
                "pareto_k": (SERIES, [one.pareto_k for one in posteriors]),
                "theta_ess": (SERIES, [one.theta_effective for one in posteriors]),
                "log_evidence": (SERIES, [one.log_evidence for one in posteriors]),
                "pool_regions": (SERIES, [fit.pool_regions for fit in self.fits]),
                "gate": (SERIES, [one.gate for one in posteriors]),
                "engine": (SERIES, [one.engine for one in posteriors]),
            },
            coords={SERIES: [fit.data.label for fit in self.fits]},
        )

    @property
    def common_shocks(self) -> xr.Dataset:
        """How the shocks of the series move together, dims (series, series_other).

        ``correlation`` used for the draws, ``prior`` the correlation that what they have in common gives alone [1], and
        ``overlap``, the years that both have behind them: 0 says that the prior is all there is. ``shock_share``
        (series) is the share of the current state's variance that common shocks can cause. [1]
        """
        labels = [fit.data.label for fit in self.fits]
        shocks = self.shocks if self.shocks is not None else CommonShocks.none(len(labels))
        dims = (SERIES, SERIES_OTHER)
        return xr.Dataset(
            {
                "correlation": (dims, shocks.correlation),
                "prior": (dims, shocks.prior),
                "overlap": (dims, shocks.overlap),
                "shock_share": (SERIES, shocks.shock_share),
            },
            coords={SERIES: labels, SERIES_OTHER: labels},
            attrs={"common_shocks": "yes" if self.shocks is not None else "no"},
        )

    def forecast(
        self, years: Iterable[int], scenarios: Sequence[Scenario] = (), *, series: Sequence[str] | None = None
    ) -> xr.Dataset:
        """Draw the true level and the published figure of given years.

        All scenarios share the posterior draws and the shocks, so a difference between two is the policy. A year up to
        the origin keeps its published figure where there is one.

        Parameters
        ----------
        years : iterable of int
            Ascending calendar years.
        scenarios : sequence of Scenario
            The baseline if empty.
        series : sequence of str, optional
            Labels of the series to forecast; all if not given.

        Returns
        -------
        xarray.Dataset, dims (scenario, chain, draw, series, year)
            ``rate`` and ``published``. [unit of the indicator]; NaN before a series' first figure.

        Raises
        ------
        HorizonError
            If there is no year, or one before the first figure of all; if a lever needs a year, a limit or peers that
            a series does not have.
        UnknownNameError
            If a label is none of the posterior's.
        """
        wanted = tuple(sorted(set(years)))
        first = self.past_years[0]
        if not wanted or wanted[0] < first:
            came = f"{wanted[0]}" if wanted else "no year"
            raise HorizonError(
                f"forecast of {came}: expected years from {first}, the first with figures; "
                f"years after {self.origin} are forecasts"
            )
        chosen = tuple(scenarios) or ONLY_BASELINE.resolved()
        sizes = [scenario_sizes(scenario, self.fits[0].posterior.slope.size, self.seed) for scenario in chosen]
        numbers = self._numbers(series)
        shape = (len(chosen), len(numbers), self.fits[0].posterior.slope.size, len(wanted))
        rate, published = np.empty(shape), np.empty(shape)

        drawn = self._paths(numbers, wanted[0], wanted[-1])

        def fill(at: int) -> None:
            paths = drawn[at]
            asked = tuple(year for year in wanted if year >= paths.data.first_year)
            begun = len(wanted) - len(asked)
            plain = None
            for place, scenario in enumerate(chosen):
                moved = any(touches(lever, paths.data) for lever in scenario.levers)
                figures = None if moved else plain
                if figures is None:
                    figures = paths.under(scenario.levers, sizes[place], asked, self.peers)
                plain = plain if moved else figures
                for draws, own in zip((rate, published), figures, strict=True):
                    draws[place, at, :, :begun] = np.nan
                    draws[place, at, :, begun:] = own

        with ThreadPoolExecutor(_WORKERS) as workers:
            for _ in workers.map(fill, range(len(numbers))):  # what fails in a thread is raised here
                pass
        rate, published = (np.moveaxis(draws, 2, 1)[:, None] for draws in (rate, published))
        dims = (SCENARIO, *SAMPLE_DIMS, SERIES, YEAR)
        coords = {SCENARIO: [scenario.id for scenario in chosen], **self._coords(wanted, numbers)}
        return xr.Dataset({RATE: (dims, rate), PUBLISHED: (dims, published)}, coords=coords)

    def paths(self, label: str, years: Sequence[int]) -> Paths:
        """Draws of one series without levers, as far as a forecast of these years reaches.

        Raises
        ------
        UnknownNameError
            If the label is none of the posterior's.
        """
        return self._paths(self._numbers([label]), min(years), max(years))[0]

    def _paths(self, numbers: Sequence[int], first_year: int, last_year: int) -> list[Paths]:
        """Draws of series without levers: made once, and anew where a forecast reaches further than any before."""
        known = self._known_paths
        lacking = [
            number for number in numbers if number not in known or not known[number].covers(first_year, last_year)
        ]
        if lacking:
            first = min([first_year, *(paths.first_drawn for paths in known.values())])
            last = max([last_year, *(paths.years[-1] for paths in known.values())])
            # correlated series are drawn together or not at all
            numbers_drawn = lacking if self.shocks is None else range(len(self.fits))
            drivers = self._drivers(first, last)
            with ThreadPoolExecutor(_WORKERS) as workers:
                made = workers.map(lambda number: Paths.of(self.fits[number], drivers(number)), numbers_drawn)
                known.update(zip(numbers_drawn, made, strict=True))
        return [known[number] for number in numbers]

    @cached_property
    def _known_paths(self) -> dict[int, Paths]:
        return {}

    def _drivers(self, first_year: int, last_year: int) -> Callable[[int], Drivers]:
        """Random numbers of a series by its number, for figures of the given years."""

        def of(number: int) -> Drivers:
            fit = self.fits[number]
            return draw_drivers(
                fit.data.label,
                fit.posterior.slope.size,
                first_year=first_year,
                origin=self.origin,
                last_year=last_year,
                seed=self.seed,
            )

        if self.shocks is None:
            return of
        order = _by_label(self.fits)
        drawn = [of(number) for number in order]
        moved = move_together(drawn, self.shocks.of(order), origin=self.origin, seed=self.seed)
        return dict(zip(order, moved, strict=True)).__getitem__

    def _numbers(self, labels: Sequence[str] | None) -> list[int]:
        """Places of series among the fits, in the order of the fits."""
        known = {fit.data.label: number for number, fit in enumerate(self.fits)}
        for label in labels or ():
            if label not in known:
                raise UnknownNameError(f"no series {label!r} in this posterior: {nearest(label, known)}")
        return list(known.values()) if labels is None else sorted(known[label] for label in set(labels))

    def _coords(self, years: Sequence[int], numbers: Sequence[int] | None = None) -> dict[str, object]:
        figures = [fit.data for number, fit in enumerate(self.fits) if numbers is None or number in numbers]
        return {
            CHAIN: [0],
            DRAW: np.arange(self.fits[0].posterior.slope.size),
            SERIES: [data.label for data in figures],
            YEAR: list(years),
            "region": (SERIES, [data.region for data in figures]),
            "indicator": (SERIES, [data.indicator.slug for data in figures]),
            "basis": (SERIES, [data.basis for data in figures]),
            "evidence": (SERIES, ["figures" if data.level_years else "prior" for data in figures]),
            "n_figures": (SERIES, [len(data.level_years) for data in figures]),
            "last_figure_year": (SERIES, [max(data.level_years, default=-1) for data in figures]),
            "decimals": (SERIES, [data.decimals for data in figures]),
        }


def _with_dims(values: Floats) -> tuple[tuple[str, ...], Floats]:
    return (CHAIN, DRAW, SERIES), values.T[None]


def fit(
    observations: xr.Dataset,
    *,
    pool: Pool = "indicator",
    engine: Engine = "laplace",
    draws: int = 4000,
    seed: int = 0,
    origin: int | None = None,
    series: Sequence[Key] | None = None,
    bases: Mapping[Key, str] | None = None,
    catalogue: Catalogue | None = None,
    common_shocks: bool = True,
    progress: Callable[[str], None] | None = None,
    partial_years: bool = False,
) -> Posterior:
    """Fit the damped trend to published figures.

    Parameters
    ----------
    observations : xarray.Dataset, dims (observation)
        As :func:`qsim.read_observations` returns it.
    pool : {"indicator", "none"}
        Whether the other regions of an indicator inform a region's level and theta.
    engine : {"laplace", "nuts", "auto"}
        Nested Laplace (fast); the same model sampled by NUTS in PyMC (slow reference); nested Laplace, and NUTS for
        series where one of its gates fails (``Posterior.diagnostics`` says which).
    draws : int
        Draws of every series.
    seed : int
        Start of all random numbers: equal seeds give equal draws.
    origin : int, optional
        Last year of the past; the newest figure's year if not given.
    series : sequence of (region, indicator), optional
        Series to fit; all with figures if not given. A region without figures is answered for by its pool.
    bases : mapping of (region, indicator) to str, optional
        Basis of definitions that a series is wanted on, with or without figures on it.
    catalogue : Catalogue, optional
        Indicators; the shipped ones if not given. An unknown indicator is a rate in percent.
    common_shocks : bool
        Whether the current states and the shocks of the series move together, as joint probabilities need
        (:mod:`qsim.inference.shocks`); independent draws if not. Each series has the same law either way, and equal
        draws of the current state but for their order. The order of ``series`` changes nothing. A series that is
        added changes no draw of those that share no year with another; of the others, it may change the numbers a
        little, never the law.
    partial_years : bool
        Whether figures of parts of years are used, with extra noise (``qsim/measurement.yaml``).

    Raises
    ------
    FitError
        If there is nothing to fit.
    """
    used = observations["year"].values[observations["set_aside"].values == ""]
    chosen = int(used.max(initial=0)) if origin is None else origin
    fits = fit_series(
        observations,
        catalogue if catalogue is not None else shipped_catalogue(),
        origin=chosen,
        wanted=series,
        bases=bases,
        pool=pool,
        engine=engine,
        draws=draws,
        seed=seed,
        progress=progress,
        partial_years=partial_years,
    )
    peers = PeerFigures(
        observations=observations, catalogue=catalogue if catalogue is not None else shipped_catalogue(), origin=chosen
    )
    independent = Posterior(fits=fits, origin=chosen, seed=seed, engine=engine, peers=peers)
    return correlated(independent) if common_shocks else independent


def correlated(posterior: Posterior, shares: ShockShares | None = None) -> Posterior:
    """The posterior of independently drawn series with their states and shocks moving together.

    Parameters
    ----------
    shares : ShockShares, optional
        What series have in common; the shipped shares if not given.
    """
    order = _by_label(posterior.fits)
    shocks = shocks_of([posterior.fits[place] for place in order], shares).of(np.argsort(order))
    return with_fits(replace(posterior, shocks=shocks), posterior.fits)


def with_fits(posterior: Posterior, fits: Sequence[FittedSeries]) -> Posterior:
    """The posterior with other draws of its series, each low where the old ones were low.

    Parameters
    ----------
    fits : sequence of FittedSeries
        The same series in the same order.
    """
    if posterior.shocks is None:
        return replace(posterior, fits=tuple(fits))
    order = _by_label(fits)
    paired = pair_draws([fits[place] for place in order], posterior.shocks.of(order), posterior.seed)
    return replace(posterior, fits=tuple(paired[place] for place in np.argsort(order)))


def _by_label(fits: Sequence[FittedSeries]) -> list[int]:
    """Places in one order, so that not even the rounding of a sum depends on the order asked for."""
    return sorted(range(len(fits)), key=lambda place: fits[place].data.label)
