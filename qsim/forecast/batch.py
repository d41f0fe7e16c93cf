"""Forecasts of many series in little time: quantiles of the published figure and chances of targets, no draws kept.

For backtests and registers of thousands of series; one plan's draws come from :func:`qsim.forecast.posterior.fit`. The
model and the priors are the same. A series goes the fast way (:mod:`qsim.inference.batch`) first with the asked draws,
then, where a gate fails, with four times as many from wider factors, and after that as the default engine goes, with
modes searched for at the points of theta that the fast way chooses.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from qsim.forecast.posterior import Posterior
from qsim.forecast.published import printed_decimals, usual_trials
from qsim.forecast.summaries import IDENTITY, LOG, LOGIT, SHARED_BY_YEAR, count_figures, print_figures
from qsim.inference.batch import Job, States, design_of, is_plain, sample_states, weigh_chosen
from qsim.inference.chances import Chances, chances, key_of, places
from qsim.inference.fit import FittedSeries, stream
from qsim.inference.laplace import draw_series, weigh_theta
from qsim.model.priors import priors_of
from qsim.model.series import SeriesData
from qsim.vocabulary import CHAIN, DRAW, PUBLISHED, SCENARIO, SERIES, YEAR

Floats = NDArray[np.float64]

Way = Literal["fast", "more draws", "careful"]

ATTEMPTS: Final[tuple[tuple[Way, int, float], ...]] = (
    ("fast", 1, 1.0),
    ("more draws", 4, 2.0),
)
"""Ways before the careful one: name, draws over those asked for, widening of sites at a bound."""

_WORKERS: Final = 2
CHUNK: Final = 32
"""Series that a thread takes at a time."""
_LINKS: Final = {"logit": LOGIT, "log": LOG, "identity": IDENTITY}


@dataclass(frozen=True)
class Threshold:
    """A level that the published figure of a year is to reach, or to stay within."""

    horizon: int
    """Years behind the origin of the series. [years]"""
    level: float
    """[unit]"""
    comparator: Literal[">=", "<="] = ">="


@dataclass(frozen=True, eq=False)
class Answer:
    """What one series has come to."""

    quantiles: Floats
    """Of the published figure, dims (horizon, level). [unit]"""
    p: Floats
    """Chance of each threshold, dims (threshold). [1]"""
    way: Way
    pareto_k: float
    theta_effective: float
    effective_draws: float


def own_jobs(series: Iterable[SeriesData], *, leave_out: str | None = None) -> tuple[Job, ...]:
    """Jobs under the shipped priors, without pools; ``leave_out`` as in :func:`qsim.inference.fit.fit_one`."""
    jobs = []
    for data in series:
        # one object for all of a block, so that they share a design
        priors = priors_of(data.indicator).without(leave_out)
        jobs.append(Job(data=data, theta_prior=priors.theta, level_prior=priors.level))
    return tuple(jobs)


def forecast_many(
    jobs: Sequence[Job],
    *,
    horizon: int,
    levels: Sequence[float],
    thresholds: Sequence[Sequence[Threshold]] = (),
    draws: int = 1000,
    seed: int = 0,
) -> tuple[Answer, ...]:
    """Forecast the published figure of every series, from the year behind its origin on.

    A series' answer depends on its own job, thresholds and the seed alone. Jobs of one prior side by side share its
    design.

    Parameters
    ----------
    horizon : int
        Years to forecast. [years]
    levels : sequence of float
        Quantile levels, ascending. [1]
    thresholds : sequence of sequences of Threshold
        Those of each job; none for any if empty.
    draws : int
        Draws of every series; more of those that need them.

    Raises
    ------
    FitError
        If the careful way finds no finite evidence for a series.
    """
    run = _Run(horizon, np.asarray(levels, dtype=float), draws, seed)
    asked = thresholds or [()] * len(jobs)
    chunk = max(1, min(CHUNK, -(-len(jobs) // _WORKERS)))
    parts = [slice(first, first + chunk) for first in range(0, len(jobs), chunk)]

    def part(at: slice) -> list[Answer]:
        return [run.answer(job, wanted) for job, wanted in zip(jobs[at], asked[at], strict=True)]

    with ThreadPoolExecutor(_WORKERS) as workers:
        return tuple(answer for answers in workers.map(part, parts) for answer in answers)


def settings_of(data: SeriesData) -> tuple[int, float, float, bool, int]:
    """How figures of a series are printed: link, unit, trials (NaN for none), whether events are counted, decimals."""
    family = data.indicator.family
    trials = usual_trials(data) if family in ("rate", "days") else None
    counted = family in ("count", "events")
    return _LINKS[data.link.name], data.link.unit, np.nan if trials is None else trials, counted, printed_decimals(data)


@dataclass(frozen=True, eq=False)
class _Run:
    """Settings, and the ways of one series."""

    horizon: int
    levels: Floats
    draws: int
    seed: int

    def answer(self, job: Job, thresholds: Sequence[Threshold]) -> Answer:
        if is_plain(job.data):
            for way, times, widen in ATTEMPTS:
                shared = chances(times * self.draws, self.seed)
                key = key_of(self.seed, job.data.label, way)
                states = sample_states(job, design_of(job.theta_prior, job.level_prior), shared, key, widen=widen)
                if states.gate:
                    figures = self._figures(job.data, states, shared, key_of(self.seed, job.data.label, "future"))
                    gates = (states.pareto_k, states.theta_effective, states.effective)
                    return self._counted(job.data, figures, states.weights, thresholds, way, gates)
        return self._careful(job, thresholds)

    def _figures(self, data: SeriesData, states: States, shared: Chances, key: int) -> Floats:
        """Figures in units of the last digit, dims (horizon, draw)."""
        figures = np.empty((self.horizon, shared.draws))
        offset = places(key, (SHARED_BY_YEAR + 1) * self.horizon, shared.draws)
        print_figures(
            states.theta,
            states.level,
            states.slope,
            data.sign,
            data.kept,
            *settings_of(data),
            shared.normals,
            shared.widths,
            offset,
            figures,
        )
        return figures

    def _careful(self, job: Job, thresholds: Sequence[Threshold]) -> Answer:
        data = job.data
        weighted = (
            weigh_chosen(job, design_of(job.theta_prior, job.level_prior), key_of(self.seed, data.label, "theta"))
            if is_plain(data)
            else weigh_theta(data, job.theta_prior, job.level_prior)
        )
        rng = stream(self.seed, data.label, "posterior")
        posterior = draw_series(data, weighted, job.level_prior, draws=self.draws, rng=rng)
        fitted = FittedSeries(
            posterior=posterior, theta_prior=job.theta_prior, level_prior=job.level_prior, pool_regions=0
        )
        whole = Posterior(fits=(fitted,), origin=data.origin, seed=self.seed, engine="laplace")
        published = whole.forecast(range(data.origin + 1, data.origin + self.horizon + 1))[PUBLISHED]
        drawn = published.isel({SCENARIO: 0, CHAIN: 0, SERIES: 0}).transpose(YEAR, DRAW).values
        figures = np.rint(np.ascontiguousarray(drawn) * 10.0 ** printed_decimals(data))
        even = np.full(self.draws, 1.0 / self.draws)
        gates = (posterior.pareto_k, posterior.theta_effective, float(self.draws))
        return self._counted(data, figures, even, thresholds, "careful", gates)

    def _counted(
        self,
        data: SeriesData,
        figures: Floats,
        weights: Floats,
        thresholds: Sequence[Threshold],
        way: Way,
        gates: tuple[float, float, float],
    ) -> Answer:
        quantiles, p = np.empty((self.horizon, self.levels.size)), np.empty(len(thresholds))
        count_figures(
            figures,
            weights,
            10.0 ** printed_decimals(data),
            self.levels,
            np.array([one.horizon - 1 for one in thresholds], dtype=np.int64),
            np.array([one.level for one in thresholds], dtype=float),
            np.array([one.comparator == "<=" for one in thresholds], dtype=np.bool_),
            quantiles,
            p,
        )
        return Answer(quantiles, p, way, *gates)
