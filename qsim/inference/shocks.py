r"""Common shocks: the correlation between series of what a year brings, and draws that move together.

Prior. A year's shock of a series, of unit variance and positive towards the better side, is taken as a sum of
independent parts: one for all series, one for the category, one for the indicator, one for the region, and its own.
With shares :math:`a` (``shares.yaml``, with their origin) two series have the prior correlation

.. math:: R^0_{sr} = a_{all} + a_{cat} 1[c_s = c_r] + a_{ind} 1[i_s = i_r] + a_{reg} 1[g_s = g_r],

positive definite because shares are not negative and sum to less than 1.

Years. With the scores z of the years T that both series have (:mod:`qsim.inference.innovations`),

.. math::
    R_{sr} = \frac{n_0 R^0_{sr} + \sum_{t \in T} z_{st} z_{rt}}
                  {\sqrt{(n_0 + \sum_{t \in T} z_{st}^2)(n_0 + \sum_{t \in T} z_{rt}^2)}},

the prior counting as :math:`n_0` years: the scale of the inverse-Wishart posterior of a normal law's covariance, as a
correlation. Without a common year it is the prior. :math:`R` is positive definite where all series share their years;
where they do not, it is drawn towards :math:`R^0` as a whole, by the least of twenty equal steps that leaves no
eigenvalue below :data:`SMALLEST_EIGENVALUE`.

Draws. A Gaussian copula: independent standard normals of the series, of the parts they have in common and of the years
they have scores of, with loadings :math:`z_{st} / (n_0 + \sum_t z_{st}^2)^{1/2}`, become scores
(:mod:`qsim.inference.factors`) of the correlation

.. math:: K_{sr} = R^0_{sr} + \frac{\sum_{t \in T} z_{st} z_{rt}}
                                 {\sqrt{(n_0 + \sum_t z_{st}^2)(n_0 + \sum_t z_{rt}^2)}},

which is R for two series without a common year, and near it for others: it differs by what the years took off
:math:`R^0`, and by the years that only one of the two has. Shocks and year noise are moved on from K to R. Current
states stay at K: two neighbours in the order of states have theta of their own, and a score moved by a hair would deal
them anew. What is not normal (states, the width of a heavy-tailed year) keeps its own values and is put into the order
of the scores. So a series keeps its marginal law.

Company. The order of series changes nothing. A series that shares its years with none has the same draws whichever
others there are, so that every probability of it alone is the same number. Where years are shared, the shocks of a
series depend on those it shares them with as far as R departs from K: random numbers of each series for itself have the
correlations of a K that is positive definite whatever the series, and R, made pair by pair, need not be.

Source: Gelman et al. (2013), Bayesian data analysis, sec. 3.6; Iman and Conover (1982), doi:10.1080/03610918208812265
(draws put into the order of correlated scores); Nelsen (2006), An introduction to copulas, ch. 2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from qsim.inference.factors import Loadings, correlation_of, loadings_of, with_factors
from qsim.inference.fit import FittedSeries, stream
from qsim.inference.innovations import Innovations, innovations, outlook
from qsim.inference.laplace import SeriesPosterior
from qsim.model.series import SeriesData
from qsim.model.shares import ShockShares, default_shares

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALLEST_EIGENVALUE: Final = 1e-6
"""Least eigenvalue of a correlation matrix. [1]"""

OWN_SHARE: Final = 0.05
"""Least share of a shock's variance that factors leave to the series alone. [1]"""

_THETA_DRAWS: Final = 64
"""Draws of theta that the scores of the years are averaged over."""

