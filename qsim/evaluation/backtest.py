"""Backtest: forecast from what was known in a past year, many times."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import xarray as xr

from qsim.errors import Fault, ObservationError
from qsim.evaluation.cases import Case
from qsim.evaluation.histories import Histories
from qsim.evaluation.names import BOUND, BOUNDS, CASE, HORIZON, P_TARGET, QUANTILE, QUANTILES
from qsim.evaluation.table import write_forecasts
from qsim.forecast.posterior import Posterior
from qsim.indicators import Catalogue
from qsim.inference import fit, pooling
from qsim.model.series import SeriesData
from qsim.shipped import shipped_catalogue
from qsim.vocabulary import PUBLISHED, SAMPLE_DIMS, SCENARIO, SERIES, YEAR

__all__ = ["Report", "backtest", "outcomes", "write_forecasts"]

Report = Callable[[int, int], None]
"""Told how many cases are done, and how many there are."""

_WORKERS: Final = 2
_OF_CASE: Final = ("indicator", "region", "cutoff", "hist_n")


def backtest(
    observations: xr.Dataset,
    cases: Sequence[Case],
    *,
    horizon: int = 5,
    pool: fit.Pool = "indicator",
    engine: fit.Engine = "laplace",
    draws: int = 4000,
    seed: int = 0,
    catalogue: Catalogue | None = None,
    progress: Report | None = None,
) -> xr.Dataset:
    """Forecast every case from what was known at its cutoff.

    A case sees the last ``hist_n`` years with figures of its own series up to its cutoff. Pooled, it also sees other
    series of its indicator up to that same cutoff, never its own: a bounded number of them
    (:data:`~qsim.evaluation.histories.MAX_MEMBERS`), over a bounded number of years
    (:data:`~qsim.evaluation.histories.MAX_YEARS`). What the shipped prior learned from the case's indicator is left
    out.

    Parameters
    ----------
    observations : xarray.Dataset, dims (observation)
        As :func:`qsim.read_observations` returns it. An indicator the catalogue does not know is a rate in percent.
    cases : sequence of Case
        As :func:`~qsim.evaluation.cases.read_cases` returns them; targets beyond ``horizon`` are passed over.
    horizon : int
        Years to forecast behind each cutoff. [years]
    progress : callable, optional
        Told (done, total) after each case.

    Returns
    -------
    xarray.Dataset, dims (case, horizon, quantile, bound)
        ``published`` (case, horizon, quantile): quantiles of the published figure [unit]; ``p_target`` (case, horizon,
        bound): P(figure >= target) [1] and ``target`` [unit], NaN where there is none; the gates of the fit
        ``pareto_k`` and ``theta_ess`` (case).

    Raises
    ------
    ObservationError
        With every case that its series has not enough figures for.
    FitError
        If a mode search fails.
    """
    known = catalogue if catalogue is not None else shipped_catalogue()
    run = _Run(horizon, pool, engine, draws, seed, Histories.collected(observations, known, cases))
    groups = _groups(cases, run.histories)
    answers: dict[str, _Answer] = {}
    made = _concurrently(groups, run) if engine == "laplace" else _one_by_one(groups, run)
    for done, answer in enumerate(made, start=1):
        answers[answer.case.case_id] = answer
        if progress is not None:
            progress(done, len(cases))
    settings = {"pool": pool, "engine": engine, "draws": draws, "seed": seed}
    return _dataset([answers[case.case_id] for case in cases], horizon, settings)


def outcomes(observations: xr.Dataset, cases: Sequence[Case], *, horizon: int = 5) -> xr.DataArray:
    """What was published later on the basis that the case sees, dims (case, horizon); NaN where nothing was. [unit]"""
    level = (observations["change"] == "") & (observations["year_from"] == observations["year"])
    exact = (observations["set_aside"] == "") & (observations["qualifier"] == "=") & level
    names = ["indicator", "region", "basis", "year", "value"]
    columns = [observations[name].values[exact.values].tolist() for name in names]
    figures: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    for indicator, region, basis, year, value in zip(*columns, strict=True):
        figures.setdefault((indicator, region), {}).setdefault(basis, {})[year] = value
    values = np.full((len(cases), horizon), np.nan)
    for number, case in enumerate(cases):
        by_basis = figures.get((case.indicator, case.region), {})
        seen = {basis: sum(year <= case.cutoff for year in of_year) for basis, of_year in by_basis.items()}
        of_year = by_basis.get(max(seen, key=lambda basis: (seen[basis], basis), default=""), {})
        values[number] = [of_year.get(case.cutoff + years, np.nan) for years in range(1, horizon + 1)]
    coords = {CASE: [case.case_id for case in cases], HORIZON: np.arange(1, horizon + 1)}
    return xr.DataArray(values, coords, (CASE, HORIZON))


@dataclass(frozen=True)
class _Answer:
    """Forecast of one case."""

    case: Case
    quantiles: xr.DataArray
    """dims (horizon, quantile). [unit]"""
    targets: tuple[tuple[int, str, float, float], ...]
    """Horizon, bound, level [unit] and probability [1]."""
    pareto_k: float
    theta_ess: float


@dataclass(frozen=True)
class _Group:
    """Cases that share a pool."""

    slug: str
    basis: str
    cutoff: int
    cases: tuple[tuple[Case, SeriesData], ...]


@dataclass(frozen=True)
class _Pool:
    members: tuple[SeriesData, ...] = ()
    fitted: "pooling.PoolFit | None" = None


@dataclass(frozen=True)
class _Run:
    """Settings of a backtest, and its two steps."""

    horizon: int
    pool: fit.Pool
    engine: fit.Engine
    draws: int
    seed: int
    histories: Histories

    def pooled(self, group: _Group) -> _Pool:
        if self.pool == "none":
            return _Pool()
        members = self.histories.peers(group.slug, group.basis, group.cutoff)
        return _Pool(members, pooling.fit_pool(members))

    def answer(self, case: Case, data: SeriesData, pool: _Pool) -> _Answer:
        fitted = fit.fit_one(
            data,
            pool.members,
            pool.fitted,
            draws=self.draws,
            seed=self.seed,
            engine=self.engine,
            leave_out=case.indicator,
        )
        posterior = Posterior(fits=(fitted,), origin=case.cutoff, seed=self.seed, engine=self.engine)
        years = range(case.cutoff + 1, case.cutoff + self.horizon + 1)
        published = posterior.forecast(years)[PUBLISHED].isel({SCENARIO: 0, SERIES: 0}, drop=True)
        figures = published.rename({YEAR: HORIZON}).assign_coords({HORIZON: np.arange(1, self.horizon + 1)})
        targets = tuple(
            (one.horizon, one.bound, one.level, float((figures.sel({HORIZON: one.horizon}) >= one.level).mean()))
            for one in case.targets
            if one.horizon <= self.horizon
        )
        return _Answer(
            case=case,
            quantiles=figures.quantile(QUANTILES, SAMPLE_DIMS).transpose(HORIZON, QUANTILE),
            targets=targets,
            pareto_k=fitted.posterior.pareto_k,
            theta_ess=fitted.posterior.theta_effective,
        )


def _groups(cases: Sequence[Case], histories: Histories) -> list[_Group]:
    """Cases in groups of one pool, after all of them are found fit."""
    faults: list[Fault] = []
    found: list[tuple[Case, SeriesData]] = []
    seen: set[str] = set()
    for case in cases:
        if case.case_id in seen:
            faults.append(Fault(f"case {case.case_id}", "a second case of this id", "each id once"))
        seen.add(case.case_id)
        own = histories.own(case)
        if isinstance(own, Fault):
            faults.append(own)
        else:
            found.append((case, own))
    if faults:
        raise ObservationError("cases", faults)

    def key(job: tuple[Case, SeriesData]) -> tuple[str, str, int]:
        return job[0].indicator, job[1].basis, job[0].cutoff

    return [_Group(*shared, tuple(jobs)) for shared, jobs in groupby(sorted(found, key=key), key)]


def _one_by_one(groups: Sequence[_Group], run: _Run) -> Iterator[_Answer]:
    # NUTS samples in processes of its own
    for group in groups:
        pool = run.pooled(group)
        for case, data in group.cases:
            yield run.answer(case, data, pool)


def _concurrently(groups: Sequence[_Group], run: _Run) -> Iterator[_Answer]:
    """Answers in the order of the groups, from threads: the compiled kernels release the lock of the interpreter."""

    def answer(case: Case, data: SeriesData, pool: Future[_Pool]) -> _Answer:
        return run.answer(case, data, pool.result())

    with ThreadPoolExecutor(_WORKERS) as workers:
        pending: list[Future[_Answer]] = []
        waiting: list[tuple[_Group, Future[_Pool]]] = []
        # each pool stands in the queue before the cases of the pool before it: nobody waits for a pool unbegun
        for group in (*groups, None):
            if group is not None:
                waiting.append((group, workers.submit(run.pooled, group)))
            if len(waiting) > 1 or group is None:
                ready, pool = waiting.pop(0)
                pending += [workers.submit(answer, case, data, pool) for case, data in ready.cases]
        try:
            for future in pending:
                yield future.result()
        finally:
            workers.shutdown(cancel_futures=True)


def _dataset(answers: Sequence[_Answer], horizon: int, settings: Mapping[str, object]) -> xr.Dataset:
    shape = (len(answers), horizon, len(BOUNDS))
    level, probability = np.full(shape, np.nan), np.full(shape, np.nan)
    for number, answer in enumerate(answers):
        for years, bound, target, p in answer.targets:
            at = (number, years - 1, BOUNDS.index(bound))
            level[at], probability[at] = target, p
    cases = [answer.case for answer in answers]
    quantiles = np.array([answer.quantiles.values for answer in answers]).reshape(-1, horizon, len(QUANTILES))
    return xr.Dataset(
        {
            PUBLISHED: ((CASE, HORIZON, QUANTILE), quantiles),
            P_TARGET: ((CASE, HORIZON, BOUND), probability),
            "target": ((CASE, HORIZON, BOUND), level),
            "pareto_k": (CASE, [answer.pareto_k for answer in answers]),
            "theta_ess": (CASE, [answer.theta_ess for answer in answers]),
        },
        coords={
            CASE: [case.case_id for case in cases],
            HORIZON: np.arange(1, horizon + 1),
            QUANTILE: list(QUANTILES),
            BOUND: list(BOUNDS),
            **{name: (CASE, [getattr(case, name) for case in cases]) for name in _OF_CASE},
        },
        attrs=dict(settings),
    )
