r"""Joint backtest: are all of several targets met together as often as their draws say?

A block holds cases that share a country and a cutoff, so that one year's shocks reach all of them. Out of each block
sets of a few cases are taken. With draws d of the figures, the probability that every case of a set A meets its target
is

.. math::
    p_{joint}(A) = \frac1D \sum_d \prod_{i \in A} 1[x_{id} \text{ meets}], \qquad
    p_{product}(A) = \prod_{i \in A} \frac1D \sum_d 1[x_{id} \text{ meets}],

both from the same draws, so that only what moves together tells them apart. Both are scored by the log score of the
event "all meet". Sets of one block share its shocks: the uncertainty of a mean over sets is that of a bootstrap over
blocks.

Source: Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x; Field and Welsh (2007),
doi:10.1111/j.1467-9868.2007.00593.x (bootstrap of clusters).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import combinations, groupby
from math import comb
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qsim.errors import Fault, ObservationError
from qsim.evaluation.cases import Case
from qsim.evaluation.histories import Histories
from qsim.evaluation.names import BLOCK, CASE, HORIZON, MEMBER, SET
from qsim.evaluation.scores import log_score
from qsim.forecast.posterior import Posterior, correlated
from qsim.indicators import Catalogue
from qsim.inference.fit import FittedSeries, Pool, fit_one
from qsim.inference.pooling import fit_pool
from qsim.model.series import SeriesData
from qsim.model.shares import ShockShares
from qsim.shipped import shipped_catalogue
from qsim.vocabulary import CHAIN, DRAW, PUBLISHED, SCENARIO, SERIES, YEAR

Floats = NDArray[np.float64]

_WORKERS: Final = 2
_INTERVAL: Final = (0.025, 0.975)
_OF_CASE: Final = ("indicator", "region", "cutoff", "hist_n")


def joint_backtest(
    observations: xr.Dataset,
    cases: Sequence[Case],
    blocks: Sequence[str],
    *,
    horizons: Sequence[int],
    shares: Mapping[str, ShockShares] | None = None,
    pool: Pool = "indicator",
    draws: int = 4000,
    seed: int = 0,
    catalogue: Catalogue | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Forecast the cases of each block together, from what was known at their cutoff.

    A case sees what it sees in :func:`qsim.evaluation.backtest.backtest`; the correlation within a block rests on the
    histories of its cases alone.

    Parameters
    ----------
    observations : xarray.Dataset, dims (observation)
        As :func:`qsim.read_observations` returns it.
    blocks : sequence of str
        Block of each case; those of one block have one cutoff.
    horizons : sequence of int
        Ascending. [years]
    shares : mapping of str to ShockShares, optional
        By block; the shipped ones if not given.
    progress : callable, optional
        Told (done, total) of blocks.

    Returns
    -------
    xarray.Dataset, dims (case, horizon, draw)
        ``published`` [unit]; the draws of one block belong together. Coordinate ``block`` (case).

    Raises
    ------
    ObservationError
        With every case that cannot be answered, and every block of two cutoffs or with a series twice.
    """
    known = catalogue if catalogue is not None else shipped_catalogue()
    histories = Histories.collected(observations, known, cases)
    by_block = _jobs(cases, blocks, histories)
    place = {case.case_id: number for number, case in enumerate(cases)}
    published = np.full((len(cases), len(horizons), draws), np.nan, dtype=np.float32)
    for done, (block, jobs) in enumerate(by_block.items(), start=1):
        fits = _fitted(jobs, histories, pool=pool, draws=draws, seed=seed)
        origin = jobs[0][0].cutoff
        independent = Posterior(fits=fits, origin=origin, seed=seed, engine="laplace")
        together = correlated(independent, shares[block] if shares is not None else None)
        figures = together.forecast([origin + years for years in horizons])[PUBLISHED]
        drawn = figures.isel({SCENARIO: 0, CHAIN: 0}).transpose(SERIES, YEAR, DRAW).values
        published[[place[case.case_id] for case, _ in jobs]] = drawn
        if progress is not None:
            progress(done, len(by_block))
    coords = {
        CASE: [case.case_id for case in cases],
        HORIZON: list(horizons),
        BLOCK: (CASE, list(blocks)),
        **{name: (CASE, [getattr(case, name) for case in cases]) for name in _OF_CASE},
    }
    return xr.Dataset({PUBLISHED: ((CASE, HORIZON, DRAW), published)}, coords=coords)