_STEPS: Final = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class CommonShocks:
    """How the shocks of the series of a fit move together."""

    correlation: Floats
    """Of the shocks on the scale of the figures, positive definite, dims (series, series). [1]"""
    prior: Floats
    """The same from the shares alone, dims (series, series). [1]"""
    overlap: Ints
    """Years that both series have a score of, dims (series, series); 0 says that the prior is all there is."""
    loadings: tuple[Loadings, ...]
    """Factors of each series; their correlation is ``prior``."""
    years: tuple[Loadings, ...]
    """Further factors of each series: the years it has a score of."""
    shock_share: Floats
    """Share of each current state's variance that common shocks can cause, dims (series). [1]"""

    @classmethod
    def none(cls, series: int) -> "CommonShocks":
        """Series whose shocks have nothing in common."""
        alone, nothing = np.eye(series), np.zeros((series, series), dtype=np.int64)
        return cls(
            correlation=alone,
            prior=alone,
            overlap=nothing,
            loadings=({},) * series,
            years=({},) * series,
            shock_share=np.zeros(series),
        )

    @property
    def factors(self) -> tuple[Loadings, ...]:
        """All factors of each series."""
        return tuple({**own, **years} for own, years in zip(self.loadings, self.years, strict=True))

    def of(self, places: Sequence[int] | Ints) -> "CommonShocks":
        """The same of some series, in another order."""
        chosen = [int(place) for place in places]
        square = np.ix_(chosen, chosen)
        return CommonShocks(
            correlation=self.correlation[square],
            prior=self.prior[square],
            overlap=self.overlap[square],
            loadings=tuple(self.loadings[place] for place in chosen),
            years=tuple(self.years[place] for place in chosen),
            shock_share=self.shock_share[chosen],
        )


def shocks_of(fits: Sequence[FittedSeries], shares: ShockShares | None = None) -> CommonShocks:
    """Correlation of the shocks of fitted series.

    Parameters
    ----------
    shares : ShockShares, optional
        The shipped ones if not given.
    """
    chosen = shares if shares is not None else default_shares()
    found = [_innovations(fit) for fit in fits]
    loadings = tuple(loadings_of(fit.data, chosen) for fit in fits)
    prior = correlation_of(loadings)
    correlation, overlap = shrunk_correlation(found, prior, chosen.prior_years)
    share = np.array([one.shock_share for one in found])
    return CommonShocks(
        correlation=correlation,
        prior=prior,
        overlap=overlap,
        loadings=loadings,
        years=tuple(map(year_loadings, found, loadings, repeat(chosen.prior_years))),
        shock_share=share,
    )


def year_loadings(found: Innovations, shared: Loadings, prior_years: float) -> Loadings:
    """Loadings of a series on the years it has a score of (see the module), within what other factors leave."""
    total = float(np.square(found.score).sum())
    left = 1.0 - OWN_SHARE - sum(loading**2 for loading in shared.values())
    size = np.sqrt(min(1.0 / (prior_years + total), left / total)) if total > 0.0 and left > 0.0 else 0.0
    return {f"year {year}": float(size * score) for year, score in zip(found.year, found.score, strict=True)}


def prior_correlation(series: Sequence[SeriesData], shares: ShockShares) -> Floats:
    """Correlation of shocks by what series have in common, on the scale of the figures, dims (series, series)."""
    return correlation_of([loadings_of(one, shares) for one in series])


def shrunk_correlation(found: Sequence[Innovations], prior: Floats, prior_years: float) -> tuple[Floats, Ints]:
    """Correlation from the common years and a prior of more than 0 years (see the module), and how many those are.

    Adding a series leaves the others' correlations as they are, unless the whole matrix has to be drawn to the prior.

    Returns
    -------
    tuple of arrays, dims (series, series) each
    """
    years = np.unique(np.concatenate([one.year for one in found])) if found else np.empty(0, dtype=np.int64)
    score, known = np.zeros((len(found), years.size)), np.zeros((len(found), years.size))
    for number, one in enumerate(found):
        at = np.searchsorted(years, one.year)
        score[number, at], known[number, at] = one.score, 1.0
    overlap = (known @ known.T).astype(np.int64)
    own = prior_years + np.square(score) @ known.T
    pairwise = (prior_years * prior + score @ score.T) / np.sqrt(own * own.T)
    # the same number, not one that differs in its last digit: such series stay as they are
    pairwise = np.where(overlap > 0, pairwise, prior)
    np.fill_diagonal(pairwise, 1.0)
    return _definite(pairwise, prior), overlap


