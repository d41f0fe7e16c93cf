"""How far a probability moves under other assumptions: narrower and wider priors, the newest figure left out."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from qsim.feasibility.chance import Chances
from qsim.feasibility.draws import ForecastDraws
from qsim.feasibility.records import Sensitivity
from qsim.feasibility.refit import refit, without_newest
from qsim.forecast.posterior import Posterior, with_fits
from qsim.inference.fit import Engine, FittedSeries
from qsim.plans.targets import Target

NARROW, WIDE = 0.5, 2.0
"""Factors on the scales of the prior. [1]"""

_WORKERS = 2

Asked = tuple[Target, str]
"""A target and the label of its series."""


def sensitivities(
    posterior: Posterior,
    asked: Sequence[Asked],
    years: Sequence[int],
    chances: Callable[[ForecastDraws], Chances],
    *,
    base: Sequence[float],
    engine: Engine | None = None,
) -> tuple[Sensitivity, ...]:
    """Probabilities of whole statements without levers, under each other assumption.

    Every series is fitted again with the random numbers it had, so that a difference is the assumption.

    Parameters
    ----------
    years : sequence of int
        Years the statements need.
    chances : callable
        Gives the chances of a forecast.
    base : sequence of float
        Probability of each statement as it is. [1]
    engine : {"laplace", "nuts"}, optional
        Another engine to compare with, slow if it is NUTS.
    """
    draws = posterior.fits[0].posterior.slope.size
    if posterior.engine == "nuts" and engine is None:
        engine = "laplace"

    def under(change: Callable[[FittedSeries], FittedSeries]) -> list[float | None]:
        with ThreadPoolExecutor(_WORKERS) as workers:
            moved = with_fits(posterior, tuple(workers.map(change, posterior.fits)))
        # without its newest figure the past of a series may begin later
        within = [year for year in years if year >= moved.past_years[0]]
        if not within:
            return [None] * len(asked)
        other = chances(ForecastDraws(moved.forecast(within)))
        return [other.whole(target, label) for target, label in asked]

    narrow = under(lambda fit: refit(fit, scale=NARROW, draws=draws, seed=posterior.seed))
    wide = under(lambda fit: refit(fit, scale=WIDE, draws=draws, seed=posterior.seed))
    # the figures of a reference stay: without its only one a province would be any province
    own = {label for _, label in asked}
    newest = under(lambda fit: _drop(fit, draws, posterior.seed) if fit.data.label in own else fit)
    another = [None] * len(asked) if engine is None else under(lambda fit: _other(fit, draws, posterior.seed, engine))
    known = {fit.data.label: bool(fit.data.year.size) for fit in posterior.fits}
    return tuple(
        Sensitivity(
            base=base[place],
            narrow_prior=narrow[place],
            wide_prior=wide[place],
            without_newest=newest[place] if known[label] else None,
            other_engine=another[place],
        )
        for place, (_, label) in enumerate(asked)
    )


def _drop(fit: FittedSeries, draws: int, seed: int) -> FittedSeries:
    return refit(fit, data=without_newest(fit.data), draws=draws, seed=seed) if fit.data.year.size else fit


def _other(fit: FittedSeries, draws: int, seed: int, engine: Engine) -> FittedSeries:
    return refit(fit, draws=draws, seed=seed, engine=engine)