def _fitted(
    jobs: Sequence[tuple[Case, SeriesData]], histories: Histories, *, pool: Pool, draws: int, seed: int
) -> tuple[FittedSeries, ...]:
    """Fits of the cases of a block, each as if it were alone."""

    def members(job: tuple[Case, SeriesData]) -> tuple[SeriesData, ...]:
        case, data = job
        return histories.peers(case.indicator, data.basis, case.cutoff) if pool == "indicator" else ()

    def fitted(job: tuple[Case, SeriesData]) -> FittedSeries:
        case, data = job
        known = pools.get((case.indicator, data.basis))
        return fit_one(data, members(job), known, draws=draws, seed=seed, leave_out=case.indicator)

    by_pool = {(case.indicator, data.basis): (case, data) for case, data in jobs if pool == "indicator"}
    with ThreadPoolExecutor(_WORKERS) as workers:
        made = workers.map(lambda job: fit_pool(members(job)), by_pool.values())
        pools = dict(zip(by_pool, made, strict=True))
        return tuple(workers.map(fitted, jobs))


def _jobs(
    cases: Sequence[Case], blocks: Sequence[str], histories: Histories
) -> dict[str, list[tuple[Case, SeriesData]]]:
    """Cases with their figures by block, after all of them are found fit."""
    faults: list[Fault] = []
    jobs: dict[str, list[tuple[Case, SeriesData]]] = {}
    for block, pairs in groupby(
        sorted(zip(blocks, cases, strict=True), key=lambda pair: pair[0]), lambda pair: pair[0]
    ):
        of_block = [case for _, case in pairs]
        cutoffs = sorted({case.cutoff for case in of_block})
        if len(cutoffs) > 1:
            faults.append(Fault(f"block {block}", f"cutoffs {', '.join(map(str, cutoffs))}", "one cutoff"))
        if len({(case.region, case.indicator) for case in of_block}) < len(of_block):
            faults.append(Fault(f"block {block}", "a series twice", "each region and indicator once"))
        owns = [(case, histories.own(case)) for case in of_block]
        faults += [own for _, own in owns if isinstance(own, Fault)]
        jobs[block] = [(case, own) for case, own in owns if not isinstance(own, Fault)]
    if faults:
        raise ObservationError("blocks of cases", faults)
    return jobs


def choose_sets(blocks: xr.DataArray, size: int, *, most: int, seed: int) -> xr.DataArray:
    """Sets of cases of one block: all of them, or so many chosen at random where there are more.

    Parameters
    ----------
    blocks : xarray.DataArray of str, dims (case)
    size : int
        Cases in a set.
    most : int
        Most sets of a block.

    Returns
    -------
    xarray.DataArray of str, dims (set, member)
        Case ids, with the coordinate ``block`` (set).
    """
    rng = np.random.default_rng(seed)
    names, ids = blocks.values.astype(str), blocks[CASE].values
    found, of = [], []
    for block in np.unique(names):
        here = ids[names == block]
        for chosen in _subsets(here.size, size, most, rng):
            found.append(here[list(chosen)])
            of.append(str(block))
    members = np.array(found, dtype=ids.dtype).reshape(-1, size)
    return xr.DataArray(members, dims=(SET, MEMBER), coords={BLOCK: (SET, np.array(of, dtype=str))})