def _definite(matrix: Floats, safe: Floats) -> Floats:
    """The matrix, drawn towards a positive definite one as far as it must be."""
    for step in range(_STEPS):
        mixed = safe + (1.0 - step / _STEPS) * (matrix - safe) if step else matrix
        if _is_definite(mixed):
            return np.asarray(mixed)
    return safe


def _is_definite(matrix: Floats) -> bool:
    try:
        np.linalg.cholesky(matrix - SMALLEST_EIGENVALUE * np.eye(len(matrix)))
    except np.linalg.LinAlgError:
        return False
    return True


def mixed_values(values: Floats, mix: Callable[[Floats], Floats]) -> Floats:
    """The numbers of each series in another order, so that series move together, dims (series, draw).

    Parameters
    ----------
    values : array, dims (series, draw)
        Independent between series.
    mix : callable
        Makes the normal scores of the values' ranks move together, dims (series, draw). Scores that stay as they are
        leave every order.
    """
    draws = values.shape[1]
    order = np.argsort(values, axis=1, kind="stable")
    scores = mix(ndtri((np.arange(draws) + 0.5) / draws)[_ranks(order)])
    moved = np.empty_like(values)
    np.put_along_axis(
        moved, np.argsort(scores, axis=1, kind="stable"), np.take_along_axis(values, order, axis=1), axis=1
    )
    return moved


def paired_order(values: Floats, scores: Floats) -> Ints:
    """Places that put the draws of each series into the order of scores, both of dims (series, draw).

    ``values[s, places[s]]`` holds the same numbers, the smallest where the score is smallest. What has been put into
    that order stays in it.
    """
    order, wanted = (np.argsort(one, axis=1, kind="stable") for one in (values, scores))
    return np.asarray(np.take_along_axis(order, _ranks(wanted), axis=1))


def _ranks(order: Ints) -> Ints:
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
    return ranks


def pair_draws(fits: Sequence[FittedSeries], shocks: CommonShocks, seed: int) -> tuple[FittedSeries, ...]:
    """Fits whose draws of the current state move together: the draws of each, whole, in another order.

    What common shocks did not cause stays independent: two states correlate by :math:`K_{sr} (h_s h_r)^{1/2}`, where
    :math:`h` is the share of a state's variance from common shocks. The order of the draws that come does not matter:
    fits that are paired already stay as they are, and one fitted again takes the place of the old one, low for low.
    """
    state = np.array([_outlook(fit) for fit in fits])
    loadings = [
        {name: loading * part for name, loading in own.items()}
        for own, part in zip(shocks.factors, np.sqrt(shocks.shock_share).tolist(), strict=True)
    ]

    @cache
    def of(name: str) -> Floats:
        return stream(seed, name, "state").standard_normal((state.shape[1],))

    scores = with_factors(np.stack([of(fit.data.label) for fit in fits]), loadings, of)
    return tuple(
        replace(fit, posterior=_reordered(fit.posterior, order))
        for fit, order in zip(fits, paired_order(state, scores), strict=True)
    )


def _outlook(fit: FittedSeries) -> Floats:
    theta, posterior = fit.posterior.theta, fit.posterior
    return outlook(posterior.level[:, -1], posterior.slope, theta[:, 2], posterior.drift, fit.data.kept)


def _innovations(fit: FittedSeries) -> Innovations:
    theta = fit.posterior.theta
    chosen = np.linspace(0, len(theta) - 1, min(_THETA_DRAWS, len(theta))).astype(np.int64)
    return innovations(fit.data, fit.level_prior, theta[chosen])


def _reordered(posterior: SeriesPosterior, order: Ints) -> SeriesPosterior:
    """The same draws in another order: theta, path, slope and whatever else a draw has stay together."""
    values = {field.name: getattr(posterior, field.name) for field in fields(posterior)}
    moved: dict[str, Any] = {
        name: value[order] for name, value in values.items() if isinstance(value, np.ndarray) and len(value)
    }
    return replace(posterior, **moved)
