"""The posterior a user holds: draws of the past, and forecasts from them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qsim.errors import HorizonError
from qsim.forecast.drivers import Drivers, draw_drivers, move_together
from qsim.forecast.levers import lever_shift
from qsim.forecast.published import print_rounded, publish
from qsim.indicators import Catalogue
from qsim.inference.fit import Engine, FittedSeries, Key, Pool, fit_series
from qsim.inference.shocks import CommonShocks, ShockShares, pair_draws, shocks_of
from qsim.model.series import SeriesData
from qsim.model.trend import propagate
from qsim.plans.scenarios import ONLY_BASELINE, Scenario
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

    def forecast(self, years: Iterable[int], scenarios: Sequence[Scenario] = ()) -> xr.Dataset:
        """Draw the true level and the published figure of given years.

        All scenarios share the posterior draws and the shocks, so a difference between two is the policy. A year up to
        the origin keeps its published figure where there is one.

        Parameters
        ----------
        years : iterable of int
            Ascending calendar years.
        scenarios : sequence of Scenario
            The baseline if empty.

        Returns
        -------
        xarray.Dataset, dims (scenario, chain, draw, series, year)
            ``rate`` and ``published``. [unit of the indicator]; NaN before a series' first figure.

        Raises
        ------
        HorizonError
            If there is no year, or one before the first figure of all.
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
        rate, published = (
            np.full((len(chosen), 1, self.fits[0].posterior.slope.size, len(self.fits), len(wanted)), np.nan)
            for _ in range(2)
        )
        drivers = self._drivers(wanted[0], wanted[-1])
        for number, fit in enumerate(self.fits):
            paths = _Paths.of(fit, drivers(number))
            asked = tuple(year for year in wanted if year >= fit.data.first_year)
            begun = slice(len(wanted) - len(asked), None)
            for place, scenario in enumerate(chosen):
                figures = paths.under(scenario, asked, self.seed)
                rate[place, 0, :, number, begun], published[place, 0, :, number, begun] = figures
        dims = (SCENARIO, *SAMPLE_DIMS, SERIES, YEAR)
        coords = {SCENARIO: [scenario.id for scenario in chosen], **self._coords(wanted)}
        return xr.Dataset({RATE: (dims, rate), PUBLISHED: (dims, published)}, coords=coords)

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
        return move_together([of(number) for number in range(len(self.fits))], self.shocks.correlation).__getitem__

    def _coords(self, years: Sequence[int]) -> dict[str, object]:
        figures = [fit.data for fit in self.fits]
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


@dataclass(frozen=True, eq=False)
class _Paths:
    """Draws of one series from its first year on without levers, and the chances of its figures."""

    data: SeriesData
    years: tuple[int, ...]
    level: Floats
    """dims (draw, year). [link scale]"""
    sigma_noise: Floats
    """dims (draw, 1). [link scale]"""
    random: Drivers

    @classmethod
    def of(cls, fit: FittedSeries, random: Drivers) -> "_Paths":
        data, theta = fit.data, fit.posterior.theta
        shocks = random.normals * random.widths[:, :, None]
        future = propagate(theta, fit.posterior.level[:, -1], fit.posterior.slope, data.sign * theta[:, 4], shocks)
        level = np.concatenate([fit.posterior.level, future], axis=1)
        return cls(data, tuple(range(data.first_year, data.first_year + level.shape[1])), level, theta[:, 3:4], random)

    def under(self, scenario: Scenario, asked: tuple[int, ...], seed: int) -> tuple[Floats, Floats]:
        """Rate and published figure of the asked years under a scenario, dims (draw, year). [unit]"""
        level = self.level
        for lever in scenario.levers:
            if self.data.indicator.slug in lever.indicators:
                level = level + lever_shift(lever, self.level, self.years, self.data.link, seed)
        at = [self.years.index(year) for year in asked]
        level, drawn = level[:, at], [year - self.random.first_year for year in asked]
        noise = self.sigma_noise * self.random.noise[:, drawn]
        published = publish(self.data, level + noise, self.random.uniforms[:, drawn])
        for place, year in enumerate(asked):
            known = self.data.printed[(self.data.year == year) & np.isfinite(self.data.printed)]
            if known.size:
                published[:, place] = print_rounded(known[-1:], self.data.decimals)
        return self.data.link.to_figure(level), published


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
    engine : {"laplace", "nuts"}
        Nested Laplace (fast) or the same model sampled by NUTS in PyMC (slow reference).
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
        draws of the current state but for their order. A series that is added may change which draws of others
        go together and, where it stands before them, their later shocks, never their law.
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
    if not common_shocks:
        return Posterior(fits=fits, origin=chosen, seed=seed, engine=engine)
    return correlated(Posterior(fits=fits, origin=chosen, seed=seed, engine=engine))


def correlated(posterior: Posterior, shares: ShockShares | None = None) -> Posterior:
    """The posterior of independently drawn series with their states and shocks moving together.

    Parameters
    ----------
    shares : ShockShares, optional
        What series have in common; the shipped shares if not given.
    """
    shocks = shocks_of(posterior.fits, shares)
    return replace(posterior, fits=pair_draws(posterior.fits, shocks), shocks=shocks)