def _subsets(count: int, size: int, most: int, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    if comb(count, size) <= most:
        yield from combinations(range(count), size)
        return
    seen: set[tuple[int, ...]] = set()
    while len(seen) < most:
        seen.add(tuple(sorted(rng.choice(count, size, replace=False).tolist())))
    yield from sorted(seen)


def joint_probability(met: xr.DataArray, sets: xr.DataArray) -> xr.DataArray:
    """Share of draws in which every case of a set meets its target.

    Parameters
    ----------
    met : xarray.DataArray of bool, dims (case, draw, ...)
    sets : xarray.DataArray of str, dims (set, member)
        Case ids.

    Returns
    -------
    xarray.DataArray, dims (set, ...)
        [1]
    """
    return _product(met, sets).mean(DRAW)


def product_probability(met: xr.DataArray, sets: xr.DataArray) -> xr.DataArray:
    """Product of the probabilities of a set's cases, as if they were independent; arguments and dims as above. [1]"""
    return _product(met.mean(DRAW), sets)


def all_met(outcome_met: xr.DataArray, sets: xr.DataArray) -> xr.DataArray:
    """Whether every case of a set met its target, dims (set, ...): 1, 0, or NaN where an outcome is missing.

    Parameters
    ----------
    outcome_met : xarray.DataArray, dims (case, ...)
        1, 0 or NaN. [1]
    sets : xarray.DataArray of str, dims (set, member)
    """
    return _product(outcome_met, sets)


def _product(values: xr.DataArray, sets: xr.DataArray) -> xr.DataArray:
    """Product over the cases of each set; of truth values, whether all are true."""
    each = (values.sel({CASE: sets.isel({MEMBER: place}, drop=True)}, drop=True) for place in range(sets.sizes[MEMBER]))
    return reduce(lambda product, one: product * one, (one.drop_vars(CASE, errors="ignore") for one in each))


def joint_scores(met: xr.DataArray, outcome_met: xr.DataArray, sets: xr.DataArray, *, clip: float) -> xr.Dataset:
    """Log scores of "all cases of a set meet their target", with and without what moves together.

    Parameters
    ----------
    met : xarray.DataArray of bool, dims (case, draw, ...)
    outcome_met : xarray.DataArray, dims (case, ...)
        1, 0 or NaN. [1]
    sets : xarray.DataArray of str, dims (set, member)
        With the coordinate ``block`` (set).
    clip : float
        Probabilities are scored as at least this far from 0 and 1: half a draw, say. [1]

    Returns
    -------
    xarray.Dataset, dims (set, ...)
        ``p_joint``, ``p_product``, ``event`` [1], ``log_joint``, ``log_product``, and ``difference``, joint minus
        product: below 0 the correlated draws are better. [nat]
    """
    joint, product, event = joint_probability(met, sets), product_probability(met, sets), all_met(outcome_met, sets)
    scores = [log_score(p, event, clip=clip) for p in (joint, product)]
    return xr.Dataset(
        {
            "p_joint": joint,
            "p_product": product,
            "event": event,
            "log_joint": scores[0],
            "log_product": scores[1],
            "difference": scores[0] - scores[1],
        }
    )


def bootstrap_mean(values: xr.DataArray, *, resamples: int = 2000, seed: int = 0) -> xr.Dataset:
    r"""Mean over sets with a 95 % interval that takes a block, not a set, as one piece of evidence.

    Blocks are drawn with replacement, and :math:`\bar x = \sum_b S_b / \sum_b n_b` is taken over those drawn, with
    :math:`S_b` the sum and :math:`n_b` the number of a block's values.

    Parameters
    ----------
    values : xarray.DataArray, dims (set)
        With the coordinate ``block`` (set); missing values (NaN) are left out.

    Returns
    -------
    xarray.Dataset, no dims
        ``mean``, ``lower``, ``upper`` [unit of the values]; ``blocks`` and ``sets``, how many there are.

    References
    ----------
    Field and Welsh (2007), doi:10.1111/j.1467-9868.2007.00593.x.
    """
    known = values.values[values.notnull().values]
    blocks, place = np.unique(values[BLOCK].values[values.notnull().values], return_inverse=True)
    sums, counts = np.bincount(place, known, blocks.size), np.bincount(place, minlength=blocks.size)
    drawn = np.random.default_rng(seed).integers(blocks.size, size=(resamples, blocks.size))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    lower, upper = np.quantile(means, _INTERVAL)
    return xr.Dataset({"mean": known.mean(), "lower": lower, "upper": upper, "blocks": blocks.size, "sets": known.size})
