r"""Why a target fails, from the draws: what the failing ones have in common.

Each failing draw is put down to the first of five causes that leaves it short when the draw is built up step by step:

``unpublished`` no figure is published: a scenario in which the series is discontinued
``trend``   the trend alone does not get there, from today's true level at its present pace, were every lever of the
            scenario to do at least its mean effect
``lever``   the true level falls short, and would not if no lever did less than its mean effect
``shock``   the true level falls short because of the shocks of the years on the way
``noise``   the true level meets the target and the published figure does not: year noise, sampling, rounding

The shares of the five add up to one. The sentence names the largest.

Events. That nothing happens has no level that falls short, as a rate is never zero. With the rates :math:`\lambda_t` of
the years that no published number has settled, none in all of them has the chance :math:`e^{-\sum_t \lambda_t}`. The
true rate "gets there" where that is at least one half, :math:`\sum_t \lambda_t \le \log 2`, and no event is published:
a draw that fails all the same fails by chance (``noise``). A figure that counts nothing (a share, an index) gets there
where it would print as zero in every year.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qsim.feasibility.draws import ForecastDraws, reference_of
from qsim.feasibility.events import Bools, Draws, Floats, is_flow, is_met, margins, wants_high
from qsim.feasibility.records import Cause, Why
from qsim.inference.fit import FittedSeries
from qsim.plans.targets import Target, ZeroTarget
from qsim.vocabulary import PUBLISHED, RATE


@dataclass(frozen=True, eq=False)
class Explainer:
    """Explains failing draws of targets of one forecast."""

    draws: ForecastDraws
    fits: Mapping[str, FittedSeries]
    """Fits by label of the series."""
    origin: int

    def why(self, target: Target, scenario: str, label: str, print_step: float) -> Why | None:
        """What the failing draws of a target have in common.

        None where none fails, and where nothing is known of the fit.
        """
        fit = self.fits.get(label)
        if fit is None:
            return None
        published = self.draws.of(scenario, label, PUBLISHED)
        flow = is_flow(fit.data.indicator)

        def by_year(own: Draws, variable: str, step: float) -> Floats:
            if isinstance(target, ZeroTarget) and variable == RATE:
                return _none_likelier(target, own, fit)
            reference = reference_of(self.draws, target, scenario, label, variable)
            return margins(target, own, reference=reference, print_step=step, flow=flow)

        def whole(own: Draws, variable: str, step: float) -> Bools:
            return np.asarray(is_met(target, by_year(own, variable, step)).all(axis=-1))

        printed = by_year(published, PUBLISHED, 0.0)
        fails = np.asarray(~is_met(target, printed).all(axis=-1))
        if not fails.any():
            return None
        silent = np.asarray(np.isnan(printed).any(axis=-1))
        true = self.draws.of(scenario, label, RATE)
        effect = self._effect(scenario, label, fit)
        working = _at_least_mean(effect, target)
        at_trend = whole(self._with_future(true, fit, self._trend(fit) + working), RATE, print_step)
        at_true = whole(true, RATE, print_step)
        base = fit.data.link.to_link(self.draws.of(self.draws.scenarios[0], label, RATE).values)
        helped = whole(self._with_future(true, fit, base + working), RATE, print_step)
        shares = _shares(fails, silent, at_trend, at_true, helped if np.any(effect) else np.zeros_like(fails))
        cause, share = max(shares, key=lambda entry: entry[1])
        return Why(cause=cause, share=share, shares=shares)

    def _effect(self, scenario: str, label: str, fit: FittedSeries) -> Floats:
        """What the scenario adds to the true level, dims (draw, year). [link scale]"""
        base = self.draws.of(self.draws.scenarios[0], label, RATE).values
        own = self.draws.of(scenario, label, RATE).values
        if own is base or np.array_equal(own, base, equal_nan=True):
            return np.zeros_like(base)
        with np.errstate(invalid="ignore"):
            effect = fit.data.link.to_link(own) - fit.data.link.to_link(base)
        return np.where(np.isfinite(effect), effect, 0.0)

    def _trend(self, fit: FittedSeries) -> Floats:
        """Level without shocks from the origin on, dims (draw, year); NaN in the past. [link scale]"""
        posterior, years = fit.posterior, self.draws.years
        ahead = posterior.ahead(np.zeros((len(posterior.slope), max(years[-1] - self.origin, 0), 2)))
        path = np.full((len(ahead), len(years)), np.nan)
        for place, year in enumerate(years):
            if year > self.origin:
                path[:, place] = ahead[:, year - self.origin - 1]
        return path

    def _with_future(self, true: Draws, fit: FittedSeries, link_level: Floats) -> Draws:
        """Draws whose years after the origin are replaced."""
        later = np.array([year > self.origin for year in self.draws.years])
        values = true.values.copy()
        values[:, later] = fit.data.link.to_figure(link_level[:, later])
        return Draws(values, self.draws.years)


def _none_likelier(target: ZeroTarget, own: Draws, fit: FittedSeries) -> Floats:
    """By how much true rates make no event likelier than one (see the module), dims (draw, 1)."""
    data = fit.data
    known = dict(zip(data.year.tolist(), data.printed.tolist(), strict=True))
    settled = {
        year: np.inf if known[year] > 0.0 else 0.0 for year in target.years if np.isfinite(known.get(year, np.nan))
    }
    rates = np.stack(
        [np.full(len(own.values), settled[year]) if year in settled else own.at(year) for year in target.years], axis=-1
    )
    if is_flow(data.indicator):
        return np.asarray(np.log(2.0) - rates.sum(axis=-1, keepdims=True))
    return np.asarray(0.5 * 10.0**-data.decimals - rates.max(axis=-1, keepdims=True))


def _at_least_mean(effect: Floats, target: Target) -> Floats:
    """Effects of which none helps less than the mean of its year."""
    mean = effect.mean(axis=0)
    return np.asarray(np.maximum(effect, mean) if wants_high(target) else np.minimum(effect, mean))


def _shares(
    fails: Bools, silent: Bools, at_trend: Bools, at_true: Bools, helped: Bools
) -> tuple[tuple[Cause, float], ...]:
    short = fails & ~silent
    by_trend = short & ~at_trend
    by_lever = short & at_trend & ~at_true & helped
    by_shock = short & at_trend & ~at_true & ~helped
    by_noise = short & at_trend & at_true
    count = float(fails.sum())
    found: tuple[tuple[Cause, Bools], ...] = (
        ("unpublished", fails & silent),
        ("trend", by_trend),
        ("lever", by_lever),
        ("shock", by_shock),
        ("noise", by_noise),
    )
    return tuple((cause, float(some.sum()) / count) for cause, some in found)
