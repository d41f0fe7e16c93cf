"""Fit the trend of many series: pool, weigh theta, draw; one posterior dataset with labelled dims."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from qsim.errors import FitError
from qsim.indicators import Catalogue
from qsim.inference.laplace import SeriesPosterior, draw_series, weigh_theta
from qsim.inference.pooling import PoolFit, fit_pool, pooled_level, pooled_theta
from qsim.inference.series import collect_series, without_figures
from qsim.model.priors import LevelPrior, ThetaPrior, priors_of
from qsim.model.series import SeriesData
from qsim.observations.select import choose_basis, with_partial_years
from qsim.vocabulary import MIN_POOL_REGIONS, OBSERVATION

Pool = Literal["indicator", "none"]
Engine = Literal["laplace", "nuts", "auto"]
"""Nested Laplace; NUTS; nested Laplace, and NUTS for a series where one of its gates fails."""
Key = tuple[str, str]
"""Region and indicator slug."""

_WORKERS = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedSeries:
    """One series with its draws and the pool behind it."""

    posterior: SeriesPosterior
    theta_prior: ThetaPrior
    level_prior: LevelPrior
    pool_regions: int
    """Other regions with figures of the same indicator and basis."""

    @property
    def data(self) -> SeriesData:
        """Figures of the series."""
        return self.posterior.data


def answerable(
    observations: xr.Dataset,
    catalogue: Catalogue,
    *,
    origin: int,
    wanted: Sequence[Key],
    bases: Mapping[Key, str],
    pool: Pool = "indicator",
) -> tuple[Key, ...]:
    """Those of the wanted series that have figures, or a pool large enough to answer for them."""
    asked = _of_indicators(observations, wanted)
    series = collect_series(asked, catalogue, origin)
    by_key = _own_series(asked, series, catalogue, bases, origin)
    return tuple(key for key in wanted if _job(key, by_key, series, catalogue, bases, pool, origin) is not None)


def fit_series(
    observations: xr.Dataset,
    catalogue: Catalogue,
    *,
    origin: int,
    wanted: Sequence[Key] | None,
    bases: Mapping[Key, str] | None = None,
    pool: Pool = "indicator",
    engine: Engine = "laplace",
    draws: int = 4000,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    partial_years: bool = False,
) -> tuple[FittedSeries, ...]:
    """Fit the wanted series, all that have figures if None.

    A series takes in the figures of other bases that a named step joins to its own; members of a pool do not.

    A wanted series without figures is fitted from its pool alone where at least
    :data:`~qsim.vocabulary.MIN_POOL_REGIONS` other regions have figures, and left out otherwise. A fit of one series
    does not depend on which other series are wanted: each has its own stream of random numbers.

    Raises
    ------
    FitError
        If there is nothing to fit or a mode search fails.
    """
    asked = observations if wanted is None else _of_indicators(observations, wanted)
    if partial_years:
        asked = with_partial_years(asked)
    series = collect_series(asked, catalogue, origin)
    by_key = _own_series(asked, series, catalogue, bases or {}, origin)
    keys = tuple(by_key) if wanted is None else tuple(dict.fromkeys(wanted))
    jobs = [job for key in keys if (job := _job(key, by_key, series, catalogue, bases or {}, pool, origin)) is not None]
    if not jobs:
        raise FitError(
            "no series to fit: none of the wanted series has a usable figure, or a pool of at least "
            f"{MIN_POOL_REGIONS} other regions; add figures or name other series"
        )
    pools = {_pool_key(data): members for data, members in jobs if members}

    with ThreadPoolExecutor(_WORKERS) as workers:
        fitted = workers.map(fit_pool, pools.values())
        known = dict(zip(pools, fitted, strict=True))

        def run(job: tuple[SeriesData, tuple[SeriesData, ...]]) -> FittedSeries:
            data, members = job
            found = fit_one(data, members, known.get(_pool_key(data)), draws=draws, seed=seed, engine=engine)
            if progress is not None:
                progress(data.label)
            return found

        return tuple(workers.map(run, jobs))


def fit_one(
    data: SeriesData,
    members: Sequence[SeriesData],
    pool: PoolFit | None,
    *,
    draws: int,
    seed: int,
    engine: Engine = "laplace",
    leave_out: str | None = None,
) -> FittedSeries:
    """Fit one series with the help of its pool.

    Parameters
    ----------
    members : sequence of SeriesData
        Series of the pool; the one with the label of ``data`` is left out.
    pool : PoolFit or None
        What :func:`~qsim.inference.pooling.fit_pool` made of the members; None without a pool.
    leave_out : str, optional
        Indicator whose learned component of the shipped prior is not used: one that is being scored must not be.

    Raises
    ------
    FitError
        If a series has no finite evidence.
    """
    priors = priors_of(data.indicator)
    others = [member for member in members if member.label != data.label]
    level = pooled_level(data, others, priors)
    by_level = (
        pooled_theta(pool, data.label, leave_out=leave_out)
        if pool is not None
        else priors.without(leave_out).population
    )
    theta_prior, level_prior = by_level.joint(level, data.sign)
    posterior = sample_posterior(data, theta_prior, level_prior, draws=draws, seed=seed, engine=engine)
    return FittedSeries(posterior=posterior, theta_prior=theta_prior, level_prior=level_prior, pool_regions=len(others))


def _of_indicators(observations: xr.Dataset, wanted: Sequence[Key]) -> xr.Dataset:
    """Observations of the wanted indicators, in all regions."""
    slugs = list({slug for _, slug in wanted})
    return observations.isel({OBSERVATION: np.isin(observations["indicator"].values.astype(str), slugs)})


def _own_series(
    observations: xr.Dataset,
    series: Sequence[SeriesData],
    catalogue: Catalogue,
    bases: Mapping[Key, str],
    origin: int,
) -> dict[Key, SeriesData]:
    """The one series of every key, figures of other bases joined to it where a step is named."""
    keys = [(one.region, one.indicator.slug) for one in series]
    elsewhere = any(bases.get(key, one.basis) != one.basis for key, one in zip(keys, series, strict=True))
    if elsewhere or len(set(keys)) < len(keys):
        seen = observations.isel({OBSERVATION: observations["year"].values <= origin})
        series = collect_series(choose_basis(seen, bases, catalogue=catalogue), catalogue, origin)
    return {(one.region, one.indicator.slug): one for one in series}


def _pool_key(data: SeriesData) -> tuple[str, str]:
    return data.indicator.slug, data.basis


def _job(
    key: Key,
    by_key: Mapping[Key, SeriesData],
    series: Sequence[SeriesData],
    catalogue: Catalogue,
    bases: Mapping[Key, str],
    pool: Pool,
    origin: int,
) -> tuple[SeriesData, tuple[SeriesData, ...]] | None:
    """A series and its pool (itself included), or None if nothing can be said about it."""
    region, slug = key
    own = by_key.get(key)
    basis = own.basis if own is not None else bases.get(key) or _usual_basis(slug, series)
    same = (one for one in series if one.indicator.slug == slug and one.basis == basis and one.year.size)
    members = tuple(one.without_extras() for one in same)
    if own is None or not own.level_years:
        # changes alone say nothing of the level
        if pool == "none" or len(members) < MIN_POOL_REGIONS:
            return None
        own = own or without_figures(region, catalogue.get(slug), basis, origin)
    return own, members if pool == "indicator" else ()


def _usual_basis(slug: str, series: Sequence[SeriesData]) -> str:
    """Basis on which most regions have figures."""
    bases = [one.basis for one in series if one.indicator.slug == slug]
    return max(sorted(set(bases)), key=bases.count, default="")


def stream(seed: int, label: str, purpose: str) -> np.random.Generator:
    """Random numbers of one series and purpose: adding a series does not change another's."""
    return np.random.default_rng([seed, zlib.crc32(label.encode()), zlib.crc32(purpose.encode())])


def sample_posterior(
    data: SeriesData, theta_prior: ThetaPrior, level_prior: LevelPrior, *, draws: int, seed: int, engine: Engine
) -> SeriesPosterior:
    """Draws of one series under given priors."""
    if engine != "nuts":
        weighted = weigh_theta(data, theta_prior, level_prior)
        found = draw_series(data, weighted, level_prior, draws=draws, rng=stream(seed, data.label, "posterior"))
        if engine == "laplace" or found.gate:
            return found
    from qsim.inference.nuts import sample_series

    return sample_series(data, theta_prior, level_prior, draws=draws, seed=seed)
