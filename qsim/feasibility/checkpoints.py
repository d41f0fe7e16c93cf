r"""Checkpoints: the figure of a year on the way below which a target becomes doubtful.

Given theta and the state at the origin the years up to that of the figure are Gaussian on the link scale, so the figure
is conditioned on exactly, draw by draw. With :math:`r(n) = \sum_{i=0}^{n} \kappa^{n-i} \rho^i` and
:math:`q(k) = \sum_{i<k} \kappa^i` the level k years on has

.. math::

    m_k = \kappa^k level + q(k) s \mu + \rho\, r(k-1)\, d, \qquad
    c_{k,h} = \sum_{j=1}^{\min(k,h)} [\sigma_s^2\, r(k-j)\, r(h-j) + \sigma_l^2 \kappa^{k+h-2j}],

and a figure :math:`y` of the year h, on the link scale, has variance :math:`S = c_{hh} + R` around :math:`m_h`, where R
is year noise, sampling at the usual size and rounding. A path :math:`\ell^*, y^*` drawn without it becomes a path given
it by Matheron's rule, :math:`\ell_k = \ell^*_k + c_{k,h} (y - y^*) / S`, and the draw counts with weight
:math:`N(y; m_h, S)`: that is what the figure says about theta and the state at the origin. Where the figure is a count,
the weight is multiplied by the ratio of its binomial or Poisson likelihood to the normal law that stands for it.

Shocks and year noise are normal up to the year of the figure and Student t after it, as they would be in a fit that has
the figure: a fit takes the years of its past as normal (:func:`qsim.model.trend.shock_widths`).

A line is a printable figure. With :math:`P(y)` the chance given the figure y and u its last printed digit, the line of
a bound b is, where high is better, an X with :math:`P(X) \ge b` and :math:`P(X - u) < b`: bisection finds it between
the first two neighbours on a coarse grid, from the worst figure on, of which one is under b and the next is not.
Nothing is interpolated: where a year fails by itself below a required level, P jumps there and no line is below it.

Source: Rasmussen & Williams (2006), sec. 2.2; Matheron's rule: Wilson et al. (2021), JMLR 22(105); mirror images:
Owen (2013), Monte Carlo theory, methods and examples, sec. 8.2.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qsim.feasibility.events import COUNTED, Bools, Draws, Floats
from qsim.feasibility.records import Checkpoint
from qsim.forecast.drivers import Drivers
from qsim.forecast.published import publish, usual_trials
from qsim.inference.fit import FittedSeries, stream
from qsim.inference.innovations import outlook
from qsim.inference.psis import effective_count
from qsim.model.series import SeriesData
from qsim.model.trend import propagate, shock_widths

_GRID: Final = 13
"""Figures looked at first, between the two quantiles below; bisection follows between two of them. [1]"""

_TAIL: Final = 0.005
"""Figures that come with less probability than this on either side are not looked at. [1]"""

_LEAST_DRAWS: Final = 100.0
"""Fewest effective draws that answer for a figure. [1]"""

_REPEATS: Final = 4
"""Futures drawn for each posterior draw, an even number, half of them mirror images of the others: makes the error of a
chance small beside two points. [1]"""

HALF, FIFTH = 0.5, 0.2
"""Probabilities under which a target is doubtful, and unlikely. [1]"""


@dataclass(frozen=True, eq=False)
class Ahead:
    """Everything random about the future of one series, without levers: drawn once, for every figure looked at."""

    data: SeriesData
    theta: Floats
    """Posterior draws, repeated, dims (draw, 5)."""
    state: Floats
    """Level and slope of the last year of the past, dims (draw, 2). [link scale]"""
    years: tuple[int, ...]
    """Years after the origin, to the last one."""
    drivers: Drivers
    """Random numbers of these years, as a forecast takes them."""
    error: Floats
    """Sampling error of the figure conditioned on, in sds, dims (draw)."""

    @classmethod
    def of(cls, fit: FittedSeries, last_year: int, seed: int) -> "Ahead":
        """Draw the randomness of the years after the origin."""
        posterior, years = fit.posterior, tuple(range(fit.data.origin + 1, last_year + 1))
        state = np.column_stack([posterior.level[:, -1], posterior.slope])
        half = _REPEATS // 2 * len(state)
        rng = stream(seed, fit.data.label, "checkpoints")

        def mirrored(*shape: int) -> Floats:
            drawn = rng.standard_normal((half, *shape))
            return np.concatenate([drawn, -drawn])

        widths = np.stack([shock_widths(rng, half) for _ in years], axis=1)
        return cls(
            data=fit.data,
            theta=np.tile(posterior.theta, (_REPEATS, 1)),
            state=np.tile(state, (_REPEATS, 1)),
            years=years,
            drivers=Drivers(
                first_year=fit.data.origin + 1,
                normals=mirrored(len(years), 2),
                noise=mirrored(len(years)),
                widths=np.concatenate([widths, widths]),
                scores=mirrored(len(years)),
            ),
            error=mirrored(),
        )

    def given(self, year: int, figures: Floats, wanted: Container[int]) -> tuple[Floats, Floats]:
        """Published figures and weights given a figure of a year.

        Parameters
        ----------
        figures : array, dims (figure)
            Figures looked at. [unit]
        wanted : container of int
            Years whose published figures are looked at.

        Returns
        -------
        published : array, dims (figure, draw, year)
            Every year after the origin, NaN where it is not wanted; the year itself holds the figure. [unit]
        weights : array, dims (figure, draw)
            Sum 1 over draws.
        """
        return self.before(year).given(figures, wanted)

    def before(self, year: int) -> "Before":
        """What is the same for every figure of a year: computed once, for all that are looked at."""
        at, (level, slope) = self.years.index(year), self.state.T
        # normal up to the year of the figure, heavy after it
        widths = np.where(np.arange(len(self.years)) > at, self.drivers.widths, 1.0)
        random = replace(self.drivers, widths=widths)
        drift, kept = self.data.sign * self.theta[:, 4], self.data.kept
        covariance = _covariance(self.theta, kept, len(self.years), at)
        return Before(
            ahead=self,
            at=at,
            level=propagate(self.theta, kept, level, slope, drift, random.shocks()),
            noise=self.theta[:, 3:4] * random.year_noise(),
            covariance=covariance,
            mean=outlook(level, slope, self.theta[:, 2], drift, kept, at + 1),
            own=covariance[:, at] + self.theta[:, 3] ** 2,
        )

    def repeated(self, draws: Draws) -> Draws:
        """Posterior draws of something else, laid beside the futures drawn from each."""
        return Draws(np.tile(draws.values, (_REPEATS, 1)), draws.years)


@dataclass(frozen=True, eq=False)
class Before:
    """The future of one series before a figure of one year is known."""

    ahead: Ahead
    at: int
    """Place of the year of the figure among the years ahead."""
    level: Floats
    """Levels drawn, dims (draw, year). [link scale]"""
    noise: Floats
    """Year noise drawn, dims (draw, year). [link scale]"""
    covariance: Floats
    """Covariance of every level with that of the year, dims (draw, year)."""
    mean: Floats
    """Mean level of the year given theta and the state, dims (draw). [link scale]"""
    own: Floats
    """Variance of level and year noise of the year given theta and the state, dims (draw)."""

    def given(self, figures: Floats, wanted: Container[int]) -> tuple[Floats, Floats]:
        """Published figures and weights given figures of the year: see :meth:`Ahead.given`."""
        ahead, data = self.ahead, self.ahead.data
        seen, variance = _seen(data, figures)
        latent = self.level[:, self.at] + self.noise[:, self.at]
        total = self.own + variance[:, None]
        pull = (seen[:, None] - latent - np.sqrt(variance)[:, None] * ahead.error) / total
        off = seen[:, None] - self.mean
        log_weights = -0.5 * (off**2 / total + np.log(total))
        log_weights += _departure(data, figures, latent + pull * self.own, seen, variance)
        weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        published = np.full((*weights.shape, len(ahead.years)), np.nan)
        published[:, :, self.at] = figures[:, None]
        for place, other in enumerate(ahead.years):
            if place != self.at and other in wanted:
                eta = self.level[:, place] + pull * self.covariance[:, place] + self.noise[:, place]
                chance = np.broadcast_to(ahead.drivers.scores[:, place], eta.shape)
                published[:, :, place] = publish(data, eta, chance)
        return published, weights


def checkpoint(
    ahead: Ahead,
    year: int,
    likely: Floats,
    meets: Callable[[Draws], Bools],
    *,
    wanted: Container[int],
    high: bool,
    decimals: int,
) -> Checkpoint | None:
    """Find the figures of a year beyond which the chance of a target falls under 50 and 20 %.

    None where no figure leaves enough effective draws.

    Parameters
    ----------
    likely : array, dims (draw)
        Draws of that year's published figure: where figures are looked for. [unit]
    meets : callable
        Whether published figures of the years after the origin, dims (figure, draw, year), meet the whole statement.
    wanted : container of int
        Years that ``meets`` looks at.
    high : bool
        Whether a higher figure helps.
    decimals : int
        Decimals printed.
    """
    before, scale = ahead.before(year), 10.0**decimals

    def looked_at(figures: Floats) -> tuple[Floats, Floats]:
        published, weights = before.given(figures, wanted)
        return (weights * meets(Draws(published, ahead.years))).sum(axis=1), weights

    def reaches(digits: int, bound: float) -> bool:
        chances, _ = looked_at(np.array([digits / scale]))
        return bool(chances[0] >= bound)

    figures = _grid(ahead, likely, decimals)
    chances, weights = looked_at(figures)
    # repeats of a posterior draw share its state: they do not count as draws of their own
    enough = np.array([effective_count(row) >= _REPEATS * _LEAST_DRAWS for row in weights])
    if not enough.any():
        return None
    figures, chances = figures[enough], chances[enough]
    if not high:
        figures, chances = figures[::-1], chances[::-1]
    digits = np.rint(figures * scale).astype(int)
    fifth, half = (_line(digits, chances, bound, reaches) for bound in (FIFTH, HALF))
    return Checkpoint(
        year=year,
        half=None if half is None else half / scale,
        fifth=None if fifth is None else fifth / scale,
        p_worst=float(chances[0]),
        p_best=float(chances[-1]),
    )


def _seen(data: SeriesData, figures: Floats) -> tuple[Floats, Floats]:
    """Figures on the link scale and their variance from sampling and rounding there, dims (figure)."""
    family, link, whole = data.indicator.family, data.link, _whole(data)
    half = 0.5 * 10.0 ** -(0 if family in COUNTED else data.decimals)
    inside = np.clip(figures, half, link.unit - half) if link.name == "logit" else figures
    inside = np.maximum(inside, half) if link.name == "log" else inside
    width = 2.0 * half / link.slope(link.to_link(inside))
    variance = width**2 / 12.0
    trials = usual_trials(data)
    if family in ("rate", "days") and trials is not None:
        # the middle of a count as the fit takes it: never 0 or 1
        share = (inside / whole * trials + 0.5) / (trials + 1.0)
        return np.log(share / (1.0 - share)), 1.0 / (trials * share * (1.0 - share))
    if family in ("count", "events"):
        return np.log(figures + 0.5), 1.0 / (figures + 0.5)
    return link.to_link(inside), variance


def _whole(data: SeriesData) -> float:
    """Figure of a sample in which every trial succeeds. [unit]"""
    return data.link.unit / data.limit


def _departure(data: SeriesData, figures: Floats, eta: Floats, seen: Floats, variance: Floats) -> Floats:
    """Log ratio of the likelihood of a count to the normal law that stands for it, dims (figure, draw).

    It makes the weights exact for few trials; where no count is known the normal law is the likelihood.
    """
    trials, family = usual_trials(data), data.indicator.family
    if family in ("rate", "days") and trials is not None:
        counts = np.round(figures / _whole(data) * trials)[:, None]
        exact = counts * eta - trials * np.logaddexp(0.0, eta)
    elif family in ("count", "events"):
        exact = figures[:, None] * eta - np.exp(eta)
    else:
        return np.zeros_like(eta)
    return np.asarray(exact + 0.5 * (seen[:, None] - eta) ** 2 / variance[:, None])


def _covariance(theta: Floats, kept: float, years: int, at: int) -> Floats:
    """Covariance of each year's level with the level of year ``at``, given theta and the state, dims (draw, year)."""
    # what a shock to the slope, and one to the level, moves the level by after so many years
    slopes, reach, stays = np.ones(len(theta)), np.ones((years, len(theta))), kept ** np.arange(years)
    for year in range(1, years):
        slopes = slopes * theta[:, 2]
        reach[year] = kept * reach[year - 1] + slopes
    result = np.empty((len(theta), years))
    for place in range(years):
        first = min(place, at)
        by_slope = sum(reach[place - j] * reach[at - j] for j in range(first + 1))
        by_level = sum(stays[place - j] * stays[at - j] for j in range(first + 1))
        result[:, place] = theta[:, 1] ** 2 * by_slope + theta[:, 0] ** 2 * by_level
    return result


def _grid(ahead: Ahead, likely: Floats, decimals: int) -> Floats:
    """Printable figures spread evenly on the link scale between two quantiles of what may come, ascending."""
    link = ahead.data.link
    ends = np.quantile(likely, [_TAIL, 1.0 - _TAIL])
    half = 0.5 * 10.0**-decimals
    if link.name == "logit":
        ends = np.clip(ends, half, link.unit - half)
    elif link.name == "log":
        ends = np.maximum(ends, half)
    low, high = link.to_link(ends).tolist()
    return np.unique(np.round(link.to_figure(np.linspace(low, high, _GRID)), decimals))


def _line(digits: NDArray[np.int_], chances: Floats, bound: float, reaches: Callable[[int, float], bool]) -> int | None:
    """First figure, from the worst one on, whose chance reaches a bound; None where there is no such figure.

    Parameters
    ----------
    digits, chances : array, dims (figure)
        Figures of the grid from the worst to the best, and their chances. [last printed digit], [1]
    reaches : callable
        Whether the chance given a figure between two of the grid reaches a bound.
    """
    reached = np.flatnonzero(chances >= bound)
    if not reached.size or reached[0] == 0:
        return None
    under, over = int(digits[reached[0] - 1]), int(digits[reached[0]])
    while abs(over - under) > 1:
        middle = (under + over) // 2
        under, over = (under, middle) if reaches(middle, bound) else (middle, over)
    return over
